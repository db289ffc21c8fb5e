//! Dead letters: what the deployment could not handle, and sending it back once its cause is gone.
//!
//! They belong to the deployment and not to a tenant: a message that cannot be read has none. Who
//! may see them sees inputs of all tenants. What a tenant may see is in `tenants_letters.rs`.

use futures::future::join_all;
use serde::Serialize;
use serde_json::{Value, json};
use taskmill::Timestamp;
use taskmill::ids::{BulkId, ScheduleId, TaskId, TenantId, WorkflowId};
use taskmill_aws::queues::{
    self, DeadLetter, Execute, Look, Message, QueueName, Received, Record, Redriven, Which,
};

use crate::app::App;
use crate::refusal::Refusal;

/// What a list shows of dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The letters, by queue and the oldest first.
    pub letters: Vec<LetterSummary>,
    /// The queues that may hold more than what is shown.
    pub more: Vec<QueueName>,
}

/// What a list shows of a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LetterSummary {
    /// The id that SQS gave it.
    pub id: String,
    /// The queue that it was on.
    pub queue: QueueName,
    /// When it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// Why it is here; unknown when its handler died of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it is about; unknown when it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<About>,
}

/// What a message is about, as far as it says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// What it is for, as on the wire.
    pub kind: &'static str,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// The definition that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition_id: Option<String>,
    /// The task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// The workflow, or the batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<WorkflowId>,
    /// The child, or the batch, that has news for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub child_id: Option<WorkflowId>,
    /// The schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_id: Option<ScheduleId>,
    /// The bulk operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bulk_id: Option<BulkId>,
}

/// The dead letters of these queues. They stay where they are.
///
/// # Errors
/// The queues failed.
pub async fn list(app: &App, queues: &[QueueName]) -> Result<Listed, Refusal> {
    let looks = looks(app, queues).await?;
    let more = queues.iter().zip(&looks).filter(|(_, look)| look.more);
    Ok(Listed {
        more: more.map(|(queue, _)| *queue).collect(),
        letters: looks
            .iter()
            .flat_map(|look| summaries(&look.letters))
            .collect(),
    })
}

/// A dead letter of these queues with all that it says, which may hold an input.
///
/// # Errors
/// `NOT_FOUND`, which says so when not all letters can be seen, or the queues failed.
pub async fn show(app: &App, queues: &[QueueName], id: &str) -> Result<Value, Refusal> {
    let looks = looks(app, queues).await?;
    let hidden = || match looks.iter().any(|look| look.more) {
        true => " among those that can be seen now; there may be more",
        false => "",
    };
    find(&looks, id)
        .map(view)
        .ok_or_else(|| Refusal::not_found("dead letter", format_args!("{id}{}", hidden())))
}

/// The letter of this id among those that were seen.
pub(crate) fn find<'l>(looks: &'l [Look], id: &str) -> Option<&'l DeadLetter> {
    let mut letters = looks.iter().flat_map(|look| &look.letters);
    letters.find(|letter| letter.id == id)
}

/// Sends dead letters of these queues back. What is said of each queue is what became of it, also
/// when another one failed.
pub async fn redrive(app: &App, queues: &[QueueName], which: &Which) -> Redriven {
    let redriven = queues
        .iter()
        .map(|queue| app.queues().redrive(*queue, which));
    let mut all = Redriven::default();
    for one in join_all(redriven).await {
        all.sent.extend(one.sent);
        all.came_back += one.came_back;
        match (&all.stopped, one.stopped) {
            (Some(_), Some(error)) => tracing::warn!(%error, "another queue failed as well"),
            (None, stopped) => all.stopped = stopped,
            (Some(_), None) => {}
        }
    }
    all
}

/// What lists show of letters.
#[must_use]
pub fn summaries(letters: &[DeadLetter]) -> Vec<LetterSummary> {
    letters.iter().map(summary).collect()
}

/// A look that fails cuts no other short, so that each puts back what it took.
pub(crate) async fn looks(app: &App, queues: &[QueueName]) -> Result<Vec<Look>, queues::Error> {
    let looks = queues.iter().map(|queue| app.queues().dead_letters(*queue));
    join_all(looks).await.into_iter().collect()
}

pub(crate) fn summary(letter: &DeadLetter) -> LetterSummary {
    let read = Received::from_body(&letter.body).ok();
    LetterSummary {
        id: letter.id.clone(),
        queue: letter.queue,
        sent_at: letter.sent_at,
        reason: letter.reason.clone(),
        message: read.map(|read| about(&read.message)),
    }
}

/// The whole letter; its body as JSON when it is.
pub(crate) fn view(letter: &DeadLetter) -> Value {
    let mut view = json!(summary(letter));
    if !letter.attributes.is_empty() {
        view["attributes"] = json!(letter.attributes);
    }
    let body = serde_json::from_str(&letter.body);
    view["body"] = body.unwrap_or_else(|_| Value::String(letter.body.clone()));
    view
}

fn about(message: &Message) -> About {
    match message {
        Message::CreateTask { caller, request } => About {
            kind: "createTask",
            tenant_id: Some(caller.tenant_id.clone()),
            definition_id: text(&request["taskDefinitionId"]),
            ..About::default()
        },
        Message::StartWorkflow { caller, request } => About {
            kind: "startWorkflow",
            tenant_id: Some(caller.tenant_id.clone()),
            definition_id: text(&request["workflowDefinitionId"]),
            ..About::default()
        },
        Message::Execute(Execute {
            task_id, tenant_id, ..
        }) => About {
            tenant_id: Some(tenant_id.clone()),
            ..of_task("execute", *task_id, None)
        },
        Message::Outcome {
            task_id,
            workflow_id,
            ..
        } => of_task("outcome", *task_id, *workflow_id),
        Message::TaskEnded {
            task_id,
            workflow_id,
        } => of_task("taskEnded", *task_id, Some(*workflow_id)),
        Message::TokenHeld { task_id } => of_task("tokenHeld", *task_id, None),
        Message::ChildTold {
            child_id,
            workflow_id,
        } => of_workflow("childTold", *workflow_id, Some(*child_id)),
        Message::ChildRefused {
            child_id,
            workflow_id,
            ..
        } => of_workflow("childRefused", *workflow_id, Some(*child_id)),
        Message::Granted { workflow_id, .. } => of_workflow("granted", *workflow_id, None),
        Message::Due(Record::Task(id)) => of_task("due", *id, None),
        Message::Due(Record::Workflow(id)) => of_workflow("due", *id, None),
        Message::Due(Record::Schedule(id)) => About {
            kind: "due",
            schedule_id: Some(*id),
            ..About::default()
        },
        Message::Due(Record::Bulk(id)) => About {
            kind: "due",
            bulk_id: Some(*id),
            ..About::default()
        },
        Message::Later { then, .. } => About {
            kind: "later",
            ..about(then)
        },
        Message::Unread { .. } => About {
            kind: "unread",
            ..About::default()
        },
    }
}

fn of_task(kind: &'static str, task: TaskId, workflow: Option<WorkflowId>) -> About {
    About {
        kind,
        task_id: Some(task),
        workflow_id: workflow,
        ..About::default()
    }
}

fn of_workflow(kind: &'static str, workflow: WorkflowId, child: Option<WorkflowId>) -> About {
    About {
        kind,
        workflow_id: Some(workflow),
        child_id: child,
        ..About::default()
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
