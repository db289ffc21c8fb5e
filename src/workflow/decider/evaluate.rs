//! The expressions of a step: what they see, what they draw, and their errors.
//!
//! Draws of expressions (`$random`, `$uuid`) come from a seed of instance, version, path and
//! field: the same decision made again draws the same.

use serde_json::{Value, json};

use super::Fold;
use super::place::Lexical;
use crate::JsonObject;
use crate::codes::failure;
use crate::error_info::ErrorInfo;
use crate::ids::WorkflowId;
use crate::task::output::{check, check_size};
use crate::time::Timestamp;
use crate::workflow::expression::{self, Expression, Scope};
use crate::workflow::instance::WorkflowInstance;
use crate::workflow::mapping::{self, Mappings};

/// Characters of an expression that an error's details show.
const EXPRESSION_CHARS: usize = 500;

/// One step's expressions, at one decision.
pub(super) struct Evaluation<'s> {
    state: &'s WorkflowInstance,
    path: &'s str,
    lexical: &'s Lexical,
    context: Value,
    since: u64,
    now: Timestamp,
}

pub(super) type Failed = Box<ErrorInfo>;

impl<'s> Evaluation<'s> {
    /// The expressions of the step at a path, in the decision that makes the version `since`.
    pub(super) fn new(
        state: &'s WorkflowInstance,
        workflow_id: WorkflowId,
        path: &'s str,
        lexical: &'s Lexical,
        since: u64,
        now: Timestamp,
    ) -> Self {
        Self {
            context: context_of(state, workflow_id, path),
            state,
            path,
            lexical,
            since,
            now,
        }
    }

    fn scope<'a>(&'a self, task_output: Option<&'a Value>) -> Scope<'a> {
        let mut scope = Scope::new()
            .with("workflowInput", &*self.state.input)
            .with("workflowVariables", &self.state.variables)
            .with("context", &self.context);
        let lexical = [
            ("item", self.lexical.item.as_ref()),
            ("index", self.lexical.index.as_ref()),
            ("outer", self.lexical.outer.as_ref()),
            ("error", self.lexical.error.as_ref()),
            ("taskOutput", task_output),
        ];
        for (name, value) in lexical {
            if let Some(value) = value {
                scope = scope.with(name, value);
            }
        }
        scope
    }

    /// The facts of one field's expressions: each field draws for itself.
    fn facts(&self, field: &str) -> expression::Facts {
        let id = self.state.id.uuid();
        let decision: [&[u8]; 5] = [
            id.as_bytes(),
            &self.state.run.to_be_bytes(),
            &self.since.to_be_bytes(),
            self.path.as_bytes(),
            field.as_bytes(),
        ];
        expression::Facts::new(self.now, &decision)
    }

    /// Whether a condition is true.
    pub(super) fn is_true(&self, expression: &Expression, field: &str) -> Result<bool, Failed> {
        expression
            .is_true(&self.scope(None), &self.facts(field))
            .map_err(|error| self.expression_error(expression, &error, field))
    }

    /// What an expression gives, if anything.
    pub(super) fn value(
        &self,
        expression: &Expression,
        field: &str,
        task_output: Option<&Value>,
    ) -> Result<Option<Value>, Failed> {
        expression
            .evaluate(&self.scope(task_output), &self.facts(field))
            .map_err(|error| self.expression_error(expression, &error, field))
    }

    /// What an expression gives, which must be something.
    pub(super) fn something(&self, expression: &Expression, field: &str) -> Result<Value, Failed> {
        self.value(expression, field, None)?
            .ok_or_else(|| self.wrong(field, "gives nothing"))
    }

    /// A task's or a child's input: the seed's `prepareTaskInput`.
    pub(super) fn input(
        &self,
        mappings: &Mappings,
        task_output: Option<&Value>,
    ) -> Result<Value, Failed> {
        mappings
            .input(&self.scope(task_output), &self.facts("inputMappings"))
            .map(Value::Object)
            .map_err(|error| self.mapping_error(&error, "inputMappings"))
    }

