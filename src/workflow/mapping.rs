//! Mappings: how a task's input is made of a workflow's data, and what its output sets.
//!
//! Compiled once a definition, evaluated by the decider. A DIRECT mapping hands on a value as it
//! is, 64-bit integers included. All mappings of a step see the variables from before it.

use serde_json::Value;

use super::definition::Mapping;
use super::expression::{self, Expression, Facts, Given, ParseError, Scope};
use super::paths::{Path, Start};
use crate::JsonObject;
use crate::codes::failure;

/// The mappings of a step, compiled.
#[derive(Debug, Clone, Default)]
pub struct Mappings(Vec<Compiled>);

#[derive(Debug, Clone)]
struct Compiled {
    source: Source,
    target: Path,
    default: Option<Value>,
    required: bool,
}

#[derive(Debug, Clone)]
enum Source {
    Direct(Path),
    Expression(Expression),
    Transform(Path, Expression),
}

/// Why a mapping cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The expression does not parse.
    #[error(transparent)]
    Expression(#[from] ParseError),
    /// A path is not well formed.
    #[error(transparent)]
    Path(#[from] super::paths::Error),
}

/// Why a step's mappings failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An expression failed.
    #[error("mapping {index}: {source}")]
    Expression {
        /// The mapping's place in the list, from 0.
        index: usize,
        /// The expression as it is written.
        expression: String,
        /// What went wrong.
        source: expression::Error,
    },
    /// A source that must be there is not.
    #[error("mapping {index}: nothing to set at {target}: {what}")]
    SourceMissing {
        /// The mapping's place in the list, from 0.
        index: usize,
        /// The path that it was to be set at.
        target: String,
        /// The source or expression that gave nothing.
        what: String,
    },
}

impl Error {
    /// The failure's code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Expression { .. } => failure::EXPRESSION_ERROR,
            Self::SourceMissing { .. } => failure::MAPPING_SOURCE_MISSING,
        }
    }

    /// The mapping's place in the list, from 0.
    #[must_use]
    pub const fn index(&self) -> usize {
        match self {
            Self::Expression { index, .. } | Self::SourceMissing { index, .. } => *index,
        }
    }
}

impl Mappings {
    /// Compiles the mappings of a step.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with its JSON pointer below the list.
    pub fn compile(mappings: &[Mapping]) -> Result<Self, Vec<(String, Problem)>> {
        let mut compiled = Vec::with_capacity(mappings.len());
        let mut problems = Vec::new();
        for (index, mapping) in mappings.iter().enumerate() {
            match Compiled::new(mapping) {
                Ok(mapping) => compiled.push(mapping),
                Err(found) => problems.extend(
                    found
                        .into_iter()
                        .map(|(field, problem)| (format!("/{index}/{field}"), problem)),
                ),
            }
        }
        match problems.is_empty() {
            true => Ok(Self(compiled)),
            false => Err(problems),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first keys of what is set: the variables that `variableMappings` set.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|mapping| mapping.target.first())
    }

    /// The input of a task. A source is looked up in the scope's `workflowVariables`, unless it
    /// begins with the name of another scope. With no mappings it is `{}`.
    ///
    /// # Errors
    ///
    /// The first mapping that fails.
    pub fn input(&self, scope: &Scope<'_>, facts: &Facts) -> Result<JsonObject, Error> {
        self.onto(JsonObject::new(), "workflowVariables", scope, facts)
    }

    /// The variables after a step's success. A source is looked up in the scope's `taskOutput`,
    /// unless it begins with the name of another scope.
    ///
    /// # Errors
    ///
    /// The first mapping that fails.
    pub fn variables(
        &self,
        current: &JsonObject,
        scope: &Scope<'_>,
        facts: &Facts,
    ) -> Result<JsonObject, Error> {
        self.onto(current.clone(), "taskOutput", scope, facts)
    }

    /// The variables after a SET step: as [`Self::variables`], but a source is looked up in the
    /// scope's `workflowVariables`.
    ///
    /// # Errors
    ///
    /// The first mapping that fails.
    pub fn set(
        &self,
        current: &JsonObject,
        scope: &Scope<'_>,
        facts: &Facts,
    ) -> Result<JsonObject, Error> {
        self.onto(current.clone(), "workflowVariables", scope, facts)
    }

