//! Records come back as they were written, whatever of them fits the head; versions are guarded.

use proptest::prelude::*;
use serde_json::{Value, json};
use taskmill::Timestamp;
use taskmill::task::TaskInstance;
use taskmill::workflow::WorkflowInstance;
use taskmill::workflow::frontier::Cancelling;
use taskmill_aws::store::{Created, Error, HEAD_BYTES, Store, snapshot_of};

use crate::samples::{
    at, completed, elsewhere, full_task, full_workflow, hopped, lone_task, object, running,
    step_task, task_id, tenant, workflow, workflow_id,
};
use crate::support::Emulator;

async fn check_task(store: &Store, task: &TaskInstance) {
    assert_eq!(store.create_task(task).await.unwrap(), Created::New);
    // The time to live counts seconds.
    let mut expected = task.clone();
    expected.expires_at = task
        .expires_at
        .map(|at| Timestamp::from_millis(at.epoch_seconds() * 1000));
    assert_eq!(store.task(task.id).await.unwrap(), Some(expected));
}

async fn check_workflow(store: &Store, workflow: &WorkflowInstance) {
    assert_eq!(store.create_workflow(workflow).await.unwrap(), Created::New);
    assert_eq!(
        store.workflow(workflow.id).await.unwrap().as_ref(),
        Some(workflow)
    );
}

#[tokio::test]
async fn every_field_comes_back() {
    let store = Emulator::default().store().await;
    check_task(&store, &lone_task(2)).await;
    check_task(&store, &full_task()).await;
    check_task(&store, &elsewhere(&lone_task(5))).await;
    check_workflow(&store, &workflow(2)).await;
    check_workflow(&store, &full_workflow()).await;
    assert_eq!(store.task(task_id(404)).await.unwrap(), None);
    assert_eq!(store.workflow(workflow_id(404)).await.unwrap(), None);
}

#[tokio::test]
async fn every_large_value_comes_back_from_parts_and_from_the_bucket() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let sizes = [500, 2_000, 8_000, 9_000, 300_000];
    for (number, size) in (10_u128..).zip(sizes) {
        let text = "é".repeat(size / 2);
        let mut task = full_task();
        task.id = task_id(number);
        task.input = json!({ "text": text });
        task.output = Some(json!([text, 1]));
        task.task_token = Some(text.clone());
        task.context.workflow_variables =
            taskmill::task::instance::VariablesSnapshot::Inline(object(json!({ "v": text })));
        check_task(&store, &task).await;

        let mut workflow = full_workflow();
        workflow.id = workflow_id(number);
        workflow.input = Value::String(text.clone()).into();
        workflow.variables = object(json!({ "v": text }));
        let tasks = (0..size as u128 / 40).map(task_id);
        workflow.course.cancelling = tasks.map(Cancelling::Task).collect();
        workflow.expires_at = None;
        check_workflow(&store, &workflow).await;
    }
}

#[tokio::test]
async fn no_head_is_over_its_size() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    for number in 0..40_usize {
        let mut task = full_task();
        task.id = task_id(number as u128);
        task.input = json!("x".repeat(number * 25));
        store.create_task(&task).await.unwrap();
    }
    for call in emulator.calls() {
        let item = &call.request["Item"];
        if item["part"]["S"] == "head" {
            let item: dynoxide::types::Item = serde_json::from_value(item.clone()).unwrap();
            let size = dynoxide::types::item_size(&item);
            assert!(size <= HEAD_BYTES, "{size}");
        }
    }
}

#[tokio::test]
async fn a_record_in_its_head_is_read_by_one_query() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let mut task = lone_task(1);
    task.input = json!("x".repeat(2_000));
    store.create_task(&task).await.unwrap();
    emulator.calls();
    store.task(task.id).await.unwrap().unwrap();
    let calls = emulator.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].operation, "Query");
    assert_eq!(calls[0].request["ConsistentRead"], true);
}

