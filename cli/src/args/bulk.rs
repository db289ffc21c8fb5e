//! The arguments of `bulk`.

use clap::{Args, Subcommand};
use taskmill::Timestamp;
use taskmill::ids::{BulkId, DefinitionId, WorkflowId};
use taskmill::task::{TaskStatus, TaskType};
use taskmill::workflow::WorkflowStatus;

use super::{At, Who, definition_id, words};

/// What to do with many records at a time.
#[derive(Debug, Subcommand)]
pub enum BulkCommand {
    /// Asks the same of all workflows that are selected.
    Workflows {
        /// What is asked.
        #[command(subcommand)]
        command: BulkWorkflows,
    },
    /// Asks the same of all tasks that are selected.
    Tasks {
        /// What is asked.
        #[command(subcommand)]
        command: BulkTasks,
    },
    /// Lists operations, the newest first.
    List(ListBulkArgs),
    /// Prints an operation: how far it is.
    Show(OnesBulk),
    /// Lists the first records that refused, and why.
    Failures(OnesBulk),
    /// Tells how far an operation is until it is over, and prints it then.
    Watch(WatchBulkArgs),
    /// Stops an operation. What was asked stays asked.
    Stop(OnesBulk),
}

/// What is asked of workflows.
#[derive(Debug, Subcommand)]
pub enum BulkWorkflows {
    /// To go on at the steps that failed.
    Retry(BulkWorkflowsArgs),
    /// To end at once, with what they run.
    Cancel(CancelWorkflowsArgs),
}

/// What is asked of tasks.
#[derive(Debug, Subcommand)]
pub enum BulkTasks {
    /// To be repeated, each by a new one. Those of workflows are not concerned.
    Retry(BulkTasksArgs),
    /// To end at once.
    Cancel(CancelTasksArgs),
    /// To be given to somebody, of people's tasks.
    Reassign(ReassignTasksArgs),
}

/// How an operation is begun.
#[derive(Debug, Args)]
pub struct BeginArgs {
    /// Counts what is selected, and asks nothing of it.
    #[arg(long)]
    pub dry_run: bool,
    /// Makes it safe to repeat: one key, one operation.
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// Waits until it is over, as `bulk watch` does. Not in a folder, where nothing runs until
    /// `continue`.
    #[arg(long, conflicts_with = "dry_run")]
    pub wait: bool,
    /// Prints no progress and no summary.
    #[arg(long, short)]
    pub quiet: bool,
    /// In whose name.
    #[command(flatten)]
    pub who: Who,
    /// Where.
    #[command(flatten)]
    pub at: At,
}

/// Which workflows: those that meet everything that is named.
#[derive(Debug, Args)]
pub struct BulkWorkflowsArgs {
    /// Of this status; by default of every one that it can be asked in.
    #[arg(long, value_name = "STATUS", value_parser = words::workflow_status)]
    pub status: Option<WorkflowStatus>,
    /// Of this definition.
    #[arg(long, value_name = "ID", value_parser = definition_id)]
    pub workflow: Option<DefinitionId>,
    /// When they were created.
    #[command(flatten)]
    pub created: CreatedArgs,
    /// How it is begun.
    #[command(flatten)]
    pub begin: BeginArgs,
}

/// Which tasks: those that meet everything that is named.
#[derive(Debug, Args)]
pub struct BulkTasksArgs {
    /// Of this status; by default of every one that it can be asked in.
    #[arg(long, value_name = "STATUS", value_parser = words::task_status)]
    pub status: Option<TaskStatus>,
    /// Of this definition.
    #[arg(long, value_name = "ID", value_parser = definition_id)]
    pub task: Option<DefinitionId>,
    /// Of workflows of this definition.
    #[arg(long, value_name = "ID", value_parser = definition_id)]
    pub workflow: Option<DefinitionId>,
    /// Of this workflow.
    #[arg(long, value_name = "ID")]
    pub workflow_id: Option<WorkflowId>,
    /// Done so: AUTOMATED, INTEGRATION or MANUAL.
    #[arg(long = "type", value_name = "TYPE", value_parser = words::task_type)]
    pub task_type: Option<TaskType>,
    /// That this person has.
    #[arg(long, value_name = "PERSON")]
    pub assignee: Option<String>,
    /// When they were created.
    #[command(flatten)]
    pub created: CreatedArgs,
    /// How it is begun.
    #[command(flatten)]
    pub begin: BeginArgs,
}

/// When records were created.
#[derive(Debug, Args)]
pub struct CreatedArgs {
    /// Created from here on, such as 2027-01-31T12:00:00Z; of what ended, by default, within the
    /// last 30 days.
    #[arg(long, value_name = "TIME", value_parser = words::time)]
    pub from: Option<Timestamp>,
    /// Created before.
    #[arg(long, value_name = "TIME", value_parser = words::time)]
    pub to: Option<Timestamp>,
}

/// The arguments of `bulk workflows cancel`.
#[derive(Debug, Args)]
pub struct CancelWorkflowsArgs {
    /// Which.
    #[command(flatten)]
    pub selected: BulkWorkflowsArgs,
    /// Why, for people.
    #[arg(long, value_name = "TEXT", default_value = "somebody asked for it")]
    pub reason: String,
    /// Runs the compensations of the steps that completed.
    #[arg(long)]
    pub compensate: bool,
}

/// The arguments of `bulk tasks cancel`.
#[derive(Debug, Args)]
pub struct CancelTasksArgs {
    /// Which.
    #[command(flatten)]
    pub selected: BulkTasksArgs,
    /// Why, for people.
    #[arg(long, value_name = "TEXT", default_value = "somebody asked for it")]
    pub reason: String,
}

/// The arguments of `bulk tasks reassign`.
#[derive(Debug, Args)]
pub struct ReassignTasksArgs {
    /// The person who is to have them.
    #[arg(value_name = "PERSON")]
    pub to_whom: String,
    /// Which.
    #[command(flatten)]
    pub selected: BulkTasksArgs,
}

/// The arguments of `bulk list`.
#[derive(Debug, Args)]
pub struct ListBulkArgs {
    /// Where they are.
    #[command(flatten)]
    pub at: At,
}

/// An operation of a place.
#[derive(Debug, Args)]
pub struct OnesBulk {
    /// The operation's id.
    pub id: BulkId,
    /// Where it is.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `bulk watch`.
#[derive(Debug, Args)]
pub struct WatchBulkArgs {
    /// Which.
    #[command(flatten)]
    pub one: OnesBulk,
    /// Prints no progress and no summary.
    #[arg(long, short)]
    pub quiet: bool,
}

impl BulkCommand {
    /// Where it is to be done.
    #[must_use]
    pub fn at(&self) -> &At {
        match self {
            Self::Workflows { command } => match command {
                BulkWorkflows::Retry(args) => &args.begin.at,
                BulkWorkflows::Cancel(args) => &args.selected.begin.at,
            },
            Self::Tasks { command } => match command {
                BulkTasks::Retry(args) => &args.begin.at,
                BulkTasks::Cancel(args) => &args.selected.begin.at,
                BulkTasks::Reassign(args) => &args.selected.begin.at,
            },
            Self::List(args) => &args.at,
            Self::Show(one) | Self::Failures(one) | Self::Stop(one) => &one.at,
            Self::Watch(args) => &args.one.at,
        }
    }
}
