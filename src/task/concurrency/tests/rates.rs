//! What a rate lets begin, when the line is looked at again, and what a place that is kept counts.

use super::*;
use crate::task::rate::Period;

const PERIOD: u64 = 10_000;

/// So many in each ten seconds.
fn rate(limit: u32) -> Limits {
    let per = Period::of_millis(PERIOD).unwrap();
    Limits {
        concurrency: None,
        rate: Some(RateLimit { limit, per }),
    }
}

/// The same, and so many at once.
fn both(limit: u32, at_once: u32) -> Limits {
    Limits {
        concurrency: Some(at_once),
        ..rate(limit)
    }
}

fn waits(number: u128, limits: Limits) -> Waiter {
    Waiter::of(&limited(number, number as u64, 1), limits)
}

fn begins(number: u128, limits: Limits) -> Ask {
    let task = limited(number, number as u64, 1);
    Ask::Begin(Box::new(Beginner::of(&task, limits)))
}

/// The start of one that began at this time.
fn start_of(began: u64) -> Started {
    Started {
        until: at(began + PERIOD),
        count: 1,
    }
}

fn line(places: &[Place], starts: &[Started], look_at: Option<u64>) -> Line {
    Line {
        version: 7,
        places: places.to_vec(),
        starts: starts.to_vec(),
        look_at: look_at.map(at),
    }
}

fn with(line: Line, waiting: &[Waiter]) -> Seen {
    Seen {
        line,
        waiting: waiting.to_vec(),
        more: false,
    }
}

#[test]
fn so_many_begin_in_a_period_and_the_next_when_the_first_of_them_counts_no_more() {
    let free = with(line(&[], &[start_of(0)], None), &[]);
    let began = turn(&free, &begins(9, rate(2)), at(50));
    assert_eq!(began.answer, Answer::Began);
    let after = began.line.unwrap();
    assert_eq!(after.places, [], "nobody would give it back");
    assert_eq!(after.starts, [start_of(0), start_of(50)]);
    let own = waits(8, rate(2));
    for (now, expected) in [(PERIOD - 1, Answer::Waits), (PERIOD, Answer::Began)] {
        let turn = turn(&with(after.clone(), &[]), &begins(8, rate(2)), at(now));
        assert_eq!(turn.answer, expected, "{now}");
        let look = (expected == Answer::Waits).then(|| (at(PERIOD), own.clone()));
        assert_eq!(turn.look, look, "{now}");
    }
}

#[test]
fn the_line_is_looked_at_once_for_all_who_wait_and_then_for_the_next() {
    let (third, fourth) = (waits(3, rate(1)), waits(4, rate(1)));
    let waiting = [third.clone(), fourth.clone()];
    let cases = [
        ("nobody arranged it", None, 50, Some(PERIOD)),
        ("somebody did", Some(PERIOD), 50, None),
        (
            "somebody did, for later",
            Some(PERIOD + 1),
            50,
            Some(PERIOD),
        ),
        ("it is over and nobody came", Some(40), 50, Some(PERIOD)),
    ];
    for (what, arranged, now, expected) in cases {
        let seen = with(line(&[], &[start_of(0)], arranged), &waiting);
        let turn = turn(&seen, &Ask::Look, at(now));
        let look = expected.map(|look| (at(look), third.clone()));
        assert_eq!(turn.look, look, "{what}");
        let stored = turn.line.and_then(|line| line.look_at);
        assert_eq!(stored, expected.map(at), "{what}");
    }
    let seen = with(line(&[], &[start_of(0)], Some(PERIOD)), &waiting);
    let at_its_time = turn(&seen, &Ask::Look, at(PERIOD));
    assert_eq!(at_its_time.called, [third]);
    assert_eq!(at_its_time.look, None, "the one who is called comes soon");
    let seen = with(at_its_time.line.unwrap(), std::slice::from_ref(&fourth));
    let came = turn(&seen, &begins(3, rate(1)), at(PERIOD + 5));
    assert_eq!(came.answer, Answer::Began);
    assert_eq!(came.look, Some((at(2 * PERIOD + 5), fourth)));
}

