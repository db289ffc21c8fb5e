//! Running attempts: the `execute-task` function.
//!
//! What proves that an attempt began is a RUNNING record. An executor that could take its worker
//! down has it written first; for the others it is written only when the attempt lives longer
//! than a second, or when an attempt may have begun before: the message was delivered before, or
//! comes from the start of a process that follows another. A task that was lost before runs
//! without company, so that it cannot burn its neighbours, and its end is written before the next
//! one begins, so that none of those that are tried alone can take the word of another with it.
//!
//! An attempt of a definition or a tenant that is limited begins with a place, or waits in line for
//! one without its message. Where `concurrency` is limited, taking the place tells as well that it
//! began: until the lease ends nobody else begins it.
//!
//! An attempt that workers poll for is offered to their group, and is theirs from there on.
//!
//! An attempt that was handed over to another system is over here: that it goes on elsewhere is
//! told as an outcome is, and its end comes by a callback.
//!
//! An attempt whose task was cancelled, or went on without it, is stopped: at once when that was
//! written by this process, else when its message is hidden again and the record is looked at.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use taskmill::Timestamp;
use taskmill::error_info::ErrorInfo;
use taskmill::ids::ExecutionId;
use taskmill::metrics::ExecutionMetrics;
use taskmill::task::dispatch::{self, Dispatch};
use taskmill::task::due::LONGEST_MESSAGE_DELAY;
use taskmill::task::lifecycle::{Event, Start};
use taskmill::task::routing;
use taskmill::task::timeouts::{Deadline, TimeoutKind};
use taskmill::task::{AttemptReport, CompiledTask, Outcome, TaskInstance, TaskStatus, output};
use taskmill::workflow::WorkflowStatus;
use taskmill_aws::executor::{Beats, Execution, Executor};
use taskmill_aws::payloads::{ContentHash, INLINE_BYTES, PayloadKey, PayloadKind};
use taskmill_aws::queues::{Carried, Execute, Message, QueueName};

use crate::app::App;
use crate::batch::{self, RecordFacts, Unhandled};
use crate::call::{call, handover_of, held_until};
use crate::emit;
use crate::line::{self, Entry};
use crate::process_result;
use crate::refusal::Fault;
use crate::tasks::{self, Applied};
use crate::tokens;
use crate::underway::Claim;

/// An attempt that lives this long is recorded as RUNNING.
const SHORT_ATTEMPT: Duration = Duration::from_secs(1);
/// For how long a worker hides its message each time, and how long one is hidden that failed: twice
/// the time between two looks, so that a worker that died is noticed soon.
const HELD: Duration = Duration::from_secs(120);
/// Milliseconds until a dispatch comes back whose attempt this process is running already.
const UNDER_WAY_DELAY: u64 = 60_000;

/// Handles a batch of the `execute` or `execute-urgent` queue.
pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    let app = &app.invocation();
    batch::each(
        app,
        QueueName::Execute,
        &event.records,
        |app, message, facts| async move {
            match message {
                Message::Execute(execute) => {
                    let work = take(&app, &execute, facts.receive_count);
                    while_hidden(&app, &facts, &execute, work).await
                }
                Message::CreateTask { .. }
                | Message::StartWorkflow { .. }
                | Message::Outcome { .. }
                | Message::TaskEnded { .. }
                | Message::TokenHeld { .. }
                | Message::ChildTold { .. }
                | Message::ChildRefused { .. }
                | Message::Granted { .. }
                | Message::Due(_)
                | Message::Later { .. }
                | Message::Unread { .. } => Err(batch::misplaced(facts.queue)),
            }
        },
    )
    .await
}

/// Does the work, and keeps its message hidden meanwhile.
async fn while_hidden(
    app: &App,
    facts: &RecordFacts,
    execute: &Execute,
    work: impl Future<Output = Result<(), Unhandled>>,
) -> Result<(), Unhandled> {
    // Both go on side by side: work does not stand still while a request about its message does.
    let done = tokio::select! {
        biased;
        done = work => done,
        never = keep_hidden(app, facts, execute) => match never {},
    };
    if let Err(Unhandled::Fault(_)) = &done {
        hold(app, facts).await;
    }
    done
}

