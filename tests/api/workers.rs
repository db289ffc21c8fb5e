//! What workers that poll ask for, over HTTP.

use serde_json::{Value, json};
use taskmill::security::Caller;
use taskmill::task::TaskStatus;

use super::client::{Answer, World, stranger};
use crate::support::{SECOND, caller, pass};

const RENDER: &str = "
id: render
name: Render
version: 1.0.0
type: AUTOMATED
timeout: 600000
inputSchema: {properties: {film: {x-classification: unreleased}}}
outputSchema: {type: object, required: [frames]}
retryPolicy: {maxRetries: 2, retryInterval: 5000, jitter: NONE}
timeouts: {heartbeat: 30000}
executionConfig: {executor: 'worker:gpu', resourceRequirements: {memory: 2Gi}}
";

const POLL: &str = "/v1/workers/gpu/poll";

fn machine(permission: &str) -> Caller {
    Caller {
        user_id: "machine".to_owned(),
        permissions: vec![permission.to_owned()],
        ..caller()
    }
}

fn gpu() -> Caller {
    machine("taskmill:work:gpu")
}

/// A world with a task, and what a worker was offered.
struct Offered {
    world: World,
    offer: Value,
}

impl Offered {
    async fn start() -> Self {
        let world = World::of(RENDER).await;
        let task = json!({"taskDefinitionId": "render", "input": {"film": 1}});
        world.send("/v1/tasks", task).await.is(201);
        let ask = world.by(&gpu(), "POST", POLL);
        let polled = ask
            .json(json!({"maxTasks": 10, "waitSeconds": 20}))
            .answer();
        let polled = polled.await.is(200);
        let offer = polled.body["tasks"][0].clone();
        Self { world, offer }
    }

    async fn asks(&self, what: &str, body: Value) -> Answer {
        let id = self.offer["taskId"].as_str().unwrap();
        let path = format!("/v1/workers/gpu/tasks/{id}/{what}");
        let ask = self.world.by(&gpu(), "POST", &path);
        ask.json(body).answer().await
    }

    async fn begins(&self, worker: &str) -> Answer {
        let (attempt, receipt) = (&self.offer["attempt"], &self.offer["receipt"]);
        let body = json!({"attempt": attempt, "workerId": worker, "receipt": receipt});
        self.asks("start", body).await
    }

