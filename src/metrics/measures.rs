//! What happened to a task, told by two images of its record: the one before a write and the one
//! after it.
//!
//! Each write of a record is one entry of its table's stream, so each thing that happens is told
//! by one pair of images. A pair that comes twice tells it twice: what counts events also keeps
//! what it has applied ([`super::applied`]).
//!
//! An [`Image`] is what stands in a record's head and never moves out of it, so that nothing has
//! to be read but the stream. The time of a single attempt is not in it; the totals of all are.

use semver::Version;

use crate::ids::{DefinitionId, TaskId, TenantId, WorkflowId};
use crate::metrics::ExecutionMetrics;
use crate::task::definition::TaskType;
use crate::task::instance::{TaskInstance, TaskStatus};
use crate::time::Timestamp;

/// Characters of an executor's kind; no kind is longer.
const KIND_CHARS: usize = 16;
/// The kind of what people do.
const PERSON: &str = "person";
/// The kind of what is not known.
const UNKNOWN: &str = "unknown";

/// Which task, of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The task.
    pub task_id: TaskId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// What it is.
    pub task_definition_id: DefinitionId,
    /// The version of that.
    pub task_definition_version: Version,
    /// The workflow that it belongs to.
    pub workflow_instance_id: Option<WorkflowId>,
    /// The kind of executor: `http`, `lambda` and so on, or `person`.
    pub executor: String,
}

/// What a record's head says of a task at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Which task.
    pub subject: Subject,
    /// Where it is in its life.
    pub status: TaskStatus,
    /// Retries so far.
    pub retries: u32,
    /// Attempts that were lost with their worker.
    pub losses: u32,
    /// What all attempts used together.
    pub used: ExecutionMetrics,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When the first attempt began.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    pub end_time: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// It gave its output.
    Completed,
    /// It failed for good.
    Failed,
    /// A time limit passed for good.
    TimedOut,
    /// It was cancelled.
    Cancelled,
}

impl Ending {
    /// The word of the status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => TaskStatus::Completed.as_str(),
            Self::Failed => TaskStatus::Failed.as_str(),
            Self::TimedOut => TaskStatus::TimedOut.as_str(),
            Self::Cancelled => TaskStatus::Cancelled.as_str(),
        }
    }

    const fn of(status: TaskStatus) -> Option<Self> {
        match status {
            TaskStatus::Completed => Some(Self::Completed),
            TaskStatus::Failed => Some(Self::Failed),
            TaskStatus::TimedOut => Some(Self::TimedOut),
            TaskStatus::Cancelled => Some(Self::Cancelled),
            TaskStatus::Pending
            | TaskStatus::Assigned
            | TaskStatus::Running
            | TaskStatus::RetryPending => None,
        }
    }
}

/// The first attempt of a task began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Began {
    /// Which task.
    pub subject: Subject,
    /// Milliseconds from its acceptance.
    pub queue_time: u64,
    /// When.
    pub at: Timestamp,
}

/// A task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Which task.
    pub subject: Subject,
    /// How.
    pub ending: Ending,
    /// Attempts that were made, lost ones and the one that it waited for included.
    pub attempts: u32,
    /// Milliseconds of execution, all attempts together.
    pub execution_time: u64,
    /// Milliseconds of processor time, where the executor can tell.
    pub cpu_time: Option<u64>,
    /// Bytes of peak memory, the mean of the attempts, where the executor can tell.
    pub memory_usage: Option<u64>,
    /// When.
    pub at: Timestamp,
}

/// What happened to a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It was accepted.
    Created(Subject),
    /// Its first attempt began.
    Began(Began),
    /// So many attempts failed and are followed by another.
    Retried(Subject, u32),
    /// So many attempts were lost with their worker.
    Lost(Subject, u32),
    /// It ended.
    Ended(Ended),
}

impl Event {
    /// Which task.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        match self {
            Self::Created(subject) | Self::Retried(subject, _) | Self::Lost(subject, _) => subject,
            Self::Began(began) => &began.subject,
            Self::Ended(ended) => &ended.subject,
        }
    }
}

impl Image {
    /// The image of an instance.
    #[must_use]
    pub fn of(task: &TaskInstance) -> Self {
        Self {
            subject: Subject {
                task_id: task.id,
                tenant_id: task.tenant_id.clone(),
                task_definition_id: task.task_definition_id.clone(),
                task_definition_version: task.task_definition_version.clone(),
                workflow_instance_id: task.context.workflow_instance_id,
                executor: kind_of(task.task_type, &task.executor_id).to_owned(),
            },
            status: task.status,
            retries: task.retries.total(),
            losses: task.losses,
            used: task.metrics,
            created_at: task.created_at,
            start_time: task.start_time,
            end_time: task.end_time,
            updated_at: task.updated_at,
        }
    }
}

/// The kind of an executor: what stands before the colon of the definition's reference, or before
/// the name of whoever took the task. Registration knows few kinds, so there are few.
#[must_use]
pub fn kind_of(task_type: TaskType, executor: &str) -> &str {
    match task_type {
        TaskType::Manual => PERSON,
        TaskType::Automated | TaskType::Integration => {
            let kind = executor.split([':', '@']).next().unwrap_or_default();
            let is_word = kind.bytes().all(|byte| byte.is_ascii_lowercase());
            if is_word && (1..=KIND_CHARS).contains(&kind.len()) {
                kind
            } else {
                UNKNOWN
            }
        }
    }
}

/// What a write did to a task. Nothing for one that was deleted: its record had its time.
#[must_use]
pub fn events(before: Option<&Image>, after: Option<&Image>) -> Vec<Event> {
    let Some(after) = after else {
        return Vec::new();
    };
    let created = before
        .is_none()
        .then(|| Event::Created(after.subject.clone()));
    [
        created,
        began(before, after),
        retried(before, after),
        lost(before, after),
        ended(before, after),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn began(before: Option<&Image>, after: &Image) -> Option<Event> {
    let at = after.start_time?;
    let known = before.is_some_and(|before| before.start_time.is_some());
    (!known).then(|| {
        Event::Began(Began {
            subject: after.subject.clone(),
            queue_time: at.millis_since(after.created_at),
            at,
        })
    })
}

fn retried(before: Option<&Image>, after: &Image) -> Option<Event> {
    let before = before.map_or(0, |before| before.retries);
    let more = after.retries.saturating_sub(before);
    (more > 0).then(|| Event::Retried(after.subject.clone(), more))
}

fn lost(before: Option<&Image>, after: &Image) -> Option<Event> {
    let before = before.map_or(0, |before| before.losses);
    let more = after.losses.saturating_sub(before);
    (more > 0).then(|| Event::Lost(after.subject.clone(), more))
}

fn ended(before: Option<&Image>, after: &Image) -> Option<Event> {
    let ending = Ending::of(after.status)?;
    let known = before.is_some_and(|before| before.status.is_terminal());
    if known {
        return None;
    }
    let again = after.retries.saturating_add(after.losses);
    let attempts = match after.start_time {
        Some(_) => again.saturating_add(1),
        None => again,
    };
    let told = |used: u64| Some(used).filter(|used| *used > 0);
    Some(Event::Ended(Ended {
        subject: after.subject.clone(),
        ending,
        attempts,
        execution_time: after.used.execution_time,
        cpu_time: told(after.used.cpu_time),
        memory_usage: told(after.used.memory_usage / u64::from(attempts.max(1))),
        at: after.end_time.unwrap_or(after.updated_at),
    }))
}

#[cfg(test)]
mod tests;
