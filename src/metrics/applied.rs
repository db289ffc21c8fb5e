//! What of a stream was applied already, so that what is delivered again counts once.
//!
//! A stream of DynamoDB is in shards, and within a shard the numbers of its records rise. Records
//! come in batches, and a batch that failed comes again, whole or halved, before anything behind
//! it: so the last number of each shard tells what was applied. Whoever keeps something that
//! counts keeps an [`Applied`] in the same item, and writes both at once.
//!
//! Numbers of two shards say nothing about each other; who reads a stream says which shard a
//! record is of. (Lambda tells it with the events of a time window alone.)

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Shards that are remembered; what comes again of one that was forgotten counts again.
pub const SHARDS: usize = 16;

/// The number of a stream's record: decimal digits, up to 40 of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sequence(String);

/// Text that is no number of a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the sequence number of a record: it must be 1 to 40 digits")]
pub struct BadSequence(String);

impl Sequence {
    /// Reads a number.
    ///
    /// # Errors
    /// The text has other characters than digits, none, or more than 40.
    pub fn new(text: impl Into<String>) -> Result<Self, BadSequence> {
        let text = text.into();
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || text.is_empty() || text.len() > 40 {
            return Err(BadSequence(text));
        }
        let significant = text.trim_start_matches('0');
        Ok(Self(significant.to_owned()))
    }
}

impl TryFrom<String> for Sequence {
    type Error = BadSequence;

    fn try_from(text: String) -> Result<Self, BadSequence> {
        Self::new(text)
    }
}

impl From<Sequence> for String {
    fn from(Sequence(digits): Sequence) -> Self {
        if digits.is_empty() {
            return "0".to_owned();
        }
        digits
    }
}

impl Ord for Sequence {
    /// As numbers: of two without leading zeros the longer one is greater.
    fn cmp(&self, other: &Self) -> Ordering {
        let lengths = self.0.len().cmp(&other.0.len());
        lengths.then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Sequence {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Where a record stands in its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The shard's id.
    pub shard: String,
    /// The record's number in it.
    pub sequence: Sequence,
}

/// How far each shard was applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Applied(Vec<Mark>);

/// The last number that was applied of a shard, which a digest names: ids are long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Mark(String, Sequence);

impl Applied {
    /// Takes note of a record. False when it was applied before.
    #[must_use]
    pub fn take(&mut self, position: &Position) -> bool {
        let shard = digest(&position.shard);
        let known = self.0.iter().position(|mark| mark.0 == shard);
        if let Some(index) = known {
            if position.sequence <= self.0[index].1 {
                return false;
            }
            self.0.remove(index);
        }
        // The shard that was silent for longest stands first.
        self.0.push(Mark(shard, position.sequence.clone()));
        let surplus = self.0.len().saturating_sub(SHARDS);
        self.0.drain(..surplus);
        true
    }
}

fn digest(shard: &str) -> String {
    let hash = Sha256::digest(shard.as_bytes());
    hash.iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(applied: &mut Applied, shard: &str, sequence: &str) -> bool {
        applied.take(&Position {
            shard: shard.to_owned(),
            sequence: Sequence::new(sequence).unwrap(),
        })
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        let sequence = |text: &str| Sequence::new(text).unwrap();
        assert!(sequence("99") < sequence("100"));
        assert_eq!(sequence("0099"), sequence("99"));
        let (low, high) = ("8".repeat(40), "9".repeat(40));
        assert!(sequence(&low) < sequence(&high), "beyond every integer");
        assert_eq!(serde_json::to_value(sequence("00")).unwrap(), "0");
        for text in ["", "1a", "-1", &"1".repeat(41)] {
            assert!(Sequence::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_was_applied_is_recognised_in_its_shard_alone() {
        let mut applied = Applied::default();
        assert!(take(&mut applied, "a", "10"));
        assert!(!take(&mut applied, "a", "10"));
        assert!(!take(&mut applied, "a", "9"));
        assert!(take(&mut applied, "b", "9"));
        assert!(take(&mut applied, "a", "11"));
        let stored = serde_json::to_string(&applied).unwrap();
        let mut read: Applied = serde_json::from_str(&stored).unwrap();
        assert!(!take(&mut read, "a", "11") && !take(&mut read, "b", "9"));
    }

    #[test]
    fn the_shard_that_was_silent_for_longest_is_forgotten() {
        let mut applied = Applied::default();
        for shard in 0..SHARDS {
            assert!(take(&mut applied, &format!("shard-{shard}"), "5"));
        }
        assert!(take(&mut applied, "shard-0", "6"));
        assert!(take(&mut applied, "another", "1"));
        assert!(!take(&mut applied, "shard-0", "6"), "it spoke last but one");
        assert!(take(&mut applied, "shard-1", "5"), "it was forgotten");
        let sequence = format!("49{}", "5".repeat(38));
        for shard in 0..100 {
            assert!(take(&mut applied, &format!("new-{shard}"), &sequence));
        }
        let bytes = serde_json::to_string(&applied).unwrap().len();
        assert!(bytes <= 1100, "{bytes} bytes");
    }
}
