//! Cases of the lifecycle in full: what a record holds afterwards, beside its status.

use serde_json::Value;

use super::*;

/// What a person's task does after a failure: it waits for somebody again, at its next attempt.
#[test]
fn a_manual_task_that_failed_waits_for_anybody_and_takes_the_failure_once() {
    let task = subject("MANUAL", TaskStatus::Pending, Kind::GiveUp);
    let task = changed_task(&task, &acts("ann", Act::Claim), 4000);
    let event = event(Kind::GiveUp, &task);
    let after = changed_task(&task, &event, NOW);
    assert_eq!((after.status, after.attempt()), (TaskStatus::Pending, 2));
    assert_eq!(after.assignee, None);
    assert_eq!(after.attempts[0].executor_id, "ann");
    assert_eq!(after.attempts[0].started_at, Some(at(4000)));
    assert_eq!(cell(&after, &event), "not theirs");
    let retaken = changed_task(&after, &acts("bob", Act::Claim), NOW);
    assert_eq!(cell(&retaken, &event), "not theirs");
}

/// The task after an event that must change it.
fn changed_task(task: &TaskInstance, event: &Event, now: u64) -> TaskInstance {
    match transition(task, event, facts(at(now))) {
        Ok(Transition::Changed { task, .. }) => *task,
        other => panic!("{event:?} gives {other:?}"),
    }
}

#[test]
fn a_persons_work_counts_from_when_they_had_it_and_names_them() {
    let task = subject("MANUAL", TaskStatus::Pending, Kind::Complete);
    let taken = changed_task(&task, &acts("ann", Act::Claim), 4000);
    assert_eq!(
        (taken.status, taken.start_time),
        (TaskStatus::Assigned, None)
    );
    let done = changed_task(&taken, &acts("ann", complete()), 9000);
    assert_eq!(done.status, TaskStatus::Completed);
    assert_eq!(
        (done.assignee.as_deref(), &*done.executor_id),
        (Some("ann"), "ann")
    );
    assert_eq!(
        (done.start_time, done.end_time),
        (Some(at(4000)), Some(at(9000)))
    );
    assert_eq!(done.metrics.execution_time, 5000);
    // Saying so again is heard again; saying something else, or somebody else saying so, is not.
    assert_eq!(cell(&done, &acts("ann", complete())), "=!");
    let other = Act::Complete { output: json!(2) };
    assert_eq!(cell(&done, &acts("ann", other)), "illegal");
    assert_eq!(cell(&done, &acts("bob", complete())), "illegal");
    assert_eq!(cell(&done, &acts("ann", give_up())), "illegal");
}

#[test]
fn a_task_given_to_a_person_from_the_start_is_theirs() {
    let fields = json!({ "type": "MANUAL", "assignment": { "assignee": "ann" } });
    let task = task(fields);
    assert_eq!(
        (task.status, task.assignee.as_deref()),
        (TaskStatus::Assigned, Some("ann"))
    );
    assert_eq!(cell(&task, &acts("ann", Act::Claim)), "=");
    assert_eq!(cell(&task, &acts("bob", Act::Claim)), "claimed");
    let freed = changed_task(&task, &acts("ann", Act::Release), 1000);
    assert_eq!(cell(&freed, &acts("bob", Act::Claim)), "ASSIGNED");
}

/// When a MANUAL task of such limits times out, and by which, unless somebody does it before.
fn check_person_late(fields: Value, taken_at: Option<u64>, expected: Option<(u64, &str)>) {
    let mut all = json!({ "type": "MANUAL" });
    crate::testing::merge(&mut all, fields.clone());
    let mut task = task(all);
    if let Some(millis) = taken_at {
        task = changed_task(&task, &acts("ann", Act::Claim), millis);
    }
    let limit = task.waiting_deadline();
    let found = limit.map(|limit| (limit.at.millis_since(at(0)), limit.kind.as_str()));
    assert_eq!(found, expected, "{fields} {taken_at:?}");
    if let Some((millis, kind)) = expected {
        let before = transition(&task, &Event::Look, facts(at(millis - 1)));
        assert_eq!(before, Ok(Transition::Repeated(Effect::None)));
        let late = changed_task(&task, &Event::Look, millis);
        assert_eq!(late.status, TaskStatus::TimedOut);
        assert_eq!(late.error.unwrap().details["kind"], kind);
    }
}

