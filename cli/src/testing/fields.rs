//! Fields of a file of workflow tests that nobody reads: each with its place, and the name that
//! was perhaps meant. Whether the others are of the right form, `file` says.

use serde_json::{Map, Value};
use taskmill::codes::registration::UNKNOWN_FIELD;
use taskmill::problem::{Problem, member, nearest};

const FILE: &[&str] = &["workflow", "definitions", "cases"];
const CASE: &[&str] = &[
    "name",
    "caller",
    "input",
    "tasks",
    "signals",
    "people",
    "operations",
    "moments",
    "expect",
];
const CALLER: &[&str] = &["user", "roles", "permissions"];
const ANSWER: &[&str] = &[
    "succeed",
    "fail",
    "expression",
    "hang",
    "after",
    "heartbeats",
];
const FAILURE: &[&str] = &["code", "message", "permanent", "retryAfter", "details"];
const SIGNAL: &[&str] = &["at", "name", "data", "refused"];
const PERSON: &[&str] = &[
    "at",
    "task",
    "claim",
    "start",
    "release",
    "assign",
    "delegate",
    "resolve",
    "followUp",
    "comment",
    "complete",
    "fail",
    "by",
    "roles",
    "permissions",
    "refused",
];
const GIVEN_UP: &[&str] = &["code", "message", "details", "permanent"];
const OPERATION: &[&str] = &["at", "do", "refused"];
const MOMENT: &[&str] = &["at"];
const EXPECTED: &[&str] = &[
    "status",
    "output",
    "variables",
    "error",
    "took",
    "tasks",
    "trace",
    "refused",
    "registration",
];
const PROBLEM: &[&str] = &["pointer", "code"];

/// What goes with an operation beside the fields of all; of one that there is not, nothing is
/// known.
fn of_operation(asked: &str) -> Option<&'static [&'static str]> {
    Some(match asked {
        "cancel" => &["reason", "compensate"],
        "pause" | "resume" | "retry" => &[],
        "rerun" => &["step"],
        "skip" => &["step", "output"],
        "signal" => &["name", "data"],
        "updateVariables" => &["variables"],
        _ => return None,
    })
}

