//! Large inputs: one object for a workflow and all its batches.

use serde_json::json;
use taskmill::workflow::WorkflowInstance;
use taskmill_aws::store::Store;

use crate::forms::batch_of_iterations;
use crate::samples::{workflow, workflow_id};
use crate::support::Emulator;

/// A workflow with a large input, and a batch of it.
fn pair() -> (WorkflowInstance, WorkflowInstance) {
    let mut owner = workflow(1);
    owner.input = json!({"items": "x".repeat(10_000)}).into();
    let mut part = batch_of_iterations();
    part.id = workflow_id(2);
    part.input = owner.input.clone();
    let parent = part.parent.as_mut().unwrap();
    parent.id = owner.id;
    parent.workflow_id = owner.id;
    (owner, part)
}

async fn moved_on(store: &Store, before: &WorkflowInstance) -> WorkflowInstance {
    let loaded = store.workflow(before.id).await.unwrap().unwrap();
    assert_eq!(loaded, *before);
    let after = WorkflowInstance {
        version: before.version + 1,
        ..loaded.clone()
    };
    store.replace_workflow(&loaded, &after).await.unwrap();
    after
}

#[tokio::test]
async fn a_large_input_is_stored_once_for_a_workflow_and_its_batches() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let (owner, part) = pair();
    store.create_workflow(&owner).await.unwrap();
    store.create_workflow(&part).await.unwrap();
    assert_eq!(emulator.objects().len(), 1);
    let (owner, part) = (
        moved_on(&store, &owner).await,
        moved_on(&store, &part).await,
    );
    assert_eq!(emulator.objects().len(), 1);
    // Another process knows nothing of what this one has read.
    let other = emulator.store().await;
    moved_on(&other, &owner).await;
    moved_on(&other, &part).await;
    assert_eq!(emulator.objects().len(), 1);
}

#[tokio::test]
async fn a_batch_that_was_read_by_another_process_still_refers_to_its_workflow() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let (owner, part) = pair();
    store.create_workflow(&owner).await.unwrap();
    store.create_workflow(&part).await.unwrap();
    let loaded = store.workflow(part.id).await.unwrap().unwrap();
    let other = emulator.store().await;
    let after = WorkflowInstance {
        version: loaded.version + 1,
        ..loaded.clone()
    };
    other.replace_workflow(&loaded, &after).await.unwrap();
    assert_eq!(emulator.objects().len(), 1);
    assert_eq!(other.workflow(part.id).await.unwrap(), Some(after));
}
