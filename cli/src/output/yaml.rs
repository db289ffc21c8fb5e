//! JSON as YAML 1.2, so that whoever reads it gets the same JSON back.

use saphyr::{Mapping, Scalar, ScalarStyle, Yaml, YamlEmitter};
use serde_json::Value;

/// The value as one YAML document.
#[must_use]
pub fn of(value: &Value) -> String {
    let mut text = String::new();
    YamlEmitter::new(&mut text)
        .dump(&node(value))
        .expect("a text takes all that is written to it");
    // The document's mark is for files that hold several.
    let text = text.strip_prefix("---\n").unwrap_or(&text);
    format!("{text}\n")
}

fn node(value: &Value) -> Yaml<'_> {
    match value {
        // As it is written in JSON: the emitter knows neither 64 bits without a sign nor `null`.
        Value::Null | Value::Number(_) => {
            Yaml::Representation(value.to_string().into(), ScalarStyle::Plain, None)
        }
        Value::Bool(value) => Yaml::Value(Scalar::Boolean(*value)),
        Value::String(text) => string(text),
        Value::Array(items) => Yaml::Sequence(items.iter().map(node).collect()),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| (string(name), node(value)));
            Yaml::Mapping(members.collect::<Mapping<'_>>())
        }
    }
}

fn string(value: &str) -> Yaml<'_> {
    Yaml::Representation(text(value).into(), ScalarStyle::Plain, None)
}

/// A text as YAML in one line. What could be taken for something else is quoted, as in JSON,
/// which YAML can read.
#[must_use]
pub fn text(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./ ".contains(c);
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text.chars().all(plain)
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if is_plain {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// A JSON string, in which what YAML may not print is escaped as well.
fn quoted(text: &str) -> String {
    let json = Value::from(text).to_string();
    let mut quoted = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(value: &Value) {
        let text = of(value);
        let read = taskmill::document::read(&text);
        let read = read.unwrap_or_else(|error| panic!("{text}\n{error:?}"));
        assert_eq!(read[0].value, *value, "{text}");
        assert_eq!(read.len(), 1, "{text}");
    }

    #[test]
    fn is_read_as_the_same_json() {
        let texts = [
            "",
            " ",
            "a",
            "a b",
            " a",
            "a ",
            "true",
            "True",
            "null",
            "~",
            "1",
            "1.0",
            "0x1f",
            "0o7",
            ".5",
            ".inf",
            "1e3",
            "-",
            "- a",
            "---",
            "...",
            "a: b",
            "a:",
            ":a",
            "#a",
            "a #b",
            "'",
            "\"",
            "\\",
            "[",
            "{a}",
            "!a",
            "&a",
            "*a",
            "%a",
            "@a",
            "`a",
            "|",
            ">",
            "?",
            "? a",
            ",",
            "a,b",
            "\n",
            "a\nb",
            "a\n",
            "\n\n",
            "\ta",
            "a\tb",
            "\r\n",
            "\u{0}",
            "\u{1b}[0m",
            "\u{7f}",
            "\u{85}",
            "\u{a0}",
            "\u{2028}",
            "\u{feff}",
            "é",
            "日本",
            "😀",
            "2026-11-21T21:20:00.007Z",
            "yes",
            "<<",
            "=",
        ];
        for text in texts {
            check(&json!(text));
            check(&json!([text]));
            check(&json!({text: text}));
            check(&json!({"a": {text: [text, {text: text}]}}));
        }
        let others = [
            json!(null),
            json!(true),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(1e300),
            json!(-0.5e-7),
            json!([]),
            json!({}),
            json!([[], {}, [[1, [2]]], {"a": []}, null]),
            json!({"a": {"b": {"c": [{"d": 1, "e": [true, {"f": null}]}]}}}),
        ];
        for value in &others {
            check(value);
        }
    }
}
