//! Serving a line: what is asked is done, and then the longest waiting are called to what is free.

use super::starts;
use super::{Answer, Ask, Beginner, CALL, CALL_AGAIN, KEPT, Limits, Line, Place, Seen, Started};
use super::{Turn, Waiter};
use crate::ids::ExecutionId;
use crate::time::Timestamp;

/// Decides what is done about what is asked of a line.
#[must_use]
pub fn turn(seen: &Seen, ask: &Ask, now: Timestamp) -> Turn {
    let line = &seen.line;
    let places = line.places.iter().filter(|place| place.until > now);
    let starts = line.starts.iter().filter(|start| start.until > now);
    let leased: (Vec<Place>, Vec<Started>) = (places.copied().collect(), starts.copied().collect());
    let mut state = Serving {
        places: leased.0.clone(),
        starts: leased.1.clone(),
        queue: seen.waiting.clone(),
        is_new: false,
        turned: 0,
        called: Vec::new(),
        gone: Vec::new(),
        now,
    };
    let answer = state.take(ask, seen.more);
    let (began, first) = state.serve(ask);
    // What a process had arranged that ended is lost with it, also for those who come later.
    let is_lost = *ask == Ask::Restarted;
    let arranged = line.look_at.filter(|at| *at > now && !is_lost);
    let free_at = first.as_ref().and_then(|first| state.free_at(first.limits));
    let look_at = free_at.filter(|at| arranged.is_none_or(|arranged| arranged > *at));
    let moved = (&state.places, &state.starts) != (&leased.0, &leased.1);
    let looks_else = look_at.is_some() || is_lost;
    let changed = moved || looks_else && look_at.or(arranged) != line.look_at;
    let fewer = changed && state.places.len() + state.turned < line.places.len();
    let shorter = !state.called.is_empty() || !state.gone.is_empty();
    Turn {
        answer: if began { Answer::Began } else { answer },
        again: first.is_none() && (fewer || seen.more && shorter),
        sees_too_little: first.is_none() && seen.more && !shorter,
        line: changed.then(|| Line {
            version: line.version + 1,
            places: state.places,
            starts: state.starts,
            look_at: look_at.or(arranged),
        }),
        called: state.called,
        gone: state.gone,
        relies_on: free_at.and(look_at.or(arranged)),
        look: look_at.zip(first),
    }
}

