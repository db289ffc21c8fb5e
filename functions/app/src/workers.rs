//! Workers that poll: what is offered to their groups, and what they say of the tasks that they
//! have.
//!
//! An offer is a hint on the queue of the group; a worker has a task once its start is written. What
//! it says after that is checked and written by the call that says it, and hinted: should the hint
//! be lost, the due time finds out. So it does when a worker says nothing any more.
//!
//! Where a task is limited, its start takes the place first. A start that died in between leaves a
//! place that only this attempt can take, and takes again.

use futures::future::join_all;
use serde_json::Value;
use taskmill::codes::refusal;
use taskmill::ids::{ExecutionId, TaskId, WorkerGroup};
use taskmill::limits;
use taskmill::security::{Caller, WORK};
use taskmill::task::definition::ResourceRequirements;
use taskmill::task::dispatch::{self, Dispatch};
use taskmill::task::lifecycle::{Event, Rejection, Said, Start, Word};
use taskmill::task::output;
use taskmill::task::{Outcome, TaskInstance, TaskStatus};
use taskmill::{JsonObject, Timestamp};
use taskmill_aws::queues::message::Unreadable;
use taskmill_aws::queues::{Execute, Message, Offer, Received};

use crate::app::App;
use crate::create_task;
use crate::emit;
use crate::line::{self, Entry};
use crate::refusal::{Fault, Refusal};
use crate::requests;
use crate::tasks::{self, Applied};

/// Where a worker's attempt runs.
const WITH_A_WORKER: &str = "worker";

/// An attempt that a worker may begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Offered {
    /// The task.
    pub task: TaskInstance,
    /// What takes the offer off the queue.
    pub receipt: String,
}

/// What is offered to a group of workers, at most `most`. Waits up to so many seconds for the first.
/// Who does not begin what was offered within a minute leaves it to others.
///
/// # Errors
/// `PERMISSION_DENIED`; `OUT_OF_RANGE`; `NOT_FOUND` where no definition names the group; a fault.
pub async fn poll(
    app: &App,
    worker: &Caller,
    group: &WorkerGroup,
    most: u8,
    wait_seconds: u8,
) -> Result<Vec<Offered>, Refusal> {
    permitted(worker, group)?;
    check_range("maxTasks", most, 1, limits::POLLED_TASKS)?;
    check_range("waitSeconds", wait_seconds, 0, limits::POLL_SECONDS)?;
    let (queues, tenant) = (app.queues(), &worker.tenant_id);
    let mut offers = queues.offers(tenant, group, most, wait_seconds).await?;
    if offers.is_none() && app.store().is_group_named(tenant, group).await? {
        // The queue went with its process, or somebody deleted it; what was on it were hints.
        queues.make_group(tenant, group).await?;
        offers = queues.offers(tenant, group, most, wait_seconds).await?;
    }
    let offers = offers.ok_or_else(|| Refusal::not_found("group of workers", group))?;
    let looks = offers
        .into_iter()
        .map(|offer| look_at(app, worker, group, offer));
    Ok(join_all(looks).await.into_iter().flatten().collect())
}

/// What an offer comes to: one that is good for nothing any more is taken off. What fails is left,
/// and comes again.
async fn look_at(app: &App, worker: &Caller, group: &WorkerGroup, offer: Offer) -> Option<Offered> {
    let fate = match fate_of(app, worker, group, &offer).await {
        Ok(fate) => fate,
        Err(fault) => {
            tracing::warn!(%group, error = %fault, "an offer to workers cannot be looked at");
            Fate::Left
        }
    };
    match fate {
        Fate::Good(task) => Some(Offered {
            task: *task,
            receipt: offer.receipt,
        }),
        Fate::Over => {
            take_off(app, worker, group, &offer.receipt).await;
            None
        }
        Fate::Left => None,
    }
}

/// What becomes of an offer.
enum Fate {
    /// A worker may begin.
    Good(Box<TaskInstance>),
    /// Nobody may, ever.
    Over,
    /// It comes again.
    Left,
}

async fn fate_of(
    app: &App,
    worker: &Caller,
    group: &WorkerGroup,
    offer: &Offer,
) -> Result<Fate, Fault> {
    let execute = match read(&offer.body) {
        Ok(execute) => execute,
        Err(fate) => return Ok(fate),
    };
    let found = app.store().task(execute.task_id).await?;
    let Some(task) = found.filter(|task| is_of(task, worker, group)) else {
        return Ok(Fate::Over);
    };
    match dispatch::on_dispatch(&task, execute.attempt, app.now()) {
        Dispatch::Run => Ok(Fate::Good(Box::new(task))),
        Dispatch::NotBefore(_) | Dispatch::HeldUntil(_) => Ok(Fate::Left),
        Dispatch::Look => {
            let id = task.id;
            if let Applied::Owes(task, effect) =
                tasks::apply_to(app, id, Some(task), &Event::Look).await?
            {
                let message = emit::message(&task, effect, app.now());
                app.queues().send(message.as_slice()).await?;
            }
            Ok(Fate::Over)
        }
        Dispatch::Elsewhere | Dispatch::Stale => Ok(Fate::Over),
    }
}

