//! One step: its condition, its work, what it sets, and what handles its failure.

use serde_json::json;

use super::machine::{Machine, Next, object, signed};
use super::parallel::variable;
use super::place::{Catcher, Place};
use crate::JsonObject;
use crate::codes::failure;
use crate::duration;
use crate::problem::member;
use crate::workflow::definition::{
    EndStatus, Mapping, Step, StepKind, TerminateStep, Then, WaitDuration, WaitStep,
};

/// Why a failure of some states cannot be handled.
const UNCATCHABLE: &str =
    "only a Task, a Parallel and a Map can be caught, and this step becomes none of them";

impl<'a> Machine<'a> {
    /// The name of the first state of a step.
    pub(super) fn step_entry(&mut self, step: &Step, pointer: &str, place: &Place) -> String {
        match step.condition {
            Some(_) => self.name(pointer, &place.path_of(&step.name), "condition"),
            None => self.begin_entry(step, pointer, place),
        }
    }

    fn begin_entry(&mut self, step: &Step, pointer: &str, place: &Place) -> String {
        let counts = step
            .on_error
            .iter()
            .any(|handler| handler.then == Then::RetryStep);
        match counts {
            true => self.name(pointer, &place.path_of(&step.name), "begin"),
            false => self.work_entry(step, pointer, place),
        }
    }

    /// The name of the first state of a step's own work.
    fn work_entry(&mut self, step: &Step, pointer: &str, place: &Place) -> String {
        let requires = |mappings: &[Mapping]| mappings.iter().any(Mapping::is_required);
        let role = match &step.kind {
            StepKind::Task(task) if requires(&task.input_mappings) => "required",
            StepKind::SubWorkflow(child) if requires(&child.input_mappings) => "required",
            StepKind::Task(_)
            | StepKind::SubWorkflow(_)
            | StepKind::Parallel(_)
            | StepKind::Map(_)
            | StepKind::Switch(_)
            | StepKind::Loop(_)
            | StepKind::Wait(_)
            | StepKind::Signal(_)
            | StepKind::Set(_)
            | StepKind::Terminate(_) => "",
        };
        self.name(pointer, &place.path_of(&step.name), role)
    }

    /// Writes the states of a step.
    pub(super) fn step(&mut self, step: &'a Step, pointer: &str, place: &Place, next: &Next) {
        let begin = self.begin_entry(step, pointer, place);
        self.asked(step, pointer, place, &begin, next);
        let lets_go = self.lets_go(step);
        let is_caught = match &step.kind {
            StepKind::Task(_)
            | StepKind::SubWorkflow(_)
            | StepKind::Parallel(_)
            | StepKind::Map(_)
            | StepKind::Switch(_)
            | StepKind::Loop(_) => true,
            StepKind::Wait(_) | StepKind::Signal(_) | StepKind::Set(_) | StepKind::Terminate(_) => {
                false
            }
        };
        if !is_caught {
            self.refuse_field(!step.on_error.is_empty(), pointer, "onError", UNCATCHABLE);
            self.refuse_field(lets_go, pointer, "continueOnFailure", UNCATCHABLE);
            self.work(step, pointer, place, next);
            return;
        }
        let handlers = self.handlers(step, pointer, place, next, lets_go);
        let work = self.work_entry(step, pointer, place);
        let tries: JsonObject = handlers
            .tries()
            .into_iter()
            .map(|tries| (tries.to_owned(), json!(0)))
            .collect();
        if !tries.is_empty() {
            let fields = [
                ("Type", json!("Pass")),
                ("Assign", json!(tries)),
                ("Next", json!(work)),
            ];
            self.state(&begin, object(fields));
        }
        let inside = place.catching(handlers.catchers.clone());
        self.work(step, pointer, &inside, next);
        self.write_handlers(handlers, &work, next);
    }

    /// Writes the question whether a step is wanted.
    fn asked(&mut self, step: &Step, pointer: &str, place: &Place, begin: &str, next: &Next) {
        let Some(condition) = &step.condition else {
            return;
        };
        let path = place.path_of(&step.name);
        let at = member(pointer, "condition");
        let condition = self.condition(condition, &place.names_of(&step.name), &at);
        let name = self.name(pointer, &path, "condition");
        let skipped = self.named(next, &place.scope, &path);
        let fields = [
            ("Type", json!("Choice")),
            (
                "Choices",
                json!([{"Condition": signed(&condition), "Next": begin}]),
            ),
            ("Default", json!(skipped)),
        ];
        self.state(&name, object(fields));
    }

    /// Whether a failure of the step lets the workflow go on.
    fn lets_go(&self, step: &Step) -> bool {
        let of_definition = match &step.kind {
            StepKind::Task(task) => self
                .definition(task)
                .is_some_and(|definition| definition.continue_on_failure),
            _ => false,
        };
        step.continue_on_failure.unwrap_or(of_definition)
    }

    fn work(&mut self, step: &'a Step, pointer: &str, place: &Place, next: &Next) {
        match &step.kind {
            StepKind::Task(task) => self.task(step, task, pointer, place, next),
            StepKind::SubWorkflow(child) => self.child(step, child, pointer, place, next),
            StepKind::Parallel(parallel) => self.parallel(step, parallel, pointer, place, next),
            StepKind::Map(map) => self.map(step, map, pointer, place, next),
            StepKind::Switch(switch) => self.switch(step, switch, pointer, place, next),
            StepKind::Loop(repeat) => self.repeat(step, repeat, pointer, place, next),
            StepKind::Wait(wait) => self.wait(step, wait, pointer, place, next),
            StepKind::Set(_) => self.set(step, pointer, place, next),
            StepKind::Terminate(end) => self.terminate(step, end, pointer, place),
            StepKind::Signal(_) => self.refuse(
                pointer,
                "a state machine has no signals: it could wait for a task that a person does",
            ),
        }
    }

