//! The secret file of a machine: JSON or dotenv text.
//!
//! JSON is `{name: value}` for whoever runs the machine, or `{tenant: {name: value}}`; the two
//! may be mixed. Dotenv is a `NAME=value` a line. Reading the file is left to the caller.

use std::collections::HashMap;
use std::fmt;

use serde_json::Value;
use taskmill::ids::TenantId;

/// What a secret file holds.
#[derive(Clone, Default)]
pub struct SecretFile {
    plain: HashMap<String, String>,
    by_tenant: HashMap<String, HashMap<String, String>>,
}

/// Why text is no secret file. Names places and names, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSecretFile {
    /// It begins as JSON and is none.
    #[error("the secret file is not JSON, at line {line} column {column}")]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// A value that is neither text nor a tenant's names and texts.
    #[error("the secret file gives {name} a value that is not text")]
    NotText {
        /// The name.
        name: String,
    },
    /// A line that is no assignment.
    #[error("line {line} of the secret file is not NAME=value")]
    Line {
        /// From 1.
        line: usize,
    },
}

impl SecretFile {
    /// Reads a file's text: JSON where it begins with `{`, else dotenv.
    ///
    /// # Errors
    /// The text is neither.
    pub fn parse(text: &str) -> Result<Self, BadSecretFile> {
        let text = text.trim_start_matches('\u{feff}');
        if text.trim_start().starts_with('{') {
            return from_json(text);
        }
        let mut file = Self::default();
        for (index, line) in text.lines().enumerate() {
            if let Some((name, value)) = assignment(line, index + 1)? {
                file.plain.insert(name, value);
            }
        }
        Ok(file)
    }

    /// The secret of this name: the tenant's own before the one without a tenant.
    #[must_use]
    pub fn get(&self, tenant: &TenantId, name: &str) -> Option<&str> {
        let own = self
            .by_tenant
            .get(tenant.as_str())
            .and_then(|own| own.get(name));
        own.or_else(|| self.plain.get(name)).map(String::as_str)
    }
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretFile").finish_non_exhaustive()
    }
}

fn from_json(text: &str) -> Result<SecretFile, BadSecretFile> {
    // The library's own message may quote the text, and with it a value.
    let place = |error: serde_json::Error| BadSecretFile::Json {
        line: error.line(),
        column: error.column(),
    };
    let values: HashMap<String, Value> = serde_json::from_str(text).map_err(place)?;
    let mut file = SecretFile::default();
    for (name, value) in values {
        match value {
            Value::String(value) => {
                file.plain.insert(name, value);
            }
            Value::Object(own) => {
                let own: Result<_, _> = own.into_iter().map(text_value).collect();
                file.by_tenant.insert(name, own?);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                return Err(BadSecretFile::NotText { name });
            }
        }
    }
    Ok(file)
}

fn text_value((name, value): (String, Value)) -> Result<(String, String), BadSecretFile> {
    match value {
        Value::String(value) => Ok((name, value)),
        _ => Err(BadSecretFile::NotText { name }),
    }
}

/// One line of dotenv: nothing for an empty line or a comment.
fn assignment(line: &str, number: usize) -> Result<Option<(String, String)>, BadSecretFile> {
    let bad = BadSecretFile::Line { line: number };
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=').ok_or(bad.clone())?;
    let name = name.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || !name.chars().all(allowed) {
        return Err(bad);
    }
    let value = unquoted(value.trim()).ok_or(bad)?;
    Ok(Some((name.to_owned(), value)))
}

/// A value without its quotes. Single quotes keep everything; in double quotes `\n`, `\"` and
/// `\\` are escapes; without quotes a comment begins at ` #`.
fn unquoted(value: &str) -> Option<String> {
    if let Some(rest) = value.strip_prefix('\'') {
        let inner = rest.strip_suffix('\'')?;
        return (!inner.contains('\'')).then(|| inner.to_owned());
    }
    let Some(rest) = value.strip_prefix('"') else {
        let bare = value.split(" #").next().unwrap_or(value);
        return Some(bare.trim_end().to_owned());
    };
    let mut text = String::new();
    let mut characters = rest.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => return characters.as_str().is_empty().then_some(text),
            '\\' => match characters.next()? {
                'n' => text.push('\n'),
                escaped => text.push(escaped),
            },
            plain => text.push(plain),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str, name: &str) -> Option<String> {
        let tenant = TenantId::new("acme").unwrap();
        let file = SecretFile::parse(text).unwrap();
        file.get(&tenant, name).map(str::to_owned)
    }

    #[test]
    fn json_gives_names_or_tenants_with_names() {
        let text = r#"{"A": "plain", "B": "plain", "acme": {"A": "own"}, "other": {"C": "x"}}"#;
        assert_eq!(get(text, "A").as_deref(), Some("own"));
        assert_eq!(get(text, "B").as_deref(), Some("plain"));
        assert_eq!(get(text, "C"), None);
        assert_eq!(get(" {}", "A"), None);
    }

    #[test]
    fn dotenv_lines_are_read_as_shells_read_them() {
        #[track_caller]
        fn check(line: &str, expected: &str) {
            assert_eq!(get(line, "A").as_deref(), Some(expected), "{line}");
        }
        check("A=plain", "plain");
        check("\u{feff}A=plain\r\nB=x", "plain");
        check("# comment\n\n  export A = spaced  ", "spaced");
        check("A=before # comment", "before");
        check("A=with#hash", "with#hash");
        check("A='single # \"quoted\" \\n'", "single # \"quoted\" \\n");
        check(r#"A="two\nlines \"and\" \\ =""#, "two\nlines \"and\" \\ =");
        check("A=", "");
        check("A=first\nA=last", "last");
        check("A=x=y", "x=y");
    }

    #[test]
    fn bad_files_are_named_without_their_values() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let error = SecretFile::parse(text).unwrap_err().to_string();
            assert_eq!(error, expected);
        }
        check(
            "{\"A\": hunter2}",
            "the secret file is not JSON, at line 1 column 7",
        );
        check(
            "{\"A\": 1234567}",
            "the secret file gives A a value that is not text",
        );
        check(
            "{\"t\": {\"A\": []}}",
            "the secret file gives A a value that is not text",
        );
        check(
            "A=1\nhunter2",
            "line 2 of the secret file is not NAME=value",
        );
        check("A='hunter2", "line 1 of the secret file is not NAME=value");
        check(
            "A=\"hunter2\" x",
            "line 1 of the secret file is not NAME=value",
        );
        check("A B=hunter2", "line 1 of the secret file is not NAME=value");
    }
}
