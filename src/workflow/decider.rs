//! The decider: what an event means for a workflow, as a pure function over its frontier.
//!
//! A [`Fold`] begins with a stored instance, takes any number of events, and ends as one new
//! version with the effects that are owed after it is written. Its cost follows what is active,
//! not how long the workflow has run. What a task's own life looks like is decided in
//! [`crate::task::lifecycle`]; who loads, commits and performs is `functions/app`.
//!
//! An event may come late, twice, or for a step long past: it then changes nothing. What the
//! newest version owes is derived anew by [`owed`], for whoever finds that effects were lost.
//!
//! | file | decides |
//! |---|---|
//! | `block.rs` | which steps of a list begin, and what an event means for those under way |
//! | `step.rs` | how a step begins, and what its success comes to |
//! | `failing.rs` | what its failure comes to |
//! | `task.rs`, `child.rs`, `wait.rs` | TASK; SUB_WORKFLOW; WAIT and SIGNAL |
//! | `composite.rs` | PARALLEL, SWITCH and LOOP |
//! | `map.rs`, `batch.rs` | MAP, from the side of its workflow and of a batch of iterations |
//! | `ending.rs` | the end of a workflow: cancellation, compensations, error handlers |
//! | `again.rs` | where a path leads, and how a step that was over is done again |
//! | `operations.rs` | what people ask of a workflow: pause, retry, skip, signal |
//! | `evaluate.rs` | the expressions of a step: scope, facts, errors |
//! | `owing.rs` | what is owed and when it must be looked at again |

use std::collections::BTreeMap;
use std::sync::Arc;

use semver::Version;
use serde_json::Value;

use crate::JsonObject;
use crate::error_info::ErrorInfo;
use crate::ids::{DefinitionId, TaskId, WorkflowId};
use crate::metrics::{ExecutionMetrics, WorkflowMetrics};
use crate::security::SecurityContext;
use crate::task::compiled::CompiledTask;
use crate::task::instance::{TaskInstance, TaskStatus};
use crate::time::Timestamp;
use crate::workflow::compiled::CompiledWorkflow;
use crate::workflow::frontier::{Root, Undoing};
use crate::workflow::instance::{WorkflowInstance, WorkflowStatus};
use crate::workflow::parent::{BatchReport, Compensable, Parent, Slice};

mod again;
mod batch;
mod block;
mod child;
mod composite;
mod ending;
mod evaluate;
mod failing;
mod map;
mod operations;
mod owing;
mod place;
mod step;
mod task;
mod wait;

pub use batch::report;
pub use operations::{Ask, Operation, Refused};
pub use owing::{Leaf, LeafKind, checked, leaves, owed, undoing};

/// What a workflow runs by: its definition and those of its tasks and children, in the versions
/// that were pinned at its start, by the names of their pins.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The workflow's definition.
    pub workflow: Arc<CompiledWorkflow>,
    /// The task definitions.
    pub tasks: BTreeMap<String, Arc<CompiledTask>>,
    /// The versions of its children's definitions.
    pub children: BTreeMap<String, Version>,
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
    /// One of its children ended, or was refused.
    ChildEnded(Box<ChildEnd>),
    /// A batch of one of its MAPs tells how far it is.
    BatchTold {
        /// The batch's record.
        id: WorkflowId,
        /// How far it is.
        report: Box<BatchReport>,
    },
    /// The workflow of this batch allows it so many iterations in all, those given back counted.
    Granted {
        /// Iterations.
        slots: u32,
    },
    /// Somebody looks whether a time has come.
    Look,
    /// Somebody asks for something.
    Operation(Box<Operation>),
    /// What was to be cancelled is.
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

/// The end of a child.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildEnd {
    /// The child.
    pub id: WorkflowId,
    /// How it ended.
    pub status: WorkflowStatus,
    /// What it gave.
    pub output: Value,
    /// Why it failed, or was refused.
    pub error: Option<ErrorInfo>,
}