#[test]
fn what_a_process_arranged_that_ended_is_arranged_again() {
    let third = waits(3, rate(1));
    let seen = with(
        line(&[], &[start_of(0)], Some(PERIOD)),
        std::slice::from_ref(&third),
    );
    let turn = turn(&seen, &Ask::Restarted, at(50));
    assert_eq!(turn.look, Some((at(PERIOD), third)));
    assert_eq!(turn.line, None, "it stands there already");
    let nobody = with(line(&[], &[start_of(0)], Some(PERIOD)), &[]);
    let forgotten = super::turn(&nobody, &Ask::Restarted, at(50)).line.unwrap();
    assert_eq!(forgotten.look_at, None, "whoever comes next arranges it");
}

#[test]
fn who_was_called_counts_as_one_that_begins_at_any_moment() {
    let seen = with(line(&[called(3, 0)], &[], None), &[]);
    let turn = turn(&seen, &begins(9, rate(1)), at(PERIOD * 2));
    assert_eq!(turn.answer, Answer::Waits);
    assert_eq!(turn.look, None, "who was called takes a turn");
}

#[test]
fn under_both_limits_whatever_is_short_decides() {
    let limits = both(2, 1);
    let busy = with(line(&[begun(1, 0)], &[start_of(0)], None), &[]);
    let full = turn(&busy, &begins(9, limits), at(50));
    assert_eq!((full.answer, full.look), (Answer::Waits, None));
    let spent = with(line(&[], &[start_of(0), start_of(20)], None), &[]);
    let later = turn(&spent, &begins(9, limits), at(50));
    assert_eq!(later.answer, Answer::Waits);
    assert_eq!(later.look, Some((at(PERIOD), waits(9, limits))));
    // Who gives the place back finds that the rate is spent.
    let last = with(
        line(&[begun(2, 20)], &[start_of(0), start_of(20)], None),
        &[waits(9, limits)],
    );
    let given_back = turn(&last, &over(2, 20), at(50));
    assert_eq!(given_back.called, []);
    assert_eq!(given_back.look, Some((at(PERIOD), waits(9, limits))));
}

#[test]
fn a_place_that_is_kept_is_the_attempts_own_and_its_start_counts_when_it_begins() {
    let kept = Place {
        execution_id: attempt(9),
        began_at: None,
        until: at(60 + KEPT),
        polled: false,
    };
    for limits in [rate(1), both(1, 1), at_once(1)] {
        let began = turn(&with(Line::default(), &[]), &begins(9, limits), at(50));
        let waiter = waits(9, limits);
        let keep = Ask::Keep {
            waiter,
            began_at: at(50),
        };
        let after = turn(&with(began.line.unwrap(), &[]), &keep, at(60));
        let after = after.line.unwrap();
        assert_eq!((&*after.places, &*after.starts), (&[kept][..], &[][..]));
        let other = turn(&with(after.clone(), &[]), &begins(8, limits), at(70));
        assert_eq!((other.answer, other.look), (Answer::Waits, None));
        let own = turn(&with(after, &[]), &begins(9, limits), at(5_000));
        assert_eq!(own.answer, Answer::Began);
        let starts = own.line.unwrap().starts;
        let expected = limits.rate.map(|_| start_of(5_000));
        assert_eq!(starts, Vec::from_iter(expected));
    }
}

#[test]
fn a_place_that_somebody_else_began_is_not_kept() {
    let seen = with(line(&[begun(9, 40)], &[], None), &[]);
    let keep = Ask::Keep {
        waiter: waits(9, at_once(1)),
        began_at: at(30),
    };
    assert_eq!(turn(&seen, &keep, at(50)), unchanged(Answer::Done));
}

#[test]
fn a_worker_that_asks_again_begins_no_second_time() {
    let mut polled = limited(1, 0, 2);
    polled.polled = crate::task::polled::Polled::of(&crate::testing::definition(json!({
        "executionConfig": { "executor": "worker:gpu" },
    })));
    let begin = Ask::Begin(Box::new(Beginner::of(&polled, both(1, 1))));
    let first = turn(&with(Line::default(), &[]), &begin, at(0));
    let again = turn(&with(first.line.unwrap(), &[]), &begin, at(500));
    assert_eq!(again.answer, Answer::Began);
    assert_eq!(again.line.unwrap().starts, [start_of(0)]);
}
