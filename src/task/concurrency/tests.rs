//! Who gets a place, who waits, whom a freed place goes to, and what becomes of places whose
//! attempts are never heard of again.

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::task::lifecycle::{Transition, transition};
use crate::testing::{at, facts, report, start, succeeded, task};

mod events;
mod interleaved;
mod rates;

/// The lease of an attempt that begins now: a minute, and its grace.
const LEASE: u64 = 60_000 + LEASE_GRACE;

/// A task of this number, created at this time, of a version with this limit.
fn limited(number: u128, created: u64, limit: u32) -> TaskInstance {
    let mut task = task(json!({ "concurrency": { "limit": limit } }));
    task.id = TaskId::new(Uuid::from_u128(number));
    task.created_at = at(created);
    task
}

/// So many at once.
fn at_once(limit: u32) -> Limits {
    Limits {
        concurrency: Some(limit),
        rate: None,
    }
}

fn waiter(number: u128, since: u64, limit: u32) -> Waiter {
    Waiter::of(&limited(number, since, limit), at_once(limit))
}

fn attempt(number: u128) -> ExecutionId {
    ExecutionId::of_attempt(TaskId::new(Uuid::from_u128(number)), 1)
}

/// The place of an attempt that began at this time.
fn begun(number: u128, began: u64) -> Place {
    Place {
        execution_id: attempt(number),
        began_at: Some(at(began)),
        until: at(began + LEASE),
        polled: false,
    }
}

/// The place that an attempt was called to at this time.
fn called(number: u128, then: u64) -> Place {
    Place {
        execution_id: attempt(number),
        began_at: None,
        until: at(then + CALL),
        polled: false,
    }
}

fn seen(places: &[Place], waiting: &[Waiter]) -> Seen {
    Seen {
        line: Line {
            version: 7,
            places: places.to_vec(),
            ..Line::default()
        },
        waiting: waiting.to_vec(),
        more: false,
    }
}

fn begin(number: u128, created: u64, limit: u32) -> Ask {
    let task = limited(number, created, limit);
    Ask::Begin(Box::new(Beginner::of(&task, at_once(limit))))
}

fn over(number: u128, began: u64) -> Ask {
    Ask::Over {
        execution_id: attempt(number),
        began_at: at(began),
    }
}

fn leave(number: u128) -> Ask {
    Ask::Leave {
        execution_id: attempt(number),
        waiter: None,
    }
}

/// What a turn comes to that leaves the line as it is.
fn unchanged(answer: Answer) -> Turn {
    Turn {
        line: None,
        called: Vec::new(),
        gone: Vec::new(),
        look: None,
        relies_on: None,
        answer,
        again: false,
        sees_too_little: false,
    }
}

/// What a turn comes to that leaves these places.
fn left(answer: Answer, places: &[Place]) -> Turn {
    Turn {
        line: Some(Line {
            version: 8,
            places: places.to_vec(),
            ..Line::default()
        }),
        ..unchanged(answer)
    }
}

#[test]
fn an_attempt_takes_a_free_place_and_waits_where_none_is() {
    use Answer::{Began, Held, Waits};
    let full = [begun(1, 0), begun(2, 5)];
    let cases = [
        (
            "the first of all",
            seen(&[], &[]),
            left(Began, &[begun(9, 50)]),
        ),
        (
            "one place is free",
            seen(&full[..1], &[]),
            left(Began, &[begun(1, 0), begun(9, 50)]),
        ),
        ("none is free", seen(&full, &[]), unchanged(Waits)),
        (
            "those before it in line have none",
            seen(&full, &[waiter(3, 10, 2)]),
            unchanged(Waits),
        ),
        (
            "it was called, and stands in line no more",
            seen(&[begun(1, 0), called(9, 30)], &[]),
            left(Began, &[begun(1, 0), begun(9, 50)]),
        ),
        (
            "it is under way, or its worker is dead",
            seen(&[begun(9, 40), begun(2, 5)], &[]),
            unchanged(Held(at(40 + LEASE))),
        ),
    ];
    for (what, seen, expected) in cases {
        let turn = turn(&seen, &begin(9, 20, 2), at(50));
        assert_eq!(turn, expected, "{what}");
    }
}

