//! The arguments of what people do with their tasks.

use clap::Args;
use taskmill::ids::TaskId;

use super::At;

/// The arguments of `inbox`.
#[derive(Debug, Args)]
pub struct InboxArgs {
    /// Only what this person has or may claim; with --role, of their roles as well.
    #[arg(long = "as", value_name = "PERSON")]
    pub person: Option<String>,
    /// A role of the person; may be repeated.
    #[arg(long = "role", value_name = "ROLE", requires = "person")]
    pub roles: Vec<String>,
    /// Where the tasks are.
    #[command(flatten)]
    pub at: At,
}

/// A person, and a task.
#[derive(Debug, Args)]
pub struct OnesTask {
    /// The task's id.
    pub id: TaskId,
    /// Where it is.
    #[command(flatten)]
    pub at: At,
    /// The person who does this.
    #[arg(
        long = "as",
        value_name = "PERSON",
        env = "USER",
        hide_env_values = true
    )]
    pub person: String,
    /// A role of the person; may be repeated.
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// A permission of the person; may be repeated.
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub permissions: Vec<String>,
    /// Prints no summary.
    #[arg(long, short)]
    pub quiet: bool,
}

/// The arguments of `assign`.
#[derive(Debug, Args)]
pub struct AssignArgs {
    /// Whose act on which task: who may administer tasks holds taskmill:administer-tasks.
    #[command(flatten)]
    pub ones: OnesTask,
    /// The person who is to have it.
    pub assignee: String,
}

/// The arguments of `complete`.
#[derive(Debug, Args)]
pub struct CompleteArgs {
    /// Whose act on which task.
    #[command(flatten)]
    pub ones: OnesTask,
    /// What comes of it: JSON, a file of JSON or YAML, or - for standard input.
    #[arg(long, value_name = "FILE|JSON", default_value = "null")]
    pub result: String,
}

/// The arguments of `fail`.
#[derive(Debug, Args)]
pub struct FailArgs {
    /// Whose act on which task.
    #[command(flatten)]
    pub ones: OnesTask,
    /// Why, for programs.
    pub code: String,
    /// Why, for people.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub message: String,
    /// It is of no use that somebody tries again.
    #[arg(long)]
    pub permanent: bool,
}
