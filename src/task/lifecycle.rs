//! The life of a task: which event leads from which status to which, as one exhaustive table.
//!
//! | event | from | to |
//! |---|---|---|
//! | start | PENDING, ASSIGNED, RETRY_PENDING | RUNNING |
//! | succeed | RUNNING, ASSIGNED, PENDING, RETRY_PENDING | COMPLETED |
//! | fail or time out, a retry is left | the same | RETRY_PENDING, of a person's task PENDING |
//! | fail, none left | the same | FAILED |
//! | time out, none left; a schedule limit is spent | any open | TIMED_OUT |
//! | handed over to another system | RUNNING, PENDING, ASSIGNED, RETRY_PENDING | RUNNING |
//! | lost, a loss is left | RUNNING | RETRY_PENDING |
//! | lost, none left | RUNNING | FAILED |
//! | cancel | any open | CANCELLED |
//! | a person claims it | PENDING of a MANUAL task | ASSIGNED |
//! | a person is assigned it, is delegated it or given it back | any open of a MANUAL task | ASSIGNED |
//! | a person starts it | ASSIGNED of a MANUAL task | RUNNING |
//! | a person releases it | ASSIGNED, RUNNING of a MANUAL task | PENDING |
//! | a person completes it | any open of a MANUAL task | COMPLETED |
//! | a person fails it | ASSIGNED, RUNNING of a MANUAL task | as any failure |
//! | a person comments on it, puts it off | any open of a MANUAL task | unchanged |
//! | its worker gives a sign of life | RUNNING of a worker's task | unchanged |
//! | its worker is done or fails | RUNNING of a worker's task | as any success or failure |
//! | its worker gives it back | RUNNING of a worker's task | PENDING; of a later attempt RETRY_PENDING |
//! | its worker's lease or time is over | RUNNING of a worker's task | as any time-out |
//! | whoever waited for it outside does not wait any more | any open | CANCELLED |
//! | anything | COMPLETED, FAILED, CANCELLED, TIMED_OUT | unchanged |
//!
//! A result may come for a task that is PENDING or RETRY_PENDING, because an attempt that is
//! short need not be recorded before it ends (lazy RUNNING). Of a MANUAL task there are no such
//! reports: people alone do it, as that worker alone speaks of a task who has it. What the table
//! decides is committed by one conditional write, and its effect is performed after that write, by
//! `functions/app`. Whether an output meets its schema is checked before, in
//! [`crate::task::output`]. What the end of an attempt comes to is in `lifecycle/outcome.rs`;
//! attempts that go on in another system in `lifecycle/handover.rs`; what people do with their
//! tasks, and who may, in `lifecycle/people.rs`; what workers say of theirs, in
//! `lifecycle/workers.rs`.

use crate::JsonObject;
use crate::codes::{failure, refusal};
use crate::error_info::ErrorInfo;
use crate::ids::ExecutionId;
use crate::task::assignment::Reminder;
use crate::task::attempt::{AttemptReport, Outcome};
use crate::task::definition::TaskType;
use crate::task::due;
use crate::task::instance::{TaskInstance, TaskStatus};
use crate::task::timeouts::{Deadline, TimeoutKind};
use crate::time::Timestamp;

mod act;
mod handover;
mod outcome;
mod people;
#[cfg(test)]
mod tests;
mod workers;

pub use act::{Act, PersonsAct};
pub use workers::{Said, Word};

/// What happened to a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A worker takes the attempt and says so before it begins, or while it goes on.
    Start(Start),
    /// The attempt ended.
    Report(Box<AttemptReport>),
    /// The worker of the attempt is gone.
    Lost {
        /// The attempt.
        execution_id: ExecutionId,
    },
    /// Somebody looks whether a limit has passed, a worker is overdue, or a message was lost.
    Look,
    /// Nobody wants it any more.
    Cancel {
        /// Why, for people.
        reason: String,
    },
    /// A person does something with it.
    Act(Box<PersonsAct>),
    /// The worker that has it says something of it.
    Said(Box<Said>),
    /// The token of whoever waits for it outside is closed: they have the answer, or gave up.
    TokenClosed,
}

/// An attempt that begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// The attempt's fencing token.
    pub execution_id: ExecutionId,
    /// Who takes it: function, host and process.
    pub executor_id: String,
    /// Where: region and function version, or `local`.
    pub execution_environment: String,
    /// When it began; not later than now.
    pub started_at: Timestamp,
    /// Milliseconds within which whoever takes it is to hand it over to another system; none
    /// where nobody else carries it on.
    pub handover: Option<u64>,
}

