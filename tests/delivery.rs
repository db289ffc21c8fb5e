//! Messages that come twice and in any order lead to the same records, each ended once.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use taskmill::ids::DefinitionId;
use taskmill::task::TaskStatus;
use taskmill::workflow::WorkflowStatus;
use taskmill_aws::queues::Message;
use taskmill_aws::store::{DateRange, PageRequest, TaskFilter};
use taskmill_local::sqs::{Delivery, Order};

use crate::support::{
    Answer, HOUR, Records, Script, aws, caller, create, pass, register, service, settle, start,
    task_of, tenant, workflow_of,
};

const DEFINITIONS: &str = "
id: flaky
name: Flaky
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
retryPolicy: {maxRetries: 2, retryInterval: 5000, jitter: NONE}
---
id: steady
name: Steady
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'process:script'}
---
id: hopeless
name: Hopeless
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
retryPolicy: {maxRetries: 1, retryInterval: 1000, jitter: NONE}
---
id: whole
name: Whole
version: 1.0.0
steps:
  - name: first
    taskDefinitionId: flaky
    inputMappings: [{type: DIRECT, source: workflowInput.n, target: n}]
    variableMappings: [{type: DIRECT, source: n, target: n}]
  - {name: let-go, taskDefinitionId: hopeless, continueOnFailure: true}
  - name: last
    taskDefinitionId: steady
    inputMappings: [{type: DIRECT, source: n, target: n}]
    variableMappings: [{type: DIRECT, source: n, target: last}]
output: workflowVariables.last
---
id: broken
name: Broken
version: 1.0.0
steps:
  - {name: first, taskDefinitionId: flaky}
  - {name: second, taskDefinitionId: hopeless}
  - {name: never, taskDefinitionId: steady}
";

const WORKFLOWS: [(&str, &str); 4] = [
    ("whole", "w0"),
    ("broken", "w1"),
    ("whole", "w2"),
    ("broken", "w3"),
];
const TASKS: [(&str, &str); 4] = [
    ("flaky", "t0"),
    ("steady", "t1"),
    ("hopeless", "t2"),
    ("flaky", "t3"),
];

fn script() -> Script {
    Script::new(|call| match call.definition.id.as_str() {
        "flaky" if call.attempt == 1 => Answer::busy(),
        "hopeless" => Answer::busy(),
        _ => Answer::Succeed(call.input.clone()),
    })
}

/// What is not the same in two runs: the moment and the number of changes on the way, and who
/// noted the start.
const VOLATILE: [&str; 14] = [
    "version",
    "updatedAt",
    "endTime",
    "startTime",
    "startedAt",
    "endedAt",
    "nextRetryAt",
    "expiresAt",
    "createdAt",
    "duration",
    "timestamp",
    "deadlineAt",
    "totalExecutionTime",
    "executionTime",
];

fn stable(view: Value) -> Value {
    match view {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, _)| !VOLATILE.contains(&name.as_str()))
            .map(|(name, value)| (name, stable(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(stable).collect(),
        other => other,
    }
}

/// The final records of one run, by key.
async fn records_of_a_run(delivery: Delivery, order: Order) -> BTreeMap<&'static str, Value> {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    aws.queues().set_delivery(delivery);
    aws.queues().set_order(order);
    for (number, (definition, key)) in WORKFLOWS.into_iter().enumerate() {
        start(service.app(), definition, json!({"n": number}), key).await;
    }
    for (definition, key) in TASKS {
        create(service.app(), definition, json!({"key": key}), key).await;
    }
    let records = Records::of(&aws);
    let mut views = BTreeMap::new();
    for (_, key) in WORKFLOWS {
        records.ended_workflow(workflow_of(key)).await;
    }
    for (_, key) in TASKS {
        records.ended_task(task_of(key)).await;
    }
    settle(&aws).await;
    assert_eq!(service.dead_letters().await.unwrap(), []);
    for (_, key) in WORKFLOWS {
        views.insert(key, stable(records.workflow_view(workflow_of(key)).await));
    }
    for (_, key) in TASKS {
        views.insert(key, stable(records.task_view(task_of(key)).await));
    }
    views
}

async fn check(delivery: Delivery, order: Order) {
    let expected = records_of_a_run(Delivery::Once, Order::Sent).await;
    assert_eq!(expected["w0"]["metrics"]["taskCount"], 3);
    assert_eq!(expected["w1"]["metrics"]["taskCount"], 2);
    assert_eq!(expected["w0"]["output"], 0);
    assert_eq!(expected["w1"]["status"], "FAILED");
    let views = records_of_a_run(delivery, order).await;
    for (key, expected) in expected {
        assert_eq!(views[key], expected, "{key} under {delivery:?}, {order:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_message_twice_ends_everything_once() {
    check(Delivery::Twice, Order::Sent).await;
}

#[tokio::test(start_paused = true)]
async fn any_order_leads_to_the_same_records() {
    for seed in 1..=4 {
        check(Delivery::Once, Order::Shuffled { seed }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn twice_and_in_any_order_leads_to_the_same_records() {
    for seed in 11..=16 {
        check(Delivery::Twice, Order::Shuffled { seed }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_by_queue_that_comes_twice_asks_once() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    // Neither has a key of its caller's own.
    let requests = [
        Message::CreateTask {
            caller: caller(),
            request: json!({"taskDefinitionId": "steady"}),
        },
        Message::StartWorkflow {
            caller: caller(),
            request: json!({"workflowDefinitionId": "whole", "input": {"n": 1}}),
        },
    ];
    aws.queues().set_delivery(Delivery::Twice);
    service.app().queues().send(&requests).await.unwrap();
    aws.queues().set_delivery(Delivery::Once);
    pass(&aws, HOUR).await;

    let usage = aws.meter().snapshot();
    assert_eq!(usage.invocations["create"].records, 4, "each came twice");
    assert_eq!(service.dead_letters().await.unwrap(), []);
    let records = Records::of(&aws);
    let (store, tenant, page) = (records.store(), tenant(), PageRequest::first(10));
    let range = DateRange::last_days(aws.clock().now(), 2);
    let whole = DefinitionId::new("whole").unwrap();
    let workflows = store.workflows_by_definition(&tenant, &whole, range, &page);
    let workflows = workflows.await.unwrap().items;
    assert_eq!(workflows.len(), 1);
    assert_eq!(workflows[0].status, WorkflowStatus::Completed);
    let filter = TaskFilter::default();
    let done = store.tasks_by_status(&tenant, TaskStatus::Completed, &filter, range, &page);
    let done = done.await.unwrap().items;
    let alone = done
        .iter()
        .filter(|task| task.workflow_instance_id.is_none());
    assert_eq!(alone.count(), 1);
}
