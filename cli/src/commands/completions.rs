//! `taskmill completions`: a script by which a shell completes the command.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::args::Cli;
use crate::exit::{Error, Exit};
use crate::output;

/// Prints the script.
///
/// # Errors
/// Standard output is full or fails.
pub fn completions(shell: Shell) -> Result<Exit, Error> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "taskmill", &mut script);
    output::print_text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
