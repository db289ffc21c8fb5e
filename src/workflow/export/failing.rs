//! What becomes of a failure: `Catch`, the states of `onError`, and `Fail`.
//!
//! What Step Functions gives of an error is a name and a text. A task tells its error under a
//! token as JSON, from which `error` is made again.

use serde_json::{Value, json};

use super::limits::{ALL, errors};
use super::machine::{Machine, Next, object, signed};
use super::place::{Catcher, Place};
use super::text::quoted;
use crate::JsonObject;
use crate::workflow::definition::{ErrorHandler, Step, Then};

/// Where an error comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A task, told under its token.
    Task,
    /// A state machine that was run.
    Child,
    /// A state inside a Parallel or a Map.
    Inside,
}

/// What Step Functions calls its own errors, and the codes of them.
const CODES: &str = "{'States.Timeout': 'TIMEOUT', 'States.HeartbeatTimeout': 'TIMEOUT', 'States.QueryEvaluationError': 'EXPRESSION_ERROR', 'States.DataLimitExceeded': 'PAYLOAD_TOO_LARGE'}";

/// The error that was caught, as `error` has it.
fn caught(origin: Origin, path: &str) -> String {
    let told = "$substring($states.errorOutput.Cause, 0, 1) = '{' ? $parse($states.errorOutput.Cause) : {}";
    let code = format!("$lookup({CODES}, $states.errorOutput.Error), $states.errorOutput.Error");
    match origin {
        Origin::Task | Origin::Inside => {
            let path = match origin {
                Origin::Inside => format!("[$told.taskPath, {path}][0]"),
                Origin::Task | Origin::Child => path.to_owned(),
            };
            format!(
                "($told := {told}; {{'code': [{code}][0], 'message': [$told.message, $told.errorMessage, $states.errorOutput.Cause, ''][0], 'taskPath': {path}, 'details': [$told.details, {{}}][0]}})"
            )
        }
        Origin::Child => format!(
            "($told := {told}; $given := $substring($told.Cause, 0, 1) = '{{' ? $parse($told.Cause) : {{}}; {{'code': [$told.Error, {code}][0], 'message': [$given.message, $told.Cause, $states.errorOutput.Cause, ''][0], 'taskPath': {path}, 'details': {{}}}})"
        ),
    }
}

impl<'a> Machine<'a> {
    /// The `Catch` of a state; none when nothing catches its failures.
    pub(super) fn catch(&mut self, origin: Origin, place: &Place, step: &str) -> Option<Value> {
        let path = place.task_path(step);
        let mut entries = Vec::new();
        for catcher in &place.catchers {
            let mut entry = object([
                ("ErrorEquals", json!(errors(&catcher.codes))),
                ("Next", json!(catcher.target)),
                ("Output", signed("null")),
            ]);
            if let Some(variable) = &catcher.error {
                let error = object([(variable, signed(&caught(origin, &path)))]);
                entry.insert("Assign".to_owned(), Value::Object(error));
            }
            entries.push(Value::Object(entry));
            if catcher.is_all() {
                break;
            }
        }
        (!entries.is_empty()).then(|| json!(entries))
    }

    /// The `Catch` of a state whose error has its code inside: all are taken, and the code is
    /// looked at by the state that follows.
    pub(super) fn catch_child(&mut self, pointer: &str, place: &Place, step: &str) -> Value {
        let variable = self.variable("failure");
        let target = self.fail_with(pointer, place, step, &variable);
        let error = object([(
            variable.as_str(),
            signed(&caught(Origin::Child, &place.task_path(step))),
        )]);
        json!([{"ErrorEquals": [ALL], "Next": target, "Output": signed("null"), "Assign": error}])
    }

    /// What catches the failures of a branch or an iteration, so that whoever asks is told where
    /// they were.
    pub(super) fn told_where(&mut self, scope: &str, place: &Place, path: &str) -> Vec<Catcher> {
        if !self.asks_where {
            return Vec::new();
        }
        let variable = self.variable("failure");
        let target = self.name(scope, path, "failed");
        self.state(&target, failed(&variable, place));
        vec![Catcher {
            codes: vec!["*".to_owned()],
            target,
            error: Some(variable),
            sees_variables: false,
        }]
    }

