//! Schedules, and what may be wrong with one.

use super::check;
use crate::registration::read_text;

/// A problem: its code, its place, its line.
type Expected<'a> = (&'a str, &'a str, u32);

#[test]
fn a_text_may_hold_schedules_beside_definitions() {
    let text = "id: s\nworkflowDefinitionId: w\ncron: 0 2 * * *\n---\n\
                id: t\nname: T\nversion: 1.0.0\ntype: MANUAL\n";
    let reading = read_text(text);
    assert_eq!(reading.problems, []);
    assert_eq!((reading.schedules.len(), reading.definitions.len()), (1, 1));
    let (schedule, _) = &reading.schedules[0];
    assert_eq!(
        (schedule.cron.as_str(), schedule.time_zone.as_str()),
        ("0 2 * * *", "UTC")
    );
}

#[test]
fn every_field_may_be_said() {
    check(
        "id: s
description: Every night
workflowDefinitionId: w
workflowVersion: ^1.2
cron: 30 2 * * MON-FRI
timeZone: Europe/Berlin
startAt: 2026-11-21T00:00:00Z
endAt: 2027-11-21T00:00:00Z
catchUp: ALL
catchUpLimit: 1000
overlap: SKIP
inputExpression: '{\"day\": $substring(localTime, 0, 10)}'
",
        &[],
    );
}

#[test]
fn problems_have_their_place() {
    let with =
        |fields: &str| format!("id: s\nworkflowDefinitionId: w\ncron: 0 2 * * *\n{fields}\n");
    let cases: [(&str, &[Expected<'_>]); 14] = [
        (
            "timeZone: Europe/Berln",
            &[("UNKNOWN_TIME_ZONE", "/timeZone", 4)],
        ),
        ("timeZone: ''", &[("EMPTY", "/timeZone", 4)]),
        ("timezone: UTC", &[("UNKNOWN_FIELD", "/timezone", 4)]),
        ("catchUp: NEVER", &[("WRONG_TYPE", "/catchUp", 4)]),
        ("catchUpLimit: 5", &[("UNKNOWN_FIELD", "/catchUpLimit", 4)]),
        (
            "catchUp: ALL\ncatchUpLimit: 0",
            &[("OUT_OF_RANGE", "/catchUpLimit", 5)],
        ),
        (
            "catchUp: ALL\ncatchUpLimit: 1001",
            &[("OUT_OF_RANGE", "/catchUpLimit", 5)],
        ),
        ("overlap: QUEUE", &[("WRONG_TYPE", "/overlap", 4)]),
        ("startAt: tomorrow", &[("BAD_TIME", "/startAt", 4)]),
        (
            "startAt: 2026-11-21T03:00:00Z\nendAt: 2026-11-21T04:00:00Z",
            &[("OUT_OF_RANGE", "/endAt", 5)],
        ),
        (
            "workflowVersion: newest",
            &[("WRONG_TYPE", "/workflowVersion", 4)],
        ),
        (
            "inputExpression: '{'",
            &[("BAD_EXPRESSION", "/inputExpression", 4)],
        ),
        (
            "input: 1\ninputExpression: '1'",
            &[("DUPLICATE_NAME", "/inputExpression", 5)],
        ),
        ("version: 1.0.0", &[("UNKNOWN_FIELD", "/version", 4)]),
    ];
    for (fields, expected) in cases {
        check(&with(fields), expected);
    }
    check(
        "cron: 0 2 * * *",
        &[("MISSING_FIELD", "", 1), ("MISSING_FIELD", "", 1)],
    );
    let of_cron = |cron: &str| format!("id: s\nworkflowDefinitionId: w\ncron: '{cron}'\n");
    check(&of_cron("0 2 * *"), &[("BAD_CRON", "/cron", 3)]);
    check(&of_cron("0 0 30 2 *"), &[("BAD_CRON", "/cron", 3)]);
    check(&of_cron(""), &[("EMPTY", "/cron", 3)]);
    let long = "1,".repeat(200);
    check(&of_cron(&long), &[("TOO_LARGE", "/cron", 3)]);
}

#[test]
fn a_schedule_has_a_limit_of_its_own() {
    let text = format!(
        "id: s\nworkflowDefinitionId: w\ncron: 0 2 * * *\ninput: {}\n",
        "x".repeat(32 * 1024)
    );
    check(&text, &[("TOO_LARGE", "", 1)]);
}

#[test]
fn the_nearest_zone_is_told() {
    let reading =
        read_text("{id: s, workflowDefinitionId: w, cron: '@daily', timeZone: Europe/Pars}");
    assert_eq!(reading.problems[0].nearest.as_deref(), Some("Europe/Paris"));
}

#[test]
fn every_schedule_of_the_page_is_good() {
    let page = include_str!("../../../docs/schedules.md");
    let blocks = page.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let readings: Vec<_> = blocks.map(read_text).collect();
    assert!(!readings.is_empty());
    for reading in readings {
        assert_eq!(reading.problems, []);
        assert_eq!(reading.schedules.len(), 1);
    }
}
