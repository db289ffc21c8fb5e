//! Logs: on standard error, and only when they are asked for, so that they do not come between
//! the lines of progress.

use std::io;

use taskmill_app::telemetry::without_payloads;
use tracing_subscriber::EnvFilter;

/// Begins logging: as `RUST_LOG` says, or as loud as `-v` was often.
pub fn init(verbose: u8) {
    let filter = match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.is_empty() => EnvFilter::new(directives),
        Ok(_) | Err(_) => EnvFilter::new(level(verbose)),
    };
    let logging = tracing_subscriber::fmt()
        .with_env_filter(without_payloads(filter))
        .with_writer(io::stderr)
        .with_ansi(false)
        .try_init();
    // A second call would leave the first one's logs.
    drop(logging);
}

fn level(verbose: u8) -> &'static str {
    match verbose {
        0 => "off",
        1 => "warn,taskmill=info,taskmill_app=info,taskmill_aws=info,taskmill_local=info",
        2 => "warn,taskmill=debug,taskmill_app=debug,taskmill_aws=debug,taskmill_local=debug",
        3.. => "trace",
    }
}
