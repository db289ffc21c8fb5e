//! Taskmill on AWS: tables, queues, payloads, executors, configuration.
//!
//! Everything here speaks the AWS SDK; what is decided with it is the business of the core, and
//! when, of the use cases.

pub mod callbacks;
mod calls;
pub mod chain;
pub mod clock;
pub mod config;
pub mod cursor;
pub mod executor;
pub mod payloads;
pub mod queues;
pub mod sdk;
pub mod secrets;
pub mod store;
pub mod tables;
pub mod task_tokens;
mod unique;