/// The facts of a decision besides state and event.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// The time.
    pub now: Timestamp,
    /// Uniform in [0, 1), for the delay of a retry.
    pub jitter: f64,
    /// How long the record is kept after its end, in milliseconds.
    pub retention: u64,
}

/// What the table says.
#[derive(Debug, Clone, PartialEq)]
pub enum Transition {
    /// The task changes: write it, then perform the effect.
    Changed {
        /// The task after the change, its version raised by one.
        task: Box<TaskInstance>,
        /// What is owed after the write.
        effect: Effect,
    },
    /// The event led here before: nothing is written, the effect is performed again.
    Repeated(Effect),
}

/// What is owed to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// Its next attempt is to be dispatched at this time.
    Dispatch {
        /// The time; a past one is now.
        at: Timestamp,
    },
    /// It ended: whoever waits for it is to be told.
    Announce,
    /// Somebody is to be reminded of it.
    Remind(Reminder),
    /// Nothing but its own time watches over it now: its workflow is to be told when to look.
    Watch,
}

/// Why an event changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The event is of another attempt.
    #[error("the event is of execution {of}, the task is at {current}")]
    Stale {
        /// The event's attempt.
        of: ExecutionId,
        /// The task's attempt.
        current: ExecutionId,
    },
    /// The status does not allow it.
    #[error("a task that is {} does not allow it", .status.as_str())]
    IllegalState {
        /// The status.
        status: TaskStatus,
    },
    /// A limit of the task has passed: it is about to end.
    #[error("the task's time is over: {}", .kind.as_str())]
    Late {
        /// Which limit.
        kind: TimeoutKind,
    },
    /// Another worker has the attempt, or none has.
    #[error("the worker does not have the attempt")]
    NotLeased,
    /// Somebody else has the task.
    #[error("the task is claimed already")]
    AlreadyClaimed,
    /// Only whoever has the task may do this.
    #[error("only the assignee may do this")]
    NotTheAssignee,
    /// Somebody else does the work for the task's owner, who alone ends it or gives it up.
    #[error("the task is delegated: its owner ends it, once it is resolved")]
    Delegated,
    /// Nobody does the work for another.
    #[error("the task is not delegated")]
    NotDelegated,
    /// The person is no candidate for the task.
    #[error("only a candidate may claim the task")]
    NotACandidate,
    /// The person lacks permissions.
    #[error("the person lacks {}", .missing.join(", "))]
    PermissionDenied {
        /// The permissions.
        missing: Vec<String>,
    },
}

impl Rejection {
    /// The stable code of the refusal.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Stale { .. } => refusal::VERSION_CONFLICT,
            Self::IllegalState { .. }
            | Self::Late { .. }
            | Self::NotLeased
            | Self::Delegated
            | Self::NotDelegated => refusal::ILLEGAL_STATE,
            Self::AlreadyClaimed => refusal::ALREADY_CLAIMED,
            Self::NotTheAssignee => refusal::NOT_THE_ASSIGNEE,
            Self::NotACandidate => refusal::NOT_A_CANDIDATE,
            Self::PermissionDenied { .. } => refusal::PERMISSION_DENIED,
        }
    }
}

/// Decides what an event does to a task.
///
/// # Errors
/// A [`Rejection`], when the event changes nothing and is no repeat.
pub fn transition(
    task: &TaskInstance,
    event: &Event,
    facts: Facts,
) -> Result<Transition, Rejection> {
    if task.status.is_terminal() {
        return ended(task, event, facts);
    }
    match event {
        Event::Start(_) | Event::Report(_) | Event::Lost { .. }
            if task.task_type == TaskType::Manual =>
        {
            Err(Rejection::IllegalState {
                status: task.status,
            })
        }
        Event::Report(_) | Event::Lost { .. } if task.polled.is_some() => {
            Err(Rejection::IllegalState {
                status: task.status,
            })
        }
        Event::Start(start) => begin(task, start, facts),
        Event::Report(report) if led_to_waiting(task, report.execution_id) => {
            Ok(Transition::Repeated(owed(task, facts.now)))
        }
        Event::Report(report) => outcome::apply(task, report, facts),
        Event::Lost { execution_id } if led_to_waiting(task, *execution_id) => {
            Ok(Transition::Repeated(owed(task, facts.now)))
        }
        Event::Lost { execution_id } => outcome::lose(task, *execution_id, facts),
        Event::Look => look(task, facts),
        Event::Cancel { reason } => Ok(cancel(task, reason, facts)),
        Event::Act(act) => people::act(task, act, facts),
        Event::Said(said) => workers::heed(task, said, facts),
        Event::TokenClosed => Ok(not_awaited(task, facts)),
    }
}

