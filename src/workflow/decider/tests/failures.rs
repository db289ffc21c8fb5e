//! Steps that fail, limits that pass, and workflows that nobody wants any more.

use super::*;
use crate::task::Outcome;
use crate::task::timeouts::TimeoutKind;
use crate::testing::{failed, timed_out};
use crate::workflow::frontier::Cancelling;

/// A step `a` that continues on failure as its definition and it say, and a step `b`.
fn plan_of(of_definition: bool, of_step: Option<bool>) -> Plan {
    let mut first = step("a");
    if let Some(word) = of_step {
        first["continueOnFailure"] = word.into();
    }
    plan(
        json!({ "steps": [first, step("b")] }),
        &[
            ("a", json!({ "continueOnFailure": of_definition })),
            ("b", json!({})),
        ],
    )
}

fn failed_saying(word: Option<bool>) -> Outcome {
    Outcome::Failed {
        error: ErrorInfo::new("BUSY", "it failed", at(0)),
        permanent: false,
        retry_after: None,
        continue_on_failure: word,
    }
}

#[test]
fn the_results_word_on_going_on_is_over_the_steps_over_the_definitions() {
    let words = [None, Some(false), Some(true)];
    for of_definition in [false, true] {
        for of_step in words {
            for of_result in words {
                let goes_on = of_result.or(of_step).unwrap_or(of_definition);
                let plan = plan_of(of_definition, of_step);
                let first = started(&plan);
                let end = ended(&only_task(&first), failed_saying(of_result));
                let next = changed(&plan, &first.state, 5000, &[end]);
                let place = format!("{of_definition}, {of_step:?}, {of_result:?}");
                assert_eq!(created(&next).len(), usize::from(goes_on), "{place}");
                assert_eq!(
                    next.state.status == WorkflowStatus::Failed,
                    !goes_on,
                    "{place}"
                );
                assert_eq!(next.state.error.is_some(), !goes_on, "{place}");
                assert_eq!(next.state.metrics.task_count, 1, "{place}");
            }
        }
    }
}

/// The workflow after its first step ended so, and nothing goes on.
fn after_failure(outcome: Outcome) -> WorkflowInstance {
    let plan = plan_of(false, None);
    let first = started(&plan);
    let end = ended(&only_task(&first), outcome);
    changed(&plan, &first.state, 5000, &[end]).state
}

#[test]
fn a_failed_step_fails_the_workflow_with_its_error_and_place() {
    let state = after_failure(failed("BUSY"));
    let error = state.error.as_ref().unwrap();
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("BUSY", "it failed")
    );
    assert_eq!(error.details["taskPath"], "a");
    assert_eq!(
        (&state.output, leaves(&plan_of(false, None), &state)),
        (&None, vec![])
    );
    assert_eq!((state.end_time, state.due_at), (Some(at(5000)), None));
    assert_eq!(state.expires_at, Some(at(5000).plus_millis(RETENTION)));
}

#[test]
fn a_step_that_timed_out_fails_the_workflow_and_keeps_its_kind() {
    let state = after_failure(timed_out(TimeoutKind::StartToClose));
    assert_eq!(state.status, WorkflowStatus::Failed);
    let error = state.error.unwrap();
    assert_eq!(error.code, failure::TIMEOUT);
    assert_eq!(error.details["kind"], "START_TO_CLOSE");
    assert_eq!(error.details["taskPath"], "a");
}

#[test]
fn a_step_whose_task_was_cancelled_fails_the_workflow() {
    let plan = plan_of(false, None);
    let first = started(&plan);
    let task = only_task(&first);
    let event = lifecycle::Event::Cancel {
        reason: "not wanted".to_owned(),
    };
    let Ok(lifecycle::Transition::Changed { task, .. }) =
        lifecycle::transition(&task, &event, testing::facts(at(5000)))
    else {
        panic!("an open task can be cancelled");
    };
    let end = Event::TaskEnded(Box::new((&*task).into()));
    let state = changed(&plan, &first.state, 5000, &[end]).state;
    assert_eq!(state.status, WorkflowStatus::Failed);
    assert_eq!(state.error.unwrap().code, failure::CANCELLED);
}

