//! What to do with a dispatch: a message that says that a task's attempt is to run.
//!
//! The message is a hint. It may be early, late, repeated, or of an attempt long past; the
//! record decides.

use crate::task::definition::TaskType;
use crate::task::due;
use crate::task::instance::{TaskInstance, TaskStatus};
use crate::time::Timestamp;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispatch {
    /// Run the attempt.
    Run,
    /// It is too early: come back at this time.
    NotBefore(Timestamp),
    /// Another worker holds it: come back when its lease ends.
    HeldUntil(Timestamp),
    /// Another system has it, and tells its end: drop the message.
    Elsewhere,
    /// A limit has passed, the worker is lost, or the task ended: apply
    /// [`Event::Look`](crate::task::lifecycle::Event::Look).
    Look,
    /// The message is of another attempt, or of a person's task: drop it.
    Stale,
}

/// Decides what a dispatch of an attempt comes to.
#[must_use]
pub fn on_dispatch(task: &TaskInstance, attempt: u32, now: Timestamp) -> Dispatch {
    if task.status.is_terminal() {
        return Dispatch::Look;
    }
    if attempt != task.attempt() {
        return Dispatch::Stale;
    }
    match task.status {
        TaskStatus::Running if task.elsewhere_since.is_some() => Dispatch::Elsewhere,
        TaskStatus::Running => match due::lease_end(task) {
            Some(end) if end > now => Dispatch::HeldUntil(end),
            _ => Dispatch::Look,
        },
        TaskStatus::Pending | TaskStatus::RetryPending => match task.task_type {
            TaskType::Automated | TaskType::Integration => when_waiting(task, now),
            TaskType::Manual => Dispatch::Stale,
        },
        TaskStatus::Assigned => Dispatch::Stale,
        TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut => Dispatch::Look,
    }
}

fn when_waiting(task: &TaskInstance, now: Timestamp) -> Dispatch {
    if task
        .waiting_deadline()
        .is_some_and(|deadline| deadline.at <= now)
    {
        return Dispatch::Look;
    }
    match task.next_retry_at {
        Some(at) if at > now => Dispatch::NotBefore(at),
        _ => Dispatch::Run,
    }
}

#[cfg(test)]
mod tests;
