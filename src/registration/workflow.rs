//! What types cannot say of a workflow definition: its names are unique and free, its
//! expressions parse, its paths are paths.
//!
//! Looks at the document as it was written, so that a document with other problems is checked too.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::checks::{Place, expression, path, schemas};
use super::seam;
use crate::codes::registration;
use crate::limits;
use crate::problem::Problem;

/// The problems of a workflow definition that its schema does not show.
pub(super) fn check(document: &Value) -> Vec<Problem> {
    let root = Place::root(document);
    let mut problems = schemas(&root);
    problems.extend(variables(&root.member("variables")));
    problems.extend(expression(&root.member("output")));
    let steps = root.member("steps");
    problems.extend(number_of_steps(&steps));
    problems.extend(unique_names(&steps));
    problems.extend(steps.items().flat_map(|place| step(&place)));
    problems
}

/// The problems without those that follow from another: of a step whose type does not run, only
/// its type and name are looked at.
pub(super) fn of_known_steps(mut problems: Vec<Problem>) -> Vec<Problem> {
    let refused: HashSet<String> = problems
        .iter()
        .filter(|problem| problem.code == registration::NOT_SUPPORTED)
        .filter_map(|problem| problem.pointer.strip_suffix("/type"))
        .map(str::to_owned)
        .collect();
    problems.retain(|problem| {
        let mut parts = problem.pointer.splitn(4, '/');
        let step = match (parts.next(), parts.next(), parts.next()) {
            (Some(""), Some("steps"), Some(index)) => format!("/steps/{index}"),
            _ => return true,
        };
        !refused.contains(&step) || matches!(parts.next(), Some("type" | "name"))
    });
    problems
}

fn number_of_steps(steps: &Place<'_>) -> Option<Problem> {
    let count = steps.value.and_then(Value::as_array)?.len();
    let most = limits::STEPS_PER_DEFINITION;
    (count > most).then(|| {
        let message = format!("there are {count} steps, more than the {most} that are allowed");
        steps.problem(registration::TOO_LARGE, message)
    })
}

fn unique_names(steps: &Place<'_>) -> Vec<Problem> {
    let mut first: HashMap<&str, usize> = HashMap::new();
    let mut problems = Vec::new();
    for (index, step) in steps.items().enumerate() {
        let place = step.member("name");
        let Some(name) = place.text() else {
            continue;
        };
        let earlier = *first.entry(name).or_insert(index);
        if earlier != index {
            let message =
                format!("the name {name:?} is that of step {earlier} already (counted from 0)");
            problems.push(place.problem(registration::DUPLICATE_NAME, message));
        }
    }
    problems
}

fn step(step: &Place<'_>) -> Vec<Problem> {
    let own = ["condition", "taskReference"].map(|name| step.member(name));
    let inputs = step.member("inputMappings");
    let variables = step.member("variableMappings");
    let mappings = inputs
        .items()
        .chain(variables.items())
        .flat_map(|place| mapping(&place));
    let set = variables.items().filter_map(|mapping| {
        let target = mapping.member("target");
        let head = target.text().map(seam::path_head)?;
        reserved(&target, head)
    });
    own.iter()
        .filter_map(expression)
        .chain(mappings)
        .chain(set)
        .collect()
}

fn mapping(mapping: &Place<'_>) -> Vec<Problem> {
    let expressions = ["expression", "transformation"].map(|name| mapping.member(name));
    let paths = ["source", "target"].map(|name| mapping.member(name));
    let expressions = expressions.iter().filter_map(expression);
    expressions.chain(paths.iter().filter_map(path)).collect()
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

fn reserved(place: &Place<'_>, name: &str) -> Option<Problem> {
    seam::SCOPES.contains(&name).then(|| {
        let message =
            format!("a variable cannot be called {name:?}: expressions find something else there");
        place.problem(registration::RESERVED_NAME, message)
    })
}
