//! Taking in what happened: the `process-result` function.
//!
//! An outcome is first applied to its task. The ends of tasks, and whatever else concerns a
//! workflow, are then folded into it: all that a batch holds for one workflow, as one commit.

use std::collections::BTreeMap;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures::future::join_all;
use taskmill::ids::{TaskId, TenantId, WorkflowId};
use taskmill::task::due;
use taskmill::task::lifecycle::{Effect, Event as TaskEvent};
use taskmill::task::{AttemptReport, TaskInstance, output};
use taskmill::workflow::decider::Event;
use taskmill_aws::queues::{Carried, Message, QueueName, Record as Due};

use crate::app::App;
use crate::batch::{self, Failures, Record, Unhandled};
use crate::bulk;
use crate::children;
use crate::emit;
use crate::line;
use crate::refusal::Fault;
use crate::schedules;
use crate::sweep;
use crate::tasks::{self, Applied};
use crate::tokens;
use crate::workflows;

/// A message that failed once is hidden only this long: others of its workflow wait behind it.
const FAILED_VISIBILITY_SECONDS: u32 = 5;
/// However often it failed, it is not hidden for longer.
const LONGEST_VISIBILITY_SECONDS: u32 = 180;

/// Handles a batch of the `result` queue.
pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    let app = &app.invocation();
    let mut failures = Failures::default();
    let records = batch::read(app, QueueName::Result, &event.records, &mut failures).await;
    let mut groups: BTreeMap<&str, Vec<&Record<'_>>> = BTreeMap::new();
    for record in &records {
        let group = batch::attribute(record.raw, "MessageGroupId").unwrap_or_default();
        groups.entry(group).or_default().push(record);
    }
    let handled = groups.into_values().map(|group| handle_group(app, group));
    for (record, settled) in join_all(handled).await.into_iter().flatten() {
        failures.note(record.raw, settled);
    }
    failures.into_response()
}

/// Handles the messages of one group in their order. When one fails, those behind it fail too,
/// because their order is to be kept.
async fn handle_group<'a>(
    app: &App,
    group: Vec<&'a Record<'a>>,
) -> Vec<(&'a Record<'a>, Result<(), Fault>)> {
    // What is folded together is one change.
    let hops = group.iter().map(|record| record.hops).max().unwrap_or(0);
    let app = &app.in_chain(hops);
    let mut taken = Vec::new();
    let mut events: BTreeMap<WorkflowId, Vec<Event>> = BTreeMap::new();
    let mut fault = None;
    let mut settled = Vec::new();
    let mut rest = group.into_iter();
    for record in rest.by_ref() {
        match take(app, &record.message, record.queue).await {
            Ok(of_workflow) => {
                for (id, event) in of_workflow {
                    events.entry(id).or_default().push(event);
                }
                taken.push(record);
            }
            Err(unhandled) => {
                let result = batch::settle(app, record, Err(unhandled)).await;
                let failed = result.is_err();
                settled.push((record, result));
                if failed {
                    break;
                }
            }
        }
    }
    for (id, events) in events {
        if let Err(error) = workflows::fold(app, id, &events).await {
            fault.get_or_insert(error);
        }
    }
    settle_taken(app, taken, fault, &mut settled).await;
    for record in rest {
        let behind = Fault::Contended {
            record: "the message before it".to_owned(),
            attempts: 1,
        };
        settled.push((record, Err(behind)));
    }
    for (record, result) in &settled {
        if result.is_err() {
            come_back_soon(app, record).await;
        }
    }
    settled
}

async fn settle_taken<'a>(
    app: &App,
    taken: Vec<&'a Record<'a>>,
    fault: Option<Fault>,
    settled: &mut Vec<(&'a Record<'a>, Result<(), Fault>)>,
) {
    let Some(fault) = fault else {
        settled.extend(taken.into_iter().map(|record| (record, Ok(()))));
        return;
    };
    let reason = fault.to_string();
    let mut fault = Some(fault);
    for record in taken {
        let each = fault.take().unwrap_or_else(|| Fault::Contended {
            record: reason.clone(),
            attempts: 1,
        });
        let result = batch::settle(app, record, Err(Unhandled::Fault(each))).await;
        settled.push((record, result));
    }
}

async fn come_back_soon(app: &App, record: &Record<'_>) {
    let doublings = record.receive_count().saturating_sub(1).min(8);
    let seconds = (FAILED_VISIBILITY_SECONDS << doublings).min(LONGEST_VISIBILITY_SECONDS);
    let hidden = app.queues().hide(record.queue, record.receipt(), seconds);
    if let Err(error) = hidden.await {
        tracing::debug!(%error, "a failed message stays hidden for its whole time");
    }
}

