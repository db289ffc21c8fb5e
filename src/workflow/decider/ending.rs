//! The end of a workflow: its status, the end of what still runs, and what is done after it.
//!
//! After a failure what completed is undone (`undoing.rs`), as soon as all that was under way is
//! over (`late.rs`), and then the error handlers run. The status stands from the start; what fails
//! in here is recorded by its task.

use serde_json::Value;

use super::composite::block_of;
use super::operations::Ask;
use super::place::Place;
use super::step::Ended;
use super::{Effect, Fold, News};
use crate::JsonObject;
use crate::codes::failure;
use crate::error_info::ErrorInfo;
use crate::ids::{TaskId, WorkflowId};
use crate::workflow::compiled::{CompiledBlock, CompiledKind, CompiledMap, CompiledStep};
use crate::workflow::definition::{EndStatus, OnParentClose};
use crate::workflow::frontier::{
    Active, Block, Branch, Cancelling, Closing, Course, Iterations, Map, Root, State,
};
use crate::workflow::instance::WorkflowStatus;
use crate::workflow::parent::{BatchOf, Termination};

/// Why a child or a batch is cancelled.
pub(super) const OVER: &str = "its parent is over";

impl Fold<'_> {
    /// Takes the first steps.
    pub(super) fn go_on(&mut self) {
        match std::mem::take(&mut self.state.course.root) {
            Root::Steps(mut block) => {
                let steps = &self.plan.workflow.steps;
                let ended = self.advance(steps, &mut block, &Place::root());
                self.state.course.root = Root::Steps(block);
                self.root_ended(ended);
            }
            Root::Iterations(iterations) => self.hear_iterations(iterations, &News::Look),
        }
    }

    /// Tells an event to whatever is under way.
    pub(super) fn hear(&mut self, news: &News<'_>) {
        match self.state.status {
            WorkflowStatus::Running | WorkflowStatus::Pending => {}
            // A task that has begun keeps its clock.
            WorkflowStatus::Paused if matches!(news, News::TaskWaits { .. }) => {}
            // What arrives is kept by its own record, and taken in at the resume.
            WorkflowStatus::Paused => return,
            WorkflowStatus::Completed
            | WorkflowStatus::Failed
            | WorkflowStatus::Cancelled
            | WorkflowStatus::TimedOut => return self.hear_closing(news),
        }
        match std::mem::take(&mut self.state.course.root) {
            Root::Steps(mut block) => {
                let steps = &self.plan.workflow.steps;
                let mut ended = self.hear_block(steps, &mut block, &Place::root(), news);
                if ended.is_none() && matches!(news, News::Reopen) {
                    // What failed may have been the output, after the last step.
                    ended = self.advance(steps, &mut block, &Place::root());
                }
                self.state.course.root = Root::Steps(block);
                self.root_ended(ended);
            }
            Root::Iterations(iterations) => self.hear_iterations(iterations, news),
        }
    }

    /// Whether a time has come: the workflow's own, or one that a step waits for.
    pub(super) fn look(&mut self) {
        let deadline = self.state.deadline_at;
        let is_running = self.state.status == WorkflowStatus::Running;
        if is_running && deadline.is_some_and(|at| at <= self.facts.now) {
            let details = JsonObject::from_iter([("kind".to_owned(), "WORKFLOW".into())]);
            let message = "the workflow took longer than its time limit";
            let error = ErrorInfo::new(failure::TIMEOUT, message, self.facts.now);
            self.fail(WorkflowStatus::TimedOut, error.with_details(details));
            return;
        }
        self.hear(&News::Look);
    }

    fn root_ended(&mut self, ended: Option<Ended>) {
        match ended {
            None => {}
            Some(Ended::Done(_)) => match self.output() {
                Ok(output) => self.complete(output),
                Err(error) => self.fail(WorkflowStatus::Failed, *error),
            },
            Some(Ended::Failed(error)) => self.fail(WorkflowStatus::Failed, *error),
            Some(Ended::Terminated(termination)) => self.terminated(*termination),
        }
    }

    fn terminated(&mut self, termination: Termination) {
        match (termination.status, termination.error) {
            (EndStatus::Failed, Some(error)) => {
                self.fail(WorkflowStatus::Failed, error);
            }
            (EndStatus::Completed | EndStatus::Failed, _) => {
                match self.checked_output(termination.output) {
                    Ok(output) => {
                        // What was under way beside it is not done, should a step begin again.
                        self.halt();
                        let root = std::mem::take(&mut self.state.course.root);
                        self.complete(output);
                        self.state.course.root = root;
                    }
                    Err(error) => self.fail(WorkflowStatus::Failed, *error),
                }
            }
        }
    }

    fn complete(&mut self, output: Value) {
        self.state.output = Some(output);
        self.halt();
        let course = &mut self.state.course;
        *course = Course {
            generations: course.generations,
            // Should it begin again and fail then, what was done before is undone too.
            compensations: course.compensations.take(),
            requests: std::mem::take(&mut course.requests),
            asked: course.asked,
            reruns: std::mem::take(&mut course.reruns),
            skipped: std::mem::take(&mut course.skipped),
            cancelling: std::mem::take(&mut course.cancelling),
            ..Course::default()
        };
        self.end(WorkflowStatus::Completed);
    }

    fn fail(&mut self, status: WorkflowStatus, error: ErrorInfo) {
        self.state.error = Some(error);
        self.halt();
        self.end(status);
        self.undo();
    }

    /// Cancels the workflow, and undoes what completed if that is asked for.
    pub(super) fn cancel(&mut self, reason: &str, compensate: bool) {
        let details = JsonObject::from_iter([("reason".to_owned(), reason.into())]);
        let error = ErrorInfo::new(failure::CANCELLED, reason, self.facts.now);
        self.state.error = Some(error.with_details(details));
        self.halt();
        self.end(WorkflowStatus::Cancelled);
        if compensate {
            self.undo();
        }
    }

    fn end(&mut self, status: WorkflowStatus) {
        self.changed = true;
        self.state.status = status;
        self.state.end_time = Some(self.facts.now);
        self.state.deadline_at = None;
        self.state.expires_at = Some(self.facts.now.plus_millis(self.facts.retention));
        let course = &mut self.state.course;
        course.signals.clear();
        course.handouts.clear();
        course.skips.clear();
        let is_batch = matches!(course.root, Root::Iterations(_));
        if let Some(parent) = self.state.parent.clone().filter(|_| !is_batch) {
            self.effects.push(Effect::TellParent(parent));
        }
    }

    /// Ends a batch; its workflow is told by whoever ends it.
    pub(super) fn end_batch(&mut self, status: WorkflowStatus) {
        self.end(status);
    }

    /// Stops whatever is under way. Where it was is kept.
    fn halt(&mut self) {
        let root = std::mem::take(&mut self.state.course.root);
        match &root {
            Root::Steps(block) => {
                self.halt_block(&self.plan.workflow.steps, block, &Place::root());
            }
            Root::Iterations(iterations) => {
                if let Some(batch) = self.state.batch.take() {
                    if let Some(map) = self.plan.workflow.map(batch.map) {
                        self.halt_iterations(map, &batch, iterations);
                    }
                    self.state.batch = Some(batch);
                }
            }
        }
        self.state.course.root = root;
    }

    /// Stops the iterations of a batch that run.
    pub(super) fn halt_iterations(
        &mut self,
        map: &CompiledMap,
        batch: &BatchOf,
        iterations: &Iterations,
    ) {
        for iteration in &iterations.active {
            let place = Place::iteration(batch, iteration.at);
            self.halt_block(&map.steps, &iteration.block, &place);
        }
    }

    /// Stops the steps of a block that are under way.
    pub(super) fn halt_block(&mut self, compiled: &CompiledBlock, block: &Block, place: &Place) {
        for active in block.active.iter().filter(|active| !active.held) {
            if let Some(position) = compiled.place(&active.name) {
                self.halt_step(&compiled.steps[position], active, place);
            }
        }
    }

    /// Stops what a step has under way.
    pub(super) fn halt_step(&mut self, step: &CompiledStep, active: &Active, place: &Place) {
        let path = place.path_of(&step.name);
        let generation = active.generation;
        match (&active.state, &step.kind) {
            (State::Task { .. }, _) => {
                self.cancel_task(self.state.task_id(&path, generation), active.since);
            }
            (State::Parallel(branches), CompiledKind::Parallel(parallel)) => {
                for ((name, compiled), branch) in parallel.branches.iter().zip(branches) {
                    if let Branch::Running(block) = branch {
                        let inside = place.branch(&step.name, name, generation);
                        self.halt_block(compiled, block, &inside);
                    }
                }
            }
            (State::Switch { case, block }, CompiledKind::Switch(switch)) => {
                if let Some(compiled) = block_of(switch, *case) {
                    self.halt_block(compiled, block, &place.inside(&step.name, generation));
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
                self.halt_block(&repeat.steps, block, &inside);
            }
            (State::Map(map), CompiledKind::Map(compiled)) => {
                self.halt_batches(compiled, map, generation, &path);
            }
            // One with ABANDON goes on alone, whatever becomes of its step.
            (State::SubWorkflow { over: false, .. }, CompiledKind::SubWorkflow(child))
                if child.step.on_parent_close == OnParentClose::Cancel =>
            {
                self.cancel_child(self.state.child_id(&path, generation), active.since);
            }
            (State::Handling { entry, block, .. }, _) => {
                if let Some(handler) = step.on_error.get(*entry as usize) {
                    let inside = place.inside(&step.name, generation);
                    self.halt_block(&handler.steps, block, &inside);
                }
            }
            _ => {}
        }
    }

    /// Stops the batches of a MAP. What they completed is to be undone with the rest.
    fn halt_batches(&mut self, compiled: &CompiledMap, map: &Map, generation: u32, path: &str) {
        let mut halted = Vec::new();
        for batch in &map.running {
            let id = self.batch_id(&map.items, path, generation, batch.number);
            if self.cancel_child(id, batch.since) {
                halted.push(id);
            }
        }
        if compiled.undoes && !halted.is_empty() {
            self.keep_batches(halted, None);
        }
    }

    fn cancel_task(&mut self, id: TaskId, since: u64) {
        if since == self.since() {
            // This very decision asked for the task, and takes that back.
            self.effects
                .retain(|effect| !matches!(effect, Effect::CreateTask(task) if task.id == id));
            return;
        }
        let cancelling = Cancelling::Task(id);
        if !self.state.course.cancelling.contains(&cancelling) {
            self.state.course.cancelling.push(cancelling);
            self.effects.push(Effect::CancelTask(id));
            self.changed = true;
        }
    }

    /// Whether it was there, and was not to be cancelled before.
    fn cancel_child(&mut self, id: WorkflowId, since: u64) -> bool {
        if since == self.since() {
            self.effects.retain(|effect| match effect {
                Effect::StartChild(child) => child.id != id,
                Effect::RefuseChild { id: refused, .. } => *refused != id,
                Effect::StartBatch(batch) => batch.id != id,
                Effect::Ask(asked, _) => *asked != id,
                Effect::CreateTask(_)
                | Effect::CancelTask(_)
                | Effect::TellParent(_)
                | Effect::Wake(_)
                | Effect::Undo(_) => true,
            });
            return false;
        }
        let cancelling = Cancelling::Child(id);
        if self.state.course.cancelling.contains(&cancelling) {
            return false;
        }
        self.state.course.cancelling.push(cancelling);
        self.ask(id, Ask::cancel(OVER));
        self.changed = true;
        true
    }

    pub(super) fn handle_end(&mut self) {
        let has_failed = matches!(
            self.state.status,
            WorkflowStatus::Failed | WorkflowStatus::TimedOut
        );
        if !has_failed || self.plan.workflow.error_handlers.steps.is_empty() || self.is_batch {
            return;
        }
        let place = self.closing_place();
        let mut block = Block::default();
        let handlers = &self.plan.workflow.error_handlers;
        let ended = self.advance(handlers, &mut block, &place);
        self.state.course.closing = match ended {
            None => Some(Closing::Handling(block)),
            Some(_) => None,
        };
    }

    /// Where error handlers stand: beside the steps, whose generations they do not share.
    pub(super) fn closing_place(&self) -> Place {
        let root = Place {
            generation: u32::MAX,
            ..Place::root()
        };
        match &self.state.error {
            Some(error) => root.handling(error),
            None => root,
        }
    }

    /// Tells an event to what is done after the end.
    fn hear_closing(&mut self, news: &News<'_>) {
        match self.state.course.closing.take() {
            None => {}
            Some(Closing::Compensating(running)) => {
                self.state.course.closing = Some(Closing::Compensating(running.clone()));
                self.hear_undoing(running, news);
            }
            Some(Closing::Handling(mut block)) => {
                let place = self.closing_place();
                let handlers = &self.plan.workflow.error_handlers;
                let ended = self.hear_block(handlers, &mut block, &place, news);
                self.state.course.closing = match ended {
                    None => Some(Closing::Handling(block)),
                    Some(_) => {
                        self.changed = true;
                        None
                    }
                };
            }
        }
    }
}
