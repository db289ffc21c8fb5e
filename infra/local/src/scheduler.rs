//! What EventBridge's minute rule is on AWS: the local mode runs the sweep when something falls due.
//!
//! It sleeps until the earliest due time, is woken when an earlier one may have been written, and
//! makes no tick of its own: a year in which nothing is due passes at once.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use taskmill::Timestamp;
use taskmill_aws::clock::Clock;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::pollers::{HandlerError, panic_text};

/// Milliseconds between a wake and the look that it causes, so that a burst of writes causes one,
/// and between two sweeps of which the first changed nothing. What goes through the due time is
/// many minutes away when it is written.
const PAUSE_MILLIS: u64 = 1000;

/// A running scheduler. Dropping it stops it where it is.
#[derive(Debug)]
pub struct Scheduler(JoinHandle<()>);

/// What a scheduler drives.
pub trait Sweep: Send + 'static {
    /// The earliest due time of any record.
    fn next_due(&mut self) -> impl Future<Output = Result<Option<Timestamp>, HandlerError>> + Send;

    /// Does what is due, and says how many records it moved on.
    fn sweep(&mut self) -> impl Future<Output = Result<u64, HandlerError>> + Send;
}

impl Scheduler {
    /// Starts to drive `sweep`. `written` is notified when a due time is written: see
    /// [`LocalAws::index_writes`](crate::LocalAws::index_writes).
    #[must_use]
    pub fn start(clock: Clock, written: Arc<Notify>, sweep: impl Sweep) -> Self {
        Self(tokio::spawn(run(clock, written, sweep)))
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn run(clock: Clock, written: Arc<Notify>, mut sweep: impl Sweep) {
    loop {
        let due = match sweep.next_due().await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(%error, "the earliest due time is unknown");
                pause(&clock).await;
                continue;
            }
        };
        match due {
            None => {
                written.notified().await;
                pause(&clock).await;
            }
            Some(at) if at <= clock.now() => do_sweep(&clock, &mut sweep).await,
            Some(at) => tokio::select! {
                () = clock.sleep_until(at) => do_sweep(&clock, &mut sweep).await,
                () = written.notified() => {
                    let pause = clock.now().plus_millis(PAUSE_MILLIS);
                    clock.sleep_until(pause.min(at)).await;
                }
            },
        }
    }
}

async fn do_sweep(clock: &Clock, sweep: &mut impl Sweep) {
    match AssertUnwindSafe(sweep.sweep()).catch_unwind().await {
        Ok(Ok(0)) => pause(clock).await,
        Ok(Ok(moved)) => tracing::debug!(moved, "swept"),
        Ok(Err(error)) => {
            tracing::error!(%error, "sweep failed");
            pause(clock).await;
        }
        Err(panic) => {
            tracing::error!(panic = panic_text(panic.as_ref()), "sweep panicked");
            pause(clock).await;
        }
    }
}

async fn pause(clock: &Clock) {
    let until = clock.now().plus_millis(PAUSE_MILLIS);
    clock.sleep_until(until).await;
}
