//! Signals: what somebody outside tells a workflow, and how it reaches a step of a batch.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::WorkflowId;
use crate::time::Timestamp;

/// A signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Signal {
    /// Its name.
    pub name: String,
    /// What it says; null by default.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
    /// When it was accepted.
    pub at: Timestamp,
}

/// A step of a batch that waits for a signal, as the records around the batch know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiter {
    /// The name of the signal.
    #[serde(rename = "n")]
    pub name: String,
    /// Since when it waits.
    #[serde(rename = "s")]
    pub since: Timestamp,
    /// The path of the step.
    #[serde(rename = "p")]
    pub path: String,
    /// Tells apart the times that a step of this path was begun within a run.
    #[serde(rename = "g", default, skip_serializing_if = "is_zero")]
    pub generation: u32,
    /// The record that the step is under way in.
    #[serde(rename = "b")]
    pub record: WorkflowId,
}

/// A signal that a workflow hands to a step of a batch, and keeps until the batch has answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handout {
    /// The workflow's version that hands it out.
    #[serde(rename = "v")]
    pub number: u64,
    /// The step.
    #[serde(rename = "t")]
    pub to: Waiter,
    /// Whether the batch has answered, and the batch around it may not know that yet.
    #[serde(rename = "a", default, skip_serializing_if = "std::ops::Not::not")]
    pub answered: bool,
}

/// A signal on its way to a step of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Handed {
    /// The workflow's `run`: what an earlier one handed out means nothing any more.
    pub run: u32,
    /// The workflow's version that hands it out.
    pub number: u64,
    /// The step.
    pub to: Waiter,
    /// What the signal says.
    pub data: Value,
}

/// What a batch did with the last signal of a name that was handed to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Which one.
    #[serde(rename = "v")]
    pub number: u64,
    /// Whether the step took it; it waited no more otherwise.
    #[serde(rename = "t", default, skip_serializing_if = "std::ops::Not::not")]
    pub taken: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}
