//! How AWS is spoken to: the configuration that every client is made from.
//!
//! A function finds all it needs in its environment, so the places where others look for
//! credentials (files, processes, services of the network) are not in its program. TLS is that of
//! `ring` for every connection, those of `http:` tasks included: it is a third of the size of the
//! SDK's default.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// What the SDK gives a connection by default.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3100);

/// The configuration of a function, from its environment: `AWS_REGION`, `AWS_ACCESS_KEY_ID` and
/// its fellows as Lambda sets them, and `AWS_ENDPOINT_URL` where AWS is somewhere else.
#[must_use]
pub fn of_function(variable: impl Fn(&str) -> Option<String>) -> SdkConfig {
    let credentials = EnvironmentVariableCredentialsProvider::new();
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT);
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(variable("AWS_REGION").map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .identity_cache(IdentityCache::lazy().build())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts.build())
        .http_client(https());
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL").filter(|url| !url.is_empty()));
    config.build()
}

/// The configuration of a person's machine: wherever the AWS CLI would look.
pub async fn of_machine() -> SdkConfig {
    let defaults = aws_config::defaults(BehaviorVersion::latest());
    defaults.http_client(https()).load().await
}

/// A client that speaks TLS.
#[must_use]
pub fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

/// A client of HTTP for what is not AWS, with the same TLS: none is made in another way.
pub fn http() -> reqwest::ClientBuilder {
    // Only the first call of a process matters, and all say the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}
