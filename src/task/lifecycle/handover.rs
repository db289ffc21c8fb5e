//! Attempts that go on elsewhere: whoever took the attempt has handed it over to another system,
//! which tells the end by a callback.
//!
//! No worker watches over such an attempt and no message is on its way for it: its record alone
//! knows of it, and its time limit ends it. Until it is handed over it is its worker's, whose lease
//! is short, however long the other system may take.

use super::outcome::apply;
use super::{Effect, Facts, Rejection, Start, Transition, changed, changed_to};
use crate::metrics::ExecutionMetrics;
use crate::task::attempt::{AttemptReport, Outcome};
use crate::task::instance::{TaskInstance, TaskStatus};
use crate::task::timeouts::TimeoutKind;
use crate::time::Timestamp;

/// When whoever takes an attempt must be done with it.
pub(super) fn held_until(task: &TaskInstance, start: &Start) -> Option<Timestamp> {
    let deadline = deadline(task, start.started_at);
    let handover = start.handover;
    let handed = handover.map(|limit| start.started_at.plus_millis(limit));
    [deadline, handed].into_iter().flatten().min()
}

fn deadline(task: &TaskInstance, started_at: Timestamp) -> Option<Timestamp> {
    let deadline = task.timeouts.deadline(task.created_at, started_at);
    deadline.map(|deadline| deadline.at)
}

/// Takes note that another system has the attempt.
pub(super) fn hand_over(task: &TaskInstance, report: &AttemptReport, facts: Facts) -> Transition {
    if task.elsewhere_since.is_some() {
        return Transition::Repeated(Effect::Watch);
    }
    let started_at = report.started_at.min(facts.now);
    let mut after = changed(task, facts.now);
    after.status = TaskStatus::Running;
    after.start_time = task.start_time.or(Some(started_at));
    after.executor_id.clone_from(&report.executor_id);
    after.execution_environment = Some(report.execution_environment.clone());
    after.deadline_at = deadline(task, started_at);
    after.elsewhere_since = Some(started_at);
    after.next_retry_at = None;
    // A check that stands would come before the limit, and find nothing to do.
    after.due_at = None;
    changed_to(after, Effect::Watch, facts.now)
}

/// Ends an attempt whose callback did not come in time.
pub(super) fn give_up(task: &TaskInstance, facts: Facts) -> Result<Transition, Rejection> {
    let now = facts.now;
    let started_at = task.elsewhere_since.unwrap_or(now);
    let whole = task.timeouts.waiting_deadline(task.created_at, true);
    let kind = match whole {
        Some(whole) if whole.at <= now => whole.kind,
        Some(_) | None => TimeoutKind::StartToClose,
    };
    let report = AttemptReport {
        execution_id: task.execution_id(),
        started_at,
        ended_at: now,
        executor_id: task.executor_id.clone(),
        execution_environment: task.execution_environment.clone().unwrap_or_default(),
        outcome: Outcome::TimedOut { kind },
        metrics: ExecutionMetrics {
            execution_time: now.millis_since(started_at),
            ..ExecutionMetrics::default()
        },
    };
    apply(task, &report, facts)
}