#[test]
fn one_who_stood_in_line_stands_there_no_more_when_it_begins() {
    let own = waiter(9, 20, 2);
    for places in [vec![], vec![called(9, 30)]] {
        let turn = turn(
            &seen(&places, std::slice::from_ref(&own)),
            &begin(9, 20, 2),
            at(50),
        );
        let expected = Turn {
            gone: vec![own.clone()],
            ..left(Answer::Began, &[begun(9, 50)])
        };
        assert_eq!(turn, expected, "{places:?}");
    }
}

#[test]
fn a_free_place_goes_to_the_longest_waiting_and_not_to_who_comes() {
    let (third, fourth) = (waiter(3, 10, 2), waiter(4, 11, 2));
    let line = seen(&[begun(1, 0)], &[third.clone(), fourth]);
    let turn = turn(&line, &begin(9, 20, 2), at(50));
    let expected = Turn {
        called: vec![third],
        ..left(Answer::Waits, &[begun(1, 0), called(3, 50)])
    };
    assert_eq!(turn, expected);
}

#[test]
fn one_who_has_waited_longer_than_those_in_line_goes_before_them() {
    let line = seen(&[begun(1, 0)], &[waiter(3, 30, 2)]);
    let turn = turn(&line, &begin(9, 20, 2), at(50));
    assert_eq!(turn, left(Answer::Began, &[begun(1, 0), begun(9, 50)]));
}

#[test]
fn a_place_that_is_given_back_is_the_longest_waitings_by_the_same_write() {
    let (third, fourth) = (waiter(3, 10, 2), waiter(4, 11, 2));
    let waiting = [third.clone(), fourth];
    let full = [begun(1, 0), begun(2, 5)];
    let passed = |place| Turn {
        called: vec![third.clone()],
        ..left(Answer::Done, &[place, called(3, 50)])
    };
    let cases = [
        ("the attempt is over", over(1, 0), passed(begun(2, 5))),
        ("it began again since", over(2, 4), unchanged(Answer::Done)),
        ("it has no place", over(8, 0), unchanged(Answer::Done)),
        (
            "it began, and its worker will tell",
            leave(1),
            unchanged(Answer::Done),
        ),
        ("it was lost", Ask::Lost(attempt(2)), passed(begun(1, 0))),
        (
            "nobody asks for anything",
            Ask::Look,
            unchanged(Answer::Done),
        ),
    ];
    for (what, ask, expected) in cases {
        assert_eq!(
            turn(&seen(&full, &waiting), &ask, at(50)),
            expected,
            "{what}"
        );
    }
}

#[test]
fn who_leaves_gives_up_its_call_and_its_place_in_line() {
    let (third, fourth) = (waiter(3, 10, 1), waiter(4, 11, 1));
    let called_third = seen(&[called(3, 20)], &[third.clone(), fourth.clone()]);
    let expected = Turn {
        called: vec![fourth.clone()],
        gone: vec![third.clone()],
        ..left(Answer::Done, &[called(4, 50)])
    };
    assert_eq!(turn(&called_third, &leave(3), at(50)), expected);
    let far_behind = Ask::Leave {
        execution_id: attempt(9),
        waiter: Some(waiter(9, 40, 1)),
    };
    let expected = Turn {
        gone: vec![waiter(9, 40, 1)],
        ..unchanged(Answer::Done)
    };
    let line = seen(&[begun(1, 0)], &[third, fourth]);
    assert_eq!(turn(&line, &far_behind, at(50)), expected);
}

#[test]
fn a_place_whose_attempt_is_never_heard_of_is_free_when_its_lease_ends() {
    let third = waiter(3, 10, 1);
    let until = |place: Place| u64::try_from(place.until.millis() - at(0).millis()).unwrap();
    for place in [begun(1, 0), called(1, 0)] {
        let line = seen(&[place], std::slice::from_ref(&third));
        let before = turn(&line, &Ask::Look, at(until(place) - 1));
        assert_eq!(before, unchanged(Answer::Done), "{place:?}");
        let after = turn(&line, &Ask::Look, at(until(place)));
        let expected = Turn {
            called: vec![third.clone()],
            ..left(Answer::Done, &[called(3, until(place))])
        };
        assert_eq!(after, expected, "{place:?}");
    }
}

