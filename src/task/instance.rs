//! `TaskInstance`: one task that was accepted, with the fields of both seeds.
//!
//! How an instance changes is decided in [`crate::task::lifecycle`]; how it is stored, in
//! `infra/aws`; [`TaskInstance::view`] is how it is shown.

use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::JsonObject;
use crate::error_info::ErrorInfo;
use crate::ids::{DefinitionId, ExecutionId, TaskId, TenantId, WorkflowId};
use crate::metrics::ExecutionMetrics;
use crate::security::SecurityContext;
use crate::task::assignment::Handling;
use crate::task::attempt::Attempt;
use crate::task::audit::Entry;
use crate::task::definition::TaskType;
use crate::task::polled::{Lease, Polled};
use crate::task::rate::RateLimit;
use crate::task::retry::{RetryCounts, RetryPolicy};
use crate::task::timeouts::{Deadline, TimeoutKind, Timeouts};
use crate::time::Timestamp;

/// Where a task is in its life; [`crate::task::lifecycle`] has the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskStatus {
    /// Accepted; no attempt is known to have begun.
    Pending,
    /// A person has it.
    Assigned,
    /// An attempt is running.
    Running,
    /// An attempt failed or was lost; another follows.
    RetryPending,
    /// It gave its output.
    Completed,
    /// It failed for good.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// A time limit passed for good.
    TimedOut,
}

impl TaskStatus {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Assigned,
        Self::Running,
        Self::RetryPending,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::TimedOut,
    ];

    /// Whether nothing follows.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::Cancelled | Self::TimedOut => true,
            Self::Pending | Self::Assigned | Self::Running | Self::RetryPending => false,
        }
    }

    /// The seed's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Assigned => "ASSIGNED",
            Self::Running => "RUNNING",
            Self::RetryPending => "RETRY_PENDING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::TimedOut => "TIMED_OUT",
        }
    }
}

/// How urgent a task is: HIGH and CRITICAL have a queue of their own.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum TaskPriority {
    /// When there is time.
    Low,
    /// The default.
    #[default]
    Medium,
    /// Before others.
    High,
    /// Before everything.
    Critical,
}

