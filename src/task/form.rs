//! The form that a person fills in: what the output of a task must be, and how to ask for it.
//!
//! `schema` is the definition's `outputSchema` as it stands, which the answer is checked with.
//! `uiSchema` has hints for whoever draws the form, in the words of react-jsonschema-form, which
//! other libraries read as well: for each property a `ui:title` and a `ui:widget`, for an object
//! the `ui:order` of its properties as the schema has them. The fields of an `x-ui` object in the
//! schema go over what is found here. Nothing is invented for what no widget is known for.

use serde_json::{Value, json};

use crate::JsonObject;

/// Objects and arrays around a property of which hints are given: a schema may refer to itself.
const DEPTH: usize = 8;
/// Characters of a text that fit a line.
const LINE_CHARS: u64 = 200;
/// Choices that are shown all at once.
const CHOICES_SHOWN: usize = 4;
/// Steps of a number that are easier shown than typed.
const RANGE_STEPS: f64 = 100.0;

/// The form of a task with this output schema.
#[must_use]
pub fn of(schema: &Value) -> Value {
    let ui = hints(schema, schema, DEPTH);
    json!({ "schema": schema, "uiSchema": ui })
}

/// The hints for one schema, and for what is in it.
fn hints(root: &Value, schema: &Value, depth: usize) -> JsonObject {
    let schema = resolved(root, schema);
    let mut ui = JsonObject::new();
    if let Some(widget) = widget(schema) {
        ui.insert("ui:widget".to_owned(), widget.into());
    }
    if let Some(depth) = depth.checked_sub(1) {
        ui.extend(properties(root, schema, depth));
        ui.extend(items(root, schema, depth));
    }
    let own = schema["x-ui"].as_object().into_iter().flatten();
    ui.extend(own.map(|(name, value)| (format!("ui:{name}"), value.clone())));
    ui
}

/// The hints of an object's properties, in their order.
fn properties(root: &Value, schema: &Value, depth: usize) -> JsonObject {
    let mut ui = JsonObject::new();
    let Some(properties) = schema["properties"].as_object() else {
        return ui;
    };
    let order: Vec<&str> = properties.keys().map(String::as_str).collect();
    ui.insert("ui:order".to_owned(), order.into());
    for (name, property) in properties {
        let mut inner = JsonObject::new();
        if resolved(root, property)["title"].is_null() {
            inner.insert("ui:title".to_owned(), title(name).into());
        }
        inner.extend(hints(root, property, depth));
        ui.insert(name.clone(), inner.into());
    }
    ui
}

/// The hints of an array's items.
fn items(root: &Value, schema: &Value, depth: usize) -> JsonObject {
    let items = Some(&schema["items"]).filter(|items| items.is_object());
    let inner = items.map(|items| hints(root, items, depth));
    let inner = inner.filter(|inner| !inner.is_empty());
    let inner = inner.map(|inner| ("items".to_owned(), inner.into()));
    JsonObject::from_iter(inner)
}

/// What a reference inside the schema stands for; whatever else it is, it stands for itself.
fn resolved<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let pointer = schema["$ref"].as_str().and_then(|to| to.strip_prefix('#'));
    let found = pointer.and_then(|pointer| root.pointer(pointer));
    found.unwrap_or(schema)
}

fn widget(schema: &Value) -> Option<&'static str> {
    if let Some(choices) = schema["enum"].as_array() {
        let few = choices.len() <= CHOICES_SHOWN;
        return Some(if few { "radio" } else { "select" });
    }
    match schema["type"].as_str()? {
        "boolean" => Some("checkbox"),
        "integer" | "number" => Some(of_number(schema)),
        "string" => Some(of_text(schema)),
        "array" => of_array(schema),
        _ => None,
    }
}

fn of_number(schema: &Value) -> &'static str {
    let bound = |name: &str| schema[name].as_f64();
    let step = bound("multipleOf").unwrap_or(1.0);
    match (bound("minimum"), bound("maximum")) {
        (Some(low), Some(high)) if high - low <= RANGE_STEPS * step => "range",
        _ => "updown",
    }
}

fn of_text(schema: &Value) -> &'static str {
    if !schema["contentEncoding"].is_null() {
        return "file";
    }
    match schema["format"].as_str() {
        Some("date") => "date",
        Some("date-time") => "date-time",
        Some("time") => "time",
        Some("email" | "idn-email") => "email",
        Some("uri" | "iri") => "uri",
        _ if schema["maxLength"].as_u64() > Some(LINE_CHARS) => "textarea",
        _ => "text",
    }
}

/// Several of a few things are ticked.
fn of_array(schema: &Value) -> Option<&'static str> {
    let are_distinct = schema["uniqueItems"] == true;
    let are_choices = schema["items"]["enum"].is_array();
    (are_distinct && are_choices).then_some("checkboxes")
}

