//! Progress of a run: what there is to tell of its tasks, as their records change.
//!
//! The lines are derived from the attempts that a record remembers, so that none is missed
//! however late the record is looked at. How they are shown is up to [`display`].

pub mod display;
mod record;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use taskmill::Timestamp;
use taskmill::error_info::ErrorInfo;
use taskmill::ids::{TaskId, WorkflowId};
use taskmill::task::{Attempt, TaskInstance, TaskStatus};
use taskmill::workflow::WorkflowInstance;
use taskmill::workflow::frontier::Course;

pub use display::Display;
pub use record::{Record, TaskRecord, WorkflowRecord};

use crate::resume::OpenWorkflow;

/// An attempt that runs so long, in milliseconds, is told before it ends.
const LONG_MILLIS: u64 = 1000;

/// What was told of the tasks of one run.
#[derive(Debug, Default)]
pub struct Tracker {
    /// The steps that were told to be skipped, by record and path.
    skipped: HashSet<(WorkflowId, String)>,
    tasks: HashMap<TaskId, Told>,
    now: Option<Active>,
    /// Whether it was told that this runs.
    told_long: bool,
    counts: Counts,
}

/// What was told of one task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Told {
    /// The last attempt whose end was told.
    ended: u32,
    /// Whether the task's own end was told.
    over: bool,
}

/// What is going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Active {
    path: String,
    attempt: u32,
    phase: Phase,
}

/// What a task that is not over does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It is on its way.
    Queued,
    /// It waits for its next attempt.
    Waits { until: Timestamp },
    /// An attempt is known to run.
    Runs { since: Timestamp },
}

/// What a run did, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tasks that ended.
    pub tasks: u64,
    /// Steps that were skipped.
    pub skipped: u64,
    /// Attempts after the first one.
    pub retries: u64,
}

/// One line of progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    path: String,
    status: &'static str,
    attempt: Option<u32>,
    took: Option<u64>,
    note: String,
}

impl Tracker {
    /// Takes what ended before this run began: nothing is to be told of it.
    pub fn take_past(&mut self, open: &OpenWorkflow) {
        drop(self.observe_workflow("", &open.workflow));
        for task in open.tasks.iter().filter(|task| task.status.is_terminal()) {
            drop(self.observe("", task));
        }
    }

    /// What a task's record says that was not told yet. `prefix` leads to its workflow.
    pub fn observe(&mut self, prefix: &str, task: &TaskInstance) -> Vec<Line> {
        self.observe_task(prefix, &TaskRecord::from(task))
    }

    /// The same of what there is to know of a task.
    pub fn observe_task(&mut self, prefix: &str, task: &TaskRecord) -> Vec<Line> {
        let path = format!("{prefix}{}", task.path());
        self.told_long &= self.is_active(&path, task.attempt);
        let mut lines = Vec::new();
        let mut told = self.tasks.get(&task.id).copied().unwrap_or_default();
        let ended_before = told.ended;
        for attempt in &task.attempts {
            if attempt.attempt > ended_before {
                self.counts.retries += u64::from(attempt.attempt > 1);
                told.ended = attempt.attempt;
                lines.push(end_of(&path, task, attempt));
            }
        }
        if task.status.is_terminal() && !told.over {
            told.over = true;
            self.counts.tasks += 1;
            if task.attempts.is_empty() || task.status == TaskStatus::Cancelled {
                lines.push(end_without_attempt(&path, task));
            }
        }
        self.tasks.insert(task.id, told);
        self.now = phase_of(task).map(|phase| Active {
            path,
            attempt: task.attempt,
            phase,
        });
        lines
    }

    /// The steps that a workflow's record says were skipped, and that were not told yet.
    pub fn observe_workflow(&mut self, prefix: &str, workflow: &WorkflowInstance) -> Vec<Line> {
        self.observe_course(prefix, workflow.id, &workflow.course)
    }

    /// The same of where a workflow is.
    pub fn observe_course(&mut self, prefix: &str, id: WorkflowId, course: &Course) -> Vec<Line> {
        let mut lines = Vec::new();
        for skipped in &course.skipped {
            if self.skipped.insert((id, skipped.path.clone())) {
                self.counts.skipped += 1;
                lines.push(Line::of(&format!("{prefix}{}", skipped.path), "SKIPPED"));
            }
        }
        lines
    }

    /// When an attempt is under way that nothing was told of: the time from which it is a long
    /// one, and to be told.
    #[must_use]
    pub fn long_from(&self) -> Option<Timestamp> {
        self.now.as_ref().and_then(|active| match active.phase {
            Phase::Runs { since } if !self.told_long => Some(since.plus_millis(LONG_MILLIS)),
            Phase::Runs { .. } | Phase::Queued | Phase::Waits { .. } => None,
        })
    }

