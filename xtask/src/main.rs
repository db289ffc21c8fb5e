//! Chores of the project: `cargo xtask cold-start`.

mod cold_start;

use std::path::PathBuf;
use std::process::ExitCode;

use cold_start::Limits;

const USAGE: &str = "usage: cargo xtask cold-start [--check] [FOLDER]

cold-start  measures how each function starts; with --check, fails when a package is too large.
            FOLDER has the functions, as FUNCTION or as FUNCTION/bootstrap: target/release by
            default, after cargo build --release, or target/lambda, after cargo lambda build
            --release";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (limits, folder) = match arguments[..] {
        ["cold-start"] => (Limits::Told, None),
        ["cold-start", "--check"] => (Limits::Kept, None),
        ["cold-start", "--check", folder] => (Limits::Kept, Some(folder)),
        ["cold-start", folder] if !folder.starts_with('-') => (Limits::Told, Some(folder)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let folder = folder.map_or_else(cold_start::release_folder, PathBuf::from);
    match cold_start::report(&folder, limits) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}