#[tokio::test]
async fn parts_that_nothing_points_to_neither_show_nor_make_reads_dear() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let mut now = workflow(1);
    store.create_workflow(&now).await.unwrap();
    for number in 0..60 {
        let mut next = hopped(&now, "count");
        next.variables = object(json!({ "n": number, "text": "x".repeat(4_000) }));
        store.replace_workflow(&now, &next).await.unwrap();
        now = next;
    }
    emulator.calls();
    assert_eq!(store.workflow(now.id).await.unwrap(), Some(now));
    let calls = emulator.calls();
    assert!(calls.len() <= 2, "{calls:?}");
    let units = calls
        .iter()
        .map(|call| call.response["ConsumedCapacity"]["CapacityUnits"].as_f64());
    assert!(units.map(Option::unwrap).sum::<f64>() <= 10.0);
}

#[tokio::test]
async fn a_second_creation_changes_nothing() {
    let store = Emulator::default().store().await;
    let task = lone_task(1);
    store.create_task(&task).await.unwrap();
    let other = TaskInstance {
        input: json!({ "other": true }),
        ..task.clone()
    };
    assert_eq!(store.create_task(&other).await.unwrap(), Created::Exists);
    assert_eq!(store.task(task.id).await.unwrap(), Some(task));

    let workflow = workflow(1);
    store.create_workflow(&workflow).await.unwrap();
    assert_eq!(
        store.create_workflow(&workflow).await.unwrap(),
        Created::Exists
    );
}

#[tokio::test]
async fn of_two_writers_on_a_version_one_wins_and_the_other_is_told() {
    let store = Emulator::default().store().await;
    let task = lone_task(1);
    store.create_task(&task).await.unwrap();
    let first = running(&task);
    let second = completed(&task, json!("x".repeat(3_000)));
    store.replace_task(&task, &first).await.unwrap();
    let error = store.replace_task(&task, &second).await.unwrap_err();
    assert!(error.is_version_conflict(), "{error}");
    assert_eq!(error.code(), Some("VERSION_CONFLICT"));
    assert_eq!(store.task(task.id).await.unwrap(), Some(first));

    let missing = store
        .replace_workflow(&workflow(9), &hopped(&workflow(9), "count"))
        .await;
    assert!(missing.unwrap_err().is_version_conflict());
}

#[tokio::test]
async fn a_change_must_follow_its_version() {
    let store = Emulator::default().store().await;
    let task = lone_task(1);
    store.create_task(&task).await.unwrap();
    for version in [0, 1, 3, u64::MAX] {
        let after = TaskInstance {
            version,
            ..task.clone()
        };
        let error = store.replace_task(&task, &after).await.unwrap_err();
        assert!(matches!(error, Error::VersionSkipped { .. }), "{error}");
    }
}

#[tokio::test]
async fn only_parts_that_are_new_are_written() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let mut before = workflow(1);
    before.input = json!("x".repeat(3_000)).into();
    before.variables = object(json!({ "v": "y".repeat(20_000) }));
    store.create_workflow(&before).await.unwrap();
    assert_eq!(emulator.calls().len(), 3);
    let mut after = hopped(&before, "count");
    after.variables = before.variables.clone();
    store.replace_workflow(&before, &after).await.unwrap();
    assert_eq!(emulator.calls().len(), 1);
}

