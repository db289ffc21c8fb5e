//! The commands, one file each.

pub mod bench;
pub mod run;
pub mod task;
pub mod validate;
