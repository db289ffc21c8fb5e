//! MAP, from the side of the workflow: its items, its batches, and the places it gives them.
//!
//! The iterations run in batches, each a record of its own, so that no record grows with the
//! items. The workflow allows each batch so many iterations at once; what a batch gives back
//! because it has nothing left to begin, the next one gets. Both count what was ever given and
//! given back, so that telling it twice does no harm.

use serde_json::Value;

use super::evaluate::Failed;
use super::operations::Ask;
use super::place::Place;
use super::step::{Next, Outcome};
use super::{Effect, Event, Fold, Need, News};
use crate::codes::failure;
use crate::error_info::ErrorInfo;
use crate::ids::WorkflowId;
use crate::limits::{MAP_BATCH, MAP_IN_FLIGHT, MAP_ITERATIONS};
use crate::workflow::compiled::{CompiledKind, CompiledMap, CompiledStep};
use crate::workflow::definition::MapStep;
use crate::workflow::frontier::{Active, Batch, Cancelling, Course, Iterations, Map, Root, State};
use crate::workflow::instance::{WorkflowInstance, WorkflowStatus};
use crate::workflow::parent::{BatchOf, BatchReport, Parent, Slice, hash};

impl Fold<'_> {
    pub(super) fn start_map(
        &mut self,
        step: &CompiledStep,
        map: &CompiledMap,
        active: &mut Active,
        place: &Place,
    ) -> Next {
        let path = place.path_of(&step.name);
        let items = match self.items(map, &path, place) {
            Ok(items) => items,
            Err(error) => return Next::Over(Outcome::failed(error, step)),
        };
        let Ok(total) = u32::try_from(items.len()) else {
            return Next::Over(Outcome::failed(self.too_many_items(items.len()), step));
        };
        if total == 0 {
            return Next::Over(Outcome::ok(Value::Array(Vec::new())));
        }
        let state = Map {
            items: hash(&serde_json::to_string(&items).expect("it has string keys only")),
            total,
            ..Map::default()
        };
        let mut items = items.into_iter();
        for number in 0..batches(total) {
            self.slices.push(Slice {
                batch: self.batch_id(&state.items, &path, active.generation, number),
                items: items.by_ref().take(MAP_BATCH as usize).collect(),
            });
        }
        active.state = State::Map(Box::new(state));
        self.give_places(map, active, place, &path);
        Next::Open
    }

    /// The items, one an iteration.
    fn items(&self, map: &CompiledMap, path: &str, place: &Place) -> Result<Vec<Value>, Failed> {
        let evaluation = self.evaluation(path, place);
        let Value::Array(items) = evaluation.something(&map.items, "items")? else {
            return Err(evaluation.wrong("items", "gives no array"));
        };
        let items = match map.step.batch_size {
            None => items,
            Some(size) => items
                .chunks(usize::try_from(size).unwrap_or(usize::MAX).max(1))
                .map(|chunk| Value::Array(chunk.to_vec()))
                .collect(),
        };
        if items.len() > MAP_ITERATIONS as usize {
            return Err(self.too_many_items(items.len()));
        }
        Ok(items)
    }

    fn too_many_items(&self, items: usize) -> Failed {
        let message =
            format!("items: {items} iterations are more than the {MAP_ITERATIONS} of one MAP");
        Box::new(ErrorInfo::new(
            failure::PAYLOAD_TOO_LARGE,
            message,
            self.facts.now,
        ))
    }

    /// The record of a batch. `items` names the array.
    pub(super) fn batch_id(
        &self,
        items: &str,
        path: &str,
        generation: u32,
        number: u32,
    ) -> WorkflowId {
        WorkflowId::of_batch(self.state.id, path, generation, items, number)
    }

    /// Allows batches as many iterations as may run at once: first those that run and can use
    /// more, then the next ones.
    fn give_places(&mut self, map: &CompiledMap, active: &mut Active, place: &Place, path: &str) {
        let (generation, since) = (active.generation, self.since());
        let State::Map(state) = &mut active.state else {
            return;
        };
        // What a batch is told of its MAP does not change.
        let frozen = Map {
            items: state.items.clone(),
            total: state.total,
            ..Map::default()
        };
        let most = map
            .step
            .max_concurrency
            .map_or(MAP_IN_FLIGHT, |most| most.min(MAP_IN_FLIGHT));
        let in_use: u32 = state
            .running
            .iter()
            .map(|one| one.granted - one.freed)
            .sum();
        let mut free = most.saturating_sub(in_use);
        for batch in &mut state.running {
            let size = size_of(state.total, batch.number);
            let more = size.saturating_sub(batch.granted).min(free);
            if more > 0 && batch.freed == 0 {
                batch.granted += more;
                free -= more;
                let id = self.batch_id(&state.items, path, generation, batch.number);
                let slots = batch.granted;
                if batch.since == since {
                    self.effects.retain(|effect| !starts(effect, id));
                    let record = self.new_batch(map, &frozen, batch, generation, place, path);
                    self.effects.push(Effect::StartBatch(Box::new(record)));
                } else {
                    let run = self.state.run;
                    let granted = Event::Granted { run, slots };
                    self.effects.push(Effect::Ask(id, Box::new(granted)));
                }
            }
        }
        while free > 0 && state.begun < batches(state.total) {
            let granted = size_of(state.total, state.begun).min(free);
            free -= granted;
            let batch = Batch {
                number: state.begun,
                granted,
                since,
                ..Batch::default()
            };
            let record = self.new_batch(map, &frozen, &batch, generation, place, path);
            self.effects.push(Effect::StartBatch(Box::new(record)));
            state.running.push(batch);
            state.begun += 1;
        }
    }

    /// The record of a batch, without its items.
    pub(super) fn new_batch(
        &self,
        map: &CompiledMap,
        state: &Map,
        batch: &Batch,
        generation: u32,
        place: &Place,
        path: &str,
    ) -> WorkflowInstance {
        WorkflowInstance {
            id: self.batch_id(&state.items, path, generation, batch.number),
            status: WorkflowStatus::Pending,
            output: None,
            error: None,
            course: Course {
                root: Root::Iterations(Box::new(Iterations {
                    granted: batch.granted,
                    ..Iterations::default()
                })),
                // Its steps begin with that of the MAP: what is begun anew there comes after it.
                generations: generation,
                ..Course::default()
            },
            parent: Some(Parent {
                id: self.state.id,
                workflow_id: self.workflow_id,
                path: path.to_owned(),
                depth: self.state.parent.as_ref().map_or(0, |parent| parent.depth),
            }),
            batch: Some(BatchOf {
                map: map.number,
                path: path.to_owned(),
                generation,
                first: batch.number * MAP_BATCH,
                total: state.total,
                items: Vec::new(),
                outer: place.as_outer(),
                error: place.lexical.error.clone(),
            }),
            metrics: crate::metrics::WorkflowMetrics::default(),
            deadline_at: None,
            due_at: None,
            checks: 0,
            expires_at: None,
            request_hash: None,
            version: 0,
            created_at: self.facts.now,
            updated_at: self.facts.now,
            ..self.state.clone()
        }
    }

    pub(super) fn hear_map(
        &mut self,
        step: &CompiledStep,
        active: &mut Active,
        place: &Place,
        news: &News<'_>,
    ) -> Next {
        let CompiledKind::Map(map) = &step.kind else {
            return Next::Open;
        };
        let path = place.path_of(&step.name);
        let generation = active.generation;
        let State::Map(state) = &mut active.state else {
            return Next::Open;
        };
        match news {
            News::BatchTold { id, report } => {
                let running = state.running.iter().map(|one| one.number);
                let number = running
                    .into_iter()
                    .find(|number| self.batch_id(&state.items, &path, generation, *number) == *id);
                let Some(number) = number.filter(|_| report.run == self.state.run) else {
                    return Next::Open;
                };
                if let Some(terminated) = self.take_report(map, state, (number, *id), report) {
                    return terminated;
                }
                if let Some(error) = over_tolerance(&map.step, state) {
                    return Next::Over(Outcome::failed(error, step));
                }
                self.give_places(map, active, place, &path);
            }
            News::Reopen => {
                self.resume_batches(state, generation, &path);
                active.since = self.since();
                self.give_places(map, active, place, &path);
            }
            _ => {}
        }
        self.map_over(step, active, &path)
    }

    fn take_report(
        &mut self,
        compiled: &CompiledMap,
        map: &mut Map,
        (number, id): (u32, WorkflowId),
        report: &BatchReport,
    ) -> Option<Next> {
        let at = map.running.iter().position(|one| one.number == number)?;
        let batch = &mut map.running[at];
        if report.freed > batch.freed || report.failed > batch.failed {
            batch.freed = batch.freed.max(report.freed);
            batch.failed = batch.failed.max(report.failed);
            self.changed = true;
        }
        if batch.waiters != report.waiters {
            batch.waiters.clone_from(&report.waiters);
            self.changed = true;
        }
        if report.failed > 0 {
            map.error = report.error.clone().map(Box::new);
        }
        let over = report.over.as_ref()?;
        map.running.remove(at);
        map.failed += report.failed;
        if report.failed > 0 || over.termination.is_some() {
            map.troubled.push(number);
        }
        match (&over.last, over.is_settled) {
            (Some(last), true) => self.keep_batches(vec![id], Some(last.clone())),
            (_, false) if compiled.undoes => self.keep_batches(vec![id], None),
            _ => {}
        }
        self.count_batch(over.metrics);
        self.changed = true;
        let termination = over.termination.clone()?;
        Some(Next::Terminated(Box::new(termination)))
    }

    /// Has the batches that did not complete go on: those that ran, and those in which iterations
    /// failed.
    fn resume_batches(&mut self, map: &mut Map, generation: u32, path: &str) {
        for number in std::mem::take(&mut map.troubled) {
            map.running.push(Batch {
                number,
                ..Batch::default()
            });
        }
        map.running.sort_by_key(|batch| batch.number);
        map.failed = 0;
        map.error = None;
        self.changed = true;
        for batch in &mut map.running {
            *batch = Batch {
                number: batch.number,
                since: self.before,
                resumed: self.since(),
                ..Batch::default()
            };
            let id = self.batch_id(&map.items, path, generation, batch.number);
            // It was perhaps to be cancelled, and nobody is to do that any more.
            let cancelling = Cancelling::Child(id);
            self.state
                .course
                .cancelling
                .retain(|one| *one != cancelling);
            self.ask(id, Ask::Retry);
        }
    }

    /// The end of a MAP whose batches are all over. When somebody asks for its output, the
    /// results of the batches are needed first.
    fn map_over(&mut self, step: &CompiledStep, active: &Active, path: &str) -> Next {
        let State::Map(state) = &active.state else {
            return Next::Open;
        };
        if !state.running.is_empty() || state.begun < batches(state.total) {
            return Next::Open;
        }
        if !step.wanted {
            return Next::Over(Outcome::ok(Value::Null));
        }
        let ids = (0..state.begun)
            .map(|number| self.batch_id(&state.items, path, active.generation, number))
            .collect();
        match self.results.take() {
            Some((of, results)) if of == ids => {
                let all = results.into_iter().flat_map(|results| match results {
                    Value::Array(results) => results,
                    other => vec![other],
                });
                Next::Over(Outcome::ok(Value::Array(all.collect())))
            }
            other => {
                self.results = other;
                self.need.get_or_insert(Need::Results(ids));
                Next::Open
            }
        }
    }
}

