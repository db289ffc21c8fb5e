//! How an instance is shown: with the fields of both documents, and without what is not there.

use serde_json::{Value, json};

use super::*;
use crate::task::attempt::Outcome;
use crate::task::creation::{self, Overrides};
use crate::task::lifecycle::{Event, Transition, transition};
use crate::testing::{
    at, compiled, facts, failed, new_task, report, succeeded, task, user, workflow_id,
};

/// A task that a workflow asked for, with everything that can be asked.
fn asked() -> TaskInstance {
    let mut new = new_task();
    new.input = json!({ "n": 1 });
    new.priority = TaskPriority::High;
    new.task_reference = Some("the matter".to_owned());
    new.workflow_definition_id = Some(DefinitionId::new("flow").unwrap());
    new.context = TaskContext {
        workflow_instance_id: Some(workflow_id()),
        task_path: Some("step".to_owned()),
        security_context: user(&["read"]),
        correlation_id: Some("c-1".to_owned()),
        ..new.context
    };
    new.traceparent = Some("00-0-0-01".to_owned());
    new.overrides = Overrides {
        retry_policy: serde_json::from_value(json!({ "maxRetries": 1, "jitter": "NONE" })).ok(),
        ..new.overrides
    };
    let demands = json!({
        "requiredPermissions": ["read"], "securityLevel": "HIGH", "dataClassification": "personal",
    });
    let definition = compiled(json!({ "securityRequirements": demands }));
    creation::create(&definition, new, at(0)).unwrap()
}

fn after(task: &TaskInstance, ended: u64, outcome: Outcome) -> TaskInstance {
    let event = Event::Report(report(task.execution_id(), at(ended), outcome));
    match transition(task, &event, facts(at(ended))).unwrap() {
        Transition::Changed { task, .. } => *task,
        Transition::Repeated(effect) => panic!("nothing changed, {effect:?}"),
    }
}

fn variables() -> JsonObject {
    JsonObject::from_iter([("v".to_owned(), json!(1))])
}

#[test]
fn an_instance_is_shown_with_the_fields_of_both_documents() {
    let waiting = after(&asked(), 2000, failed("BUSY"));
    let ended = after(&waiting, 4000, succeeded(json!({ "sum": 2 })));
    let execution = ended.execution_id();
    let expected = json!({
        "id": ended.id,
        "tenantId": "acme",
        "taskDefinitionId": "work",
        "taskDefinitionVersion": "1.0.0",
        "workflowInstanceId": workflow_id(),
        "workflowDefinitionId": "flow",
        "status": "COMPLETED",
        "type": "AUTOMATED",
        "priority": "HIGH",
        "input": { "n": 1 },
        "output": { "sum": 2 },
        "executorId": "worker-1",
        "taskReference": "the matter",
        "executionId": execution,
        "attempt": 2,
        "retryCount": 1,
        "losses": 0,
        "retryPolicy": {
            "maxRetries": 1, "retryInterval": 1000, "backoffMultiplier": 2.0, "jitter": "NONE",
        },
        "timeouts": { "startToClose": 60000 },
        "continueOnFailure": false,
        "startTime": at(1000),
        "endTime": at(4000),
        "executionMetadata": {
            "startTime": at(1000),
            "endTime": at(4000),
            "duration": 3000,
            "executionEnvironment": "local",
        },
        "executionContext": {
            "workflowInstanceId": workflow_id(),
            "workflowVariables": { "v": 1 },
            "taskPath": "step",
            "executionId": execution,
            "securityContext": {
                "userId": "ann",
                "tenantId": "acme",
                "roles": ["clerk"],
                "permissions": ["read"],
                "environmentId": "test",
                "requiredPermissions": ["read"],
                "securityLevel": "HIGH",
                "dataClassification": "personal",
            },
            "correlationId": "c-1",
        },
        "metrics": { "executionTime": 2000, "cpuTime": 20, "memoryUsage": 2 },
        "attempts": [
            {
                "attempt": 1,
                "startedAt": at(1000),
                "endedAt": at(2000),
                "executorId": "worker-1",
                "error": { "code": "BUSY", "message": "it failed", "timestamp": at(0) },
                "nextRetryAt": at(3000),
            },
            { "attempt": 2, "startedAt": at(3000), "endedAt": at(4000), "executorId": "worker-1" },
        ],
        "expiresAt": ended.expires_at,
        "traceparent": "00-0-0-01",
        "version": 3,
        "createdAt": at(0),
        "updatedAt": at(4000),
    });
    assert_eq!(ended.view(&variables(), false), expected);
}

#[test]
fn what_is_not_there_is_not_shown() {
    let pending = task(json!({})).view(&JsonObject::new(), true);
    for name in ["output", "error", "startTime", "endTime", "assignee"] {
        assert_eq!(pending.get(name), None, "{name}");
    }
    assert_eq!(pending["executionMetadata"], json!({}));
    assert_eq!(pending["executionContext"].get("taskPath"), None);
}

#[test]
fn a_null_output_is_an_output() {
    let ended = after(&task(json!({})), 1000, succeeded(Value::Null));
    let view = ended.view(&JsonObject::new(), false);
    assert_eq!(view.get("output"), Some(&Value::Null));
}

#[test]
fn a_stack_trace_is_shown_only_to_those_who_may_see_it() {
    let error = ErrorInfo::new("BROKEN", "it broke", at(0)).with_stack_trace("in line 1");
    let outcome = Outcome::Failed {
        error,
        permanent: true,
        retry_after: None,
        continue_on_failure: None,
    };
    let ended = after(&task(json!({})), 1000, outcome);
    let traces = |view: Value| {
        ["/error/stackTrace", "/attempts/0/error/stackTrace"]
            .map(|place| view.pointer(place).cloned())
    };
    let shown = Some(json!("in line 1"));
    assert_eq!(
        traces(ended.view(&JsonObject::new(), true)),
        [shown.clone(), shown]
    );
    assert_eq!(traces(ended.view(&JsonObject::new(), false)), [None, None]);
}
