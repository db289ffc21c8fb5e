//! Looking at what is due: the `sweep` function, and the start of local mode.
//!
//! One mechanism serves timers, deadlines, lost messages and restarts: a record that is due is
//! loaded, its due time is moved by a conditional write, and what its stored state owes is
//! performed again.

use futures::future::join_all;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use taskmill::Timestamp;
use taskmill::ids::{TaskId, WorkflowId};
use taskmill::task::lifecycle::{Event as TaskEvent, Transition};
use taskmill::task::{TaskInstance, TaskStatus, due, lifecycle};
use taskmill::workflow::decider::{self, Effect, Event, Fold};
use taskmill::workflow::{Plan, WorkflowInstance};
use taskmill_aws::queues::{Execute, Message, Record};

use crate::app::App;
use crate::emit;
use crate::refusal::Fault;
use crate::tasks::{self, Applied};
use crate::workflows;

/// Records of one shard that are looked at side by side.
const SIDE_BY_SIDE: usize = 8;
/// Records of one kind that are read at a time.
const PAGE: usize = 100;
/// Pages of one shard that one sweep takes: the rest is for the next one.
const PAGES: usize = 100;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Records that were looked at because they were due.
    pub looked_at: usize,
    /// Records that fall due before the next sweep, of which a message was sent.
    pub promised: usize,
}

/// Looks at everything that is due, and promises a message for what falls due before the next
/// sweep.
///
/// # Errors
/// The store or the queues failed; what was not looked at is still due.
pub async fn sweep(app: &App) -> Result<Swept, Fault> {
    let mut swept = Swept::default();
    let horizon = app.config().sweep_horizon;
    for shard in 0..app.config().shards.due.max(1) {
        for _ in 0..PAGES {
            let found = due_in(app, shard, app.now().plus_millis(horizon)).await?;
            let now = app.now();
            let (due, later): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, at)| *at <= now);
            swept.looked_at += due.len();
            look_at_all(app, due.iter().map(|(record, _)| *record), Looking::Due).await;
            if due.len() < PAGE {
                swept.promised += later.len();
                promise(app, &later).await?;
                break;
            }
        }
    }
    Ok(swept)
}

/// Looks at every open record, whatever its due time: for a process that starts alone on its
/// data. What ran in the process before is lost.
///
/// # Errors
/// The store or the queues failed.
pub async fn recover(app: &App) -> Result<Swept, Fault> {
    let tasks = app.store().every_due_task().await?;
    let workflows = app.store().every_due_workflow().await?;
    let looked_at = tasks.len() + workflows.len();
    let tasks = tasks.into_iter().map(|due| Record::Task(due.id));
    let workflows = workflows.into_iter().map(|due| Record::Workflow(due.id));
    look_at_all(app, tasks.chain(workflows), Looking::AfterRestart).await;
    Ok(Swept {
        looked_at,
        promised: 0,
    })
}

/// Why records are looked at.
#[derive(Debug, Clone, Copy)]
enum Looking {
    /// They are due.
    Due,
    /// The process before this one ended, and with it all that it ran.
    AfterRestart,
}

async fn due_in(app: &App, shard: u8, until: Timestamp) -> Result<Vec<(Record, Timestamp)>, Fault> {
    let tasks = app.store().due_tasks(shard, until, PAGE).await?;
    let workflows = app.store().due_workflows(shard, until, PAGE).await?;
    let tasks = tasks
        .into_iter()
        .map(|due| (Record::Task(due.id), due.due_at));
    let workflows = workflows
        .into_iter()
        .map(|due| (Record::Workflow(due.id), due.due_at));
    Ok(tasks.chain(workflows).collect())
}

async fn promise(app: &App, later: &[(Record, Timestamp)]) -> Result<(), Fault> {
    if later.is_empty() {
        return Ok(());
    }
    let messages: Vec<Message> = later
        .iter()
        .map(|(record, at)| Message::Later {
            due_at: *at,
            then: Box::new(Message::Due(*record)),
        })
        .collect();
    Ok(app.queues().send(&messages).await?)
}

async fn look_at_all(app: &App, records: impl Iterator<Item = Record>, looking: Looking) {
    stream::iter(records)
        .for_each_concurrent(SIDE_BY_SIDE, |record| async move {
            let looked = match record {
                Record::Task(id) => look_at_task_as(app, id, looking).await,
                Record::Workflow(id) => look_at_workflow_as(app, id, looking).await,
            };
            // One record that cannot be read must not keep the others from being looked at.
            if let Err(error) = looked {
                tracing::error!(?record, %error, "a due record cannot be looked at");
            }
        })
        .await;
}

/// Looks at a task that stands alone.
pub(crate) async fn look_at_task(app: &App, id: TaskId) -> Result<(), Fault> {
    look_at_task_as(app, id, Looking::Due).await
}

/// Looks at a workflow, and at the tasks of its frontier.
pub(crate) async fn look_at_workflow(app: &App, id: WorkflowId) -> Result<(), Fault> {
    look_at_workflow_as(app, id, Looking::Due).await
}

