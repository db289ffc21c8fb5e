//! Tasks of people to store: that somebody has, that nobody has, with all that people did.

use taskmill::ids::{EntryId, WorkflowId};
use taskmill::task::assignment::Handling;
use taskmill::task::audit::{Deed, Entry};
use taskmill::task::{TaskInstance, TaskPriority, TaskStatus, TaskType};

use crate::samples::{at, lone_task, step_task, workflow_id};

/// A task of a person who took it late.
pub fn manual_task(number: u128) -> TaskInstance {
    TaskInstance {
        status: TaskStatus::Assigned,
        task_type: TaskType::Manual,
        executor_id: String::new(),
        assignee: Some("ann".to_owned()),
        handling: Some(Handling {
            candidate_users: vec!["ann".to_owned(), "bob".to_owned()],
            candidate_groups: vec!["clerks".to_owned()],
            due_date: Some(at(2_000)),
            follow_up_date: Some(at(1_000)),
            escalate_to: Some("heads".to_owned()),
            overdue_since: Some(at(2_010)),
            followed_up_at: Some(at(1_010)),
            taken_at: Some(at(3_000)),
            begun_at: None,
            owner: None,
            put_off_until: None,
        }),
        version: 4,
        ..lone_task(number)
    }
}

/// A task that ann delegated to bob, who began and put it off, with all that is kept of it.
pub fn delegated_task(number: u128) -> TaskInstance {
    let task = manual_task(number);
    TaskInstance {
        status: TaskStatus::Running,
        assignee: Some("bob".to_owned()),
        handling: task.handling.clone().map(|people| Handling {
            begun_at: Some(at(4_000)),
            owner: Some("ann".to_owned()),
            put_off_until: Some(at(90_000)),
            ..people
        }),
        last_act: Some(entry(
            3,
            "bob",
            Deed::FollowUp {
                until: Some(at(90_000)),
            },
        )),
        task_reference: Some("Müller GmbH".to_owned()),
        priority: TaskPriority::High,
        version: 7,
        ..step_of(task, workflow_id(1))
    }
}

/// The same task as a step of a workflow.
fn step_of(task: TaskInstance, workflow: WorkflowId) -> TaskInstance {
    let step = step_task(1, workflow);
    TaskInstance {
        workflow_definition_id: step.workflow_definition_id,
        context: step.context,
        ..task
    }
}

/// An entry of what people did, which names the one before it by some id.
pub fn entry(number: u32, by: &str, deed: Deed) -> Entry {
    Entry {
        number,
        at: at(5_000),
        by: by.to_owned(),
        deed,
        before: (number > 1).then(|| EntryId::new(uuid::Uuid::from_u128(number.into()))),
    }
}

/// A task of a person that nobody has: ann, bob and the clerks may claim it.
pub fn open_task(number: u128) -> TaskInstance {
    TaskInstance {
        status: TaskStatus::Pending,
        task_type: TaskType::Manual,
        executor_id: String::new(),
        handling: Some(Handling {
            candidate_users: vec!["ann".to_owned(), "bob".to_owned()],
            candidate_groups: vec!["clerks".to_owned()],
            escalate_to: Some("heads".to_owned()),
            ..Handling::default()
        }),
        ..lone_task(number)
    }
}

/// The next version of a task, with somebody or with nobody.
pub fn with(task: &TaskInstance, assignee: Option<&str>) -> TaskInstance {
    TaskInstance {
        status: match assignee {
            Some(_) => TaskStatus::Assigned,
            None => TaskStatus::Pending,
        },
        assignee: assignee.map(ToOwned::to_owned),
        version: task.version + 1,
        ..task.clone()
    }
}