    fn wait(&mut self, step: &'a Step, wait: &WaitStep, pointer: &str, place: &Place, next: &Next) {
        let names = place.names_of(&step.name);
        let mut fields = object([("Type", json!("Wait"))]);
        let of_millis = |millis: u64| json!(super::limits::seconds(millis));
        let (field, time) = match (&wait.duration, &wait.until) {
            (Some(WaitDuration::Millis(millis)), _) => ("Seconds", of_millis(*millis)),
            (Some(WaitDuration::Text(text)), _) if duration::looks_like_one(text) => {
                let millis = duration::millis(text).unwrap_or_default();
                ("Seconds", of_millis(millis))
            }
            (Some(WaitDuration::Text(text)), _) => {
                let written = self.expression(text, &names, &member(pointer, "duration"));
                let text = written.map(|written| written.text).unwrap_or_default();
                let text = format!(
                    "($given := ({text}); $type($given) = 'number' ? $max([0, $ceil($given / 1000)]) : $error('duration gives no number of milliseconds'))"
                );
                ("Seconds", signed(&text))
            }
            (None, Some(text)) if duration::time(text).is_some() => ("Timestamp", json!(text)),
            (None, until) => {
                let text = until.as_deref().unwrap_or_default();
                let written = self.expression(text, &names, &member(pointer, "until"));
                let text = written.map(|written| written.text).unwrap_or_default();
                ("Timestamp", signed(&text))
            }
        };
        fields.insert(field.to_owned(), time);
        fields.insert("Output".to_owned(), signed("null"));
        let name = self.name(pointer, &place.path_of(&step.name), "");
        let next = self.then_set(step, pointer, place, "$states.input", next);
        next.put(&mut fields);
        self.state(&name, fields);
    }

    /// What follows a step whose output is handed on: the state that sets its variables.
    pub(super) fn then_set(
        &mut self,
        step: &'a Step,
        pointer: &str,
        place: &Place,
        output: &str,
        next: &Next,
    ) -> Next {
        if step.variable_mappings.is_empty() {
            return next.clone();
        }
        self.set_state(step, pointer, place, output, next);
        Next::To(self.name(pointer, &place.path_of(&step.name), "set"))
    }

    fn set(&mut self, step: &'a Step, pointer: &str, place: &Place, next: &Next) {
        let names = place.names_of(&step.name);
        let list = member(pointer, "variableMappings");
        let onto = super::data::Onto::Object(&place.variables);
        let mappings = &step.variable_mappings;
        let data = self.data(mappings, &list, "workflowVariables", &names, onto);
        let path = place.path_of(&step.name);
        let name = self.name(pointer, &path, "");
        let mut fields = object([
            ("Type", json!("Pass")),
            ("Assign", json!({variable(place): signed(&data.text)})),
            ("Output", signed("null")),
        ]);
        next.put(&mut fields);
        if data.required.is_empty() {
            self.state(&name, fields);
            return;
        }
        let then = self.name(pointer, &path, "set all");
        self.state(&then, fields);
        let list = (pointer, "variableMappings");
        let check = self.check(&data.required, list, place, &step.name, &then);
        let fields = [("Type", json!("Pass")), ("Next", json!(check))];
        self.state(&name, object(fields));
    }

    fn terminate(&mut self, step: &'a Step, end: &TerminateStep, pointer: &str, place: &Place) {
        match end.status {
            EndStatus::Completed => self.complete(step, end, pointer, place),
            EndStatus::Failed => self.end_failed(step, end, pointer, place),
        }
    }

    fn complete(&mut self, step: &Step, end: &TerminateStep, pointer: &str, place: &Place) {
        if place.is_inner {
            let message = "inside a branch or an iteration it would end nothing but that";
            self.refuse(pointer, message);
        }
        let at = member(pointer, "output");
        let output = end.output.as_deref();
        let written =
            output.and_then(|output| self.expression(output, &place.names_of(&step.name), &at));
        let output = written.map_or_else(|| "null".to_owned(), |written| written.text);
        let name = self.name(pointer, &place.path_of(&step.name), "");
        let fields = [
            ("Type", json!("Pass")),
            ("Output", signed(&output)),
            ("End", json!(true)),
        ];
        self.state(&name, object(fields));
    }

    /// Nothing catches the end of a workflow: only what is done after it follows.
    fn end_failed(&mut self, step: &Step, end: &TerminateStep, pointer: &str, place: &Place) {
        if place.is_inner && place.is_handled {
            let message = "inside a branch or an iteration whose failure is handled it would be handled as well";
            self.refuse(pointer, message);
        }
        let mut after = place.clone();
        after.catchers.retain(|catcher| catcher.is_last());
        let error = end.error.as_ref();
        let error = error.map_or(
            (failure::TERMINATED, "the workflow ended itself"),
            |error| (error.code.as_str(), error.message.as_str()),
        );
        self.fail(pointer, "", &after, &step.name, error);
    }
}

impl Catcher {
    /// Whether it is of what is done after the workflow has failed.
    fn is_last(&self) -> bool {
        !self.sees_variables
    }
}