#[test]
fn the_time_of_a_person_counts_from_creation_and_ends_for_good() {
    check_person_late(json!({}), None, None);
    let limited =
        json!({ "timeout": 5000, "retryPolicy": { "maxRetries": 3, "retryInterval": 1 } });
    check_person_late(limited.clone(), None, Some((5000, "START_TO_CLOSE")));
    check_person_late(limited, Some(4000), Some((5000, "START_TO_CLOSE")));
    let to_start = json!({ "timeouts": { "scheduleToStart": 3000 } });
    check_person_late(to_start.clone(), None, Some((3000, "SCHEDULE_TO_START")));
    check_person_late(to_start, Some(2000), None);
    let whole = json!({ "timeouts": { "scheduleToClose": 3000 }, "timeout": 9000 });
    check_person_late(whole, Some(2000), Some((3000, "SCHEDULE_TO_CLOSE")));
}

#[test]
fn a_persons_failure_needs_no_time_for_the_delay_of_its_retry() {
    let policy = json!({ "maxRetries": 1, "retryInterval": 4000, "jitter": "NONE" });
    let task = task(json!({ "type": "MANUAL", "timeout": 5000, "retryPolicy": policy }));
    let taken = changed_task(&task, &acts("ann", Act::Claim), 1000);
    let again = changed_task(&taken, &acts("ann", give_up()), 4900);
    assert_eq!(again.status, TaskStatus::Pending);
    assert_eq!(again.attempts[0].next_retry_at, Some(at(4900)));
}

#[test]
fn an_overdue_task_is_looked_at_for_its_reminder_and_then_for_its_limit() {
    let assignment = json!({ "dueIn": 1000, "followUpIn": 400, "escalateTo": "eve" });
    let task = task(json!({ "type": "MANUAL", "timeout": 2000, "assignment": assignment }));
    assert_eq!(task.due_at, Some(at(400)));
    let reminded = changed_task(&task, &Event::Look, 400);
    assert_eq!(
        (reminded.due_at, cell(&task, &Event::Look)),
        (Some(at(1000)), "TIMED_OUT!".to_owned())
    );
    let escalated = changed_task(&reminded, &Event::Look, 1000);
    assert_eq!(escalated.due_at, Some(at(2000)));
    assert_eq!(escalated.handling.unwrap().overdue_since, Some(at(1000)));
}

fn report_of(task: &TaskInstance, ended_at: u64, outcome: Outcome) -> Event {
    Event::Report(report(task.execution_id(), at(ended_at), outcome))
}

fn lost(task: &TaskInstance) -> Event {
    Event::Lost {
        execution_id: task.execution_id(),
    }
}

#[test]
fn a_success_clears_the_error_and_keeps_every_attempt() {
    let policy = json!({ "maxRetries": 1, "retryInterval": 500, "jitter": "NONE" });
    let first = task(json!({ "retryPolicy": policy }));
    let waiting = changed_task(&first, &report_of(&first, 3000, failed("BUSY")), 3100);
    assert_eq!(waiting.error.as_ref().unwrap().code, "BUSY");
    // The delay counts from the end of the attempt, not from when its report was taken.
    assert_eq!(waiting.next_retry_at, Some(at(3500)));
    let done = changed_task(
        &waiting,
        &report_of(&waiting, 9000, succeeded(json!(null))),
        9100,
    );
    assert_eq!(done.error, None);
    assert_eq!(done.output, Some(json!(null)));
    assert_eq!(
        (done.start_time, done.end_time),
        (Some(at(2000)), Some(at(9000)))
    );
    assert_eq!(done.duration(), Some(7000));
    assert_eq!(done.next_retry_at, None);
    let listed: Vec<_> = done
        .attempts
        .iter()
        .map(|a| {
            (
                a.attempt,
                a.error.as_ref().map(|e| e.code.as_str()),
                a.next_retry_at,
            )
        })
        .collect();
    assert_eq!(listed, [(1, Some("BUSY"), Some(at(3500))), (2, None, None)]);
    assert_eq!(done.metrics.execution_time, 2000);
}

