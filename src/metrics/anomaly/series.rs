//! One measure of a definition's tasks: what is usual, and whether a value is not.
//!
//! The baseline is a window of the last values, as histograms in panes: when a pane is full the
//! oldest is dropped. Order statistics of the window are its location and scale, so that a few
//! wild values move neither.
//!
//! **A spike** is a value beyond the window: above all of it (but for one in 1,024), over twice
//! the median, and so far out that a value like it is less likely than one in ten thousand. How
//! likely, the tail of the window tells: on the scale of the buckets, which is close to a
//! logarithm, the tails of most times and sizes are at most exponential, and the median distance
//! of the greatest values from where the tail begins gives its slope.
//!
//! **A shift** is a change of what is usual: evidence is summed up over values that are above nine
//! tenths of the window (see [`super::watch`]). A shift that lasts becomes the baseline.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::finding::{Rule, Usual};
use super::histogram::{Histogram, bucket_of, position_of, value_at};
use super::watch::{Step, Watch};
use super::{MOST, PANES, POINTS_OF_A_PANE, SCORE, WARM_UP};

/// A spike is over so many medians.
const SPIKE_RATIO: f64 = 2.0;
/// A value that speaks for a shift is over so many medians.
const SHIFT_RATIO: f64 = 1.25;
/// One of so many values of the window may be as great as a spike.
const RARE: u32 = 1024;
/// The tail is one of so many values of the window, but no fewer than the second number.
const TAIL: (u32, u32) = (25, 10);
/// The least slope of a tail: values do not lie closer than half a bucket.
const LEAST_SLOPE: f64 = 0.5;
/// How likely a value that is above nine tenths of the window is thought to be without a shift,
/// more than a tenth because the window is a sample, and with one.
const ABOVE: (f64, f64) = (0.15, 0.5);

/// The window of a measure and the evidence for a shift.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Series {
    /// The oldest first; values are counted into the last.
    panes: VecDeque<Histogram>,
    /// All panes together.
    window: Histogram,
    shift: Watch,
}

/// A series without what follows from the rest.
#[derive(Serialize, Deserialize)]
struct Stored {
    panes: VecDeque<Histogram>,
    shift: Watch,
}

impl From<Series> for Stored {
    fn from(series: Series) -> Self {
        Self {
            panes: series.panes,
            shift: series.shift,
        }
    }
}

impl From<Stored> for Series {
    fn from(stored: Stored) -> Self {
        let mut window = Histogram::default();
        for pane in &stored.panes {
            window.merge(pane);
        }
        Self {
            panes: stored.panes,
            window,
            shift: stored.shift,
        }
    }
}

/// What was found out about a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// What it broke.
    pub rule: Rule,
    /// How surely, as a power of ten.
    pub score: f64,
    /// The value from which on it does.
    pub limit: f64,
    /// What was usual until then.
    pub usual: Usual,
}

impl Series {
    /// Takes a value: judges it by what came before, then learns it. `least` is the smallest
    /// difference from the median that anybody cares about.
    pub fn observe(&mut self, value: u64, least: u64) -> Option<Verdict> {
        let verdict = self.judge(value, least);
        self.learn(value);
        verdict
    }

    /// What is usual now; nothing until the window is warm.
    #[must_use]
    pub fn usual(&self) -> Option<Usual> {
        let spread =
            |low, high| value_at(self.window.quantile(high)) - value_at(self.window.quantile(low));
        (self.window.count() >= WARM_UP).then(|| Usual {
            location: self.median(),
            // The distance of the quartiles of a normal distribution is 1.349 deviations.
            scale: spread(0.25, 0.75) / 1.349,
            points: self.window.count(),
        })
    }

    /// Learns what another series of the same measure has learnt, pane by pane from the last, and
    /// keeps its own evidence.
    pub fn merge(&mut self, other: &Self) {
        while self.panes.len() < other.panes.len() {
            self.panes.push_front(Histogram::default());
        }
        for (into, from) in self.panes.iter_mut().rev().zip(other.panes.iter().rev()) {
            into.merge(from);
        }
        self.window.merge(&other.window);
    }

