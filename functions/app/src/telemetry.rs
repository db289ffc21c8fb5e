//! Logs: JSON, one line an event, on standard error, at the level that `RUST_LOG` asks for.

use tracing_subscriber::EnvFilter;

/// Begins logging; to be called once, at the start of a function.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logging = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
    if logging.is_err() {
        tracing::debug!("logging has begun already");
    }
}
