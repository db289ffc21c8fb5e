//! What is usual of the tasks of a definition, and what is not.
//!
//! A [`Baseline`] belongs to a tenant's definition, all versions together, so that a new version
//! that is slower is seen to be. It is fed by the events of a stream ([`super::measures`]), in a
//! function that no task waits for; it has a few KiB whatever it has seen, and takes a point in
//! bounded time. What it finds follows from what it holds and the events, so that the same batch
//! finds the same again:
//!
//! - Findings are stored first, under ids that derive from their tasks, and the baseline after
//!   them, under a condition. Whoever dies in between, or loses the race, begins again with the
//!   baseline that is there.
//! - A batch that comes again after that is recognised by its place in the stream, and changes
//!   nothing.
//!
//! | rule | of | when |
//! |---|---|---|
//! | SPIKE | execution time, queue time, memory | one value is beyond the window ([`series`]) |
//! | SHIFT | the same | values are above what is usual for a while ([`series`]) |
//! | FAILURES | failure rate | more tasks fail than is usual ([`failures`]) |
//!
//! What gets better is no finding. Storing findings and telling them is not decided here.

pub mod failures;
pub mod finding;
pub mod histogram;
pub mod series;
pub mod watch;

use serde::{Deserialize, Serialize};

use self::failures::Failures;
pub use self::finding::{Finding, Quantity, Rule, Usual};
use self::series::{Series, Verdict};
use super::applied::{Applied, Position};
use super::measures::{Began, Ended, Ending, Event, Subject};
use crate::ids::FindingId;
use crate::time::Timestamp;

/// The score from which on something is a finding: one in ten thousand.
pub const SCORE: f64 = 4.0;
/// The highest score that is told: beyond it, tails are guessed.
pub const MOST: f64 = 12.0;
/// Points before which nothing is found.
pub const WARM_UP: u32 = 100;
/// Points of a pane.
pub const POINTS_OF_A_PANE: u32 = 512;
/// Panes of a window.
pub const PANES: usize = 4;
/// Points of a window, at most.
pub const WINDOW: u32 = POINTS_OF_A_PANE * PANES as u32;

/// What is usual of a definition's tasks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Baseline {
    applied: Applied,
    execution_time: Series,
    queue_time: Series,
    memory_usage: Series,
    failures: Failures,
}

impl Baseline {
    /// One that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what a record of the stream tells, unless it was taken before.
    pub fn apply(&mut self, position: &Position, events: &[Event]) -> Vec<Finding> {
        if !self.applied.take(position) {
            return Vec::new();
        }
        let found = events.iter().flat_map(|event| self.observe(event));
        found.collect()
    }

    /// Takes an event.
    pub fn observe(&mut self, event: &Event) -> Vec<Finding> {
        match event {
            Event::Began(began) => self.began(began),
            Event::Ended(ended) => self.ended(ended),
            Event::Created(_) | Event::Retried(..) | Event::Lost(..) => Vec::new(),
        }
    }

    /// What is usual of a quantity; nothing until enough tasks were seen.
    #[must_use]
    pub fn usual(&self, quantity: Quantity) -> Option<Usual> {
        match quantity {
            Quantity::ExecutionTime => self.execution_time.usual(),
            Quantity::QueueTime => self.queue_time.usual(),
            Quantity::MemoryUsage => self.memory_usage.usual(),
            Quantity::FailureRate => self.failures.usual(),
        }
    }

    /// Learns what another baseline has learnt from other tasks of the definition. What either has
    /// applied of a stream is not known of both: a merged baseline is for reading.
    pub fn merge(&mut self, other: &Self) {
        self.execution_time.merge(&other.execution_time);
        self.queue_time.merge(&other.queue_time);
        self.memory_usage.merge(&other.memory_usage);
        self.failures.merge(&other.failures);
    }

    fn began(&mut self, began: &Began) -> Vec<Finding> {
        let seen = Seen {
            subject: &began.subject,
            at: began.at,
        };
        let quantity = Quantity::QueueTime;
        let verdict = self.queue_time.observe(began.queue_time, least(quantity));
        let found = verdict.map(|verdict| seen.finding(quantity, began.queue_time, verdict));
        found.into_iter().collect()
    }

    fn ended(&mut self, ended: &Ended) -> Vec<Finding> {
        let seen = Seen {
            subject: &ended.subject,
            at: ended.at,
        };
        match ended.ending {
            // What somebody cancels says nothing about the tasks.
            Ending::Cancelled => Vec::new(),
            Ending::Failed | Ending::TimedOut => self.failed(&seen, true).into_iter().collect(),
            Ending::Completed => {
                let failed = self.failed(&seen, false);
                let time = self.took(&seen, ended.execution_time);
                let memory = ended.memory_usage.and_then(|bytes| self.used(&seen, bytes));
                failed.into_iter().chain(time).chain(memory).collect()
            }
        }
    }

    fn failed(&mut self, seen: &Seen<'_>, failed: bool) -> Option<Finding> {
        let verdict = self.failures.observe(failed)?;
        Some(seen.finding(Quantity::FailureRate, failed.into(), verdict))
    }

    fn took(&mut self, seen: &Seen<'_>, millis: u64) -> Option<Finding> {
        let quantity = Quantity::ExecutionTime;
        let verdict = self.execution_time.observe(millis, least(quantity))?;
        Some(seen.finding(quantity, millis, verdict))
    }

    fn used(&mut self, seen: &Seen<'_>, bytes: u64) -> Option<Finding> {
        let quantity = Quantity::MemoryUsage;
        let verdict = self.memory_usage.observe(bytes, least(quantity))?;
        Some(seen.finding(quantity, bytes, verdict))
    }
}

/// The smallest difference from the median that is ever a finding.
#[must_use]
pub const fn least(quantity: Quantity) -> u64 {
    match quantity {
        Quantity::ExecutionTime => 100,
        Quantity::QueueTime => 1_000,
        Quantity::MemoryUsage => 16 * 1024 * 1024,
        // A part has no unit; its own rule has a least difference.
        Quantity::FailureRate => 0,
    }
}

/// The task that tells something, and when.
struct Seen<'a> {
    subject: &'a Subject,
    at: Timestamp,
}

impl Seen<'_> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "no time and no memory is 2^53 of its unit"
    )]
    fn finding(&self, quantity: Quantity, value: u64, verdict: Verdict) -> Finding {
        let subject = self.subject;
        let Verdict {
            rule,
            score,
            limit,
            usual,
        } = verdict;
        Finding {
            id: FindingId::of(subject.task_id, rule.as_str(), quantity.as_str()),
            tenant_id: subject.tenant_id.clone(),
            task_definition_id: subject.task_definition_id.clone(),
            task_definition_version: subject.task_definition_version.clone(),
            task_instance_id: subject.task_id,
            workflow_instance_id: subject.workflow_instance_id,
            rule,
            quantity,
            score,
            value: value as f64,
            limit,
            usual,
            at: self.at,
        }
    }
}

#[cfg(test)]
mod tests;
