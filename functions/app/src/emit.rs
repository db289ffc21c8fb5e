//! Effects of tasks as messages.
//!
//! What lies further ahead than a message can be delayed is not sent: the due time brings it up
//! again.

use taskmill::Timestamp;
use taskmill::task::TaskInstance;
use taskmill::task::due::LONGEST_MESSAGE_DELAY;
use taskmill::task::lifecycle::Effect;
use taskmill_aws::queues::{Execute, Message};

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

/// The message that tells a task's workflow that the task ended, if it has one.
pub(crate) fn announcement(task: &TaskInstance) -> Option<Message> {
    let workflow_id = task.context.owner()?;
    Some(Message::TaskEnded {
        task_id: task.id,
        workflow_id,
    })
}

/// The message that performs an effect, if it takes one.
pub(crate) fn message(task: &TaskInstance, effect: Effect, now: Timestamp) -> Option<Message> {
    match effect {
        Effect::None => None,
        Effect::Dispatch { at } => dispatch(task, at, now),
        Effect::Announce => announcement(task),
    }
}