/// Keeps the message hidden, so that nobody else takes it, and looks each time whether the work
/// is still wanted.
async fn keep_hidden(app: &App, facts: &RecordFacts, execute: &Execute) -> Infallible {
    loop {
        tokio::time::sleep(HELD / 2).await;
        hold(app, facts).await;
        // One that cannot be read now is looked at the next time.
        if let Ok(Some(task)) = app.store().task(execute.task_id).await {
            let attempt = ExecutionId::of_attempt(execute.task_id, execute.attempt);
            app.inner.underway.stop_unless_wanted(attempt, &task);
        }
    }
}

/// Hides the message for [`HELD`] from now.
async fn hold(app: &App, facts: &RecordFacts) {
    let seconds = u32::try_from(HELD.as_secs()).unwrap_or(u32::MAX);
    let hidden = app.queues().hide(facts.queue, &facts.receipt, seconds);
    if let Err(error) = hidden.await {
        tracing::warn!(%error, "a message may come back at another time than it should");
    }
}

async fn take(app: &App, execute: &Execute, receive_count: u32) -> Result<(), Unhandled> {
    if execute.line_only {
        return Ok(line::look(app, execute.task_id).await?);
    }
    let attempt = ExecutionId::of_attempt(execute.task_id, execute.attempt);
    // Taken before the record is read: what is read after it shows what a holder before left.
    let Some(claim) = app.inner.underway.claim(attempt) else {
        let at = app.now().plus_millis(UNDER_WAY_DELAY);
        return come_back(app, Message::Execute(execute.clone()), at).await;
    };
    let Some(task) = to_be_run(app, execute).await? else {
        return Ok(());
    };
    if let Some(polled) = &task.polled {
        return Ok(app.queues().offer(execute, &polled.group).await?);
    }
    let past = past_of(&task, execute, receive_count);
    let company = &app.inner.company;
    let place = match past {
        Past::Suspect => company.alone().await,
        Past::Unknown | Past::Clear => company.together().await,
    };
    if !place.waited {
        return Box::pin(run(app, &task, past, &claim)).await;
    }
    // Meanwhile the task may have been cancelled, or have run out of time.
    match to_be_run(app, execute).await? {
        Some(task) => Box::pin(run(app, &task, past, &claim)).await,
        None => Ok(()),
    }
}

fn past_of(task: &TaskInstance, execute: &Execute, receive_count: u32) -> Past {
    if task.losses > 0 || receive_count > 1 {
        Past::Suspect
    } else if execute.perhaps_begun {
        Past::Unknown
    } else {
        Past::Clear
    }
}

/// The task whose attempt a dispatch asks for, if it is to run now. What else is to be done about
/// the dispatch is done.
async fn to_be_run(app: &App, execute: &Execute) -> Result<Option<TaskInstance>, Unhandled> {
    let Some(task) = app.store().task(execute.task_id).await? else {
        tracing::warn!(task.id = %execute.task_id, "a dispatch is for a task that is gone");
        return Ok(None);
    };
    let attempt = ExecutionId::of_attempt(execute.task_id, execute.attempt);
    // One that waited in line for its place when the workflow was paused is begun work.
    if execute.attempt > 1
        && is_paused(app, &task).await?
        && !line::has_place(app, &task, attempt).await?
    {
        tracing::debug!(task.id = %task.id, "a retry waits for the resume of its workflow");
        return Ok(None);
    }
    match dispatch::on_dispatch(&task, execute.attempt, app.now()) {
        Dispatch::Run => return Ok(Some(task)),
        Dispatch::NotBefore(at) | Dispatch::HeldUntil(at) => {
            come_back(app, Message::Execute(execute.clone()), at).await?;
        }
        Dispatch::Look => {
            let applied = tasks::apply_to(app, task.id, Some(task), &Event::Look).await?;
            perform(app, applied).await?;
        }
        Dispatch::Elsewhere => {
            tracing::debug!(task.id = %task.id, "another system has the attempt");
        }
        Dispatch::Stale => {
            tracing::debug!(task.id = %task.id, attempt = execute.attempt, "a dispatch is stale");
            line::leave(app, &task, attempt).await?;
        }
    }
    Ok(None)
}

/// Whether the record that waits for a task is paused: a retry that falls due then is dispatched by
/// the look at the resume.
async fn is_paused(app: &App, task: &TaskInstance) -> Result<bool, Fault> {
    let Some(owner) = task.context.owner() else {
        return Ok(false);
    };
    let owner = app.store().workflow(owner).await?;
    Ok(owner.is_some_and(|owner| owner.status == WorkflowStatus::Paused))
}

