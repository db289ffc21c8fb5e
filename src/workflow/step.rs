//! One step: its condition, its task's input, and what its success sets.
//!
//! Everything here is a function of the stored instance, so that what a step asked for can be
//! derived again after its effect was lost. Draws of expressions (`$random`, `$uuid`) come from
//! a seed of instance, version, path and field: the same decision made again draws the same.

use serde_json::{Value, json};

use crate::JsonObject;
use crate::codes::failure;
use crate::error_info::ErrorInfo;
use crate::task::creation::{self, NewTask, Overrides};
use crate::task::instance::{TaskContext, TaskInstance, VariablesSnapshot};
use crate::task::output::{check, check_size};
use crate::time::Timestamp;
use crate::workflow::compiled::CompiledStep;
use crate::workflow::decider::{self, Plan};
use crate::workflow::expression::{self, Expression, Scope};
use crate::workflow::instance::{FrontierEntry, WorkflowInstance};
use crate::workflow::mapping;

/// Characters of an expression that an error's details show.
const EXPRESSION_CHARS: usize = 500;

/// What beginning a step comes to.
#[derive(Debug)]
pub enum Begun {
    /// Its condition is not true.
    Skipped,
    /// Its task, to be stored and dispatched.
    Created(Box<TaskInstance>),
    /// It failed before its task could be created; the record says so.
    Refused {
        /// The record, FAILED, to be stored.
        task: Option<Box<TaskInstance>>,
        /// Why.
        error: Box<ErrorInfo>,
    },
}

/// Begins the step at a position. `since` is the version that the decision makes.
#[must_use]
pub fn begin(
    plan: &Plan,
    state: &WorkflowInstance,
    position: usize,
    since: u64,
    facts: decider::Facts,
) -> Begun {
    let compiled = &plan.workflow.steps[position];
    let name = &compiled.step.name;
    let draws = facts_of(state, since, name, "condition", facts.now);
    let context = context_of(state, name);
    match is_wanted(compiled, &scope_of(state, &context), &draws, facts.now) {
        Ok(false) => Begun::Skipped,
        Ok(true) => create(plan, state, compiled, since, facts),
        Err(error) => {
            let nothing = new_task(state, compiled, since, JsonObject::new(), None);
            refuse(plan, compiled, nothing, placed(error, state, name), facts)
        }
    }
}

/// The task of a step that was begun at the version `since`, derived again: its condition was
/// true then, and is not asked now. None when no definition is pinned for the step.
#[must_use]
pub fn begun_before(
    plan: &Plan,
    state: &WorkflowInstance,
    position: usize,
    since: u64,
    facts: decider::Facts,
) -> Option<Box<TaskInstance>> {
    let compiled = &plan.workflow.steps[position];
    match create(plan, state, compiled, since, facts) {
        Begun::Created(task) => Some(task),
        Begun::Refused { task, .. } => task,
        Begun::Skipped => None,
    }
}

/// The variables after the step's task gave its output.
///
/// # Errors
/// An expression failed, a required source is missing, or the variables outgrow their limit.
pub fn variables_after(
    plan: &Plan,
    state: &WorkflowInstance,
    position: usize,
    output: &Value,
    now: Timestamp,
) -> Result<JsonObject, Box<ErrorInfo>> {
    let compiled = &plan.workflow.steps[position];
    let name = &compiled.step.name;
    if compiled.step.variable_mappings.is_empty() {
        return Ok(state.variables.clone());
    }
    let facts = facts_of(state, state.version + 1, name, "variableMappings", now);
    let context = context_of(state, name);
    let scope = scope_of(state, &context).with("taskOutput", output);
    let variables = compiled
        .variables
        .variables(&state.variables, &scope, &facts)
        .map_err(|error| placed(mapping_error(&error, "variableMappings", now), state, name))?;
    check_size(&Value::Object(variables.clone()), now)?;
    Ok(variables)
}

