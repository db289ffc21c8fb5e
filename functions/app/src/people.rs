//! What people do with their tasks: claim, release, assign, complete, fail.
//!
//! Each is one conditional write, so that of two people who claim at once one wins and the other
//! is told. Who may is decided by the core, on the record that is written. What the act means for
//! the task's workflow is hinted after the write; should the hint be lost, the workflow's due time
//! finds out.

use taskmill::codes::refusal;
use taskmill::ids::TaskId;
use taskmill::security::Caller;
use taskmill::task::TaskInstance;
use taskmill::task::lifecycle::{Act, Event, PersonsAct};
use taskmill::task::{TaskType, output};

use crate::app::App;
use crate::create_task;
use crate::refusal::Refusal;
use crate::requests;
use crate::tasks;

/// Does with a task what a person asks.
///
/// # Errors
/// A [`Refusal`]: nothing was changed, unless it is a fault after the write. An output that breaks
/// the task's schema is refused with `INVALID_INPUT`, and the task stays theirs.
pub async fn act(
    app: &App,
    person: &Caller,
    id: TaskId,
    act: Act,
) -> Result<TaskInstance, Refusal> {
    let task = create_task::of_tenant(app, &person.tenant_id, id).await?;
    let event = event(app, person, &task, act).await?;
    let applied = tasks::apply_to(app, id, Some(task), &event).await?;
    tasks::settle(app, id, applied).await
}

/// What a person asks of a task, if it can be asked.
pub(crate) async fn event(
    app: &App,
    person: &Caller,
    task: &TaskInstance,
    act: Act,
) -> Result<Event, Refusal> {
    requests::check_text("person", Some(&person.user_id))?;
    check(app, task, &act).await?;
    Ok(Event::Act(Box::new(PersonsAct {
        by: person.clone(),
        act,
    })))
}

/// Checks what a person says against the definition of the task and the limits of a payload.
async fn check(app: &App, task: &TaskInstance, act: &Act) -> Result<(), Refusal> {
    let now = app.now();
    match act {
        Act::Complete { output } if task.task_type == TaskType::Manual => {
            let definition = app.inner.definitions.of_task(task).await?;
            output::check(output, &definition.output, refusal::INVALID_INPUT, now)?;
        }
        Act::Fail { code, .. } => requests::check_text("code", Some(code))?,
        Act::Assign { assignee } => requests::check_text("assignee", Some(assignee))?,
        Act::Complete { .. } | Act::Claim | Act::Release => {}
    }
    Ok(())
}
