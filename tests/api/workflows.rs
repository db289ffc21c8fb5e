//! Workflows over HTTP: starting them, waiting for their end, and finding them.

use std::collections::BTreeSet;

use serde_json::json;

use super::DEFINITIONS;
use super::client::World;
use crate::support::{SECOND, caller, pass, settle};

#[tokio::test(start_paused = true)]
async fn a_workflow_is_started_and_shown_with_its_tasks() {
    let world = World::of(DEFINITIONS).await;
    let request = json!({"workflowDefinitionId": "pair", "input": {"n": 1}, "correlationId": "c"});
    let started = world.send("/v1/workflows", request).await.is(201);
    assert_eq!(started.text("status"), "RUNNING");
    let path = format!("/v1/workflows/{}", started.id());
    assert_eq!(started.header("location"), path);
    settle(&world.aws).await;
    let shown = world.get(&path).await.is(200);
    assert_eq!(shown.text("status"), "COMPLETED");
    // Both were created in the same millisecond of virtual time, so either may come first.
    let tasks = shown.body["taskInstances"].as_array().unwrap();
    let paths: BTreeSet<_> = tasks.iter().map(|task| task["taskPath"].as_str()).collect();
    assert_eq!(paths, BTreeSet::from([Some("one"), Some("two")]));
    let listed = world.get(&format!("{path}/tasks?status=COMPLETED")).await;
    let listed = BTreeSet::from_iter(listed.is(200).each("taskPath"));
    assert_eq!(listed, ["one", "two"].map(str::to_owned).into());
}

#[tokio::test(start_paused = true)]
async fn a_start_waits_for_the_end_as_long_as_it_is_asked_to() {
    let world = World::of(DEFINITIONS).await;
    let start = async |definition: &str, wait: &str| {
        let before = world.aws.clock().now();
        let ask = world.by(&caller(), "POST", "/v1/workflows");
        let ask = ask.header("prefer", wait);
        let body = json!({"workflowDefinitionId": definition});
        let started = ask.json(body).answer().await.is(201);
        (started, world.aws.clock().now().millis_since(before))
    };
    let (ended, took) = start("pair", "wait=10").await;
    assert_eq!(ended.text("status"), "COMPLETED");
    assert_eq!(ended.header("preference-applied"), "wait=10");
    assert!(took < SECOND, "{took}");
    let (open, took) = start("contract", "wait=10").await;
    assert_eq!((open.text("status"), took), ("RUNNING", 10 * SECOND));
    let (open, took) = start("contract", "wait=3600").await;
    assert_eq!(open.header("preference-applied"), "wait=25");
    assert_eq!(took, 25 * SECOND);
    let (open, took) = start("contract", "respond-async").await;
    assert_eq!((open.header("preference-applied"), took), ("", 0));

    let ask = world
        .by(&caller(), "POST", "/v1/tasks")
        .header("prefer", "wait=10");
    let task = ask.json(json!({"taskDefinitionId": "echo"})).answer().await;
    assert_eq!(task.is(201).text("status"), "COMPLETED");
}

#[tokio::test(start_paused = true)]
async fn workflows_are_listed_by_what_they_are_and_how_they_stand() {
    let world = World::of(DEFINITIONS).await;
    let start = async |definition: &str| {
        let request = json!({"workflowDefinitionId": definition});
        let started = world.send("/v1/workflows", request).await.is(201).id();
        pass(&world.aws, SECOND).await;
        started
    };
    let (first, second, open) = (
        start("pair").await,
        start("pair").await,
        start("contract").await,
    );
    let check = async |query: &str, expected: &[&String]| {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/workflows?limit=1&{query}{cursor}");
            let page = world.get(&path).await.is(200);
            found.extend(page.each("id"));
            match page.body["nextCursor"].as_str() {
                None => break,
                Some(next) => cursor = format!("&cursor={next}"),
            }
        }
        let expected: Vec<String> = expected.iter().map(|id| (*id).clone()).collect();
        assert_eq!(found, expected, "{query}");
    };
    check("", &[&open, &second, &first]).await;
    check("status=COMPLETED", &[&second, &first]).await;
    check("status=RUNNING", &[&open]).await;
    check("workflowDefinitionId=pair", &[&second, &first]).await;
    check("workflowDefinitionId=pair&status=RUNNING", &[]).await;
    check("workflowDefinitionId=nothing", &[]).await;
}
