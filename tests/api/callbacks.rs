//! Callbacks over HTTP: who has the address may tell one end, and nobody else anything.

use serde_json::json;

use super::client::World;
use crate::support::{Answer, Script, create, settle};

const DEFINITIONS: &str = "
id: order
name: Order
version: 1.0.0
type: INTEGRATION
outputSchema: {type: [object, 'null']}
executionConfig: {executor: 'https://example.com/orders', callback: true}
";

/// A world in which a task was handed over, its id, and where its end is told.
async fn handed_over() -> (World, String, String) {
    let script = Script::new(|_| Answer::HandOver);
    let world = World::answering(DEFINITIONS, script.clone()).await;
    let id = create(world.service.app(), "order", json!({}), "k").await;
    settle(&world.aws).await;
    let token = script.calls().remove(0).token;
    (world, id.to_string(), format!("/v1/callbacks/{token}"))
}

#[tokio::test(start_paused = true)]
async fn whoever_has_the_address_tells_the_end_and_again() {
    let (world, id, path) = handed_over().await;
    for _ in 0..2 {
        let body = json!({"output": {"number": 7}});
        let told = world
            .nobody("POST", &path)
            .json(body)
            .answer()
            .await
            .is(200);
        assert_eq!(told.body, json!({"taskId": id, "status": "COMPLETED"}));
    }
    let task = world.get(&format!("/v1/tasks/{id}")).await.is(200);
    assert_eq!(task.body["output"], json!({"number": 7}));
    let other = json!({"error": {"code": "LATE"}});
    let told = world.nobody("POST", &path).json(other).answer().await;
    told.refused(409, "ILLEGAL_STATE");
}

#[tokio::test(start_paused = true)]
async fn a_body_says_one_end_and_null_is_an_output() {
    let (world, id, path) = handed_over().await;
    let both = json!({"output": 1, "error": {"code": "X"}});
    for body in [
        json!({}),
        both,
        json!({"error": {}}),
        json!({"error": {"code": ""}}),
    ] {
        let told = world.nobody("POST", &path).json(body).answer().await;
        told.refused(422, "INVALID_INPUT");
    }
    let broken = json!({"output": "no object"});
    let told = world.nobody("POST", &path).json(broken).answer().await;
    told.refused(422, "INVALID_INPUT");
    let null = json!({"output": null});
    world
        .nobody("POST", &path)
        .json(null)
        .answer()
        .await
        .is(200);
    let task = world.get(&format!("/v1/tasks/{id}")).await.is(200);
    assert_eq!(task.body["status"], "COMPLETED");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_signed_is_nowhere() {
    let (world, _, path) = handed_over().await;
    let cut = &path[..path.len() - 2];
    for forged in [
        cut,
        "/v1/callbacks/a",
        "/v1/callbacks/%00",
        "/v1/callbacks/a.b.c",
    ] {
        let body = json!({"output": {}});
        let told = world.nobody("POST", forged).json(body).answer().await;
        told.refused(404, "NOT_FOUND");
    }
}
