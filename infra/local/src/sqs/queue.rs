//! One queue as a state machine: messages in, messages out, and what time does to them.
//!
//! Time is an argument, and nothing waits here. Messages are found by what falls due, never by
//! looking at all of them.

use std::collections::{BTreeSet, HashMap, VecDeque};

use taskmill::Timestamp;
use uuid::Uuid;

use super::error::{Error, invalid};
use super::hooks::Hooks;
use super::line::{Groups, Rank, Slot};
use super::message::Message;
use super::receipt::Receipt;
use super::settings::{DeduplicationScope, Kind, Settings};

/// How long a deduplication id is remembered, in milliseconds.
const DEDUPLICATION_MILLIS: u64 = 5 * 60_000;
/// The longest that a message may be held after one receive, in seconds.
const MAX_HELD_SECONDS: u64 = 43_200;
/// Most messages in flight.
const MAX_IN_FLIGHT: usize = 120_000;
/// The longest delay, in milliseconds.
const MAX_DELAY_MILLIS: u64 = 900_000;

/// A queue and everything in it.
#[derive(Debug)]
pub(super) struct Queue {
    pub name: String,
    pub settings: Settings,
    pub created: Timestamp,
    pub modified: Timestamp,
    pub purged: Option<Timestamp>,
    hooks: Hooks,
    held: HashMap<Slot, Held>,
    next_slot: Slot,
    next_sequence: u64,
    line: Line,
    /// Delayed and in-flight messages by the time they become visible.
    waiting: BTreeSet<(Timestamp, Slot)>,
    /// All messages by the time they are thrown away.
    expiring: BTreeSet<(Timestamp, Slot)>,
    in_flight: usize,
    delayed: usize,
    seen: HashMap<Deduplication, Sent>,
    /// Deduplication ids by the time they are forgotten.
    forgetting: VecDeque<(Timestamp, Deduplication)>,
}

#[derive(Debug)]
struct Held {
    message: Message,
    state: State,
    expires: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Visible { rank: u64 },
    Delayed { until: Timestamp },
    InFlight { until: Timestamp, since: Timestamp },
}

#[derive(Debug)]
enum Line {
    Standard(BTreeSet<(u64, Slot)>),
    Fifo(Groups),
}

/// A deduplication id within its scope, as its hash: there is one for every message of five
/// minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Deduplication(Uuid);

impl Deduplication {
    fn new(group: Option<&str>, id: &str) -> Self {
        // Neither can contain the line break.
        let name = format!("{}\n{id}", group.unwrap_or_default());
        Self(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
    }
}

/// How a send is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    pub id: Uuid,
    pub sequence: Option<u64>,
}

/// A message in a consumer's hands.
#[derive(Debug)]
pub(super) struct Delivered {
    pub message: Message,
    pub receipt: Receipt,
}

/// What a receive gave.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub delivered: Vec<Delivered>,
    /// Messages that were received too often and belong to the dead-letter queue.
    pub given_up: Vec<Message>,
}

/// How many messages are where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub visible: usize,
    pub in_flight: usize,
    pub delayed: usize,
}

impl Queue {
    pub fn new(name: String, settings: Settings, hooks: Hooks, now: Timestamp) -> Self {
        let line = match settings.kind {
            Kind::Standard => Line::Standard(BTreeSet::new()),
            Kind::Fifo { .. } => Line::Fifo(Groups::default()),
        };
        Self {
            name,
            settings,
            created: now,
            modified: now,
            purged: None,
            hooks,
            held: HashMap::new(),
            next_slot: 0,
            next_sequence: 1,
            line,
            waiting: BTreeSet::new(),
            expiring: BTreeSet::new(),
            in_flight: 0,
            delayed: 0,
            seen: HashMap::new(),
            forgetting: VecDeque::new(),
        }
    }

    pub fn hook(&mut self, hooks: Hooks) {
        self.hooks = hooks;
    }

    /// Queues a message whose delay, in seconds, is its own or the queue's. A repeat of a FIFO
    /// message within five minutes is answered as the first was, and queued no more.
    pub fn send(&mut self, mut message: Message, delay: u64, now: Timestamp) -> Sent {
        self.advance(now);
        let key = self.deduplication(&message);
        if let Some(sent) = key.as_ref().and_then(|key| self.seen.get(key)) {
            return *sent;
        }
        message.sequence = self.sequence();
        let sent = Sent {
            id: message.id,
            sequence: message.sequence,
        };
        if let Some(key) = key {
            self.seen.insert(key, sent);
            let forgotten = now.plus_millis(DEDUPLICATION_MILLIS);
            self.forgetting.push_back((forgotten, key));
        }
        let until = self.falls_due(&message, delay, now);
        for _ in 0..self.hooks.copies() {
            self.add(message.clone(), until, now);
        }
        sent
    }

    /// Takes over a message that its own queue gave up. It keeps its id and its age.
    pub fn take_over(&mut self, mut message: Message, now: Timestamp) {
        self.advance(now);
        message.sequence = self.sequence();
        self.add(message, now, now);
    }

