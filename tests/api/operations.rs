//! What is asked of workflows over HTTP.

use serde_json::{Value, json};

use super::DEFINITIONS;
use super::client::{Answer, IF_MATCH, World};
use crate::support::{caller, settle};

/// A workflow that waits for a person.
struct Waiting {
    world: World,
    path: String,
}

impl Waiting {
    async fn start() -> Self {
        let world = World::of(DEFINITIONS).await;
        let start = json!({"workflowDefinitionId": "contract"});
        let started = world.send("/v1/workflows", start).await.is(201);
        settle(&world.aws).await;
        Self {
            path: started.header("location").to_owned(),
            world,
        }
    }

    async fn ask(&self, what: &str, body: Value) -> Answer {
        self.world
            .send(&format!("{}/{what}", self.path), body)
            .await
    }

    /// Somebody does the work of the first step.
    async fn sign(&self) {
        let tasks = self.world.get(&format!("{}/tasks", self.path)).await;
        let task = format!("/v1/tasks/{}", tasks.is(200).each("id")[0]);
        self.world.post(&format!("{task}/claim")).await.is(200);
        let done = json!({"output": {"by": "ann"}});
        self.world
            .send(&format!("{task}/complete"), done)
            .await
            .is(200);
        settle(&self.world.aws).await;
    }

    async fn status(&self) -> String {
        let shown = self.world.get(&self.path).await.is(200);
        shown.text("status").to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_is_accepted_kept_and_taken_once_under_its_key() {
    let waiting = Waiting::start().await;
    for _ in 0..2 {
        let path = format!("{}/signals", waiting.path);
        let ask = waiting.world.by(&caller(), "POST", &path);
        let ask = ask.header("idempotency-key", "seal");
        let signal = json!({"name": "sealed", "data": {"in": "wax"}});
        ask.json(signal).answer().await.is(202);
    }
    waiting.sign().await;
    let ended = waiting.world.get(&waiting.path).await.is(200);
    assert_eq!(ended.text("status"), "COMPLETED");
    assert_eq!(ended.body["output"], json!({"in": "wax"}));
    let late = waiting.ask("signals", json!({"name": "sealed"})).await;
    late.is_problem(409, "ILLEGAL_STATE");
}

#[tokio::test(start_paused = true)]
async fn a_workflow_is_paused_changed_skipped_and_cancelled() {
    let waiting = Waiting::start().await;
    let paused = waiting.ask("pause", json!({})).await.is(200);
    assert_eq!(paused.text("status"), "PAUSED");
    let again = waiting.ask("pause", json!({})).await;
    again.is_problem(409, "ILLEGAL_STATE");
    let resumed = waiting.ask("resume", json!({})).await.is(200);
    assert_eq!(resumed.text("status"), "RUNNING");
    let set = waiting
        .ask("variables", json!({"variables": {"a": 1}}))
        .await;
    assert_eq!(set.is(200).body["variables"], json!({"a": 1}));
    let reserved = json!({"variables": {"context": 1}});
    waiting
        .ask("variables", reserved)
        .await
        .is_problem(422, "INVALID_INPUT");
    waiting
        .ask("skip", json!({"path": "nowhere"}))
        .await
        .is(404);
    waiting.ask("skip", json!({"path": "sign"})).await.is(200);
    let cancel = json!({"reason": "enough", "compensate": true});
    let cancelled = waiting.ask("cancel", cancel).await.is(200);
    assert_eq!(cancelled.text("status"), "CANCELLED");
    waiting.ask("retry", json!({})).await.is(200);
    assert_eq!(waiting.status().await, "RUNNING");
    waiting
        .world
        .post(&format!("{}/cancel", waiting.path))
        .await
        .is(200);
    waiting
        .world
        .post(&format!("{}/rerun", waiting.path))
        .await
        .is(200);
    assert_eq!(waiting.status().await, "RUNNING");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_one_version_is_none_of_another() {
    let waiting = Waiting::start().await;
    let shown = waiting.world.get(&waiting.path).await.is(200);
    let ask = async |what: &str, tag: &str| {
        let path = format!("{}/{what}", waiting.path);
        let ask = waiting.world.by(&caller(), "POST", &path);
        ask.header(IF_MATCH, tag).answer().await
    };
    let first = shown.header("etag");
    let paused = ask("pause", first).await.is(200);
    for what in ["resume", "cancel"] {
        ask(what, first)
            .await
            .is_problem(412, "PRECONDITION_FAILED");
    }
    ask("pause", paused.header("etag"))
        .await
        .is_problem(409, "ILLEGAL_STATE");
    let resumed = ask("resume", paused.header("etag")).await.is(200);
    assert_eq!(resumed.text("status"), "RUNNING");
    assert_eq!(waiting.status().await, "RUNNING");
}
