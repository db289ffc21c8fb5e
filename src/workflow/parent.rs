//! What ties records of workflows to each other: a child to its parent, a batch of iterations to
//! the MAP that it is of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error_info::ErrorInfo;
use crate::ids::WorkflowId;
use crate::metrics::WorkflowMetrics;
use crate::task::retry::RetryPolicy;
use crate::time::Timestamp;
use crate::workflow::definition::EndStatus;
use crate::workflow::signal::{Answer, Waiter};

/// Who waits for a workflow, or for a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parent {
    /// The record that waits.
    pub id: WorkflowId,
    /// The workflow that it belongs to: itself, unless it is a batch.
    pub workflow_id: WorkflowId,
    /// The path of the step that waits.
    pub path: String,
    /// How many workflows stand around the one that waits for it.
    #[serde(default)]
    pub depth: u32,
}

/// Which iterations a batch runs, and what their expressions see. It never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BatchOf {
    /// The MAP, by its place among the MAPs of the definition.
    pub map: u32,
    /// The path of the MAP.
    pub path: String,
    /// The generation of the MAP, which that of its steps begins with.
    #[serde(default)]
    pub generation: u32,
    /// The index of the first iteration.
    pub first: u32,
    /// Iterations of the MAP in all.
    #[serde(default)]
    pub total: u32,
    /// The items, one an iteration.
    pub items: Vec<Value>,
    /// `outer` of the iterations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outer: Option<Value>,
    /// `error` of the iterations, when the MAP is part of an error handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
}

/// How far a batch is.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchReport {
    /// Counts the reopenings of its workflow.
    pub run: u32,
    /// Iterations that it gives back, because it has nothing left to begin.
    pub freed: u32,
    /// Iterations that failed.
    pub failed: u32,
    /// Why the last of them did.
    pub error: Option<ErrorInfo>,
    /// Its steps that wait for signals: of each name the one that has waited longest.
    pub waiters: Vec<Waiter>,
    /// What it did with the last signal of each name that was handed to it.
    pub answers: BTreeMap<String, Answer>,
    /// Its end, when all its iterations are over.
    pub over: Option<BatchEnd>,
}

/// The end of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchEnd {
    /// The totals over its tasks.
    pub metrics: WorkflowMetrics,
    /// Names the last of what it completed and that can be undone.
    pub last: Option<String>,
    /// Whether nothing can come to that any more.
    pub is_settled: bool,
    /// A TERMINATE that was reached in it.
    pub termination: Option<Termination>,
}

/// A TERMINATE step that was reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Termination {
    /// As what it ends the workflow.
    pub status: EndStatus,
    /// The workflow's output.
    pub output: Value,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorInfo>,
}

/// Items of a batch that is not begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// The record of the batch.
    pub batch: WorkflowId,
    /// The items.
    pub items: Vec<Value>,
}

/// A link of the chain of what a record completed, from the last to the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Undoable {
    /// A step.
    Step(Compensable),
    /// Batches of a MAP, which have chains of their own.
    Batches(Batches),
}

/// Batches of a MAP that left the frontier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Batches {
    /// Their records.
    pub batches: Vec<WorkflowId>,
    /// The name of the first link of the chain of the only one of them, when that was over; else
    /// their records say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// When they left it.
    pub at: Timestamp,
    /// The run that they were of: what they completed in others is not meant.
    #[serde(default)]
    pub run: u32,
    /// The name of the link before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
}

/// What undoes a step that completed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Compensable {
    /// The path of the step.
    pub path: String,
    /// Names the pin of the version of the task that undoes it.
    pub pin: String,
    /// That task's input.
    pub input: Value,
    /// That task's policy, over its definition's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
    /// That task's time limit, over its definition's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// When the step completed; older versions did not write it.
    #[serde(default)]
    pub at: Timestamp,
    /// The run in which it did.
    #[serde(default)]
    pub run: u32,
    /// The name of the link before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
}

impl Undoable {
    /// Its name: the hash of its content, so that nobody can write another under it.
    #[must_use]
    pub fn name(&self) -> String {
        hash(&serde_json::to_string(self).expect("it has string keys only"))
    }

    /// When it came to the chain.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Step(step) => step.at,
            Self::Batches(batches) => batches.at,
        }
    }

    /// The run in which it did.
    #[must_use]
    pub const fn run(&self) -> u32 {
        match self {
            Self::Step(step) => step.run,
            Self::Batches(batches) => batches.run,
        }
    }

    /// The path of the step; batches have none.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Step(step) => &step.path,
            Self::Batches(_) => "",
        }
    }

    /// The name of the link before it.
    #[must_use]
    pub fn previous(&self) -> Option<&str> {
        match self {
            Self::Step(step) => step.previous.as_deref(),
            Self::Batches(batches) => batches.previous.as_deref(),
        }
    }
}

/// The first 16 bytes of the SHA-256 of a text, in hex.
pub(crate) fn hash(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text).into();
    digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
