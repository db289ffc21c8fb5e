//! What types cannot say of one step, by its type: its expressions parse, its times can be read,
//! of two fields it has the one that it needs.

use serde_json::Value;

use super::checks::{Place, expression, path};
use super::seam::Written;
use super::{block, seam, workflow};
use crate::codes::registration;
use crate::limits;
use crate::problem::Problem;

/// The lists of steps inside a step, whatever type it says it is.
pub(super) fn inside<'a>(step: &Place<'a>) -> Vec<Place<'a>> {
    let lists = ["branches", "cases", "onError"].map(|field| step.member(field));
    let nested = lists.iter().flat_map(Place::items);
    let nested = nested.map(|one| one.member("steps"));
    let [steps, otherwise] = ["steps", "otherwise"].map(|field| step.member(field));
    [steps]
        .into_iter()
        .chain(nested)
        .chain([otherwise])
        .collect()
}

/// The problems of a step, without those of the steps inside it.
pub(super) fn check(step: &Place<'_>) -> Vec<Problem> {
    let mut problems = mappings(step);
    problems.extend(expression(&step.member("condition")));
    problems.extend(step.member("onError").items().flat_map(|one| handler(&one)));
    problems.extend(match kind(step) {
        "TASK" => expressions(step, &["taskReference"]),
        "PARALLEL" => parallel(step),
        "MAP" => expressions(step, &["items", "result"]),
        "SWITCH" => switch(step),
        "LOOP" => repeat(step),
        "WAIT" => wait(step),
        "TERMINATE" => terminate(step),
        _ => Vec::new(),
    });
    problems
}

/// The type that a step says it is.
fn kind<'a>(step: &Place<'a>) -> &'a str {
    match step.member("type").value {
        None => "TASK",
        Some(value) => value.as_str().unwrap_or_default(),
    }
}

fn expressions(step: &Place<'_>, fields: &[&str]) -> Vec<Problem> {
    let places = fields.iter().map(|field| step.member(field));
    places.filter_map(|place| expression(&place)).collect()
}

fn mappings(step: &Place<'_>) -> Vec<Problem> {
    let inputs = [step.clone(), step.member("compensation")];
    let inputs = inputs.map(|place| place.member("inputMappings"));
    let variables = step.member("variableMappings");
    let all = inputs.iter().chain([&variables]).flat_map(Place::items);
    let set = variables.items().filter_map(|mapping| {
        let target = mapping.member("target");
        let head = target.text().map(seam::path_head)?;
        workflow::reserved(&target, head)
    });
    all.flat_map(|place| mapping(&place)).chain(set).collect()
}

fn mapping(mapping: &Place<'_>) -> Vec<Problem> {
    let mut problems = expressions(mapping, &["expression", "transformation"]);
    let paths = ["source", "target"].map(|name| mapping.member(name));
    problems.extend(paths.iter().filter_map(path));
    problems
}

fn handler(entry: &Place<'_>) -> Option<Problem> {
    let then = entry.member("then");
    let repeats = then.is_there() && !matches!(then.text(), Some("CONTINUE" | "FAIL"));
    let retries = entry.member("maxRetries");
    goes_with(&retries, "then: RETRY_STEP", repeats)
}

fn terminate(step: &Place<'_>) -> Vec<Problem> {
    let completes = step.member("status").text() == Some("COMPLETED");
    let error = step.member("error");
    let mut problems = expressions(step, &["output"]);
    problems.extend(goes_with(&error, "status: FAILED", !completes));
    problems
}

/// A field that is there without what it goes with.
fn goes_with(field: &Place<'_>, what: &str, is_there: bool) -> Option<Problem> {
    let is_foreign = field.is_there() && !is_there;
    let message = || format!("the field goes with {what}");
    is_foreign.then(|| field.problem(registration::UNKNOWN_FIELD, message()))
}

fn parallel(step: &Place<'_>) -> Vec<Problem> {
    let branches = step.member("branches");
    let mut problems = block::unique_names(&branches, "branch");
    let count = step.member("join").member("count");
    let there = branches.items().count();
    // What is beyond the limits is so by the schema.
    let most = limits::STEPS_PER_DEFINITION;
    let wanted = count.value.and_then(Value::as_f64);
    #[expect(
        clippy::cast_precision_loss,
        reason = "these are counts of what a document holds"
    )]
    let out_of_reach = wanted.is_some_and(|n| n > there as f64 && n <= most as f64);
    if there > 0 && out_of_reach {
        let message = format!("there are only {there} branches");
        problems.push(count.problem(registration::OUT_OF_RANGE, message));
    }
    problems
}

fn switch(step: &Place<'_>) -> Vec<Problem> {
    let cases = step.member("cases");
    let places = cases.items().map(|case| case.member("when"));
    let mut problems: Vec<Problem> = places.filter_map(|when| expression(&when)).collect();
    let is_empty = cases.value.and_then(Value::as_array).map(Vec::is_empty);
    if is_empty == Some(true) && !step.member("otherwise").is_there() {
        let message = "there is neither a case nor otherwise: nothing could ever be done";
        problems.push(cases.problem(registration::EMPTY, message));
    }
    problems
}

fn repeat(step: &Place<'_>) -> Vec<Problem> {
    let mut problems = expressions(step, &["while", "until"]);
    problems.extend(either(step, ["while", "until"]));
    problems
}

fn wait(step: &Place<'_>) -> Vec<Problem> {
    let [duration, until] = ["duration", "until"].map(|field| step.member(field));
    let mut problems = Vec::new();
    for (place, read) in [
        (duration, seam::duration as fn(&str) -> Written),
        (until, seam::time),
    ] {
        problems.extend(match place.text().map(read) {
            None | Some(Written::Literal) => None,
            Some(Written::Broken(code, message)) => Some(place.problem(code, message)),
            Some(Written::Expression) => expression(&place),
        });
    }
    problems.extend(either(step, ["duration", "until"]));
    problems
}

/// Of two fields a step has one.
fn either(step: &Place<'_>, fields: [&str; 2]) -> Option<Problem> {
    let [first, second] = fields;
    match fields.map(|field| step.member(field).is_there()) {
        [true, false] | [false, true] => None,
        [false, false] => {
            let message = format!("one of the fields {first} and {second} is missing");
            Some(step.problem(registration::MISSING_FIELD, message))
        }
        [true, true] => {
            let message = format!("there is {first} already: only one of the two may be given");
            let second = step.member(second);
            Some(second.problem(registration::WRONG_TYPE, message))
        }
    }
}
