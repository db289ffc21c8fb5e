//! Watching a run until it ends: what the records say is told as they are written.
//!
//! The watcher is woken by writes, and reads beside the service. It moves nothing.

use taskmill::ids::{TaskId, WorkflowId};
use taskmill::task::TaskInstance;
use taskmill::workflow::WorkflowInstance;
use taskmill_app::views;
use taskmill_local::{Service, Written};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::exit::Error;
use crate::progress::display::FRAME;
use crate::progress::{Display, Tracker};

/// What there is to look at.
enum Wake {
    /// One record.
    Record(Written),
    /// Writes were missed: any record.
    All,
    /// Nothing; time passed.
    Time,
}

/// Follows a workflow to its end. `writes` are those from before it was started on.
///
/// # Errors
/// The store fails, or the workflow is gone.
pub async fn workflow(
    service: &Service,
    mut writes: Receiver<Written>,
    id: WorkflowId,
    tracker: &mut Tracker,
    display: &Display,
) -> Result<WorkflowInstance, Error> {
    let mut wake = Wake::All;
    loop {
        match &wake {
            Wake::All => {
                let tenant = &existing_workflow(service, id).await?.tenant_id;
                for task in views::tasks_of(service.app(), tenant, id).await? {
                    display.tell(&tracker.observe(&task));
                }
            }
            Wake::Record(written) if written.id != id.uuid() => {
                let task = service.observer().task(TaskId::new(written.id)).await?;
                let ours = task.filter(|task| task.context.workflow_instance_id == Some(id));
                if let Some(task) = ours {
                    display.tell(&tracker.observe(&task));
                }
            }
            Wake::Record(_) | Wake::Time => {}
        }
        if !matches!(wake, Wake::Time) {
            let instance = existing_workflow(service, id).await?;
            if instance.is_settled() {
                display.tell(&tracker.finish(instance.status));
                return Ok(instance);
            }
        }
        wake = next(service, &mut writes, tracker, display).await;
    }
}

/// Follows a task that stands alone to its end.
///
/// # Errors
/// The store fails, or the task is gone.
pub async fn task(
    service: &Service,
    mut writes: Receiver<Written>,
    id: TaskId,
    tracker: &mut Tracker,
    display: &Display,
) -> Result<TaskInstance, Error> {
    let mut wake = Wake::All;
    loop {
        let ours = match &wake {
            Wake::All => true,
            Wake::Record(written) => written.id == id.uuid(),
            Wake::Time => false,
        };
        if ours {
            let gone = || Error::Unexpected(format!("the task {id} is gone"));
            let task = service.observer().task(id).await?.ok_or_else(gone)?;
            display.tell(&tracker.observe(&task));
            if task.status.is_terminal() {
                return Ok(task);
            }
        }
        wake = next(service, &mut writes, tracker, display).await;
    }
}

async fn existing_workflow(service: &Service, id: WorkflowId) -> Result<WorkflowInstance, Error> {
    let found = service.observer().workflow(id).await?;
    found.ok_or_else(|| Error::Unexpected(format!("the workflow {id} is gone")))
}

/// The next thing to look at; meanwhile a terminal is drawn.
async fn next(
    service: &Service,
    writes: &mut Receiver<Written>,
    tracker: &mut Tracker,
    display: &Display,
) -> Wake {
    let clock = service.app().clock();
    if !display.is_animated() {
        display.tell(&tracker.observe_time(clock.now()));
    }
    display.draw(tracker.active(), clock.now());
    let long_from = tracker.long_from();
    let frame = async {
        match long_from {
            _ if display.is_animated() => tokio::time::sleep(FRAME).await,
            Some(at) => clock.sleep_until(at).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        written = writes.recv() => match written {
            Ok(written) => Wake::Record(written),
            Err(RecvError::Lagged(_)) => Wake::All,
            // The service is behind it for as long as it is borrowed here.
            Err(RecvError::Closed) => std::future::pending().await,
        },
        () = frame => Wake::Time,
    }
}
