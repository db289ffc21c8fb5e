//! What answers hold. These types are never built: a record is shown by the core
//! (`TaskInstance::view`, `WorkflowInstance::view`), an entry of a list by the store.

use serde_json::Value;
use utoipa::ToSchema;

use super::words::{PriorityWord, TaskStatusWord, TaskTypeWord, WorkflowStatusWord};

/// Why a request was not granted (RFC 9457).
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Problem {
    /// `about:blank`: the status says what kind it is, and `code` which.
    #[schema(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// Why, for people.
    pub detail: String,
    /// The path of the request.
    pub instance: String,
    /// Why, for programs: it does not change.
    pub code: String,
    /// The request, as the log knows it.
    pub request_id: String,
    /// More, for programs.
    #[schema(value_type = Option<Object>)]
    pub details: Option<Value>,
    /// What is wrong with the body, place by place.
    pub problems: Option<Vec<ProblemAt>>,
}

/// What became of a callback.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CalledBack {
    /// The task whose attempt ended.
    #[schema(format = "uuid")]
    pub task_id: String,
    /// How the task is now.
    #[schema(value_type = TaskStatusWord)]
    pub status: String,
}

/// One thing that is wrong with a body.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ProblemAt {
    /// What, for programs.
    pub code: String,
    /// JSON pointer of the value; of a missing field, the object that lacks it.
    pub pointer: String,
    /// What, for people.
    pub message: String,
    /// The nearest known name.
    pub nearest: Option<String>,
    /// The line in the text, from 1.
    pub line: Option<u32>,
}

/// What is wrong with a definition.
#[derive(Debug, ToSchema)]
pub struct Validation {
    /// Whether it can be registered.
    pub valid: bool,
    /// What is wrong with it.
    pub problems: Vec<ProblemAt>,
    /// What runs, but perhaps not as it was meant.
    pub warnings: Vec<ProblemAt>,
}

/// A version of a definition.
#[derive(Debug, ToSchema)]
pub struct Version {
    /// The version.
    pub version: String,
    /// Whether nothing new is of it.
    pub deprecated: bool,
}

/// The versions of a definition.
#[derive(Debug, ToSchema)]
pub struct Definition {
    /// The definition.
    pub id: String,
    /// Its versions, lowest first.
    pub versions: Vec<Version>,
}

/// A page of definitions.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Definitions {
    /// The definitions, by id.
    pub items: Vec<Definition>,
    /// The cursor of the next page; none at the end.
    pub next_cursor: Option<String>,
}

/// What a list shows of a task.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct TaskSummary {
    /// The task.
    #[schema(format = "uuid")]
    pub id: String,
    /// Whose it is.
    pub tenant_id: String,
    /// What it is.
    pub task_definition_id: String,
    /// The version that was resolved at creation.
    pub task_definition_version: String,
    /// The workflow that it belongs to.
    #[schema(format = "uuid")]
    pub workflow_instance_id: Option<String>,
    /// The definition of that workflow.
    pub workflow_definition_id: Option<String>,
    /// The path of its step.
    pub task_path: Option<String>,
    /// Where it is in its life.
    #[schema(value_type = TaskStatusWord)]
    pub status: String,
    /// Who does it.
    #[schema(rename = "type", value_type = TaskTypeWord)]
    pub task_type: String,
    /// How urgent it is.
    #[schema(value_type = PriorityWord)]
    pub priority: String,
    /// A name for people.
    pub task_reference: Option<String>,
    /// The person who has it.
    pub assignee: Option<String>,
    /// When it was accepted.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// When its first attempt began.
    #[schema(format = "date-time")]
    pub start_time: Option<String>,
    /// When it ended.
    #[schema(format = "date-time")]
    pub end_time: Option<String>,
}

/// A page of tasks.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Tasks {
    /// The tasks. There may be fewer than were asked for, and yet more to come.
    pub items: Vec<TaskSummary>,
    /// The cursor of the next page; none at the end.
    pub next_cursor: Option<String>,
}

/// What a list shows of a workflow.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct WorkflowSummary {
    /// The workflow.
    #[schema(format = "uuid")]
    pub id: String,
    /// Whose it is.
    pub tenant_id: String,
    /// What it is.
    pub workflow_definition_id: String,
    /// The version that was resolved at its start.
    pub definition_version: String,
    /// Where it is in its life.
    #[schema(value_type = WorkflowStatusWord)]
    pub status: String,
    /// The caller's own id for the whole matter.
    pub correlation_id: Option<String>,
    /// When it was accepted.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// When it began.
    #[schema(format = "date-time")]
    pub start_time: Option<String>,
    /// When it ended.
    #[schema(format = "date-time")]
    pub end_time: Option<String>,
}

/// A page of workflows.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Workflows {
    /// The workflows. There may be fewer than were asked for, and yet more to come.
    pub items: Vec<WorkflowSummary>,
    /// The cursor of the next page; none at the end.
    pub next_cursor: Option<String>,
}

/// Why a task or a workflow failed.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ErrorInfo {
    /// Why, for programs.
    pub code: String,
    /// Why, for people.
    pub message: String,
    /// More about it, for programs.
    #[schema(value_type = Option<Object>)]
    pub details: Option<Value>,
    /// When it happened.
    #[schema(format = "date-time")]
    pub timestamp: String,
}

