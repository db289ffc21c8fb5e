//! Due times: when somebody must look at an open record again, so that none is ever stuck.
//!
//! A record is due at its next time limit, at its next attempt when that is further away than a
//! delayed message can carry it, or at a check that its messages were not lost. A due time that
//! is earlier than needed is kept, because moving an index entry costs two write units.
//! Looking is the sweep's business, in `functions/app`.

use crate::task::instance::{TaskInstance, TaskStatus};
use crate::time::Timestamp;

/// The longest delay of an SQS message in milliseconds.
pub const LONGEST_MESSAGE_DELAY: u64 = 15 * MINUTE;
/// How long after its deadline an attempt's worker may still report: then the attempt is lost.
pub const LEASE_GRACE: u64 = 30_000;

const MINUTE: u64 = 60_000;
/// Milliseconds from look to look while nothing happens: a record that waits for a month must
/// cost next to nothing.
const CHECKS: [u64; 4] = [15 * MINUTE, 60 * MINUTE, 360 * MINUTE, 1440 * MINUTE];

/// When the next check is, after so many checks without news.
#[must_use]
pub fn next_check(checks: u32, now: Timestamp) -> Timestamp {
    let index = usize::try_from(checks).unwrap_or(usize::MAX);
    now.plus_millis(CHECKS[index.min(CHECKS.len() - 1)])
}

/// The due time to store: the one that stands, unless it has passed or is too late.
#[must_use]
pub fn keep_or_move(stands: Option<Timestamp>, needed: Timestamp, now: Timestamp) -> Timestamp {
    match stands {
        Some(due) if due > now && due <= needed => due,
        _ => needed,
    }
}

/// When a running attempt counts as lost. That of a worker that polls never does: its limits are
/// not its process's to keep. One that another system has cannot be lost by us.
#[must_use]
pub fn lease_end(task: &TaskInstance) -> Option<Timestamp> {
    match task.status {
        TaskStatus::Running if task.polled.is_some() || task.elsewhere_since.is_some() => None,
        TaskStatus::Running => Some(task.deadline_at?.plus_millis(LEASE_GRACE)),
        TaskStatus::Pending
        | TaskStatus::Assigned
        | TaskStatus::RetryPending
        | TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut => None,
    }
}

/// When nobody waits any more for the callback of an attempt that another system has.
#[must_use]
pub fn awaited_until(task: &TaskInstance) -> Option<Timestamp> {
    let is_elsewhere = task.status == TaskStatus::Running && task.elsewhere_since.is_some();
    task.deadline_at.filter(|_| is_elsewhere)
}

/// The due time of a task: none when its workflow watches over it, or when it ended and owes
/// nobody an answer. What a person put off is nobody else's business, and has its own; so has the
/// lease of a worker, which moves with each sign of life.
#[must_use]
pub fn of_task(task: &TaskInstance, now: Timestamp) -> Option<Timestamp> {
    if let Some(limit) = task.leased_deadline() {
        return Some(keep_or_move(task.due_at, limit.at, now));
    }
    if task.context.workflow_instance_id.is_some() {
        return put_off_until(task).or_else(|| polled_far_retry(task, now));
    }
    let check = next_check(task.checks, now);
    if task.status.is_terminal() {
        let owes = task.task_token.is_some();
        return owes.then(|| keep_or_move(task.due_at, check, now));
    }
    let waking = wake_at(task, now).into_iter().chain(put_off_until(task));
    let needed = match waking.min() {
        None => check,
        // Nothing is under way that could be lost before the lease ends, or the retry is due.
        Some(wake) if lease_end(task) == Some(wake) => check.max(wake),
        // Until then nothing is under way here at all.
        Some(wake) if [task.next_retry_at, awaited_until(task)].contains(&Some(wake)) => wake,
        Some(wake) => check.min(wake),
    };
    Some(keep_or_move(task.due_at, needed, now))
}

/// The retry of a worker's task that is further away than a message can carry it. The end of its
/// attempt is written by the call that tells it, and its workflow hears of ends alone.
fn polled_far_retry(task: &TaskInstance, now: Timestamp) -> Option<Timestamp> {
    task.polled.as_ref()?;
    far_retry(task, now).filter(|_| !task.status.is_terminal())
}

fn far_retry(task: &TaskInstance, now: Timestamp) -> Option<Timestamp> {
    let is_far = |at: &Timestamp| at.millis_since(now) > LONGEST_MESSAGE_DELAY;
    task.next_retry_at.filter(is_far)
}

/// When the person who has an open task wants to see it again.
fn put_off_until(task: &TaskInstance) -> Option<Timestamp> {
    let handling = task.handling.as_ref();
    let until = handling.and_then(|people| people.put_off_until);
    until.filter(|_| !task.status.is_terminal())
}

/// When an open task needs to be looked at although no message is lost: at the end of its
/// lease, when a callback is not awaited any more, at a time limit that no worker watches over, at
/// a reminder, or at a retry that is further away than a message can carry it. The workflow of a
/// task keeps this time for it, unless a worker has it: a lease has a due time of its own.
#[must_use]
pub fn wake_at(task: &TaskInstance, now: Timestamp) -> Option<Timestamp> {
    if task.lease().is_some() {
        return None;
    }
    if let Some(end) = lease_end(task).or(awaited_until(task)) {
        return Some(end);
    }
    let limit = task.waiting_deadline().map(|deadline| deadline.at);
    let reminder = task
        .handling
        .as_ref()
        .and_then(|handling| handling.next_reminder_after(now));
    // In a workflow that of a worker's task has a due time of its own.
    let is_own = task.polled.is_some() && task.context.workflow_instance_id.is_some();
    let retry = far_retry(task, now).filter(|_| !is_own);
    [limit, reminder, retry].into_iter().flatten().min()
}

/// The task after somebody looked at it in vain: the next look is later.
#[must_use]
pub fn checked(task: &TaskInstance, now: Timestamp) -> TaskInstance {
    let mut after = task.clone();
    after.version += 1;
    after.updated_at = now;
    after.checks = task.checks.saturating_add(1);
    after.due_at = of_task(
        &TaskInstance {
            due_at: None,
            ..after.clone()
        },
        now,
    );
    after
}

#[cfg(test)]
mod tests;