impl From<&WorkflowInstance> for ChildEnd {
    fn from(child: &WorkflowInstance) -> Self {
        Self {
            id: child.id,
            status: child.status,
            output: child.output.clone().unwrap_or(Value::Null),
            error: child.error.clone(),
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
    /// Start this workflow unless it is there. What is refused is told to the parent as its end.
    StartChild(Box<NewChild>),
    /// Start this batch unless it is there.
    StartBatch(Box<WorkflowInstance>),
    /// Ask something of a child or a batch.
    Ask(WorkflowId, Box<Event>),
    /// Tell the parent that this record is news to it.
    TellParent(Parent),
    /// Look at this workflow at this time.
    Wake(Timestamp),
    /// Create the task of a compensation that began, whose content is beside the record.
    Undo(Undoing),
}

/// A workflow that is to be started by another.
#[derive(Debug, Clone, PartialEq)]
pub struct NewChild {
    /// Its id, derived from the parent's step.
    pub id: WorkflowId,
    /// What it is.
    pub workflow_definition_id: DefinitionId,
    /// The version that was pinned when the parent started.
    pub version: Version,
    /// What it is given.
    pub input: Value,
    /// In whose name it runs.
    pub security_context: SecurityContext,
    /// The caller's own id for the whole matter.
    pub correlation_id: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// Who waits for it.
    pub parent: Parent,
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
#[derive(Debug, Clone, PartialEq)]
pub enum Applied {
    /// The workflow changed.
    Changed,
    /// Nothing changed: the event was taken before, or concerns nothing that is active.
    Nothing,
    /// It was asked for, and the state does not allow it.
    Refused(Refused),
}

/// Something that a decision cannot go on without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// The compensation of this name, from beside the record.
    Compensation(String),
    /// The outputs of these batches, in this order.
    Results(Vec<WorkflowId>),
}

/// What was needed.
#[derive(Debug, Clone, PartialEq)]
pub enum Supply {
    /// See [`Need::Compensation`].
    Compensation(Box<Compensable>),
    /// See [`Need::Results`].
    Results(Vec<Value>),
}

/// A decision in the making: one stored version, any number of events, one next version.
#[derive(Debug)]
pub struct Fold<'a> {
    plan: &'a Plan,
    facts: Facts,
    before: u64,
    /// The workflow that the record belongs to.
    workflow_id: WorkflowId,
    /// Whether the record is a batch of iterations.
    is_batch: bool,
    state: WorkflowInstance,
    effects: Vec<Effect>,
    compensables: BTreeMap<String, Compensable>,
    slices: Vec<Slice>,
    results: Option<(Vec<WorkflowId>, Vec<Value>)>,
    need: Option<Need>,
    /// Whether an iteration is looked at, whose variables are its own.
    isolated: bool,
    /// The variables that all iterations share, while one has set its own.
    shared: Option<JsonObject>,
    /// Turns of loops that this decision began.
    turns: u32,
    /// Whether everything under way must be looked at: what happened meanwhile was not taken.
    recall: bool,
    changed: bool,
}

/// A decision that is to be written, before its effects are performed.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The next version.
    pub state: WorkflowInstance,
    /// What is owed after it is written.
    pub effects: Vec<Effect>,
    /// What must be stored beside the record before it is written: the compensations of steps
    /// that completed, by the names that the record knows them by.
    pub compensables: BTreeMap<String, Compensable>,
    /// What must be stored before the record is written: the items of new batches.
    pub slices: Vec<Slice>,
}

impl Decision {
    /// The records of steps that failed before their tasks could be created. They are stored
    /// before the state is: no later version can derive them again, should the process end
    /// between the two, and nobody acts on a record that its workflow does not wait for.
    pub fn refused(&self) -> impl Iterator<Item = &TaskInstance> {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::CreateTask(task) if task.status.is_terminal() => Some(&**task),
            Effect::CreateTask(_)
            | Effect::CancelTask(_)
            | Effect::StartChild(_)
            | Effect::StartBatch(_)
            | Effect::Ask(..)
            | Effect::TellParent(_)
            | Effect::Wake(_)
            | Effect::Undo(_) => None,
        })
    }
}

impl<'a> Fold<'a> {
    /// Begins with a stored instance.
    #[must_use]
    pub fn of(plan: &'a Plan, mut state: WorkflowInstance, facts: Facts) -> Self {
        if let Root::Steps(block) = &mut state.course.root {
            block::complete_old(&plan.workflow.steps, block);
        }
        Self {
            plan,
            facts,
            before: state.version,
            workflow_id: state.workflow_id(),
            is_batch: state.batch.is_some(),
            state,
            effects: Vec::new(),
            compensables: BTreeMap::new(),
            slices: Vec::new(),
            results: None,
            need: None,
            isolated: false,
            shared: None,
            turns: 0,
            recall: false,
            changed: false,
        }
    }

    /// Begins with an instance that does not exist yet, and takes its first steps.
    #[must_use]
    pub fn start(plan: &'a Plan, created: WorkflowInstance, facts: Facts) -> Self {
        let mut fold = Self::of(plan, created, facts);
        fold.before = 0;
        fold.changed = true;
        fold.state.status = WorkflowStatus::Running;
        fold.state.start_time = Some(facts.now);
        if let Some(at) = fold.state.deadline_at {
            fold.wake(at);
        }
        fold.go_on();
        fold
    }

