//! The arguments of the commands that work on what a place holds: a service, a data folder, or a
//! deployed stack. Each works on all of them.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use semver::VersionReq;
use taskmill::ids::{DefinitionId, WorkflowId};
use taskmill::task::TaskType;
use uuid::Uuid;

use super::{
    AssignArgs, At, BulkCommand, CommentArgs, CompleteArgs, DeadLettersCommand, FailArgs,
    FollowUpArgs, FormArgs, InboxArgs, OnesTask, ScheduleCommand, Who, definition_id, words,
};

/// What is done with what a place holds.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Registers definitions, and says which of them are new.
    Define(DefineArgs),
    /// Starts a workflow that is defined there, and prints it as it begins.
    #[command(disable_version_flag = true)]
    Start(Box<StartArgs>),
    /// Lists workflows or tasks, the newest first.
    List(ListArgs),
    /// Prints a workflow with its tasks, or a task.
    Show(ShowArgs),
    /// Tells what happens to a workflow or a task until it is over, and prints it then.
    Watch(WatchArgs),
    /// Tells what happened to a workflow and its tasks, or to a task, in order.
    Logs(ShowArgs),
    /// Ends a workflow at once, with what it runs, or a task.
    Cancel(CancelArgs),
    /// Lets a workflow begin nothing new.
    Pause(Request),
    /// Lets a workflow that is paused go on.
    Resume(Request),
    /// Lets a workflow that is FAILED or TIMED_OUT go on at the steps that failed, or repeats a task
    /// that ended by a new one.
    Retry(RequestOfEither),
    /// Begins a step of a workflow that ended again, and what follows from it.
    Rerun(RerunArgs),
    /// Takes a step as done: one that waits, that failed, or that has yet to come.
    Skip(SkipArgs),
    /// Sends a signal to a workflow.
    Signal(SignalArgs),
    /// Sets variables of a workflow.
    Variables(VariablesArgs),
    /// Lists the open tasks that a person has or may claim, the urgent first.
    Inbox(Box<InboxArgs>),
    /// Prints the form by which a person gives a task's output.
    Form(FormArgs),
    /// Takes a person's task; never from another.
    Claim(OnesTask),
    /// Begins to work on a person's task.
    Begin(OnesTask),
    /// Gives a person's task back.
    Release(OnesTask),
    /// Gives a person's task to somebody, whoever has it.
    Assign(AssignArgs),
    /// Has another do the work of a task that one keeps.
    Delegate(AssignArgs),
    /// Gives a delegated task back to its owner, or takes it back.
    Resolve(OnesTask),
    /// Puts a person's task off until a time.
    FollowUp(FollowUpArgs),
    /// Says something about a person's task.
    Comment(CommentArgs),
    /// Ends a person's task well.
    Complete(CompleteArgs),
    /// Ends a person's attempt at a task: a retry may be left.
    Fail(FailArgs),
    /// Starts workflows again and again, by cron expressions.
    Schedule {
        /// What to do with schedules.
        #[command(subcommand)]
        command: ScheduleCommand,
    },
    /// Asks the same of many workflows or tasks.
    Bulk {
        /// What to do with many.
        #[command(subcommand)]
        command: BulkCommand,
    },
    /// Looks at messages that could not be handled, and sends them back.
    DeadLetters {
        /// What to do with them.
        #[command(subcommand)]
        command: DeadLettersCommand,
    },
}