#[test]
fn a_lease_is_the_attempts_own_and_ends_with_the_whole_time_of_its_task() {
    let until = |task: &TaskInstance| Beginner::of(task, at_once(1)).leased_until(at(50));
    let mut task = limited(1, 0, 1);
    assert_eq!(until(&task), at(50 + LEASE));
    task.timeouts.schedule_to_close = Some(1000);
    assert_eq!(until(&task), at(1000 + LEASE_GRACE));
    task.timeouts = crate::task::timeouts::Timeouts::default();
    assert_eq!(until(&task), at(50 + limits::TIMER_MILLIS + LEASE_GRACE));
}

#[test]
fn a_call_that_nobody_followed_is_made_again() {
    let third = waiter(3, 10, 1);
    let line = seen(&[called(3, 0)], std::slice::from_ref(&third));
    let soon = turn(&line, &Ask::Look, at(CALL_AGAIN - 1));
    assert_eq!(soon, unchanged(Answer::Done));
    let later = turn(&line, &Ask::Look, at(CALL_AGAIN));
    let expected = Turn {
        called: vec![third],
        ..unchanged(Answer::Done)
    };
    assert_eq!(later, expected);
}

#[test]
fn who_began_and_was_left_in_line_is_taken_out_by_whoever_looks() {
    let third = waiter(3, 10, 1);
    let line = seen(&[begun(3, 20)], std::slice::from_ref(&third));
    let expected = Turn {
        gone: vec![third],
        ..unchanged(Answer::Done)
    };
    assert_eq!(turn(&line, &Ask::Look, at(50)), expected);
}

#[test]
fn the_limit_is_that_of_the_version_which_is_next_and_nobody_overtakes() {
    let three = [begun(1, 0), begun(2, 0), begun(5, 0)];
    let (strict, generous) = (waiter(3, 10, 2), waiter(4, 11, 9));
    let behind = [strict, generous];
    let [strict, generous] = behind.each_ref().map(std::slice::from_ref);
    let cases: [(_, &[Waiter], &[Waiter]); 3] = [
        ("a strict version waits", strict, &[]),
        ("a generous one does not", generous, generous),
        ("behind a strict one it does", &behind, &[]),
    ];
    for (what, waiting, expected) in cases {
        let turn = turn(&seen(&three, waiting), &Ask::Look, at(50));
        assert_eq!(turn.called, expected, "{what}");
    }
}

#[test]
fn after_a_restart_what_began_is_over_and_what_was_called_is_still_called() {
    let line = seen(&[begun(1, 0), called(2, 40), begun(3, 30)], &[]);
    let expected = Turn {
        again: true,
        ..left(Answer::Done, &[called(2, 40)])
    };
    assert_eq!(turn(&line, &Ask::Restarted, at(50)), expected);
}

#[test]
fn it_is_looked_at_again_where_somebody_may_wait_who_was_not_seen() {
    let eight: Vec<Waiter> = (10..18).map(|n| waiter(n, 10 + n as u64, 100)).collect();
    let (third, fourth) = (waiter(3, 10, 2), waiter(4, 11, 2));
    let full = [begun(1, 0), begun(2, 5)];
    let cases = [
        ("a place stays free", seen(&full, &[]), over(1, 0), true),
        (
            "somebody took it",
            seen(&full, std::slice::from_ref(&third)),
            over(1, 0),
            false,
        ),
        (
            "nobody gave one back",
            seen(&full, &[third, fourth]),
            Ask::Look,
            false,
        ),
        (
            "more wait than were seen",
            Seen {
                more: true,
                ..seen(&[], &eight)
            },
            Ask::Look,
            true,
        ),
        (
            "those before them are being taken out of the line",
            Seen {
                more: true,
                ..seen(
                    &eight.iter().map(|w| called_of(w, 49)).collect::<Vec<_>>(),
                    &eight,
                )
            },
            Ask::Look,
            false,
        ),
    ];
    for (what, seen, ask, expected) in cases {
        assert_eq!(turn(&seen, &ask, at(50)).again, expected, "{what}");
    }
}

