//! Due times: never later than needed, and moved as seldom as can be.

use serde_json::{Value, json};

use super::*;
use crate::task::instance::TaskStatus;
use crate::testing::{at, task, task_of_workflow};

const HOUR: u64 = 60 * MINUTE;

#[test]
fn looks_in_vain_grow_rarer() {
    let cases = [
        (0, 15 * MINUTE),
        (1, HOUR),
        (2, 6 * HOUR),
        (3, 24 * HOUR),
        (4, 24 * HOUR),
        (u32::MAX, 24 * HOUR),
    ];
    for (checks, expected) in cases {
        assert_eq!(
            next_check(checks, at(5)),
            at(5 + expected),
            "after {checks}"
        );
    }
}

#[test]
fn a_due_time_moves_only_when_it_has_passed_or_is_too_late() {
    let cases = [
        (None, 50, 50),
        (Some(40), 50, 40),
        (Some(50), 50, 50),
        (Some(60), 50, 50),
        (Some(11), 50, 11),
        (Some(10), 50, 50),
        (Some(3), 50, 50),
        (Some(40), 5, 5),
    ];
    for (stands, needed, expected) in cases {
        let actual = keep_or_move(stands.map(at), at(needed), at(10));
        assert_eq!(
            actual,
            at(expected),
            "{stands:?} stands, {needed} is needed"
        );
    }
}

/// A task that stands alone, without a due time yet, its state as `change` makes it.
fn standing(timeouts: &Value, change: impl FnOnce(&mut TaskInstance)) -> TaskInstance {
    let mut task = task(json!({ "timeouts": timeouts }));
    task.due_at = None;
    change(&mut task);
    task
}

fn running_until(deadline: u64) -> impl FnOnce(&mut TaskInstance) {
    move |task| {
        task.status = TaskStatus::Running;
        task.start_time = Some(at(0));
        task.deadline_at = Some(at(deadline));
    }
}

fn elsewhere_until(deadline: u64) -> impl FnOnce(&mut TaskInstance) {
    move |task| {
        running_until(deadline)(task);
        task.elsewhere_since = Some(at(0));
    }
}

fn retried_at(retry: u64) -> impl FnOnce(&mut TaskInstance) {
    move |task| {
        task.status = TaskStatus::RetryPending;
        task.start_time = Some(at(0));
        task.next_retry_at = Some(at(retry));
    }
}

#[test]
fn a_task_is_due_at_its_next_limit_its_far_retry_or_a_check() {
    let none = json!({});
    let to_start = json!({ "scheduleToStart": 5000 });
    let to_close = json!({ "scheduleToClose": 3 * HOUR });
    let check = 15 * MINUTE;
    let cases = [
        (standing(&none, |_| ()), check),
        (standing(&to_start, |_| ()), 5000),
        (standing(&to_close, |_| ()), check),
        // The queue holds the message of a running attempt; its lease is the backstop.
        (standing(&none, running_until(60_000)), check),
        (standing(&none, running_until(HOUR)), HOUR + LEASE_GRACE),
        (standing(&to_start, running_until(HOUR)), HOUR + LEASE_GRACE),
        // Nobody but the record knows of an attempt that another system has.
        (standing(&none, elsewhere_until(60_000)), 60_000),
        (standing(&none, elsewhere_until(48 * HOUR)), 48 * HOUR),
        (standing(&none, retried_at(1000)), check),
        (standing(&none, retried_at(15 * MINUTE)), check),
        (
            standing(&none, retried_at(15 * MINUTE + 1)),
            15 * MINUTE + 1,
        ),
        (standing(&none, retried_at(48 * HOUR)), 48 * HOUR),
        (standing(&to_close, retried_at(2 * HOUR)), 2 * HOUR),
        (standing(&to_start, retried_at(1000)), check),
        (
            standing(&json!({ "scheduleToClose": MINUTE }), retried_at(1000)),
            MINUTE,
        ),
    ];
    for (task, expected) in cases {
        assert_eq!(of_task(&task, at(0)), Some(at(expected)), "{task:?}");
    }
}

#[test]
fn a_due_time_that_stands_is_kept_while_it_is_early_enough() {
    let mut task = standing(&json!({}), |_| ());
    task.due_at = Some(at(15 * MINUTE));
    assert_eq!(of_task(&task, at(MINUTE)), Some(at(15 * MINUTE)));
    assert_eq!(of_task(&task, at(15 * MINUTE)), Some(at(30 * MINUTE)));
    running_until(60_000)(&mut task);
    assert_eq!(of_task(&task, at(MINUTE)), Some(at(15 * MINUTE)));
}

#[test]
fn nothing_is_due_when_a_task_ended_or_its_workflow_watches_over_it() {
    let watched = task_of_workflow(json!({}));
    assert_eq!((watched.due_at, of_task(&watched, at(0))), (None, None));
    for status in TaskStatus::ALL {
        let mut task = task(json!({}));
        task.status = status;
        assert_eq!(
            of_task(&task, at(0)).is_none(),
            status.is_terminal(),
            "{status:?}"
        );
    }
}

#[test]
fn a_lease_ends_some_time_after_the_attempt_must() {
    for status in TaskStatus::ALL {
        let mut task = task(json!({}));
        task.deadline_at = Some(at(1000));
        task.status = status;
        let expected = (status == TaskStatus::Running).then(|| at(1000 + LEASE_GRACE));
        assert_eq!(lease_end(&task), expected, "{status:?}");
        task.elsewhere_since = Some(at(0));
        let awaited = (status == TaskStatus::Running).then(|| at(1000));
        let ends = (lease_end(&task), awaited_until(&task));
        assert_eq!(ends, (None, awaited), "{status:?}");
    }
}

#[test]
fn a_workflow_wakes_for_what_no_message_can_carry() {
    let none = json!({});
    let cases = [
        (standing(&none, |_| ()), None),
        (
            standing(&json!({ "scheduleToStart": 5000 }), |_| ()),
            Some(5000),
        ),
        (
            standing(&none, running_until(60_000)),
            Some(60_000 + LEASE_GRACE),
        ),
        (standing(&none, elsewhere_until(60_000)), Some(60_000)),
        (standing(&none, retried_at(15 * MINUTE)), None),
        (standing(&none, retried_at(HOUR)), Some(HOUR)),
        (
            standing(&json!({ "scheduleToClose": 2 * HOUR }), retried_at(HOUR)),
            Some(HOUR),
        ),
    ];
    for (task, expected) in cases {
        assert_eq!(wake_at(&task, at(0)), expected.map(at), "{task:?}");
    }
}

#[test]
fn a_look_in_vain_changes_the_next_look_and_nothing_else() {
    let task = standing(&json!({}), |task| {
        task.due_at = Some(at(15 * MINUTE));
        task.checks = 1;
    });
    let now = at(15 * MINUTE);
    let after = checked(&task, now);
    let expected = TaskInstance {
        version: task.version + 1,
        updated_at: now,
        checks: 2,
        due_at: Some(at(15 * MINUTE + 6 * HOUR)),
        ..task
    };
    assert_eq!(after, expected);
}
