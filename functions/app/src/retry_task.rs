//! Repeating a task that ended: a new task of the same definition version and input, that names the
//! one it repeats. The ended one does not change.
//!
//! A task of a workflow is repeated by its workflow, which knows what follows from it.

use serde::Serialize;
use taskmill::JsonObject;
use taskmill::codes::refusal;
use taskmill::ids::TaskId;
use taskmill::security::{Caller, SecurityContext};
use taskmill::task::TaskInstance;
use taskmill::task::creation::{self, NewTask, Overrides};
use taskmill::task::instance::{TaskContext, VariablesSnapshot};

use crate::app::App;
use crate::create_task;
use crate::refusal::Refusal;
use crate::requests;

/// What is asked: the request's fingerprint is made of it.
#[derive(Serialize)]
struct Retry {
    retry: TaskId,
}

/// Repeats a task that ended, once under each idempotency key.
///
/// # Errors
/// A [`Refusal`]: `ILLEGAL_STATE` while it is open, or when it is its workflow's to repeat.
pub async fn retry_task(
    app: &App,
    caller: &Caller,
    id: TaskId,
    idempotency_key: Option<&str>,
) -> Result<TaskInstance, Refusal> {
    requests::check_text("idempotencyKey", idempotency_key)?;
    let ended = create_task::of_tenant(app, &caller.tenant_id, id).await?;
    check(&ended)?;
    let definition = app.inner.definitions.of_task(&ended).await?;
    let new = again(app, caller, &ended, idempotency_key);
    let mut task = creation::create(&definition, new, app.now())?;
    task.retried_task_id = Some(id);
    create_task::accept(app, task).await
}

fn check(ended: &TaskInstance) -> Result<(), Refusal> {
    let refuse = |why: String| Err(Refusal::new(refusal::ILLEGAL_STATE, why));
    if ended.context.workflow_instance_id.is_some() {
        return refuse("a task of a workflow is repeated by retry or rerun of it".to_owned());
    }
    match ended.status.is_terminal() {
        true => Ok(()),
        false => refuse(format!("the task is {}", ended.status.as_str())),
    }
}

fn again(app: &App, caller: &Caller, ended: &TaskInstance, key: Option<&str>) -> NewTask {
    NewTask {
        id: key.map_or_else(
            || app.fresh_task_id(),
            |key| TaskId::from_idempotency_key(&caller.tenant_id, key),
        ),
        request_hash: key.map(|_| requests::fingerprint(&Retry { retry: ended.id })),
        input: ended.input.clone(),
        priority: ended.priority,
        task_reference: ended.task_reference.clone(),
        workflow_definition_id: None,
        run: 0,
        context: TaskContext {
            workflow_instance_id: None,
            batch_id: None,
            workflow_variables: VariablesSnapshot::Inline(JsonObject::new()),
            task_path: None,
            security_context: SecurityContext::from(caller),
            correlation_id: ended.context.correlation_id.clone(),
        },
        overrides: Overrides::default(),
        task_token: None,
        traceparent: ended.traceparent.clone(),
    }
}
