//! What must hold of a queue whatever is done to it, shown by random use.

use std::collections::{BTreeMap, HashMap};

use taskmill::Timestamp;
use uuid::Uuid;

use super::hooks::{Delivery, Hooks, Order};
use super::message::Message;
use super::queue::Queue;
use super::settings::{Given, Settings};

const GROUPS: [&str; 3] = ["a", "b", "c"];

/// A queue under random use, and what its user knows of it.
struct Use {
    random: fastrand::Rng,
    queue: Queue,
    fifo: bool,
    now: Timestamp,
    sent: usize,
    deleted: usize,
    /// Handles whose time has not passed, with the group and number of their message.
    held: HashMap<String, (String, u64, Timestamp)>,
    /// The number of the last message of each group that was delivered for the first time.
    newest: BTreeMap<String, u64>,
}

impl Use {
    fn new(seed: u64, name: &str) -> Self {
        let fifo = name.ends_with(".fifo");
        let flag = ("FifoQueue".to_owned(), fifo.to_string());
        let settings = Settings::of_queue(name, &Given::from([flag])).expect("a queue's name");
        let hooks = Hooks::new(Delivery::Once, Order::Shuffled { seed });
        let now = Timestamp::from_millis(1_795_296_000_000);
        Self {
            random: fastrand::Rng::with_seed(seed),
            queue: Queue::new(name.to_owned(), settings, hooks, now),
            fifo,
            now,
            sent: 0,
            deleted: 0,
            held: HashMap::new(),
            newest: BTreeMap::new(),
        }
    }

    fn step(&mut self) {
        match self.random.u8(0..10) {
            0..=3 => self.send(),
            4..=5 => self.receive(),
            6..=7 => self.delete(),
            8 => self.change(),
            _ => self.now = self.now.plus_millis(self.random.u64(0..20_000)),
        }
        let now = self.now;
        self.held.retain(|_, (_, _, until)| *until > now);
        let counts = self.queue.counts(now);
        assert_eq!(counts.in_flight, self.held.len());
        let left = counts.visible + counts.in_flight + counts.delayed;
        assert_eq!(
            left + self.deleted,
            self.sent,
            "a message is lost or made up"
        );
    }

    fn send(&mut self) {
        self.sent += 1;
        let group = GROUPS[self.random.usize(0..GROUPS.len())];
        let message = Message {
            id: Uuid::from_u128(self.sent as u128),
            body: self.sent.to_string(),
            attributes: BTreeMap::new(),
            trace_header: None,
            group: Some(group.to_owned()),
            deduplication: self.fifo.then(|| self.sent.to_string()),
            sequence: None,
            sent_at: self.now,
            first_received: None,
            receive_count: 0,
            dead_from: None,
        };
        let delay = if self.fifo { 0 } else { self.random.u64(0..15) };
        self.queue.send(message, delay, self.now);
    }

    fn receive(&mut self) {
        let most = self.random.usize(1..=10);
        let visibility = self.random.u64(1..30);
        let locked: Vec<String> = self
            .held
            .values()
            .map(|(group, ..)| group.clone())
            .collect();
        let received = self
            .queue
            .receive(most, visibility, self.now)
            .expect("a receive");
        assert!(received.delivered.len() <= most && received.given_up.is_empty());
        for delivered in received.delivered {
            let group = delivered.message.group.clone().expect("a group");
            let number: u64 = delivered.message.body.parse().expect("a number");
            if self.fifo {
                assert!(!locked.contains(&group), "group {group} is locked");
                if delivered.message.receive_count == 1 {
                    let before = self.newest.insert(group.clone(), number);
                    assert!(before.is_none_or(|before| before < number), "out of order");
                }
            }
            let until = self.now.plus_millis(visibility * 1000);
            let handle = delivered.receipt.handle(&self.queue.name);
            let before = self.held.insert(handle, (group, number, until));
            assert!(before.is_none(), "one message is held twice");
        }
    }

    fn delete(&mut self) {
        if let Some(handle) = self.any_held() {
            let deleted = self.queue.delete(&handle, self.now);
            deleted.expect("a handle whose time has not passed");
            self.held.remove(&handle);
            self.deleted += 1;
        }
    }

    fn change(&mut self) {
        if let Some(handle) = self.any_held() {
            let seconds = self.random.u64(0..30);
            let changed = self.queue.change_visibility(&handle, seconds, self.now);
            changed.expect("a handle whose time has not passed");
            if let Some(held) = self.held.get_mut(&handle) {
                held.2 = self.now.plus_millis(seconds * 1000);
            }
        }
    }

    fn any_held(&mut self) -> Option<String> {
        let mut handles: Vec<&String> = self.held.keys().collect();
        handles.sort();
        (!handles.is_empty()).then(|| handles[self.random.usize(0..handles.len())].clone())
    }

    /// Everything left can be received and deleted.
    fn drain(&mut self) {
        for _ in 0..self.sent * 2 {
            self.now = self.now.plus_millis(60_000);
            self.held.clear();
            self.receive();
            while !self.held.is_empty() {
                self.delete();
            }
        }
        assert_eq!(self.deleted, self.sent, "a message is stuck");
    }
}

fn check_random_use(name: &str) {
    for seed in 0..100 {
        let mut random_use = Use::new(seed, name);
        for _ in 0..300 {
            random_use.step();
        }
        random_use.drain();
    }
}

#[test]
fn a_standard_queue_loses_nothing_and_holds_each_message_once() {
    check_random_use("q");
}

#[test]
fn a_fifo_queue_loses_nothing_and_keeps_its_groups_locked_and_in_order() {
    check_random_use("q.fifo");
}
