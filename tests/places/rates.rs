//! A definition's `rateLimit`: in no period begin more than it says, whatever is repeated, thrown
//! away or restarted, and those who wait begin when the first of them may.

use taskmill::ids::{DefinitionId, LineId};
use taskmill_local::sqs::{Delivery, Order};

use super::*;
use crate::support::HOUR;

/// The period of the rates here.
const PERIOD: u64 = 10 * SECOND;

/// Tasks of which so many begin in each ten seconds.
pub(super) fn rare(limit: usize) -> String {
    let (task, workflows) = definitions(limit)
        .split_once("---")
        .map(|(task, rest)| (task.to_owned(), rest.to_owned()))
        .unwrap();
    let task = task.replace("concurrency: {", "rateLimit: {per: PT10S, ");
    format!("{task}---{workflows}")
}

/// In no period, whenever it begins, were there more calls.
#[track_caller]
pub(super) fn check_rate(script: &Script, limit: usize, period: u64) {
    let calls = script.calls();
    for first in &calls {
        let until = first.at.plus_millis(period);
        let within = calls
            .iter()
            .filter(|call| call.at >= first.at && call.at < until);
        let count = within.count();
        assert!(
            count <= limit,
            "{count} began in a period from {}",
            first.at
        );
    }
}

/// Seconds from the first call to each.
pub(super) fn seconds(script: &Script) -> Vec<u64> {
    let calls = script.calls();
    let first = calls[0].at;
    let since = calls.iter().map(|call| call.at.millis_since(first));
    since.map(|millis| millis / SECOND).collect()
}

#[tokio::test(start_paused = true)]
async fn of_fifty_tasks_five_begin_in_each_period_and_the_next_as_soon_as_they_may() {
    let (aws, script) = (aws(), taking(SECOND));
    let service = service(&aws, &script).await;
    register(service.app(), &rare(5)).await;
    create_all(service.app(), 50).await;
    let records = Records::of(&aws);
    all_complete(&records, 50).await;
    let expected: Vec<u64> = (0..50).map(|number| number / 5 * 10).collect();
    assert_eq!(seconds(&script), expected);
    settle(&aws).await;
    check_all_given_back(&aws, &records).await;
    assert_eq!(records.due().await, 0, "nothing is left to look at");
    assert_eq!(service.dead_letters().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn starts_that_are_spread_let_as_many_begin_a_period_later() {
    let (aws, script) = (aws(), taking(10));
    let service = service(&aws, &script).await;
    register(service.app(), &rare(3)).await;
    for number in 0..9 {
        create(service.app(), "narrow", json!({}), &key(number)).await;
        pass(&aws, 2 * SECOND).await;
    }
    all_complete(&Records::of(&aws), 9).await;
    assert_eq!(seconds(&script), [0, 2, 4, 10, 12, 14, 20, 22, 24]);
    let order: Vec<TaskId> = script.calls().iter().map(|call| call.task).collect();
    let expected: Vec<TaskId> = (0..9).map(|number| task_of(&key(number))).collect();
    assert_eq!(order, expected, "the longest waiting is the next");
}

#[tokio::test(start_paused = true)]
async fn a_period_may_be_longer_than_a_message_waits() {
    let (aws, script) = (aws(), taking(10));
    let fleet = Fleet::start(&aws, &script).await;
    register(fleet.app(), &rare(1).replace("PT10S", "PT2H")).await;
    create_all(fleet.app(), 3).await;
    all_complete(&Records::of(&aws), 3).await;
    check_rate(&script, 1, 2 * HOUR);
    assert_eq!(seconds(&script), [0, 7_200, 14_400]);
}

#[tokio::test(start_paused = true)]
async fn messages_that_come_twice_and_in_any_order_begin_nothing_too_soon() {
    for seed in 0..4 {
        let (aws, script) = (aws(), taking(SECOND));
        aws.queues().set_delivery(Delivery::Twice);
        aws.queues().set_order(Order::Shuffled { seed });
        let service = service(&aws, &script).await;
        register(service.app(), &rare(5)).await;
        create_all(service.app(), 50).await;
        let records = Records::of(&aws);
        all_complete(&records, 50).await;
        check_rate(&script, 5, PERIOD);
        pass(&aws, 10 * MINUTE).await;
        check_all_given_back(&aws, &records).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_goes_on_at_its_check_when_every_message_is_thrown_away() {
    let (aws, script) = (aws(), taking(10));
    let fleet = Fleet::start(&aws, &script).await;
    register(fleet.app(), &rare(2)).await;
    create_all(fleet.app(), 6).await;
    pass(&aws, SECOND).await;
    aws.queues().purge_all();
    let began = aws.clock().now();
    let records = Records::of(&aws);
    all_complete(&records, 6).await;
    let took = aws.clock().now().millis_since(began);
    assert!(took < 17 * MINUTE, "it took {took} ms");
    check_rate(&script, 2, PERIOD);
    pass(&aws, 10 * MINUTE).await;
    check_all_given_back(&aws, &records).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_follows_another_counts_what_that_began() {
    let (before, script) = (aws(), taking(10));
    let first = service(&before, &script).await;
    register(first.app(), &rare(2)).await;
    create_all(first.app(), 5).await;
    pass(&before, 3 * SECOND).await;
    drop(first);
    let after = before.restarted();
    let second = service(&after, &script).await;
    let records = Records::of(&after);
    all_complete(&records, 5).await;
    check_rate(&script, 2, PERIOD);
    assert_eq!(seconds(&script), [0, 0, 10, 10, 20]);
    settle(&after).await;
    check_all_given_back(&after, &records).await;
    assert_eq!(second.dead_letters().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn of_a_great_rate_no_more_begin_and_little_is_stored() {
    let (aws, script) = (aws(), taking(10));
    let service = service(&aws, &script).await;
    let text = rare(120).replace("PT10S", "PT1M");
    register(service.app(), &text).await;
    let items: Vec<u32> = (0..300).collect();
    let id = start(service.app(), "each", json!({"items": items}), "many").await;
    let records = Records::of(&aws);
    records.ended_workflow(id).await;
    check_rate(&script, 120, MINUTE);
    assert_eq!(script.calls().len(), 300);
    let took = *seconds(&script).last().unwrap();
    assert!((120..123).contains(&took), "the last began after {took} s");
    let narrow = DefinitionId::new("narrow").unwrap();
    let seen = records.store().line(LineId::of(&tenant(), &narrow)).await;
    let stored = seen.unwrap().line.starts.len();
    assert!(stored < 102, "{stored} are stored");
}
