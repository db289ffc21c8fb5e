//! The two calls of S3 that payloads need.
//!
//! The generated client is left out: most of it is about what no payload needs, such as forty kinds
//! of checksums. The signature covers the hash of the body, and S3 refuses a body that has another.

use aws_config::SdkConfig;
use aws_runtime::auth::SigningOptions;
use aws_smithy_http::label::{EncodingStrategy, fmt_string};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::{Builder, ErrorMetadata, ProvideErrorMetadata};
use aws_smithy_xml::decode::{Document, XmlDecodeError, try_data};

use super::address;
use crate::calls::{Call, Callee, USER_AGENT};

/// The objects of a bucket.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    /// One for both calls, since each has connections of its own.
    call: Call,
}

impl Objects {
    /// The objects of this bucket, where the configuration says that it is.
    pub(super) fn new(sdk: &SdkConfig, bucket: &str) -> Self {
        let callee = Callee {
            names: ("S3", "Object"),
            endpoint: address::of(sdk, bucket),
            signed_for: "s3",
            signing: signing(),
            transient: &["InternalError"],
            read: content,
        };
        let call = callee.call(sdk);
        Self { call }
    }

    /// PutObject.
    pub(super) async fn put(&self, key: &str, json: String) -> Result<(), BoxError> {
        let length = json.len().to_string();
        let mut request = request("PUT", key, SdkBody::from(json))?;
        let headers = request.headers_mut();
        headers.insert("content-type", "application/json");
        headers.insert("content-length", length);
        self.call.invoke(request).await?;
        Ok(())
    }

    /// GetObject; none when there is no such object.
    pub(super) async fn get(&self, key: &str) -> Result<Option<String>, BoxError> {
        let request = request("GET", key, SdkBody::empty())?;
        match self.call.invoke(request).await {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn request(method: &str, key: &str, body: SdkBody) -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(body);
    request.set_method(method)?;
    request.set_uri(format!("/{}", fmt_string(key, EncodingStrategy::Greedy)))?;
    request.headers_mut().insert("user-agent", USER_AGENT);
    Ok(request)
}

fn content(response: &HttpResponse) -> Result<String, OrchestratorError<ErrorMetadata>> {
    let body = response.body().bytes();
    let body = body.ok_or_else(|| OrchestratorError::other("the body was not loaded"))?;
    if response.status().is_success() {
        let content = str::from_utf8(body).map_err(OrchestratorError::other)?;
        return Ok(content.to_owned());
    }
    Err(OrchestratorError::operation(refusal(response, body)))
}

fn refusal(response: &HttpResponse, body: &[u8]) -> ErrorMetadata {
    // What is not S3's XML came from somebody in between: its status has to do.
    let refusal = told(body).unwrap_or_default();
    let status = response.status().as_u16().to_string();
    let refusal = refusal.custom("status", status);
    match response.headers().get("x-amz-request-id") {
        Some(id) => refusal.custom("request_id", id).build(),
        None => refusal.build(),
    }
}

/// The code and the message of an `<Error>`.
fn told(body: &[u8]) -> Result<Builder, XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    let mut error = document.root_element()?;
    let mut told = ErrorMetadata::builder();
    while let Some(mut tag) = error.next_tag() {
        match tag.start_el().local() {
            "Code" => told = told.code(try_data(&mut tag)?),
            "Message" => told = told.message(try_data(&mut tag)?),
            _ => {}
        }
    }
    Ok(told)
}

/// How S3 wants to be asked: the path as it is sent, and the hash of the body in a header.
fn signing() -> SigningOptions {
    let mut options = SigningOptions::default();
    options.double_uri_encode = false;
    options.normalize_uri_path = false;
    options.content_sha256_header = true;
    options
}

#[cfg(test)]
mod tests;
