//! What the queues carry, and how it is written on them.
//!
//! A message is a hint: the record decides what it means. Each carries the format that it takes to
//! be read, so that work in flight survives an upgrade, and a roll-back: a message of a newer
//! format is kept for later, not thrown away. What an older version reads keeps its format, and what
//! it does not has a higher one ([`Message::format`]).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use taskmill::Timestamp;
use taskmill::error_info::ErrorInfo;
use taskmill::ids::{BulkId, ScheduleId, TaskId, TenantId, WorkflowId};
use taskmill::security::Caller;
use taskmill::task::instance::TaskPriority;
use taskmill::task::{AttemptReport, Outcome, TaskInstance};

use crate::payloads::PayloadKey;
use crate::queues::QueueName;

/// The newest format that this build writes and reads.
pub const FORMAT: u32 = 2;
/// What every version reads.
const FIRST_FORMAT: u32 = 1;
/// Attempts that another system has: whoever reads no more than the first format would take their
/// outcome for no message at all, and bury it.
const HANDED_OVER_FORMAT: u32 = 2;

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Message {
    /// On `create`: somebody asks for a task.
    CreateTask {
        /// Who asks.
        caller: Caller,
        /// For what; read by the use case.
        request: Value,
    },
    /// On `create`: somebody asks for a workflow.
    StartWorkflow {
        /// Who asks.
        caller: Caller,
        /// For what; read by the use case.
        request: Value,
    },
    /// On `execute` and `execute-urgent`: an attempt is to run.
    Execute(Execute),
    /// On `result`: an attempt ended.
    Outcome {
        /// The task.
        task_id: TaskId,
        /// The workflow or batch that waits for it, whose group the message is in.
        workflow_id: Option<WorkflowId>,
        /// How it ended.
        report: Carried<AttemptReport>,
    },
    /// On `result`: a task ended, and its workflow may not know.
    TaskEnded {
        /// The task.
        task_id: TaskId,
        /// The workflow or batch that waits for it.
        workflow_id: WorkflowId,
    },
    /// On `result`: somebody outside waits for a task by a token, and is to be told how it stands.
    TokenHeld {
        /// The task.
        task_id: TaskId,
    },
    /// On `result`: a child ended, or a batch has news, and the record that waits may not know.
    ChildTold {
        /// The child or batch.
        child_id: WorkflowId,
        /// The record that waits for it.
        workflow_id: WorkflowId,
    },
    /// On `result`: a child could not be started.
    ChildRefused {
        /// The child that was not to be.
        child_id: WorkflowId,
        /// The record that waits for it.
        workflow_id: WorkflowId,
        /// Why.
        error: Box<ErrorInfo>,
    },
    /// On `result`: a batch may have so many iterations in flight, those given back counted.
    Granted {
        /// The batch.
        workflow_id: WorkflowId,
        /// The workflow's `run`.
        #[serde(default)]
        run: u32,
        /// Iterations.
        slots: u32,
    },
    /// On `result`: a record is due.
    Due(Record),
    /// On `retry`: a message that is to be sent at a time.
    Later {
        /// The time, to the millisecond.
        due_at: Timestamp,
        /// The message.
        then: Box<Message>,
    },
    /// Inside `Later`: a message of a newer format, as it came.
    Unread {
        /// The queue that it came from.
        queue: QueueName,
        /// Its group.
        group: Option<String>,
        /// What SQS first knew it by.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first_id: Option<String>,
        /// Its body.
        body: String,
    },
}

/// An attempt that is to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Execute {
    /// The task.
    pub task_id: TaskId,
    /// Whose it is: the fairness of the queue goes by tenant.
    pub tenant_id: TenantId,
    /// Which queue it takes.
    pub priority: TaskPriority,
    /// The attempt, from 1.
    pub attempt: u32,
    /// Whether the attempt may have begun without a record of it, in a process that ended. It is
    /// then recorded first, so that one that ends every process cannot do so for ever.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub perhaps_begun: bool,
    /// Whether it is only for the lines that the task stands in: a rate lets somebody begin.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub line_only: bool,
}

impl From<&TaskInstance> for Execute {
    fn from(task: &TaskInstance) -> Self {
        Self {
            task_id: task.id,
            tenant_id: task.tenant_id.clone(),
            priority: task.priority,
            attempt: task.attempt(),
            perhaps_begun: false,
            line_only: false,
        }
    }
}

/// A record that falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "record", content = "id", rename_all = "camelCase")]
pub enum Record {
    /// A task that stands alone.
    Task(TaskId),
    /// A workflow.
    Workflow(WorkflowId),
    /// A schedule.
    Schedule(ScheduleId),
    /// A bulk operation.
    Bulk(BulkId),
}

/// A value in its message, or, when it is large, in the payload store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Carried<T> {
    /// The value.
    Inline(T),
    /// The key of the value in the payload store.
    Stored(PayloadKey),
}

#[derive(Serialize, Deserialize)]
struct Envelope<M> {
    v: u32,
    #[serde(default, skip_serializing_if = "is_first")]
    hops: u32,
    #[serde(flatten)]
    message: M,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands fields over by reference"
)]
fn is_first(hops: &u32) -> bool {
    *hops == 0
}

