//! What a workflow owes, derived anew from what is stored, and when somebody must look at it.
//!
//! A message may be lost after the record was written. Whoever finds that out derives what the
//! record asked for, as of the decision that asked for it.

use super::place::Place;
use super::{Ask, Effect, Event, Facts, Fold, News, Plan};
use crate::ids::{TaskId, WorkflowId};
use crate::task::due;
use crate::task::instance::TaskInstance;
use crate::time::Timestamp;
use crate::workflow::compiled::{CompiledBlock, CompiledKind, CompiledStep};
use crate::workflow::frontier::{
    Active, Block, Branch, Cancelling, Closing, Iteration, Resumed, Root, State, Undoing,
};
use crate::workflow::instance::{WorkflowInstance, WorkflowStatus};
use crate::workflow::parent::Compensable;

use super::composite::block_of;
use super::ending::OVER;

/// A step under way that has a record of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// The path of the step.
    pub path: String,
    /// Its record.
    pub kind: LeafKind,
    /// The version that began it.
    pub since: u64,
}

/// The record of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeafKind {
    /// A task.
    Task(TaskId),
    /// A child.
    Child(WorkflowId),
    /// A batch.
    Batch(WorkflowId),
}

type Act<'f, 'a> = dyn FnMut(&mut Fold<'a>, &CompiledStep, &Active, &Place) + 'f;

/// The steps of a branch that are looked at, if any are.
type InBranch = fn(&Branch) -> Option<&Block>;

fn if_running(branch: &Branch) -> Option<&Block> {
    match branch {
        Branch::Running(block) => Some(block),
        Branch::Done(_) | Branch::Failed(..) => None,
    }
}

fn unless_done(branch: &Branch) -> Option<&Block> {
    match branch {
        Branch::Running(block) | Branch::Failed(block, ..) => Some(block),
        Branch::Done(_) => None,
    }
}

impl<'a> Fold<'a> {
    /// Acts on every step that is under way, at every depth, with the variables that it sees.
    pub(super) fn each_active(&mut self, act: &mut Act<'_, 'a>) {
        let root = std::mem::take(&mut self.state.course.root);
        let steps = &self.plan.workflow.steps;
        match &root {
            Root::Steps(_) if self.state.status.is_terminal() => {}
            Root::Steps(block) => self.each_in(steps, block, &Place::root(), if_running, act),
            Root::Iterations(_) if self.state.status.is_terminal() => {}
            Root::Iterations(iterations) => {
                self.each_of_iterations(iterations.active.iter(), if_running, act);
            }
        }
        self.state.course.root = root;
        if let Some(Closing::Handling(block)) = self.state.course.closing.clone() {
            let place = self.closing_place();
            let handlers = &self.plan.workflow.error_handlers;
            self.each_in(handlers, &block, &place, if_running, act);
        }
    }

    /// Acts on every step that is under way or was when its workflow or batch ended, or when its
    /// branch or iteration failed.
    pub(super) fn each_begun(&mut self, act: &mut Act<'_, 'a>) {
        let root = std::mem::take(&mut self.state.course.root);
        match &root {
            Root::Steps(block) => {
                let steps = &self.plan.workflow.steps;
                self.each_in(steps, block, &Place::root(), unless_done, act);
            }
            Root::Iterations(iterations) => {
                let begun = iterations.active.iter().chain(&iterations.failed);
                self.each_of_iterations(begun, unless_done, act);
            }
        }
        self.state.course.root = root;
    }

    /// Acts on every step of these iterations of a batch, with the variables that it sees.
    fn each_of_iterations<'i>(
        &mut self,
        iterations: impl Iterator<Item = &'i Iteration>,
        in_branch: InBranch,
        act: &mut Act<'_, 'a>,
    ) {
        let Some(batch) = self.state.batch.take() else {
            return;
        };
        let plan = self.plan;
        if let Some(map) = plan.workflow.map(batch.map) {
            for iteration in iterations {
                let place = Place::iteration(&batch, iteration.at);
                let mut own = iteration.variables.clone();
                self.with_variables(&mut own, |fold| {
                    fold.each_in(&map.steps, &iteration.block, &place, in_branch, act);
                });
            }
        }
        self.state.batch = Some(batch);
    }

    fn each_in(
        &mut self,
        compiled: &CompiledBlock,
        block: &Block,
        place: &Place,
        in_branch: InBranch,
        act: &mut Act<'_, 'a>,
    ) {
        for active in block.active.iter().filter(|active| !active.held) {
            let Some(position) = compiled.place(&active.name) else {
                continue;
            };
            let step = &compiled.steps[position];
            act(self, step, active, place);
            let generation = active.generation;
            match (&active.state, &step.kind) {
                (State::Parallel(branches), CompiledKind::Parallel(parallel)) => {
                    for ((name, compiled), branch) in parallel.branches.iter().zip(branches) {
                        if let Some(block) = in_branch(branch) {
                            let inside = place.branch(&step.name, name, generation);
                            self.each_in(compiled, block, &inside, in_branch, act);
                        }
                    }
                }
                (State::Switch { case, block }, CompiledKind::Switch(switch)) => {
                    if let Some(compiled) = block_of(switch, *case) {
                        let inside = place.inside(&step.name, generation);
                        self.each_in(compiled, block, &inside, in_branch, act);
                    }
                }
                (
                    State::Loop {
                        turn,
                        block: Some(block),
                        ..
                    },
                    CompiledKind::Loop(repeat),
                ) => {
                    let inside = place.turn(&step.name, *turn, generation);
                    self.each_in(&repeat.steps, block, &inside, in_branch, act);
                }
                (
                    State::Handling {
                        entry,
                        error,
                        block,
                        ..
                    },
                    _,
                ) => {
                    if let Some(handler) = step.on_error.get(*entry as usize) {
                        let inside = place.inside(&step.name, generation).handling(error);
                        self.each_in(&handler.steps, block, &inside, in_branch, act);
                    }
                }
                _ => {}
            }
        }
    }

    /// What a step that is under way asked for.
    fn asked_for(&mut self, step: &CompiledStep, active: &Active, place: &Place) -> Vec<Effect> {
        self.before = active.since.saturating_sub(1);
        let path = place.path_of(&step.name);
        match (&active.state, &step.kind) {
            (State::Task { .. }, CompiledKind::Task(task)) => {
                match self.new_task(step, task, active.generation, place) {
                    Ok(task) => vec![Effect::CreateTask(Box::new(task))],
                    // What it is made of changed meanwhile: its end is that it is refused.
                    Err((input, error)) => self
                        .refused(step, place, active.generation, input, &error)
                        .map(|task| Effect::CreateTask(Box::new(task)))
                        .into_iter()
                        .collect(),
                }
            }
            (
                State::SubWorkflow {
                    over: false,
                    resumed,
                },
                CompiledKind::SubWorkflow(child),
            ) => {
                let id = self.state.child_id(&path, active.generation);
                let started = match resumed {
                    None | Some(Resumed::Retry) => {
                        Some(self.asked_child(step, child, active.generation, place))
                    }
                    Some(Resumed::Rerun(_)) => None,
                };
                let asked = resumed
                    .as_ref()
                    .and_then(|resumed| self.asked_as_of(id, active.since, resumed.ask()));
                started.into_iter().chain(asked).collect()
            }
            (State::Map(map), CompiledKind::Map(compiled)) => {
                let mut effects = Vec::new();
                for batch in &map.running {
                    let id = self.batch_id(&map.items, &path, active.generation, batch.number);
                    let generation = active.generation;
                    let record = self.new_batch(compiled, map, batch, generation, place, &path);
                    effects.push(Effect::StartBatch(Box::new(record)));
                    if batch.resumed > 0 {
                        effects.extend(self.asked_as_of(id, batch.resumed, Ask::Retry));
                    }
                    let (run, slots) = (self.state.run, batch.granted);
                    effects.push(Effect::Ask(id, Box::new(Event::Granted { run, slots })));
                }
                effects
            }
            (State::Wait { until: at }, _)
            | (
                State::Signal {
                    until: Some(at), ..
                },
                _,
            )
            | (State::Retrying { at }, _) => {
                self.wake(*at);
                self.effects.pop().into_iter().collect()
            }
            (State::Loop { block: None, .. }, _) => vec![Effect::Wake(self.facts.now)],
            _ => Vec::new(),
        }
    }
}

