//! A task definition made ready to be used: its schemas and expressions compiled, once.

use crate::schema::{BadSchema, Schema};
use crate::task::definition::TaskDefinition;
use crate::workflow::expression::{Expression, ParseError};

/// A registered definition, compiled. Shared and cached: a registered version never changes.
#[derive(Debug)]
pub struct CompiledTask {
    /// The definition.
    pub definition: TaskDefinition,
    /// Its `inputSchema`.
    pub input: Schema,
    /// Its `outputSchema`.
    pub output: Schema,
    /// The body that its `http:` executor sends, over `input` and `context`.
    pub request_body: Option<Expression>,
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
}

impl CompiledTask {
    /// Compiles a definition.
    ///
    /// # Errors
    /// A schema or an expression does not compile, which registration refuses.
    pub fn new(definition: TaskDefinition) -> Result<Self, Error> {
        let request_body = definition
            .execution_config
            .request
            .as_ref()
            .and_then(|request| request.body.as_deref())
            .map(Expression::parse)
            .transpose()?;
        Ok(Self {
            input: Schema::compile(&definition.input_schema)?,
            output: Schema::compile(&definition.output_schema)?,
            request_body,
            definition,
        })
    }
}