async fn come_back(app: &App, message: Message, at: Timestamp) -> Result<(), Unhandled> {
    let latest = app.now().plus_millis(LONGEST_MESSAGE_DELAY);
    let later = Message::Later {
        due_at: at.min(latest),
        then: Box::new(message),
    };
    Ok(app.queues().send(&[later]).await?)
}

/// Performs what an applied event owes.
async fn perform(app: &App, applied: Applied) -> Result<(), Fault> {
    if let Applied::Owes(task, effect) = applied
        && let Some(message) = emit::message(&task, effect, app.now())
    {
        app.queues().send(&[message]).await?;
    }
    Ok(())
}

/// What may have become of the task before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Past {
    /// Nothing that is not on its record.
    Clear,
    /// An attempt may have ended with its process, for no fault of its own.
    Unknown,
    /// An attempt may have taken its worker down.
    Suspect,
}

/// Runs the attempt, if it has a place or needs none, and gives the place back when nothing is told
/// of it that would.
async fn run(
    app: &App,
    task: &TaskInstance,
    past: Past,
    claim: &Claim<'_>,
) -> Result<(), Unhandled> {
    let started_at = match line::enter(app, task).await? {
        Entry::Began(at) => at,
        Entry::Waits => return Ok(()),
        Entry::HeldUntil(at) => {
            let again = Message::Execute(Execute {
                perhaps_begun: true,
                ..Execute::from(task)
            });
            return come_back(app, again, at).await;
        }
    };
    let ran = run_from(app, task, past, claim, started_at).await;
    if let Ok(Ran::Told) = ran {
        return Ok(());
    }
    // Should this fail as well, the place is free when the lease ends.
    let freed = line::over(app, task, task.execution_id(), started_at).await;
    ran?;
    Ok(freed?)
}

/// What became of an attempt that was to run.
enum Ran {
    /// It ended, and its outcome was sent.
    Told,
    /// It was not to be made, or not to its end.
    Stopped,
}

/// Runs the attempt and sends its outcome.
async fn run_from(
    app: &App,
    task: &TaskInstance,
    past: Past,
    claim: &Claim<'_>,
    started_at: Timestamp,
) -> Result<Ran, Unhandled> {
    let definition = app.inner.definitions.of_task(task).await?;
    let recording = match past {
        Past::Clear => recording_of(&definition, task),
        Past::Unknown | Past::Suspect => Recording::First,
    };
    let attempt = attempt(app, task, &definition, recording, claim, started_at);
    let Some(report) = attempt.await? else {
        return Ok(Ran::Stopped);
    };
    if past == Past::Suspect {
        Box::pin(process_result::note(app, task.id, report.clone())).await?;
    }
    send(app, task, report).await?;
    Ok(Ran::Told)
}

/// When the start of an attempt is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recording {
    /// Before it begins.
    First,
    /// When it has lived for [`SHORT_ATTEMPT`].
    Lazy,
}

fn recording_of(definition: &CompiledTask, task: &TaskInstance) -> Recording {
    match routing::route(&definition.definition, task.priority) {
        Ok(route) if !route.tracked => Recording::Lazy,
        _ => Recording::First,
    }
}

/// Makes the attempt, and gives its report. None when it was not to be made, or not to its end.
async fn attempt(
    app: &App,
    task: &TaskInstance,
    definition: &Arc<CompiledTask>,
    recording: Recording,
    claim: &Claim<'_>,
    started_at: Timestamp,
) -> Result<Option<AttemptReport>, Unhandled> {
    let start = Event::Start(Start {
        execution_id: task.execution_id(),
        executor_id: worker_of(app, definition),
        execution_environment: app.config().execution_environment.clone(),
        started_at,
        handover: handover_of(definition),
    });
    let mut running = std::pin::pin!(execution(app, task, definition, started_at, claim));
    let execution = match recording {
        Recording::First => match begin(app, task, &start).await? {
            Begun::Go => running.await,
            Begun::Stop(applied) => {
                perform(app, *applied).await?;
                return Ok(None);
            }
        },
        Recording::Lazy => tokio::select! {
            // A short attempt that is over must not be recorded as running.
            biased;
            execution = &mut running => execution,
            () = tokio::time::sleep(SHORT_ATTEMPT) => match begin(app, task, &start).await? {
                Begun::Go => running.await,
                Begun::Stop(applied) => {
                    perform(app, *applied).await?;
                    return Ok(None);
                }
            },
        },
    };
    if execution.is_none() {
        tracing::debug!(task.id = %task.id, attempt = task.attempt(), "an attempt was stopped");
    }
    Ok(execution.map(|execution| report(app, task, definition, started_at, execution)))
}

