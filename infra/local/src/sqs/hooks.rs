//! What a test may make a queue do that SQS may do at any time: deliver twice, deliver out of order.

use super::line::Rank;

/// How often each message sent from now on is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// Once, unless it is not deleted.
    #[default]
    Once,
    /// Twice, under one message id, whatever becomes of the first. On a FIFO queue the second
    /// follows the first in their group.
    Twice,
}

/// In which order visible messages are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// As they became visible.
    #[default]
    Sent,
    /// At random, and by this seed always the same. FIFO groups keep their own order and are
    /// shuffled among each other.
    Shuffled {
        /// The seed.
        seed: u64,
    },
}

/// A queue's own copy of the hooks.
#[derive(Debug, Clone, Default)]
pub(super) struct Hooks {
    delivery: Delivery,
    random: Option<fastrand::Rng>,
}

impl Hooks {
    pub fn new(delivery: Delivery, order: Order) -> Self {
        let random = match order {
            Order::Sent => None,
            Order::Shuffled { seed } => Some(fastrand::Rng::with_seed(seed)),
        };
        Self { delivery, random }
    }

    /// How many copies of a message are queued.
    pub fn copies(&self) -> usize {
        match self.delivery {
            Delivery::Once => 1,
            Delivery::Twice => 2,
        }
    }
}

impl Rank for Hooks {
    fn rank(&mut self, since: u64) -> u64 {
        match &mut self.random {
            None => since,
            Some(random) => random.u64(..),
        }
    }
}