#[test]
fn an_end_without_an_error_still_says_how_it_ended() {
    let plan = plan_of(false, None);
    let first = started(&plan);
    let end = TaskEnd {
        task_id: only_task(&first).id,
        status: TaskStatus::Cancelled,
        output: Value::Null,
        error: None,
        continue_on_failure: false,
        metrics: ExecutionMetrics::default(),
    };
    let state = changed(
        &plan,
        &first.state,
        5000,
        &[Event::TaskEnded(Box::new(end))],
    )
    .state;
    assert_eq!(state.error.unwrap().message, "the task ended CANCELLED");
}

/// What comes of a step whose success cannot be taken over into the variables.
#[test]
fn variables_that_cannot_be_set_fail_the_step_of_which_no_executor_spoke() {
    for of_definition in [false, true] {
        for of_step in [None, Some(false), Some(true)] {
            let mut first = step("a");
            first["variableMappings"] = json!([
                { "type": "DIRECT", "source": "absent", "target": "x", "required": true },
            ]);
            if let Some(word) = of_step {
                first["continueOnFailure"] = word.into();
            }
            let definition = json!({ "continueOnFailure": of_definition });
            let plan = plan(
                json!({ "variables": { "x": 1 }, "steps": [first, step("b")] }),
                &[("a", definition), ("b", json!({}))],
            );
            let begun = started(&plan);
            let end = completed(&only_task(&begun), json!({}));
            let next = changed(&plan, &begun.state, 5000, &[end]);
            let goes_on = of_step.unwrap_or(of_definition);
            assert_eq!(created(&next).len(), usize::from(goes_on));
            assert_eq!(json!(next.state.variables), json!({ "x": 1 }));
            let code = next.state.error.map(|error| error.code);
            let expected = (!goes_on).then_some(failure::MAPPING_SOURCE_MISSING);
            assert_eq!(code.as_deref(), expected);
        }
    }
}

/// A step `a` whose input its task does not accept, and a step `b`.
fn refusing(continues: bool) -> Plan {
    let mut first = step("a");
    first["continueOnFailure"] = continues.into();
    plan(
        json!({ "steps": [first, step("b")] }),
        &[
            ("a", json!({ "inputSchema": { "required": ["n"] } })),
            ("b", json!({})),
        ],
    )
}

#[test]
fn a_refused_input_leaves_a_failed_record_and_fails_the_workflow() {
    let decision = started(&refusing(false));
    let record = only_task(&decision);
    assert_eq!(record.status, TaskStatus::Failed);
    assert_eq!(record.error.as_ref().unwrap().code, failure::INVALID_INPUT);
    assert_eq!(record.expires_at, Some(at(RETENTION)));
    assert_eq!(decision.refused().collect::<Vec<_>>(), [&record]);
    let state = &decision.state;
    assert_eq!((state.status, state.version), (WorkflowStatus::Failed, 1));
    let error = state.error.as_ref().unwrap();
    assert_eq!(
        (error.code.as_str(), &error.details["taskPath"]),
        ("INVALID_INPUT", &json!("a"))
    );
    assert_eq!((state.metrics.task_count, state.due_at), (1, None));
}

#[test]
fn a_refused_input_that_is_let_go_goes_on_in_the_same_version() {
    let plan = refusing(true);
    let decision = started(&plan);
    let paths: Vec<_> = created(&decision)
        .iter()
        .map(|task| (task.context.task_path.as_deref().unwrap(), task.status))
        .collect();
    assert_eq!(
        paths,
        [("a", TaskStatus::Failed), ("b", TaskStatus::Pending)]
    );
    assert_eq!(decision.refused().count(), 1);
    assert_eq!(leaves(&plan, &decision.state).len(), 1);
    assert_eq!(decision.state.metrics.task_count, 1);
    // Only what the workflow waits for can be derived again: the record is stored beforehand.
    let derived = owed(&plan, &decision.state, facts(0), |_, _| true);
    assert_eq!(derived, decision.effects[1..]);
}

fn limited() -> Plan {
    plan(
        json!({ "timeout": 60_000, "steps": [step("a"), step("b")] }),
        &[("a", json!({})), ("b", json!({}))],
    )
}

