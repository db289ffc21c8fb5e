//! Limits of a tenant, by its deployment: they hold over all its definitions, beside those of the
//! definitions themselves.

use taskmill::task::tenants::TenantLimits;
use taskmill_local::sqs::{Delivery, Order};

use super::*;
use crate::support::limited_service;

/// The limits of Acme, which the tests work for, as JSON.
pub(super) fn of_acme(limits: &str) -> TenantLimits {
    TenantLimits::read(&format!("{{\"acme\": {limits}}}")).unwrap()
}

/// Tasks of which two run at once, and others of the same tenant.
fn with_others() -> String {
    let other = "
id: other
name: Other
version: 1.0.0
type: INTEGRATION
timeout: 120000
executionConfig: {executor: 'lambda:script'}
---
id: sign
name: Sign
version: 1.0.0
type: MANUAL
---";
    format!("{other}{}", definitions(2))
}

/// Creates tasks of both definitions in turn, so many of each.
async fn create_both(app: &App, count: usize) {
    for number in 0..count {
        for definition in ["narrow", "other"] {
            let key = format!("{definition} {number}");
            create(app, definition, json!({}), &key).await;
        }
    }
}

async fn both_complete(records: &Records, count: usize) {
    for number in 0..count {
        for definition in ["narrow", "other"] {
            let id = task_of(&format!("{definition} {number}"));
            let task = records.ended_task(id).await;
            assert_eq!(task.status, TaskStatus::Completed, "{definition} {number}");
        }
    }
}

