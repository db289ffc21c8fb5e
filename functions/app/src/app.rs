//! What every use case works with: the store, the queues, the executors, the clock.

use std::fmt;
use std::sync::Arc;

use taskmill::Timestamp;
use taskmill::ids::{ExecutionId, TaskId, WorkflowId};
use taskmill::task::lifecycle;
use taskmill::workflow::decider;
use taskmill_aws::chain::Chain;
use taskmill_aws::clock::Clock;
use taskmill_aws::config::Config;
use taskmill_aws::executor::Executors;
use taskmill_aws::payloads::Payloads;
use taskmill_aws::queues::Queues;
use taskmill_aws::store::Store;
use taskmill_aws::task_tokens::TaskTokens;
use uuid::Uuid;

use crate::company::Company;
use crate::definitions::Definitions;
use crate::line::Lines;
use crate::underway::Underway;

/// A process of Taskmill.
#[derive(Clone)]
pub struct App {
    pub(crate) inner: Arc<Inner>,
    reach: Arc<Reach>,
}

/// What is written to: of its own for each message, which may be one of a chain.
struct Reach {
    store: Store,
    queues: Queues,
}

pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) payloads: Payloads,
    pub(crate) executors: Executors,
    pub(crate) tokens: TaskTokens,
    pub(crate) clock: Clock,
    pub(crate) definitions: Definitions,
    pub(crate) company: Company,
    pub(crate) underway: Underway,
    pub(crate) lines: Lines,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("worker", &self.inner.config.worker)
            .finish_non_exhaustive()
    }
}

impl App {
    /// A process with these parts.
    #[must_use]
    pub fn new(
        config: Config,
        store: Store,
        queues: Queues,
        payloads: Payloads,
        executors: Executors,
        tokens: TaskTokens,
        clock: Clock,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                definitions: Definitions::new(store.clone()),
                config,
                payloads,
                executors,
                tokens,
                clock,
                company: Company::default(),
                underway: Underway::default(),
                lines: Lines::default(),
            }),
            reach: Arc::new(Reach { store, queues }),
        }
    }

    /// The same process for one invocation of a function: what its records have to send at one time
    /// goes together. Invocations share no requests, because on AWS each has a process to itself.
    pub(crate) fn invocation(&self) -> Self {
        self.reaching(Reach {
            store: self.reach.store.clone(),
            queues: self.reach.queues.together(),
        })
    }

    /// The same process while it handles a message that stands at this place in its chain.
    pub(crate) fn in_chain(&self, hops: u32) -> Self {
        let chain = Chain::of(hops);
        self.reaching(Reach {
            store: self.reach.store.in_chain(&chain),
            queues: self.reach.queues.in_chain(&chain),
        })
    }

    fn reaching(&self, reach: Reach) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            reach: Arc::new(reach),
        }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.reach.store
    }

    /// The queues.
    #[must_use]
    pub fn queues(&self) -> &Queues {
        &self.reach.queues
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(crate) fn fresh_task_id(&self) -> TaskId {
        TaskId::new(self.fresh_uuid())
    }

    pub(crate) fn fresh_workflow_id(&self) -> WorkflowId {
        WorkflowId::new(self.fresh_uuid())
    }

    /// A UUID v7 of the process's own clock.
    fn fresh_uuid(&self) -> Uuid {
        let millis = u64::try_from(self.now().millis()).unwrap_or(0);
        let nanos = u32::try_from(millis % 1000 * 1_000_000).unwrap_or(0);
        Uuid::new_v7(uuid::Timestamp::from_unix(
            uuid::NoContext,
            millis / 1000,
            nanos,
        ))
    }

    pub(crate) fn task_facts(&self, execution: ExecutionId) -> lifecycle::Facts {
        lifecycle::Facts {
            now: self.now(),
            jitter: jitter(execution),
            retention: self.inner.config.retention,
        }
    }

    pub(crate) fn workflow_facts(&self) -> decider::Facts {
        decider::Facts {
            now: self.now(),
            retention: self.inner.config.retention,
        }
    }
}

/// Uniform in [0, 1), from the hash that the execution id is: a decision that is made again
/// gives the same delay.
fn jitter(execution: ExecutionId) -> f64 {
    let node = execution.uuid().as_u128() & 0xffff_ffff_ffff;
    #[expect(clippy::cast_precision_loss, reason = "48 bits fit a double exactly")]
    let node = node as f64;
    node / 281_474_976_710_656.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_spread_over_the_whole_range() {
        let task = TaskId::new(Uuid::from_u128(7));
        let draws: Vec<f64> = (0..1000)
            .map(|attempt| jitter(ExecutionId::of_attempt(task, attempt)))
            .collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        for tenth in 0..10 {
            let low = f64::from(tenth) / 10.0;
            let hits = draws
                .iter()
                .filter(|draw| (low..low + 0.1).contains(*draw))
                .count();
            assert!((50..200).contains(&hits), "{hits} of 1000 draws from {low}");
        }
    }
}
