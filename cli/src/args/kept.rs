//! The arguments of the commands that look at a data folder, or change what is in it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use taskmill::ids::{DefinitionId, TaskId, TenantId, WorkflowId};
use taskmill::workflow::WorkflowStatus;

use super::{Format, definition_id, tenant_id};

/// What to do with the workflows of a data folder.
#[derive(Debug, Subcommand)]
pub enum WorkflowCommand {
    /// Lists workflows, the newest first.
    List(ListArgs),
    /// Prints a workflow with its tasks.
    Show(OneWorkflow),
    /// Ends a workflow at once, with what it runs.
    Cancel(CancelArgs),
    /// Lets a workflow begin nothing new.
    Pause(Request),
    /// Lets a workflow that is paused go on.
    Resume(Request),
    /// Lets a workflow that is FAILED or TIMED_OUT go on at the steps that failed.
    Retry(Request),
    /// Begins a step of a workflow that ended again, and what follows from it.
    Rerun(RerunArgs),
    /// Takes a step as done: one that waits, that failed, or that has yet to come.
    Skip(SkipArgs),
    /// Sends a signal to a workflow.
    Signal(SignalArgs),
    /// Sets variables of a workflow.
    Variables(VariablesArgs),
}

/// Where the records are, whose they are, and how they are printed.
#[derive(Debug, Args)]
pub struct Kept {
    /// The folder that a run kept everything in. Nobody else may be using it.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The tenant that everything belongs to.
    #[arg(long, value_name = "ID", default_value = "local", value_parser = tenant_id)]
    pub tenant: TenantId,
    /// The form of what is printed on standard output.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub output: Format,
}

/// One workflow of a data folder.
#[derive(Debug, Args)]
pub struct OneWorkflow {
    /// The workflow's id.
    pub id: WorkflowId,
    /// Where it is.
    #[command(flatten)]
    pub kept: Kept,
}

/// Something that is asked of a workflow.
#[derive(Debug, Args)]
pub struct Request {
    /// The workflow, and where it is.
    #[command(flatten)]
    pub workflow: OneWorkflow,
    /// An id of your own that makes this safe to repeat: it is done once for one id. Without it,
    /// every call is a request of its own.
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,
    /// Prints no summary.
    #[arg(long, short)]
    pub quiet: bool,
}

/// The arguments of `workflow list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only workflows of this status; may be repeated.
    #[arg(long = "status", value_name = "STATUS", value_parser = status)]
    pub statuses: Vec<WorkflowStatus>,
    /// Only workflows of this definition.
    #[arg(long, value_name = "ID", value_parser = definition_id)]
    pub workflow: Option<DefinitionId>,
    /// Of those that ended, only what was started within so many days.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub days: u32,
    /// Where they are.
    #[command(flatten)]
    pub kept: Kept,
}

/// The arguments of `workflow cancel`.
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// What is asked of which workflow.
    #[command(flatten)]
    pub request: Request,
    /// Why, for people.
    #[arg(long, value_name = "TEXT", default_value = "somebody asked for it")]
    pub reason: String,
    /// Runs the compensations of the steps that completed.
    #[arg(long)]
    pub compensate: bool,
}

/// The arguments of `workflow rerun`.
#[derive(Debug, Args)]
pub struct RerunArgs {
    /// What is asked of which workflow.
    #[command(flatten)]
    pub request: Request,
    /// The path of the step: names joined by slashes. Without it everything begins again.
    pub path: Option<String>,
}

/// The arguments of `workflow skip`.
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

/// The arguments of `workflow signal`.
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

/// The arguments of `workflow variables`.
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

/// The arguments of `task show`.
#[derive(Debug, Args)]
pub struct TaskArgs {
    /// The task's id.
    pub id: TaskId,
    /// Where it is.
    #[command(flatten)]
    pub kept: Kept,
}

/// The arguments of `resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The folder of definitions, or one file of them; programs of `process:` tasks run in the
    /// folder.
    pub path: PathBuf,
    /// The folder that a run kept everything in. Nobody else may be using it.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The tenant that everything belongs to.
    #[arg(long, value_name = "ID", default_value = "local", value_parser = tenant_id)]
    pub tenant: TenantId,
    /// The form of what is printed on standard output.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub output: Format,
    /// A file of secrets, as for `run`.
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Prints no progress and no summary.
    #[arg(long, short)]
    pub quiet: bool,
}

fn status(text: &str) -> Result<WorkflowStatus, String> {
    let text = text.to_ascii_uppercase();
    let mut all = WorkflowStatus::ALL.into_iter();
    all.find(|status| status.as_str() == text).ok_or_else(|| {
        format!(
            "one of {}",
            WorkflowStatus::ALL.map(WorkflowStatus::as_str).join(", ")
        )
    })
}
