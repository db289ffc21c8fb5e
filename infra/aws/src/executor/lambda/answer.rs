//! Answers to an invocation: outputs, the failures of functions, and those of Lambda itself.

use aws_sdk_lambda::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::invoke::{InvokeError, InvokeOutput};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde::Deserialize;
use serde_json::Value;
use taskmill::codes::failure::{EXECUTOR_NOT_FOUND, PAYLOAD_TOO_LARGE};

use super::within_quota;
use crate::executor::{Failure, codes, parse_json, parse_output};
use crate::secrets::Redactor;

/// Bytes shown of a failed function's payload that is not in Lambda's form.
const EXCERPT_BYTES: usize = 1_024;

/// What a function that was run gave: its output, or why it failed.
pub(super) fn of_output(output: &InvokeOutput, redactor: &Redactor) -> Result<Value, Failure> {
    let payload = output.payload().map(AsRef::as_ref).unwrap_or_default();
    within_quota(payload.len(), "response")?;
    match output.function_error() {
        None => parse_output(payload, redactor),
        Some(kind) => Err(of_function(kind, payload, redactor)),
    }
}

/// What Lambda's runtimes say of an exception. The trace is called `stackTrace` by most,
/// `trace` by Node.js, and its lines are texts or lists.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionError {
    error_type: Option<String>,
    error_message: Option<String>,
    #[serde(alias = "trace")]
    stack_trace: Option<Value>,
}

/// The failure of a function that threw, ran out of its own time, or ended its process.
fn of_function(kind: &str, payload: &[u8], redactor: &Redactor) -> Failure {
    let said = parse_json(payload)
        .and_then(FunctionError::deserialize)
        .ok();
    let in_form = |said: &FunctionError| said.error_type.is_some() || said.error_message.is_some();
    let Some(said) = said.filter(in_form) else {
        return Failure::transient(codes::LAMBDA_FAILED, "the function failed")
            .with_detail("functionError", kind)
            .with_detail("payload", redactor.excerpt(payload, 0..EXCERPT_BYTES));
    };
    let code = said.error_type.filter(|code| !code.is_empty());
    let message = said
        .error_message
        .unwrap_or_else(|| "the function failed".to_owned());
    let failure = Failure {
        stack_trace: said
            .stack_trace
            .as_ref()
            .map(trace)
            .filter(|trace| !trace.is_empty()),
        ..Failure::transient(
            code.unwrap_or_else(|| codes::LAMBDA_FAILED.to_owned()),
            message,
        )
    };
    failure.with_detail("functionError", kind)
}

fn trace(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim_end().to_owned(),
        Value::Array(lines) => lines.iter().map(trace).collect::<Vec<_>>().join("\n"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// The failure of an invocation that did not come to run the function.
pub(super) fn of_error(error: &SdkError<InvokeError, HttpResponse>) -> Failure {
    let SdkError::ServiceError(service) = error else {
        let message = format!("Lambda could not be asked: {}", DisplayErrorContext(error));
        return Failure::transient(codes::LAMBDA_UNAVAILABLE, message);
    };
    let status = service.raw().status().as_u16();
    let said = service.err();
    let message = said.message().unwrap_or("Lambda gave no reason").to_owned();
    of_service(said, status, message)
        .with_detail("status", status)
        .with_detail("awsCode", said.code().unwrap_or_default())
}

fn of_service(error: &InvokeError, status: u16, message: String) -> Failure {
    match error {
        InvokeError::ResourceNotFoundException(_) => {
            Failure::permanent(EXECUTOR_NOT_FOUND, message)
        }
        InvokeError::RequestTooLargeException(_) => Failure::permanent(PAYLOAD_TOO_LARGE, message),
        InvokeError::TooManyRequestsException(said) => {
            let seconds = said
                .retry_after_seconds()
                .and_then(|text| text.parse::<u64>().ok());
            Failure::transient(codes::LAMBDA_THROTTLED, message)
                .with_retry_after(seconds.map(|seconds| seconds.saturating_mul(1000)))
        }
        InvokeError::Ec2ThrottledException(_) => {
            Failure::transient(codes::LAMBDA_THROTTLED, message)
        }
        // The rest is told apart by whose fault it is. A function that is being changed (409)
        // settles; what a 502 tells of (file systems, keys, networks) may be repaired.
        _ => match status {
            429 => Failure::transient(codes::LAMBDA_THROTTLED, message),
            409 | 500..=599 => Failure::transient(codes::LAMBDA_UNAVAILABLE, message),
            _ => Failure::permanent(codes::LAMBDA_REFUSED, message),
        },
    }
}
