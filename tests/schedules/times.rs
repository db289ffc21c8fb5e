//! The times of a schedule: each comes once, to the millisecond, over a year and its clock changes;
//! and what is left of those that went by while nothing ran. The tests begin on 21 November 2026 at
//! 21:20 UTC.

use serde_json::{Value, json};
use taskmill::schedule::ScheduleStatus;
use taskmill_aws::queues::{Message, Record};

use super::{at, define, functions, quick, schedule_id, served, started, stored, told};
use crate::support::{HOUR, MINUTE, Records, SECOND, START, caller, pass, service, settle};

#[tokio::test(start_paused = true)]
async fn a_year_of_days_is_started_at_the_hour_that_its_clock_shows() {
    let (aws, service) = served(&quick()).await;
    let expression = "{'at': scheduledTime, 'clock': $substring(localTime, 11, 5)}";
    let fields =
        json!({"cron": "30 2 * * *", "timeZone": "Europe/Berlin", "inputExpression": expression});
    define(service.app(), "noted", fields).await;
    pass(&aws, 365 * 24 * HOUR).await;
    let records = Records::of(&aws);
    let found = started(&records, "noted").await;
    assert_eq!(found.len(), 365);
    let mut odd = Vec::new();
    for workflow in &found {
        let output = workflow.output.clone().unwrap();
        assert_eq!(
            output["at"],
            json!(workflow.created_at),
            "to the millisecond"
        );
        if output["clock"] != "02:30" {
            odd.push((workflow.created_at.date(), output["clock"].clone()));
        }
    }
    // The day on which the clock shows no 2:30. That it is shown twice in October changes nothing.
    assert_eq!(odd, [("2027-03-28".to_owned(), json!("03:00"))]);
    assert_eq!(stored(&records).await.version, 366, "one write for each");
}

#[tokio::test(start_paused = true)]
async fn functions_start_each_time_to_the_millisecond() {
    let (aws, fleet) = functions(&quick()).await;
    define(fleet.app(), "noted", json!({"cron": "*/15 * * * *"})).await;
    pass(&aws, 6 * HOUR).await;
    let found = started(&Records::of(&aws), "noted").await;
    let times: Vec<u64> = found
        .iter()
        .map(|one| one.created_at.millis_since(START))
        .collect();
    let expected: Vec<u64> = (0..24).map(|n| 10 * MINUTE + n * 15 * MINUTE).collect();
    assert_eq!(times, expected);
}

#[tokio::test(start_paused = true)]
async fn a_workflow_runs_in_the_name_of_who_defined_its_schedule() {
    let (aws, service) = served(&quick()).await;
    define(service.app(), "noted", json!({"input": {"n": 1}})).await;
    pass(&aws, HOUR).await;
    let [workflow] = &started(&Records::of(&aws), "noted").await[..] else {
        panic!("one is started");
    };
    let context = &workflow.security_context;
    assert_eq!(
        (&context.user_id, &context.roles, &context.permissions),
        (&caller().user_id, &caller().roles, &caller().permissions)
    );
    assert_eq!(context.environment_id, caller().environment_id);
    assert_eq!(workflow.correlation_id.as_deref(), Some("s"));
    assert_eq!(*workflow.input, json!({"n": 1}));
}

/// Nothing runs from 21:20 to 3:10; then what of six hours is started at once, and told.
async fn check_after_an_interruption(fields: Value, at_once: usize, expected: &[&str]) {
    let (before, first) = served(&quick()).await;
    define(first.app(), "noted", fields).await;
    drop(first);
    before.clock().sleep_until(at("2026-11-22T03:10:00Z")).await;
    let after = before.restarted();
    let _second = service(&after, &quick()).await;
    settle(&after).await;
    let records = Records::of(&after);
    assert_eq!(started(&records, "noted").await.len(), at_once);
    let schedule = stored(&records).await;
    assert_eq!(told(&schedule), expected);
    assert_eq!(schedule.next_at, Some(at("2026-11-22T04:00:00Z")));
}

#[tokio::test(start_paused = true)]
async fn an_interruption_is_made_up_for_as_the_schedule_says() {
    let (two, three) = ("02:00 skipped", "03:00 started");
    check_after_an_interruption(json!({}), 1, &[two, three]).await;
    let skipped = ["03:00 skipped"];
    check_after_an_interruption(json!({"catchUp": "SKIP"}), 0, &skipped).await;
    let all =
        ["22:00", "23:00", "00:00", "01:00", "02:00", "03:00"].map(|t| format!("{t} started"));
    let all = all.each_ref().map(String::as_str);
    check_after_an_interruption(json!({"catchUp": "ALL"}), 6, &all).await;
    let two = json!({"catchUp": "ALL", "catchUpLimit": 2});
    check_after_an_interruption(two, 2, &["01:00 skipped", "02:00 started", three]).await;
}

