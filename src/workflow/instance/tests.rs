//! How a workflow is shown: with the fields of its document, and its tasks among them.

use serde_json::json;

use super::*;
use crate::testing::{RETENTION, at, plan, succeeded, user, workflow_id};
use crate::workflow::creation::{NewWorkflow, start};
use crate::workflow::decider::{Effect, Event, Facts, Fold, Plan, TaskEnd};

fn definition() -> Plan {
    let step = json!({
        "name": "only",
        "variableMappings": [{ "type": "DIRECT", "source": "sum", "target": "total" }],
    });
    let fields =
        json!({ "variables": { "kept": 1 }, "steps": [step], "output": "workflowVariables.total" });
    plan(fields, &[("only", json!({}))])
}

fn begun(plan: &Plan) -> (WorkflowInstance, TaskEnd) {
    let new = NewWorkflow {
        id: workflow_id(),
        input: json!({ "n": 1 }),
        security_context: user(&["read"]),
        correlation_id: Some("c-1".to_owned()),
        traceparent: None,
        request_hash: None,
        parent: None,
    };
    let facts = Facts {
        now: at(0),
        retention: RETENTION,
    };
    let decision = start(plan, new, facts).unwrap();
    let [Effect::CreateTask(task)] = decision.effects.as_slice() else {
        panic!("one task is created, not {:?}", decision.effects);
    };
    let mut task = (**task).clone();
    let execution = task.execution_id();
    let ended = crate::testing::report(execution, at(1000), succeeded(json!({ "sum": 3 })));
    task.status = crate::task::TaskStatus::Completed;
    task.output = Some(json!({ "sum": 3 }));
    task.metrics = ended.metrics;
    (decision.state, TaskEnd::from(&task))
}

#[test]
fn a_workflow_is_shown_with_its_fields_and_its_tasks() {
    let plan = definition();
    let (state, end) = begun(&plan);
    let task = end.task_id;
    let facts = Facts {
        now: at(1000),
        retention: RETENTION,
    };
    let mut fold = Fold::of(&plan, state, facts);
    fold.apply(&Event::TaskEnded(Box::new(end)));
    let ended = fold.finish().unwrap().state;
    let expected = json!({
        "id": workflow_id(),
        "tenantId": "acme",
        "workflowDefinitionId": "flow",
        "definitionVersion": "1.0.0",
        "status": "COMPLETED",
        "startTime": at(0),
        "endTime": at(1000),
        "input": { "n": 1 },
        "output": 3,
        "variables": { "kept": 1, "total": 3 },
        "correlationId": "c-1",
        "createdBy": "ann",
        "securityContext": {
            "userId": "ann",
            "tenantId": "acme",
            "roles": ["clerk"],
            "permissions": ["read"],
            "environmentId": "test",
        },
        "metrics": {
            "taskCount": 1,
            "totalExecutionTime": 1000,
            "totalCpuTime": 10,
            "totalMemoryUsage": 1,
            "completedTasks": [task],
        },
        "frontier": { "b": { "s": {} } },
        "run": 0,
        "expiresAt": at(1000).plus_millis(RETENTION),
        "version": 2,
        "createdAt": at(0),
        "updatedAt": at(1000),
        "taskInstances": [{ "id": task }],
    });
    assert_eq!(
        ended.view(vec![json!({ "id": task })], vec![task]),
        expected
    );
}

#[test]
fn a_workflow_that_runs_shows_what_is_active_and_no_output() {
    let (state, end) = begun(&definition());
    let view = state.view(Vec::new(), Vec::new());
    let active = &view["frontier"]["b"]["s"]["a"];
    assert_eq!(active[0]["n"], "only");
    assert_eq!(state.task_id("only", 0), end.task_id);
    for name in ["output", "error", "endTime"] {
        assert_eq!(view.get(name), None, "{name}");
    }
}