impl Fold<'_> {
    /// What a version asked of a child or a batch.
    fn asked_as_of(&mut self, id: WorkflowId, version: u64, ask: Ask) -> Option<Effect> {
        let before = std::mem::replace(&mut self.before, version.saturating_sub(1));
        self.ask(id, ask);
        self.before = before;
        self.effects.pop()
    }
}

/// The steps under way that have records of their own.
#[must_use]
pub fn leaves(plan: &Plan, state: &WorkflowInstance) -> Vec<Leaf> {
    let facts = Facts {
        now: state.updated_at,
        retention: 0,
    };
    let mut fold = Fold::of(plan, state.clone(), facts);
    let mut leaves = Vec::new();
    fold.each_active(&mut |fold, step, active, place| {
        let path = place.path_of(&step.name);
        let (state, generation, since) = (&fold.state, active.generation, active.since);
        match &active.state {
            State::Task { .. } => leaves.push(Leaf {
                kind: LeafKind::Task(state.task_id(&path, generation)),
                path,
                since,
            }),
            State::SubWorkflow { over: false, .. } => leaves.push(Leaf {
                kind: LeafKind::Child(state.child_id(&path, generation)),
                path,
                since,
            }),
            State::Map(map) => leaves.extend(map.running.iter().map(|batch| Leaf {
                path: path.clone(),
                kind: LeafKind::Batch(fold.batch_id(&map.items, &path, generation, batch.number)),
                since: batch.since,
            })),
            _ => {}
        }
    });
    if let Some(undoing) = running_undoing(state) {
        leaves.push(Leaf {
            path: undoing.path.clone(),
            kind: LeafKind::Task(state.task_id(&undoing.path, undoing.generation)),
            since: undoing.since,
        });
    }
    leaves
}

