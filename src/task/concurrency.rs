//! How many tasks of a definition run at once: who has a place, who waits in line for one, and who
//! is next.
//!
//! A definition's `concurrency.limit` holds for all tasks of its tenant and id, whatever their
//! version; a task begins while fewer of them run than its own version allows. An attempt asks for
//! a place before it begins, holds it until it is over, and a task that waits for its retry holds
//! none. A place is leased like the attempt itself, so that none is lost with a worker. Whoever
//! gives a place back gives it to the first in line with the same write: nobody overtakes, and
//! nobody has to ask again.
//!
//! | what is asked | what it does to places | what is answered |
//! |---|---|---|
//! | an attempt begins; it has no place | takes one, if those before it in line have theirs | began, or waits |
//! | it was called to a place | the place is taken | began |
//! | its place is taken | nothing: it is under way elsewhere, or its worker is dead | held |
//! | its place is taken, and workers poll for it | it is leased anew: the record says who has it | began |
//! | an attempt is over | gives its place back, if it is the very attempt that took it | done |
//! | an attempt will not begin | gives its place back, unless somebody began it | done |
//! | an attempt was lost, or its worker has told its end | gives its place back | done |
//! | its worker is to stop it | is kept no longer than the worker may be silent | done |
//! | the process ended that ran all of them | gives all taken places back, but those of workers that poll | done |
//! | a look | nothing | done |
//!
//! Whatever is asked, the longest waiting are then called to the places that are free. A call is
//! made by a message, which may be lost: one that nobody followed is made again, and its place is
//! free again after [`CALL`]. Storing the line, and making the calls, is the business of
//! `functions/app`; that one write wins over another, of the store.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ExecutionId, TaskId};
use crate::limits;
use crate::task::due::LEASE_GRACE;
use crate::task::instance::{TaskInstance, TaskPriority, TaskStatus};
use crate::task::lifecycle::Event;
use crate::time::Timestamp;

/// Milliseconds for which a place is kept for a task that was called to it. The message that calls
/// it may stand in a long queue; one that comes later asks again, from where it stood in line.
pub const CALL: u64 = 300_000;
/// Milliseconds after which a call that was not followed may have been lost: shorter than it takes
/// until the message is delivered again whose handler died over it.
const CALL_AGAIN: u64 = 3_000;
/// Bytes of a path that order those who began to wait in the same millisecond: it is part of a key.
const ORDER_BYTES: usize = 512;

/// How many tasks of a definition run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Concurrency {
    /// Attempts of the tasks of a tenant and this id, all versions together, that run at once;
    /// the others wait, and the longest waiting is the next.
    #[schemars(range(min = 1, max = limits::CONCURRENCY))]
    pub limit: u32,
}

/// The line of a definition: who has a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// Counts changes; 0 is a line that was never stored.
    pub version: u64,
    /// The places that are called to or taken.
    pub places: Vec<Place>,
}

/// A place that an attempt has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The attempt.
    pub execution_id: ExecutionId,
    /// When it began; none while it is called and did not come yet.
    pub began_at: Option<Timestamp>,
    /// When the place is free again, whatever became of the attempt.
    pub until: Timestamp,
    /// Whether a worker that polls has it, which lives on when a process of ours ends.
    pub polled: bool,
}

/// A task that waits for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiter {
    /// Its place in line, as a text: since when it waits, then its path.
    pub order: String,
    /// The task.
    pub task_id: TaskId,
    /// The attempt that waits.
    pub attempt: u32,
    /// Which queue calls it.
    pub priority: TaskPriority,
    /// The limit of its version of the definition.
    pub limit: u32,
}

impl Waiter {
    /// A task as one that waits: from its creation, or from when its retry was due. None where its
    /// definition has no limit.
    #[must_use]
    pub fn of(task: &TaskInstance) -> Option<Self> {
        let limit = task.concurrency_limit?;
        let since = task.next_retry_at.unwrap_or(task.created_at).millis();
        let path = task.context.task_path.as_deref().unwrap_or_default();
        let execution_id = task.execution_id();
        Some(Self {
            order: format!("{since:015}#{}#{execution_id}", by_number(path)),
            task_id: task.id,
            attempt: task.attempt(),
            priority: task.priority,
            limit,
        })
    }

