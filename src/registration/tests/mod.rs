//! Tables of documents and what is wrong with them.

mod across;
mod fields;
mod pages;
mod properties;
mod tasks;
mod whole;
mod workflows;

use super::{Definition, read_text};
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

/// A workflow definition with more fields, one a line from line 5 on.
fn workflow(fields: &str) -> String {
    format!("id: w\nversion: 1.0.0\nname: W\nsteps: []\n{fields}\n")
}
