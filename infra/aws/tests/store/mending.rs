//! What a race or a death leaves in an inbox, and that it is mended.

use serde_json::Value;
use taskmill_aws::store::{Created, Inbox};

use crate::inbox::{CANDIDATES, filled};
use crate::people::{open_task, with};
use crate::support::Emulator;

/// The items of candidates that were put since calls were last asked for.
fn put_beside(emulator: &Emulator) -> Vec<Value> {
    let calls = emulator.calls().into_iter();
    let puts = calls.filter(|call| call.operation == "PutItem");
    let items = puts.map(|call| call.request["Item"].clone());
    let beside = |item: &Value| item["part"]["S"].as_str().unwrap().starts_with("c#");
    items.filter(beside).collect()
}

#[tokio::test]
async fn what_a_death_left_in_an_inbox_is_mended() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let task = open_task(1);
    store.create_task(&task).await.unwrap();
    let put = put_beside(&emulator);
    assert_eq!(put.len(), 3);
    let claimed = with(&task, Some("ann"));
    store.replace_task(&task, &claimed).await.unwrap();
    // The head was written, and nothing deleted.
    for item in &put {
        emulator.put("TaskInstances", item).await;
    }
    assert_eq!(filled(&store).await.len(), 4);
    store.mend_inbox(&claimed).await.unwrap();
    assert_eq!(filled(&store).await, [Inbox::Assignee("ann")]);
    emulator.calls();
    store.mend_inbox(&claimed).await.unwrap();
    let calls = emulator.calls();
    assert_eq!(
        calls.len(),
        1,
        "where nothing is to be mended a query tells"
    );
}

#[tokio::test]
async fn a_creation_that_died_before_the_inboxes_is_mended_by_its_repetition() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    store.create_task(&open_task(1)).await.unwrap();
    let calls = emulator.calls();
    let head = calls.iter().map(|call| &call.request["Item"]);
    let head = head.into_iter().find(|item| item["part"]["S"] == "head");
    let other = Emulator::default();
    let store = other.store().await;
    other.put("TaskInstances", head.unwrap()).await;
    assert_eq!(filled(&store).await, []);
    let again = store.create_task(&open_task(1)).await.unwrap();
    assert_eq!(again, Created::Exists);
    assert_eq!(filled(&store).await, CANDIDATES);
}

#[tokio::test]
async fn whoever_is_late_hides_nothing_and_leaves_nothing() {
    let store = Emulator::default().store().await;
    let task = open_task(1);
    store.create_task(&task).await.unwrap();
    let claimed = with(&task, Some("ann"));
    store.replace_task(&task, &claimed).await.unwrap();
    let released = with(&claimed, None);
    store.replace_task(&claimed, &released).await.unwrap();
    // Somebody who saw it claimed deletes only now.
    store.mend_inbox(&claimed).await.unwrap();
    assert_eq!(filled(&store).await, CANDIDATES);
    // Two give it back at once, and before the second of them is done it is claimed again.
    let again = with(&released, Some("bob"));
    store.replace_task(&released, &again).await.unwrap();
    let lost = store.replace_task(&claimed, &with(&claimed, None)).await;
    // The very same release is known for one's own only while it is the last version.
    assert!(lost.unwrap_err().is_version_conflict());
    assert_eq!(filled(&store).await, [Inbox::Assignee("bob")]);
}

#[tokio::test]
async fn what_was_put_for_a_version_that_was_never_written_is_mended() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let task = open_task(1);
    store.create_task(&task).await.unwrap();
    let claimed = with(&task, Some("ann"));
    store.replace_task(&task, &claimed).await.unwrap();
    emulator.calls();
    let released = with(&claimed, None);
    store.replace_task(&claimed, &released).await.unwrap();
    let put = put_beside(&emulator);
    // Another process: ann has the task, and whoever gives it back has put what is needed then.
    let other = Emulator::default();
    let store = other.store().await;
    store.create_task(&claimed).await.unwrap();
    for item in &put {
        other.put("TaskInstances", item).await;
    }
    assert_eq!(filled(&store).await.len(), 4);
    store.mend_inbox(&claimed).await.unwrap();
    assert_eq!(filled(&store).await, [Inbox::Assignee("ann")]);
    // Should they live, they are told, and give back what is there now.
    let lost = store.replace_task(&claimed, &released).await.unwrap_err();
    assert!(lost.is_version_conflict());
    assert_eq!(filled(&store).await, [Inbox::Assignee("ann")]);
    let now = store.task(task.id).await.unwrap().unwrap();
    assert_eq!(now.version, claimed.version + 1);
    store.replace_task(&now, &with(&now, None)).await.unwrap();
    assert_eq!(filled(&store).await, CANDIDATES);
}

#[tokio::test]
async fn who_mends_by_what_was_true_before_looks_again() {
    let store = Emulator::default().store().await;
    let task = open_task(1);
    store.create_task(&task).await.unwrap();
    let claimed = with(&task, Some("ann"));
    store.replace_task(&task, &claimed).await.unwrap();
    // It was loaded while nobody had it.
    store.mend_inbox(&task).await.unwrap();
    assert_eq!(filled(&store).await, [Inbox::Assignee("ann")]);
}
