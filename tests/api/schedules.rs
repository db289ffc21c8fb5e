//! Schedules over HTTP: defining, finding and stopping them, and starting their workflows by hand.

use serde_json::json;

use super::DEFINITIONS;
use super::client::{World, stranger};
use crate::support::{HOUR, caller, pass};

#[tokio::test(start_paused = true)]
async fn a_schedule_is_defined_shown_stopped_and_deleted() {
    let world = World::of(DEFINITIONS).await;
    let body = json!({"id": "hourly", "workflowDefinitionId": "pair", "cron": "0 * * * *"});
    let put = async |tag: &str| {
        let ask = world.by(&caller(), "PUT", "/v1/schedules/hourly");
        let ask = if tag.is_empty() {
            ask
        } else {
            ask.header("if-match", tag)
        };
        ask.json(body.clone()).answer().await
    };
    let new = put("").await.is(201);
    assert_eq!(new.header("location"), "/v1/schedules/hourly");
    assert_eq!(
        (new.header("etag"), new.text("status")),
        ("\"1\"", "ACTIVE")
    );
    assert_eq!(new.text("nextAt"), "2026-11-21T22:00:00.000Z");
    let anew = put("\"1\"").await.is(200);
    assert_eq!(anew.header("etag"), "\"2\"");
    put("\"1\"").await.refused(412, "PRECONDITION_FAILED");
    pass(&world.aws, HOUR).await;

    let shown = world.get("/v1/schedules/hourly").await.is(200);
    assert_eq!(shown.body["runs"][0]["outcome"], "STARTED");
    let started = shown.body["runs"][0]["workflowInstanceId"]
        .as_str()
        .unwrap();
    let workflow = world.get(&format!("/v1/workflows/{started}")).await.is(200);
    assert_eq!(workflow.text("createdBy"), "ann");
    let listed = world.get("/v1/schedules?limit=1").await.is(200);
    assert_eq!(listed.each("id"), ["hourly"]);

    let paused = world.post("/v1/schedules/hourly/pause").await.is(200);
    assert_eq!(paused.text("status"), "PAUSED");
    let triggered = world.post("/v1/schedules/hourly/trigger").await.is(201);
    assert_eq!(
        triggered.header("location"),
        format!("/v1/workflows/{}", triggered.id())
    );
    let resumed = world.post("/v1/schedules/hourly/resume").await.is(200);
    assert_eq!(resumed.text("status"), "ACTIVE");
    let delete = || world.by(&caller(), "DELETE", "/v1/schedules/hourly");
    let stale = delete().header("if-match", "\"1\"").answer().await;
    stale.is(412);
    delete().answer().await.is(204);
    delete().answer().await.is(404);
    world.get("/v1/schedules/hourly").await.is(404);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_is_wrong_is_refused_with_its_problems() {
    let world = World::of(DEFINITIONS).await;
    let check = async |name: &str, text: &str, code: &str, pointer: &str| {
        let ask = world.by(&caller(), "PUT", &format!("/v1/schedules/{name}"));
        let ask = ask.text("application/yaml", text.to_owned());
        let refused = ask.answer().await.refused(422, code);
        assert_eq!(refused.body["problems"][0]["pointer"], pointer, "{text}");
    };
    let of = |cron: &str| format!("id: s\nworkflowDefinitionId: pair\ncron: '{cron}'\n");
    check("s", &of("0 0 30 2 *"), "BAD_CRON", "/cron").await;
    check("other", &of("@daily"), "WRONG_TYPE", "/id").await;
    let zone = format!("{}timeZone: Mars/Olympus\n", of("@daily"));
    check("s", &zone, "UNKNOWN_TIME_ZONE", "/timeZone").await;
    let nothing = of("@daily").replace("pair", "nothing");
    check(
        "s",
        &nothing,
        "UNKNOWN_WORKFLOW_DEFINITION",
        "/workflowDefinitionId",
    )
    .await;
    let task = "{id: s, name: S, version: 1.0.0, type: MANUAL}";
    check("s", task, "WRONG_TYPE", "").await;
}

#[tokio::test(start_paused = true)]
async fn another_tenants_schedule_is_not_there() {
    let world = World::of(DEFINITIONS).await;
    let body = json!({"id": "hourly", "workflowDefinitionId": "pair", "cron": "0 * * * *"});
    let put = world.by(&caller(), "PUT", "/v1/schedules/hourly");
    put.json(body).answer().await.is(201);
    for (method, path) in [
        ("GET", "/v1/schedules/hourly"),
        ("DELETE", "/v1/schedules/hourly"),
        ("POST", "/v1/schedules/hourly/pause"),
        ("POST", "/v1/schedules/hourly/resume"),
        ("POST", "/v1/schedules/hourly/trigger"),
    ] {
        world.by(&stranger(), method, path).answer().await.is(404);
    }
    let listed = world.by(&stranger(), "GET", "/v1/schedules").answer().await;
    assert_eq!(listed.is(200).body["items"], json!([]));
}