fn called_of(waiter: &Waiter, then: u64) -> Place {
    Place {
        execution_id: waiter.execution_id(),
        ..called(0, then)
    }
}

#[test]
fn it_is_read_on_where_all_who_were_seen_have_places_and_are_being_taken_out_of_the_line() {
    let eight: Vec<Waiter> = (10..18).map(|n| waiter(n, 10 + n as u64, 100)).collect();
    let places: Vec<Place> = eight.iter().map(|w| called_of(w, 49)).collect();
    let ninth = waiter(18, 40, 100);
    let all = [&eight[..], std::slice::from_ref(&ninth)].concat();
    let cases: [(_, &[Waiter], bool, &[Waiter]); 3] = [
        ("others stand behind them", &eight, true, &[]),
        ("nobody does", &eight, false, &[]),
        ("it was read on", &all, true, std::slice::from_ref(&ninth)),
    ];
    for (what, waiting, more, called) in cases {
        let seen = Seen {
            more,
            ..seen(&places, waiting)
        };
        let turn = turn(&seen, &Ask::Look, at(50));
        assert_eq!(turn.called, called, "{what}");
        assert_eq!(turn.sees_too_little, more && called.is_empty(), "{what}");
    }
}

#[test]
fn who_comes_does_not_go_before_those_who_were_not_seen() {
    let eight: Vec<Waiter> = (10..18).map(|n| waiter(n, 10 + n as u64, 9)).collect();
    let line = Seen {
        more: true,
        ..seen(&[], &eight)
    };
    let turn = turn(&line, &begin(9, 40, 9), at(50));
    assert_eq!(turn.answer, Answer::Waits);
    assert_eq!(turn.called, eight);
}

#[test]
fn those_of_one_moment_stand_in_the_order_of_their_paths() {
    let at_path = |path: &str, retry: Option<u64>| {
        let mut task = limited(1, 10, 1);
        task.context.task_path = Some(path.to_owned());
        task.next_retry_at = retry.map(at);
        Waiter::of(&task, at_once(1)).order
    };
    let mut orders = [
        at_path("m[2]/x", None),
        at_path("m[10]/x", None),
        at_path("m[999999]/n[3]/x", None),
        at_path(&format!("n{}", "ü".repeat(2_000)), None),
        at_path("a", Some(11)),
    ];
    let sorted = orders.clone();
    orders.sort();
    assert_eq!(orders, sorted);
    assert!(
        orders.iter().all(|order| order.len() < 1_000),
        "a key has 1,024 bytes"
    );
}

/// What a worker that polls has, and a place of ours beside it.
#[test]
fn a_place_of_a_worker_outlives_our_processes_and_is_taken_again_by_its_attempt() {
    let mut polled = limited(1, 0, 2);
    polled.polled = crate::task::polled::Polled::of(&crate::testing::definition(json!({
        "executionConfig": { "executor": "worker:gpu" },
    })));
    let workers = Place {
        polled: true,
        ..begun(1, 10)
    };
    let line = seen(&[workers, begun(2, 10)], &[]);
    let restarted = turn(&line, &Ask::Restarted, at(50)).line.unwrap();
    assert_eq!(restarted.places, [workers]);
    let again = Ask::Begin(Box::new(Beginner::of(&polled, at_once(2))));
    let taken = turn(&line, &again, at(500));
    assert_eq!(taken.answer, Answer::Began);
    let renewed = Place {
        polled: true,
        ..begun(1, 500)
    };
    assert_eq!(taken.line.unwrap().places, [renewed, begun(2, 10)]);
    for (until, expected) in [(400, 400), (u64::from(u32::MAX), 10 + LEASE)] {
        let stopping = Ask::Stopping {
            execution_id: attempt(1),
            until: at(until),
        };
        let after = turn(&line, &stopping, at(50)).line;
        let places = after.map_or(line.line.places.clone(), |line| line.places);
        assert_eq!(places[0].until, at(expected));
    }
}
