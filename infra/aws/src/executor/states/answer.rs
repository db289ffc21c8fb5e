//! Answers about an execution: its output, why it failed, and the failures of Step Functions.

use aws_sdk_sfn::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::types::ExecutionStatus;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde_json::Value;
use taskmill::codes::failure::EXECUTOR_NOT_FOUND;

use crate::executor::{Failure, codes, parse_output};
use crate::secrets::Redactor;

/// What an execution came to; none while it runs.
pub(super) fn of_execution(seen: &DescribeExecutionOutput) -> Option<Result<Value, Failure>> {
    let said = |default: &str| {
        seen.error()
            .filter(|code| !code.is_empty())
            .unwrap_or(default)
            .to_owned()
    };
    let because = |default: &str| seen.cause().unwrap_or(default).to_owned();
    let failure = match seen.status() {
        ExecutionStatus::Succeeded => {
            let output = seen.output().unwrap_or_default().as_bytes();
            return Some(parse_output(output, &Redactor::none()));
        }
        ExecutionStatus::Failed => {
            Failure::transient(said(codes::STATES_FAILED), because("the execution failed"))
        }
        ExecutionStatus::TimedOut => Failure::transient(
            said(codes::STATES_TIMED_OUT),
            because("the execution timed out"),
        ),
        ExecutionStatus::Aborted => Failure::transient(
            said(codes::STATES_ABORTED),
            because("the execution was stopped"),
        ),
        // A status that is not known yet is none that an execution ends in.
        _ => return None,
    };
    let failure = failure
        .with_detail("executionArn", seen.execution_arn())
        .with_detail("status", seen.status().as_str());
    Some(Err(failure))
}

/// What Step Functions says of machines that are not there.
const NOT_THERE: [&str; 3] = [
    "StateMachineDoesNotExist",
    "StateMachineDeleting",
    "ExecutionDoesNotExist",
];
/// What it says when there is too much going on.
const THROTTLED: [&str; 2] = ["ExecutionLimitExceeded", "ThrottlingException"];

/// The failure of a request to Step Functions.
pub(super) fn of_error<E>(error: &SdkError<E, HttpResponse>) -> Failure
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let SdkError::ServiceError(service) = error else {
        let message = format!(
            "Step Functions could not be asked: {}",
            DisplayErrorContext(error)
        );
        return Failure::transient(codes::STATES_UNAVAILABLE, message);
    };
    let status = service.raw().status().as_u16();
    let code = service.err().code().unwrap_or_default();
    let message = service
        .err()
        .message()
        .unwrap_or("Step Functions gave no reason");
    let failure = if NOT_THERE.contains(&code) {
        Failure::permanent(EXECUTOR_NOT_FOUND, message)
    } else if THROTTLED.contains(&code) || status == 429 {
        Failure::transient(codes::STATES_THROTTLED, message)
    } else if status >= 500 {
        Failure::transient(codes::STATES_UNAVAILABLE, message)
    } else {
        Failure::permanent(codes::STATES_REFUSED, message)
    };
    failure
        .with_detail("status", status)
        .with_detail("awsCode", code)
}
