//! What a dispatch comes to, for every status.

use serde_json::json;

use super::*;
use crate::task::due::LEASE_GRACE;
use crate::testing::{at, task};

fn standing(status: TaskStatus, change: impl FnOnce(&mut TaskInstance)) -> TaskInstance {
    let mut task = task(json!({}));
    task.status = status;
    change(&mut task);
    task
}

#[test]
fn the_record_decides_what_a_dispatch_comes_to() {
    use Dispatch::{HeldUntil, Look, NotBefore, Run, Stale};
    use TaskStatus::{Assigned, Pending, RetryPending, Running};
    let to_close = |task: &mut TaskInstance| task.timeouts.schedule_to_close = Some(1000);
    let retry_at = |millis| move |task: &mut TaskInstance| task.next_retry_at = Some(at(millis));
    let lease = |millis: u64| {
        move |task: &mut TaskInstance| task.deadline_at = Some(at(millis - LEASE_GRACE))
    };
    let cases = [
        (standing(Pending, |_| ()), Run),
        (standing(Pending, to_close), Look),
        (
            standing(Pending, |task| task.timeouts.schedule_to_start = Some(1000)),
            Look,
        ),
        (
            standing(Pending, |task| task.timeouts.schedule_to_start = Some(1001)),
            Run,
        ),
        (standing(RetryPending, retry_at(1000)), Run),
        (standing(RetryPending, retry_at(1001)), NotBefore(at(1001))),
        (standing(RetryPending, to_close), Look),
        (standing(Running, lease(60_000)), HeldUntil(at(60_000))),
        (
            standing(Running, |task| task.deadline_at = Some(at(0))),
            HeldUntil(at(LEASE_GRACE)),
        ),
        (standing(Running, |_| ()), Look),
        (standing(Assigned, |_| ()), Stale),
    ];
    for (task, expected) in cases {
        assert_eq!(on_dispatch(&task, 1, at(1000)), expected, "{task:?}");
    }
    let elsewhere = standing(Running, |task| {
        task.deadline_at = Some(at(60_000));
        task.elsewhere_since = Some(at(0));
    });
    assert_eq!(on_dispatch(&elsewhere, 1, at(1000)), Dispatch::Elsewhere);
    let overdue = standing(Running, lease(60_000));
    assert_eq!(on_dispatch(&overdue, 1, at(60_000)), Look);
}

#[test]
fn only_the_attempt_that_comes_next_is_run() {
    let mut task = standing(TaskStatus::RetryPending, |task| task.retries.policy = 2);
    let cases = [
        (1, Dispatch::Stale),
        (2, Dispatch::Stale),
        (3, Dispatch::Run),
        (4, Dispatch::Stale),
    ];
    for (attempt, expected) in cases {
        assert_eq!(
            on_dispatch(&task, attempt, at(0)),
            expected,
            "attempt {attempt}"
        );
    }
    task.losses = 1;
    assert_eq!(on_dispatch(&task, 4, at(0)), Dispatch::Run);
}

#[test]
fn an_ended_task_is_looked_at_whatever_the_attempt_so_that_it_tells_its_end() {
    for status in TaskStatus::ALL
        .into_iter()
        .filter(|status| status.is_terminal())
    {
        let task = standing(status, |_| ());
        for attempt in [0, 1, 9] {
            assert_eq!(
                on_dispatch(&task, attempt, at(0)),
                Dispatch::Look,
                "{status:?}"
            );
        }
    }
}

#[test]
fn nobody_runs_the_task_of_a_person() {
    let mut task = task(json!({ "type": "MANUAL" }));
    for status in [
        TaskStatus::Pending,
        TaskStatus::Assigned,
        TaskStatus::RetryPending,
    ] {
        task.status = status;
        assert_eq!(on_dispatch(&task, 1, at(0)), Dispatch::Stale, "{status:?}");
    }
}
