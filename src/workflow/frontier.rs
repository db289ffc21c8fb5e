//! The frontier: what of a workflow is active, as a tree of blocks and steps.
//!
//! It holds what the steps that are under way need to go on, and nothing of what is over: its
//! size follows what is active, not how long the workflow has run. Of a workflow that failed it
//! keeps where that happened, so that it can be resumed there. Names are short because the
//! frontier is written with every change; how it changes is decided in
//! [`crate::workflow::decider`].

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::error_info::ErrorInfo;
use crate::ids::{TaskId, WorkflowId};
use crate::task::retry::RetryCounts;
use crate::time::Timestamp;
use crate::workflow::signal::{Answer, Handout, Signal};

pub use done::Done;
pub use map::{Batch, Iteration, Iterations, Map};

mod done;
mod map;
mod masked;

/// Where a workflow is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// What is active; of a workflow that ended, what was when it did.
    #[serde(rename = "b", default)]
    pub root: Root,
    /// What is done after the workflow ended.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Closing>,
    /// How many steps were begun anew.
    #[serde(rename = "g", default, skip_serializing_if = "is_zero")]
    pub generations: u32,
    /// Names what is undone first, should the workflow fail.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub compensations: Option<String>,
    /// Batches whose steps are being undone, each with the last of them that is not.
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    pub stacks: Vec<Stack>,
    /// Steps that were undone, without the indexes of their paths: a retry does them again.
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<String>,
    /// Signals that came before anybody waited for them, in their order.
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<Signal>,
    /// Signals of these that are handed to steps of batches, one of a name.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub handouts: Vec<Handout>,
    /// Of a batch: the last signal of each name that was handed to it.
    #[serde(rename = "h", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, Answer>,
    /// The last requests, each by the hash of its id and a shorter one of what it asked.
    #[serde(rename = "q", default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<String>,
    /// Steps that are to be skipped when their turn comes, and what they then give.
    #[serde(rename = "k", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skips: BTreeMap<String, Value>,
    /// The last steps that were skipped.
    #[serde(rename = "z", default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// Of a child or a batch: the version of the record around it that last asked something.
    #[serde(rename = "a", default, skip_serializing_if = "is_never")]
    pub asked: u64,
    /// Whether it goes on, once what is done after its end is over.
    #[serde(rename = "n", default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// The last runs that began steps again.
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    pub reruns: Vec<u32>,
    /// What was told to end, and may not know it yet.
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    pub cancelling: Vec<Cancelling>,
}

/// What a record runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Root {
    /// A workflow's steps.
    #[serde(rename = "s")]
    Steps(Block),
    /// Iterations of a MAP.
    #[serde(rename = "i")]
    Iterations(Box<Iterations>),
}

impl Default for Root {
    fn default() -> Self {
        Self::Steps(Block::default())
    }
}

/// What is done after a workflow ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Closing {
    /// Steps are undone, one after another. None is under way while batches are not over yet of
    /// which one may have completed the last step.
    #[serde(rename = "u")]
    Compensating(Option<Undoing>),
    /// Its error handlers run.
    #[serde(rename = "h")]
    Handling(Block),
}

/// A compensation that runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undoing {
    /// The path of what it undoes.
    #[serde(rename = "p")]
    pub path: String,
    /// Tells it from others of this path.
    #[serde(rename = "g")]
    pub generation: u32,
    /// The version that began it.
    #[serde(rename = "v")]
    pub since: u64,
    /// Its name beside the record.
    #[serde(rename = "n")]
    pub name: String,
    /// The batch beside which that stands, if it is not this record.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub of: Option<WorkflowId>,
    /// When the task runs into a time limit that no worker watches over.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<Timestamp>,
}

/// What a batch completed and is still to be undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stack {
    /// The batch.
    #[serde(rename = "b")]
    pub batch: WorkflowId,
    /// The run that is meant.
    #[serde(rename = "r", default, skip_serializing_if = "is_zero")]
    pub run: u32,
    /// The name of the last of it.
    #[serde(rename = "n")]
    pub next: String,
    /// When that completed, and its path, as soon as they are known.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub top: Option<(Timestamp, String)>,
}

/// A step that was skipped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Skipped {
    /// Its path.
    #[serde(rename = "p")]
    pub path: String,
    /// What it was made to give, by hand. Null is something.
    #[serde(
        rename = "o",
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub output: Option<Value>,
}

/// What was told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cancelling {
    /// A task.
    #[serde(rename = "t")]
    Task(TaskId),
    /// A child, or a batch.
    #[serde(rename = "x")]
    Child(WorkflowId),
}

