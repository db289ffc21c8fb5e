//! The two calls of S3 that payloads need, over the SDK's own runtime.
//!
//! What the SDK does for every call it does for these, by the same configuration: credentials,
//! signatures, retries and their delays, time limits, stalled streams, clocks that are wrong. The
//! generated client is left out. Most of it is about what no payload needs, such as forty kinds of
//! checksums: the signature covers the hash of the body, and S3 refuses a body that has another.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::{AwsErrorCodeClassifier, TRANSIENT_ERRORS};
use aws_runtime::service_clock_skew::{
    DisableClockSkewCorrection, ServiceClockSkewClassifier, ServiceClockSkewInterceptor,
};
use aws_smithy_http::label::{EncodingStrategy, fmt_string};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime::client::stalled_stream_protection::StalledStreamProtectionInterceptor;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::orchestrator::{
    HttpRequest, HttpResponse, OrchestratorError, SensitiveOutput,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{FrozenLayer, Layer, Storable, StoreReplace};
use aws_smithy_types::error::metadata::{Builder, ErrorMetadata, ProvideErrorMetadata};
use aws_smithy_xml::decode::{Document, XmlDecodeError, try_data};
use aws_types::SigningName;
use aws_types::region::SigningRegion;

use super::address;

/// What S3 is told of who asks; its access logs keep it.
const USER_AGENT: &str = concat!("taskmill/", env!("CARGO_PKG_VERSION"));

/// The answers that are worth another try, whatever their body says.
const TRANSIENT_STATUSES: [u16; 5] = [429, 500, 502, 503, 504];

/// The objects of a bucket.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    /// One for both calls, since each has connections of its own.
    call: Operation<HttpRequest, String, ErrorMetadata>,
}

impl Objects {
    /// The objects of this bucket, where the configuration says that it is.
    pub(super) fn new(sdk: &SdkConfig, bucket: &str) -> Self {
        let version = sdk.behavior_version();
        let call = Operation::builder()
            .service_name("S3")
            .operation_name("Object")
            .behavior_version(version.unwrap_or_else(BehaviorVersion::latest))
            .endpoint_url(&address::of(sdk, bucket))
            .standard_retry(&retries(sdk))
            .runtime_plugin(
                StaticRuntimePlugin::new()
                    .with_config(settings(sdk))
                    .with_runtime_components(components(sdk)),
            )
            .with_connection_poisoning()
            .serializer(Ok)
            .deserializer(content)
            .build();
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

fn retries(sdk: &SdkConfig) -> RetryConfig {
    let retries = sdk.retry_config().cloned();
    retries.unwrap_or_else(RetryConfig::standard)
}

fn settings(sdk: &SdkConfig) -> FrozenLayer {
    let mut layer = Layer::new("payloads");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(signing(sdk));
    // Payloads are not logged.
    layer.store_put(SensitiveOutput);
    store(&mut layer, sdk.timeout_config().cloned());
    store(&mut layer, sdk.stalled_stream_protection());
    let skew = sdk.disable_clock_skew_correction();
    store(&mut layer, skew.map(DisableClockSkewCorrection::from));
    layer.freeze()
}

/// Stores what was configured, and leaves the SDK's default where nothing was.
fn store<T: Storable<Storer = StoreReplace<T>>>(layer: &mut Layer, setting: Option<T>) {
    if let Some(setting) = setting {
        layer.store_put(setting);
    }
}

/// How S3 wants to be asked: the path as it is sent, and the hash of the body in a header.
fn signing(sdk: &SdkConfig) -> SigV4OperationSigningConfig {
    let mut signing_options = SigningOptions::default();
    signing_options.double_uri_encode = false;
    signing_options.normalize_uri_path = false;
    signing_options.content_sha256_header = true;
    SigV4OperationSigningConfig {
        region: sdk.region().cloned().map(SigningRegion::from),
        region_set: None,
        name: Some(SigningName::from_static("s3")),
        signing_options,
    }
}

fn components(sdk: &SdkConfig) -> RuntimeComponentsBuilder {
    let transient = [TRANSIENT_ERRORS, &["InternalError"]].concat();
    let codes = AwsErrorCodeClassifier::<ErrorMetadata>::builder().transient_errors(transient);
    let schemes = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    let components = RuntimeComponentsBuilder::new("payloads")
        .with_http_client(sdk.http_client())
        .with_sleep_impl(sdk.sleep_impl())
        .with_time_source(sdk.time_source())
        .with_identity_cache(sdk.identity_cache())
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(schemes))
        .with_interceptor(StalledStreamProtectionInterceptor::default())
        .with_interceptor(ServiceClockSkewInterceptor::new())
        .with_retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
        .with_retry_classifier(codes.build())
        .with_retry_classifier(HttpStatusCodeClassifier::new_from_codes(
            TRANSIENT_STATUSES.to_vec(),
        ))
        .with_retry_classifier(ServiceClockSkewClassifier::<ErrorMetadata>::new());
    match sdk.credentials_provider() {
        Some(provider) => components.with_identity_resolver(SCHEME_ID, provider),
        None => components,
    }
}

#[cfg(test)]
mod tests;
