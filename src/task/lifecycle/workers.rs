//! What a worker that polls says of the attempt that it has, and what its silence means.
//!
//! | what it says | what comes of it | refused |
//! |---|---|---|
//! | that it is alive | its lease begins anew | `ILLEGAL_STATE` |
//! | how the attempt ended | what the end of any attempt comes to | `ILLEGAL_STATE`, `VERSION_CONFLICT` |
//! | that it gives it back | the same attempt is anybody's; it counts as nothing | `ILLEGAL_STATE` |
//!
//! Only the worker that has the very attempt is heard, until its lease or its time is over: then
//! the next look ends the attempt, whatever the worker says meanwhile. Saying again what led here
//! is no refusal.

use serde_json::Value;

use super::{
    Effect, Facts, Rejection, Transition, changed, changed_to, fence, led_to_waiting,
    may_have_led_to, outcome, owed,
};
use crate::ids::ExecutionId;
use crate::limits;
use crate::metrics::ExecutionMetrics;
use crate::task::attempt::{AttemptReport, Outcome};
use crate::task::instance::{TaskInstance, TaskStatus};
use crate::task::polled::{Lease, Polled};
use crate::task::timeouts::Deadline;
use crate::time::Timestamp;

/// What a worker says.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Of which attempt.
    pub execution_id: ExecutionId,
    /// Which worker, as it called itself when it began.
    pub executor_id: String,
    /// What.
    pub word: Word,
}

/// What workers say of their attempts.
#[derive(Debug, Clone, PartialEq)]
pub enum Word {
    /// It is at work.
    Alive {
        /// How far it is; none: as before.
        progress: Option<Value>,
    },
    /// The attempt ended. An output was checked before.
    Ended(Outcome),
    /// Somebody else is to do it.
    GivenBack,
}

pub(super) fn heed(
    task: &TaskInstance,
    said: &Said,
    facts: Facts,
) -> Result<Transition, Rejection> {
    let now = facts.now;
    if task.polled.is_none() {
        return Err(Rejection::IllegalState {
            status: task.status,
        });
    }
    if told_before(task, said) {
        return Ok(Transition::Repeated(owed(task, now)));
    }
    fence(task, said.execution_id)?;
    let lease = task
        .lease()
        .filter(|_| task.executor_id == said.executor_id);
    let lease = lease.ok_or(Rejection::NotLeased)?;
    // The look that ends it may yet have to come.
    if let Some(spent) = overdue(task, now) {
        return Err(Rejection::Late { kind: spent.kind });
    }
    match &said.word {
        Word::Alive { progress } => Ok(renew(task, lease, progress.as_ref(), now)),
        Word::Ended(outcome) => outcome::apply(task, &report(task, lease, outcome, now), facts),
        Word::GivenBack => Ok(give_back(task, now)),
    }
}

/// Whether the task waits for its next attempt because of what this worker says.
fn told_before(task: &TaskInstance, said: &Said) -> bool {
    match &said.word {
        Word::Ended(Outcome::Failed { error, .. }) => {
            let last = task.attempts.last();
            let was_this = last.is_some_and(|last| {
                let found = last.error.as_ref().map(|error| &error.code);
                last.executor_id == said.executor_id && found == Some(&error.code)
            });
            was_this && led_to_waiting(task, said.execution_id)
        }
        Word::Ended(Outcome::Succeeded { .. } | Outcome::TimedOut { .. } | Outcome::HandedOver)
        | Word::Alive { .. }
        | Word::GivenBack => false,
    }
}

/// Whether what a worker says of the last attempt can have led to the end of the task.
pub(super) fn led_here(task: &TaskInstance, said: &Said) -> bool {
    let is_theirs = task.polled.is_some() && task.executor_id == said.executor_id;
    match &said.word {
        Word::Ended(outcome @ Outcome::Succeeded { output }) => {
            is_theirs
                && may_have_led_to(task.status, outcome)
                && task.output.as_ref() == Some(output)
        }
        Word::Ended(outcome @ Outcome::Failed { error, .. }) => {
            let last = task.attempts.last().and_then(|last| last.error.as_ref());
            is_theirs
                && may_have_led_to(task.status, outcome)
                && last.is_some_and(|last| last.code == error.code)
        }
        Word::Ended(Outcome::TimedOut { .. } | Outcome::HandedOver)
        | Word::Alive { .. }
        | Word::GivenBack => false,
    }
}

/// The lease of a worker that takes a task at `begun_at`. None where no worker polls for it.
pub(super) fn leased(task: &TaskInstance, begun_at: Timestamp) -> Option<Polled> {
    let lease = Lease {
        begun_at,
        until: lease_from(task, begun_at),
        progress: None,
    };
    let polled = task.polled.clone()?;
    Some(Polled {
        lease: Some(lease),
        ..polled
    })
}

/// The limit of a worker's attempt that has passed.
pub(super) fn overdue(task: &TaskInstance, now: Timestamp) -> Option<Deadline> {
    task.leased_deadline().filter(|deadline| deadline.at <= now)
}

/// Ends the attempt of a worker that kept a limit waiting.
pub(super) fn time_out(
    task: &TaskInstance,
    spent: Deadline,
    facts: Facts,
) -> Result<Transition, Rejection> {
    let lease = task.lease().ok_or(Rejection::NotLeased)?;
    let outcome = Outcome::TimedOut { kind: spent.kind };
    outcome::apply(task, &report(task, lease, &outcome, spent.at), facts)
}

fn lease_from(task: &TaskInstance, last: Timestamp) -> Timestamp {
    let silence = task.timeouts.silence(last);
    silence.map_or(last.plus_millis(limits::TIMER_MILLIS), |limit| limit.at)
}

fn renew(
    task: &TaskInstance,
    lease: &Lease,
    progress: Option<&Value>,
    now: Timestamp,
) -> Transition {
    let renewed = Lease {
        begun_at: lease.begun_at,
        until: lease_from(task, now),
        progress: progress.or(lease.progress.as_ref()).cloned(),
    };
    if renewed == *lease {
        return Transition::Repeated(Effect::None);
    }
    let mut after = changed(task, now);
    if let Some(polled) = &mut after.polled {
        polled.lease = Some(renewed);
    }
    changed_to(after, Effect::None, now)
}

fn report(
    task: &TaskInstance,
    lease: &Lease,
    outcome: &Outcome,
    ended_at: Timestamp,
) -> AttemptReport {
    AttemptReport {
        execution_id: task.execution_id(),
        started_at: lease.begun_at,
        ended_at,
        executor_id: task.executor_id.clone(),
        execution_environment: task.execution_environment.clone().unwrap_or_default(),
        outcome: outcome.clone(),
        metrics: ExecutionMetrics {
            execution_time: ended_at.millis_since(lease.begun_at),
            ..ExecutionMetrics::default()
        },
    }
}

/// Has the attempt done by somebody else, as if it had not begun.
fn give_back(task: &TaskInstance, now: Timestamp) -> Transition {
    let mut after = changed(task, now);
    if let Some(polled) = &task.polled {
        after.executor_id = format!("worker:{}", polled.group);
    }
    after.deadline_at = None;
    (after.status, after.next_retry_at) = match task.attempt() {
        1 => (TaskStatus::Pending, None),
        _ => (TaskStatus::RetryPending, Some(now)),
    };
    changed_to(after, Effect::Dispatch { at: now }, now)
}
