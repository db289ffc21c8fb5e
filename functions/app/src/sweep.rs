//! Looking at what is due: the `sweep` function, and the start of local mode.
//!
//! One mechanism serves timers, deadlines, lost messages and restarts: a record that is due is
//! loaded, its due time is moved by a conditional write, and what its stored state owes is
//! performed again. One that cannot be read is put off for an hour: nobody can say what it owes.

use futures::future::join_all;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taskmill::Timestamp;
use taskmill::ids::{TaskId, WorkflowId};
use taskmill::metrics::embedded;
use taskmill::metrics::table::{Dimension, Metric};
use taskmill::task::lifecycle::{Event as TaskEvent, Transition};
use taskmill::task::{TaskInstance, TaskStatus, TaskType, due, lifecycle};
use taskmill::workflow::decider::{self, Event, Leaf, LeafKind};
use taskmill::workflow::{Plan, WorkflowInstance};
use taskmill_aws::queues::{Execute, Message, Record};
use taskmill_aws::store::{Due, DueTable};

use crate::app::App;
use crate::bulk;
use crate::emit;
use crate::line;
use crate::refusal::Fault;
use crate::schedules;
use crate::tasks::{self, Applied};
use crate::workflows;

/// Records of one shard that are looked at side by side.
const SIDE_BY_SIDE: usize = 8;
/// Records of one kind that are read at a time.
const PAGE: usize = 100;
/// Pages of one shard that one sweep looks at, and that it promises: the rest is for the next one.
const PAGES: usize = 100;

/// Milliseconds until a record that cannot be read is looked at again: an upgrade or a repair may
/// have come by then.
const UNREADABLE_DELAY: u64 = 60 * 60 * 1000;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Records that were due and are not any more: they were looked at, or cannot be read and were
    /// put off.
    pub looked_at: usize,
    /// Records that fall due before the next sweep, of which a message was sent.
    pub promised: usize,
    /// Milliseconds for which the record had been due that was due for longest.
    pub oldest_due: u64,
}

impl Swept {
    fn add(&mut self, other: Self) {
        self.looked_at += other.looked_at;
        self.promised += other.promised;
        self.oldest_due = self.oldest_due.max(other.oldest_due);
    }

    /// A line that CloudWatch takes a metric from when `function` logs it. In a deployment that is
    /// well no record is due for much longer than a minute.
    #[must_use]
    pub fn metrics(self, function: &str, now: Timestamp) -> Value {
        let labels = vec![(Dimension::FunctionName, function.to_owned())];
        let oldest = [self.oldest_due / 1000];
        let mut line = embedded::line(&labels, &[(Metric::OldestDue, &oldest)], now);
        line.insert("lookedAt".to_owned(), json!(self.looked_at));
        line.insert("promised".to_owned(), json!(self.promised));
        Value::Object(line)
    }
}

/// Looks at everything that is due, and promises a message for what falls due before the next
/// sweep.
///
/// # Errors
/// The store or the queues failed; what was not looked at is still due.
pub async fn sweep(app: &App) -> Result<Swept, Fault> {
    let app = &app.invocation();
    let mut swept = Swept::default();
    for shard in 0..app.config().shards.due.max(1) {
        for table in [DueTable::Tasks, DueTable::Workflows] {
            swept.add(sweep_shard(app, table, shard).await?);
        }
    }
    Ok(swept)
}

