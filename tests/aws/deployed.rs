//! What is deployed, tried from outside: `tests/aws/run` deploys the template onto an emulator that
//! is not ours and that refuses what a role does not allow, and these go through its functions,
//! queues and tables in real time.
//!
//! `TASKMILL_STACK` is the name of the stack, `TASKMILL_OUTPUTS` a file with its outputs and
//! `TASKMILL_COMMAND` the `taskmill` command; where AWS is, and as whom to speak to it, is told as
//! the SDK is always told.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; the lint spares test functions alone, not their helpers"
)]

mod stack;

use serde_json::{Value, json};
use taskmill::codes::failure;
use taskmill::task::TaskStatus;
use taskmill::workflow::WorkflowStatus;
use taskmill_app::views;
use taskmill_aws::queues::{Message, QueueName};

use stack::Stack;

#[tokio::test]
async fn a_task_runs() {
    let stack = Stack::of("task").await;
    let task = stack.task("echo", json!({"text": "ünïcode"})).await;
    assert_eq!(task.status, TaskStatus::Completed);
    assert_eq!(task.output, Some(json!({"text": "ünïcode"})));
}

#[tokio::test]
async fn an_urgent_task_runs_by_the_other_queue() {
    let stack = Stack::of("urgent").await;
    let request = json!({"taskDefinitionId": "echo", "input": 1, "priority": "CRITICAL"});
    let created = stack.invoke("createTask", request).await;
    let id = created["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(stack.ended_task(id).await.status, TaskStatus::Completed);
}

#[tokio::test]
async fn a_value_that_no_item_holds_goes_by_the_bucket() {
    let stack = Stack::of("payload").await;
    let input = json!({"text": "x".repeat(100_000)});
    let task = stack.task("echo", input.clone()).await;
    assert_eq!(task.output, Some(input));
}

#[tokio::test]
async fn an_attempt_that_lives_for_long_is_recorded_as_running() {
    let stack = Stack::of("slow").await;
    let task = stack.task("slow", json!({"millis": 2500})).await;
    assert_eq!(task.status, TaskStatus::Completed);
    // Created, begun, ended.
    assert_eq!(task.version, 3);
}

#[tokio::test]
async fn tasks_that_may_run_one_at_a_time_wait_in_line() {
    let stack = Stack::of("line").await;
    let input = || json!({"millis": 1000});
    let (a, b, c) = tokio::join!(
        stack.task("single", input()),
        stack.task("single", input()),
        stack.task("single", input()),
    );
    let mut runs = [a, b, c].map(|task| (task.start_time.unwrap(), task.end_time.unwrap()));
    runs.sort_unstable();
    for pair in runs.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "{runs:?}");
    }
}

#[tokio::test]
async fn a_task_that_fails_is_tried_again_after_its_delay() {
    let stack = Stack::of("retry").await;
    let task = stack.task("flaky", json!({"times": 1})).await;
    assert_eq!(task.status, TaskStatus::Completed);
    assert_eq!(task.attempt(), 2);
    let took = task.updated_at.millis_since(task.created_at);
    assert!(took >= 2000, "{took} ms");
}

#[tokio::test]
async fn a_task_calls_the_functions_that_the_deployment_names_and_no_others() {
    let stack = Stack::of("functions").await;
    let task = stack.task("call", json!({"number": 21})).await;
    assert_eq!(task.output, Some(json!({"doubled": 42, "attempt": 1})));

    let task = stack.task("trespass", json!({"number": 21})).await;
    assert_eq!(task.status, TaskStatus::Failed);
    assert_eq!(task.error.unwrap().code, "LAMBDA_REFUSED");
}

#[tokio::test]
async fn a_task_runs_a_state_machine() {
    let stack = Stack::of("states").await;
    let task = stack.task("machine", json!({"number": 21})).await;
    assert_eq!(task.output, Some(json!({"doubled": 42})));
}

#[tokio::test]
async fn a_state_machine_waits_for_a_task_by_its_token() {
    let stack = Stack::of("machine").await;
    let input = json!({"task": "echo", "input": {"text": "waited for"}});
    let execution = stack.execution("waiting-machine", input).await;
    let output: Value = serde_json::from_str(execution.output().unwrap()).unwrap();
    assert_eq!(output, json!({"text": "waited for"}));

    let input = json!({"task": "flaky", "input": {"code": "BROKEN", "permanent": true}});
    let execution = stack.execution("waiting-machine", input).await;
    assert_eq!(execution.error(), Some("BROKEN"));
}

#[tokio::test]
async fn a_workflow_of_three_steps_hands_on_its_data() {
    let stack = Stack::of("sequence").await;
    let workflow = stack.workflow("sequence", json!({"number": 3})).await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    assert_eq!(workflow.output, Some(json!({"number": 12})));
    let tasks = views::tasks_of(&stack.app, &workflow.tenant_id, workflow.id).await;
    assert_eq!(tasks.unwrap().len(), 3);
}

