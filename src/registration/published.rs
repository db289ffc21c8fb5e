//! The language's JSON Schema: derived from the types that are deserialized, then shaped so that
//! a violation is found at the field that has it, and so that editors complete what comes next.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::language::{SCHEDULE, TASK, WORKFLOW};
use crate::JsonObject;
use crate::schedule::ScheduleDefinition;
use crate::task::TaskDefinition;
use crate::workflow::WorkflowDefinition;

/// The JSON Schema of the language, made of its types.
pub(super) fn of_types() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    generator.subschema_for::<TaskDefinition>();
    generator.subschema_for::<WorkflowDefinition>();
    generator.subschema_for::<ScheduleDefinition>();
    let mut definitions = generator.take_definitions(true);
    definitions.values_mut().for_each(shape);
    let used = used(&definitions);
    definitions.retain(|name, _| used.contains(name));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Taskmill definition",
        "description": "A task definition, a workflow definition or a schedule: what has steps is a workflow, what has cron a schedule.",
        "type": "object",
        "if": { "required": ["cron"] },
        "then": { "$ref": format!("#/$defs/{SCHEDULE}") },
        "else": {
            "if": { "required": ["steps"] },
            "then": { "$ref": format!("#/$defs/{WORKFLOW}") },
            "else": { "$ref": format!("#/$defs/{TASK}") },
        },
        "$defs": definitions,
    })
}

/// The types that the kinds of definition are made of.
fn used(definitions: &JsonObject) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let mut open = [TASK, WORKFLOW, SCHEDULE].map(str::to_owned).to_vec();
    while let Some(name) = open.pop() {
        if let Some(definition) = definitions.get(&name)
            && used.insert(name)
        {
            references(definition, &mut open);
        }
    }
    used
}

fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            let name = reference.and_then(|text| text.strip_prefix("#/$defs/"));
            found.extend(name.map(str::to_owned));
            members.values().for_each(|value| references(value, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
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

/// Objects that differ by their `type`: all fields of all of them beside those that they share,
/// and for each type which are required and which it does not have.
fn by_type(members: &mut JsonObject) {
    let Some(Value::Array(variants)) = members.get("oneOf").cloned() else {
        return;
    };
    let types: Option<Vec<&str>> = variants.iter().map(type_of).collect();
    let Some(types) = types else {
        return;
    };
    let rules: Vec<Value> = variants
        .iter()
        .map(|variant| rule(variant, &variants))
        .collect();
    members.remove("oneOf");
    members.insert("type".to_owned(), json!("object"));
    let mut required = words(members.get("required"));
    if !types.contains(&DEFAULT_TYPE) {
        required.push("type".to_owned());
    }
    members.insert("required".to_owned(), json!(required));
    let fields = members.entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(fields) = fields {
        fields.insert("type".to_owned(), type_field(&types, &variants));
        for variant in &variants {
            for name in own_fields(variant).filter(|name| *name != "type") {
                let field = || merged(name, &variants);
                fields.entry(name).or_insert_with(field);
            }
        }
    }
    members.insert("additionalProperties".to_owned(), json!(false));
    members.insert("allOf".to_owned(), Value::Array(rules));
}

/// What a step is that does not say its type.
const DEFAULT_TYPE: &str = "TASK";

fn type_of(variant: &Value) -> Option<&str> {
    variant["properties"]["type"]["const"].as_str()
}

fn own_fields(variant: &Value) -> impl Iterator<Item = &String> {
    let fields = variant["properties"].as_object();
    fields.into_iter().flat_map(JsonObject::keys)
}

fn type_field(types: &[&str], variants: &[Value]) -> Value {
    let about: Vec<&Value> = variants.iter().map(|one| &one["description"]).collect();
    let mut field = json!({ "enum": types, "enumDescriptions": about });
    if types.contains(&DEFAULT_TYPE) {
        field["default"] = json!(DEFAULT_TYPE);
    }
    field
}

/// A field that several types have. They differ in what they say about it, and in nothing else.
fn merged(name: &str, variants: &[Value]) -> Value {
    let mut about: Vec<(Vec<&str>, &Value)> = Vec::new();
    let mut field = Value::Null;
    for variant in variants {
        let Some(own) = variant["properties"].get(name) else {
            continue;
        };
        let types = type_of(variant);
        let known = about
            .iter_mut()
            .find(|(_, text)| *text == &own["description"]);
        match known {
            Some((list, _)) => list.extend(types),
            None => about.push((Vec::from_iter(types), &own["description"])),
        }
        field = own.clone();
    }
    if about.len() > 1 {
        let said = about.iter().map(|(types, text)| {
            let text = text.as_str().unwrap_or_default();
            format!("{}: {text}", types.join(", "))
        });
        field["description"] = json!(said.collect::<Vec<_>>().join(" "));
    }
    field
}

/// What holds for one type out of several.
fn rule(variant: &Value, variants: &[Value]) -> Value {
    let own: Vec<&String> = own_fields(variant).collect();
    let all = variants.iter().flat_map(own_fields);
    let foreign: JsonObject = all
        .filter(|name| !own.contains(name))
        .map(|name| (name.clone(), Value::Bool(false)))
        .collect();
    let own_type = type_of(variant);
    let is_default = own_type == Some(DEFAULT_TYPE);
    let mut required = words(variant.get("required"));
    required.retain(|name| name != "type");
    let asked: &[&str] = if is_default { &[] } else { &["type"] };
    json!({
        "if": { "properties": { "type": { "const": own_type } }, "required": asked },
        "then": { "required": required, "properties": foreign },
    })
}

fn words(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    let words = items.filter_map(Value::as_str);
    words.map(str::to_owned).collect()
}
