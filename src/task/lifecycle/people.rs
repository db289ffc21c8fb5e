//! What people do with their tasks, and who may.
//!
//! | act | who | refused |
//! |---|---|---|
//! | assign | who administers tasks, or whom it was escalated to | `PERMISSION_DENIED` |
//! | claim | a candidate; where none is named, anybody | `NOT_A_CANDIDATE`, `ALREADY_CLAIMED` |
//! | start, follow up | the assignee, or who administers tasks | `NOT_THE_ASSIGNEE` |
//! | release, complete, fail | likewise, unless it is delegated | `NOT_THE_ASSIGNEE`, `ILLEGAL_STATE` |
//! | delegate | likewise; who delegated it first stays its owner | `NOT_THE_ASSIGNEE` |
//! | resolve | the assignee, the owner, or who administers tasks | `NOT_THE_ASSIGNEE`, `ILLEGAL_STATE` |
//! | comment | whom it concerns: a candidate, the assignee, the owner, who administers tasks | `NOT_A_CANDIDATE` |
//! | any | nobody, once its time is over | `ILLEGAL_STATE` |
//!
//! Claiming, starting and completing ask for what the definition requires of a person as well.
//! Doing again what one has just done is no refusal, and changes nothing. What changes something
//! is an entry of the task's audit.

use super::{
    Act, Effect, Facts, PersonsAct, Rejection, Transition, changed, changed_to, outcome,
    spent_while_waiting,
};
use crate::error_info::ErrorInfo;
use crate::metrics::ExecutionMetrics;
use crate::security::{ADMINISTER_TASKS, Caller};
use crate::task::assignment::Handling;
use crate::task::attempt::{AttemptReport, Outcome};
use crate::task::audit::Entry;
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
    of_a_person(task)?;
    // The look that ends it may yet have to come.
    if let Some(spent) = spent_while_waiting(task, facts.now) {
        return Err(Rejection::Late { kind: spent.kind });
    }
    Ok(match decide(task, persons, facts)? {
        Transition::Repeated(effect) => Transition::Repeated(effect),
        Transition::Changed {
            task: mut after,
            effect,
        } => {
            let last = task.last_act.as_ref();
            after.last_act = Some(Entry::following(task.id, last, persons, facts.now));
            Transition::Changed {
                task: after,
                effect,
            }
        }
    })
}

