//! The record of a schedule: what it is, where it stands, and what may be asked of it.
//!
//! The life of a schedule: ACTIVE until it is PAUSED, has no more times (ENDED), or is deleted.
//! A schedule that is defined anew begins again, whatever it was.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::definition::ScheduleDefinition;
use super::timetable::{self, Timetable};
use crate::error_info::ErrorInfo;
use crate::ids::{ScheduleId, TenantId, WorkflowId};
use crate::limits;
use crate::security::Caller;
use crate::time::Timestamp;

/// Coming times that a schedule shows.
const TIMES_SHOWN: usize = 5;

/// Where a schedule is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ScheduleStatus {
    /// Its times come.
    Active,
    /// Somebody stopped it; times that go by meanwhile are not made up for.
    Paused,
    /// It has no more times.
    Ended,
    /// It was deleted, and is forgotten after a while.
    Deleted,
}

impl ScheduleStatus {
    /// Every one that is shown.
    pub const SHOWN: [Self; 3] = [Self::Active, Self::Paused, Self::Ended];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Paused => "PAUSED",
            Self::Ended => "ENDED",
            Self::Deleted => "DELETED",
        }
    }
}

/// A schedule of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Derived from tenant and name.
    pub id: ScheduleId,
    /// What it is.
    pub definition: ScheduleDefinition,
    /// Where it is in its life.
    pub status: ScheduleStatus,
    /// Who defined it last: its workflows run in their name, with the rights that they had then.
    pub owner: Caller,
    /// The first time of which nothing is decided yet; none when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// What became of the last times, the latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Run>,
    /// The workflow that was started last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_started: Option<WorkflowId>,
    /// Counts the writes of the record.
    pub version: u64,
    /// When it was first defined.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What became of one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The time.
    pub scheduled_at: Timestamp,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// What was decided.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What becomes of a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "outcome",
    rename_all = "UPPERCASE",
    rename_all_fields = "camelCase"
)]
pub enum Outcome {
    /// A workflow was started.
    Started {
        /// The workflow.
        workflow_instance_id: WorkflowId,
    },
    /// It was passed over, because the workflow of a time before still ran.
    Overlapped {
        /// The workflow that ran.
        workflow_instance_id: WorkflowId,
    },
    /// It went by while nothing could be started, and was passed over. Earlier times may have been
    /// as well: of times that are passed over together the latest alone is told.
    Skipped,
    /// No workflow could be started of it, and none will.
    Refused {
        /// Why.
        error: Box<ErrorInfo>,
    },
}

/// Why a schedule is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// It has no more times.
    #[error("the schedule has no more times: define it anew")]
    Ended,
}

impl Schedule {
    /// A new schedule.
    #[must_use]
    pub fn new(
        definition: ScheduleDefinition,
        timetable: &Timetable,
        owner: Caller,
        now: Timestamp,
    ) -> Self {
        let next_at = first_time(&definition, timetable, now);
        Self {
            id: ScheduleId::of(&owner.tenant_id, &definition.id),
            status: status_with(next_at),
            definition,
            owner,
            next_at,
            runs: Vec::new(),
            last_started: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// The schedule with another definition and owner. One that is paused stays so.
    #[must_use]
    pub fn redefined(
        &self,
        definition: ScheduleDefinition,
        timetable: &Timetable,
        owner: Caller,
        now: Timestamp,
    ) -> Self {
        let next_at = first_time(&definition, timetable, now);
        let (status, created_at, runs) = match self.status {
            ScheduleStatus::Paused if next_at.is_some() => {
                (self.status, self.created_at, self.runs.clone())
            }
            ScheduleStatus::Active | ScheduleStatus::Paused | ScheduleStatus::Ended => {
                (status_with(next_at), self.created_at, self.runs.clone())
            }
            ScheduleStatus::Deleted => (status_with(next_at), now, Vec::new()),
        };
        Self {
            definition,
            owner,
            status,
            next_at,
            created_at,
            runs,
            ..self.next_version(now)
        }
    }

    /// The schedule, stopped; none when it is already.
    ///
    /// # Errors
    /// It has ended.
    pub fn paused(&self, now: Timestamp) -> Result<Option<Self>, Rejection> {
        match self.status {
            ScheduleStatus::Active => Ok(Some(Self {
                status: ScheduleStatus::Paused,
                ..self.next_version(now)
            })),
            ScheduleStatus::Paused => Ok(None),
            ScheduleStatus::Ended | ScheduleStatus::Deleted => Err(Rejection::Ended),
        }
    }

    /// The schedule, going on with the first time that is yet to come; none when it does already.
    ///
    /// # Errors
    /// It has ended.
    pub fn resumed(
        &self,
        timetable: &Timetable,
        now: Timestamp,
    ) -> Result<Option<Self>, Rejection> {
        match self.status {
            ScheduleStatus::Paused => {
                let next_at = first_time(&self.definition, timetable, now);
                Ok(Some(Self {
                    status: status_with(next_at),
                    next_at,
                    ..self.next_version(now)
                }))
            }
            ScheduleStatus::Active => Ok(None),
            ScheduleStatus::Ended | ScheduleStatus::Deleted => Err(Rejection::Ended),
        }
    }

    /// The schedule, deleted.
    #[must_use]
    pub fn deleted(&self, now: Timestamp) -> Self {
        Self {
            status: ScheduleStatus::Deleted,
            next_at: None,
            runs: Vec::new(),
            last_started: None,
            ..self.next_version(now)
        }
    }

    /// The schedule after it was decided of times, the next of them being this.
    #[must_use]
    pub fn fired(&self, runs: Vec<Run>, next_at: Option<Timestamp>, now: Timestamp) -> Self {
        let started = runs.iter().rev().find_map(Run::started);
        let mut all = self.runs.clone();
        all.extend(runs);
        let beyond = all.len().saturating_sub(limits::RUNS_LISTED);
        Self {
            runs: all.split_off(beyond),
            last_started: started.or(self.last_started),
            next_at,
            status: status_with(next_at),
            ..self.next_version(now)
        }
    }

    /// When somebody must look at it.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.status {
            ScheduleStatus::Active => self.next_at,
            ScheduleStatus::Paused | ScheduleStatus::Ended | ScheduleStatus::Deleted => None,
        }
    }

