//! Outputs as executors receive them: bytes that should be JSON.

use serde_json::Value;
use taskmill::codes::failure::INVALID_OUTPUT;

use super::Failure;
use crate::secrets::Redactor;

/// Bytes of an excerpt before and after the place of an error.
const EXCERPT_BYTES: usize = 120;

/// Reads an output. Nothing but white space is null.
///
/// # Errors
/// A permanent `INVALID_OUTPUT` with the place and an excerpt around it, without secrets.
pub fn parse_output(bytes: &[u8], redactor: &Redactor) -> Result<Value, Failure> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Value::Null);
    }
    parse_json(bytes).map_err(|error| invalid(bytes, &error, redactor))
}

/// Reads one JSON value and nothing after it.
///
/// # Errors
/// The bytes are no JSON.
pub fn parse_json(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(bytes)
}

fn invalid(bytes: &[u8], error: &serde_json::Error, redactor: &Redactor) -> Failure {
    let at = offset(bytes, error.line(), error.column());
    let around = at.saturating_sub(EXCERPT_BYTES)..at.saturating_add(EXCERPT_BYTES);
    let message = format!("the output is not JSON: {error}");
    Failure::permanent(INVALID_OUTPUT, redactor.text(&message))
        .with_detail("line", error.line())
        .with_detail("column", error.column())
        .with_detail("excerpt", redactor.excerpt(bytes, around))
}

/// The offset of a line and column, both counted from 1.
fn offset(bytes: &[u8], line: usize, column: usize) -> usize {
    let newlines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let start = match line.checked_sub(2) {
        None => 0,
        Some(before) => newlines.map(|(at, _)| at + 1).nth(before).unwrap_or(0),
    };
    start.saturating_add(column).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_null() {
        for nothing in ["", " ", "\n\t\r\n"] {
            assert_eq!(
                parse_output(nothing.as_bytes(), &Redactor::none()),
                Ok(Value::Null)
            );
        }
    }

    #[test]
    fn what_is_no_json_is_named_with_its_place() {
        #[track_caller]
        fn check(text: &str, line: usize, column: usize, excerpt: &str) {
            let failure = parse_output(text.as_bytes(), &Redactor::none()).unwrap_err();
            assert_eq!(failure.code, INVALID_OUTPUT);
            assert!(failure.permanent);
            assert_eq!(failure.details["line"], line);
            assert_eq!(failure.details["column"], column);
            assert_eq!(failure.details["excerpt"], excerpt);
        }
        check("hello", 1, 1, "hello");
        check("{\"a\": 1}\n{\"b\": 2}", 2, 1, "{\"a\": 1}\n{\"b\": 2}");
        check("{\"a\":\n\n  oops}", 3, 3, "{\"a\":\n\n  oops}");
        check("[1,", 1, 3, "[1,");
        check("\u{0}", 1, 1, "\u{0}");
    }

    #[test]
    fn excerpts_are_bounded_and_nesting_is_refused() {
        let long = format!("{}!{}", " ".repeat(10_000), "x".repeat(10_000));
        let failure = parse_output(long.as_bytes(), &Redactor::none()).unwrap_err();
        assert!(failure.details["excerpt"].as_str().unwrap().len() <= 2 * EXCERPT_BYTES);
        let deep = "[".repeat(100_000);
        assert_eq!(
            parse_output(deep.as_bytes(), &Redactor::none())
                .unwrap_err()
                .code,
            INVALID_OUTPUT
        );
    }
}
