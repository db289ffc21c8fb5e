//! Bulk operations over HTTP: counting, accepting, following and stopping them.

use serde_json::json;

use super::DEFINITIONS;
use super::client::{World, stranger};
use crate::support::{SECOND, caller, pass, settle};

#[tokio::test(start_paused = true)]
async fn an_operation_is_counted_accepted_and_followed() {
    let world = World::of(DEFINITIONS).await;
    for _ in 0..3 {
        let request = json!({"workflowDefinitionId": "contract"});
        world.send("/v1/workflows", request).await.is(201);
    }
    settle(&world.aws).await;
    let path = "/v1/bulk/workflows/cancel";
    let dry = json!({"filter": {"workflowDefinitionId": "contract"}, "dryRun": true});
    let counted = world.send(path, dry).await.is(200);
    assert_eq!(
        (&counted.body["total"], &counted.body["more"]),
        (&json!(3), &json!(false))
    );
    assert_eq!(counted.body["ids"].as_array().unwrap().len(), 3);

    let begin = || {
        let ask = world
            .by(&caller(), "POST", path)
            .header("idempotency-key", "k");
        let body = json!({"filter": {"workflowDefinitionId": "contract"}, "reason": "enough"});
        ask.json(body).answer()
    };
    let begun = begin().await.is(202);
    assert_eq!(
        (begun.text("status"), begun.header("etag")),
        ("COUNTING", "\"1\"")
    );
    let own = format!("/v1/bulk/{}", begun.id());
    assert_eq!(begun.header("location"), own);
    pass(&world.aws, SECOND).await;
    let ended = world.get(&own).await.is(200);
    let figures = ["status", "total", "done", "failed"].map(|name| ended.body[name].clone());
    assert_eq!(figures, [json!("COMPLETED"), json!(3), json!(3), json!(0)]);
    assert_eq!(begin().await.is(202).id(), begun.id());
    let listed = world.get("/v1/bulk?limit=5").await.is(200);
    assert_eq!(listed.each("id"), [begun.id()]);
    let stopped = world.post(&format!("{own}/cancel")).await.is(200);
    assert_eq!(stopped.text("status"), "COMPLETED", "it was over");
    for (method, path) in [("GET", own.clone()), ("POST", format!("{own}/cancel"))] {
        world.by(&stranger(), method, &path).answer().await.is(404);
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_are_asked_in_bulk_and_what_cannot_be_asked_is_refused() {
    let world = World::of(DEFINITIONS).await;
    let request = json!({"taskDefinitionId": "sign"});
    world.send("/v1/tasks", request).await.is(201);
    for what in ["retry", "cancel", "reassign"] {
        let path = format!("/v1/bulk/tasks/{what}");
        let mut body = json!({"filter": {"type": "MANUAL"}, "dryRun": true});
        if what == "reassign" {
            body["assignee"] = json!("bob");
        }
        let counted = world.send(&path, body.clone()).await.is(200);
        assert_eq!(counted.body["total"], u64::from(what != "retry"), "{what}");
        body["filter"] = json!({"status": "COMPLETED"});
        world.send(&path, body).await.refused(422, "INVALID_INPUT");
    }
    let path = "/v1/bulk/workflows/retry";
    let counted = world
        .send(path, json!({"filter": {}, "dryRun": true}))
        .await;
    assert_eq!(counted.is(200).body["total"], 0);
    let unknown = world.send(path, json!({"filter": {"colour": "red"}})).await;
    unknown.refused(422, "INVALID_INPUT");
    let list = world.send(path, json!({"filter": [null, null]})).await;
    list.refused(422, "INVALID_INPUT");
    let nothing = world
        .send(
            "/v1/bulk/tasks/reassign",
            json!({"filter": {}, "assignee": ""}),
        )
        .await;
    nothing.refused(422, "INVALID_INPUT");
}
