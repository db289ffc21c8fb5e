//! A definition's `concurrency`: how many run is counted from the inside of the executor, and is
//! never more than its limit, whatever messages are repeated or thrown away, and whoever dies when.
//! Its `rateLimit`, and the limits of tenants, have files of their own.

mod disturbed;
mod rates;
mod tenants;

use serde_json::json;
use taskmill::ids::{LineId, TaskId};
use taskmill::task::TaskStatus;
use taskmill::workflow::decider::{Ask, Operation};
use taskmill_app::{App, workflows};
use taskmill_aws::queues::{Execute, Message};
use taskmill_local::LocalAws;
use taskmill_local::sqs::{Delivery, Order};

use crate::support::{
    Answer, Fleet, MINUTE, Records, SECOND, Script, aws, create, pass, register, service, settle,
    start, task_of, tenant,
};

/// Tasks of a second, of which so many run at once.
fn definitions(limit: usize) -> String {
    format!(
        "
id: narrow
name: Narrow
version: 1.0.0
type: AUTOMATED
timeout: 120000
executionConfig: {{executor: 'lambda:script'}}
concurrency: {{limit: {limit}}}
---
id: each
name: Each
version: 1.0.0
steps:
  - name: all
    type: MAP
    items: workflowInput.items
    steps: [{{name: one, taskDefinitionId: narrow}}]
---
{{id: lone, name: Lone, version: 1.0.0, steps: [{{name: one, taskDefinitionId: narrow}}]}}
"
    )
}

/// Each call takes so many milliseconds.
fn taking(millis: u64) -> Script {
    Script::new(move |call| Answer::Succeed(call.input.clone()).after(millis))
}

fn key(number: usize) -> String {
    format!("task {number}")
}

/// Creates so many tasks, each under its key.
async fn create_all(app: &App, count: usize) {
    for number in 0..count {
        create(app, "narrow", json!({}), &key(number)).await;
    }
}

async fn all_complete(records: &Records, count: usize) {
    for number in 0..count {
        let task = records.ended_task(task_of(&key(number))).await;
        assert_eq!(task.status, TaskStatus::Completed, "{}", key(number));
    }
}

/// Nobody has a place, and nobody waits for one: of the definition, and of the tenant.
async fn check_all_given_back(aws: &LocalAws, records: &Records) {
    let definition = taskmill::ids::DefinitionId::new("narrow").unwrap();
    let now = aws.clock().now();
    for line in [
        LineId::of(&tenant(), &definition),
        LineId::of_tenant(&tenant()),
    ] {
        let seen = records.store().line(line).await.unwrap();
        let leased = seen.line.places.iter().filter(|place| place.until > now);
        assert_eq!(leased.count(), 0, "{:?}", seen.line.places);
        assert_eq!(seen.waiting, []);
    }
}

