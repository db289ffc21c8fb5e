//! Attempts that another system has: until when, and what their end comes to.

use serde_json::Value;

use super::*;

/// A task that limits its attempts and its whole time so.
fn limited(timeouts: Value) -> TaskInstance {
    let policy = json!({ "maxRetries": 1, "retryInterval": 1000, "jitter": "NONE" });
    task(
        json!({ "type": "INTEGRATION", "timeouts": timeouts, "timeout": 600_000, "retryPolicy": policy }),
    )
}

fn after(task: &TaskInstance, event: &Event, now: u64) -> TaskInstance {
    match transition(task, event, facts(at(now))) {
        Ok(Transition::Changed { task, .. }) => *task,
        other => panic!("{event:?} gives {other:?}"),
    }
}

/// The task once its attempt, which began a second before, was handed over at this time.
fn handed_over(task: &TaskInstance, now: u64) -> TaskInstance {
    let report = report(task.execution_id(), at(now), Outcome::HandedOver);
    after(task, &Event::Report(report), now)
}

#[test]
fn a_worker_holds_what_it_hands_over_for_a_short_time_and_the_other_system_for_all_of_it() {
    let task = limited(json!({}));
    for (handover, expected) in [
        (None, 600_000),
        (Some(60_000), 60_000),
        (Some(700_000), 600_000),
    ] {
        let start = Start {
            handover,
            ..start(task.execution_id(), at(0))
        };
        let begun = after(&task, &Event::Start(start), 0);
        assert_eq!(begun.deadline_at, Some(at(expected)), "{handover:?}");
        let waiting = handed_over(&begun, 3_000);
        assert_eq!(waiting.elsewhere_since, Some(at(2_000)));
        assert_eq!(waiting.deadline_at, Some(at(602_000)));
        assert_eq!(waiting.metrics, task.metrics);
    }
}

#[test]
fn an_end_that_is_called_back_takes_the_attempt_back() {
    let waiting = handed_over(&limited(json!({})), 3_000);
    let done = report(waiting.execution_id(), at(90_000), succeeded(json!("ok")));
    let done = after(&waiting, &Event::Report(done), 90_000);
    assert_eq!(
        (done.status, done.elsewhere_since),
        (TaskStatus::Completed, None)
    );
    let failed = report(waiting.execution_id(), at(90_000), failed("BUSY"));
    let failed = after(&waiting, &Event::Report(failed), 90_000);
    assert_eq!(
        (failed.status, failed.elsewhere_since),
        (TaskStatus::RetryPending, None)
    );
    assert_eq!(failed.attempt(), 2);
}

#[test]
fn what_is_never_called_back_ends_at_its_limit_and_not_as_a_loss() {
    #[track_caller]
    fn check(timeouts: Value, until: u64, kind: &str, status: TaskStatus) {
        let waiting = handed_over(&limited(timeouts), 3_000);
        let early = transition(&waiting, &Event::Look, facts(at(until - 1)));
        assert_eq!(early, Ok(Transition::Repeated(Effect::Watch)));
        let late = after(&waiting, &Event::Look, until);
        assert_eq!((late.status, late.losses), (status, 0));
        let error = late.error.unwrap();
        assert_eq!(
            (&*error.code, &error.details["kind"]),
            ("TIMEOUT", &json!(kind))
        );
        let attempt = &late.attempts[0];
        assert_eq!(
            (attempt.started_at, attempt.ended_at),
            (Some(at(2_000)), at(until))
        );
    }
    check(
        json!({}),
        602_000,
        "START_TO_CLOSE",
        TaskStatus::RetryPending,
    );
    let whole = json!({ "scheduleToClose": 300_000 });
    check(whole, 300_000, "SCHEDULE_TO_CLOSE", TaskStatus::TimedOut);
}