    /// Hands out up to `most` messages, to be held for so many seconds.
    pub fn receive(
        &mut self,
        most: usize,
        visibility: u64,
        now: Timestamp,
    ) -> Result<Received, Error> {
        self.advance(now);
        if self.in_flight >= MAX_IN_FLIGHT {
            return Err(Error::OverLimit);
        }
        let mut received = Received::default();
        while received.delivered.len() < most {
            let next = self.next(most - received.delivered.len());
            if next.is_empty() {
                break;
            }
            for slot in next {
                self.hand_out(slot, visibility, now, &mut received);
            }
        }
        Ok(received)
    }

    /// Deletes the message that a handle names.
    ///
    /// A standard queue answers success for a message that is gone or that somebody received since,
    /// and leaves the latter alone. A FIFO queue refuses a handle whose time has passed.
    pub fn delete(&mut self, handle: &str, now: Timestamp) -> Result<(), Error> {
        let receipt = Receipt::parse(&self.name, handle)?;
        self.advance(now);
        let Some(held) = self.held.get(&receipt.slot) else {
            return Ok(());
        };
        let latest = held.message.receive_count == receipt.receive;
        let in_flight = matches!(held.state, State::InFlight { .. });
        match self.settings.kind {
            Kind::Standard if !latest => Ok(()),
            Kind::Fifo { .. } if !(latest && in_flight) => Err(invalid(
                "ReceiptHandle",
                handle,
                "The receipt handle has expired.",
            )),
            Kind::Standard | Kind::Fifo { .. } => {
                self.remove(receipt.slot);
                Ok(())
            }
        }
    }

    /// Lets the message that a handle names become visible so many seconds from now.
    pub fn change_visibility(
        &mut self,
        handle: &str,
        seconds: u64,
        now: Timestamp,
    ) -> Result<(), Error> {
        let receipt = Receipt::parse(&self.name, handle)?;
        self.advance(now);
        let held = self
            .held
            .get(&receipt.slot)
            .filter(|held| held.message.receive_count == receipt.receive)
            .ok_or_else(|| {
                invalid(
                    "ReceiptHandle",
                    handle,
                    "Message does not exist or is not available for visibility timeout change.",
                )
            })?;
        let State::InFlight { since, .. } = held.state else {
            return Err(Error::MessageNotInflight);
        };
        let until = now.plus_millis(seconds.saturating_mul(1000));
        if until > since.plus_millis(MAX_HELD_SECONDS * 1000) {
            return Err(invalid(
                "VisibilityTimeout",
                seconds,
                "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
            ));
        }
        self.set_state(receipt.slot, State::InFlight { until, since });
        self.advance(now);
        Ok(())
    }

    /// Throws every message away. What was deduplicated stays so, as in SQS.
    pub fn purge(&mut self) {
        self.held.clear();
        self.waiting.clear();
        self.expiring.clear();
        self.in_flight = 0;
        self.delayed = 0;
        self.line = match self.line {
            Line::Standard(_) => Line::Standard(BTreeSet::new()),
            Line::Fifo(_) => Line::Fifo(Groups::default()),
        };
    }

    pub fn counts(&mut self, now: Timestamp) -> Counts {
        self.advance(now);
        Counts {
            visible: self.held.len() - self.in_flight - self.delayed,
            in_flight: self.in_flight,
            delayed: self.delayed,
        }
    }

    /// Whether a receive would find something.
    pub fn has_next(&mut self, now: Timestamp) -> bool {
        self.advance(now);
        match &self.line {
            Line::Standard(ready) => !ready.is_empty(),
            Line::Fifo(groups) => groups.next().is_some(),
        }
    }

