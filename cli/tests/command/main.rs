//! The `taskmill` command from its outside: arguments in; output, errors and exit status out.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; the lint spares test functions alone, not their helpers"
)]

mod bench;
mod bulk;
mod dev;
mod export;
mod language;
mod operations;
mod people;
mod resume;
mod run;
mod schedules;
mod service;
mod stack;
mod support;
mod task;
mod validate;
mod watch;
mod workers;
