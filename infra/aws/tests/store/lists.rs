//! Lists: what they find, in which order, page by page, and what a cursor cannot do.

use serde_json::json;
use taskmill::ids::TenantId;
use taskmill::task::{TaskInstance, TaskStatus, TaskType};
use taskmill::workflow::{WorkflowInstance, WorkflowStatus};
use taskmill_aws::store::{DateRange, Error, Page, PageRequest, Store, TaskFilter};
use taskmill_aws::tables::Shards;

use crate::samples::{
    at, completed, definition, ended, lone_task, step_task, task_id, tenant, workflow, workflow_id,
};
use crate::support::Emulator;

pub const HOUR: u64 = 60 * 60 * 1000;

fn all_time() -> DateRange {
    DateRange::last_days(at(5 * 24 * HOUR), 10)
}

/// Tasks that were created an hour apart, every third of them done.
pub async fn with_tasks(emulator: &Emulator, shards: Shards, count: u128) -> Store {
    let store = emulator.store_with(shards).await;
    for number in 0..count {
        let hours = u64::try_from(number).unwrap();
        let task = TaskInstance {
            created_at: at(hours * HOUR),
            due_at: Some(at((100 - hours) * HOUR)),
            task_type: if number % 2 == 0 {
                TaskType::Automated
            } else {
                TaskType::Integration
            },
            ..lone_task(number)
        };
        store.create_task(&task).await.unwrap();
        if number % 3 == 0 {
            store
                .replace_task(&task, &completed(&task, json!(1)))
                .await
                .unwrap();
        }
    }
    store
}

/// The numbers of the tasks on all pages.
async fn numbers(
    store: &Store,
    tenant: &TenantId,
    status: TaskStatus,
    filter: &TaskFilter,
    range: DateRange,
    limit: usize,
) -> Vec<u128> {
    let mut request = PageRequest::first(limit);
    let mut all = Vec::new();
    loop {
        let page = store
            .tasks_by_status(tenant, status, filter, range, &request)
            .await
            .unwrap();
        assert!(page.items.len() <= limit);
        assert!(page.items.iter().all(|task| task.status == status));
        all.extend(
            page.items
                .iter()
                .map(|task| task.id.uuid().as_u128() & 0xffff),
        );
        match page.next {
            Some(next) => request = PageRequest::after(limit, next),
            None => return all,
        }
    }
}

#[tokio::test]
async fn tasks_are_listed_by_status_newest_first_whatever_the_page() {
    let store = with_tasks(&Emulator::default(), Shards::default(), 50).await;
    let acme = tenant("acme");
    let none = TaskFilter::default();
    let done: Vec<u128> = (0..50).rev().filter(|n| n % 3 == 0).collect();
    let open: Vec<u128> = (0..50).rev().filter(|n| n % 3 != 0).collect();
    for limit in [1, 7, 1_000] {
        let listed = numbers(
            &store,
            &acme,
            TaskStatus::Completed,
            &none,
            all_time(),
            limit,
        )
        .await;
        assert_eq!(listed, done);
        let listed = numbers(&store, &acme, TaskStatus::Pending, &none, all_time(), limit).await;
        assert_eq!(listed, open);
    }
    let range = DateRange {
        from: at(9 * HOUR),
        to: at(30 * HOUR),
    };
    let listed = numbers(&store, &acme, TaskStatus::Completed, &none, range, 3).await;
    assert_eq!(listed, [27, 24, 21, 18, 15, 12, 9]);
    let nothing = DateRange {
        from: at(30 * HOUR),
        to: at(30 * HOUR),
    };
    for status in TaskStatus::ALL {
        assert!(
            numbers(&store, &acme, status, &none, nothing, 3)
                .await
                .is_empty()
        );
    }
    let other = tenant("acm");
    for status in TaskStatus::ALL {
        assert!(
            numbers(&store, &other, status, &none, all_time(), 9)
                .await
                .is_empty()
        );
    }
}

#[tokio::test]
async fn tasks_of_every_shard_are_listed_once() {
    let emulator = Emulator::default();
    // The shards were raised after some records were written.
    with_tasks(&emulator, Shards { status: 2, due: 2 }, 20).await;
    let shards = Shards { status: 5, due: 5 };
    let store = emulator.store_with(shards).await;
    let (acme, none) = (tenant("acme"), TaskFilter::default());
    for limit in [1, 4, 100] {
        let status = TaskStatus::Pending;
        let mut listed = numbers(&store, &acme, status, &none, all_time(), limit).await;
        listed.sort_unstable();
        assert_eq!(listed, (0..20).filter(|n| n % 3 != 0).collect::<Vec<_>>());
    }
    assert_eq!(store.every_due_task().await.unwrap().len(), 13);
}

