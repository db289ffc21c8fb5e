//! Documents: text in JSON or YAML 1.2 to JSON values, with the line of every value.
//!
//! Decided here: what a text means and whether it may be read at all (size, depth, aliases,
//! duplicate names, numbers that JSON cannot hold). What the values mean is the business of
//! [`crate::registration`].

mod builder;
mod scalar;

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::codes::registration;
use crate::limits;
use crate::problem::Problem;

/// One document of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What it says.
    pub value: Value,
    lines: Lines,
}

/// A text that must not be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreadable {
    /// What is wrong, in the order of the text: never empty.
    pub problems: Vec<Problem>,
    /// What could be made out all the same, so that more problems can be found in one go.
    pub documents: Vec<Document>,
}

/// The line of a value, and of the values in it, in their order.
#[derive(Debug, Clone, PartialEq)]
struct Lines {
    line: u32,
    inner: Vec<Lines>,
}

/// Reads the documents of a text, in YAML 1.2 with the core schema, or in JSON. Documents that
/// hold nothing are left out.
///
/// # Errors
/// The text is too large, is malformed, nests too deeply, names something twice, or holds a
/// value that JSON cannot hold.
///
/// ```
/// let documents = taskmill::document::read("id: a\n---\nid: b\nversion: 1.0.0\n").unwrap();
/// assert_eq!(documents[1].value["id"], "b");
/// assert_eq!(documents[1].line("/version"), Some(4));
/// ```
pub fn read(text: &str) -> Result<Vec<Document>, Unreadable> {
    if text.len() > limits::DOCUMENT_TEXT_BYTES {
        return Err(refused(Problem::new(
            registration::TOO_LARGE,
            "",
            format!(
                "the text has {} bytes, more than the {} that are read",
                text.len(),
                limits::DOCUMENT_TEXT_BYTES
            ),
        )));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(problem) = unprintable(text) {
        return Err(refused(problem));
    }
    match json_error(text) {
        None => builder::build(&joined_surrogates(text)),
        Some(error) => {
            builder::build(text).map_err(|unreadable| explained(unreadable, text, &error))
        }
    }
}

impl Document {
    /// The line of the value at a JSON pointer, from 1: of a member, the line of its name. Of a
    /// value that is not there, none.
    #[must_use]
    pub fn line(&self, pointer: &str) -> Option<u32> {
        let mut place = (&self.value, &self.lines);
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            let (value, index) = inner(place.0, &token)?;
            place = (value, place.1.inner.get(index)?);
        }
        Some(place.1.line)
    }

    /// The problems with their lines. One about what is not there gets the line of what is around it.
    #[must_use]
    pub fn locate(&self, problems: Vec<Problem>) -> Vec<Problem> {
        let line = |pointer: &str| {
            let parents = pointer
                .match_indices('/')
                .rev()
                .map(|(end, _)| &pointer[..end]);
            std::iter::once(pointer)
                .chain(parents)
                .find_map(|place| self.line(place))
        };
        problems
            .into_iter()
            .map(|problem| {
                let found = problem.line.or_else(|| line(&problem.pointer));
                problem.with_line(found)
            })
            .collect()
    }
}

/// The value of a name or index, and how many come before it.
fn inner<'a>(value: &'a Value, token: &str) -> Option<(&'a Value, usize)> {
    match value {
        Value::Object(members) => {
            let index = members.keys().position(|key| key == token)?;
            Some((members.get(token)?, index))
        }
        Value::Array(items) => {
            let index = token.parse().ok()?;
            Some((items.get(index)?, index))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn refused(problem: Problem) -> Unreadable {
    Unreadable {
        problems: vec![problem],
        documents: Vec::new(),
    }
}

/// YAML allows no control characters, and the parser takes NUL for the end of the text.
fn unprintable(text: &str) -> Option<Problem> {
    let (at, char) = text
        .char_indices()
        .find(|(_, c)| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}'))?;
    let before = &text[..at];
    let line = u32::try_from(before.matches('\n').count())
        .ok()?
        .checked_add(1);
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let message = format!(
        "the control character {:?} at line {}, column {column} must be written as an escape in quotes",
        char,
        line.unwrap_or(0),
    );
    Some(Problem::new(registration::MALFORMED, "", message).with_line(line))
}

/// Why the text is no JSON. Every JSON text is also YAML, but for one thing (see
/// [`joined_surrogates`]), so that both are read by one parser.
fn json_error(text: &str) -> Option<serde_json::Error> {
    serde_json::from_str::<IgnoredAny>(text).err()
}

/// A JSON text in which characters beyond the first 65,536 stand for themselves: JSON escapes
/// them as two, which YAML does not know.
fn joined_surrogates(json: &str) -> String {
    let mut joined = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        joined.push_str(&rest[..at]);
        let escape = &rest[at..];
        match surrogate_pair(escape) {
            Some(char) => {
                joined.push(char);
                rest = &escape[12..];
            }
            // A backslash and the ASCII character after it: no other escape begins inside them.
            None => {
                let end = escape.len().min(2);
                joined.push_str(&escape[..end]);
                rest = &escape[end..];
            }
        }
    }
    joined + rest
}

fn surrogate_pair(escape: &str) -> Option<char> {
    let unit = |range: std::ops::Range<usize>| {
        let digits = escape.get(range)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let pair = [unit(0..6)?, unit(6..12)?];
    char::decode_utf16(pair)
        .next()?
        .ok()
        .filter(|c| *c > '\u{ffff}')
}

/// A text that begins as JSON objects do was perhaps meant as JSON, whose error is then the
/// better one.
fn explained(mut unreadable: Unreadable, text: &str, error: &serde_json::Error) -> Unreadable {
    let looks_like_json = text.trim_start().starts_with(['{', '[']);
    for problem in &mut unreadable.problems {
        if problem.code == registration::MALFORMED && looks_like_json {
            problem.message = format!("{}; read as JSON: {error}", problem.message);
        }
    }
    unreadable
}

#[cfg(test)]
mod tests;