fn running_undoing(state: &WorkflowInstance) -> Option<&Undoing> {
    match &state.course.closing {
        Some(Closing::Compensating(undoing)) => undoing.as_ref(),
        Some(Closing::Handling(_)) | None => None,
    }
}

/// The task of a compensation that began, made of what is beside the record.
#[must_use]
pub fn undoing(
    plan: &Plan,
    state: &WorkflowInstance,
    facts: Facts,
    undoing: &Undoing,
    compensable: &Compensable,
) -> Option<TaskInstance> {
    Fold::of(plan, state.clone(), facts).undoing_task(compensable, undoing)
}

/// What an instance still owes, derived anew from what is stored: the tasks, children, batches
/// and timers of the steps that `of` selects by their paths and the versions that began them, and
/// the end of what it gave up. The time of `facts` is not looked at: what was decided then is
/// derived as of then.
pub fn owed(
    plan: &Plan,
    state: &WorkflowInstance,
    facts: Facts,
    of: impl Fn(&str, u64) -> bool,
) -> Vec<Effect> {
    let then = Facts {
        now: state.updated_at,
        ..facts
    };
    let mut fold = Fold::of(plan, state.clone(), then);
    let mut effects = Vec::new();
    fold.each_active(&mut |fold, step, active, place| {
        let since = match &active.state {
            State::Map(map) => map.running.iter().map(|one| one.since).max(),
            _ => None,
        };
        if of(
            &place.path_of(&step.name),
            active.since.max(since.unwrap_or(0)),
        ) {
            effects.extend(fold.asked_for(step, active, place));
        }
    });
    if let Some(undoing) = running_undoing(state)
        && of(&undoing.path, undoing.since)
    {
        effects.push(Effect::Undo(undoing.clone()));
    }
    let mut asking = Fold::of(plan, state.clone(), then);
    asking.before = state.version.saturating_sub(1);
    let limit = plan.workflow.definition.timeout;
    let set_now = limit.map(|limit| state.updated_at.plus_millis(limit));
    if let Some(at) = state.deadline_at.filter(|at| Some(*at) == set_now) {
        asking.wake(at);
    }
    for cancelling in &state.course.cancelling {
        match cancelling {
            Cancelling::Task(id) => asking.effects.push(Effect::CancelTask(*id)),
            Cancelling::Child(id) => asking.ask(*id, Ask::cancel(OVER)),
        }
    }
    for handout in &state.course.handouts {
        asking.effects.extend(asking.handing(handout));
    }
    if state.status == WorkflowStatus::Paused {
        asking.ask_children(&Ask::Pause);
    }
    effects.extend(asking.effects);
    if state.status.is_terminal() || state.batch.is_some() {
        effects.extend(state.parent.clone().map(Effect::TellParent));
    }
    effects
}

