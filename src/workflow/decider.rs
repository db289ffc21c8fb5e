//! The decider: what an event means for a workflow, as a pure function over its frontier.
//!
//! A [`Fold`] begins with a stored instance, takes any number of events, and ends as one new
//! version with the effects that are owed after it is written. Its cost follows what is active,
//! not how long the workflow has run. What a task's own life looks like is decided in
//! [`crate::task::lifecycle`]; who loads, commits and performs is `functions/app`.
//!
//! An event may come late, twice, or for a step long past: it then changes nothing. What the
//! newest version owes is derived anew by [`owed`], for whoever finds that effects were lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::JsonObject;
use crate::codes::failure;
use crate::error_info::ErrorInfo;
use crate::ids::TaskId;
use crate::metrics::ExecutionMetrics;
use crate::task::compiled::CompiledTask;
use crate::task::due;
use crate::task::instance::{TaskInstance, TaskStatus};
use crate::time::Timestamp;
use crate::workflow::compiled::CompiledWorkflow;
use crate::workflow::instance::{FrontierEntry, WorkflowInstance, WorkflowStatus};
use crate::workflow::step::{self, Begun};

/// What a workflow runs by: its definition and those of its tasks, by step name, in the
/// versions that were pinned at its start.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The workflow's definition.
    pub workflow: Arc<CompiledWorkflow>,
    /// The task definitions.
    pub tasks: BTreeMap<String, Arc<CompiledTask>>,
}

/// What happened to a workflow.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// One of its tasks ended.
    TaskEnded(Box<TaskEnd>),
    /// One of its tasks waits for longer than a message can: it must be looked at then.
    TaskWaits {
        /// The task.
        task_id: TaskId,
        /// The time.
        wake_at: Timestamp,
    },
    /// Somebody looks whether its time limit has passed.
    Look,
    /// Nobody wants it any more.
    Cancel {
        /// Why, for people.
        reason: String,
    },
    /// The tasks that were to be cancelled are.
    CancelsDone,
}

/// The end of a task, as far as its workflow is concerned.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskEnd {
    /// The task.
    pub task_id: TaskId,
    /// How it ended.
    pub status: TaskStatus,
    /// What it gave.
    pub output: Value,
    /// Why it failed.
    pub error: Option<ErrorInfo>,
    /// Whether a failure lets the workflow go on.
    pub continue_on_failure: bool,
    /// What all its attempts used.
    pub metrics: ExecutionMetrics,
}

impl From<&TaskInstance> for TaskEnd {
    fn from(task: &TaskInstance) -> Self {
        Self {
            task_id: task.id,
            status: task.status,
            output: task.output.clone().unwrap_or(Value::Null),
            error: task.error.clone(),
            continue_on_failure: task.continue_on_failure,
            metrics: task.metrics,
        }
    }
}

/// What is owed to others after a decision is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Store this task unless it is there, and dispatch it when it is open. One that ended is
    /// the record of a step that was refused: see [`Decision::refused`].
    CreateTask(Box<TaskInstance>),
    /// Cancel this task.
    CancelTask(TaskId),
}

/// The facts of a decision besides state and event.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// The time.
    pub now: Timestamp,
    /// How long the record is kept after its end, in milliseconds.
    pub retention: u64,
}

/// What an event did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The workflow changed.
    Changed,
    /// Nothing changed: the event was taken before, or concerns nothing that is active.
    Nothing,
}

/// A decision in the making: one stored version, any number of events, one next version.
#[derive(Debug)]
pub struct Fold<'a> {
    plan: &'a Plan,
    facts: Facts,
    before: u64,
    state: WorkflowInstance,
    effects: Vec<Effect>,
    changed: Applied,
}

/// A decision that is to be written, before its effects are performed.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The next version.
    pub state: WorkflowInstance,
    /// What is owed after it is written.
    pub effects: Vec<Effect>,
}

impl Decision {
    /// The records of steps that failed before their tasks could be created. They are stored
    /// before the state is: no later version can derive them again, should the process end
    /// between the two, and nobody acts on a record that its workflow does not wait for.
    pub fn refused(&self) -> impl Iterator<Item = &TaskInstance> {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::CreateTask(task) if task.status.is_terminal() => Some(&**task),
            Effect::CreateTask(_) | Effect::CancelTask(_) => None,
        })
    }
}

impl<'a> Fold<'a> {
    /// Begins with a stored instance.
    #[must_use]
    pub fn of(plan: &'a Plan, state: WorkflowInstance, facts: Facts) -> Self {
        Self {
            plan,
            facts,
            before: state.version,
            state,
            effects: Vec::new(),
            changed: Applied::Nothing,
        }
    }