    /// The state that fails here with the error in a variable.
    pub(super) fn fail_with(
        &mut self,
        pointer: &str,
        place: &Place,
        step: &str,
        variable: &str,
    ) -> String {
        let name = self.name(pointer, &place.path_of(step), "failed");
        let mut choices = Vec::new();
        for catcher in &place.catchers {
            let codes = catcher.codes.iter().map(|code| quoted(code));
            let codes: Vec<String> = codes.collect();
            let condition = match catcher.is_all() {
                true => "true".to_owned(),
                false => format!("${variable}.code in [{}]", codes.join(", ")),
            };
            let mut choice = object([
                ("Condition", signed(&condition)),
                ("Next", json!(catcher.target)),
                ("Output", signed("null")),
            ]);
            if let Some(other) = &catcher.error {
                let error = object([(other, signed(&format!("${variable}")))]);
                choice.insert("Assign".to_owned(), Value::Object(error));
            }
            choices.push(Value::Object(choice));
            if catcher.is_all() {
                let fields = [("Type", json!("Choice")), ("Choices", json!(choices))];
                self.state(&name, object(fields));
                return name;
            }
        }
        let fail = match choices.is_empty() {
            true => name.clone(),
            false => self.name(pointer, &place.path_of(step), "unhandled"),
        };
        if !choices.is_empty() {
            let fields = [
                ("Type", json!("Choice")),
                ("Choices", json!(choices)),
                ("Default", json!(fail)),
            ];
            self.state(&name, object(fields));
        }
        self.state(&fail, failed(variable, place));
        name
    }

    /// The state that fails here with an error of the language's own.
    pub(super) fn fail(
        &mut self,
        pointer: &str,
        role: &'static str,
        place: &Place,
        step: &str,
        (code, message): (&str, &str),
    ) -> String {
        let name = self.name(pointer, &place.path_of(step), role);
        let error = format!(
            "{{'code': {}, 'message': {}, 'taskPath': {}, 'details': {{}}}}",
            quoted(code),
            quoted(message),
            place.task_path(step)
        );
        let Some(catcher) = place.catchers.iter().find(|one| one.holds(code)) else {
            let cause = match place.is_inner {
                true => signed(&format!("$string({error})")),
                false => json!(message),
            };
            let fields = [
                ("Type", json!("Fail")),
                ("Error", json!(code)),
                ("Cause", cause),
            ];
            self.state(&name, object(fields));
            return name;
        };
        let mut fields = object([("Type", json!("Pass")), ("Output", signed("null"))]);
        if let Some(variable) = &catcher.error {
            let assign = object([(variable, signed(&error))]);
            fields.insert("Assign".to_owned(), Value::Object(assign));
        }
        fields.insert("Next".to_owned(), json!(catcher.target));
        self.state(&name, fields);
        name
    }

    /// The state that is gone to when not all of these are there.
    pub(super) fn check(
        &mut self,
        required: &[(String, String)],
        (pointer, list): (&str, &'static str),
        place: &Place,
        step: &str,
        then: &str,
    ) -> String {
        let role = match list {
            "inputMappings" => ("required", "required is missing"),
            "compensation" => ("to undo", "to undo is missing"),
            _ => ("to set", "to set is missing"),
        };
        let name = self.name(pointer, &place.path_of(step), role.0);
        let exist: Vec<String> = required
            .iter()
            .map(|(text, _)| format!("$exists({text})"))
            .collect();
        let targets: Vec<&str> = required.iter().map(|(_, target)| target.as_str()).collect();
        let message = format!("{list}: nothing to set at {}", targets.join(" or "));
        let code = crate::codes::failure::MAPPING_SOURCE_MISSING;
        let missing = self.fail(pointer, role.1, place, step, (code, &message));
        let fields = [
            ("Type", json!("Choice")),
            (
                "Choices",
                json!([{"Condition": signed(&exist.join(" and ")), "Next": then}]),
            ),
            ("Default", json!(missing)),
        ];
        self.state(&name, object(fields));
        name
    }

    /// What catches the failures of a step before all around it: its `onError` entries, and that
    /// it lets the workflow go on. The states of the entries are written after the step's own.
    pub(super) fn handlers(
        &mut self,
        step: &'a Step,
        pointer: &str,
        place: &Place,
        next: &Next,
        lets_go: bool,
    ) -> Handlers<'a> {
        let path = place.path_of(&step.name);
        let go_on: Vec<Catcher> = Vec::from_iter(lets_go.then(|| Catcher {
            codes: vec!["*".to_owned()],
            target: self.named(next, &place.scope, &path),
            error: None,
            sees_variables: true,
        }));
        let mut entries = Vec::new();
        let mut catchers = Vec::new();
        for (index, handler) in step.on_error.iter().enumerate() {
            let entry = Entry {
                handler,
                pointer: format!("{pointer}/onError/{index}"),
                error: self.variable("failure"),
                tries: (handler.then == Then::RetryStep).then(|| self.variable("tries")),
            };
            let role = match entry.tries {
                Some(_) => "again?",
                None => "handled",
            };
            catchers.push(Catcher {
                codes: handler.error_codes.clone(),
                target: self.name(&entry.pointer, &path, role),
                error: Some(entry.error.clone()),
                sees_variables: true,
            });
            entries.push(entry);
            if handler.error_codes.iter().any(|code| code == "*") {
                break;
            }
        }
        catchers.extend(go_on.iter().cloned());
        Handlers {
            step,
            entries,
            catchers,
            given_up: place.catching(go_on),
            around: place.clone(),
        }
    }

