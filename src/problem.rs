//! A problem of a definition: what is wrong, where, and what was perhaps meant.
//!
//! Which problems a document has is decided in [`crate::document`] and [`crate::registration`].

use serde::Serialize;

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// A stable code: one of [`crate::codes::registration`].
    pub code: &'static str,
    /// JSON pointer of the offending value; of a missing field, the object that lacks it.
    pub pointer: String,
    /// What is wrong, for people: lower-case, no full stop.
    pub message: String,
    /// The nearest known name, where a name is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// The line in the source text, from 1, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl Problem {
    /// A problem at a place.
    #[must_use]
    pub fn new(code: &'static str, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            pointer: pointer.into(),
            message: message.into(),
            nearest: None,
            line: None,
        }
    }

    /// The same with the name that was perhaps meant.
    #[must_use]
    pub fn with_nearest(mut self, nearest: Option<String>) -> Self {
        self.nearest = nearest;
        self
    }

    /// The same with its line in the source text.
    #[must_use]
    pub fn with_line(mut self, line: Option<u32>) -> Self {
        self.line = line;
        self
    }
}

/// The known name that is most like `name`, when one is like enough to have been meant: at most
/// a third of its letters away, a swap of neighbours counting once and capitals not at all.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A name of this length is nobody's slip, and the comparison is quadratic.
    const LONGEST: usize = 256;
    if name.len() > LONGEST {
        return None;
    }
    let folded = name.to_lowercase();
    let allowed = (folded.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&folded, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The pointer of a member: `key` is escaped as RFC 6901 says.
#[must_use]
pub fn member(pointer: &str, key: impl std::fmt::Display) -> String {
    let key = key.to_string().replace('~', "~0").replace('/', "~1");
    format!("{pointer}/{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_one_that_was_perhaps_meant() {
        let known = ["timeout", "timeouts", "retryPolicy", "name", "id"];
        let cases = [
            ("timeuot", Some("timeout")),
            ("retrypolicy", Some("retryPolicy")),
            ("retry_policy", Some("retryPolicy")),
            ("nmae", Some("name")),
            ("di", Some("id")),
            ("colour", None),
            ("", None),
        ];
        for (name, expected) in cases {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
        assert_eq!(nearest(&"n".repeat(1_000_000), known), None);
    }

    #[test]
    fn pointers_escape_what_they_must() {
        assert_eq!(member("/a", "b/c~d"), "/a/b~1c~0d");
        assert_eq!(member("", 3), "/3");
    }
}
