//! Cursors: where a list goes on, as opaque text.
//!
//! A cursor holds no partition key. The query that it comes back to computes its own partitions
//! from the caller's tenant, so that a forged cursor can at most skip or repeat entries of a list
//! that the caller may see anyway.

use aws_smithy_types::base64;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::payloads::ContentHash;

/// A cursor that does not belong to the query that it came with, or that nobody here made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that this query gave")]
pub struct BadCursor;

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor {
    /// Which query gave it.
    #[serde(rename = "q")]
    query: String,
    /// Which of the query's partitions comes next.
    #[serde(rename = "p")]
    pub(crate) partition: usize,
    /// After which entry of it; none at its beginning.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Entry>,
}

/// An index entry's place in its partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// The index's sort key, as text.
    #[serde(rename = "s")]
    pub(crate) sort: String,
    /// The record.
    #[serde(rename = "i")]
    pub(crate) id: Uuid,
}

impl Cursor {
    /// A place in the query that `query` describes in full.
    pub(crate) fn new(query: &str, partition: usize, after: Option<Entry>) -> Self {
        Self {
            query: fingerprint(query),
            partition,
            after,
        }
    }

    pub(crate) fn encode(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        let text = base64::encode(json);
        text.trim_end_matches('=')
            .replace('+', "-")
            .replace('/', "_")
    }

    /// Reads a cursor that came back to the query.
    pub(crate) fn decode(text: &str, query: &str) -> Result<Self, BadCursor> {
        let padding = "=".repeat((4 - text.len() % 4) % 4);
        let text = text.replace('-', "+").replace('_', "/") + &padding;
        let json = base64::decode(text).map_err(|_| BadCursor)?;
        let cursor: Self = serde_json::from_slice(&json).map_err(|_| BadCursor)?;
        if cursor.query == fingerprint(query) {
            Ok(cursor)
        } else {
            Err(BadCursor)
        }
    }
}

fn fingerprint(query: &str) -> String {
    let mut hash = ContentHash::of(query).to_string();
    hash.truncate(12);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, query: &str, expected: Result<usize, BadCursor>) {
        let partition = Cursor::decode(text, query).map(|cursor| cursor.partition);
        assert_eq!(partition, expected, "{text}");
    }

    #[test]
    fn come_back_only_to_the_query_that_gave_them() {
        let after = Entry {
            sort: "RUNNING#2026".to_owned(),
            id: Uuid::from_u128(7),
        };
        let text = Cursor::new("a", 3, Some(after)).encode();
        assert!(
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
        check(&text, "a", Ok(3));
        check(&text, "b", Err(BadCursor));
        for forged in [
            "",
            "x",
            "é",
            "e30",
            "bnVsbA",
            &text[1..],
            &format!("{text}A"),
        ] {
            check(forged, "a", Err(BadCursor));
        }
    }
}