#[tokio::test]
async fn a_map_runs_a_task_for_each_item() {
    let stack = Stack::of("map").await;
    let workflow = stack
        .workflow("map", json!({"list": [1, 2, 3, 4, 5]}))
        .await;
    let expected: Vec<Value> = (1..=5).map(|number| json!({"number": number})).collect();
    assert_eq!(workflow.output, Some(json!(expected)));
}

#[tokio::test]
async fn the_branches_of_a_parallel_end_together() {
    let stack = Stack::of("parallel").await;
    let workflow = stack.workflow("parallel", json!({})).await;
    assert_eq!(workflow.output, Some(json!(["x", "y"])));
}

#[tokio::test]
async fn a_wait_lasts_as_long_as_it_says() {
    let stack = Stack::of("wait").await;
    let workflow = stack.workflow("wait", json!({})).await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    let took = workflow.updated_at.millis_since(workflow.created_at);
    assert!(took >= 3000, "{took} ms");
}

#[tokio::test]
async fn a_workflow_runs_another() {
    let stack = Stack::of("parent").await;
    let workflow = stack.workflow("parent", json!({"number": 5})).await;
    assert_eq!(workflow.output, Some(json!(20)));
}

#[tokio::test]
async fn a_limit_is_kept_by_the_sweep_of_the_minute() {
    let stack = Stack::of("limited").await;
    let workflow = stack.workflow("limited", json!({})).await;
    assert_eq!(workflow.status, WorkflowStatus::TimedOut);
    assert_eq!(workflow.error.unwrap().code, failure::TIMEOUT);
}

#[tokio::test]
async fn the_command_works_on_the_stack_by_its_name() {
    let stack = Stack::of("command").await;
    let again = stack.define(include_str!("definitions.yaml"));
    let mut again = again.as_array().unwrap().iter();
    assert!(again.all(|one| one["registered"] == "SAME"));

    let input = json!({"number": 4}).to_string();
    let start = ["start", "sequence", "--input", &input];
    let ended = stack.says(&[&start[..], &["--wait"]].concat());
    assert_eq!(ended["output"], json!({"number": 16}));
    let id = ended["id"].as_str().unwrap();
    assert_eq!(stack.says(&["show", id])["status"], "COMPLETED");
    let listed = stack.says(&["list", "--workflow", "sequence"]);
    assert_eq!(listed[0]["id"], id);
    let tasks = stack.says(&["list", "--tasks", "--status", "completed"]);
    assert_eq!(tasks.as_array().unwrap().len(), 3);

    let waiting = stack.says(&["start", "limited"]);
    let id = waiting["id"].as_str().unwrap();
    assert_eq!(stack.says(&["cancel", id])["status"], "CANCELLED");
    let refused = stack.command(&["pause", id]);
    assert_eq!(refused.status.code(), Some(2));
    let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.contains("ILLEGAL_STATE"), "{refused}");
}

#[tokio::test]
async fn the_api_is_for_whom_its_gateway_knows() {
    let stack = Stack::of("api").await;
    let ann = stack.token(json!({"tenant": "api", "sub": "ann"})).await;
    let start = json!({"workflowDefinitionId": "sequence", "input": {"number": 5}});
    let headers = [("prefer", "wait=20"), ("idempotency-key", "once")];
    let started = stack.post(&ann, "/v1/workflows", &headers, &start).await;
    assert_eq!(started.status, 201, "{}", started.body);
    let id = started.body["id"].as_str().unwrap();
    let again = stack.post(&ann, "/v1/workflows", &headers, &start).await;
    assert_eq!(again.body["id"], id);
    stack.ended_workflow(id.parse().unwrap()).await;
    let path = format!("/v1/workflows/{id}");
    let shown = stack.get(&ann, &path).await;
    assert_eq!(
        (shown.status, &shown.body["status"]),
        (200, &json!("COMPLETED"))
    );
    assert_eq!(shown.body["output"], json!({"number": 20}));
    assert_eq!(shown.body["securityContext"]["userId"], "ann");

    let eve = stack
        .token(json!({"tenant": "umbrella", "sub": "eve"}))
        .await;
    assert_eq!(stack.get(&eve, &path).await.status, 404);
    let elsewhere = json!({"tenant": "api", "sub": "ann", "aud": "others"});
    let elsewhere = stack.token(elsewhere).await;
    for stranger in ["", "x", &elsewhere] {
        assert_eq!(stack.get(stranger, &path).await.status, 401, "{stranger}");
    }
    assert_eq!(stack.get("", "/readyz").await.body, json!({"status": "ok"}));
    let document = stack.get("", "/openapi.json").await;
    assert_eq!(document.body["openapi"], "3.1.0");
}