/// The fields of a document that nobody reads.
pub fn unknown(document: &Value) -> Vec<Problem> {
    let mut found = Found::default();
    found.check("", document, &[FILE]);
    for (pointer, case) in items("", document, "cases") {
        found.of_case(&pointer, case);
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<Problem>);

impl Found {
    fn of_case(&mut self, pointer: &str, case: &Value) {
        self.check(pointer, case, &[CASE]);
        self.check(&member(pointer, "caller"), &case["caller"], &[CALLER]);
        let tasks = case["tasks"].as_object().into_iter().flatten();
        for (name, answers) in tasks {
            let place = member(&member(pointer, "tasks"), name);
            match answers.as_array() {
                None => self.of_answer(&place, answers),
                Some(list) => {
                    for (at, answer) in list.iter().enumerate() {
                        self.of_answer(&member(&place, at), answer);
                    }
                }
            }
        }
        for (place, signal) in items(pointer, case, "signals") {
            self.check(&place, signal, &[SIGNAL]);
        }
        for (place, act) in items(pointer, case, "people") {
            self.check(&place, act, &[PERSON]);
            self.check(&member(&place, "fail"), &act["fail"], &[GIVEN_UP]);
        }
        for (place, operation) in items(pointer, case, "operations") {
            let asked = operation["do"].as_str().and_then(of_operation);
            if let Some(of_operation) = asked {
                self.check(&place, operation, &[OPERATION, of_operation]);
            }
        }
        for (place, moment) in items(pointer, case, "moments") {
            self.check(&place, moment, &[MOMENT, EXPECTED]);
            self.of_expected(&place, moment);
        }
        let place = member(pointer, "expect");
        self.check(&place, &case["expect"], &[EXPECTED]);
        self.of_expected(&place, &case["expect"]);
    }

    fn of_answer(&mut self, pointer: &str, answer: &Value) {
        self.check(pointer, answer, &[ANSWER]);
        self.check(&member(pointer, "fail"), &answer["fail"], &[FAILURE]);
    }

    fn of_expected(&mut self, pointer: &str, expected: &Value) {
        for (place, problem) in items(pointer, expected, "registration") {
            self.check(&place, problem, &[PROBLEM]);
        }
    }

    fn check(&mut self, pointer: &str, object: &Value, known: &[&[&'static str]]) {
        let names = object.as_object().into_iter().flat_map(Map::keys);
        let known = || known.iter().copied().flatten().copied();
        for name in names.filter(|name| known().all(|one| one != *name)) {
            let message = format!("there is no field {name:?} here");
            let problem = Problem::new(UNKNOWN_FIELD, member(pointer, name), message);
            let meant = nearest(name, known()).map(str::to_owned);
            self.0.push(problem.with_nearest(meant));
        }
    }
}

/// The items of a list, each with its place.
fn items<'a>(
    pointer: &str,
    object: &'a Value,
    name: &str,
) -> impl Iterator<Item = (String, &'a Value)> {
    let list = member(pointer, name);
    let items = object[name].as_array().into_iter().flatten();
    items
        .enumerate()
        .map(move |(at, item)| (member(&list, at), item))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::file::{self, TestFile};
    use super::*;

    /// Checks that the fields are just those that a type reads: what it says of one that it does
    /// not know lists them.
    #[track_caller]
    fn check<T: serde::de::DeserializeOwned>(fields: &[&str]) {
        let error = serde_json::from_value::<T>(json!({ "?": 1 })).err();
        let message = error.expect("nobody reads it").to_string();
        let mut listed: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
        listed.sort_unstable();
        let mut fields = fields.to_vec();
        fields.sort_unstable();
        assert_eq!(fields, listed, "{message}");
    }

    #[test]
    fn the_fields_are_those_that_are_read() {
        check::<TestFile>(FILE);
        check::<file::Case>(CASE);
        check::<file::CallerSpec>(CALLER);
        check::<file::Answer>(ANSWER);
        check::<file::FailSpec>(FAILURE);
        check::<file::SignalAct>(SIGNAL);
        check::<file::PersonAct>(PERSON);
        check::<file::GivenUp>(GIVEN_UP);
        check::<file::Expected>(EXPECTED);
        check::<file::ProblemSpec>(PROBLEM);
    }

    #[test]
    fn a_field_that_nobody_reads_is_told_with_its_place_and_the_nearest_name() {
        let fail = json!({ "code": "NO", "mesage": "no" });
        let document = json!({
            "workflow": "w.yaml",
            "defintions": [],
            "cases": [{
                "name": "a",
                "inputs": {},
                "caller": { "roels": [] },
                "tasks": { "a/b": { "fail": fail }, "c": [{ "succed": 1 }] },
                "signals": [{ "at": 1, "name": "s", "date": 1 }],
                "people": [{ "at": 1, "task": "t", "asign": "ann", "fail": fail }],
                "operations": [
                    { "at": 1, "do": "cancel", "compenstate": true },
                    { "at": 1, "do": "pause", "step": "a" },
                    { "at": 1, "do": "rerun", "path": "a" },
                    { "at": 1, "do": "nothing", "anything": 1 },
                ],
                "moments": [{ "at": 1, "stauts": "RUNNING" }],
                "expect": { "took": 1, "ouput": 1, "registration": [{ "pointr": "" }] },
            }],
        });
        let found = unknown(&document).into_iter();
        let mut found: Vec<_> = found
            .map(|one| (one.pointer, one.nearest.unwrap_or_default()))
            .collect();
        found.sort();
        let expected = [
            ("/cases/0/caller/roels", "roles"),
            ("/cases/0/expect/ouput", "output"),
            ("/cases/0/expect/registration/0/pointr", "pointer"),
            ("/cases/0/inputs", "input"),
            ("/cases/0/moments/0/stauts", "status"),
            ("/cases/0/operations/0/compenstate", "compensate"),
            ("/cases/0/operations/1/step", ""),
            ("/cases/0/operations/2/path", ""),
            ("/cases/0/people/0/asign", "assign"),
            ("/cases/0/people/0/fail/mesage", "message"),
            ("/cases/0/signals/0/date", "data"),
            ("/cases/0/tasks/a~1b/fail/mesage", "message"),
            ("/cases/0/tasks/c/0/succed", "succeed"),
            ("/defintions", "definitions"),
        ];
        let expected = expected.map(|(place, meant)| (place.to_owned(), meant.to_owned()));
        assert_eq!(found, expected);
    }
}
