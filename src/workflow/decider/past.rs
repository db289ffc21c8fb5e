//! What a rerun is told of the tasks of a workflow that ended: no more than it looks at, since
//! there may be thousands of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::again::is_in_map;
use super::event::TaskEnd;
use super::{Plan, Refused};
use crate::JsonObject;
use crate::codes::refusal;
use crate::ids::TaskId;
use crate::limits::{GENERATIONS_RECALLED, RECALLED_BYTES, TASKS_RECALLED};
use crate::task::instance::{TaskInstance, TaskStatus};
use crate::time::Timestamp;

/// What a task came to, and what its step saw.
#[derive(Debug, Clone, PartialEq)]
pub struct PastTask {
    /// The path of its step.
    pub path: String,
    /// Its workflow's `run` when it was created.
    pub run: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ended.
    pub end_time: Option<Timestamp>,
    /// What it came to.
    pub end: TaskEnd,
    /// The variables that its step saw. Tasks between which nothing changed share them.
    pub variables: Arc<JsonObject>,
}

impl PastTask {
    /// What is needed of a task of a workflow; none of one that stands alone.
    #[must_use]
    pub fn of(task: &TaskInstance, variables: Arc<JsonObject>) -> Option<Self> {
        Some(Self {
            path: task.context.task_path.clone()?,
            run: task.run,
            created_at: task.created_at,
            end_time: task.end_time,
            end: task.into(),
            variables,
        })
    }

    /// The task.
    #[must_use]
    pub const fn id(&self) -> TaskId {
        self.end.task_id
    }
}

/// Why a workflow is not looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMuch {
    /// It ran too many tasks.
    Tasks,
    /// What they gave, and the variables that they saw, are too large.
    Bytes,
    /// Too many steps were begun anew to look for the children of each time.
    Generations,
}

impl TooMuch {
    pub(super) fn refused(self) -> Refused {
        let what = match self {
            Self::Tasks => format!("it ran more than {TASKS_RECALLED} tasks outside of its MAPs"),
            Self::Bytes => {
                format!("what its tasks saw and gave has more than {RECALLED_BYTES} bytes")
            }
            Self::Generations => {
                format!("its steps were begun anew more than {GENERATIONS_RECALLED} times")
            }
        };
        Refused {
            code: refusal::ILLEGAL_STATE,
            message: format!(
                "the workflow is too long to look through: {what}; rerun it from its start"
            ),
        }
    }
}

/// Whether a rerun looks at the tasks of a path: those of iterations begin again with their MAP
/// alone.
#[must_use]
pub fn is_looked_through(plan: &Plan, path: &str) -> bool {
    !is_in_map(&plan.workflow.steps, path)
}

/// The tasks of a workflow by the paths of their steps, those of each in the order of their
/// creation.
#[derive(Debug, Default)]
pub(super) struct Past(BTreeMap<String, Vec<PastTask>>);

impl Past {
    pub fn of(tasks: Vec<PastTask>) -> Self {
        let mut by_path: BTreeMap<String, Vec<PastTask>> = BTreeMap::new();
        for task in tasks {
            by_path.entry(task.path.clone()).or_default().push(task);
        }
        for tasks in by_path.values_mut() {
            tasks.sort_by_key(|task| (task.run, task.created_at));
        }
        Self(by_path)
    }

    /// The paths, each with the last run in which it had a task.
    pub fn paths(&self) -> impl Iterator<Item = (&str, u32)> {
        let last = |tasks: &Vec<PastTask>| tasks.last().map_or(0, |task| task.run);
        self.0
            .iter()
            .map(move |(path, tasks)| (path.as_str(), last(tasks)))
    }

    /// The tasks of a path.
    pub fn at(&self, path: &str) -> &[PastTask] {
        self.0.get(path).map_or(&[], Vec::as_slice)
    }

    /// What a path came to: its last task that completed, or else its last.
    pub fn last(&self, path: &str) -> Option<&PastTask> {
        let tasks = self.at(path);
        let completed = tasks
            .iter()
            .rfind(|task| task.end.status == TaskStatus::Completed);
        completed.or(tasks.last())
    }
}
