//! Redaction: what a schema calls sensitive is shown only to those who are cleared for it.
//!
//! A subschema with `x-classification: NAME` says so of every value that it may be about. Which
//! branches a value meets is not asked: of `anyOf`, `oneOf`, `if` and their like all count, and so does
//! every pattern of `patternProperties`, so that a value which breaks its schema shows nothing that a
//! branch of it hides. What cannot be followed hides all that it could be about.
//!
//! A value that was hidden once is hidden wherever else its text occurs in what is shown with it: in
//! variables, errors and other outputs. That is a net for copies, as that of secrets is.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{DATA_CLASSIFICATION, holds};

/// The keyword of a schema that names a classification.
pub const KEYWORD: &str = "x-classification";
/// What stands in place of a value.
pub const MASK: &str = "***";
/// Characters of a text that is looked for elsewhere: shorter ones are in everything.
const TRACED_CHARS: usize = 4;
/// Keywords whose schemas may be about the same value.
const SAME_VALUE: [&str; 7] = ["allOf", "anyOf", "oneOf", "if", "then", "else", "not"];
/// Keywords that refer to schemas about the same value.
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// What somebody with some permissions may not see, as far as it was met.
#[derive(Debug)]
pub struct Redaction<'a> {
    held: &'a [String],
    hidden: BTreeSet<String>,
}

impl<'a> Redaction<'a> {
    /// For somebody who holds these permissions.
    #[must_use]
    pub fn new(held: &'a [String]) -> Self {
        Self {
            held,
            hidden: BTreeSet::new(),
        }
    }

    /// The value without what this schema hides, which is looked for from now on.
    #[must_use]
    pub fn by_schema(&mut self, value: Value, schema: &Value) -> Value {
        if !self.hides_something(schema) {
            return value;
        }
        let mut walk = Walk {
            root: schema,
            redaction: self,
        };
        walk.value(value, vec![schema])
    }

    /// The value hidden as a whole, and looked for from now on.
    #[must_use]
    pub fn whole(&mut self, value: &Value) -> Value {
        self.note(value);
        MASK.into()
    }

