//! Schedules: which workflow starts when, by a cron expression in a time zone.
//!
//! Decided here: the times of a definition ([`timetable`]), which of those that have come are
//! started and which are passed over ([`firing`]), and what may be asked of a schedule
//! ([`record`]). Whether a text is a definition is decided in [`crate::registration`]. Starting
//! the workflow is the business of the use cases.

pub mod definition;
pub mod firing;
pub mod record;
#[cfg(test)]
mod tests;
pub mod timetable;

pub use definition::{CatchUp, Overlap, ScheduleDefinition};
pub use record::{Outcome, Run, Schedule, ScheduleStatus};
pub use timetable::Timetable;
