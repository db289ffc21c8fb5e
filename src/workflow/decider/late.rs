//! What a workflow told to end: when that is known to be over, and what of it completed all the
//! same.
//!
//! A task or a child may complete in the very moment in which it is not wanted any more, and
//! nobody knows which came first before it was told to end. So nothing is undone before
//! everything that was under way is known to be over; then all steps that completed are undone,
//! those that completed last first. Such a step sets no variables: the workflow's are as they
//! were at its end.

use super::{ChildEnd, Fold, TaskEnd};
use crate::task::instance::TaskStatus;
use crate::workflow::compiled::CompiledStep;
use crate::workflow::frontier::{Active, Cancelling, Closing, State};
use crate::workflow::instance::WorkflowStatus;

use super::place::Place;

impl Fold<'_> {
    /// Undoes what completed, as soon as it is known what did.
    pub(super) fn undo(&mut self) {
        self.changed = true;
        self.state.course.closing = Some(Closing::Compensating(None));
        self.undo_if_all_ended();
    }

    pub(super) fn undo_if_all_ended(&mut self) {
        let course = &self.state.course;
        let waits = matches!(course.closing, Some(Closing::Compensating(None)));
        if waits && course.cancelling.is_empty() && self.need.is_none() {
            self.undo_next();
        }
    }

    /// Takes note that these need not be cancelled any more.
    pub(super) fn cancels_done(&mut self, over: &[Cancelling]) {
        let cancelling = &mut self.state.course.cancelling;
        let before = cancelling.len();
        cancelling.retain(|one| !over.contains(one));
        if cancelling.len() < before {
            self.changed = true;
            self.undo_if_all_ended();
        }
    }

    /// Takes note of the end of a task that was to be cancelled.
    pub(super) fn task_over(&mut self, end: &TaskEnd) {
        let cancelling = Cancelling::Task(end.task_id);
        if !end.status.is_terminal() || !self.state.course.cancelling.contains(&cancelling) {
            return;
        }
        if end.status == TaskStatus::Completed {
            self.each_begun(&mut |fold, step, active, place| {
                let id = fold
                    .state
                    .task_id(&place.path_of(&step.name), active.generation);
                if matches!(active.state, State::Task { .. }) && id == end.task_id {
                    fold.count_task(end.metrics);
                    fold.completed_late(step, place, &end.output);
                }
            });
        }
        self.cancels_done(&[cancelling]);
    }

    /// Takes note of the end of a child that completed although it was to be cancelled. Whether
    /// one that did not is over for good, whoever cancels it finds out.
    pub(super) fn child_over(&mut self, end: &ChildEnd) {
        let cancelling = Cancelling::Child(end.id);
        if end.status != WorkflowStatus::Completed
            || !self.state.course.cancelling.contains(&cancelling)
        {
            return;
        }
        let mut is_news = false;
        self.each_begun(&mut |fold, step, active, place| {
            if fold.is_child(step, active, place, end) {
                is_news = true;
                fold.completed_late(step, place, &end.output);
            }
        });
        if is_news {
            self.cancels_done(&[cancelling]);
        }
    }

    /// Whether a step waits for just this end.
    fn is_child(
        &self,
        step: &CompiledStep,
        active: &Active,
        place: &Place,
        end: &ChildEnd,
    ) -> bool {
        let id = self
            .state
            .child_id(&place.path_of(&step.name), active.generation);
        match &active.state {
            State::SubWorkflow { over, resumed } => {
                !*over && id == end.id && end.is_news(resumed.as_ref(), active.since)
            }
            State::Task { .. }
            | State::Parallel(_)
            | State::Switch { .. }
            | State::Loop { .. }
            | State::Map(_)
            | State::Wait { .. }
            | State::Signal { .. }
            | State::Retrying { .. }
            | State::Handling { .. }
            | State::Failed => false,
        }
    }

    /// Notes what undoes a step that completed although it was to be cancelled. One whose mappings
    /// fail has failed, and nothing undoes it.
    fn completed_late(&mut self, step: &CompiledStep, place: &Place, output: &serde_json::Value) {
        let variables = self.state.variables.clone();
        self.succeed(step, place, output).ok();
        self.state.variables = variables;
    }
}
