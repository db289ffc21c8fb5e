//! Violations of the language's schema as problems: which code, which place, which nearest name.

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::language::{self, LANGUAGE};
use crate::codes::registration;
use crate::problem::{Problem, member, nearest};

/// All violations of a document.
pub(super) fn find(validator: &Validator, document: &Value) -> Vec<Problem> {
    validator
        .iter_errors(document)
        .flat_map(|error| problems(&error))
        .collect()
}

fn problems(error: &ValidationError<'_>) -> Vec<Problem> {
    match error.kind() {
        Kind::AdditionalProperties { unexpected } => {
            unexpected.iter().map(|name| unknown(error, name)).collect()
        }
        _ => vec![problem(error)],
    }
}

fn problem(error: &ValidationError<'_>) -> Problem {
    if let Kind::Enum { options } = error.kind() {
        return choice(error, options);
    }
    let code = code(error);
    let message = if code == registration::EMPTY {
        "it must not be empty".to_owned()
    } else {
        message(error)
    };
    Problem::new(code, error.instance_path().as_str(), message)
}

fn code(error: &ValidationError<'_>) -> &'static str {
    let is_empty = error.instance().as_str() == Some("");
    match error.kind() {
        Kind::Required { .. } => registration::MISSING_FIELD,
        Kind::FalseSchema => registration::UNKNOWN_FIELD,
        Kind::Minimum { .. } | Kind::Maximum { .. } => registration::OUT_OF_RANGE,
        Kind::MinLength { .. } | Kind::MinItems { .. } | Kind::MinProperties { .. } => {
            registration::EMPTY
        }
        Kind::MaxLength { .. } | Kind::MaxItems { .. } | Kind::MaxProperties { .. } => {
            registration::TOO_LARGE
        }
        // An empty text has only that wrong with it.
        Kind::Pattern { .. } | Kind::Format { .. } if is_empty => registration::EMPTY,
        Kind::Format { format } if format == crate::task::definition::format::TIME => {
            registration::BAD_TIME
        }
        _ => registration::WRONG_TYPE,
    }
}

fn message(error: &ValidationError<'_>) -> String {
    let value = error.instance().as_ref();
    match error.kind() {
        Kind::Required { property } => format!("the field {property} is missing"),
        Kind::FalseSchema => foreign(error),
        Kind::Type { .. } => {
            format!(
                "expected {}, found {}",
                expected_type(error),
                type_of(value)
            )
        }
        Kind::Minimum { limit } => {
            format!("{value} is less than {limit}, the least that is allowed")
        }
        Kind::Maximum { limit } => {
            format!("{value} is more than {limit}, the most that is allowed")
        }
        Kind::MaxLength { limit } | Kind::MaxItems { limit } | Kind::MaxProperties { limit } => {
            format!("it is longer than {limit}, the most that is allowed")
        }
        Kind::Pattern { pattern } => format!("{} does not match {pattern}", shown(value)),
        Kind::Format { format } => {
            let text = value.as_str().unwrap_or_default();
            let why = language::format_error(format, text).unwrap_or_default();
            format!("{} is no {format}: {why}", shown(value))
        }
        _ => error.masked_with(shown(value)).to_string(),
    }
}

/// A field that the language does not have there.
fn unknown(error: &ValidationError<'_>, name: &str) -> Problem {
    let pointer = member(error.instance_path().as_str(), name);
    let place = error.schema_path().as_str();
    let object = place
        .strip_suffix("/additionalProperties")
        .and_then(|object| LANGUAGE.schema.pointer(object));
    let known: Vec<&str> = object.map(field_names).unwrap_or_default();
    let rule = object.and_then(|object| rule_for(object, error.instance().as_ref()));
    let own = known
        .iter()
        .copied()
        .filter(|field| rule.is_none_or(|rule| has(rule, field)));
    let meant = nearest(name, own).or_else(|| nearest(name, known.iter().copied()));
    let message = format!("there is no field {:?} here", shortened(name));
    Problem::new(registration::UNKNOWN_FIELD, pointer, message)
        .with_nearest(meant.map(str::to_owned))
}

fn field_names(object: &Value) -> Vec<&str> {
    let fields = object["properties"].as_object();
    let names = fields.into_iter().flat_map(|fields| fields.keys());
    names.map(String::as_str).collect()
}

/// What holds for the type that an object says it is.
fn rule_for<'a>(object: &'a Value, instance: &Value) -> Option<&'a Value> {
    let default = &object["properties"]["type"]["default"];
    let own_type = instance.get("type").unwrap_or(default);
    let mut rules = object["allOf"].as_array()?.iter();
    rules.find(|rule| type_of_rule(rule) == own_type)
}

fn type_of_rule(rule: &Value) -> &Value {
    &rule["if"]["properties"]["type"]["const"]
}

fn has(rule: &Value, field: &str) -> bool {
    rule["then"]["properties"].get(field).is_none()
}

/// Of a field that goes with other types: with which.
fn foreign(error: &ValidationError<'_>) -> String {
    let place = error.schema_path().as_str();
    let parts = place
        .split_once("/allOf/")
        .zip(place.rsplit_once("/then/properties/"));
    let ((object, _), (rule, field)) = match parts {
        Some(parts) => parts,
        None => return "the field is not allowed here".to_owned(),
    };
    let at = |pointer: &str| LANGUAGE.schema.pointer(pointer).unwrap_or(&Value::Null);
    let own_type = type_of_rule(at(rule)).as_str().unwrap_or_default();
    let rules = at(object)["allOf"].as_array().into_iter().flatten();
    let types: Vec<&str> = rules
        .filter(|rule| has(rule, field))
        .filter_map(|rule| type_of_rule(rule).as_str())
        .collect();
    format!(
        "the field goes with type {}, this is of type {own_type}",
        types.join(" or ")
    )
}

/// A value that is none of those to choose from.
fn choice(error: &ValidationError<'_>, options: &Value) -> Problem {
    let pointer = error.instance_path().as_str();
    let value = error.instance().as_ref();
    let Some(word) = value.as_str() else {
        let message = format!("expected one of {options}, found {}", type_of(value));
        return Problem::new(registration::WRONG_TYPE, pointer, message);
    };
    let known = options
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let message = format!("{} is none of {options}", shown(value));
    Problem::new(registration::WRONG_TYPE, pointer, message)
        .with_nearest(nearest(word, known).map(str::to_owned))
}

fn expected_type(error: &ValidationError<'_>) -> String {
    let wanted = LANGUAGE.schema.pointer(error.schema_path().as_str());
    match wanted {
        Some(Value::Array(types)) => {
            let names: Vec<&str> = types.iter().filter_map(Value::as_str).collect();
            names.join(" or ")
        }
        Some(Value::String(name)) => name.clone(),
        _ => "another type".to_owned(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The value as it is written, its beginning alone when it is long.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{:?}", shortened(text)),
        other => shortened(&other.to_string()),
    }
}

fn shortened(text: &str) -> String {
    const CHARS: usize = 80;
    match text.char_indices().nth(CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
