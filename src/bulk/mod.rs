//! Bulk operations: the same thing, asked of all workflows or tasks that a selection finds.
//!
//! Decided here: which records a selection may be of, and how the record of an operation goes on
//! from batch to batch ([`record`]). Finding the records and asking each of them is the business
//! of the use cases.

pub mod record;
#[cfg(test)]
mod tests;
pub mod work;

pub use record::{Bulk, BulkStatus, Failure, Place};
pub use work::{TaskAsk, TaskSelection, Work, WorkflowAsk, WorkflowSelection};
