//! The first version of a task, and of one that was not to be.

use serde_json::json;

use super::*;
use crate::task::due::LONGEST_MESSAGE_DELAY;
use crate::testing::{RETENTION, at, compiled, new_task, user, workflow_id};

#[test]
fn a_new_task_is_pending_and_due_and_nothing_happened_to_it_yet() {
    let definition = compiled(json!({
        "timeout": 5000,
        "retryPolicy": { "maxRetries": 2 },
        "continueOnFailure": true,
    }));
    let new = NewTask {
        input: json!({ "a": 1 }),
        priority: TaskPriority::High,
        task_reference: Some("ACME".to_owned()),
        request_hash: Some("hash".to_owned()),
        ..new_task()
    };
    let task = create(&definition, new, at(0)).unwrap();
    assert_eq!(
        (task.status, task.version, task.attempt()),
        (TaskStatus::Pending, 1, 1)
    );
    assert_eq!(task.input, json!({ "a": 1 }));
    assert_eq!(task.executor_id, "builtin:echo");
    assert_eq!(task.task_definition_version.to_string(), "1.0.0");
    assert_eq!(task.timeouts.start_to_close, Some(5000));
    assert_eq!(task.retry_policy.as_ref().unwrap().max_retries, 2);
    assert!(task.continue_on_failure);
    assert_eq!((task.created_at, task.updated_at), (at(0), at(0)));
    assert_eq!(task.due_at, Some(at(LONGEST_MESSAGE_DELAY)));
    assert_eq!(
        (task.expires_at, task.start_time, task.end_time),
        (None, None, None)
    );
    assert_eq!(task.tenant_id.as_str(), "acme");
    assert_eq!(task.request_hash.as_deref(), Some("hash"));
}

#[test]
fn a_step_goes_over_the_definition() {
    let definition = compiled(json!({
        "timeout": 5000,
        "retryPolicy": { "maxRetries": 2, "maxRetryInterval": 7 },
        "continueOnFailure": true,
    }));
    let policy: RetryPolicy = serde_json::from_value(json!({ "maxRetries": 0 })).unwrap();
    let new = NewTask {
        overrides: Overrides {
            retry_policy: Some(policy.clone()),
            timeouts: StepTimeouts {
                timeout: Some(9000),
                timeouts: None,
            },
            continue_on_failure: Some(false),
            assignment: None,
        },
        ..new_task()
    };
    let task = create(&definition, new, at(0)).unwrap();
    // The whole policy is replaced: nothing of the definition's shines through.
    assert_eq!(task.retry_policy, Some(policy));
    assert_eq!(task.timeouts.start_to_close, Some(9000));
    assert!(!task.continue_on_failure);
}

#[test]
fn what_the_asker_lacks_is_named_before_the_input_is_looked_at() {
    let definition = compiled(json!({
        "inputSchema": { "required": ["a"] },
        "securityRequirements": { "requiredPermissions": ["pay", "read", "ship"] },
    }));
    let mut new = new_task();
    new.context.security_context = user(&["read"]);
    let error = create(&definition, new.clone(), at(3)).unwrap_err();
    assert_eq!(error.code, failure::PERMISSION_DENIED);
    assert_eq!(error.details["missing"], json!(["pay", "ship"]));
    assert_eq!(error.timestamp, at(3));
    new.context.security_context = user(&["read", "pay", "ship"]);
    let error = create(&definition, new.clone(), at(3)).unwrap_err();
    assert_eq!(error.code, failure::INVALID_INPUT);
    new.input = json!({ "a": 1 });
    let task = create(&definition, new, at(3)).unwrap();
    assert_eq!(task.context.security_context.required_permissions.len(), 3);
}

#[test]
fn an_input_that_is_too_large_is_not_kept() {
    let definition = compiled(json!({}));
    let cases = [
        (failure::PAYLOAD_TOO_LARGE, json!({})),
        (failure::INVALID_INPUT, json!({ "a": 1 })),
    ];
    for (code, kept) in cases {
        let new = NewTask {
            input: json!({ "a": 1 }),
            ..new_task()
        };
        let error = ErrorInfo::new(code, "refused", at(0));
        assert_eq!(
            refused(&definition, new, error, at(0), RETENTION).input,
            kept,
            "{code}"
        );
    }
}

#[test]
fn a_refused_task_is_a_record_that_failed_at_once_and_expires() {
    let definition = compiled(json!({ "inputSchema": { "type": "null" } }));
    let mut new = new_task();
    new.context.workflow_instance_id = Some(workflow_id());
    let error = create(&definition, new.clone(), at(7)).unwrap_err();
    let alone = refused(&definition, new_task(), (*error).clone(), at(7), RETENTION);
    let watched = refused(&definition, new, (*error).clone(), at(7), RETENTION);
    for record in [alone, watched] {
        assert_eq!((record.status, record.version), (TaskStatus::Failed, 1));
        assert_eq!(record.error.as_ref(), Some(&*error));
        assert_eq!(record.input, json!({}));
        assert_eq!((record.due_at, record.end_time), (None, Some(at(7))));
        assert_eq!(record.expires_at, Some(at(7).plus_millis(RETENTION)));
    }
}