/// Whether an attempt that is to be recorded may go on.
enum Begun {
    Go,
    Stop(Box<Applied>),
}

async fn begin(app: &App, task: &TaskInstance, start: &Event) -> Result<Begun, Fault> {
    let applied = tasks::apply_to(app, task.id, Some(task.clone()), start).await?;
    Ok(match &applied {
        Applied::Owes(task, _) if task.status == TaskStatus::Running => Begun::Go,
        Applied::Owes(..) | Applied::Rejected(..) | Applied::Missing => {
            Begun::Stop(Box::new(applied))
        }
    })
}

/// Who takes the attempt: the kind of executor, and where it runs.
fn worker_of(app: &App, definition: &CompiledTask) -> String {
    let executor = &definition.definition.execution_config.executor;
    let kind = executor.split(':').next().unwrap_or(executor);
    format!("{kind}@{}", app.config().worker)
}

/// Runs the executor, until it is done or the time is over. None when the attempt was stopped.
async fn execution(
    app: &App,
    task: &TaskInstance,
    definition: &Arc<CompiledTask>,
    started_at: Timestamp,
    claim: &Claim<'_>,
) -> Option<Execution> {
    let call = match call(app, task, definition, started_at) {
        Ok(call) => call,
        Err(error) => return Some(failed(*error)),
    };
    let deadline = held_until(task, definition, started_at);
    let executor = &app.inner.executors;
    let spent = tokio::select! {
        biased;
        execution = executor.execute(&call) => return Some(execution),
        kind = passed(app, deadline) => Some(kind),
        kind = silent(app, task, &call.beats) => Some(kind),
        () = claim.stopped() => None,
        never = tokens::keep_alive(app, task) => match never {},
    };
    if let Err(failure) = executor.stop(&call).await {
        tracing::warn!(task.id = %task.id, reason = failure.message, "what an attempt began elsewhere goes on");
    }
    // The call was dropped by now, and what it used is told.
    spent.map(|kind| Execution {
        outcome: Outcome::TimedOut { kind },
        metrics: call.used.told(),
    })
}

/// Returns when a limit passes; never where there is none.
async fn passed(app: &App, deadline: Option<Deadline>) -> TimeoutKind {
    let Some(deadline) = deadline else {
        return std::future::pending().await;
    };
    app.clock().sleep_until(deadline.at).await;
    deadline.kind
}

/// Returns when the attempt has been silent for too long; never where there is no limit to that.
async fn silent(app: &App, task: &TaskInstance, beats: &Beats) -> TimeoutKind {
    loop {
        let limit = task.timeouts.silence(app.now());
        tokio::select! {
            biased;
            () = beats.next() => {}
            kind = passed(app, limit) => return kind,
        }
    }
}

fn failed(error: ErrorInfo) -> Execution {
    Execution {
        outcome: Outcome::Failed {
            error,
            permanent: false,
            retry_after: None,
            continue_on_failure: None,
        },
        metrics: ExecutionMetrics::default(),
    }
}

fn report(
    app: &App,
    task: &TaskInstance,
    definition: &CompiledTask,
    started_at: Timestamp,
    execution: Execution,
) -> AttemptReport {
    let ended_at = app.now();
    let mut metrics = execution.metrics;
    metrics.execution_time = ended_at.millis_since(started_at);
    AttemptReport {
        execution_id: task.execution_id(),
        started_at,
        ended_at,
        executor_id: worker_of(app, definition),
        execution_environment: app.config().execution_environment.clone(),
        outcome: output::bounded(execution.outcome, ended_at),
        metrics,
    }
}

/// Sends the outcome; a large one goes by the payload store.
async fn send(app: &App, task: &TaskInstance, report: AttemptReport) -> Result<(), Fault> {
    let text = serde_json::to_string(&report).expect("a report has string keys only");
    let report = if text.len() <= INLINE_BYTES {
        Carried::Inline(report)
    } else {
        let id = report.execution_id.uuid();
        let hash = ContentHash::of(&text);
        let key = PayloadKey::new(&task.tenant_id, PayloadKind::Message, id, "report", hash);
        app.inner.payloads.put(&key, text).await?;
        Carried::Stored(key)
    };
    let message = Message::Outcome {
        task_id: task.id,
        workflow_id: task.context.owner(),
        report,
    };
    Ok(app.queues().send(&[message]).await?)
}