#[test]
fn losses_are_no_retries_and_end_beyond_their_own_bound() {
    let mut task = task(json!({}));
    for loss in 1..=limits::MAX_LOSSES + 1 {
        let execution_id = task.execution_id();
        let running = changed_task(&task, &Event::Start(start(execution_id, at(0))), 0);
        task = changed_task(&running, &lost(&running), 1000);
        let left = loss <= limits::MAX_LOSSES;
        assert_eq!(task.status == TaskStatus::RetryPending, left, "loss {loss}");
        assert_eq!(task.execution_id() != execution_id, left, "loss {loss}");
    }
    assert_eq!(task.status, TaskStatus::Failed);
    assert_eq!(task.error.as_ref().unwrap().code, failure::WORKER_LOST);
    assert_eq!(task.retries.total(), 0);
    let listed: Vec<_> = task.attempts.iter().map(|a| a.attempt).collect();
    assert_eq!(listed, [1, 2, 3, 4]);
}

#[test]
fn a_lost_attempt_runs_again_at_once_with_its_retries_left() {
    let policy = json!({ "maxRetries": 1, "retryInterval": 60000, "jitter": "NONE" });
    let task = task(json!({ "retryPolicy": policy }));
    let running = changed_task(&task, &Event::Start(start(task.execution_id(), at(0))), 0);
    let Ok(Transition::Changed { task, effect }) =
        transition(&running, &lost(&running), facts(at(1000)))
    else {
        panic!("a running attempt can be lost");
    };
    assert_eq!(effect, Effect::Dispatch { at: at(1000) });
    let retried = changed_task(&task, &report_of(&task, 2000, failed("BUSY")), 2000);
    assert_eq!(retried.next_retry_at, Some(at(62_000)));
    assert_eq!((retried.retries.policy, retried.losses), (1, 1));
    let over = changed_task(
        &retried,
        &report_of(&retried, 70_000, failed("BUSY")),
        70_000,
    );
    assert_eq!(over.status, TaskStatus::Failed);
}

/// Ends a task whose next attempt would begin after its whole time, by such an event.
fn check_spent(event_of: fn(&TaskInstance) -> Event, last_error: &str) {
    let fields = json!({
        "timeouts": { "scheduleToClose": 5000 },
        "retryPolicy": { "maxRetries": 9, "retryInterval": 2000, "jitter": "NONE" },
    });
    let task = task(fields);
    let running = changed_task(&task, &Event::Start(start(task.execution_id(), at(0))), 0);
    let event = event_of(&running);
    let over = changed_task(&running, &event, 5000);
    assert_eq!(over.status, TaskStatus::TimedOut);
    let error = over.error.as_ref().unwrap();
    assert_eq!(error.code, failure::TIMEOUT);
    assert_eq!(error.details["kind"], "SCHEDULE_TO_CLOSE");
    assert_eq!(error.details["lastError"], last_error);
    // No attempt follows: the last one stays the last, and its event is known again.
    assert_eq!(over.execution_id(), running.execution_id());
    assert_eq!(over.attempts.last().unwrap().next_retry_at, None);
    assert_eq!(cell(&over, &event), "=!");
}

#[test]
fn no_attempt_follows_when_the_whole_time_would_be_spent_before_it() {
    check_spent(|task| report_of(task, 3000, failed("BUSY")), "BUSY");
    check_spent(lost, failure::WORKER_LOST);
}

