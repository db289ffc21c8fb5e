//! Counts of values in buckets that widen with the values: eight for each doubling.
//!
//! A bucket is at most an eighth as wide as its least value, and below 16 each value has its own.
//! Buckets are found by shifts and masks, so that every machine finds the same; and counts add up
//! whatever the order, so that histograms of parts are merged into that of the whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Buckets of a doubling, as a power of two.
const SHIFT: u32 = 3;
const PER_DOUBLING: u64 = 1 << SHIFT;

/// How many values fell into which bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u16, u32)>", into = "Vec<(u16, u32)>")]
pub struct Histogram {
    counts: BTreeMap<u16, u32>,
    total: u32,
}

impl From<Vec<(u16, u32)>> for Histogram {
    fn from(counts: Vec<(u16, u32)>) -> Self {
        let mut histogram = Self::default();
        for (bucket, count) in counts {
            histogram.add_to(bucket.min(LAST), count);
        }
        histogram
    }
}

impl From<Histogram> for Vec<(u16, u32)> {
    fn from(histogram: Histogram) -> Self {
        histogram.counts.into_iter().collect()
    }
}

/// The last bucket, that of the greatest `u64`.
const LAST: u16 = 495;

/// The bucket of a value.
#[must_use]
pub fn bucket_of(value: u64) -> u16 {
    let Some(doublings) = value.checked_ilog2().filter(|log| *log >= SHIFT) else {
        return narrow(value);
    };
    let beyond = u64::from(doublings - SHIFT);
    let within = (value >> beyond) - PER_DOUBLING;
    narrow((beyond + 1) * PER_DOUBLING + within)
}

fn narrow(bucket: u64) -> u16 {
    u16::try_from(bucket).unwrap_or(LAST)
}

/// The least value of a bucket, and how many values it takes.
fn bounds(bucket: u16) -> (f64, f64) {
    let bucket = u32::from(bucket);
    let beyond = (bucket >> SHIFT).saturating_sub(1);
    let width = f64::from(beyond).exp2();
    let least = f64::from(bucket - (beyond << SHIFT)) * width;
    (least, width)
}

/// A value on the scale of the buckets, with the part of its bucket behind the point. The scale is
/// linear to 16 and close to a logarithm beyond.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "what a value beyond 2^53 loses is less than a bucket"
)]
pub fn position_of(value: u64) -> f64 {
    let bucket = bucket_of(value);
    let (least, width) = bounds(bucket);
    f64::from(bucket) + ((value as f64 - least) / width).clamp(0.0, 1.0)
}

/// The value at a position.
#[must_use]
pub fn value_at(position: f64) -> f64 {
    let position = position.clamp(0.0, f64::from(LAST) + 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the position is clamped to the buckets"
    )]
    let bucket = position as u16;
    let (least, width) = bounds(bucket);
    least + (position - f64::from(bucket)) * width
}

impl Histogram {
    /// Counts a value.
    pub fn add(&mut self, value: u64) {
        self.add_to(bucket_of(value), 1);
    }

    fn add_to(&mut self, bucket: u16, count: u32) {
        if count > 0 {
            let held = self.counts.entry(bucket).or_default();
            *held = held.saturating_add(count);
            self.total = self.total.saturating_add(count);
        }
    }

    /// Counts what the other has counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.counts {
            self.add_to(*bucket, *count);
        }
    }

    /// Takes away what was merged before.
    pub fn remove(&mut self, other: &Self) {
        for (bucket, count) in &other.counts {
            if let Some(held) = self.counts.get_mut(bucket) {
                let taken = *count.min(held);
                *held -= taken;
                self.total -= taken;
            }
        }
        self.counts.retain(|_, held| *held > 0);
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.total
    }

    /// Whether no more than so many values are in the bucket of this one, or in one above.
    #[must_use]
    pub fn is_among_greatest(&self, value: u64, most: u32) -> bool {
        let mut as_great: u32 = 0;
        // From the top, so that it takes no longer than there are such values.
        for held in self
            .counts
            .range(bucket_of(value)..)
            .rev()
            .map(|(_, held)| held)
        {
            as_great = as_great.saturating_add(*held);
            if as_great > most {
                return false;
            }
        }
        true
    }

    /// The position below which this part of the values is, from 0 to 1. Values are taken to be
    /// spread evenly over their bucket.
    #[must_use]
    pub fn quantile(&self, part: f64) -> f64 {
        let rank = part.clamp(0.0, 1.0) * f64::from(self.total.saturating_sub(1));
        self.at_rank(rank)
    }

    /// The position of the value above which there are so many.
    #[must_use]
    pub fn from_top(&self, above: u32) -> f64 {
        self.at_rank(f64::from(
            self.total.saturating_sub(above.saturating_add(1)),
        ))
    }

    fn at_rank(&self, rank: f64) -> f64 {
        let mut before = 0.0;
        for (bucket, held) in &self.counts {
            let held = f64::from(*held);
            if rank < before + held {
                return within(*bucket, (rank - before + 0.5) / held);
            }
            before += held;
        }
        // No rank is as great as the count; without a value all are nowhere.
        0.0
    }
}

/// The position at which a part of a bucket's values is below.
fn within(bucket: u16, part: f64) -> f64 {
    let (_, width) = bounds(bucket);
    // The greatest value of a bucket is one less than the least of the next.
    f64::from(bucket) + part.clamp(0.0, 1.0) * (width - 1.0) / width
}
