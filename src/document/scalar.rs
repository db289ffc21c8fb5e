//! Scalars: what YAML 1.2's core schema makes of a plain word, and what JSON can hold of it.
//!
//! `no`, `on`, `1_000` and `12:30` are strings here, as in YAML 1.2; they were not in 1.1.

use saphyr_parser::{ScalarStyle, Tag};
use serde_json::{Number, Value};

use crate::codes::registration;

/// Why a scalar has no value: a stable code and a message.
pub(super) type Refusal = (&'static str, String);

/// The value of a scalar.
pub(super) fn resolve(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, Refusal> {
    let Some(tag) = tag else {
        return match style {
            ScalarStyle::Plain => plain(text),
            ScalarStyle::SingleQuoted
            | ScalarStyle::DoubleQuoted
            | ScalarStyle::Literal
            | ScalarStyle::Folded => Ok(Value::from(text)),
        };
    };
    if tag.handle.is_empty() && tag.suffix == "!" {
        return Ok(Value::from(text));
    }
    let wanted: fn(&Value) -> bool = match core_suffix(tag) {
        Some("str") => return Ok(Value::from(text)),
        Some("null") => Value::is_null,
        Some("bool") => Value::is_boolean,
        Some("int") => |value| value.is_i64() || value.is_u64(),
        Some("float") => Value::is_number,
        _ => return Err(unknown_tag(tag)),
    };
    let value = plain(text)?;
    if wanted(&value) {
        return Ok(value);
    }
    let message = format!("{:?} is not of the tag {tag}", shown(text));
    Err((registration::WRONG_TYPE, message))
}

/// Refuses a tag that a list or an object cannot have.
pub(super) fn check_collection_tag(tag: Option<&Tag>, own: &str) -> Result<(), Refusal> {
    match tag {
        None => Ok(()),
        Some(tag) if core_suffix(tag) == Some(own) => Ok(()),
        Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => Ok(()),
        Some(tag) => Err(unknown_tag(tag)),
    }
}

fn core_suffix(tag: &Tag) -> Option<&str> {
    tag.is_yaml_core_schema().then_some(tag.suffix.as_str())
}

fn unknown_tag(tag: &Tag) -> Refusal {
    let message = format!("the tag {:?} has no meaning here", shown(&tag.to_string()));
    (registration::WRONG_TYPE, message)
}

fn plain(text: &str) -> Result<Value, Refusal> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    if is_not_finite(text) {
        return Err(out_of_range(text, "is no number that JSON has"));
    }
    if let Some(number) = integer(text) {
        let number = number.ok_or_else(|| {
            out_of_range(text, "is an integer beyond 64 bits: write it in quotes")
        })?;
        return Ok(Value::Number(number));
    }
    if is_float(text) {
        let number = text.parse().ok().and_then(Number::from_f64);
        let number = number
            .ok_or_else(|| out_of_range(text, "is beyond every number that JSON programs hold"))?;
        return Ok(Value::Number(number));
    }
    Ok(Value::from(text))
}

fn out_of_range(text: &str, what: &str) -> Refusal {
    (
        registration::OUT_OF_RANGE,
        format!("{:?} {what}", shown(text)),
    )
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

fn is_not_finite(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

/// The integer that a text writes: none when it writes no integer, and none inside when that
/// integer has more than 64 bits.
fn integer(text: &str) -> Option<Option<Number>> {
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let all = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
            return all.then(|| u64::from_str_radix(digits, radix).ok().map(Number::from));
        }
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = text.parse::<i64>().map(Number::from);
    Some(
        number
            .or_else(|_| text.parse::<u64>().map(Number::from))
            .ok(),
    )
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let exponent_is_good = exponent.is_none_or(|exponent| {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !unsigned.is_empty() && digits(unsigned)
    });
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let some_digit = !whole.is_empty() || !fraction.is_empty();
    exponent_is_good && some_digit && digits(whole) && digits(fraction)
}
