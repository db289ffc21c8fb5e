//! What the answers about dead letters hold. These types are never built: a letter is shown by its
//! use case.

use serde_json::Value;
use utoipa::ToSchema;

use super::words::QueueWord;

/// What a list shows of a dead letter.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct DeadLetterSummary {
    /// The id that SQS gave it.
    pub id: String,
    /// The queue that it was on.
    #[schema(value_type = QueueWord)]
    pub queue: String,
    /// When it was sent.
    #[schema(format = "date-time")]
    pub sent_at: Option<String>,
    /// Why it is here; unknown when its handler died of it.
    pub reason: Option<String>,
    /// What it is about.
    pub message: About,
}

/// What a message is about, as far as it says.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct About {
    /// What it is for.
    pub kind: String,
    /// Whose it is.
    pub tenant_id: Option<String>,
    /// The definition that was asked for.
    pub definition_id: Option<String>,
    /// The task.
    #[schema(format = "uuid")]
    pub task_id: Option<String>,
    /// The workflow, or the batch.
    #[schema(format = "uuid")]
    pub workflow_id: Option<String>,
    /// The child, or the batch, that has news for it.
    #[schema(format = "uuid")]
    pub child_id: Option<String>,
    /// The schedule.
    #[schema(format = "uuid")]
    pub schedule_id: Option<String>,
    /// The bulk operation.
    #[schema(format = "uuid")]
    pub bulk_id: Option<String>,
}

/// The dead letters of the caller's tenant.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct DeadLetters {
    /// The letters, by queue and the oldest first.
    pub items: Vec<DeadLetterSummary>,
    /// The queues that may hold more than what was looked at.
    #[schema(value_type = Vec<QueueWord>)]
    pub more: Vec<String>,
}

/// A dead letter with all that it says.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct DeadLetter {
    /// The id that SQS gave it.
    pub id: String,
    /// The queue that it was on.
    #[schema(value_type = QueueWord)]
    pub queue: String,
    /// When it was sent.
    #[schema(format = "date-time")]
    pub sent_at: Option<String>,
    /// Why it is here; unknown when its handler died of it.
    pub reason: Option<String>,
    /// What it is about.
    pub message: About,
    /// What it carries besides.
    #[schema(value_type = Option<Object>)]
    pub attributes: Option<Value>,
    /// The message, which may hold an input.
    #[schema(value_type = Object)]
    pub body: Value,
}
