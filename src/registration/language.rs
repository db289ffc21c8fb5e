//! What definitions are checked by: the language's JSON Schema as it is kept, and its own formats.
//!
//! A test holds what is kept against what [`super::published`] makes of the types, so that who
//! registers needs nothing that makes it. What a violation is called is decided in
//! [`super::violations`].

use std::sync::LazyLock;

use jsonschema::Validator;
use semver::{Version, VersionReq};
use serde_json::{Value, json};

use crate::task::definition::{ByteSize, Cpu, format};
use crate::task::rate::Period;
use crate::time::Timestamp;

const KEPT: &str = include_str!("../../docs/definition.schema.json");

/// The language: its schema, and a validator for each kind of definition.
pub(super) struct Language {
    /// The schema that is published.
    pub schema: Value,
    /// Checks task definitions.
    pub task: Validator,
    /// Checks workflow definitions.
    pub workflow: Validator,
    /// Checks schedules.
    pub schedule: Validator,
}

/// The language, compiled once.
pub(super) static LANGUAGE: LazyLock<Language> = LazyLock::new(|| {
    let schema = serde_json::from_str(KEPT).expect("a test reads it");
    Language {
        task: validator(&schema, TASK),
        workflow: validator(&schema, WORKFLOW),
        schedule: validator(&schema, SCHEDULE),
        schema,
    }
});

pub(super) const TASK: &str = "TaskDefinition";
pub(super) const WORKFLOW: &str = "WorkflowDefinition";
pub(super) const SCHEDULE: &str = "ScheduleDefinition";

/// Why a text is not of one of the language's own formats.
pub(super) fn format_error(name: &str, text: &str) -> Option<String> {
    match name {
        format::VERSION => text.parse::<Version>().err().map(|e| e.to_string()),
        format::VERSION_RANGE => text.parse::<VersionReq>().err().map(|e| e.to_string()),
        format::CPU => Cpu::try_from(text.to_owned()).err().map(|e| e.to_string()),
        format::BYTES => ByteSize::try_from(text.to_owned())
            .err()
            .map(|e| e.to_string()),
        format::PERIOD => Period::try_from(text.to_owned())
            .err()
            .map(|e| e.to_string()),
        format::TIME => text.parse::<Timestamp>().err().map(|e| e.to_string()),
        _ => None,
    }
}

const FORMATS: [&str; 6] = [
    format::VERSION,
    format::VERSION_RANGE,
    format::CPU,
    format::BYTES,
    format::PERIOD,
    format::TIME,
];

fn validator(schema: &Value, kind: &str) -> Validator {
    let root = json!({ "$ref": format!("#/$defs/{kind}"), "$defs": schema["$defs"] });
    let mut options = jsonschema::draft202012::options().should_validate_formats(true);
    for name in FORMATS {
        options = options.with_format(name, move |text: &str| format_error(name, text).is_none());
    }
    options
        .build(&root)
        .expect("it is a schema, as a test finds")
}
