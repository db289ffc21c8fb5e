//! Calls of AWS without its generated clients, over the runtime that these are made of.
//!
//! What the SDK does for every call it does for these, by the same configuration: credentials,
//! signatures, retries and their delays, time limits, stalled streams, clocks that are wrong. A
//! generated client is left out where most of it is about what is not needed here. What is asked,
//! and what an answer means, is its caller's business.

pub(crate) mod address;
pub(crate) mod json;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::{AwsErrorCodeClassifier, TRANSIENT_ERRORS};
use aws_runtime::service_clock_skew::{
    DisableClockSkewCorrection, ServiceClockSkewClassifier, ServiceClockSkewInterceptor,
};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime::client::stalled_stream_protection::StalledStreamProtectionInterceptor;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::orchestrator::{
    HttpRequest, HttpResponse, OrchestratorError, SensitiveOutput,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::config_bag::{FrozenLayer, Layer, Storable, StoreReplace};
use aws_smithy_types::error::metadata::ErrorMetadata;
use aws_types::SigningName;
use aws_types::region::SigningRegion;

/// What AWS is told of who asks; its access logs keep it.
pub(crate) const USER_AGENT: &str = concat!("taskmill/", env!("CARGO_PKG_VERSION"));

/// The answers that are worth another try, whatever their body says.
const TRANSIENT_STATUSES: [u16; 5] = [429, 500, 502, 503, 504];

/// A call that is made again and again: a request goes in, the text of a good answer comes out.
pub(crate) type Call = Operation<HttpRequest, String, ErrorMetadata>;

/// What reads an answer.
pub(crate) type Read = fn(&HttpResponse) -> Result<String, OrchestratorError<ErrorMetadata>>;

/// What is called.
pub(crate) struct Callee {
    /// The service and the operation, for traces and logs.
    pub(crate) names: (&'static str, &'static str),
    /// What the paths of requests follow.
    pub(crate) endpoint: String,
    /// The service, as signatures name it.
    pub(crate) signed_for: &'static str,
    /// How it wants to be signed for.
    pub(crate) signing: SigningOptions,
    /// Codes of its own that are worth another try.
    pub(crate) transient: &'static [&'static str],
    /// What reads its answers.
    pub(crate) read: Read,
}

impl Callee {
    /// The call, by this configuration. It has connections of its own.
    pub(crate) fn call(self, sdk: &SdkConfig) -> Call {
        let version = sdk.behavior_version();
        let (service, operation) = self.names;
        Operation::builder()
            .service_name(service)
            .operation_name(operation)
            .behavior_version(version.unwrap_or_else(BehaviorVersion::latest))
            .endpoint_url(&self.endpoint)
            .standard_retry(&retries(sdk))
            .runtime_plugin(
                StaticRuntimePlugin::new()
                    .with_config(settings(sdk, self.signed_for, self.signing))
                    .with_runtime_components(components(sdk, self.transient)),
            )
            .with_connection_poisoning()
            .serializer(Ok)
            .deserializer(self.read)
            .build()
    }
}

fn retries(sdk: &SdkConfig) -> RetryConfig {
    let retries = sdk.retry_config().cloned();
    retries.unwrap_or_else(RetryConfig::standard)
}

fn settings(sdk: &SdkConfig, signed_for: &'static str, signing: SigningOptions) -> FrozenLayer {
    let mut layer = Layer::new("taskmill");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(SigV4OperationSigningConfig {
        region: sdk.region().cloned().map(SigningRegion::from),
        region_set: None,
        name: Some(SigningName::from_static(signed_for)),
        signing_options: signing,
    });
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

fn components(sdk: &SdkConfig, transient: &[&'static str]) -> RuntimeComponentsBuilder {
    let transient = [TRANSIENT_ERRORS, transient].concat();
    let codes = AwsErrorCodeClassifier::<ErrorMetadata>::builder().transient_errors(transient);
    let schemes = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    let components = RuntimeComponentsBuilder::new("taskmill")
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
