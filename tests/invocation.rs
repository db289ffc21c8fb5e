//! `create-task` as it is invoked: by its queue, with a batch, and directly, with one request.

use serde_json::{Value, json};
use taskmill::codes::refusal::{IDEMPOTENCY_CONFLICT, INVALID_INPUT, NOT_FOUND, PERMISSION_DENIED};
use taskmill_app::create_task::handle_any;
use taskmill_aws::queues::Message;

use crate::support::{
    Records, Script, aws, batch, caller, deaf, register, service, task_of, task_request,
    workflow_of, workflow_request,
};

const DEFINITIONS: &str = "
id: echo
name: Echo
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'builtin:echo'}
---
id: guarded
name: Guarded
version: 1.0.0
type: AUTOMATED
securityRequirements: {requiredPermissions: [approve]}
executionConfig: {executor: 'builtin:noop'}
---
id: plain
name: Plain
version: 1.0.0
inputSchema: {type: object, properties: {n: {type: integer}}}
steps: [{name: echo, taskDefinitionId: echo}]
";

/// Ann's invocation for this.
fn by_ann(asked: Value) -> Value {
    let mut event = json!({"tenantId": "acme", "userId": "ann", "permissions": ["read"]});
    let fields = event.as_object_mut().unwrap();
    fields.extend(asked.as_object().unwrap().clone());
    event
}

fn for_task(n: u64) -> Value {
    by_ann(json!({"createTask": {
        "taskDefinitionId": "echo", "taskVersion": "^1", "input": {"n": n}, "idempotencyKey": "k",
    }}))
}

fn for_workflow(n: u64) -> Value {
    by_ann(json!({"startWorkflow": {
        "workflowDefinitionId": "plain", "input": {"n": n}, "idempotencyKey": "k",
    }}))
}

#[tokio::test(start_paused = true)]
async fn a_request_is_answered_with_its_record_and_its_repeat_with_the_same() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, DEFINITIONS).await;
    let (task, workflow) = (task_of("k").to_string(), workflow_of("k").to_string());
    let cases = [
        (for_task(1), task, "PENDING"),
        (for_workflow(1), workflow, "RUNNING"),
    ];
    for (event, id, status) in cases {
        let first = handle_any(&app, event.clone()).await.unwrap();
        assert_eq!(
            (&first["id"], &first["status"]),
            (&json!(id), &json!(status))
        );
        assert_eq!(
            (&first["tenantId"], &first["input"]),
            (&json!("acme"), &json!({"n": 1}))
        );
        assert_eq!(handle_any(&app, event).await.unwrap(), first);
    }
    assert_eq!(Records::of(&aws).due().await, 2);
}

/// What a function cannot be invoked with, the code of its refusal, and what is told.
fn refused() -> Vec<(Value, &'static str, &'static str)> {
    let task = |request: Value| by_ann(json!({ "createTask": request }));
    let workflow = |request: Value| by_ann(json!({ "startWorkflow": request }));
    let both = json!({
        "createTask": {"taskDefinitionId": "echo"},
        "startWorkflow": {"workflowDefinitionId": "plain"},
    });
    let either = "either createTask or startWorkflow";
    let of_other = json!({"tenantId": "acme2", "userId": "ann",
        "createTask": {"taskDefinitionId": "echo"}});
    let of_nobody = json!({"tenantId": "acme", "createTask": {"taskDefinitionId": "echo"}});
    vec![
        (by_ann(both), INVALID_INPUT, either),
        (by_ann(json!({})), INVALID_INPUT, either),
        (json!(null), INVALID_INPUT, "invalid type: null"),
        (
            json!({"Records": 1}),
            INVALID_INPUT,
            "invalid type: integer",
        ),
        (
            by_ann(json!({"createtask": {}})),
            INVALID_INPUT,
            "unknown field `createtask`",
        ),
        (
            by_ann(json!({"roles": "clerk"})),
            INVALID_INPUT,
            "invalid type: string",
        ),
        (of_nobody, INVALID_INPUT, "missing field `userId`"),
        (task(json!(7)), INVALID_INPUT, "invalid type: integer"),
        (
            task(json!({})),
            INVALID_INPUT,
            "missing field `taskDefinitionId`",
        ),
        (
            task(json!({"taskDefinitionId": 7})),
            INVALID_INPUT,
            "invalid type: integer",
        ),
        (
            task(json!({"taskDefinitionId": "echo", "inptu": {}})),
            INVALID_INPUT,
            "unknown field `inptu`",
        ),
        (
            task(json!({"taskDefinitionId": "echo", "idempotencyKey": ""})),
            INVALID_INPUT,
            "idempotencyKey must have 1 to",
        ),
        (
            task(json!({"taskDefinitionId": "none"})),
            NOT_FOUND,
            "task definition none",
        ),
        (of_other, NOT_FOUND, "task definition echo"),
        (
            task(json!({"taskDefinitionId": "guarded"})),
            PERMISSION_DENIED,
            "ann lacks approve",
        ),
        (
            workflow(json!({"workflowDefinitionId": "none"})),
            NOT_FOUND,
            "workflow definition none",
        ),
        (
            workflow(json!({"workflowDefinitionId": "plain", "input": {"n": "x"}})),
            INVALID_INPUT,
            "/n",
        ),
        (
            for_task(2),
            IDEMPOTENCY_CONFLICT,
            "was used with another request",
        ),
        (
            for_workflow(2),
            IDEMPOTENCY_CONFLICT,
            "was used with another request",
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn an_invocation_that_cannot_be_granted_is_refused_with_its_code_and_leaves_nothing() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, DEFINITIONS).await;
    for granted in [for_task(1), for_workflow(1)] {
        handle_any(&app, granted).await.unwrap();
    }
    let sent = aws.meter().snapshot();
    for (event, code, told) in refused() {
        let refusal = handle_any(&app, event.clone()).await.unwrap_err();
        assert_eq!(refusal.code(), code, "{event}: {refusal}");
        let text = refusal.to_string();
        assert!(
            text.starts_with(code) && text.contains(told),
            "{event}: {text}"
        );
    }
    let usage = aws.meter().since(&sent);
    assert_eq!(usage.requests_of("sqs"), 0);
    assert_eq!(Records::of(&aws).due().await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_the_queue_is_handled_and_what_is_refused_is_put_aside() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    let caller = caller();
    let task = Message::CreateTask {
        caller: caller.clone(),
        request: json!(task_request("echo", json!({"n": 1}), "k")),
    };
    let workflow = Message::StartWorkflow {
        caller: caller.clone(),
        request: json!(workflow_request("plain", json!({"n": 1}), "k")),
    };
    let refused = Message::CreateTask {
        caller,
        request: json!({"taskDefinitionId": "none"}),
    };
    let bodies = [task, workflow, refused].map(|message| message.to_body(0));
    let event = batch(&bodies.each_ref().map(|body| (body.as_str(), 1)));
    let answer = handle_any(service.app(), event).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));

    let records = Records::of(&aws);
    assert_eq!(
        records.ended_task(task_of("k")).await.output,
        Some(json!({"n": 1}))
    );
    records.ended_workflow(workflow_of("k")).await;
    let letters = service.dead_letters().await.unwrap();
    let [letter] = letters.as_slice() else {
        panic!("{letters:?}");
    };
    assert_eq!((letter.queue, &letter.body), ("create", &bodies[2]));
    let reason = letter.reason.as_deref().unwrap();
    assert!(reason.starts_with(NOT_FOUND), "{reason}");
}