    /// Begins with an instance that does not exist yet, and takes its first steps.
    #[must_use]
    pub fn start(plan: &'a Plan, created: WorkflowInstance, facts: Facts) -> Self {
        let mut fold = Self::of(plan, created, facts);
        fold.before = 0;
        fold.changed = Applied::Changed;
        fold.state.status = WorkflowStatus::Running;
        fold.state.start_time = Some(facts.now);
        fold.advance(0);
        fold
    }

    /// Takes an event.
    pub fn apply(&mut self, event: &Event) -> Applied {
        let applied = match event {
            Event::TaskEnded(end) => self.task_ended(end),
            Event::TaskWaits { task_id, wake_at } => self.task_waits(*task_id, *wake_at),
            Event::Look => self.look(),
            Event::Cancel { reason } => self.cancel(reason),
            Event::CancelsDone => self.cancels_done(),
        };
        if applied == Applied::Changed {
            self.changed = Applied::Changed;
        }
        applied
    }

    /// Ends the decision: what is to be written, or nothing when no event changed anything.
    #[must_use]
    pub fn finish(mut self) -> Option<Decision> {
        if self.changed == Applied::Nothing {
            return None;
        }
        self.state.version = self.before + 1;
        self.state.updated_at = self.facts.now;
        self.state.checks = 0;
        self.state.due_at = due_of(&self.state, self.facts.now);
        Some(Decision {
            state: self.state,
            effects: self.effects,
        })
    }

    fn task_ended(&mut self, end: &TaskEnd) -> Applied {
        let Some(at) = self.entry_index(end.task_id) else {
            return Applied::Nothing;
        };
        let path = self.state.frontier[at].path.clone();
        let Some(position) = self.plan.workflow.position(&path) else {
            return Applied::Nothing;
        };
        let result = match end.status {
            TaskStatus::Completed => self.set_variables(position, &end.output),
            TaskStatus::Failed | TaskStatus::TimedOut | TaskStatus::Cancelled => {
                Err(Box::new(self.error_of(end)))
            }
            TaskStatus::Pending
            | TaskStatus::Assigned
            | TaskStatus::Running
            | TaskStatus::RetryPending => return Applied::Nothing,
        };
        self.state.frontier.remove(at);
        self.state.metrics = self.state.metrics.with_task(end.metrics);
        match result {
            Ok(()) => self.advance(position + 1),
            Err(_) if end.continue_on_failure => self.advance(position + 1),
            Err(error) => self.fail(*error, &path),
        }
        Applied::Changed
    }

    /// Whether a step that was refused lets the workflow go on. Of a task that was created, the
    /// record says it: there an executor may have had its word.
    fn step_lets_go(&self, position: usize) -> bool {
        let step = &self.plan.workflow.steps[position].step;
        let of_definition = self
            .plan
            .tasks
            .get(&step.name)
            .is_some_and(|task| task.definition.continue_on_failure);
        step.continue_on_failure.unwrap_or(of_definition)
    }

    fn error_of(&self, end: &TaskEnd) -> ErrorInfo {
        end.error.clone().unwrap_or_else(|| {
            let message = format!("the task ended {}", end.status.as_str());
            ErrorInfo::new(failure::CANCELLED, message, self.facts.now)
        })
    }

    fn set_variables(&mut self, position: usize, output: &Value) -> Result<(), Box<ErrorInfo>> {
        let variables =
            step::variables_after(self.plan, &self.state, position, output, self.facts.now)?;
        self.state.variables = variables;
        Ok(())
    }

    /// Takes steps from a position on, until one is under way or none is left.
    fn advance(&mut self, from: usize) {
        for position in from..self.plan.workflow.steps.len() {
            let since = self.before + 1;
            let path = self.plan.workflow.steps[position].step.name.clone();
            match step::begin(self.plan, &self.state, position, since, self.facts) {
                Begun::Skipped => {}
                Begun::Created(task) => {
                    self.state.frontier.push(FrontierEntry {
                        path,
                        iteration: 0,
                        since,
                        wake_at: due::wake_at(&task, self.facts.now),
                    });
                    self.effects.push(Effect::CreateTask(task));
                    return;
                }
                Begun::Refused { task, error } => {
                    self.state.metrics = self.state.metrics.with_task(ExecutionMetrics::default());
                    self.effects.extend(task.map(Effect::CreateTask));
                    if !self.step_lets_go(position) {
                        return self.fail(*error, &path);
                    }
                }
            }
        }
        self.complete();
    }

    fn complete(&mut self) {
        match step::output(self.plan, &self.state, self.before + 1, self.facts.now) {
            Ok(output) => {
                self.state.output = Some(output);
                self.end(WorkflowStatus::Completed);
            }
            Err(error) => {
                self.state.error = Some(*error);
                self.end(WorkflowStatus::Failed);
            }
        }
    }

