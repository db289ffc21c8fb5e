//! The steps of a workflow: what every step has, and what each type of step adds.
//!
//! The types are in `step/work.rs`, `step/block.rs` and `step/moment.rs`. What a step means is
//! decided in [`crate::workflow::decider`]; what types cannot say of it is checked in
//! [`crate::registration`].

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::Mapping;
use crate::task::definition::format;
use crate::{JsonObject, limits};

mod block;
mod moment;
mod work;

pub use block::*;
pub use moment::*;
pub use work::*;

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Unique among its neighbours.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"))]
    pub name: String,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = limits::DESCRIPTION_CHARS))]
    pub description: String,
    /// An expression; the step is skipped when it is not true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub condition: Option<String>,
    /// The steps of the same block that must be over before this one begins. Given at any step,
    /// it makes the block a graph; a step without it then depends on the one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::STEPS_PER_DEFINITION))]
    pub depends_on: Option<Vec<String>>,
    /// What is done when the step fails: the first entry whose codes hold the error's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_error: Vec<ErrorHandler>,
    /// Whether the workflow goes on when this step fails for good; over the definition's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continue_on_failure: Option<bool>,
    /// What its success sets in the workflow's variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variable_mappings: Vec<Mapping>,
    /// What it does.
    #[serde(flatten)]
    pub kind: StepKind,
}

impl Step {
    /// The lists of steps inside the step.
    pub fn blocks(&self) -> impl Iterator<Item = &[Step]> {
        let own: Vec<&[Step]> = match &self.kind {
            StepKind::Parallel(parallel) => {
                parallel.branches.iter().map(|one| &*one.steps).collect()
            }
            StepKind::Map(map) => vec![&map.steps],
            StepKind::Switch(switch) => switch
                .cases
                .iter()
                .map(|case| &*case.steps)
                .chain(switch.otherwise.as_deref())
                .collect(),
            StepKind::Loop(repeat) => vec![&repeat.steps],
            StepKind::Task(_)
            | StepKind::Wait(_)
            | StepKind::Signal(_)
            | StepKind::SubWorkflow(_)
            | StepKind::Set(_)
            | StepKind::Terminate(_) => Vec::new(),
        };
        let handlers = self.on_error.iter().map(|handler| &*handler.steps);
        own.into_iter().chain(handlers)
    }
}

/// What a step does. TASK is the default.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StepKind {
    /// Runs a task.
    Task(Box<TaskStep>),
    /// Runs branches at once.
    Parallel(ParallelStep),
    /// Runs its steps for each item of an array.
    Map(MapStep),
    /// Takes the first case that is true.
    Switch(SwitchStep),
    /// Repeats its steps.
    Loop(LoopStep),
    /// Waits for a time.
    Wait(WaitStep),
    /// Waits for a signal from outside.
    Signal(SignalStep),
    /// Runs another workflow.
    SubWorkflow(Box<SubWorkflowStep>),
    /// Sets variables.
    Set(SetStep),
    /// Ends the workflow.
    Terminate(TerminateStep),
}

/// The words of `type`, in the order of [`StepKind`].
pub const STEP_TYPES: [&str; 10] = [
    "TASK",
    "PARALLEL",
    "MAP",
    "SWITCH",
    "LOOP",
    "WAIT",
    "SIGNAL",
    "SUB_WORKFLOW",
    "SET",
    "TERMINATE",
];

impl<'de> Deserialize<'de> for StepKind {
    /// Reads by `type`, which is TASK where it is left out.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let mut fields = JsonObject::deserialize(deserializer)?;
        let word = fields.shift_remove("type");
        let word = word.as_ref().map_or(Some("TASK"), Value::as_str);
        let fields = Value::Object(fields);
        let kind = match word {
            Some("TASK") => serde_json::from_value(fields).map(Self::Task),
            Some("PARALLEL") => serde_json::from_value(fields).map(Self::Parallel),
            Some("MAP") => serde_json::from_value(fields).map(Self::Map),
            Some("SWITCH") => serde_json::from_value(fields).map(Self::Switch),
            Some("LOOP") => serde_json::from_value(fields).map(Self::Loop),
            Some("WAIT") => serde_json::from_value(fields).map(Self::Wait),
            Some("SIGNAL") => serde_json::from_value(fields).map(Self::Signal),
            Some("SUB_WORKFLOW") => serde_json::from_value(fields).map(Self::SubWorkflow),
            Some("SET") => serde_json::from_value(fields).map(Self::Set),
            Some("TERMINATE") => serde_json::from_value(fields).map(Self::Terminate),
            Some(other) => return Err(D::Error::unknown_variant(other, &STEP_TYPES)),
            None => return Err(D::Error::custom("the type of a step is a string")),
        };
        kind.map_err(D::Error::custom)
    }
}

impl StepKind {
    /// What undoes the step.
    #[must_use]
    pub fn compensation(&self) -> Option<&Compensation> {
        match self {
            Self::Task(step) => step.compensation.as_ref(),
            Self::SubWorkflow(step) => step.compensation.as_ref(),
            Self::Parallel(_)
            | Self::Map(_)
            | Self::Switch(_)
            | Self::Loop(_)
            | Self::Wait(_)
            | Self::Signal(_)
            | Self::Set(_)
            | Self::Terminate(_) => None,
        }
    }

    /// The word of `type`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Task(_) => "TASK",
            Self::Parallel(_) => "PARALLEL",
            Self::Map(_) => "MAP",
            Self::Switch(_) => "SWITCH",
            Self::Loop(_) => "LOOP",
            Self::Wait(_) => "WAIT",
            Self::Signal(_) => "SIGNAL",
            Self::SubWorkflow(_) => "SUB_WORKFLOW",
            Self::Set(_) => "SET",
            Self::Terminate(_) => "TERMINATE",
        }
    }
}

/// What is done when a step fails with one of these codes. Its own failure is the step's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErrorHandler {
    /// The codes; `*` is every code.
    #[schemars(length(min = 1))]
    pub error_codes: Vec<String>,
    /// What is done in the step's place; `error` is in scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// What follows.
    #[serde(default)]
    pub then: Then,
    /// How often RETRY_STEP may be used; 1 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::MAX_RETRIES))]
    pub max_retries: Option<u32>,
}

/// What follows the steps of an error handler.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Then {
    /// The step counts as done.
    #[default]
    Continue,
    /// The step fails with the first error.
    Fail,
    /// The step begins anew.
    RetryStep,
}

/// A range of versions, as Cargo and npm write the common ones.
pub(crate) fn version_range_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "string",
        "format": format::VERSION_RANGE,
        "maxLength": limits::VERSION_CHARS,
        "examples": ["^2.0.0"],
    })
}
