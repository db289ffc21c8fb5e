//! `events:` executors: one event on a bus of EventBridge.
//!
//! Its source is `taskmill`, its detail type the id of the task's definition, and its detail one
//! object: what the definition's `request.body` gives, or else the input, as `input`, and what names
//! the attempt. It is done when the bus has it, unless the definition says `callback`: then whoever
//! takes it tells its end. How the bus is asked is in `bus`. Nothing is repeated here: an event is an
//! attempt, and attempts are counted.

mod bus;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use aws_config::SdkConfig;
use serde_json::{Value, json};
use taskmill::task::Outcome;
use taskmill::task::routing::ExecutorRef;
use tokio::time::Instant;

use super::roles::Clients;
use super::{Call, Execution, Executor, Failure};
use crate::clock::Clock;
use bus::Bus;

/// The source of all events.
const SOURCE: &str = "taskmill";

/// Runs `events:` tasks.
#[derive(Debug)]
pub struct EventsExecutor {
    clients: Clients<Bus>,
    clock: Clock,
}

impl EventsExecutor {
    /// An executor on this connection, which sends as `sender`, a role, where no definition names one.
    #[must_use]
    pub fn new(sdk: SdkConfig, sender: Option<String>, clock: Clock) -> Self {
        let clients = Clients::new(sdk, Bus::new).usually(sender);
        Self { clients, clock }
    }

    async fn run(&self, call: &Call, bus: &str) -> Result<Outcome, Failure> {
        let callback = call.wanted_callback()?;
        let entry = json!({
            "EventBusName": bus,
            "Source": SOURCE,
            "DetailType": call.definition.id,
            "Detail": detail(call).to_string(),
        });
        let event_id = self.clients.of(call).await.put(&entry).await?;
        Ok(match callback {
            Some(_) => Outcome::HandedOver,
            None => Outcome::Succeeded {
                output: json!({"eventId": event_id}),
            },
        })
    }
}

/// What the event says.
fn detail(call: &Call) -> Value {
    let mut detail = json!({
        "input": call.body.as_ref().unwrap_or(&call.input),
        "tenantId": call.context.tenant_id,
        "taskId": call.task_id,
        "executionId": call.execution_id,
        "attempt": call.attempt,
        "deadline": call.deadline,
        "workflowInstanceId": call.workflow_instance_id,
        "taskPath": call.task_path,
        "correlationId": call.correlation_id,
        "traceparent": call.traceparent,
        "callbackUrl": call.callback.as_ref().map(|callback| &callback.url),
    });
    if let Value::Object(fields) = &mut detail {
        fields.retain(|name, value| name == "input" || !value.is_null());
    }
    detail
}

#[async_trait]
impl Executor for EventsExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        let started = Instant::now();
        let ExecutorRef::Events { bus } = &call.executor else {
            return Execution::ending(started, Err(call.misrouted()), self.clock.now());
        };
        match self.run(call, bus).await {
            Ok(outcome) => Execution::so_far(started, outcome),
            Err(failure) => Execution::ending(started, Err(failure), self.clock.now()),
        }
    }
}
