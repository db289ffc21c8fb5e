//! The beginning and the end of a workflow: its variables, its output, and what is done after it
//! has failed.
//!
//! What would undo the completed steps is kept in a variable, the last one first; after a failure
//! each is undone by a Task of its own, and then the error handlers run.

use serde_json::{Value, json};

use super::data::literal;
use super::failing::failed;
use super::limits::seconds;
use super::machine::{Machine, Next, object, signed};
use super::names::Names;
use super::place::{Catcher, Place};
use super::text::quoted;
use crate::JsonObject;
use crate::problem::member;

impl Machine<'_> {
    /// Writes the whole.
    pub(super) fn write(&mut self) -> JsonObject {
        let workflow = self.workflow;
        let is_followed = self.undoes() || !workflow.error_handlers.is_empty();
        let variable = self.variable("workflowVariables");
        let mut place = self.root(&variable);
        let error = is_followed.then(|| self.variable("failure"));
        if let Some(error) = &error {
            place = place.catching(vec![Catcher {
                codes: vec!["*".to_owned()],
                target: self.name("/errorHandlers", "workflow", "failed"),
                error: Some(error.clone()),
                sees_variables: false,
            }]);
        }
        let output = Next::To(self.name("/output", "workflow", "output"));
        let begin = self.name("", "workflow", "begin");
        let first = self.block_entry(&workflow.steps, "/steps", &place, &output);
        self.begin(&begin, &variable, &first);
        self.block(&workflow.steps, "/steps", &place, &output);
        self.output(&place);
        if let Some(error) = error {
            self.follow(&error, place);
        }
        self.differ();
        self.top(&begin, is_followed)
    }

    /// The machine around its states.
    fn top(&mut self, begin: &str, is_followed: bool) -> JsonObject {
        let workflow = self.workflow;
        let mut machine = object([
            (
                "Comment",
                json!(format!(
                    "{} {}: {}",
                    workflow.id, workflow.version, workflow.name
                )),
            ),
            ("QueryLanguage", json!("JSONata")),
        ]);
        if let Some(timeout) = workflow.timeout {
            machine.insert("TimeoutSeconds".to_owned(), json!(seconds(timeout)));
            if is_followed {
                let message = "a state machine that runs into its limit is over: nothing is undone, and no error handler runs";
                self.refuse("/timeout", message);
            }
        }
        machine.insert("StartAt".to_owned(), json!(begin));
        machine.insert("States".to_owned(), Value::Object(self.close(begin)));
        machine
    }

    /// Whether a step has a compensation.
    fn undoes(&self) -> bool {
        let mut any = false;
        self.workflow.each_step(&mut |step| {
            any |= step.kind.compensation().is_some();
        });
        any
    }

    /// The place of the workflow's own steps, and what the names of every step stand for.
    fn root(&self, variable: &str) -> Place {
        let execution = "$states.context.Execution.Id".to_owned();
        let known = [
            ("workflowInstanceId", execution.clone()),
            ("workflowDefinitionId", quoted(self.workflow.id.as_str())),
            ("tenantId", quoted(&self.target.tenant)),
            ("correlationId", execution),
            ("createdBy", quoted(&self.target.user)),
            (
                "startTime",
                "$states.context.Execution.StartTime".to_owned(),
            ),
            ("taskPath", quoted("")),
        ];
        let members = known.iter();
        let members: Vec<String> = members
            .map(|(name, text)| format!("{}: {text}", quoted(name)))
            .collect();
        let context = format!("{{{}}}", members.join(", "));
        let variables = format!("${variable}");
        let names = Names::new()
            .with("workflowInput", "$workflowInput")
            .with("workflowVariables", variables.as_str())
            .with("context", context.as_str());
        let names = known.into_iter().fold(names, |names, (name, text)| {
            names.with_inner(&format!("context.{name}"), text)
        });
        Place::root(names, &context, &variables)
    }

    fn begin(&mut self, name: &str, variable: &str, first: &Next) {
        let variables = Value::Object(self.workflow.variables.clone());
        let variables = match has_signs(&variables) {
            false => variables,
            // What looks like an expression is one, unless it is a literal in one.
            true => signed(&literal(&variables).unwrap_or_else(|message| {
                self.refuse("/variables", message);
                String::new()
            })),
        };
        let mut assign = object([("workflowInput", signed("$states.input"))]);
        assign.insert(variable.to_owned(), variables);
        if self.undoes() {
            assign.insert("undo".to_owned(), json!([]));
        }
        let mut fields = object([
            ("Type", json!("Pass")),
            ("Assign", Value::Object(assign)),
            ("Output", signed("null")),
        ]);
        first.put(&mut fields);
        self.state(name, fields);
    }

    fn output(&mut self, place: &Place) {
        let output = self.workflow.output.as_deref();
        let names = place.names.clone();
        let written = output.and_then(|output| self.expression(output, &names, "/output"));
        let output = written.map_or_else(|| "null".to_owned(), |written| written.text);
        let name = self.name("/output", "workflow", "output");
        let fields = [
            ("Type", json!("Pass")),
            ("Output", signed(&output)),
            ("End", json!(true)),
        ];
        self.state(&name, object(fields));
    }

    /// Writes what is done after the workflow has failed.
    fn follow(&mut self, error: &str, mut place: Place) {
        place.catchers.clear();
        place.names = place.names.with("error", format!("${error}"));
        let name = self.name("/errorHandlers", "workflow", "failed");
        let end = self.name("/errorHandlers", "workflow", "end failed");
        let entries: Vec<String> = self.handler_entries(&place);
        let first = entries.first().unwrap_or(&end).clone();
        let undo = self.name("/errorHandlers", "workflow", "undo");
        let fields = [
            ("Type", json!("Pass")),
            ("Next", json!(if self.undoes() { &undo } else { &first })),
        ];
        self.state(&name, object(fields));
        if self.undoes() {
            self.undo_all(&undo, &first);
        }
        let workflow = self.workflow;
        for (index, handler) in workflow.error_handlers.iter().enumerate() {
            let next = entries.get(index + 1).unwrap_or(&end).clone();
            let pointer = member("/errorHandlers", index);
            let depends = handler.depends_on.is_some();
            let message = "error handlers run one after another there";
            self.refuse_field(depends, &pointer, "dependsOn", message);
            // One that fails does not stop the others.
            let place = place.catching(vec![Catcher {
                codes: vec!["*".to_owned()],
                target: next.clone(),
                error: None,
                sees_variables: true,
            }]);
            self.step(handler, &pointer, &place, &Next::To(next));
        }
        self.state(&end, failed(error, &place));
    }

    fn handler_entries(&mut self, place: &Place) -> Vec<String> {
        let handlers = self.workflow.error_handlers.iter().enumerate();
        handlers
            .map(|(index, handler)| {
                self.step_entry(handler, &member("/errorHandlers", index), place)
            })
            .collect()
    }

    /// Writes what undoes the steps that were noted, one after another.
    fn undo_all(&mut self, name: &str, then: &str) {
        let mut choices = Vec::new();
        for (pointer, path, undo) in std::mem::take(&mut self.undoing) {
            let task = self.name(&member(&pointer, "compensation"), &path, "");
            let condition = format!("$undo[0].step = {}", quoted(&pointer));
            choices.push(json!({"Condition": signed(&condition), "Next": task}));
            let rest = json!({"undo": signed("[$undo[[1..$count($undo)]]]")});
            let mut fields = self.undo(&pointer, undo);
            fields.insert("Assign".to_owned(), rest.clone());
            let catch = json!([{
                "ErrorEquals": ["States.ALL"],
                "Next": name,
                "Assign": rest,
            }]);
            fields.insert("Catch".to_owned(), catch);
            fields.insert("Next".to_owned(), json!(name));
            self.state(&task, fields);
        }
        let fields = [
            ("Type", json!("Choice")),
            ("Choices", json!(choices)),
            ("Default", json!(then)),
        ];
        self.state(name, object(fields));
    }

    /// Notes what is not quite the same of every workflow that says it.
    fn differ(&mut self) {
        let workflow = self.workflow;
        let schemas = [
            ("/inputSchema", &workflow.input_schema),
            ("/outputSchema", &workflow.output_schema),
        ];
        for (pointer, schema) in schemas {
            let accepts_all = *schema == json!(true) || *schema == json!({});
            if !accepts_all {
                self.differs(pointer, "a state machine checks no schema");
            }
        }
    }
}

/// Whether a text in a value would be taken for an expression.
fn has_signs(value: &Value) -> bool {
    match value {
        Value::String(text) => text.starts_with("{%"),
        Value::Array(items) => items.iter().any(has_signs),
        Value::Object(members) => members.values().any(has_signs),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
