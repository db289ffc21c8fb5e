//! Chains of messages: how many in a row changed nothing.
//!
//! A message that is handled sends others. As long as a record changes on the way, or time passes,
//! a chain may be as long as it likes: a LOOP of a million turns is one. A chain in which nothing
//! changes is a fault of Taskmill's own and would go on, and cost, until somebody saw it: Lambda's
//! recursion detection cannot tell the two apart and is off. So every message carries how many
//! before it changed nothing, and one too many goes to the dead letters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use taskmill::Timestamp;
use taskmill::limits::MESSAGES_WITHOUT_CHANGE;

use crate::queues::Message;

/// A message that waits this long, in milliseconds, begins anew: what is repeated twice a minute
/// costs what a timer does.
const WAIT: u64 = 30_000;

/// The chain that something is done in: where the next message of it stands. Clones are the same.
///
/// The default is a chain that begins: somebody asked, or time came.
#[derive(Debug, Clone, Default)]
pub struct Chain(Arc<AtomicU32>);

impl Chain {
    /// The chain of a message that stands at this place.
    #[must_use]
    pub fn of(hops: u32) -> Self {
        Self(Arc::new(AtomicU32::new(hops.saturating_add(1))))
    }

    /// A record was changed: what follows begins anew.
    pub fn moved(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Whether nothing is to stand at this place: the chain is too long.
    #[must_use]
    pub const fn is_too_long(hops: u32) -> bool {
        hops > MESSAGES_WITHOUT_CHANGE
    }

    /// Where a message stands that is sent now.
    #[must_use]
    pub fn place_of(&self, message: &Message, now: Timestamp) -> u32 {
        match message {
            Message::Later { due_at, .. } if due_at.millis_since(now) >= WAIT => 0,
            Message::Later { .. }
            | Message::CreateTask { .. }
            | Message::StartWorkflow { .. }
            | Message::Execute(_)
            | Message::Outcome { .. }
            | Message::TaskEnded { .. }
            | Message::TokenHeld { .. }
            | Message::ChildTold { .. }
            | Message::ChildRefused { .. }
            | Message::Granted { .. }
            | Message::Due(_)
            | Message::Unread { .. } => self.0.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use taskmill::ids::TaskId;
    use uuid::Uuid;

    use super::*;
    use crate::queues::Record;

    const NOW: Timestamp = Timestamp::from_millis(1_795_296_000_000);

    fn due() -> Message {
        Message::Due(Record::Task(TaskId::new(Uuid::from_u128(1))))
    }

    fn later(millis: u64) -> Message {
        Message::Later {
            due_at: NOW.plus_millis(millis),
            then: Box::new(due()),
        }
    }

    #[test]
    fn grows_by_what_changes_nothing() {
        assert_eq!(Chain::default().place_of(&due(), NOW), 0);
        assert_eq!(Chain::of(0).place_of(&due(), NOW), 1);
        assert_eq!(Chain::of(7).place_of(&due(), NOW), 8);
        assert_eq!(Chain::of(u32::MAX).place_of(&due(), NOW), u32::MAX);
    }

    #[test]
    fn begins_anew_with_a_change() {
        let chain = Chain::of(7);
        chain.clone().moved();
        assert_eq!(chain.place_of(&due(), NOW), 0);
    }

    #[test]
    fn begins_anew_with_a_wait() {
        let chain = Chain::of(7);
        assert_eq!(chain.place_of(&later(WAIT), NOW), 0);
        assert_eq!(chain.place_of(&later(WAIT - 1), NOW), 8);
    }
}
