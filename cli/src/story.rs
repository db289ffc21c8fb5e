//! What happened to a workflow and its tasks, in order, as far as their records keep it: when each
//! was created, its attempts with their errors and waits, what people did, and its end. Of signals
//! those are kept that nobody has waited for yet; of skipped steps not when they were.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use taskmill::Timestamp;
use taskmill::error_info::ErrorInfo;
use taskmill::ids::{DefinitionId, WorkflowId};
use taskmill::task::audit::{Deed, Entry};
use taskmill::task::{Attempt, TaskStatus};
use taskmill::workflow::WorkflowStatus;
use taskmill::workflow::frontier::{Course, Root};

use crate::exit::Error;
use crate::output::{self, Listed};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// Where: the path of a task or a step, the workflow itself without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// What: a status, or what a person did.
    event: &'static str,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// The attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    /// More about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

impl Listed for Event {
    const HEADER: &[&str] = &["TIME", "PATH", "EVENT", "ATTEMPT", "BY", "DETAIL"];

    fn row(&self) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let attempt = self.attempt.map_or_else(String::new, |one| one.to_string());
        vec![
            output::time(self.at),
            text(&self.path),
            self.event.to_owned(),
            attempt,
            text(&self.by),
            self.detail.clone(),
        ]
    }
}

/// What a view tells of a task's life.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    task_definition_id: DefinitionId,
    task_definition_version: String,
    status: TaskStatus,
    attempt: u32,
    #[serde(default)]
    attempts: Vec<Attempt>,
    error: Option<ErrorInfo>,
    next_retry_at: Option<Timestamp>,
    end_time: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(default)]
    audit: Vec<Entry>,
    #[serde(default)]
    handling: Handling,
    execution_context: Context,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Handling {
    overdue_since: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    task_path: Option<String>,
}

/// What a view tells of a workflow's life.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Workflow {
    id: WorkflowId,
    workflow_definition_id: DefinitionId,
    definition_version: String,
    status: WorkflowStatus,
    error: Option<ErrorInfo>,
    created_by: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    end_time: Option<Timestamp>,
    frontier: Course,
    task_instances: Vec<Task>,
}

/// What happened to what a view shows: a workflow with its tasks, or a task.
///
/// # Errors
/// It is the view of another version of Taskmill.
pub fn of(view: &Value) -> Result<Vec<Event>, Error> {
    let mut events = match view.get("taskInstances") {
        None => of_task(&read(view)?),
        Some(_) => of_workflow(&read(view)?),
    };
    // Of one time, what was found first comes first; what nobody knows the time of comes last.
    events.sort_by_key(|event| (event.at.is_none(), event.at));
    Ok(events)
}

fn read<'v, T: Deserialize<'v>>(view: &'v Value) -> Result<T, Error> {
    T::deserialize(view)
        .map_err(|error| Error::Unexpected(format!("the record is of another version: {error}")))
}

impl Event {
    fn new(at: Timestamp, event: &'static str) -> Self {
        Self {
            at: Some(at),
            path: None,
            event,
            by: None,
            attempt: None,
            detail: String::new(),
        }
    }

    fn with(self, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }

    fn by(self, who: &str) -> Self {
        Self {
            by: Some(who.to_owned()),
            ..self
        }
    }

    fn of_attempt(self, attempt: u32) -> Self {
        Self {
            attempt: Some(attempt),
            ..self
        }
    }

    fn on(self, path: &str) -> Self {
        Self {
            path: Some(path.to_owned()),
            ..self
        }
    }
}

fn of_workflow(one: &Workflow) -> Vec<Event> {
    let what = format!("{} {}", one.workflow_definition_id, one.definition_version);
    let created = Event::new(one.created_at, "CREATED").by(&one.created_by);
    let mut events = vec![created.with(format!("workflow {} of {what}", one.id))];
    events.extend(one.task_instances.iter().flat_map(of_task));
    events.extend(one.frontier.signals.iter().map(|signal| {
        Event::new(signal.at, "SIGNAL")
            .with(format!("{}, which nobody waited for yet", signal.name))
    }));
    events.extend(one.frontier.skipped.iter().map(|skipped| Event {
        at: None,
        ..Event::new(one.created_at, "SKIPPED").on(&skipped.path)
    }));
    events.push(match one.end_time {
        Some(end) => Event::new(end, one.status.as_str()).with(because(one.error.as_ref())),
        None => Event::new(one.updated_at, one.status.as_str()).with(under_way(&one.frontier)),
    });
    events
}

