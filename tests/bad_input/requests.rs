//! Requests that cannot be granted, records of others, and versions that are taken.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use taskmill::codes::refusal::{INVALID_INPUT, NOT_FOUND, PAYLOAD_TOO_LARGE, PERMISSION_DENIED};
use taskmill::codes::registration::{UNKNOWN_TASK_DEFINITION, VERSION_EXISTS};
use taskmill::ids::{DefinitionId, TaskId, TenantId, WorkflowId};
use taskmill::limits;
use taskmill::security::Caller;
use taskmill_app::create_task::{CreateTask, create_task};
use taskmill_app::start_workflow::{StartWorkflow, start_workflow};
use taskmill_app::{App, Refusal, views};
use taskmill_aws::store::PageRequest;
use uuid::Uuid;

use super::{DEFINITIONS, pointers, script, started, too_deep};
use crate::support::{
    HOUR, Records, aws, caller, create, pass, register, settle, start, task_request, tenant,
    try_register, workflow_request,
};

/// What is asked for.
enum Asked {
    Task(CreateTask),
    Workflow(StartWorkflow),
}

impl Asked {
    fn task(definition: &str, input: Value) -> Self {
        Self::Task(CreateTask {
            idempotency_key: None,
            ..task_request(definition, input, "k")
        })
    }

    fn workflow(definition: &str, input: Value) -> Self {
        Self::Workflow(StartWorkflow {
            idempotency_key: None,
            ..workflow_request(definition, input, "k")
        })
    }

    /// The same of a range of versions.
    fn of(self, range: &str) -> Self {
        let range = range.parse().ok();
        match self {
            Self::Task(request) => Self::Task(CreateTask {
                task_version: range,
                ..request
            }),
            Self::Workflow(request) => Self::Workflow(StartWorkflow {
                workflow_version: range,
                ..request
            }),
        }
    }

