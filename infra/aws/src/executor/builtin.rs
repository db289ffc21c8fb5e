//! `builtin:` executors: what needs nothing but the input. For tests, examples and waits.
//!
//! | executor | input | outcome |
//! |---|---|---|
//! | `echo` | anything | the input |
//! | `noop` | anything | null |
//! | `fail` | `{code?, message?, details?, permanent?, retryAfter?, continueOnFailure?, times?}` | that failure; with `times`, only while the attempt is not above it, and then the input |
//! | `sleep` | `{millis}` | the input, so many milliseconds later |
//!
//! They run on the process's one clock, so that a sleep passes at once in virtual time.

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use taskmill::codes::failure::INVALID_INPUT;
use taskmill::task::routing::{Builtin, ExecutorRef};
use taskmill::{JsonObject, limits};
use tokio::time::Instant;

use super::{Call, Execution, Executor, Failure, codes};
use crate::clock::Clock;

/// Runs `builtin:` tasks.
#[derive(Debug, Clone)]
pub struct BuiltinExecutor {
    clock: Clock,
}

impl BuiltinExecutor {
    /// An executor whose errors carry this clock's time.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

#[async_trait]
impl Executor for BuiltinExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        let started = Instant::now();
        let result = match call.executor {
            ExecutorRef::Builtin(Builtin::Echo) => Ok(call.input.clone()),
            ExecutorRef::Builtin(Builtin::Noop) => Ok(Value::Null),
            ExecutorRef::Builtin(Builtin::Fail) => fail(call),
            ExecutorRef::Builtin(Builtin::Sleep) => sleep(call).await,
            ExecutorRef::Process { .. }
            | ExecutorRef::Http { .. }
            | ExecutorRef::Lambda { .. }
            | ExecutorRef::States { .. }
            | ExecutorRef::Sqs { .. }
            | ExecutorRef::Events { .. }
            | ExecutorRef::Worker { .. } => Err(call.misrouted()),
        };
        Execution::ending(started, result, self.clock.now())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FailInput {
    #[serde(default = "default_code")]
    code: String,
    #[serde(default = "default_message")]
    message: String,
    #[serde(default)]
    details: Box<JsonObject>,
    #[serde(default)]
    permanent: bool,
    retry_after: Option<u64>,
    continue_on_failure: Option<bool>,
    times: Option<u32>,
}

fn default_code() -> String {
    codes::BUILTIN_FAILED.to_owned()
}

fn default_message() -> String {
    "failed as asked".to_owned()
}

fn fail(call: &Call) -> Result<Value, Failure> {
    let input: FailInput = read(&call.input)?;
    if input.code.is_empty() {
        return Err(invalid("code is empty"));
    }
    if input.times.is_some_and(|times| call.attempt > times) {
        return Ok(call.input.clone());
    }
    let failure = Failure {
        details: input.details,
        permanent: input.permanent,
        continue_on_failure: input.continue_on_failure,
        ..Failure::transient(input.code, input.message)
    };
    Err(failure.with_retry_after(input.retry_after))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SleepInput {
    millis: u64,
}

async fn sleep(call: &Call) -> Result<Value, Failure> {
    let SleepInput { millis } = read(&call.input)?;
    if millis > limits::TIMER_MILLIS {
        return Err(invalid(&format!("millis is over {}", limits::TIMER_MILLIS)));
    }
    tokio::time::sleep(Duration::from_millis(millis)).await;
    Ok(call.input.clone())
}

fn read<T: DeserializeOwned>(input: &Value) -> Result<T, Failure> {
    // Without this, serde would also read the fields from an array, by their order.
    if !input.is_object() {
        return Err(invalid("it is not an object"));
    }
    T::deserialize(input.clone()).map_err(|error| invalid(&error.to_string()))
}

fn invalid(why: &str) -> Failure {
    Failure::permanent(
        INVALID_INPUT,
        format!("the input does not fit the executor: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::testing::{call, failure, output};
    use serde_json::json;
    use taskmill::Timestamp;

    async fn run(builtin: Builtin, attempt: u32, input: Value) -> Execution {
        let executor = BuiltinExecutor::new(Clock::anchored(Timestamp::default()));
        let config = json!({"executor": "builtin:x"});
        let call = Call {
            attempt,
            ..call(ExecutorRef::Builtin(builtin), &config, input)
        };
        executor.execute(&call).await
    }

    #[tokio::test]
    async fn echo_gives_the_input_and_noop_nothing() {
        let input = json!({"a": [1, null, 18_446_744_073_709_551_615_u64]});
        let echo = run(Builtin::Echo, 1, input.clone()).await;
        assert_eq!(output(echo), input);
        assert_eq!(output(run(Builtin::Noop, 1, input).await), Value::Null);
    }

    #[tokio::test]
    async fn fail_says_what_the_input_says() {
        let input = json!({"code": "BUSY", "message": "later", "details": {"a": 1},
            "permanent": true, "retryAfter": 250});
        let (error, permanent, retry_after) = failure(run(Builtin::Fail, 1, input).await);
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("BUSY", "later")
        );
        assert_eq!(error.details["a"], 1);
        assert_eq!((permanent, retry_after), (true, Some(250)));

        let (error, permanent, retry_after) = failure(run(Builtin::Fail, 1, json!({})).await);
        assert_eq!(error.code, codes::BUILTIN_FAILED);
        assert_eq!((permanent, retry_after), (false, None));
    }

    #[tokio::test]
    async fn fail_with_times_succeeds_after_so_many_attempts() {
        let input = json!({"code": "BUSY", "times": 2});
        for attempt in [1, 2] {
            let (error, ..) = failure(run(Builtin::Fail, attempt, input.clone()).await);
            assert_eq!(error.code, "BUSY");
        }
        assert_eq!(output(run(Builtin::Fail, 3, input.clone()).await), input);
    }

    #[tokio::test(start_paused = true)]
    async fn sleep_takes_its_time_on_the_clock_of_the_process() {
        let week = 7 * 24 * 60 * 60 * 1000;
        let slept = run(Builtin::Sleep, 1, json!({"millis": week})).await;
        assert_eq!(slept.metrics.execution_time, week);
        assert_eq!(output(slept), json!({"millis": week}));
    }

    #[tokio::test]
    async fn inputs_that_do_not_fit_are_refused() {
        #[track_caller]
        fn refused(execution: Execution) {
            let (error, permanent, _) = failure(execution);
            assert_eq!((error.code.as_str(), permanent), (INVALID_INPUT, true));
        }
        for bad in [
            json!(null),
            json!({}),
            json!([5]),
            json!({"millis": -1}),
            json!({"millis": 1.5}),
            json!({"millis": "1"}),
            json!({"millis": 1, "x": 1}),
            json!({"millis": limits::TIMER_MILLIS + 1}),
        ] {
            refused(run(Builtin::Sleep, 1, bad).await);
        }
        for bad in [
            json!("BUSY"),
            json!(["BUSY"]),
            json!({"code": ""}),
            json!({"code": 1}),
            json!({"cod": "BUSY"}),
            json!({"code": "A", "times": -1}),
        ] {
            refused(run(Builtin::Fail, 1, bad).await);
        }
    }
}
