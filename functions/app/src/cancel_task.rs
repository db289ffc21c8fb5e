//! Cancelling a task. Whoever holds what its definition requires may: they might have created it.
//!
//! Of a task in a workflow, the workflow is told, and takes it for a step that did not succeed.

use taskmill::ids::TaskId;
use taskmill::security::Caller;
use taskmill::task::TaskInstance;
use taskmill::task::lifecycle::{Event, Rejection};

use crate::app::App;
use crate::create_task;
use crate::refusal::Refusal;
use crate::requests;
use crate::tasks;

/// Cancels a task. Doing it again changes nothing.
///
/// # Errors
/// A [`Refusal`]: nothing was changed, unless it is a fault after the write.
pub async fn cancel_task(
    app: &App,
    caller: &Caller,
    id: TaskId,
    reason: String,
) -> Result<TaskInstance, Refusal> {
    let task = create_task::of_tenant(app, &caller.tenant_id, id).await?;
    let event = event(caller, &task, reason)?;
    let applied = tasks::apply_to(app, id, Some(task), &event).await?;
    tasks::settle(app, id, applied).await
}

/// What is asked of the task, if the caller may ask it.
pub(crate) fn event(
    caller: &Caller,
    task: &TaskInstance,
    reason: String,
) -> Result<Event, Refusal> {
    requests::check_text("reason", Some(&reason))?;
    let missing = task
        .context
        .security_context
        .missing_of(&caller.permissions);
    if missing.is_empty() {
        return Ok(Event::Cancel { reason });
    }
    let missing = missing.into_iter().map(str::to_owned).collect();
    Err(Rejection::PermissionDenied { missing }.into())
}