    /// Writes the states of the entries.
    pub(super) fn write_handlers(&mut self, handlers: Handlers<'a>, again: &str, next: &Next) {
        let Handlers {
            step,
            entries,
            given_up,
            around,
            ..
        } = handlers;
        for entry in entries {
            self.write_handler(step, &entry, (&given_up, &around), again, next);
        }
    }

    fn write_handler(
        &mut self,
        step: &'a Step,
        entry: &Entry<'a>,
        (given_up, around): (&Place, &Place),
        again: &str,
        next: &Next,
    ) {
        let path = around.path_of(&step.name);
        let mut inside = given_up.inside(&step.name);
        let error = format!("${}", entry.error);
        inside.names = inside.names.with("error", error);
        let after = match entry.handler.then {
            Then::Continue => next.clone(),
            Then::Fail => {
                Next::To(self.fail_with(&entry.pointer, around, &step.name, &entry.error))
            }
            Then::RetryStep => Next::To(again.to_owned()),
        };
        let steps = format!("{}/steps", entry.pointer);
        if let Some(tries) = &entry.tries {
            let name = self.name(&entry.pointer, &path, "again?");
            let first = self.block_entry(&entry.handler.steps, &steps, &inside, &after);
            let first = self.named(&first, &around.scope, &path);
            let given_up = self.fail_with(&entry.pointer, given_up, &step.name, &entry.error);
            let most = entry.handler.max_retries.unwrap_or(1);
            let assign = object([(tries, signed(&format!("${tries} + 1")))]);
            let fields = [
                ("Type", json!("Choice")),
                (
                    "Choices",
                    json!([{
                        "Condition": signed(&format!("${tries} < {most}")),
                        "Next": first,
                        "Assign": assign,
                    }]),
                ),
                ("Default", json!(given_up)),
            ];
            self.state(&name, object(fields));
        } else {
            let name = self.name(&entry.pointer, &path, "handled");
            let first = self.block_entry(&entry.handler.steps, &steps, &inside, &after);
            let mut fields = object([("Type", json!("Pass"))]);
            first.put(&mut fields);
            self.state(&name, fields);
        }
        self.block(&entry.handler.steps, &steps, &inside, &after);
    }
}

/// A Fail with the error in a variable. Inside a branch or an iteration whoever is around is told
/// all of it.
pub(super) fn failed(variable: &str, place: &Place) -> JsonObject {
    let cause = match place.is_inner {
        true => format!("$string(${variable})"),
        false => format!("${variable}.message"),
    };
    object([
        ("Type", json!("Fail")),
        ("Error", signed(&format!("${variable}.code"))),
        ("Cause", signed(&cause)),
    ])
}

/// What catches the failures of a step.
pub(super) struct Handlers<'a> {
    step: &'a Step,
    entries: Vec<Entry<'a>>,
    /// All that catches, the entries first.
    pub catchers: Vec<Catcher>,
    /// Where a failure goes that the entries do not hold.
    given_up: Place,
    /// Where the step stands.
    around: Place,
}

impl Handlers<'_> {
    /// The counts of entries that have the step begin anew.
    pub(super) fn tries(&self) -> Vec<&str> {
        let entries = self.entries.iter();
        entries.filter_map(|entry| entry.tries.as_deref()).collect()
    }
}

/// An `onError` entry.
struct Entry<'a> {
    handler: &'a ErrorHandler,
    pointer: String,
    /// The variable that holds the error.
    error: String,
    /// The variable that counts how often the step began anew.
    tries: Option<String>,
}