    /// The attempt that waits.
    #[must_use]
    pub fn execution_id(&self) -> ExecutionId {
        ExecutionId::of_attempt(self.task_id, self.attempt)
    }
}

/// A path as a text that sorts the tenth iteration behind the ninth.
fn by_number(path: &str) -> String {
    let digits = limits::MAP_ITERATIONS.to_string().len();
    let mut text = String::new();
    let mut rest = path;
    while !rest.is_empty() {
        let is_number = rest.starts_with(|c: char| c.is_ascii_digit());
        let differs = |c: char| c.is_ascii_digit() != is_number;
        let (run, behind) = rest.split_at(rest.find(differs).unwrap_or(rest.len()));
        if is_number {
            text.push_str(&"0".repeat(digits.saturating_sub(run.len())));
        }
        text.push_str(run);
        rest = behind;
    }
    text.truncate(text.floor_char_boundary(ORDER_BYTES));
    text
}

/// What there is to see of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Who has a place.
    pub line: Line,
    /// The first of those who wait, in order.
    pub waiting: Vec<Waiter>,
    /// Whether others may wait behind them.
    pub more: bool,
}

/// What is asked of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// An attempt is to begin now.
    Begin(Box<Beginner>),
    /// An attempt is over that began at this time.
    Over {
        /// The attempt.
        execution_id: ExecutionId,
        /// When it began.
        began_at: Timestamp,
    },
    /// An attempt will not begin, if it did not.
    Leave {
        /// The attempt.
        execution_id: ExecutionId,
        /// How it waits, where that is known.
        waiter: Option<Waiter>,
    },
    /// An attempt is over, whenever it began: it was lost with its worker, or the worker that
    /// polled for it has told its end.
    Lost(ExecutionId),
    /// The worker that polled for an attempt is to stop it, and may not know before this time.
    Stopping {
        /// The attempt.
        execution_id: ExecutionId,
        /// The time.
        until: Timestamp,
    },
    /// The one process ended that ran all that began.
    Restarted,
    /// Whether somebody is to be called.
    Look,
}

/// An attempt that is to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginner {
    waiter: Waiter,
    /// The end of its lease, should it begin now.
    until: Timestamp,
    /// Whether workers poll for it.
    polled: bool,
}

impl Beginner {
    /// The next attempt of a task, which is to begin at `now`. None where its definition has no
    /// limit.
    #[must_use]
    pub fn of(task: &TaskInstance, now: Timestamp) -> Option<Self> {
        let deadline = task.timeouts.deadline(task.created_at, now);
        let end = deadline.map_or(now.plus_millis(limits::TIMER_MILLIS), |deadline| {
            deadline.at
        });
        Some(Self {
            waiter: Waiter::of(task)?,
            until: end.plus_millis(LEASE_GRACE),
            polled: task.polled.is_some(),
        })
    }

    /// How it waits, should it have to.
    #[must_use]
    pub const fn waiter(&self) -> &Waiter {
        &self.waiter
    }
}

/// What is done about what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The line after it; none when it stays as it is. It is written before all else.
    pub line: Option<Line>,
    /// Who is called to a place, and then stands in line no more.
    pub called: Vec<Waiter>,
    /// Who stands in line in vain.
    pub gone: Vec<Waiter>,
    /// What whoever asked is told.
    pub answer: Answer,
    /// Whether somebody may wait for a place that is free, and was not seen.
    pub again: bool,
}

/// What whoever asked is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The attempt has a place, which nobody else has, and begins.
    Began,
    /// The attempt has a place already, until this time: it may be under way.
    Held(Timestamp),
    /// The attempt has to wait in line.
    Waits,
    /// It is done.
    Done,
}

