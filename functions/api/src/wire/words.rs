//! The words of fields that know only some: each description has those of the type that is read.

use serde_json::{Value, json};
use taskmill::bulk::BulkStatus;
use taskmill::schedule::ScheduleStatus;
use taskmill::task::{TaskPriority, TaskStatus, TaskType};
use taskmill::workflow::WorkflowStatus;
use taskmill_aws::queues::QueueName;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

fn one_of(words: Vec<Value>) -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(Type::String);
    text.enum_values(Some(words)).into()
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $words:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                one_of($words.iter().map(|word| json!(word)).collect())
            }
        }

        impl ToSchema for $name {}
    };
}

words!(
    /// Where a task is in its life.
    TaskStatusWord,
    TaskStatus::ALL
);
words!(
    /// Where a workflow is in its life.
    WorkflowStatusWord,
    WorkflowStatus::ALL
);
words!(
    /// Where a bulk operation is in its life.
    BulkStatusWord,
    BulkStatus::ALL
);
words!(
    /// Where a schedule is in its life.
    ScheduleStatusWord,
    ScheduleStatus::SHOWN
);
words!(
    /// Who does a task.
    TaskTypeWord,
    [TaskType::Automated, TaskType::Manual, TaskType::Integration]
);
words!(
    /// A queue.
    QueueWord,
    QueueName::ALL
);
words!(
    /// Whose open tasks are listed: what one has and may claim, what one has, what one may claim.
    WhoseWord,
    ["ALL", "MINE", "CLAIMABLE"]
);
words!(
    /// How urgent a task is.
    PriorityWord,
    [
        TaskPriority::Low,
        TaskPriority::Medium,
        TaskPriority::High,
        TaskPriority::Critical
    ]
);
