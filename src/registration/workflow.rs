//! What types cannot say of a workflow definition: its names are unique and free, its expressions
//! parse, its steps are neither too many nor too deep.
//!
//! Looks at the document as it was written, so that a document with other problems is checked too.
//! What holds for one block is in [`super::block`], for one step in [`super::step`].

use serde_json::Value;

use super::checks::{Place, expression, schemas};
use super::{block, seam, step};
use crate::codes::registration;
use crate::limits;
use crate::problem::Problem;

/// The problems of a workflow definition that its schema does not show.
pub(super) fn check(document: &Value) -> Vec<Problem> {
    let root = Place::root(document);
    let mut problems = schemas(&root);
    problems.extend(variables(&root.member("variables")));
    problems.extend(expression(&root.member("output")));
    problems.extend(number_of_steps(&root));
    for field in BLOCKS {
        check_block(&root.member(field), 0, &mut problems);
    }
    problems
}

/// The fields of a definition that hold steps.
const BLOCKS: [&str; 2] = ["steps", "errorHandlers"];

/// The problems of a block that so many steps are around.
fn check_block(steps: &Place<'_>, around: usize, problems: &mut Vec<Problem>) {
    problems.extend(block::check(steps));
    for step in steps.items() {
        // What is deeper still has the same thing wrong with it.
        if around == limits::ENCLOSING_STEPS + 1 {
            problems.push(too_deep(&step));
        }
        problems.extend(step::check(&step));
        for inner in step::inside(&step) {
            check_block(&inner, around + 1, problems);
        }
    }
}

fn too_deep(step: &Place<'_>) -> Problem {
    let message = format!(
        "there are more than {} steps around it",
        limits::ENCLOSING_STEPS
    );
    step.problem(registration::TOO_DEEP, message)
}

fn number_of_steps(root: &Place<'_>) -> Option<Problem> {
    let count: usize = BLOCKS.map(|field| count(&root.member(field))).iter().sum();
    let most = limits::STEPS_PER_DEFINITION;
    (count > most).then(|| {
        let message =
            format!("there are {count} steps at all depths, more than the {most} that are allowed");
        let steps = root.member("steps");
        steps.problem(registration::TOO_LARGE, message)
    })
}

fn count(steps: &Place<'_>) -> usize {
    let with_those_inside = |step: Place<'_>| -> usize {
        let inside = step::inside(&step).into_iter();
        1 + inside.map(|inner| count(&inner)).sum::<usize>()
    };
    steps.items().map(with_those_inside).sum()
}

fn variables(variables: &Place<'_>) -> Vec<Problem> {
    let names = variables
        .value
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|object| object.keys());
    names
        .filter_map(|name| reserved(&variables.member(name), name))
        .collect()
}

/// A variable that has the name of a scope.
pub(super) fn reserved(place: &Place<'_>, name: &str) -> Option<Problem> {
    seam::SCOPES.contains(&name).then(|| {
        let message =
            format!("a variable cannot be called {name:?}: expressions find something else there");
        place.problem(registration::RESERVED_NAME, message)
    })
}