    async fn says(&self, what: &str, more: Value) -> Answer {
        let mut body = json!({"executionId": self.offer["executionId"], "workerId": "w1"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        self.asks(what, body).await
    }

    async fn shown(&self) -> Answer {
        let id = self.offer["taskId"].as_str().unwrap();
        self.world.get(&format!("/v1/tasks/{id}")).await.is(200)
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_is_offered_a_task_begins_it_and_ends_it() {
    let offered = Offered::start().await;
    let begun = offered.begins("w1").await.is(200);
    assert_eq!(begun.body["task"]["input"], json!({"film": 1}));
    let hidden = offered.shown().await;
    assert_eq!(hidden.body["input"], json!({"film": "***"}));
    assert_eq!(
        begun.body["task"]["executionId"],
        offered.offer["executionId"]
    );
    assert_eq!(begun.body["resourceRequirements"]["memory"], "2Gi");
    pass(&offered.world.aws, 20 * SECOND).await;
    let heard = offered
        .says("heartbeat", json!({"progress": 0.5}))
        .await
        .is(200);
    assert!(heard.text("leaseUntil") > begun.text("leaseUntil"));
    let shown = offered.shown().await;
    assert_eq!(shown.body["worker"]["progress"], 0.5);
    assert_eq!(shown.body["worker"]["leaseUntil"], heard.body["leaseUntil"]);
    let output = json!({"output": {"frames": 24}});
    let done = offered.says("complete", output.clone()).await.is(200);
    assert_eq!(done.text("status"), TaskStatus::Completed.as_str());
    offered.says("complete", output).await.is(200);
    let late = offered.says("fail", json!({"code": "NO"})).await;
    late.refused(409, "ILLEGAL_STATE");
    let shown = offered.shown().await;
    assert_eq!(shown.text("executorId"), "worker:gpu@machine/w1");
}

#[tokio::test(start_paused = true)]
async fn a_word_that_comes_late_is_a_conflict_and_changes_nothing() {
    let offered = Offered::start().await;
    offered.begins("w1").await.is(200);
    offered.begins("w2").await.refused(409, "ILLEGAL_STATE");
    pass(&offered.world.aws, 31 * SECOND).await;
    let before = offered.shown().await;
    assert_eq!(before.text("status"), "RETRY_PENDING");
    for (what, more) in [
        ("heartbeat", json!({})),
        ("complete", json!({"output": {"frames": 1}})),
        ("fail", json!({"code": "BUSY", "permanent": true})),
        ("release", json!({})),
    ] {
        let late = offered.says(what, more).await;
        late.refused(409, "VERSION_CONFLICT");
    }
    offered.begins("w1").await.refused(409, "VERSION_CONFLICT");
    assert_eq!(offered.shown().await.body, before.body);
}

#[tokio::test(start_paused = true)]
async fn what_a_worker_says_twice_counts_once() {
    let offered = Offered::start().await;
    let twice = async |what: &str, more: Value, again: u16| {
        offered.says(what, more.clone()).await.is(200);
        let before = offered.shown().await;
        offered.says(what, more).await.is(again);
        assert_eq!(offered.shown().await.body, before.body, "{what}");
    };
    for _ in 0..2 {
        offered.begins("w1").await.is(200);
        assert_eq!(offered.shown().await.body["version"], 2);
    }
    pass(&offered.world.aws, SECOND).await;
    twice("heartbeat", json!({"progress": 1}), 200).await;
    // It is nobody's then.
    twice("release", json!({}), 409).await;
    offered.begins("w1").await.is(200);
    twice("fail", json!({"code": "BUSY", "retryAfter": 0}), 200).await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_fails_with_a_pause_and_gives_back() {
    let offered = Offered::start().await;
    offered.begins("w1").await.is(200);
    let back = offered.says("release", json!({})).await.is(200);
    assert_eq!(back.text("status"), "PENDING");
    offered.begins("w1").await.is(200);
    let failure =
        json!({"code": "BUSY", "message": "m", "details": {"n": 1}, "retryAfter": 60_000});
    let failed = offered.says("fail", failure).await.is(200);
    assert_eq!(failed.text("status"), "RETRY_PENDING");
    let shown = offered.shown().await;
    assert_eq!(shown.body["error"]["details"], json!({"n": 1}));
    let retry: taskmill::Timestamp = shown.text("nextRetryAt").parse().unwrap();
    let now = offered.world.aws.clock().now();
    assert_eq!(retry.millis_since(now), 60 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_work_for_a_group_is_told_what_is_missing() {
    let offered = Offered::start().await;
    let world = &offered.world;
    for who in [
        caller(),
        machine("taskmill:work:gpu2"),
        machine("taskmill:works"),
    ] {
        let refused = world.by(&who, "POST", POLL).answer().await;
        let refused = refused.refused(403, "PERMISSION_DENIED");
        let missing = json!({"missing": ["taskmill:work:gpu"]});
        assert_eq!(refused.body["details"], missing);
    }
    let everywhere = machine("taskmill:work");
    world.by(&everywhere, "POST", POLL).answer().await.is(200);
    let nobodys = world
        .by(&everywhere, "POST", "/v1/workers/tpu/poll")
        .answer();
    nobodys.await.refused(404, "NOT_FOUND");
    let no_group = world
        .by(&everywhere, "POST", "/v1/workers/a.b/poll")
        .answer();
    no_group.await.refused(404, "NOT_FOUND");
    let stranger = Caller {
        permissions: everywhere.permissions.clone(),
        ..stranger()
    };
    let id = offered.offer["taskId"].as_str().unwrap();
    for (who, path) in [
        (&stranger, format!("/v1/workers/gpu/tasks/{id}/start")),
        (&everywhere, format!("/v1/workers/tpu/tasks/{id}/start")),
        (&everywhere, "/v1/workers/gpu/tasks/none/start".to_owned()),
    ] {
        let ask = world.by(who, "POST", &path);
        let ask = ask.json(json!({"attempt": 1, "workerId": "w1"}));
        ask.answer().await.refused(404, "NOT_FOUND");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_worker_may_not_say_is_refused_with_its_limit() {
    let offered = Offered::start().await;
    for (body, status, code) in [
        (json!({"maxTasks": 0}), 400, "OUT_OF_RANGE"),
        (json!({"maxTasks": 11}), 400, "OUT_OF_RANGE"),
        (json!({"waitSeconds": 21}), 400, "OUT_OF_RANGE"),
        (json!({"maxTasks": 300}), 422, "INVALID_INPUT"),
        (json!({"more": 1}), 422, "INVALID_INPUT"),
    ] {
        let ask = offered.world.by(&gpu(), "POST", POLL).json(body);
        ask.answer().await.refused(status, code);
    }
    offered.begins("").await.refused(422, "INVALID_INPUT");
    let long = "w".repeat(129);
    offered.begins(&long).await.refused(422, "INVALID_INPUT");
    offered.begins("w1").await.is(200);
    for (what, more) in [
        ("heartbeat", json!({"progress": "x".repeat(1023)})),
        ("fail", json!({"code": ""})),
        (
            "fail",
            json!({"code": "A", "retryAfter": 400_u64 * 24 * 3_600_000}),
        ),
        ("fail", json!({})),
        ("complete", json!({"executionId": "none"})),
    ] {
        let refused = offered.says(what, more).await;
        refused.refused(422, "INVALID_INPUT");
    }
    let progress = json!({"progress": "x".repeat(1022)});
    offered.says("heartbeat", progress).await.is(200);
}

#[tokio::test(start_paused = true)]
async fn a_group_is_known_after_a_restart_before_anything_is_offered_to_it() {
    let world = World::of(RENDER).await.restarted().await;
    let poll = async |group: &str| {
        let path = format!("/v1/workers/{group}/poll");
        let ask = world.by(&machine("taskmill:work"), "POST", &path);
        let body = json!({"maxTasks": 1, "waitSeconds": 0});
        ask.json(body).answer().await
    };
    assert_eq!(poll("gpu").await.is(200).body["tasks"], json!([]));
    poll("nobodys").await.refused(404, "NOT_FOUND");
    let task = json!({"taskDefinitionId": "render", "input": {"film": 1}});
    world.send("/v1/tasks", task).await.is(201);
    pass(&world.aws, SECOND).await;
    let offered = poll("gpu").await.is(200);
    assert_eq!(offered.body["tasks"].as_array().map(Vec::len), Some(1));
}