/// The workflow's output, after its last step.
///
/// # Errors
/// The expression failed or gave nothing, or the output breaks `outputSchema`.
pub fn output(
    plan: &Plan,
    state: &WorkflowInstance,
    since: u64,
    now: Timestamp,
) -> Result<Value, Box<ErrorInfo>> {
    let output = match &plan.workflow.result {
        None => Value::Null,
        Some(expression) => {
            let facts = facts_of(state, since, "", "output", now);
            let context = context_of(state, "");
            let scope = scope_of(state, &context);
            evaluate(expression, "output", &scope, &facts, now)
                .and_then(|output| output.ok_or_else(|| nothing("output", now)))
                .map_err(|error| placed(error, state, ""))?
        }
    };
    check(&output, &plan.workflow.output, failure::INVALID_OUTPUT, now)?;
    Ok(output)
}

fn create(
    plan: &Plan,
    state: &WorkflowInstance,
    compiled: &CompiledStep,
    since: u64,
    facts: decider::Facts,
) -> Begun {
    let now = facts.now;
    let name = &compiled.step.name;
    let Some(task) = plan.tasks.get(name) else {
        let message = format!("no definition is pinned for step {name}");
        return Begun::Refused {
            task: None,
            error: Box::new(ErrorInfo::new(failure::EXECUTOR_NOT_FOUND, message, now)),
        };
    };
    let draws = |field| facts_of(state, since, name, field, now);
    let context = context_of(state, name);
    let scope = scope_of(state, &context);
    let (input, reference) = match prepare(compiled, &scope, draws, now) {
        Ok(prepared) => prepared,
        Err(error) => {
            let nothing = new_task(state, compiled, since, JsonObject::new(), None);
            return refuse(plan, compiled, nothing, placed(error, state, name), facts);
        }
    };
    let new = new_task(state, compiled, since, input, reference);
    match creation::create(task, new.clone(), now) {
        Ok(instance) => Begun::Created(Box::new(instance)),
        Err(error) => refuse(plan, compiled, new, error, facts),
    }
}

fn refuse(
    plan: &Plan,
    compiled: &CompiledStep,
    new: NewTask,
    error: Box<ErrorInfo>,
    facts: decider::Facts,
) -> Begun {
    let record = plan.tasks.get(&compiled.step.name).map(|task| {
        let refused = creation::refused(task, new, (*error).clone(), facts.now, facts.retention);
        Box::new(refused)
    });
    Begun::Refused {
        task: record,
        error,
    }
}

fn is_wanted(
    compiled: &CompiledStep,
    scope: &Scope<'_>,
    facts: &expression::Facts,
    now: Timestamp,
) -> Result<bool, Box<ErrorInfo>> {
    match &compiled.condition {
        None => Ok(true),
        Some(condition) => condition
            .is_true(scope, facts)
            .map_err(|error| expression_error(condition, &error, "condition", now)),
    }
}

/// The seed's `prepareTaskInput`, and the name for people.
fn prepare(
    compiled: &CompiledStep,
    scope: &Scope<'_>,
    draws: impl Fn(&'static str) -> expression::Facts,
    now: Timestamp,
) -> Result<(JsonObject, Option<String>), Box<ErrorInfo>> {
    let input = compiled
        .inputs
        .input(scope, &draws("inputMappings"))
        .map_err(|error| mapping_error(&error, "inputMappings", now))?;
    let reference = match &compiled.reference {
        None => None,
        Some(expression) => {
            let facts = draws("taskReference");
            match evaluate(expression, "taskReference", scope, &facts, now)? {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) => Some(text),
                Some(other) => Some(other.to_string()),
            }
        }
    };
    Ok((input, reference))
}

fn new_task(
    state: &WorkflowInstance,
    compiled: &CompiledStep,
    since: u64,
    input: JsonObject,
    reference: Option<String>,
) -> NewTask {
    let step = &compiled.step;
    let entry = FrontierEntry {
        path: step.name.clone(),
        iteration: 0,
        since,
        wake_at: None,
    };
    NewTask {
        id: state.task_id(&entry),
        input: Value::Object(input),
        priority: step.priority,
        task_reference: reference
            .map(|text| text.chars().take(crate::limits::REFERENCE_CHARS).collect()),
        workflow_definition_id: Some(state.workflow_definition_id.clone()),
        run: state.run,
        context: TaskContext {
            workflow_instance_id: Some(state.id),
            workflow_variables: VariablesSnapshot::Inline(state.variables.clone()),
            task_path: Some(entry.path),
            security_context: state.security_context.clone(),
            correlation_id: state.correlation_id.clone(),
        },
        overrides: Overrides {
            retry_policy: step.retry_policy.clone(),
            timeouts: step.step_timeouts(),
            continue_on_failure: step.continue_on_failure,
        },
        traceparent: state.traceparent.clone(),
        request_hash: None,
    }
}