/// Whether the workflow would go on: by the word of the failure, over that of the task.
#[test]
fn an_executor_has_the_last_word_on_going_on_when_no_retry_is_left() {
    let says = |word| Outcome::Failed {
        error: ErrorInfo::new("BUSY", "it failed", at(0)),
        permanent: true,
        retry_after: None,
        continue_on_failure: word,
    };
    let cases = [
        (false, None, false),
        (false, Some(true), true),
        (true, None, true),
        (true, Some(false), false),
    ];
    for (of_task, word, expected) in cases {
        let task = task(json!({ "continueOnFailure": of_task }));
        let ended = changed_task(&task, &report_of(&task, 1000, says(word)), 1000);
        assert_eq!(ended.continue_on_failure, expected, "{of_task} {word:?}");
    }
}

#[test]
fn a_word_on_going_on_is_forgotten_when_a_retry_follows() {
    let task = task(json!({ "retryPolicy": { "maxRetries": 1, "retryInterval": 0 } }));
    let first = Outcome::Failed {
        error: ErrorInfo::new("BUSY", "it failed", at(0)),
        permanent: false,
        retry_after: Some(40),
        continue_on_failure: Some(true),
    };
    let waiting = changed_task(&task, &report_of(&task, 1000, first), 1000);
    assert_eq!(waiting.next_retry_at, Some(at(1040)));
    let ended = changed_task(&waiting, &report_of(&waiting, 2000, failed("BUSY")), 2000);
    assert_eq!(ended.status, TaskStatus::Failed);
    assert!(!ended.continue_on_failure);
}

#[test]
fn a_report_from_a_clock_that_is_ahead_ends_now() {
    let task = task(json!({}));
    let ended = changed_task(&task, &report_of(&task, 90_000, succeeded(json!(1))), 1000);
    assert_eq!(
        (ended.start_time, ended.end_time),
        (Some(at(1000)), Some(at(1000)))
    );
}

#[test]
fn only_the_last_attempts_are_listed() {
    let policy = json!({ "maxRetries": 30, "retryInterval": 0 });
    let mut task = task(json!({ "retryPolicy": policy }));
    for _ in 0..31 {
        task = changed_task(&task, &report_of(&task, 1000, failed("BUSY")), 1000);
    }
    assert_eq!(task.status, TaskStatus::Failed);
    assert_eq!(task.attempts.len(), limits::ATTEMPTS_LISTED);
    assert_eq!((task.attempts[0].attempt, task.attempt()), (12, 31));
}

#[test]
fn a_cancelled_task_says_why_and_expires() {
    let task = task(json!({}));
    let event = Event::Cancel {
        reason: "not wanted".to_owned(),
    };
    let ended = changed_task(&task, &event, 1000);
    let error = ended.error.unwrap();
    assert_eq!(
        (error.code.as_str(), &error.details["reason"]),
        ("CANCELLED", &json!("not wanted"))
    );
    assert_eq!(
        ended.expires_at,
        Some(at(1000).plus_millis(crate::testing::RETENTION))
    );
}

#[test]
fn an_answer_that_is_owed_keeps_an_ended_task_due() {
    let awaited = TaskInstance {
        task_token: Some("token".to_owned()),
        ..task(json!({}))
    };
    let report = event(Kind::Succeed, &awaited);
    let ended = changed_task(&awaited, &report, NOW);
    assert_eq!(ended.status, TaskStatus::Completed);
    assert!(ended.due_at.is_some());
    let told = changed_task(&ended, &Event::TokenClosed, NOW);
    assert_eq!(told.status, TaskStatus::Completed);
    assert_eq!((told.due_at, told.task_token), (None, None));
}

#[test]
fn whoever_gave_up_is_owed_no_answer() {
    let awaited = TaskInstance {
        task_token: Some("token".to_owned()),
        ..task(json!({}))
    };
    let cancelled = changed_task(&awaited, &Event::TokenClosed, NOW);
    assert_eq!(cancelled.status, TaskStatus::Cancelled);
    assert_eq!((cancelled.due_at, cancelled.task_token), (None, None));
}
