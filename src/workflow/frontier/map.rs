//! What is active of a MAP: as its workflow sees it, and as a batch of its iterations does.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Block, is_never, is_zero};
use crate::JsonObject;
use crate::error_info::ErrorInfo;
use crate::workflow::parent::Termination;
use crate::workflow::signal::Waiter;

/// A batch of iterations, as it sees itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Iterations {
    /// Iterations that were begun.
    #[serde(rename = "b", default, skip_serializing_if = "is_zero")]
    pub begun: u32,
    /// Iterations that it may have in flight, counting those given back.
    #[serde(rename = "g", default, skip_serializing_if = "is_zero")]
    pub granted: u32,
    /// Of these, those given back.
    #[serde(rename = "y", default, skip_serializing_if = "is_zero")]
    pub freed: u32,
    /// Those that run.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub active: Vec<Iteration>,
    /// Those that go on, in their order, as soon as they may.
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Iteration>,
    /// Those that failed, here.
    #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Iteration>,
    /// Why the last of them did.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<ErrorInfo>>,
    /// The steps that wait for signals, in it and in the batches inside it: of each name the one
    /// that has waited longest.
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    pub waiters: Vec<Waiter>,
    /// What those that are over gave, where somebody will ask for it.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<Value>,
    /// A TERMINATE that was reached.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub termination: Option<Box<Termination>>,
}

/// An iteration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Iteration {
    /// Its place in the batch.
    #[serde(rename = "i", default, skip_serializing_if = "is_zero")]
    pub at: u32,
    /// Its steps.
    #[serde(rename = "b")]
    pub block: Block,
    /// Its variables, when they differ from those that the batch began with.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<JsonObject>,
}

/// A MAP, as its workflow sees it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Map {
    /// Names the array: it tells apart the batches of two decisions of which one was void.
    #[serde(rename = "k")]
    pub items: String,
    /// Iterations in all.
    #[serde(rename = "n")]
    pub total: u32,
    /// Batches that were begun.
    #[serde(rename = "b", default, skip_serializing_if = "is_zero")]
    pub begun: u32,
    /// Those of them that run.
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    pub running: Vec<Batch>,
    /// Iterations that failed in batches that are over.
    #[serde(rename = "f", default, skip_serializing_if = "is_zero")]
    pub failed: u32,
    /// The batches that are over and in which some failed.
    #[serde(rename = "h", default, skip_serializing_if = "Vec::is_empty")]
    pub troubled: Vec<u32>,
    /// Why the last iteration failed.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<ErrorInfo>>,
}

/// A batch that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Which, from 0.
    #[serde(rename = "b", default, skip_serializing_if = "is_zero")]
    pub number: u32,
    /// Iterations that it was allowed to have in flight, counting those given back.
    #[serde(rename = "g")]
    pub granted: u32,
    /// Of these, those given back because it has nothing left to begin.
    #[serde(rename = "y", default, skip_serializing_if = "is_zero")]
    pub freed: u32,
    /// Iterations of it that failed.
    #[serde(rename = "f", default, skip_serializing_if = "is_zero")]
    pub failed: u32,
    /// The version that last gave it something: a redelivery re-emits the newest only.
    #[serde(rename = "v")]
    pub since: u64,
    /// The version that last asked it to go on, if any did.
    #[serde(rename = "w", default, skip_serializing_if = "is_never")]
    pub resumed: u64,
    /// Its steps that wait for signals: of each name the one that has waited longest.
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    pub waiters: Vec<Waiter>,
}