    /// The line of an attempt that is a long one by now.
    pub fn observe_time(&mut self, now: Timestamp) -> Vec<Line> {
        let long = self.long_from().is_some_and(|from| from <= now);
        match &self.now {
            Some(active) if long => {
                self.told_long = true;
                let status = TaskStatus::Running.as_str();
                vec![Line::of(&active.path, status).attempt(active.attempt)]
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// What is going on.
    #[must_use]
    pub fn active(&self) -> Option<&Active> {
        self.now.as_ref()
    }

    /// What the run did so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn is_active(&self, path: &str, attempt: u32) -> bool {
        let active = self.now.as_ref();
        active.is_some_and(|active| active.path == path && active.attempt == attempt)
    }
}

impl Active {
    /// What is going on, for people: a wait counts down, a running attempt up.
    #[must_use]
    pub fn describe(&self, now: Timestamp) -> String {
        let Self {
            path,
            attempt,
            phase,
        } = self;
        match *phase {
            Phase::Waits { until } if until > now => {
                let left = duration(until.millis_since(now));
                format!("{path}  attempt {attempt} in {left}")
            }
            Phase::Runs { since } => {
                let passed = duration(now.millis_since(since));
                format!("{path}  attempt {attempt} for {passed}")
            }
            Phase::Queued | Phase::Waits { .. } => format!("{path}  attempt {attempt}"),
        }
    }
}

impl Line {
    fn of(path: &str, status: &'static str) -> Self {
        Self {
            path: path.to_owned(),
            status,
            attempt: None,
            took: None,
            note: String::new(),
        }
    }

    fn attempt(self, attempt: u32) -> Self {
        Self {
            attempt: Some(attempt),
            ..self
        }
    }

    fn note(self, note: impl Into<String>) -> Self {
        Self {
            note: note.into(),
            ..self
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempt = self
            .attempt
            .map_or_else(String::new, |attempt| format!("attempt {attempt}"));
        let took = self.took.map_or_else(String::new, duration);
        let line = format!(
            "{:<20} {:<13} {attempt:<11} {took:>8}  {}",
            self.path, self.status, self.note
        );
        f.write_str(line.trim_end())
    }
}

/// `5 tasks, 1 skipped, 2 retries`.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: u64, one: &str, more: &str| {
            let word = if count == 1 { one } else { more };
            format!("{count} {word}")
        };
        let mut parts = vec![plural(self.tasks, "task", "tasks")];
        if self.skipped > 0 {
            parts.push(format!("{} skipped", self.skipped));
        }
        if self.retries > 0 {
            parts.push(plural(self.retries, "retry", "retries"));
        }
        f.write_str(&parts.join(", "))
    }
}

/// A time for people: `87 ms`, `1.4 s`, `3 min 20 s`.
#[must_use]
pub fn duration(millis: u64) -> String {
    let whole = Duration::from_millis(millis);
    match whole.as_secs() {
        0 => format!("{millis} ms"),
        1..60 => format!("{:.1} s", whole.as_secs_f64()),
        60..3600 => format!("{} min {} s", whole.as_secs() / 60, whole.as_secs() % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// None when the task is over.
fn phase_of(task: &TaskRecord) -> Option<Phase> {
    Some(match task.status {
        TaskStatus::Pending | TaskStatus::Assigned => Phase::Queued,
        TaskStatus::RetryPending => match task.next_retry_at {
            None => Phase::Queued,
            Some(until) => Phase::Waits { until },
        },
        TaskStatus::Running => Phase::Runs {
            since: task.updated_at,
        },
        TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut => return None,
    })
}

/// The end of an attempt: of the task as well, or with another attempt to follow.
fn end_of(path: &str, task: &TaskRecord, attempt: &Attempt) -> Line {
    let took = attempt
        .started_at
        .map(|started| attempt.ended_at.millis_since(started));
    let last = attempt.attempt == task.attempt && task.status.is_terminal();
    let status = if last {
        task.status
    } else {
        TaskStatus::RetryPending
    };
    let mut note = attempt.error.as_ref().map_or_else(String::new, because);
    if !last {
        let wait = attempt
            .next_retry_at
            .map_or(0, |at| at.millis_since(attempt.ended_at));
        let next = attempt.attempt + 1;
        note = format!("{note}; attempt {next} in {}", duration(wait));
    }
    Line {
        took,
        ..Line::of(path, status.as_str())
            .attempt(attempt.attempt)
            .note(note)
    }
}

fn end_without_attempt(path: &str, task: &TaskRecord) -> Line {
    let note = task.error.as_ref().map_or_else(String::new, because);
    Line::of(path, task.status.as_str()).note(note)
}

/// Why, in one line.
fn because(error: &ErrorInfo) -> String {
    const CHARS: usize = 160;
    let first = error.message.lines().next().unwrap_or_default();
    let cut: String = first.chars().take(CHARS).collect();
    let more = if cut.len() < error.message.len() {
        "…"
    } else {
        ""
    };
    format!("{}: {cut}{more}", error.code)
}

#[cfg(test)]
mod tests;
