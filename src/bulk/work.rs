//! What a bulk operation does, and to which records.

use serde::{Deserialize, Serialize};

use crate::ids::{DefinitionId, WorkflowId};
use crate::task::{TaskStatus, TaskType};
use crate::time::Timestamp;
use crate::workflow::WorkflowStatus;

/// What is done to which records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "camelCase")]
pub enum Work {
    /// Workflows.
    Workflows {
        /// Which.
        selection: WorkflowSelection,
        /// What is asked of each.
        ask: WorkflowAsk,
    },
    /// Tasks.
    Tasks {
        /// Which.
        selection: TaskSelection,
        /// What is asked of each.
        ask: TaskAsk,
    },
}

/// What is asked of each workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "UPPERCASE", rename_all_fields = "camelCase")]
pub enum WorkflowAsk {
    /// To go on at the steps that failed.
    Retry,
    /// To end at once.
    Cancel {
        /// Why, for people.
        reason: String,
        /// Whether what was completed is undone.
        compensate: bool,
    },
}

/// What is asked of each task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "UPPERCASE", rename_all_fields = "camelCase")]
pub enum TaskAsk {
    /// To be repeated by a new task.
    Retry,
    /// To end at once.
    Cancel {
        /// Why, for people.
        reason: String,
    },
    /// To be given to somebody.
    Reassign {
        /// The person.
        assignee: String,
    },
}

/// Workflows that meet everything that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkflowSelection {
    /// Of this status; by default of every one that what is asked can be asked in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<WorkflowStatus>,
    /// Of this definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_definition_id: Option<DefinitionId>,
    /// Created from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Created before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

/// Tasks that meet everything that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskSelection {
    /// Of this status; by default of every one that what is asked can be asked in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<TaskStatus>,
    /// Of this definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition_id: Option<DefinitionId>,
    /// Of workflows of this definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_definition_id: Option<DefinitionId>,
    /// Of this workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<WorkflowId>,
    /// Done so.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub task_type: Option<TaskType>,
    /// That this person has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// Created from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Created before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

impl WorkflowAsk {
    /// The statuses in which it can be asked, in the order in which records are found.
    #[must_use]
    pub fn statuses(&self) -> Vec<WorkflowStatus> {
        let can = |status: &WorkflowStatus| match (self, status) {
            (Self::Retry, WorkflowStatus::Failed | WorkflowStatus::TimedOut)
            | (
                Self::Cancel { .. },
                WorkflowStatus::Pending | WorkflowStatus::Running | WorkflowStatus::Paused,
            ) => true,
            (
                Self::Retry,
                WorkflowStatus::Pending
                | WorkflowStatus::Running
                | WorkflowStatus::Paused
                | WorkflowStatus::Completed
                | WorkflowStatus::Cancelled,
            )
            | (
                Self::Cancel { .. },
                WorkflowStatus::Completed
                | WorkflowStatus::Failed
                | WorkflowStatus::Cancelled
                | WorkflowStatus::TimedOut,
            ) => false,
        };
        WorkflowStatus::ALL.into_iter().filter(can).collect()
    }
}

impl TaskAsk {
    /// The statuses in which it can be asked, in the order in which records are found.
    #[must_use]
    pub fn statuses(&self) -> Vec<TaskStatus> {
        let can = |status: &TaskStatus| match (self, status) {
            (Self::Retry, TaskStatus::Failed | TaskStatus::TimedOut)
            | (
                Self::Cancel { .. },
                TaskStatus::Pending
                | TaskStatus::Assigned
                | TaskStatus::Running
                | TaskStatus::RetryPending,
            )
            | (
                Self::Reassign { .. },
                TaskStatus::Pending | TaskStatus::Assigned | TaskStatus::Running,
            ) => true,
            (
                Self::Retry,
                TaskStatus::Pending
                | TaskStatus::Assigned
                | TaskStatus::Running
                | TaskStatus::RetryPending
                | TaskStatus::Completed
                | TaskStatus::Cancelled,
            )
            | (
                Self::Cancel { .. },
                TaskStatus::Completed
                | TaskStatus::Failed
                | TaskStatus::Cancelled
                | TaskStatus::TimedOut,
            )
            | (
                Self::Reassign { .. },
                TaskStatus::RetryPending
                | TaskStatus::Completed
                | TaskStatus::Failed
                | TaskStatus::Cancelled
                | TaskStatus::TimedOut,
            ) => false,
        };
        TaskStatus::ALL.into_iter().filter(can).collect()
    }
}

/// Those of the statuses that are asked for; none when it is none of them.
fn narrowed<S: PartialEq>(asked: Option<S>, can: Vec<S>) -> Option<Vec<S>> {
    match asked {
        None => Some(can),
        Some(asked) if can.contains(&asked) => Some(vec![asked]),
        Some(_) => None,
    }
}

impl WorkflowSelection {
    /// The statuses to look at; none when what is asked cannot be asked in the one that is set.
    #[must_use]
    pub fn statuses(&self, ask: &WorkflowAsk) -> Option<Vec<WorkflowStatus>> {
        narrowed(self.status, ask.statuses())
    }
}

impl TaskSelection {
    /// The statuses to look at; none when what is asked cannot be asked in the one that is set.
    #[must_use]
    pub fn statuses(&self, ask: &TaskAsk) -> Option<Vec<TaskStatus>> {
        narrowed(self.status, ask.statuses())
    }
}

impl TaskAsk {
    /// Whether it is asked of a task, as lists show it: the task of a workflow is repeated by its
    /// workflow, and only people's tasks are given to somebody, who does not have them yet. (A task
    /// that was given to them is found again, in another status.)
    #[must_use]
    pub fn is_for(
        &self,
        task_type: TaskType,
        workflow: Option<WorkflowId>,
        has_it: Option<&str>,
    ) -> bool {
        match self {
            Self::Retry => workflow.is_none(),
            Self::Cancel { .. } => true,
            Self::Reassign { assignee } => {
                task_type == TaskType::Manual && has_it != Some(assignee)
            }
        }
    }
}

impl Work {
    /// How many statuses are looked at, one after the other; none when it cannot be done.
    #[must_use]
    pub fn parts(&self) -> Option<usize> {
        match self {
            Self::Workflows { selection, ask } => selection.statuses(ask).map(|all| all.len()),
            Self::Tasks { selection, ask } => selection.statuses(ask).map(|all| all.len()),
        }
    }
}
