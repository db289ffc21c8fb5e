//! Bulk operations: what they find, ask and tell, and that they go on wherever they are killed.

mod crash;

use serde_json::json;
use taskmill::bulk::{
    Bulk, BulkStatus, TaskAsk, TaskSelection, Work, WorkflowAsk, WorkflowSelection,
};
use taskmill::ids::{BulkId, TaskId, TenantId, WorkflowId};
use taskmill::security::{ADMINISTER_TASKS, Caller};
use taskmill::task::TaskStatus;
use taskmill::workflow::WorkflowStatus;
use taskmill_app::{App, Refusal, bulk};
use taskmill_aws::executor::Failure;
use taskmill_aws::store::PageRequest;
use taskmill_local::{LocalAws, Service};

use crate::support::{
    Answer, MINUTE, Records, SECOND, Script, aws, caller, create, pass, register, service, settle,
    start, task_of, tenant, workflow_of,
};

const DEFINITIONS: &str = "
id: work
name: Work
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
---
id: sign
name: Sign
version: 1.0.0
type: MANUAL
---
id: flow
name: Flow
version: 1.0.0
steps: [{name: work, taskDefinitionId: work}]
---
id: wait
name: Wait
version: 1.0.0
steps: [{name: rest, type: WAIT, duration: P30D}]
";

/// What is done for the first time fails, and what is done again works.
fn script() -> Script {
    let alone: Vec<TaskId> = (0..3)
        .map(|number| task_of(&format!("t{number}")))
        .collect();
    Script::new(move |call| {
        let first = match call.workflow_instance_id {
            Some(workflow) => call.task_id == TaskId::of_step(workflow, 0, "work", 0),
            None => alone.contains(&call.task_id),
        };
        match first {
            true => Answer::Fail(Failure::permanent("BROKEN", "not yet")),
            false => Answer::Succeed(json!({})),
        }
    })
}

async fn served() -> (LocalAws, Service) {
    let aws = aws();
    let service = service(&aws, &script()).await;
    register(service.app(), DEFINITIONS).await;
    (aws, service)
}

/// Starts so many workflows of a definition, and gives their ids.
async fn start_many(app: &App, definition: &str, count: usize) -> Vec<WorkflowId> {
    for number in 0..count {
        start(
            app,
            definition,
            json!({}),
            &format!("{definition}-{number}"),
        )
        .await;
    }
    let of = |number| workflow_of(&format!("{definition}-{number}"));
    (0..count).map(of).collect()
}

fn retry_of(definition: &str) -> Work {
    Work::Workflows {
        selection: WorkflowSelection {
            workflow_definition_id: Some(taskmill::ids::DefinitionId::new(definition).unwrap()),
            ..WorkflowSelection::default()
        },
        ask: WorkflowAsk::Retry,
    }
}

fn cancel_all() -> Work {
    Work::Workflows {
        selection: WorkflowSelection::default(),
        ask: WorkflowAsk::Cancel {
            reason: "enough".to_owned(),
            compensate: false,
        },
    }
}

fn tasks(ask: TaskAsk) -> Work {
    Work::Tasks {
        selection: TaskSelection::default(),
        ask,
    }
}

async fn begin(app: &App, work: Work) -> Bulk {
    bulk::begin(app, &caller(), work, Some("bulk"))
        .await
        .unwrap()
}

/// The operation of the key that [`begin`] uses.
async fn stored(records: &Records) -> Bulk {
    let id = BulkId::from_idempotency_key(&tenant(), "bulk");
    records.store().bulk(id).await.unwrap().unwrap()
}

fn figures(bulk: &Bulk) -> (BulkStatus, u64, u64, u64) {
    (bulk.status, bulk.total, bulk.done, bulk.failed)
}