#[tokio::test(start_paused = true)]
async fn a_long_interruption_is_made_up_for_over_several_looks() {
    let (before, first) = served(&quick()).await;
    let fields = json!({"cron": "* * * * *", "catchUp": "ALL", "catchUpLimit": 35});
    define(first.app(), "noted", fields).await;
    drop(first);
    pass(&before, 10 * HOUR + SECOND).await;
    let after = before.restarted();
    let _second = service(&after, &quick()).await;
    pass(&after, 5 * SECOND).await;
    let records = Records::of(&after);
    assert_eq!(started(&records, "noted").await.len(), 35);
    // The definition, and four looks that start ten at most.
    assert_eq!(stored(&records).await.version, 5);
}

#[tokio::test(start_paused = true)]
async fn a_time_is_passed_over_while_the_one_before_runs_when_the_schedule_says_so() {
    let (aws, service) = served(&quick()).await;
    define(service.app(), "long", json!({"overlap": "SKIP"})).await;
    pass(&aws, 6 * HOUR).await;
    let records = Records::of(&aws);
    let schedule = stored(&records).await;
    let expected = [
        "22:00 started",
        "23:00 overlapped",
        "00:00 overlapped",
        "01:00 started",
        "02:00 overlapped",
        "03:00 overlapped",
    ];
    assert_eq!(told(&schedule), expected);
    assert_eq!(started(&records, "long").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_workflow_that_cannot_be_started_is_told_and_the_next_time_comes() {
    let (aws, service) = served(&quick()).await;
    let expression = "$number($substring(localTime, 11, 2)) = 23 ? $error('no') : {}";
    define(
        service.app(),
        "noted",
        json!({"inputExpression": expression}),
    )
    .await;
    pass(&aws, 3 * HOUR).await;
    let schedule = stored(&Records::of(&aws)).await;
    let expected = ["22:00 started", "23:00 INVALID_INPUT", "00:00 started"];
    assert_eq!(told(&schedule), expected);
}

#[tokio::test(start_paused = true)]
async fn what_has_no_more_times_ends_and_is_due_no_more() {
    let (aws, service) = served(&quick()).await;
    let fields = json!({"endAt": "2026-11-21T23:59:00Z"});
    define(service.app(), "noted", fields).await;
    pass(&aws, 48 * HOUR).await;
    let records = Records::of(&aws);
    let schedule = stored(&records).await;
    assert_eq!(schedule.status, ScheduleStatus::Ended);
    assert_eq!(told(&schedule), ["22:00 started", "23:00 started"]);
    assert_eq!(records.store().next_due().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_early_late_or_twice_starts_nothing_more() {
    let (aws, service) = served(&quick()).await;
    define(service.app(), "noted", json!({})).await;
    let due = Message::Due(Record::Schedule(schedule_id()));
    let early = [due.clone(), due.clone()];
    service.app().queues().send(&early).await.unwrap();
    pass(&aws, HOUR).await;
    service.app().queues().send(&early).await.unwrap();
    pass(&aws, SECOND).await;
    let records = Records::of(&aws);
    assert_eq!(started(&records, "noted").await.len(), 1);
    assert_eq!(service.dead_letters().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_time_costs_one_write_of_the_schedule_beside_its_workflow() {
    let (aws, service) = served(&quick()).await;
    define(service.app(), "noted", json!({})).await;
    pass(&aws, 2 * HOUR).await;
    let before = aws.meter().snapshot();
    pass(&aws, HOUR).await;
    let usage = aws.meter().since(&before);
    // The schedule and the workflow; the schedule is read once, and its entry of the due index
    // moves. The workflow is over at once, and is never due.
    assert_eq!(usage.requests["dynamodb.PutItem"], 2);
    assert_eq!(
        usage.requests["dynamodb.GetItem"],
        1 + 1,
        "the schedule, the versions"
    );
    assert_eq!(usage.requests_of("sqs"), 0, "one machine needs no message");
    assert_eq!(usage.capacity["WorkflowInstances/due-index"].write, 2.0);
    // A unit for each, as long as few runs are listed.
    assert_eq!(usage.capacity["WorkflowInstances"].write, 2.0);
}
