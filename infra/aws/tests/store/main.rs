//! The store over an embedded DynamoDB, through the SDK and its wire format.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod audit;
mod capacity;
mod definitions;
mod due;
mod faults;
mod format;
mod forms;
mod inbox;
mod inputs;
mod line;
mod lists;
mod mending;
mod people;
mod records;
mod samples;
mod schedules;
mod support;
