//! `WorkflowDefinition`: the workflow language, as types.
//!
//! The published JSON Schema is derived from these types, and [`crate::registration`] checks
//! what types cannot say. A registered version never changes.

use schemars::JsonSchema;
use semver::{Version, VersionReq};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::ids::DefinitionId;
use crate::task::definition::{accept_all, format, version_schema};
use crate::task::instance::TaskPriority;
use crate::task::retry::RetryPolicy;
use crate::task::timeouts::{StepTimeouts, Timeouts};
use crate::time::Timestamp;
use crate::{JsonObject, limits};

/// A process: steps of tasks, and the data that flows between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkflowDefinition {
    /// Unique within the tenant, together with `version`.
    pub id: DefinitionId,
    /// Semantic version; immutable once registered.
    #[schemars(schema_with = "version_schema")]
    pub version: Version,
    /// For people.
    #[schemars(length(min = 1, max = limits::NAME_CHARS))]
    pub name: String,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = limits::DESCRIPTION_CHARS))]
    pub description: String,
    /// JSON Schema 2020-12 that the input must meet. Accepts all by default.
    #[serde(default = "accept_all")]
    #[schemars(schema_with = "crate::schema::any_schema")]
    pub input_schema: Value,
    /// JSON Schema 2020-12 that the output must meet. Accepts all by default.
    #[serde(default = "accept_all")]
    #[schemars(schema_with = "crate::schema::any_schema")]
    pub output_schema: Value,
    /// The variables that every instance begins with.
    #[serde(default, skip_serializing_if = "JsonObject::is_empty")]
    pub variables: JsonObject,
    /// Longest time of the whole workflow in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::TIMER_MILLIS))]
    pub timeout: Option<u64>,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// An expression that gives the workflow's output; null by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub output: Option<String>,
    /// When it was registered; a definition that moves from elsewhere may bring its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When it was last changed: a registered version never is, so this is `createdAt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// Unique among its neighbours.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"))]
    pub name: String,
    /// What kind of step it is.
    #[serde(rename = "type", default)]
    pub step_type: StepType,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = limits::DESCRIPTION_CHARS))]
    pub description: String,
    /// An expression; the step is skipped when it is not true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub condition: Option<String>,
    /// The task to run.
    pub task_definition_id: DefinitionId,
    /// Which versions of it will do; the highest of them is pinned when the workflow starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "version_range_schema")]
    pub task_version: Option<VersionReq>,
    /// How the task's input is made. None: the input is `{}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_mappings: Vec<Mapping>,
    /// What its success sets in the workflow's variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variable_mappings: Vec<Mapping>,
    /// Replaces the definition's whole policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
    /// Longest time of one attempt in milliseconds; over the definition's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::TIMER_MILLIS))]
    pub timeout: Option<u64>,
    /// More time limits; over the definition's, each by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
    /// How urgent it is.
    #[serde(default)]
    pub priority: TaskPriority,
    /// An expression that names the matter for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub task_reference: Option<String>,
    /// Whether the workflow goes on when this step fails for good; over the definition's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continue_on_failure: Option<bool>,
}

impl Step {
    /// What the step says of its task's time.
    #[must_use]
    pub fn step_timeouts(&self) -> StepTimeouts {
        StepTimeouts {
            timeout: self.timeout,
            timeouts: self.timeouts,
        }
    }
}

/// What kind of step it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StepType {
    /// Runs a task.
    #[default]
    Task,
}

/// How one value gets from here to there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "type",
    rename_all = "UPPERCASE",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Mapping {
    /// A value as it is.
    Direct {
        /// The path of the value.
        #[schemars(length(min = 1, max = limits::PATH_CHARS))]
        source: String,
        /// The path that it is set at.
        #[schemars(length(min = 1, max = limits::PATH_CHARS))]
        target: String,
        /// What to set when there is no source.
        #[serde(
            default,
            deserialize_with = "present",
            skip_serializing_if = "Option::is_none"
        )]
        default: Option<Value>,
        /// Whether a missing source is an error.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        required: bool,
    },
    /// What an expression gives.
    Expression {
        /// The expression.
        #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
        expression: String,
        /// The path that its value is set at.
        #[schemars(length(min = 1, max = limits::PATH_CHARS))]
        target: String,
        /// What to set when it gives nothing.
        #[serde(
            default,
            deserialize_with = "present",
            skip_serializing_if = "Option::is_none"
        )]
        default: Option<Value>,
        /// Whether giving nothing is an error.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        required: bool,
    },
    /// A value that an expression changes.
    Transform {
        /// The path of the value, `$` in the transformation.
        #[schemars(length(min = 1, max = limits::PATH_CHARS))]
        source: String,
        /// The expression.
        #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
        transformation: String,
        /// The path that its value is set at.
        #[schemars(length(min = 1, max = limits::PATH_CHARS))]
        target: String,
        /// What to set when there is no source, or nothing comes of it.
        #[serde(
            default,
            deserialize_with = "present",
            skip_serializing_if = "Option::is_none"
        )]
        default: Option<Value>,
        /// Whether that is an error.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        required: bool,
    },
}

/// A value that is there, null as well: a default of null is a default.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A range of versions, as Cargo and npm write the common ones.
fn version_range_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "string",
        "format": format::VERSION_RANGE,
        "maxLength": limits::VERSION_CHARS,
        "examples": ["^2.0.0"],
    })
}