#[tokio::test]
async fn filters_hold_together() {
    let store = with_tasks(&Emulator::default(), Shards::default(), 20).await;
    for (number, name) in [(30, "checksum"), (31, "checksum-2")] {
        let task = TaskInstance {
            task_definition_id: definition(name),
            ..step_task(number, workflow_id(1))
        };
        store.create_task(&task).await.unwrap();
    }
    let by_definition = |name| TaskFilter {
        definition: Some(definition(name)),
        ..TaskFilter::default()
    };
    let by_workflow = |name| TaskFilter {
        workflow_definition: Some(definition(name)),
        ..TaskFilter::default()
    };
    let cases = [
        (by_definition("checksum-2"), vec![31]),
        (by_definition("check"), vec![]),
        (by_workflow("intake"), vec![30, 31]),
        (
            TaskFilter {
                definition: Some(definition("checksum")),
                ..by_workflow("intake")
            },
            vec![30],
        ),
        (
            TaskFilter {
                task_type: Some(TaskType::Integration),
                ..by_definition("checksum")
            },
            vec![1, 5, 7, 11, 13, 17, 19],
        ),
        (
            TaskFilter {
                task_type: Some(TaskType::Manual),
                ..TaskFilter::default()
            },
            vec![],
        ),
    ];
    for (filter, expected) in cases {
        for limit in [1, 50] {
            let (acme, status) = (tenant("acme"), TaskStatus::Pending);
            let mut listed = numbers(&store, &acme, status, &filter, all_time(), limit).await;
            listed.sort_unstable();
            assert_eq!(listed, expected, "{filter:?}");
        }
    }
}

#[tokio::test]
async fn a_workflows_tasks_are_listed_all_or_by_status_for_its_tenant_alone() {
    let store = Emulator::default().store().await;
    for number in 0..9 {
        let hours = u64::try_from(number).unwrap();
        let task = TaskInstance {
            created_at: at(hours * HOUR),
            ..step_task(number, workflow_id(number % 2))
        };
        store.create_task(&task).await.unwrap();
        if number > 4 {
            store
                .replace_task(&task, &completed(&task, json!(1)))
                .await
                .unwrap();
        }
    }
    let (acme, id) = (tenant("acme"), workflow_id(0));
    let ids = |page: Page<taskmill_aws::store::TaskSummary>| -> Vec<_> {
        page.items.iter().map(|task| task.id).collect()
    };
    let request = PageRequest::first(100);
    let all = store.tasks_of_workflow(&acme, id, &request).await.unwrap();
    assert_eq!(all.items[0].task_path.as_deref(), Some("checksum"));
    assert_eq!(ids(all), [6, 8, 0, 2, 4].map(task_id));
    for (status, expected) in [
        (TaskStatus::Completed, vec![task_id(6), task_id(8)]),
        (TaskStatus::Pending, [0, 2, 4].map(task_id).to_vec()),
        (TaskStatus::Failed, vec![]),
    ] {
        let page = store
            .tasks_of_workflow_by_status(&acme, id, status, &request)
            .await
            .unwrap();
        assert_eq!(ids(page), expected);
    }
    let mut paged = Vec::new();
    let mut request = PageRequest::first(2);
    loop {
        let page = store.tasks_of_workflow(&acme, id, &request).await.unwrap();
        let next = page.next.clone();
        paged.extend(ids(page));
        let Some(next) = next else { break };
        request = PageRequest::after(2, next);
    }
    assert_eq!(paged, [6, 8, 0, 2, 4].map(task_id));
    for other in ["acm", "acme2"] {
        let page = store
            .tasks_of_workflow(&tenant(other), id, &PageRequest::first(9))
            .await;
        assert_eq!(page.unwrap().items, []);
    }
}

#[tokio::test]
async fn workflows_are_listed_by_status_and_by_definition_as_they_are_now() {
    let store = Emulator::default().store().await;
    for number in 0..6 {
        let hours = u64::try_from(number).unwrap();
        let name = if number % 2 == 0 { "intake" } else { "order" };
        let started = WorkflowInstance {
            created_at: at(hours * HOUR),
            workflow_definition_id: definition(name),
            ..workflow(number)
        };
        store.create_workflow(&started).await.unwrap();
        if number > 3 {
            store
                .replace_workflow(&started, &ended(&started))
                .await
                .unwrap();
        }
    }
    let acme = tenant("acme");
    let request = PageRequest::first(10);
    for (status, expected) in [
        (WorkflowStatus::Running, vec![3, 2, 1, 0]),
        (WorkflowStatus::Completed, vec![5, 4]),
        (WorkflowStatus::Failed, vec![]),
    ] {
        let page = store
            .workflows_by_status(&acme, status, all_time(), &request)
            .await
            .unwrap();
        let ids: Vec<_> = page.items.iter().map(|workflow| workflow.id).collect();
        assert_eq!(
            ids,
            expected.into_iter().map(workflow_id).collect::<Vec<_>>()
        );
    }
    let mut request = PageRequest::first(2);
    let intake = definition("intake");
    let page = store
        .workflows_by_definition(&acme, &intake, all_time(), &request)
        .await
        .unwrap();
    let found: Vec<_> = page.items.iter().map(|w| (w.id, w.status)).collect();
    let expected = [(4, WorkflowStatus::Completed), (2, WorkflowStatus::Running)];
    assert_eq!(
        found,
        expected.map(|(number, status)| (workflow_id(number), status))
    );
    request = PageRequest::after(2, page.next.unwrap());
    let page = store
        .workflows_by_definition(&acme, &intake, all_time(), &request)
        .await
        .unwrap();
    assert_eq!(
        page.items.iter().map(|w| w.id).collect::<Vec<_>>(),
        [workflow_id(0)]
    );
    let other = tenant("other");
    let request = PageRequest::first(2);
    let page = store
        .workflows_by_definition(&other, &intake, all_time(), &request)
        .await
        .unwrap();
    assert_eq!(page.items, []);
}

