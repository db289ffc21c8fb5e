//! What people do to a task before it runs: they are given it, take it and give it back.
//!
//! Who may do so is decided by whoever takes the request.

use super::{Effect, Rejection, Transition, changed, changed_to};
use crate::task::definition::TaskType;
use crate::task::instance::{TaskInstance, TaskStatus};
use crate::time::Timestamp;

pub(super) fn assign(
    task: &TaskInstance,
    assignee: &str,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    of_a_person(task)?;
    Ok(give_to(task, assignee, now))
}

pub(super) fn claim(
    task: &TaskInstance,
    assignee: &str,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    of_a_person(task)?;
    match &task.assignee {
        Some(other) if other != assignee => Err(Rejection::AlreadyClaimed),
        _ => Ok(give_to(task, assignee, now)),
    }
}

pub(super) fn release(
    task: &TaskInstance,
    assignee: &str,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    of_a_person(task)?;
    match &task.assignee {
        None => Ok(Transition::Repeated(Effect::None)),
        Some(other) if other != assignee => Err(Rejection::NotTheAssignee),
        Some(_) => {
            let mut after = changed(task, now);
            after.status = TaskStatus::Pending;
            after.assignee = None;
            Ok(changed_to(after, Effect::None, now))
        }
    }
}

fn give_to(task: &TaskInstance, assignee: &str, now: Timestamp) -> Transition {
    if task.assignee.as_deref() == Some(assignee) {
        return Transition::Repeated(Effect::None);
    }
    let mut after = changed(task, now);
    after.status = TaskStatus::Assigned;
    after.assignee = Some(assignee.to_owned());
    changed_to(after, Effect::None, now)
}

/// Only a person's task that nobody works on yet is handed from person to person.
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
