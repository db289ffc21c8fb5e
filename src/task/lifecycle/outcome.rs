//! What the end of an attempt comes to: the end of the task, or another attempt.

use super::{Effect, Facts, Rejection, Transition, changed, changed_to, end, fence, handover};
use crate::codes::failure;
use crate::error_info::ErrorInfo;
use crate::ids::ExecutionId;
use crate::task::assignment::Handling;
use crate::task::attempt::{Attempt, AttemptReport, Outcome};
use crate::task::definition::TaskType;
use crate::task::instance::{TaskInstance, TaskStatus};
use crate::task::retry::{Failure, RetryCounts, Verdict};
use crate::task::timeouts::TimeoutKind;
use crate::time::Timestamp;
use crate::{JsonObject, limits};

/// Takes the end of an attempt.
pub(super) fn apply(
    task: &TaskInstance,
    report: &AttemptReport,
    facts: Facts,
) -> Result<Transition, Rejection> {
    fence(task, report.execution_id)?;
    let now = facts.now;
    let ended_at = report.ended_at.min(now);
    let started_at = report.started_at.min(ended_at);
    let mut after = changed(task, now);
    after.start_time = task.start_time.or(Some(started_at));
    after.executor_id.clone_from(&report.executor_id);
    after.execution_environment = Some(report.execution_environment.clone());
    after.metrics = task.metrics.plus(report.metrics);
    let failed = |error, for_good| AttemptFailure {
        error,
        permanent: false,
        retry_after: None,
        continue_on_failure: None,
        started_at: Some(started_at),
        ended_at,
        for_good,
    };
    Ok(match &report.outcome {
        Outcome::HandedOver => handover::hand_over(task, report, facts),
        Outcome::Succeeded { output } => {
            after.output = Some(output.clone());
            after.error = None;
            remember(&mut after, Some(started_at), ended_at, None, None);
            end(after, TaskStatus::Completed, ended_at, facts)
        }
        Outcome::Failed {
            error,
            permanent,
            retry_after,
            continue_on_failure,
        } => {
            let failed = AttemptFailure {
                permanent: *permanent,
                retry_after: *retry_after,
                continue_on_failure: *continue_on_failure,
                ..failed(error.clone(), TaskStatus::Failed)
            };
            retry_or_end(task, after, failed, facts)
        }
        Outcome::TimedOut { kind } => {
            let error = timeout_error(*kind, now);
            match kind {
                TimeoutKind::StartToClose | TimeoutKind::Heartbeat => {
                    let failed = failed(error, TaskStatus::TimedOut);
                    retry_or_end(task, after, failed, facts)
                }
                TimeoutKind::ScheduleToStart | TimeoutKind::ScheduleToClose => {
                    remember(&mut after, Some(started_at), ended_at, Some(error), None);
                    time_out(after, *kind, facts)
                }
            }
        }
    })
}

/// Takes the loss of a running attempt with its worker. A loss is no retry, and has a bound of its
/// own.
pub(super) fn lose(
    task: &TaskInstance,
    execution_id: ExecutionId,
    facts: Facts,
) -> Result<Transition, Rejection> {
    fence(task, execution_id)?;
    let now = facts.now;
    match task.status {
        TaskStatus::Running => {}
        status @ (TaskStatus::Pending
        | TaskStatus::Assigned
        | TaskStatus::RetryPending
        | TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut) => return Err(Rejection::IllegalState { status }),
    }
    let mut after = changed(task, now);
    let error = ErrorInfo::new(
        failure::WORKER_LOST,
        "the worker that ran the attempt disappeared",
        now,
    );
    let loss_left = task.losses < limits::MAX_LOSSES;
    let next = loss_left.then_some(now);
    after.error = Some(error.clone());
    let started_at = task.start_time.filter(|_| task.attempt() == 1);
    remember(&mut after, started_at, now, Some(error), next);
    if !loss_left {
        return Ok(end(after, TaskStatus::Failed, now, facts));
    }
    let tally = Tally {
        retries: task.retries.clone(),
        losses: task.losses + 1,
    };
    Ok(again(after, tally, now, facts))
}

/// Ends a task whose time is spent. What failed before is named in the details.
pub(super) fn time_out(mut after: TaskInstance, kind: TimeoutKind, facts: Facts) -> Transition {
    let mut error = timeout_error(kind, facts.now);
    if let Some(last) = after.error.take() {
        error
            .details
            .insert("lastError".to_owned(), last.code.into());
    }
    after.error = Some(error);
    end(after, TaskStatus::TimedOut, facts.now, facts)
}

