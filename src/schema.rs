//! JSON Schema: whether a value meets one, and every way in which it does not.
//!
//! Draft 2020-12 where a schema names no other. `format` is asserted for the formats that the
//! draft defines; others are ignored. References stay inside the document (`#…`, or an `$id` in
//! it): nothing is fetched. Patterns are linear-time regular expressions of bounded size, without
//! look-around and back-references, because schemas and values come from strangers.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

/// Violations that are listed; more are not told.
pub const VIOLATIONS_LISTED: usize = 50;
/// Characters of a message.
pub const MESSAGE_CHARS: usize = 300;
/// Bytes of one compiled pattern.
const PATTERN_BYTES: usize = 256 * 1024;
/// Values of an instance times values of its schema up to which all violations are collected:
/// they are made before they are counted, so a large value of small mistakes would fill memory.
const COLLECTED: usize = 1_000_000;

/// A compiled schema. It may be shared between threads.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
    /// How many values it consists of.
    size: usize,
}

/// Why a schema cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadSchema {
    /// JSON pointer of the place in the schema.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

/// One way in which a value breaks a schema.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Violation {
    /// JSON pointer of the value.
    pub pointer: String,
    /// JSON pointer of the keyword, from the root of the schema resource that has it.
    pub schema_pointer: String,
    /// What is wrong; the value itself is not in it.
    pub message: String,
}

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    ///
    /// It is no valid schema, refers to something outside of itself, or has a pattern that is
    /// not supported.
    pub fn compile(schema: &Value) -> Result<Self, BadSchema> {
        let patterns = PatternOptions::regex()
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES);
        let validator = jsonschema::options()
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(patterns)
            .build(schema)
            .map_err(|error| bad_schema(schema, &error))?;
        Ok(Self {
            validator,
            size: size(schema, usize::MAX),
        })
    }

    /// Whether a value meets the schema.
    #[must_use]
    pub fn is_met_by(&self, value: &Value) -> bool {
        self.validator.is_valid(value)
    }

    /// Every way in which a value breaks the schema, at most [`VIOLATIONS_LISTED`]; of a very
    /// large value the first alone.
    #[must_use]
    pub fn violations(&self, value: &Value) -> Vec<Violation> {
        if self.validator.is_valid(value) {
            return Vec::new();
        }
        let most = COLLECTED / self.size.max(1);
        if size(value, most) >= most {
            let first = self.validator.validate(value).err();
            return first.iter().map(violation).collect();
        }
        let errors = self.validator.iter_errors(value);
        errors
            .take(VIOLATIONS_LISTED)
            .map(|error| violation(&error))
            .collect()
    }
}

/// The schema of a schema, for the published description of the workflow language.
pub fn any_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": ["object", "boolean"],
        "description": "A JSON Schema, draft 2020-12."
    })
}

fn violation(error: &ValidationError<'_>) -> Violation {
    Violation {
        pointer: cut(error.instance_path().to_string()),
        schema_pointer: cut(error.schema_path().to_string()),
        message: message(error),
    }
}

/// The message without the value, which may be megabytes or a secret.
fn message(error: &ValidationError<'_>) -> String {
    cut(match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let named: Vec<_> = unexpected.iter().take(5).map(|name| named(name)).collect();
            let more = match unexpected.len().saturating_sub(named.len()) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!(
                "properties that are not allowed: {}{more}",
                named.join(", ")
            )
        }
        _ => error.masked().to_string(),
    })
}

fn named(name: &str) -> String {
    let shown: String = name.chars().take(50).collect();
    format!("\"{shown}\"")
}

fn bad_schema(schema: &Value, error: &ValidationError<'_>) -> BadSchema {
    let (pointer, message) = match error.kind() {
        ValidationErrorKind::Referencing(_) => (
            reference_in(schema, &error.to_string()).unwrap_or_default(),
            format!("the reference does not lead to a place in this schema: {error}"),
        ),
        ValidationErrorKind::Format { format } if format == "regex" => (
            error.instance_path().to_string(),
            "not a supported regular expression (linear-time ones of bounded size, without \
             look-around and back-references)"
                .to_owned(),
        ),
        _ => (error.instance_path().to_string(), message(error)),
    };
    BadSchema {
        pointer,
        message: cut(message),
    }
}

