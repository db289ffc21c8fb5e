//! Lines of tasks that wait for a place: what is stored of them, and that one writer wins.

use serde_json::{Value, json};
use taskmill::ids::LineId;
use taskmill::task::TaskPriority;
use taskmill::task::concurrency::{Limits, Line, Place, Seen, Started, Waiter};

use crate::samples::{at, definition, lone_task, rate, task_id, tenant};
use crate::support::Emulator;

fn line_id() -> LineId {
    LineId::of(&tenant("acme"), &definition("checksum"))
}

fn at_once(limit: u32) -> Limits {
    Limits {
        concurrency: Some(limit),
        rate: None,
    }
}

/// A task of this number, which waits since then.
fn waiter(number: u128, since: u64) -> Waiter {
    let mut task = lone_task(number);
    task.created_at = at(since);
    Waiter::of(&task, at_once(5))
}

fn place(number: u128, began_at: Option<u64>) -> Place {
    Place {
        execution_id: waiter(number, 0).execution_id(),
        began_at: began_at.map(at),
        until: at(90_000),
        polled: false,
    }
}

/// The place of a worker that polls.
fn polled(number: u128) -> Place {
    Place {
        polled: true,
        ..place(number, Some(5))
    }
}

/// A line of so many places.
fn line(version: u64, places: u128) -> Line {
    Line {
        version,
        places: (0..places).map(|number| place(number, Some(3))).collect(),
        ..Line::default()
    }
}

/// A line of a rate, with so many starts.
fn rated(version: u64, starts: u32) -> Line {
    let start = |number: u32| Started {
        until: at(u64::from(number) * 997),
        count: 1 + number / 50,
    };
    Line {
        version,
        starts: (0..starts).map(start).collect(),
        look_at: Some(at(500)),
        ..Line::default()
    }
}

#[tokio::test]
async fn a_line_and_those_who_wait_are_stored_as_ever() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let mut urgent = waiter(3, 70);
    urgent.priority = TaskPriority::High;
    let places = Line {
        version: 1,
        places: vec![place(1, Some(3)), place(2, None), polled(4)],
        ..Line::default()
    };
    store.replace_line(line_id(), 0, &places).await.unwrap();
    store.join_line(line_id(), &urgent).await.unwrap();
    let mut items: Vec<Value> = emulator
        .calls()
        .into_iter()
        .map(|call| call.request["Item"].clone())
        .collect();
    items[0]["w"] = json!("a number of its own");
    items.iter_mut().for_each(Value::sort_all_objects);
    insta::assert_json_snapshot!("line", items);
    let seen = Seen {
        line: places,
        waiting: vec![urgent],
        more: false,
    };
    assert_eq!(store.line(line_id()).await.unwrap(), seen);
}

#[tokio::test]
async fn a_line_of_a_rate_and_those_who_wait_are_stored_as_ever() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let mut waits = waiter(3, 70);
    waits.limits = Limits {
        concurrency: None,
        rate: Some(rate(50, 60_000)),
    };
    let line = Line {
        places: vec![place(2, None)],
        ..rated(1, 3)
    };
    store.replace_line(line_id(), 0, &line).await.unwrap();
    store.join_line(line_id(), &waits).await.unwrap();
    let mut items: Vec<Value> = emulator
        .calls()
        .into_iter()
        .map(|call| call.request["Item"].clone())
        .collect();
    items[0]["w"] = json!("a number of its own");
    items.iter_mut().for_each(Value::sort_all_objects);
    insta::assert_json_snapshot!("line_of_a_rate", items);
    let seen = Seen {
        line,
        waiting: vec![waits],
        more: false,
    };
    assert_eq!(store.line(line_id()).await.unwrap(), seen);
}

#[tokio::test]
async fn a_line_that_was_never_stored_is_empty() {
    let store = Emulator::default().store().await;
    assert_eq!(store.line(line_id()).await.unwrap(), Seen::default());
}

#[tokio::test]
async fn the_longest_waiting_are_seen_first_and_that_there_are_more() {
    let store = Emulator::default().store().await;
    let mut all: Vec<Waiter> = (1..=12_u64)
        .map(|number| waiter(number.into(), 100 - number))
        .collect();
    for waiter in &all {
        // However often it is done, they stand in line once.
        store.join_line(line_id(), waiter).await.unwrap();
        store.join_line(line_id(), waiter).await.unwrap();
    }
    all.reverse();
    store.replace_line(line_id(), 0, &line(1, 1)).await.unwrap();
    let seen = store.line(line_id()).await.unwrap();
    assert_eq!(seen.waiting, all[..8]);
    assert!(seen.more);
    let mut on = seen;
    store.see_on(line_id(), &mut on).await.unwrap();
    assert_eq!((on.waiting, on.more), (all.clone(), false));
    for waiter in &all[..8] {
        store.leave_line(line_id(), waiter).await.unwrap();
    }
    let seen = store.line(line_id()).await.unwrap();
    assert_eq!((seen.waiting, seen.more), (all[8..].to_vec(), false));
}

#[tokio::test]
async fn of_two_writers_one_wins_even_if_both_mean_the_same() {
    let store = Emulator::default().store().await;
    for before in [0, 1] {
        let after = line(before + 1, 2);
        store.replace_line(line_id(), before, &after).await.unwrap();
        let second = store.replace_line(line_id(), before, &after).await;
        assert!(second.unwrap_err().is_version_conflict(), "{before}");
    }
    let never = store.replace_line(line_id(), 7, &line(8, 1)).await;
    assert!(never.unwrap_err().is_version_conflict());
}

#[tokio::test(start_paused = true)]
async fn a_write_of_a_line_whose_answer_was_lost_is_known_for_our_own() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    emulator.lose_answer_of("PutItem");
    store.replace_line(line_id(), 0, &line(1, 1)).await.unwrap();
    assert_eq!(emulator.calls().len(), 2);
}

#[tokio::test]
async fn a_line_of_24_places_is_one_write_unit_and_the_longest_four() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    for (version, (places, units)) in [(24, 1.0), (100, 4.0)].into_iter().enumerate() {
        let version = version as u64;
        let after = line(version + 1, places);
        store
            .replace_line(line_id(), version, &after)
            .await
            .unwrap();
        assert_eq!(emulator.write_units()["table"], units, "{places} places");
    }
    store.join_line(line_id(), &waiter(1, 0)).await.unwrap();
    assert_eq!(emulator.write_units()["table"], 1.0);
    store.leave_line(line_id(), &waiter(1, 0)).await.unwrap();
    assert_eq!(emulator.write_units()["table"], 1.0);
}

#[tokio::test]
async fn a_line_of_60_starts_is_one_write_unit_and_the_longest_two() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    for (version, (starts, units)) in [(60, 1.0), (102, 2.0)].into_iter().enumerate() {
        let version = version as u64;
        let after = rated(version + 1, starts);
        store
            .replace_line(line_id(), version, &after)
            .await
            .unwrap();
        assert_eq!(emulator.write_units()["table"], units, "{starts} starts");
    }
}

#[tokio::test]
async fn a_line_is_no_task() {
    let store = Emulator::default().store().await;
    store.replace_line(line_id(), 0, &line(1, 1)).await.unwrap();
    let as_task = taskmill::ids::TaskId::new(line_id().uuid());
    assert_eq!(store.task(as_task).await.unwrap(), None);
    assert_eq!(store.task(task_id(1)).await.unwrap(), None);
}
