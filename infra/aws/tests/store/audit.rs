//! What people did with a task: kept whole and in order, whoever else wrote, for as long as the
//! task itself.

use serde_json::json;
use taskmill::security::Caller;
use taskmill::task::TaskInstance;
use taskmill::task::audit::{Deed, Entry};
use taskmill::task::lifecycle::{Act, PersonsAct};
use taskmill_aws::store::Store;

use crate::people::open_task;
use crate::samples::{at, completed, lone_task};
use crate::support::Emulator;

/// The next version of a task, in which somebody said something.
fn said(task: &TaskInstance, by: &str, text: &str) -> TaskInstance {
    let caller = json!({ "tenantId": "acme", "userId": by });
    let persons = PersonsAct {
        by: serde_json::from_value::<Caller>(caller).unwrap(),
        act: Act::Comment {
            text: text.to_owned(),
        },
    };
    let last = task.last_act.as_ref();
    TaskInstance {
        last_act: Some(Entry::following(task.id, last, &persons, at(9))),
        version: task.version + 1,
        ..task.clone()
    }
}

async fn told(store: &Store, task: &TaskInstance, most: usize) -> Vec<String> {
    let entries = store.audit(task, most).await.unwrap();
    let text = |entry: Entry| match entry.deed {
        Deed::Comment { text } => format!("{} {}: {text}", entry.number, entry.by),
        other => panic!("nobody did {other:?}"),
    };
    entries.into_iter().map(text).collect()
}

#[tokio::test]
async fn every_act_is_told_in_its_order_and_that_of_a_loser_is_not() {
    let store = Emulator::default().store().await;
    let first = open_task(1);
    store.create_task(&first).await.unwrap();
    assert_eq!(told(&store, &first, 9).await, [""; 0]);
    let second = said(&first, "ann", "one");
    store.replace_task(&first, &second).await.unwrap();
    let lost = store
        .replace_task(&first, &said(&first, "eve", "lost"))
        .await;
    assert!(lost.unwrap_err().is_version_conflict());
    let third = said(&second, "bob", "two");
    store.replace_task(&second, &third).await.unwrap();
    let lost = store
        .replace_task(&second, &said(&second, "eve", "lost"))
        .await;
    assert!(lost.unwrap_err().is_version_conflict());
    // A change that is no person's leaves it as it is.
    let fourth = TaskInstance {
        version: third.version + 1,
        ..third.clone()
    };
    store.replace_task(&third, &fourth).await.unwrap();
    let fifth = said(&fourth, "ann", "three");
    store.replace_task(&fourth, &fifth).await.unwrap();
    let loaded = store.task(fifth.id).await.unwrap().unwrap();
    assert_eq!(loaded, fifth);
    let all = ["1 ann: one", "2 bob: two", "3 ann: three"];
    assert_eq!(told(&store, &loaded, 9).await, all);
    assert_eq!(told(&store, &loaded, 2).await, all[1..]);
    // Whoever loaded it before sees what was true then.
    assert_eq!(told(&store, &third, 9).await, all[..2]);
}

#[tokio::test]
async fn reading_a_task_reads_none_of_its_acts() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let mut task = open_task(1);
    task.input = json!("x".repeat(2_000));
    store.create_task(&task).await.unwrap();
    for number in 0..20 {
        let next = said(&task, "ann", &number.to_string());
        store.replace_task(&task, &next).await.unwrap();
        task = next;
    }
    emulator.calls();
    assert_eq!(store.task(task.id).await.unwrap(), Some(task));
    let calls = emulator.calls();
    assert_eq!(calls.len(), 1, "the head and its part come in one query");
    assert_eq!(calls[0].response["Count"], 2);
}

#[tokio::test]
async fn what_was_done_is_kept_for_as_long_as_the_task() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let task = open_task(1);
    store.create_task(&task).await.unwrap();
    let first = said(&task, "ann", "one");
    store.replace_task(&task, &first).await.unwrap();
    let second = said(&first, "ann", "two");
    store.replace_task(&first, &second).await.unwrap();
    emulator.calls();
    // It ends, and is kept for ten years.
    let years = 10 * 365 * 24 * 60 * 60 * 1000;
    let mut done = completed(&second, json!(1));
    done.expires_at = Some(at(years));
    store.replace_task(&second, &done).await.unwrap();
    let calls = emulator.calls().into_iter();
    let puts = calls.filter(|call| call.operation == "PutItem");
    let entries = puts.map(|call| call.request["Item"].clone());
    let entries = entries.filter(|item| item["part"]["S"].as_str().unwrap().starts_with("a#"));
    let expiries: Vec<_> = entries.map(|item| item["ttl"]["N"].clone()).collect();
    let expected = json!(at(years).epoch_seconds().to_string());
    assert_eq!(expiries, [expected.clone(), expected]);
    assert_eq!(told(&store, &done, 9).await, ["1 ann: one", "2 ann: two"]);
}

#[tokio::test]
async fn an_act_costs_a_unit_and_a_programs_task_none() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let task = open_task(1);
    store.create_task(&task).await.unwrap();
    emulator.calls();
    store
        .replace_task(&task, &said(&task, "ann", "one"))
        .await
        .unwrap();
    assert_eq!(emulator.write_units()["table"], 2.0);
    let task = lone_task(2);
    store.create_task(&task).await.unwrap();
    emulator.calls();
    store
        .replace_task(&task, &completed(&task, json!(1)))
        .await
        .unwrap();
    assert_eq!(emulator.write_units()["table"], 1.0);
}
