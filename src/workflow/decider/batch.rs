//! A batch of iterations of a MAP: the record that runs them.
//!
//! Each iteration has variables of its own, which begin as those of the workflow. The batch tells
//! its workflow of failures, of places it gives back, and of its end.

use serde_json::Value;

use super::map::tolerates;
use super::place::Place;
use super::step::Ended;
use super::{Effect, Fold, News};
use crate::workflow::compiled::CompiledMap;
use crate::workflow::frontier::{Iteration, Iterations, Root};
use crate::workflow::instance::{WorkflowInstance, WorkflowStatus};
use crate::workflow::parent::{BatchEnd, BatchOf, BatchReport};

/// How far a batch is, as its record says.
#[must_use]
pub fn report(batch: &WorkflowInstance) -> Option<BatchReport> {
    let Root::Iterations(iterations) = &batch.course.root else {
        return None;
    };
    Some(BatchReport {
        run: batch.run,
        freed: iterations.freed,
        failed: failures(iterations),
        error: iterations.error.as_deref().cloned(),
        waiters: iterations.waiters.clone(),
        answers: batch.course.answers.clone(),
        over: (batch.status == WorkflowStatus::Completed).then(|| BatchEnd {
            metrics: batch.metrics,
            last: batch.course.compensations.clone(),
            is_settled: batch.is_settled(),
            termination: iterations.termination.as_deref().cloned(),
        }),
    })
}

