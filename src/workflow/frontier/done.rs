//! Which steps of a list are over.

use serde::{Deserialize, Serialize};

/// A set of places in a list: all below a bound, and some above. A sequence needs the bound
/// alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "DoneDocument", from = "DoneDocument")]
pub struct Done {
    below: u32,
    also: Vec<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum DoneDocument {
    Below(u32),
    Also(u32, Vec<u32>),
}

impl From<Done> for DoneDocument {
    fn from(done: Done) -> Self {
        match done.also.is_empty() {
            true => Self::Below(done.below),
            false => Self::Also(done.below, done.also),
        }
    }
}

impl From<DoneDocument> for Done {
    fn from(document: DoneDocument) -> Self {
        match document {
            DoneDocument::Below(below) => Self {
                below,
                also: Vec::new(),
            },
            DoneDocument::Also(below, also) => Self { below, also },
        }
    }
}

impl Done {
    /// Whether no place is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.below == 0 && self.also.is_empty()
    }

    /// The set of all places below a bound.
    #[must_use]
    pub fn all_below(bound: usize) -> Self {
        Self {
            below: place(bound),
            also: Vec::new(),
        }
    }

    /// Whether a place is in it.
    #[must_use]
    pub fn contains(&self, at: usize) -> bool {
        let at = place(at);
        at < self.below || self.also.contains(&at)
    }

    /// Adds a place.
    pub fn insert(&mut self, at: usize) {
        if self.contains(at) {
            return;
        }
        self.also.push(place(at));
        self.also.sort_unstable();
        while self.also.first() == Some(&self.below) {
            self.also.remove(0);
            self.below += 1;
        }
    }

    /// Takes a place out.
    pub fn remove(&mut self, at: usize) {
        let at = place(at);
        if at < self.below {
            let above = (at + 1..self.below).chain(std::mem::take(&mut self.also));
            self.also = above.collect();
            self.below = at;
        } else {
            self.also.retain(|other| *other != at);
        }
    }

    /// How many places are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.below as usize + self.also.len()
    }
}

/// A definition has at most [`crate::limits::STEPS_PER_DEFINITION`] steps.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    use super::*;

    proptest! {
        #[test]
        fn done_is_a_set(steps in prop::collection::vec((any::<bool>(), 0_usize..12), 0..40)) {
            let mut done = Done::default();
            let mut model = BTreeSet::new();
            for (add, at) in steps {
                if add {
                    done.insert(at);
                    model.insert(at);
                } else {
                    done.remove(at);
                    model.remove(&at);
                }
                prop_assert_eq!(done.len(), model.len());
                prop_assert!((0..12).all(|at| done.contains(at) == model.contains(&at)));
            }
            let text = serde_json::to_string(&done).unwrap();
            prop_assert_eq!(serde_json::from_str::<Done>(&text).unwrap(), done);
        }
    }
}