/// A task.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Task {
    /// The task.
    #[schema(format = "uuid")]
    pub id: String,
    /// Whose it is.
    pub tenant_id: String,
    /// What it is.
    pub task_definition_id: String,
    /// The version that was resolved at creation.
    pub task_definition_version: String,
    /// The workflow that it belongs to.
    #[schema(format = "uuid")]
    pub workflow_instance_id: Option<String>,
    /// The definition of that workflow.
    pub workflow_definition_id: Option<String>,
    /// Where it is in its life.
    #[schema(value_type = TaskStatusWord)]
    pub status: String,
    /// Who does it.
    #[schema(rename = "type", value_type = TaskTypeWord)]
    pub task_type: String,
    /// How urgent it is.
    #[schema(value_type = PriorityWord)]
    pub priority: String,
    /// What it was given.
    #[schema(required = false)]
    pub input: Value,
    /// What it gave.
    #[schema(required = false)]
    pub output: Value,
    /// Why it failed, or why its last attempt did.
    pub error: Option<ErrorInfo>,
    /// What routing chose; once an attempt began, who took it.
    pub executor_id: String,
    /// The person who has it.
    pub assignee: Option<String>,
    /// Who may take it and by when; of a MANUAL task.
    #[schema(value_type = Option<Object>)]
    pub handling: Option<Value>,
    /// Which group of workers polls for it, and the lease of the one that has it: `group`,
    /// `begunAt`, `leaseUntil`, `progress`.
    #[schema(value_type = Option<Object>)]
    pub worker: Option<Value>,
    /// What people did with it, the first act first; of a MANUAL task.
    #[schema(value_type = Option<Vec<Object>>)]
    pub audit: Option<Vec<Value>>,
    /// A name for people.
    pub task_reference: Option<String>,
    /// The attempt that runs or comes next; of an ended task, the last one.
    #[schema(format = "uuid")]
    pub execution_id: String,
    /// The same, counted from 1.
    pub attempt: u32,
    /// Retries so far.
    pub retry_count: u32,
    /// Attempts that were lost with their worker.
    pub losses: u32,
    /// The effective retry policy.
    #[schema(value_type = Option<Object>)]
    pub retry_policy: Option<Value>,
    /// The effective time limits, in milliseconds.
    #[schema(value_type = Object)]
    pub timeouts: Value,
    /// How many tasks of its definition may run at once.
    pub concurrency_limit: Option<u32>,
    /// How many tasks of its definition may begin in a period.
    #[schema(value_type = Option<Object>)]
    pub rate_limit: Option<Value>,
    /// Whether its workflow goes on when it fails for good.
    pub continue_on_failure: bool,
    /// When its first attempt began.
    #[schema(format = "date-time")]
    pub start_time: Option<String>,
    /// When it ended.
    #[schema(format = "date-time")]
    pub end_time: Option<String>,
    /// When and where it ran.
    #[schema(value_type = Object)]
    pub execution_metadata: Value,
    /// Where it stands and in whose name it runs.
    #[schema(value_type = Object)]
    pub execution_context: Value,
    /// What all its attempts used together.
    #[schema(value_type = Object)]
    pub metrics: Value,
    /// The last attempts, oldest first.
    #[schema(value_type = Vec<Object>)]
    pub attempts: Vec<Value>,
    /// When the running attempt must be over.
    #[schema(format = "date-time")]
    pub deadline_at: Option<String>,
    /// When the running attempt began, if another system has it and calls back.
    #[schema(format = "date-time")]
    pub elsewhere_since: Option<String>,
    /// When the next attempt begins.
    #[schema(format = "date-time")]
    pub next_retry_at: Option<String>,
    /// When the record may be deleted.
    #[schema(format = "date-time")]
    pub expires_at: Option<String>,
    /// W3C trace context of whoever asked.
    pub traceparent: Option<String>,
    /// The ended task that this one repeats.
    #[schema(format = "uuid")]
    pub retried_task_id: Option<String>,
    /// Counts changes, from 1: the record's `ETag`.
    pub version: u64,
    /// When it was accepted.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// When it last changed.
    #[schema(format = "date-time")]
    pub updated_at: String,
}

/// A workflow.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Workflow {
    /// The workflow.
    #[schema(format = "uuid")]
    pub id: String,
    /// Whose it is.
    pub tenant_id: String,
    /// What it is.
    pub workflow_definition_id: String,
    /// The version that was resolved at its start.
    pub definition_version: String,
    /// Where it is in its life.
    #[schema(value_type = WorkflowStatusWord)]
    pub status: String,
    /// When it began.
    #[schema(format = "date-time")]
    pub start_time: Option<String>,
    /// When it ended.
    #[schema(format = "date-time")]
    pub end_time: Option<String>,
    /// What it was given.
    #[schema(required = false)]
    pub input: Value,
    /// What it gave.
    #[schema(required = false)]
    pub output: Value,
    /// Why it failed.
    pub error: Option<ErrorInfo>,
    /// Its variables.
    #[schema(value_type = Object)]
    pub variables: Value,
    /// The caller's own id for the whole matter.
    pub correlation_id: Option<String>,
    /// Who started it.
    pub created_by: String,
    /// In whose name it runs.
    #[schema(value_type = Object)]
    pub security_context: Value,
    /// Totals over its tasks.
    #[schema(value_type = Object)]
    pub metrics: Value,
    /// What of it is active.
    #[schema(value_type = Object)]
    pub frontier: Value,
    /// Counts reopenings.
    pub run: u32,
    /// When its time limit passes.
    #[schema(format = "date-time")]
    pub deadline_at: Option<String>,
    /// When the record may be deleted.
    #[schema(format = "date-time")]
    pub expires_at: Option<String>,
    /// W3C trace context of whoever asked.
    pub traceparent: Option<String>,
    /// Counts changes, from 1: the record's `ETag`.
    pub version: u64,
    /// When it was accepted.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// When it last changed.
    #[schema(format = "date-time")]
    pub updated_at: String,
    /// Its tasks, as lists show them: the first hundred, by status, when it is read, and none
    /// where it is changed.
    pub task_instances: Vec<TaskSummary>,
}

/// How the service is.
#[derive(Debug, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
}
