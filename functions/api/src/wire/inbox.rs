//! What the answers about people's tasks hold beside the tasks themselves. These types are never
//! built: an entry is shown by the store, a form by the core.

use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};

use super::words::{PriorityWord, TaskStatusWord};

/// What an inbox shows of a task. Texts that are too long for a list are left out.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct InboxEntry {
    /// The task.
    #[schema(format = "uuid")]
    pub id: String,
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
    /// How urgent it is.
    #[schema(value_type = PriorityWord)]
    pub priority: String,
    /// A name for people.
    pub task_reference: Option<String>,
    /// The person who has it.
    pub assignee: Option<String>,
    /// When it is overdue.
    #[schema(format = "date-time")]
    pub due_date: Option<String>,
    /// Until when its assignee put it off.
    #[schema(format = "date-time")]
    pub put_off_until: Option<String>,
    /// When it was accepted.
    #[schema(format = "date-time")]
    pub created_at: String,
}

/// A page of an inbox.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Inbox {
    /// The tasks, the urgent first. There may be fewer than were asked for, and yet more to come.
    pub items: Vec<InboxEntry>,
    /// The cursor of the next page; none at the end.
    pub next_cursor: Option<String>,
}

/// How the output of a person's task is asked for.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Form {
    /// The task.
    #[schema(format = "uuid")]
    pub task_id: String,
    /// What the task is called.
    pub name: String,
    /// What is to be done.
    pub description: String,
    /// A name for people.
    pub task_reference: Option<String>,
    /// The JSON Schema that the output is checked with.
    #[schema(schema_with = schema_or_truth)]
    pub schema: Value,
    /// Hints for whoever shows the form, in the words of react-jsonschema-form.
    #[schema(value_type = Object)]
    pub ui_schema: Value,
}

/// A JSON Schema is an object, or says yes or no to everything.
fn schema_or_truth() -> RefOr<Schema> {
    let either = SchemaType::Array(vec![Type::Object, Type::Boolean]);
    ObjectBuilder::new().schema_type(either).into()
}