/// The steps at the top that are under way.
fn under_way(course: &Course) -> String {
    let Root::Steps(block) = &course.root else {
        return String::new();
    };
    let names: Vec<&str> = block.active.iter().map(|one| one.name.as_str()).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("under way: {}", names.join(", ")),
    }
}

fn of_task(task: &Task) -> Vec<Event> {
    let of_step = task.execution_context.task_path.as_deref();
    let path = of_step.unwrap_or(task.task_definition_id.as_str());
    let what = format!(
        "{} {}",
        task.task_definition_id, task.task_definition_version
    );
    let mut events = vec![Event::new(task.created_at, "CREATED").with(format!("task of {what}"))];
    // Of one time, what a person did comes before what came of it.
    events.extend(task.audit.iter().map(of_entry));
    events.extend(task.attempts.iter().flat_map(|one| of_attempt(task, one)));
    let overdue = task.handling.overdue_since;
    events.extend(overdue.map(|since| Event::new(since, "OVERDUE")));
    events.extend(of_now(task));
    events.into_iter().map(|event| event.on(path)).collect()
}

/// The beginning of an attempt, and its end: of the task as well, or with another to follow.
fn of_attempt(task: &Task, attempt: &Attempt) -> Vec<Event> {
    let number = attempt.attempt;
    let is_last = number == task.attempt && task.status.is_terminal();
    let began = attempt.started_at.map(|at| {
        Event::new(at, TaskStatus::Running.as_str()).with(format!("by {}", attempt.executor_id))
    });
    let mut because = because(attempt.error.as_ref());
    // A person's task is there for the next one at once.
    let next = attempt
        .next_retry_at
        .filter(|next| *next > attempt.ended_at);
    if let Some(next) = next {
        because.push_str(&format!("; the next attempt is at {next}"));
    }
    let status = match is_last {
        true => task.status,
        false => TaskStatus::RetryPending,
    };
    let ended = Event::new(attempt.ended_at, status.as_str()).with(because);
    let both = began.into_iter().chain([ended]);
    both.map(|event| event.of_attempt(number)).collect()
}

/// What no attempt tells: an end without one, or what it does now.
fn of_now(task: &Task) -> Option<Event> {
    let told_by_attempt = task.attempts.iter().any(|one| one.attempt == task.attempt);
    match task.status {
        TaskStatus::Running => {
            Some(Event::new(task.updated_at, task.status.as_str()).of_attempt(task.attempt))
        }
        TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut => {
            let is_told = told_by_attempt && task.status != TaskStatus::Cancelled;
            let at = task.end_time.unwrap_or(task.updated_at);
            let ended = Event::new(at, task.status.as_str()).with(because(task.error.as_ref()));
            (!is_told).then_some(ended)
        }
        TaskStatus::RetryPending if !told_by_attempt => {
            let next = task.next_retry_at?;
            let waits = Event::new(task.updated_at, task.status.as_str());
            Some(waits.with(format!("the next attempt is at {next}")))
        }
        TaskStatus::RetryPending | TaskStatus::Pending | TaskStatus::Assigned => None,
    }
}

fn of_entry(entry: &Entry) -> Event {
    let (event, detail) = match &entry.deed {
        Deed::Assign { assignee } => ("ASSIGN", format!("to {assignee}")),
        Deed::Claim => ("CLAIM", String::new()),
        Deed::Start => ("START", String::new()),
        Deed::Release => ("RELEASE", String::new()),
        Deed::Delegate { assignee } => ("DELEGATE", format!("to {assignee}")),
        Deed::Resolve => ("RESOLVE", String::new()),
        Deed::FollowUp { until: None } => ("FOLLOW_UP", "not any more".to_owned()),
        Deed::FollowUp { until: Some(until) } => ("FOLLOW_UP", format!("until {until}")),
        Deed::Comment { text } => ("COMMENT", text.clone()),
        Deed::Complete => ("COMPLETE", String::new()),
        Deed::Fail { code } => ("FAIL", code.clone()),
    };
    Event::new(entry.at, event).by(&entry.by).with(detail)
}

