//! The stored format, pinned: golden items as they go over the wire, which must also load.

use serde_json::{Value, json};
use taskmill::task::TaskInstance;
use taskmill::task::assignment::Handling;
use taskmill::task::audit::Deed;
use taskmill::workflow::WorkflowInstance;
use taskmill_aws::tables::{TableNames, TableSpec};

use crate::forms::{batch_of_iterations, branching_workflow, child_workflow};
use crate::people::{delegated_task, entry, manual_task, with};
use crate::samples::{
    at, elsewhere, full_task, full_workflow, hopped, lone_task, object, polled_task, task_id,
    tenant, workflow,
};
use crate::support::Emulator;

/// The items that were put since calls were last asked for, their attributes in order.
fn items(emulator: &Emulator) -> Vec<Value> {
    let calls = emulator.calls();
    let puts = calls.into_iter().filter(|call| call.operation == "PutItem");
    let mut items: Vec<_> = puts
        .map(|call| sorted(call.request["Item"].clone()))
        .collect();
    items.sort_by_key(|item| item["part"]["S"].to_string());
    items
}

fn sorted(mut item: Value) -> Value {
    item.sort_all_objects();
    item
}

#[tokio::test]
async fn tasks_are_stored_as_ever() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    store.create_task(&lone_task(1)).await.unwrap();
    insta::assert_json_snapshot!("task", items(&emulator));
    let mut full = full_task();
    full.id = task_id(2);
    full.input = json!("x".repeat(2_000));
    full.context.workflow_variables =
        taskmill_aws::store::snapshot_of(&object(json!({ "v": "z".repeat(300) })));
    store.create_task(&full).await.unwrap();
    insta::assert_json_snapshot!("full_task", items(&emulator));
    let mut large = lone_task(3);
    large.input = json!("y".repeat(9_000));
    store.create_task(&large).await.unwrap();
    insta::assert_json_snapshot!("large_task", items(&emulator));
    insta::assert_json_snapshot!("large_task_objects", emulator.objects());
    store.create_task(&elsewhere(&lone_task(4))).await.unwrap();
    insta::assert_json_snapshot!("elsewhere_task", items(&emulator));
}

#[tokio::test]
async fn tasks_of_people_are_stored_as_ever() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let task = manual_task(1);
    store.create_task(&task).await.unwrap();
    insta::assert_json_snapshot!("manual_task", items(&emulator));
    assert_eq!(store.task(task.id).await.unwrap(), Some(task));
    let mut delegated = delegated_task(2);
    store.create_task(&delegated).await.unwrap();
    insta::assert_json_snapshot!("delegated_task", items(&emulator));
    assert_eq!(
        store.task(delegated.id).await.unwrap().as_ref(),
        Some(&delegated)
    );
    let before = delegated.clone();
    delegated.version += 1;
    let comment = Deed::Comment {
        text: "ask cem".to_owned(),
    };
    delegated.last_act = Some(entry(4, "ann", comment));
    store.replace_task(&before, &delegated).await.unwrap();
    insta::assert_json_snapshot!("commented_task", items(&emulator));
}

#[tokio::test]
async fn tasks_of_workers_are_stored_as_ever() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let task = polled_task(1);
    store.create_task(&task).await.unwrap();
    insta::assert_json_snapshot!("polled_task", items(&emulator));
    assert_eq!(store.task(task.id).await.unwrap(), Some(task));
}

#[tokio::test]
async fn inboxes_are_stored_as_ever() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let mut task = TaskInstance {
        last_act: None,
        ..with(&delegated_task(1), None)
    };
    store.create_task(&task).await.unwrap();
    insta::assert_json_snapshot!("open_task", items(&emulator));
    task.id = task_id(2);
    task.handling = Some(Handling::default());
    store.create_task(&task).await.unwrap();
    insta::assert_json_snapshot!("everybodys_task", items(&emulator));
}

#[tokio::test]
async fn workflows_are_stored_as_ever() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    store.create_workflow(&workflow(1)).await.unwrap();
    insta::assert_json_snapshot!("workflow", items(&emulator));
    let mut full = full_workflow();
    full.id = workflow(2).id;
    full.variables = object(json!({ "v": "z".repeat(300) }));
    store.create_workflow(&full).await.unwrap();
    insta::assert_json_snapshot!("full_workflow", items(&emulator));
    store.create_workflow(&branching_workflow()).await.unwrap();
    insta::assert_json_snapshot!("branching_workflow", items(&emulator));
    store.create_workflow(&child_workflow()).await.unwrap();
    insta::assert_json_snapshot!("child_workflow", items(&emulator));
    store.create_workflow(&batch_of_iterations()).await.unwrap();
    insta::assert_json_snapshot!("batch", items(&emulator));
    let mut task = full_task();
    task.context.batch_id = Some(batch_of_iterations().id);
    store.create_task(&task).await.unwrap();
    insta::assert_json_snapshot!("task_of_a_batch", items(&emulator));
}

