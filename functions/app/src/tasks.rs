//! One change of one task: load it, let the lifecycle decide, write it, until the write wins. What
//! that means for the task's place among those of its definition follows the write.

use taskmill::ids::TaskId;
use taskmill::task::TaskInstance;
use taskmill::task::lifecycle::{self, Effect, Event, Rejection, Transition};

use crate::app::App;
use crate::emit;
use crate::line;
use crate::refusal::{Fault, Refusal};

/// How often a change is decided anew when others were first.
pub(crate) const ATTEMPTS: u32 = 8;

/// What became of an event.
#[derive(Debug)]
pub(crate) enum Applied {
    /// It was written, or had been before; the effect is owed.
    Owes(Box<TaskInstance>, Effect),
    /// It changes nothing.
    Rejected(Box<TaskInstance>, Rejection),
    /// There is no such task.
    Missing,
}

/// Applies an event to a task.
pub(crate) async fn apply(app: &App, id: TaskId, event: &Event) -> Result<Applied, Fault> {
    let loaded = app.store().task(id).await?;
    apply_to(app, id, loaded, event).await
}

/// Applies an event to a task that was loaded just now.
pub(crate) async fn apply_to(
    app: &App,
    id: TaskId,
    mut loaded: Option<TaskInstance>,
    event: &Event,
) -> Result<Applied, Fault> {
    for _ in 0..ATTEMPTS {
        let Some(task) = loaded else {
            return Ok(Applied::Missing);
        };
        match attempt(app, task, event).await? {
            Some(applied) => return Ok(applied),
            None => loaded = app.store().task(id).await?,
        }
    }
    Err(Fault::Contended {
        record: format!("task {id}"),
        attempts: ATTEMPTS,
    })
}

/// Applies an event to a task as it was loaded; nothing comes of it when others changed it since.
pub(crate) async fn attempt(
    app: &App,
    task: TaskInstance,
    event: &Event,
) -> Result<Option<Applied>, Fault> {
    let facts = app.task_facts(task.execution_id());
    let after = match lifecycle::transition(&task, event, facts) {
        Err(rejection) => return Ok(Some(Applied::Rejected(Box::new(task), rejection))),
        Ok(Transition::Repeated(effect)) => {
            line::follow(app, &task, &task, event).await?;
            return Ok(Some(Applied::Owes(Box::new(task), effect)));
        }
        Ok(Transition::Changed { task, effect }) => (task, effect),
    };
    match app.store().replace_task(&task, &after.0).await {
        Ok(()) => {
            let underway = &app.inner.underway;
            underway.stop_unless_wanted(task.execution_id(), &after.0);
            line::follow(app, &task, &after.0, event).await?;
            Ok(Some(Applied::Owes(after.0, after.1)))
        }
        Err(error) if error.is_version_conflict() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Performs what a change of a task owes, and gives the task as it is then.
pub(crate) async fn settle(
    app: &App,
    id: TaskId,
    applied: Applied,
) -> Result<TaskInstance, Refusal> {
    match applied {
        Applied::Owes(task, effect) => {
            let message = emit::message(&task, effect, app.now());
            app.queues().send(message.as_slice()).await?;
            Ok(*task)
        }
        Applied::Rejected(task, rejection) => {
            // Who asked may have seen in an inbox what is over.
            if let Err(error) = app.store().mend_inbox(&task).await {
                tracing::warn!(task.id = %id, %error, "an inbox may show too much");
            }
            Err(rejection.into())
        }
        Applied::Missing => Err(Refusal::not_found("task", id)),
    }
}
