//! What workers that poll ask for, and what they are answered.

use serde::Deserialize;
use serde_json::Value;
use taskmill::JsonObject;
use taskmill::ids::ExecutionId;
use utoipa::ToSchema;

use super::records::Task;
use super::words::{PriorityWord, TaskStatusWord};

/// How much a worker takes at a time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Poll {
    /// Tasks at most; 1 by default.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 10)]
    pub max_tasks: u8,
    /// Seconds that the answer may wait for the first; 0 by default.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 20)]
    pub wait_seconds: u8,
}

impl Default for Poll {
    fn default() -> Self {
        Self {
            max_tasks: one(),
            wait_seconds: 0,
        }
    }
}

const fn one() -> u8 {
    1
}

/// What is offered to a worker.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Offers {
    /// The attempts that may be begun, within a minute.
    pub tasks: Vec<OfferedTask>,
}

/// An attempt that a worker may begin.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct OfferedTask {
    /// The task.
    #[schema(format = "uuid")]
    pub task_id: String,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The same, as the id by which it is told.
    #[schema(format = "uuid")]
    pub execution_id: String,
    /// What it is.
    pub task_definition_id: String,
    /// The version that was resolved at creation.
    pub task_definition_version: String,
    /// How urgent it is.
    #[schema(value_type = PriorityWord)]
    pub priority: String,
    /// What takes the offer off the queue when the task is begun.
    pub receipt: String,
}

/// What a worker begins.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Begin {
    /// The attempt that was offered.
    #[schema(minimum = 1)]
    pub attempt: u32,
    /// What the worker calls itself: a name that no other has.
    #[schema(min_length = 1, max_length = 128)]
    pub worker_id: String,
    /// The offer's; without it, who received the offer takes it off the queue.
    pub receipt: Option<String>,
}

/// What a worker has begun.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct BegunTask {
    /// The task.
    pub task: Task,
    /// By when the worker must give a sign of life.
    #[schema(format = "date-time")]
    pub lease_until: String,
    /// What the attempt may use.
    #[schema(value_type = Option<Object>)]
    pub resource_requirements: Option<Value>,
}

/// A sign of life.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Beat {
    /// The attempt.
    #[schema(value_type = String, format = "uuid")]
    pub execution_id: ExecutionId,
    /// What the worker called itself when it began.
    #[schema(min_length = 1, max_length = 128)]
    pub worker_id: String,
    /// How far it is, as anything of at most 1 KiB; as before when it is left out.
    pub progress: Option<Value>,
}

/// What a worker's attempt came to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Done {
    /// The attempt.
    #[schema(value_type = String, format = "uuid")]
    pub execution_id: ExecutionId,
    /// What the worker called itself when it began.
    #[schema(min_length = 1, max_length = 128)]
    pub worker_id: String,
    /// What the task gives; null by default.
    #[serde(default)]
    pub output: Value,
}

/// Why a worker's attempt failed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failed {
    /// The attempt.
    #[schema(value_type = String, format = "uuid")]
    pub execution_id: ExecutionId,
    /// What the worker called itself when it began.
    #[schema(min_length = 1, max_length = 128)]
    pub worker_id: String,
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
    /// Whether it is of no use to try again.
    #[serde(default)]
    pub permanent: bool,
    /// Milliseconds to wait before a retry, over the policy's own interval.
    #[schema(minimum = 0)]
    pub retry_after: Option<u64>,
}

/// An attempt that a worker gives back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GivenBack {
    /// The attempt.
    #[schema(value_type = String, format = "uuid")]
    pub execution_id: ExecutionId,
    /// What the worker called itself when it began.
    #[schema(min_length = 1, max_length = 128)]
    pub worker_id: String,
}

/// What came of what a worker said.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Heard {
    /// The task.
    #[schema(format = "uuid")]
    pub task_id: String,
    /// Where it is in its life.
    #[schema(value_type = TaskStatusWord)]
    pub status: String,
    /// By when the worker must give the next sign of life, while it has the task.
    #[schema(format = "date-time")]
    pub lease_until: Option<String>,
}
