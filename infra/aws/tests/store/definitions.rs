//! Definitions: registered once, found by version, listed by id, each tenant's its own.

use semver::Version;
use serde_json::{Value, json};
use taskmill::ids::WorkerGroup;
use taskmill::limits;
use taskmill::task::TaskDefinition;
use taskmill::workflow::WorkflowDefinition;
use taskmill_aws::store::{DefinitionKind, Error, PageRequest, Registered};

use crate::samples::{at, definition, tenant};
use crate::support::Emulator;

fn task(id: &str, version: &str, metadata: Value) -> TaskDefinition {
    serde_json::from_value(json!({
        "id": id,
        "name": "Checksum",
        "type": "AUTOMATED",
        "version": version,
        "inputSchema": { "type": "object", "required": ["path"] },
        "executionConfig": { "executor": "process:sha256sum" },
        "metadata": metadata,
    }))
    .unwrap()
}

fn workflow(id: &str, version: &str) -> WorkflowDefinition {
    let steps = json!([{ "name": "checksum", "taskDefinitionId": "checksum" }]);
    serde_json::from_value(
        json!({ "id": id, "version": version, "name": "Intake", "steps": steps }),
    )
    .unwrap()
}

#[tokio::test]
async fn a_version_is_registered_once_and_never_changes() {
    let store = Emulator::default().store().await;
    let acme = tenant("acme");
    let first = task("checksum", "1.0.0", json!({ "a": 1, "b": 2 }));
    let register = |definition: TaskDefinition| {
        let (store, acme) = (store.clone(), acme.clone());
        async move {
            store
                .register_task_definition(&acme, &definition, at(0))
                .await
        }
    };
    assert_eq!(register(first.clone()).await.unwrap(), Registered::New);
    assert_eq!(register(first.clone()).await.unwrap(), Registered::Same);
    // The order of fields is no content, and the times it was given at its registration neither.
    let reordered = task("checksum", "1.0.0", json!({ "b": 2, "a": 1 }));
    assert_eq!(register(reordered).await.unwrap(), Registered::Same);
    let error = register(task("checksum", "1.0.0", json!({ "a": 2 })))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::VersionExists { .. }), "{error}");
    assert_eq!(error.code(), Some("VERSION_EXISTS"));
    let moved = TaskDefinition {
        created_at: Some(at(5)),
        ..first.clone()
    };
    assert!(register(moved).await.is_err());

    let stored = store
        .task_definition(&acme, &first.id, &first.version)
        .await
        .unwrap();
    let times = (Some(at(0)), Some(at(0)));
    let expected = TaskDefinition {
        created_at: times.0,
        updated_at: times.1,
        ..first
    };
    assert_eq!(stored, Some(expected));
}

#[tokio::test]
async fn versions_and_ids_are_listed_by_kind_and_tenant() {
    let store = Emulator::default().store().await;
    let (acme, other) = (tenant("acme"), tenant("other"));
    for version in ["1.10.0", "1.9.0", "2.0.0-rc.1"] {
        let definition = task("checksum", version, json!({}));
        store
            .register_task_definition(&acme, &definition, at(0))
            .await
            .unwrap();
    }
    store
        .register_task_definition(&acme, &task("count", "1.0.0", json!({})), at(0))
        .await
        .unwrap();
    store
        .register_workflow_definition(&acme, &workflow("checksum", "3.0.0"), at(0))
        .await
        .unwrap();
    store
        .register_task_definition(&other, &task("secret", "1.0.0", json!({})), at(0))
        .await
        .unwrap();

    let checksum = definition("checksum");
    let versions = store
        .task_definition_versions(&acme, &checksum)
        .await
        .unwrap();
    assert_eq!(
        versions,
        ["1.9.0", "1.10.0", "2.0.0-rc.1"].map(|v| v.parse().unwrap())
    );
    let versions = store
        .workflow_definition_versions(&acme, &checksum)
        .await
        .unwrap();
    assert_eq!(versions, [Version::new(3, 0, 0)]);
    let task_ids = store
        .definition_ids(&acme, DefinitionKind::Task)
        .await
        .unwrap();
    assert_eq!(task_ids, [definition("checksum"), definition("count")]);
    let workflow_ids = store
        .definition_ids(&acme, DefinitionKind::Workflow)
        .await
        .unwrap();
    assert_eq!(workflow_ids, [definition("checksum")]);

    let secret = definition("secret");
    let version = Version::new(1, 0, 0);
    assert_eq!(
        store
            .task_definition_versions(&acme, &secret)
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        store
            .task_definition(&acme, &secret, &version)
            .await
            .unwrap(),
        None
    );
    assert!(
        store
            .task_definition(&other, &secret, &version)
            .await
            .unwrap()
            .is_some()
    );
    let as_workflow = store
        .workflow_definition(&other, &secret, &version)
        .await
        .unwrap();
    assert_eq!(as_workflow, None);
}

#[tokio::test]
async fn a_workflow_definition_comes_back() {
    let store = Emulator::default().store().await;
    let given = workflow("intake", "1.0.0");
    let acme = tenant("acme");
    let registered = store
        .register_workflow_definition(&acme, &given, at(7))
        .await
        .unwrap();
    assert_eq!(registered, Registered::New);
    let stored = store
        .workflow_definition(&acme, &given.id, &given.version)
        .await
        .unwrap();
    let times = (Some(at(7)), Some(at(7)));
    let expected = WorkflowDefinition {
        created_at: times.0,
        updated_at: times.1,
        ..given
    };
    assert_eq!(stored, Some(expected));
}