    async fn refusal(self, app: &App, caller: &Caller) -> Refusal {
        match self {
            Self::Task(request) => create_task(app, caller, request).await.unwrap_err(),
            Self::Workflow(request) => start_workflow(app, caller, request).await.unwrap_err(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_granted_is_refused_with_its_code_and_leaves_nothing() {
    let lines = json!([{"qty": 0}, {"qty": "x"}]);
    let long = "x".repeat(limits::REFERENCE_CHARS + 1);
    let huge = json!({"all": "x".repeat(limits::PAYLOAD_BYTES)});
    let with_long_key = CreateTask {
        idempotency_key: Some(long.clone()),
        ..task_request("echo", json!({}), "k")
    };
    let with_long_correlation = StartWorkflow {
        correlation_id: Some(long),
        ..workflow_request("plain", json!({"order": {"id": 1}}), "k")
    };
    let strict = json!({"name": "a long name", "lines": lines, "more": 1});
    let cases: Vec<(Asked, &str, &str)> = vec![
        (
            Asked::task("none", json!({})),
            NOT_FOUND,
            "task definition none",
        ),
        (Asked::task("echo", json!({})).of("^2"), NOT_FOUND, "^2"),
        (
            Asked::workflow("none", json!({})),
            NOT_FOUND,
            "workflow definition none",
        ),
        (
            Asked::workflow("plain", json!({})).of(">1.0.0"),
            NOT_FOUND,
            ">1.0.0",
        ),
        (Asked::task("strict", json!([])), INVALID_INPUT, "the whole"),
        (Asked::task("strict", strict), INVALID_INPUT, "and 3 more"),
        (Asked::workflow("plain", json!({})), INVALID_INPUT, "order"),
        (
            Asked::workflow("plain", json!({"order": {}})),
            INVALID_INPUT,
            "/order",
        ),
        (
            Asked::task("guarded", json!({})),
            PERMISSION_DENIED,
            "ann lacks approve, sign",
        ),
        (Asked::task("echo", huge), PAYLOAD_TOO_LARGE, "67108864"),
        (Asked::task("echo", too_deep()), PAYLOAD_TOO_LARGE, "deep"),
        (
            Asked::workflow("plain", too_deep()),
            PAYLOAD_TOO_LARGE,
            "deep",
        ),
        (Asked::Task(with_long_key), INVALID_INPUT, "idempotencyKey"),
        (
            Asked::Workflow(with_long_correlation),
            INVALID_INPUT,
            "correlationId",
        ),
    ];
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script).await;
    let before = aws.meter().snapshot();
    for (asked, code, told) in cases {
        let refusal = asked.refusal(service.app(), &caller()).await;
        assert_eq!(refusal.code(), code, "{refusal}");
        assert!(refusal.to_string().contains(told), "{refusal}");
        assert_eq!(refusal.to_json()["code"], code);
    }
    pass(&aws, HOUR).await;
    let since = aws.meter().snapshot().since(&before);
    assert_eq!(since.total_capacity().write, 0.0);
    assert!(since.invocations.is_empty(), "{:?}", since.invocations);
}

#[tokio::test(start_paused = true)]
async fn every_violation_of_an_input_is_told_at_once_with_its_pointer() {
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script).await;
    let lines = json!([{"qty": 0}, {"qty": 1}, {"qty": "x"}]);
    let input = json!({"lines": lines, "name": "a long name", "more": 1});
    let refusal = Asked::task("strict", input)
        .refusal(service.app(), &caller())
        .await
        .to_json();
    let expected = ["", "/lines/0/qty", "/lines/2/qty", "/name"];
    assert_eq!(pointers(&refusal["details"]), BTreeSet::from(expected));
    // The value may be a secret, or megabytes.
    assert!(!refusal.to_string().contains("a long name"), "{refusal}");
}

#[tokio::test(start_paused = true)]
async fn what_another_tenant_has_is_not_there() {
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script).await;
    let app = service.app();
    let other = Caller {
        tenant_id: TenantId::new("acme2").unwrap(),
        ..caller()
    };
    let task = create(app, "echo", json!({"mine": 1}), "k").await;
    let workflow = start(app, "plain", json!({"order": {"id": 1}}), "k").await;
    Records::of(&aws).ended_workflow(workflow).await;
    settle(&aws).await;

    let nobodys = TaskId::new(Uuid::from_u128(1));
    for id in [task, nobodys] {
        let refusal = views::task(app, &other, id).await.unwrap_err();
        assert_eq!(
            refusal.to_string(),
            format!("NOT_FOUND: there is no task {id}")
        );
    }
    let nobodys = WorkflowId::new(Uuid::from_u128(1));
    for id in [workflow, nobodys] {
        let refusal = views::workflow(app, &other, id).await.unwrap_err();
        assert_eq!(
            refusal.to_string(),
            format!("NOT_FOUND: there is no workflow {id}")
        );
    }
    let tasks = views::tasks_of(app, &other.tenant_id, workflow).await;
    assert_eq!(tasks.unwrap(), []);
    let page = PageRequest::first(10);
    let store = app.store();
    let listed = store.tasks_of_workflow(&other.tenant_id, workflow, &page);
    assert_eq!(listed.await.unwrap().items, []);

    let asked = Asked::task("echo", json!({}));
    assert_eq!(asked.refusal(app, &other).await.code(), NOT_FOUND);
    let asked = Asked::workflow("plain", json!({"order": {"id": 1}}));
    assert_eq!(asked.refusal(app, &other).await.code(), NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn one_key_of_two_tenants_is_two_keys() {
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script).await;
    let other = Caller {
        tenant_id: TenantId::new("acme2").unwrap(),
        ..caller()
    };
    let store = service.app().store();
    let id = DefinitionId::new("echo").unwrap();
    let version = "1.0.0".parse().unwrap();
    let echo = store.task_definition(&tenant(), &id, &version).await;
    let echo = echo.unwrap().unwrap();
    let now = aws.clock().now();
    let registered = store.register_task_definition(&other.tenant_id, &echo, now);
    registered.await.unwrap();

    let mine = create(service.app(), "echo", json!({"n": 1}), "k").await;
    let request = task_request("echo", json!({"n": 2}), "k");
    let theirs = create_task(service.app(), &other, request).await.unwrap();
    assert_ne!(theirs.id, mine);
    let records = Records::of(&aws);
    assert_eq!(records.ended_task(mine).await.output, Some(json!({"n": 1})));
    assert_eq!(
        records.ended_task(theirs.id).await.output,
        Some(json!({"n": 2}))
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_is_registered_once_and_never_changes() {
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    let cases = [
        (
            DEFINITIONS.replace("builtin:echo", "builtin:noop"),
            VERSION_EXISTS,
            "/version",
        ),
        (
            DEFINITIONS.replace("[{name: echo,", "[{name: other,"),
            VERSION_EXISTS,
            "/version",
        ),
        (
            DEFINITIONS.replace("taskDefinitionId: echo", "taskDefinitionId: ecko"),
            UNKNOWN_TASK_DEFINITION,
            "/steps/0/taskDefinitionId",
        ),
        (
            DEFINITIONS.replace(
                "taskDefinitionId: echo",
                "taskDefinitionId: echo, taskVersion: ^3",
            ),
            UNKNOWN_TASK_DEFINITION,
            "/steps/0/taskVersion",
        ),
    ];
    for (text, code, pointer) in cases {
        assert_ne!(text, DEFINITIONS);
        match try_register(service.app(), &text).await {
            Err(Refusal::Problems(problems)) => {
                let told: Vec<_> = problems
                    .iter()
                    .map(|p| (p.code, p.pointer.as_str()))
                    .collect();
                assert_eq!(told, [(code, pointer)]);
            }
            other => panic!("{other:?}"),
        }
    }
    let id = create(service.app(), "echo", json!({"n": 1}), "k").await;
    let ended = Records::of(&aws).ended_task(id).await;
    assert_eq!(
        ended.output,
        Some(json!({"n": 1})),
        "it is the first that counts"
    );
}
