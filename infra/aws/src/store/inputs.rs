//! The large inputs of workflows: objects of the bucket that never change.
//!
//! A workflow's input is read with each of its decisions, and a MAP has a record for every hundred
//! items that all see it: so it is stored once, beside the workflow, and its batches refer to it
//! there; and in a process it is read and parsed once, and shared, as long as it is in use or was
//! lately. Which object a shared input is of is remembered as long as anybody holds it, so that
//! writing a record does not make its text again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use lru::LruCache;
use serde_json::Value;

use crate::payloads::{ContentHash, PayloadKey};

/// Bytes of text of the inputs that are kept although nobody holds them; the last one is kept
/// whatever its size.
const KEPT_BYTES: usize = 8 * 1024 * 1024;

/// Inputs that a process knows.
#[derive(Debug)]
pub(super) struct Inputs(Mutex<Known>);

#[derive(Debug)]
struct Known {
    /// Those that are in use.
    held: Vec<(Weak<Value>, ContentHash)>,
    /// Those that were used lately, and the size of their text.
    kept: LruCache<PayloadKey, (Arc<Value>, usize)>,
}

impl Default for Inputs {
    fn default() -> Self {
        Self(Mutex::new(Known {
            held: Vec::new(),
            kept: LruCache::unbounded(),
        }))
    }
}

impl Inputs {
    /// The input of this object, if it is known.
    pub(super) fn get(&self, key: &PayloadKey) -> Option<Arc<Value>> {
        let mut known = self.lock();
        known.kept.get(key).map(|(input, _)| Arc::clone(input))
    }

    /// The hash of the text of an input that came from the bucket, or went there.
    pub(super) fn hash_of(&self, input: &Arc<Value>) -> Option<ContentHash> {
        let known = self.lock();
        let mut held = known.held.iter();
        held.find(|(held, _)| held.as_ptr() == Arc::as_ptr(input))
            .map(|(_, hash)| *hash)
    }

    /// Takes note of an input that is in the bucket, of so many bytes.
    pub(super) fn know(
        &self,
        key: PayloadKey,
        hash: ContentHash,
        input: &Arc<Value>,
        bytes: usize,
    ) {
        let mut known = self.lock();
        known.held.retain(|(held, _)| held.strong_count() > 0);
        known.held.push((Arc::downgrade(input), hash));
        known.kept.put(key, (Arc::clone(input), bytes));
        while known.kept.len() > 1
            && known
                .kept
                .iter()
                .map(|(_, (_, bytes))| bytes)
                .sum::<usize>()
                > KEPT_BYTES
        {
            known.kept.pop_lru();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use taskmill::ids::TenantId;
    use uuid::Uuid;

    use super::*;
    use crate::payloads::PayloadKind;

    fn key(number: u128) -> PayloadKey {
        let tenant = TenantId::new("acme").unwrap();
        let hash = ContentHash::of("x");
        PayloadKey::new(
            &tenant,
            PayloadKind::Workflow,
            Uuid::from_u128(number),
            "input",
            hash,
        )
    }

    #[test]
    fn what_is_used_lately_is_kept_up_to_a_size_and_what_is_held_is_known() {
        let inputs = Inputs::default();
        let hash = ContentHash::of("a");
        let [first, second] = [1, 2].map(|number| Arc::new(Value::from(number)));
        inputs.know(key(1), hash, &first, KEPT_BYTES - 1);
        inputs.know(key(2), ContentHash::of("b"), &second, 1);
        assert!(Arc::ptr_eq(&inputs.get(&key(1)).unwrap(), &first));
        inputs.know(key(3), ContentHash::of("c"), &Arc::new(Value::Null), 2);
        assert_eq!(
            inputs.get(&key(2)),
            None,
            "it was not used for the longest time"
        );
        assert_eq!(
            inputs.get(&key(1)),
            None,
            "without it the rest is small enough"
        );
        assert!(inputs.get(&key(3)).is_some());
        assert_eq!(inputs.hash_of(&first), Some(hash));
        assert_eq!(
            inputs.hash_of(&Arc::new(Value::from(1))),
            None,
            "it is another one"
        );
        inputs.know(key(4), hash, &Arc::new(Value::Null), 2 * KEPT_BYTES);
        assert!(inputs.get(&key(4)).is_some(), "the last one is kept");
    }
}
