//! Faults injected at the wire: a process that dies before or after its n-th AWS call, and calls
//! that AWS refuses or whose answer is lost.
//!
//! Calls are counted from 1 in the order in which they are made. A killed process gets no answer to
//! any call any more: its futures wait for ever, until the test drops them and starts anew. A call
//! that is held lets the test do something else first: what happens between two calls of a process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

/// The faults planned for one embedded AWS. Clones share the plan.
#[derive(Debug, Clone)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
    killed: Arc<watch::Sender<bool>>,
}

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// AWS refuses the call for now; nothing happened.
    Throttled,
    /// AWS answers 500; nothing happened.
    ServerError,
    /// The call takes effect, and its answer is lost: the caller sees a timeout.
    TimeoutAfterSuccess,
}

/// A call that waits before it reaches AWS. Clones are the same call.
#[derive(Debug, Clone, Default)]
pub struct Held(Arc<Gate>);

#[derive(Debug, Default)]
struct Gate {
    reached: Notify,
    released: Notify,
}

impl Held {
    /// Returns once the process makes the call.
    pub async fn reached(&self) {
        self.0.reached.notified().await;
    }

    /// Lets the call go on.
    pub fn release(&self) {
        self.0.released.notify_one();
    }

    /// Waits at the gate, as the call.
    pub(crate) async fn wait(&self) {
        self.0.reached.notify_one();
        self.0.released.notified().await;
    }
}

/// What is to become of a call.
#[derive(Debug, Clone)]
pub(crate) enum Fate {
    Answered,
    /// Made when it is released.
    Held(Held),
    Fails(Failure),
    /// Not made, and not answered.
    NeverMade,
    /// Made, and not answered.
    NeverAnswered,
}

#[derive(Debug, Default)]
struct Plan {
    calls: u64,
    fates: BTreeMap<u64, Fate>,
    log: Log,
}

#[derive(Debug, Default)]
enum Log {
    #[default]
    Off,
    On(Vec<String>),
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            plan: Arc::default(),
            killed: Arc::new(watch::Sender::new(false)),
        }
    }
}

impl Faults {
    /// The process dies before its n-th call reaches AWS.
    pub fn kill_before(&self, call: u64) {
        self.lock().fates.insert(call, Fate::NeverMade);
    }

    /// The process dies after its n-th call took effect, before the answer reaches it.
    pub fn kill_after(&self, call: u64) {
        self.lock().fates.insert(call, Fate::NeverAnswered);
    }

    /// The n-th call fails.
    pub fn fail(&self, call: u64, failure: Failure) {
        self.lock().fates.insert(call, Fate::Fails(failure));
    }

    /// The n-th call waits until it is released. A kill in the meantime comes too late for it.
    #[must_use]
    pub fn hold(&self, call: u64) -> Held {
        let held = Held::default();
        self.lock().fates.insert(call, Fate::Held(held.clone()));
        held
    }

    /// Calls so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// Keeps the name of every call from now on, such as `dynamodb.PutItem`.
    pub fn record(&self) {
        self.lock().log = Log::On(Vec::new());
    }

    /// The names of the calls since [`record`](Self::record).
    #[must_use]
    pub fn recorded(&self) -> Vec<String> {
        match &self.lock().log {
            Log::Off => Vec::new(),
            Log::On(names) => names.clone(),
        }
    }

    /// Whether the process was killed.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        *self.killed.borrow()
    }

    /// Returns once the process is killed.
    pub async fn killed(&self) {
        let mut killed = self.killed.subscribe();
        // The sender lives as long as `self`: the wait ends only by a kill.
        let _ = killed.wait_for(|killed| *killed).await;
    }

    /// Forgets the plan and the count, and lets calls be answered again: a new process, at the same
    /// queues.
    pub fn revive(&self) {
        *self.lock() = Plan::default();
        self.killed.send_replace(false);
    }

    /// Counts a call and says what becomes of it.
    pub(crate) fn next(&self, name: impl FnOnce() -> String) -> Fate {
        if self.is_killed() {
            return Fate::NeverMade;
        }
        let mut plan = self.lock();
        plan.calls += 1;
        if let Log::On(names) = &mut plan.log {
            names.push(name());
        }
        let call = plan.calls;
        let fate = plan.fates.remove(&call).unwrap_or(Fate::Answered);
        drop(plan);
        if matches!(fate, Fate::NeverMade) {
            self.kill();
        }
        fate
    }

    /// The process is dead from now on: what a task does that takes its worker down.
    pub fn kill(&self) {
        self.killed.send_replace(true);
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