#[tokio::test]
async fn every_form_of_a_workflow_loads_as_it_was_stored() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let forms = [
        workflow(1),
        hopped(&workflow(2), "count"),
        branching_workflow(),
        child_workflow(),
        batch_of_iterations(),
    ];
    for form in forms {
        store.create_workflow(&form).await.unwrap();
        let loaded = store.workflow(form.id).await.unwrap();
        assert_eq!(loaded, Some(form));
    }
    let mut task = full_task();
    task.context.batch_id = Some(batch_of_iterations().id);
    store.create_task(&task).await.unwrap();
    assert_eq!(store.task(task.id).await.unwrap(), Some(task));
}

#[tokio::test]
async fn definitions_are_stored_as_ever() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let definition = serde_json::from_value(json!({
        "id": "checksum",
        "name": "Checksum",
        "type": "AUTOMATED",
        "version": "1.0.0",
        "executionConfig": { "executor": "process:sha256sum" },
    }));
    let definition = definition.unwrap();
    store
        .register_task_definition(&tenant("acme"), &definition, at(0))
        .await
        .unwrap();
    let calls = emulator.calls();
    let calls: Vec<_> = calls
        .iter()
        .map(|call| sorted(call.request.clone()))
        .collect();
    insta::assert_json_snapshot!("definition", calls);
}

/// Items of the first format, as text: they must load however the writing changes.
const STORED: &[(&str, &str)] = &[
    ("TaskInstances", include_str!("stored/task.json")),
    ("TaskInstances", include_str!("stored/full_task.json")),
    // Before there were inboxes.
    ("TaskInstances", include_str!("stored/manual_task.json")),
    ("WorkflowInstances", include_str!("stored/workflow.json")),
    (
        "WorkflowInstances",
        include_str!("stored/full_workflow.json"),
    ),
];

#[tokio::test]
async fn what_the_first_version_stored_still_loads() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    for (table, text) in STORED {
        for item in serde_json::from_str::<Vec<Value>>(text).unwrap() {
            emulator.put(table, &item).await;
        }
    }
    assert_eq!(store.task(task_id(1)).await.unwrap(), Some(lone_task(1)));
    let manual = manual_task(4);
    assert_eq!(store.task(manual.id).await.unwrap(), Some(manual));
    assert_eq!(
        store.workflow(workflow(1).id).await.unwrap(),
        Some(of_the_first_version(workflow(1)))
    );
    let mut full = full_task();
    full.id = task_id(2);
    full.input = json!("x".repeat(2_000));
    full.context.workflow_variables =
        taskmill_aws::store::snapshot_of(&object(json!({ "v": "z".repeat(300) })));
    // It knew of no limit.
    full.concurrency_limit = None;
    full.rate_limit = None;
    assert_eq!(store.task(full.id).await.unwrap(), Some(full));
    let mut full = full_workflow();
    full.id = workflow(2).id;
    full.variables = object(json!({ "v": "z".repeat(300) }));
    let full = of_the_first_version(full);
    assert_eq!(store.workflow(full.id).await.unwrap(), Some(full));
}

/// The workflow as the first version stored it: it pinned by the names of steps.
fn of_the_first_version(mut workflow: WorkflowInstance) -> WorkflowInstance {
    let pins = std::mem::take(&mut workflow.pins);
    let by_step = |(pin, version): (String, _)| (pin.replace("task:", ""), version);
    workflow.pins = pins.into_iter().map(by_step).collect();
    workflow
}

#[tokio::test]
async fn tables_are_made_as_they_are_described_and_only_once() {
    let emulator = Emulator::default();
    emulator.store().await;
    // A second start finds them.
    emulator.store().await;
    for (name, spec) in TableNames::default().specs() {
        check_table(&emulator, name, spec).await;
    }
}

async fn check_table(emulator: &Emulator, name: &str, spec: &TableSpec) {
    let client = emulator.dynamodb();
    let table = client
        .describe_table()
        .table_name(name)
        .send()
        .await
        .unwrap()
        .table
        .unwrap();
    let keys: Vec<_> = table
        .key_schema()
        .iter()
        .map(|key| key.attribute_name())
        .collect();
    assert_eq!(keys, [spec.key.partition.name, spec.key.sort.name]);
    let mut made: Vec<_> = table
        .global_secondary_indexes()
        .iter()
        .filter_map(|index| index.index_name())
        .collect();
    made.sort_unstable();
    let mut described: Vec<_> = spec.indexes.iter().map(|index| index.name).collect();
    described.sort_unstable();
    assert_eq!(made, described);
    assert!(table.stream_specification.is_none(), "nobody reads it here");
    let rule = client
        .describe_time_to_live()
        .table_name(name)
        .send()
        .await
        .unwrap();
    let attribute = rule
        .time_to_live_description
        .and_then(|rule| rule.attribute_name);
    assert_eq!(attribute.as_deref(), spec.time_to_live);
}