    /// When the next message becomes visible by itself.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.waiting.first().map(|(at, _)| *at)
    }

    /// Lets everything happen that has fallen due.
    fn advance(&mut self, now: Timestamp) {
        while let Some((at, slot)) = self.waiting.first().copied().filter(|(at, _)| *at <= now) {
            let rank = self.hooks.rank(millis(at));
            self.set_state(slot, State::Visible { rank });
        }
        while let Some((_, slot)) = self.expiring.first().copied().filter(|(at, _)| *at <= now) {
            self.remove(slot);
        }
        while self.forgetting.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, key)) = self.forgetting.pop_front() {
                self.seen.remove(&key);
            }
        }
    }

    fn deduplication(&self, message: &Message) -> Option<Deduplication> {
        let Kind::Fifo { scope, .. } = self.settings.kind else {
            return None;
        };
        let group = match scope {
            DeduplicationScope::Queue => None,
            DeduplicationScope::MessageGroup => message.group.as_deref(),
        };
        let id = message.deduplication.as_deref()?;
        Some(Deduplication::new(group, id))
    }

    fn sequence(&mut self) -> Option<u64> {
        match self.settings.kind {
            Kind::Standard => None,
            Kind::Fifo { .. } => {
                self.next_sequence += 1;
                Some(self.next_sequence)
            }
        }
    }

    fn falls_due(&self, message: &Message, delay: u64, now: Timestamp) -> Timestamp {
        let seconds_end = now.plus_millis(delay.saturating_mul(1000));
        match self.settings.kind {
            Kind::Fifo { .. } => seconds_end,
            Kind::Standard => message
                .due_at()
                .map_or(seconds_end, |at| at.min(now.plus_millis(MAX_DELAY_MILLIS))),
        }
    }

    fn add(&mut self, message: Message, until: Timestamp, now: Timestamp) {
        let slot = self.next_slot;
        self.next_slot += 1;
        let retention = self.settings.retention.saturating_mul(1000);
        let expires = message.sent_at.plus_millis(retention);
        self.expiring.insert((expires, slot));
        if let (Line::Fifo(groups), Some(group)) = (&mut self.line, &message.group) {
            groups.join(group, slot);
        }
        let state = State::Delayed { until };
        self.waiting.insert((until, slot));
        self.delayed += 1;
        let held = Held {
            message,
            state,
            expires,
        };
        self.held.insert(slot, held);
        self.advance(now);
    }

    /// The messages that a receive takes next: one, or the first few of one group.
    fn next(&self, most: usize) -> Vec<Slot> {
        match &self.line {
            Line::Standard(ready) => ready.first().map(|(_, slot)| *slot).into_iter().collect(),
            Line::Fifo(groups) => groups.next().map_or_else(Vec::new, |group| {
                groups.visible(group, most, |slot| is_visible(&self.held, slot))
            }),
        }
    }

    fn hand_out(&mut self, slot: Slot, visibility: u64, now: Timestamp, into: &mut Received) {
        let limit = self.settings.redrive.as_ref().map(|r| r.max_receive_count);
        let Some(held) = self.held.get_mut(&slot) else {
            return;
        };
        if limit.is_some_and(|limit| held.message.receive_count >= limit) {
            into.given_up.extend(self.remove(slot));
            return;
        }
        held.message.receive_count += 1;
        held.message.first_received.get_or_insert(now);
        let message = held.message.clone();
        let receive = message.receive_count;
        let until = now.plus_millis(visibility.saturating_mul(1000));
        self.set_state(slot, State::InFlight { until, since: now });
        into.delivered.push(Delivered {
            message,
            receipt: Receipt { slot, receive },
        });
    }

    fn remove(&mut self, slot: Slot) -> Option<Message> {
        let held = self.held.get(&slot)?;
        let (state, expires) = (held.state, held.expires);
        self.expiring.remove(&(expires, slot));
        self.unlist(slot, state);
        let held = self.held.remove(&slot)?;
        if let (Line::Fifo(groups), Some(group)) = (&mut self.line, &held.message.group) {
            // Its own lock was taken back when it was unlisted.
            groups.leave(group, slot);
            groups.refresh(group, |slot| is_visible(&self.held, slot), &mut self.hooks);
        }
        Some(held.message)
    }

    /// Moves a message from one state to another, with every index that shows it.
    fn set_state(&mut self, slot: Slot, state: State) {
        let Some(held) = self.held.get_mut(&slot) else {
            return;
        };
        let before = std::mem::replace(&mut held.state, state);
        self.unlist(slot, before);
        self.list(slot, state);
        let Some(held) = self.held.get(&slot) else {
            return;
        };
        if let (Line::Fifo(groups), Some(group)) = (&mut self.line, &held.message.group) {
            groups.refresh(group, |slot| is_visible(&self.held, slot), &mut self.hooks);
        }
    }

    fn unlist(&mut self, slot: Slot, state: State) {
        match state {
            State::Visible { rank } => {
                if let Line::Standard(ready) = &mut self.line {
                    ready.remove(&(rank, slot));
                }
            }
            State::Delayed { until } => {
                self.waiting.remove(&(until, slot));
                self.delayed -= 1;
            }
            State::InFlight { until, .. } => {
                self.waiting.remove(&(until, slot));
                self.in_flight -= 1;
                self.with_group(slot, Groups::unlock);
            }
        }
    }

    fn list(&mut self, slot: Slot, state: State) {
        match state {
            State::Visible { rank } => {
                if let Line::Standard(ready) = &mut self.line {
                    ready.insert((rank, slot));
                }
            }
            State::Delayed { until } => {
                self.waiting.insert((until, slot));
                self.delayed += 1;
            }
            State::InFlight { until, .. } => {
                self.waiting.insert((until, slot));
                self.in_flight += 1;
                self.with_group(slot, Groups::lock);
            }
        }
    }

    fn with_group(&mut self, slot: Slot, act: fn(&mut Groups, &str)) {
        let group = self.held.get(&slot).and_then(|h| h.message.group.as_ref());
        if let (Line::Fifo(groups), Some(group)) = (&mut self.line, group) {
            act(groups, group);
        }
    }
}

fn is_visible(held: &HashMap<Slot, Held>, slot: Slot) -> bool {
    let state = held.get(&slot).map(|held| held.state);
    matches!(state, Some(State::Visible { .. }))
}

fn millis(at: Timestamp) -> u64 {
    u64::try_from(at.millis()).unwrap_or(0)
}
