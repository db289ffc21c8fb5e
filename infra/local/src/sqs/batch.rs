//! Batches: what refuses all of one, and how each entry is answered for itself.

use std::collections::HashSet;

use super::api::{BatchAnswer, BatchError, Entry};
use super::error::Error;

const MAX_ENTRIES: usize = 10;

/// Refuses a batch as a whole: empty, too many entries, or ids that are wrong or not distinct.
pub(super) fn check<T>(entries: &[Entry<T>]) -> Result<(), Error> {
    if entries.is_empty() {
        return Err(Error::EmptyBatchRequest);
    }
    if entries.len() > MAX_ENTRIES {
        return Err(Error::TooManyEntriesInBatchRequest(entries.len()));
    }
    let mut seen = HashSet::new();
    for Entry { id, .. } in entries {
        if !is_id(id) {
            return Err(Error::InvalidBatchEntryId);
        }
        if !seen.insert(id) {
            return Err(Error::BatchEntryIdsNotDistinct(id.clone()));
        }
    }
    Ok(())
}

/// Does every entry, and sorts the answers.
pub(super) fn each<T, A>(
    entries: Vec<Entry<T>>,
    mut act: impl FnMut(T) -> Result<A, Error>,
) -> BatchAnswer<A> {
    let mut answer = BatchAnswer {
        successful: Vec::new(),
        failed: Vec::new(),
    };
    for Entry { id, content } in entries {
        match act(content) {
            Ok(content) => answer.successful.push(Entry { id, content }),
            Err(error) => answer.failed.push(Entry {
                id,
                content: failure(&error),
            }),
        }
    }
    answer
}

fn failure(error: &Error) -> BatchError {
    BatchError {
        sender_fault: true,
        code: error.code(),
        message: error.to_string(),
    }
}

fn is_id(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    (1..=80).contains(&id.len()) && id.chars().all(allowed)
}
