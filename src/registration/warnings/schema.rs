//! What a JSON Schema says of a path: whether the value must be there.
//!
//! Only what is plain is read. Of what is composed of other schemas it is taken to say that the
//! value is there: a warning that is wrong is worse than none.

use serde_json::Value;

/// Keywords after which what a schema demands is not plain.
const COMPOSED: [&str; 8] = [
    "$ref",
    "$dynamicRef",
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "const",
    "enum",
];

/// Whether a value that meets the schema has something at the path.
pub(super) fn guarantees(schema: &Value, keys: &[String]) -> bool {
    let Some((key, rest)) = keys.split_first() else {
        return true;
    };
    if COMPOSED.iter().any(|word| schema.get(word).is_some()) {
        return true;
    }
    // A path goes through an array to what is in it.
    if let Some(items) = schema.get("items") {
        return guarantees(items, keys);
    }
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = required.is_some_and(|names| names.iter().any(|name| name == key));
    is_required && guarantees(&schema["properties"][key], rest)
}

/// The schema of what is in the array at a path, where it is plain.
pub(super) fn items_at<'a>(schema: &'a Value, keys: &[String]) -> Option<&'a Value> {
    let array = keys
        .iter()
        .try_fold(schema, |schema, key| schema.get("properties")?.get(key));
    array?.get("items")
}
