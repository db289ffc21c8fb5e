//! Times of expressions: what each field means, and what becomes of times where the clocks of a
//! zone are put forward and back.

use proptest::prelude::*;

use super::{at, texts};
use crate::schedule::Timetable;
use crate::schedule::timetable::{cron_error, nearest_zone, zone_error};
use crate::time::Timestamp;

/// Checks the first times after one, as UTC.
#[track_caller]
fn check(cron: &str, zone: &str, after: &str, expected: &[&str]) {
    let timetable = Timetable::new(cron, zone).expect("both are good");
    let first = timetable.next(at(after));
    let times: Vec<Timestamp> = std::iter::successors(first, |at| timetable.next(*at))
        .take(expected.len())
        .collect();
    assert_eq!(texts(&times), expected, "{cron} in {zone}");
    // The same times are found from the end.
    let last = times.last().copied();
    let back: Vec<Timestamp> = std::iter::successors(last, |at| {
        timetable.last(Timestamp::from_millis(at.millis() - 1000))
    })
    .take(expected.len())
    .collect();
    let forth: Vec<Timestamp> = times.into_iter().rev().collect();
    assert_eq!(back, forth, "{cron} in {zone}, backwards");
}

#[test]
fn fields_are_those_of_vixie_cron() {
    let friday = "2026-11-20T12:00:00Z";
    check(
        "*/20 * * * *",
        "UTC",
        friday,
        &[
            "2026-11-20T12:20Z",
            "2026-11-20T12:40Z",
            "2026-11-20T13:00Z",
        ],
    );
    check(
        "0 9-17/4 * * MON-FRI",
        "UTC",
        friday,
        &[
            "2026-11-20T13:00Z",
            "2026-11-20T17:00Z",
            "2026-11-23T09:00Z",
        ],
    );
    check(
        "0 0 L * *",
        "UTC",
        friday,
        &["2026-11-30T00:00Z", "2026-12-31T00:00Z"],
    );
    check(
        "0 0 29 2 *",
        "UTC",
        friday,
        &["2028-02-29T00:00Z", "2032-02-29T00:00Z"],
    );
    // The two fields of days: either is enough, unless one is a star.
    check(
        "0 0 13 * FRI",
        "UTC",
        friday,
        &[
            "2026-11-27T00:00Z",
            "2026-12-04T00:00Z",
            "2026-12-11T00:00Z",
            "2026-12-13T00:00Z",
        ],
    );
    check(
        "0 0 * * FRI#2",
        "UTC",
        friday,
        &["2026-12-11T00:00Z", "2027-01-08T00:00Z"],
    );
    check(
        "@monthly",
        "UTC",
        friday,
        &["2026-12-01T00:00Z", "2027-01-01T00:00Z"],
    );
    check(
        "0 0 1 JAN *",
        "Asia/Kolkata",
        friday,
        &["2026-12-31T18:30Z", "2027-12-31T18:30Z"],
    );
}

/// In Berlin clocks go from 2:00 to 3:00 on 28 March 2027, which is 1:00 UTC.
#[test]
fn an_hour_that_is_skipped() {
    let before = "2027-03-27T12:00:00Z";
    // A time of day that the clock does not show comes when it goes on.
    check(
        "30 2 * * *",
        "Europe/Berlin",
        before,
        &["2027-03-28T01:00Z", "2027-03-29T00:30Z"],
    );
    // What it shows on both sides is not touched.
    check(
        "30 1,3 * * *",
        "Europe/Berlin",
        before,
        &[
            "2027-03-28T00:30Z",
            "2027-03-28T01:30Z",
            "2027-03-28T23:30Z",
        ],
    );
    // What comes every so often follows the time that passes.
    check(
        "0 * * * *",
        "Europe/Berlin",
        "2027-03-27T23:30:00Z",
        &[
            "2027-03-28T00:00Z",
            "2027-03-28T01:00Z",
            "2027-03-28T02:00Z",
        ],
    );
    check(
        "*/30 * * * *",
        "Europe/Berlin",
        "2027-03-28T00:15:00Z",
        &[
            "2027-03-28T00:30Z",
            "2027-03-28T01:00Z",
            "2027-03-28T01:30Z",
        ],
    );
}

/// In Berlin clocks go from 3:00 back to 2:00 on 31 October 2027, which is 1:00 UTC.
#[test]
fn an_hour_that_is_repeated() {
    let before = "2027-10-30T12:00:00Z";
    // A time of day that comes twice counts once, the first time.
    check(
        "30 2 * * *",
        "Europe/Berlin",
        before,
        &["2027-10-31T00:30Z", "2027-11-01T01:30Z"],
    );
    // What comes every so often comes in both.
    check(
        "0 * * * *",
        "Europe/Berlin",
        "2027-10-30T23:30:00Z",
        &[
            "2027-10-31T00:00Z",
            "2027-10-31T01:00Z",
            "2027-10-31T02:00Z",
        ],
    );
    check(
        "*/30 * * * *",
        "Europe/Berlin",
        "2027-10-31T00:15:00Z",
        &[
            "2027-10-31T00:30Z",
            "2027-10-31T01:00Z",
            "2027-10-31T01:30Z",
            "2027-10-31T02:00Z",
        ],
    );
}

