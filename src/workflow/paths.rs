//! The paths of DIRECT mappings: plain keys joined by dots.

use serde_json::Value;

use crate::JsonObject;

/// The names that a path may begin with to say where it looks; variables may not have them.
pub const SCOPE_NAMES: [&str; 8] = [
    "workflowInput",
    "workflowVariables",
    "taskOutput",
    "item",
    "index",
    "outer",
    "error",
    "context",
];

/// Keys of one path.
pub const MOST_KEYS: usize = 50;

/// Why a path cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no key, or none between two dots.
    #[error("the path has an empty key")]
    EmptyKey,
    /// It is deeper than a document may be.
    #[error("the path has more than {MOST_KEYS} keys")]
    TooLong,
}

/// A path, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(Vec<String>);

/// What a source's first key says about where to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start<'p> {
    /// In the scope of this name.
    Scope(&'p str),
    /// Wherever sources are looked up by default.
    Default,
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    ///
    /// A key is empty, or there are more than [`MOST_KEYS`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let keys: Vec<String> = text.split('.').map(str::to_owned).collect();
        if keys.iter().any(String::is_empty) {
            return Err(Error::EmptyKey);
        }
        if keys.len() > MOST_KEYS {
            return Err(Error::TooLong);
        }
        Ok(Self(keys))
    }

    /// The first key.
    #[must_use]
    pub fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Where a source looks.
    #[must_use]
    pub fn start(&self) -> Start<'_> {
        match is_reserved(self.first()) {
            true => Start::Scope(self.first()),
            false => Start::Default,
        }
    }

    /// Sets a value at the path. Objects on its way are created, in place of what is no object.
    pub fn set(&self, fields: &mut JsonObject, value: Value) {
        let Some((last, before)) = self.0.split_last() else {
            return;
        };
        let mut fields = fields;
        for key in before {
            let field = fields.entry(key.as_str()).or_insert(Value::Null);
            if !field.is_object() {
                *field = Value::Object(JsonObject::new());
            }
            let Value::Object(inner) = field else {
                return;
            };
            fields = inner;
        }
        fields.insert(last.clone(), value);
    }
}

/// Whether a variable may not have this name.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    SCOPE_NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn are_keys_joined_by_dots() {
        let check = |text: &str, expected: Result<&[&str], Error>| {
            let parsed = Path::parse(text);
            let keys = parsed.as_ref().map(|path| path.keys().collect::<Vec<_>>());
            assert_eq!(keys, expected.as_ref().map(|keys| keys.to_vec()), "{text}");
        };
        check("a", Ok(&["a"]));
        check("a.b-c.ü d", Ok(&["a", "b-c", "ü d"]));
        check("", Err(Error::EmptyKey));
        check(".", Err(Error::EmptyKey));
        check("a..b", Err(Error::EmptyKey));
        check("a.", Err(Error::EmptyKey));
        check(&"a.".repeat(MOST_KEYS), Err(Error::EmptyKey));
        check(&vec!["a"; MOST_KEYS + 1].join("."), Err(Error::TooLong));
        assert!(Path::parse(&vec!["a"; MOST_KEYS].join(".")).is_ok());
    }

    #[test]
    fn a_scope_name_says_where_to_look_only_as_a_whole_key() {
        let check = |text: &str, expected: Start<'_>| {
            assert_eq!(Path::parse(text).unwrap().start(), expected, "{text}");
        };
        check("workflowInput", Start::Scope("workflowInput"));
        check("context.tenantId", Start::Scope("context"));
        check("contexts.tenantId", Start::Default);
        check("order.context", Start::Default);
    }

    #[test]
    fn a_target_creates_its_objects_and_replaces_what_is_none() {
        let check = |before: Value, path: &str, after: Value| {
            let mut fields = before.as_object().unwrap().clone();
            Path::parse(path).unwrap().set(&mut fields, json!(1));
            assert_eq!(Value::Object(fields), after, "{path}");
        };
        check(json!({}), "a", json!({"a": 1}));
        check(json!({}), "a.b.c", json!({"a": {"b": {"c": 1}}}));
        check(
            json!({"a": {"x": 2}}),
            "a.b",
            json!({"a": {"x": 2, "b": 1}}),
        );
        check(json!({"a": 5}), "a.b", json!({"a": {"b": 1}}));
        check(json!({"a": null}), "a.b", json!({"a": {"b": 1}}));
        check(json!({"a": [1]}), "a.0", json!({"a": {"0": 1}}));
        check(json!({"a": {"b": {"c": 2}}}), "a.b", json!({"a": {"b": 1}}));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            if let Ok(path) = Path::parse(&text) {
                prop_assert_eq!(path.keys().collect::<Vec<_>>().join("."), text);
            }
        }

        #[test]
        fn what_is_set_is_found(keys in prop::collection::vec("[a-z]{1,3}", 1..6), others in prop::collection::vec("[a-z]{1,3}", 1..6)) {
            let mut fields = JsonObject::new();
            Path::parse(&others.join(".")).unwrap().set(&mut fields, json!(0));
            Path::parse(&keys.join(".")).unwrap().set(&mut fields, json!(1));
            let value = Value::Object(fields);
            prop_assert_eq!(value.pointer(&format!("/{}", keys.join("/"))), Some(&json!(1)));
        }
    }
}
