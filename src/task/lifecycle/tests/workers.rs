//! What workers that poll say of their tasks, in full: whose a task is until when, and what is kept
//! of it.

use serde_json::Value;

use super::*;
use crate::task::concurrency::{self, Ask, Limits};

/// A task of a group, begun by the worker at one second.
fn begun(fields: Value) -> TaskInstance {
    let mut all = json!({
        "executionConfig": { "executor": "worker:gpu" },
        "timeout": 100_000,
        "timeouts": { "heartbeat": 20_000 },
        "concurrency": { "limit": 5 },
    });
    crate::testing::merge(&mut all, fields);
    let task = task_of_workflow(all);
    changed_by(
        &task,
        &Event::Start(start(task.execution_id(), at(1000))),
        1000,
    )
}

fn changed_by(task: &TaskInstance, event: &Event, now: u64) -> TaskInstance {
    match transition(task, event, facts(at(now))) {
        Ok(Transition::Changed { task, .. }) => *task,
        other => panic!("{event:?} gives {other:?}"),
    }
}

fn says(task: &TaskInstance, word: Word) -> Event {
    said(task.execution_id(), WORKER, word)
}

fn alive(progress: Option<Value>) -> Word {
    Word::Alive { progress }
}

fn done() -> Word {
    Word::Ended(succeeded(json!(1)))
}

#[test]
fn a_worker_has_a_task_until_its_lease_is_over() {
    let task = begun(json!({}));
    let lease = task.lease().unwrap();
    assert_eq!((lease.begun_at, lease.until), (at(1000), at(21_000)));
    assert_eq!(task.due_at, Some(at(21_000)), "also in a workflow");
    let renewed = changed_by(&task, &says(&task, alive(Some(json!("half")))), 11_000);
    let lease = renewed.lease().unwrap();
    assert_eq!(lease.until, at(31_000));
    assert_eq!(lease.progress, Some(json!("half")));
    assert_eq!(
        renewed.due_at,
        Some(at(21_000)),
        "to move it would be paid for"
    );
    let again = changed_by(&renewed, &says(&task, alive(None)), 12_000);
    assert_eq!(again.lease().unwrap().progress, Some(json!("half")));
    let early = transition(&again, &Event::Look, facts(at(21_000)));
    assert_eq!(early, Ok(Transition::Repeated(Effect::None)));
    let looked = due::checked(&again, at(21_000));
    assert_eq!(looked.due_at, Some(at(32_000)));
    for word in [alive(None), done(), Word::GivenBack] {
        let late = transition(&looked, &says(&task, word), facts(at(32_000)));
        let kind = TimeoutKind::Heartbeat;
        assert_eq!(late, Err(Rejection::Late { kind }));
    }
    let over = changed_by(&looked, &Event::Look, 40_000);
    assert_eq!((over.status, over.due_at), (TaskStatus::TimedOut, None));
    assert_eq!(over.error.unwrap().details["kind"], "HEARTBEAT");
    assert_eq!(over.attempts[0].started_at, Some(at(1000)));
    assert_eq!(
        (over.end_time, over.metrics.execution_time),
        (Some(at(32_000)), 31_000)
    );
}

#[test]
fn the_first_limit_of_an_attempt_is_told() {
    let cases = [
        (json!({}), 21_000, "HEARTBEAT"),
        (json!({ "timeout": 5000 }), 6000, "START_TO_CLOSE"),
        (
            json!({ "timeouts": { "scheduleToClose": 7000 } }),
            7000,
            "SCHEDULE_TO_CLOSE",
        ),
        // Nothing was said: a minute.
        (
            json!({ "timeouts": { "heartbeat": null } }),
            61_000,
            "HEARTBEAT",
        ),
    ];
    for (fields, expected, kind) in cases {
        let limit = begun(fields.clone()).leased_deadline().unwrap();
        assert_eq!(
            (limit.at, limit.kind.as_str()),
            (at(expected), kind),
            "{fields}"
        );
    }
}

