//! Waiting for an end: a look at the record now and then, further and further apart.

use taskmill::task::TaskInstance;
use taskmill::workflow::WorkflowInstance;

use crate::app::App;
use crate::refusal::Fault;

/// Milliseconds before the second look; each later one comes half as long again after the last.
const FIRST_PAUSE: u64 = 50;
/// The longest time between two looks.
const LONGEST_PAUSE: u64 = 2_000;

/// The looks of somebody who waits.
struct Looks {
    until: taskmill::Timestamp,
    pause: u64,
}

impl Looks {
    fn new(app: &App, patience: u64) -> Self {
        Self {
            until: app.now().plus_millis(patience),
            pause: FIRST_PAUSE,
        }
    }

    /// Waits for the next look; false when the time is over.
    async fn next(&mut self, app: &App) -> bool {
        let left = self.until.millis_since(app.now());
        if left == 0 {
            return false;
        }
        let pause = self.pause.min(left);
        app.clock().sleep_until(app.now().plus_millis(pause)).await;
        self.pause = (self.pause + self.pause / 2).min(LONGEST_PAUSE);
        true
    }
}

/// The workflow when it has ended, or as it is after so many milliseconds.
///
/// # Errors
/// The store failed.
pub async fn of_workflow(
    app: &App,
    started: WorkflowInstance,
    patience: u64,
) -> Result<WorkflowInstance, Fault> {
    let (mut newest, mut looks) = (started, Looks::new(app, patience));
    while !newest.status.is_terminal() && looks.next(app).await {
        newest = app.store().workflow(newest.id).await?.unwrap_or(newest);
    }
    Ok(newest)
}

/// The task when it has ended, or as it is after so many milliseconds.
///
/// # Errors
/// The store failed.
pub async fn of_task(
    app: &App,
    created: TaskInstance,
    patience: u64,
) -> Result<TaskInstance, Fault> {
    let (mut newest, mut looks) = (created, Looks::new(app, patience));
    while !newest.status.is_terminal() && looks.next(app).await {
        newest = app.store().task(newest.id).await?.unwrap_or(newest);
    }
    Ok(newest)
}
