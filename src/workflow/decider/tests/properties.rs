//! What holds for every sequence of events.

use proptest::prelude::*;

use super::*;
use crate::testing::failed;
use crate::workflow::frontier::Course;

#[derive(Debug, Clone, Copy)]
enum Move {
    Completes,
    Fails,
    /// The end of a task that is long past, or never was.
    EndsElsewhere,
    Waits,
    Look,
    Checked,
    Cancel,
    CancelsDone,
}

fn moves() -> impl Strategy<Value = Vec<(Move, u64)>> {
    let one = prop_oneof![
        4 => Just(Move::Completes),
        2 => Just(Move::Fails),
        1 => Just(Move::EndsElsewhere),
        1 => Just(Move::Waits),
        1 => Just(Move::Look),
        1 => Just(Move::Checked),
        1 => Just(Move::Cancel),
        1 => Just(Move::CancelsDone),
    ];
    proptest::collection::vec((one, 0..700_000_u64), 1..25)
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let a_step = (any::<bool>(), any::<bool>(), any::<bool>());
    let steps = proptest::collection::vec(a_step, 0..6);
    (steps, proptest::option::of(1..3_000_000_u64)).prop_map(|(steps, timeout)| {
        let names: Vec<String> = (0..steps.len()).map(|place| format!("s{place}")).collect();
        let mut fields = json!({ "steps": [] });
        if let Some(limit) = timeout {
            fields["timeout"] = limit.into();
        }
        let mut tasks = Vec::new();
        for (name, (wanted, continues, refused)) in names.iter().zip(steps) {
            let mut step = step(name);
            step["condition"] = wanted.to_string().into();
            step["continueOnFailure"] = continues.into();
            fields["steps"].as_array_mut().unwrap().push(step);
            let schema = json!({ "inputSchema": !refused });
            tasks.push((name.as_str(), schema));
        }
        plan(fields, &tasks)
    })
}

/// The task that a state waits for, as the store has it: derived from the state.
fn waited_for(plan: &Plan, state: &WorkflowInstance) -> Option<TaskInstance> {
    owed(plan, state, facts(0), |_, _| true)
        .into_iter()
        .find_map(|effect| match effect {
            Effect::CreateTask(task) => Some(*task),
            Effect::CancelTask(_)
            | Effect::StartChild(_)
            | Effect::RefuseChild { .. }
            | Effect::StartBatch(_)
            | Effect::Ask(..)
            | Effect::TellParent(_)
            | Effect::Wake(_)
            | Effect::Undo(_) => None,
        })
}

fn event_of(one: Move, plan: &Plan, state: &WorkflowInstance, now: Timestamp) -> Option<Event> {
    let task = waited_for(plan, state);
    match one {
        Move::Completes => task.map(|task| completed(&task, json!(1))),
        Move::Fails => task.map(|task| ended(&task, failed("BUSY"))),
        Move::EndsElsewhere => {
            let mut end = TaskEnd::from(&task?);
            end.task_id = TaskId::of_step(workflow_id(), 1, "s0", 0);
            end.status = TaskStatus::Completed;
            Some(Event::TaskEnded(Box::new(end)))
        }
        Move::Waits => task.map(|task| Event::TaskWaits {
            task_id: task.id,
            wake_at: now.plus_millis(5),
        }),
        Move::Look | Move::Checked => Some(Event::Look),
        Move::Cancel => Some(cancel()),
        Move::CancelsDone => Some(Event::CancelsDone(state.course.cancelling.clone())),
    }
}

fn check_state(plan: &Plan, state: &WorkflowInstance, sent: &[Timestamp]) {
    let over = state.status.is_terminal();
    let waits = leaves(plan, state);
    assert_eq!(
        over,
        waits.is_empty(),
        "an open workflow waits for something"
    );
    assert_eq!(state.end_time.is_some(), over);
    assert_eq!(state.expires_at.is_some(), over);
    assert_eq!(
        state.output.is_some(),
        state.status == WorkflowStatus::Completed
    );
    assert_eq!(state.error.is_some(), over && state.output.is_none());
    assert!(over || state.course.cancelling.is_empty());
    assert_eq!(
        state.due_at.is_some(),
        !over || !state.course.cancelling.is_empty()
    );
    assert!(waits.iter().all(|leaf| leaf.since <= state.version));
    assert!(state.metrics.task_count <= plan.workflow.steps.steps.len() as u64);
    if let (Some(due), Some(deadline)) = (state.due_at, state.deadline_at) {
        let is_sent = sent.contains(&deadline);
        assert!(due <= deadline || is_sent, "due {due}, over at {deadline}");
    }
}

/// The times of which messages were sent.
fn note_sent(decision: &Decision, sent: &mut Vec<Timestamp>) {
    sent.extend(decision.effects.iter().filter_map(|effect| match effect {
        Effect::Wake(at) => Some(*at),
        _ => None,
    }));
}

/// Every effect can be derived again from the state, but for records that were stored before it.
fn check_effects(decision: &Decision, derived: &[Effect]) {
    let mut effects = decision.effects.clone();
    effects.retain(|effect| match effect {
        Effect::CreateTask(task) => !task.status.is_terminal(),
        Effect::CancelTask(_)
        | Effect::StartChild(_)
        | Effect::RefuseChild { .. }
        | Effect::StartBatch(_)
        | Effect::Ask(..)
        | Effect::TellParent(_)
        | Effect::Wake(_)
        | Effect::Undo(_) => true,
    });
    assert_eq!(effects, derived);
}

fn check_change(before: &WorkflowInstance, after: &WorkflowInstance) {
    assert_eq!(after.version, before.version + 1);
    assert_eq!(after.checks, 0, "news begin the checks anew");
    if before.status.is_terminal() {
        let course = Course {
            closing: None,
            cancelling: Vec::new(),
            ..before.course.clone()
        };
        let expected = WorkflowInstance {
            course,
            due_at: None,
            checks: 0,
            version: after.version,
            updated_at: after.updated_at,
            ..before.clone()
        };
        assert_eq!(
            after, &expected,
            "of an ended workflow only its debts change"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_sequence_of_events_keeps_the_rules(plan in any_plan(), moves in moves()) {
        let first = started(&plan);
        let mut sent = Vec::new();
        note_sent(&first, &mut sent);
        let mut state = first.state;
        check_state(&plan, &state, &sent);
        let mut millis = 0;
        for (one, wait) in moves {
            millis += wait;
            let Some(event) = event_of(one, &plan, &state, at(millis)) else {
                continue;
            };
            let next = match fold(&plan, &state, millis, std::slice::from_ref(&event)) {
                Some(decision) => {
                    let derived = owed(&plan, &decision.state, facts(millis), |_, since| {
                        since == decision.state.version
                    });
                    check_effects(&decision, &derived);
                    note_sent(&decision, &mut sent);
                    check_change(&state, &decision.state);
                    decision.state
                }
                None if matches!(one, Move::Checked) && state.due_at.is_some() => {
                    checked(&plan, &state, &[], at(millis))
                }
                None => continue,
            };
            check_state(&plan, &next, &sent);
            prop_assert_eq!(fold(&plan, &next, millis, &[event]), None);
            state = next;
        }
    }
}
