//! Tasks that somebody outside waits for by a token of Step Functions.
//!
//! The end of such a task is an answer that is owed: the record keeps its due time until the
//! answer was taken, so that it is told again whatever is lost. While the task goes on the token
//! is told so, and one that turns out to be closed cancels the task: nobody has a use for it.

use std::convert::Infallible;
use std::time::Duration;

use taskmill::ids::TaskId;
use taskmill::task::lifecycle::Event;
use taskmill::task::token;
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill_aws::task_tokens::Told;

use crate::app::App;
use crate::emit;
use crate::refusal::{Fault, Refusal};
use crate::tasks::{self, Applied};

/// How often the token of a running attempt is told that it lives: the heartbeat limits of state
/// machines are a minute and more.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// Tells whoever waits for a task by a token how it stands.
pub(crate) async fn tell(app: &App, id: TaskId) -> Result<(), Fault> {
    match app.store().task(id).await? {
        Some(task) => answer(app, &task).await,
        None => Ok(()),
    }
}

/// Tells whoever waits for this task by a token how it stands; nothing where nobody does.
pub(crate) async fn answer(app: &App, task: &TaskInstance) -> Result<(), Fault> {
    let Some(token) = &task.task_token else {
        return Ok(());
    };
    let told = app.inner.tokens.tell(token, token::answer(task)).await?;
    match told {
        Told::Heard if !task.status.is_terminal() => Ok(()),
        Told::Heard => close(app, task).await,
        Told::Closed => {
            tracing::info!(task.id = %task.id, status = task.status.as_str(), "nobody waits under the token of a task");
            close(app, task).await
        }
    }
}

async fn close(app: &App, task: &TaskInstance) -> Result<(), Fault> {
    let task = task.clone();
    match tasks::apply_to(app, task.id, Some(task), &Event::TokenClosed).await? {
        Applied::Owes(task, effect) => {
            let message = emit::message(&task, effect, app.now());
            Ok(app.queues().send(message.as_slice()).await?)
        }
        Applied::Rejected(..) | Applied::Missing => Ok(()),
    }
}

/// Tells the token of an attempt that runs, again and again, that it lives. One that is closed
/// cancels the task, which stops the attempt.
pub(crate) async fn keep_alive(app: &App, task: &TaskInstance) -> Infallible {
    if task.task_token.is_some() {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            let running = TaskInstance {
                status: TaskStatus::Running,
                ..task.clone()
            };
            if let Err(error) = Box::pin(answer(app, &running)).await {
                tracing::warn!(task.id = %task.id, %error, "a token was not told that its task lives");
            }
        }
    }
    std::future::pending().await
}

/// Tells a token that what was asked for under it was refused.
pub(crate) async fn refuse(app: &App, token: &str, refusal: &Refusal) -> Result<(), Fault> {
    let answer = token::refused(refusal.code(), &refusal.to_string());
    app.inner.tokens.tell(token, answer).await?;
    Ok(())
}
