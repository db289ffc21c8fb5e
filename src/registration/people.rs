//! What an assignment promises that never comes: an escalation without a due date, and a date
//! that lies behind what ends the wait for it.

use super::checks::Place;
use crate::codes::registration;
use crate::problem::{Problem, member};
use crate::task::assignment::Assignment;
use crate::task::definition::TaskDefinition;
use crate::task::timeouts::Timeouts;
use crate::workflow::definition::TaskStep;

/// Something that never comes.
struct Never {
    /// The field that asks for it; none when it is one that lacks.
    field: Option<&'static str>,
    message: String,
}

impl Never {
    fn problem(self, pointer: impl Into<String>) -> Problem {
        let code = match self.field {
            None => registration::MISSING_FIELD,
            Some(_) => registration::OUT_OF_RANGE,
        };
        Problem::new(code, pointer, self.message)
    }
}

/// What of an assignment never comes, when the task is over after so many milliseconds.
fn never(assignment: &Assignment, limit: Option<u64>) -> Vec<Never> {
    let (due, follow_up) = (assignment.due_in, assignment.follow_up_in);
    let mut found = Vec::new();
    if assignment.escalate_to.is_some() && due.is_none() {
        found.push(Never {
            field: None,
            message: "the field \"dueIn\" is missing: without it \"escalateTo\" never comes to act"
                .to_owned(),
        });
    }
    if let Some(due) = due.filter(|due| follow_up.is_some_and(|at| at > *due)) {
        found.push(Never {
            field: Some("followUpIn"),
            message: format!("it is after dueIn, {due} ms: nobody is to be reminded so late"),
        });
    }
    for (field, at) in [("dueIn", due), ("followUpIn", follow_up)] {
        if let Some(limit) = limit.filter(|limit| at.is_some_and(|at| at >= *limit)) {
            found.push(Never {
                field: Some(field),
                message: format!("the task is over by then: its time limit is {limit} ms"),
            });
        }
    }
    found
}

/// What of the assignment of a task definition never comes. One that is no assignment has that
/// wrong with it, as the schema says.
pub(super) fn of_definition(root: &Place<'_>) -> Vec<Problem> {
    let place = root.member("assignment");
    let Some(assignment) = place
        .value
        .and_then(|value| serde_json::from_value(value.clone()).ok())
    else {
        return Vec::new();
    };
    let timeouts = root.member("timeouts");
    let limits = [
        root.member("timeout"),
        timeouts.member("startToClose"),
        timeouts.member("scheduleToClose"),
    ];
    let limits = limits.iter().filter_map(|place| place.value?.as_u64());
    let found = never(&assignment, limits.min()).into_iter();
    found
        .map(|one| match one.field {
            None => one.problem(&place.pointer),
            Some(field) => one.problem(member(&place.pointer, field)),
        })
        .collect()
}

/// What of the assignment of a step's task never comes, by what the step says of it.
pub(super) fn of_step(pointer: &str, step: &TaskStep, task: &TaskDefinition) -> Vec<Problem> {
    let own = step.step_timeouts();
    let states_time = own.timeout.is_some() || own.timeouts.is_some();
    if step.assignment.is_none() && !states_time {
        return Vec::new();
    }
    let stated = step.assignment.clone().unwrap_or_default();
    let of_task = task.assignment.clone().unwrap_or_default();
    let limits = Timeouts::effective(task, own);
    let limits = [limits.start_to_close, limits.schedule_to_close];
    let limit = limits.into_iter().flatten().min();
    let found = never(&stated.clone().over(&of_task), limit).into_iter();
    found
        .map(|one| {
            let is_stated = match one.field {
                Some("dueIn") => stated.due_in.is_some(),
                Some("followUpIn") => stated.follow_up_in.is_some(),
                Some(_) | None => false,
            };
            let place = member(pointer, "assignment");
            match one.field.filter(|_| is_stated) {
                Some(field) => one.problem(member(&place, field)),
                None if step.assignment.is_some() => one.problem(place),
                None if own.timeout.is_some() => one.problem(member(pointer, "timeout")),
                None => one.problem(member(pointer, "timeouts")),
            }
        })
        .collect()
}