#[tokio::test]
async fn a_definition_is_held_up_to_its_limit() {
    let store = Emulator::default().store().await;
    let acme = tenant("acme");
    let of_size = |bytes: usize| task("checksum", "1.0.0", json!({ "x": "y".repeat(bytes) }));
    let mut times = of_size(0);
    times.created_at = Some(at(0));
    times.updated_at = Some(at(0));
    let room = limits::DEFINITION_BYTES - serde_json::to_string(&times).unwrap().len();
    let error = store
        .register_task_definition(&acme, &of_size(room + 1), at(0))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("PAYLOAD_TOO_LARGE"));
    let most = of_size(room);
    store
        .register_task_definition(&acme, &most, at(0))
        .await
        .unwrap();
    let stored = store
        .task_definition(&acme, &most.id, &most.version)
        .await
        .unwrap();
    assert_eq!(stored.unwrap().metadata, most.metadata);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_was_written_but_not_listed_is_listed_by_a_repeat() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let acme = tenant("acme");
    let given = task("checksum", "1.0.0", json!({}));
    let stored = TaskDefinition {
        created_at: Some(at(0)),
        updated_at: Some(at(0)),
        ..given.clone()
    };
    let item = json!({
        "owner": { "S": "acme#checksum" },
        "entry": { "S": "TASK#1.0.0" },
        "doc": { "S": serde_json::to_string(&stored).unwrap() },
    });
    emulator.put("Definitions", &item).await;
    assert_eq!(
        store
            .task_definition_versions(&acme, &given.id)
            .await
            .unwrap(),
        []
    );
    let registered = store
        .register_task_definition(&acme, &given, at(9))
        .await
        .unwrap();
    assert_eq!(registered, Registered::Same);
    let versions = store
        .task_definition_versions(&acme, &given.id)
        .await
        .unwrap();
    assert_eq!(versions, [given.version]);
}

#[tokio::test]
async fn nothing_new_is_of_a_deprecated_version_which_stays_listed() {
    let store = Emulator::default().store().await;
    let (acme, checksum) = (tenant("acme"), definition("checksum"));
    for version in ["1.0.0", "1.1.0"] {
        let definition = task("checksum", version, json!({}));
        let registered = store.register_task_definition(&acme, &definition, at(0));
        registered.await.unwrap();
    }
    let newest = Version::new(1, 1, 0);
    for _ in 0..2 {
        let deprecated = store.deprecate(&acme, DefinitionKind::Task, &checksum, &newest);
        deprecated.await.unwrap();
    }
    let in_use = store.task_definition_versions(&acme, &checksum).await;
    assert_eq!(in_use.unwrap(), [Version::new(1, 0, 0)]);
    let listed = store.listed_versions(&acme, DefinitionKind::Task, &checksum);
    let listed: Vec<(String, bool)> = listed
        .await
        .unwrap()
        .into_iter()
        .map(|one| (one.version.to_string(), one.deprecated))
        .collect();
    let expected = [("1.0.0", false), ("1.1.0", true)];
    assert_eq!(listed, expected.map(|(text, flag)| (text.to_owned(), flag)));
    let stored = store.task_definition(&acme, &checksum, &newest).await;
    assert!(stored.unwrap().is_some(), "what is of it goes on");
}

#[tokio::test]
async fn definitions_are_listed_page_by_page_to_their_tenant_alone() {
    let store = Emulator::default().store().await;
    let (acme, other) = (tenant("acme"), tenant("other"));
    for (owner, id) in [(&acme, "a"), (&acme, "b"), (&acme, "c"), (&other, "d")] {
        let definition = task(id, "1.0.0", json!({}));
        let registered = store.register_task_definition(owner, &definition, at(0));
        registered.await.unwrap();
    }
    let mut ids = Vec::new();
    let mut request = PageRequest::first(2);
    let mut cursors = Vec::new();
    loop {
        let page = store.definitions(&acme, DefinitionKind::Task, &request);
        let page = page.await.unwrap();
        assert!(page.items.len() <= 2);
        ids.extend(page.items.into_iter().map(|one| one.id.to_string()));
        match page.next {
            None => break,
            Some(next) => {
                request = PageRequest::after(2, next.clone());
                cursors.push(next);
            }
        }
    }
    assert_eq!(ids, ["a", "b", "c"]);
    let stolen = PageRequest::after(2, cursors.remove(0));
    for (owner, kind) in [
        (&other, DefinitionKind::Task),
        (&acme, DefinitionKind::Workflow),
    ] {
        let refused = store.definitions(owner, kind, &stolen).await;
        assert!(matches!(refused, Err(Error::BadCursor(_))));
    }
}

#[tokio::test]
async fn a_group_that_a_definition_names_is_known_to_its_tenant_and_is_no_definition() {
    let store = Emulator::default().store().await;
    let (acme, other) = (tenant("acme"), tenant("other"));
    let group = WorkerGroup::new("gpu").unwrap();
    assert!(!store.is_group_named(&acme, &group).await.unwrap());
    for _ in 0..2 {
        store.name_group(&acme, &group).await.unwrap();
    }
    assert!(store.is_group_named(&acme, &group).await.unwrap());
    assert!(!store.is_group_named(&other, &group).await.unwrap());
    for kind in [DefinitionKind::Task, DefinitionKind::Workflow] {
        assert_eq!(store.definition_ids(&acme, kind).await.unwrap(), []);
    }
}
