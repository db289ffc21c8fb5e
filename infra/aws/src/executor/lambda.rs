//! `lambda:` executors: one synchronous invocation, whose response is the outcome.
//!
//! The function receives one object: `input`, `taskId`, `executionId`, `attempt`, `deadline`,
//! `securityContext`, `traceparent`, `environmentVariables` (secrets resolved),
//! `workflowInstanceId`, `taskPath`, `correlationId` and `resourceRequirements`; those that the
//! task does not have are left out. What an answer means is decided in `answer`, as whom the
//! call is made in `super::roles`. The SDK's own retries are off: an invocation is an attempt, and
//! attempts are counted.

mod answer;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::{Builder, StalledStreamProtectionConfig};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use serde::Serialize;
use serde_json::Value;
use taskmill::Timestamp;
use taskmill::codes::failure::PAYLOAD_TOO_LARGE;
use taskmill::ids::{ExecutionId, TaskId, WorkflowId};
use taskmill::security::SecurityContext;
use taskmill::task::definition::ResourceRequirements;
use taskmill::task::routing::ExecutorRef;
use tokio::time::Instant;

use super::roles::Clients;
use super::{Call, Execution, Executor, Failure, redacted};
use crate::clock::Clock;
use crate::secrets::{Redactor, Revealer, Secrets};

/// Bytes of a synchronous invocation's payload, in either direction (Lambda's quota, 6 MB).
pub const INVOCATION_BYTES: usize = 6 * 1024 * 1024;

/// Runs `lambda:` tasks.
#[derive(Debug)]
pub struct LambdaExecutor {
    clients: Clients<Client>,
    secrets: Secrets,
    clock: Clock,
}

impl LambdaExecutor {
    /// An executor on this connection.
    #[must_use]
    pub fn new(sdk: SdkConfig, secrets: Secrets, clock: Clock) -> Self {
        Self {
            clients: Clients::new(sdk, client),
            secrets,
            clock,
        }
    }

    async fn run(&self, call: &Call, function: &str) -> Result<Value, Failure> {
        let mut revealer = self.secrets.revealer(&call.context.tenant_id);
        let payload = payload(call, &mut revealer).await;
        let redactor = revealer.into_redactor();
        match payload {
            Ok(payload) => self.invoke(call, function, payload, &redactor).await,
            Err(failure) => Err(failure.redacted(&redactor)),
        }
    }

    async fn invoke(
        &self,
        call: &Call,
        function: &str,
        payload: Vec<u8>,
        redactor: &Redactor,
    ) -> Result<Value, Failure> {
        let client = self.clients.of(call).await;
        let answered = client
            .invoke()
            .function_name(function)
            .invocation_type(InvocationType::RequestResponse)
            .payload(Blob::new(payload))
            .send()
            .await;
        match answered {
            Ok(output) => redacted(answer::of_output(&output, redactor), redactor),
            Err(error) => Err(answer::of_error(&error).redacted(redactor)),
        }
    }
}

#[async_trait]
impl Executor for LambdaExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        let started = Instant::now();
        let ExecutorRef::Lambda { function } = &call.executor else {
            return Execution::ending(started, Err(call.misrouted()), self.clock.now());
        };
        let result = self.run(call, function).await;
        Execution::ending(started, result, self.clock.now())
    }
}

fn client(sdk: &SdkConfig) -> Client {
    // A function may well be silent for minutes before it answers.
    let config = Builder::from(sdk)
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    Client::from_conf(config.build())
}

/// What a function receives.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    input: &'a Value,
    task_id: TaskId,
    execution_id: ExecutionId,
    attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<Timestamp>,
    security_context: &'a SecurityContext,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    environment_variables: BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_instance_id: Option<WorkflowId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_requirements: Option<&'a ResourceRequirements>,
}

async fn payload(call: &Call, revealer: &mut Revealer<'_>) -> Result<Vec<u8>, Failure> {
    let config = &call.definition.execution_config;
    let mut environment_variables = BTreeMap::new();
    for (name, value) in &config.environment_variables {
        environment_variables.insert(name.as_str(), revealer.reveal(value).await?);
    }
    let payload = Payload {
        input: &call.input,
        task_id: call.task_id,
        execution_id: call.execution_id,
        attempt: call.attempt,
        deadline: call.deadline,
        security_context: &call.context,
        traceparent: call.traceparent.as_deref(),
        environment_variables,
        workflow_instance_id: call.workflow_instance_id,
        task_path: call.task_path.as_deref(),
        correlation_id: call.correlation_id.as_deref(),
        resource_requirements: config.resource_requirements.as_ref(),
    };
    let bytes = serde_json::to_vec(&payload).expect("ids, texts and JSON values serialize");
    within_quota(bytes.len(), "request")?;
    Ok(bytes)
}

fn within_quota(bytes: usize, what: &str) -> Result<(), Failure> {
    if bytes <= INVOCATION_BYTES {
        return Ok(());
    }
    let message = format!("the {what} has {bytes} bytes; Lambda takes {INVOCATION_BYTES}");
    Err(Failure::permanent(PAYLOAD_TOO_LARGE, message))
}
