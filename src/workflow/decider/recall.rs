//! What an ended workflow went through, found out again from the records that it left.
//!
//! The frontier forgets what is over, so that no record grows with a workflow's life. Who wants to
//! begin a step of it again needs the variables that the step saw, and the blocks around it as
//! they were. Both are found by deciding the workflow once more, from its start, on what its
//! tasks and children came to: each task is answered by its record, and the variables that a
//! task's record holds stand for those that the decisions arrive at. Nothing of it is performed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::again::{split_index, without_indexes};
use super::effect::{Effect, Need};
use super::event::{ChildEnd, Event, News, TaskEnd};
use super::past::{Past, PastTask, TooMuch};
use super::rerun::Short;
use super::{Facts, Fold, Operation, Plan, Supply};
use crate::JsonObject;
use crate::ids::{TaskId, WorkflowId};
use crate::limits::{GENERATIONS_RECALLED, TASKS_RECALLED};
use crate::metrics::WorkflowMetrics;
use crate::task::instance::TaskInstance;
use crate::time::Timestamp;
use crate::workflow::frontier::{Active, Block, Course, State};
use crate::workflow::instance::{WorkflowInstance, WorkflowStatus};
use crate::workflow::parent::{BatchEnd, BatchReport};

/// A rerun that is being decided, and what is known by now of what was.
#[derive(Debug)]
pub(super) struct Recall {
    /// What is asked.
    pub operation: Operation,
    /// The tasks.
    past: Past,
    /// The workflow.
    id: WorkflowId,
    /// Those of its runs that began steps in their order: not those that went on at a failure.
    begun: Vec<u32>,
    /// Children and batches that were asked for.
    asked: BTreeSet<WorkflowId>,
    /// Those of them that are there.
    found: BTreeMap<WorkflowId, ChildEnd>,
    /// Whether the child that is to begin again allows that.
    pub child_allows: bool,
}

/// What is looked for while a workflow is decided once more.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The path of the step; without indexes it stands for its last turn.
    target: String,
    /// The path at which it began, with indexes, and the variables that it saw first there.
    pub seen: Option<(String, JsonObject)>,
    /// The steps around it as they were when they were over, by their paths without indexes.
    pub steps: BTreeMap<String, Active>,
    /// The blocks around it likewise, with their whole paths.
    pub blocks: BTreeMap<String, (String, Block)>,
}

impl Recall {
    pub(super) fn of(operation: Operation, state: &WorkflowInstance) -> Self {
        let reruns = state.course.reruns.iter().copied();
        Self {
            operation,
            past: Past::default(),
            id: state.id,
            begun: std::iter::once(0).chain(reruns).collect(),
            asked: BTreeSet::new(),
            found: BTreeMap::new(),
            child_allows: false,
        }
    }

    /// Takes what was needed.
    pub(super) fn learn(&mut self, need: Need, supply: Supply) {
        match (need, supply) {
            (Need::History, Supply::History(tasks)) => self.past = Past::of(tasks),
            (Need::Records(ids), Supply::Records(found)) => {
                self.asked.extend(ids);
                self.found
                    .extend(found.into_iter().map(|end| (end.id, end)));
            }
            _ => {}
        }
    }

    /// The path at which a step last began, and the variables that it saw there first, when its
    /// tasks say it.
    pub(super) fn seen_by_task(&self, target: &str) -> Option<(String, JsonObject)> {
        let of_step = self.past.paths().filter(|(path, _)| is_at(target, path));
        let (_, _, path) = of_step
            .map(|(path, run)| (run, indexes(path), path))
            .max()?;
        let first = self.first(path)?;
        Some((path.to_owned(), JsonObject::clone(&first.variables)))
    }

    /// The task of a path that says what its step saw first: the first of the last run in which
    /// it was the step's turn, and not that of a failure.
    fn first(&self, path: &str) -> Option<&PastTask> {
        let of_path = self.past.at(path);
        let is_begun = |task: &&PastTask| {
            let id = TaskId::of_step(self.id, task.run, path, 0);
            self.begun.contains(&task.run) && task.id() == id
        };
        let begun = of_path.iter().filter(is_begun).max_by_key(|task| task.run);
        begun.or(of_path.first())
    }

