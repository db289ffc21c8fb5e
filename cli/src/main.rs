//! The `taskmill` command: reads its arguments, does what they ask, and ends with a status that
//! says how it went ([`exit`]).
//!
//! It runs the same use cases and handlers as the functions do, on an AWS within the process
//! ([`local`]), or works on what a service, a folder or a deployed stack holds ([`place`]). What a
//! definition means and what becomes of a workflow is decided elsewhere.

mod args;
mod commands;
mod config;
mod defining;
mod definitions;
mod development;
mod exit;
mod family;
mod follow;
mod graph;
mod idle;
mod input;
mod interrupt;
mod lists;
mod local;
mod logging;
mod output;
mod place;
mod problems;
mod progress;
mod resume;
mod story;
mod testing;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command, TaskCommand};
use exit::{Error, Exit};

/// Why a command takes no place.
const ON_THIS_MACHINE: &str = "--url, --token, --stack and --profile are for the commands that work at a place, from define to dead-letters: this one works on this machine alone";

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::init(cli.verbose);
    if cli.named.is_any() && !cli.command.is_at_a_place() {
        return ended(Err(Error::Usage(ON_THIS_MACHINE.to_owned())));
    }
    match &cli.command {
        // Every case has a runtime of its own, in which the time is virtual.
        Command::Test(args) => return ended(commands::test::test(args)),
        // Some of its measures are taken in virtual time.
        Command::Bench(args) => return ended(commands::bench::bench(args)),
        _ => {}
    }
    // Dropping the runtime, also after an error, ends what still runs, and with it its programs.
    let exit = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)
        .and_then(|runtime| runtime.block_on(perform(cli)));
    ended(exit)
}

fn ended(exit: Result<Exit, Error>) -> ExitCode {
    match exit {
        Ok(exit) => exit.code(),
        Err(error) => {
            output::note(&error.report());
            error.exit().code()
        }
    }
}

async fn perform(cli: Cli) -> Result<Exit, Error> {
    let verbose = cli.verbose;
    match cli.command {
        Command::Run(args) => commands::run::run(args, verbose).await,
        Command::Validate(args) => commands::validate::validate(&args, verbose),
        Command::Continue(args) => commands::go_on::go_on(&args, verbose).await,
        Command::Verb(verb) => commands::verb::perform(verb, cli.named, verbose).await,
        Command::Task { command } => match command {
            TaskCommand::Run(args) => commands::task::run(*args, verbose).await,
        },
        Command::Dev(args) => commands::dev::dev(&args, verbose).await,
        Command::Token(args) => commands::token::token(args),
        Command::Bench(args) => commands::bench::bench(&args),
        Command::Test(args) => commands::test::test(&args),
        Command::Eval(args) => commands::eval::eval(&args),
        Command::Graph(args) => commands::graph::graph(&args),
        Command::Export(args) => commands::export::export(&args),
        Command::Schema(args) => commands::schema::schema(&args),
        Command::Completions { shell } => commands::completions::completions(shell),
    }
}
