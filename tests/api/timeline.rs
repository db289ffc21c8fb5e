//! When what of a workflow ran, as it is drawn.

use serde_json::{Value, json};
use taskmill::security::Caller;

use super::client::World;
use crate::support::{SECOND, caller, pass, settle};

const DEFINITIONS: &str = "
id: fail
name: Fail
version: 1.0.0
type: AUTOMATED
inputSchema: {properties: {message: {x-classification: medical}}}
retryPolicy: {maxRetries: 1, retryInterval: 4000, backoffMultiplier: 1, jitter: NONE, retryableErrors: [E]}
executionConfig: {executor: 'builtin:fail'}
---
id: echo
name: Echo
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'builtin:echo'}
---
id: pair
name: Pair
version: 1.0.0
steps:
  - {name: first, taskDefinitionId: echo}
  - name: second
    taskDefinitionId: fail
    inputMappings:
      - {type: EXPRESSION, expression: '\"E\"', target: code}
      - {type: EXPRESSION, expression: '\"of Ann\"', target: message}
";

async fn timeline(world: &World, by: &Caller, path: &str) -> Value {
    world.by(by, "GET", path).answer().await.is(200).body
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_drawn_with_its_wait_and_its_error() {
    let world = World::of(DEFINITIONS).await;
    let request = json!({"workflowDefinitionId": "pair"});
    let id = world.send("/v1/workflows", request).await.is(201).id();
    settle(&world.aws).await;
    pass(&world.aws, 10 * SECOND).await;
    let path = format!("/v1/workflows/{id}/timeline");
    let drawn = timeline(&world, &caller(), &path).await;
    let record = world.get(&format!("/v1/workflows/{id}")).await.is(200).body;
    assert_eq!(drawn["from"], record["createdAt"]);
    assert_eq!(drawn["to"], record["endTime"]);
    let rows = drawn["items"].as_array().unwrap();
    let paths: Vec<&Value> = rows.iter().map(|row| &row["taskPath"]).collect();
    assert_eq!(paths, ["first", "second"]);
    let bars = rows[1]["bars"].as_array().unwrap();
    assert_eq!(bars.len(), 2);
    assert_eq!(bars[0]["error"]["code"], "E");
    assert_eq!(bars[1]["waited"], 4000);
    assert_eq!(bars[1]["endedAt"], rows[1]["endTime"]);
}

#[tokio::test(start_paused = true)]
async fn errors_tell_nothing_of_what_is_hidden() {
    let world = World::of(DEFINITIONS).await;
    let request = json!({"workflowDefinitionId": "pair"});
    let id = world.send("/v1/workflows", request).await.is(201).id();
    settle(&world.aws).await;
    let path = format!("/v1/workflows/{id}/timeline");
    let hidden = timeline(&world, &caller(), &path).await;
    let cleared = Caller {
        permissions: vec!["taskmill:data-classification:medical".to_owned()],
        ..caller()
    };
    let shown = timeline(&world, &cleared, &path).await;
    let message = "/items/1/bars/0/error/message";
    assert_eq!(shown.pointer(message).unwrap(), "of Ann");
    assert_eq!(hidden.pointer(message).unwrap(), "***");
}

#[tokio::test(start_paused = true)]
async fn a_timeline_is_read_page_by_page() {
    let world = World::of(DEFINITIONS).await;
    let request = json!({"workflowDefinitionId": "pair"});
    let id = world.send("/v1/workflows", request).await.is(201).id();
    settle(&world.aws).await;
    let path = format!("/v1/workflows/{id}/timeline?limit=1");
    let (mut found, mut next) = (Vec::new(), String::new());
    loop {
        let page = timeline(&world, &caller(), &format!("{path}{next}")).await;
        let rows = page["items"].as_array().unwrap();
        assert!(rows.len() <= 1);
        found.extend(
            rows.iter()
                .map(|row| row["taskPath"].as_str().unwrap().to_owned()),
        );
        match page["nextCursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    found.sort();
    assert_eq!(found, ["first", "second"]);
}
