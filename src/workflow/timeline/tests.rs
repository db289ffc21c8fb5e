//! Tasks as bars.

use serde_json::{Value, json};

use super::*;
use crate::task::lifecycle::{self, Event, Transition};
use crate::testing::{WORKER, at, facts, failed, report, start, succeeded, task_of_workflow};

fn after(task: &TaskInstance, event: &Event, now: u64) -> TaskInstance {
    match lifecycle::transition(task, event, facts(at(now))).unwrap() {
        Transition::Changed { task, .. } => *task,
        other => panic!("nothing changed: {other:?}"),
    }
}

fn started(task: &TaskInstance, now: u64) -> TaskInstance {
    after(
        task,
        &Event::Start(start(task.execution_id(), at(now))),
        now,
    )
}

fn retrying() -> TaskInstance {
    let policy = json!({"maxRetries": 50, "retryInterval": 4000, "backoffMultiplier": 1});
    task_of_workflow(json!({ "retryPolicy": policy }))
}

/// After an attempt that took a second and failed.
fn failing(task: &TaskInstance, now: u64) -> TaskInstance {
    let report = report(task.execution_id(), at(now), failed("E"));
    after(task, &Event::Report(report), now)
}

/// The bars of a task, times as milliseconds since its acceptance.
fn bars(task: &TaskInstance) -> Vec<Value> {
    let since = |time: Option<Timestamp>| time.map(|time| time.millis_since(at(0)));
    let short = |bar: &Bar| {
        json!([
            bar.attempt,
            since(bar.waiting_since),
            since(bar.started_at),
            since(bar.ended_at),
            bar.error.as_ref().map(|error| &error.code),
        ])
    };
    row(task).bars.iter().map(short).collect()
}

#[test]
fn each_attempt_is_a_bar_behind_its_wait() {
    let created = retrying();
    assert_eq!(bars(&created), [json!([1, 0, null, null, null])]);
    let running = started(&created, 40);
    assert_eq!(bars(&running), [json!([1, 0, 40, null, null])]);
    let waiting = failing(&running, 2000);
    let first = json!([1, 0, 1000, 2000, "E"]);
    let next = json!([2, 2000, null, null, null]);
    assert_eq!(bars(&waiting), [first.clone(), next]);
    let again = started(&waiting, 5000);
    let next = json!([2, 2000, 5000, null, null]);
    assert_eq!(bars(&again), [first.clone(), next]);
    let report = report(again.execution_id(), at(9000), succeeded(json!(1)));
    let done = after(&again, &Event::Report(report), 9000);
    let last = json!([2, 2000, 8000, 9000, null]);
    assert_eq!(bars(&done), [first, last]);
}

#[test]
fn a_bar_tells_how_long_and_by_whom() {
    let waiting = failing(&retrying(), 2000);
    let expected = json!([
        {
            "attempt": 1,
            "waitingSince": at(0),
            "startedAt": at(1000),
            "endedAt": at(2000),
            "waited": 1000,
            "ran": 1000,
            "executorId": WORKER,
            "error": {"code": "E", "message": "it failed"},
        },
        // Half of the jitter.
        {"attempt": 2, "waitingSince": at(2000), "dueAt": at(4000)},
    ]);
    assert_eq!(serde_json::to_value(row(&waiting).bars).unwrap(), expected);
}

#[test]
fn a_task_that_is_cancelled_ends_its_attempt() {
    let cancel = Event::Cancel {
        reason: "enough".to_owned(),
    };
    let waited = after(&retrying(), &cancel, 700);
    assert_eq!(bars(&waited), [json!([1, 0, null, 700, null])]);
    let ran = after(&started(&retrying(), 40), &cancel, 700);
    assert_eq!(bars(&ran), [json!([1, 0, 40, 700, null])]);
    let again = after(&failing(&retrying(), 2000), &cancel, 3000);
    let expected = [
        json!([1, 0, 1000, 2000, "E"]),
        json!([2, 2000, null, 3000, null]),
    ];
    assert_eq!(bars(&again), expected);
}

#[test]
fn attempts_that_are_forgotten_are_counted() {
    let mut task = retrying();
    for number in 1..=25 {
        task = failing(&task, number * 10_000);
    }
    let row = row(&task);
    assert_eq!(row.forgotten, 5);
    assert_eq!(row.bars.len(), 21, "the last twenty, and the next one");
    assert_eq!(row.bars[0].attempt, 6);
    assert_eq!(row.bars[0].waiting_since, None, "nobody knows");
    assert_eq!(row.bars[1].waiting_since, Some(at(60_000)));
}

#[test]
fn rows_stand_in_the_order_of_acceptance() {
    let of = |path: &str, created: u64, ended: Option<u64>| {
        let mut task = retrying();
        task.context.task_path = Some(path.to_owned());
        task.created_at = at(created);
        task.end_time = ended.map(at);
        if ended.is_some() {
            task.status = TaskStatus::Completed;
        }
        task
    };
    let tasks = [
        of("c", 9, Some(50)),
        of("b", 5, Some(80)),
        of("a", 5, Some(20)),
    ];
    let drawn = sorted(tasks.iter().map(row).collect());
    let paths = drawn.iter().filter_map(|row| row.task_path.as_deref());
    assert_eq!(Vec::from_iter(paths), ["a", "b", "c"]);
}
