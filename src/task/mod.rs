//! Tasks: their definitions, their instances, and every decision about one.

pub mod assignment;
pub mod attempt;
pub mod audit;
pub mod compiled;
pub mod concurrency;
pub mod creation;
pub mod definition;
pub mod dispatch;
pub mod due;
pub mod form;
pub mod instance;
pub mod lifecycle;
pub mod output;
pub mod polled;
pub mod rate;
pub mod retry;
pub mod routing;
pub mod targets;
pub mod tenants;
pub mod timeouts;
pub mod token;

pub use attempt::{Attempt, AttemptReport, Outcome};
pub use compiled::CompiledTask;
pub use definition::{TaskDefinition, TaskType};
pub use instance::{TaskInstance, TaskPriority, TaskStatus};
