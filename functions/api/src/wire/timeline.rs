//! Timelines as they are answered.

use utoipa::ToSchema;

use super::words::TaskStatusWord;

/// When what of a workflow ran.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Timeline {
    /// Where a drawing begins: when the workflow was accepted.
    #[schema(format = "date-time")]
    pub from: String,
    /// Where it ends: when the workflow did, or now while it is open.
    #[schema(format = "date-time")]
    pub to: String,
    /// Its tasks, those of a page in the order in which they were accepted. Pages come by status:
    /// a task whose status changes between two pages may be in both, or in none.
    pub items: Vec<TimelineRow>,
    /// The cursor of the next page; none at the end.
    pub next_cursor: Option<String>,
}

/// A task over time.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct TimelineRow {
    /// Which task.
    #[schema(format = "uuid")]
    pub task_id: String,
    /// What it is.
    pub task_definition_id: String,
    /// The path of its step.
    pub task_path: Option<String>,
    /// Where it is in its life.
    #[schema(value_type = TaskStatusWord)]
    pub status: String,
    /// When it was accepted.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// When it ended.
    #[schema(format = "date-time")]
    pub end_time: Option<String>,
    /// Attempts that are not among the bars: a task remembers its last ones alone.
    pub forgotten: u32,
    /// Its attempts, the oldest first; the last of an open task is the one that runs or comes.
    pub bars: Vec<TimelineBar>,
}

/// An attempt over time.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct TimelineBar {
    /// Counted from 1.
    pub attempt: u32,
    /// Since when it waited: the acceptance of the task, or the end of the attempt before.
    #[schema(format = "date-time")]
    pub waiting_since: Option<String>,
    /// When it is to begin, if it waits for a time.
    #[schema(format = "date-time")]
    pub due_at: Option<String>,
    /// When it began. Unknown of one that was lost, or given up, before that was recorded.
    #[schema(format = "date-time")]
    pub started_at: Option<String>,
    /// When it ended, or was found lost.
    #[schema(format = "date-time")]
    pub ended_at: Option<String>,
    /// Milliseconds that it waited.
    pub waited: Option<u64>,
    /// Milliseconds that it ran.
    pub ran: Option<u64>,
    /// Who ran it.
    pub executor_id: Option<String>,
    /// Why it failed.
    pub error: Option<TimelineReason>,
}

/// Why an attempt failed.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct TimelineReason {
    /// The error's code.
    pub code: String,
    /// What happened, for people.
    pub message: String,
}