/// The attempt that a message offers; a message of a newer format waits for an upgrade.
fn read(body: &str) -> Result<Execute, Fate> {
    match Received::from_body(body) {
        Ok(Received {
            message: Message::Execute(execute),
            ..
        }) => Ok(execute),
        Ok(_) | Err(Unreadable::Malformed(_)) => Err(Fate::Over),
        Err(Unreadable::Newer(_)) => Err(Fate::Left),
    }
}

/// What a worker begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// The attempt that was offered.
    pub attempt: u32,
    /// What the worker calls itself: a name that no other has.
    pub worker_id: String,
    /// What takes the offer off the queue, unless the worker does that itself.
    pub receipt: Option<String>,
}

/// What a worker has begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Begun {
    /// The task, with the worker's lease.
    pub task: TaskInstance,
    /// What the attempt may use.
    pub resource_requirements: Option<ResourceRequirements>,
}

/// Gives a worker the attempt that was offered to it. Asked again by the same worker, it has it.
///
/// # Errors
/// `ILLEGAL_STATE` or `VERSION_CONFLICT` when it is not to be had: another has it, it is over, or it
/// waits for a place. `NOT_FOUND`, `PERMISSION_DENIED`, a fault.
pub async fn start(
    app: &App,
    worker: &Caller,
    group: &WorkerGroup,
    id: TaskId,
    beginning: &Beginning,
) -> Result<Begun, Refusal> {
    permitted(worker, group)?;
    check_worker(&beginning.worker_id)?;
    let task = of_group(app, worker, group, id).await?;
    let begun = begin(app, worker, group, task, beginning).await;
    // What was refused is offered again when its time comes.
    if let Some(receipt) = &beginning.receipt
        && !matches!(begun, Err(Refusal::Fault(_)))
    {
        take_off(app, worker, group, receipt).await;
    }
    let task = begun?;
    let definition = app.inner.definitions.of_task(&task).await?;
    let config = &definition.definition.execution_config;
    Ok(Begun {
        task,
        resource_requirements: config.resource_requirements.clone(),
    })
}

async fn begin(
    app: &App,
    worker: &Caller,
    group: &WorkerGroup,
    task: TaskInstance,
    beginning: &Beginning,
) -> Result<TaskInstance, Refusal> {
    let (id, of) = (task.id, ExecutionId::of_attempt(task.id, beginning.attempt));
    let started_at = match dispatch::on_dispatch(&task, beginning.attempt, app.now()) {
        Dispatch::Run => place(app, &task).await?,
        Dispatch::NotBefore(_) => return Err(illegal("its retry is not due yet")),
        // What it has is the same worker's, or refused by the lifecycle.
        Dispatch::HeldUntil(_) | Dispatch::Elsewhere | Dispatch::Look | Dispatch::Stale => {
            app.now()
        }
    };
    let executor_id = executor(worker, group, &beginning.worker_id);
    let start = Event::Start(Start {
        execution_id: of,
        executor_id: executor_id.clone(),
        execution_environment: WITH_A_WORKER.to_owned(),
        started_at,
        handover: None,
    });
    let applied = tasks::apply_to(app, id, Some(task), &start).await?;
    if let Applied::Owes(task, _) | Applied::Rejected(task, _) = &applied
        && (task.status.is_terminal() || task.execution_id() != of)
    {
        line::ended(app, task, of).await?;
    }
    let task = tasks::settle(app, id, applied).await?;
    if task.status == TaskStatus::Running && task.executor_id == executor_id {
        return Ok(task);
    }
    Err(Rejection::IllegalState {
        status: task.status,
    }
    .into())
}

/// Takes the place of an attempt that is to begin, and says when it begins.
async fn place(app: &App, task: &TaskInstance) -> Result<Timestamp, Refusal> {
    match line::enter(app, task).await? {
        Entry::Began(at) => Ok(at),
        Entry::Waits | Entry::HeldUntil(_) => Err(illegal(
            "it waits for a place among those of its definition or its tenant, and is offered again",
        )),
    }
}

/// What a worker says of a task that it has.
#[derive(Debug, Clone, PartialEq)]
pub struct Saying {
    /// Of which attempt.
    pub execution_id: ExecutionId,
    /// What the worker called itself when it began.
    pub worker_id: String,
    /// What.
    pub word: Word,
}

