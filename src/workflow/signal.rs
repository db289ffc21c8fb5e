//! Signals: what somebody outside tells a workflow.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