/// A task that ended never changes. What asks it to go on, or led here, makes it tell its end
/// again: the first telling may have been lost.
fn ended(task: &TaskInstance, event: &Event, facts: Facts) -> Result<Transition, Rejection> {
    let status = task.status;
    let tells_again = match event {
        Event::Start(_) | Event::Look => true,
        Event::Report(report) => {
            fence(task, report.execution_id)?;
            may_have_led_to(status, &report.outcome)
        }
        Event::Lost { execution_id } => {
            fence(task, *execution_id)?;
            matches!(status, TaskStatus::Failed | TaskStatus::TimedOut)
        }
        Event::Cancel { .. } => status == TaskStatus::Cancelled,
        Event::Act(act) => people::led_here(task, act),
        Event::Said(said) => {
            fence(task, said.execution_id)?;
            workers::led_here(task, said)
        }
        Event::TokenClosed => return Ok(told(task, facts)),
    };
    if tells_again {
        Ok(Transition::Repeated(Effect::Announce))
    } else {
        Err(Rejection::IllegalState { status })
    }
}

/// Whether a report of the last attempt can have led to this end. One that cannot comes from a
/// worker that was overtaken, and must not be told that its word was taken.
fn may_have_led_to(status: TaskStatus, outcome: &Outcome) -> bool {
    match status {
        TaskStatus::Completed => matches!(outcome, Outcome::Succeeded { .. }),
        TaskStatus::Failed => matches!(outcome, Outcome::Failed { .. }),
        // A failure whose retry would begin too late ends so as well.
        TaskStatus::TimedOut => {
            matches!(outcome, Outcome::Failed { .. } | Outcome::TimedOut { .. })
        }
        TaskStatus::Cancelled
        | TaskStatus::Pending
        | TaskStatus::Assigned
        | TaskStatus::Running
        | TaskStatus::RetryPending => false,
    }
}

fn fence(task: &TaskInstance, of: ExecutionId) -> Result<(), Rejection> {
    let current = task.execution_id();
    if of == current {
        Ok(())
    } else {
        Err(Rejection::Stale { of, current })
    }
}

/// Whether the task waits for its next attempt because of the end of this one: the event is a
/// repeat, and what it led to may not have been performed.
fn led_to_waiting(task: &TaskInstance, of: ExecutionId) -> bool {
    let last = task.attempt().saturating_sub(1);
    last > 0
        && of == ExecutionId::of_attempt(task.id, last)
        && matches!(task.status, TaskStatus::RetryPending | TaskStatus::Pending)
}

fn begin(task: &TaskInstance, start: &Start, facts: Facts) -> Result<Transition, Rejection> {
    let now = facts.now;
    fence(task, start.execution_id)?;
    match task.status {
        TaskStatus::Pending | TaskStatus::Assigned | TaskStatus::RetryPending => {
            if let Some(spent) = spent_while_waiting(task, start.started_at) {
                return Ok(outcome::time_out(changed(task, now), spent.kind, facts));
            }
            let mut after = changed(task, now);
            after.status = TaskStatus::Running;
            after.start_time = task.start_time.or(Some(start.started_at));
            after.executor_id.clone_from(&start.executor_id);
            after.execution_environment = Some(start.execution_environment.clone());
            after.deadline_at = handover::held_until(task, start);
            after.next_retry_at = None;
            after.polled = workers::leased(task, start.started_at);
            Ok(changed_to(after, Effect::None, now))
        }
        TaskStatus::Running
            if task.executor_id == start.executor_id && task.elsewhere_since.is_none() =>
        {
            Ok(Transition::Repeated(Effect::None))
        }
        status @ (TaskStatus::Running
        | TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut) => Err(Rejection::IllegalState { status }),
    }
}

