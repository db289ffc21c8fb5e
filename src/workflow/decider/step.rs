//! One step: how it begins, and what its success or its failure comes to.
//!
//! After a failure, in this order: the step's own retry policy (a task has its policy itself),
//! the first `onError` entry that holds the code, `continueOnFailure`, and else whatever stands
//! around the step.

use serde_json::Value;

use super::evaluate::{Evaluation, Failed};
use super::place::Place;
use super::{Fold, News};
use crate::JsonObject;
use crate::codes::failure;
use crate::error_info::ErrorInfo;
use crate::workflow::compiled::{CompiledKind, CompiledStep};
use crate::workflow::definition::{EndStatus, TerminateStep};
use crate::workflow::expression::Expression;
use crate::workflow::frontier::{Active, State};
use crate::workflow::parent::{Compensable, Termination, Undoable};

/// What a step, or a block, ends with.
#[derive(Debug)]
pub(super) enum Ended {
    /// It is over, and gave this.
    Done(Value),
    /// It failed, and nothing in it caught that.
    Failed(Failed),
    /// A TERMINATE was reached.
    Terminated(Box<Termination>),
}

/// What beginning a step comes to.
#[derive(Debug)]
pub(super) enum Begun {
    /// It is not wanted; what it was made to give, by hand.
    Skipped(Option<Value>),
    /// It is over already.
    Done(Value),
    /// It is under way.
    UnderWay(Active),
    /// It failed, here.
    Failed(Active, Failed),
    /// A TERMINATE was reached; what the step had begun by then.
    Terminated(Active, Box<Termination>),
}

impl Begun {
    fn of(active: Active, ended: Option<Ended>) -> Self {
        match ended {
            None => Self::UnderWay(active),
            Some(Ended::Done(output)) => Self::Done(output),
            Some(Ended::Failed(error)) => Self::Failed(active, error),
            Some(Ended::Terminated(termination)) => Self::Terminated(active, termination),
        }
    }
}

/// What a step's own work came to, before its mappings and its error handling.
#[derive(Debug)]
pub(super) struct Outcome {
    pub result: Result<Value, Failed>,
    /// Whether a failure lets the workflow go on.
    pub lets_go: bool,
}

/// How a step goes on after something happened to it.
pub(super) enum Next {
    /// It stays under way.
    Open,
    /// Its own work is over.
    Over(Outcome),
    /// A TERMINATE was reached.
    Terminated(Box<Termination>),
}

impl Next {
    /// What the end of the block that a step consists of means for it.
    pub(super) fn of(ended: Option<Ended>, step: &CompiledStep) -> Self {
        match ended {
            None => Self::Open,
            Some(Ended::Done(output)) => Self::Over(Outcome::ok(output)),
            Some(Ended::Failed(error)) => Self::Over(Outcome::failed(error, step)),
            Some(Ended::Terminated(termination)) => Self::Terminated(termination),
        }
    }
}

impl Outcome {
    pub(super) fn ok(output: Value) -> Self {
        Self {
            result: Ok(output),
            lets_go: false,
        }
    }

    pub(super) fn failed(error: Failed, step: &CompiledStep) -> Self {
        Self {
            result: Err(error),
            lets_go: step.continue_on_failure.unwrap_or(false),
        }
    }
}