/// A property's name as people write it: `reasonCode` and `reason_code` are "Reason code".
fn title(name: &str) -> String {
    let mut title = String::new();
    let mut after_lower = false;
    for letter in name.chars() {
        let is_gap = matches!(letter, '_' | '-' | ' ' | '.');
        let begins_word = letter.is_uppercase() && after_lower;
        if (is_gap || begins_word) && !title.is_empty() && !title.ends_with(' ') {
            title.push(' ');
        }
        if title.is_empty() {
            title.extend(letter.to_uppercase().filter(|_| !is_gap));
        } else if begins_word {
            title.extend(letter.to_lowercase());
        } else if !is_gap {
            title.push(letter);
        }
        after_lower = letter.is_lowercase() || letter.is_numeric();
    }
    title.truncate(title.trim_end().len());
    title
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: Value, expected: Value) {
        let form = of(&schema);
        assert_eq!(form["schema"], schema, "what is checked is what is shown");
        assert_eq!(form["uiSchema"], expected, "{schema}");
    }

    fn check_widget(schema: Value, expected: &str) {
        check(schema, json!({ "ui:widget": expected }));
    }

    #[test]
    fn a_widget_follows_from_type_format_choices_and_bounds() {
        check_widget(json!({ "type": "boolean" }), "checkbox");
        check_widget(json!({ "type": "string" }), "text");
        check_widget(json!({ "type": "string", "maxLength": 200 }), "text");
        check_widget(json!({ "type": "string", "maxLength": 201 }), "textarea");
        check_widget(
            json!({ "type": "string", "contentEncoding": "base64" }),
            "file",
        );
        for (format, widget) in [
            ("date", "date"),
            ("date-time", "date-time"),
            ("time", "time"),
            ("email", "email"),
            ("uri", "uri"),
            ("uuid", "text"),
        ] {
            check_widget(json!({ "type": "string", "format": format }), widget);
        }
        check_widget(json!({ "type": "number" }), "updown");
        check_widget(
            json!({ "type": "integer", "minimum": 1, "maximum": 5 }),
            "range",
        );
        check_widget(
            json!({ "type": "integer", "minimum": 0, "maximum": 101 }),
            "updown",
        );
        check_widget(json!({ "enum": ["a", "b", "c", "d"] }), "radio");
        check_widget(
            json!({ "type": "string", "enum": [1, 2, 3, 4, 5] }),
            "select",
        );
        let ticked = json!({ "type": "array", "uniqueItems": true, "items": { "enum": ["a"] } });
        let of_items = json!({ "ui:widget": "radio" });
        check(
            ticked,
            json!({ "ui:widget": "checkboxes", "items": of_items }),
        );
    }

    #[test]
    fn what_no_widget_is_known_for_has_none() {
        for schema in [
            json!(true),
            json!({}),
            json!({ "type": ["string", "null"] }),
            json!({ "type": "object" }),
            json!({ "type": "array" }),
            json!({ "$ref": "https://example.org/schema" }),
        ] {
            check(schema, json!({}));
        }
    }

    #[test]
    fn properties_keep_their_order_have_titles_and_what_the_schema_says_goes_first() {
        check(
            json!({
                "type": "object",
                "required": ["approved"],
                "properties": {
                    "reasonCode": { "type": "string", "x-ui": { "widget": "textarea", "rows": 3 } },
                    "approved": { "type": "boolean", "title": "Do you agree?" },
                    "ship_to": {
                        "type": "object",
                        "properties": { "zip": { "$ref": "#/$defs/zip" } },
                    },
                },
                "$defs": { "zip": { "type": "string", "title": "ZIP" } },
            }),
            json!({
                "ui:order": ["reasonCode", "approved", "ship_to"],
                "reasonCode": { "ui:title": "Reason code", "ui:widget": "textarea", "ui:rows": 3 },
                "approved": { "ui:widget": "checkbox" },
                "ship_to": {
                    "ui:title": "Ship to",
                    "ui:order": ["zip"],
                    "zip": { "ui:widget": "text" },
                },
            }),
        );
    }

    #[test]
    fn a_schema_that_refers_to_itself_comes_to_an_end() {
        let schema = json!({ "properties": { "child": { "$ref": "#" } } });
        let mut inner = &of(&schema)["uiSchema"];
        let mut depth = 0;
        while inner["child"].is_object() {
            inner = &inner["child"];
            depth += 1;
        }
        assert_eq!(depth, DEPTH);
        check(json!({ "$ref": "#" }), json!({}));
    }

    #[test]
    fn a_name_is_written_as_people_write() {
        for (name, expected) in [
            ("approved", "Approved"),
            ("reasonCode", "Reason code"),
            ("reason_code", "Reason code"),
            ("-reason--code-", "Reason code"),
            ("line2Total", "Line2 total"),
            ("VATNumber", "VATNumber"),
            ("", ""),
            ("ändern", "Ändern"),
        ] {
            assert_eq!(title(name), expected);
        }
    }
}
