//! Outputs and inputs against their schemas.
//!
//! What an executor calls a success is one only when its output meets the definition's schema.

use serde_json::{Value, json};

use crate::codes::failure;
use crate::error_info::ErrorInfo;
use crate::schema::{Schema, Violation};
use crate::task::attempt::Outcome;
use crate::time::Timestamp;
use crate::{JsonObject, limits};

/// The outcome after its output was checked: a bad output is a failure, INVALID_OUTPUT.
#[must_use]
pub fn checked(outcome: Outcome, schema: &Schema, now: Timestamp) -> Outcome {
    judged(outcome, |output| {
        check(output, schema, failure::INVALID_OUTPUT, now)
    })
}

/// The outcome with its output held to the limits of a payload, so that it can be sent and
/// stored; the schema is asked later, by [`checked`].
#[must_use]
pub fn bounded(outcome: Outcome, now: Timestamp) -> Outcome {
    judged(outcome, |output| check_size(output, now))
}

fn judged(outcome: Outcome, judge: impl Fn(&Value) -> Result<(), Box<ErrorInfo>>) -> Outcome {
    let refused = match &outcome {
        Outcome::Succeeded { output } => judge(output).err(),
        Outcome::Failed { .. } | Outcome::TimedOut { .. } | Outcome::HandedOver => None,
    };
    match refused {
        None => outcome,
        Some(error) => Outcome::Failed {
            error: *error,
            permanent: false,
            retry_after: None,
            continue_on_failure: None,
        },
    }
}

/// Checks a payload against its size limit and its schema. `code` is that of a violation.
///
/// # Errors
/// `PAYLOAD_TOO_LARGE`, or `code` with every violation in `details.violations`.
pub fn check(
    payload: &Value,
    schema: &Schema,
    code: &'static str,
    now: Timestamp,
) -> Result<(), Box<ErrorInfo>> {
    check_size(payload, now)?;
    let violations = schema.violations(payload);
    if violations.is_empty() {
        return Ok(());
    }
    Err(Box::new(violated(&violations, code, now)))
}

/// Checks a payload against its limits of size and depth.
///
/// # Errors
/// `PAYLOAD_TOO_LARGE`.
pub fn check_size(payload: &Value, now: Timestamp) -> Result<(), Box<ErrorInfo>> {
    check_bytes(json_size(payload), now)?;
    let limit = limits::DOCUMENT_DEPTH;
    if !is_deeper_than(payload, limit) {
        return Ok(());
    }
    let message = format!("the payload has values more than {limit} deep");
    Err(too_large(message, now))
}

fn check_bytes(bytes: usize, now: Timestamp) -> Result<(), Box<ErrorInfo>> {
    let limit = limits::PAYLOAD_BYTES;
    if bytes <= limit {
        return Ok(());
    }
    let message = format!("the payload has {bytes} bytes, the limit is {limit}");
    Err(too_large(message, now))
}

fn too_large(message: String, now: Timestamp) -> Box<ErrorInfo> {
    Box::new(ErrorInfo::new(failure::PAYLOAD_TOO_LARGE, message, now))
}

/// Whether arrays and objects stand more than so many levels inside each other.
fn is_deeper_than(value: &Value, levels: usize) -> bool {
    let Some(inner) = levels.checked_sub(1) else {
        return value.is_array() || value.is_object();
    };
    match value {
        Value::Array(items) => items.iter().any(|item| is_deeper_than(item, inner)),
        Value::Object(fields) => fields.values().any(|field| is_deeper_than(field, inner)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn violated(violations: &[Violation], code: &'static str, now: Timestamp) -> ErrorInfo {
    let first = &violations[0];
    let message = match violations.len() {
        1 => format!("{}: {}", place(&first.pointer), first.message),
        more => format!(
            "{}: {} (and {} more)",
            place(&first.pointer),
            first.message,
            more - 1
        ),
    };
    let all: Vec<Value> = violations
        .iter()
        .map(|violation| {
            json!({
                "pointer": violation.pointer,
                "schemaPointer": violation.schema_pointer,
                "message": violation.message,
            })
        })
        .collect();
    let details = JsonObject::from_iter([("violations".to_owned(), Value::Array(all))]);
    ErrorInfo::new(code, message, now).with_details(details)
}

fn place(pointer: &str) -> &str {
    if pointer.is_empty() {
        "the whole"
    } else {
        pointer
    }
}

/// The size of a value as compact JSON, without making it.
#[must_use]
pub fn json_size(value: &Value) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).map_or(usize::MAX, |()| count.0)
}

#[cfg(test)]
mod tests;
