//! What Taskmill decides: the pure core.
//!
//! A decision here is a function from facts (a stored state, an event, the time, ids) to a new
//! state and the effects to perform, or to a rejection. Nothing in this crate performs IO, reads
//! a clock or the environment, or draws a random number: the use cases in `functions/app` load
//! the facts, commit the decision and perform its effects.

#![warn(clippy::iter_over_hash_type)]

pub mod bulk;
pub mod codes;
pub mod document;
pub mod duration;
pub mod error_info;
#[cfg(test)]
mod house;
pub mod ids;
pub mod limits;
pub mod metrics;
pub mod problem;
pub mod registration;
pub mod schedule;
pub mod schema;
pub mod security;
pub mod task;
#[cfg(test)]
mod testing;
pub mod time;
pub mod versions;
pub mod workflow;

pub use error_info::ErrorInfo;
pub use time::Timestamp;

/// A JSON object, in the order in which it was written.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;
