//! The creation of a task: from a definition and what is asked, to the first version of an
//! instance, or to the error that says why not.

use serde_json::Value;

use crate::JsonObject;
use crate::codes::failure;
use crate::error_info::ErrorInfo;
use crate::ids::{DefinitionId, TaskId};
use crate::metrics::ExecutionMetrics;
use crate::security::SecurityContext;
use crate::task::assignment::{Assignment, Handling};
use crate::task::compiled::CompiledTask;
use crate::task::definition::{TaskDefinition, TaskType};
use crate::task::due;
use crate::task::instance::{TaskContext, TaskInstance, TaskPriority, TaskStatus};
use crate::task::output;
use crate::task::polled::Polled;
use crate::task::retry::{RetryCounts, RetryPolicy};
use crate::task::timeouts::{StepTimeouts, Timeouts};
use crate::time::Timestamp;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct NewTask {
    /// The id, drawn or derived.
    pub id: TaskId,
    /// What it is given.
    pub input: Value,
    /// How urgent it is.
    pub priority: TaskPriority,
    /// A name for people.
    pub task_reference: Option<String>,
    /// The definition of the workflow that asks.
    pub workflow_definition_id: Option<DefinitionId>,
    /// That workflow's `run`.
    pub run: u32,
    /// Where it stands; its security context is the asker's, which the definition's demands
    /// are added to here.
    pub context: TaskContext,
    /// What the asking step puts over the definition.
    pub overrides: Overrides,
    /// The token by which somebody outside waits for it.
    pub task_token: Option<String>,
    /// W3C trace context of whoever asked.
    pub traceparent: Option<String>,
    /// The request's fingerprint.
    pub request_hash: Option<String>,
}

/// What a step puts over its task's definition.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Replaces the whole policy.
    pub retry_policy: Option<RetryPolicy>,
    /// Time limits.
    pub timeouts: StepTimeouts,
    /// Whether the workflow goes on.
    pub continue_on_failure: Option<bool>,
    /// Who may do a MANUAL task, field by field.
    pub assignment: Option<Assignment>,
}

/// Creates a task, PENDING (or ASSIGNED to a person), after its input and its asker's permissions were checked.
///
/// # Errors
/// `PERMISSION_DENIED`, `INVALID_INPUT` or `PAYLOAD_TOO_LARGE`. [`refused`] makes the record of
/// a task that was not to be.
pub fn create(
    task: &CompiledTask,
    new: NewTask,
    now: Timestamp,
) -> Result<TaskInstance, Box<ErrorInfo>> {
    let security = new.context.security_context.for_task(&task.definition);
    check_permissions(&security, now)?;
    output::check(&new.input, &task.input, failure::INVALID_INPUT, now)?;
    Ok(instance(task, new, security, now))
}

/// The record of a task that failed before it could be created, so that what was asked and why
/// it failed are kept, for `retention` milliseconds. An input that is too large is not kept.
#[must_use]
pub fn refused(
    task: &CompiledTask,
    new: NewTask,
    error: ErrorInfo,
    now: Timestamp,
    retention: u64,
) -> TaskInstance {
    let security = new.context.security_context.for_task(&task.definition);
    let new = if error.code == failure::PAYLOAD_TOO_LARGE {
        NewTask {
            input: Value::Object(JsonObject::new()),
            ..new
        }
    } else {
        new
    };
    TaskInstance {
        status: TaskStatus::Failed,
        error: Some(error),
        end_time: Some(now),
        expires_at: Some(now.plus_millis(retention)),
        due_at: None,
        ..instance(task, new, security, now)
    }
}

/// Checks that a context holds what the task requires: at creation, and again at execution.
///
/// # Errors
/// `PERMISSION_DENIED`, naming the missing permissions.
pub fn check_permissions(security: &SecurityContext, now: Timestamp) -> Result<(), Box<ErrorInfo>> {
    let missing = security.missing_permissions();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("{} lacks {}", security.user_id, missing.join(", "));
    let details = JsonObject::from_iter([("missing".to_owned(), missing.into())]);
    Err(Box::new(
        ErrorInfo::new(failure::PERMISSION_DENIED, message, now).with_details(details),
    ))
}

fn instance(
    task: &CompiledTask,
    new: NewTask,
    security: SecurityContext,
    now: Timestamp,
) -> TaskInstance {
    let definition = &task.definition;
    let overrides = new.overrides;
    let assignment = assignment(definition, overrides.assignment);
    let of_definition = || definition.retry_policy.clone();
    let mut instance = TaskInstance {
        id: new.id,
        tenant_id: security.tenant_id.clone(),
        task_definition_id: definition.id.clone(),
        task_definition_version: definition.version.clone(),
        workflow_definition_id: new.workflow_definition_id,
        run: new.run,
        status: first_status(assignment.as_ref()),
        task_type: definition.task_type,
        priority: new.priority,
        input: new.input,
        output: None,
        error: None,
        executor_id: definition.execution_config.executor.clone(),
        handling: assignment.as_ref().map(|people| Handling::of(people, now)),
        assignee: assignment.and_then(|people| people.assignee),
        last_act: None,
        polled: Polled::of(definition),
        task_reference: new.task_reference,
        context: TaskContext {
            security_context: security,
            ..new.context
        },
        retry_policy: overrides.retry_policy.or_else(of_definition),
        retries: RetryCounts::default(),
        losses: 0,
        timeouts: Timeouts::effective(definition, overrides.timeouts),
        concurrency_limit: definition.concurrency.map(|concurrency| concurrency.limit),
        rate_limit: definition.rate_limit,
        continue_on_failure: overrides
            .continue_on_failure
            .unwrap_or(definition.continue_on_failure),
        attempts: Vec::new(),
        metrics: ExecutionMetrics::default(),
        start_time: None,
        end_time: None,
        execution_environment: None,
        deadline_at: None,
        elsewhere_since: None,
        next_retry_at: None,
        due_at: None,
        checks: 0,
        expires_at: None,
        task_token: new.task_token,
        traceparent: new.traceparent,
        retried_task_id: None,
        request_hash: new.request_hash,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    instance.due_at = due::of_task(&instance, now);
    instance
}

/// Whoever has a task from the start need not claim it.
fn first_status(assignment: Option<&Assignment>) -> TaskStatus {
    match assignment.and_then(|people| people.assignee.as_ref()) {
        Some(_) => TaskStatus::Assigned,
        None => TaskStatus::Pending,
    }
}

/// Who may do a task of a person: the step's word over the definition's.
fn assignment(definition: &TaskDefinition, of_step: Option<Assignment>) -> Option<Assignment> {
    let of_definition = definition.assignment.clone().unwrap_or_default();
    match definition.task_type {
        TaskType::Manual => Some(of_step.unwrap_or_default().over(&of_definition)),
        TaskType::Automated | TaskType::Integration => None,
    }
}

#[cfg(test)]
mod tests;