fn evaluate(
    expression: &Expression,
    field: &str,
    scope: &Scope<'_>,
    facts: &expression::Facts,
    now: Timestamp,
) -> Result<Option<Value>, Box<ErrorInfo>> {
    expression
        .evaluate(scope, facts)
        .map_err(|error| expression_error(expression, &error, field, now))
}

/// What expressions of a step see.
fn scope_of<'a>(state: &'a WorkflowInstance, context: &'a Value) -> Scope<'a> {
    Scope::new()
        .with("workflowInput", &state.input)
        .with("workflowVariables", &state.variables)
        .with("context", context)
}

/// The `context` of a step's expressions.
fn context_of(state: &WorkflowInstance, path: &str) -> Value {
    json!({
        "workflowInstanceId": state.id,
        "workflowDefinitionId": state.workflow_definition_id,
        "tenantId": state.tenant_id,
        "correlationId": state.correlation_id,
        "createdBy": state.security_context.user_id,
        "startTime": state.start_time,
        "taskPath": path,
    })
}

/// The facts of one field's expressions: each field draws for itself.
fn facts_of(
    state: &WorkflowInstance,
    since: u64,
    path: &str,
    field: &str,
    now: Timestamp,
) -> expression::Facts {
    let id = state.id.uuid();
    let decision: [&[u8]; 5] = [
        id.as_bytes(),
        &state.run.to_be_bytes(),
        &since.to_be_bytes(),
        path.as_bytes(),
        field.as_bytes(),
    ];
    expression::Facts::new(now, &decision)
}

/// The error with the definition and the step that it is of.
fn placed(mut error: Box<ErrorInfo>, state: &WorkflowInstance, path: &str) -> Box<ErrorInfo> {
    let definition = format!(
        "{}@{}",
        state.workflow_definition_id, state.definition_version
    );
    error
        .details
        .insert("definition".to_owned(), definition.into());
    if !path.is_empty() {
        error.details.insert("taskPath".to_owned(), path.into());
    }
    error
}

fn expression_error(
    expression: &Expression,
    error: &expression::Error,
    field: &str,
    now: Timestamp,
) -> Box<ErrorInfo> {
    let mut details = JsonObject::from_iter([("field".to_owned(), field.into())]);
    add_expression(&mut details, expression.source(), error);
    let message = format!("{field}: {}", error.message);
    Box::new(ErrorInfo::new(failure::EXPRESSION_ERROR, message, now).with_details(details))
}

fn nothing(field: &str, now: Timestamp) -> Box<ErrorInfo> {
    let message = format!("{field} gives nothing");
    Box::new(ErrorInfo::new(failure::EXPRESSION_ERROR, message, now))
}

fn mapping_error(error: &mapping::Error, field: &str, now: Timestamp) -> Box<ErrorInfo> {
    let place = format!("{field}/{}", error.index());
    let mut details = JsonObject::from_iter([("field".to_owned(), place.into())]);
    if let mapping::Error::Expression {
        expression, source, ..
    } = error
    {
        add_expression(&mut details, expression, source);
    }
    let message = format!("{field}: {error}");
    Box::new(ErrorInfo::new(error.code(), message, now).with_details(details))
}

fn add_expression(details: &mut JsonObject, text: &str, error: &expression::Error) {
    let text: String = text.chars().take(EXPRESSION_CHARS).collect();
    details.insert("expression".to_owned(), text.into());
    if let Some(position) = error.position {
        details.insert("position".to_owned(), position.into());
    }
    if let Some(token) = &error.token {
        details.insert("token".to_owned(), token.clone().into());
    }
}

#[cfg(test)]
mod tests;
