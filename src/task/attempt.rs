//! One attempt of a task: how it ended, and what an instance remembers of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error_info::ErrorInfo;
use crate::ids::ExecutionId;
use crate::metrics::ExecutionMetrics;
use crate::task::timeouts::TimeoutKind;
use crate::time::Timestamp;

/// How an attempt ended, as whoever ran it reports it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "result",
    rename_all = "SCREAMING_SNAKE_CASE",
    rename_all_fields = "camelCase"
)]
pub enum Outcome {
    /// It gave an output, which is still to be checked.
    Succeeded {
        /// Any JSON.
        output: Value,
    },
    /// It failed.
    Failed {
        /// Why.
        error: ErrorInfo,
        /// Whether trying again is of no use.
        #[serde(default)]
        permanent: bool,
        /// The delay in milliseconds that the executor asks for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
        /// The executor's own word on whether a workflow goes on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        continue_on_failure: Option<bool>,
    },
    /// A time limit passed and it was stopped.
    TimedOut {
        /// Which limit.
        kind: TimeoutKind,
    },
    /// It is no end: another system has the work, and tells the end by a callback.
    HandedOver,
}

/// An attempt's end, or that it goes on elsewhere, with everything about the attempt that only its worker knows. Under lazy
/// RUNNING this is the first that the record hears of the attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptReport {
    /// The attempt's fencing token.
    pub execution_id: ExecutionId,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Who ran it: executor, function, host and process.
    pub executor_id: String,
    /// Where: region and function version, or `local`.
    pub execution_environment: String,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What it used.
    #[serde(default)]
    pub metrics: ExecutionMetrics,
}

/// What an instance remembers of an attempt that ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attempt {
    /// Counted from 1.
    pub attempt: u32,
    /// When it began; unknown for one that was lost before it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended, or was found lost.
    pub ended_at: Timestamp,
    /// Who ran it.
    pub executor_id: String,
    /// Why it failed; none when it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorInfo>,
    /// When the next one was to begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_retry_at: Option<Timestamp>,
}