#[tokio::test(start_paused = true)]
async fn workflows_that_failed_go_on_and_the_others_are_left_alone() {
    let (aws, service) = served().await;
    let app = service.app();
    let failed = start_many(app, "flow", 60).await;
    let waiting = start_many(app, "wait", 2).await;
    pass(&aws, MINUTE).await;
    let dry = bulk::dry_run(app, &caller(), retry_of("flow"))
        .await
        .unwrap();
    assert_eq!((dry.total, dry.more, dry.ids.len()), (60, false, 60));
    begin(app, retry_of("flow")).await;
    pass(&aws, MINUTE).await;
    let records = Records::of(&aws);
    let after = stored(&records).await;
    assert_eq!(figures(&after), (BulkStatus::Completed, 60, 60, 0));
    for id in failed {
        let workflow = records.workflow(id).await;
        assert_eq!(
            (workflow.status, workflow.run),
            (WorkflowStatus::Completed, 1)
        );
    }
    for id in waiting {
        assert_eq!(records.workflow(id).await.status, WorkflowStatus::Running);
    }
    // Nothing is left of it to look at, and a repeat under its key is the same operation.
    begin(app, retry_of("flow")).await;
    pass(&aws, 10 * MINUTE).await;
    assert_eq!(stored(&records).await, after);
    let other = bulk::begin(app, &caller(), cancel_all(), Some("bulk")).await;
    assert_eq!(other.unwrap_err().code(), "IDEMPOTENCY_CONFLICT");
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_open_is_cancelled() {
    let (aws, service) = served().await;
    let waiting = start_many(service.app(), "wait", 30).await;
    settle(&aws).await;
    begin(service.app(), cancel_all()).await;
    pass(&aws, MINUTE).await;
    let records = Records::of(&aws);
    assert_eq!(
        figures(&stored(&records).await),
        (BulkStatus::Completed, 30, 30, 0)
    );
    for id in waiting {
        let workflow = records.workflow(id).await;
        assert_eq!(workflow.status, WorkflowStatus::Cancelled);
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_are_repeated_by_new_ones_in_the_callers_name() {
    let (aws, service) = served().await;
    let app = service.app();
    for number in 0..3 {
        create(app, "work", json!({ "n": number }), &format!("t{number}")).await;
    }
    start_many(app, "flow", 1).await;
    pass(&aws, MINUTE).await;
    let begun = begin(app, tasks(TaskAsk::Retry)).await;
    pass(&aws, MINUTE).await;
    let records = Records::of(&aws);
    let after = stored(&records).await;
    assert_eq!(
        figures(&after),
        (BulkStatus::Completed, 3, 3, 0),
        "a workflow's is not its own"
    );
    for number in 0..3 {
        let ended = task_of(&format!("t{number}"));
        let key = begun.request_id(ended.uuid());
        let again = records
            .task(TaskId::from_idempotency_key(&tenant(), &key))
            .await;
        assert_eq!(again.retried_task_id, Some(ended));
        assert_eq!(
            (again.status, &again.input),
            (TaskStatus::Completed, &json!({ "n": number }))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn peoples_tasks_are_given_to_somebody_and_refusals_are_told() {
    let (aws, service) = served().await;
    let app = service.app();
    for number in 0..3 {
        create(app, "sign", json!({}), &format!("t{number}")).await;
    }
    settle(&aws).await;
    let to_bob = || {
        tasks(TaskAsk::Reassign {
            assignee: "bob".to_owned(),
        })
    };
    // Ann administers no tasks.
    begin(app, to_bob()).await;
    pass(&aws, SECOND).await;
    let records = Records::of(&aws);
    let refused = stored(&records).await;
    assert_eq!(figures(&refused), (BulkStatus::Completed, 3, 0, 3));
    assert_eq!(refused.failures[0].code, "PERMISSION_DENIED");
    let administrator = Caller {
        permissions: vec![ADMINISTER_TASKS.to_owned()],
        ..caller()
    };
    let begun = bulk::begin(app, &administrator, to_bob(), None)
        .await
        .unwrap();
    pass(&aws, SECOND).await;
    let after = bulk::get(app, &tenant(), begun.id).await.unwrap();
    assert_eq!(figures(&after), (BulkStatus::Completed, 3, 3, 0));
    let bobs = |task: taskmill::task::TaskInstance| task.assignee.as_deref() == Some("bob");
    for number in 0..3 {
        assert!(bobs(records.task(task_of(&format!("t{number}"))).await));
    }
    let of = |assignee: &str| Work::Tasks {
        selection: TaskSelection {
            assignee: Some(assignee.to_owned()),
            ..TaskSelection::default()
        },
        ask: TaskAsk::Cancel {
            reason: "enough".to_owned(),
        },
    };
    let dry = bulk::dry_run(app, &caller(), of("bob")).await.unwrap();
    assert_eq!(dry.total, 3);
    assert_eq!(
        bulk::dry_run(app, &caller(), of("eve"))
            .await
            .unwrap()
            .total,
        0
    );
}

#[tokio::test(start_paused = true)]
async fn an_operation_is_stopped_where_it_is() {
    let (aws, service) = served().await;
    let app = service.app();
    let waiting = start_many(app, "wait", 60).await;
    settle(&aws).await;
    let begun = begin(app, cancel_all()).await;
    let records = Records::of(&aws);
    // The writes of the operation go on as the process finds time; it is stopped after some.
    while stored(&records).await.done == 0 {
        tokio::task::yield_now().await;
    }
    let stopped = bulk::cancel(app, &tenant(), begun.id).await.unwrap();
    assert_eq!(stopped.status, BulkStatus::Cancelled);
    pass(&aws, 10 * MINUTE).await;
    let after = stored(&records).await;
    assert_eq!((after.status, after.failed), (BulkStatus::Cancelled, 0));
    let mut cancelled = 0;
    for id in waiting {
        let workflow = records.workflow(id).await;
        cancelled += u64::from(workflow.status == WorkflowStatus::Cancelled);
    }
    assert_eq!(after.done, cancelled, "what was asked is told");
    assert!(cancelled < 60, "it was stopped");
    let again = bulk::cancel(app, &tenant(), begun.id).await.unwrap();
    assert_eq!(again, after, "it is over");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_is_refused_and_another_tenants_is_not_there() {
    let (_aws, service) = served().await;
    let app = service.app();
    let code = |refused: Refusal| refused.code();
    let completed = Work::Workflows {
        selection: WorkflowSelection {
            status: Some(WorkflowStatus::Completed),
            ..WorkflowSelection::default()
        },
        ask: WorkflowAsk::Retry,
    };
    let refused = bulk::begin(app, &caller(), completed.clone(), None).await;
    assert_eq!(code(refused.unwrap_err()), "INVALID_INPUT");
    let refused = bulk::dry_run(app, &caller(), completed).await;
    assert_eq!(code(refused.unwrap_err()), "INVALID_INPUT");
    let begun = begin(app, cancel_all()).await;
    let stranger = TenantId::new("umbrella").unwrap();
    let theirs = bulk::get(app, &stranger, begun.id).await;
    assert_eq!(code(theirs.unwrap_err()), "NOT_FOUND");
    let theirs = bulk::cancel(app, &stranger, begun.id).await;
    assert_eq!(code(theirs.unwrap_err()), "NOT_FOUND");
    let listed = bulk::list(app, &tenant(), &PageRequest::first(9))
        .await
        .unwrap();
    assert_eq!(listed.items.len(), 1);
}
