//! The evaluator held against the library's own, over one document.
//!
//! The library passes the reference implementation's test suite. Each expression must give what
//! it gives there, or fail where it fails, with the same code where it has one.

use jsonata_core::evaluator::Evaluator;
use jsonata_core::value::JValue;
use serde_json::{Value, json};

use super::*;

const EXPRESSIONS: &str = include_str!("conformance.txt");

fn document() -> Value {
    json!({
        "account": {
            "name": "Firefly",
            "orders": [
                {"id": "o1", "region": "n", "lines": [
                    {"sku": "A", "price": 34.45, "qty": 2, "tags": ["red", "big"], "box": {"w": 2, "h": 3}},
                    {"sku": "B", "price": 21.67, "qty": 1, "tags": [], "box": {"w": 1, "h": 1}}
                ]},
                {"id": "o2", "region": "s", "lines": [
                    {"sku": "A", "price": 34.45, "qty": 4, "tags": "blue", "box": {"w": 5}},
                    {"sku": "C", "price": 107.99, "qty": 1, "note": null}
                ]}
            ]
        },
        "people": [
            {"name": "Ann", "age": 31, "boss": null, "phones": [{"kind": "home", "no": "1"}, {"kind": "cell", "no": "2"}]},
            {"name": "Bob", "age": 27, "boss": "Ann", "phones": []},
            {"name": "Cid", "boss": "Ann"}
        ],
        "one": [1],
        "none": [],
        "numbers": [3, 1, 2, 10],
        "nested": [[1, 2], [3, [4, 5]], 6],
        "deep": {"a": {"b": {"c": {"d": 1}}}, "list": [{"x": 1}, {"x": [2, 3]}, {"y": 4}]},
        "text": "The quick brown fox jumps over the lazy dog",
        "unicode": "añ😀b",
        "nothing": null,
        "yes": true,
        "no": false,
        "zero": 0,
        "half": 0.5,
        "empty": "",
        "blank": {},
        "weird key": {"a.b": 1, "$": 2},
        "when": "2026-11-21T21:20:00.007Z",
        "millis": 1_795_296_000_007_i64
    })
}

/// The value, or the code of the error.
type Outcome = Result<Option<Value>, String>;

fn ours(source: &str, document: &Value) -> Outcome {
    let expression = Expression::parse(source).map_err(|error| code(&error.message))?;
    let scope = Scope::of(document);
    let facts = Facts::new(Timestamp::from_millis(1_795_296_000_007), &[]);
    let given = expression.evaluate(&scope, &facts);
    given.map_err(|error| code(&error.message))
}

fn theirs(source: &str, document: &Value) -> Outcome {
    let parsed = jsonata_core::parser::parse(source);
    let ast = parsed.map_err(|error| code(&error.to_string()))?;
    match Evaluator::new().evaluate(&ast, &JValue::from(document.clone())) {
        Ok(JValue::Undefined) => Ok(None),
        Ok(value) => Ok(Some(whole_numbers(Value::from(&value)))),
        Err(error) => Err(code(&error.to_string())),
    }
}

/// The code that a message carries, if any.
fn code(message: &str) -> String {
    let mut words = message.split(|char: char| !char.is_ascii_alphanumeric());
    let is_code = |word: &&str| {
        word.len() == 5
            && word.starts_with(['D', 'S', 'T', 'U'])
            && word[1..].bytes().all(|digit| digit.is_ascii_digit())
    };
    words.find(is_code).unwrap_or_default().to_owned()
}

fn whole_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => json!(float as i64),
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(whole_numbers).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| (key, whole_numbers(value)))
            .collect(),
        other => other,
    }
}

#[test]
fn expressions_give_what_the_reference_gives() {
    let document = document();
    let mut differences = Vec::new();
    let sources = EXPRESSIONS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("//"));
    for source in sources {
        let (ours, theirs) = (ours(source, &document), theirs(source, &document));
        let same = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => ours == theirs,
            (Err(ours), Err(theirs)) => ours == theirs || theirs.is_empty() || ours.is_empty(),
            _ => false,
        };
        if !same {
            differences.push(format!(
                "{source}\n    ours   {ours:?}\n    theirs {theirs:?}"
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_functions_are_those_of_the_reference_and_of_step_functions() {
    let added = ["clone", "partition", "range", "hash", "uuid", "parse"];
    for name in builtins::names() {
        let known = theirs(&format!("$type(${name})"), &json!(null));
        let expected = (!added.contains(&name)).then(|| json!("function"));
        assert_eq!(known, Ok(expected), "{name}");
        assert_eq!(
            ours(&format!("$type(${name})"), &json!(null)),
            Ok(Some(json!("function"))),
            "{name}"
        );
    }
}
