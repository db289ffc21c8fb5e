//! Logs: on standard error, and only when they are asked for, so that they do not come between
//! the lines of progress.

use std::io;

use taskmill_app::telemetry::{asked, without_payloads};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{fmt, registry};

/// Begins logging: as `RUST_LOG` says, or as loud as `-v` was often.
pub fn init(verbose: u8) {
    let filter = asked().unwrap_or_else(|| level(verbose).parse().expect("it is a filter"));
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(false);
    let logging = registry().with(without_payloads(&filter)).with(lines);
    // A second call would leave the first one's logs.
    drop(logging.try_init());
}

fn level(verbose: u8) -> &'static str {
    match verbose {
        0 => "off",
        1 => "warn,taskmill=info,taskmill_app=info,taskmill_aws=info,taskmill_local=info",
        2 => "warn,taskmill=debug,taskmill_app=debug,taskmill_aws=debug,taskmill_local=debug",
        3.. => "trace",
    }
}
