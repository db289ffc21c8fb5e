//! Steps that have others do something: TASK and SUB_WORKFLOW, and what undoes them.

use serde_json::{Value, json};

use super::data::Onto;
use super::failing::Origin;
use super::limits::{faults, retriers, retries, time_limits};
use super::machine::{Machine, Next, object, signed};
use super::parallel::variable;
use super::place::Place;
use crate::JsonObject;
use crate::problem::member;
use crate::task::TaskDefinition;
use crate::task::instance::TaskPriority;
use crate::task::retry::RetryPolicy;
use crate::task::timeouts::StepTimeouts;
use crate::workflow::definition::{
    Compensation, Mapping, OnParentClose, Step, SubWorkflowStep, TaskStep,
};

/// The integration that invokes a function and waits until the token is answered.
const INVOKE: &str = "arn:aws:states:::lambda:invoke.waitForTaskToken";
/// The one that runs a state machine, and gives its output as JSON.
const RUN: &str = "arn:aws:states:::states:startExecution.sync:2";

impl<'a> Machine<'a> {
    /// The definition of the task that a step runs, if it is known.
    pub(super) fn definition(&self, task: &TaskStep) -> Option<&'a TaskDefinition> {
        let version = task.task_version.as_ref();
        self.tasks.highest(&task.task_definition_id, version)
    }

    pub(super) fn task(
        &mut self,
        step: &'a Step,
        task: &'a TaskStep,
        pointer: &str,
        place: &Place,
        next: &Next,
    ) {
        let message =
            "who may do the task is the task definition's to say: create-task takes no assignment";
        self.refuse_field(task.assignment.is_some(), pointer, "assignment", message);
        let input = self.input(step, &task.input_mappings, pointer, place);
        let mut request = request(&task.task_definition_id, task.task_version.as_ref(), &input);
        if task.priority != TaskPriority::default() {
            request.insert("priority".to_owned(), json!(task.priority));
        }
        if let Some(reference) = &task.task_reference {
            let at = member(pointer, "taskReference");
            let names = place.names_of(&step.name);
            let written = self.expression(reference, &names, &at);
            let text = written.map(|written| written.text).unwrap_or_default();
            let text = format!(
                "($given := ({text}); $exists($given) and $given != null and $given != '' ? $substring($string($given), 0, 256) : null)"
            );
            request.insert("taskReference".to_owned(), signed(&text));
        }
        let mut fields = self.invocation(request);
        let definition = self.definition(task);
        let is_retried = task.retry_policy.as_ref().is_some_and(retries);
        let (limits, wrong) = time_limits(task.step_timeouts(), is_retried, definition);
        self.refuse_fields(pointer, &wrong);
        fields.extend(limits);
        self.retry(task.retry_policy.as_ref(), definition, pointer, &mut fields);
        if let Some(catch) = self.catch(Origin::Task, place, &step.name) {
            fields.insert("Catch".to_owned(), catch);
        }
        let undo = task.compensation.as_ref();
        self.finish(step, undo, (pointer, "$states.result"), place, next, fields);
    }

    pub(super) fn child(
        &mut self,
        step: &'a Step,
        child: &'a SubWorkflowStep,
        pointer: &str,
        place: &Place,
        next: &Next,
    ) {
        let abandons = child.on_parent_close == OnParentClose::Abandon;
        let message = "a state machine that is waited for is stopped with the one that waits";
        self.refuse_field(abandons, pointer, "onParentClose", message);
        let is_retried = child.retry_policy.as_ref().is_some_and(retries);
        let message = "a Retry does not see the code that a state machine has failed with";
        self.refuse_field(is_retried, pointer, "retryPolicy", message);
        let input = self.input(step, &child.input_mappings, pointer, place);
        let machine = self.target.machine(&child.workflow_definition_id);
        let mut fields = object([
            ("Type", json!("Task")),
            ("Resource", json!(RUN)),
            (
                "Arguments",
                json!({"StateMachineArn": machine, "Input": signed(&input)}),
            ),
        ]);
        let catch = self.catch_child(pointer, place, &step.name);
        fields.insert("Catch".to_owned(), catch);
        let undo = child.compensation.as_ref();
        let output = "$states.result.Output";
        self.finish(step, undo, (pointer, output), place, next, fields);
    }

    /// The input that a step gives; what must be there is asked before the step's state.
    fn input(&mut self, step: &Step, mappings: &[Mapping], pointer: &str, place: &Place) -> String {
        let list = member(pointer, "inputMappings");
        let names = place.names_of(&step.name);
        let data = self.data(mappings, &list, "workflowVariables", &names, Onto::Nothing);
        if !data.required.is_empty() {
            let then = self.name(pointer, &place.path_of(&step.name), "");
            let list = (pointer, "inputMappings");
            self.check(&data.required, list, place, &step.name, &then);
        }
        data.text
    }

    /// The state that has a task created and waits for its end.
    fn invocation(&self, request: JsonObject) -> JsonObject {
        let target = self.target;
        let mut payload = object([
            ("tenantId", json!(target.tenant)),
            ("userId", json!(target.user)),
        ]);
        if !target.roles.is_empty() {
            payload.insert("roles".to_owned(), json!(target.roles));
        }
        if !target.permissions.is_empty() {
            payload.insert("permissions".to_owned(), json!(target.permissions));
        }
        payload.insert("createTask".to_owned(), Value::Object(request));
        object([
            ("Type", json!("Task")),
            ("Resource", json!(INVOKE)),
            (
                "Arguments",
                json!({"FunctionName": target.function, "Payload": payload}),
            ),
        ])
    }

    /// A step's policy as `Retry`; that of the task itself is Taskmill's to keep.
    fn retry(
        &mut self,
        policy: Option<&RetryPolicy>,
        definition: Option<&TaskDefinition>,
        pointer: &str,
        fields: &mut JsonObject,
    ) {
        let own = definition.and_then(|definition| definition.retry_policy.as_ref());
        if own.is_some_and(retries) && policy.is_some() {
            let message =
                "the task definition's own policy would hold beside it, and not be replaced";
            self.refuse(&member(pointer, "retryPolicy"), message);
        }
        let mut all = vec![faults()];
        all.extend(policy.map(retriers).unwrap_or_default());
        fields.insert("Retry".to_owned(), json!(all));
    }

    /// What follows the state of a step that was asked of others: what it sets, and what would
    /// undo it.
    fn finish(
        &mut self,
        step: &'a Step,
        undo: Option<&'a Compensation>,
        (pointer, output): (&str, &str),
        place: &Place,
        next: &Next,
        mut fields: JsonObject,
    ) {
        fields.insert("Output".to_owned(), signed(output));
        let path = place.path_of(&step.name);
        let next = match undo {
            None => next.clone(),
            Some(undo) => Next::To(self.note_undoing(step, undo, pointer, place, next)),
        };
        let requires = step.variable_mappings.iter().any(Mapping::is_required);
        let next = match requires {
            // What is missing is asked first, on the output as it is handed on.
            true => self.then_set(step, pointer, place, "$states.input", &next),
            false => {
                if !step.variable_mappings.is_empty() {
                    let data = self.step_data(step, pointer, place, output);
                    let assign = json!({variable(place): signed(&data.text)});
                    fields.insert("Assign".to_owned(), assign);
                }
                next
            }
        };
        next.put(&mut fields);
        let name = self.name(pointer, &path, "");
        self.state(&name, fields);
    }

    /// Writes the state that notes what would undo a step: its input sees what the step has set.
    fn note_undoing(
        &mut self,
        step: &'a Step,
        undo: &'a Compensation,
        pointer: &str,
        place: &Place,
        next: &Next,
    ) -> String {
        let at = member(pointer, "compensation");
        if place.is_inner {
            let message = "a branch or an iteration cannot note what would undo it: the variables around it are not its own";
            self.refuse(&at, message);
        }
        let path = place.path_of(&step.name);
        let names = place
            .names_of(&step.name)
            .with("taskOutput", "$states.input");
        let list = member(&at, "inputMappings");
        let mappings = &undo.input_mappings;
        let data = self.data(mappings, &list, "workflowVariables", &names, Onto::Nothing);
        let note = format!(
            "$append([{{'step': {}, 'input': {}}}], $undo)",
            super::text::quoted(pointer),
            data.text
        );
        let name = self.name(&at, &path, "note");
        let mut fields = object([
            ("Type", json!("Pass")),
            ("Assign", json!({"undo": signed(&note)})),
        ]);
        next.put(&mut fields);
        self.state(&name, fields);
        let undone = place.inside(&step.name).path_of("compensation");
        self.undoing.push((pointer.to_owned(), undone, undo));
        match data.required.is_empty() {
            true => name,
            false => {
                let list = (pointer, "compensation");
                self.check(&data.required, list, place, &step.name, &name)
            }
        }
    }

    /// The state of a compensation, whose input was noted.
    pub(super) fn undo(&mut self, pointer: &str, undo: &'a Compensation) -> JsonObject {
        let version = undo.task_version.as_ref();
        let input = "$undo[0].input";
        let request = request(&undo.task_definition_id, version, input);
        let mut fields = self.invocation(request);
        let definition = self.tasks.highest(&undo.task_definition_id, version);
        let limits = StepTimeouts {
            timeout: undo.timeout,
            timeouts: None,
        };
        let is_retried = undo.retry_policy.as_ref().is_some_and(retries);
        let (limits, wrong) = time_limits(limits, is_retried, definition);
        let at = member(pointer, "compensation");
        self.refuse_fields(&at, &wrong);
        fields.extend(limits);
        self.retry(undo.retry_policy.as_ref(), definition, &at, &mut fields);
        fields
    }
}

fn request(
    id: &crate::ids::DefinitionId,
    version: Option<&semver::VersionReq>,
    input: &str,
) -> JsonObject {
    let mut request = object([("taskDefinitionId", json!(id))]);
    if let Some(version) = version {
        request.insert("taskVersion".to_owned(), json!(version));
    }
    request.insert("input".to_owned(), signed(input));
    let execution = signed("$states.context.Execution.Id");
    request.insert("correlationId".to_owned(), execution);
    let token = signed("$states.context.Task.Token");
    request.insert("taskToken".to_owned(), token);
    request
}