/// An attempt that failed, on its way to the retry rule.
struct AttemptFailure {
    error: ErrorInfo,
    permanent: bool,
    retry_after: Option<u64>,
    /// The executor's own word, which counts when no retry is left.
    continue_on_failure: Option<bool>,
    started_at: Option<Timestamp>,
    ended_at: Timestamp,
    /// The status when no retry is left.
    for_good: TaskStatus,
}

fn retry_or_end(
    task: &TaskInstance,
    mut after: TaskInstance,
    failed: AttemptFailure,
    facts: Facts,
) -> Transition {
    let failure = Failure {
        code: &failed.error.code,
        permanent: failed.permanent,
        retry_after: failed.retry_after,
    };
    let verdict = match &task.retry_policy {
        Some(policy) => policy.verdict(&failure, &task.retries, facts.jitter),
        None => Verdict::GiveUp,
    };
    let AttemptFailure {
        error,
        continue_on_failure,
        started_at,
        ended_at,
        for_good,
        ..
    } = failed;
    after.error = Some(error.clone());
    match verdict {
        Verdict::GiveUp => {
            after.continue_on_failure = continue_on_failure.unwrap_or(task.continue_on_failure);
            remember(&mut after, started_at, ended_at, Some(error), None);
            end(after, for_good, ended_at, facts)
        }
        Verdict::Retry { delay, counts } => {
            // A person is not told to come back later.
            let delay = match task.task_type {
                TaskType::Manual => 0,
                TaskType::Automated | TaskType::Integration => delay,
            };
            let at = ended_at.plus_millis(delay);
            remember(&mut after, started_at, ended_at, Some(error), Some(at));
            let tally = Tally {
                retries: counts,
                losses: task.losses,
            };
            again(after, tally, at, facts)
        }
    }
}

/// What tells an attempt from the next: how often the task was retried and lost.
struct Tally {
    retries: RetryCounts,
    losses: u32,
}

/// Schedules the next attempt, unless the task's whole time would be spent by then: the attempt
/// that was remembered last is then the last. What is heard of late begins no earlier than now.
fn again(mut after: TaskInstance, next: Tally, at: Timestamp, facts: Facts) -> Transition {
    let begins = at.max(facts.now);
    let spent = after
        .waiting_deadline()
        .filter(|deadline| deadline.at <= begins);
    if let Some(deadline) = spent {
        if let Some(last) = after.attempts.last_mut() {
            last.next_retry_at = None;
        }
        return time_out(after, deadline.kind, facts);
    }
    after.retries = next.retries;
    after.losses = next.losses;
    wait_for_next(after, at, facts.now)
}

fn wait_for_next(mut after: TaskInstance, at: Timestamp, now: Timestamp) -> Transition {
    after.deadline_at = None;
    after.elsewhere_since = None;
    match after.task_type {
        TaskType::Manual => {
            after.status = TaskStatus::Pending;
            after.assignee = None;
            after.handling = after.handling.map(|people| Handling {
                taken_at: None,
                ..people.handed_on()
            });
            changed_to(after, Effect::None, now)
        }
        TaskType::Automated | TaskType::Integration => {
            after.status = TaskStatus::RetryPending;
            after.next_retry_at = Some(at);
            changed_to(after, Effect::Dispatch { at }, now)
        }
    }
}

/// The error of a time limit that passed.
fn timeout_error(kind: TimeoutKind, now: Timestamp) -> ErrorInfo {
    let message = match kind {
        TimeoutKind::StartToClose => "the attempt took longer than its time limit",
        TimeoutKind::Heartbeat => "the attempt gave no heartbeat within the time limit",
        TimeoutKind::ScheduleToStart => "no attempt began within the time limit",
        TimeoutKind::ScheduleToClose => "the task took longer than its time limit",
    };
    ErrorInfo::new(failure::TIMEOUT, message, now).with_details(JsonObject::from_iter([(
        "kind".to_owned(),
        kind.as_str().into(),
    )]))
}

fn remember(
    after: &mut TaskInstance,
    started_at: Option<Timestamp>,
    ended_at: Timestamp,
    error: Option<ErrorInfo>,
    next_retry_at: Option<Timestamp>,
) {
    after.attempts.push(Attempt {
        attempt: after.attempt(),
        started_at,
        ended_at,
        executor_id: after.executor_id.clone(),
        error,
        next_retry_at,
    });
    let surplus = after.attempts.len().saturating_sub(limits::ATTEMPTS_LISTED);
    after.attempts.drain(..surplus);
}
