//! `WorkflowDefinition`: the workflow language, as types.
//!
//! The published JSON Schema is derived from these types, and [`crate::registration`] checks
//! what types cannot say. A registered version never changes.

mod step;

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::ids::DefinitionId;
use crate::task::definition::{accept_all, version_schema};
use crate::time::Timestamp;
use crate::{JsonObject, limits};

pub use step::*;

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
    /// What is done after the workflow was marked FAILED or TIMED_OUT; `error` is in scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub error_handlers: Vec<Step>,
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

impl WorkflowDefinition {
    /// Looks at every step, at every depth.
    pub fn each_step(&self, look: &mut impl FnMut(&Step)) {
        each_of(&self.steps, look);
        each_of(&self.error_handlers, look);
    }
}

fn each_of(steps: &[Step], look: &mut impl FnMut(&Step)) {
    for step in steps {
        look(step);
        for steps in step.blocks() {
            each_of(steps, look);
        }
    }
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

impl Mapping {
    /// The path that is set.
    #[must_use]
    pub fn target(&self) -> &str {
        match self {
            Self::Direct { target, .. }
            | Self::Expression { target, .. }
            | Self::Transform { target, .. } => target,
        }
    }

    /// What is set when there is nothing else.
    #[must_use]
    pub fn default(&self) -> Option<&Value> {
        match self {
            Self::Direct { default, .. }
            | Self::Expression { default, .. }
            | Self::Transform { default, .. } => default.as_ref(),
        }
    }

    /// Whether it is an error that there is nothing to set, and no default.
    #[must_use]
    pub fn is_required(&self) -> bool {
        match self {
            Self::Direct { required, .. }
            | Self::Expression { required, .. }
            | Self::Transform { required, .. } => *required && self.default().is_none(),
        }
    }
}

/// A value that is there, null as well: a default of null is a default.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
