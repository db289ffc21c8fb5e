//! `WorkflowInstance`: one run of a workflow definition.
//!
//! It holds only what is active (the frontier), never a list of what was: its size does not
//! grow with its life. The tasks it ran are answered from their index.

use std::collections::BTreeMap;
use std::sync::Arc;

use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::JsonObject;
use crate::error_info::ErrorInfo;
use crate::ids::{DefinitionId, TaskId, TenantId, WorkflowId};
use crate::metrics::{WorkflowMetrics, WorkflowMetricsView};
use crate::security::SecurityContext;
use crate::task::instance::drop_nulls;
use crate::time::Timestamp;
use crate::workflow::frontier::Course;
use crate::workflow::parent::{BatchOf, Parent};

/// Where a workflow is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WorkflowStatus {
    /// Accepted, not begun.
    Pending,
    /// Under way.
    Running,
    /// Nothing new is started.
    Paused,
    /// It gave its output.
    Completed,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Its time limit passed.
    TimedOut,
}

impl WorkflowStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Running,
        Self::Paused,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::TimedOut,
    ];

    /// Whether nothing follows but a reopening.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::Cancelled | Self::TimedOut => true,
            Self::Pending | Self::Running | Self::Paused => false,
        }
    }

    /// The seed's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::TimedOut => "TIMED_OUT",
        }
    }
}

/// One run of a workflow definition.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowInstance {
    /// The record's id.
    pub id: WorkflowId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// What it is.
    pub workflow_definition_id: DefinitionId,
    /// The version that was resolved at its start.
    pub definition_version: Version,
    /// The versions of definitions that were resolved at its start, by the names of their pins;
    /// instances of older versions have them by step name.
    pub pins: BTreeMap<String, Version>,
    /// Where it is in its life.
    pub status: WorkflowStatus,
    /// What it was given; its batches share it.
    pub input: Arc<Value>,
    /// What it gave.
    pub output: Option<Value>,
    /// Why it failed.
    pub error: Option<ErrorInfo>,
    /// Its variables.
    pub variables: JsonObject,
    /// Where it is.
    pub course: Course,
    /// Who waits for it.
    pub parent: Option<Parent>,
    /// Of a batch of iterations: which.
    pub batch: Option<BatchOf>,
    /// Counts reopenings.
    pub run: u32,
    /// Totals over its tasks.
    pub metrics: WorkflowMetrics,
    /// In whose name it runs; each task's context derives from it.
    pub security_context: SecurityContext,
    /// The caller's own id for the whole matter.
    pub correlation_id: Option<String>,
    /// When it began.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    pub end_time: Option<Timestamp>,
    /// When its time limit passes.
    pub deadline_at: Option<Timestamp>,
    /// When somebody must look at it again; every open workflow has one.
    pub due_at: Option<Timestamp>,
    /// How often the due time passed without news.
    pub checks: u32,
    /// When the record may be deleted.
    pub expires_at: Option<Timestamp>,
    /// W3C trace context of whoever asked.
    pub traceparent: Option<String>,
    /// The request's fingerprint, which tells a repeat from a conflict under one idempotency key.
    pub request_hash: Option<String>,
    /// Counts changes, from 1; every write is conditional on it.
    pub version: u64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl WorkflowInstance {
    /// The workflow that it belongs to: itself, unless it is a batch of iterations.
    #[must_use]
    pub fn workflow_id(&self) -> WorkflowId {
        match (&self.batch, &self.parent) {
            (Some(_), Some(parent)) => parent.workflow_id,
            _ => self.id,
        }
    }

    /// The id of the task of a step.
    #[must_use]
    pub fn task_id(&self, path: &str, generation: u32) -> TaskId {
        TaskId::of_step(self.id, self.run, path, generation)
    }

    /// The id of the child of a step.
    #[must_use]
    pub fn child_id(&self, path: &str, generation: u32) -> WorkflowId {
        WorkflowId::of_step(self.id, path, generation)
    }

    /// Whether nobody has anything left to do for it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let course = &self.course;
        self.status.is_terminal() && course.closing.is_none() && course.cancelling.is_empty()
    }

    /// The instance as users see it. `tasks` are the views of its task instances, in order of
    /// creation; `completed` the last of them that completed. The error is without the stack
    /// trace, which is its task's to show.
    #[must_use]
    pub fn view(&self, tasks: Vec<Value>, completed: Vec<TaskId>) -> Value {
        let error = self.error.clone().map(|error| ErrorInfo {
            stack_trace: None,
            ..error
        });
        let mut view = json!({
            "id": self.id,
            "tenantId": self.tenant_id,
            "workflowDefinitionId": self.workflow_definition_id,
            "definitionVersion": self.definition_version,
            "status": self.status,
            "startTime": self.start_time,
            "endTime": self.end_time,
            "input": self.input,
            "output": self.output,
            "error": error,
            "variables": self.variables,
            "correlationId": self.correlation_id,
            "createdBy": self.security_context.user_id,
            "securityContext": self.security_context,
            "metrics": WorkflowMetricsView { totals: self.metrics, completed_tasks: completed },
            "frontier": self.course,
            "run": self.run,
            "deadlineAt": self.deadline_at,
            "expiresAt": self.expires_at,
            "traceparent": self.traceparent,
            "version": self.version,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "taskInstances": tasks,
        });
        drop_nulls(
            &mut view,
            &["output"],
            self.status == WorkflowStatus::Completed,
        );
        view
    }
}

#[cfg(test)]
mod tests;
