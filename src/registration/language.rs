//! The language's JSON Schema: derived from the types that are deserialized, then shaped so that
//! a violation is found at the field that has it, and so that editors complete what comes next.
//!
//! What a violation is called is decided in [`super::violations`].

use std::sync::LazyLock;

use jsonschema::Validator;
use schemars::generate::SchemaSettings;
use semver::{Version, VersionReq};
use serde_json::{Value, json};

use crate::JsonObject;
use crate::task::TaskDefinition;
use crate::task::definition::{ByteSize, Cpu, format};
use crate::time::Timestamp;
use crate::workflow::WorkflowDefinition;

/// The language: its schema, and a validator for each kind of definition.
pub(super) struct Language {
    /// The schema that is published.
    pub schema: Value,
    /// Checks task definitions.
    pub task: Validator,
    /// Checks workflow definitions.
    pub workflow: Validator,
}

/// The language, compiled once.
pub(super) static LANGUAGE: LazyLock<Language> = LazyLock::new(|| {
    let schema = published();
    Language {
        task: validator(&schema, TASK),
        workflow: validator(&schema, WORKFLOW),
        schema,
    }
});

const TASK: &str = "TaskDefinition";
const WORKFLOW: &str = "WorkflowDefinition";

/// Why a text is not of one of the language's own formats.
pub(super) fn format_error(name: &str, text: &str) -> Option<String> {
    match name {
        format::VERSION => text.parse::<Version>().err().map(|e| e.to_string()),
        format::VERSION_RANGE => text.parse::<VersionReq>().err().map(|e| e.to_string()),
        format::CPU => Cpu::try_from(text.to_owned()).err().map(|e| e.to_string()),
        format::BYTES => ByteSize::try_from(text.to_owned())
            .err()
            .map(|e| e.to_string()),
        format::TIME => text.parse::<Timestamp>().err().map(|e| e.to_string()),
        _ => None,
    }
}

const FORMATS: [&str; 5] = [
    format::VERSION,
    format::VERSION_RANGE,
    format::CPU,
    format::BYTES,
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
        .expect("the schema is made of the types alone, and a test compiles it")
}

fn published() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    generator.subschema_for::<TaskDefinition>();
    generator.subschema_for::<WorkflowDefinition>();
    let mut definitions = Value::Object(generator.take_definitions(true));
    shape(&mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Taskmill definition",
        "description": "A task definition or a workflow definition: what has steps is a workflow.",
        "type": "object",
        "if": { "required": ["steps"] },
        "then": { "$ref": format!("#/$defs/{WORKFLOW}") },
        "else": { "$ref": format!("#/$defs/{TASK}") },
        "$defs": definitions,
    })
}

/// Shapes a schema and all in it.
fn shape(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(shape),
        Value::Object(members) => {
            members.values_mut().for_each(shape);
            without_null(members);
            as_enum(members);
            by_type(members);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// An optional field is left out, not null: a YAML field with nothing after it is a slip.
fn without_null(members: &mut JsonObject) {
    let null = json!("null");
    if let Some(Value::Array(types)) = members.get_mut("type") {
        types.retain(|name| *name != null);
        if let [only] = types.as_slice() {
            let only = only.clone();
            members.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = members.get("anyOf")
        && let [Value::Object(choice), other] = choices.as_slice()
        && other["type"] == null
    {
        let choice = choice.clone();
        members.remove("anyOf");
        members.extend(choice);
    }
}

/// Words to choose from as one `enum`: of a `oneOf` a validator can only say that nothing matched.
fn as_enum(members: &mut JsonObject) {
    let Some(Value::Array(choices)) = members.get("oneOf") else {
        return;
    };
    let words: Option<Vec<Value>> = choices
        .iter()
        .map(|one| one.get("const").cloned())
        .collect();
    let Some(words) = words else {
        return;
    };
    let about: Vec<Value> = choices
        .iter()
        .map(|one| one["description"].clone())
        .collect();
    members.remove("oneOf");
    members.insert("enum".to_owned(), Value::Array(words));
    members.insert("enumDescriptions".to_owned(), Value::Array(about));
}

/// Objects that differ by their `type`: all fields of all of them, and for each type which are
/// required and which it does not have.
fn by_type(members: &mut JsonObject) {
    let Some(Value::Array(variants)) = members.get("oneOf").cloned() else {
        return;
    };
    let types: Vec<Value> = variants
        .iter()
        .map(|variant| variant["properties"]["type"]["const"].clone())
        .collect();
    if types.iter().any(Value::is_null) {
        return;
    }
    let about: Vec<Value> = variants
        .iter()
        .map(|one| one["description"].clone())
        .collect();
    let mut fields = JsonObject::new();
    fields.insert(
        "type".to_owned(),
        json!({ "enum": types, "enumDescriptions": about }),
    );
    for (name, field) in variants
        .iter()
        .flat_map(|one| one["properties"].as_object())
        .flatten()
    {
        fields.entry(name).or_insert_with(|| field.clone());
    }
    let rules: Vec<Value> = variants
        .iter()
        .map(|variant| rule(variant, &fields))
        .collect();
    members.remove("oneOf");
    members.insert("type".to_owned(), json!("object"));
    members.insert("required".to_owned(), json!(["type"]));
    members.insert("properties".to_owned(), Value::Object(fields));
    members.insert("additionalProperties".to_owned(), json!(false));
    members.insert("allOf".to_owned(), Value::Array(rules));
}

/// What holds for one type out of several.
fn rule(variant: &Value, fields: &JsonObject) -> Value {
    let own = variant["properties"].as_object();
    let foreign: JsonObject = fields
        .keys()
        .filter(|name| !own.is_some_and(|own| own.contains_key(*name)))
        .map(|name| (name.clone(), Value::Bool(false)))
        .collect();
    json!({
        "if": {
            "properties": { "type": { "const": variant["properties"]["type"]["const"] } },
            "required": ["type"],
        },
        "then": { "required": variant["required"], "properties": foreign },
    })
}
