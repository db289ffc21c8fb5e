//! A workflow definition made ready to be run: its schemas, expressions and mappings compiled,
//! once.

use crate::schema::{BadSchema, Schema};
use crate::workflow::definition::{Step, WorkflowDefinition};
use crate::workflow::expression::{Expression, ParseError};
use crate::workflow::mapping::{self, Mappings};

/// A registered definition, compiled. Shared and cached: a registered version never changes.
#[derive(Debug)]
pub struct CompiledWorkflow {
    /// The definition.
    pub definition: WorkflowDefinition,
    /// Its `inputSchema`.
    pub input: Schema,
    /// Its `outputSchema`.
    pub output: Schema,
    /// Its `output`.
    pub result: Option<Expression>,
    /// Its steps, in order.
    pub steps: Vec<CompiledStep>,
}

/// A step, compiled.
#[derive(Debug)]
pub struct CompiledStep {
    /// The step.
    pub step: Step,
    /// Its `condition`.
    pub condition: Option<Expression>,
    /// Its `inputMappings`.
    pub inputs: Mappings,
    /// Its `variableMappings`.
    pub variables: Mappings,
    /// Its `taskReference`.
    pub reference: Option<Expression>,
}

/// A stored definition that does not compile: it cannot have been registered by this version.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A schema.
    #[error("a schema does not compile")]
    Schema(#[from] BadSchema),
    /// An expression.
    #[error("an expression does not parse")]
    Expression(#[from] ParseError),
    /// A mapping.
    #[error("a mapping does not compile")]
    Mapping(#[from] mapping::Problem),
}

impl CompiledWorkflow {
    /// Compiles a definition.
    ///
    /// # Errors
    /// A schema or an expression does not compile, which registration refuses.
    pub fn new(definition: WorkflowDefinition) -> Result<Self, Error> {
        let steps = definition
            .steps
            .iter()
            .map(CompiledStep::new)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            input: Schema::compile(&definition.input_schema)?,
            output: Schema::compile(&definition.output_schema)?,
            result: parse(definition.output.as_deref())?,
            steps,
            definition,
        })
    }

    /// The place of a step in the order, by its path.
    #[must_use]
    pub fn position(&self, path: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.step.name == path)
    }
}

impl CompiledStep {
    fn new(step: &Step) -> Result<Self, Error> {
        Ok(Self {
            condition: parse(step.condition.as_deref())?,
            inputs: Mappings::compile(&step.input_mappings).map_err(first)?,
            variables: Mappings::compile(&step.variable_mappings).map_err(first)?,
            reference: parse(step.task_reference.as_deref())?,
            step: step.clone(),
        })
    }
}

fn parse(source: Option<&str>) -> Result<Option<Expression>, ParseError> {
    source.map(Expression::parse).transpose()
}

/// Registration reports all errors with their places; here the first will do.
fn first(errors: Vec<(String, mapping::Problem)>) -> mapping::Problem {
    errors
        .into_iter()
        .next()
        .map(|(_, error)| error)
        .expect("a list of mappings that does not compile has an error")
}