/// What an event says of the place of a task's attempt, once it is written: none where the attempt
/// itself tells when it is over. A cancelled one that began keeps its place until its worker has
/// stopped it.
#[must_use]
pub fn after(before: &TaskInstance, after: &TaskInstance, event: &Event) -> Option<Ask> {
    before.concurrency_limit?;
    if let Some(ask) = of_lease(before, after, event) {
        return Some(ask);
    }
    let execution_id = before.execution_id();
    let is_over = after.status.is_terminal() || after.execution_id() != execution_id;
    let waiter = || match before.status {
        TaskStatus::Pending | TaskStatus::RetryPending => Waiter::of(before),
        TaskStatus::Assigned
        | TaskStatus::Running
        | TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut => None,
    };
    // Of an attempt that another system has nobody but the record tells that it is over.
    let elsewhere = before.elsewhere_since.map(|began_at| Ask::Over {
        execution_id,
        began_at,
    });
    match event {
        Event::Start(_) | Event::Report(_) | Event::Act(_) | Event::Said(_) => None,
        Event::Look | Event::Cancel { .. } | Event::TokenClosed if elsewhere.is_some() => {
            elsewhere.filter(|_| is_over)
        }
        Event::Lost { execution_id } => Some(Ask::Lost(*execution_id)),
        Event::Cancel { .. } | Event::TokenClosed if before.status == TaskStatus::Running => None,
        Event::TokenClosed if before.status.is_terminal() => None,
        Event::Look | Event::Cancel { .. } | Event::TokenClosed => is_over.then(|| Ask::Leave {
            execution_id,
            waiter: waiter(),
        }),
    }
}

/// The same of the attempt of a worker that polls. What it said once may be said again, because the
/// line did not hear of it.
fn of_lease(before: &TaskInstance, after: &TaskInstance, event: &Event) -> Option<Ask> {
    let execution_id = before.execution_id();
    match (event, before.leased_deadline()) {
        (Event::Said(said), _) if after.lease().is_none() => Some(Ask::Lost(said.execution_id)),
        (Event::Look, Some(_)) if after.lease().is_none() => Some(Ask::Lost(execution_id)),
        (Event::Cancel { .. } | Event::TokenClosed, Some(deadline)) => Some(Ask::Stopping {
            execution_id,
            until: deadline.at,
        }),
        _ => None,
    }
}

/// Decides what is done about what is asked of a line.
#[must_use]
pub fn turn(seen: &Seen, ask: &Ask, now: Timestamp) -> Turn {
    let is_leased = |place: &&Place| place.until > now;
    let leased: Vec<Place> = seen.line.places.iter().filter(is_leased).copied().collect();
    let mut state = Serving {
        places: leased.clone(),
        queue: seen.waiting.clone(),
        is_new: false,
        called: Vec::new(),
        gone: Vec::new(),
        now,
    };
    let answer = state.take(ask, seen.more);
    let (began, blocked) = state.serve(ask);
    let changed = state.places != leased;
    let fewer = changed && state.places.len() < seen.line.places.len();
    let shorter = !state.called.is_empty() || !state.gone.is_empty();
    Turn {
        answer: if began { Answer::Began } else { answer },
        again: !blocked && (fewer || seen.more && shorter),
        line: changed.then(|| Line {
            version: seen.line.version + 1,
            places: state.places,
        }),
        called: state.called,
        gone: state.gone,
    }
}

/// A turn under way.
struct Serving {
    places: Vec<Place>,
    queue: Vec<Waiter>,
    /// Whether who asks to begin is in the queue and does not stand in line.
    is_new: bool,
    called: Vec<Waiter>,
    gone: Vec<Waiter>,
    now: Timestamp,
}

impl Serving {
    fn place_of(&mut self, execution_id: ExecutionId) -> Option<&mut Place> {
        let mut places = self.places.iter_mut();
        places.find(|place| place.execution_id == execution_id)
    }

