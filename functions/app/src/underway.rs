//! The attempts that this process is running, so that a dispatch which comes twice does not run
//! one of them twice at once.
//!
//! Messages are repeated: by the queue, and by everybody who finds that a dispatch may have been
//! lost. The record alone cannot tell two of them apart that one process takes together. What
//! another process runs is told by the record.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use taskmill::ids::ExecutionId;

/// The attempts that are under way here.
#[derive(Debug, Default)]
pub(crate) struct Underway(Mutex<HashSet<ExecutionId>>);

/// An attempt that is the holder's alone until this is dropped.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    underway: &'a Underway,
    attempt: ExecutionId,
}

impl Underway {
    /// Takes an attempt; none when it is taken.
    pub(crate) fn claim(&self, attempt: ExecutionId) -> Option<Claim<'_>> {
        let is_free = self.lock().insert(attempt);
        // A claim that is made is given back when it is dropped: it is made only if it is one.
        is_free.then(|| Claim {
            underway: self,
            attempt,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<ExecutionId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.underway.lock().remove(&self.attempt);
    }
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
