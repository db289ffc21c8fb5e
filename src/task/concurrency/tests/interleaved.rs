//! What holds however the steps of many processes fall between each other: never do more run, or
//! begin in a period, than the limits say, no place is lost, and nobody waits while one is free.
//!
//! A process does here what `functions/app/src/line.rs` does, one call at a time: it reads the line,
//! writes it if nobody else did, calls and takes out of the line, and joins it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::task::rate::Period;

/// What is stored, and what is under way.
struct World {
    limits: Limits,
    line: Line,
    waiting: BTreeMap<String, Waiter>,
    /// Calls and first dispatches that nobody has taken yet.
    messages: Vec<u128>,
    /// When the line is to be looked at again.
    looks: Vec<u64>,
    running: BTreeSet<u128>,
    /// When each began.
    began: Vec<u64>,
    cancelled: BTreeSet<u128>,
    ended: Vec<u128>,
    processes: Vec<Process>,
    now: u64,
}

/// A use case under way.
struct Process {
    number: u128,
    ask: Ask,
    /// Whether it has joined the line, or need not.
    joined: bool,
    next: Step,
}

enum Step {
    Read,
    /// What was decided, and when.
    Write(Turn, u64),
    Perform(Turn),
    Join,
}

impl World {
    fn of(limits: Limits, tasks: u128) -> Self {
        Self {
            limits,
            line: Line::default(),
            waiting: BTreeMap::new(),
            messages: (1..=tasks).collect(),
            looks: Vec::new(),
            running: BTreeSet::new(),
            began: Vec::new(),
            cancelled: BTreeSet::new(),
            ended: Vec::new(),
            processes: Vec::new(),
            now: 1_000,
        }
    }

    /// One thing happens, by a draw: whether there was anything.
    fn happens(&mut self, draw: usize) -> bool {
        self.now += 1 + draw as u64 % 37;
        let choices = self.processes.len() + self.messages.len() + self.running.len();
        self.looks.sort_unstable();
        if let Some(at) = self.looks.first().copied()
            && (choices == 0 || at <= self.now)
        {
            self.looks.remove(0);
            self.now = self.now.max(at);
            self.ask(0, Ask::Look);
            return true;
        }
        if choices == 0 {
            return false;
        }
        let mut draw = draw % choices;
        if draw < self.processes.len() {
            let process = self.processes.swap_remove(draw);
            self.step(process);
            return true;
        }
        draw -= self.processes.len();
        if draw < self.messages.len() {
            let number = self.messages.swap_remove(draw);
            self.take_message(number);
            return true;
        }
        draw -= self.messages.len();
        let ending = self.running.iter().nth(draw).copied();
        ending.into_iter().for_each(|number| self.end(number));
        true
    }

    /// Whether a process is about to begin it, or has: what a line without `concurrency` leaves to
    /// the processes and the record.
    fn is_claimed(&self, number: u128) -> bool {
        let begins =
            |process: &Process| process.number == number && matches!(process.ask, Ask::Begin(_));
        self.running.contains(&number) || self.processes.iter().any(begins)
    }

    fn take_message(&mut self, number: u128) {
        if self.limits.concurrency.is_none() && self.is_claimed(number) {
            self.messages.push(number);
        } else if self.cancelled.contains(&number) || self.ended.contains(&number) {
            self.ask(number, leave(number));
        } else {
            self.ask(number, self.begin(number));
        }
    }

    fn begin(&self, number: u128) -> Ask {
        let task = limited(number, number as u64, 1);
        Ask::Begin(Box::new(Beginner::of(&task, self.limits)))
    }

    fn end(&mut self, number: u128) {
        self.running.remove(&number);
        self.ended.push(number);
        if self.limits.concurrency.is_none() {
            return;
        }
        let places = &self.line.places;
        let place = places.iter().find(|p| p.execution_id == attempt(number));
        let began_at = place.and_then(|place| place.began_at).expect("it runs");
        let execution_id = attempt(number);
        self.ask(
            number,
            Ask::Over {
                execution_id,
                began_at,
            },
        );
    }

    fn cancel(&mut self, number: u128) {
        if self.ended.contains(&number) || !self.cancelled.insert(number) {
            return;
        }
        let ask = Ask::Leave {
            execution_id: attempt(number),
            waiter: Some(self.waiter(number)),
        };
        // The worker of one that began stops it, and tells.
        self.ask(number, ask);
    }

    fn ask(&mut self, number: u128, ask: Ask) {
        self.processes.push(Process {
            number,
            joined: !matches!(ask, Ask::Begin(_)),
            ask,
            next: Step::Read,
        });
    }

    fn waiter(&self, number: u128) -> Waiter {
        Waiter::of(&limited(number, number as u64, 1), self.limits)
    }

