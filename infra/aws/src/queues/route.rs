//! Where a message goes: queue, group, deduplication id, delay.
//!
//! | queue | group | deduplication id |
//! |---|---|---|
//! | `create`, `execute`, `execute-urgent` | tenant, for fairness | none |
//! | `retry` | none | none |
//! | `result` | workflow, or lone task | execution id; of a hint, one of its own |

use taskmill::Timestamp;
use taskmill::ids::TenantId;
use taskmill::task::Outcome;
use taskmill::task::routing::{ExecuteQueue, queue_for};

use crate::payloads::ContentHash;
use crate::queues::QueueName;
use crate::queues::message::{Carried, Execute, Message, Received, Record};
use crate::unique::unique;

/// A message on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// Where to.
    pub queue: QueueName,
    /// Its body.
    pub body: String,
    /// Its group.
    pub group: Option<String>,
    /// What it is recognized by when it is sent twice; only on `result`.
    pub deduplication_id: Option<String>,
    /// When it is to be seen; at once when none.
    pub due_at: Option<Timestamp>,
    /// What SQS first knew it by, of one that was set aside and is sent again.
    pub first_id: Option<String>,
}

impl Outgoing {
    /// Routes a message that is sent at `now`, at this place in its [chain](crate::chain). Of two
    /// hints about one record in one millisecond, the second may be about what the first did not
    /// see: each has a number of its own.
    #[must_use]
    pub fn new(message: &Message, hops: u32, now: Timestamp) -> Self {
        let body = message.to_body(hops);
        match message {
            Message::CreateTask { caller, .. } | Message::StartWorkflow { caller, .. } => {
                Self::fair(QueueName::Create, body, &caller.tenant_id)
            }
            Message::Execute(execute) => Self::execute(body, execute),
            Message::Outcome {
                task_id,
                workflow_id,
                report,
            } => {
                let group = workflow_id.map_or_else(|| task_id.to_string(), |id| id.to_string());
                let recognized_by = match report {
                    // An end may follow.
                    Carried::Inline(report) if report.outcome == Outcome::HandedOver => {
                        format!("{}-elsewhere", report.execution_id)
                    }
                    Carried::Inline(report) => report.execution_id.to_string(),
                    Carried::Stored(key) => {
                        let key = key.as_str();
                        key.rsplit('/').next().unwrap_or(key).to_owned()
                    }
                };
                Self::result(body, group, recognized_by)
            }
            Message::TaskEnded {
                task_id,
                workflow_id,
            } => {
                let recognized_by = format!("{task_id}-{}-{}", now.millis(), unique());
                Self::result(body, workflow_id.to_string(), recognized_by)
            }
            Message::TokenHeld { task_id } => {
                let recognized_by = format!("{task_id}-{}-{}", now.millis(), unique());
                Self::result(body, task_id.to_string(), recognized_by)
            }
            Message::ChildTold {
                child_id,
                workflow_id,
            }
            | Message::ChildRefused {
                child_id,
                workflow_id,
                ..
            } => {
                let recognized_by = format!("{child_id}-{}-{}", now.millis(), unique());
                Self::result(body, workflow_id.to_string(), recognized_by)
            }
            Message::Granted {
                workflow_id,
                run,
                slots,
            } => {
                let recognized_by =
                    format!("{workflow_id}-{run}-{slots}-{}-{}", now.millis(), unique());
                Self::result(body, workflow_id.to_string(), recognized_by)
            }
            Message::Due(record) => {
                let id = match record {
                    Record::Task(id) => id.to_string(),
                    Record::Workflow(id) => id.to_string(),
                    Record::Schedule(id) => id.to_string(),
                    Record::Bulk(id) => id.to_string(),
                };
                let recognized_by = format!("{id}-{}-{}", now.millis(), unique());
                Self::result(body, id, recognized_by)
            }
            Message::Later { due_at, .. } => Self {
                due_at: Some(*due_at),
                ..Self::plain(QueueName::Retry, body)
            },
            Message::Unread {
                queue,
                group,
                first_id,
                body,
            } => Self {
                queue: *queue,
                body: body.clone(),
                group: group.clone(),
                deduplication_id: queue
                    .settings()
                    .fifo
                    .then(|| format!("unread-{}-{}", ContentHash::of(body), now.millis())),
                due_at: None,
                first_id: first_id.clone(),
            },
        }
    }

    /// The group that a body belongs to, by what it says; none of one that cannot be read.
    #[must_use]
    pub fn group_of(body: &str) -> Option<String> {
        let Received { message, hops } = Received::from_body(body).ok()?;
        Self::new(&message, hops, Timestamp::from_millis(0)).group
    }

    fn plain(queue: QueueName, body: String) -> Self {
        Self {
            queue,
            body,
            group: None,
            deduplication_id: None,
            due_at: None,
            first_id: None,
        }
    }

    fn fair(queue: QueueName, body: String, tenant: &TenantId) -> Self {
        Self {
            group: Some(tenant.to_string()),
            ..Self::plain(queue, body)
        }
    }

    fn execute(body: String, execute: &Execute) -> Self {
        let queue = match queue_for(execute.priority) {
            ExecuteQueue::Execute => QueueName::Execute,
            ExecuteQueue::ExecuteUrgent => QueueName::ExecuteUrgent,
        };
        Self::fair(queue, body, &execute.tenant_id)
    }

    fn result(body: String, group: String, deduplication_id: String) -> Self {
        Self {
            group: Some(group),
            deduplication_id: Some(deduplication_id),
            ..Self::plain(QueueName::Result, body)
        }
    }
}