#[test]
fn a_look_that_comes_when_all_time_is_over_leaves_no_retry() {
    let task = begun(json!({
        "retryPolicy": { "maxRetries": 1, "retryInterval": 0 },
        "timeouts": { "scheduleToClose": 30_000 },
    }));
    let intime = changed_by(&task, &Event::Look, 29_999);
    assert_eq!(intime.status, TaskStatus::RetryPending);
    let late = changed_by(&task, &Event::Look, 30_000);
    assert_eq!(late.status, TaskStatus::TimedOut);
    assert_eq!(late.error.unwrap().details["kind"], "SCHEDULE_TO_CLOSE");
}

#[test]
fn what_is_given_back_is_the_same_attempt_and_anybodys() {
    let task = begun(json!({ "retryPolicy": { "maxRetries": 1, "retryInterval": 0 } }));
    let given = changed_by(&task, &says(&task, Word::GivenBack), 2000);
    assert_eq!((given.status, given.attempt()), (TaskStatus::Pending, 1));
    assert_eq!((given.due_at, given.deadline_at), (None, None));
    assert_eq!(given.executor_id, "worker:gpu");
    let other = Start {
        executor_id: "worker-2".to_owned(),
        ..start(task.execution_id(), at(3000))
    };
    let retaken = changed_by(&given, &Event::Start(other), 3000);
    let late = transition(&retaken, &says(&task, done()), facts(at(4000)));
    assert_eq!(late, Err(Rejection::NotLeased));
    let failed = said(task.execution_id(), "worker-2", Word::Ended(failed("BUSY")));
    let second = changed_by(&retaken, &failed, 5000);
    assert_eq!(
        (second.status, second.attempt()),
        (TaskStatus::RetryPending, 2)
    );
    let begun = changed_by(
        &second,
        &Event::Start(start(second.execution_id(), at(6000))),
        6000,
    );
    let given = changed_by(&begun, &says(&begun, Word::GivenBack), 7000);
    assert_eq!(
        (given.status, given.next_retry_at),
        (TaskStatus::RetryPending, Some(at(7000)))
    );
}

#[test]
fn a_far_retry_has_a_due_time_of_its_own_in_a_workflow() {
    let task = begun(json!({ "retryPolicy": { "maxRetries": 1, "retryInterval": 0 } }));
    let failure = |retry_after| {
        Word::Ended(Outcome::Failed {
            error: ErrorInfo::new("BUSY", "later", at(0)),
            permanent: false,
            retry_after: Some(retry_after),
            continue_on_failure: None,
        })
    };
    let near = changed_by(
        &task,
        &says(&task, failure(due::LONGEST_MESSAGE_DELAY)),
        2000,
    );
    assert_eq!(near.due_at, None);
    let far = due::LONGEST_MESSAGE_DELAY + 1;
    let far = changed_by(&task, &says(&task, failure(far)), 2000);
    assert_eq!(far.due_at, far.next_retry_at);
}

#[test]
fn the_place_of_an_attempt_follows_its_lease() {
    let task = begun(json!({}));
    let execution_id = task.execution_id();
    let cancel = Event::Cancel {
        reason: String::new(),
    };
    let cases = [
        (says(&task, alive(None)), 5000, None),
        (says(&task, done()), 5000, Some(Ask::Lost(execution_id))),
        (
            says(&task, Word::GivenBack),
            5000,
            Some(Ask::Lost(execution_id)),
        ),
        (Event::Look, 21_000, Some(Ask::Lost(execution_id))),
        (
            cancel,
            5000,
            Some(Ask::Stopping {
                execution_id,
                until: at(21_000),
            }),
        ),
    ];
    for (event, now, expected) in cases {
        let after = changed_by(&task, &event, now);
        assert_eq!(
            concurrency::after(&task, &after, &event, Limits::default()),
            expected,
            "{event:?}"
        );
    }
    // What the line did not hear is said again.
    let event = says(&task, done());
    let ended = changed_by(&task, &event, 5000);
    let again = concurrency::after(&ended, &ended, &event, Limits::default());
    assert_eq!(again, Some(Ask::Lost(execution_id)));
}
