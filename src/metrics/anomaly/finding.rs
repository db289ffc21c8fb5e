//! What is found: which rule a task broke, how surely, and against what.

use serde::{Deserialize, Serialize};

use crate::ids::{DefinitionId, FindingId, TaskId, TenantId, WorkflowId};
use crate::time::Timestamp;

/// What is looked at of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Quantity {
    /// Milliseconds of execution, all attempts together, of a task that completed.
    ExecutionTime,
    /// Milliseconds from the acceptance to the first start.
    QueueTime,
    /// Bytes of peak memory, the mean of the attempts.
    MemoryUsage,
    /// Whether it failed or ran out of time.
    FailureRate,
}

impl Quantity {
    /// Every quantity.
    pub const ALL: [Self; 4] = [
        Self::ExecutionTime,
        Self::QueueTime,
        Self::MemoryUsage,
        Self::FailureRate,
    ];

    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExecutionTime => "executionTime",
            Self::QueueTime => "queueTime",
            Self::MemoryUsage => "memoryUsage",
            Self::FailureRate => "failureRate",
        }
    }
}

/// What was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rule {
    /// One value far beyond all that came before.
    Spike,
    /// Values are higher than before, for a while.
    Shift,
    /// More tasks fail than before.
    Failures,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 3] = [Self::Spike, Self::Shift, Self::Failures];

    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spike => "SPIKE",
            Self::Shift => "SHIFT",
            Self::Failures => "FAILURES",
        }
    }
}

/// What is usual of a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usual {
    /// The median, or the part that fails.
    pub location: f64,
    /// The deviation, by the quartiles.
    pub scale: f64,
    /// The tasks that tell so.
    pub points: u32,
}

/// Something that is not usual. It says so, and does nothing else: no task waits for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Derived from the task, the rule and the quantity: what is found again is the same finding.
    pub id: FindingId,
    /// Whose task.
    pub tenant_id: TenantId,
    /// What it is.
    pub task_definition_id: DefinitionId,
    /// The version of the task that broke the rule; the baseline is of all versions together.
    pub task_definition_version: semver::Version,
    /// The task that broke the rule; for SHIFT and FAILURES the one that made it sure.
    pub task_instance_id: TaskId,
    /// The workflow that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_instance_id: Option<WorkflowId>,
    /// What was broken.
    pub rule: Rule,
    /// Of what.
    pub quantity: Quantity,
    /// How surely: a score of 6 says one in a million. At least [`super::SCORE`], at most
    /// [`super::MOST`].
    pub score: f64,
    /// The task's value: milliseconds, bytes, or 1 for a failure.
    pub value: f64,
    /// The value from which on the rule is broken; for FAILURES the part that is looked for.
    pub limit: f64,
    /// What was usual until then.
    pub usual: Usual,
    /// When the task began, or ended, which told its value.
    pub at: Timestamp,
}
