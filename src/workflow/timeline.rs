//! When what of a workflow ran: from its tasks to what a drawing of them needs.
//!
//! A row is a task, with a bar for each attempt: since when it waited, when it began and ended,
//! and why it failed. Nothing is drawn here, and nothing is guessed: what a record does not know
//! is left out.

use serde::Serialize;

use crate::ids::{DefinitionId, TaskId};
use crate::task::attempt::Attempt;
use crate::task::instance::{TaskInstance, TaskStatus};
use crate::time::Timestamp;

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Which task.
    pub task_id: TaskId,
    /// What it is.
    pub task_definition_id: DefinitionId,
    /// The path of its step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_path: Option<String>,
    /// Where it is in its life.
    pub status: TaskStatus,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
    /// Attempts that are not among the bars: a task remembers its last ones alone.
    pub forgotten: u32,
    /// Its attempts, the oldest first; the last of an open task is the one that runs or comes.
    pub bars: Vec<Bar>,
}

/// An attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bar {
    /// Counted from 1.
    pub attempt: u32,
    /// Since when it waited: the acceptance of the task, or the end of the attempt before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// When it is to begin, if it waits for a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// When it began. Unknown of one that was lost, or given up, before that was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended, or was found lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Milliseconds from the one to the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waited: Option<u64>,
    /// Milliseconds from its beginning to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ran: Option<u64>,
    /// Who ran it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor_id: Option<String>,
    /// Why it failed: a code and a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Reason>,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// The error's code.
    pub code: String,
    /// What happened, for people.
    pub message: String,
}

/// The rows in the order in which their tasks were accepted.
#[must_use]
pub fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by(|a, b| {
        let (one, other) = (&a.task_path, &b.task_path);
        (a.created_at, one, a.task_id).cmp(&(b.created_at, other, b.task_id))
    });
    rows
}

/// The row of a task.
#[must_use]
pub fn row(task: &TaskInstance) -> Row {
    let mut bars: Vec<Bar> = Vec::new();
    for attempt in &task.attempts {
        let since = waiting_since(task, bars.last(), attempt.attempt);
        bars.push(remembered(attempt, since));
    }
    if bars.last().is_none_or(|last| last.attempt < task.attempt()) {
        let since = waiting_since(task, bars.last(), task.attempt());
        bars.push(current(task, since));
    }
    Row {
        task_id: task.id,
        task_definition_id: task.task_definition_id.clone(),
        task_path: task.context.task_path.clone(),
        status: task.status,
        created_at: task.created_at,
        end_time: task.end_time,
        forgotten: bars.first().map_or(0, |first| first.attempt - 1),
        bars,
    }
}

/// Since when an attempt waited, unless the one before is forgotten.
fn waiting_since(task: &TaskInstance, before: Option<&Bar>, attempt: u32) -> Option<Timestamp> {
    match before {
        Some(before) => before.ended_at,
        None => (attempt == 1).then_some(task.created_at),
    }
}

fn remembered(attempt: &Attempt, since: Option<Timestamp>) -> Bar {
    let error = attempt.error.as_ref().map(|error| Reason {
        code: error.code.clone(),
        message: error.message.clone(),
    });
    Bar {
        executor_id: Some(attempt.executor_id.clone()),
        error,
        ..bar(
            attempt.attempt,
            since,
            attempt.started_at,
            Some(attempt.ended_at),
        )
    }
}

/// The attempt that is not over, or with which the task ended without an outcome of it.
fn current(task: &TaskInstance, since: Option<Timestamp>) -> Bar {
    let started_at = match task.status {
        // The record of a later attempt that runs was written last when it began.
        TaskStatus::Running if task.attempt() > 1 => Some(task.updated_at),
        TaskStatus::Pending
        | TaskStatus::Assigned
        | TaskStatus::Running
        | TaskStatus::RetryPending
        | TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut => task.start_time.filter(|_| task.attempt() == 1),
    };
    Bar {
        due_at: task.next_retry_at.filter(|_| !task.status.is_terminal()),
        executor_id: started_at.map(|_| task.executor_id.clone()),
        ..bar(task.attempt(), since, started_at, task.end_time)
    }
}

fn bar(
    attempt: u32,
    waiting_since: Option<Timestamp>,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
) -> Bar {
    let between = |from: Option<Timestamp>, to: Option<Timestamp>| Some(to?.millis_since(from?));
    Bar {
        attempt,
        waiting_since,
        due_at: None,
        started_at,
        ended_at,
        waited: between(waiting_since, started_at),
        ran: between(started_at, ended_at),
        executor_id: None,
        error: None,
    }
}

#[cfg(test)]
mod tests;
