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

    /// Ann takes the task of the first step, and says what became of it.
    async fn do_task(&self, act: &str, what: Value) {
        let tasks = format!("{}/tasks?status=PENDING", self.path);
        let tasks = self.world.get(&tasks).await.is(200);
        let task = format!("/v1/tasks/{}", tasks.each("id")[0]);
        self.world.post(&format!("{task}/claim")).await.is(200);
        let act = format!("{task}/{act}");
        self.world.send(&act, what).await.is(200);
        settle(&self.world.aws).await;
    }

    async fn sign(&self) {
        let done = json!({"output": {"by": "ann"}});
        self.do_task("complete", done).await;
    }

    async fn fail(&self) {
        self.do_task("fail", json!({"code": "ILL"})).await;
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
    late.refused(409, "ILLEGAL_STATE");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_to_a_workflow_has_a_length() {
    let waiting = Waiting::start().await;
    let longest = "x".repeat(256);
    for bad in [String::new(), format!("{longest}x")] {
        let signal = waiting.ask("signals", json!({"name": bad})).await;
        signal.refused(422, "INVALID_INPUT");
        let cancel = waiting.ask("cancel", json!({"reason": bad})).await;
        cancel.refused(422, "INVALID_INPUT");
    }
    let signal = waiting.ask("signals", json!({"name": longest})).await;
    signal.is(202);
}

#[tokio::test(start_paused = true)]
async fn a_workflow_is_paused_changed_skipped_and_cancelled() {
    let waiting = Waiting::start().await;
    let paused = waiting.ask("pause", json!({})).await.is(200);
    assert_eq!(paused.text("status"), "PAUSED");
    let again = waiting.ask("pause", json!({})).await;
    again.refused(409, "ILLEGAL_STATE");
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
        .refused(422, "INVALID_INPUT");
    waiting
        .ask("skip", json!({"path": "nowhere"}))
        .await
        .is(404);
    waiting.ask("skip", json!({"path": "sign"})).await.is(200);
    let cancel = json!({"reason": "enough", "compensate": true});
    let cancelled = waiting.ask("cancel", cancel).await.is(200);
    assert_eq!(cancelled.text("status"), "CANCELLED");
    let late = waiting.ask("retry", json!({})).await;
    late.refused(409, "ILLEGAL_STATE");
}

#[tokio::test(start_paused = true)]
async fn a_workflow_that_failed_goes_on_where_it_failed_or_from_its_start() {
    let waiting = Waiting::start().await;
    for again in ["retry", "rerun"] {
        waiting.fail().await;
        assert_eq!(waiting.status().await, "FAILED");
        let path = format!("{}/{again}", waiting.path);
        waiting.world.post(&path).await.is(200);
        settle(&waiting.world.aws).await;
        assert_eq!(waiting.status().await, "RUNNING", "{again}");
    }
    waiting.sign().await;
    let path = json!({"path": "nowhere"});
    let refused = waiting.ask("rerun", path).await;
    assert!(refused.status >= 400, "{}", refused.body);
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
        ask(what, first).await.refused(412, "PRECONDITION_FAILED");
    }
    ask("pause", paused.header("etag"))
        .await
        .refused(409, "ILLEGAL_STATE");
    let resumed = ask("resume", paused.header("etag")).await.is(200);
    assert_eq!(resumed.text("status"), "RUNNING");
    assert_eq!(waiting.status().await, "RUNNING");
}
