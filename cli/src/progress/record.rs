//! What progress reads of a record, however it came here: as the record itself, or as the view of
//! it that a place answers with.

use serde::Deserialize;
use serde_json::Value;
use taskmill::Timestamp;
use taskmill::error_info::ErrorInfo;
use taskmill::ids::{DefinitionId, TaskId, WorkflowId};
use taskmill::task::{Attempt, TaskInstance, TaskStatus};
use taskmill::workflow::frontier::Course;
use taskmill::workflow::{WorkflowInstance, WorkflowStatus};

use super::{Counts, duration};
use crate::exit::{Error, Exit};

/// A record.
#[derive(Debug, Clone)]
pub enum Record {
    /// Of a task.
    Task(Box<TaskRecord>),
    /// Of a workflow.
    Workflow(Box<WorkflowRecord>),
}

/// A task.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskRecord {
    /// The task.
    pub id: TaskId,
    /// What it is.
    pub task_definition_id: DefinitionId,
    /// Where it is in its life.
    pub status: TaskStatus,
    /// The attempt that is under way, or was the last.
    pub attempt: u32,
    /// The attempts that ended.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// Why it failed.
    pub error: Option<ErrorInfo>,
    /// When its next attempt begins.
    pub next_retry_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The person who has it.
    pub assignee: Option<String>,
    execution_context: Context,
    execution_metadata: Metadata,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    task_path: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Metadata {
    duration: Option<u64>,
}

/// A workflow.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowRecord {
    /// The workflow.
    pub id: WorkflowId,
    /// Where it is in its life.
    pub status: WorkflowStatus,
    /// Counts its changes.
    pub version: u64,
    /// Where it is.
    #[serde(rename = "frontier")]
    pub course: Course,
    /// Why it failed.
    pub error: Option<ErrorInfo>,
    /// When it began.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    pub end_time: Option<Timestamp>,
}

impl From<&TaskInstance> for TaskRecord {
    fn from(task: &TaskInstance) -> Self {
        Self {
            id: task.id,
            task_definition_id: task.task_definition_id.clone(),
            status: task.status,
            attempt: task.attempt(),
            attempts: task.attempts.clone(),
            error: task.error.clone(),
            next_retry_at: task.next_retry_at,
            updated_at: task.updated_at,
            assignee: task.assignee.clone(),
            execution_context: Context {
                task_path: task.context.task_path.clone(),
            },
            execution_metadata: Metadata {
                duration: task.duration(),
            },
        }
    }
}

impl From<&WorkflowInstance> for WorkflowRecord {
    fn from(workflow: &WorkflowInstance) -> Self {
        Self {
            id: workflow.id,
            status: workflow.status,
            version: workflow.version,
            course: workflow.course.clone(),
            error: workflow.error.clone(),
            start_time: workflow.start_time,
            end_time: workflow.end_time,
        }
    }
}

impl Record {
    /// The record that a view shows.
    ///
    /// # Errors
    /// It is the view of another version of Taskmill.
    pub fn of_view(view: &Value) -> Result<Self, Error> {
        Ok(match view.get("taskInstances") {
            None => Self::Task(Box::new(TaskRecord::of_view(view)?)),
            Some(_) => Self::Workflow(Box::new(WorkflowRecord::of_view(view)?)),
        })
    }

    /// Whether nothing more happens to it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Task(task) => task.status.is_terminal(),
            Self::Workflow(workflow) => workflow.is_settled(),
        }
    }

    /// What became of it, in one line, when its run did so much.
    #[must_use]
    pub fn summary(&self, counts: Counts) -> String {
        match self {
            Self::Task(task) => task.summary(),
            Self::Workflow(workflow) => workflow.summary(counts),
        }
    }

    /// How a command ends that waited for it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Task(task) => Exit::from(task.status),
            Self::Workflow(workflow) => Exit::from(workflow.status),
        }
    }

    /// What it is, and its status, in one line.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Task(task) => {
                let whose = task.assignee.as_deref();
                let whose = whose.map_or_else(String::new, |name| format!(", with {name}"));
                format!("task {} is {}{whose}", task.id, task.status.as_str())
            }
            Self::Workflow(one) => format!("workflow {} is {}", one.id, one.status.as_str()),
        }
    }
}

impl TaskRecord {
    /// The record that a view shows.
    ///
    /// # Errors
    /// It is the view of another version of Taskmill.
    pub fn of_view(view: &Value) -> Result<Self, Error> {
        Self::deserialize(view).map_err(unknown)
    }

    /// The path of its step; of one that stands alone, what it is.
    #[must_use]
    pub fn path(&self) -> &str {
        let of_step = self.execution_context.task_path.as_deref();
        of_step.unwrap_or(self.task_definition_id.as_str())
    }

    /// What became of it, in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let took = duration(self.execution_metadata.duration.unwrap_or(0));
        let attempts = match self.attempt {
            1 => "1 attempt".to_owned(),
            more => format!("{more} attempts"),
        };
        let (id, status) = (self.id, self.status.as_str());
        let line = format!("task {id} {status} in {took}: {attempts}");
        with_error(line, self.error.as_ref())
    }
}

impl WorkflowRecord {
    /// The record that a view shows.
    ///
    /// # Errors
    /// It is the view of another version of Taskmill.
    pub fn of_view(view: &Value) -> Result<Self, Error> {
        Self::deserialize(view).map_err(unknown)
    }

    /// Whether nobody has anything left to do for it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.status.is_terminal()
            && self.course.closing.is_none()
            && self.course.cancelling.is_empty()
    }

    /// What became of it, in one line, when its run did so much.
    #[must_use]
    pub fn summary(&self, counts: Counts) -> String {
        let mut line = format!("workflow {} {}", self.id, self.status.as_str());
        if let Some((end, start)) = self.end_time.zip(self.start_time) {
            line.push_str(&format!(" in {}", duration(end.millis_since(start))));
        }
        with_error(format!("{line}: {counts}"), self.error.as_ref())
    }
}

fn with_error(line: String, error: Option<&ErrorInfo>) -> String {
    match error {
        None => line,
        Some(error) => format!("{line}; {}: {}", error.code, error.message),
    }
}

fn unknown(error: serde_json::Error) -> Error {
    Error::Unexpected(format!("the record is of another version: {error}"))
}
