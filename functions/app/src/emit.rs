//! Effects of tasks as messages.
//!
//! What lies further ahead than a message can be delayed is not sent: the due time brings it up
//! again.

use taskmill::Timestamp;
use taskmill::task::assignment::Reminder;
use taskmill::task::due::LONGEST_MESSAGE_DELAY;
use taskmill::task::lifecycle::Effect;
use taskmill::task::{TaskInstance, TaskType};
use taskmill_aws::queues::{Execute, Message};
use taskmill_aws::store::Created;

/// The message that dispatches a task's next attempt at a time, if one can.
pub(crate) fn dispatch(task: &TaskInstance, at: Timestamp, now: Timestamp) -> Option<Message> {
    let execute = Message::Execute(Execute::from(task));
    match at.millis_since(now) {
        0 => Some(execute),
        delay if delay <= LONGEST_MESSAGE_DELAY => Some(Message::Later {
            due_at: at,
            then: Box::new(execute),
        }),
        _ => None,
    }
}

/// The message that has the first attempt of a task run that was created just now, or was there.
/// A person finds their task without one.
pub(crate) fn first(task: &TaskInstance, created: Created) -> Option<Message> {
    let is_run = match task.task_type {
        TaskType::Automated | TaskType::Integration => !task.status.is_terminal(),
        TaskType::Manual => false,
    };
    is_run.then(|| {
        Message::Execute(Execute {
            perhaps_begun: created == Created::Exists,
            ..Execute::from(task)
        })
    })
}

/// The message that tells whoever waits for a task that it ended, if anybody does.
pub(crate) fn announcement(task: &TaskInstance) -> Option<Message> {
    match task.context.owner() {
        Some(workflow_id) => Some(Message::TaskEnded {
            task_id: task.id,
            workflow_id,
        }),
        None => held(task),
    }
}

/// The message that has whoever waits for a task by a token be told how it stands.
pub(crate) fn held(task: &TaskInstance) -> Option<Message> {
    let task_id = task.id;
    let token = task.task_token.as_ref();
    token.map(|_| Message::TokenHeld { task_id })
}

/// Reminds people of a task: the log is what alarms and subscriptions listen to.
fn remind(task: &TaskInstance, reminder: Reminder) {
    tracing::warn!(
        task.id = %task.id,
        tenant.id = %task.tenant_id,
        reminder = reminder.as_str(),
        assignee = task.assignee.as_deref(),
        "a person's task waits"
    );
}

/// The message that performs an effect, if it takes one.
pub(crate) fn message(task: &TaskInstance, effect: Effect, now: Timestamp) -> Option<Message> {
    match effect {
        Effect::None | Effect::Watch => None,
        Effect::Dispatch { at } => dispatch(task, at, now),
        Effect::Announce => announcement(task),
        Effect::Remind(reminder) => {
            remind(task, reminder);
            None
        }
    }
}