    fn judge(&mut self, value: u64, least: u64) -> Option<Verdict> {
        if self.window.count() < WARM_UP {
            return None;
        }
        let spike = self.spike(value, least);
        let (rule, score, limit) = match self.step(value, least) {
            (Step::Found(score), limit) => (Rule::Shift, score, limit),
            (Step::Quiet, _) if !self.shift.is_on() => {
                let (score, limit) = spike?;
                (Rule::Spike, score, limit)
            }
            (Step::Quiet, _) => return None,
            (Step::Settled, _) => {
                self.forget();
                return None;
            }
        };
        let usual = self.usual()?;
        if rule == Rule::Shift {
            // What comes now may be the next baseline: it has a pane of its own.
            self.turn();
        }
        Some(Verdict {
            rule,
            score,
            limit,
            usual,
        })
    }

    /// The score and the limit of a value that is a spike.
    fn spike(&self, value: u64, least: u64) -> Option<(f64, f64)> {
        let count = self.window.count();
        if !self.window.is_among_greatest(value, (count - 1) / RARE) {
            return None;
        }
        let floor = self.floor(SPIKE_RATIO, least);
        // A window of two modes has its tail in the upper one, however few values that has.
        let tails = [self.tail((count / TAIL.0).max(TAIL.1)), self.tail(TAIL.1)];
        let scores = tails.map(|tail| tail.score(value));
        let score = scores.into_iter().fold(MOST, f64::min);
        let limits = tails.map(|tail| tail.limit());
        let limit = limits.into_iter().fold(floor, f64::max);
        (score >= SCORE && exceeds(value, floor)).then_some((score, limit))
    }

    /// The tail that so many of the greatest values are.
    fn tail(&self, values: u32) -> Tail {
        let (begin, middle) = (
            self.window.from_top(values),
            self.window.from_top(values / 2),
        );
        Tail {
            middle,
            // Half of an exponential tail is within ln 2 slopes of its begin.
            slope: ((middle - begin) / std::f64::consts::LN_2).max(LEAST_SLOPE),
            rarity: -(f64::from(values / 2) / f64::from(self.window.count())).log10(),
        }
    }

    /// One more point of evidence, and the value above which points speak for a shift.
    fn step(&mut self, value: u64, least: u64) -> (Step, f64) {
        let usual = self.window.quantile(0.9);
        let floor = self.floor(SHIFT_RATIO, least);
        let above = f64::from(bucket_of(value)) > usual.floor() && exceeds(value, floor);
        let (before, after) = ABOVE;
        let weight = if above {
            (after / before).log10()
        } else {
            ((1.0 - after) / (1.0 - before)).log10()
        };
        (
            self.shift.step(weight),
            value_at(usual.floor() + 1.0).max(floor),
        )
    }

    fn median(&self) -> f64 {
        value_at(self.window.quantile(0.5))
    }

    #[expect(clippy::cast_precision_loss, reason = "nobody cares about 2^53")]
    fn floor(&self, ratio: f64, least: u64) -> f64 {
        let median = self.median();
        (median * ratio).max(median + least as f64)
    }

    fn learn(&mut self, value: u64) {
        let full = |pane: &Histogram| pane.count() >= POINTS_OF_A_PANE;
        if self.panes.back().is_none_or(full) {
            self.turn();
        }
        if let Some(pane) = self.panes.back_mut() {
            pane.add(value);
            self.window.add(value);
        }
    }

    /// Begins a pane, and drops the oldest if there are too many.
    fn turn(&mut self) {
        self.panes.push_back(Histogram::default());
        while self.panes.len() > PANES
            && let Some(oldest) = self.panes.pop_front()
        {
            self.window.remove(&oldest);
        }
    }

    /// Forgets all but the last pane.
    fn forget(&mut self) {
        let last = self.panes.pop_back().unwrap_or_default();
        self.window = last.clone();
        self.panes = VecDeque::from([last]);
    }
}

/// The greatest values of a window, as an exponential tail on the scale of the buckets.
#[derive(Debug, Clone, Copy)]
struct Tail {
    /// The position above which half of it is.
    middle: f64,
    /// The distance over which it thins out by e.
    slope: f64,
    /// How few values are above the middle, as a power of ten.
    rarity: f64,
}

impl Tail {
    /// How unlikely a value as great as this is, as a power of ten.
    fn score(self, value: u64) -> f64 {
        let slopes = (position_of(value) - self.middle) / self.slope;
        self.rarity + slopes * std::f64::consts::LOG10_E
    }

    /// The value that has the score of a finding.
    fn limit(self) -> f64 {
        let slopes = (SCORE - self.rarity) * std::f64::consts::LN_10;
        value_at(self.middle + slopes * self.slope)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a value is compared with a float"
)]
fn exceeds(value: u64, floor: f64) -> bool {
    value as f64 > floor
}
