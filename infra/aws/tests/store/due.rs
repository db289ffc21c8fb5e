//! What is due: found in order and page by page, moved, and gone with its end.

use taskmill::Timestamp;
use taskmill::ids::TaskId;
use taskmill::workflow::WorkflowInstance;
use taskmill_aws::queues::Record;
use taskmill_aws::store::{Due, DueTable};
use taskmill_aws::tables::Shards;

use crate::lists::{HOUR, with_tasks};
use crate::samples::{at, ended, task_id, workflow};
use crate::support::Emulator;

fn record(due: Due<TaskId>) -> Due<Record> {
    Due {
        id: Record::Task(due.id),
        due_at: due.due_at,
    }
}

#[tokio::test]
async fn what_is_due_is_put_off_unless_its_due_time_was_moved() {
    let store = with_tasks(&Emulator::default(), Shards::default(), 6).await;
    let [first, second, ..] = store.every_due_task().await.unwrap()[..] else {
        panic!("too little is due");
    };
    let moved = Due {
        due_at: at(2),
        ..second
    };
    store.postpone(record(first), at(99 * HOUR)).await.unwrap();
    store.postpone(record(moved), at(99 * HOUR)).await.unwrap();
    let due = store.every_due_task().await.unwrap();
    assert_eq!(due[0], second);
    let put_off = due.iter().find(|due| due.id == first.id).unwrap();
    assert_eq!(put_off.due_at, at(99 * HOUR));
    let task = store.task(first.id).await.unwrap().unwrap();
    assert_eq!(task.due_at, Some(at(99 * HOUR)), "nothing else changed");

    let gone = Due {
        id: task_id(99),
        due_at: at(1),
    };
    store.postpone(record(gone), at(2)).await.unwrap();
    assert_eq!(store.task(gone.id).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_due_is_found_in_order_and_leaves_with_its_end() {
    let store = with_tasks(&Emulator::default(), Shards::default(), 6).await;
    let due = |number, hours| Due {
        id: Record::Task(task_id(number)),
        due_at: at(hours * HOUR),
    };
    let tasks = DueTable::Tasks;
    let found = store.due(tasks, 0, at(98 * HOUR), 10).await.unwrap();
    assert_eq!(found, [due(5, 95), due(4, 96), due(2, 98)]);
    assert_eq!(
        store.due(tasks, 0, at(98 * HOUR), 2).await.unwrap(),
        found[..2]
    );
    let after = store.due_after(tasks, 0, found[1], at(98 * HOUR), 10);
    assert_eq!(after.await.unwrap(), found[2..]);
    // Which of two that are due at one time comes first is the database's own affair.
    let after = store.due_after(tasks, 0, due(9, 97), at(98 * HOUR), 10);
    assert_eq!(
        after.await.unwrap(),
        found[2..],
        "one that is gone has its place still"
    );
    assert_eq!(store.due(tasks, 0, at(0), 10).await.unwrap(), []);
    assert_eq!(store.every_due_task().await.unwrap().len(), 4);
    assert_eq!(store.next_due().await.unwrap(), Some(at(95 * HOUR)));

    let started = WorkflowInstance {
        due_at: Some(at(5)),
        ..workflow(1)
    };
    store.create_workflow(&started).await.unwrap();
    let expected = [Due {
        id: started.id,
        due_at: at(5),
    }];
    let found = store.due(DueTable::Workflows, 0, at(5), 9).await.unwrap();
    let workflow = Record::Workflow(started.id);
    assert_eq!(
        found.iter().map(|due| due.id).collect::<Vec<_>>(),
        [workflow]
    );
    assert_eq!(store.every_due_workflow().await.unwrap(), expected);
    assert_eq!(store.next_due().await.unwrap(), Some(at(5)));
    store
        .replace_workflow(&started, &ended(&started))
        .await
        .unwrap();
    assert_eq!(store.every_due_workflow().await.unwrap(), []);
    let nothing = Emulator::default().store().await;
    assert_eq!(nothing.next_due().await.unwrap(), None::<Timestamp>);
}
