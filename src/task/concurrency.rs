//! How many tasks run at once, and how many begin in a period: who has a place, who waits in line for
//! one, and who is next.
//!
//! A definition's `concurrency` and `rateLimit` hold for all tasks of its tenant and id, whatever
//! their version; a task begins while its own version allows one more. A tenant has a line of its
//! own where its deployment limits it. An attempt asks for a place before it begins, holds it until
//! it is over, and a task that waits for its retry holds none. A place is leased like the attempt
//! itself, so that none is lost with a worker. Whoever gives a place back gives it to the first in
//! line with the same write: nobody overtakes, and nobody has to ask again. Where a rate alone is
//! limited, an attempt that began has no place any more: its start counts until the period is over
//! (`starts.rs`), and nobody gives it back.
//!
//! | what is asked | what it does to places | what is answered |
//! |---|---|---|
//! | an attempt begins; it has no place | takes one, if those before it in line have theirs | began, or waits |
//! | it was called to a place, or its place was kept | the place is taken | began |
//! | its place is taken | nothing: it is under way elsewhere, or its worker is dead | held |
//! | its place is taken, and workers poll for it | it is leased anew: the record says who has it | began |
//! | an attempt that began waits in another line | its place is kept for it, and its start counts no more | done |
//! | an attempt is over | gives its place back, if it is the very attempt that took it | done |
//! | an attempt will not begin | gives its place back, unless somebody began it | done |
//! | an attempt was lost, or its worker has told its end | gives its place back | done |
//! | its worker is to stop it | is kept no longer than the worker may be silent | done |
//! | the process ended that ran all of them | gives all taken places back, but those of workers that poll | done |
//! | a look | nothing | done |
//!
//! Whatever is asked, the longest waiting are then called to the places that are free (`serving.rs`).
//! A call is made by a message, which may be lost: one that nobody followed is made again, and its
//! place is free again after [`CALL`]. Who is called counts as one that begins at any moment, so that
//! a late one breaks no rate. Nobody gives a start back; so where the first in line waits for a rate
//! alone, whoever leaves it there has the line looked at again when the rate lets it begin. Storing
//! the line, and sending for people, is the business of `functions/app`; that one write wins over
//! another, of the store.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ExecutionId, TaskId};
use crate::limits;
use crate::task::due::LEASE_GRACE;
use crate::task::instance::{TaskInstance, TaskPriority, TaskStatus};
use crate::task::lifecycle::Event;
use crate::task::rate::RateLimit;
use crate::task::timeouts::Timeouts;
use crate::time::Timestamp;

mod serving;
mod starts;

pub use serving::turn;
pub use starts::Started;

/// Milliseconds for which a place is kept for a task that was called to it. The message that calls
/// it may stand in a long queue; one that comes later asks again, from where it stood in line.
pub const CALL: u64 = 300_000;
/// Milliseconds for which a place is kept for an attempt that waits in another line. Whatever ends
/// the wait gives it back long before: the lease is for what nobody thought of.
pub const KEPT: u64 = 86_400_000;
/// Milliseconds after which a call that was not followed may have been lost: shorter than it takes
/// until the message is delivered again whose handler died over it.
const CALL_AGAIN: u64 = 3_000;
/// Bytes of a path that order those who began to wait in the same millisecond: it is part of a key.
const ORDER_BYTES: usize = 512;

/// How many tasks of a definition run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Concurrency {
    /// Attempts of the tasks of a tenant and this id, all versions together, that run at once;
    /// the others wait, and the longest waiting is the next.
    #[schemars(range(min = 1, max = limits::CONCURRENCY))]
    pub limit: u32,
}

/// What a line lets begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Attempts that run at once.
    pub concurrency: Option<u32>,
    /// Attempts that begin in a period.
    pub rate: Option<RateLimit>,
}

impl Limits {
    /// What the definition of a task lets begin, if it limits that.
    #[must_use]
    pub fn of_definition(task: &TaskInstance) -> Option<Self> {
        Self {
            concurrency: task.concurrency_limit,
            rate: task.rate_limit,
        }
        .if_any()
    }

    /// These limits, if there is one.
    #[must_use]
    pub const fn if_any(self) -> Option<Self> {
        match self {
            Self {
                concurrency: None,
                rate: None,
            } => None,
            limits => Some(limits),
        }
    }
}

