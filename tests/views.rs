//! How tasks and workflows are shown: one by one without what is nobody's business, and in lists
//! by status, type, definition and workflow.

use std::collections::BTreeSet;

use serde_json::json;
use taskmill::ids::{DefinitionId, TaskId, TenantId, WorkflowId};
use taskmill::task::{TaskStatus, TaskType};
use taskmill::workflow::WorkflowStatus;
use taskmill_aws::executor::Failure;
use taskmill_aws::store::{DateRange, PageRequest, TaskFilter};
use taskmill_local::{LocalAws, Service};

use crate::support::{
    Answer, Records, SECOND, Script, aws, create, pass, register, service, settle, start, tenant,
};

const DEFINITIONS: &str = "
id: echo
name: Echo
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
---
id: wait
name: Wait
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'process:script'}
---
id: trouble
name: Trouble
version: 1.0.0
type: INTEGRATION
executionConfig: {executor: 'lambda:script'}
---
id: pair
name: Pair
version: 1.0.0
steps:
  - {name: one, taskDefinitionId: echo}
  - {name: two, taskDefinitionId: echo}
---
id: broken
name: Broken
version: 1.0.0
steps: [{name: one, taskDefinitionId: trouble}]
";

/// Where a failure says that it happened.
const TRACE: &str = "at trouble.rs:7";

fn script() -> Script {
    Script::new(|call| match call.definition.id.as_str() {
        "wait" => Answer::Hang,
        "trouble" => Answer::Fail(Failure {
            stack_trace: Some(TRACE.to_owned()),
            ..Failure::transient("BUSY", "come back later")
        }),
        _ => Answer::Succeed(call.input.clone()),
    })
}

async fn started(aws: &LocalAws, script: &Script) -> Service {
    let service = service(aws, script).await;
    register(service.app(), DEFINITIONS).await;
    service
}

fn definition(id: &str) -> DefinitionId {
    DefinitionId::new(id).unwrap()
}

#[tokio::test(start_paused = true)]
async fn views_do_not_show_where_in_its_own_code_an_executor_failed() {
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script).await;
    let id = start(service.app(), "broken", json!({}), "k").await;
    let alone = create(service.app(), "trouble", json!({}), "k").await;
    let records = Records::of(&aws);
    records.ended_workflow(id).await;
    records.ended_task(alone).await;
    for task in [records.step(id, "one").await.id, alone] {
        let error = records.task(task).await.error.unwrap();
        assert_eq!(error.stack_trace.as_deref(), Some(TRACE));
        let view = records.task_view(task).await;
        assert_eq!(view["error"]["code"], "BUSY");
        assert_eq!(view["attempts"][0]["error"]["code"], "BUSY");
        assert!(!view.to_string().contains(TRACE), "{view}");
    }
    let view = records.workflow_view(id).await;
    assert_eq!(view["error"]["code"], "BUSY");
    assert!(!view.to_string().contains(TRACE), "{view}");
}