#[tokio::test(start_paused = true)]
async fn of_fifty_tasks_five_run_at_once_and_each_place_is_taken_again_at_once() {
    let (aws, script) = (aws(), taking(SECOND));
    let service = service(&aws, &script).await;
    register(service.app(), &definitions(5)).await;
    let began = aws.clock().now();
    create_all(service.app(), 50).await;
    let records = Records::of(&aws);
    all_complete(&records, 50).await;
    assert_eq!(aws.clock().now().millis_since(began), 10 * SECOND);
    settle(&aws).await;
    assert_eq!(script.most_at_once(), 5);
    assert_eq!(script.calls().len(), 50);
    check_all_given_back(&aws, &records).await;
    assert_eq!(service.dead_letters().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn the_longest_waiting_is_the_next() {
    let (aws, script) = (aws(), taking(SECOND));
    let service = service(&aws, &script).await;
    register(service.app(), &definitions(2)).await;
    for number in 0..12 {
        create(service.app(), "narrow", json!({}), &key(number)).await;
        pass(&aws, 3).await;
    }
    all_complete(&Records::of(&aws), 12).await;
    let order: Vec<TaskId> = script.calls().iter().map(|call| call.task).collect();
    let expected: Vec<TaskId> = (0..12).map(|number| task_of(&key(number))).collect();
    assert_eq!(order, expected);
}

#[tokio::test(start_paused = true)]
async fn tasks_of_all_versions_of_workflows_and_of_none_share_the_places() {
    let (aws, script) = (aws(), taking(SECOND));
    let service = service(&aws, &script).await;
    register(service.app(), &definitions(3)).await;
    let items: Vec<u32> = (0..10).collect();
    let id = start(service.app(), "each", json!({"items": items}), "first").await;
    pass(&aws, 10).await;
    let next = definitions(5).replacen("version: 1.0.0", "version: 1.1.0", 1);
    let (next, _) = next.split_once("---").unwrap();
    register(service.app(), next).await;
    create_all(service.app(), 10).await;
    let records = Records::of(&aws);
    all_complete(&records, 10).await;
    records.ended_workflow(id).await;
    let calls = script.calls();
    assert_eq!(calls.len(), 20);
    assert!(calls[..10].iter().all(|call| call.name != "narrow"));
    // Who is next has to fit its own version: five once those of the first had begun.
    assert_eq!(script.most_at_once(), 5);
    settle(&aws).await;
    check_all_given_back(&aws, &records).await;
}

#[tokio::test(start_paused = true)]
async fn messages_that_come_twice_and_in_any_order_start_nothing_twice() {
    for seed in 0..4 {
        let (aws, script) = (aws(), taking(SECOND));
        aws.queues().set_delivery(Delivery::Twice);
        aws.queues().set_order(Order::Shuffled { seed });
        let service = service(&aws, &script).await;
        register(service.app(), &definitions(5)).await;
        create_all(service.app(), 50).await;
        let records = Records::of(&aws);
        all_complete(&records, 50).await;
        assert_eq!(script.most_at_once(), 5);
        assert_eq!(script.calls().len(), 50);
        pass(&aws, 10 * MINUTE).await;
        check_all_given_back(&aws, &records).await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_processes_that_get_one_message_begin_its_attempt_once() {
    let (aws, script) = (aws(), taking(SECOND / 2));
    let fleet = Fleet::start(&aws, &script).await;
    register(fleet.app(), &definitions(5)).await;
    create_all(fleet.app(), 50).await;
    let records = Records::of(&aws);
    for _ in 0..3 {
        // The urgent queue is another process's.
        for number in 0..50 {
            let task = records.task(task_of(&key(number))).await;
            for priority in [task.priority, taskmill::task::TaskPriority::High] {
                let again = Execute {
                    priority,
                    ..Execute::from(&task)
                };
                let again = Message::Execute(again);
                fleet.app().queues().send(&[again]).await.unwrap();
            }
        }
        pass(&aws, 100).await;
    }
    all_complete(&records, 50).await;
    assert_eq!(script.most_at_once(), 5);
    assert_eq!(script.calls().len(), 50);
    pass(&aws, 10 * MINUTE).await;
    check_all_given_back(&aws, &records).await;
}

/// Cancels a workflow.
async fn cancel(app: &App, id: taskmill::ids::WorkflowId) {
    let cancel = Operation {
        request_id: None,
        by_parent: None,
        ask: Ask::cancel("enough"),
    };
    workflows::operate(app, &tenant(), id, cancel)
        .await
        .unwrap();
}

/// The first call of all hangs.
fn first_hangs() -> Script {
    let called = std::sync::atomic::AtomicBool::new(false);
    Script::new(move |call| {
        if called.swap(true, std::sync::atomic::Ordering::Relaxed) {
            Answer::Succeed(call.input.clone()).after(10)
        } else {
            Answer::Hang
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_task_gives_its_place_back_when_it_is_stopped() {
    let (aws, script) = (aws(), first_hangs());
    let service = service(&aws, &script).await;
    register(service.app(), &definitions(1)).await;
    let hanging = start(service.app(), "lone", json!({}), "hanging").await;
    pass(&aws, 100).await;
    create_all(service.app(), 3).await;
    pass(&aws, 5 * SECOND).await;
    assert_eq!(script.calls().len(), 1);
    let began = aws.clock().now();
    cancel(service.app(), hanging).await;
    let records = Records::of(&aws);
    all_complete(&records, 3).await;
    assert_eq!(aws.clock().now().millis_since(began), 30);
    assert_eq!(script.most_at_once(), 1);
    settle(&aws).await;
    check_all_given_back(&aws, &records).await;
}

#[tokio::test(start_paused = true)]
async fn the_place_of_a_cancelled_task_is_kept_until_its_worker_has_stopped_it() {
    let (aws, script) = (aws(), first_hangs());
    let fleet = Fleet::start(&aws, &script).await;
    register(fleet.app(), &definitions(1)).await;
    let hanging = start(fleet.app(), "lone", json!({}), "hanging").await;
    pass(&aws, 5 * SECOND).await;
    create_all(fleet.app(), 1).await;
    pass(&aws, 5 * SECOND).await;
    cancel(fleet.app(), hanging).await;
    pass(&aws, SECOND).await;
    assert_eq!(script.calls().len(), 1, "its worker does not know yet");
    let began = aws.clock().now();
    all_complete(&Records::of(&aws), 1).await;
    let took = aws.clock().now().millis_since(began);
    assert!(took < MINUTE, "a message is hidden again after a minute");
    assert_eq!(script.most_at_once(), 1);
}

#[tokio::test(start_paused = true)]
async fn tasks_that_are_cancelled_while_they_wait_leave_the_line() {
    let (aws, script) = (aws(), taking(SECOND));
    let service = service(&aws, &script).await;
    register(service.app(), &definitions(1)).await;
    create_all(service.app(), 1).await;
    pass(&aws, 10).await;
    let items: Vec<u32> = (0..20).collect();
    let id = start(service.app(), "each", json!({"items": items}), "waiting").await;
    pass(&aws, 10).await;
    create(service.app(), "narrow", json!({}), &key(1)).await;
    pass(&aws, 10).await;
    cancel(service.app(), id).await;
    let records = Records::of(&aws);
    all_complete(&records, 2).await;
    assert_eq!(
        aws.clock().now().millis_since(crate::support::START) / SECOND,
        2
    );
    assert_eq!(
        script.calls().len(),
        2,
        "of those that were cancelled none ran"
    );
    settle(&aws).await;
    check_all_given_back(&aws, &records).await;
}