/// Takes what a worker says of its task, and gives the task as it is then. An output that breaks the
/// definition's schema is a failure of the attempt, `INVALID_OUTPUT`.
///
/// # Errors
/// `ILLEGAL_STATE` or `VERSION_CONFLICT` when the worker does not have the attempt any more: nothing
/// was changed. `INVALID_INPUT`, `NOT_FOUND`, `PERMISSION_DENIED`, a fault.
pub async fn say(
    app: &App,
    worker: &Caller,
    group: &WorkerGroup,
    id: TaskId,
    saying: Saying,
) -> Result<TaskInstance, Refusal> {
    permitted(worker, group)?;
    check_worker(&saying.worker_id)?;
    check_word(&saying.word)?;
    let task = of_group(app, worker, group, id).await?;
    let said = Said {
        execution_id: saying.execution_id,
        executor_id: executor(worker, group, &saying.worker_id),
        word: checked(app, &task, saying.word).await?,
    };
    let event = Event::Said(Box::new(said.clone()));
    let applied = tasks::apply_to(app, id, Some(task), &event).await?;
    match &applied {
        Applied::Rejected(task, _) if is_stopped(task, &said) => {
            line::ended(app, task, said.execution_id).await?;
        }
        Applied::Owes(task, _) if task.lease().is_some() => {
            // Whoever waits by a token hears of the sign of life.
            let held = emit::held(task);
            app.queues().send(held.as_slice()).await?;
        }
        Applied::Owes(..) | Applied::Rejected(..) | Applied::Missing => {}
    }
    tasks::settle(app, id, applied).await
}

/// Whether a worker learns by this that its attempt is not wanted any more.
fn is_stopped(task: &TaskInstance, said: &Said) -> bool {
    task.status.is_terminal()
        && task.executor_id == said.executor_id
        && task.execution_id() == said.execution_id
}

/// What a worker says, with its output held against the definition.
async fn checked(app: &App, task: &TaskInstance, word: Word) -> Result<Word, Fault> {
    Ok(match word {
        Word::Ended(outcome) => {
            let (now, definition) = (app.now(), app.inner.definitions.of_task(task).await?);
            Word::Ended(output::checked(outcome, &definition.output, now))
        }
        word @ (Word::Alive { .. } | Word::GivenBack) => word,
    })
}

fn check_word(word: &Word) -> Result<(), Refusal> {
    match word {
        Word::Alive {
            progress: Some(progress),
        } => check_progress(progress),
        Word::Ended(Outcome::Failed {
            error, retry_after, ..
        }) => {
            requests::check_text("code", Some(&error.code))?;
            let most = limits::TIMER_MILLIS;
            if retry_after.is_some_and(|millis| millis > most) {
                let message = format!("retryAfter is at most {most} milliseconds");
                return Err(Refusal::new(refusal::INVALID_INPUT, message));
            }
            Ok(())
        }
        Word::Alive { progress: None }
        | Word::Ended(Outcome::Succeeded { .. } | Outcome::TimedOut { .. } | Outcome::HandedOver)
        | Word::GivenBack => Ok(()),
    }
}

fn check_progress(progress: &Value) -> Result<(), Refusal> {
    let most = limits::PROGRESS_BYTES;
    if output::json_size(progress) <= most {
        return Ok(());
    }
    let message = format!("progress has at most {most} bytes, as compact JSON");
    Err(Refusal::new(refusal::INVALID_INPUT, message))
}

fn check_range(name: &str, given: u8, least: u8, most: u8) -> Result<(), Refusal> {
    if (least..=most).contains(&given) {
        return Ok(());
    }
    let message = format!("{name} is {least} to {most}");
    Err(Refusal::new(refusal::OUT_OF_RANGE, message))
}

fn check_worker(id: &str) -> Result<(), Refusal> {
    requests::check_length("workerId", Some(id), limits::WORKER_CHARS)
}

/// Who has a task: no two workers have one name, unless they are of one caller, who gave it twice.
fn executor(worker: &Caller, group: &WorkerGroup, id: &str) -> String {
    format!("worker:{group}@{}/{id}", worker.user_id)
}

fn permitted(worker: &Caller, group: &WorkerGroup) -> Result<(), Refusal> {
    if worker.may_work_for(group) {
        return Ok(());
    }
    let missing = format!("{WORK}:{group}");
    let message = format!("{} lacks {missing}", worker.user_id);
    Err(Refusal::Refused {
        code: refusal::PERMISSION_DENIED,
        message,
        details: JsonObject::from_iter([("missing".to_owned(), vec![missing].into())]),
    })
}

/// A task that this group polls for.
async fn of_group(
    app: &App,
    worker: &Caller,
    group: &WorkerGroup,
    id: TaskId,
) -> Result<TaskInstance, Refusal> {
    let task = create_task::of_tenant(app, &worker.tenant_id, id).await?;
    match is_of(&task, worker, group) {
        true => Ok(task),
        false => Err(Refusal::not_found("task of this group of workers", id)),
    }
}

fn is_of(task: &TaskInstance, worker: &Caller, group: &WorkerGroup) -> bool {
    let polled = task.polled.as_ref();
    task.tenant_id == worker.tenant_id && polled.is_some_and(|polled| polled.group == *group)
}

fn illegal(message: &str) -> Refusal {
    Refusal::new(refusal::ILLEGAL_STATE, message)
}

/// Takes an offer off the queue. One that stays is looked at again, and taken off then.
async fn take_off(app: &App, worker: &Caller, group: &WorkerGroup, receipt: &str) {
    let taken = app.queues().take_off(&worker.tenant_id, group, receipt);
    if let Err(error) = taken.await {
        tracing::warn!(%group, %error, "an offer to workers stays");
    }
}