/// The line of a definition, or of a tenant: who has a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// Counts changes; 0 is a line that was never stored.
    pub version: u64,
    /// The places that are called to or taken.
    pub places: Vec<Place>,
    /// The starts that a rate counts, the first to end first.
    pub starts: Vec<Started>,
    /// When the line is looked at again, as the last of those that wait for a rate arranged it.
    pub look_at: Option<Timestamp>,
}

/// A place that an attempt has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The attempt.
    pub execution_id: ExecutionId,
    /// When it began; none while it is called and did not come yet, or waits in another line.
    pub began_at: Option<Timestamp>,
    /// When the place is free again, whatever became of the attempt.
    pub until: Timestamp,
    /// Whether a worker that polls has it, which lives on when a process of ours ends.
    pub polled: bool,
}

/// A task that waits for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiter {
    /// Its place in line, as a text: since when it waits, then its path.
    pub order: String,
    /// The task.
    pub task_id: TaskId,
    /// The attempt that waits.
    pub attempt: u32,
    /// Which queue calls it.
    pub priority: TaskPriority,
    /// What its version of the definition allows, or its tenant's deployment.
    pub limits: Limits,
}

impl Waiter {
    /// A task as one that waits under these limits: from its creation, or from when its retry was
    /// due.
    #[must_use]
    pub fn of(task: &TaskInstance, limits: Limits) -> Self {
        let since = task.next_retry_at.unwrap_or(task.created_at).millis();
        let path = task.context.task_path.as_deref().unwrap_or_default();
        let execution_id = task.execution_id();
        Self {
            order: format!("{since:015}#{}#{execution_id}", by_number(path)),
            task_id: task.id,
            attempt: task.attempt(),
            priority: task.priority,
            limits,
        }
    }

    /// The attempt that waits.
    #[must_use]
    pub fn execution_id(&self) -> ExecutionId {
        ExecutionId::of_attempt(self.task_id, self.attempt)
    }
}

/// A path as a text that sorts the tenth iteration behind the ninth.
fn by_number(path: &str) -> String {
    let digits = limits::MAP_ITERATIONS.to_string().len();
    let mut text = String::new();
    let mut rest = path;
    while !rest.is_empty() {
        let is_number = rest.starts_with(|c: char| c.is_ascii_digit());
        let differs = |c: char| c.is_ascii_digit() != is_number;
        let (run, behind) = rest.split_at(rest.find(differs).unwrap_or(rest.len()));
        if is_number {
            text.push_str(&"0".repeat(digits.saturating_sub(run.len())));
        }
        text.push_str(run);
        rest = behind;
    }
    text.truncate(text.floor_char_boundary(ORDER_BYTES));
    text
}

/// What there is to see of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Who has a place.
    pub line: Line,
    /// The first of those who wait, in order.
    pub waiting: Vec<Waiter>,
    /// Whether others may wait behind them.
    pub more: bool,
}

/// What is asked of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// An attempt is to begin now.
    Begin(Box<Beginner>),
    /// An attempt that took its place at this time has to wait in another line first.
    Keep {
        /// How it would wait here.
        waiter: Waiter,
        /// When it took its place.
        began_at: Timestamp,
    },
    /// An attempt is over that took its place by this time.
    Over {
        /// The attempt.
        execution_id: ExecutionId,
        /// The time.
        began_at: Timestamp,
    },
    /// An attempt will not begin, if it did not.
    Leave {
        /// The attempt.
        execution_id: ExecutionId,
        /// How it waits, where that is known.
        waiter: Option<Waiter>,
    },
    /// An attempt is over, whenever it began: it was lost with its worker, or the worker that
    /// polled for it has told its end.
    Lost(ExecutionId),
    /// The worker that polled for an attempt is to stop it, and may not know before this time.
    Stopping {
        /// The attempt.
        execution_id: ExecutionId,
        /// The time.
        until: Timestamp,
    },
    /// The one process ended that ran all that began.
    Restarted,
    /// Whether somebody is to be called.
    Look,
}

/// An attempt that is to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginner {
    waiter: Waiter,
    /// Its limits of time, and what they count from.
    timeouts: Timeouts,
    created_at: Timestamp,
    /// Whether workers poll for it.
    polled: bool,
}

impl Beginner {
    /// The next attempt of a task, which is to begin under these limits.
    #[must_use]
    pub fn of(task: &TaskInstance, limits: Limits) -> Self {
        Self {
            waiter: Waiter::of(task, limits),
            timeouts: task.timeouts,
            created_at: task.created_at,
            polled: task.polled.is_some(),
        }
    }

