//! Chores of the project: `cargo xtask cold-start`.

mod cold_start;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask cold-start [--check]

cold-start  measures how each function of target/release starts; with --check, fails when one
            is over its limits. Build them first: cargo build --release";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let limits = match arguments[..] {
        ["cold-start"] => cold_start::Limits::Told,
        ["cold-start", "--check"] => cold_start::Limits::Kept,
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match cold_start::report(limits) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}