    /// Every value is taken before the first is set: no mapping sees another's work.
    fn onto(
        &self,
        mut fields: JsonObject,
        default: &str,
        scope: &Scope<'_>,
        facts: &Facts,
    ) -> Result<JsonObject, Error> {
        for (index, mapping) in self.0.iter().enumerate() {
            let facts = facts.within(&format!("{default}/{index}"));
            let value = mapping
                .value(default, scope, &facts)
                .map_err(|source| mapping.failed(index, source))?;
            match value.or_else(|| mapping.default.clone()) {
                Some(value) => mapping.target.set(&mut fields, value),
                None if mapping.required => return Err(mapping.missing(index)),
                None => {}
            }
        }
        Ok(fields)
    }
}

impl Compiled {
    fn new(mapping: &Mapping) -> Result<Self, Vec<(&'static str, Problem)>> {
        let mut problems = Vec::new();
        let (target, default, required) = match mapping {
            Mapping::Direct {
                target,
                default,
                required,
                ..
            }
            | Mapping::Expression {
                target,
                default,
                required,
                ..
            }
            | Mapping::Transform {
                target,
                default,
                required,
                ..
            } => (target, default, *required),
        };
        let source = Source::new(mapping, &mut problems);
        let target = kept("target", Path::parse(target), &mut problems);
        match (source, target) {
            (Some(source), Some(target)) => Ok(Self {
                source,
                target,
                default: default.clone(),
                required,
            }),
            _ => Err(problems),
        }
    }

    fn value(
        &self,
        default: &str,
        scope: &Scope<'_>,
        facts: &Facts,
    ) -> Result<Option<Value>, expression::Error> {
        match &self.source {
            Source::Direct(path) => Ok(look_up(path, default, scope).map(Given::to_value)),
            Source::Expression(expression) => expression.evaluate(scope, facts),
            Source::Transform(path, transformation) => match look_up(path, default, scope) {
                Some(given) => transformation.evaluate(&Scope::of(given), facts),
                None => Ok(None),
            },
        }
    }

    fn failed(&self, index: usize, source: expression::Error) -> Error {
        let expression = match &self.source {
            Source::Direct(path) => path.keys().collect::<Vec<_>>().join("."),
            Source::Expression(expression) | Source::Transform(_, expression) => {
                expression.source().to_owned()
            }
        };
        Error::Expression {
            index,
            expression,
            source,
        }
    }

    fn missing(&self, index: usize) -> Error {
        let what = match &self.source {
            Source::Direct(path) | Source::Transform(path, _) => {
                path.keys().collect::<Vec<_>>().join(".")
            }
            Source::Expression(expression) => expression.source().to_owned(),
        };
        Error::SourceMissing {
            index,
            target: self.target.keys().collect::<Vec<_>>().join("."),
            what,
        }
    }
}

impl Source {
    fn new(mapping: &Mapping, problems: &mut Vec<(&'static str, Problem)>) -> Option<Self> {
        match mapping {
            Mapping::Direct { source, .. } => {
                kept("source", Path::parse(source), problems).map(Self::Direct)
            }
            Mapping::Expression { expression, .. } => {
                kept("expression", Expression::parse(expression), problems).map(Self::Expression)
            }
            Mapping::Transform {
                source,
                transformation,
                ..
            } => {
                let path = kept("source", Path::parse(source), problems);
                let transformation = Expression::parse(transformation);
                let transformation = kept("transformation", transformation, problems);
                Some(Self::Transform(path?, transformation?))
            }
        }
    }
}

fn kept<T, E: Into<Problem>>(
    field: &'static str,
    result: Result<T, E>,
    problems: &mut Vec<(&'static str, Problem)>,
) -> Option<T> {
    result
        .map_err(|error| problems.push((field, error.into())))
        .ok()
}

/// The value of a source. A bare scope name is the scope itself.
fn look_up<'a>(path: &Path, default: &str, scope: &Scope<'a>) -> Option<Given<'a>> {
    match path.start() {
        Start::Scope(name) => scope.get(name)?.at(path.keys().skip(1)),
        Start::Default => scope.get(default)?.at(path.keys()),
    }
}

#[cfg(test)]
#[path = "mapping_test.rs"]
mod tests;
