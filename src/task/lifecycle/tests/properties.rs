//! What holds for every sequence of events.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, Copy)]
struct Move {
    kind: usize,
    wait: u64,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = (
        0..Kind::ALL.len(),
        prop_oneof![0..2000_u64, 0..4_000_000_u64],
    )
        .prop_map(|(kind, wait)| Move { kind, wait });
    proptest::collection::vec(one, 1..60)
}

fn any_task() -> impl Strategy<Value = TaskInstance> {
    let policy = (0..4_u32, 0..3_u32, 0..2_000_000_u64);
    let limit = || proptest::option::of(1..5_000_000_u64);
    let kind = prop_oneof![Just("MANUAL"), Just("AUTOMATED"), Just(POLLED)];
    (policy, limit(), limit(), kind, any::<bool>()).prop_map(
        |((retries, under_rule, interval), to_start, to_close, kind, in_workflow)| {
            let executor = if kind == POLLED { "worker:gpu" } else { "builtin:echo" };
            let fields = json!({
                "type": if kind == "MANUAL" { "MANUAL" } else { "AUTOMATED" },
                "executionConfig": { "executor": executor },
                "assignment": { "candidateUsers": ["ann"], "dueIn": 1 + interval, "followUpIn": 900 },
                "retryPolicy": {
                    "maxRetries": retries,
                    "retryInterval": interval,
                    "rules": [{ "errorCodes": ["TIMEOUT"], "maxRetries": under_rule }],
                },
            });
            let build = if in_workflow { task_of_workflow } else { task };
            let mut task = build(fields);
            task.timeouts.schedule_to_start = to_start;
            task.timeouts.schedule_to_close = to_close;
            task.checks = 2;
            task.due_at = due::of_task(&task, at(0));
            task
        },
    )
}

fn most_attempts(task: &TaskInstance) -> u32 {
    let policy = task.retry_policy.as_ref().unwrap();
    let under_rules: u32 = policy.rules.iter().map(|rule| rule.max_retries).sum();
    1 + policy.max_retries + under_rules + limits::MAX_LOSSES
}

fn check_change(before: &TaskInstance, after: &TaskInstance, now: Timestamp) {
    assert!(!before.status.is_terminal(), "an ended task changed");
    assert_eq!(after.version, before.version + 1);
    assert_eq!(after.checks, 0, "news begin the checks anew");
    assert!(after.attempt() >= before.attempt());
    assert!(after.attempt() <= most_attempts(after));
    assert!(after.attempts.len() <= limits::ATTEMPTS_LISTED);
    let ended = after.status.is_terminal();
    assert_eq!(after.expires_at.is_some(), ended);
    assert_eq!(after.end_time.is_some(), ended);
    assert_eq!(
        after.output.is_some(),
        after.status == TaskStatus::Completed
    );
    let alone = after.context.workflow_instance_id.is_none();
    let people = after.handling.as_ref();
    let put_off = people.and_then(|people| people.put_off_until);
    let running = after.status == TaskStatus::Running;
    assert_eq!(after.lease().is_some(), running && after.polled.is_some());
    let far = after
        .next_retry_at
        .is_some_and(|at| at.millis_since(now) > due::LONGEST_MESSAGE_DELAY);
    let is_polled_for = after.lease().is_some() || far && after.polled.is_some();
    let is_watched = alone || put_off.is_some() || is_polled_for;
    assert_eq!(after.due_at.is_some(), is_watched && !ended);
    if let Some(limit) = after.leased_deadline() {
        assert!(
            after.due_at <= Some(limit.at.max(now)),
            "nobody looks in time"
        );
    }
    let delegated = people.is_some_and(|people| people.owner.is_some());
    assert!(
        !delegated || after.assignee.is_some(),
        "nobody does the work"
    );
    if let (Some(due), Some(wake)) = (after.due_at, due::wake_at(after, now)) {
        let latest = if running {
            wake.max(due::next_check(0, now))
        } else {
            wake
        };
        assert!(due <= latest, "due {due}, needed {latest}");
    }
}

/// Every act of a person is told, and nothing else is.
fn check_audit(before: &TaskInstance, after: &TaskInstance, event: &Event) {
    let last = before.last_act.as_ref();
    match (event, &after.last_act) {
        (Event::Act(persons), Some(entry)) => {
            assert!(entry.is_of(persons));
            assert_eq!(entry.number, 1 + last.map_or(0, |last| last.number));
            assert_eq!(entry.before, last.map(|last| last.id(before.id)));
        }
        (_, entry) => assert_eq!(entry.as_ref(), last),
    }
}

proptest! {
    #[test]
    fn any_sequence_of_events_keeps_the_rules(task in any_task(), moves in moves()) {
        let mut task = task;
        let mut now = at(0);
        for Move { kind, wait } in moves {
            now = now.plus_millis(wait);
            let kind = Kind::ALL[kind];
            let event = event_at(kind, &task, now);
            let stale = matches!(
                kind,
                Kind::StartOfAnother | Kind::ReportOfAnother | Kind::LostAnother
            );
            let Ok(Transition::Changed { task: after, .. }) = transition(&task, &event, facts(now))
            else {
                continue;
            };
            prop_assert!(!stale, "{event:?} is of another attempt");
            check_change(&task, &after, now);
            check_audit(&task, &after, &event);
            let again = transition(&after, &event, facts(now));
            prop_assert!(
                !matches!(again, Ok(Transition::Changed { .. })),
                "{event:?} twice gives {again:?}"
            );
            task = *after;
        }
    }
}

/// The event of a kind at a time: the table's, with its times moved.
fn event_at(kind: Kind, task: &TaskInstance, now: Timestamp) -> Event {
    match event(kind, task) {
        Event::Start(start) => Event::Start(Start {
            started_at: now,
            ..start
        }),
        Event::Report(inner) => {
            Event::Report(report(inner.execution_id, now, inner.outcome.clone()))
        }
        other @ (Event::Lost { .. }
        | Event::Look
        | Event::Cancel { .. }
        | Event::Act(_)
        | Event::Said(_)
        | Event::TokenClosed) => other,
    }
}
