//! A workflow definition as a state machine of AWS Step Functions: Amazon States Language, with
//! JSONata for its data.
//!
//! Each task is a call of the `create-task` function that waits for a task token, so that the
//! task runs as ever, and only what is between tasks runs elsewhere. What the other language
//! cannot say is a problem with its place, and all of them are told at once; nothing is left out.
//!
//! How a definition is translated, construct by construct, is told in `docs/step-functions.md`.

mod block;
mod data;
mod ending;
mod failing;
mod graph;
mod limits;
mod machine;
mod map;
mod names;
mod parallel;
mod place;
mod reads;
mod step;
#[cfg(test)]
mod tests;
mod text;
mod turns;
mod work;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ids::DefinitionId;
use crate::problem::Problem;
use crate::registration::Tasks;
use crate::workflow::WorkflowDefinition;
use machine::Machine;

/// What a state machine calls, and in whose name.
#[derive(Debug, Clone)]
pub struct Target {
    /// The name or the ARN of the `create-task` function, or a placeholder for it.
    pub function: String,
    /// The tenant whose tasks are created.
    pub tenant: String,
    /// Who creates them.
    pub user: String,
    /// That caller's roles.
    pub roles: Vec<String>,
    /// That caller's permissions.
    pub permissions: Vec<String>,
    /// The ARNs of the state machines that stand for workflows. One that is not here has a
    /// placeholder: its id in camel case, followed by `StateMachineArn`.
    pub machines: BTreeMap<DefinitionId, String>,
}

impl Target {
    /// The state machine that stands for a workflow.
    fn machine(&self, id: &DefinitionId) -> String {
        match self.machines.get(id) {
            Some(arn) => arn.clone(),
            None => format!("${{{}StateMachineArn}}", in_camel_case(id.as_str())),
        }
    }
}

/// A state machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// The state machine, as JSON.
    pub machine: Value,
    /// What it does a little differently, by the place in the definition.
    pub differences: Vec<Problem>,
}

/// Writes a workflow as a state machine. The definitions of its tasks are asked for their own
/// retry policies, time limits and `continueOnFailure`; one that is not among `tasks` is taken to
/// have none.
///
/// # Errors
/// Everything that Amazon States Language cannot say, never empty.
pub fn to_state_machine(
    workflow: &WorkflowDefinition,
    tasks: &Tasks<'_>,
    target: &Target,
) -> Result<Export, Vec<Problem>> {
    let mut machine = Machine::new(workflow, tasks, target);
    let written = machine.write();
    if machine.problems.is_empty() {
        Ok(Export {
            machine: Value::Object(written),
            differences: machine.differences,
        })
    } else {
        let mut problems = machine.problems;
        problems.sort_by(|one, other| one.pointer.cmp(&other.pointer));
        problems.dedup();
        Err(problems)
    }
}

/// `order-fulfilment` as `OrderFulfilment`: placeholders are made of letters and digits.
fn in_camel_case(id: &str) -> String {
    let words = id.split(|c: char| !c.is_ascii_alphanumeric());
    let capital = |word: &str| {
        let mut chars = word.chars();
        let first = chars.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    };
    words.map(capital).collect()
}
