//! Who is next: the order in which a queue's visible messages are handed out.
//!
//! A standard queue hands out whatever is visible. A FIFO queue hands out a group's messages in the
//! order they were sent, and nothing of a group of which something is in flight. Neither looks at a
//! message that it does not hand out.

use std::collections::{BTreeSet, HashMap};

/// A message's place in its queue: ascending in the order of sending.
pub(super) type Slot = u64;

/// The groups of a FIFO queue.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: HashMap<String, Group>,
    /// The groups that may be handed out, by rank and first message.
    ready: BTreeSet<(u64, Slot)>,
    /// The group of a first message that is in `ready`.
    heads: HashMap<Slot, String>,
}

#[derive(Debug, Default)]
struct Group {
    members: BTreeSet<Slot>,
    in_flight: usize,
    listed: Option<(u64, Slot)>,
}

/// How the rank of a group that becomes ready is drawn.
pub(super) trait Rank {
    /// The rank of something that has been waiting since `since`.
    fn rank(&mut self, since: u64) -> u64;
}

impl Groups {
    /// Adds a message at the end of its group.
    pub fn join(&mut self, group: &str, slot: Slot) {
        let entry = self.groups.entry(group.to_owned()).or_default();
        entry.members.insert(slot);
    }

    /// Takes a message out of its group.
    pub fn leave(&mut self, group: &str, slot: Slot) {
        if let Some(entry) = self.groups.get_mut(group) {
            entry.members.remove(&slot);
        }
    }

    /// Locks the group by one more message in flight.
    pub fn lock(&mut self, group: &str) {
        if let Some(entry) = self.groups.get_mut(group) {
            entry.in_flight += 1;
        }
    }

    /// Takes back one lock.
    pub fn unlock(&mut self, group: &str) {
        if let Some(entry) = self.groups.get_mut(group) {
            entry.in_flight = entry.in_flight.saturating_sub(1);
        }
    }

    /// Lists the group as ready, or not, after any of its messages changed.
    pub fn refresh(&mut self, group: &str, visible: impl Fn(Slot) -> bool, rank: &mut impl Rank) {
        let Some(entry) = self.groups.get_mut(group) else {
            return;
        };
        let head = entry.members.first().copied();
        let ready = head.filter(|head| entry.in_flight == 0 && visible(*head));
        if entry.members.is_empty() && entry.listed.is_none() {
            self.groups.remove(group);
            return;
        }
        if entry.listed.map(|(_, slot)| slot) == ready {
            return;
        }
        if let Some(listed) = entry.listed.take() {
            self.ready.remove(&listed);
            self.heads.remove(&listed.1);
        }
        if let Some(head) = ready {
            let listed = (rank.rank(head), head);
            entry.listed = Some(listed);
            self.ready.insert(listed);
            self.heads.insert(head, group.to_owned());
        }
        if entry.members.is_empty() {
            self.groups.remove(group);
        }
    }

    /// The group that is handed out next.
    pub fn next(&self) -> Option<&str> {
        let (_, head) = self.ready.first()?;
        self.heads.get(head).map(String::as_str)
    }

    /// The first messages of a group, up to the first that is not visible.
    pub fn visible(&self, group: &str, most: usize, visible: impl Fn(Slot) -> bool) -> Vec<Slot> {
        let Some(entry) = self.groups.get(group) else {
            return Vec::new();
        };
        let members = entry.members.iter().copied();
        members
            .take_while(|slot| visible(*slot))
            .take(most)
            .collect()
    }
}
