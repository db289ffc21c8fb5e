//! Inboxes: in whose a task stands, in which order, page by page, and what that costs. What is left
//! in one after a race or a death is in `mending.rs`.

use serde_json::json;
use taskmill::task::assignment::Handling;
use taskmill::task::{TaskInstance, TaskPriority, TaskStatus};
use taskmill_aws::store::{Error, Inbox, InboxEntry, InboxFilter, Page, PageRequest, Store};

use crate::people::{delegated_task, open_task, with};
use crate::samples::{at, completed, lone_task, step_task, tenant, workflow_id};
use crate::support::Emulator;

/// Every inbox of the tests.
const ALL: [Inbox<'static>; 9] = [
    Inbox::Assignee("ann"),
    Inbox::Assignee("bob"),
    Inbox::User("ann"),
    Inbox::User("bob"),
    Inbox::User("heads"),
    Inbox::Group("clerks"),
    Inbox::Group("heads"),
    Inbox::Group("ann"),
    Inbox::Everybody,
];

/// A page of what stands in these inboxes of a tenant.
async fn page_of(
    store: &Store,
    of: &str,
    inboxes: &[Inbox<'_>],
    filter: &InboxFilter,
    request: &PageRequest,
) -> Result<Page<InboxEntry>, Error> {
    store.inbox(&tenant(of), inboxes, filter, request).await
}

/// What stands in these inboxes, on pages of this size.
async fn listed_by(
    store: &Store,
    inboxes: &[Inbox<'_>],
    filter: InboxFilter,
    limit: usize,
) -> Vec<InboxEntry> {
    let mut request = PageRequest::first(limit);
    let mut all = Vec::new();
    loop {
        let page = page_of(store, "acme", inboxes, &filter, &request).await;
        let page = page.unwrap();
        assert!(page.items.len() <= limit);
        all.extend(page.items);
        match page.next {
            Some(next) => request = PageRequest::after(limit, next),
            None => return all,
        }
    }
}

async fn listed(store: &Store, inboxes: &[Inbox<'_>]) -> Vec<InboxEntry> {
    listed_by(store, inboxes, InboxFilter::default(), 100).await
}

/// The inboxes in which there is anything.
pub async fn filled(store: &Store) -> Vec<Inbox<'static>> {
    let mut filled = Vec::new();
    for inbox in ALL {
        if !listed(store, &[inbox]).await.is_empty() {
            filled.push(inbox);
        }
    }
    filled
}

/// The inboxes of those who may claim [`open_task`].
pub const CANDIDATES: [Inbox<'static>; 3] = [
    Inbox::User("ann"),
    Inbox::User("bob"),
    Inbox::Group("clerks"),
];

#[tokio::test]
async fn a_task_stands_in_the_inbox_of_whoever_has_it_and_else_of_whoever_may_claim_it() {
    let store = Emulator::default().store().await;
    let task = open_task(1);
    store.create_task(&task).await.unwrap();
    assert_eq!(filled(&store).await, CANDIDATES);
    let claimed = with(&task, Some("ann"));
    store.replace_task(&task, &claimed).await.unwrap();
    assert_eq!(filled(&store).await, [Inbox::Assignee("ann")]);
    let assigned = with(&claimed, Some("bob"));
    store.replace_task(&claimed, &assigned).await.unwrap();
    assert_eq!(filled(&store).await, [Inbox::Assignee("bob")]);
    let released = with(&assigned, None);
    store.replace_task(&assigned, &released).await.unwrap();
    assert_eq!(filled(&store).await, CANDIDATES);
    let done = completed(&released, json!(1));
    store.replace_task(&released, &done).await.unwrap();
    assert_eq!(filled(&store).await, []);
}

#[tokio::test]
async fn a_task_of_nobody_named_stands_in_everybodys_inbox_and_one_of_no_person_in_none() {
    let store = Emulator::default().store().await;
    store.create_task(&lone_task(1)).await.unwrap();
    let of_step = step_task(2, workflow_id(1));
    store.create_task(&of_step).await.unwrap();
    assert_eq!(filled(&store).await, []);
    let task = TaskInstance {
        handling: Some(Handling::default()),
        ..open_task(3)
    };
    store.create_task(&task).await.unwrap();
    assert_eq!(filled(&store).await, [Inbox::Everybody]);
    let claimed = with(&task, Some("bob"));
    store.replace_task(&task, &claimed).await.unwrap();
    assert_eq!(filled(&store).await, [Inbox::Assignee("bob")]);
}

#[tokio::test]
async fn an_overdue_task_stands_where_it_was_escalated_to_whoever_has_it() {
    let store = Emulator::default().store().await;
    let task = open_task(1);
    store.create_task(&task).await.unwrap();
    let overdue = TaskInstance {
        handling: task.handling.clone().map(|people| Handling {
            overdue_since: Some(at(1)),
            ..people
        }),
        ..with(&task, None)
    };
    store.replace_task(&task, &overdue).await.unwrap();
    let [ann, bob, clerks] = CANDIDATES;
    let heads = [Inbox::User("heads"), Inbox::Group("heads")];
    assert_eq!(filled(&store).await, [ann, bob, heads[0], clerks, heads[1]]);
    let claimed = with(&overdue, Some("ann"));
    store.replace_task(&overdue, &claimed).await.unwrap();
    assert_eq!(
        filled(&store).await,
        [Inbox::Assignee("ann"), heads[0], heads[1]]
    );
    let seen = listed(&store, &heads).await;
    assert_eq!(seen.len(), 1, "in two of one's inboxes it is shown once");
    assert_eq!(seen[0].assignee.as_deref(), Some("ann"));
    assert_eq!(seen[0].status, TaskStatus::Assigned);
    let done = completed(&claimed, json!(1));
    store.replace_task(&claimed, &done).await.unwrap();
    assert_eq!(filled(&store).await, []);
}

#[tokio::test]
async fn an_entry_shows_what_a_list_needs() {
    let store = Emulator::default().store().await;
    let task = delegated_task(1);
    store.create_task(&task).await.unwrap();
    let open = TaskInstance {
        last_act: None,
        ..with(&delegated_task(2), None)
    };
    store.create_task(&open).await.unwrap();
    let shown = |inbox| {
        let store = store.clone();
        async move { serde_json::to_value(&listed(&store, &[inbox]).await).unwrap() }
    };
    let mut expected = json!({
        "id": task.id,
        "taskDefinitionId": "checksum",
        "taskDefinitionVersion": "1.2.0",
        "workflowInstanceId": workflow_id(1),
        "workflowDefinitionId": "intake",
        "taskPath": "checksum",
        "status": "RUNNING",
        "priority": "HIGH",
        "taskReference": "Müller GmbH",
        "assignee": "bob",
        "dueDate": at(2_000),
        "putOffUntil": at(90_000),
        "createdAt": at(0),
    });
    assert_eq!(shown(Inbox::Assignee("bob")).await, json!([expected]));
    expected["id"] = json!(open.id);
    expected["status"] = json!("PENDING");
    let fields = expected.as_object_mut().unwrap();
    fields.retain(|name, _| name != "assignee" && name != "putOffUntil");
    assert_eq!(shown(Inbox::Group("clerks")).await, json!([expected]));
}

/// Tasks of ann's and of her group, of every status, priority and due date.
async fn with_tasks(store: &Store) {
    let mut number = 0;
    for (status, assignee) in [
        (TaskStatus::Pending, None),
        (TaskStatus::Assigned, Some("ann")),
        (TaskStatus::Running, Some("ann")),
    ] {
        for priority in [
            TaskPriority::Low,
            TaskPriority::Medium,
            TaskPriority::High,
            TaskPriority::Critical,
        ] {
            for due in [None, Some(9_000), Some(700), Some(80_000)] {
                number += 1;
                let task = open_task(number);
                let handling = Handling {
                    due_date: due.map(at),
                    ..task.handling.clone().unwrap()
                };
                let task = TaskInstance {
                    status,
                    priority,
                    assignee: assignee.map(str::to_owned),
                    handling: Some(handling),
                    created_at: at(u64::try_from(100 - number).unwrap()),
                    ..task
                };
                store.create_task(&task).await.unwrap();
            }
        }
    }
}

const ANNS: [Inbox<'static>; 4] = [
    Inbox::Assignee("ann"),
    Inbox::User("ann"),
    Inbox::Group("clerks"),
    Inbox::Everybody,
];

#[tokio::test]
async fn the_urgent_come_first_then_what_is_due_soonest_then_the_oldest_whatever_the_page() {
    let store = Emulator::default().store().await;
    with_tasks(&store).await;
    let all = listed(&store, &ANNS).await;
    assert_eq!(all.len(), 48, "each is shown once");
    let order = |entry: &InboxEntry| {
        let due = entry.due_date.map_or(i64::MAX, |due| due.millis());
        (std::cmp::Reverse(entry.priority), due, entry.created_at)
    };
    assert!(all.is_sorted_by_key(order), "{all:?}");
    for limit in [1, 7, 48, 1_000] {
        let paged = listed_by(&store, &ANNS, InboxFilter::default(), limit).await;
        assert_eq!(paged, all, "{limit} a page");
    }
}

async fn check_filter(store: &Store, filter: InboxFilter, passes: impl Fn(&InboxEntry) -> bool) {
    let mut expected = listed(store, &ANNS).await;
    expected.retain(passes);
    for limit in [2, 100] {
        let found = listed_by(store, &ANNS, filter, limit).await;
        assert_eq!(found, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn an_inbox_is_listed_by_status_priority_and_due_date() {
    let store = Emulator::default().store().await;
    with_tasks(&store).await;
    let all = InboxFilter::default();
    for status in TaskStatus::ALL {
        let filter = InboxFilter {
            status: Some(status),
            ..all
        };
        check_filter(&store, filter, |entry| entry.status == status).await;
        let filter = InboxFilter {
            due_before: Some(at(9_000)),
            ..filter
        };
        let is_due = |entry: &InboxEntry| entry.due_date == Some(at(700));
        check_filter(&store, filter, |entry| {
            entry.status == status && is_due(entry)
        })
        .await;
        let filter = InboxFilter {
            priority: Some(TaskPriority::High),
            ..filter
        };
        let is_high = |entry: &InboxEntry| entry.priority == TaskPriority::High;
        let all_of_it =
            |entry: &InboxEntry| entry.status == status && is_due(entry) && is_high(entry);
        check_filter(&store, filter, all_of_it).await;
    }
    let filter = InboxFilter {
        priority: Some(TaskPriority::Low),
        ..all
    };
    check_filter(&store, filter, |entry| entry.priority == TaskPriority::Low).await;
}

#[tokio::test]
async fn a_filter_of_one_status_and_inbox_is_one_query() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    with_tasks(&store).await;
    let filter = InboxFilter {
        status: Some(TaskStatus::Assigned),
        priority: Some(TaskPriority::High),
        due_before: Some(at(100_000)),
        visible_at: Some(at(0)),
    };
    emulator.calls();
    let request = PageRequest::first(9);
    let found = page_of(&store, "acme", &ANNS[..1], &filter, &request).await;
    assert_eq!(found.unwrap().items.len(), 3);
    let asked: Vec<_> = emulator.calls();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].operation, "Query");
}

#[tokio::test]
async fn what_is_put_off_is_not_shown_before_its_time() {
    let store = Emulator::default().store().await;
    for number in 1..=9 {
        let task = with(&open_task(number), Some("ann"));
        let until = (number % 3 == 0).then(|| at(90_000));
        let handling = Handling {
            put_off_until: until,
            ..task.handling.clone().unwrap()
        };
        let task = TaskInstance {
            handling: Some(handling),
            ..task
        };
        store.create_task(&task).await.unwrap();
    }
    for (visible_at, expected) in [(None, 9), (Some(at(89_999)), 6), (Some(at(90_000)), 9)] {
        let filter = InboxFilter {
            visible_at,
            ..InboxFilter::default()
        };
        for limit in [1, 2, 50] {
            let found = listed_by(&store, &ANNS, filter, limit).await;
            assert_eq!(found.len(), expected, "{visible_at:?}");
        }
    }
}

#[tokio::test]
async fn an_inbox_is_of_its_tenant_and_a_cursor_of_its_list() {
    let store = Emulator::default().store().await;
    with_tasks(&store).await;
    let (filter, first) = (InboxFilter::default(), PageRequest::first(1));
    for other in ["acm", "acme2", "umbrella"] {
        let found = page_of(&store, other, &ANNS, &filter, &first).await;
        assert_eq!(found.unwrap().items, []);
    }
    let page = page_of(&store, "acme", &ANNS, &filter, &first).await;
    let next = page.unwrap().next.unwrap();
    let again = PageRequest::after(1, next);
    for (of, inboxes) in [("acm", &ANNS[..]), ("acme", &ANNS[..1])] {
        let refused = page_of(&store, of, inboxes, &filter, &again).await;
        assert!(matches!(refused, Err(Error::BadCursor(_))));
    }
    // A name cannot reach into another kind of inbox, nor a tenant into another's.
    for inbox in [
        Inbox::User("x#g#clerks"),
        Inbox::Group(""),
        Inbox::Assignee("*"),
    ] {
        assert_eq!(listed(&store, &[inbox]).await, []);
    }
}

#[tokio::test]
async fn an_inbox_costs_two_units_a_candidate_and_nothing_where_nobody_is_asked() {
    let emulator = Emulator::default();
    let store = emulator.store().await;
    let check = |what: &str, table: f64, index: f64| {
        let units = emulator.write_units();
        let found = (units["table"], units.get("assignee-index").copied());
        assert_eq!(found, (table, (index > 0.0).then_some(index)), "{what}");
    };
    let task = open_task(1);
    store.create_task(&task).await.unwrap();
    check("three candidates", 4.0, 3.0);
    let claimed = with(&task, Some("ann"));
    store.replace_task(&task, &claimed).await.unwrap();
    check("the claim takes them out", 4.0, 4.0);
    store
        .replace_task(&claimed, &completed(&claimed, json!(1)))
        .await
        .unwrap();
    check("the end", 1.0, 1.0);
    store.create_task(&lone_task(2)).await.unwrap();
    check("a program's task", 1.0, 0.0);
}
