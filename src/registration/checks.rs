//! Places of a document, and the checks that tasks and workflows share.

use serde_json::Value;

use super::seam;
use crate::codes::registration;
use crate::problem::{self, Problem};

/// A place of a document, whether or not something is there.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub pointer: String,
    pub value: Option<&'a Value>,
}

impl<'a> Place<'a> {
    pub fn root(document: &'a Value) -> Self {
        Self {
            pointer: String::new(),
            value: Some(document),
        }
    }

    pub fn member(&self, name: &str) -> Self {
        Self {
            pointer: problem::member(&self.pointer, name),
            value: self.value.and_then(|value| value.get(name)),
        }
    }

    /// The items of a list; of anything else, none.
    pub fn items(&self) -> impl Iterator<Item = Self> {
        let items = self.value.and_then(Value::as_array).into_iter().flatten();
        let pointer = self.pointer.clone();
        items.enumerate().map(move |(index, value)| Self {
            pointer: problem::member(&pointer, index),
            value: Some(value),
        })
    }

    pub fn text(&self) -> Option<&'a str> {
        self.value.and_then(Value::as_str)
    }

    pub fn is_there(&self) -> bool {
        self.value.is_some()
    }

    pub fn problem(&self, code: &'static str, message: impl Into<String>) -> Problem {
        Problem::new(code, &self.pointer, message)
    }
}

/// Schemas that do not compile.
pub(super) fn schemas(definition: &Place<'_>) -> Vec<Problem> {
    let places = ["inputSchema", "outputSchema"].map(|name| definition.member(name));
    let checked = places.iter().filter_map(|place| {
        let schema = place
            .value
            .filter(|value| value.is_object() || value.is_boolean())?;
        let (inside, message) = seam::schema_error(schema)?;
        let pointer = place.pointer.clone() + &inside;
        Some(Problem::new(registration::BAD_SCHEMA, pointer, message))
    });
    checked.collect()
}

/// An expression that does not parse.
pub(super) fn expression(place: &Place<'_>) -> Option<Problem> {
    // What is empty or too long has that wrong with it, as the schema says.
    let most = crate::limits::expression::SOURCE_CHARS;
    let source = place
        .text()
        .filter(|text| !text.is_empty() && text.len() <= 4 * most)?;
    let message = seam::expression_error(source)?;
    Some(place.problem(registration::BAD_EXPRESSION, message))
}

/// A path that is none.
pub(super) fn path(place: &Place<'_>) -> Option<Problem> {
    let path = place.text().filter(|text| !text.is_empty())?;
    let message = seam::path_error(path)?;
    Some(place.problem(registration::WRONG_TYPE, message))
}