/// The arguments of `define`.
#[derive(Debug, Args)]
pub struct DefineArgs {
    /// A folder of definitions, or one file of them; the same files are read as by `run`.
    pub path: PathBuf,
    /// Where they are to be.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `start`.
#[derive(Debug, Args)]
pub struct StartArgs {
    /// The id of its definition.
    #[arg(value_parser = definition_id)]
    pub workflow: DefinitionId,
    /// Which versions of it will do, such as ^1.2; the highest is taken.
    #[arg(long = "version", value_name = "RANGE")]
    pub range: Option<VersionReq>,
    /// The input: JSON, a file of JSON or YAML, or - for standard input.
    #[arg(long, value_name = "FILE|JSON", default_value = "{}")]
    pub input: String,
    /// Makes the start safe to repeat: one key, one workflow.
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// An id of your own for the whole matter.
    #[arg(long, value_name = "ID")]
    pub correlation_id: Option<String>,
    /// Waits until it is over, as `watch` does. Not in a folder, where nothing runs until
    /// `continue`.
    #[arg(long)]
    pub wait: bool,
    /// Prints no progress and no summary.
    #[arg(long, short)]
    pub quiet: bool,
    /// Who asks.
    #[command(flatten)]
    pub who: Who,
    /// Where it is to run.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Lists tasks instead of workflows.
    #[arg(long)]
    pub tasks: bool,
    /// Only what is of this status; may be repeated.
    #[arg(long = "status", value_name = "STATUS")]
    pub statuses: Vec<String>,
    /// Of tasks, only those that are done so: AUTOMATED, INTEGRATION or MANUAL.
    #[arg(long = "type", value_name = "TYPE", requires = "tasks", value_parser = words::task_type)]
    pub task_type: Option<TaskType>,
    /// Only workflows of this definition, or tasks of such workflows.
    #[arg(long, value_name = "ID", value_parser = definition_id)]
    pub workflow: Option<DefinitionId>,
    /// Of what ended, only what was started within so many days.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub days: u32,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
    /// Where it is.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// What is watched.
    #[command(flatten)]
    pub shown: ShowArgs,
    /// Prints no progress and no summary.
    #[arg(long, short)]
    pub quiet: bool,
}

/// The arguments of `show` and `logs`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The id of a workflow or of a task.
    pub id: Uuid,
    /// A permission of whoever looks; may be repeated. What a schema classifies takes one to be seen.
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub permissions: Vec<String>,
    /// Where it is.
    #[command(flatten)]
    pub at: At,
}

impl ShowArgs {
    /// Whoever looks.
    #[must_use]
    pub fn who(&self) -> Who {
        Who::holding(self.permissions.clone())
    }
}

/// Something that is asked of a workflow.
#[derive(Debug, Args)]
pub struct Request {
    /// The workflow's id.
    pub id: WorkflowId,
    /// Where it is.
    #[command(flatten)]
    pub at: At,
    /// An id of your own that makes this safe to repeat: it is done once for one id. Without it,
    /// every call is a request of its own.
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,
    /// Prints no summary.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Something that is asked of a workflow, or of a task.
#[derive(Debug, Args)]
pub struct RequestOfEither {
    /// The id of a workflow, or of a task that is of no workflow.
    pub id: Uuid,
    /// Where it is.
    #[command(flatten)]
    pub at: At,
    /// An id of your own that makes this safe to repeat: it is done once for one id. Without it,
    /// every call is a request of its own.
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,
    /// Prints no summary.
    #[arg(long, short)]
    pub quiet: bool,
    /// In whose name. A task asks for the permissions of its definition.
    #[command(flatten)]
    pub who: Who,
}

/// The arguments of `cancel`.
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// What is asked of which workflow or task.
    #[command(flatten)]
    pub request: RequestOfEither,
    /// Why, for people.
    #[arg(long, value_name = "TEXT", default_value = "somebody asked for it")]
    pub reason: String,
    /// Runs the compensations of the steps that completed, of a workflow.
    #[arg(long)]
    pub compensate: bool,
}

/// The arguments of `rerun`.
#[derive(Debug, Args)]
pub struct RerunArgs {
    /// What is asked of which workflow.
    #[command(flatten)]
    pub request: Request,
    /// The path of the step: names joined by slashes. Without it everything begins again.
    pub path: Option<String>,
}

/// The arguments of `skip`.
#[derive(Debug, Args)]
pub struct SkipArgs {
    /// What is asked of which workflow.
    #[command(flatten)]
    pub request: Request,
    /// The path of the step: names joined by slashes.
    pub path: String,
    /// What the step gives: JSON, a file of JSON or YAML, or - for standard input.
    #[arg(long, value_name = "FILE|JSON", default_value = "null")]
    pub result: String,
}

/// The arguments of `signal`.
#[derive(Debug, Args)]
pub struct SignalArgs {
    /// What is asked of which workflow.
    #[command(flatten)]
    pub request: Request,
    /// The signal's name.
    pub name: String,
    /// What it says: JSON, a file of JSON or YAML, or - for standard input.
    #[arg(long, value_name = "FILE|JSON", default_value = "null")]
    pub input: String,
}

/// The arguments of `variables`.
#[derive(Debug, Args)]
pub struct VariablesArgs {
    /// What is asked of which workflow.
    #[command(flatten)]
    pub request: Request,
    /// The variables to set, by their names: JSON, a file of JSON or YAML, or - for standard
    /// input.
    #[arg(value_name = "FILE|JSON")]
    pub variables: String,
}