/// A turn under way.
struct Serving {
    places: Vec<Place>,
    starts: Vec<Started>,
    queue: Vec<Waiter>,
    /// Whether who asks to begin is in the queue and does not stand in line.
    is_new: bool,
    /// Places that became starts: they are not free.
    turned: usize,
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
        match ask {
            Ask::Begin(beginner) => return self.enter(beginner, more),
            Ask::Keep { waiter, began_at } => self.keep(waiter, *began_at),
            Ask::Over {
                execution_id,
                began_at,
            } => self.places.retain(|place| {
                let is_later = place.began_at.is_none_or(|began| began > *began_at);
                place.execution_id != *execution_id || is_later
            }),
            Ask::Leave {
                execution_id,
                waiter,
            } => {
                self.places.retain(|place| {
                    place.execution_id != *execution_id || place.began_at.is_some()
                });
                let found = self.leave_queue(*execution_id);
                self.gone.extend(found.or_else(|| waiter.clone()));
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

    /// Lets an attempt begin that has a place; another lines up.
    fn enter(&mut self, beginner: &Beginner, more: bool) -> Answer {
        let execution_id = beginner.waiter.execution_id();
        match self.place_of(execution_id).copied() {
            None => {
                self.line_up(&beginner.waiter, more);
                Answer::Waits
            }
            Some(Place {
                began_at: Some(_),
                until,
                ..
            }) if !beginner.polled => Answer::Held(until),
            Some(_) => {
                self.begin(beginner);
                let own = self.leave_queue(execution_id);
                self.gone.extend(own);
                Answer::Began
            }
        }
    }

    fn leave_queue(&mut self, execution_id: ExecutionId) -> Option<Waiter> {
        let leaves = |waiter: &Waiter| waiter.execution_id() == execution_id;
        let at = self.queue.iter().position(leaves)?;
        Some(self.queue.remove(at))
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

    /// Takes the place of an attempt that begins now, and counts its start. One that was begun
    /// before begins no second time: its worker asked again.
    fn begin(&mut self, beginner: &Beginner) {
        let (now, limits) = (self.now, beginner.waiter.limits);
        let execution_id = beginner.waiter.execution_id();
        let taken = Place {
            execution_id,
            began_at: Some(now),
            until: beginner.leased_until(now),
            polled: beginner.polled,
        };
        let had = self.place_of(execution_id).copied();
        if let Some(rate) = limits.rate
            && had.is_none_or(|place| place.began_at.is_none())
        {
            starts::lease(&mut self.starts, rate, now);
        }
        match (self.place_of(execution_id), limits.concurrency) {
            (Some(place), Some(_)) => *place = taken,
            (None, Some(_)) => self.places.push(taken),
            (Some(_), None) => {
                self.places
                    .retain(|place| place.execution_id != execution_id);
                self.turned += 1;
            }
            (None, None) => {}
        }
    }

    /// Keeps the place of one that began and may not go on: as if it had been called.
    fn keep(&mut self, waiter: &Waiter, began_at: Timestamp) {
        let kept = Place {
            execution_id: waiter.execution_id(),
            began_at: None,
            until: self.now.plus_millis(KEPT),
            polled: false,
        };
        if let Some(rate) = waiter.limits.rate {
            starts::take_back(&mut self.starts, rate, began_at, self.now);
        }
        match (self.place_of(kept.execution_id), waiter.limits.concurrency) {
            (Some(place), _) if place.began_at == Some(began_at) => *place = kept,
            (None, None) => self.places.push(kept),
            (Some(_), _) | (None, Some(_)) => {}
        }
    }

    /// Calls the longest waiting to the places that are free. Says whether whoever asks to begin
    /// is among them, and who is the first that still waits.
    fn serve(&mut self, ask: &Ask) -> (bool, Option<Waiter>) {
        let beginner = match ask {
            Ask::Begin(beginner) => Some(&**beginner),
            Ask::Keep { .. }
            | Ask::Over { .. }
            | Ask::Leave { .. }
            | Ask::Lost(_)
            | Ask::Stopping { .. }
            | Ask::Restarted
            | Ask::Look => None,
        };
        let (mut began, mut first) = (false, None);
        for waiter in std::mem::take(&mut self.queue) {
            let execution_id = waiter.execution_id();
            let asks = beginner.filter(|one| one.waiter.execution_id() == execution_id);
            if let Some(place) = self.place_of(execution_id).copied() {
                self.settle(waiter, &place);
            } else if first.is_some() || !self.may_begin(waiter.limits) {
                first.get_or_insert(waiter);
            } else if let Some(beginner) = asks {
                began = true;
                self.begin(beginner);
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
        (began, first)
    }

    fn may_begin(&self, limits: Limits) -> bool {
        let is_in_rate = |limit| self.counted() < limit;
        self.has_place(limits) && limits.rate.is_none_or(|rate| is_in_rate(rate.limit))
    }

    fn has_place(&self, limits: Limits) -> bool {
        let taken = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        limits.concurrency.is_none_or(|limit| taken < limit)
    }

    /// What counts for a rate: what began, and what may begin at any moment.
    fn counted(&self) -> u32 {
        let awaited = self.places.iter().filter(|place| place.began_at.is_none());
        let awaited = u32::try_from(awaited.count()).unwrap_or(u32::MAX);
        starts::leased(&self.starts).saturating_add(awaited)
    }

    /// When a rate lets one begin that waits for nothing else; none as long as those are awaited who
    /// were called, since they take a turn of their own.
    fn free_at(&self, limits: Limits) -> Option<Timestamp> {
        let rate = limits.rate.filter(|_| self.has_place(limits))?;
        let too_many = self.counted().saturating_add(1).saturating_sub(rate.limit);
        starts::fewer_at(&self.starts, too_many)
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
