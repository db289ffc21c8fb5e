//! What an executor is called with: the definition, the input, and in whose name.

use std::sync::Arc;

use serde_json::{Value, json};
use taskmill::Timestamp;
use taskmill::codes::failure;
use taskmill::error_info::ErrorInfo;
use taskmill::task::creation::check_permissions;
use taskmill::task::routing;
use taskmill::task::timeouts::Deadline;
use taskmill::task::{CompiledTask, TaskInstance};
use taskmill::workflow::expression::{self, Scope};
use taskmill_aws::executor::{Beats, Call, Used};

/// The call of an attempt; permissions are checked again here.
///
/// # Errors
/// Why the attempt cannot be made.
pub(crate) fn call(
    task: &TaskInstance,
    compiled: &Arc<CompiledTask>,
    deadline: Option<Deadline>,
    now: Timestamp,
) -> Result<Call, Box<ErrorInfo>> {
    check_permissions(&task.context.security_context, now)?;
    let definition = &compiled.definition;
    let route = routing::route(definition, task.priority).map_err(|error| {
        Box::new(ErrorInfo::new(
            failure::EXECUTOR_NOT_FOUND,
            error.to_string(),
            now,
        ))
    })?;
    Ok(Call {
        task_id: task.id,
        execution_id: task.execution_id(),
        attempt: task.attempt(),
        deadline: deadline.map(|deadline| deadline.at),
        definition: Arc::new(definition.clone()),
        executor: route.executor,
        input: task.input.clone(),
        body: request_body(task, compiled, now)?,
        context: task.context.security_context.clone(),
        workflow_instance_id: task.context.workflow_instance_id,
        task_path: task.context.task_path.clone(),
        correlation_id: task.context.correlation_id.clone(),
        traceparent: task.traceparent.clone(),
        used: Used::default(),
        beats: Beats::default(),
    })
}

fn request_body(
    task: &TaskInstance,
    compiled: &CompiledTask,
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