/// A list of steps that was begun.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Which of its steps are over, by their place in the list.
    #[serde(rename = "d", default, skip_serializing_if = "Done::is_empty")]
    pub done: Done,
    /// Its steps that are under way, in the order of the list.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub active: Vec<Active>,
    /// What the last of the list to be over gave, and its place, where somebody will ask for it.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub output: Option<(u32, Value)>,
}

/// A step that is under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Active {
    /// Its name.
    #[serde(rename = "n")]
    pub name: String,
    /// Tells apart the times that a step of this path was begun within a run.
    #[serde(rename = "g", default, skip_serializing_if = "is_zero")]
    pub generation: u32,
    /// The instance's version that put it here: a redelivery re-emits the newest only.
    #[serde(rename = "v")]
    pub since: u64,
    /// How often the step's own `retryPolicy` was used.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<RetryCounts>,
    /// Whether it goes on only after a step before it was done again.
    #[serde(rename = "w", default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// How often RETRY_STEP was used, by `onError` entry.
    #[serde(rename = "h", default, skip_serializing_if = "Vec::is_empty")]
    pub handled: Vec<u32>,
    /// What it does.
    #[serde(rename = "s")]
    pub state: State,
}

/// What a step that is under way does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Its task runs.
    #[serde(rename = "t")]
    Task {
        /// When the task runs into a time limit that no worker watches over.
        #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
        wake_at: Option<Timestamp>,
    },
    /// Its branches run.
    #[serde(rename = "p")]
    Parallel(Vec<Branch>),
    /// The steps of a case run.
    #[serde(rename = "c")]
    Switch {
        /// Which case; none is `otherwise`.
        #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
        case: Option<u32>,
        /// Its steps.
        #[serde(rename = "b")]
        block: Block,
    },
    /// A turn runs.
    #[serde(rename = "l")]
    Loop {
        /// Which, from 0.
        #[serde(rename = "i", default, skip_serializing_if = "is_zero")]
        turn: u32,
        /// Its steps; none between two turns, when a decision had enough of them.
        #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
        block: Option<Block>,
        /// What the turn before gave.
        #[serde(rename = "o", default, skip_serializing_if = "Value::is_null")]
        output: Value,
    },
    /// Batches of iterations run, each in a record of its own.
    #[serde(rename = "m")]
    Map(Box<Map>),
    /// A timer.
    #[serde(rename = "w")]
    Wait {
        /// When it is over.
        #[serde(rename = "u")]
        until: Timestamp,
    },
    /// A signal is awaited.
    #[serde(rename = "s")]
    Signal {
        /// When that is over.
        #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// Since when; older versions did not write it, and those that they wrote waited before.
        #[serde(rename = "s", default)]
        since: Timestamp,
    },
    /// A child runs.
    #[serde(rename = "x")]
    SubWorkflow {
        /// Whether the child ended: then this step failed with it.
        #[serde(rename = "o", default, skip_serializing_if = "std::ops::Not::not")]
        over: bool,
        /// What the version that put the step here asked of a child that was there before.
        #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
        resumed: Option<Resumed>,
    },
    /// It failed, and begins anew at a time.
    #[serde(rename = "r")]
    Retrying {
        /// The time.
        #[serde(rename = "u")]
        at: Timestamp,
    },
    /// It failed, and an `onError` entry is at work.
    #[serde(rename = "e")]
    Handling {
        /// Which.
        #[serde(rename = "i", default, skip_serializing_if = "is_zero")]
        entry: u32,
        /// The step's error.
        #[serde(rename = "e")]
        error: Box<ErrorInfo>,
        /// The entry's steps.
        #[serde(rename = "b")]
        block: Block,
        /// Whether its failure lets the workflow go on.
        #[serde(rename = "l", default, skip_serializing_if = "std::ops::Not::not")]
        lets_go: bool,
    },
    /// It failed for good.
    #[serde(rename = "f")]
    Failed,
}

/// What a child that was there before is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Resumed {
    /// To go on where it failed.
    #[serde(rename = "g")]
    Retry,
    /// To begin the step of this path again.
    #[serde(rename = "a")]
    Rerun(String),
}

/// A branch of a PARALLEL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Branch {
    /// It runs.
    #[serde(rename = "r")]
    Running(Block),
    /// It gave this.
    #[serde(rename = "d")]
    Done(Value),
    /// It failed, here.
    #[serde(rename = "f")]
    Failed(Block, Box<ErrorInfo>, Timestamp),
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_never(version: &u64) -> bool {
    *version == 0
}

impl Block {
    /// Whether all of a list of so many steps are over.
    #[must_use]
    pub fn is_over(&self, steps: usize) -> bool {
        self.active.is_empty() && self.done.len() >= steps
    }

    /// The active step of this name.
    #[must_use]
    pub fn active(&self, name: &str) -> Option<usize> {
        self.active.iter().position(|active| active.name == name)
    }
}