impl TaskPriority {
    /// The seed's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

/// A task that was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskInstance {
    /// The record's id.
    pub id: TaskId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// What it is.
    pub task_definition_id: DefinitionId,
    /// The version that was resolved at creation.
    pub task_definition_version: Version,
    /// The definition of the workflow that it belongs to, for filters without a join.
    pub workflow_definition_id: Option<DefinitionId>,
    /// The workflow's `run` in which it was created.
    pub run: u32,
    /// Where it is in its life.
    pub status: TaskStatus,
    /// Who does it.
    pub task_type: TaskType,
    /// How urgent it is.
    pub priority: TaskPriority,
    /// What it was given.
    pub input: Value,
    /// What it gave.
    pub output: Option<Value>,
    /// Why it failed, or why its last attempt did.
    pub error: Option<ErrorInfo>,
    /// What routing chose; once an attempt began, who took it.
    pub executor_id: String,
    /// The person who has it.
    pub assignee: Option<String>,
    /// Who may take it and by when; of a MANUAL task.
    pub handling: Option<Handling>,
    /// What a person did with it last.
    pub last_act: Option<Entry>,
    /// Which workers poll for it, and the lease of the one that has it.
    pub polled: Option<Polled>,
    /// A name for people: a company, a document.
    pub task_reference: Option<String>,
    /// Where it stands and in whose name it runs.
    pub context: TaskContext,
    /// The effective retry policy, the step's over the definition's.
    pub retry_policy: Option<RetryPolicy>,
    /// Retries so far, by part of the policy.
    pub retries: RetryCounts,
    /// Attempts that were lost with their worker.
    pub losses: u32,
    /// The effective time limits.
    pub timeouts: Timeouts,
    /// How many tasks of its definition may run at once when it begins.
    pub concurrency_limit: Option<u32>,
    /// How many tasks of its definition may begin in a period.
    pub rate_limit: Option<RateLimit>,
    /// Whether its workflow goes on when it fails for good.
    pub continue_on_failure: bool,
    /// The last attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// What all its attempts used together.
    pub metrics: ExecutionMetrics,
    /// When the first attempt that is known of began.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    pub end_time: Option<Timestamp>,
    /// Where the last attempt ran.
    pub execution_environment: Option<String>,
    /// When the running attempt must be over: its lease.
    pub deadline_at: Option<Timestamp>,
    /// When the running attempt began, if another system has it and tells its end by a callback.
    pub elsewhere_since: Option<Timestamp>,
    /// When the next attempt begins.
    pub next_retry_at: Option<Timestamp>,
    /// When somebody must look at it again. Open tasks that stand alone have one.
    pub due_at: Option<Timestamp>,
    /// How often the due time passed without news.
    pub checks: u32,
    /// When the record may be deleted.
    pub expires_at: Option<Timestamp>,
    /// The token of the state machine that waits for it.
    pub task_token: Option<String>,
    /// W3C trace context of whoever asked.
    pub traceparent: Option<String>,
    /// The ended task that this one repeats.
    pub retried_task_id: Option<TaskId>,
    /// The request's fingerprint, which tells a repeat from a conflict under one idempotency key.
    pub request_hash: Option<String>,
    /// Counts changes, from 1; every write is conditional on it.
    pub version: u64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Where a task stands and in whose name it runs: the seed's TaskExecutionContext without the
/// execution id, which derives from task and attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskContext {
    /// The workflow that it belongs to.
    pub workflow_instance_id: Option<WorkflowId>,
    /// The batch of iterations of that workflow that waits for it.
    pub batch_id: Option<WorkflowId>,
    /// The workflow's variables when it was created.
    pub workflow_variables: VariablesSnapshot,
    /// The path of its step; none for a task that stands alone.
    pub task_path: Option<String>,
    /// In whose name it runs.
    pub security_context: SecurityContext,
    /// The caller's own id for the whole matter.
    pub correlation_id: Option<String>,
}

impl TaskContext {
    /// The record that waits for the task: its workflow, or a batch of iterations of it.
    #[must_use]
    pub fn owner(&self) -> Option<WorkflowId> {
        self.batch_id.or(self.workflow_instance_id)
    }
}

/// A workflow's variables at one moment.
#[derive(Debug, Clone, PartialEq)]
pub enum VariablesSnapshot {
    /// The variables themselves.
    Inline(JsonObject),
    /// They stand beside the workflow, under this content hash.
    OfWorkflow(String),
}

