//! Registration: from a document to a definition, or to everything that is wrong with it.
//!
//! Decided here: whether a document is a definition that can run. Storing it, and refusing a
//! version that exists with other content, is the business of the use cases.

mod against;
mod block;
mod checks;
mod language;
mod people;
mod published;
mod references;
mod schedule;
mod seam;
mod step;
mod steps;
mod task;
#[cfg(test)]
mod tests;
pub mod unsupported;
mod violations;
mod warnings;
mod workflow;

use std::collections::HashSet;

use semver::Version;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use crate::codes::registration;
use crate::document::{self, Document};
use crate::ids::DefinitionId;
use crate::limits;
use crate::problem::{Problem, nearest};
use crate::schedule::ScheduleDefinition;
use crate::task::TaskDefinition;
use crate::workflow::WorkflowDefinition;

pub use against::{Tasks, check_steps, check_target, check_time};
pub use references::{Existing, check_references, check_together, referred_to};
pub use schedule::read_schedule;
pub use warnings::warnings;
pub(crate) use warnings::{Read, Source, reads_of_step};

/// A definition of either kind.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "definitions are read one at a time and not kept as this type"
)]
pub enum Definition {
    /// Of a task.
    Task(TaskDefinition),
    /// Of a workflow.
    Workflow(WorkflowDefinition),
}

/// What a definition defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DefinitionKind {
    /// A task.
    Task,
    /// A workflow.
    Workflow,
}