    /// The value without anything that was hidden before.
    #[must_use]
    pub fn elsewhere(&self, value: Value) -> Value {
        if self.hidden.is_empty() {
            return value;
        }
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Number(number) if self.hidden.contains(&number.to_string()) => MASK.into(),
            Value::Array(values) => values.into_iter().map(|one| self.elsewhere(one)).collect(),
            Value::Object(fields) => {
                let shown = |(name, value)| (self.text(name), self.elsewhere(value));
                Value::Object(fields.into_iter().map(shown).collect())
            }
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_)) => plain,
        }
    }

    fn text(&self, text: String) -> String {
        let mut text = text;
        // The longest come first, so that none is left of which a shorter one is a part.
        let mut found: Vec<&String> = self.hidden.iter().collect();
        found.sort_by_key(|hidden| std::cmp::Reverse(hidden.len()));
        for hidden in found {
            if text.contains(hidden.as_str()) {
                text = text.replace(hidden.as_str(), MASK);
            }
        }
        text
    }

    fn note(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.trace(text.clone()),
            Value::Number(number) => self.trace(number.to_string()),
            Value::Array(values) => values.iter().for_each(|one| self.note(one)),
            Value::Object(fields) => fields.values().for_each(|one| self.note(one)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn trace(&mut self, text: String) {
        if text.chars().count() >= TRACED_CHARS {
            self.hidden.insert(text);
        }
    }

    /// Whether a schema itself hides its value. A classification that is no text is nobody's.
    fn is_hidden_by(&self, schema: &Value) -> bool {
        match schema.get(KEYWORD) {
            None => false,
            Some(Value::String(name)) => !holds(self.held, DATA_CLASSIFICATION, name),
            Some(_) => true,
        }
    }

    /// Whether a schema hides anything.
    #[must_use]
    pub fn hides_something(&self, schema: &Value) -> bool {
        self.is_hidden_by(schema)
            || match schema {
                Value::Array(values) => values.iter().any(|one| self.hides_something(one)),
                Value::Object(fields) => fields.values().any(|one| self.hides_something(one)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
            }
    }
}

/// A walk through a value, with the schemas that may be about each part of it.
struct Walk<'r, 'a, 's> {
    root: &'s Value,
    redaction: &'r mut Redaction<'a>,
}

impl<'s> Walk<'_, '_, 's> {
    fn value(&mut self, value: Value, schemas: Vec<&'s Value>) -> Value {
        let Some(schemas) = self.all_about(schemas) else {
            return self.redaction.whole(&value);
        };
        if schemas
            .iter()
            .any(|schema| self.redaction.is_hidden_by(schema))
        {
            return self.redaction.whole(&value);
        }
        match value {
            Value::Array(items) => {
                let items = items.into_iter().enumerate();
                items
                    .map(|(at, item)| self.value(item, of_item(&schemas, at)))
                    .collect()
            }
            Value::Object(fields) => {
                let field = |(name, value): (String, Value)| {
                    let shown = self.value(value, of_field(&schemas, &name));
                    (name, shown)
                };
                Value::Object(fields.into_iter().map(field).collect())
            }
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
        }
    }

    /// These schemas and all that they say may be about the same value; none when one refers to
    /// something that is not found.
    fn all_about(&self, schemas: Vec<&'s Value>) -> Option<Vec<&'s Value>> {
        let mut found: Vec<&'s Value> = Vec::new();
        let mut next = schemas;
        while let Some(schema) = next.pop() {
            if found.iter().any(|known| std::ptr::eq(*known, schema)) {
                continue;
            }
            found.push(schema);
            for keyword in SAME_VALUE {
                next.extend(several(schema.get(keyword)));
            }
            next.extend(each(schema.get("dependentSchemas")));
            next.extend(each(schema.get("dependencies")));
            for keyword in REFERENCES {
                if let Some(reference) = schema.get(keyword) {
                    next.extend(self.referred(reference.as_str()?)?);
                }
            }
        }
        Some(found)
    }

    /// What a reference may mean: by its place in the document or in a part of it with an id, by an
    /// anchor, or by an id.
    fn referred(&self, reference: &str) -> Option<Vec<&'s Value>> {
        let (id, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let resources = match id {
            "" => named(self.root, &|_| true, true),
            id => named(self.root, &|schema| has_id(schema, id), false),
        };
        let mut found = Vec::new();
        for resource in resources {
            if fragment.is_empty() {
                found.push(resource);
            } else if fragment.starts_with('/') {
                found.extend(resource.pointer(&fragment.replace("%25", "%")));
            } else {
                let is_anchor = |schema: &Value| {
                    ["$anchor", "$dynamicAnchor"]
                        .iter()
                        .any(|keyword| schema[keyword] == fragment)
                };
                found.extend(named(resource, &is_anchor, false));
            }
        }
        (!found.is_empty()).then_some(found)
    }
}

fn has_id(schema: &Value, id: &str) -> bool {
    let of = |keyword: &str| schema.get(keyword).and_then(Value::as_str);
    let ids = of("$id").into_iter().chain(of("id"));
    ids.into_iter()
        .any(|known| known == id || known.ends_with(&format!("/{id}")))
}

/// Every part of a schema that is so; of `resources` those that have an id, and the whole.
fn named<'s>(
    schema: &'s Value,
    is_so: &impl Fn(&Value) -> bool,
    resources: bool,
) -> Vec<&'s Value> {
    let mut found = Vec::new();
    let mut next = vec![schema];
    while let Some(one) = next.pop() {
        let is_resource = std::ptr::eq(one, schema) || one.get("$id").is_some();
        if one.is_object() && is_so(one) && (is_resource || !resources) {
            found.push(one);
        }
        match one {
            Value::Array(values) => next.extend(values),
            Value::Object(fields) => next.extend(fields.values()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found
}

/// The schemas of a keyword that has one or a list of them.
fn several(keyword: Option<&Value>) -> Vec<&Value> {
    match keyword {
        Some(Value::Array(schemas)) => schemas.iter().collect(),
        schema => schema.into_iter().collect(),
    }
}

/// The schemas of a keyword that has them by names.
fn each(keyword: Option<&Value>) -> impl Iterator<Item = &Value> {
    let schemas = keyword.and_then(Value::as_object);
    schemas.into_iter().flat_map(Map::values)
}

fn of_field<'s>(schemas: &[&'s Value], name: &str) -> Vec<&'s Value> {
    let mut found = Vec::new();
    for schema in schemas {
        let own = schema.get("properties").and_then(|all| all.get(name));
        found.extend(own);
        found.extend(each(schema.get("patternProperties")));
        if own.is_none() {
            found.extend(schema.get("additionalProperties"));
            found.extend(schema.get("unevaluatedProperties"));
        }
    }
    found
}

fn of_item<'s>(schemas: &[&'s Value], at: usize) -> Vec<&'s Value> {
    let mut found = Vec::new();
    for schema in schemas {
        let by_place = |keyword: &str| schema.get(keyword)?.as_array()?.get(at);
        found.extend(by_place("prefixItems").or(by_place("items")));
        found.extend(schema.get("items").filter(|items| !items.is_array()));
        for keyword in ["additionalItems", "unevaluatedItems", "contains"] {
            found.extend(schema.get(keyword));
        }
    }
    found
}

#[cfg(test)]
mod tests;
