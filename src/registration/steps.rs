//! The steps of a workflow definition with their places, at every depth.

use crate::problem::member;
use crate::workflow::WorkflowDefinition;
use crate::workflow::definition::{Step, StepKind};

/// A list of steps inside a step, and its place.
#[derive(Debug)]
pub(super) struct Inner<'a> {
    pub pointer: String,
    pub steps: &'a [Step],
    /// Whether it runs in the iterations of a MAP, each with variables of its own.
    pub is_iteration: bool,
}

/// Looks at every step with its pointer, those around before those inside.
pub(super) fn each_step<'a>(
    workflow: &'a WorkflowDefinition,
    look: &mut impl FnMut(&str, &'a Step),
) {
    each_of("/steps", &workflow.steps, look);
    each_of("/errorHandlers", &workflow.error_handlers, look);
}

/// Looks at every step of a block and at those inside them.
pub(super) fn each_of<'a>(pointer: &str, steps: &'a [Step], look: &mut impl FnMut(&str, &'a Step)) {
    for (index, step) in steps.iter().enumerate() {
        let pointer = member(pointer, index);
        look(&pointer, step);
        for inner in inside(&pointer, step) {
            each_of(&inner.pointer, inner.steps, look);
        }
    }
}

/// The lists of steps inside a step.
pub(super) fn inside<'a>(pointer: &str, step: &'a Step) -> Vec<Inner<'a>> {
    let block = |field: &str, steps: &'a [Step]| Inner {
        pointer: format!("{pointer}/{field}"),
        steps,
        is_iteration: false,
    };
    let mut blocks = own(pointer, &step.kind);
    let handlers = step.on_error.iter().enumerate();
    blocks.extend(handlers.map(|(at, one)| block(&format!("onError/{at}/steps"), &one.steps)));
    blocks
}

fn own<'a>(pointer: &str, kind: &'a StepKind) -> Vec<Inner<'a>> {
    let block = |field: &str, steps: &'a [Step]| Inner {
        pointer: format!("{pointer}/{field}"),
        steps,
        is_iteration: matches!(kind, StepKind::Map(_)),
    };
    match kind {
        StepKind::Parallel(parallel) => {
            let branches = parallel.branches.iter().enumerate();
            branches
                .map(|(at, branch)| block(&format!("branches/{at}/steps"), &branch.steps))
                .collect()
        }
        StepKind::Map(map) => vec![block("steps", &map.steps)],
        StepKind::Switch(switch) => {
            let cases = switch.cases.iter().enumerate();
            let otherwise = switch.otherwise.iter();
            cases
                .map(|(at, case)| block(&format!("cases/{at}/steps"), &case.steps))
                .chain(otherwise.map(|steps| block("otherwise", steps)))
                .collect()
        }
        StepKind::Loop(repeat) => vec![block("steps", &repeat.steps)],
        StepKind::Task(_)
        | StepKind::Wait(_)
        | StepKind::Signal(_)
        | StepKind::SubWorkflow(_)
        | StepKind::Set(_)
        | StepKind::Terminate(_) => Vec::new(),
    }
}
