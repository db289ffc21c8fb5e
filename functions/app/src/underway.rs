//! The attempts that this process is running, so that a dispatch which comes twice does not run
//! one of them twice at once, and so that one that is of no use any more can be stopped.
//!
//! Messages are repeated: by the queue, and by everybody who finds that a dispatch may have been
//! lost. The record alone cannot tell two of them apart that one process takes together. What
//! another process runs is told by the record.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use taskmill::ids::ExecutionId;
use taskmill::task::TaskInstance;
use tokio::sync::Notify;

/// The attempts that are under way here, each with what stops it.
#[derive(Debug, Default)]
pub(crate) struct Underway(Mutex<HashMap<ExecutionId, Arc<Notify>>>);

/// An attempt that is the holder's alone until this is dropped.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    underway: &'a Underway,
    attempt: ExecutionId,
    stop: Arc<Notify>,
}

impl Underway {
    /// Takes an attempt; none when it is taken.
    pub(crate) fn claim(&self, attempt: ExecutionId) -> Option<Claim<'_>> {
        let mut attempts = self.lock();
        if attempts.contains_key(&attempt) {
            return None;
        }
        let stop = Arc::new(Notify::new());
        attempts.insert(attempt, Arc::clone(&stop));
        Some(Claim {
            underway: self,
            attempt,
            stop,
        })
    }

    /// Stops an attempt if it runs here and its task, as it is now, has no use for what it gives.
    pub(crate) fn stop_unless_wanted(&self, attempt: ExecutionId, task: &TaskInstance) {
        if is_wanted(attempt, task) {
            return;
        }
        if let Some(stop) = self.lock().get(&attempt) {
            stop.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ExecutionId, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim<'_> {
    /// Returns when the attempt is of no use any more.
    pub(crate) async fn stopped(&self) {
        self.stop.notified().await;
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.underway.lock().remove(&self.attempt);
    }
}

fn is_wanted(attempt: ExecutionId, task: &TaskInstance) -> bool {
    !task.status.is_terminal() && task.execution_id() == attempt
}

#[cfg(test)]
mod tests {
    use taskmill::ids::TaskId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_attempt_is_one_holders_until_it_is_dropped() {
        let underway = Underway::default();
        let attempt = |n| ExecutionId::of_attempt(TaskId::new(Uuid::nil()), n);
        let first = underway.claim(attempt(1));
        assert!(first.is_some());
        assert!(underway.claim(attempt(1)).is_none());
        assert!(underway.claim(attempt(2)).is_some());
        drop(first);
        assert!(underway.claim(attempt(1)).is_some());
    }
}