fn decide(
    task: &TaskInstance,
    persons: &PersonsAct,
    facts: Facts,
) -> Result<Transition, Rejection> {
    let (by, now) = (&persons.by, facts.now);
    match &persons.act {
        Act::Assign { assignee } => assign(task, assignee, by, now),
        Act::Claim => claim(task, by, now),
        Act::Start => start(task, by, now),
        Act::Release => release(task, by, now),
        Act::Delegate { assignee } => delegate(task, assignee, by, now),
        Act::Resolve => resolve(task, persons, now),
        Act::FollowUp { until } => follow_up(task, *until, by, now),
        Act::Comment { .. } => comment(task, persons, now),
        Act::Complete { output } => {
            permitted(task, by)?;
            let output = output.clone();
            done(task, by, Outcome::Succeeded { output }, facts)
        }
        Act::Fail {
            code,
            message,
            details,
            permanent,
        } => {
            // A failure is of somebody's work: told twice, it would otherwise count twice.
            assigned(task, by)?;
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
        Act::Assign { .. }
        | Act::Claim
        | Act::Start
        | Act::Release
        | Act::Delegate { .. }
        | Act::Resolve
        | Act::FollowUp { .. }
        | Act::Comment { .. } => false,
    }
}

fn assign(
    task: &TaskInstance,
    assignee: &str,
    by: &Caller,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    let handling = task.handling.as_ref();
    let is_escalated = handling.is_some_and(|people| people.is_escalated_to(by));
    if !by.is_administrator() && !is_escalated {
        let missing = vec![ADMINISTER_TASKS.to_owned()];
        return Err(Rejection::PermissionDenied { missing });
    }
    Ok(give_to(task, assignee, now))
}

fn claim(task: &TaskInstance, by: &Caller, now: Timestamp) -> Result<Transition, Rejection> {
    permitted(task, by)?;
    if task.assignee.as_ref() == Some(&by.user_id) {
        return Ok(Transition::Repeated(Effect::None));
    }
    if !is_candidate(task, by) {
        return Err(Rejection::NotACandidate);
    }
    if task.assignee.is_some() {
        return Err(Rejection::AlreadyClaimed);
    }
    Ok(give_to(task, &by.user_id, now))
}

/// Begins the attempt, which is then known to be under way: nothing watches over it but the
/// task's own time.
fn start(task: &TaskInstance, by: &Caller, now: Timestamp) -> Result<Transition, Rejection> {
    let assignee = assigned(task, by)?;
    permitted(task, by)?;
    if task.status == TaskStatus::Running {
        return Ok(Transition::Repeated(Effect::None));
    }
    let mut after = changed(task, now);
    after.status = TaskStatus::Running;
    after.start_time = task.start_time.or(Some(now));
    assignee.clone_into(&mut after.executor_id);
    after.execution_environment = Some(WITH_A_PERSON.to_owned());
    if let Some(handling) = &mut after.handling {
        handling.begun_at.get_or_insert(now);
    }
    Ok(changed_to(after, Effect::None, now))
}

fn release(task: &TaskInstance, by: &Caller, now: Timestamp) -> Result<Transition, Rejection> {
    let may_have_had_it = is_candidate(task, by) || by.is_administrator();
    if task.assignee.is_none() && may_have_had_it {
        return Ok(Transition::Repeated(Effect::None));
    }
    has_it(task, by)?;
    not_delegated(task)?;
    let mut after = changed(task, now);
    after.status = TaskStatus::Pending;
    after.assignee = None;
    after.handling = task.handling.as_ref().map(Handling::handed_on);
    Ok(changed_to(after, Effect::None, now))
}

/// Has another do the work. Whoever delegated the task first stays its owner, however often it is
/// delegated on.
fn delegate(
    task: &TaskInstance,
    to: &str,
    by: &Caller,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    let is_theirs = task.assignee.as_deref() == Some(to);
    let is_owner = owner(task) == Some(&by.user_id);
    if is_theirs && (is_owner || by.is_administrator() || by.user_id == to) {
        return Ok(Transition::Repeated(Effect::None));
    }
    let assignee = assigned(task, by)?;
    let owner = owner(task).unwrap_or(assignee).to_owned();
    let mut after = in_hands_of(task, to, now);
    after.handling = Some(Handling {
        owner: Some(owner),
        ..after.handling.unwrap_or_default()
    });
    Ok(changed_to(after, Effect::None, now))
}

/// Gives the task back to its owner, who alone ends it.
fn resolve(
    task: &TaskInstance,
    persons: &PersonsAct,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    let by = &persons.by;
    let Some(owner) = owner(task) else {
        return said_before(task, persons).ok_or(Rejection::NotDelegated);
    };
    if *owner != by.user_id {
        has_it(task, by)?;
    }
    let after = in_hands_of(task, owner, now);
    Ok(changed_to(after, Effect::None, now))
}

fn follow_up(
    task: &TaskInstance,
    until: Option<Timestamp>,
    by: &Caller,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    assigned(task, by)?;
    let stands = task
        .handling
        .as_ref()
        .and_then(|people| people.put_off_until);
    if stands == until {
        return Ok(Transition::Repeated(Effect::None));
    }
    let mut after = changed(task, now);
    after.handling = Some(Handling {
        put_off_until: until,
        ..after.handling.unwrap_or_default()
    });
    Ok(changed_to(after, Effect::None, now))
}

/// Keeps what somebody says: it is an entry of the audit and nothing else.
fn comment(
    task: &TaskInstance,
    persons: &PersonsAct,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    let by = &persons.by;
    let is_owner = owner(task) == Some(&by.user_id);
    if !is_owner && !is_candidate(task, by) {
        has_it(task, by).map_err(|_| Rejection::NotACandidate)?;
    }
    let repeated = said_before(task, persons);
    Ok(repeated.unwrap_or_else(|| changed_to(changed(task, now), Effect::None, now)))
}

/// What was the last that was done with the task changes nothing when it is done again.
fn said_before(task: &TaskInstance, persons: &PersonsAct) -> Option<Transition> {
    let last = task.last_act.as_ref();
    let is_last = last.is_some_and(|last| last.is_of(persons));
    is_last.then_some(Transition::Repeated(Effect::None))
}

/// Takes the end of a person's work as that of an attempt, which began when they began to work, or
/// else when somebody had it.
fn done(
    task: &TaskInstance,
    by: &Caller,
    outcome: Outcome,
    facts: Facts,
) -> Result<Transition, Rejection> {
    has_it(task, by)?;
    not_delegated(task)?;
    let now = facts.now;
    let people = task.handling.as_ref();
    let began = people.and_then(|people| people.begun_at.or(people.taken_at));
    let started_at = began.unwrap_or(now);
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

/// Makes the task somebody's own.
fn give_to(task: &TaskInstance, assignee: &str, now: Timestamp) -> Transition {
    if task.assignee.as_deref() == Some(assignee) && owner(task).is_none() {
        return Transition::Repeated(Effect::None);
    }
    changed_to(in_hands_of(task, assignee, now), Effect::None, now)
}

/// The task when somebody has it who has not begun yet.
fn in_hands_of(task: &TaskInstance, assignee: &str, now: Timestamp) -> TaskInstance {
    let mut after = changed(task, now);
    after.status = TaskStatus::Assigned;
    after.assignee = Some(assignee.to_owned());
    after.handling = task.handling.as_ref().map(|people| Handling {
        begun_at: people.begun_at,
        taken_at: people.taken_at.or(Some(now)),
        ..people.handed_on()
    });
    after
}

fn owner(task: &TaskInstance) -> Option<&String> {
    task.handling.as_ref()?.owner.as_ref()
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

/// Whoever has the task, when this person may act for them.
fn assigned<'t>(task: &'t TaskInstance, by: &Caller) -> Result<&'t String, Rejection> {
    has_it(task, by)?;
    task.assignee.as_ref().ok_or(Rejection::NotTheAssignee)
}

fn not_delegated(task: &TaskInstance) -> Result<(), Rejection> {
    match owner(task) {
        Some(_) => Err(Rejection::Delegated),
        None => Ok(()),
    }
}

fn permitted(task: &TaskInstance, by: &Caller) -> Result<(), Rejection> {
    let security = &task.context.security_context;
    let missing = security.missing_in_person(&by.permissions);
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Rejection::PermissionDenied { missing })
    }
}

/// Only a person's task that is with people is handed from one to another, or done.
fn of_a_person(task: &TaskInstance) -> Result<(), Rejection> {
    let waiting = matches!(
        task.status,
        TaskStatus::Pending | TaskStatus::Assigned | TaskStatus::Running
    );
    if waiting && task.task_type == TaskType::Manual {
        Ok(())
    } else {
        Err(Rejection::IllegalState {
            status: task.status,
        })
    }
}