    fn fail(&mut self, mut error: ErrorInfo, path: &str) {
        error.details.insert("taskPath".to_owned(), path.into());
        self.state.error = Some(error);
        self.end(WorkflowStatus::Failed);
    }

    fn look(&mut self) -> Applied {
        let passed = self
            .state
            .deadline_at
            .is_some_and(|at| at <= self.facts.now);
        if self.state.status.is_terminal() || !passed {
            return Applied::Nothing;
        }
        let details = JsonObject::from_iter([("kind".to_owned(), "WORKFLOW".into())]);
        let message = "the workflow took longer than its time limit";
        self.state.error =
            Some(ErrorInfo::new(failure::TIMEOUT, message, self.facts.now).with_details(details));
        self.end(WorkflowStatus::TimedOut);
        Applied::Changed
    }

    fn cancel(&mut self, reason: &str) -> Applied {
        if self.state.status.is_terminal() {
            return Applied::Nothing;
        }
        let details = JsonObject::from_iter([("reason".to_owned(), reason.into())]);
        let error = ErrorInfo::new(failure::CANCELLED, reason, self.facts.now);
        self.state.error = Some(error.with_details(details));
        self.end(WorkflowStatus::Cancelled);
        Applied::Changed
    }

    /// Ends the workflow; what still runs is to be cancelled, and stays owed until it is.
    fn end(&mut self, status: WorkflowStatus) {
        for entry in std::mem::take(&mut self.state.frontier) {
            let id = self.state.task_id(&entry);
            if entry.since > self.before {
                // This very decision asked for the task, and takes that back.
                self.effects
                    .retain(|effect| !matches!(effect, Effect::CreateTask(task) if task.id == id));
            } else {
                self.effects.push(Effect::CancelTask(id));
                self.state.cancelling.push(id);
            }
        }
        self.state.status = status;
        self.state.end_time = Some(self.facts.now);
        self.state.deadline_at = None;
        self.state.expires_at = Some(self.facts.now.plus_millis(self.facts.retention));
    }

    fn cancels_done(&mut self) -> Applied {
        if self.state.cancelling.is_empty() {
            return Applied::Nothing;
        }
        self.state.cancelling.clear();
        Applied::Changed
    }

    fn task_waits(&mut self, task_id: TaskId, wake_at: Timestamp) -> Applied {
        match self.entry_index(task_id) {
            Some(at) if self.state.frontier[at].wake_at != Some(wake_at) => {
                self.state.frontier[at].wake_at = Some(wake_at);
                Applied::Changed
            }
            _ => Applied::Nothing,
        }
    }

    fn entry_index(&self, task_id: TaskId) -> Option<usize> {
        self.state
            .frontier
            .iter()
            .position(|entry| self.state.task_id(entry) == task_id)
    }
}

/// What an instance still owes, derived anew from what is stored: the creation of the tasks of
/// its frontier that `of` selects, and the cancellation of those that it gave up. The time of
/// `facts` is not looked at: what was decided then is derived as of then.
pub fn owed(
    plan: &Plan,
    state: &WorkflowInstance,
    facts: Facts,
    of: impl Fn(&FrontierEntry) -> bool,
) -> Vec<Effect> {
    let then = Facts {
        now: state.updated_at,
        ..facts
    };
    let creations = state
        .frontier
        .iter()
        .filter(|entry| of(entry))
        .filter_map(|entry| {
            let position = plan.workflow.position(&entry.path)?;
            let task = step::begun_before(plan, state, position, entry.since, then)?;
            Some(Effect::CreateTask(task))
        });
    let cancels = state.cancelling.iter().copied().map(Effect::CancelTask);
    creations.chain(cancels).collect()
}

/// The instance after somebody looked at it in vain: the next look is later. The time of its
/// last change stays, because [`owed`] derives what was decided then.
#[must_use]
pub fn checked(state: &WorkflowInstance, now: Timestamp) -> WorkflowInstance {
    let mut after = state.clone();
    after.version += 1;
    after.checks = state.checks.saturating_add(1);
    after.due_at = None;
    for entry in &mut after.frontier {
        // A time that has passed was acted upon: the task says when it must be looked at next.
        entry.wake_at = entry.wake_at.filter(|at| *at > now);
    }
    after.due_at = due_of(&after, now);
    after
}

/// When an instance must be looked at again: as long as it is open, or owes something.
fn due_of(state: &WorkflowInstance, now: Timestamp) -> Option<Timestamp> {
    if state.status.is_terminal() && state.cancelling.is_empty() {
        return None;
    }
    let check = due::next_check(state.checks, now);
    let needed = state
        .frontier
        .iter()
        .filter_map(|entry| entry.wake_at)
        .chain(state.deadline_at)
        .fold(check, Timestamp::min);
    Some(due::keep_or_move(state.due_at, needed, now))
}

#[cfg(test)]
mod tests;