/// Several times a day are shown by the clock or not, and as often as it shows them.
#[test]
fn several_times_a_day_come_whenever_the_clock_shows_them() {
    let twice = "30 2,14 * * *";
    check(
        twice,
        "Europe/Berlin",
        "2027-03-27T12:00:00Z",
        &[
            "2027-03-27T13:30Z",
            "2027-03-28T12:30Z",
            "2027-03-29T00:30Z",
        ],
    );
    check(
        twice,
        "Europe/Berlin",
        "2027-10-30T13:00:00Z",
        &[
            "2027-10-31T00:30Z",
            "2027-10-31T01:30Z",
            "2027-10-31T13:30Z",
        ],
    );
}

/// Half an hour on Lord Howe Island, and midnight itself in Cairo.
#[test]
fn clocks_that_are_put_forward_otherwise() {
    check(
        "15 2 * * *",
        "Australia/Lord_Howe",
        "2026-10-02T16:00:00Z",
        &["2026-10-03T15:30Z", "2026-10-04T15:15Z"],
    );
    check(
        "0 0 * * *",
        "Africa/Cairo",
        "2027-04-28T12:00:00Z",
        &[
            "2027-04-28T22:00Z",
            "2027-04-29T22:00Z",
            "2027-04-30T21:00Z",
        ],
    );
}

#[test]
fn a_time_has_what_the_clock_of_its_zone_shows() {
    let timetable = Timetable::new("@daily", "Europe/Berlin").unwrap();
    let shown = timetable.local(at("2027-03-28T00:59:59Z"));
    assert_eq!(shown, "2027-03-28T01:59:59+01:00");
    let shown = timetable.local(at("2027-03-28T01:00:00Z"));
    assert_eq!(shown, "2027-03-28T03:00:00+02:00");
}

#[test]
fn what_is_no_expression_and_no_zone() {
    for cron in [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "x * * * *",
        "@never",
        "0 0 32 * *",
        "é * * * *",
    ] {
        assert!(cron_error(cron).is_some(), "{cron}");
    }
    assert!(zone_error("Europe/Berln").is_some());
    assert_eq!(
        nearest_zone("Europe/Berln").as_deref(),
        Some("Europe/Berlin")
    );
    assert_eq!(zone_error("europe/berlin"), None);
}

#[test]
fn a_time_that_never_comes_is_found_out() {
    let timetable = Timetable::new("0 0 30 2 *", "Europe/Berlin").unwrap();
    assert_eq!(timetable.next(at("2026-11-21T21:20:00Z")), None);
    assert_eq!(timetable.last(at("2026-11-21T21:20:00Z")), None);
    let ends = Timetable::new("@hourly", "UTC").unwrap();
    assert_eq!(ends.next(Timestamp::from_millis(i64::MAX)), None);
}

proptest! {
    /// Whatever is written: an answer or a problem, and no panic.
    #[test]
    fn any_text_is_read_or_refused(cron in "[0-9*/,@ A-Za-z#L?W+-]{0,24}", millis in 0_i64..4_102_444_800_000) {
        if let Ok(timetable) = Timetable::new(&cron, "Europe/Berlin") {
            let now = Timestamp::from_millis(millis);
            prop_assert!(timetable.next(now).is_none_or(|next| next > now));
            prop_assert!(timetable.last(now).is_none_or(|last| last <= now));
        }
    }

    /// What is found forwards is found backwards, in zones that do strange things.
    #[test]
    fn the_last_before_the_next_is_the_one_before_it(
        cron in prop::sample::select(vec!["30 2 * * *", "0 * * * *", "*/7 1-3 * * *", "0 0 * * *", "15,45 2 * * SUN"]),
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Cairo", "Asia/Kathmandu"]),
        hours in 0_i64..(24 * 365 * 4),
    ) {
        let timetable = Timetable::new(cron, zone).unwrap();
        let from = Timestamp::from_millis(1_767_225_600_000 + hours * 3_600_000);
        let first = timetable.next(from).unwrap();
        let second = timetable.next(first).unwrap();
        let just_before = Timestamp::from_millis(second.millis() - 1);
        prop_assert_eq!(timetable.last(just_before), Some(first));
        prop_assert_eq!(timetable.last(second), Some(second));
    }
}
