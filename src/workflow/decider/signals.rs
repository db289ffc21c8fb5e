//! Signals: who has one. It goes to the step that has waited longest for its name, in whatever
//! record that step is; one that nobody waits for is kept.
//!
//! The workflow keeps the signals and gives them away. A batch tells the record around it which
//! of its steps wait longest, so that each record knows of one step of a name in each batch, and
//! the workflow of the one among all. A signal for a step of a batch is *handed out*: the
//! workflow keeps it, and asks that batch, until the batch has answered whether the step took it.
//! One that the step did not take goes to the next. Of a name one signal is handed out at a time,
//! or a step could be passed over of which nobody knows yet.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::again::split_index;
use super::operations::Refused;
use super::{Effect, Event, Fold, News};
use crate::codes::refusal;
use crate::ids::WorkflowId;
use crate::limits::SIGNALS_KEPT;
use crate::task::output::check_size;
use crate::time::Timestamp;
use crate::workflow::compiled::CompiledKind;
use crate::workflow::frontier::{Root, State};
use crate::workflow::instance::WorkflowStatus;
use crate::workflow::parent::BatchReport;
use crate::workflow::signal::{Answer, Handed, Handout, Signal, Waiter};

/// A step that waits, and the version of this record that it waits since.
type Waiting = (u64, Waiter);

