//! What people do with their tasks, and who may.
//!
//! | act | who | refused |
//! |---|---|---|
//! | assign | who administers tasks | `PERMISSION_DENIED` |
//! | claim | a candidate; where none is named, anybody | `NOT_A_CANDIDATE`, `ALREADY_CLAIMED` |
//! | release, complete | the assignee, or who administers tasks | `NOT_THE_ASSIGNEE` |
//! | fail | likewise, once somebody has it | `NOT_THE_ASSIGNEE` |
//! | any | nobody, once its time is over | `ILLEGAL_STATE` |
//!
//! Claiming and completing ask for the permissions that the definition requires as well. Doing
//! again what one has just done is no refusal, and changes nothing.

use super::{
    Act, Effect, Facts, PersonsAct, Rejection, Transition, changed, changed_to, outcome,
    spent_while_waiting,
};
use crate::error_info::ErrorInfo;
use crate::metrics::ExecutionMetrics;
use crate::security::{ADMINISTER_TASKS, Caller};
use crate::task::attempt::{AttemptReport, Outcome};
use crate::task::definition::TaskType;
use crate::task::instance::{TaskInstance, TaskStatus};
use crate::time::Timestamp;

/// Where a person's attempt runs.
const WITH_A_PERSON: &str = "person";

pub(super) fn act(
    task: &TaskInstance,
    persons: &PersonsAct,
    facts: Facts,
) -> Result<Transition, Rejection> {
    let (by, now) = (&persons.by, facts.now);
    of_a_person(task)?;
    // The look that ends it may yet have to come.
    if let Some(spent) = spent_while_waiting(task, now) {
        return Err(Rejection::Late { kind: spent.kind });
    }
    match &persons.act {
        Act::Assign { assignee } => assign(task, assignee, by, now),
        Act::Claim => claim(task, by, now),
        Act::Release => release(task, by, now),
        Act::Complete { output } => {
            permitted(task, by)?;
            let output = output.clone();
            done(task, by, Outcome::Succeeded { output }, facts)
        }
        // A failure is of somebody's work: told twice, it would otherwise count twice.
        Act::Fail { .. } if task.assignee.is_none() => Err(Rejection::NotTheAssignee),
        Act::Fail {
            code,
            message,
            details,
            permanent,
        } => {
            let error = ErrorInfo::new(code, message, now).with_details(details.clone());
            let outcome = Outcome::Failed {
                error,
                permanent: *permanent,
                retry_after: None,
                continue_on_failure: None,
            };
            done(task, by, outcome, facts)
        }
    }
}

/// Whether an act of this person can have led to the end of the task.
pub(super) fn led_here(task: &TaskInstance, persons: &PersonsAct) -> bool {
    let is_theirs = task.executor_id == persons.by.user_id;
    match &persons.act {
        Act::Complete { output } => {
            is_theirs
                && task.status == TaskStatus::Completed
                && task.output.as_ref() == Some(output)
        }
        Act::Fail { code, .. } => {
            let last = task.error.as_ref();
            is_theirs
                && task.status == TaskStatus::Failed
                && last.is_some_and(|last| last.code == *code)
        }
        Act::Assign { .. } | Act::Claim | Act::Release => false,
    }
}

fn assign(
    task: &TaskInstance,
    assignee: &str,
    by: &Caller,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    if !by.is_administrator() {
        let missing = vec![ADMINISTER_TASKS.to_owned()];
        return Err(Rejection::PermissionDenied { missing });
    }
    Ok(give_to(task, assignee, now))
}

fn claim(task: &TaskInstance, by: &Caller, now: Timestamp) -> Result<Transition, Rejection> {
    permitted(task, by)?;
    let is_theirs = task.assignee.as_ref() == Some(&by.user_id);
    if !is_theirs && !is_candidate(task, by) {
        return Err(Rejection::NotACandidate);
    }
    if task.assignee.is_some() && !is_theirs {
        return Err(Rejection::AlreadyClaimed);
    }
    Ok(give_to(task, &by.user_id, now))
}

fn release(task: &TaskInstance, by: &Caller, now: Timestamp) -> Result<Transition, Rejection> {
    let may_have_had_it = is_candidate(task, by) || by.is_administrator();
    if task.assignee.is_none() && may_have_had_it {
        return Ok(Transition::Repeated(Effect::None));
    }
    has_it(task, by)?;
    let mut after = changed(task, now);
    after.status = TaskStatus::Pending;
    after.assignee = None;
    Ok(changed_to(after, Effect::None, now))
}

/// Takes the end of a person's work as that of an attempt, which began when somebody had it.
fn done(
    task: &TaskInstance,
    by: &Caller,
    outcome: Outcome,
    facts: Facts,
) -> Result<Transition, Rejection> {
    has_it(task, by)?;
    let now = facts.now;
    let taken = task.handling.as_ref().and_then(|people| people.taken_at);
    let started_at = taken.unwrap_or(now);
    let report = AttemptReport {
        execution_id: task.execution_id(),
        started_at,
        ended_at: now,
        executor_id: by.user_id.clone(),
        execution_environment: WITH_A_PERSON.to_owned(),
        outcome,
        metrics: ExecutionMetrics {
            execution_time: now.millis_since(started_at),
            ..ExecutionMetrics::default()
        },
    };
    outcome::apply(task, &report, facts)
}

fn give_to(task: &TaskInstance, assignee: &str, now: Timestamp) -> Transition {
    if task.assignee.as_deref() == Some(assignee) {
        return Transition::Repeated(Effect::None);
    }
    let mut after = changed(task, now);
    after.status = TaskStatus::Assigned;
    after.assignee = Some(assignee.to_owned());
    if let Some(handling) = &mut after.handling {
        handling.taken_at.get_or_insert(now);
    }
    changed_to(after, Effect::None, now)
}

fn is_candidate(task: &TaskInstance, person: &Caller) -> bool {
    let handling = task.handling.as_ref();
    handling.is_none_or(|people| people.is_candidate(person))
}

fn has_it(task: &TaskInstance, by: &Caller) -> Result<(), Rejection> {
    if task.assignee.as_ref() == Some(&by.user_id) || by.is_administrator() {
        Ok(())
    } else {
        Err(Rejection::NotTheAssignee)
    }
}

fn permitted(task: &TaskInstance, by: &Caller) -> Result<(), Rejection> {
    let security = &task.context.security_context;
    let missing = security.missing_of(&by.permissions);
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.into_iter().map(str::to_owned).collect();
    Err(Rejection::PermissionDenied { missing })
}

/// Only a person's task that is waiting for a person is handed from one to another, or done.
fn of_a_person(task: &TaskInstance) -> Result<(), Rejection> {
    let waiting = matches!(task.status, TaskStatus::Pending | TaskStatus::Assigned);
    if waiting && task.task_type == TaskType::Manual {
        Ok(())
    } else {
        Err(Rejection::IllegalState {
            status: task.status,
        })
    }
}
