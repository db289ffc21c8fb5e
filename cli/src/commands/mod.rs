//! The commands, one file each, and what those that run something share (`session`).

pub mod bench;
mod bulk;
pub mod completions;
mod dead_letters;
mod define;
pub mod dev;
pub mod eval;
pub mod export;
pub mod go_on;
pub mod graph;
mod list;
mod operations;
mod people;
pub mod run;
mod schedules;
pub mod schema;
mod session;
mod show;
mod start;
pub mod task;
pub mod test;
pub mod token;
pub mod validate;
pub mod verb;
mod watch;
