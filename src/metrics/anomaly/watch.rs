//! Whether something has changed for a while: a cumulative sum of evidence (Page's CUSUM).
//!
//! Every point weighs for a change or against it, by the logarithm to base ten of how much likelier
//! it is after the change than without. The sum never falls below zero, and one of
//! [`super::SCORE`] is a finding: what came since the sum left zero is ten thousand times likelier
//! after a change. From there to zero it is the same change, and is not found again.
//!
//! A sum that rose as high twice within the window is a habit (a load that comes every day), and
//! is found only when it rises higher.

use serde::{Deserialize, Serialize};

use super::{SCORE, WINDOW};

/// How much higher than a habit a change must be.
const ABOVE_HABIT: f64 = 1.25;
/// Excursions that are remembered.
const REMEMBERED: usize = 4;
/// Points after a finding at which a change that is not over is the new level.
pub const SETTLED: u64 = 128;

/// The evidence for a change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Watch {
    /// Points so far.
    seen: u64,
    /// The sum.
    sum: f64,
    /// The highest sum of this excursion from zero.
    highest: f64,
    /// The point at which this excursion was found.
    found: Option<u64>,
    /// When the last excursions that were high enough ended, and how high they were.
    past: Vec<(u64, f64)>,
}

/// What a point means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Nothing new.
    Quiet,
    /// There is a change, with this score.
    Found(f64),
    /// The change that was found has lasted: it is what holds now.
    Settled,
}

impl Watch {
    /// Takes a point of this weight.
    pub fn step(&mut self, weight: f64) -> Step {
        self.seen += 1;
        self.sum += weight;
        if self.sum <= 0.0 {
            self.end();
            return Step::Quiet;
        }
        self.highest = self.highest.max(self.sum);
        match self.found {
            Some(at) if self.seen - at >= SETTLED => {
                *self = Self::default();
                Step::Settled
            }
            None if self.sum >= self.threshold() => {
                self.found = Some(self.seen);
                Step::Found(self.sum)
            }
            Some(_) | None => Step::Quiet,
        }
    }

    /// Whether a change was found and is not over.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.found.is_some()
    }

    fn end(&mut self) {
        if self.highest >= SCORE {
            self.past.push((self.seen, self.highest));
            let surplus = self.past.len().saturating_sub(REMEMBERED);
            self.past.drain(..surplus);
        }
        self.sum = 0.0;
        self.highest = 0.0;
        self.found = None;
    }

    fn threshold(&self) -> f64 {
        let recent = |at: u64| self.seen - at <= u64::from(WINDOW);
        let mut heights: Vec<f64> = self
            .past
            .iter()
            .filter(|(at, _)| recent(*at))
            .map(|(_, height)| *height)
            .collect();
        heights.sort_by(|one, other| other.total_cmp(one));
        let habit = heights.get(1).copied().unwrap_or_default();
        SCORE.max(habit * ABOVE_HABIT)
    }
}
