//! What requests and answers hold of bulk operations.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use taskmill::JsonObject;
use taskmill::bulk::{TaskSelection, WorkflowSelection};
use utoipa::ToSchema;

use super::words::{BulkStatusWord, TaskStatusWord, TaskTypeWord, WorkflowStatusWord};

/// Workflows that meet everything that is set.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SelectedWorkflows {
    /// Of this status; by default of every one that what is asked can be asked in.
    #[schema(value_type = Option<WorkflowStatusWord>)]
    pub status: Option<String>,
    /// Of this definition.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    pub workflow_definition_id: Option<String>,
    /// Created from here on. By default, 30 days before `to` of what ended, and everything of what
    /// is open or of one definition.
    #[schema(format = "date-time")]
    pub from: Option<String>,
    /// Created before; now by default, and at the latest.
    #[schema(format = "date-time")]
    pub to: Option<String>,
}

/// Tasks that meet everything that is set.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SelectedTasks {
    /// Of this status; by default of every one that what is asked can be asked in.
    #[schema(value_type = Option<TaskStatusWord>)]
    pub status: Option<String>,
    /// Of this definition.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    pub task_definition_id: Option<String>,
    /// Of workflows of this definition.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    pub workflow_definition_id: Option<String>,
    /// Of this workflow.
    #[schema(format = "uuid")]
    pub workflow_id: Option<String>,
    /// Done so.
    #[schema(rename = "type", value_type = Option<TaskTypeWord>)]
    pub task_type: Option<String>,
    /// That this person has.
    #[schema(min_length = 1, max_length = 256)]
    pub assignee: Option<String>,
    /// Created from here on. By default, 30 days before `to` of what ended, and everything of what
    /// is open.
    #[schema(format = "date-time")]
    pub from: Option<String>,
    /// Created before; now by default, and at the latest.
    #[schema(format = "date-time")]
    pub to: Option<String>,
}

/// Workflows that are to go on at the steps that failed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkRetryWorkflows {
    /// Which.
    #[schema(value_type = SelectedWorkflows)]
    #[serde(deserialize_with = "object")]
    pub filter: WorkflowSelection,
    /// Whether they are only counted.
    #[serde(default)]
    pub dry_run: bool,
}

/// Workflows that are to end at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkCancelWorkflows {
    /// Which.
    #[schema(value_type = SelectedWorkflows)]
    #[serde(deserialize_with = "object")]
    pub filter: WorkflowSelection,
    /// Why, for people.
    #[serde(default = "somebody")]
    #[schema(min_length = 1, max_length = 256)]
    pub reason: String,
    /// Whether what was completed is undone.
    #[serde(default)]
    pub compensate: bool,
    /// Whether they are only counted.
    #[serde(default)]
    pub dry_run: bool,
}

/// Tasks that are to be repeated, each by a new one. Those of workflows are not concerned.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkRetryTasks {
    /// Which.
    #[schema(value_type = SelectedTasks)]
    #[serde(deserialize_with = "object")]
    pub filter: TaskSelection,
    /// Whether they are only counted.
    #[serde(default)]
    pub dry_run: bool,
}

/// Tasks that are to end at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkCancelTasks {
    /// Which.
    #[schema(value_type = SelectedTasks)]
    #[serde(deserialize_with = "object")]
    pub filter: TaskSelection,
    /// Why, for people.
    #[serde(default = "somebody")]
    #[schema(min_length = 1, max_length = 256)]
    pub reason: String,
    /// Whether they are only counted.
    #[serde(default)]
    pub dry_run: bool,
}

/// People's tasks that are to be given to somebody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkReassignTasks {
    /// Which.
    #[schema(value_type = SelectedTasks)]
    #[serde(deserialize_with = "object")]
    pub filter: TaskSelection,
    /// The person.
    #[schema(min_length = 1, max_length = 256)]
    pub assignee: String,
    /// Whether they are only counted.
    #[serde(default)]
    pub dry_run: bool,
}

fn somebody() -> String {
    "somebody asked for it".to_owned()
}

/// What a bulk operation would concern.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct DryRun {
    /// How many records were counted, at most 10,000.
    pub total: u64,
    /// Whether there are more than were counted.
    pub more: bool,
    /// The first of them, at most 100.
    pub ids: Vec<String>,
}

/// A bulk operation.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct BulkOperation {
    /// The operation.
    #[schema(format = "uuid")]
    pub id: String,
    /// Whose it is.
    pub tenant_id: String,
    /// Where it is in its life.
    #[schema(value_type = BulkStatusWord)]
    pub status: String,
    /// What is done to which records.
    #[schema(value_type = Object)]
    pub work: Value,
    /// How many records were counted, which is all of them once it runs.
    pub total: u64,
    /// How many did what was asked.
    pub done: u64,
    /// How many refused.
    pub failed: u64,
    /// The first that refused, at most 100.
    pub failures: Vec<BulkFailure>,
    /// In whose name.
    pub owner: String,
    /// Counts changes, from 1: the operation's `ETag`.
    pub version: u64,
    /// When it was asked for.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// When it last changed.
    #[schema(format = "date-time")]
    pub updated_at: String,
}

/// A record that refused what a bulk operation asked of it.
#[derive(Debug, ToSchema)]
pub struct BulkFailure {
    /// The workflow or task.
    #[schema(format = "uuid")]
    pub id: String,
    /// Why, for programs.
    pub code: String,
    /// Why, for people.
    pub message: String,
}

/// A page of bulk operations.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct BulkOperations {
    /// The operations, the newest first.
    pub items: Vec<BulkOperation>,
    /// The cursor of the next page; none at the end.
    pub next_cursor: Option<String>,
}

/// Reads an object as one: what is derived would take an array of its fields as well.
fn object<'de, T: DeserializeOwned, D: Deserializer<'de>>(given: D) -> Result<T, D::Error> {
    let object = JsonObject::deserialize(given)?;
    serde_json::from_value(Value::Object(object)).map_err(D::Error::custom)
}
