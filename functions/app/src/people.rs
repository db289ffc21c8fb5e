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
use crate::emit;
use crate::refusal::Refusal;
use crate::requests;
use crate::tasks::{self, Applied};

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
    requests::check_text("person", Some(&person.user_id))?;
    let not_found = || Refusal::not_found("task", id);
    let found = app.store().task(id).await?;
    let is_theirs = |task: &TaskInstance| task.tenant_id == person.tenant_id;
    let task = found.filter(is_theirs).ok_or_else(not_found)?;
    check(app, &task, &act).await?;
    let event = Event::Act(Box::new(PersonsAct {
        by: person.clone(),
        act,
    }));
    match tasks::apply_to(app, id, Some(task), &event).await? {
        Applied::Owes(task, effect) => {
            let message = emit::message(&task, effect, app.now());
            app.queues().send(message.as_slice()).await?;
            Ok(*task)
        }
        Applied::Rejected(_, rejection) => Err(rejection.into()),
        Applied::Missing => Err(not_found()),
    }
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
