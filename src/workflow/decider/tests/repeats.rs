//! Events that come twice, late or for something else, and effects that are derived again.

use super::*;
use crate::workflow::frontier::Cancelling;

#[test]
fn an_event_that_was_taken_changes_nothing_when_it_comes_again() {
    let plan = three_steps();
    let first = started(&plan);
    let end = completed(&only_task(&first), json!({ "n": 1 }));
    let once = changed(&plan, &first.state, 5000, std::slice::from_ref(&end));
    let twice = changed(&plan, &first.state, 5000, &[end.clone(), end.clone()]);
    assert_eq!(once, twice);
    assert_eq!(fold(&plan, &once.state, 9000, &[end]), None);
    assert_eq!(once.state.metrics.task_count, 1);
    assert_eq!(once.state.metrics.total_execution_time, 1000);
    assert_eq!(once.state.metrics.total_cpu_time, 10);
}

#[test]
fn events_that_concern_nothing_that_is_active_change_nothing() {
    let plan = three_steps();
    let first = started(&plan);
    let task = only_task(&first);
    let stranger = TaskInstance {
        id: TaskId::of_step(workflow_id(), 0, "b", 0),
        ..task.clone()
    };
    let mut open = TaskEnd::from(&task);
    assert_eq!(open.status, TaskStatus::Pending);
    let cases = [
        completed(&stranger, json!(1)),
        Event::TaskWaits {
            task_id: stranger.id,
            wake_at: at(1),
        },
        Event::CancelsDone(vec![Cancelling::Task(task.id)]),
        Event::Look,
    ];
    for event in cases {
        let mut fold = Fold::of(&plan, first.state.clone(), facts(1));
        assert_eq!(fold.apply(&event), Applied::Nothing, "{event:?}");
        assert_eq!(fold.finish(), None, "{event:?}");
    }
    for status in TaskStatus::ALL {
        open.status = status;
        let event = Event::TaskEnded(Box::new(open.clone()));
        let taken = fold(&plan, &first.state, 1, &[event]).is_some();
        assert_eq!(taken, status.is_terminal(), "{status:?}");
    }
}

#[test]
fn events_of_one_fold_are_one_version() {
    let plan = three_steps();
    let first = started(&plan);
    let a = only_task(&first);
    let second = changed(
        &plan,
        &first.state,
        5000,
        &[completed(&a, json!({ "n": 1 }))],
    );
    let b = only_task(&second);
    // The end of `b` cannot be known before `b` was created; here it comes with that of `a`.
    let both = [
        completed(&a, json!({ "n": 1 })),
        completed(&b, json!({ "n": 2 })),
    ];
    let folded = changed(&plan, &first.state, 5000, &both);
    assert_eq!(folded.state.version, first.state.version + 1);
    assert_eq!(active(&folded.state)[0].name, "c");
    assert_eq!(active(&folded.state)[0].since, folded.state.version);
    assert_eq!(folded.state.metrics.task_count, 2);
    assert_eq!(json!(folded.state.variables), json!({ "n": 3 }));
}

/// A step whose input is drawn and dated, behind a condition that is true for a while.
fn drawing() -> Plan {
    let mut first = step("a");
    let until = at(1000).to_string();
    first["condition"] = format!("$now() < '{until}'").into();
    first["taskReference"] = "$uuid()".into();
    first["inputMappings"] = json!([
        { "type": "EXPRESSION", "expression": "$uuid()", "target": "id" },
        { "type": "EXPRESSION", "expression": "$random()", "target": "dice" },
        { "type": "EXPRESSION", "expression": "$now()", "target": "at" },
        { "type": "DIRECT", "source": "n", "target": "n" },
    ]);
    plan(
        json!({ "variables": { "n": 7 }, "steps": [first] }),
        &[("a", json!({}))],
    )
}

#[test]
fn what_is_owed_is_derived_again_as_it_was_decided() {
    let plan = drawing();
    let decision = started(&plan);
    assert_eq!(created(&decision).len(), 1);
    let newest = |_: &str, since| since == decision.state.version;
    for later in [0, 500, 5_000_000] {
        let again = owed(&plan, &decision.state, facts(later), newest);
        assert_eq!(again, decision.effects, "{later} ms later");
    }
    // Also after somebody looked, and long after the condition stopped being true.
    let looked_at = checked(&plan, &decision.state, &[], at(5_000_000));
    assert_eq!(
        owed(&plan, &looked_at, facts(5_000_000), |_, _| true),
        decision.effects
    );
    assert_eq!(
        owed(&plan, &looked_at, facts(5_000_000), |_, since| since == 2),
        []
    );
}

#[test]
fn each_version_owes_what_it_decided() {
    let plan = three_steps();
    let mut decision = started(&plan);
    while !decision.state.status.is_terminal() {
        let state = &decision.state;
        assert_eq!(
            owed(&plan, state, facts(9000), |_, _| true),
            decision.effects
        );
        let task = only_task(&decision);
        decision = changed(&plan, state, 5000, &[completed(&task, json!({ "n": 0 }))]);
    }
    assert_eq!(owed(&plan, &decision.state, facts(9000), |_, _| true), []);
}

#[test]
fn the_same_decision_made_again_is_the_same() {
    let plan = drawing();
    assert_eq!(started(&plan), started(&plan));
}

#[test]
fn a_workflow_of_an_older_version_goes_on_behind_its_step() {
    let plan = three_steps();
    let first = started(&plan);
    let end = completed(&only_task(&first), json!({ "n": 1 }));
    let second = changed(&plan, &first.state, 5000, &[end]);
    let b = only_task(&second);
    // It stored the step that is under way, and nothing of those before it.
    let mut old = second.state.clone();
    let Root::Steps(block) = &mut old.course.root else {
        panic!("it is no batch");
    };
    block.done = crate::workflow::frontier::Done::default();
    let end = completed(&b, json!({ "n": 2 }));
    let now = changed(&plan, &old, 9000, std::slice::from_ref(&end));
    assert_eq!(now, changed(&plan, &second.state, 9000, &[end]));
    assert_eq!(only_task(&now).context.task_path.as_deref(), Some("c"));
}
