//! The queues: their names and limits, and how messages are sent to them.
//!
//! Where a message goes, in which group and under which deduplication id is decided in
//! [`route`]; what it means, in `functions/app`.

pub mod create;
pub mod dead_letters;
pub mod group;
mod lane;
pub mod message;
pub mod route;
pub mod send;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use dead_letters::{DeadLetter, Look, Redriven, Which};
pub use group::Offer;
pub use message::{Carried, Execute, Message, Received, Record};
pub use route::Outgoing;
pub use send::{Buried, Error, Queues};

/// A queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueName {
    /// Requests to create tasks and start workflows.
    Create,
    /// Attempts to run.
    Execute,
    /// Attempts to run of HIGH and CRITICAL tasks.
    ExecuteUrgent,
    /// Outcomes and hints, in order by workflow.
    Result,
    /// Messages for later.
    Retry,
}

impl QueueName {
    /// Every queue.
    pub const ALL: [Self; 5] = [
        Self::Create,
        Self::Execute,
        Self::ExecuteUrgent,
        Self::Result,
        Self::Retry,
    ];

    /// The name within a deployment.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Execute => "execute",
            Self::ExecuteUrgent => "execute-urgent",
            Self::Result => "result",
            Self::Retry => "retry",
        }
    }

    /// What the queue and its dead-letter queue are made with.
    #[must_use]
    pub const fn settings(self) -> Settings {
        let (fifo, visibility_seconds) = match self {
            // Six times the function's timeout, as Lambda's documentation asks for.
            Self::Create | Self::Retry => (false, 180),
            Self::Result => (true, 180),
            // As long as the function may take, because Lambda refuses less. A worker shortens it
            // while its executor runs, so that a dead one is noticed soon.
            Self::Execute | Self::ExecuteUrgent => (false, 900),
        };
        Settings {
            fifo,
            visibility_seconds,
            max_receive_count: 10,
        }
    }
}

/// What a queue is made with. The template is compared with these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Whether it keeps order by group and drops repeats.
    pub fifo: bool,
    /// How long a message that was received stays hidden, in seconds.
    pub visibility_seconds: u32,
    /// After so many deliveries a message goes to the dead-letter queue. A handler that answers
    /// gives up earlier, with a reason: this is for handlers that die.
    pub max_receive_count: u32,
}

/// A handler that fails this often on one message moves it to the dead-letter queue, with the
/// reason.
pub const HANDLER_ATTEMPTS: u32 = 8;

/// The URLs of a deployment's queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueUrls {
    /// The queues.
    pub queues: BTreeMap<QueueName, String>,
    /// Their dead-letter queues.
    pub dead_letters: BTreeMap<QueueName, String>,
}

impl QueueUrls {
    /// The URL of a queue.
    #[must_use]
    pub fn of(&self, name: QueueName) -> &str {
        &self.queues[&name]
    }

    /// The URL of a queue's dead-letter queue.
    #[must_use]
    pub fn dead_letters_of(&self, name: QueueName) -> &str {
        &self.dead_letters[&name]
    }
}
