//! Tables of documents and what is wrong with them.

mod across;
mod blocks;
mod fields;
mod pages;
mod people;
mod properties;
mod schedules;
mod steps;
mod tasks;
mod warnings;
mod whole;
mod workflows;

use serde_json::{Value, json};

use super::{Definition, read, read_text};
use crate::workflow::WorkflowDefinition;

/// A problem as a table writes it: code, pointer, line.
type Expected<'a> = (&'a str, &'a str, u32);

/// Checks that a text has these problems and no other, in the order of their lines.
#[track_caller]
fn check(text: &str, expected: &[Expected<'_>]) {
    let reading = read_text(text);
    let found: Vec<Expected<'_>> = reading
        .problems
        .iter()
        .map(|problem| {
            (
                problem.code,
                problem.pointer.as_str(),
                problem.line.unwrap_or(0),
            )
        })
        .collect();
    assert_eq!(found, expected, "{text}\n{:#?}", reading.problems);
    assert!(
        reading
            .problems
            .iter()
            .all(|problem| !problem.message.is_empty()),
        "{:#?}",
        reading.problems
    );
}

/// Checks that a workflow of these steps has these problems and no other, in any order.
#[track_caller]
fn check_steps(steps: &Value, expected: &[(&str, &str)]) {
    check_document(&with_steps(steps), expected);
}

/// Checks that a document has these problems and no other, in any order.
#[track_caller]
fn check_document(document: &Value, expected: &[(&str, &str)]) {
    let problems = read(document).err().unwrap_or_default();
    let mut found: Vec<(&str, &str)> = problems
        .iter()
        .map(|problem| (problem.code, problem.pointer.as_str()))
        .collect();
    found.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected, "{document}\n{problems:#?}");
}

fn with_steps(steps: &Value) -> Value {
    json!({ "id": "w", "version": "1.0.0", "name": "W", "steps": steps })
}

/// A good TASK step.
fn run(name: &str) -> Value {
    json!({ "name": name, "taskDefinitionId": "t" })
}

/// Every way to have steps inside a step, with the place of the block.
fn around(steps: &Value) -> [(Value, &'static str); 7] {
    let handler = json!({ "errorCodes": ["*"], "steps": steps });
    [
        (
            json!({ "name": "s", "type": "PARALLEL", "branches": [{ "name": "x", "steps": [] },
                { "name": "y", "steps": steps }] }),
            "/branches/1/steps",
        ),
        (
            json!({ "name": "s", "type": "MAP", "items": "a", "steps": steps }),
            "/steps",
        ),
        (
            json!({ "name": "s", "type": "SWITCH", "cases": [{ "when": "a", "steps": [] },
                { "when": "a", "steps": steps }] }),
            "/cases/1/steps",
        ),
        (
            json!({ "name": "s", "type": "SWITCH", "cases": [], "otherwise": steps }),
            "/otherwise",
        ),
        (
            json!({ "name": "s", "type": "LOOP", "until": "a", "maxIterations": 5, "steps": steps }),
            "/steps",
        ),
        (
            json!({ "name": "s", "taskDefinitionId": "t",
                "onError": [{ "errorCodes": ["A"] }, handler] }),
            "/onError/1/steps",
        ),
        (
            json!({ "name": "s", "type": "SET", "onError": [{ "errorCodes": ["A"] }, handler] }),
            "/onError/1/steps",
        ),
    ]
}

/// Documents with these steps as a block of their own, and its place: at the root, among the
/// error handlers, and one and two steps deep in every way.
fn everywhere(steps: &Value) -> Vec<(Value, String)> {
    let mut handlers = with_steps(&json!([]));
    handlers["errorHandlers"] = steps.clone();
    let mut documents = vec![
        (with_steps(steps), "/steps".to_owned()),
        (handlers, "/errorHandlers".to_owned()),
    ];
    for (outer, inside) in around(steps) {
        let outer = json!([outer]);
        documents.push((with_steps(&outer), format!("/steps/0{inside}")));
        for (outermost, outside) in around(&outer) {
            let place = format!("/steps/0{outside}/0{inside}");
            documents.push((with_steps(&json!([outermost])), place));
        }
    }
    documents
}

/// The message of a text's only problem.
#[track_caller]
fn message(text: &str) -> String {
    let mut problems = read_text(text).problems;
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.remove(0).message
}

/// The nearest name of a text's only problem.
#[track_caller]
fn nearest(text: &str) -> Option<String> {
    let mut problems = read_text(text).problems;
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.remove(0).nearest
}

/// The definition of a text that has one and no problems.
#[track_caller]
fn good(text: &str) -> Definition {
    let mut reading = read_text(text);
    assert_eq!(reading.problems, [], "{text}");
    assert_eq!(reading.definitions.len(), 1, "{text}");
    reading.definitions.remove(0).0
}

#[track_caller]
fn workflow_of(text: &str) -> WorkflowDefinition {
    match good(text) {
        Definition::Workflow(workflow) => workflow,
        Definition::Task(task) => panic!("{task:?} is no workflow"),
    }
}

/// A task definition with more fields, one a line from line 6 on.
fn task(fields: &str) -> String {
    format!(
        "id: t\nversion: 1.0.0\nname: T\ntype: AUTOMATED\nexecutionConfig: {{executor: 'builtin:echo'}}\n{fields}\n"
    )
}

/// A task definition with this `executionConfig`, from line 6 on, indented.
fn config(fields: &str) -> String {
    format!("id: t\nversion: 1.0.0\nname: T\ntype: AUTOMATED\nexecutionConfig:\n{fields}\n")
}

/// A workflow definition of one step with more fields, in line 6.
fn step(fields: &str) -> String {
    format!(
        "id: w\nversion: 1.0.0\nname: W\nsteps:\n- {{name: a, taskDefinitionId: t,\n   {fields}\n  }}\n"
    )
}

/// A workflow definition of one step that is named and has nothing but these fields, in line 6.
fn any_step(fields: &str) -> String {
    format!("id: w\nversion: 1.0.0\nname: W\nsteps:\n- {{name: a,\n   {fields}\n  }}\n")
}

/// A workflow definition with more fields, one a line from line 5 on.
fn workflow(fields: &str) -> String {
    format!("id: w\nversion: 1.0.0\nname: W\nsteps: []\n{fields}\n")
}
