//! The redactor: takes the secrets that an attempt was given out of what it gives back.
//!
//! A value is hidden wherever its text occurs: as it is, and as a JSON string writes it. It is
//! not recognized in another encoding (base64, say), split, or reversed: a program that wants to
//! give a secret away can. This is a net for accidents, such as a program that prints its
//! environment.

use std::fmt;
use std::ops::Range;

use serde_json::{Map, Value};

/// What stands in place of a secret.
const MASK: &str = "***";

/// Hides the values that it was told.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Without duplicates, the longest first.
    needles: Vec<Vec<u8>>,
}

impl Redactor {
    /// Hides nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Hides this value from now on. White space at its ends is not part of it: a shell drops
    /// it.
    pub fn hide(&mut self, value: &str) {
        let value = value.trim();
        let quoted = Value::from(value).to_string();
        let escaped = &quoted[1..quoted.len() - 1];
        for needle in [value, escaped] {
            let known = self.needles.iter().any(|known| known == needle.as_bytes());
            if !known && !needle.is_empty() {
                self.needles.push(needle.as_bytes().to_vec());
            }
        }
        self.needles
            .sort_by_key(|needle| std::cmp::Reverse(needle.len()));
    }

    /// How many bytes beyond the edge of an excerpt must be at hand, so that a secret across the
    /// edge is recognized.
    #[must_use]
    pub fn margin(&self) -> usize {
        self.needles.first().map_or(0, |longest| longest.len() - 1)
    }

    /// The text without secrets.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        self.excerpt(text.as_bytes(), 0..text.len())
    }

    /// A part of the bytes as text, without secrets. A secret that only partly lies within is
    /// hidden as well, provided that the bytes hold all of it.
    #[must_use]
    pub fn excerpt(&self, bytes: &[u8], part: Range<usize>) -> String {
        let end = part.end.min(bytes.len());
        let start = part.start.min(end);
        let mut shown = Vec::with_capacity(end - start);
        let mut from = start;
        for secret in self.secrets_in(bytes) {
            if secret.end <= start || secret.start >= end {
                continue;
            }
            shown.extend_from_slice(bytes.get(from..secret.start).unwrap_or_default());
            shown.extend_from_slice(MASK.as_bytes());
            from = secret.end;
        }
        shown.extend_from_slice(bytes.get(from..end).unwrap_or_default());
        String::from_utf8_lossy(&shown).into_owned()
    }

    /// The value without secrets: in texts and names as part of them, in numbers where the
    /// number is one.
    #[must_use]
    pub fn value(&self, value: Value) -> Value {
        if self.needles.is_empty() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Number(number) if self.is_secret(&number.to_string()) => Value::from(MASK),
            Value::Array(values) => values.into_iter().map(|value| self.value(value)).collect(),
            Value::Object(fields) => Value::Object(self.object(fields)),
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_)) => plain,
        }
    }

    /// The object without secrets.
    #[must_use]
    pub fn object(&self, fields: Map<String, Value>) -> Map<String, Value> {
        fields
            .into_iter()
            .map(|(name, value)| (self.text(&name), self.value(value)))
            .collect()
    }

    fn is_secret(&self, text: &str) -> bool {
        self.needles.iter().any(|needle| needle == text.as_bytes())
    }

    /// Where secrets are, in order; those that overlap as one.
    fn secrets_in(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        if self.needles.is_empty() {
            return found;
        }
        for start in 0..bytes.len() {
            let here = &bytes[start..];
            let Some(needle) = self.needles.iter().find(|needle| here.starts_with(needle)) else {
                continue;
            };
            let end = start + needle.len();
            match found.last_mut() {
                Some(last) if start < last.end => last.end = last.end.max(end),
                _ => found.push(start..end),
            }
        }
        found
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn hiding(values: &[&str]) -> Redactor {
        let mut redactor = Redactor::none();
        for value in values {
            redactor.hide(value);
        }
        redactor
    }

    #[test]
    fn values_are_hidden_wherever_they_occur() {
        #[track_caller]
        fn check(secrets: &[&str], text: &str, expected: &str) {
            assert_eq!(hiding(secrets).text(text), expected);
        }
        check(&[], "hunter2", "hunter2");
        check(&["hunter2"], "hunter2", "***");
        check(&["hunter2"], "a hunter2, a hunter22", "a ***, a ***2");
        check(&["hunter2", "hunter22"], "hunter22", "***");
        check(&["abcd", "cdef"], "-abcdef-", "-***-");
        check(&["aaaa"], "aaaaaa", "***");
        check(&["pass\n"], "pass", "***");
        check(
            &["a\"b\"c"],
            "{\"k\":\"a\\\"b\\\"c\"} a\"b\"c",
            "{\"k\":\"***\"} ***",
        );
        check(&["grüße"], "viele grüße", "viele ***");
    }

    #[test]
    fn values_are_hidden_in_json() {
        let redactor = hiding(&["hunter2", "123456"]);
        assert_eq!(
            redactor.value(json!({"a hunter2": ["x-hunter2-y", 123_456, 1_234_567, null, true]})),
            json!({"a ***": ["x-***-y", "***", 1_234_567, null, true]})
        );
    }

    #[test]
    fn a_secret_across_the_edge_of_an_excerpt_is_hidden() {
        let redactor = hiding(&["hunter2"]);
        let bytes = b"..hunter2..hunter2..";
        assert_eq!(redactor.margin(), 6);
        assert_eq!(redactor.excerpt(bytes, 5..14), "***..***");
        assert_eq!(redactor.excerpt(bytes, 4..6), "***");
        assert_eq!(redactor.excerpt(bytes, 9..11), "..");
        assert_eq!(redactor.excerpt(bytes, 18..999), "..");
        assert_eq!(redactor.excerpt(bytes, 50..60), "");
        assert_eq!(hiding(&[]).excerpt(b"\xff\xfe", 0..2), "\u{fffd}\u{fffd}");
    }

    proptest! {
        #[test]
        fn no_excerpt_holds_a_secret(
            secret in "[abc]{4,6}",
            other in "[abc]{4,6}",
            text in "[abc]{0,60}",
            start in 0_usize..60,
            length in 0_usize..60,
        ) {
            let shown = hiding(&[&secret, &other]).excerpt(text.as_bytes(), start..start + length);
            for part in shown.split(MASK) {
                prop_assert!(!part.contains(&secret) && !part.contains(&other));
            }
        }
    }
}
