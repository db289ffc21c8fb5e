//! Whom a request is for: the service and the operation, read from its headers and address.

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use crate::meter::QueueKind;
use crate::s3::{Precondition, Target};
use crate::wire::Protocol;

/// A request's destination.
#[derive(Debug)]
pub(crate) enum Call {
    DynamoDb(String),
    Sqs(String),
    S3(Target),
    StepFunctions(String),
    /// The service has no name here.
    Unknown(String),
    /// Neither a service nor an operation is named.
    Untold,
    /// The older protocol, whose requests are forms.
    Query,
}

impl Call {
    pub fn of(request: &HttpRequest) -> Self {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        match target.split_once('.') {
            Some(("DynamoDB_20120810", operation)) => Self::DynamoDb(operation.to_owned()),
            Some(("AmazonSQS", action)) => Self::Sqs(action.to_owned()),
            Some(("AWSStepFunctions", operation)) => Self::StepFunctions(operation.to_owned()),
            Some((service, _)) => Self::Unknown(service.to_owned()),
            None if is_form(request) => Self::Query,
            None => match signed_for(request) {
                "s3" => Self::S3(Target::of(request.method(), request.uri())),
                "" => Self::Untold,
                other => Self::Unknown(other.to_owned()),
            },
        }
    }

    pub fn name(&self) -> String {
        match self {
            Self::DynamoDb(operation) => format!("dynamodb.{operation}"),
            Self::Sqs(action) => format!("sqs.{action}"),
            Self::S3(target) => format!("s3.{}", target.operation.name()),
            Self::StepFunctions(operation) => format!("states.{operation}"),
            Self::Unknown(service) => format!("{service}.Unknown"),
            Self::Untold | Self::Query => "unknown.Unknown".to_owned(),
        }
    }

    pub fn protocol(&self) -> Protocol {
        match self {
            Self::S3(_) | Self::Query => Protocol::Xml,
            Self::DynamoDb(_)
            | Self::Sqs(_)
            | Self::StepFunctions(_)
            | Self::Unknown(_)
            | Self::Untold => Protocol::Json,
        }
    }
}

/// The kind of the queue that a request names; the names of FIFO queues end in `.fifo`.
pub(crate) fn kind_of_queue(body: &[u8]) -> QueueKind {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Request {
        queue_url: String,
    }
    match serde_json::from_slice::<Request>(body) {
        Ok(request) if request.queue_url.ends_with(".fifo") => QueueKind::Fifo,
        Ok(_) | Err(_) => QueueKind::Standard,
    }
}

fn is_form(request: &HttpRequest) -> bool {
    let kind = request.headers().get("content-type").unwrap_or_default();
    kind.starts_with("application/x-www-form-urlencoded")
}

/// The service in a signature's scope: `Credential=KEY/date/region/SERVICE/aws4_request`.
fn signed_for(request: &HttpRequest) -> &str {
    let authorization = request.headers().get("authorization").unwrap_or_default();
    let scope = authorization.split("Credential=").nth(1);
    scope
        .and_then(|scope| scope.split('/').nth(3))
        .unwrap_or_default()
}

/// When a put of this request may take effect.
pub(crate) fn precondition(request: &HttpRequest) -> Precondition {
    match request.headers().get("if-none-match") {
        Some("*") => Precondition::Absent,
        Some(_) | None => Precondition::Always,
    }
}
