//! Logs: JSON, one line an event, on standard error, at the level that `RUST_LOG` asks for.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{fmt, registry};

/// What these log in detail is what they send and receive: payloads, and secrets on their way.
const TALKATIVE: [&str; 6] = [
    "aws_sdk_lambda",
    "aws_smithy_http_client",
    "aws_smithy_runtime",
    "aws_smithy_runtime_api",
    "hyper",
    "reqwest",
];

/// What `RUST_LOG` asks for, if it can be read.
#[must_use]
pub fn asked() -> Option<Targets> {
    let asked = std::env::var("RUST_LOG").ok()?;
    asked.parse().ok().filter(|_| !asked.is_empty())
}

/// The filter, whatever it asks for, without what would log payloads.
#[must_use]
pub fn without_payloads(filter: &Targets) -> Targets {
    let usual = filter.default_level().unwrap_or(LevelFilter::OFF);
    let is_talkative = |target: &str| TALKATIVE.iter().any(|name| target.starts_with(name));
    let others = filter.iter().filter(|(target, _)| !is_talkative(target));
    Targets::new()
        .with_default(usual)
        .with_targets(others)
        .with_targets(TALKATIVE.map(|name| (name, usual.min(LevelFilter::INFO))))
}

/// Begins logging; to be called once, at the start of a function.
pub fn init() {
    let filter = asked().unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_writer(io::stderr);
    let logging = registry().with(without_payloads(&filter)).with(lines);
    if logging.try_init().is_err() {
        tracing::debug!("logging has begun already");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn no_filter_lets_payloads_through() {
        for asked in [
            "trace",
            "hyper=trace",
            "off,hyper::proto=trace,reqwest=debug",
        ] {
            let filter = without_payloads(&asked.parse().unwrap());
            for target in [
                "hyper",
                "hyper::proto::h1",
                "reqwest::connect",
                "aws_smithy_runtime",
            ] {
                assert!(
                    !filter.would_enable(target, &Level::DEBUG),
                    "{asked} {target}"
                );
            }
        }
        let filter = without_payloads(&"off,taskmill=debug".parse().unwrap());
        assert!(filter.would_enable("taskmill::task", &Level::DEBUG));
        assert!(!filter.would_enable("hyper", &Level::ERROR));
    }
}
