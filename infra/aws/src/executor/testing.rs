//! Calls for the tests of executors, and an AWS that answers them.

pub(crate) mod aws;

use std::sync::Arc;

use serde_json::{Value, json};
use taskmill::ErrorInfo;
use taskmill::ids::{ExecutionId, TaskId, TenantId};
use taskmill::security::SecurityContext;
use taskmill::task::routing::ExecutorRef;
use taskmill::task::{Outcome, TaskDefinition};

use super::{Beats, Call, Execution, Used};
use crate::callbacks::Callback;
use crate::secrets::Secrets;

/// The tenant of every call.
pub(crate) const TENANT: &str = "acme";
/// The value of the secret `TOKEN` of that tenant.
pub(crate) const TOKEN: &str = "tok-0123456789";

/// A call of the first attempt of a task with this `executionConfig`.
pub(crate) fn call(executor: ExecutorRef, config: &Value, input: Value) -> Call {
    let definition: TaskDefinition = serde_json::from_value(json!({
        "id": "a-task",
        "name": "A task",
        "type": "AUTOMATED",
        "version": "1.0.0",
        "executionConfig": config,
    }))
    .unwrap();
    let task_id = TaskId::from_idempotency_key(&tenant(), "key");
    Call {
        task_id,
        execution_id: ExecutionId::of_attempt(task_id, 1),
        attempt: 1,
        deadline: Some("2026-11-21T12:00:00.000Z".parse().unwrap()),
        definition: Arc::new(definition),
        executor,
        input,
        body: None,
        callback: None,
        context: SecurityContext {
            user_id: "ann".to_owned(),
            tenant_id: tenant(),
            roles: Vec::new(),
            permissions: Vec::new(),
            environment_id: None,
            required_permissions: Vec::new(),
            security_level: None,
            data_classification: None,
        },
        workflow_instance_id: None,
        task_path: None,
        correlation_id: None,
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        used: Used::default(),
        beats: Beats::default(),
    }
}

/// The same call of a definition that has another system tell its end.
pub(crate) fn callback(mut call: Call) -> Call {
    let mut definition = (*call.definition).clone();
    definition.execution_config.callback = true;
    call.definition = Arc::new(definition);
    let (token, url) = ("tkn-0123", "https://api/v1/callbacks/tkn-0123");
    call.callback = Some(Callback {
        url: url.to_owned(),
        token: token.to_owned(),
    });
    call
}

/// Secrets in which the tenant has its `TOKEN`.
pub(crate) fn secrets() -> Secrets {
    Secrets::shared([("TASKMILL_SECRET_ACME__TOKEN".into(), TOKEN.into())])
}

/// The output of an execution that must have succeeded.
#[track_caller]
pub(crate) fn output(execution: Execution) -> Value {
    match execution.outcome {
        Outcome::Succeeded { output } => output,
        other => panic!("no success: {other:?}"),
    }
}

/// The error of an execution that must have failed, whether that is permanent, and the delay
/// that it asks for.
#[track_caller]
pub(crate) fn failure(execution: Execution) -> (ErrorInfo, bool, Option<u64>) {
    match execution.outcome {
        Outcome::Failed {
            error,
            permanent,
            retry_after,
            ..
        } => (error, permanent, retry_after),
        other => panic!("no failure: {other:?}"),
    }
}

fn tenant() -> TenantId {
    TenantId::new(TENANT).unwrap()
}
