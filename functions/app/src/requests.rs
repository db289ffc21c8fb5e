//! What requests for tasks and for workflows have in common: a default, limits of their texts, and
//! what tells a repeat from another request under the same key.

use serde::Serialize;
use serde_json::Value;
use taskmill::codes::refusal;
use taskmill::workflow::decider::Ask;
use taskmill::{JsonObject, limits};
use taskmill_aws::payloads::ContentHash;

use crate::refusal::Refusal;

/// What is given where a request has no input.
pub(crate) fn empty_input() -> Value {
    Value::Object(JsonObject::new())
}

/// The texts that any request may carry beside what it asks for.
pub(crate) struct Marks<'a> {
    pub(crate) idempotency_key: Option<&'a str>,
    pub(crate) correlation_id: Option<&'a str>,
    pub(crate) traceparent: Option<&'a str>,
}

impl Marks<'_> {
    /// Refuses marks that are empty or longer than their limit.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        check_text("idempotencyKey", self.idempotency_key)?;
        check_text("correlationId", self.correlation_id)?;
        check_text("traceparent", self.traceparent)
    }
}

/// Refuses a text that is empty or longer than its limit.
pub(crate) fn check_text(name: &str, text: Option<&str>) -> Result<(), Refusal> {
    check_length(name, text, limits::REFERENCE_CHARS)
}

/// Refuses a text that is empty or has more characters than this.
pub(crate) fn check_length(name: &str, text: Option<&str>, limit: usize) -> Result<(), Refusal> {
    if text.is_some_and(|text| text.is_empty() || text.chars().count() > limit) {
        let message = format!("{name} must have 1 to {limit} characters");
        return Err(Refusal::new(refusal::INVALID_INPUT, message));
    }
    Ok(())
}

/// Refuses to ask a workflow what has an empty text, or one longer than its limit. Paths are
/// compared with those that there are.
pub(crate) fn check_ask(ask: &Ask) -> Result<(), Refusal> {
    match ask {
        Ask::Cancel { reason, .. } => check_text("reason", Some(reason)),
        Ask::Signal { name, .. } => check_text("name", Some(name)),
        Ask::Pause
        | Ask::Resume
        | Ask::UpdateVariables { .. }
        | Ask::Retry
        | Ask::Rerun { .. }
        | Ask::Skip { .. } => Ok(()),
    }
}

/// What tells a repeat from another request under the same key.
pub(crate) fn fingerprint(request: &impl Serialize) -> String {
    let text = serde_json::to_string(request).expect("a request has string keys only");
    ContentHash::of(&text).to_string()
}

/// Refuses a request under a key that was first used with another one.
pub(crate) fn check_repeat(first: Option<&str>, asked: Option<&str>) -> Result<(), Refusal> {
    if first == asked {
        return Ok(());
    }
    Err(Refusal::new(
        refusal::IDEMPOTENCY_CONFLICT,
        "the idempotency key was used with another request",
    ))
}
