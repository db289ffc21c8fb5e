//! Time limits: which hold, and which is spent first.

use serde_json::{Value, json};

use super::*;
use crate::testing::{at, definition};

fn limits_of(value: &Value) -> Timeouts {
    serde_json::from_value(value.clone()).unwrap()
}

fn check_effective(of_definition: Value, step: StepTimeouts, expected: &Value) {
    let place = of_definition.to_string();
    let actual = Timeouts::effective(&definition(of_definition), step);
    assert_eq!(actual, limits_of(expected), "{place} under {step:?}");
}

fn step(timeout: Option<u64>, timeouts: Option<Value>) -> StepTimeouts {
    StepTimeouts {
        timeout,
        timeouts: timeouts.as_ref().map(limits_of),
    }
}

#[test]
fn a_step_goes_over_its_definition_and_the_smallest_of_one_kind_wins() {
    let silent = || step(None, None);
    let plain = || json!({ "timeout": 100 });
    let both = || json!({ "timeout": 100, "timeouts": { "startToClose": 50 } });
    let rest = || json!({ "timeouts": { "scheduleToStart": 7, "scheduleToClose": 8 } });
    let attempt = |millis: u64| json!({ "startToClose": millis });
    check_effective(json!({}), silent(), &attempt(60_000));
    check_effective(plain(), silent(), &attempt(100));
    check_effective(both(), silent(), &attempt(50));
    check_effective(both(), step(Some(900), None), &attempt(900));
    check_effective(both(), step(None, Some(attempt(800))), &attempt(800));
    check_effective(both(), step(Some(900), Some(attempt(800))), &attempt(800));
    check_effective(both(), step(Some(700), Some(attempt(800))), &attempt(700));
    check_effective(
        rest(),
        step(None, Some(json!({ "scheduleToStart": 70 }))),
        &json!({ "startToClose": 60_000, "scheduleToStart": 70, "scheduleToClose": 8 }),
    );
    check_effective(
        rest(),
        step(Some(1), Some(json!({ "scheduleToClose": 80 }))),
        &json!({ "startToClose": 1, "scheduleToStart": 7, "scheduleToClose": 80 }),
    );
}

#[test]
fn resources_cap_an_attempt_whoever_set_its_limit() {
    let capped = |seconds: u64, timeout: u64| {
        json!({
            "timeout": timeout,
            "executionConfig": { "resourceRequirements": { "timeoutSeconds": seconds } },
        })
    };
    let cases = [
        (capped(2, 5000), step(None, None), 2000),
        (capped(2, 1000), step(None, None), 1000),
        (capped(2, 5000), step(Some(9000), None), 2000),
        (capped(2, 5000), step(Some(1500), None), 1500),
        (capped(u64::MAX, 5000), step(None, None), 5000),
    ];
    for (of_definition, step, expected) in cases {
        check_effective(of_definition, step, &json!({ "startToClose": expected }));
    }
}

#[test]
fn an_attempt_is_over_at_the_first_of_its_own_limit_and_the_whole() {
    use TimeoutKind::{ScheduleToClose, StartToClose};
    let cases = [
        (json!({}), None),
        (json!({ "scheduleToStart": 1 }), None),
        (json!({ "startToClose": 10 }), Some((110, StartToClose))),
        (
            json!({ "scheduleToClose": 105 }),
            Some((105, ScheduleToClose)),
        ),
        (
            json!({ "startToClose": 10, "scheduleToClose": 105 }),
            Some((105, ScheduleToClose)),
        ),
        (
            json!({ "startToClose": 10, "scheduleToClose": 200 }),
            Some((110, StartToClose)),
        ),
        (
            json!({ "startToClose": 10, "scheduleToClose": 110 }),
            Some((110, StartToClose)),
        ),
    ];
    for (timeouts, expected) in cases {
        let expected = expected.map(|(millis, kind)| Deadline {
            at: at(millis),
            kind,
        });
        assert_eq!(
            limits_of(&timeouts).deadline(at(0), at(100)),
            expected,
            "{timeouts}"
        );
    }
}

#[test]
fn a_waiting_task_runs_into_its_start_only_while_it_never_started() {
    use TimeoutKind::{ScheduleToClose, ScheduleToStart};
    let both = json!({ "scheduleToStart": 10, "scheduleToClose": 20 });
    let whole_first = json!({ "scheduleToStart": 30, "scheduleToClose": 20 });
    let cases = [
        (json!({ "startToClose": 1 }), false, None),
        (
            json!({ "scheduleToStart": 10 }),
            false,
            Some((10, ScheduleToStart)),
        ),
        (json!({ "scheduleToStart": 10 }), true, None),
        (both.clone(), false, Some((10, ScheduleToStart))),
        (both, true, Some((20, ScheduleToClose))),
        (whole_first, false, Some((20, ScheduleToClose))),
    ];
    for (timeouts, started, expected) in cases {
        let expected = expected.map(|(millis, kind)| Deadline {
            at: at(millis),
            kind,
        });
        let actual = limits_of(&timeouts).waiting_deadline(at(0), started);
        assert_eq!(actual, expected, "{timeouts}, started: {started}");
    }
}

#[test]
fn no_limit_is_beyond_the_last_instant() {
    let timeouts = limits_of(&json!({ "startToClose": u64::MAX, "scheduleToClose": u64::MAX }));
    let deadline = timeouts.deadline(at(0), at(0)).unwrap();
    assert_eq!(deadline.at, Timestamp::from_millis(i64::MAX));
}

#[test]
fn kinds_are_written_as_the_language_names_them() {
    for kind in [
        TimeoutKind::StartToClose,
        TimeoutKind::ScheduleToStart,
        TimeoutKind::ScheduleToClose,
    ] {
        assert_eq!(serde_json::to_value(kind).unwrap(), json!(kind.as_str()));
    }
}

#[test]
fn an_attempt_is_silent_for_too_long_from_its_last_sign_of_life() {
    let limits = limits_of(&json!({ "heartbeat": 50 }));
    let expected = Deadline {
        at: at(350),
        kind: TimeoutKind::Heartbeat,
    };
    assert_eq!(limits.silence(at(300)), Some(expected));
    assert_eq!(Timeouts::default().silence(at(300)), None);
    check_effective(
        json!({ "timeouts": { "heartbeat": 50 } }),
        step(None, None),
        &json!({ "startToClose": 60_000, "heartbeat": 50 }),
    );
    check_effective(
        json!({ "timeouts": { "heartbeat": 50 } }),
        step(None, Some(json!({ "heartbeat": 70 }))),
        &json!({ "startToClose": 60_000, "heartbeat": 70 }),
    );
}
