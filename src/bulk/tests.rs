//! Bulk operations: from counting to the end, and what can be asked in which status.

use serde_json::json;
use uuid::Uuid;

use super::{
    Bulk, BulkStatus, Failure, Place, TaskAsk, TaskSelection, Work, WorkflowAsk, WorkflowSelection,
};
use crate::ids::{BulkId, TenantId, WorkflowId};
use crate::limits;
use crate::security::Caller;
use crate::task::{TaskStatus, TaskType};
use crate::time::Timestamp;
use crate::workflow::WorkflowStatus;

const NOW: Timestamp = Timestamp::from_millis(1_795_296_000_000);
const RETENTION: u64 = 1000;

fn retry_workflows() -> Work {
    Work::Workflows {
        selection: WorkflowSelection::default(),
        ask: WorkflowAsk::Retry,
    }
}

fn bulk() -> Bulk {
    let owner = Caller {
        tenant_id: TenantId::new("acme").expect("an id"),
        user_id: "ann".to_owned(),
        roles: Vec::new(),
        permissions: Vec::new(),
        environment_id: None,
    };
    Bulk::new(
        BulkId::new(Uuid::nil()),
        retry_workflows(),
        owner,
        None,
        NOW,
    )
}

fn ids(count: u128) -> Vec<Uuid> {
    (0..count).map(Uuid::from_u128).collect()
}

fn refusing(count: u128) -> Vec<Failure> {
    let failure = |id| Failure {
        id,
        code: "ILLEGAL_STATE".to_owned(),
        message: "no".to_owned(),
    };
    ids(count).into_iter().map(failure).collect()
}

#[test]
fn an_operation_counts_runs_from_the_beginning_and_ends() {
    let behind = Place {
        part: 1,
        cursor: Some("c".to_owned()),
    };
    let counting = bulk().counted(3, Some(behind.clone()), NOW);
    assert_eq!((counting.status, counting.total), (BulkStatus::Counting, 3));
    assert_eq!(counting.place, Some(behind.clone()));
    let running = counting.counted(2, None, NOW);
    assert_eq!((running.status, running.total), (BulkStatus::Running, 5));
    assert_eq!(running.place, Some(Place::default()));
    let first = running
        .taken(ids(3), Some(behind), NOW)
        .asked(refusing(1), NOW, RETENTION);
    assert_eq!((first.done, first.failed, first.batch.len()), (2, 1, 0));
    assert_eq!(first.status, BulkStatus::Running);
    assert!(first.due_at() > Some(NOW));
    let last = first
        .taken(ids(2), None, NOW)
        .asked(Vec::new(), NOW, RETENTION);
    assert_eq!((last.done, last.failed, last.version), (4, 1, 7));
    assert_eq!(last.status, BulkStatus::Completed);
    assert_eq!(last.due_at(), None);
    assert_eq!(last.expires_at, Some(NOW.plus_millis(RETENTION)));
    assert_eq!(last.cancelled(NOW, RETENTION), None, "it is over");
}

#[test]
fn what_is_asked_while_an_operation_is_stopped_is_counted() {
    let taken = bulk()
        .counted(5, None, NOW)
        .taken(ids(3), Some(Place::default()), NOW);
    let stopped = taken.cancelled(NOW, RETENTION).unwrap();
    assert_eq!(
        (stopped.status, stopped.due_at()),
        (BulkStatus::Cancelled, None)
    );
    let counted = stopped.asked(refusing(1), NOW, RETENTION);
    assert_eq!(
        (counted.status, counted.done, counted.failed),
        (BulkStatus::Cancelled, 2, 1)
    );
}

#[test]
fn so_many_failures_are_listed_and_all_are_counted() {
    let many = limits::BULK_FAILURES as u128 + 20;
    let taken = bulk().counted(0, None, NOW).taken(ids(many), None, NOW);
    let after = taken.asked(refusing(many), NOW, RETENTION);
    assert_eq!(
        (after.failures.len(), after.done),
        (limits::BULK_FAILURES, 0)
    );
    assert_eq!(u128::from(after.failed), many);
}

#[test]
fn what_cannot_be_asked_in_a_status_is_of_no_record() {
    let cancel = WorkflowAsk::Cancel {
        reason: "enough".to_owned(),
        compensate: false,
    };
    let of = |status| WorkflowSelection {
        status,
        ..WorkflowSelection::default()
    };
    let (failed, running) = (WorkflowStatus::Failed, WorkflowStatus::Running);
    assert_eq!(
        of(None).statuses(&WorkflowAsk::Retry),
        Some(vec![failed, WorkflowStatus::TimedOut])
    );
    assert_eq!(
        of(Some(failed)).statuses(&WorkflowAsk::Retry),
        Some(vec![failed])
    );
    assert_eq!(of(Some(running)).statuses(&WorkflowAsk::Retry), None);
    assert_eq!(of(Some(running)).statuses(&cancel), Some(vec![running]));
    assert_eq!(of(Some(failed)).statuses(&cancel), None);
    let reassign = TaskAsk::Reassign {
        assignee: "bob".to_owned(),
    };
    let selection = TaskSelection::default();
    let open = selection.statuses(&reassign).unwrap();
    assert!(open.contains(&TaskStatus::Assigned) && !open.contains(&TaskStatus::Failed));
    assert!(open.iter().all(|status| !status.is_terminal()));
}

#[test]
fn a_task_is_given_to_who_does_not_have_it_and_repeated_when_it_stands_alone() {
    let (manual, program) = (TaskType::Manual, TaskType::Automated);
    let workflow = Some(WorkflowId::new(Uuid::nil()));
    let reassign = TaskAsk::Reassign {
        assignee: "bob".to_owned(),
    };
    assert!(reassign.is_for(manual, workflow, Some("ann")));
    assert!(reassign.is_for(manual, None, None));
    assert!(!reassign.is_for(manual, None, Some("bob")));
    assert!(!reassign.is_for(program, None, None));
    assert!(TaskAsk::Retry.is_for(program, None, None));
    assert!(!TaskAsk::Retry.is_for(program, workflow, None));
}

#[test]
fn work_is_written_as_ever() {
    let reassign = Work::Tasks {
        selection: TaskSelection {
            assignee: Some("ann".to_owned()),
            ..TaskSelection::default()
        },
        ask: TaskAsk::Reassign {
            assignee: "bob".to_owned(),
        },
    };
    let written = json!({
        "of": "tasks",
        "selection": {"assignee": "ann"},
        "ask": {"do": "REASSIGN", "assignee": "bob"},
    });
    assert_eq!(json!(reassign), written);
    assert_eq!(serde_json::from_value::<Work>(written).unwrap(), reassign);
    assert_eq!(json!(retry_workflows())["ask"], json!({"do": "RETRY"}));
}
