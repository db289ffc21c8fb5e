//! What comes of a workflow, what comes to it, and why a step of it gives no output.

use serde_json::Value;

use super::data::{Failure, Object};

/// A task that ended: when, where, how, and what it was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub at: u64,
    pub path: String,
    pub status: &'static str,
    /// Null when it was refused before it had one.
    pub input: Value,
}

/// What a workflow came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    pub status: &'static str,
    pub output: Value,
    pub code: Option<String>,
    pub variables: Object,
    pub took: u64,
    /// By time, then path.
    pub trace: Vec<Line>,
}

/// Why a step gives no output.
#[derive(Debug, Clone)]
pub enum Stop {
    Failed(Failure),
    /// `then: FAIL`: nothing about the step lets it go.
    FailedForGood(Failure),
    Terminated(Result<Value, Failure>),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A signal that comes at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    pub at: u64,
    pub name: String,
    pub data: Value,
}