    /// How it waits, should it have to.
    #[must_use]
    pub const fn waiter(&self) -> &Waiter {
        &self.waiter
    }

    /// The end of its lease, should it begin at `now`.
    fn leased_until(&self, now: Timestamp) -> Timestamp {
        let deadline = self.timeouts.deadline(self.created_at, now);
        let end = deadline.map_or(now.plus_millis(limits::TIMER_MILLIS), |deadline| {
            deadline.at
        });
        end.plus_millis(LEASE_GRACE)
    }
}

/// What is done about what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The line after it; none when it stays as it is. It is written before all else.
    pub line: Option<Line>,
    /// Who is called to a place, and then stands in line no more.
    pub called: Vec<Waiter>,
    /// Who stands in line in vain.
    pub gone: Vec<Waiter>,
    /// When the line is to be looked at again, and who waits for that. It is arranged before the
    /// line is written: arranged twice it does no harm, and a death in between is one that nobody
    /// makes good.
    pub look: Option<(Timestamp, Waiter)>,
    /// When somebody looks at the line for whoever waits for a rate.
    pub relies_on: Option<Timestamp>,
    /// What whoever asked is told.
    pub answer: Answer,
    /// Whether somebody may wait for a place that is free, and was not seen.
    pub again: bool,
    /// Whether all who were seen have their places and others stand behind them: what is free may be
    /// theirs.
    pub sees_too_little: bool,
}

impl Turn {
    /// Whether another look has to follow, once it is performed at `now`: somebody may wait whom it
    /// did not see, or the look that it relied on came before it was written.
    #[must_use]
    pub fn is_to_be_looked_at_again(&self, now: Timestamp) -> bool {
        self.again || self.relies_on.is_some_and(|at| at <= now)
    }
}

/// What whoever asked is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The attempt has a place, which nobody else has, and begins.
    Began,
    /// The attempt has a place already, until this time: it may be under way.
    Held(Timestamp),
    /// The attempt has to wait in line.
    Waits,
    /// It is done.
    Done,
}

/// What an event says of the place of a task's attempt, once it is written: none where the attempt
/// itself tells when it is over. A cancelled one that began keeps its place until its worker has
/// stopped it.
#[must_use]
pub fn after(
    before: &TaskInstance,
    after: &TaskInstance,
    event: &Event,
    limits: Limits,
) -> Option<Ask> {
    if let Some(ask) = of_lease(before, after, event) {
        return Some(ask);
    }
    let execution_id = before.execution_id();
    let is_over = after.status.is_terminal() || after.execution_id() != execution_id;
    let waiter = || match before.status {
        TaskStatus::Pending | TaskStatus::RetryPending => Some(Waiter::of(before, limits)),
        TaskStatus::Assigned
        | TaskStatus::Running
        | TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut => None,
    };
    // Of an attempt that another system has nobody but the record tells that it is over.
    let elsewhere = before.elsewhere_since.map(|began_at| Ask::Over {
        execution_id,
        began_at,
    });
    match event {
        Event::Start(_) | Event::Report(_) | Event::Act(_) | Event::Said(_) => None,
        Event::Look | Event::Cancel { .. } | Event::TokenClosed if elsewhere.is_some() => {
            elsewhere.filter(|_| is_over)
        }
        Event::Lost { execution_id } => Some(Ask::Lost(*execution_id)),
        Event::Cancel { .. } | Event::TokenClosed if before.status == TaskStatus::Running => None,
        Event::TokenClosed if before.status.is_terminal() => None,
        Event::Look | Event::Cancel { .. } | Event::TokenClosed => is_over.then(|| Ask::Leave {
            execution_id,
            waiter: waiter(),
        }),
    }
}

/// The same of the attempt of a worker that polls. What it said once may be said again, because the
/// line did not hear of it.
fn of_lease(before: &TaskInstance, after: &TaskInstance, event: &Event) -> Option<Ask> {
    let execution_id = before.execution_id();
    match (event, before.leased_deadline()) {
        (Event::Said(said), _) if after.lease().is_none() => Some(Ask::Lost(said.execution_id)),
        (Event::Look, Some(_)) if after.lease().is_none() => Some(Ask::Lost(execution_id)),
        (Event::Cancel { .. } | Event::TokenClosed, Some(deadline)) => Some(Ask::Stopping {
            execution_id,
            until: deadline.at,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