#[test]
fn a_workflow_past_its_limit_cancels_what_runs_and_stays_due_until_that_is_done() {
    let plan = limited();
    let begun = started(&plan);
    let task_id = only_task(&begun).id;
    assert_eq!(begun.effects[0], Effect::Wake(at(60_000)));
    assert_eq!(begun.state.due_at, Some(at(900_000)));
    assert_eq!(fold(&plan, &begun.state, 59_999, &[Event::Look]), None);
    let over = changed(&plan, &begun.state, 60_000, &[Event::Look]);
    assert_eq!(over.effects, [Effect::CancelTask(task_id)]);
    let state = &over.state;
    assert_eq!(state.status, WorkflowStatus::TimedOut);
    let error = state.error.as_ref().unwrap();
    assert_eq!(
        (error.code.as_str(), &error.details["kind"]),
        ("TIMEOUT", &json!("WORKFLOW"))
    );
    assert_eq!(
        (state.end_time, state.deadline_at),
        (Some(at(60_000)), None)
    );
    assert_eq!(state.expires_at, Some(at(60_000).plus_millis(RETENTION)));
    assert_eq!(
        (leaves(&plan, state), &state.course.cancelling),
        (vec![], &vec![Cancelling::Task(task_id)])
    );
    assert_eq!(state.due_at, Some(at(900_000)));
    // Who finds it then derives the same, as often as need be.
    assert_eq!(owed(&plan, state, facts(70_000), |_, _| true), over.effects);
    assert!(checked(&plan, state, &[], at(2_000_000)).due_at.is_some());
    let cancels_done = Event::CancelsDone(vec![Cancelling::Task(task_id)]);
    let done = changed(&plan, state, 70_000, std::slice::from_ref(&cancels_done));
    assert_eq!((&done.effects, done.state.due_at), (&vec![], None));
    assert_eq!(done.state.status, WorkflowStatus::TimedOut);
    assert_eq!(done.state.expires_at, state.expires_at);
    assert_eq!(owed(&plan, &done.state, facts(70_000), |_, _| true), []);
    assert_eq!(
        fold(&plan, &done.state, 80_000, &[cancels_done, Event::Look]),
        None
    );
}

#[test]
fn a_cancelled_workflow_cancels_what_runs_and_says_why() {
    let plan = limited();
    let begun = started(&plan);
    let task = only_task(&begun);
    let over = changed(&plan, &begun.state, 1000, &[cancel()]);
    assert_eq!(over.effects, [Effect::CancelTask(task.id)]);
    assert_eq!(over.state.status, WorkflowStatus::Cancelled);
    let error = over.state.error.as_ref().unwrap();
    assert_eq!(
        (error.code.as_str(), &error.details["reason"]),
        ("CANCELLED", &json!("not wanted"))
    );
    assert_eq!(over.state.end_time, Some(at(1000)));
    let late = [cancel(), Event::Look];
    assert_eq!(fold(&plan, &over.state, 99_000, &late), None);
    // Its task completed all the same: it is counted once, and is not to be cancelled any more.
    let late = vec![completed(&task, json!(1)); 2];
    let after = changed(&plan, &over.state, 99_000, &late);
    assert_eq!(after.state.metrics.task_count, 1);
    assert!(after.state.is_settled());
    assert_eq!(fold(&plan, &after.state, 99_000, &late), None);
}

#[test]
fn what_one_decision_asked_for_and_took_back_was_never_asked_for() {
    let plan = limited();
    let begun = started(&plan);
    let task = only_task(&begun);
    let events = [completed(&task, json!(1)), cancel()];
    let over = changed(&plan, &begun.state, 5000, &events);
    assert_eq!(
        (over.effects, over.state.course.cancelling),
        (vec![], vec![])
    );
    assert_eq!(
        (over.state.status, over.state.due_at),
        (WorkflowStatus::Cancelled, None)
    );
    assert_eq!(over.state.metrics.task_count, 1);
    // The other way round the end comes too late for what follows.
    let events = [cancel(), completed(&task, json!(1))];
    let over = changed(&plan, &begun.state, 5000, &events);
    assert_eq!(over.effects, [Effect::CancelTask(task.id)]);
    assert_eq!(over.state.status, WorkflowStatus::Cancelled);
    assert_eq!(over.state.metrics.task_count, 1);
}
