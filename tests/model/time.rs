//! Virtual time of the reference interpreter: what waits is a future, and all of it is polled
//! whenever the time moves. Dropping a future is what cancelling means.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The time, in milliseconds from the start.
#[derive(Debug, Default)]
pub struct Time {
    now: Cell<u64>,
    alarms: RefCell<BTreeSet<u64>>,
    last: Cell<u64>,
    is_tied: Cell<bool>,
}

impl Time {
    pub fn now(&self) -> u64 {
        self.now.get()
    }

    /// Whether the language leaves open what happened: two things fell on one instant.
    pub fn is_tied(&self) -> bool {
        self.is_tied.get()
    }

    pub fn tie(&self) {
        self.is_tied.set(true);
    }

    /// Waits until a time. One that is past does not wait.
    pub async fn until(&self, at: u64) {
        if at <= self.now() {
            return;
        }
        self.alarms.borrow_mut().insert(at);
        let mut alarm = Alarm {
            time: self,
            at,
            is_over: false,
        };
        poll_fn(|_| match self.now() >= at {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
        alarm.is_over = true;
        if self.last.replace(at) == at {
            self.tie();
        }
    }

    /// Runs to the end, and gives nothing when it would wait for ever.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return Some(value);
            }
            let next = self.alarms.borrow_mut().pop_first()?;
            self.now.set(next.max(self.now()));
        }
    }
}

/// Somebody who waits.
struct Alarm<'t> {
    time: &'t Time,
    at: u64,
    is_over: bool,
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        // It would have come at this very instant, and something else came first.
        if !self.is_over && self.at == self.time.now() {
            self.time.tie();
        }
    }
}
