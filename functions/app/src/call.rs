//! What an executor is called with: the definition, the input, in whose name, and until when.

use std::sync::Arc;

use serde_json::{Value, json};
use taskmill::codes::failure;
use taskmill::error_info::ErrorInfo;
use taskmill::task::creation::check_permissions;
use taskmill::task::routing;
use taskmill::task::timeouts::{Deadline, TimeoutKind};
use taskmill::task::{CompiledTask, TaskInstance};
use taskmill::workflow::expression::{self, Scope};
use taskmill::{Timestamp, limits};
use taskmill_aws::callbacks::{Callback, Ticket};
use taskmill_aws::executor::{Beats, Call, Used};

use crate::app::App;

/// The call of an attempt that began at `started_at`; permissions are checked again here.
///
/// # Errors
/// Why the attempt cannot be made.
pub(crate) fn call(
    app: &App,
    task: &TaskInstance,
    compiled: &Arc<CompiledTask>,
    started_at: Timestamp,
) -> Result<Call, Box<ErrorInfo>> {
    let now = app.now();
    check_permissions(&task.context.security_context, now)?;
    let definition = &compiled.definition;
    let route = routing::route(definition, task.priority).map_err(|error| {
        Box::new(ErrorInfo::new(
            failure::EXECUTOR_NOT_FOUND,
            error.to_string(),
            now,
        ))
    })?;
    let targets = &app.config().targets;
    targets
        .check(&task.tenant_id, &route.executor)
        .map_err(|refused| {
            let message = refused.to_string();
            Box::new(ErrorInfo::new(failure::TARGET_NOT_ALLOWED, message, now))
        })?;
    let deadline = task.timeouts.deadline(task.created_at, started_at);
    let deadline = deadline.map(|deadline| deadline.at);
    let callback = callback(app, task, compiled, started_at, deadline);
    Ok(Call {
        task_id: task.id,
        execution_id: task.execution_id(),
        attempt: task.attempt(),
        deadline,
        definition: Arc::new(definition.clone()),
        executor: route.executor,
        input: task.input.clone(),
        body: request_body(task, compiled, callback.as_ref(), now)?,
        callback,
        context: task.context.security_context.clone(),
        workflow_instance_id: task.context.workflow_instance_id,
        task_path: task.context.task_path.clone(),
        correlation_id: task.context.correlation_id.clone(),
        traceparent: task.traceparent.clone(),
        used: Used::default(),
        beats: Beats::default(),
    })
}

/// Milliseconds within which an attempt is to be handed over, if it may go on elsewhere.
pub(crate) fn handover_of(definition: &CompiledTask) -> Option<u64> {
    let is_called_back = definition.definition.execution_config.callback;
    is_called_back.then_some(limits::HANDOVER_MILLIS)
}

/// When the executor must be done: with the whole attempt, or with handing it over.
pub(crate) fn held_until(
    task: &TaskInstance,
    definition: &CompiledTask,
    started_at: Timestamp,
) -> Option<Deadline> {
    let handover = handover_of(definition).map(|limit| Deadline {
        at: started_at.plus_millis(limit),
        kind: TimeoutKind::StartToClose,
    });
    let deadline = task.timeouts.deadline(task.created_at, started_at);
    let both = deadline.into_iter().chain(handover);
    both.min_by_key(|deadline| deadline.at)
}

/// Where the end of an attempt is told that its definition has another system tell.
fn callback(
    app: &App,
    task: &TaskInstance,
    compiled: &CompiledTask,
    started_at: Timestamp,
    deadline: Option<Timestamp>,
) -> Option<Callback> {
    let callbacks = app.config().callbacks.as_ref()?;
    let is_wanted = compiled.definition.execution_config.callback;
    is_wanted.then(|| {
        let longest = started_at.plus_millis(limits::TIMER_MILLIS);
        callbacks.callback(&Ticket {
            tenant_id: task.tenant_id.clone(),
            task_id: task.id,
            attempt: task.attempt(),
            started_at,
            until: deadline.unwrap_or(longest),
        })
    })
}

fn request_body(
    task: &TaskInstance,
    compiled: &CompiledTask,
    callback: Option<&Callback>,
    now: Timestamp,
) -> Result<Option<Value>, Box<ErrorInfo>> {
    let Some(body) = &compiled.request_body else {
        return Ok(None);
    };
    let context = json!({
        "taskId": task.id,
        "attempt": task.attempt(),
        "workflowInstanceId": task.context.workflow_instance_id,
        "taskPath": task.context.task_path,
        "tenantId": task.tenant_id,
        "correlationId": task.context.correlation_id,
        "callbackUrl": callback.map(|callback| &callback.url),
    });
    let scope = Scope::new()
        .with("input", &task.input)
        .with("context", &context);
    let facts = expression::Facts::new(now, &[task.execution_id().uuid().as_bytes()]);
    body.evaluate(&scope, &facts).map_err(|error| {
        let message = format!("executionConfig/request/body: {}", error.message);
        Box::new(ErrorInfo::new(failure::EXPRESSION_ERROR, message, now))
    })
}
