//! The commands, one file each, and what those that run something share (`session`).

pub mod bench;
pub mod dev;
pub mod eval;
pub mod export;
pub mod graph;
pub mod people;
pub mod resume;
pub mod run;
pub mod schema;
mod session;
pub mod task;
pub mod test;
pub mod token;
pub mod validate;
pub mod workflow;
