//! What each write costs in write units, by table and index: the figures that the prices rest on.

use serde_json::json;
use taskmill_aws::store::Created;

use crate::samples::{
    completed, ended, hopped, lone_task, running, step_task, workflow, workflow_id,
};
use crate::support::Emulator;

const TABLE: &str = "table";
const STATUS: &str = "status-index";
const OF_WORKFLOW: &str = "workflow-status-index";
const DEFINITION: &str = "definition-index";
const DUE: &str = "due-index";

fn check(emulator: &Emulator, what: &str, expected: &[(&str, f64)]) {
    let expected = expected
        .iter()
        .map(|(name, units)| ((*name).to_owned(), *units))
        .collect();
    assert_eq!(emulator.write_units(), expected, "{what}");
}

#[tokio::test]
async fn a_lone_task_costs_seven_lazy_and_ten_tracked() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let lazy = lone_task(1);
    assert_eq!(store.create_task(&lazy).await.unwrap(), Created::New);
    check(
        &emulator,
        "create",
        &[(TABLE, 1.0), (STATUS, 1.0), (DUE, 1.0)],
    );
    store
        .replace_task(&lazy, &completed(&lazy, json!({ "sum": "9f" })))
        .await
        .unwrap();
    check(
        &emulator,
        "lazy end",
        &[(TABLE, 1.0), (STATUS, 2.0), (DUE, 1.0)],
    );

    let tracked = lone_task(2);
    store.create_task(&tracked).await.unwrap();
    check(
        &emulator,
        "create",
        &[(TABLE, 1.0), (STATUS, 1.0), (DUE, 1.0)],
    );
    let started = running(&tracked);
    store.replace_task(&tracked, &started).await.unwrap();
    check(&emulator, "start", &[(TABLE, 1.0), (STATUS, 2.0)]);
    store
        .replace_task(&started, &completed(&started, json!({ "sum": "9f" })))
        .await
        .unwrap();
    check(&emulator, "end", &[(TABLE, 1.0), (STATUS, 2.0), (DUE, 1.0)]);
}

#[tokio::test]
async fn a_task_of_a_workflow_costs_eight_lazy_and_thirteen_tracked() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let lazy = step_task(1, workflow_id(1));
    store.create_task(&lazy).await.unwrap();
    check(
        &emulator,
        "create",
        &[(TABLE, 1.0), (STATUS, 1.0), (OF_WORKFLOW, 1.0)],
    );
    store
        .replace_task(&lazy, &completed(&lazy, json!({ "sum": "9f" })))
        .await
        .unwrap();
    check(
        &emulator,
        "lazy end",
        &[(TABLE, 1.0), (STATUS, 2.0), (OF_WORKFLOW, 2.0)],
    );

    let tracked = step_task(2, workflow_id(1));
    store.create_task(&tracked).await.unwrap();
    emulator.calls();
    let started = running(&tracked);
    store.replace_task(&tracked, &started).await.unwrap();
    check(
        &emulator,
        "start",
        &[(TABLE, 1.0), (STATUS, 2.0), (OF_WORKFLOW, 2.0)],
    );
    store
        .replace_task(&started, &completed(&started, json!(null)))
        .await
        .unwrap();
    check(
        &emulator,
        "end",
        &[(TABLE, 1.0), (STATUS, 2.0), (OF_WORKFLOW, 2.0)],
    );
}

#[tokio::test]
async fn a_workflow_of_three_steps_costs_ten() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let started = workflow(1);
    store.create_workflow(&started).await.unwrap();
    let all = [(TABLE, 1.0), (STATUS, 1.0), (DEFINITION, 1.0), (DUE, 1.0)];
    check(&emulator, "start", &all);
    let second = hopped(&started, "count");
    store.replace_workflow(&started, &second).await.unwrap();
    check(&emulator, "first hop", &[(TABLE, 1.0)]);
    let third = hopped(&second, "index");
    store.replace_workflow(&second, &third).await.unwrap();
    check(&emulator, "second hop", &[(TABLE, 1.0)]);
    store
        .replace_workflow(&third, &ended(&third))
        .await
        .unwrap();
    check(&emulator, "end", &[(TABLE, 1.0), (STATUS, 2.0), (DUE, 1.0)]);
}

#[tokio::test]
async fn a_payload_costs_its_kib_once_and_in_the_bucket_none() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    for (number, bytes, expected) in [(1, 2 * 1024, 4.0), (2, 10 * 1024, 1.0)] {
        let mut task = lone_task(number);
        task.input = json!({ "text": "x".repeat(bytes - 11) });
        store.create_task(&task).await.unwrap();
        check(
            &emulator,
            "create",
            &[(TABLE, expected), (STATUS, 1.0), (DUE, 1.0)],
        );
        store
            .replace_task(&task, &completed(&task, json!(1)))
            .await
            .unwrap();
        check(&emulator, "end", &[(TABLE, 1.0), (STATUS, 2.0), (DUE, 1.0)]);
    }
    assert_eq!(emulator.objects().len(), 1);
}