/// A message as it comes.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// The message.
    pub message: Message,
    /// Its place in its [chain](crate::chain).
    pub hops: u32,
}

/// A body that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is of a newer format than this build knows.
    #[error("the message is of format {0}, this version reads up to {FORMAT}")]
    Newer(u32),
    /// It is no message at all.
    #[error("the message cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
}

impl Message {
    /// The format that it takes to read the message.
    #[must_use]
    pub fn format(&self) -> u32 {
        match self {
            Self::Outcome {
                report: Carried::Inline(report),
                ..
            } => match report.outcome {
                Outcome::HandedOver => HANDED_OVER_FORMAT,
                Outcome::Succeeded { .. } | Outcome::Failed { .. } | Outcome::TimedOut { .. } => {
                    FIRST_FORMAT
                }
            },
            Self::Later { then, .. } => then.format(),
            // What was stored for its size is an output or an error.
            Self::Outcome {
                report: Carried::Stored(_),
                ..
            }
            | Self::CreateTask { .. }
            | Self::StartWorkflow { .. }
            | Self::Execute(_)
            | Self::TaskEnded { .. }
            | Self::TokenHeld { .. }
            | Self::ChildTold { .. }
            | Self::ChildRefused { .. }
            | Self::Granted { .. }
            | Self::Due(_)
            | Self::Unread { .. } => FIRST_FORMAT,
        }
    }

    /// The body of the message, at this place in its [chain](crate::chain).
    #[must_use]
    pub fn to_body(&self, hops: u32) -> String {
        let envelope = Envelope {
            v: self.format(),
            hops,
            message: self,
        };
        serde_json::to_string(&envelope).expect("a message has string keys only")
    }
}

impl Received {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn from_body(body: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        let Version { v } = serde_json::from_str(body)?;
        if v > FORMAT {
            return Err(Unreadable::Newer(v));
        }
        let Envelope { message, hops, .. } = serde_json::from_str(body)?;
        Ok(Self { message, hops })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    /// What is or was once sent, a body a line. A line stays when what is sent changes: an upgrade
    /// finds it on the queues, and so does a roll-back. A new form is a new line.
    const SENT: &str = include_str!("message/sent.jsonl");

    fn kind(message: &Message) -> &'static str {
        match message {
            Message::CreateTask { .. } => "createTask",
            Message::StartWorkflow { .. } => "startWorkflow",
            Message::Execute(_) => "execute",
            Message::Outcome { .. } => "outcome",
            Message::TaskEnded { .. } => "taskEnded",
            Message::TokenHeld { .. } => "tokenHeld",
            Message::ChildTold { .. } => "childTold",
            Message::ChildRefused { .. } => "childRefused",
            Message::Granted { .. } => "granted",
            Message::Due(_) => "due",
            Message::Later { .. } => "later",
            Message::Unread { .. } => "unread",
        }
    }

    #[test]
    fn what_was_ever_sent_is_read_and_what_is_sent_was_read() {
        let sent: Vec<Value> = SENT
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let mut kinds = BTreeSet::new();
        for line in SENT.lines() {
            let Received { message, hops } =
                Received::from_body(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            let now: Value = serde_json::from_str(&message.to_body(hops)).unwrap();
            assert!(
                sent.contains(&now),
                "{now} is a form of its own, and no line"
            );
            kinds.insert(kind(&message));
            if let Message::Later { then, .. } = &message {
                kinds.insert(kind(then));
            }
        }
        assert_eq!(kinds.len(), 12, "{kinds:?}");
    }

    /// An older version keeps what it cannot read for later, and reads everything else.
    #[test]
    fn a_form_that_came_later_has_a_format_that_those_before_put_aside() {
        let of_format = |format: u32| {
            let lines = SENT.lines().map(|line| Received::from_body(line).unwrap());
            let messages = lines.map(|received| received.message);
            messages.filter(move |message| message.format() == format)
        };
        for message in of_format(HANDED_OVER_FORMAT) {
            let body = message.to_body(0);
            assert!(body.contains("HANDED_OVER"), "{body}");
            assert!(body.starts_with("{\"v\":2"), "{body}");
        }
        let kinds: BTreeSet<_> = of_format(FIRST_FORMAT).map(|one| kind(&one)).collect();
        assert_eq!(kinds.len(), 11, "an Unread stands in a Later: {kinds:?}");
        let handed_over = of_format(HANDED_OVER_FORMAT).map(|one| kind(&one));
        let handed_over: BTreeSet<_> = handed_over.collect();
        assert_eq!(handed_over, ["later", "outcome"].into());
    }

    #[test]
    fn what_is_newer_is_told_from_what_is_no_message() {
        let newer = json!({"v": FORMAT + 1, "kind": "unheardOf"}).to_string();
        assert!(
            matches!(Received::from_body(&newer), Err(Unreadable::Newer(format)) if format == FORMAT + 1)
        );
        let unknown = json!({"v": FORMAT, "kind": "unheardOf"}).to_string();
        assert!(matches!(
            Received::from_body(&unknown),
            Err(Unreadable::Malformed(_))
        ));
    }
}
