//! Watching a run until it ends: what the records say is told as they are written.
//!
//! The watcher is woken by writes, and reads beside the service. It moves nothing.

use std::convert::Infallible;

use taskmill::ids::{TaskId, WorkflowId};
use taskmill::task::TaskInstance;
use taskmill::workflow::WorkflowInstance;
use taskmill_app::views;
use taskmill_local::{Service, Written};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::exit::Error;
use crate::family::Family;
use crate::progress::display::FRAME;
use crate::progress::{Display, Line, Tracker};

/// What there is to look at.
enum Wake {
    /// One record.
    Record(Written),
    /// Writes were missed: any record.
    All,
    /// Nothing; time passed.
    Time,
}

/// A watch over workflows and what belongs to them.
pub struct Watch<'a> {
    service: &'a Service,
    writes: Receiver<Written>,
    family: Family<'a>,
    tracker: &'a mut Tracker,
    display: &'a Display,
}

impl<'a> Watch<'a> {
    /// A watch over these workflows and their children. `writes` are those from before they were
    /// moved on.
    pub fn over(
        service: &'a Service,
        writes: Receiver<Written>,
        workflows: &[WorkflowId],
        tracker: &'a mut Tracker,
        display: &'a Display,
    ) -> Self {
        Self {
            service,
            writes,
            family: Family::of(service.observer(), workflows),
            tracker,
            display,
        }
    }

    /// Follows the workflow to its end.
    ///
    /// # Errors
    /// The store fails, or the workflow is gone.
    pub async fn until_settled(&mut self, id: WorkflowId) -> Result<WorkflowInstance, Error> {
        let mut wake = Wake::All;
        loop {
            self.tell(&wake).await?;
            if !matches!(wake, Wake::Time) {
                let found = self.service.observer().workflow(id).await?;
                let gone = || Error::Unexpected(format!("the workflow {id} is gone"));
                let instance = found.ok_or_else(gone)?;
                if instance.is_settled() {
                    return Ok(instance);
                }
            }
            wake = self.next().await;
        }
    }

    /// Tells what happens for as long as it is asked to.
    ///
    /// # Errors
    /// The store fails.
    pub async fn go_on(&mut self) -> Result<Infallible, Error> {
        let mut wake = Wake::All;
        loop {
            self.tell(&wake).await?;
            wake = self.next().await;
        }
    }

    /// Tells whatever was written and not told yet.
    ///
    /// # Errors
    /// The store fails.
    pub async fn catch_up(&mut self) -> Result<(), Error> {
        self.tell(&Wake::All).await
    }

    async fn tell(&mut self, wake: &Wake) -> Result<(), Error> {
        let lines = match wake {
            Wake::All => self.look_at_all().await?,
            Wake::Record(written) => self.look_at(written).await?,
            Wake::Time => Vec::new(),
        };
        self.display.tell(&lines);
        Ok(())
    }

    async fn look_at_all(&mut self) -> Result<Vec<Line>, Error> {
        let mut lines = Vec::new();
        for (id, prefix) in self.family.known() {
            let Some(workflow) = self.service.observer().workflow(id).await? else {
                continue;
            };
            lines.extend(self.tracker.observe_workflow(&prefix, &workflow));
            let app = self.service.app();
            for task in views::tasks_of(app, &workflow.tenant_id, id).await? {
                lines.extend(self.tracker.observe(&prefix, &task));
            }
        }
        Ok(lines)
    }

    async fn look_at(&mut self, written: &Written) -> Result<Vec<Line>, Error> {
        let store = self.service.observer();
        match written.table.as_str() {
            "TaskInstances" => {
                let Some(task) = store.task(TaskId::new(written.id)).await? else {
                    return Ok(Vec::new());
                };
                let prefix = self.family.prefix_of(task.context.workflow_instance_id);
                Ok(match prefix.await? {
                    Some(prefix) => self.tracker.observe(&prefix, &task),
                    None => Vec::new(),
                })
            }
            "WorkflowInstances" => {
                let Some(workflow) = store.workflow(WorkflowId::new(written.id)).await? else {
                    return Ok(Vec::new());
                };
                let prefix = self.family.prefix_of(Some(workflow.workflow_id()));
                Ok(match prefix.await? {
                    Some(prefix) => self.tracker.observe_workflow(&prefix, &workflow),
                    None => Vec::new(),
                })
            }
            _ => Ok(Vec::new()),
        }
    }

    async fn next(&mut self) -> Wake {
        next(self.service, &mut self.writes, self.tracker, self.display).await
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
            display.tell(&tracker.observe("", &task));
            if task.status.is_terminal() {
                return Ok(task);
            }
        }
        wake = next(service, &mut writes, tracker, display).await;
    }
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