/// Takes a message: what it says of a task is committed here, what it says of a workflow is
/// returned.
async fn take(
    app: &App,
    message: &Message,
    queue: QueueName,
) -> Result<Vec<(WorkflowId, Event)>, Unhandled> {
    match message {
        Message::Outcome {
            task_id, report, ..
        } => take_outcome(app, *task_id, report).await,
        Message::TaskEnded {
            task_id,
            workflow_id,
        } => {
            let task = app.store().task(*task_id).await?;
            let ended = task.filter(|task| task.status.is_terminal());
            Ok(ended
                .map(|task| (*workflow_id, Event::TaskEnded(Box::new((&task).into()))))
                .into_iter()
                .collect())
        }
        Message::TokenHeld { task_id } => {
            tokens::tell(app, *task_id).await?;
            Ok(Vec::new())
        }
        Message::ChildTold {
            child_id,
            workflow_id,
        } => {
            let news = children::news(app, *child_id).await?;
            Ok(news
                .map(|event| (*workflow_id, event))
                .into_iter()
                .collect())
        }
        Message::ChildRefused {
            child_id,
            workflow_id,
            error,
        } => Ok(vec![(*workflow_id, children::refused(*child_id, error))]),
        Message::Granted {
            workflow_id,
            run,
            slots,
        } => {
            let (run, slots) = (*run, *slots);
            Ok(vec![(*workflow_id, Event::Granted { run, slots })])
        }
        Message::Due(record) => {
            match record {
                Due::Task(id) => sweep::look_at_task(app, *id).await?,
                Due::Workflow(id) => sweep::look_at_workflow(app, *id).await?,
                Due::Schedule(id) => schedules::look(app, *id).await?,
                Due::Bulk(id) => bulk::look(app, *id).await?,
            }
            Ok(Vec::new())
        }
        Message::CreateTask { .. }
        | Message::StartWorkflow { .. }
        | Message::Execute(_)
        | Message::Later { .. }
        | Message::Unread { .. } => Err(batch::misplaced(queue)),
    }
}

async fn carried(
    app: &App,
    tenant: &TenantId,
    report: &Carried<AttemptReport>,
) -> Result<AttemptReport, Unhandled> {
    match report {
        Carried::Inline(report) => Ok(report.clone()),
        Carried::Stored(key) if !key.belongs_to(tenant) => Err(Unhandled::Never(format!(
            "the payload {} is another tenant's",
            key.as_str()
        ))),
        Carried::Stored(key) => {
            let content =
                app.inner.payloads.get(key).await?.ok_or_else(|| {
                    Unhandled::Never(format!("the payload {} is gone", key.as_str()))
                })?;
            serde_json::from_str(&content).map_err(|error| Unhandled::Never(error.to_string()))
        }
    }
}

async fn take_outcome(
    app: &App,
    id: TaskId,
    report: &Carried<AttemptReport>,
) -> Result<Vec<(WorkflowId, Event)>, Unhandled> {
    let Some(task) = app.store().task(id).await? else {
        tracing::warn!(task.id = %id, "an outcome is for a task that is gone");
        return Ok(Vec::new());
    };
    let report = carried(app, &task.tenant_id, report).await?;
    let (attempt, began_at) = (report.execution_id, report.started_at);
    match apply(app, task, report).await? {
        Applied::Owes(task, effect) => {
            let is_elsewhere = task.elsewhere_since.is_some() && task.execution_id() == attempt;
            if !is_elsewhere {
                line::over(app, &task, attempt, began_at).await?;
            }
            Ok(owe(app, &task, effect).await?)
        }
        Applied::Rejected(task, rejection) => {
            line::over(app, &task, attempt, began_at).await?;
            tracing::info!(task.id = %id, status = task.status.as_str(), %rejection, "an outcome is stale");
            Ok(Vec::new())
        }
        Applied::Missing => Ok(Vec::new()),
    }
}

/// Writes the end of an attempt to its task, ahead of the message that tells it. What the task
/// then owes is owed by that message.
pub(crate) async fn note(app: &App, id: TaskId, report: AttemptReport) -> Result<(), Fault> {
    match app.store().task(id).await? {
        Some(task) => apply(app, task, report).await.map(drop),
        None => Ok(()),
    }
}

/// Applies the end of an attempt to its task, after its output was checked.
async fn apply(app: &App, task: TaskInstance, report: AttemptReport) -> Result<Applied, Fault> {
    let definition = app.inner.definitions.of_task(&task).await?;
    let checked = output::checked(report.outcome, &definition.output, app.now());
    let event = TaskEvent::Report(Box::new(AttemptReport {
        outcome: checked,
        ..report
    }));
    tasks::apply_to(app, task.id, Some(task), &event).await
}

/// Performs what a task owes. What concerns its workflow is returned, to be folded together
/// with the rest of the batch instead of being sent.
async fn owe(
    app: &App,
    task: &TaskInstance,
    effect: Effect,
) -> Result<Vec<(WorkflowId, Event)>, Fault> {
    let now = app.now();
    let workflow = task.context.owner();
    let waits = |wake_at| Event::TaskWaits {
        task_id: task.id,
        wake_at,
    };
    let event = match effect {
        Effect::None | Effect::Remind(_) => None,
        Effect::Watch => due::wake_at(task, now).map(waits),
        Effect::Announce => {
            tokens::answer(app, task).await?;
            Some(Event::TaskEnded(Box::new(task.into())))
        }
        Effect::Dispatch { at } => {
            if let Some(message) = emit::dispatch(task, at, now) {
                app.queues().send(&[message]).await?;
            }
            let far = task
                .next_retry_at
                .is_some_and(|at| at.millis_since(now) > due::LONGEST_MESSAGE_DELAY);
            far.then(|| due::wake_at(task, now)).flatten().map(waits)
        }
    };
    Ok(workflow.zip(event).into_iter().collect())
}
