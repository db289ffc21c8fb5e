//! Logs: JSON, one line an event, on standard error, at the level that `RUST_LOG` asks for.

use tracing_subscriber::EnvFilter;

/// What these log in detail is what they send and receive: payloads, and secrets on their way.
const TALKATIVE: [&str; 6] = [
    "aws_sdk_lambda=info",
    "aws_smithy_http_client=info",
    "aws_smithy_runtime=info",
    "aws_smithy_runtime_api=info",
    "hyper=info",
    "reqwest=info",
];

/// The filter, whatever it asks for, without the crates that would log payloads.
#[must_use]
pub fn without_payloads(filter: EnvFilter) -> EnvFilter {
    TALKATIVE.iter().fold(filter, |filter, directive| {
        filter.add_directive(directive.parse().expect("the directive is one"))
    })
}

/// Begins logging; to be called once, at the start of a function.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logging = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_env_filter(without_payloads(filter))
        .with_writer(std::io::stderr)
        .try_init();
    if logging.is_err() {
        tracing::debug!("logging has begun already");
    }
}
