//! `ErrorInfo`: why something failed, as it is stored and shown.
//!
//! Bounds are kept here, at the one constructor, so that no error can outgrow its record.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::time::Timestamp;
use crate::{JsonObject, limits};

/// Why a task or a workflow failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErrorInfo {
    /// A stable code: one of [`crate::codes::failure`], or one that an executor chose.
    pub code: String,
    /// What happened, for people.
    pub message: String,
    /// More about it, for programs.
    #[serde(default, skip_serializing_if = "JsonObject::is_empty")]
    pub details: JsonObject,
    /// Where in its own code an executor failed, when it says so. Hidden from callers without
    /// the permission to see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack_trace: Option<String>,
    /// When it happened.
    pub timestamp: Timestamp,
}

impl ErrorInfo {
    /// An error of this code, cut to the limits.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl AsRef<str>, timestamp: Timestamp) -> Self {
        Self {
            code: cut(&code.into(), limits::REFERENCE_CHARS),
            message: cut(message.as_ref(), limits::ERROR_MESSAGE_CHARS),
            details: JsonObject::new(),
            stack_trace: None,
            timestamp,
        }
    }

    /// The same with details; details over the limit are replaced by a note of their size.
    #[must_use]
    pub fn with_details(mut self, details: JsonObject) -> Self {
        let bytes = Value::Object(details.clone()).to_string().len();
        self.details = if bytes > limits::ERROR_DETAILS_BYTES {
            JsonObject::from_iter([("droppedBytes".to_owned(), json!(bytes))])
        } else {
            details
        };
        self
    }

    /// The same with a stack trace, cut to its limit.
    #[must_use]
    pub fn with_stack_trace(mut self, stack_trace: &str) -> Self {
        self.stack_trace = Some(cut(stack_trace, limits::STACK_TRACE_CHARS));
        self
    }
}

/// The text's first `chars` characters, with a mark where some were dropped.
fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_bounded_whatever_an_executor_says() {
        let huge = "é".repeat(100_000);
        let details = JsonObject::from_iter([("all".to_owned(), json!(huge))]);
        let error = ErrorInfo::new(&huge, &huge, Timestamp::default())
            .with_details(details)
            .with_stack_trace(&huge);
        assert_eq!(error.code.chars().count(), limits::REFERENCE_CHARS + 1);
        assert_eq!(
            error.message.chars().count(),
            limits::ERROR_MESSAGE_CHARS + 1
        );
        assert_eq!(error.details["droppedBytes"], json!(200_010));
        assert!(error.stack_trace.unwrap().ends_with('…'));
    }
}
