//! Schedules: their format, their versions, and where they are found.

use serde_json::{Value, json};
use taskmill::schedule::{Schedule, ScheduleStatus, Timetable};
use taskmill::security::Caller;
use taskmill::workflow::WorkflowInstance;
use taskmill_aws::queues::Record;
use taskmill_aws::store::{Created, Due, DueTable, PageRequest, Store};

use crate::samples::{at, tenant, workflow};
use crate::support::Emulator;

const HOUR: u64 = 60 * 60 * 1000;

/// An hourly schedule of this name, that was defined so many hours after the beginning.
fn schedule(name: &str, hours: u64) -> Schedule {
    let document = json!({"id": name, "workflowDefinitionId": "report", "cron": "0 * * * *"});
    let definition = taskmill::registration::read_schedule(&document).unwrap();
    let timetable = Timetable::new("0 * * * *", "UTC").unwrap();
    let ann = Caller {
        tenant_id: tenant("acme"),
        user_id: "ann".to_owned(),
        roles: Vec::new(),
        permissions: vec!["read".to_owned()],
        environment_id: None,
    };
    Schedule::new(definition, &timetable, ann, at(hours * HOUR))
}

async fn due(store: &Store) -> Vec<Record> {
    let far = at(9_999 * HOUR);
    let found = store.due(DueTable::Workflows, 0, far, 10).await.unwrap();
    found.into_iter().map(|due| due.id).collect()
}

#[tokio::test]
async fn schedules_are_stored_as_ever() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let schedule = schedule("nightly", 0);
    store.create_schedule(&schedule).await.unwrap();
    let calls = emulator.calls();
    let put = calls.iter().find(|call| call.operation == "PutItem");
    let mut item = put.unwrap().request["Item"].clone();
    let document: Value = serde_json::from_str(item["b"]["S"].as_str().unwrap()).unwrap();
    item["b"] = Value::Null;
    let next = schedule.next_at.unwrap().millis().to_string();
    let made = schedule.created_at.millis().to_string();
    let expected = json!({
        "id": item["id"],
        "part": {"S": "schedule"},
        "v": {"N": "1"},
        "b": null,
        "sb": {"S": format!("{}#SCHEDULE#0", tenant("acme"))},
        "at": {"N": made},
        "ds": {"N": "0"},
        "da": {"N": next},
    });
    assert_eq!(item, expected);
    let expected = json!({
        "id": schedule.id,
        "definition": {"id": "nightly", "workflowDefinitionId": "report", "cron": "0 * * * *"},
        "status": "ACTIVE",
        "owner": {"tenantId": tenant("acme"), "userId": "ann", "roles": [], "permissions": ["read"]},
        "nextAt": schedule.next_at,
        "version": 1,
        "createdAt": schedule.created_at,
        "updatedAt": schedule.updated_at,
    });
    assert_eq!(document, expected);
    assert_eq!(store.schedule(schedule.id).await.unwrap(), Some(schedule));
}

#[tokio::test]
async fn a_schedule_is_made_once_and_replaced_version_by_version() {
    let store = Emulator::default().store().await;
    let first = schedule("nightly", 0);
    assert_eq!(store.create_schedule(&first).await.unwrap(), Created::New);
    let other = schedule("nightly", 1);
    assert_eq!(
        store.create_schedule(&other).await.unwrap(),
        Created::Exists
    );
    let paused = first.paused(at(2)).unwrap().unwrap();
    store.replace_schedule(&paused).await.unwrap();
    let late = first.deleted(at(3));
    let lost = store.replace_schedule(&late).await;
    assert!(lost.unwrap_err().is_version_conflict());
    assert_eq!(store.schedule(first.id).await.unwrap(), Some(paused));
}

#[tokio::test(start_paused = true)]
async fn a_write_of_a_schedule_whose_answer_was_lost_is_known_for_our_own() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let first = schedule("nightly", 0);
    store.create_schedule(&first).await.unwrap();
    emulator.lose_answer_of("PutItem");
    store.replace_schedule(&first.deleted(at(3))).await.unwrap();
}

#[tokio::test]
async fn what_is_due_of_the_table_of_workflows_is_told_by_its_kind() {
    let store = Emulator::default().store().await;
    let started = WorkflowInstance {
        due_at: Some(at(5)),
        ..workflow(1)
    };
    store.create_workflow(&started).await.unwrap();
    let nightly = schedule("nightly", 0);
    store.create_schedule(&nightly).await.unwrap();
    let (one, other) = (Record::Workflow(started.id), Record::Schedule(nightly.id));
    assert_eq!(due(&store).await, [one, other]);
    let workflows = store.every_due_workflow().await.unwrap();
    assert_eq!(workflows.len(), 1, "a schedule is no workflow");
    assert_eq!(store.every_due_bulk().await.unwrap(), []);
    let first = Due {
        id: one,
        due_at: at(5),
    };
    let rest = store.due_after(DueTable::Workflows, 0, first, at(9_999 * HOUR), 10);
    let rest = rest.await.unwrap();
    assert_eq!(rest.iter().map(|due| due.id).collect::<Vec<_>>(), [other]);

    let to = at(99 * HOUR);
    store.postpone(rest[0], to).await.unwrap();
    let far = store.due(DueTable::Workflows, 0, to, 10).await.unwrap();
    assert_eq!(
        far.last().map(|due| (due.id, due.due_at)),
        Some((other, to))
    );

    let paused = nightly.paused(at(2)).unwrap().unwrap();
    store.replace_schedule(&paused).await.unwrap();
    assert_eq!(due(&store).await, [one]);
}

#[tokio::test]
async fn a_deleted_schedule_is_listed_no_more_and_forgotten_after_a_while() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let (first, second) = (schedule("first", 0), schedule("second", 1));
    for one in [&first, &second] {
        store.create_schedule(one).await.unwrap();
    }
    let page = async |request| store.schedules(&tenant("acme"), &request).await.unwrap();
    let newest = page(PageRequest::first(1)).await;
    assert_eq!(newest.items, std::slice::from_ref(&second));
    let next = PageRequest::after(1, newest.next.unwrap());
    assert_eq!(page(next).await.items, std::slice::from_ref(&first));
    emulator.calls();
    let deleted = first.deleted(at(7));
    assert_eq!(deleted.status, ScheduleStatus::Deleted);
    store.replace_schedule(&deleted).await.unwrap();
    let put = emulator.calls().pop().unwrap().request["Item"].clone();
    let forgotten = at(7).plus_millis(30 * 24 * HOUR).epoch_seconds();
    assert_eq!(put["ttl"]["N"], forgotten.to_string());
    assert_eq!((&put["sb"], &put["da"]), (&Value::Null, &Value::Null));
    let all = page(PageRequest::first(9)).await;
    assert_eq!(all.items, [second]);
}
