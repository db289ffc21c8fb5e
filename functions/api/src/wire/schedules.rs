//! What answers hold of schedules. These types are never built: a schedule is shown by the core
//! (`Schedule::view`).

use serde_json::Value;
use utoipa::ToSchema;

use super::records::ErrorInfo;
use super::words::ScheduleStatusWord;
use crate::document::ScheduleDefinition;

/// A schedule.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Schedule {
    /// Its name.
    pub id: String,
    /// Whose it is.
    pub tenant_id: String,
    /// Where it is in its life.
    #[schema(value_type = ScheduleStatusWord)]
    pub status: String,
    /// What it is.
    #[schema(value_type = ScheduleDefinition)]
    pub definition: Value,
    /// The time that comes next; none of one that is paused or has ended.
    #[schema(format = "date-time")]
    pub next_at: Option<String>,
    /// The times that come next, at most five.
    pub next_times: Vec<String>,
    /// What became of the last times, at most ten, the latest last.
    pub runs: Vec<ScheduleRun>,
    /// Who defined it last: its workflows run in their name.
    pub owner: String,
    /// Counts changes, from 1: the schedule's `ETag`.
    pub version: u64,
    /// When it was first defined.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// When it last changed.
    #[schema(format = "date-time")]
    pub updated_at: String,
}

/// What became of one time of a schedule.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ScheduleRun {
    /// The time.
    #[schema(format = "date-time")]
    pub scheduled_at: String,
    /// When it was decided.
    #[schema(format = "date-time")]
    pub decided_at: String,
    /// STARTED, OVERLAPPED (the workflow of a time before still ran), SKIPPED (it went by while
    /// nothing could be started) or REFUSED.
    pub outcome: String,
    /// The workflow that was started, or that still ran.
    #[schema(format = "uuid")]
    pub workflow_instance_id: Option<String>,
    /// Why no workflow could be started.
    pub error: Option<ErrorInfo>,
}

/// A page of schedules.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Schedules {
    /// The schedules, the newest first.
    pub items: Vec<Schedule>,
    /// The cursor of the next page; none at the end.
    pub next_cursor: Option<String>,
}
