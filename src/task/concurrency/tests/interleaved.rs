//! What holds however the steps of many processes fall between each other: never do more run than
//! the limit says, no place is lost, and nobody waits while one is free.
//!
//! A process does here what `functions/app/src/line.rs` does, one call at a time: it reads the line,
//! writes it if nobody else did, calls and takes out of the line, and joins it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// What is stored, and what is under way.
struct World {
    limit: u32,
    line: Line,
    waiting: BTreeMap<String, Waiter>,
    /// Calls and first dispatches that nobody has taken yet.
    messages: Vec<u128>,
    running: BTreeSet<u128>,
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
    Write(Turn),
    Perform(Turn),
    Join,
}

impl World {
    fn of(limit: u32, tasks: u128) -> Self {
        Self {
            limit,
            line: Line::default(),
            waiting: BTreeMap::new(),
            messages: (1..=tasks).collect(),
            running: BTreeSet::new(),
            cancelled: BTreeSet::new(),
            ended: Vec::new(),
            processes: Vec::new(),
            now: 1_000,
        }
    }

    /// One thing happens, by a draw: whether there was anything.
    fn happens(&mut self, draw: usize) -> bool {
        self.now += 1;
        let choices = self.processes.len() + self.messages.len() + self.running.len();
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

    fn take_message(&mut self, number: u128) {
        if self.cancelled.contains(&number) || self.ended.contains(&number) {
            self.ask(number, leave(number));
        } else {
            self.ask(number, begin(number, number as u64, self.limit, self.now));
        }
    }

    fn end(&mut self, number: u128) {
        self.running.remove(&number);
        self.ended.push(number);
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
            waiter: Some(waiter(number, number as u64, self.limit)),
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
            Step::Read => Step::Write(turn(&self.seen(), &process.ask, now)),
            Step::Write(turn) => match &turn.line {
                Some(line) if line.version != self.line.version + 1 => Step::Read,
                after => {
                    self.line = after.clone().unwrap_or(self.line.clone());
                    if turn.answer == Answer::Began {
                        assert!(self.running.insert(process.number), "it runs twice");
                    }
                    Step::Perform(turn)
                }
            },
            Step::Join => {
                let waiter = waiter(process.number, process.number as u64, self.limit);
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
                if turn.again {
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
                    let ask = begin(number, number as u64, self.limit, self.now);
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
        assert!(running <= self.limit, "{running} run");
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

proptest! {
    #[test]
    fn never_do_more_run_than_may_and_nobody_waits_for_ever(
        limit in 1..4_u32,
        tasks in 1..9_u128,
        draws in proptest::collection::vec((any::<prop::sample::Index>(), 0..40_u128), 0..300),
    ) {
        let mut world = World::of(limit, tasks);
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
        let mut steps = 0;
        while world.happens(steps * 7) {
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
