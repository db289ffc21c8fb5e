//! Changes that are wanted of one version of a record alone: whoever read another decides anew.
//!
//! Everywhere else a lost race is decided again on what is there; here it is the answer. The
//! version that is compared is the one that the write is conditional on, so that nothing comes in
//! between.

use taskmill::codes::refusal;
use taskmill::ids::{TaskId, TenantId, WorkflowId};
use taskmill::security::Caller;
use taskmill::task::TaskInstance;
use taskmill::task::lifecycle::{Act, Event};
use taskmill::workflow::WorkflowInstance;
use taskmill::workflow::decider::{Event as WorkflowEvent, Operation};

use crate::app::App;
use crate::cancel_task;
use crate::create_task;
use crate::people;
use crate::refusal::Refusal;
use crate::requests;
use crate::tasks;
use crate::workflows::{self, Commit};

/// Does with a task in this version what a person asks.
///
/// # Errors
/// A [`Refusal`], `PRECONDITION_FAILED` when it is in another one.
pub async fn act(
    app: &App,
    person: &Caller,
    id: TaskId,
    version: u64,
    act: Act,
) -> Result<TaskInstance, Refusal> {
    let task = create_task::of_tenant(app, &person.tenant_id, id).await?;
    check(version, task.version)?;
    let event = people::event(app, person, &task, act).await?;
    change(app, task, &event).await
}

/// Cancels a task in this version.
///
/// # Errors
/// A [`Refusal`], `PRECONDITION_FAILED` when it is in another one.
pub async fn cancel_task(
    app: &App,
    caller: &Caller,
    id: TaskId,
    version: u64,
    reason: String,
) -> Result<TaskInstance, Refusal> {
    let task = create_task::of_tenant(app, &caller.tenant_id, id).await?;
    check(version, task.version)?;
    let event = cancel_task::event(caller, &task, reason)?;
    change(app, task, &event).await
}

async fn change(app: &App, task: TaskInstance, event: &Event) -> Result<TaskInstance, Refusal> {
    let id = task.id;
    match tasks::attempt(app, task, event).await? {
        Some(applied) => tasks::settle(app, id, applied).await,
        None => Err(overtaken()),
    }
}

/// Does what is asked of a workflow in this version.
///
/// # Errors
/// A [`Refusal`], `PRECONDITION_FAILED` when it is in another one.
pub async fn operate(
    app: &App,
    tenant: &TenantId,
    id: WorkflowId,
    version: u64,
    operation: Operation,
) -> Result<WorkflowInstance, Refusal> {
    requests::check_ask(&operation.ask)?;
    let before = workflows::of_tenant(app, tenant, id).await?;
    let repeats = operation.repeats(&before);
    if repeats.map_err(|refused| Refusal::new(refused.code, refused.message))? {
        // It was done of that version, and its answer was lost.
        return workflows::operate(app, tenant, id, operation).await;
    }
    check(version, before.version)?;
    let plan = app.inner.definitions.plan_of(&before).await?;
    let event = [WorkflowEvent::Operation(Box::new(operation))];
    let (decision, refused) = workflows::decide(app, &plan, &before, &event).await?;
    if let Some(refused) = refused {
        return Err(Refusal::new(refused.code, refused.message));
    }
    let Some(decision) = decision else {
        return Ok(before);
    };
    match workflows::commit(app, &before, &decision).await? {
        Commit::Won => workflows::of_tenant(app, tenant, id).await,
        Commit::Lost => Err(overtaken()),
    }
}

pub(crate) fn check(wanted: u64, found: u64) -> Result<(), Refusal> {
    match wanted == found {
        true => Ok(()),
        false => Err(Refusal::new(
            refusal::PRECONDITION_FAILED,
            format!("the record is in version {found}, not {wanted}"),
        )),
    }
}

fn overtaken() -> Refusal {
    let message = "the record was changed by others at this moment";
    Refusal::new(refusal::PRECONDITION_FAILED, message)
}
