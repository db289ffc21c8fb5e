//! What registration asks of the expression language, of schemas, paths and times: whether a text
//! of theirs can be read at all.

use serde_json::Value;

use crate::codes::registration;
use crate::duration;
use crate::schema::Schema;
use crate::time::Timestamp;
use crate::workflow::expression::Expression;
use crate::workflow::paths::Path;

/// The names that expressions and paths find things under. Variables may not have them.
pub(super) use crate::workflow::paths::SCOPE_NAMES as SCOPES;

/// Why an expression does not parse.
pub(super) fn expression_error(source: &str) -> Option<String> {
    Expression::parse(source)
        .err()
        .map(|error| error.to_string())
}

/// Where a schema does not compile (a pointer into it), and why.
pub(super) fn schema_error(schema: &Value) -> Option<(String, String)> {
    let error = Schema::compile(schema).err()?;
    Some((error.pointer, error.message))
}

/// Why a text is no path.
pub(super) fn path_error(path: &str) -> Option<String> {
    Path::parse(path).err().map(|error| error.to_string())
}

/// The first key of a path.
pub(super) fn path_head(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

/// What a text of a WAIT is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// A duration or a time.
    Literal,
    /// One that cannot be read: the problem's code, and why.
    Broken(&'static str, String),
    /// Neither: an expression.
    Expression,
}

/// What a `duration` is. One in small letters means to be one, and can be no expression that
/// ever gives anything.
pub(super) fn duration(text: &str) -> Written {
    if !duration::looks_like_one(text) && !duration::looks_like_one(&text.to_uppercase()) {
        return Written::Expression;
    }
    match duration::millis(text) {
        Ok(_) => Written::Literal,
        Err(error @ duration::Error::TooLong) => {
            Written::Broken(registration::OUT_OF_RANGE, error.to_string())
        }
        Err(error @ (duration::Error::Form | duration::Error::NotFixed)) => {
            Written::Broken(registration::BAD_TIME, error.to_string())
        }
    }
}

/// What an `until` is: what begins with a year and a month means to be a time, which has a T.
pub(super) fn time(text: &str) -> Written {
    let digits = |range: std::ops::Range<usize>| {
        let part = text.get(range);
        part.is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if !(digits(0..4) && text.get(4..5) == Some("-") && digits(5..7)) {
        return Written::Expression;
    }
    let why = match text.parse::<Timestamp>() {
        Ok(_) if text.get(10..11) == Some("T") => return Written::Literal,
        Ok(_) => "there is no T between date and time".to_owned(),
        Err(error) => error.to_string(),
    };
    let message =
        format!("{text:?} is no time as RFC 3339 has it, like 2026-11-21T21:20:00Z: {why}");
    Written::Broken(registration::BAD_TIME, message)
}