    /// The child of a step, by what tells apart the times that the step was begun: the last one
    /// that completed, or else the last.
    pub(super) fn child(
        &self,
        state: &WorkflowInstance,
        path: &str,
    ) -> Result<Option<(u32, ChildEnd)>, Short> {
        let generations = state.course.generations;
        if generations > GENERATIONS_RECALLED {
            return Err(Short::Refused(TooMuch::Generations.refused()));
        }
        let ids: Vec<_> = (0..=generations)
            .map(|generation| (generation, state.child_id(path, generation)))
            .collect();
        if !ids.iter().all(|(_, id)| self.asked.contains(id)) {
            let ids = ids.into_iter().map(|(_, id)| id).collect();
            return Err(Short::Needs(Need::Records(ids)));
        }
        let there = ids
            .iter()
            .filter_map(|(generation, id)| Some((*generation, self.found.get(id)?.clone())));
        let there: Vec<_> = there.collect();
        let is_completed = |end: &ChildEnd| end.status == WorkflowStatus::Completed;
        let completed = there.iter().rfind(|(_, end)| is_completed(end));
        Ok(completed.or(there.last()).cloned())
    }

    /// The results of batches.
    fn results(&self, ids: &[WorkflowId]) -> Result<Vec<Value>, Short> {
        if !ids.iter().all(|id| self.asked.contains(id)) {
            return Err(Short::Needs(Need::Records(ids.to_vec())));
        }
        let outputs = ids.iter().map(|id| match self.found.get(id) {
            Some(end) => end.output.clone(),
            None => Value::Array(Vec::new()),
        });
        Ok(outputs.collect())
    }
}

impl Watch {
    fn of(target: &str) -> Self {
        Self {
            target: target.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn begins(&mut self, path: &str, variables: &JsonObject) {
        let is_first = self.seen.as_ref().is_none_or(|(seen, _)| seen != path);
        if is_first && is_at(&self.target, path) {
            self.seen = Some((path.to_owned(), variables.clone()));
        }
    }

    pub(super) fn step_over(&mut self, path: &str, active: &Active) {
        if is_around(&self.target, path) {
            self.steps.insert(without_indexes(path), active.clone());
        }
    }

    pub(super) fn block_over(&mut self, path: &str, block: &Block) {
        if is_around(&self.target, path) {
            let kept = (path.to_owned(), block.clone());
            self.blocks.insert(without_indexes(path), kept);
        }
    }
}

/// Whether a path is the one that is meant: without indexes, every turn of it is.
fn is_at(target: &str, path: &str) -> bool {
    match target.contains('[') {
        true => path == target,
        false => without_indexes(path) == target,
    }
}

/// The turns of a path.
fn indexes(path: &str) -> Vec<u32> {
    path.split('/')
        .filter_map(|name| split_index(name).1)
        .collect()
}

/// Whether a path leads to something around the one that is meant.
fn is_around(target: &str, path: &str) -> bool {
    let is_before = |target: &str, path: &str| {
        let rest = target.strip_prefix(path);
        rest.is_some_and(|rest| rest.starts_with(['/', '[']))
    };
    match target.contains('[') && path.contains('[') {
        true => is_before(target, path),
        false => is_before(&without_indexes(target), &without_indexes(path)),
    }
}

/// Decides a workflow once more, and keeps what is looked for.
pub(super) fn replay(
    plan: &Plan,
    state: &WorkflowInstance,
    target: &str,
    recall: &Recall,
) -> Result<Watch, Short> {
    let now = state.start_time.unwrap_or(state.created_at);
    let facts = Facts { now, retention: 0 };
    let mut fold = Fold::of(plan, as_created(plan, state), facts);
    fold.watch = Some(Box::new(Watch::of(target)));
    fold.before = 0;
    fold.go_on();
    let mut replay = Replay {
        state,
        recall,
        events: BTreeMap::new(),
        count: 0,
    };
    for _ in 0..TASKS_RECALLED {
        replay.answer(&mut fold)?;
        if fold.state.status.is_terminal() || !replay.next(&mut fold) {
            break;
        }
    }
    Ok(fold.watch.take().map(|watch| *watch).unwrap_or_default())
}

/// The workflow as it was before its first step.
fn as_created(plan: &Plan, state: &WorkflowInstance) -> WorkflowInstance {
    WorkflowInstance {
        status: WorkflowStatus::Running,
        output: None,
        error: None,
        variables: plan.workflow.definition.variables.clone(),
        course: Course::default(),
        run: 0,
        end_time: None,
        deadline_at: None,
        ..state.clone()
    }
}

struct Replay<'r> {
    state: &'r WorkflowInstance,
    recall: &'r Recall,
    /// What is still to happen, in order of time.
    events: BTreeMap<(Timestamp, u32), Event>,
    count: u32,
}

impl Replay<'_> {
    fn happens(&mut self, at: Timestamp, event: Event) {
        self.count += 1;
        self.events.insert((at, self.count), event);
    }

