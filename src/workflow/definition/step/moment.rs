//! Steps that wait for a time or for somebody, set variables, or end the workflow: WAIT, SIGNAL,
//! SET and TERMINATE.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// A durable timer. The output is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WaitStep {
    /// How long: milliseconds, ISO 8601 without months and years, or an expression that gives
    /// either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<WaitDuration>,
    /// Until when: RFC 3339, or an expression that gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub until: Option<String>,
}

/// How long to wait, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WaitDuration {
    /// Milliseconds.
    Millis(u64),
    /// ISO 8601, or an expression.
    Text(String),
}

impl JsonSchema for WaitDuration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "WaitDuration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["integer", "string"],
            "minimum": 0,
            "maximum": limits::TIMER_MILLIS,
            "minLength": 1,
            "maxLength": limits::expression::SOURCE_CHARS,
        })
    }
}

/// Waits for a signal from outside; one that came early is kept. The output is its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignalStep {
    /// The name of the signal.
    #[schemars(length(min = 1, max = limits::REFERENCE_CHARS))]
    pub signal: String,
    /// Longest time to wait in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::TIMER_MILLIS))]
    pub timeout: Option<u64>,
    /// What happens then.
    #[serde(default)]
    pub on_timeout: OnTimeout,
}

/// What happens when a signal does not come in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum OnTimeout {
    /// The step fails with `TIMEOUT`.
    #[default]
    Fail,
    /// The step is over; its output is null.
    Continue,
}

/// A step that only sets variables, by its `variableMappings`; a plain DIRECT source is looked up
/// in the variables. The output is null.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetStep {}

/// Ends the workflow, cancelling what runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TerminateStep {
    /// As what it ends.
    pub status: EndStatus,
    /// An expression that gives the workflow's output; null by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub output: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StatedError>,
}

/// As what a workflow is made to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum EndStatus {
    /// It gave its output.
    Completed,
    /// It failed; compensations and error handlers run as after any failure.
    Failed,
}

/// An error that a definition states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatedError {
    /// The code, which `onError` entries ask for.
    #[schemars(length(min = 1, max = limits::REFERENCE_CHARS))]
    pub code: String,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = limits::ERROR_MESSAGE_CHARS))]
    pub message: String,
}
