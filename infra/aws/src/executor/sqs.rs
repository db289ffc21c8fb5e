//! `sqs:` executors: one message to a queue.
//!
//! Its body is what the definition's `request.body` gives, or else the input, as JSON; its attributes
//! name the attempt. On a FIFO queue its group is the workflow, or the task that stands alone, and
//! what it is recognized by is the attempt. It is done when the queue has it, unless the definition
//! says `callback`: then whoever takes it tells its end. Nothing is repeated here: a message is an
//! attempt, and attempts are counted.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::MessageAttributeValue;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use lru::LruCache;
use serde_json::json;
use taskmill::codes::failure::EXECUTOR_NOT_FOUND;
use taskmill::task::Outcome;
use taskmill::task::routing::ExecutorRef;
use tokio::time::Instant;

use super::roles::{Clients, run_as};
use super::{Call, Execution, Executor, Failure, codes};
use crate::clock::Clock;

/// Queues whose addresses are kept at once. One that falls out is asked for again.
const QUEUES: NonZeroUsize = NonZeroUsize::new(1024).expect("1024 is not 0");
/// What SQS says when there is too much going on.
const THROTTLED: [&str; 3] = ["ThrottlingException", "RequestThrottled", "OverLimit"];
/// What it says of a queue that is not there.
const NOT_THERE: [&str; 3] = [
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDeletedRecently",
];

/// Runs `sqs:` tasks.
#[derive(Debug)]
pub struct SqsExecutor {
    clients: Clients<Client>,
    clock: Clock,
    /// The addresses of queues by their names, and by whom they are named: another account has
    /// queues of its own.
    urls: Mutex<LruCache<(Option<String>, String), String>>,
}

impl SqsExecutor {
    /// An executor on this connection, which sends as `sender`, a role, where no definition names one.
    #[must_use]
    pub fn new(sdk: SdkConfig, sender: Option<String>, clock: Clock) -> Self {
        Self {
            clients: Clients::new(sdk, client).usually(sender),
            clock,
            urls: Mutex::new(LruCache::new(QUEUES)),
        }
    }

    async fn run(&self, call: &Call, queue: &str) -> Result<Outcome, Failure> {
        let callback = call.wanted_callback()?;
        let client = self.clients.of(call).await;
        let url = self.url(&client, call, queue).await?;
        let body = call.body.as_ref().unwrap_or(&call.input).to_string();
        let mut message = client
            .send_message()
            .queue_url(url)
            .message_body(body)
            .set_message_attributes(Some(attributes(call)));
        if queue.ends_with(".fifo") {
            let workflow = call.workflow_instance_id.map(|id| id.to_string());
            message = message
                .message_group_id(workflow.unwrap_or_else(|| call.task_id.to_string()))
                .message_deduplication_id(call.execution_id.to_string());
        }
        let sent = message.send().await.map_err(|error| failed(&error))?;
        Ok(match callback {
            Some(_) => Outcome::HandedOver,
            None => Outcome::Succeeded {
                output: json!({"messageId": sent.message_id}),
            },
        })
    }

    /// The address of a queue, which is asked for once where a definition has its name alone. A
    /// queue that is made anew keeps it.
    async fn url(&self, client: &Client, call: &Call, queue: &str) -> Result<String, Failure> {
        if queue.contains('/') {
            return Ok(queue.to_owned());
        }
        let named = (run_as(call).cloned(), queue.to_owned());
        if let Some(url) = self.urls().get(&named) {
            return Ok(url.clone());
        }
        let found = client.get_queue_url().queue_name(queue).send().await;
        let url = found.map_err(|error| failed(&error))?.queue_url;
        let url = url.unwrap_or_default();
        self.urls().put(named, url.clone());
        Ok(url)
    }

    fn urls(&self) -> MutexGuard<'_, LruCache<(Option<String>, String), String>> {
        self.urls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn client(sdk: &SdkConfig) -> Client {
    let config = Builder::from(sdk).retry_config(RetryConfig::disabled());
    Client::from_conf(config.build())
}

/// What names the attempt. A message has ten attributes at most.
fn attributes(call: &Call) -> HashMap<String, MessageAttributeValue> {
    let attempt = [
        (
            "taskmill.tenantId",
            Some(call.context.tenant_id.to_string()),
        ),
        ("taskmill.taskId", Some(call.task_id.to_string())),
        ("taskmill.executionId", Some(call.execution_id.to_string())),
        ("taskmill.attempt", Some(call.attempt.to_string())),
        ("taskmill.deadline", call.deadline.map(|at| at.to_string())),
        ("taskmill.correlationId", call.correlation_id.clone()),
        (
            "taskmill.callbackUrl",
            call.callback.as_ref().map(|callback| callback.url.clone()),
        ),
        ("traceparent", call.traceparent.clone()),
    ];
    let text = |value| {
        let attribute = MessageAttributeValue::builder().data_type("String");
        let attribute = attribute.string_value(value).build();
        attribute.expect("the type of an attribute is all that it must have")
    };
    let there = attempt
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    there
        .map(|(name, value)| (name.to_owned(), text(value)))
        .collect()
}

fn failed<E>(error: &SdkError<E, HttpResponse>) -> Failure
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let SdkError::ServiceError(service) = error else {
        let message = format!("SQS could not be asked: {}", DisplayErrorContext(error));
        return Failure::transient(codes::SQS_UNAVAILABLE, message);
    };
    let status = service.raw().status().as_u16();
    let code = service.err().code().unwrap_or_default();
    let message = service.err().message().unwrap_or("SQS gave no reason");
    let failure = if NOT_THERE.contains(&code) {
        Failure::permanent(EXECUTOR_NOT_FOUND, message)
    } else if THROTTLED.contains(&code) || status == 429 || status >= 500 {
        Failure::transient(codes::SQS_UNAVAILABLE, message)
    } else {
        Failure::permanent(codes::SQS_REFUSED, message)
    };
    failure
        .with_detail("status", status)
        .with_detail("awsCode", code)
}

#[async_trait]
impl Executor for SqsExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        let started = Instant::now();
        let ExecutorRef::Sqs { queue } = &call.executor else {
            return Execution::ending(started, Err(call.misrouted()), self.clock.now());
        };
        match self.run(call, queue).await {
            Ok(outcome) => Execution::so_far(started, outcome),
            Err(failure) => Execution::ending(started, Err(failure), self.clock.now()),
        }
    }
}