/// Why, in one line.
fn because(error: Option<&ErrorInfo>) -> String {
    let line = |error: &ErrorInfo| {
        let first = error.message.lines().next().unwrap_or_default();
        format!("{}: {first}", error.code)
    };
    error.map_or_else(String::new, line)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(second: u32) -> String {
        format!("2027-01-01T00:00:{second:02}.000Z")
    }

    /// Checks the lines `PATH EVENT ATTEMPT BY DETAIL` of a view, with single blanks.
    #[track_caller]
    fn check(view: &Value, expected: &[&str]) {
        let events = of(view).unwrap();
        let line = |event: &Event| {
            let cells = event.row();
            let words = cells[1..].iter().flat_map(|cell| cell.split_whitespace());
            words.collect::<Vec<_>>().join(" ")
        };
        let lines: Vec<String> = events.iter().map(line).collect();
        assert_eq!(lines, expected);
    }

    fn task(path: &str, fields: Value) -> Value {
        let mut task = json!({
            "taskDefinitionId": "work", "taskDefinitionVersion": "1.0.0", "attempt": 1,
            "createdAt": at(1), "updatedAt": at(9), "executionContext": {"taskPath": path},
        });
        let fields = fields.as_object().unwrap().clone();
        task.as_object_mut().unwrap().extend(fields);
        task
    }

    fn error(code: &str) -> Value {
        json!({"code": code, "message": "no\nnot at all", "timestamp": at(3)})
    }

    #[test]
    fn a_workflow_is_told_with_its_tasks_in_the_order_of_time() {
        let attempts = json!([
            {"attempt": 1, "startedAt": at(2), "endedAt": at(3), "executorId": "process:a",
             "error": error("BUSY"), "nextRetryAt": at(5)},
            {"attempt": 2, "startedAt": at(5), "endedAt": at(6), "executorId": "process:a"},
        ]);
        let done = json!({"status": "COMPLETED", "attempt": 2, "attempts": attempts});
        let cancelled = json!({
            "status": "CANCELLED", "createdAt": at(4), "endTime": at(7), "error": error("CANCELLED"),
        });
        let view = json!({
            "id": "019ab1c2-0000-7000-8000-000000000000", "workflowDefinitionId": "w",
            "definitionVersion": "1.2.0", "status": "FAILED", "createdBy": "ann",
            "createdAt": at(0), "updatedAt": at(9), "endTime": at(8), "error": error("NO"),
            "frontier": {"z": [{"p": "left"}], "s": [{"name": "early", "at": at(7)}]},
            "taskInstances": [task("second", cancelled), task("first", done)],
        });
        check(
            &view,
            &[
                "CREATED ann workflow 019ab1c2-0000-7000-8000-000000000000 of w 1.2.0",
                "first CREATED task of work 1.0.0",
                "first RUNNING 1 by process:a",
                "first RETRY_PENDING 1 BUSY: no; the next attempt is at 2027-01-01T00:00:05.000Z",
                "second CREATED task of work 1.0.0",
                "first RUNNING 2 by process:a",
                "first COMPLETED 2",
                "second CANCELLED CANCELLED: no",
                "SIGNAL early, which nobody waited for yet",
                "FAILED NO: no",
                "left SKIPPED",
            ],
        );
    }

    #[test]
    fn what_is_open_ends_with_what_is_under_way() {
        let active = json!([{"n": "approve", "v": 1, "s": {"t": {}}}]);
        let view = json!({
            "id": "019ab1c2-0000-7000-8000-000000000000", "workflowDefinitionId": "w",
            "definitionVersion": "1.2.0", "status": "RUNNING", "createdBy": "ann",
            "createdAt": at(0), "updatedAt": at(9), "frontier": {"b": {"s": {"a": active}}},
            "taskInstances": [],
        });
        let created = "CREATED ann workflow 019ab1c2-0000-7000-8000-000000000000 of w 1.2.0";
        check(&view, &[created, "RUNNING under way: approve"]);
    }

    #[test]
    fn what_people_did_is_told_with_who_did_it() {
        let entry = |number: u32, by: &str, fields: Value| {
            let mut entry = json!({"number": number, "at": at(number + 1), "by": by});
            let fields = fields.as_object().unwrap().clone();
            entry.as_object_mut().unwrap().extend(fields);
            entry
        };
        let audit = [
            entry(1, "ann", json!({"act": "CLAIM"})),
            entry(2, "ann", json!({"act": "DELEGATE", "assignee": "bob"})),
            entry(3, "bob", json!({"act": "COMMENT", "text": "done"})),
            entry(4, "bob", json!({"act": "FOLLOW_UP", "until": at(30)})),
            entry(5, "bob", json!({"act": "RESOLVE"})),
        ];
        let fields = json!({
            "status": "ASSIGNED", "audit": audit, "handling": {"overdueSince": at(20)},
        });
        check(
            &task("sign", fields),
            &[
                "sign CREATED task of work 1.0.0",
                "sign CLAIM ann",
                "sign DELEGATE ann to bob",
                "sign COMMENT bob done",
                "sign FOLLOW_UP bob until 2027-01-01T00:00:30.000Z",
                "sign RESOLVE bob",
                "sign OVERDUE",
            ],
        );
    }
}
