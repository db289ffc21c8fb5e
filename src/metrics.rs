//! Metrics of executions, and the totals of a workflow; below, what is counted of tasks and what
//! is found about them.

pub mod anomaly;
pub mod applied;
pub mod embedded;
pub mod measures;
pub mod prometheus;
pub mod samples;
pub mod table;

use serde::{Deserialize, Serialize};

use crate::ids::TaskId;

/// What one attempt used, as far as its executor can tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecutionMetrics {
    /// Milliseconds from start to end.
    pub execution_time: u64,
    /// Milliseconds of processor time.
    pub cpu_time: u64,
    /// Peak memory in bytes.
    pub memory_usage: u64,
}

/// A workflow's totals over all tasks that ended: the seed's WorkflowMetrics. `completedTasks`
/// is answered from the index of the workflow's tasks, and bounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowMetrics {
    /// Tasks that ended, however they did.
    pub task_count: u64,
    /// Milliseconds of execution, all attempts.
    pub total_execution_time: u64,
    /// Milliseconds of processor time, all attempts.
    pub total_cpu_time: u64,
    /// Bytes of peak memory, summed over attempts.
    pub total_memory_usage: u64,
}

/// The totals and the tasks that completed, as a workflow shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowMetricsView {
    /// The totals.
    #[serde(flatten)]
    pub totals: WorkflowMetrics,
    /// The last completed tasks, at most [`crate::limits::COMPLETED_TASKS_LISTED`].
    pub completed_tasks: Vec<TaskId>,
}

impl ExecutionMetrics {
    /// These and those of a further attempt: times add up, and so does memory.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            execution_time: self.execution_time.saturating_add(other.execution_time),
            cpu_time: self.cpu_time.saturating_add(other.cpu_time),
            memory_usage: self.memory_usage.saturating_add(other.memory_usage),
        }
    }
}

impl WorkflowMetrics {
    /// These and those of a part of the workflow.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            task_count: self.task_count.saturating_add(other.task_count),
            total_execution_time: self
                .total_execution_time
                .saturating_add(other.total_execution_time),
            total_cpu_time: self.total_cpu_time.saturating_add(other.total_cpu_time),
            total_memory_usage: self
                .total_memory_usage
                .saturating_add(other.total_memory_usage),
        }
    }

    /// The totals with a task that ended. `used` is what all its attempts used together.
    #[must_use]
    pub fn with_task(self, used: ExecutionMetrics) -> Self {
        Self {
            task_count: self.task_count.saturating_add(1),
            total_execution_time: self
                .total_execution_time
                .saturating_add(used.execution_time),
            total_cpu_time: self.total_cpu_time.saturating_add(used.cpu_time),
            total_memory_usage: self.total_memory_usage.saturating_add(used.memory_usage),
        }
    }
}

#[cfg(test)]
mod tests;
