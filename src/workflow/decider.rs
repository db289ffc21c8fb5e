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
//! | `ending.rs` | the end of a workflow: cancellation, error handlers |
//! | `late.rs` | when what was told to end is over, and what of it completed all the same |
//! | `undoing.rs` | what is undone after that, and in which order |
//! | `again.rs` | where a path leads, and how a step that was over is done again |
//! | `operations.rs`, `kept.rs` | what people ask of a workflow: pause, retry, skip; what of it is kept |
//! | `signals.rs` | who has a signal: the step that has waited longest, in whatever record it is |
//! | `rerun.rs`, `recall.rs`, `past.rs` | a step that begins again; what was around it, found out again |
//! | `event.rs`, `effect.rs` | what may happen; what is owed, and what a decision needs |
//! | `evaluate.rs` | the expressions of a step: scope, facts, errors |
//! | `owing.rs` | what is owed and when it must be looked at again |

use std::collections::BTreeMap;
use std::sync::Arc;

use semver::Version;
use serde_json::Value;

use crate::JsonObject;
use crate::ids::WorkflowId;
use crate::metrics::{ExecutionMetrics, WorkflowMetrics};
use crate::task::compiled::CompiledTask;
use crate::time::Timestamp;
use crate::workflow::compiled::CompiledWorkflow;
use crate::workflow::frontier::Root;
use crate::workflow::instance::{WorkflowInstance, WorkflowStatus};
use crate::workflow::parent::{Slice, Undoable};

mod again;
mod batch;
mod block;
mod child;
mod composite;
mod effect;
mod ending;
mod evaluate;
mod event;
mod failing;
mod kept;
mod late;
mod map;
mod operations;
mod owing;
mod past;
mod place;
mod recall;
mod rerun;
mod signals;
mod step;
mod task;
mod undoing;
mod wait;

pub use batch::report;
pub use effect::{Decision, Effect, Need, NewChild, Supply};
use event::News;
pub use event::{ChildEnd, Event, TaskEnd};
pub use operations::{Ask, Operation, Refused};
pub use owing::{Leaf, LeafKind, checked, leaves, owed, undoing};
pub use past::{PastTask, TooMuch, is_looked_through};

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
    compensables: BTreeMap<String, Undoable>,
    /// Links of chains that were read.
    links: BTreeMap<String, Undoable>,
    slices: Vec<Slice>,
    results: Option<(Vec<WorkflowId>, Vec<Value>)>,
    need: Option<Need>,
    /// Whether an iteration is looked at, whose variables are its own.
    isolated: bool,
    /// The variables that all iterations share, while one has set its own.
    shared: Option<JsonObject>,
    /// Turns of loops that this decision began.
    turns: u32,
    /// A rerun that needs more to be decided.
    rerun: Option<Box<recall::Recall>>,
    /// What is looked for while an ended workflow is decided once more.
    watch: Option<Box<recall::Watch>>,
    /// Whether everything under way must be looked at: what happened meanwhile was not taken.
    recall: bool,
    changed: bool,
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
            links: BTreeMap::new(),
            slices: Vec::new(),
            results: None,
            need: None,
            isolated: false,
            shared: None,
            turns: 0,
            rerun: None,
            watch: None,
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
        self.applied(|fold| fold.take(event))
    }

    fn applied(&mut self, act: impl FnOnce(&mut Self) -> Result<(), Refused>) -> Applied {
        let had_changed = std::mem::take(&mut self.changed);
        let taken = act(self);
        self.go_on_if_asked();
        let changed = std::mem::replace(&mut self.changed, had_changed);
        match taken {
            Err(refused) => {
                self.changed = had_changed;
                Applied::Refused(refused)
            }
            Ok(()) if changed => {
                self.changed = true;
                Applied::Changed
            }
            Ok(()) => Applied::Nothing,
        }
    }

    fn take(&mut self, event: &Event) -> Result<(), Refused> {
        match event {
            Event::Operation(operation) => self.operate(operation)?,
            Event::CancelsDone(over) => self.cancels_done(over),
            Event::Look => self.look(),
            Event::TaskEnded(end) => {
                self.task_over(end);
                self.hear(&News::TaskEnded(end));
            }
            Event::TaskWaits { task_id, wake_at } => self.hear(&News::TaskWaits {
                task_id: *task_id,
                wake_at: *wake_at,
            }),
            Event::ChildEnded(end) => {
                self.child_over(end);
                self.hear(&News::ChildEnded(end));
            }
            Event::BatchTold { id, report } => {
                self.hear_answers(*id, report);
                self.hear(&News::BatchTold { id: *id, report });
            }
            Event::Handed(handed) => self.take_handed(handed),
            Event::Granted { run, slots } if *run == self.state.run => {
                self.hear(&News::Granted(*slots));
            }
            Event::Granted { .. } => {}
        }
        self.hand_out();
        Ok(())
    }

    /// What the decision cannot go on without. Whoever folds supplies it before the next event.
    #[must_use]
    pub fn need(&self) -> Option<&Need> {
        self.need.as_ref()
    }

    /// Supplies what was needed, and says what came of the event that needed it.
    pub fn supply(&mut self, supply: Supply) -> Applied {
        self.applied(|fold| fold.take_supply(supply))
    }

    fn take_supply(&mut self, supply: Supply) -> Result<(), Refused> {
        match (self.need.take(), supply) {
            (Some(Need::Undoable { name, .. }), Supply::Undoable(undoable)) => {
                self.learn_link(name, *undoable);
            }
            (Some(Need::Chains { of, link, .. }), Supply::Chains(chains)) => {
                self.learn_chains(of, &link, chains);
            }
            (Some(Need::Results(of)), Supply::Results(results)) => {
                self.results = Some((of, results));
                self.hear(&News::Results);
                self.results = None;
            }
            (Some(need @ (Need::History | Need::Records(_) | Need::Rerun { .. })), supply) => {
                return self.go_on_with_rerun(need, supply);
            }
            (need, _) => self.need = need,
        }
        Ok(())
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
        let since = self.since();
        let operation = Operation {
            request_id: Some(format!("{}:{since}:{}", self.state.id, ask.as_str())),
            by_parent: Some(since),
            ask,
        };
        let event = Event::Operation(Box::new(operation));
        self.effects.push(Effect::Ask(id, Box::new(event)));
    }
}

#[cfg(test)]
mod tests;
