//! Undoing: what completed is undone after the end of a workflow, the last first.
//!
//! What a record completed makes a chain, from the last step to the first; the record knows the
//! first link, the rest stands beside it. A batch has a chain of its own. When batches leave the
//! frontier, over or given up, the chain of the record around them gets a link that names them: so
//! no record grows with what its batches did. To undo, a workflow goes along its own chain and,
//! when it comes to such a link, along those of the batches, whichever has the latest step; it
//! looks at the chains of those batches alone that ran at that time. The records of the batches
//! do not change by that.

use std::collections::BTreeMap;

use super::again::without_indexes;
use super::signals::in_order;
use super::{Effect, Fold, Need, News};
use crate::ids::WorkflowId;
use crate::task::creation::{self, NewTask};
use crate::task::due;
use crate::task::instance::{TaskInstance, TaskStatus};
use crate::task::timeouts::StepTimeouts;
use crate::time::Timestamp;
use crate::workflow::frontier::{Closing, Stack, Undoing};
use crate::workflow::parent::{Batches, Compensable, Undoable};

/// A chain whose first link is looked at.
#[derive(Debug, Clone, Copy)]
enum Chain {
    /// The workflow's own.
    Own,
    /// That of a batch, by its place among the stacks.
    Of(usize),
}

impl Fold<'_> {
    /// Keeps what undoes something that is over, as the first link of this record's chain.
    pub(super) fn keep(&mut self, undoable: Undoable) {
        let name = undoable.name();
        self.state.course.compensations = Some(name.clone());
        self.compensables.insert(name, undoable);
        self.changed = true;
    }

    /// Keeps that these batches left the frontier; `last` is what the only one of them did last,
    /// when that is known.
    pub(super) fn keep_batches(&mut self, batches: Vec<WorkflowId>, last: Option<String>) {
        self.keep(Undoable::Batches(Batches {
            batches,
            last,
            at: self.facts.now,
            run: self.state.run,
            previous: self.state.course.compensations.clone(),
        }));
    }

    /// Undoes what is next; when nothing is left, the error handlers run.
    pub(super) fn undo_next(&mut self) {
        self.state.course.closing = Some(Closing::Compensating(None));
        loop {
            let (chain, undoable) = match self.last_completed() {
                Ok(Some(found)) => found,
                Ok(None) => {
                    self.changed = true;
                    self.state.course.closing = None;
                    return self.handle_end();
                }
                Err(need) => {
                    self.need = Some(need);
                    return;
                }
            };
            let is_under_way = match undoable {
                Undoable::Step(step) => self.compensate(chain, &step),
                Undoable::Batches(batches) => self.open(chain, &batches),
            };
            if is_under_way {
                return;
            }
        }
    }

    /// What is to be undone next, and whose it is.
    fn last_completed(&mut self) -> Result<Option<(Chain, Undoable)>, Need> {
        self.learn_tops()?;
        let own = match self.state.course.compensations.clone() {
            Some(name) => Some(self.link(self.state.id, &name)?),
            None => None,
        };
        let stacks = &self.state.course.stacks;
        let latest = (0..stacks.len()).max_by(|one, other| {
            let [one, other] = [one, other].map(|at| stacks[*at].top.as_ref());
            one.map(rank).cmp(&other.map(rank))
        });
        let Some(at) = latest else {
            return Ok(own.map(|own| (Chain::Own, own)));
        };
        let stack = &stacks[at];
        if let Some(own) = own {
            let top = (own.at(), own.path().to_owned());
            if Some(rank(&top)) >= stack.top.as_ref().map(rank) {
                return Ok(Some((Chain::Own, own)));
            }
        }
        let undoable = self.link(stack.batch, &stack.next)?;
        Ok(Some((Chain::Of(at), undoable)))
    }

    /// Learns what each batch did last of what is to be undone. What it did in another run is the
    /// matter of another link.
    fn learn_tops(&mut self) -> Result<(), Need> {
        let mut at = 0;
        while let Some(stack) = self.state.course.stacks.get(at).cloned() {
            if stack.top.is_some() {
                at += 1;
                continue;
            }
            let undoable = self.link(stack.batch, &stack.next)?;
            self.changed = true;
            if undoable.run() == stack.run {
                let top = (undoable.at(), undoable.path().to_owned());
                self.state.course.stacks[at].top = Some(top);
                at += 1;
            } else if undoable.run() > stack.run {
                self.pop(Chain::Of(at), &undoable);
            } else {
                self.state.course.stacks.remove(at);
            }
        }
        Ok(())
    }

    /// A link of a chain.
    fn link(&self, of: WorkflowId, name: &str) -> Result<Undoable, Need> {
        let known = self.compensables.get(name).or_else(|| self.links.get(name));
        known.cloned().ok_or_else(|| Need::Undoable {
            of,
            name: name.to_owned(),
        })
    }

    /// Takes in a link that was needed.
    pub(super) fn learn_link(&mut self, name: String, undoable: Undoable) {
        self.links.insert(name, undoable);
        self.undo_next();
    }

    /// Takes the first link off a chain.
    fn pop(&mut self, chain: Chain, undoable: &Undoable) {
        self.changed = true;
        let previous = undoable.previous().map(str::to_owned);
        let course = &mut self.state.course;
        match (chain, previous) {
            (Chain::Own, previous) => course.compensations = previous,
            (Chain::Of(at), Some(next)) => {
                let stack = &mut course.stacks[at];
                (stack.next, stack.top) = (next, None);
            }
            (Chain::Of(at), None) => {
                course.stacks.remove(at);
            }
        }
    }

    /// Looks into the chains of batches; whether their records must be read first.
    fn open(&mut self, chain: Chain, batches: &Batches) -> bool {
        let of = match chain {
            Chain::Own => self.state.id,
            Chain::Of(at) => self.state.course.stacks[at].batch,
        };
        let Some(last) = &batches.last else {
            self.need = Some(Need::Chains {
                of,
                link: Undoable::Batches(batches.clone()).name(),
                batches: batches.batches.clone(),
            });
            return true;
        };
        self.pop(chain, &Undoable::Batches(batches.clone()));
        for batch in &batches.batches {
            self.push_stack(*batch, batches.run, last.clone());
        }
        false
    }

    fn push_stack(&mut self, batch: WorkflowId, run: u32, next: String) {
        self.state.course.stacks.push(Stack {
            batch,
            run,
            next,
            top: None,
        });
    }

    /// Takes in where the chains of batches begin. When a batch is not over yet, what it did last
    /// is not known: whoever looks next asks again.
    pub(super) fn learn_chains(
        &mut self,
        of: WorkflowId,
        link: &str,
        chains: Option<BTreeMap<WorkflowId, String>>,
    ) {
        let course = &self.state.course;
        let is_own = of == self.state.id && course.compensations.as_deref() == Some(link);
        let is_its = |stack: &Stack| stack.batch == of && stack.next == link;
        let chain = match is_own {
            true => Some(Chain::Own),
            false => course.stacks.iter().position(is_its).map(Chain::Of),
        };
        let (Some(chain), Some(chains), Ok(undoable)) = (chain, chains, self.link(of, link)) else {
            return;
        };
        self.pop(chain, &undoable);
        for (batch, next) in chains {
            self.push_stack(batch, undoable.run(), next);
        }
        self.undo_next();
    }

    /// Begins the compensation of a step. Whether it is under way.
    fn compensate(&mut self, chain: Chain, step: &Compensable) -> bool {
        let course = &self.state.course;
        let (of, name) = match chain {
            Chain::Own => (None, course.compensations.clone()),
            Chain::Of(at) => {
                let stack = &course.stacks[at];
                (Some(stack.batch), Some(stack.next.clone()))
            }
        };
        self.pop(chain, &Undoable::Step(step.clone()));
        let mut undoing = Undoing {
            path: format!("{}/compensation", step.path),
            generation: self.fresh_generation(),
            since: self.since(),
            // Its content may have been written by a version that says more in it.
            name: name.unwrap_or_else(|| Undoable::Step(step.clone()).name()),
            of,
            wake_at: None,
        };
        match self.undoing_task(step, &undoing) {
            None => false,
            Some(task) if task.status.is_terminal() => {
                self.count_task(task.metrics);
                self.effects.push(Effect::CreateTask(Box::new(task)));
                false
            }
            Some(task) => {
                undoing.wake_at = due::wake_at(&task, self.facts.now);
                self.effects.push(Effect::CreateTask(Box::new(task)));
                self.state.course.closing = Some(Closing::Compensating(Some(undoing)));
                true
            }
        }
    }

    /// The task of a compensation; one that is refused is the record of that.
    pub(super) fn undoing_task(
        &self,
        compensable: &Compensable,
        undoing: &Undoing,
    ) -> Option<TaskInstance> {
        let task = self.plan.tasks.get(&compensable.pin)?;
        let id = self.state.task_id(&undoing.path, undoing.generation);
        let mut new = self.plain_task(id, &undoing.path, compensable.input.clone());
        new.overrides
            .retry_policy
            .clone_from(&compensable.retry_policy);
        new.overrides.timeouts = StepTimeouts {
            timeout: compensable.timeout,
            timeouts: None,
        };
        let (now, retention) = (self.facts.now, self.facts.retention);
        Some(match creation::create(task, NewTask::clone(&new), now) {
            Ok(task) => task,
            Err(error) => creation::refused(task, new, *error, now, retention),
        })
    }

    /// Tells an event to the undoing that is under way, or that waits for batches to be over.
    pub(super) fn hear_undoing(&mut self, running: Option<Undoing>, news: &News<'_>) {
        let Some(undoing) = running else {
            if matches!(news, News::Look | News::BatchTold { .. }) {
                self.undo_if_all_ended();
            }
            return;
        };
        let id = self.state.task_id(&undoing.path, undoing.generation);
        match news {
            News::TaskEnded(end) if end.task_id == id && end.status.is_terminal() => {
                self.count_task(end.metrics);
                self.changed = true;
                if end.status == TaskStatus::Completed {
                    self.note_undone(&undoing);
                }
                self.undo_next();
            }
            News::TaskWaits { task_id, wake_at }
                if *task_id == id && undoing.wake_at != Some(*wake_at) =>
            {
                self.changed = true;
                self.state.course.closing = Some(Closing::Compensating(Some(Undoing {
                    wake_at: Some(*wake_at),
                    ..undoing
                })));
            }
            _ => {}
        }
    }

    fn note_undone(&mut self, undoing: &Undoing) {
        let path = undoing.path.trim_end_matches("/compensation");
        let path = without_indexes(path);
        let undone = &mut self.state.course.undone;
        if !undone.contains(&path) {
            undone.push(path);
        }
    }
}

/// What completed later is undone before; of what completed at once, the last by path. Batches,
/// which have no path, may hold what was done at that very time, and are looked into before.
fn rank(top: &(Timestamp, String)) -> (Timestamp, bool, Vec<(&str, Option<u32>)>) {
    let (at, path) = top;
    (*at, path.is_empty(), in_order(path))
}