    /// The variables after a step gave its output.
    pub(super) fn variables(
        &self,
        mappings: &Mappings,
        task_output: &Value,
    ) -> Result<JsonObject, Failed> {
        let scope = self.scope(Some(task_output));
        self.set(mappings, |mappings, facts| {
            mappings.variables(&self.state.variables, &scope, facts)
        })
    }

    /// The variables after a SET step.
    pub(super) fn variables_set(&self, mappings: &Mappings) -> Result<JsonObject, Failed> {
        let scope = self.scope(None);
        self.set(mappings, |mappings, facts| {
            mappings.set(&self.state.variables, &scope, facts)
        })
    }

    fn set(
        &self,
        mappings: &Mappings,
        map: impl FnOnce(&Mappings, &expression::Facts) -> Result<JsonObject, mapping::Error>,
    ) -> Result<JsonObject, Failed> {
        let field = "variableMappings";
        let variables =
            map(mappings, &self.facts(field)).map_err(|error| self.mapping_error(&error, field))?;
        let variables = Value::Object(variables);
        check_size(&variables, self.now)?;
        match variables {
            Value::Object(variables) => Ok(variables),
            _ => unreachable!("it was made of an object"),
        }
    }

    /// The error of a field that gives nothing, or the wrong thing.
    pub(super) fn wrong(&self, field: &str, what: &str) -> Failed {
        let details = JsonObject::from_iter([("field".to_owned(), field.into())]);
        let message = format!("{field}: {what}");
        let error = ErrorInfo::new(failure::EXPRESSION_ERROR, message, self.now);
        self.placed(error.with_details(details))
    }

    fn expression_error(
        &self,
        expression: &Expression,
        error: &expression::Error,
        field: &str,
    ) -> Failed {
        let mut details = JsonObject::from_iter([("field".to_owned(), field.into())]);
        add_expression(&mut details, expression.source(), error);
        let message = format!("{field}: {}", error.message);
        let info = ErrorInfo::new(failure::EXPRESSION_ERROR, message, self.now);
        self.placed(info.with_details(details))
    }

    fn mapping_error(&self, error: &mapping::Error, field: &str) -> Failed {
        let place = format!("{field}/{}", error.index());
        let mut details = JsonObject::from_iter([("field".to_owned(), place.into())]);
        if let mapping::Error::Expression {
            expression, source, ..
        } = error
        {
            add_expression(&mut details, expression, source);
        }
        let message = format!("{field}: {error}");
        let info = ErrorInfo::new(error.code(), message, self.now);
        self.placed(info.with_details(details))
    }

    /// The error with the definition and the step that it is of.
    fn placed(&self, mut error: ErrorInfo) -> Failed {
        let state = self.state;
        let definition = format!(
            "{}@{}",
            state.workflow_definition_id, state.definition_version
        );
        let details = &mut error.details;
        details.insert("definition".to_owned(), definition.into());
        if !self.path.is_empty() {
            details.insert("taskPath".to_owned(), self.path.into());
        }
        Box::new(error)
    }
}

impl Fold<'_> {
    /// The workflow's output, after its last step.
    pub(super) fn output(&self) -> Result<Value, Failed> {
        let lexical = Lexical::default();
        let evaluation = Evaluation::new(
            &self.state,
            self.workflow_id,
            "",
            &lexical,
            self.since(),
            self.facts.now,
        );
        let output = match &self.plan.workflow.result {
            None => Value::Null,
            Some(expression) => evaluation.something(expression, "output")?,
        };
        self.checked_output(output)
    }

    /// An output of the workflow, if it meets `outputSchema`.
    pub(super) fn checked_output(&self, output: Value) -> Result<Value, Failed> {
        let schema = &self.plan.workflow.output;
        check(&output, schema, failure::INVALID_OUTPUT, self.facts.now)?;
        Ok(output)
    }
}

/// The `context` of a step's expressions.
fn context_of(state: &WorkflowInstance, workflow_id: WorkflowId, path: &str) -> Value {
    json!({
        "workflowInstanceId": workflow_id,
        "workflowDefinitionId": state.workflow_definition_id,
        "tenantId": state.tenant_id,
        "correlationId": state.correlation_id,
        "createdBy": state.security_context.user_id,
        "startTime": state.start_time,
        "taskPath": path,
    })
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