    /// Whose it is.
    #[must_use]
    pub fn tenant_id(&self) -> &TenantId {
        &self.owner.tenant_id
    }

    /// Its times.
    ///
    /// # Errors
    /// The definition was stored by a version that read what this one does not.
    pub fn timetable(&self) -> Result<Timetable, timetable::Error> {
        Timetable::new(&self.definition.cron, &self.definition.time_zone)
    }

    /// The schedule as callers see it.
    #[must_use]
    pub fn view(&self) -> Value {
        let mut view = json!({
            "id": self.definition.id,
            "tenantId": self.tenant_id(),
            "status": self.status,
            "definition": self.definition,
            "nextTimes": self.coming(),
            "runs": self.runs,
            "owner": self.owner.user_id,
            "version": self.version,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
        });
        if let (Value::Object(fields), Some(due)) = (&mut view, self.due_at()) {
            fields.insert("nextAt".to_owned(), json!(due));
        }
        view
    }

    /// The first times to come, while they come.
    fn coming(&self) -> Vec<Timestamp> {
        let Ok(timetable) = self.timetable() else {
            return Vec::new();
        };
        let end = self.definition.end_at;
        let first = self.due_at();
        std::iter::successors(first, |at| before(end, timetable.next(*at)))
            .take(TIMES_SHOWN)
            .collect()
    }

    fn next_version(&self, now: Timestamp) -> Self {
        Self {
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        }
    }
}

impl Run {
    /// The workflow that was started.
    #[must_use]
    pub fn started(&self) -> Option<WorkflowId> {
        match self.outcome {
            Outcome::Started {
                workflow_instance_id,
            } => Some(workflow_instance_id),
            Outcome::Overlapped { .. } | Outcome::Skipped | Outcome::Refused { .. } => None,
        }
    }
}

/// The first time of a definition that comes after now.
fn first_time(
    definition: &ScheduleDefinition,
    timetable: &Timetable,
    now: Timestamp,
) -> Option<Timestamp> {
    // A start may be a time itself.
    let just_before = |at: Timestamp| Timestamp::from_millis(at.millis() - 1000);
    let after = definition
        .start_at
        .map_or(now, |at| now.max(just_before(at)));
    let first = timetable.next(after)?;
    let first = match definition.start_at {
        // The start had a part of a second: the time of its second was before it.
        Some(start) if first < start => timetable.next(first)?,
        Some(_) | None => first,
    };
    before(definition.end_at, Some(first))
}

/// A time, unless the end comes first.
pub(super) fn before(end: Option<Timestamp>, at: Option<Timestamp>) -> Option<Timestamp> {
    at.filter(|at| end.is_none_or(|end| *at <= end))
}

fn status_with(next_at: Option<Timestamp>) -> ScheduleStatus {
    match next_at {
        Some(_) => ScheduleStatus::Active,
        None => ScheduleStatus::Ended,
    }
}