/// The instance after somebody looked at it in vain: the next look is later. `wakes` are the times
/// at which its tasks must be looked at. The time of its last change stays, because [`owed`]
/// derives what was decided then.
#[must_use]
pub fn checked(
    plan: &Plan,
    state: &WorkflowInstance,
    wakes: &[(TaskId, Timestamp)],
    now: Timestamp,
) -> WorkflowInstance {
    let facts = Facts { now, retention: 0 };
    let mut fold = Fold::of(plan, state.clone(), facts);
    for (task_id, wake_at) in wakes {
        fold.hear(&News::TaskWaits {
            task_id: *task_id,
            wake_at: *wake_at,
        });
    }
    let mut after = fold.state;
    after.version += 1;
    after.checks = state.checks.saturating_add(1);
    after.due_at = None;
    after.due_at = due_of(&after, &[], now);
    after
}

/// What every step does that is under way, at every depth.
fn each_state(state: &WorkflowInstance, act: &mut impl FnMut(&State)) {
    match &state.course.root {
        Root::Steps(_) | Root::Iterations(_) if state.status.is_terminal() => {}
        Root::Steps(block) => each_state_in(block, act),
        Root::Iterations(iterations) => {
            for iteration in &iterations.active {
                each_state_in(&iteration.block, act);
            }
        }
    }
    match &state.course.closing {
        Some(Closing::Handling(block)) => each_state_in(block, act),
        Some(Closing::Compensating(_)) | None => {}
    }
}

fn each_state_in(block: &Block, act: &mut impl FnMut(&State)) {
    for active in &block.active {
        act(&active.state);
        match &active.state {
            State::Parallel(branches) => {
                for branch in branches {
                    if let Branch::Running(block) = branch {
                        each_state_in(block, act);
                    }
                }
            }
            State::Switch { block, .. }
            | State::Handling { block, .. }
            | State::Loop {
                block: Some(block), ..
            } => each_state_in(block, act),
            State::Loop { block: None, .. }
            | State::Task { .. }
            | State::Map(_)
            | State::Wait { .. }
            | State::Signal { .. }
            | State::SubWorkflow { .. }
            | State::Retrying { .. }
            | State::Failed => {}
        }
    }
}

/// When an instance must be looked at again: as long as it is open, or owes something. What a
/// message brings up in time needs no due time of its own; `sent` are those of this decision.
pub(super) fn due_of(
    state: &WorkflowInstance,
    sent: &[Effect],
    now: Timestamp,
) -> Option<Timestamp> {
    if state.is_settled() {
        return None;
    }
    let check = due::next_check(state.checks, now);
    let mut needed = check;
    let mut need = |at: Timestamp| needed = needed.min(at);
    // A time that the due time stands behind has its message: whoever let it stand so sent it.
    let is_promised = |at: &Timestamp| {
        sent.contains(&Effect::Wake(*at)) || state.due_at.is_some_and(|due| due > *at)
    };
    let unsent = |at: &Timestamp| !is_promised(at);
    let is_paused = state.status == WorkflowStatus::Paused;
    let deadline = state.deadline_at.filter(|_| !is_paused);
    deadline.filter(unsent).into_iter().for_each(&mut need);
    each_state(state, &mut |under_way| match under_way {
        // A task that has begun lives on in a pause. A time that has passed was acted upon: the
        // task says when it must be looked at next.
        State::Task { wake_at } => wake_at
            .filter(|at| *at > now)
            .into_iter()
            .for_each(&mut need),
        State::Wait { until: at }
        | State::Signal {
            until: Some(at), ..
        }
        | State::Retrying { at }
            if !is_paused =>
        {
            Some(*at).filter(unsent).into_iter().for_each(&mut need);
        }
        _ => {}
    });
    let undoing = running_undoing(state).and_then(|undoing| undoing.wake_at);
    undoing
        .filter(|at| *at > now)
        .into_iter()
        .for_each(&mut need);
    Some(due::keep_or_move(state.due_at, needed, now))
}
