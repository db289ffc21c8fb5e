//! `states:` executors: one execution of a Step Functions state machine, waited for.
//!
//! The execution is named after the attempt, so that a start whose answer was lost is not a second
//! one. Its input is the task's, its output the outcome; the code of its error is the task's code.
//! An attempt that is dropped has its execution stopped. What an answer means is decided in
//! `answer`. Express state machines tell nothing of their executions, and cannot be waited for.

mod answer;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sfn::Client;
use serde_json::Value;
use taskmill::codes::failure::PAYLOAD_TOO_LARGE;
use taskmill::ids::ExecutionId;
use taskmill::task::routing::ExecutorRef;
use taskmill::task::token::OUTPUT_BYTES;
use tokio::time::Instant;

use super::roles::Clients;
use super::{Call, Execution, Executor, Failure};
use crate::clock::Clock;

/// How long after its start an execution is looked at first.
const FIRST_LOOK: Duration = Duration::from_millis(500);
/// Looks become rarer up to this: an execution of hours must not cost a request a second.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Runs `states:` tasks.
#[derive(Debug)]
pub struct StatesExecutor {
    clients: Clients<Client>,
    clock: Clock,
    /// The ARNs of executions under way, by attempt.
    underway: Mutex<HashMap<ExecutionId, String>>,
}

impl StatesExecutor {
    /// An executor on this connection.
    #[must_use]
    pub fn new(sdk: SdkConfig, clock: Clock) -> Self {
        Self {
            clients: Clients::new(sdk, |sdk| Client::new(sdk)),
            clock,
            underway: Mutex::default(),
        }
    }

    async fn run(&self, call: &Call, machine: &str) -> Result<Value, Failure> {
        let input = call.input.to_string();
        if input.len() > OUTPUT_BYTES {
            let bytes = input.len();
            let message =
                format!("the input has {bytes} bytes; Step Functions takes {OUTPUT_BYTES}");
            return Err(Failure::permanent(PAYLOAD_TOO_LARGE, message));
        }
        let client = self.clients.of(call).await;
        let started = client
            .start_execution()
            .state_machine_arn(machine)
            .name(call.execution_id.to_string())
            .input(input)
            .send()
            .await
            .map_err(|error| answer::of_error(&error))?;
        let execution = started.execution_arn();
        self.underway()
            .insert(call.execution_id, execution.to_owned());
        let result = end(&client, execution).await;
        self.underway().remove(&call.execution_id);
        result
    }

    fn underway(&self) -> MutexGuard<'_, HashMap<ExecutionId, String>> {
        self.underway.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the end of an execution. One that cannot be looked at for a while goes on.
async fn end(client: &Client, execution: &str) -> Result<Value, Failure> {
    let mut pause = FIRST_LOOK;
    loop {
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        let look = client.describe_execution().execution_arn(execution);
        match look.send().await {
            Ok(seen) => {
                if let Some(end) = answer::of_execution(&seen) {
                    return end;
                }
            }
            Err(error) => {
                let failure = answer::of_error(&error);
                if failure.permanent {
                    return Err(failure);
                }
            }
        }
    }
}

#[async_trait]
impl Executor for StatesExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        let started = Instant::now();
        let ExecutorRef::States { machine } = &call.executor else {
            return Execution::ending(started, Err(call.misrouted()), self.clock.now());
        };
        let result = self.run(call, machine).await;
        Execution::ending(started, result, self.clock.now())
    }

    async fn stop(&self, call: &Call) -> Result<(), Failure> {
        let Some(execution) = self.underway().remove(&call.execution_id) else {
            return Ok(());
        };
        let client = self.clients.of(call).await;
        let stopped = client
            .stop_execution()
            .execution_arn(&execution)
            .error("TASK_STOPPED")
            .cause("the task of Taskmill that waited for it is over")
            .send()
            .await;
        stopped
            .map(drop)
            .map_err(|error| answer::of_error(&error).with_detail("executionArn", execution))
    }
}
