//! What may happen to a workflow, and how its steps hear of it.

use serde_json::Value;

use super::Operation;
use crate::error_info::ErrorInfo;
use crate::ids::{TaskId, WorkflowId};
use crate::metrics::ExecutionMetrics;
use crate::task::instance::{TaskInstance, TaskStatus};
use crate::time::Timestamp;
use crate::workflow::frontier::{Cancelling, Resumed};
use crate::workflow::instance::{WorkflowInstance, WorkflowStatus};
use crate::workflow::parent::BatchReport;
use crate::workflow::signal::Handed;

/// What happened to a workflow.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// One of its tasks ended.
    TaskEnded(Box<TaskEnd>),
    /// One of its tasks waits for longer than a message can: it must be looked at then.
    TaskWaits {
        /// The task.
        task_id: TaskId,
        /// The time.
        wake_at: Timestamp,
    },
    /// One of its children ended, or was refused.
    ChildEnded(Box<ChildEnd>),
    /// A batch of one of its MAPs tells how far it is.
    BatchTold {
        /// The batch's record.
        id: WorkflowId,
        /// How far it is.
        report: Box<BatchReport>,
    },
    /// The workflow of this batch allows it so many iterations in all, those given back counted.
    Granted {
        /// The workflow's `run`: what an earlier one allowed means nothing any more.
        run: u32,
        /// Iterations.
        slots: u32,
    },
    /// The workflow of this batch hands a signal to a step of it.
    Handed(Box<Handed>),
    /// Somebody looks whether a time has come.
    Look,
    /// Somebody asks for something.
    Operation(Box<Operation>),
    /// Of what was to be cancelled these are over.
    CancelsDone(Vec<Cancelling>),
}

/// The end of a task, as far as its workflow is concerned.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskEnd {
    /// The task.
    pub task_id: TaskId,
    /// How it ended.
    pub status: TaskStatus,
    /// What it gave.
    pub output: Value,
    /// Why it failed.
    pub error: Option<ErrorInfo>,
    /// Whether a failure lets the workflow go on.
    pub continue_on_failure: bool,
    /// What all its attempts used.
    pub metrics: ExecutionMetrics,
}

impl From<&TaskInstance> for TaskEnd {
    fn from(task: &TaskInstance) -> Self {
        Self {
            task_id: task.id,
            status: task.status,
            output: task.output.clone().unwrap_or(Value::Null),
            error: task.error.clone(),
            continue_on_failure: task.continue_on_failure,
            metrics: task.metrics,
        }
    }
}

/// The end of a child.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildEnd {
    /// The child.
    pub id: WorkflowId,
    /// How it ended.
    pub status: WorkflowStatus,
    /// What it gave.
    pub output: Value,
    /// Why it failed, or was refused.
    pub error: Option<ErrorInfo>,
    /// The version of its parent that it last heeded: an end from before it was asked to go on is
    /// no news.
    pub heeded: u64,
}

impl ChildEnd {
    /// Whether it came to this after what a version of its parent asked of it. One that completed
    /// does not go on when its parent does.
    pub(super) fn is_news(&self, asked: Option<&Resumed>, version: u64) -> bool {
        match asked {
            None => true,
            Some(Resumed::Retry) if self.status == WorkflowStatus::Completed => true,
            Some(Resumed::Retry | Resumed::Rerun(_)) => self.heeded >= version,
        }
    }
}

impl From<&WorkflowInstance> for ChildEnd {
    fn from(child: &WorkflowInstance) -> Self {
        Self {
            id: child.id,
            status: child.status,
            output: child.output.clone().unwrap_or(Value::Null),
            error: child.error.clone(),
            heeded: child.course.asked,
        }
    }
}

/// An event as the steps hear it.
pub(super) enum News<'e> {
    TaskEnded(&'e TaskEnd),
    TaskWaits {
        task_id: TaskId,
        wake_at: Timestamp,
    },
    ChildEnded(&'e ChildEnd),
    BatchTold {
        id: WorkflowId,
        report: &'e BatchReport,
    },
    Granted(u32),
    /// A time may have come.
    Look,
    /// The results that were needed are there.
    Results,
    /// A signal goes to the step of this path.
    Signal {
        path: &'e str,
        data: &'e Value,
    },
    /// The step of this path is taken as done.
    Skip {
        path: &'e str,
        output: &'e Value,
    },
    /// The workflow goes on where it ended.
    Reopen,
}