/// Whether an effect starts this batch.
fn starts(effect: &Effect, id: WorkflowId) -> bool {
    matches!(effect, Effect::StartBatch(batch) if batch.id == id)
}

/// How many batches so many iterations make.
pub(super) fn batches(total: u32) -> u32 {
    total.div_ceil(MAP_BATCH)
}

/// How many iterations a batch has.
fn size_of(total: u32, number: u32) -> u32 {
    total.saturating_sub(number * MAP_BATCH).min(MAP_BATCH)
}

/// The error of a MAP in which more iterations failed than it tolerates.
fn over_tolerance(step: &MapStep, map: &Map) -> Option<Failed> {
    let running: u32 = map.running.iter().map(|one| one.failed).sum();
    match tolerates(step, map.failed + running, map.total) {
        true => None,
        false => map.error.clone(),
    }
}

/// Whether a MAP of so many iterations tolerates that so many failed.
pub(super) fn tolerates(step: &MapStep, failed: u32, total: u32) -> bool {
    let (count, share) = (
        step.tolerated_failure_count,
        step.tolerated_failure_percentage,
    );
    match (count, share) {
        (None, None) => failed == 0,
        _ => {
            count.is_none_or(|most| failed <= most)
                && share.is_none_or(|most| f64::from(failed) * 100.0 <= most * f64::from(total))
        }
    }
}
