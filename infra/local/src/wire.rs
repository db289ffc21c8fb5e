//! Requests and answers of the SDK's HTTP seam, and the errors of AWS's JSON and XML protocols.

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use serde_json::json;

use crate::faults::Failure;

/// An answer before it is put on the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

/// Which protocol a service's errors are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Json,
    Xml,
}

impl Answer {
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/x-amz-json-1.0".to_owned())],
            body: body.into(),
        }
    }

    pub fn json_error(status: u16, kind: &str, message: &str) -> Self {
        let body = json!({ "__type": kind, "message": message });
        Self::json(status, body.to_string())
    }

    pub fn unknown_operation(message: &str) -> Self {
        let kind = "com.amazon.coral.service#UnknownOperationException";
        Self::json_error(400, kind, message)
    }

    pub fn xml_error(status: u16, code: &str, message: &str) -> Self {
        let message = escaped(message);
        let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        Self::xml(status, body)
    }

    /// An error of the query protocol.
    pub fn query_error(code: &str, message: &str) -> Self {
        let message = escaped(message);
        Self::xml(
            400,
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>\
                 <Message>{message}</Message></Error></ErrorResponse>"
            ),
        )
    }

    fn xml(status: u16, body: String) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/xml".to_owned())],
            body: body.into(),
        }
    }

    /// The answer to a call that a test makes fail.
    pub fn injected(protocol: Protocol, failure: Failure) -> Result<Self, ConnectorError> {
        match (failure, protocol) {
            (Failure::Throttled, Protocol::Json) => Ok(Self::json_error(
                400,
                "com.amazonaws#ThrottlingException",
                "Rate exceeded (injected)",
            )),
            (Failure::Throttled, Protocol::Xml) => Ok(Self::xml_error(
                503,
                "SlowDown",
                "Please reduce your request rate. (injected)",
            )),
            (Failure::ServerError, Protocol::Json) => Ok(Self::json_error(
                500,
                "com.amazonaws#InternalServerError",
                "Internal error (injected)",
            )),
            (Failure::ServerError, Protocol::Xml) => Ok(Self::xml_error(
                500,
                "InternalError",
                "Internal error (injected)",
            )),
            (Failure::TimeoutAfterSuccess, _) => Err(ConnectorError::timeout(
                "the answer was lost (injected)".into(),
            )),
        }
    }

    pub fn into_response(self) -> Result<HttpResponse, ConnectorError> {
        let status = self.status.try_into();
        let status = status.map_err(|error| ConnectorError::other(Box::new(error), None))?;
        let mut response = HttpResponse::new(status, SdkBody::from(self.body));
        for (name, value) in self.headers {
            response
                .headers_mut()
                .try_insert(name, value)
                .map_err(|error| ConnectorError::other(Box::new(error), None))?;
        }
        Ok(response)
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A request's whole body.
pub(crate) async fn body_of(request: &mut HttpRequest) -> Result<Bytes, ConnectorError> {
    let body = request.take_body();
    if let Some(bytes) = body.bytes() {
        return Ok(Bytes::copy_from_slice(bytes));
    }
    let collected = ByteStream::new(body).collect().await;
    collected
        .map(aws_smithy_types::byte_stream::AggregatedBytes::into_bytes)
        .map_err(|error| ConnectorError::io(Box::new(error)))
}
