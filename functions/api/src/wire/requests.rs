//! What requests hold. None has a field for who asks.

use semver::VersionReq;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use taskmill::ids::DefinitionId;
use taskmill::task::TaskPriority;
use taskmill::{JsonObject, Timestamp};
use taskmill_aws::executor::ReportedFailure;
use utoipa::ToSchema;

use super::words::PriorityWord;

/// A task that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateTask {
    /// What it is.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    pub task_definition_id: DefinitionId,
    /// Which versions of it will do, such as `^1.2`; the highest is taken.
    #[schema(value_type = Option<String>, max_length = 64, example = "^1")]
    pub task_version: Option<VersionReq>,
    /// What it is given; `{}` by default.
    #[serde(default = "nothing")]
    pub input: Value,
    /// How urgent it is; MEDIUM by default.
    #[serde(default)]
    #[schema(value_type = PriorityWord)]
    pub priority: TaskPriority,
    /// A name for people.
    #[schema(min_length = 1, max_length = 256)]
    pub task_reference: Option<String>,
    /// The caller's own id for the whole matter.
    #[schema(min_length = 1, max_length = 256)]
    pub correlation_id: Option<String>,
}

/// A workflow that is to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartWorkflow {
    /// What it is.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    pub workflow_definition_id: DefinitionId,
    /// Which versions of it will do, such as `^1.2`; the highest is taken.
    #[schema(value_type = Option<String>, max_length = 64, example = "^1")]
    pub workflow_version: Option<VersionReq>,
    /// What it is given; `{}` by default.
    #[serde(default = "nothing")]
    pub input: Value,
    /// The caller's own id for the whole matter.
    #[schema(min_length = 1, max_length = 256)]
    pub correlation_id: Option<String>,
}

fn nothing() -> Value {
    Value::Object(JsonObject::new())
}

/// Why something is cancelled.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelTask {
    /// Why, for people.
    #[serde(default = "no_reason")]
    #[schema(min_length = 1, max_length = 256)]
    pub reason: String,
}

impl Default for CancelTask {
    fn default() -> Self {
        Self {
            reason: no_reason(),
        }
    }
}

fn no_reason() -> String {
    "somebody asked for it".to_owned()
}

/// How a workflow is cancelled.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelWorkflow {
    /// Why, for people.
    #[serde(default = "no_reason")]
    #[schema(min_length = 1, max_length = 256)]
    pub reason: String,
    /// Whether completed steps are undone.
    #[serde(default)]
    pub compensate: bool,
}

impl Default for CancelWorkflow {
    fn default() -> Self {
        Self {
            reason: no_reason(),
            compensate: false,
        }
    }
}

/// Whom a task is given to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assign {
    /// The person.
    #[schema(min_length = 1, max_length = 256)]
    pub assignee: String,
}

/// Who does the work of a task for whoever has it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delegate {
    /// The person.
    #[schema(min_length = 1, max_length = 256)]
    pub assignee: String,
}

/// Until when a task is put off.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FollowUp {
    /// The time, within a year; without it, the task is not put off any more.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub until: Option<Timestamp>,
}

/// Something to say about a task.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Comment {
    /// What.
    #[schema(min_length = 1, max_length = 4096)]
    pub text: String,
}

/// What a person's work came to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Complete {
    /// What the task gives; null by default.
    #[serde(default)]
    pub output: Value,
}

/// Why a person cannot do a task.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fail {
    /// Why, for programs.
    #[schema(min_length = 1, max_length = 256)]
    pub code: String,
    /// Why, for people.
    #[serde(default)]
    pub message: String,
    /// More about it.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub details: JsonObject,
    /// Whether it is of no use that somebody tries again.
    #[serde(default)]
    pub permanent: bool,
}

/// How an attempt ended that another system was handed: with `output` or with `error`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallBack {
    /// What the task gives, which may be null.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Value, required = false)]
    pub output: Option<Value>,
    /// Why it failed.
    #[schema(value_type = Option<CalledBackError>)]
    pub error: Option<Box<ReportedFailure>>,
}

/// Why an attempt failed elsewhere.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CalledBackError {
    /// Why, for programs.
    #[schema(min_length = 1)]
    pub code: String,
    /// Why, for people.
    #[schema(required = false)]
    pub message: String,
    /// More about it.
    #[schema(value_type = Object, required = false)]
    pub details: JsonObject,
    /// Where it failed; not shown.
    pub stack_trace: Option<String>,
    /// Whether another attempt is of no use.
    #[schema(required = false)]
    pub permanent: bool,
    /// Milliseconds until the next attempt, in place of the policy's.
    pub retry_after: Option<u64>,
    /// Whether the workflow goes on, over what step and definition say.
    pub continue_on_failure: Option<bool>,
}

/// A value that is there, though it be null.
fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A signal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendSignal {
    /// Its name.
    #[schema(min_length = 1, max_length = 256)]
    pub name: String,
    /// What it says; null by default.
    #[serde(default)]
    pub data: Value,
}

/// Variables that are to be set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateVariables {
    /// The variables, by their names.
    #[schema(value_type = Object)]
    pub variables: JsonObject,
}

/// Where a workflow begins again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rerun {
    /// The path of the step; without it, everything begins again.
    #[schema(min_length = 1, max_length = 1024)]
    pub path: Option<String>,
}

/// A step that is to be taken as done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Skip {
    /// The path of the step.
    #[schema(min_length = 1, max_length = 1024)]
    pub path: String,
    /// What it gives; null by default.
    #[serde(default)]
    pub output: Value,
}
