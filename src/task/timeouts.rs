//! Time limits of a task: which hold, and which is spent.
//!
//! A limit that passes is code `TIMEOUT`; its kind is in `details.kind`. Enforcing one is the
//! business of whoever runs the attempt, and of the due time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::task::definition::{TaskDefinition, TaskType};
use crate::task::polled;
use crate::time::Timestamp;

/// The limit of an attempt whose definition states none: a minute.
const DEFAULT_TIMEOUT: u64 = 60_000;
/// How long a worker that polls may be silent where nobody says: a minute. Nothing else tells that
/// it is gone.
const DEFAULT_SILENCE: u64 = 60_000;

/// The limits of a task in milliseconds, each optional.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Timeouts {
    /// From creation until the first attempt begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::TIMER_MILLIS))]
    pub schedule_to_start: Option<u64>,
    /// One attempt, from its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::TIMER_MILLIS))]
    pub start_to_close: Option<u64>,
    /// All attempts and the waits between them, from creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::TIMER_MILLIS))]
    pub schedule_to_close: Option<u64>,
    /// From the start of an attempt to its first heartbeat, and from each to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::TIMER_MILLIS))]
    pub heartbeat: Option<u64>,
}

/// Which limit passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TimeoutKind {
    /// One attempt took too long.
    StartToClose,
    /// No attempt began in time.
    ScheduleToStart,
    /// The task as a whole took too long.
    ScheduleToClose,
    /// An attempt gave no sign of life for too long.
    Heartbeat,
}

impl TimeoutKind {
    /// The word of `details.kind`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartToClose => "START_TO_CLOSE",
            Self::ScheduleToStart => "SCHEDULE_TO_START",
            Self::ScheduleToClose => "SCHEDULE_TO_CLOSE",
            Self::Heartbeat => "HEARTBEAT",
        }
    }
}

impl Timeouts {
    /// Whether no limit is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The limits that hold for a task: the step's own (`timeout` and `timeouts`) over the
    /// definition's; among those that limit one attempt the smallest wins, and
    /// `resourceRequirements.timeoutSeconds` is a cap on them.
    #[must_use]
    pub fn effective(definition: &TaskDefinition, step: StepTimeouts) -> Self {
        let own = step.timeouts.unwrap_or_default();
        let from_step = smaller(step.timeout, own.start_to_close);
        let from_definition = smaller(attempt(definition), definition.timeouts.start_to_close);
        let cap = definition
            .execution_config
            .resource_requirements
            .as_ref()
            .and_then(|resources| resources.timeout_seconds)
            .map(|seconds| seconds.saturating_mul(1000));
        Self {
            schedule_to_start: own
                .schedule_to_start
                .or(definition.timeouts.schedule_to_start),
            start_to_close: smaller(from_step.or(from_definition), cap),
            schedule_to_close: own
                .schedule_to_close
                .or(definition.timeouts.schedule_to_close),
            heartbeat: own
                .heartbeat
                .or(definition.timeouts.heartbeat)
                .or_else(|| polled::group_of(definition).map(|_| DEFAULT_SILENCE)),
        }
    }

    /// When an attempt that starts at `start` must be over, and which limit that is.
    #[must_use]
    pub fn deadline(&self, created: Timestamp, start: Timestamp) -> Option<Deadline> {
        let attempt = self.start_to_close.map(|limit| Deadline {
            at: start.plus_millis(limit),
            kind: TimeoutKind::StartToClose,
        });
        let whole = self.schedule_to_close.map(|limit| Deadline {
            at: created.plus_millis(limit),
            kind: TimeoutKind::ScheduleToClose,
        });
        [attempt, whole]
            .into_iter()
            .flatten()
            .min_by_key(|deadline| deadline.at)
    }

    /// When an attempt that last gave a sign of life at `last` has been silent for too long: its
    /// start is the first.
    #[must_use]
    pub fn silence(&self, last: Timestamp) -> Option<Deadline> {
        self.heartbeat.map(|limit| Deadline {
            at: last.plus_millis(limit),
            kind: TimeoutKind::Heartbeat,
        })
    }

    /// The next limit that a task runs into while no attempt is running. `started` tells whether
    /// one ever was.
    #[must_use]
    pub fn waiting_deadline(&self, created: Timestamp, started: bool) -> Option<Deadline> {
        let first = self
            .schedule_to_start
            .filter(|_| !started)
            .map(|limit| Deadline {
                at: created.plus_millis(limit),
                kind: TimeoutKind::ScheduleToStart,
            });
        let whole = self.schedule_to_close.map(|limit| Deadline {
            at: created.plus_millis(limit),
            kind: TimeoutKind::ScheduleToClose,
        });
        [first, whole]
            .into_iter()
            .flatten()
            .min_by_key(|deadline| deadline.at)
    }
}

/// The limit of one attempt that a definition states in `timeout`, or by saying nothing.
#[must_use]
pub fn attempt(definition: &TaskDefinition) -> Option<u64> {
    let default = match definition.task_type {
        TaskType::Manual => None,
        TaskType::Automated | TaskType::Integration => Some(DEFAULT_TIMEOUT),
    };
    definition.timeout.or(default)
}

/// What a step says of its task's time.
#[derive(Debug, Clone, Copy, Default)]
pub struct StepTimeouts {
    /// One attempt, in milliseconds.
    pub timeout: Option<u64>,
    /// The limits of the task.
    pub timeouts: Option<Timeouts>,
}

/// When a limit passes, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// The instant.
    pub at: Timestamp,
    /// The limit.
    pub kind: TimeoutKind,
}

fn smaller(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    [a, b].into_iter().flatten().min()
}

#[cfg(test)]
mod tests;