fn look(task: &TaskInstance, facts: Facts) -> Result<Transition, Rejection> {
    let now = facts.now;
    if let Some(spent) = spent_while_waiting(task, now) {
        return Ok(outcome::time_out(changed(task, now), spent.kind, facts));
    }
    if due::awaited_until(task).is_some_and(|until| until <= now) {
        return handover::give_up(task, facts);
    }
    if let Some(spent) = workers::overdue(task, now) {
        return workers::time_out(task, spent, facts);
    }
    if due::lease_end(task).is_some_and(|end| end <= now) {
        return outcome::lose(task, task.execution_id(), facts);
    }
    let reminded = task
        .handling
        .as_ref()
        .and_then(|people| people.reminded(now));
    if let Some((handling, reminder)) = reminded {
        let mut after = changed(task, now);
        after.handling = Some(handling);
        return Ok(changed_to(after, Effect::Remind(reminder), now));
    }
    Ok(Transition::Repeated(owed(task, now)))
}

/// What an open task is owed: its dispatch, when no attempt is known to run.
fn owed(task: &TaskInstance, now: Timestamp) -> Effect {
    match task.status {
        TaskStatus::Pending | TaskStatus::RetryPending => match task.task_type {
            TaskType::Manual => Effect::None,
            TaskType::Automated | TaskType::Integration => Effect::Dispatch {
                at: task.next_retry_at.unwrap_or(now),
            },
        },
        TaskStatus::Running if task.elsewhere_since.is_some() => Effect::Watch,
        TaskStatus::Assigned | TaskStatus::Running => Effect::None,
        TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut => Effect::Announce,
    }
}

/// The limit that passed while no worker had the task. A running attempt is stopped by its worker,
/// or found lost; nobody watches over a person but the task's own time.
fn spent_while_waiting(task: &TaskInstance, now: Timestamp) -> Option<Deadline> {
    match task.status {
        TaskStatus::Running if task.task_type != TaskType::Manual => None,
        TaskStatus::Running
        | TaskStatus::Pending
        | TaskStatus::Assigned
        | TaskStatus::RetryPending
        | TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut => task
            .waiting_deadline()
            .filter(|deadline| deadline.at <= now),
    }
}

fn cancel(task: &TaskInstance, reason: &str, facts: Facts) -> Transition {
    let now = facts.now;
    let mut after = changed(task, now);
    let details = JsonObject::from_iter([("reason".to_owned(), reason.into())]);
    after.error = Some(ErrorInfo::new(failure::CANCELLED, reason, now).with_details(details));
    end(after, TaskStatus::Cancelled, now, facts)
}

/// Nobody has a use for the task any more.
fn not_awaited(task: &TaskInstance, facts: Facts) -> Transition {
    match task.task_token {
        Some(_) => cancel(&without_token(task), "whoever waited for it gave up", facts),
        None => Transition::Repeated(Effect::None),
    }
}

/// A task that ended owes nothing any more.
fn told(task: &TaskInstance, facts: Facts) -> Transition {
    match task.task_token {
        Some(_) => {
            let after = changed(&without_token(task), facts.now);
            changed_to(after, Effect::None, facts.now)
        }
        None => Transition::Repeated(Effect::None),
    }
}

fn without_token(task: &TaskInstance) -> TaskInstance {
    TaskInstance {
        task_token: None,
        ..task.clone()
    }
}

/// The task as the start of its next version.
fn changed(task: &TaskInstance, now: Timestamp) -> TaskInstance {
    TaskInstance {
        version: task.version + 1,
        updated_at: now,
        checks: 0,
        ..task.clone()
    }
}

/// Closes a change: what every change must keep true is that only a running attempt has a lease,
/// and the due time.
fn changed_to(mut after: TaskInstance, effect: Effect, now: Timestamp) -> Transition {
    if after.status != TaskStatus::Running
        && let Some(polled) = &mut after.polled
    {
        polled.lease = None;
    }
    after.due_at = due::of_task(&after, now);
    Transition::Changed {
        task: Box::new(after),
        effect,
    }
}

fn end(mut after: TaskInstance, status: TaskStatus, at: Timestamp, facts: Facts) -> Transition {
    after.status = status;
    after.end_time = Some(at);
    after.deadline_at = None;
    after.elsewhere_since = None;
    after.next_retry_at = None;
    after.expires_at = Some(facts.now.plus_millis(facts.retention));
    changed_to(after, Effect::Announce, facts.now)
}
