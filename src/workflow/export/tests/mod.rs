//! What becomes of a definition.

use serde_json::Value;
use serde_json::json;

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

#[test]
fn a_task_is_a_call_that_waits() {
    let text = "{id: w, version: 1.0.0, name: W, steps: [{name: a, taskDefinitionId: t}]}";
    let machine = exported(text).unwrap().machine;
    assert_eq!(machine["States"]["a"]["Type"], json!("Task"));
    let _: Value = machine;
}