/// How many calls of one definition, each of which took so long, were under way at once.
fn most_at_once_of(script: &Script, name: &str, millis: u64) -> usize {
    let calls = script.calls();
    let own: Vec<_> = calls.iter().filter(|call| call.name == name).collect();
    let at = |moment: taskmill::Timestamp| {
        let runs = own
            .iter()
            .filter(|call| call.at <= moment && moment < call.at.plus_millis(millis));
        runs.count()
    };
    own.iter().map(|call| at(call.at)).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn of_fifty_tasks_of_a_tenant_five_run_at_once() {
    let (aws, script) = (aws(), taking(SECOND));
    let limits = of_acme(r#"{"concurrency": 5}"#);
    let service = limited_service(&aws, &script, limits).await;
    register(service.app(), &definitions(100)).await;
    let began = aws.clock().now();
    create_all(service.app(), 50).await;
    let records = Records::of(&aws);
    all_complete(&records, 50).await;
    assert_eq!(aws.clock().now().millis_since(began), 10 * SECOND);
    settle(&aws).await;
    assert_eq!(script.most_at_once(), 5);
    check_all_given_back(&aws, &records).await;
    assert_eq!(service.dead_letters().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_limited_twice_needs_both_places_and_no_place_stands_idle() {
    let (aws, script) = (aws(), taking(SECOND));
    let limits = of_acme(r#"{"concurrency": 5}"#);
    let service = limited_service(&aws, &script, limits).await;
    register(service.app(), &with_others()).await;
    let began = aws.clock().now();
    create_both(service.app(), 25).await;
    let records = Records::of(&aws);
    both_complete(&records, 25).await;
    // Five at once while there are others, and then two.
    let took = aws.clock().now().millis_since(began);
    assert_eq!(took, 16 * SECOND);
    let each_second: Vec<u64> = (0..50).map(|number| number / 5).collect();
    assert_eq!(super::rates::seconds(&script)[..30], each_second[..30]);
    assert_eq!(script.most_at_once(), 5);
    assert_eq!(most_at_once_of(&script, "narrow", SECOND), 2);
    assert_eq!(script.calls().len(), 50);
    settle(&aws).await;
    check_all_given_back(&aws, &records).await;
    assert_eq!(service.dead_letters().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn the_place_of_one_that_waits_for_its_tenant_is_kept_and_given_back_with_it() {
    let (aws, script) = (aws(), taking(MINUTE));
    let limits = of_acme(r#"{"concurrency": 1}"#);
    let service = limited_service(&aws, &script, limits).await;
    register(service.app(), &with_others()).await;
    let app = service.app();
    create(app, "other", json!({}), "busy").await;
    settle(&aws).await;
    let waiting = start(app, "lone", json!({}), "waiting").await;
    settle(&aws).await;
    create_all(app, 2).await;
    pass(&aws, SECOND).await;
    assert_eq!(script.calls().len(), 1);
    let narrow = taskmill::ids::DefinitionId::new("narrow").unwrap();
    let line = LineId::of(&tenant(), &narrow);
    let records = Records::of(&aws);
    let places = || async { records.store().line(line).await.unwrap().line.places };
    let kept: Vec<_> = places().await.iter().map(|place| place.began_at).collect();
    assert_eq!(
        kept,
        [None, None],
        "two wait for their tenant, one for them"
    );
    cancel(app, waiting).await;
    all_complete(&records, 2).await;
    assert_eq!(script.calls().len(), 3);
    settle(&aws).await;
    check_all_given_back(&aws, &records).await;
}

#[tokio::test(start_paused = true)]
async fn a_rate_of_a_tenant_holds_over_all_its_definitions() {
    let (aws, script) = (aws(), taking(SECOND));
    let limits = of_acme(r#"{"rate": {"limit": 5, "per": "PT10S"}}"#);
    let service = limited_service(&aws, &script, limits).await;
    register(service.app(), &with_others()).await;
    let began = aws.clock().now();
    create_both(service.app(), 10).await;
    let records = Records::of(&aws);
    both_complete(&records, 10).await;
    // Of the last the definition lets two begin at once.
    assert_eq!(aws.clock().now().millis_since(began), 32 * SECOND);
    super::rates::check_rate(&script, 5, 10 * SECOND);
    assert_eq!(script.calls().len(), 20);
    settle(&aws).await;
    check_all_given_back(&aws, &records).await;
}

#[tokio::test(start_paused = true)]
async fn a_rate_of_a_definition_counts_from_when_its_tenant_lets_it_begin() {
    let (aws, script) = (aws(), taking(4 * SECOND));
    let limits = of_acme(r#"{"concurrency": 1}"#);
    let service = limited_service(&aws, &script, limits).await;
    register(service.app(), &super::rates::rare(2)).await;
    create_all(service.app(), 6).await;
    let records = Records::of(&aws);
    all_complete(&records, 6).await;
    super::rates::check_rate(&script, 2, 10 * SECOND);
    assert_eq!(script.most_at_once(), 1);
    assert_eq!(super::rates::seconds(&script), [0, 4, 10, 14, 20, 24]);
    settle(&aws).await;
    check_all_given_back(&aws, &records).await;
}

#[tokio::test(start_paused = true)]
async fn messages_that_come_twice_and_in_any_order_start_nothing_twice() {
    for seed in 0..4 {
        let (aws, script) = (aws(), taking(SECOND));
        aws.queues().set_delivery(Delivery::Twice);
        aws.queues().set_order(Order::Shuffled { seed });
        let limits = of_acme(r#"{"concurrency": 5}"#);
        let service = limited_service(&aws, &script, limits).await;
        register(service.app(), &with_others()).await;
        create_both(service.app(), 25).await;
        let records = Records::of(&aws);
        both_complete(&records, 25).await;
        assert_eq!(script.most_at_once(), 5);
        assert_eq!(most_at_once_of(&script, "narrow", SECOND), 2);
        assert_eq!(script.calls().len(), 50);
        pass(&aws, 10 * MINUTE).await;
        check_all_given_back(&aws, &records).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_raises_a_limit_calls_those_who_wait() {
    let (before, script) = (aws(), taking(SECOND));
    let first = limited_service(&before, &script, of_acme(r#"{"concurrency": 1}"#)).await;
    register(first.app(), &definitions(100)).await;
    create_all(first.app(), 20).await;
    pass(&before, SECOND / 2).await;
    drop(first);
    let after = before.restarted();
    let limits = of_acme(r#"{"concurrency": 10}"#);
    let _second = limited_service(&after, &script, limits).await;
    let began = after.clock().now();
    let records = Records::of(&after);
    all_complete(&records, 20).await;
    assert_eq!(script.most_at_once(), 10);
    assert_eq!(after.clock().now().millis_since(began), 2 * SECOND);
    settle(&after).await;
    check_all_given_back(&after, &records).await;
}

#[tokio::test(start_paused = true)]
async fn a_persons_task_needs_no_place_of_its_tenant() {
    let (aws, script) = (aws(), taking(SECOND));
    let limits = of_acme(r#"{"concurrency": 1}"#);
    let service = limited_service(&aws, &script, limits).await;
    register(service.app(), &with_others()).await;
    create(service.app(), "other", json!({}), "busy").await;
    let signed = create(service.app(), "sign", json!({}), "signed").await;
    settle(&aws).await;
    let records = Records::of(&aws);
    assert_eq!(records.task(signed).await.status, TaskStatus::Pending);
    records.ended_task(task_of("busy")).await;
    settle(&aws).await;
    check_all_given_back(&aws, &records).await;
}