impl Definition {
    /// What it defines.
    #[must_use]
    pub fn kind(&self) -> DefinitionKind {
        match self {
            Self::Task(_) => DefinitionKind::Task,
            Self::Workflow(_) => DefinitionKind::Workflow,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &DefinitionId {
        match self {
            Self::Task(task) => &task.id,
            Self::Workflow(workflow) => &workflow.id,
        }
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> &Version {
        match self {
            Self::Task(task) => &task.version,
            Self::Workflow(workflow) => &workflow.version,
        }
    }
}

/// What a text holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// The definitions that have no problems, each with the document that tells its lines.
    pub definitions: Vec<(Definition, Document)>,
    /// The schedules that have no problems. They are not registered but defined, each by itself.
    pub schedules: Vec<(ScheduleDefinition, Document)>,
    /// All problems, with their lines. A text that has any must not be registered.
    pub problems: Vec<Problem>,
    /// The ids of documents that have problems, and what they seem to define: they exist, so
    /// that references to them are no further problem.
    pub troubled: Vec<(DefinitionKind, DefinitionId)>,
}

/// Reads a text of one or more definitions, in JSON or YAML.
#[must_use]
pub fn read_text(text: &str) -> Reading {
    let mut reading = Reading::default();
    let documents = match document::read(text) {
        Ok(documents) if documents.is_empty() => {
            let problem = Problem::new(registration::EMPTY, "", "the text holds no definition");
            reading.problems.push(problem.with_line(Some(1)));
            documents
        }
        Ok(documents) => documents,
        Err(unreadable) => {
            reading.problems = unreadable.problems;
            unreadable.documents
        }
    };
    for document in documents {
        if schedule::is_one(&document.value) {
            match read_schedule(&document.value) {
                Ok(schedule) => reading.schedules.push((schedule, document)),
                Err(problems) => reading.add(document.locate(problems)),
            }
            continue;
        }
        match read(&document.value) {
            Ok(definition) => reading.definitions.push((definition, document)),
            Err(problems) => {
                reading.troubled.extend(seeming(&document.value));
                reading.add(document.locate(problems));
            }
        }
    }
    let place = |problem: &Problem| (problem.line, problem.pointer.clone());
    reading.problems.sort_by_cached_key(place);
    reading.problems.truncate(limits::PROBLEMS);
    reading
}

/// Reads a definition, with every problem at once: those of form first, then those of meaning.
///
/// # Errors
/// Everything that is wrong with the document, never empty.
pub fn read(document: &Value) -> Result<Definition, Vec<Problem>> {
    if !document.is_object() {
        let message = "a definition is an object";
        return Err(vec![Problem::new(registration::WRONG_TYPE, "", message)]);
    }
    let bytes = document.to_string().len();
    if bytes > limits::DEFINITION_BYTES {
        let most = limits::DEFINITION_BYTES;
        let message =
            format!("the definition has {bytes} bytes, more than the {most} that are allowed");
        return Err(vec![Problem::new(registration::TOO_LARGE, "", message)]);
    }
    match kind_of(document) {
        DefinitionKind::Task => {
            let mut problems = violations::find(&language::LANGUAGE.task, document);
            problems.extend(task::check(document));
            typed(document, problems).map(Definition::Task)
        }
        DefinitionKind::Workflow => {
            let mut problems = violations::find(&language::LANGUAGE.workflow, document);
            problems.extend(workflow::check(document));
            typed(document, problems).map(Definition::Workflow)
        }
    }
}

/// The JSON Schema of the language, for editors and for the documentation: made of the types, and
/// kept in `docs/definition.schema.json`.
#[must_use]
pub fn json_schema() -> Value {
    published::of_types()
}

impl Reading {
    /// Adds problems, but for those at a place whose value could not be read: what stands in for
    /// it has no problems of its own.
    fn add(&mut self, problems: Vec<Problem>) {
        let unread: Vec<(String, Option<u32>)> = self
            .problems
            .iter()
            .map(|p| (p.pointer.clone(), p.line))
            .collect();
        let known = |problem: &Problem| unread.contains(&(problem.pointer.clone(), problem.line));
        self.problems
            .extend(problems.into_iter().filter(|problem| !known(problem)));
    }
}

/// The document as its type, when it has no problems.
fn typed<T: DeserializeOwned>(
    document: &Value,
    mut problems: Vec<Problem>,
) -> Result<T, Vec<Problem>> {
    let mut told = HashSet::new();
    problems.retain(|problem| {
        told.insert((
            problem.code,
            problem.pointer.clone(),
            problem.message.clone(),
        ))
    });
    problems.truncate(limits::PROBLEMS);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut document = document.clone();
    whole_numbers(&mut document);
    serde_json::from_value(document).map_err(|error| {
        let message = error.to_string();
        vec![Problem::new(registration::WRONG_TYPE, "", message)]
    })
}

/// What a document defines, or was perhaps meant to: what has steps is a workflow.
fn kind_of(document: &Value) -> DefinitionKind {
    if document.get("steps").is_some() {
        return DefinitionKind::Workflow;
    }
    if document.get("executionConfig").is_some() || document.get("type").is_some() {
        return DefinitionKind::Task;
    }
    let fields = |name: &str| language::LANGUAGE.schema["$defs"][name]["properties"].as_object();
    let task = fields("TaskDefinition");
    let of_workflows_alone: Vec<&str> = fields("WorkflowDefinition")
        .into_iter()
        .flat_map(|fields| fields.keys())
        .filter(|name| !task.is_some_and(|task| task.contains_key(*name)))
        .map(String::as_str)
        .collect();
    let names = document
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys());
    let mut names = names.filter(|name| !task.is_some_and(|task| task.contains_key(*name)));
    if names.any(|name| nearest(name, of_workflows_alone.iter().copied()).is_some()) {
        DefinitionKind::Workflow
    } else {
        DefinitionKind::Task
    }
}

fn seeming(document: &Value) -> Option<(DefinitionKind, DefinitionId)> {
    let id = DefinitionId::new(document.get("id")?.as_str()?).ok()?;
    Some((kind_of(document), id))
}

/// `1e3` and `1000.0` are integers where an integer is asked for, as JSON Schema says. Values
/// that belong to the user stay as they are.
fn whole_numbers(value: &mut Value) {
    const OWN: [&str; 5] = [
        "variables",
        "metadata",
        "inputSchema",
        "outputSchema",
        "default",
    ];
    match value {
        Value::Object(members) => members
            .iter_mut()
            .filter(|(name, _)| !OWN.contains(&name.as_str()))
            .for_each(|(_, value)| whole_numbers(value)),
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Number(number) => {
            if let Some(whole) = whole(number) {
                *number = whole;
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is whole and between nothing and 2^53"
)]
fn whole(number: &Number) -> Option<Number> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = number.as_f64().filter(|_| number.is_f64())?;
    let is_whole = (0.0..=EXACT).contains(&float) && float.fract() == 0.0;
    is_whole.then(|| Number::from(float as u64))
}