/// The tasks that are listed, two at a time.
async fn listed(
    records: &Records,
    of: &TenantId,
    range: DateRange,
    status: TaskStatus,
    filter: &TaskFilter,
) -> BTreeSet<TaskId> {
    let (store, mut request) = (records.store(), PageRequest::first(2));
    let mut found = BTreeSet::new();
    loop {
        let page = store.tasks_by_status(of, status, filter, range, &request);
        let page = page.await.unwrap();
        assert!(page.items.len() <= 2);
        found.extend(page.items.into_iter().map(|task| task.id));
        match page.next {
            None => return found,
            Some(next) => request = PageRequest::after(2, next),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_and_workflows_are_found_by_what_they_are_and_how_they_stand() {
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script).await;
    let app = service.app();
    let alone = create(app, "echo", json!({}), "alone").await;
    pass(&aws, SECOND).await;
    let first = start(app, "pair", json!({}), "first").await;
    pass(&aws, SECOND).await;
    let second = start(app, "pair", json!({}), "second").await;
    pass(&aws, SECOND).await;
    let broken = start(app, "broken", json!({}), "broken").await;
    let waiting = create(app, "wait", json!({}), "waiting").await;
    settle(&aws).await;

    let records = Records::of(&aws);
    let range = DateRange::last_days(aws.clock().now(), 2);
    let steps = [first, second]
        .into_iter()
        .flat_map(|id| ["one", "two"].map(|path| TaskId::of_step(id, 0, path, 0)));
    let steps: BTreeSet<TaskId> = steps.collect();
    let mut done = steps.clone();
    done.insert(alone);
    let failed = BTreeSet::from([TaskId::of_step(broken, 0, "one", 0)]);
    let nothing = BTreeSet::new();
    let any = TaskFilter::default;
    let of = |id: &str| TaskFilter {
        definition: Some(definition(id)),
        ..any()
    };
    let of_workflow = |id: &str| TaskFilter {
        workflow_definition: Some(definition(id)),
        ..any()
    };
    let of_type = |task_type| TaskFilter {
        task_type: Some(task_type),
        ..any()
    };
    let running = BTreeSet::from([waiting]);
    let exactly = TaskFilter {
        definition: Some(definition("trouble")),
        task_type: Some(TaskType::Integration),
        workflow_definition: Some(definition("broken")),
    };
    let cases = [
        (TaskStatus::Completed, any(), &done),
        (TaskStatus::Completed, of("echo"), &done),
        (TaskStatus::Completed, of("trouble"), &nothing),
        (TaskStatus::Completed, of_workflow("pair"), &steps),
        (TaskStatus::Completed, of_workflow("broken"), &nothing),
        (
            TaskStatus::Completed,
            of_type(TaskType::Integration),
            &nothing,
        ),
        (TaskStatus::Failed, any(), &failed),
        (TaskStatus::Failed, exactly, &failed),
        (TaskStatus::Failed, of_type(TaskType::Automated), &nothing),
        (TaskStatus::Running, any(), &running),
        (TaskStatus::Pending, any(), &nothing),
    ];
    let stranger = TenantId::new("acme2").unwrap();
    for (status, filter, expected) in cases {
        let found = listed(&records, &tenant(), range, status, &filter).await;
        assert_eq!(&found, expected, "{status:?} {filter:?}");
        let others = listed(&records, &stranger, range, status, &filter).await;
        assert_eq!(others, nothing, "{status:?} {filter:?}");
    }
    check_workflows(&records, range, [first, second, broken]).await;
}

/// Workflows are listed newest first.
async fn check_workflows(
    records: &Records,
    range: DateRange,
    [first, second, broken]: [WorkflowId; 3],
) {
    let (store, page, tenant) = (records.store(), PageRequest::first(10), tenant());
    for (status, expected) in [
        (WorkflowStatus::Completed, vec![second, first]),
        (WorkflowStatus::Failed, vec![broken]),
        (WorkflowStatus::Running, vec![]),
    ] {
        let found = store.workflows_by_status(&tenant, status, range, &page);
        let found = found.await.unwrap().items.into_iter();
        let found: Vec<_> = found.map(|workflow| workflow.id).collect();
        assert_eq!(found, expected, "{status:?}");
    }
    for (id, expected) in [
        ("pair", vec![second, first]),
        ("broken", vec![broken]),
        ("none", vec![]),
    ] {
        let id = definition(id);
        let found = store.workflows_by_definition(&tenant, &id, range, &page);
        let found = found.await.unwrap().items.into_iter();
        let found: Vec<_> = found.map(|workflow| workflow.id).collect();
        assert_eq!(found, expected, "{id}");
    }
    for (status, count) in [(TaskStatus::Completed, 2), (TaskStatus::Failed, 0)] {
        let found = store.tasks_of_workflow_by_status(&tenant, first, status, &page);
        assert_eq!(found.await.unwrap().items.len(), count, "{status:?}");
    }
}
