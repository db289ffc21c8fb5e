//! The commands, one file each, and what those that run something share (`session`).

pub mod bench;
pub mod run;
mod session;
pub mod task;
pub mod validate;
