//! `ScheduleDefinition`: what a schedule is, as it is written.
//!
//! The published JSON Schema is derived from these types, and [`crate::registration`] checks what
//! types cannot say. A schedule has no versions: it is replaced.

use schemars::JsonSchema;
use semver::VersionReq;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{DefinitionId, ScheduleName};
use crate::limits;
use crate::time::Timestamp;
use crate::workflow::definition::version_range_schema;

/// When a workflow is started again and again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduleDefinition {
    /// Unique among the schedules of the tenant.
    pub id: ScheduleName,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = limits::DESCRIPTION_CHARS))]
    pub description: String,
    /// The workflow to start.
    pub workflow_definition_id: DefinitionId,
    /// Which versions of it will do; the highest of them at each start is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "version_range_schema")]
    pub workflow_version: Option<VersionReq>,
    /// When: minute, hour, day of the month, month, day of the week; or a word such as `@daily`.
    #[schemars(length(min = 1, max = limits::CRON_CHARS))]
    pub cron: String,
    /// Whose clock that is, as the IANA database of time zones names it.
    #[serde(default = "utc", skip_serializing_if = "is_utc")]
    #[schemars(length(min = 1, max = limits::TIME_ZONE_CHARS))]
    pub time_zone: String,
    /// Nothing is started before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Timestamp>,
    /// Nothing is started after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_at: Option<Timestamp>,
    /// What becomes of times that went by while nothing could be started.
    #[serde(default, skip_serializing_if = "is_default")]
    pub catch_up: CatchUp,
    /// The most times that ALL starts after an interruption; the latest of them.
    #[serde(default = "usual_catch_up", skip_serializing_if = "is_usual_catch_up")]
    #[schemars(range(min = 1, max = limits::CATCH_UP))]
    pub catch_up_limit: u32,
    /// What becomes of a time that comes while the workflow of the time before still runs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub overlap: Overlap,
    /// What the workflow is given; `{}` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// An expression that gives what the workflow is given. It reads `scheduledTime`, `localTime`
    /// and `scheduleId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub input_expression: Option<String>,
}

/// What becomes of times that went by while nothing could be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum CatchUp {
    /// They are passed over.
    Skip,
    /// The last of them is started.
    #[default]
    Last,
    /// All of them are started, the earliest first.
    All,
}

/// What becomes of a time that comes while the workflow of the time before still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Overlap {
    /// It is started all the same.
    #[default]
    Start,
    /// It is passed over.
    Skip,
}

/// The zone of a schedule that names none.
const UTC: &str = "UTC";
/// Times that ALL starts when a schedule does not say how many.
const USUAL_CATCH_UP: u32 = 100;

fn utc() -> String {
    UTC.to_owned()
}

fn is_utc(zone: &str) -> bool {
    zone == UTC
}

const fn usual_catch_up() -> u32 {
    USUAL_CATCH_UP
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands fields over by reference"
)]
const fn is_usual_catch_up(limit: &u32) -> bool {
    *limit == USUAL_CATCH_UP
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
