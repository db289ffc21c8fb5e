//! The use cases of Taskmill, and the handlers of its functions: load, decide, commit, emit.
//!
//! The order inside every use case is the same: a decision of the core is committed by one
//! conditional write, then its effects are performed, then the message that asked for it is
//! acknowledged. A crash anywhere in between leaves a record from which the same effects can be
//! derived again, by the redelivered message or by the sweep.
//!
//! What is decided is in the core; what it runs on, in `infra/aws`.

pub mod app;
pub mod batch;
pub mod boot;
pub mod bulk;
mod call;
pub mod callback;
pub mod cancel_task;
pub mod children;
mod company;
pub mod conditional;
pub mod create_task;
pub mod dead_letters;
pub mod definitions;
pub mod emit;
pub mod end;
pub mod execute_task;
mod history;
mod letters_shown;
mod line;
pub mod lists;
pub mod people;
pub mod process_result;
pub mod refusal;
pub mod register;
pub mod registry;
mod requests;
pub mod retry_task;
pub mod schedule_retry;
pub mod schedules;
pub mod start_workflow;
pub mod sweep;
pub mod tasks;
pub mod telemetry;
pub mod tenants_letters;
mod tokens;
mod told;
pub mod underway;
pub mod views;
pub mod workers;
pub mod workflows;

pub use app::App;
pub use refusal::Refusal;
