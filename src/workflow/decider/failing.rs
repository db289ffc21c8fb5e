//! The failure of a step: whether it begins anew, is handled, is let go, or fails what stands
//! around it.

use serde_json::Value;

use super::evaluate::Failed;
use super::place::Place;
use super::step::Ended;
use super::{Fold, News};
use crate::error_info::ErrorInfo;
use crate::task::retry::{Failure, Verdict};
use crate::workflow::compiled::{CompiledHandler, CompiledKind, CompiledStep};
use crate::workflow::definition::Then;
use crate::workflow::frontier::{Active, Block, State};

impl Fold<'_> {
    /// What follows a failure of a step.
    pub(super) fn failed(
        &mut self,
        step: &CompiledStep,
        active: &mut Active,
        place: &Place,
        mut error: Failed,
        lets_go: bool,
    ) -> Option<Ended> {
        let path = place.path_of(&step.name);
        error
            .details
            .entry("taskPath")
            .or_insert_with(|| path.clone().into());
        if let Some(retry) = self.retry_of(step, active, &path, &error) {
            self.halt_step(step, active, place);
            active.retries = Some(retry.1);
            return self.retry_after(step, active, place, retry.0);
        }
        if let Some(entry) = handler_of(step, active, &error.code) {
            self.halt_step(step, active, place);
            return self.handle(step, active, place, error, entry, lets_go);
        }
        self.give_up(step, active, place, error, lets_go)
    }

    /// What follows a failure that nothing of the step's own caught.
    pub(super) fn give_up(
        &mut self,
        step: &CompiledStep,
        active: &mut Active,
        place: &Place,
        error: Failed,
        lets_go: bool,
    ) -> Option<Ended> {
        self.halt_step(step, active, place);
        if lets_go {
            return Some(Ended::Done(Value::Null));
        }
        match active.state {
            // Where it failed inside is kept, so that it can be resumed there.
            State::Parallel(_)
            | State::Map(_)
            | State::Switch { .. }
            | State::Loop { .. }
            | State::Handling { .. }
            | State::SubWorkflow { .. } => {}
            State::Task { .. }
            | State::Wait { .. }
            | State::Signal { .. }
            | State::Retrying { .. }
            | State::Failed => active.state = State::Failed,
        }
        Some(Ended::Failed(error))
    }

    pub(super) fn retry_of(
        &self,
        step: &CompiledStep,
        active: &Active,
        path: &str,
        error: &ErrorInfo,
    ) -> Option<(u64, crate::task::retry::RetryCounts)> {
        let failure = Failure {
            code: &error.code,
            permanent: false,
            retry_after: None,
        };
        let counts = active.retries.clone().unwrap_or_default();
        let jitter = self.jitter(path, active.generation);
        match step.retry_policy()?.verdict(&failure, &counts, jitter) {
            Verdict::Retry { delay, counts } => Some((delay, counts)),
            Verdict::GiveUp => None,
        }
    }

    /// Uniform in [0, 1), the same for a decision that is made again.
    pub(super) fn jitter(&self, path: &str, generation: u32) -> f64 {
        let draw = self.state.task_id(path, generation).uuid().as_u128() & 0xffff_ffff;
        f64::from(u32::try_from(draw).unwrap_or(0)) / 4_294_967_296.0
    }

    pub(super) fn retry_after(
        &mut self,
        step: &CompiledStep,
        active: &mut Active,
        place: &Place,
        delay: u64,
    ) -> Option<Ended> {
        if delay == 0 {
            return self.begin_anew(step, active, place);
        }
        let at = self.facts.now.plus_millis(delay);
        active.state = State::Retrying { at };
        active.since = self.since();
        self.wake(at);
        None
    }

    /// Runs the steps of an `onError` entry in the step's place.
    pub(super) fn handle(
        &mut self,
        step: &CompiledStep,
        active: &mut Active,
        place: &Place,
        error: Failed,
        entry: usize,
        lets_go: bool,
    ) -> Option<Ended> {
        let handler = &step.on_error[entry];
        if handler.then == Then::RetryStep {
            if active.handled.len() <= entry {
                active.handled.resize(entry + 1, 0);
            }
            active.handled[entry] += 1;
            // Anew is with the whole of its policy.
            active.retries = None;
        }
        active.generation = self.fresh_generation();
        active.since = self.since();
        let inside = place.inside(&step.name, active.generation).handling(&error);
        let mut block = Block::default();
        let ended = self.advance(&handler.steps, &mut block, &inside);
        active.state = State::Handling {
            entry: u32::try_from(entry).unwrap_or(u32::MAX),
            error,
            block,
            lets_go,
        };
        self.handled(step, handler, active, place, ended?)
    }

    pub(super) fn hear_handler(
        &mut self,
        step: &CompiledStep,
        active: &mut Active,
        place: &Place,
        news: &News<'_>,
    ) -> Option<Ended> {
        let State::Handling {
            entry,
            error,
            block,
            ..
        } = &mut active.state
        else {
            return None;
        };
        let handler = step.on_error.get(*entry as usize)?;
        let inside = place.inside(&step.name, active.generation).handling(error);
        let ended = self.hear_block(&handler.steps, block, &inside, news)?;
        self.handled(step, handler, active, place, ended)
    }

    /// What the end of an `onError` entry's steps comes to.
    pub(super) fn handled(
        &mut self,
        step: &CompiledStep,
        handler: &CompiledHandler,
        active: &mut Active,
        place: &Place,
        ended: Ended,
    ) -> Option<Ended> {
        let State::Handling { error, lets_go, .. } = &active.state else {
            return None;
        };
        match (ended, handler.then) {
            (Ended::Done(output), Then::Continue) => Some(Ended::Done(output)),
            (Ended::Done(_), Then::Fail) => {
                let error = error.clone();
                active.state = State::Failed;
                Some(Ended::Failed(error))
            }
            (Ended::Done(_), Then::RetryStep) => self.begin_anew(step, active, place),
            (Ended::Failed(error), _) => {
                let lets_go = *lets_go;
                self.give_up(step, active, place, error, lets_go)
            }
            (terminated @ Ended::Terminated(_), _) => Some(terminated),
        }
    }

    /// Whether a failure of a step before its task exists lets the workflow go on. Of a task that
    /// was created, the record says it: there an executor may have had its word.
    pub(super) fn lets_go(&self, step: &CompiledStep) -> bool {
        let of_definition = match &step.kind {
            CompiledKind::Task(task) => self
                .plan
                .tasks
                .get(&task.pin)
                .is_some_and(|task| task.definition.continue_on_failure),
            _ => false,
        };
        step.continue_on_failure.unwrap_or(of_definition)
    }
}

/// The first `onError` entry that holds a code, unless its RETRY_STEP is used up: then the step's
/// error stands.
fn handler_of(step: &CompiledStep, active: &Active, code: &str) -> Option<usize> {
    let entry = step
        .on_error
        .iter()
        .position(|handler| handler.codes.iter().any(|one| one == code || one == "*"))?;
    let used = active.handled.get(entry).copied().unwrap_or(0);
    let handler = &step.on_error[entry];
    let is_used_up = handler.then == Then::RetryStep && used >= handler.max_retries;
    (!is_used_up).then_some(entry)
}
