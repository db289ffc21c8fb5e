//! Steps that have others do something: TASK with its compensation, and SUB_WORKFLOW.

use schemars::JsonSchema;
use semver::VersionReq;
use serde::{Deserialize, Serialize};

use super::version_range_schema;
use crate::ids::DefinitionId;
use crate::limits;
use crate::task::assignment::Assignment;
use crate::task::instance::TaskPriority;
use crate::task::retry::RetryPolicy;
use crate::task::timeouts::{StepTimeouts, Timeouts};
use crate::workflow::definition::Mapping;

/// A step that runs a task; its output is the task's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskStep {
    /// The task to run.
    pub task_definition_id: DefinitionId,
    /// Which versions of it will do; the highest of them is pinned when the workflow starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "version_range_schema")]
    pub task_version: Option<VersionReq>,
    /// How the task's input is made. None: the input is `{}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_mappings: Vec<Mapping>,
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
    /// Who may do a MANUAL task, and by when; each field over the definition's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment: Option<Assignment>,
    /// The task that undoes this one, should the workflow fail later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensation: Option<Compensation>,
}

impl TaskStep {
    /// What the step says of its task's time.
    #[must_use]
    pub fn step_timeouts(&self) -> StepTimeouts {
        StepTimeouts {
            timeout: self.timeout,
            timeouts: self.timeouts,
        }
    }
}

/// The task that undoes a completed step. `taskOutput` is in the scope of its mappings, which are
/// evaluated when the step completes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Compensation {
    /// The task to run.
    pub task_definition_id: DefinitionId,
    /// Which versions of it will do; the highest of them is pinned when the workflow starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "version_range_schema")]
    pub task_version: Option<VersionReq>,
    /// How the task's input is made. None: the input is `{}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_mappings: Vec<Mapping>,
    /// Replaces the definition's whole policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
    /// Longest time of one attempt in milliseconds; over the definition's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::TIMER_MILLIS))]
    pub timeout: Option<u64>,
}

/// A step that runs another workflow; its output is the child's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubWorkflowStep {
    /// The workflow to run.
    pub workflow_definition_id: DefinitionId,
    /// Which versions of it will do; the highest of them is pinned when the workflow starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "version_range_schema")]
    pub workflow_version: Option<VersionReq>,
    /// How its input is made. None: the input is `{}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_mappings: Vec<Mapping>,
    /// Runs a new child after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
    /// What happens to the child when this workflow ends first.
    #[serde(default)]
    pub on_parent_close: OnParentClose,
    /// The task that undoes a completed child, should the workflow fail later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensation: Option<Compensation>,
}

/// What happens to a child when its parent ends first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum OnParentClose {
    /// It is cancelled.
    #[default]
    Cancel,
    /// It goes on alone.
    Abandon,
}