impl Fold<'_> {
    pub(super) fn evaluation<'s>(&'s self, path: &'s str, place: &'s Place) -> Evaluation<'s> {
        let now = self.facts.now;
        Evaluation::new(
            &self.state,
            self.workflow_id,
            path,
            &place.lexical,
            self.since(),
            now,
        )
    }

    /// Begins a step, unless it was skipped by hand or its condition is not true.
    pub(super) fn begin(&mut self, step: &CompiledStep, place: &Place) -> Begun {
        let path = place.path_of(&step.name);
        if let Some(watch) = &mut self.watch {
            watch.begins(&path, &self.state.variables);
        }
        self.changed = true;
        let is_kept = matches!(
            step.kind,
            CompiledKind::Map(_) | CompiledKind::SubWorkflow(_)
        );
        // What an earlier run started at this path is there still, and knows of no later run.
        let generation = match is_kept && self.state.run > 0 {
            true => self.fresh_generation(),
            false => place.generation,
        };
        let mut active = Active {
            name: step.name.clone(),
            generation,
            since: self.since(),
            retries: None,
            held: false,
            handled: Vec::new(),
            state: State::Failed,
        };
        if let Some(output) = self.state.course.skips.remove(&path) {
            let ended = self.skip(step, &mut active, place, &output);
            return match Begun::of(active, ended) {
                Begun::Done(output) => Begun::Skipped(Some(output)),
                begun => begun,
            };
        }
        let wanted = match &step.condition {
            None => Ok(true),
            Some(condition) => self
                .evaluation(&path, place)
                .is_true(condition, "condition"),
        };
        let ended = match wanted {
            Ok(true) => self.begin_work(step, &mut active, place),
            Ok(false) => {
                self.note_skipped(path, None);
                return Begun::Skipped(None);
            }
            Err(error) => {
                let lets_go = self.lets_go(step);
                self.note_refused(step, place, active.generation, JsonObject::new(), &error);
                self.failed(step, &mut active, place, error, lets_go)
            }
        };
        Begun::of(active, ended)
    }

    /// Lets a step go on that waited until a step before it was done again.
    pub(super) fn release(
        &mut self,
        step: &CompiledStep,
        mut active: Active,
        place: &Place,
    ) -> Begun {
        active.held = false;
        self.changed = true;
        let ended = self
            .hear_step(step, &mut active, place, &News::Reopen)
            .or_else(|| self.hear_step(step, &mut active, place, &News::Look));
        Begun::of(active, ended)
    }

    /// Takes a step as done, with an output that somebody gave by hand.
    pub(super) fn skip(
        &mut self,
        step: &CompiledStep,
        active: &mut Active,
        place: &Place,
        output: &Value,
    ) -> Option<Ended> {
        let path = place.path_of(&step.name);
        self.changed = true;
        self.halt_step(step, active, place);
        active.state = State::Failed;
        let variables = self
            .evaluation(&path, place)
            .variables(&step.variables, output);
        self.note_skipped(path, Some(output.clone()));
        match variables {
            Ok(variables) => {
                self.set_variables(variables);
                Some(Ended::Done(output.clone()))
            }
            Err(error) => {
                let lets_go = self.lets_go(step);
                self.failed(step, active, place, error, lets_go)
            }
        }
    }

    /// Begins a step anew, with a generation of its own.
    pub(super) fn begin_anew(
        &mut self,
        step: &CompiledStep,
        active: &mut Active,
        place: &Place,
    ) -> Option<Ended> {
        active.generation = self.fresh_generation();
        active.since = self.since();
        active.state = State::Failed;
        self.changed = true;
        self.begin_work(step, active, place)
    }

    /// Starts the work of a step.
    pub(super) fn begin_work(
        &mut self,
        step: &CompiledStep,
        active: &mut Active,
        place: &Place,
    ) -> Option<Ended> {
        let next = match &step.kind {
            CompiledKind::Task(task) => self.start_task(step, task, active, place),
            CompiledKind::Parallel(parallel) => self.start_parallel(step, parallel, active, place),
            CompiledKind::Map(map) => self.start_map(step, map, active, place),
            CompiledKind::Switch(switch) => self.start_switch(step, switch, active, place),
            CompiledKind::Loop(repeat) => self.start_loop(step, repeat, active, place),
            CompiledKind::Wait(time) => self.start_wait(step, time, active, place),
            CompiledKind::Signal(signal) => self.start_signal(signal, active),
            CompiledKind::SubWorkflow(child) => self.start_child(step, child, active, place),
            CompiledKind::Set => self.set(step, place),
            CompiledKind::Terminate(terminate, output) => {
                self.terminate(step, terminate, output.as_ref(), place)
            }
        };
        self.settle(step, active, place, next)
    }

    /// Tells an event to a step that is under way.
    pub(super) fn hear_step(
        &mut self,
        step: &CompiledStep,
        active: &mut Active,
        place: &Place,
        news: &News<'_>,
    ) -> Option<Ended> {
        let path = place.path_of(&step.name);
        let now = self.facts.now;
        if let News::Skip { path: of, output } = news
            && *of == path
        {
            return self.skip(step, active, place, output);
        }
        if matches!(news, News::Reopen) {
            return self.reopen_step(step, active, place, &path);
        }
        let next = match (&active.state, news) {
            (State::Task { .. }, _) => self.hear_task(active, news, &path),
            (State::Parallel(_) | State::Switch { .. } | State::Loop { .. }, _) => {
                self.hear_composite(step, active, place, news)
            }
            (State::Map(_), _) => self.hear_map(step, active, place, news),
            (State::Wait { until }, News::Look) if *until <= now => {
                Next::Over(Outcome::ok(Value::Null))
            }
            (
                State::Signal {
                    until: Some(until), ..
                },
                News::Look,
            ) if *until <= now => self.signal_timed_out(step, &path),
            (State::Signal { .. }, News::Signal { path: of, data }) if *of == path => {
                Next::Over(Outcome::ok((*data).clone()))
            }
            (State::SubWorkflow { .. }, News::ChildEnded(end)) => {
                self.hear_child(step, active, end, &path)
            }
            (State::Retrying { at }, News::Look) if *at <= now => {
                return self.begin_anew(step, active, place);
            }
            (State::Handling { .. }, _) => return self.hear_handler(step, active, place, news),
            _ => Next::Open,
        };
        self.settle(step, active, place, next)
    }

    /// Has a step of a workflow that goes on where it ended go on as well.
    fn reopen_step(
        &mut self,
        step: &CompiledStep,
        active: &mut Active,
        place: &Place,
        path: &str,
    ) -> Option<Ended> {
        if active.since == self.since() {
            // It was begun by this very decision.
            return None;
        }
        if let Some(output) = self.state.course.skips.remove(path) {
            // What it had under way ended with the workflow.
            active.state = State::Failed;
            return self.skip(step, active, place, &output);
        }
        let next = match &active.state {
            State::Task { .. } | State::Failed => {
                active.retries = None;
                active.handled.clear();
                return self.begin_anew(step, active, place);
            }
            State::Parallel(_) | State::Switch { .. } | State::Loop { .. } => {
                self.hear_composite(step, active, place, &News::Reopen)
            }
            State::Map(_) => self.hear_map(step, active, place, &News::Reopen),
            State::SubWorkflow { .. } => {
                self.resume_child(step, active, place);
                Next::Open
            }
            State::Handling { .. } => {
                return self.hear_handler(step, active, place, &News::Reopen);
            }
            State::Wait { .. } | State::Signal { .. } | State::Retrying { .. } => {
                // Since it was held up, nobody was promised its time.
                self.state.due_at = None;
                Next::Open
            }
        };
        self.settle(step, active, place, next)
    }

    /// What the end of a step's own work comes to.
    pub(super) fn settle(
        &mut self,
        step: &CompiledStep,
        active: &mut Active,
        place: &Place,
        next: Next,
    ) -> Option<Ended> {
        let outcome = match next {
            Next::Open => return None,
            Next::Terminated(termination) => {
                self.changed = true;
                return Some(Ended::Terminated(termination));
            }
            Next::Over(outcome) => outcome,
        };
        self.changed = true;
        let done = outcome.result.and_then(|output| {
            self.succeed(step, place, &output)?;
            Ok(output)
        });
        match done {
            Ok(output) => {
                if let Some(watch) = &mut self.watch {
                    watch.step_over(&place.path_of(&step.name), active);
                }
                Some(Ended::Done(output))
            }
            Err(error) => self.failed(step, active, place, error, outcome.lets_go),
        }
    }

    /// Sets the variables that a step's success sets, and notes what would undo it.
    pub(super) fn succeed(
        &mut self,
        step: &CompiledStep,
        place: &Place,
        output: &Value,
    ) -> Result<(), Failed> {
        let path = place.path_of(&step.name);
        let is_set = matches!(step.kind, CompiledKind::Set);
        let mut before = None;
        if !is_set && !step.variables.is_empty() {
            let evaluation = self.evaluation(&path, place);
            let variables = evaluation.variables(&step.variables, output)?;
            before = Some(self.state.variables.clone());
            self.set_variables(variables);
        }
        let undoing = match self.undoing_of(step, place, output) {
            Ok(undoing) => undoing,
            Err(error) => {
                // The step has failed, and sets nothing.
                before
                    .into_iter()
                    .for_each(|before| self.set_variables(before));
                return Err(error);
            }
        };
        if let Some(undoing) = undoing {
            self.keep(Undoable::Step(undoing));
        }
        Ok(())
    }

    /// What would undo a step that succeeded: its input sees what the step has set.
    pub(super) fn undoing_of(
        &self,
        step: &CompiledStep,
        place: &Place,
        output: &Value,
    ) -> Result<Option<Compensable>, Failed> {
        let Some(compensation) = step.compensation() else {
            return Ok(None);
        };
        let path = place.path_of(&step.name);
        let input = self
            .evaluation(&path, place)
            .input(&compensation.inputs, Some(output))?;
        Ok(Some(Compensable {
            pin: compensation.pin.clone(),
            input,
            retry_policy: compensation.step.retry_policy.clone(),
            timeout: compensation.step.timeout,
            at: self.facts.now,
            run: self.state.run,
            previous: self.state.course.compensations.clone(),
            path,
        }))
    }

    pub(super) fn set(&mut self, step: &CompiledStep, place: &Place) -> Next {
        let path = place.path_of(&step.name);
        let variables = self.evaluation(&path, place).variables_set(&step.variables);
        Next::Over(match variables {
            Ok(variables) => {
                self.set_variables(variables);
                Outcome::ok(Value::Null)
            }
            Err(error) => Outcome::failed(error, step),
        })
    }

    pub(super) fn terminate(
        &mut self,
        step: &CompiledStep,
        terminate: &TerminateStep,
        output: Option<&Expression>,
        place: &Place,
    ) -> Next {
        let path = place.path_of(&step.name);
        let output = match output {
            None => Ok(Value::Null),
            Some(expression) => self
                .evaluation(&path, place)
                .something(expression, "output"),
        };
        match output {
            Err(error) => Next::Over(Outcome::failed(error, step)),
            Ok(output) => Next::Terminated(Box::new(Termination {
                status: terminate.status,
                output,
                error: (terminate.status == EndStatus::Failed)
                    .then(|| self.stated(terminate, &path)),
            })),
        }
    }

    pub(super) fn stated(&self, terminate: &TerminateStep, path: &str) -> ErrorInfo {
        let (code, message) = match &terminate.error {
            Some(error) => (error.code.as_str(), error.message.as_str()),
            None => (failure::TERMINATED, "the workflow ended itself"),
        };
        let details = JsonObject::from_iter([("taskPath".to_owned(), path.into())]);
        ErrorInfo::new(code, message, self.facts.now).with_details(details)
    }
}