#[tokio::test]
async fn the_api_may_do_whatever_its_routes_do() {
    let stack = Stack::of("routes").await;
    let permissions = "taskmill:administer-dead-letters taskmill:administer-tasks";
    let root = json!({"tenant": "routes", "sub": "root", "permissions": permissions});
    let root = stack.token(root).await;
    let posted = async |path: &str, body: Value| {
        let posted = stack.post(&root, path, &[], &body).await;
        assert!(posted.status < 300, "{path}: {}", posted.body);
        posted.body
    };
    let sign = json!({"id": "sign", "name": "Sign", "version": "1.0.0", "type": "MANUAL"});
    posted("/v1/task-definitions", sign).await;
    let task = posted("/v1/tasks", json!({"taskDefinitionId": "sign"})).await;
    let task = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
    for (act, body) in [
        ("claim", json!({})),
        ("start", json!({})),
        ("complete", json!({"output": "done"})),
    ] {
        posted(&format!("{task}/{act}"), body).await;
    }
    let deprecate = "/v1/task-definitions/sign/versions/1.0.0/deprecate";
    posted(deprecate, json!({})).await;
    let text = "x".repeat(100_000);
    let large = json!({"taskDefinitionId": "echo", "input": {"text": text}});
    posted("/v1/tasks", large).await;
    let limited = posted("/v1/workflows", json!({"workflowDefinitionId": "limited"})).await;
    let limited = limited["id"].as_str().unwrap();
    for operation in ["pause", "resume", "cancel"] {
        posted(&format!("/v1/workflows/{limited}/{operation}"), json!({})).await;
    }
    for (kind, filter) in [
        ("workflows", json!({"workflowDefinitionId": "limited"})),
        ("tasks", json!({"taskDefinitionId": "sign"})),
        ("tasks", json!({"workflowId": limited})),
    ] {
        for dry_run in [true, false] {
            let body = json!({"filter": filter, "dryRun": dry_run});
            posted(&format!("/v1/bulk/{kind}/cancel"), body).await;
        }
    }
    for path in [
        &format!("{task}/form"),
        "/v1/inbox",
        "/v1/tasks",
        "/v1/task-definitions",
        "/v1/workflows",
        "/v1/workflows?workflowDefinitionId=limited",
        "/v1/bulk",
    ] {
        let listed = stack.get(&root, path).await;
        assert_eq!(listed.status, 200, "{path}: {}", listed.body);
    }

    let message = Message::StartWorkflow {
        caller: stack.caller(),
        request: json!({"workflowDefinitionId": "postponed", "input": {}, "idempotencyKey": "postponed"}),
    };
    stack.send(QueueName::Create, &message.to_body(0)).await;
    stack.dead_letter(QueueName::Create, "postponed").await;
    let postponed = json!({
        "id": "postponed", "name": "Postponed", "version": "1.0.0",
        "steps": [{"name": "only", "taskDefinitionId": "echo"}],
    });
    posted("/v1/workflow-definitions", postponed).await;
    stack.redrive_over_http(&root).await;
    let id =
        taskmill::ids::WorkflowId::from_idempotency_key(&stack.caller().tenant_id, "postponed");
    let workflow = stack.ended_workflow(id).await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
}

#[tokio::test]
async fn a_poison_message_is_kept_with_its_reason() {
    let stack = Stack::of("poison").await;
    stack.send(QueueName::Create, "{not json: poison").await;
    let letter = stack
        .dead_letter(QueueName::Create, "{not json: poison")
        .await;
    let reason = letter["reason"].as_str().unwrap();
    assert!(reason.contains("key must be a string"), "{reason}");

    stack.send(QueueName::Result, "{\"poison\": true}").await;
    let letter = stack.dead_letter(QueueName::Result, "poison").await;
    assert!(!letter["reason"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn a_dead_letter_does_its_work_once_it_can() {
    let stack = Stack::of("redrive").await;
    let request = json!({"workflowDefinitionId": "late", "input": {}, "idempotencyKey": "late"});
    let message = Message::StartWorkflow {
        caller: stack.caller(),
        request,
    };
    stack.send(QueueName::Create, &message.to_body(0)).await;
    let letter = stack.dead_letter(QueueName::Create, "late").await;
    let reason = letter["reason"].as_str().unwrap();
    assert!(reason.starts_with("NOT_FOUND"), "{reason}");
    assert_eq!(letter["message"]["definitionId"], "late");

    let late =
        "{id: late, name: Late, version: 1.0.0, steps: [{name: only, taskDefinitionId: echo}]}";
    assert_eq!(stack.define(late)[0]["registered"], "NEW");
    stack.redrive(&letter).await;
    let id = taskmill::ids::WorkflowId::from_idempotency_key(&stack.caller().tenant_id, "late");
    let workflow = stack.ended_workflow(id).await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
}
