//! The JSON protocol of AWS: how a request asks for an operation, and what an answer says.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::ErrorMetadata;
use serde_json::Value;

use super::USER_AGENT;

/// The request for an operation, named as `x-amz-target` names it.
pub(crate) fn request(target: &'static str, body: &Value) -> Result<HttpRequest, BoxError> {
    let body = body.to_string();
    let length = body.len().to_string();
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST")?;
    request.set_uri("/")?;
    let headers = request.headers_mut();
    headers.insert("user-agent", USER_AGENT);
    headers.insert("content-type", "application/x-amz-json-1.1");
    headers.insert("x-amz-target", target);
    headers.insert("content-length", length);
    Ok(request)
}

/// The text of a good answer, or the code and message of another.
pub(crate) fn content(response: &HttpResponse) -> Result<String, OrchestratorError<ErrorMetadata>> {
    let body = response.body().bytes();
    let body = body.ok_or_else(|| OrchestratorError::other("the body was not loaded"))?;
    let content = String::from_utf8_lossy(body).into_owned();
    if response.status().is_success() {
        return Ok(content);
    }
    let told: Value = serde_json::from_str(&content).unwrap_or_default();
    let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    // The code may follow the name of a namespace.
    let code = text("__type");
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    let message = [text("message"), text("Message")].concat();
    let refusal = ErrorMetadata::builder().code(code).message(message);
    Err(OrchestratorError::operation(refusal.build()))
}
