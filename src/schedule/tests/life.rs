//! The life of a schedule: what may be asked of it, and where it stands then.

use serde_json::{Value, json};

use super::{ann, at, definition, schedule, texts};
use crate::limits;
use crate::schedule::{Outcome, Run, Schedule, ScheduleStatus, Timetable};

const MADE: &str = "2026-11-21T08:30:00Z";

#[track_caller]
fn check(schedule: &Schedule, status: ScheduleStatus, next: Option<&str>) {
    assert_eq!(schedule.status, status);
    let found = texts(schedule.next_at.as_slice()).pop();
    assert_eq!(found.as_deref(), next);
    let is_due = status == ScheduleStatus::Active;
    assert_eq!(schedule.due_at().is_some(), is_due);
}

#[test]
fn a_schedule_begins_with_the_first_time_from_its_start() {
    let begins = |fields: Value| schedule(fields, MADE).0;
    let active = ScheduleStatus::Active;
    check(&begins(json!({})), active, Some("2026-11-21T09:00Z"));
    let past = json!({"startAt": "2020-01-01T00:00:00Z"});
    check(&begins(past), active, Some("2026-11-21T09:00Z"));
    let exactly = json!({"startAt": "2026-12-24T18:00:00Z"});
    check(&begins(exactly), active, Some("2026-12-24T18:00Z"));
    let just_after = json!({"startAt": "2026-12-24T18:00:00.001Z"});
    check(&begins(just_after), active, Some("2026-12-24T19:00Z"));
    let over = json!({"endAt": "2026-11-21T08:59:59Z"});
    check(&begins(over), ScheduleStatus::Ended, None);
}

#[test]
fn times_of_a_pause_are_not_made_up_for() {
    let (active, timetable) = schedule(json!({}), MADE);
    let paused = active.paused(at("2026-11-21T08:40:00Z")).unwrap().unwrap();
    check(&paused, ScheduleStatus::Paused, Some("2026-11-21T09:00Z"));
    assert_eq!(paused.version, 2);
    assert_eq!(paused.paused(at(MADE)), Ok(None), "it is already");
    let later = at("2026-11-25T10:10:00Z");
    let resumed = paused.resumed(&timetable, later).unwrap().unwrap();
    check(&resumed, ScheduleStatus::Active, Some("2026-11-25T11:00Z"));
    assert_eq!(resumed.resumed(&timetable, later), Ok(None));
}

#[test]
fn what_ended_is_neither_paused_nor_resumed_but_defined_anew() {
    let fields = json!({"endAt": "2026-11-21T09:00:00Z"});
    let (active, timetable) = schedule(fields, MADE);
    let now = at("2026-11-21T09:00:01Z");
    let ended = active.fired(Vec::new(), None, now);
    check(&ended, ScheduleStatus::Ended, None);
    assert!(ended.paused(now).is_err());
    assert!(ended.resumed(&timetable, now).is_err());
    let anew = ended.redefined(definition(json!({})), &timetable, ann(), now);
    check(&anew, ScheduleStatus::Active, Some("2026-11-21T10:00Z"));
    assert_eq!((anew.version, anew.created_at), (3, at(MADE)));
}

#[test]
fn a_pause_outlives_another_definition_and_a_deletion_ends_all() {
    let (active, timetable) = schedule(json!({}), MADE);
    let now = at("2026-11-21T08:40:00Z");
    let paused = active.paused(now).unwrap().unwrap();
    let other = definition(json!({"cron": "0 12 * * *"}));
    let noon = Timetable::new("0 12 * * *", "UTC").unwrap();
    let redefined = paused.redefined(other, &noon, ann(), now);
    check(
        &redefined,
        ScheduleStatus::Paused,
        Some("2026-11-21T12:00Z"),
    );
    let deleted = redefined.deleted(now);
    check(&deleted, ScheduleStatus::Deleted, None);
    let again = deleted.redefined(definition(json!({})), &timetable, ann(), now);
    check(&again, ScheduleStatus::Active, Some("2026-11-21T09:00Z"));
    assert_eq!((again.version, again.created_at), (5, now));
}

#[test]
fn the_last_runs_are_kept() {
    let (mut schedule, _) = schedule(json!({}), MADE);
    let now = at(MADE);
    for number in 0..25 {
        let run = Run {
            scheduled_at: now.plus_millis(number),
            decided_at: now,
            outcome: Outcome::Skipped,
        };
        schedule = schedule.fired(vec![run], Some(now), now);
    }
    assert_eq!(schedule.runs.len(), limits::RUNS_LISTED);
    let last = schedule.runs.last().unwrap();
    assert_eq!(last.scheduled_at, now.plus_millis(24));
}

#[test]
fn a_view_shows_the_next_times() {
    let fields = json!({"cron": "0 2 * * *", "endAt": "2026-11-23T23:00:00Z"});
    let (active, _) = schedule(fields, MADE);
    let view = active.view();
    let times = json!(["2026-11-22T02:00:00.000Z", "2026-11-23T02:00:00.000Z"]);
    assert_eq!(view["nextTimes"], times);
    assert_eq!(view["nextAt"], "2026-11-22T02:00:00.000Z");
    assert_eq!(
        (&view["owner"], &view["version"]),
        (&json!("ann"), &json!(1))
    );
    let paused = active.paused(at(MADE)).unwrap().unwrap().view();
    assert_eq!(paused["nextTimes"], json!([]));
    assert_eq!(paused.get("nextAt"), None);
}
