//! The one call of EventBridge that events need: PutEvents of one entry, in AWS's JSON protocol.

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_runtime::auth::SigningOptions;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ErrorMetadata;
use serde_json::{Value, json};
use taskmill::codes::failure::EXECUTOR_NOT_FOUND;

use crate::calls::{self, Callee, address, json};
use crate::executor::{Failure, codes};

/// What it says when there is too much going on, or when it fails itself.
const PASSING: [&str; 3] = [
    "ThrottlingException",
    "InternalFailure",
    "InternalException",
];

/// The buses that some identity may put events on.
#[derive(Debug, Clone)]
pub(super) struct Bus {
    call: calls::Call,
}

impl Bus {
    pub(super) fn new(sdk: &SdkConfig) -> Self {
        let sdk = sdk
            .to_builder()
            .retry_config(RetryConfig::disabled())
            .build();
        let callee = Callee {
            names: ("EventBridge", "PutEvents"),
            endpoint: endpoint(&sdk),
            signed_for: "events",
            signing: SigningOptions::default(),
            transient: &[],
            read: json::content,
        };
        let call = callee.call(&sdk);
        Self { call }
    }

    /// Puts an entry, and gives the event's id.
    pub(super) async fn put(&self, entry: &Value) -> Result<String, Failure> {
        let body = json!({"Entries": [entry]});
        let request = json::request("AWSEvents.PutEvents", &body).map_err(|error| {
            Failure::transient(codes::EVENTS_UNAVAILABLE, format!("no request: {error}"))
        })?;
        let answer = self
            .call
            .invoke(request)
            .await
            .map_err(|error| failed(&error))?;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        let entry = &answer["Entries"][0];
        match (entry["EventId"].as_str(), entry["ErrorCode"].as_str()) {
            (Some(id), None) => Ok(id.to_owned()),
            (_, code) => {
                let message = entry["ErrorMessage"].as_str();
                Err(refusal(code.unwrap_or_default(), message, 200))
            }
        }
    }
}

fn endpoint(sdk: &SdkConfig) -> String {
    let region = address::region(sdk);
    let on_aws = || format!("https://events.{region}.{}", address::domain(region));
    address::endpoint(sdk, "EventBridge").unwrap_or_else(on_aws)
}

fn failed(error: &SdkError<ErrorMetadata, HttpResponse>) -> Failure {
    match error {
        SdkError::ServiceError(service) => {
            let told = service.err();
            let status = service.raw().status().as_u16();
            refusal(told.code().unwrap_or_default(), told.message(), status)
        }
        error => {
            let why = DisplayErrorContext(error);
            let message = format!("EventBridge could not be asked: {why}");
            Failure::transient(codes::EVENTS_UNAVAILABLE, message)
        }
    }
}

fn refusal(code: &str, message: Option<&str>, status: u16) -> Failure {
    let message = message.filter(|message| !message.is_empty());
    let message = message.unwrap_or("EventBridge gave no reason");
    let failure = if code == "ResourceNotFoundException" {
        Failure::permanent(EXECUTOR_NOT_FOUND, message)
    } else if PASSING.contains(&code) || status == 429 || status >= 500 {
        Failure::transient(codes::EVENTS_UNAVAILABLE, message)
    } else {
        Failure::permanent(codes::EVENTS_REFUSED, message)
    };
    failure
        .with_detail("status", status)
        .with_detail("awsCode", code)
}