#[tokio::test]
async fn a_cursor_serves_the_list_that_gave_it_alone() {
    let store = with_tasks(&Emulator::default(), Shards::default(), 9).await;
    let (acme, none, status) = (tenant("acme"), TaskFilter::default(), TaskStatus::Pending);
    let first = PageRequest::first(2);
    let page = store
        .tasks_by_status(&acme, status, &none, all_time(), &first)
        .await
        .unwrap();
    let cursor = page.next.unwrap();
    let after = |cursor: &str| PageRequest::after(2, cursor);
    let refused = |result: Result<Page<_>, Error>| {
        let error = result
            .map(|page: Page<taskmill_aws::store::TaskSummary>| page)
            .unwrap_err();
        assert_eq!(error.code(), Some("MALFORMED"), "{error}");
    };
    let next = after(&cursor);
    let other = tenant("other");
    refused(
        store
            .tasks_by_status(&other, status, &none, all_time(), &next)
            .await,
    );
    refused(
        store
            .tasks_by_status(&acme, TaskStatus::Running, &none, all_time(), &next)
            .await,
    );
    refused(store.tasks_of_workflow(&acme, workflow_id(1), &next).await);
    refused(
        store
            .tasks_by_status(&acme, status, &none, all_time(), &after("x"))
            .await,
    );
    let narrow = DateRange {
        from: at(0),
        to: at(HOUR),
    };
    refused(
        store
            .tasks_by_status(&acme, status, &none, narrow, &next)
            .await,
    );

    // Forged: it goes beyond the range, and names a partition, in vain.
    let forge = |edit: &dyn Fn(&mut serde_json::Value)| {
        let json = aws_smithy_types::base64::decode(
            cursor.replace('-', "+").replace('_', "/") + &"=".repeat((4 - cursor.len() % 4) % 4),
        );
        let mut json = serde_json::from_slice(&json.unwrap()).unwrap();
        edit(&mut json);
        let text = aws_smithy_types::base64::encode(json.to_string());
        text.trim_end_matches('=')
            .replace('+', "-")
            .replace('/', "_")
    };
    let unchanged = forge(&|_| {});
    assert_eq!(unchanged, cursor);
    let forgeries = [
        ("/k/s", json!("99999999999999")),
        ("/k/s", json!("other#PENDING#0")),
        (
            "/k",
            json!({ "s": "1", "i": task_id(1), "sb": "other#PENDING#0" }),
        ),
        ("/k/i", json!(7)),
        ("/p", json!(-1)),
    ];
    for (pointer, value) in forgeries {
        let forged = after(&forge(&|json| {
            *json.pointer_mut(pointer).unwrap() = value.clone()
        }));
        refused(
            store
                .tasks_by_status(&acme, status, &none, all_time(), &forged)
                .await,
        );
    }
    let beyond = after(&forge(&|json| json["p"] = json!(9)));
    let page = store
        .tasks_by_status(&acme, status, &none, all_time(), &beyond)
        .await
        .unwrap();
    assert_eq!(
        page,
        Page {
            items: Vec::new(),
            next: None
        }
    );
}

#[tokio::test]
async fn a_list_over_many_empty_days_ends_with_a_cursor() {
    let emulator = Emulator::default();
    let store = with_tasks(&emulator, Shards::default(), 2).await;
    emulator.calls();
    let (acme, none, status) = (tenant("acme"), TaskFilter::default(), TaskStatus::Completed);
    let range = DateRange::last_days(at(300 * 24 * HOUR), 600);
    let first = PageRequest::first(5);
    let page = store
        .tasks_by_status(&acme, status, &none, range, &first)
        .await
        .unwrap();
    assert!(page.items.is_empty() && page.next.is_some());
    assert_eq!(emulator.calls().len(), 40);
    assert_eq!(numbers(&store, &acme, status, &none, range, 5).await, [0]);
    let ages = DateRange::last_days(at(0), 5_000);
    let error = store
        .tasks_by_status(&acme, status, &none, ages, &first)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("OUT_OF_RANGE"));
}