    /// Does what is asked, before anybody is called. Who asks to begin and has no place yet stands
    /// in line after this.
    fn take(&mut self, ask: &Ask, more: bool) -> Answer {
        let now = self.now;
        match ask {
            Ask::Begin(beginner) => match self.place_of(beginner.waiter.execution_id()) {
                Some(Place {
                    began_at: Some(_),
                    until,
                    ..
                }) if !beginner.polled => return Answer::Held(*until),
                Some(place) => {
                    place.began_at = Some(now);
                    place.until = beginner.until;
                    place.polled = beginner.polled;
                    return Answer::Began;
                }
                None => {
                    self.line_up(&beginner.waiter, more);
                    return Answer::Waits;
                }
            },
            Ask::Over {
                execution_id,
                began_at,
            } => self.places.retain(|place| {
                place.execution_id != *execution_id || place.began_at != Some(*began_at)
            }),
            Ask::Leave {
                execution_id,
                waiter,
            } => {
                let is_called = |place: &Place| place.began_at.is_none();
                self.places
                    .retain(|place| place.execution_id != *execution_id || !is_called(place));
                let leaves = |waiter: &Waiter| waiter.execution_id() == *execution_id;
                let found = self.queue.iter().find(|waiter| leaves(waiter)).cloned();
                self.gone.extend(found.or_else(|| waiter.clone()));
                self.queue.retain(|waiter| !leaves(waiter));
            }
            Ask::Lost(lost) => self.places.retain(|place| place.execution_id != *lost),
            Ask::Stopping {
                execution_id,
                until,
            } => {
                if let Some(place) = self.place_of(*execution_id) {
                    place.until = place.until.min(*until);
                }
            }
            Ask::Restarted => self
                .places
                .retain(|place| place.began_at.is_none() || place.polled),
            Ask::Look => {}
        }
        Answer::Done
    }

    /// Puts somebody where they stand in line; nowhere, where those may stand before them who were
    /// not seen.
    fn line_up(&mut self, waiter: &Waiter, more: bool) {
        match self.queue.binary_search_by(|w| w.order.cmp(&waiter.order)) {
            Ok(_) => {}
            Err(at) if at == self.queue.len() && more => {}
            Err(at) => {
                self.queue.insert(at, waiter.clone());
                self.is_new = true;
            }
        }
    }

    /// Calls the longest waiting to the places that are free. Says whether whoever asks to begin
    /// is among them, and whether somebody still waits for a place.
    fn serve(&mut self, ask: &Ask) -> (bool, bool) {
        let beginner = match ask {
            Ask::Begin(beginner) => Some(&**beginner),
            Ask::Over { .. }
            | Ask::Leave { .. }
            | Ask::Lost(_)
            | Ask::Stopping { .. }
            | Ask::Restarted
            | Ask::Look => None,
        };
        let (mut began, mut blocked) = (false, false);
        for waiter in std::mem::take(&mut self.queue) {
            let execution_id = waiter.execution_id();
            let asks = beginner.filter(|one| one.waiter.execution_id() == execution_id);
            if let Some(place) = self.place_of(execution_id).copied() {
                self.settle(waiter, &place);
            } else if blocked || !self.is_free(waiter.limit) {
                blocked = true;
            } else if let Some(beginner) = asks {
                began = true;
                self.places.push(Place {
                    execution_id,
                    began_at: Some(self.now),
                    until: beginner.until,
                    polled: beginner.polled,
                });
                if !self.is_new {
                    self.gone.push(waiter);
                }
            } else {
                self.places.push(Place {
                    execution_id,
                    began_at: None,
                    until: self.now.plus_millis(CALL),
                    polled: false,
                });
                self.called.push(waiter);
            }
        }
        (began, blocked)
    }

    fn is_free(&self, limit: u32) -> bool {
        u32::try_from(self.places.len()).is_ok_and(|taken| taken < limit)
    }

    /// Who stands in line with a place: they were called, and it may be that the call was lost, or
    /// that nobody came to take them out of the line.
    fn settle(&mut self, waiter: Waiter, place: &Place) {
        let recent = self.now.plus_millis(CALL - CALL_AGAIN);
        if place.began_at.is_some() {
            self.gone.push(waiter);
        } else if place.until <= recent {
            self.called.push(waiter);
        }
    }
}

#[cfg(test)]
mod tests;
