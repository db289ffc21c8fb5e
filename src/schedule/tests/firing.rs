//! What a look comes to: which of the times that have come are started, and which are passed over.

use serde_json::{Value, json};

use super::{at, schedule, texts};
use crate::schedule::firing::{self, Firing};

/// Checks the starts, the latest time that is passed over, and the next time, of an hourly
/// schedule that was made at 8:30 and is looked at then.
#[track_caller]
fn check(fields: Value, now: &str, starts: &[&str], skipped: Option<&str>, next: Option<&str>) {
    let (schedule, timetable) = schedule(fields, "2026-11-21T08:30:00Z");
    let Some(Firing {
        starts: found,
        skipped: passed,
        next_at,
    }) = firing::due(&schedule, &timetable, at(now))
    else {
        assert!(starts.is_empty() && skipped.is_none(), "nothing is due");
        return;
    };
    let one = |time: Option<crate::Timestamp>| texts(time.as_slice()).pop();
    assert_eq!(texts(&found), starts);
    assert_eq!(one(passed).as_deref(), skipped);
    assert_eq!(one(next_at).as_deref(), next);
}

#[test]
fn before_its_time_nothing_is_due() {
    check(json!({}), "2026-11-21T08:59:59.999Z", &[], None, None);
}

#[test]
fn a_time_that_is_in_time_is_started_whatever_the_policy() {
    for policy in ["SKIP", "LAST", "ALL"] {
        for now in ["2026-11-21T09:00:00Z", "2026-11-21T09:05:00Z"] {
            let fields = json!({"catchUp": policy});
            let next = Some("2026-11-21T10:00Z");
            check(fields, now, &["2026-11-21T09:00Z"], None, next);
        }
    }
}

#[test]
fn times_that_went_by_are_made_up_for_by_policy() {
    let late = "2026-11-21T12:30:00Z";
    let (eleven, noon) = ("2026-11-21T11:00Z", "2026-11-21T12:00Z");
    let next = Some("2026-11-21T13:00Z");
    check(json!({"catchUp": "SKIP"}), late, &[], Some(noon), next);
    check(
        json!({"catchUp": "LAST"}),
        late,
        &[noon],
        Some(eleven),
        next,
    );
    check(json!({}), late, &[noon], Some(eleven), next);
    let all = ["2026-11-21T09:00Z", "2026-11-21T10:00Z", eleven, noon];
    check(json!({"catchUp": "ALL"}), late, &all, None, next);
    let two = json!({"catchUp": "ALL", "catchUpLimit": 2});
    check(two, late, &[eleven, noon], Some("2026-11-21T10:00Z"), next);
}

#[test]
fn the_latest_may_be_in_time_and_the_others_not() {
    let now = "2026-11-21T11:03:00Z";
    let (ten, eleven) = ("2026-11-21T10:00Z", "2026-11-21T11:00Z");
    let next = Some("2026-11-21T12:00Z");
    check(json!({"catchUp": "SKIP"}), now, &[eleven], Some(ten), next);
}

#[test]
fn one_look_starts_so_many_and_leaves_the_rest_to_the_next() {
    let fields = json!({"catchUp": "ALL", "cron": "*/5 * * * *"});
    let now = "2026-11-21T10:00:00Z";
    let starts = [35, 40, 45, 50, 55].map(|minute| format!("2026-11-21T08:{minute}Z"));
    let more = ["00", "05", "10", "15", "20"].map(|minute| format!("2026-11-21T09:{minute}Z"));
    let starts: Vec<&str> = starts.iter().chain(&more).map(String::as_str).collect();
    check(fields, now, &starts, None, Some("2026-11-21T09:25Z"));
}

#[test]
fn a_year_of_minutes_is_passed_over_at_once() {
    let fields = json!({"cron": "* * * * *"});
    let (now, last) = ("2027-11-21T08:30:00Z", "2027-11-21T08:30Z");
    let before = Some("2027-11-21T08:29Z");
    check(fields, now, &[last], before, Some("2027-11-21T08:31Z"));
}

#[test]
fn nothing_comes_after_the_end() {
    let fields = json!({"endAt": "2026-11-21T10:00:00Z"});
    let (nine, ten) = ("2026-11-21T09:00Z", "2026-11-21T10:00Z");
    check(
        fields.clone(),
        "2026-11-21T09:00:00Z",
        &[nine],
        None,
        Some(ten),
    );
    check(
        fields.clone(),
        "2026-11-21T10:00:00Z",
        &[ten],
        Some(nine),
        None,
    );
    check(fields, "2026-11-25T10:00:00Z", &[ten], Some(nine), None);
}

#[test]
fn an_input_is_a_value_or_what_an_expression_gives_for_the_time() {
    let check = |fields: Value, expected: Result<Value, &str>| {
        let (schedule, timetable) = schedule(fields, "2026-11-21T08:30:00Z");
        let found = firing::input(&schedule, &timetable, at("2026-11-21T09:00:00Z"));
        let found = found.map_err(|error| error.code);
        assert_eq!(found, expected.map_err(str::to_owned));
    };
    check(json!({}), Ok(json!({})));
    check(json!({"input": [1]}), Ok(json!([1])));
    let expression = "{'at': scheduledTime, 'day': $substring(localTime, 0, 10), 'of': scheduleId}";
    let fields = json!({"inputExpression": expression, "timeZone": "Pacific/Auckland"});
    let given = json!({"at": "2026-11-21T09:00:00.000Z", "day": "2026-11-21", "of": "s"});
    check(fields, Ok(given));
    check(
        json!({"inputExpression": "nothing"}),
        Err("EXPRESSION_ERROR"),
    );
    check(
        json!({"inputExpression": "1 + 'a'"}),
        Err("EXPRESSION_ERROR"),
    );
    let draws = json!({"inputExpression": "$uuid()"});
    let (schedule, timetable) = schedule(draws, "2026-11-21T08:30:00Z");
    let draw = |time: &str| firing::input(&schedule, &timetable, at(time)).unwrap();
    let nine = "2026-11-21T09:00:00Z";
    assert_eq!(draw(nine), draw(nine), "however often it is asked");
    assert_ne!(draw(nine), draw("2026-11-21T10:00:00Z"));
}