async fn look_at_task_as(app: &App, id: TaskId, looking: Looking) -> Result<(), Fault> {
    let Some(task) = app.store().task(id).await? else {
        return Ok(());
    };
    let now = app.now();
    let early = task.due_at.is_none_or(|due| due > now);
    if early && matches!(looking, Looking::Due) {
        return Ok(());
    }
    let message = look(app, task, looking).await?;
    app.queues().send(message.as_slice()).await?;
    Ok(())
}

/// Looks at one task: writes what the look changes or, when it changes nothing, that the task
/// was looked at. The message that performs what the task owes is returned.
async fn look(app: &App, task: TaskInstance, looking: Looking) -> Result<Option<Message>, Fault> {
    let event = event_of(&task, looking);
    let facts = app.task_facts(task.execution_id());
    let moved = matches!(looking, Looking::Due) && task.due_at.is_some();
    if moved && let Ok(Transition::Repeated(_)) = lifecycle::transition(&task, &event, facts) {
        let after = due::checked(&task, facts.now);
        match app.store().replace_task(&task, &after).await {
            Ok(()) => {}
            // Somebody moved the task on: it is looked after.
            Err(error) if error.is_version_conflict() => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        return Ok(owed(app, &after, &event));
    }
    match tasks::apply_to(app, task.id, Some(task), &event).await? {
        Applied::Owes(task, effect) => {
            let message = emit::message(&task, effect, app.now());
            Ok(message.map(|message| as_of(message, looking)))
        }
        Applied::Rejected(..) | Applied::Missing => Ok(None),
    }
}

/// A dispatch after a restart: the process before may have begun the attempt.
fn as_of(message: Message, looking: Looking) -> Message {
    match (looking, message) {
        (Looking::AfterRestart, Message::Execute(execute)) => Message::Execute(Execute {
            perhaps_begun: true,
            ..execute
        }),
        (Looking::AfterRestart | Looking::Due, message) => message,
    }
}

fn event_of(task: &TaskInstance, looking: Looking) -> TaskEvent {
    match looking {
        Looking::AfterRestart if task.status == TaskStatus::Running => TaskEvent::Lost {
            execution_id: task.execution_id(),
        },
        Looking::AfterRestart | Looking::Due => TaskEvent::Look,
    }
}

fn owed(app: &App, task: &TaskInstance, event: &TaskEvent) -> Option<Message> {
    let facts = app.task_facts(task.execution_id());
    match lifecycle::transition(task, event, facts) {
        Ok(Transition::Repeated(effect)) => emit::message(task, effect, facts.now),
        Ok(Transition::Changed { .. }) | Err(_) => None,
    }
}

async fn look_at_workflow_as(app: &App, id: WorkflowId, looking: Looking) -> Result<(), Fault> {
    let Some(before) = app.store().workflow(id).await? else {
        return Ok(());
    };
    let now = app.now();
    let early = before.due_at.is_none_or(|due| due > now);
    if early && matches!(looking, Looking::Due) {
        return Ok(());
    }
    let plan = app.inner.definitions.plan_of(&before).await?;
    let mut fold = Fold::of(&plan, before.clone(), app.workflow_facts());
    fold.apply(&Event::Look);
    if let Some(decision) = fold.finish() {
        // Whoever was first has seen it.
        workflows::commit(app, &before, &decision).await?;
        return Ok(());
    }
    look_at_frontier(app, &plan, before, looking).await
}

async fn look_at_frontier(
    app: &App,
    plan: &Plan,
    before: WorkflowInstance,
    looking: Looking,
) -> Result<(), Fault> {
    let tasks = frontier_tasks(app, &before).await?;
    let state = match looking {
        Looking::AfterRestart => before,
        Looking::Due => {
            let after = moved(&before, &tasks, app.now());
            match app.store().replace_workflow(&before, &after).await {
                Ok(()) => after,
                // Somebody moved the workflow on: it is looked after.
                Err(error) if error.is_version_conflict() => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    };
    let missing = |path: &str| {
        tasks
            .iter()
            .any(|(entry, task)| entry == path && task.is_none())
    };
    let effects: Vec<Effect> = decider::owed(plan, &state, app.workflow_facts(), |entry| {
        missing(&entry.path)
    });
    let looks = tasks
        .into_iter()
        .filter_map(|(_, task)| Some(look(app, task?, looking)));
    let mut messages = Vec::new();
    for looked in join_all(looks).await {
        messages.extend(looked?);
    }
    app.queues().send(&messages).await?;
    workflows::perform_all(app, &state, &effects).await
}

async fn frontier_tasks(
    app: &App,
    state: &WorkflowInstance,
) -> Result<Vec<(String, Option<TaskInstance>)>, Fault> {
    stream::iter(state.frontier.clone())
        .map(|entry| async move {
            let task = app.store().task(state.task_id(&entry)).await?;
            Ok::<_, Fault>((entry.path, task))
        })
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await
}

/// The workflow after it was looked at: due again at the next check, or when one of its tasks
/// needs it earlier.
fn moved(
    before: &WorkflowInstance,
    tasks: &[(String, Option<TaskInstance>)],
    now: Timestamp,
) -> WorkflowInstance {
    let mut looked_at = before.clone();
    for entry in &mut looked_at.frontier {
        let task = tasks.iter().find(|(path, _)| *path == entry.path);
        if let Some((_, Some(task))) = task {
            entry.wake_at = due::wake_at(task, now);
        }
    }
    decider::checked(&looked_at, now)
}
