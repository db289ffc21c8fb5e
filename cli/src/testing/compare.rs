//! What differs between what a case expects and what happened.

use serde_json::{Map, Value};
use taskmill::problem::Problem;
use taskmill::workflow::WorkflowInstance;

use super::file::{Expected, ProblemSpec};
use super::story::Story;

/// What differs, a line each.
pub fn differences(expected: &Expected, story: &Story) -> Vec<String> {
    let mut found = Vec::new();
    let workflow = &story.workflow;
    if let Some(status) = &expected.status {
        check(
            &mut found,
            "status",
            &status.as_str().into(),
            &workflow.status.as_str().into(),
        );
    }
    if let Some(output) = &expected.output {
        let actual = workflow.output.clone().unwrap_or(Value::Null);
        check(&mut found, "output", output, &actual);
    }
    for (name, value) in expected.variables.iter().flatten() {
        let actual = workflow.variables.get(name).unwrap_or(&Value::Null);
        check(&mut found, &format!("variables.{name}"), value, actual);
    }
    if let Some(error) = &expected.error {
        fields(&mut found, "error", error, &error_of(workflow));
    }
    if let Some(took) = expected.took {
        let ended = workflow.start_time.zip(workflow.end_time);
        let actual = ended.map(|(start, end)| end.millis_since(start));
        check(&mut found, "took", &took.into(), &actual.into());
    }
    for (path, task) in expected.tasks.iter().flatten() {
        match story.tasks.get(path) {
            Some(actual) => fields(&mut found, &format!("tasks.{path}"), task, actual),
            None => found.push(format!("tasks.{path}: there is no such task")),
        }
    }
    if let Some(trace) = &expected.trace
        && *trace != story.trace
    {
        found.push(lines("trace", trace, &story.trace));
    }
    found
}

/// Why a workflow failed, as the scope of an error handler has it.
pub fn error_of(workflow: &WorkflowInstance) -> Value {
    let mut error = serde_json::json!(workflow.error);
    if let Some(path) = error.pointer("/details/taskPath").cloned() {
        error["taskPath"] = path;
    }
    error
}

/// What differs between problems that are expected and those that there are.
pub fn problems(expected: &[ProblemSpec], actual: &[Problem]) -> Vec<String> {
    let line = |one: &ProblemSpec| format!("{} {}", one.code, one.pointer);
    let mut expected: Vec<String> = expected.iter().map(line).collect();
    let mut actual: Vec<String> = actual
        .iter()
        .map(|one| format!("{} {}", one.code, one.pointer))
        .collect();
    expected.sort();
    actual.sort();
    if expected == actual {
        return Vec::new();
    }
    vec![lines("registration", &expected, &actual)]
}

fn fields(found: &mut Vec<String>, place: &str, expected: &Map<String, Value>, actual: &Value) {
    for (name, value) in expected {
        let place = format!("{place}.{name}");
        let actual = actual.get(name).unwrap_or(&Value::Null);
        match (value, name.as_str()) {
            (Value::Object(inner), "error" | "details") => fields(found, &place, inner, actual),
            _ => check(found, &place, value, actual),
        }
    }
}

fn check(found: &mut Vec<String>, place: &str, expected: &Value, actual: &Value) {
    if !equal(expected, actual) {
        found.push(format!("{place}: expected {expected}, found {actual}"));
    }
}

/// Whether two values are the same JSON; 1 and 1.0 are.
pub fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, value)| other.get(name).is_some_and(|other| equal(value, other)))
        }
        (one, other) => one == other,
    }
}

/// Two lists of lines, with what is only in the first marked `-` and in the second `+`.
fn lines(place: &str, expected: &[String], actual: &[String]) -> String {
    let mut text = format!("{place}:");
    let most = expected.len().max(actual.len());
    for at in 0..most {
        match (expected.get(at), actual.get(at)) {
            (Some(one), Some(other)) if one == other => text += &format!("\n      {one}"),
            (one, other) => {
                text += &one.map_or(String::new(), |line| format!("\n    - {line}"));
                text += &other.map_or(String::new(), |line| format!("\n    + {line}"));
            }
        }
    }
    text
}
