//! `states:` tasks against the SDK with a Step Functions that a test scripts, in virtual time.

use serde_json::json;

use super::*;
use crate::executor::codes;
use crate::executor::testing::aws::{Answers, Aws};
use crate::executor::testing::{call, failure, output};

const MACHINE: &str = "arn:aws:states:eu-central-1:123456789012:stateMachine:ship";
const EXECUTION: &str = "arn:aws:states:eu-central-1:123456789012:execution:ship:x";

fn executor(aws: &Aws) -> StatesExecutor {
    StatesExecutor::new(aws.sdk(), Clock::system())
}

fn machine(input: Value) -> Call {
    let machine = MACHINE.to_owned();
    let config = json!({"executor": format!("states:{MACHINE}")});
    call(ExecutorRef::States { machine }, &config, input)
}

fn started() -> (u16, Value) {
    (200, json!({"executionArn": EXECUTION, "startDate": 1.0}))
}

fn described(status: &str, more: Value) -> (u16, Value) {
    let mut body = json!({
        "executionArn": EXECUTION, "stateMachineArn": MACHINE, "status": status, "startDate": 1.0,
    });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    (200, body)
}

/// The code of the failure that a task ends with, and whether it is permanent.
async fn failed(answers: Answers) -> (String, bool) {
    let execution = executor(&Aws::answering(answers));
    let (error, permanent, _) = failure(execution.execute(&machine(json!({}))).await);
    (error.code, permanent)
}

#[tokio::test(start_paused = true)]
async fn an_execution_is_named_after_the_attempt_and_its_output_is_the_tasks() {
    let aws = Aws::answering(|operation, before| match (operation, before) {
        ("StartExecution", _) => started(),
        (_, 0..3) => described("RUNNING", json!({})),
        // One that cannot be looked at for once goes on.
        (_, 3) => (
            400,
            json!({"__type": "ThrottlingException", "message": "slow down"}),
        ),
        _ => described("SUCCEEDED", json!({"output": "{\"parcel\":7}"})),
    });
    let call = machine(json!({"order": 1}));
    assert_eq!(
        output(executor(&aws).execute(&call).await),
        json!({"parcel": 7})
    );
    let start = &aws.asked("StartExecution")[0];
    assert_eq!(start["name"], json!(call.execution_id));
    assert_eq!(start["stateMachineArn"], MACHINE);
    assert_eq!(start["input"], "{\"order\":1}");
    assert_eq!(aws.asked("StopExecution"), Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_fails_gives_its_code_and_one_that_says_none_a_code_of_its_status() {
    let fails = failed(|operation, _| match operation {
        "StartExecution" => started(),
        _ => described(
            "FAILED",
            json!({"error": "OUT_OF_STOCK", "cause": "none left"}),
        ),
    });
    assert_eq!(fails.await, ("OUT_OF_STOCK".to_owned(), false));
    let cases: [(Answers, &str); 3] = [
        (
            |o, _| {
                if o == "StartExecution" {
                    started()
                } else {
                    described("FAILED", json!({}))
                }
            },
            codes::STATES_FAILED,
        ),
        (
            |o, _| {
                if o == "StartExecution" {
                    started()
                } else {
                    described("TIMED_OUT", json!({}))
                }
            },
            codes::STATES_TIMED_OUT,
        ),
        (
            |o, _| {
                if o == "StartExecution" {
                    started()
                } else {
                    described("ABORTED", json!({}))
                }
            },
            codes::STATES_ABORTED,
        ),
    ];
    for (answers, code) in cases {
        assert_eq!(failed(answers).await, (code.to_owned(), false));
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_refused_fails_by_whose_fault_it_is() {
    let cases: [(Answers, &str, bool); 4] = [
        (
            |_, _| (400, json!({"__type": "StateMachineDoesNotExist"})),
            "EXECUTOR_NOT_FOUND",
            true,
        ),
        (
            |_, _| (400, json!({"__type": "AccessDeniedException"})),
            codes::STATES_REFUSED,
            true,
        ),
        (
            |_, _| (400, json!({"__type": "ExecutionLimitExceeded"})),
            codes::STATES_THROTTLED,
            false,
        ),
        (
            |_, _| (500, json!({"__type": "InternalFailure"})),
            codes::STATES_UNAVAILABLE,
            false,
        ),
    ];
    for (answers, code, permanent) in cases {
        assert_eq!(failed(answers).await, (code.to_owned(), permanent));
    }
}

#[tokio::test(start_paused = true)]
async fn an_input_that_is_too_large_starts_nothing() {
    let aws = Aws::answering(|_, _| started());
    let call = machine(json!("x".repeat(OUTPUT_BYTES)));
    let (error, permanent, _) = failure(executor(&aws).execute(&call).await);
    assert_eq!((error.code.as_str(), permanent), (PAYLOAD_TOO_LARGE, true));
    assert_eq!(aws.asked("StartExecution"), Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_dropped_stops_its_execution_and_no_other() {
    let aws = Aws::answering(|operation, _| match operation {
        "StartExecution" => started(),
        "StopExecution" => (200, json!({"stopDate": 2.0})),
        _ => described("RUNNING", json!({})),
    });
    let (executor, call) = (executor(&aws), machine(json!({})));
    let patience = Duration::from_secs(60);
    let dropped = tokio::time::timeout(patience, executor.execute(&call)).await;
    assert!(dropped.is_err());
    assert_eq!(executor.stop(&call).await, Ok(()));
    assert_eq!(executor.stop(&call).await, Ok(()));
    let stopped = aws.asked("StopExecution");
    assert_eq!(stopped.len(), 1);
    assert_eq!(stopped[0]["executionArn"], EXECUTION);
}