impl Fold<'_> {
    /// Takes a signal in; it is handed out when the event is taken.
    pub(super) fn signal(&mut self, name: &str, data: &Value) -> Result<(), Refused> {
        check_size(data, self.facts.now).map_err(|error| Refused {
            code: refusal::INVALID_INPUT,
            message: error.message,
        })?;
        let is_kept =
            self.is_paused() || self.is_handed_out(name) || self.longest_waiting(name).is_none();
        if is_kept {
            self.check_room(name, data)?;
        }
        self.state.course.signals.push(Signal {
            name: name.to_owned(),
            data: data.clone(),
            at: self.facts.now,
        });
        Ok(())
    }

    /// Refuses a signal that would have to be kept with too many others.
    fn check_room(&self, name: &str, data: &Value) -> Result<(), Refused> {
        if self.state.course.signals.len() < SIGNALS_KEPT {
            return self.check_kept(name, data);
        }
        Err(Refused {
            code: refusal::ILLEGAL_STATE,
            message: format!("{SIGNALS_KEPT} signals wait already"),
        })
    }

    fn is_paused(&self) -> bool {
        self.state.status == WorkflowStatus::Paused
    }

    /// A signal that came before a step that begins now, unless others have waited for it.
    pub(super) fn early_signal(&mut self, name: &str) -> Option<Signal> {
        if self.is_handed_out(name) {
            return None;
        }
        let early = &mut self.state.course.signals;
        let at = early.iter().position(|early| early.name == name)?;
        Some(early.remove(at))
    }

    fn is_handed_out(&self, name: &str) -> bool {
        let mut handouts = self.state.course.handouts.iter();
        handouts.any(|handout| handout.to.name == name)
    }

    /// Gives the signals that are kept to the steps that have waited longest for them.
    pub(super) fn hand_out(&mut self) {
        if self.state.status != WorkflowStatus::Running {
            return;
        }
        self.forget_answered();
        let mut at = 0;
        let mut unwanted = BTreeSet::new();
        while let Some(signal) = self.state.course.signals.get(at).cloned() {
            let is_unwanted = unwanted.contains(&signal.name);
            match self.longest_waiting(&signal.name).filter(|_| !is_unwanted) {
                Some(waiter) if waiter.record == self.state.id => {
                    self.state.course.signals.remove(at);
                    let (path, data) = (&waiter.path, &signal.data);
                    self.hear(&News::Signal { path, data });
                }
                Some(waiter) => self.hand(waiter),
                None => {
                    unwanted.insert(signal.name);
                    at += 1;
                }
            }
        }
    }

    fn hand(&mut self, to: Waiter) {
        let handout = Handout {
            number: self.since(),
            to,
            answered: false,
        };
        self.effects.extend(self.handing(&handout));
        self.state.course.handouts.push(handout);
        self.changed = true;
    }

    /// What asks a batch to give a signal to its step, as long as it has not answered.
    pub(super) fn handing(&self, handout: &Handout) -> Option<Effect> {
        let mut signals = self.state.course.signals.iter();
        let signal = signals.find(|signal| signal.name == handout.to.name)?;
        let handed = Handed {
            run: self.state.run,
            number: handout.number,
            to: handout.to.clone(),
            data: signal.data.clone(),
        };
        let event = Box::new(Event::Handed(Box::new(handed)));
        (!handout.answered).then_some(Effect::Ask(handout.to.record, event))
    }

    /// Takes the answers of a batch to what was handed to it. One to something else is old.
    pub(super) fn hear_answers(&mut self, id: WorkflowId, report: &BatchReport) {
        let mut handouts = std::mem::take(&mut self.state.course.handouts);
        for handout in &mut handouts {
            let answer = report.answers.get(&handout.to.name);
            let is_answer = |answer: &&Answer| answer.number == handout.number;
            let Some(answer) = answer.filter(is_answer).filter(|_| handout.to.record == id) else {
                continue;
            };
            if handout.answered {
                continue;
            }
            handout.answered = true;
            self.changed = true;
            let signals = &mut self.state.course.signals;
            let first = signals.iter().position(|one| one.name == handout.to.name);
            if let Some(first) = first.filter(|_| answer.taken) {
                signals.remove(first);
            }
        }
        self.state.course.handouts = handouts;
    }

    /// Forgets what was answered, as soon as nobody takes the step for one that still waits: who
    /// waits longest is known then.
    fn forget_answered(&mut self) {
        if !self.state.course.handouts.iter().any(|one| one.answered) {
            return;
        }
        let known: Vec<Waiter> = self
            .waiting(|_| true)
            .into_iter()
            .map(|one| one.1)
            .collect();
        let handouts = &mut self.state.course.handouts;
        let before = handouts.len();
        handouts.retain(|one| !one.answered || known.contains(&one.to));
        self.changed |= handouts.len() != before;
    }

    /// The step that has waited longest for a signal; of those that began to wait at once, the
    /// first by path. None as long as another signal of the name is handed out.
    fn longest_waiting(&mut self, name: &str) -> Option<Waiter> {
        if self.is_handed_out(name) {
            return None;
        }
        let name = name.to_owned();
        longest(self.waiting(move |other| other == name), self.state.id)
    }

    /// Of each signal that is waited for, the step that has waited longest.
    pub(super) fn longest_of_each(&mut self) -> Vec<Waiter> {
        let mut by_name: BTreeMap<String, Vec<Waiting>> = BTreeMap::new();
        for waiting in self.waiting(|_| true) {
            let of_name = by_name.entry(waiting.1.name.clone()).or_default();
            of_name.push(waiting);
        }
        let id = self.state.id;
        by_name
            .into_values()
            .filter_map(|all| longest(all, id))
            .collect()
    }

    /// The steps that wait for signals of some names: those of this record, and those that it
    /// knows of in its batches.
    fn waiting(&mut self, is_meant: impl Fn(&str) -> bool) -> Vec<Waiting> {
        let mut waiting = Vec::new();
        let record = self.state.id;
        self.each_active(
            &mut |_, step, active, place| match (&active.state, &step.kind) {
                (State::Signal { since, .. }, CompiledKind::Signal(signal))
                    if is_meant(&signal.signal) =>
                {
                    let waiter = Waiter {
                        name: signal.signal.clone(),
                        since: *since,
                        path: place.path_of(&step.name),
                        generation: active.generation,
                        record,
                    };
                    waiting.push((active.since, waiter));
                }
                (State::Map(map), _) => {
                    let known = map.running.iter().flat_map(|batch| &batch.waiters);
                    let known = known.filter(|waiter| is_meant(&waiter.name));
                    waiting.extend(known.map(|waiter| (0, waiter.clone())));
                }
                _ => {}
            },
        );
        waiting
    }

    /// Gives a signal to the step that it was handed to, if that waits for it still. What becomes
    /// of it is remembered, so that it is told again and not done again. During a pause nothing
    /// does: the workflow asks again.
    pub(super) fn take_handed(&mut self, handed: &Handed) {
        let name = &handed.to.name;
        let answer = self.state.course.answers.get(name);
        let is_old = answer.is_some_and(|answer| answer.number >= handed.number);
        let is_batch = matches!(self.state.course.root, Root::Iterations(_));
        if is_old || !is_batch || handed.run != self.state.run || self.is_paused() {
            return;
        }
        let waiting = self.waiting(|other| other == name);
        let taken = waiting.into_iter().any(|(_, waiter)| waiter == handed.to);
        if taken {
            let (path, data) = (&handed.to.path, &handed.data);
            self.hear(&News::Signal { path, data });
        }
        let number = handed.number;
        let answers = &mut self.state.course.answers;
        answers.insert(name.clone(), Answer { number, taken });
        self.changed = true;
    }
}

/// The one that has waited longest: of the steps of one record, also by its version.
fn longest(waiting: Vec<Waiting>, record: WorkflowId) -> Option<Waiter> {
    let (own, known): (Vec<Waiting>, Vec<Waiting>) = waiting
        .into_iter()
        .partition(|(_, one)| one.record == record);
    let own = own.into_iter().min_by(|(version, one), (others, other)| {
        let by_version = (one.since, version).cmp(&(other.since, others));
        by_version.then_with(|| rank(one).cmp(&rank(other)))
    });
    let all = own.into_iter().chain(known).map(|(_, waiter)| waiter);
    all.min_by(|one, other| rank(one).cmp(&rank(other)))
}

/// Who waits longer is before; of two that began to wait at once, the first by path.
fn rank(waiter: &Waiter) -> (Timestamp, Vec<(&str, Option<u32>)>) {
    (waiter.since, in_order(&waiter.path))
}

/// A path as it is put in order: by its names, and by its indexes as numbers.
pub(super) fn in_order(path: &str) -> Vec<(&str, Option<u32>)> {
    path.split('/').map(split_index).collect()
}