/// The times to live of the parts that were written since calls were last asked for.
fn part_lives(emulator: &Emulator) -> Vec<Option<i64>> {
    let calls = emulator.calls();
    let parts = calls.iter().map(|call| &call.request["Item"]);
    parts
        .filter(|item| {
            item["part"]["S"]
                .as_str()
                .is_some_and(|part| part.starts_with("p#"))
        })
        .map(|item| {
            item["ttl"]["N"]
                .as_str()
                .map(|seconds| seconds.parse().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn parts_live_as_long_as_their_record() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let mut task = lone_task(1);
    task.input = json!("x".repeat(3_000));
    store.create_task(&task).await.unwrap();
    let [Some(first)] = part_lives(&emulator)[..] else {
        panic!("one part")
    };
    let years = |years: u64| years * 365 * 24 * 60 * 60 * 1000;
    assert!(first >= at(years(2)).epoch_seconds());

    // A year later the part is renewed.
    let next = TaskInstance {
        updated_at: at(years(1)),
        version: 2,
        ..task.clone()
    };
    store.replace_task(&task, &next).await.unwrap();
    let year = 365 * 24 * 60 * 60;
    assert_eq!(part_lives(&emulator), [Some(first + year)]);

    // An end with an expiry within the part's life leaves it; one for ever takes it along.
    let ended = TaskInstance {
        updated_at: at(years(1)),
        ..completed(&next, json!(1))
    };
    store.replace_task(&next, &ended).await.unwrap();
    assert_eq!(part_lives(&emulator), []);
    let kept = TaskInstance {
        expires_at: None,
        version: ended.version + 1,
        ..ended.clone()
    };
    store.replace_task(&ended, &kept).await.unwrap();
    assert_eq!(part_lives(&emulator), [None]);
    assert_eq!(store.task(task.id).await.unwrap(), Some(kept));
}

#[tokio::test]
async fn a_task_sees_the_variables_that_its_workflow_had() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    for (number, size) in [(1, 10), (2, 1_000), (3, 20_000)] {
        let mut before = workflow(number);
        before.variables =
            object(json!({ "v": "x".repeat(size), "share": 0.123_456_789_012_345_68 }));
        store.create_workflow(&before).await.unwrap();
        // What was loaded gives the same snapshot as what was written.
        let loaded = store.workflow(before.id).await.unwrap().unwrap();
        let mut task = step_task(number, before.id);
        task.context.workflow_variables = snapshot_of(&loaded.variables);
        store.create_task(&task).await.unwrap();
        store
            .replace_workflow(&before, &hopped(&before, "count"))
            .await
            .unwrap();
        let task = store.task(task.id).await.unwrap().unwrap();
        assert_eq!(store.variables_of(&task).await.unwrap(), before.variables);
    }
    let hash = "00112233445566778899aabbccddeeff";
    let none = store
        .variables(&tenant("acme"), workflow_id(1), hash)
        .await
        .unwrap();
    assert_eq!(none, None);
    let error = store
        .variables(&tenant("acme"), workflow_id(1), "../x")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_not_guessed() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let mut task = lone_task(1);
    task.input = json!("x".repeat(2_000));
    store.create_task(&task).await.unwrap();
    let calls = emulator.calls();
    let head = &calls
        .iter()
        .find(|call| call.request["Item"]["part"]["S"] == "head")
        .unwrap();
    let head = head.request["Item"].clone();
    let cases = [
        ("v", Value::Null, "v is missing"),
        ("v", json!({ "S": "1" }), "v is no number"),
        ("sb", json!({ "S": "acme#GONE#0" }), "no status is \"GONE\""),
        ("sb", json!({ "S": "acme" }), "sb cannot be \"acme\""),
        ("ty", json!({ "S": "X" }), "no type is \"X\""),
        ("d", json!({ "S": "x@1" }), "d cannot be \"1\""),
        ("out", json!({ "S": "{" }), "out: EOF"),
        (
            "in",
            json!({ "B": "cA==" }),
            "in: it refers to an unknown place",
        ),
        (
            "in",
            json!({ "B": "cAAAAAAAAAAAAAAAAAAAAAA=" }),
            "what in refers to is gone",
        ),
        (
            "in",
            json!({ "B": "YgAAAAAAAAAAAAAAAAAAAAA=" }),
            "what in refers to is gone",
        ),
    ];
    for (attribute, value, expected) in cases {
        let mut broken = head.clone();
        broken[attribute] = value;
        broken
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        emulator.put("TaskInstances", &broken).await;
        let error = store.task(task.id).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.to_string().contains(&task.id.to_string()), "{error}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "x{0,3000}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,8}", inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_payload_comes_back(input in any_json(), output in any_json(), details in any_json()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Emulator::default().store().await;
            let mut task = lone_task(1);
            task.input = input;
            task.context.workflow_variables = snapshot_of(&object(json!({ "d": details })));
            if !matches!(
                task.context.workflow_variables,
                taskmill::task::instance::VariablesSnapshot::Inline(_)
            ) {
                task.context.workflow_instance_id = Some(workflow_id(1));
            }
            check_task(&store, &task).await;
            let done = completed(&task, output);
            store.replace_task(&task, &done).await.unwrap();
            assert_eq!(store.task(task.id).await.unwrap(), Some(done));
        });
    }
}