async fn sweep_shard(app: &App, table: DueTable, shard: u8) -> Result<Swept, Fault> {
    let mut swept = Swept::default();
    for _ in 0..PAGES {
        let until = app.now().plus_millis(app.config().sweep_horizon);
        let page = Page::first(app, table, shard, until).await?;
        let now = app.now();
        if let Some(first) = page.entries.first() {
            swept.oldest_due = swept.oldest_due.max(now.millis_since(first.due_at));
        }
        let due = page.entries.partition_point(|entry| entry.due_at <= now);
        let moved = look_at_due(app, &page.entries[..due]).await;
        swept.looked_at += moved;
        if due < PAGE {
            swept.promised = promise(app, &page.entries[due..]).await?;
            swept.promised += promise_behind(app, page).await?;
            break;
        }
        // What failed is still the first of the next page: the next sweep may have better luck.
        if moved == 0 {
            break;
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
    let app = &app.invocation();
    let tasks = app.store().every_due_task().await?;
    let workflows = app.store().every_due_workflow().await?;
    // What was to be asked next was on the way, and is lost as well.
    let bulks = app.store().every_due_bulk().await?;
    let looked_at = tasks.len() + workflows.len() + bulks.len();
    let tasks = tasks.into_iter().map(|due| Record::Task(due.id));
    let workflows = workflows.into_iter().map(|due| Record::Workflow(due.id));
    let bulks = bulks.into_iter().map(|due| Record::Bulk(due.id));
    stream::iter(tasks.chain(workflows).chain(bulks))
        .for_each_concurrent(SIDE_BY_SIDE, |record| async move {
            if let Err(fault) = look_at(app, record, Looking::AfterRestart).await {
                // One that cannot be read must not keep the others from being looked at.
                not_looked_at(record, &fault);
            }
        })
        .await;
    Ok(Swept {
        looked_at,
        ..Swept::default()
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

/// A page of what is due in one shard of a table until a time, the earliest first.
struct Page {
    table: DueTable,
    shard: u8,
    until: Timestamp,
    entries: Vec<Due<Record>>,
}

impl Page {
    async fn first(app: &App, table: DueTable, shard: u8, until: Timestamp) -> Result<Self, Fault> {
        Ok(Self {
            table,
            shard,
            until,
            entries: app.store().due(table, shard, until, PAGE).await?,
        })
    }

    /// The page that follows; none when this one is not full.
    async fn next(self, app: &App) -> Result<Option<Self>, Fault> {
        let Some(last) = self.entries.last().filter(|_| self.entries.len() >= PAGE) else {
            return Ok(None);
        };
        let (table, shard, until) = (self.table, self.shard, self.until);
        let following = app.store().due_after(table, shard, *last, until, PAGE);
        let entries = following.await?;
        Ok(Some(Self { entries, ..self }))
    }
}

/// Promises a message for each of these, and says how many they are.
async fn promise(app: &App, later: &[Due<Record>]) -> Result<usize, Fault> {
    let messages: Vec<Message> = later
        .iter()
        .map(|due| Message::Later {
            due_at: due.due_at,
            then: Box::new(Message::Due(due.id)),
        })
        .collect();
    app.queues().send(&messages).await?;
    Ok(messages.len())
}

/// Promises what stands on the pages behind this one.
async fn promise_behind(app: &App, page: Page) -> Result<usize, Fault> {
    let mut promised = 0;
    let mut last = page;
    for _ in 1..PAGES {
        let Some(page) = last.next(app).await? else {
            break;
        };
        promised += promise(app, &page.entries).await?;
        last = page;
    }
    Ok(promised)
}

/// Looks at records that are due, and says how many are not any more.
async fn look_at_due(app: &App, due: &[Due<Record>]) -> usize {
    let moved = stream::iter(due.to_vec())
        .map(|due| async move {
            let Err(fault) = look_at(app, due.id, Looking::Due).await else {
                return 1;
            };
            not_looked_at(due.id, &fault);
            usize::from(!fault.is_transient() && postpone(app, due).await)
        })
        .buffer_unordered(SIDE_BY_SIDE);
    moved.fold(0, |sum, moved| async move { sum + moved }).await
}

async fn look_at(app: &App, record: Record, looking: Looking) -> Result<(), Fault> {
    match record {
        Record::Task(id) => look_at_task_as(app, id, looking).await,
        Record::Workflow(id) => look_at_workflow_as(app, id, looking).await,
        Record::Schedule(id) => schedules::look(app, id).await,
        Record::Bulk(id) => bulk::look(app, id).await,
    }
}

fn not_looked_at(record: Record, fault: &Fault) {
    tracing::error!(?record, error = %fault, "a due record cannot be looked at");
}

/// Moves the due time of a record that cannot be read, so that it is neither forgotten nor looked
/// at all the time. Says whether that was done.
async fn postpone(app: &App, due: Due<Record>) -> bool {
    let to = app.now().plus_millis(UNREADABLE_DELAY);
    let postponed = app.store().postpone(due, to).await;
    if let Err(error) = &postponed {
        tracing::warn!(record = ?due.id, %error, "the record is still due");
    }
    postponed.is_ok()
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
    let messages = look(app, task, looking).await?;
    app.queues().send(&messages).await?;
    Ok(())
}

/// Looks at one task: writes what the look changes or, when it changes nothing, that the task
/// was looked at. The messages that perform what the task owes are returned.
async fn look(app: &App, task: TaskInstance, looking: Looking) -> Result<Vec<Message>, Fault> {
    if matches!(looking, Looking::AfterRestart) {
        line::restarted(app, &task).await?;
    }
    app.store().mend_inbox(&task).await?;
    let event = event_of(&task, looking);
    let facts = app.task_facts(task.execution_id());
    let moved = matches!(looking, Looking::Due) && task.due_at.is_some();
    if moved && let Ok(Transition::Repeated(_)) = lifecycle::transition(&task, &event, facts) {
        let after = due::checked(&task, facts.now);
        match app.store().replace_task(&task, &after).await {
            Ok(()) => {}
            // Somebody moved the task on: it is looked after.
            Err(error) if error.is_version_conflict() => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        }
        return Ok(owed(app, &after, &event));
    }
    match tasks::apply_to(app, task.id, Some(task), &event).await? {
        Applied::Owes(task, effect) => {
            let message = emit::message(&task, effect, app.now());
            Ok(message
                .map(|message| as_of(message, looking))
                .into_iter()
                .collect())
        }
        Applied::Rejected(..) | Applied::Missing => Ok(Vec::new()),
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
    // A person works on while no process runs, and so do a worker that polls and another system.
    let is_elsewhere = task.task_type == TaskType::Manual
        || task.polled.is_some()
        || task.elsewhere_since.is_some();
    let has_worker = task.status == TaskStatus::Running && !is_elsewhere;
    match looking {
        Looking::AfterRestart if has_worker => TaskEvent::Lost {
            execution_id: task.execution_id(),
        },
        Looking::AfterRestart | Looking::Due => TaskEvent::Look,
    }
}

/// What a task owes that nobody heard of for long: whoever waits for it by a token is told that it
/// goes on, which also shows whether they still do.
fn owed(app: &App, task: &TaskInstance, event: &TaskEvent) -> Vec<Message> {
    let facts = app.task_facts(task.execution_id());
    match lifecycle::transition(task, event, facts) {
        Ok(Transition::Repeated(effect)) => {
            let effect = emit::message(task, effect, facts.now);
            let held = emit::held(task).filter(|_| !task.status.is_terminal());
            effect.into_iter().chain(held).collect()
        }
        Ok(Transition::Changed { .. }) | Err(_) => Vec::new(),
    }
}

async fn look_at_workflow_as(app: &App, id: WorkflowId, looking: Looking) -> Result<(), Fault> {
    let Some(before) = app.store().workflow(id).await? else {
        return Ok(());
    };
    let plan = app.inner.definitions.plan_of(&before).await?;
    let (decision, _) = workflows::decide(app, &plan, &before, &[Event::Look]).await?;
    if let Some(decision) = decision {
        // Whoever was first has seen it.
        workflows::commit(app, &before, &decision).await?;
        if matches!(looking, Looking::Due) {
            return Ok(());
        }
        // What ran in the process before is lost, whatever came of the look.
        let after = app.store().workflow(id).await?;
        return look_at_frontier(app, &plan, after.unwrap_or(decision.state), looking).await;
    }
    let early = before.due_at.is_none_or(|due| due > app.now());
    if early && matches!(looking, Looking::Due) {
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
    let leaves = decider::leaves(plan, &before);
    let (tasks, mut messages) = records_of(app, &before, leaves).await?;
    let state = match looking {
        Looking::AfterRestart => before,
        Looking::Due => {
            let now = app.now();
            let known = tasks.iter().filter_map(|(_, task)| task.as_ref());
            let wakes = known.filter_map(|task| Some((task.id, due::wake_at(task, now)?)));
            let wakes: Vec<_> = wakes.collect();
            let after = decider::checked(plan, &before, &wakes, now);
            match app.store().replace_workflow(&before, &after).await {
                Ok(()) => after,
                // Somebody moved the workflow on: it is looked after.
                Err(error) if error.is_version_conflict() => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    };
    // Of a step whose task is there the task says what it is owed; timers, children and batches
    // are told again.
    let is_there = |path: &str| {
        let mut of_path = tasks.iter().filter(|(leaf, _)| leaf.path == path);
        of_path.any(|(_, task)| task.is_some())
    };
    let effects = decider::owed(plan, &state, app.workflow_facts(), |path, _| {
        !is_there(path)
    });
    let looks = tasks
        .into_iter()
        .filter_map(|(_, task)| Some(look(app, task?, looking)));
    for looked in join_all(looks).await {
        messages.extend(looked?);
    }
    app.queues().send(&messages).await?;
    workflows::perform_all(app, &state, &effects).await
}

/// The tasks of the steps under way, as far as they are there, and what children and batches have
/// to tell.
async fn records_of(
    app: &App,
    state: &WorkflowInstance,
    leaves: Vec<Leaf>,
) -> Result<(Vec<(Leaf, Option<TaskInstance>)>, Vec<Message>), Fault> {
    let mut messages = Vec::new();
    let mut tasks = Vec::new();
    for leaf in leaves {
        match leaf.kind {
            LeafKind::Task(id) => tasks.push((leaf, id)),
            LeafKind::Child(child_id) | LeafKind::Batch(child_id) => {
                messages.push(Message::ChildTold {
                    child_id,
                    workflow_id: state.id,
                });
            }
        }
    }
    let tasks = stream::iter(tasks)
        .map(|(leaf, id)| async move { Ok::<_, Fault>((leaf, app.store().task(id).await?)) })
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await?;
    Ok((tasks, messages))
}