/// Where the reference stands that a message speaks of.
fn reference_in(schema: &Value, message: &str) -> Option<String> {
    let mut left = vec![(String::new(), schema)];
    let mut found: Option<(usize, String)> = None;
    while let Some((pointer, value)) = left.pop() {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    let pointer =
                        format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                    if let (true, Some(to)) = (key.ends_with("ef"), value.as_str()) {
                        let told = to.trim_start_matches('#');
                        let better = found.as_ref().is_none_or(|(len, _)| told.len() > *len);
                        if better && message.contains(told) {
                            found = Some((told.len(), pointer.clone()));
                        }
                    }
                    left.push((pointer, value));
                }
            }
            Value::Array(items) => left.extend(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| (format!("{pointer}/{index}"), item)),
            ),
            _ => {}
        }
    }
    found.map(|(_, pointer)| pointer)
}

/// How many values a value consists of, counted as far as `most`.
fn size(value: &Value, most: usize) -> usize {
    let mut count = 0;
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        count += 1;
        if count >= most {
            break;
        }
        match value {
            Value::Array(items) => {
                if count + left.len() + items.len() >= most {
                    return most;
                }
                left.extend(items);
            }
            Value::Object(fields) => {
                if count + left.len() + fields.len() >= most {
                    return most;
                }
                left.extend(fields.values());
            }
            _ => {}
        }
    }
    count
}