    /// Takes an event.
    pub fn apply(&mut self, event: &Event) -> Applied {
        let had_changed = std::mem::take(&mut self.changed);
        let taken = self.take(event);
        let changed = std::mem::replace(&mut self.changed, had_changed);
        match taken {
            Err(refused) => Applied::Refused(refused),
            Ok(()) if changed => {
                self.changed = true;
                Applied::Changed
            }
            Ok(()) => Applied::Nothing,
        }
    }

    fn take(&mut self, event: &Event) -> Result<(), Refused> {
        match event {
            Event::Operation(operation) => return self.operate(operation),
            Event::CancelsDone => self.cancels_done(),
            Event::Look => self.look(),
            Event::TaskEnded(end) => self.hear(&News::TaskEnded(end)),
            Event::TaskWaits { task_id, wake_at } => self.hear(&News::TaskWaits {
                task_id: *task_id,
                wake_at: *wake_at,
            }),
            Event::ChildEnded(end) => self.hear(&News::ChildEnded(end)),
            Event::BatchTold { id, report } => self.hear(&News::BatchTold { id: *id, report }),
            Event::Granted { slots } => self.hear(&News::Granted(*slots)),
        }
        Ok(())
    }

    /// What the decision cannot go on without. Whoever folds supplies it before the next event.
    #[must_use]
    pub fn need(&self) -> Option<&Need> {
        self.need.as_ref()
    }

    /// Supplies what was needed.
    pub fn supply(&mut self, supply: Supply) {
        match (self.need.take(), supply) {
            (Some(Need::Compensation(_)), Supply::Compensation(compensable)) => {
                self.compensate(*compensable);
            }
            (Some(Need::Results(of)), Supply::Results(results)) => {
                self.results = Some((of, results));
                self.hear(&News::Results);
                self.results = None;
            }
            (need, _) => self.need = need,
        }
    }

    /// Ends the decision: what is to be written, or nothing when no event changed anything.
    #[must_use]
    pub fn finish(mut self) -> Option<Decision> {
        if !self.changed {
            return None;
        }
        self.state.version = self.before + 1;
        self.state.updated_at = self.facts.now;
        self.state.checks = 0;
        if self.state.is_settled() {
            let is_wake = |effect: &Effect| matches!(effect, Effect::Wake(_));
            self.effects.retain(|effect| !is_wake(effect));
        }
        self.state.due_at = match self.recall && !self.state.status.is_terminal() {
            true => Some(self.facts.now),
            false => owing::due_of(&self.state, &self.effects, self.facts.now),
        };
        Some(Decision {
            state: self.state,
            effects: self.effects,
            compensables: self.compensables,
            slices: self.slices,
        })
    }

    /// The version that this decision makes.
    fn since(&self) -> u64 {
        self.before + 1
    }

    /// A number that no step of this instance had before.
    fn fresh_generation(&mut self) -> u32 {
        self.state.course.generations += 1;
        self.state.course.generations
    }

    /// Has the workflow looked at when a time comes, unless that is further away than a message
    /// can be delayed: then its due time brings it up.
    fn wake(&mut self, at: Timestamp) {
        if at.millis_since(self.facts.now) <= crate::task::due::LONGEST_MESSAGE_DELAY {
            self.effects.push(Effect::Wake(at));
        }
    }

    fn count_task(&mut self, used: ExecutionMetrics) {
        self.state.metrics = self.state.metrics.with_task(used);
    }

    fn count_batch(&mut self, used: WorkflowMetrics) {
        self.state.metrics = self.state.metrics.plus(used);
    }

    /// Asks something of a child or a batch, in this workflow's name.
    fn ask(&mut self, id: WorkflowId, ask: Ask) {
        let request = format!("{}:{}:{}", self.state.id, self.since(), ask.as_str());
        let operation = Operation {
            request_id: Some(request),
            by_parent: true,
            ask,
        };
        let event = Event::Operation(Box::new(operation));
        self.effects.push(Effect::Ask(id, Box::new(event)));
    }
}

/// An event as the steps hear it.
enum News<'e> {
    TaskEnded(&'e TaskEnd),
    TaskWaits {
        task_id: TaskId,
        wake_at: Timestamp,
    },
    ChildEnded(&'e ChildEnd),
    BatchTold {
        id: WorkflowId,
        report: &'e BatchReport,
    },
    Granted(u32),
    /// A time may have come.
    Look,
    /// The results that were needed are there.
    Results,
    /// A signal goes to the step of this path.
    Signal {
        path: &'e str,
        data: &'e Value,
    },
    /// The step of this path is taken as done.
    Skip {
        path: &'e str,
        output: &'e Value,
    },
    /// The workflow goes on where it ended.
    Reopen,
}

#[cfg(test)]
mod tests;
