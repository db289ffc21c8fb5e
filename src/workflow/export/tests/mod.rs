//! What becomes of a definition: of its expressions, its limits, its constructs, and the whole.

mod constructs;
mod expressions;
mod limits;
mod refused;
mod whole;

use super::*;
use crate::registration::{self, Definition};

fn target() -> Target {
    Target {
        function: "create-task".to_owned(),
        tenant: "acme".to_owned(),
        user: "machine".to_owned(),
        roles: Vec::new(),
        permissions: Vec::new(),
        machines: BTreeMap::new(),
    }
}

/// The first workflow of a text as a state machine; the tasks of the text are known.
fn exported(text: &str) -> Result<Export, Vec<Problem>> {
    let reading = registration::read_text(text);
    assert_eq!(reading.problems, [], "{text}");
    let definitions = reading.definitions.iter().map(|(definition, _)| definition);
    let tasks: Tasks<'_> = definitions
        .clone()
        .filter_map(|definition| match definition {
            Definition::Task(task) => Some(task),
            Definition::Workflow(_) => None,
        })
        .collect();
    let mut workflows = definitions.filter_map(|definition| match definition {
        Definition::Workflow(workflow) => Some(workflow),
        Definition::Task(_) => None,
    });
    let workflow = workflows.next().expect("the text has a workflow");
    to_state_machine(workflow, &tasks, &target())
}

/// A workflow of these fields, in the braces of YAML.
fn workflow(fields: &str) -> String {
    format!("{{id: w, version: 1.0.0, name: W, {fields}}}")
}

/// The states of a workflow of these fields.
fn states(fields: &str) -> Value {
    let export = exported(&workflow(fields)).unwrap_or_else(|problems| panic!("{problems:?}"));
    export.machine["States"].clone()
}
