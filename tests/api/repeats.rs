//! Whatever changes something is safe to repeat: every such operation of the document is done
//! twice, and counts once. Under an `Idempotency-Key` another request is refused.

use serde_json::{Value, json};
use taskmill::security::{ADMINISTER_DEAD_LETTERS, ADMINISTER_TASKS, Caller};

use super::DEFINITIONS;
use super::client::{Answer, IF_MATCH, World, person};
use super::letters::letter_of;
use crate::support::{caller, settle};

/// Ann, who may do anything.
fn ann() -> Caller {
    person("ann", &[], &[ADMINISTER_TASKS, ADMINISTER_DEAD_LETTERS])
}

/// What must have been done before an operation, how it is asked, and another request.
struct Case {
    before: &'static [(&'static str, &'static str)],
    path: &'static str,
    body: &'static str,
    other: (&'static str, &'static str),
}

const TASK: &str = "/v1/tasks/{task}";
const SIGNAL: (&str, &str) = ("/v1/workflows/{workflow}/signals", r#"{"name": "other"}"#);
const CLAIM: (&str, &str) = ("/v1/tasks/{step}/claim", "{}");
const FAIL: (&str, &str) = ("/v1/tasks/{step}/fail", r#"{"code": "ILL"}"#);
const PAUSE: (&str, &str) = ("/v1/workflows/{workflow}/pause", "{}");
const CANCEL: (&str, &str) = ("/v1/workflows/{workflow}/cancel", "{}");

/// Every operation with a key.
fn keyed(operation: &str) -> Option<Case> {
    let of_workflow = |before, path, body| Case {
        before,
        path,
        body,
        other: SIGNAL,
    };
    Some(match operation {
        "createTask" => Case {
            before: &[],
            path: "/v1/tasks",
            body: r#"{"taskDefinitionId": "echo", "input": {"n": 1}}"#,
            other: (
                "/v1/tasks",
                r#"{"taskDefinitionId": "echo", "input": {"n": 2}}"#,
            ),
        },
        "startWorkflow" => Case {
            before: &[],
            path: "/v1/workflows",
            body: r#"{"workflowDefinitionId": "pair", "input": {"n": 1}}"#,
            other: (
                "/v1/workflows",
                r#"{"workflowDefinitionId": "pair", "input": {"n": 2}}"#,
            ),
        },
        "retryTask" => Case {
            before: &[("/v1/tasks/{task}/cancel", "{}"), CLAIM, FAIL],
            path: "/v1/tasks/{task}/retry",
            body: "",
            other: ("/v1/tasks", r#"{"taskDefinitionId": "echo"}"#),
        },
        "cancelWorkflow" => of_workflow(&[], "/v1/workflows/{workflow}/cancel", "{}"),
        "pauseWorkflow" => of_workflow(&[], "/v1/workflows/{workflow}/pause", ""),
        "resumeWorkflow" => of_workflow(&[PAUSE], "/v1/workflows/{workflow}/resume", ""),
        "signalWorkflow" => of_workflow(
            &[],
            "/v1/workflows/{workflow}/signals",
            r#"{"name": "sealed", "data": 1}"#,
        ),
        "updateWorkflowVariables" => of_workflow(
            &[],
            "/v1/workflows/{workflow}/variables",
            r#"{"variables": {"a": 1}}"#,
        ),
        "retryWorkflow" => of_workflow(&[CLAIM, FAIL], "/v1/workflows/{workflow}/retry", ""),
        "rerunWorkflow" => of_workflow(&[CANCEL], "/v1/workflows/{workflow}/rerun", ""),
        "skipWorkflowStep" => of_workflow(
            &[],
            "/v1/workflows/{workflow}/skip",
            r#"{"path": "seal", "output": 1}"#,
        ),
        "triggerSchedule" => Case {
            before: &[],
            path: "/v1/schedules/yearly/trigger",
            body: "",
            other: ("/v1/workflows", r#"{"workflowDefinitionId": "pair"}"#),
        },
        _ => return bulk(operation),
    })
}

/// Every bulk operation. The other one is of other records.
fn bulk(operation: &str) -> Option<Case> {
    let case = |path, body, other| Case {
        before: &[],
        path,
        body,
        other: (path, other),
    };
    const ALL: &str = r#"{"filter": {}}"#;
    const SOME: &str = r#"{"filter": {"workflowDefinitionId": "pair"}}"#;
    Some(match operation {
        "bulkRetryWorkflows" => case("/v1/bulk/workflows/retry", ALL, SOME),
        "bulkCancelWorkflows" => case("/v1/bulk/workflows/cancel", ALL, SOME),
        "bulkRetryTasks" => case("/v1/bulk/tasks/retry", ALL, SOME),
        "bulkCancelTasks" => case("/v1/bulk/tasks/cancel", ALL, SOME),
        "bulkReassignTasks" => case(
            "/v1/bulk/tasks/reassign",
            r#"{"filter": {}, "assignee": "bob"}"#,
            r#"{"filter": {}, "assignee": "eve"}"#,
        ),
        _ => return None,
    })
}

/// Every operation that is safe to repeat without a key.
fn unkeyed(operation: &str) -> Option<Case> {
    let of_task = |before, path, body| Case {
        before,
        path,
        body,
        other: SIGNAL,
    };
    const CLAIMED: &[(&str, &str)] = &[("/v1/tasks/{task}/claim", "{}")];
    const DELEGATED: &[(&str, &str)] = &[
        ("/v1/tasks/{task}/claim", "{}"),
        ("/v1/tasks/{task}/delegate", r#"{"assignee": "bob"}"#),
    ];
    Some(match operation {
        "claimTask" => of_task(&[], "/v1/tasks/{task}/claim", ""),
        "startTask" => of_task(CLAIMED, "/v1/tasks/{task}/start", ""),
        "releaseTask" => of_task(CLAIMED, "/v1/tasks/{task}/release", ""),
        "assignTask" => of_task(&[], "/v1/tasks/{task}/assign", r#"{"assignee": "bob"}"#),
        "delegateTask" => of_task(
            CLAIMED,
            "/v1/tasks/{task}/delegate",
            r#"{"assignee": "bob"}"#,
        ),
        "resolveTask" => of_task(DELEGATED, "/v1/tasks/{task}/resolve", ""),
        "followUpTask" => of_task(
            CLAIMED,
            "/v1/tasks/{task}/follow-up",
            r#"{"until": "2026-12-01T00:00:00Z"}"#,
        ),
        "commentTask" => of_task(&[], "/v1/tasks/{task}/comment", r#"{"text": "so"}"#),
        "completeTask" => of_task(
            CLAIMED,
            "/v1/tasks/{task}/complete",
            r#"{"output": {"by": "ann"}}"#,
        ),
        "failTask" => of_task(CLAIMED, "/v1/tasks/{task}/fail", r#"{"code": "ILL"}"#),
        "cancelTask" => of_task(&[], "/v1/tasks/{task}/cancel", ""),
        "pauseSchedule" => of_task(&[], "/v1/schedules/yearly/pause", ""),
        "resumeSchedule" => of_task(
            &[("/v1/schedules/yearly/pause", "")],
            "/v1/schedules/yearly/resume",
            "",
        ),
        "cancelBulkOperation" => of_task(&[], "/v1/bulk/{bulk}/cancel", ""),
        "deprecateTaskDefinitionVersion" => of_task(
            &[],
            "/v1/task-definitions/echo/versions/1.0.0/deprecate",
            "",
        ),
        "deprecateWorkflowDefinitionVersion" => of_task(
            &[],
            "/v1/workflow-definitions/pair/versions/1.0.0/deprecate",
            "",
        ),
        "registerTaskDefinition" | "validateTaskDefinition" => of_task(
            &[],
            "/v1/task-definitions",
            r#"{"id": "new", "name": "New", "version": "1.0.0", "type": "MANUAL"}"#,
        ),
        "registerWorkflowDefinition" | "validateWorkflowDefinition" => of_task(
            &[],
            "/v1/workflow-definitions",
            r#"{"id": "new", "name": "New", "version": "1.0.0", "steps": []}"#,
        ),
        _ => return None,
    })
}

/// What is repeated elsewhere: below, callbacks in `callbacks.rs`, and what workers say in
/// `workers.rs` and `tests/workers`.
const ELSEWHERE: [&str; 8] = [
    "callBack",
    "redriveDeadLetter",
    "pollTasks",
    "startPolledTask",
    "heartbeatPolledTask",
    "completePolledTask",
    "failPolledTask",
    "releasePolledTask",
];

/// A task that stands alone, a workflow with the task of its first step, the schedule `yearly`, and
/// a bulk operation that concerns nothing.
struct Scene {
    world: World,
    bulk: String,
    task: String,
    workflow: String,
    step: String,
}

impl Scene {
    async fn set(before: &[(&str, &str)]) -> Self {
        let world = World::of(DEFINITIONS).await;
        let task = world.send("/v1/tasks", json!({"taskDefinitionId": "sign"}));
        let task = task.await.is(201).id();
        let start = json!({"workflowDefinitionId": "contract"});
        let workflow = world.send("/v1/workflows", start).await.is(201).id();
        settle(&world.aws).await;
        let yearly = json!({"id": "yearly", "workflowDefinitionId": "pair", "cron": "@yearly"});
        let put = world.by(&ann(), "PUT", "/v1/schedules/yearly");
        put.json(yearly).answer().await.is(201);
        let retry = world.send("/v1/bulk/workflows/retry", json!({"filter": {}}));
        let bulk = retry.await.is(202).id();
        settle(&world.aws).await;
        let steps = world.get(&format!("/v1/workflows/{workflow}/tasks")).await;
        let scene = Self {
            bulk,
            task,
            step: steps.is(200).each("id").remove(0),
            workflow,
            world,
        };
        for (path, body) in before {
            let done = scene.ask(path, body, &[]).await;
            assert!(done.status < 300, "{path}: {}", done.body);
            settle(&scene.world.aws).await;
        }
        scene
    }

    fn at(&self, path: &str) -> String {
        path.replace("{task}", &self.task)
            .replace("{bulk}", &self.bulk)
            .replace("{workflow}", &self.workflow)
            .replace("{step}", &self.step)
    }

    async fn ask(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let ask = self.world.by(&ann(), "POST", &self.at(path));
        let ask = headers
            .iter()
            .fold(ask, |ask, (name, value)| ask.header(name, value));
        match body {
            "" => ask.answer().await,
            body => ask.text("application/json", body.to_owned()).answer().await,
        }
    }
}

/// The POST operations of the document, each with whether it has a key.
fn operations(document: &Value) -> Vec<(String, bool)> {
    let paths = document["paths"].as_object().unwrap().values();
    let posts = paths.filter_map(|item| item.get("post"));
    let has_key = |operation: &Value| {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let mut names = parameters.map(|parameter| parameter["name"].as_str().unwrap());
        names.any(|name| name == "Idempotency-Key")
    };
    let named = |operation: &Value| {
        let name = operation["operationId"].as_str().unwrap().to_owned();
        (name, has_key(operation))
    };
    posts.map(named).collect()
}

async fn check_twice(name: &str, case: &Case, headers: &[(&str, &str)]) {
    let scene = Scene::set(case.before).await;
    let first = scene.ask(case.path, case.body, headers).await;
    assert!(first.status < 300, "{name}: {}", first.body);
    settle(&scene.world.aws).await;
    let version = async || {
        let mut versions = Vec::new();
        for path in [TASK, "/v1/workflows/{workflow}"] {
            let shown = scene.world.get(&scene.at(path)).await.is(200);
            versions.push(shown.header("etag").to_owned());
        }
        versions
    };
    let before = version().await;
    let again = scene.ask(case.path, case.body, headers).await;
    settle(&scene.world.aws).await;
    assert_eq!(again.status, first.status, "{name}: {}", again.body);
    assert_eq!(again.text("id"), first.text("id"), "{name}");
    assert_eq!(version().await, before, "{name} counts once");
    if headers.is_empty() {
        return;
    }
    let (path, body) = case.other;
    let other = scene.ask(path, body, headers).await;
    other.refused(422, "IDEMPOTENCY_CONFLICT");
}

#[tokio::test(start_paused = true)]
async fn every_operation_that_is_done_twice_counts_once() {
    let document = taskmill_api::document::openapi();
    let operations = operations(&document);
    assert!(operations.len() > 25, "{}", operations.len());
    for (name, has_key) in operations {
        if ELSEWHERE.contains(&name.as_str()) {
            continue;
        }
        let (case, headers) = match has_key {
            true => (keyed(&name), &[("idempotency-key", "k")][..]),
            false => (unkeyed(&name), &[][..]),
        };
        let case = case.unwrap_or_else(|| panic!("nothing here says how {name} is repeated"));
        check_twice(&name, &case, headers).await;
    }
}

/// It is the one that is not answered alike: what was sent back is gone.
#[tokio::test(start_paused = true)]
async fn a_letter_that_was_sent_back_is_not_sent_again() {
    let scene = Scene::set(&[]).await;
    let letter = letter_of(&scene.world, &caller()).await;
    let path = format!("/v1/dead-letters/{letter}/redrive");
    scene.ask(&path, "", &[]).await.is(200);
    scene.ask(&path, "", &[]).await.refused(404, "NOT_FOUND");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_one_version_that_was_done_is_repeated_under_its_key() {
    let scene = Scene::set(&[]).await;
    let shown = scene.world.get(&scene.at("/v1/workflows/{workflow}")).await;
    let shown = shown.is(200);
    let headers = [(IF_MATCH, shown.header("etag")), ("idempotency-key", "k")];
    let (path, body) = PAUSE;
    let paused = scene.ask(path, body, &headers).await.is(200);
    assert_ne!(paused.header("etag"), shown.header("etag"));
    let again = scene.ask(path, body, &headers).await.is(200);
    assert_eq!(again.header("etag"), paused.header("etag"));
    let unkeyed = scene.ask(path, body, &headers[..1]).await;
    unkeyed.refused(412, "PRECONDITION_FAILED");
}