    fn seen(&self) -> Seen {
        Seen {
            line: self.line.clone(),
            waiting: self.waiting.values().take(2).cloned().collect(),
            more: self.waiting.len() > 2,
        }
    }

    fn step(&mut self, mut process: Process) {
        let now = at(self.now);
        process.next = match process.next {
            Step::Read => {
                let turn = turn(&self.seen(), &process.ask, now);
                let look = turn.look.iter().map(|(at, _)| millis(*at));
                self.looks.extend(look);
                Step::Write(turn, self.now)
            }
            Step::Write(turn, decided_at) => match &turn.line {
                Some(line) if line.version != self.line.version + 1 => Step::Read,
                after => {
                    self.line = after.clone().unwrap_or(self.line.clone());
                    if turn.answer == Answer::Began {
                        assert!(self.running.insert(process.number), "it runs twice");
                        self.began.push(decided_at);
                    }
                    Step::Perform(turn)
                }
            },
            Step::Join => {
                let waiter = self.waiter(process.number);
                self.waiting.insert(waiter.order.clone(), waiter);
                Step::Read
            }
            Step::Perform(turn) => {
                for waiter in turn.called.iter().chain(&turn.gone) {
                    self.waiting.remove(&waiter.order);
                }
                let called = turn.called.iter().map(|waiter| waiter.task_id);
                self.messages.extend(called.map(|id| id.uuid().as_u128()));
                let waits = turn.answer == Answer::Waits && !process.joined;
                if turn.is_to_be_looked_at_again(now) {
                    let ask = Ask::Look;
                    self.processes.push(Process {
                        ask,
                        joined: true,
                        next: Step::Read,
                        ..process
                    });
                }
                if waits {
                    let number = process.number;
                    let ask = self.begin(number);
                    let next = Step::Join;
                    self.processes.push(Process {
                        number,
                        ask,
                        joined: true,
                        next,
                    });
                }
                return;
            }
        };
        self.processes.push(process);
    }

    fn check(&self) {
        let running = u32::try_from(self.running.len()).unwrap();
        let may_run = |limit| running <= limit;
        assert!(self.limits.concurrency.is_none_or(may_run), "{running} run");
        if let Some(rate) = self.limits.rate {
            for first in &self.began {
                let period = *first..*first + rate.per.millis();
                let began = self.began.iter().filter(|at| period.contains(at)).count();
                assert!(began as u64 <= u64::from(rate.limit), "{began} began");
            }
        }
        if self.limits.concurrency.is_none() {
            return;
        }
        for number in &self.running {
            let has_place =
                |place: &Place| place.execution_id == attempt(*number) && place.began_at.is_some();
            assert!(
                self.line.places.iter().any(has_place),
                "{number} has no place"
            );
        }
    }
}

fn millis(time: Timestamp) -> u64 {
    time.millis_since(at(0))
}

fn some_limits() -> impl Strategy<Value = Limits> {
    let some = (1..4_u32, 1..4_u32, 1_000..3_000_u64, 0..3_u8);
    some.prop_map(|(limit, starts, millis, which)| {
        let rate = RateLimit {
            limit: starts,
            per: Period::of_millis(millis).unwrap(),
        };
        Limits {
            concurrency: (which != 1).then_some(limit),
            rate: (which != 0).then_some(rate),
        }
    })
}

proptest! {
    #[test]
    fn never_do_more_run_than_may_and_nobody_waits_for_ever(
        limits in some_limits(),
        tasks in 1..9_u128,
        draws in proptest::collection::vec((any::<prop::sample::Index>(), 0..40_u128), 0..300),
    ) {
        let mut world = World::of(limits, tasks);
        for (draw, cancelled) in draws {
            // Less than half of all moments, and only some of all tasks.
            if (1..=tasks).contains(&cancelled) && cancelled % 3 == 0 {
                world.cancel(cancelled);
            }
            if cancelled == 0 {
                // A message may come twice.
                world.messages.extend(world.messages.first().copied());
            }
            world.happens(draw.index(1 << 16));
            world.check();
        }
        let mut steps = 0_usize;
        while world.happens(steps.wrapping_mul(2_654_435_761) >> 9) {
            world.check();
            steps += 1;
            prop_assert!(steps < 10_000, "it never comes to rest");
        }
        // No lease ended in all this time, so that every place was given back.
        for number in 1..=tasks {
            let is_over = world.ended.contains(&number) || world.cancelled.contains(&number);
            prop_assert!(is_over, "{number} was forgotten");
        }
        prop_assert_eq!(&world.line.places, &[]);
        prop_assert!(world.waiting.is_empty(), "{:?} wait", world.waiting);
    }
}
