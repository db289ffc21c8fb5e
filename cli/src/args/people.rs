//! The arguments of what people do with their tasks.

use clap::Args;
use taskmill::Timestamp;
use taskmill::ids::TaskId;
use taskmill::task::{TaskPriority, TaskStatus};

use super::{Actor, At, words};

/// The arguments of `inbox`.
#[derive(Debug, Args)]
pub struct InboxArgs {
    /// Whose inbox.
    #[command(flatten)]
    pub actor: Actor,
    /// Only what the person has.
    #[arg(long, conflicts_with_all = ["claimable", "group"])]
    pub mine: bool,
    /// Only what the person may claim, and what was escalated to them.
    #[arg(long, conflicts_with = "group")]
    pub claimable: bool,
    /// Only what the members of this group may claim: a role of the person.
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Only tasks of this status.
    #[arg(long, value_name = "STATUS", value_parser = words::task_status)]
    pub status: Option<TaskStatus>,
    /// Only tasks of this priority.
    #[arg(long, value_name = "PRIORITY", value_parser = words::priority)]
    pub priority: Option<TaskPriority>,
    /// Only what is due before this time, such as 2027-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = words::time)]
    pub due_before: Option<Timestamp>,
    /// Shows what was put off before its time, too.
    #[arg(long)]
    pub with_put_off: bool,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
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
    /// Who does this.
    #[command(flatten)]
    pub actor: Actor,
    /// Prints no summary.
    #[arg(long, short)]
    pub quiet: bool,
}

/// The arguments of `assign` and `delegate`.
#[derive(Debug, Args)]
pub struct AssignArgs {
    /// Whose act on which task: who may administer tasks holds taskmill:administer-tasks.
    #[command(flatten)]
    pub ones: OnesTask,
    /// The person who is to have it.
    pub assignee: String,
}

/// The arguments of `follow-up`.
#[derive(Debug, Args)]
pub struct FollowUpArgs {
    /// Whose act on which task.
    #[command(flatten)]
    pub ones: OnesTask,
    /// Until when, such as 2027-01-31T12:00:00Z; without it, not any more.
    #[arg(long, value_name = "TIME", value_parser = words::time)]
    pub until: Option<Timestamp>,
}

/// The arguments of `comment`.
#[derive(Debug, Args)]
pub struct CommentArgs {
    /// Whose act on which task.
    #[command(flatten)]
    pub ones: OnesTask,
    /// What there is to say.
    pub text: String,
}

/// The arguments of `form`.
#[derive(Debug, Args)]
pub struct FormArgs {
    /// The task's id.
    pub id: TaskId,
    /// Where it is.
    #[command(flatten)]
    pub at: At,
    /// Who asks.
    #[command(flatten)]
    pub actor: Actor,
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
