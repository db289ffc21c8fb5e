//! The arguments of `schedule`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use taskmill::ids::{BadId, ScheduleName};

use super::{At, Who};

/// What to do with schedules.
#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// Defines schedules, or defines them anew, and prints them.
    Define(DefineSchedulesArgs),
    /// Lists schedules, the newest first.
    List(ListSchedulesArgs),
    /// Prints a schedule with its next times and what became of the last ones.
    Show(ShowScheduleArgs),
    /// Stops a schedule; times that go by are not made up for.
    Pause(OnesSchedule),
    /// Lets a schedule go on with the first time that is yet to come.
    Resume(OnesSchedule),
    /// Starts the workflow of a schedule now, and prints it as it begins.
    Trigger(TriggerArgs),
    /// Deletes a schedule. What it started goes on.
    Delete(OnesSchedule),
}

/// The arguments of `schedule define`.
#[derive(Debug, Args)]
pub struct DefineSchedulesArgs {
    /// A file of schedules, or a folder with some.
    pub path: PathBuf,
    /// In whose name their workflows are to run.
    #[command(flatten)]
    pub who: Who,
    /// Where they are to be.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `schedule list`.
#[derive(Debug, Args)]
pub struct ListSchedulesArgs {
    /// Where they are.
    #[command(flatten)]
    pub at: At,
}

/// A schedule of a place.
#[derive(Debug, Args)]
pub struct OnesSchedule {
    /// The schedule's id.
    #[arg(value_parser = schedule_name)]
    pub id: ScheduleName,
    /// Where it is.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `schedule show`.
#[derive(Debug, Args)]
pub struct ShowScheduleArgs {
    /// Which one.
    #[command(flatten)]
    pub one: OnesSchedule,
    /// A permission of whoever looks; may be repeated. What a schema classifies takes one to be seen.
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub permissions: Vec<String>,
}

/// The arguments of `schedule trigger`.
#[derive(Debug, Args)]
pub struct TriggerArgs {
    /// Which one.
    #[command(flatten)]
    pub one: OnesSchedule,
    /// Makes it safe to repeat: one key, one workflow.
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// In whose name the workflow is to run.
    #[command(flatten)]
    pub who: Who,
}

fn schedule_name(text: &str) -> Result<ScheduleName, BadId> {
    ScheduleName::new(text)
}