    /// Answers what was asked for by what came of it then.
    fn answer(&mut self, fold: &mut Fold<'_>) -> Result<(), Short> {
        let now = fold.facts.now;
        while let Some(Need::Results(ids)) = fold.need().cloned() {
            let results = self.recall.results(&ids)?;
            fold.supply(Supply::Results(results));
        }
        for effect in std::mem::take(&mut fold.effects) {
            match effect {
                Effect::CreateTask(task) => self.answer_task(fold, &task),
                Effect::StartChild(child) => {
                    if let Some((_, end)) = self.recall.child(self.state, &child.parent.path)? {
                        let end = ChildEnd {
                            id: child.id,
                            ..end
                        };
                        self.happens(now, Event::ChildEnded(Box::new(end)));
                    }
                }
                Effect::StartBatch(batch) => self.happens(now, over(&batch)),
                Effect::Wake(at) => self.happens(at, Event::Look),
                Effect::RefuseChild { .. }
                | Effect::CancelTask(_)
                | Effect::Ask(..)
                | Effect::TellParent(_)
                | Effect::Undo(_) => {}
            }
        }
        Ok(())
    }

    fn answer_task(&mut self, fold: &mut Fold<'_>, task: &TaskInstance) {
        let Some(path) = task.context.task_path.as_deref() else {
            return;
        };
        let Some(last) = self.recall.past.last(path) else {
            return;
        };
        if let Some(first) = self.recall.first(path) {
            fold.state.variables = JsonObject::clone(&first.variables);
        }
        if !task.status.is_terminal() && last.end.status.is_terminal() {
            let end = TaskEnd {
                task_id: task.id,
                ..last.end.clone()
            };
            let at = last.end_time.unwrap_or(fold.facts.now);
            self.happens(at, Event::TaskEnded(Box::new(end)));
        }
    }

    /// Lets the next thing happen. Whether there was one.
    fn next(&mut self, fold: &mut Fold<'_>) -> bool {
        fold.before += 1;
        let waiting = awaited_signals(fold);
        if !waiting.is_empty() {
            for path in waiting {
                // What it said is in the variables of the tasks after it.
                let data = &Value::Null;
                fold.hear(&News::Signal { path: &path, data });
            }
            return true;
        }
        let Some(((at, _), event)) = self.events.pop_first() else {
            return false;
        };
        fold.facts.now = fold.facts.now.max(at);
        fold.apply(&event);
        true
    }
}

/// The paths of the steps that wait for signals.
fn awaited_signals(fold: &mut Fold<'_>) -> Vec<String> {
    let mut waiting = Vec::new();
    fold.each_active(&mut |_, step, active, place| {
        if matches!(active.state, State::Signal { .. }) {
            waiting.push(place.path_of(&step.name));
        }
    });
    waiting
}

/// The end of a batch.
fn over(batch: &WorkflowInstance) -> Event {
    let report = BatchReport {
        run: batch.run,
        freed: 0,
        failed: 0,
        error: None,
        waiters: Vec::new(),
        answers: BTreeMap::new(),
        over: Some(BatchEnd {
            metrics: WorkflowMetrics::default(),
            last: None,
            is_settled: true,
            termination: None,
        }),
    };
    Event::BatchTold {
        id: batch.id,
        report: Box::new(report),
    }
}