fn cut(text: String) -> String {
    match text.char_indices().nth(MESSAGE_CHARS) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compiled(schema: Value) -> Schema {
        Schema::compile(&schema).unwrap()
    }

    #[test]
    fn every_violation_is_told_with_its_place() {
        let schema = compiled(json!({
            "type": "object",
            "required": ["id", "name"],
            "properties": {"id": {}, "lines": {"items": {"properties": {"qty": {"type": "integer", "minimum": 1}}}}},
            "additionalProperties": false
        }));
        let value = json!({"id": 1, "lines": [{"qty": 0}, {"qty": "x"}], "a/b": 1});
        let mut told: Vec<_> = schema
            .violations(&value)
            .into_iter()
            .map(|violation| {
                (
                    violation.pointer,
                    violation.schema_pointer,
                    violation.message,
                )
            })
            .collect();
        told.sort();
        let expected = [
            (
                "",
                "/additionalProperties",
                "properties that are not allowed: \"a/b\"",
            ),
            ("", "/required", "\"name\" is a required property"),
            (
                "/lines/0/qty",
                "/properties/lines/items/properties/qty/minimum",
                "value is less than the minimum of 1",
            ),
            (
                "/lines/1/qty",
                "/properties/lines/items/properties/qty/type",
                "value is not of type \"integer\"",
            ),
        ];
        let told: Vec<_> = told
            .iter()
            .map(|(one, two, three)| (one.as_str(), two.as_str(), three.as_str()))
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn a_bad_schema_is_refused_with_its_place() {
        let check = |schema: Value, pointer: &str, part: &str| {
            let error = Schema::compile(&schema).unwrap_err();
            assert_eq!(error.pointer, pointer, "{schema}");
            assert!(error.message.contains(part), "{schema}: {}", error.message);
        };
        check(json!(1), "", "not of types");
        check(
            json!({"properties": {"a": {"type": "strin"}}}),
            "/properties/a/type",
            "value",
        );
        check(
            json!({"items": {"minimum": "1"}}),
            "/items/minimum",
            "number",
        );
        check(json!({"pattern": "("}), "/pattern", "regular expression");
        check(json!({"pattern": "(?=a)"}), "/pattern", "look-around");
        check(
            json!({"pattern": "(a{1000}){1000}"}),
            "/pattern",
            "bounded size",
        );
        let outside = "does not lead to a place";
        check(
            json!({"items": {"$ref": "http://x/y"}}),
            "/items/$ref",
            outside,
        );
        check(
            json!({"items": {"$ref": "file:///etc/passwd"}}),
            "/items/$ref",
            outside,
        );
        check(
            json!({"allOf": [true, {"$ref": "other.json"}]}),
            "/allOf/1/$ref",
            outside,
        );
        check(json!({"$ref": "#/$defs/none"}), "/$ref", outside);
        let unknown = Schema::compile(&json!({"$schema": "http://x/schema"}));
        assert!(unknown.is_err());
    }

    #[test]
    fn references_inside_the_document_hold() {
        let by_pointer =
            json!({"$defs": {"n": {"type": "number"}}, "items": {"$ref": "#/$defs/n"}});
        let by_id = json!({
            "$id": "https://example.com/a",
            "$defs": {"n": {"$id": "n", "type": "number"}},
            "items": {"$ref": "n"}
        });
        let by_anchor =
            json!({"$defs": {"n": {"$anchor": "n", "type": "number"}}, "items": {"$ref": "#n"}});
        for schema in [by_pointer, by_id, by_anchor] {
            let schema = compiled(schema);
            assert!(schema.is_met_by(&json!([1, 2])));
            assert!(!schema.is_met_by(&json!(["a"])));
        }
    }

    #[test]
    fn known_formats_are_asserted_and_others_are_not() {
        let check = |format: &str, value: &str, expected: bool| {
            let schema = compiled(json!({"format": format}));
            assert_eq!(
                schema.is_met_by(&json!(value)),
                expected,
                "{format} {value}"
            );
        };
        check("date-time", "2026-11-21T21:20:00Z", true);
        check("date-time", "yesterday", false);
        check("email", "ann@example.com", true);
        check("email", "ann", false);
        check("uuid", "no", false);
        check("of-our-own", "anything", true);
    }

    #[test]
    fn a_pattern_takes_linear_time() {
        let schema = compiled(json!({"pattern": "^(a+)+$"}));
        let value = json!(format!("{}!", "a".repeat(100_000)));
        assert_eq!(schema.violations(&value).len(), 1);
    }

    #[test]
    fn messages_do_not_grow_with_the_value() {
        let schema = compiled(json!({"type": "object", "additionalProperties": false}));
        let huge = "x".repeat(1_000_000);
        let fields: Value = (0..200).map(|n| (format!("{huge}{n}"), json!(1))).collect();
        for value in [json!(huge), fields] {
            for violation in schema.violations(&value) {
                let chars = violation.message.chars().count();
                assert!(chars <= MESSAGE_CHARS + 1, "{chars}");
            }
        }
    }

    #[test]
    fn many_violations_are_cut_and_a_huge_value_tells_the_first() {
        let schema = compiled(json!({"items": {"type": "string"}}));
        let of = |len| schema.violations(&Value::Array(vec![json!(1); len])).len();
        assert_eq!(of(10), 10);
        assert_eq!(of(10_000), VIOLATIONS_LISTED);
        assert_eq!(of(1_000_000), 1);
    }

    #[test]
    fn circles_of_references_end() {
        for schema in [
            json!({"$ref": "#"}),
            json!({"allOf": [{"$ref": "#"}]}),
            json!({"not": {"$ref": "#"}}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
        ] {
            let _ = compiled(schema).violations(&json!(1));
        }
        let tree = compiled(json!({"properties": {"next": {"$ref": "#"}}, "type": "object"}));
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!({"next": deep});
        }
        assert_eq!(tree.violations(&deep).len(), 1);
    }

    #[test]
    fn schemas_are_shared_between_threads() {
        fn shared<T: Send + Sync>(_: &T) {}
        shared(&compiled(json!(true)));
    }
}
