//! The first version of a workflow.

use serde_json::json;

use super::*;
use crate::testing::{RETENTION, at, plan, user, workflow_id};
use crate::workflow::decider::{Effect, leaves};

fn facts() -> Facts {
    Facts {
        now: at(0),
        retention: RETENTION,
    }
}

fn asked(input: Value) -> NewWorkflow {
    NewWorkflow {
        id: workflow_id(),
        input,
        security_context: user(&[]),
        correlation_id: Some("c-1".to_owned()),
        traceparent: Some("00-0-0-01".to_owned()),
        request_hash: Some("hash".to_owned()),
        parent: None,
    }
}

#[test]
fn a_workflow_starts_running_with_its_first_step_in_one_version() {
    let fields = json!({
        "timeout": 60_000,
        "variables": { "currency": "EUR" },
        "steps": [{ "name": "first" }],
    });
    let plan = plan(fields, &[("first", json!({ "version": "2.3.4" }))]);
    let decision = start(&plan, asked(json!({ "a": 1 })), facts()).unwrap();
    let state = &decision.state;
    assert_eq!(
        (state.status, state.version, state.run),
        (WorkflowStatus::Running, 1, 0)
    );
    assert_eq!(json!(state.variables), json!({ "currency": "EUR" }));
    assert_eq!(json!(state.pins), json!({ "task:first": "2.3.4" }));
    assert_eq!((state.start_time, state.created_at), (Some(at(0)), at(0)));
    assert_eq!(state.deadline_at, Some(at(60_000)));
    // A message brings the limit up in time; the due time is for the case that it is lost.
    assert_eq!(decision.effects[0], Effect::Wake(at(60_000)));
    assert_eq!(state.due_at, Some(at(900_000)));
    assert_eq!((state.expires_at, state.end_time), (None, None));
    assert_eq!(state.tenant_id.as_str(), "acme");
    assert_eq!(state.request_hash.as_deref(), Some("hash"));
    assert_eq!(leaves(&plan, state).len(), 1);
}

#[test]
fn an_input_that_breaks_its_schema_starts_nothing() {
    let plan = plan(json!({ "inputSchema": { "required": ["a", "b"] } }), &[]);
    let error = start(&plan, asked(json!({})), facts()).unwrap_err();
    assert_eq!(error.code, failure::INVALID_INPUT);
    assert_eq!(error.details["violations"].as_array().unwrap().len(), 2);
}

#[test]
fn a_workflow_without_steps_completes_at_its_start() {
    let state = start(&plan(json!({}), &[]), asked(json!({})), facts())
        .unwrap()
        .state;
    assert_eq!(
        (state.status, state.version),
        (WorkflowStatus::Completed, 1)
    );
    assert_eq!(state.output, Some(Value::Null));
    assert_eq!(
        (state.start_time, state.end_time),
        (Some(at(0)), Some(at(0)))
    );
    assert_eq!(
        (state.due_at, state.expires_at),
        (None, Some(at(RETENTION)))
    );
}