impl TaskInstance {
    /// The attempt that runs or comes next, from 1; of an ended task, the last one.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.retries
            .total()
            .saturating_add(self.losses)
            .saturating_add(1)
    }

    /// The fencing token of [`Self::attempt`].
    #[must_use]
    pub fn execution_id(&self) -> ExecutionId {
        ExecutionId::of_attempt(self.id, self.attempt())
    }

    /// The next limit that it runs into while no attempt is running. The time of a person counts
    /// from the creation of the task, and its start is that somebody took it.
    #[must_use]
    pub fn waiting_deadline(&self) -> Option<Deadline> {
        let taken = self.handling.as_ref().and_then(|people| people.taken_at);
        let started = self.start_time.or(taken).is_some();
        let waiting = self.timeouts.waiting_deadline(self.created_at, started);
        let whole = match self.task_type {
            TaskType::Manual => self.timeouts.deadline(self.created_at, self.created_at),
            TaskType::Automated | TaskType::Integration => None,
        };
        let next = waiting.into_iter().chain(whole);
        next.min_by_key(|deadline| deadline.at)
    }

    /// The lease of the worker that has it.
    #[must_use]
    pub fn lease(&self) -> Option<&Lease> {
        self.polled.as_ref()?.lease.as_ref()
    }

    /// The limit that the attempt of a worker runs into next. The worker may be gone: whoever looks
    /// ends the attempt.
    #[must_use]
    pub fn leased_deadline(&self) -> Option<Deadline> {
        let lease = self.lease()?;
        let attempt = self.timeouts.deadline(self.created_at, lease.begun_at);
        let silence = Deadline {
            at: lease.until,
            kind: TimeoutKind::Heartbeat,
        };
        let limits = attempt.into_iter().chain([silence]);
        limits.min_by_key(|deadline| deadline.at)
    }

    /// Milliseconds from the first start to the end.
    #[must_use]
    pub fn duration(&self) -> Option<u64> {
        Some(self.end_time?.millis_since(self.start_time?))
    }

    /// The instance as users see it, with the fields of both seeds. `variables` resolves a
    /// snapshot that stands beside the workflow. A stack trace is shown only to those who may
    /// see it.
    #[must_use]
    pub fn view(&self, variables: &JsonObject, with_stack_trace: bool) -> Value {
        let hide = |error: &ErrorInfo| {
            let mut error = error.clone();
            error.stack_trace = error.stack_trace.filter(|_| with_stack_trace);
            error
        };
        let attempts: Vec<Attempt> = self
            .attempts
            .iter()
            .map(|attempt| Attempt {
                error: attempt.error.as_ref().map(hide),
                ..attempt.clone()
            })
            .collect();
        let mut view = json!({
            "id": self.id,
            "tenantId": self.tenant_id,
            "taskDefinitionId": self.task_definition_id,
            "taskDefinitionVersion": self.task_definition_version,
            "workflowInstanceId": self.context.workflow_instance_id,
            "workflowDefinitionId": self.workflow_definition_id,
            "status": self.status,
            "type": self.task_type,
            "priority": self.priority,
            "input": self.input,
            "output": self.output,
            "error": self.error.as_ref().map(hide),
            "executorId": self.executor_id,
            "assignee": self.assignee,
            "handling": self.handling,
            "worker": self.polled,
            "taskReference": self.task_reference,
            "executionId": self.execution_id(),
            "attempt": self.attempt(),
            "retryCount": self.retries.total(),
            "losses": self.losses,
            "retryPolicy": self.retry_policy,
            "timeouts": self.timeouts,
            "concurrencyLimit": self.concurrency_limit,
            "rateLimit": self.rate_limit,
            "continueOnFailure": self.continue_on_failure,
            "startTime": self.start_time,
            "endTime": self.end_time,
            "executionMetadata": {
                "startTime": self.start_time,
                "endTime": self.end_time,
                "duration": self.duration(),
                "executionEnvironment": self.execution_environment,
            },
            "executionContext": {
                "workflowInstanceId": self.context.workflow_instance_id,
                "workflowVariables": variables,
                "taskPath": self.context.task_path,
                "executionId": self.execution_id(),
                "securityContext": self.context.security_context,
                "correlationId": self.context.correlation_id,
            },
            "metrics": self.metrics,
            "attempts": attempts,
            "deadlineAt": self.deadline_at,
            "elsewhereSince": self.elsewhere_since,
            "nextRetryAt": self.next_retry_at,
            "expiresAt": self.expires_at,
            "traceparent": self.traceparent,
            "retriedTaskId": self.retried_task_id,
            "version": self.version,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
        });
        drop_nulls(&mut view, &["output"], self.status == TaskStatus::Completed);
        view
    }
}

/// Drops fields that are null from an object and from the objects it holds directly, but keeps
/// those named when `keep` is set: a completed task's null output is an output.
pub(crate) fn drop_nulls(view: &mut Value, kept: &[&str], keep: bool) {
    let Some(object) = view.as_object_mut() else {
        return;
    };
    object.retain(|name, value| !value.is_null() || (keep && kept.contains(&name.as_str())));
    for name in ["executionMetadata", "executionContext"] {
        if let Some(Value::Object(inner)) = object.get_mut(name) {
            inner.retain(|_, value| !value.is_null());
        }
    }
}

#[cfg(test)]
mod tests;
