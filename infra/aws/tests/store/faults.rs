//! Answers that are lost: a write that did happen is told from one that did not.

use serde_json::json;
use taskmill_aws::store::Created;

use crate::samples::{completed, lone_task, running, workflow};
use crate::support::Emulator;

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_was_lost_is_known_for_our_own() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let task = lone_task(1);
    store.create_task(&task).await.unwrap();
    emulator.calls();
    emulator.lose_answer_of("PutItem");
    let done = completed(&task, json!(1));
    store.replace_task(&task, &done).await.unwrap();
    assert_eq!(emulator.calls().len(), 2);
    assert_eq!(store.task(task.id).await.unwrap(), Some(done.clone()));
    // The same again by hand, and then another's change of the same version.
    store.replace_task(&task, &done).await.unwrap();
    assert!(
        store
            .replace_task(&task, &running(&task))
            .await
            .unwrap_err()
            .is_version_conflict()
    );
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_was_lost_is_there() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    emulator.lose_answer_of("PutItem");
    assert_eq!(
        store.create_workflow(&workflow(1)).await.unwrap(),
        Created::Exists
    );
    assert_eq!(
        store.workflow(workflow(1).id).await.unwrap(),
        Some(workflow(1))
    );
}

#[tokio::test(start_paused = true)]
async fn a_part_without_its_head_is_no_record() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let mut task = lone_task(1);
    task.input = json!("x".repeat(2_000));
    store.create_task(&task).await.unwrap();
    let calls = emulator.calls();
    let part = calls.iter().map(|call| &call.request["Item"]);
    let part = part
        .into_iter()
        .find(|item| item["part"]["S"] != "head")
        .unwrap();
    let other = Emulator::default();
    let store = other.store().await;
    other.put("TaskInstances", part).await;
    assert_eq!(store.task(task.id).await.unwrap(), None);
}