impl Fold<'_> {
    /// Tells an event to the iterations that run, and begins what can begin then.
    pub(super) fn hear_iterations(&mut self, mut iterations: Box<Iterations>, news: &News<'_>) {
        let Some(batch) = self.state.batch.take() else {
            return;
        };
        let plan = self.plan;
        let map = plan.workflow.map(batch.map);
        if let Some(map) = map {
            let before = (iterations.freed, iterations.failed.len());
            match news {
                News::Granted(slots) if *slots > iterations.granted => {
                    iterations.granted = *slots;
                    self.changed = true;
                }
                News::Reopen => self.reopen_iterations(&mut iterations),
                _ => {}
            }
            self.tell_iterations(map, &batch, &mut iterations, news);
            self.begin_iterations(map, &batch, &mut iterations);
            self.close_batch(map, &batch, &mut iterations, before);
        }
        self.state.batch = Some(batch);
        self.state.course.root = Root::Iterations(iterations);
        if map.is_some_and(|map| map.awaits) {
            self.note_waiters();
        }
    }

    fn tell_iterations(
        &mut self,
        map: &CompiledMap,
        batch: &BatchOf,
        iterations: &mut Iterations,
        news: &News<'_>,
    ) {
        let mut at = 0;
        while let Some(iteration) = iterations.active.get_mut(at) {
            let place = Place::iteration(batch, iteration.at);
            let block = &mut std::mem::take(&mut iteration.block);
            let ended = self.with_variables(&mut iteration.variables, |fold| {
                let ended = fold.hear_block(&map.steps, block, &place, news);
                fold.result_of(map, &place, ended)
            });
            iteration.block = std::mem::take(block);
            match ended {
                None => at += 1,
                Some(ended) => {
                    let iteration = iterations.active.remove(at);
                    self.iteration_over(map, batch, iterations, iteration, ended);
                }
            }
        }
    }

    /// Has the iterations that did not complete wait: their workflow allows anew how many may run.
    fn reopen_iterations(&mut self, iterations: &mut Iterations) {
        iterations.waiting.append(&mut iterations.active);
        iterations.waiting.append(&mut iterations.failed);
        iterations.waiting.sort_by_key(|iteration| iteration.at);
        iterations.error = None;
        iterations.termination = None;
        // Its workflow has forgotten them, and is to be told.
        iterations.waiters.clear();
        iterations.granted = 0;
        iterations.freed = 0;
        self.changed = true;
    }

    fn begin_iterations(
        &mut self,
        map: &CompiledMap,
        batch: &BatchOf,
        iterations: &mut Iterations,
    ) {
        while iterations.termination.is_none()
            && tolerates(&map.step, failures(iterations), batch.total)
            && self.state.status == WorkflowStatus::Running
            && iterations.active.len() < iterations.granted as usize
        {
            let (mut iteration, news) = match next_of(batch, iterations) {
                None => break,
                Some(Turn::Resume(iteration)) => (iteration, Some(News::Reopen)),
                Some(Turn::Begin(iteration)) => (iteration, None),
            };
            self.changed = true;
            let place = Place::iteration(batch, iteration.at);
            let mut block = std::mem::take(&mut iteration.block);
            let ended = self.with_variables(&mut iteration.variables, |fold| {
                let ended = match news {
                    None => fold.advance(&map.steps, &mut block, &place),
                    Some(news) => fold.hear_block(&map.steps, &mut block, &place, &news),
                };
                fold.result_of(map, &place, ended)
            });
            iteration.block = block;
            match ended {
                None => put(iterations, iteration),
                Some(ended) => self.iteration_over(map, batch, iterations, iteration, ended),
            }
        }
    }

    /// What an iteration that is over gives.
    fn result_of(
        &mut self,
        map: &CompiledMap,
        place: &Place,
        ended: Option<Ended>,
    ) -> Option<Ended> {
        let (Some(Ended::Done(output)), Some(result)) = (&ended, &map.result) else {
            return ended;
        };
        let given = self
            .evaluation(&place.path, place)
            .value(result, "result", Some(output));
        Some(match given {
            Ok(given) => Ended::Done(given.unwrap_or(Value::Null)),
            Err(error) => Ended::Failed(error),
        })
    }

    fn iteration_over(
        &mut self,
        map: &CompiledMap,
        batch: &BatchOf,
        iterations: &mut Iterations,
        iteration: Iteration,
        ended: Ended,
    ) {
        let result = match ended {
            Ended::Done(result) => result,
            Ended::Failed(error) => {
                iterations.error = Some(error);
                iterations.failed.push(iteration.clone());
                Value::Null
            }
            Ended::Terminated(termination) => {
                iterations.termination.get_or_insert(termination);
                let place = Place::iteration(batch, iteration.at);
                self.halt_block(&map.steps, &iteration.block, &place);
                iterations.failed.push(iteration.clone());
                Value::Null
            }
        };
        if map.wanted {
            let at = iteration.at as usize;
            if iterations.results.len() <= at {
                iterations.results.resize(at + 1, Value::Null);
            }
            iterations.results[at] = result;
        }
    }

    /// Gives back what is not needed any more, ends the batch when all is over, and tells the
    /// workflow what it must know.
    fn close_batch(
        &mut self,
        map: &CompiledMap,
        batch: &BatchOf,
        iterations: &mut Iterations,
        before: (u32, usize),
    ) {
        if self.state.status != WorkflowStatus::Running {
            return;
        }
        let active = u32::try_from(iterations.active.len()).unwrap_or(u32::MAX);
        let all_begun =
            iterations.begun as usize >= batch.items.len() && iterations.waiting.is_empty();
        if all_begun && map.step.max_concurrency.is_some() {
            iterations.freed = iterations.granted.saturating_sub(active);
        }
        let over = (all_begun && active == 0) || iterations.termination.is_some();
        if over {
            if iterations.termination.is_some() {
                self.halt_iterations(map, batch, iterations);
            }
            if map.wanted {
                let results = std::mem::take(&mut iterations.results);
                self.state.output = Some(Value::Array(padded(results, batch.items.len())));
            }
            self.changed = true;
            self.end_batch(WorkflowStatus::Completed);
        }
        let news = over || before != (iterations.freed, iterations.failed.len());
        if news && let Some(parent) = self.state.parent.clone() {
            self.changed = true;
            self.effects.push(Effect::TellParent(parent));
        }
    }

    /// Notes which of its steps wait longest for signals, and tells the record around it when
    /// these are others than before.
    fn note_waiters(&mut self) {
        let waiters = self.longest_of_each();
        let Root::Iterations(iterations) = &mut self.state.course.root else {
            return;
        };
        if iterations.waiters == waiters {
            return;
        }
        iterations.waiters = waiters;
        self.changed = true;
        let is_told = |effect: &Effect| matches!(effect, Effect::TellParent(_));
        if !self.effects.iter().any(is_told) {
            let parent = self.state.parent.clone();
            self.effects.extend(parent.map(Effect::TellParent));
        }
    }

    /// Does something with the variables of an iteration in the place of the record's.
    pub(super) fn with_variables<T>(
        &mut self,
        own: &mut Option<crate::JsonObject>,
        act: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.isolated = true;
        self.shared = own
            .take()
            .map(|own| std::mem::replace(&mut self.state.variables, own));
        let result = act(self);
        self.isolated = false;
        if let Some(shared) = self.shared.take() {
            *own = Some(std::mem::replace(&mut self.state.variables, shared));
        }
        result
    }

    /// Sets the variables, those of the iteration that is looked at alone.
    pub(super) fn set_variables(&mut self, variables: crate::JsonObject) {
        let before = std::mem::replace(&mut self.state.variables, variables);
        if self.isolated {
            self.shared.get_or_insert(before);
        }
    }
}

/// An iteration whose turn it is.
enum Turn {
    /// It goes on where it was.
    Resume(Iteration),
    /// It is a new one.
    Begin(Iteration),
}

/// The iteration whose turn it is: first those that wait to go on.
fn next_of(batch: &BatchOf, iterations: &mut Iterations) -> Option<Turn> {
    if !iterations.waiting.is_empty() {
        return Some(Turn::Resume(iterations.waiting.remove(0)));
    }
    let at = iterations.begun;
    let is_there = (at as usize) < batch.items.len();
    is_there.then(|| {
        iterations.begun += 1;
        Turn::Begin(Iteration {
            at,
            ..Iteration::default()
        })
    })
}

/// Puts an iteration among those that run, in their order.
fn put(iterations: &mut Iterations, iteration: Iteration) {
    let running = &mut iterations.active;
    let at = running.partition_point(|other| other.at < iteration.at);
    running.insert(at, iteration);
}

fn failures(iterations: &Iterations) -> u32 {
    u32::try_from(iterations.failed.len()).unwrap_or(u32::MAX)
}

/// Results of all iterations: those that were not kept are null.
fn padded(mut results: Vec<Value>, size: usize) -> Vec<Value> {
    results.resize(size, Value::Null);
    results
}
