//! Steps of ended workflows that begin again.

use super::world::{World, check};
use super::*;
use crate::codes::refusal;

fn counting() -> Value {
    let add =
        json!([{ "type": "EXPRESSION", "expression": "workflowVariables.n + 1", "target": "n" }]);
    json!({
        "variables": { "n": 0 },
        "steps": [
            { "name": "a", "variableMappings": add },
            { "name": "set", "type": "SET", "variableMappings": add },
            { "name": "b", "variableMappings": add },
        ],
        "output": "workflowVariables.n",
    })
}

const A: &str = "a COMPLETED";
const B: &str = "b COMPLETED";

#[test]
fn a_rerun_sees_the_variables_that_the_step_saw() {
    let rows: &[(&str, &[&str])] = &[
        ("a+ b+ rerun:b b+", &[A, B, B, "COMPLETED 3"]),
        ("a+ b+ rerun:set b+", &[A, B, B, "COMPLETED 3"]),
        ("a+ b+ rerun:a a+ b+", &[A, B, A, B, "COMPLETED 3"]),
        ("a+ b+ rerun a+ b+", &[A, B, A, B, "COMPLETED 3"]),
        ("a+ b- rerun:a a+ b+", &[A, "b FAILED", A, B, "COMPLETED 3"]),
        (
            "a+ b- retry b- rerun:b b+",
            &[A, "b FAILED", "b FAILED", B, "COMPLETED 3"],
        ),
        (
            "a+ cancel rerun:b b+",
            &[A, "b CANCELLED", B, "COMPLETED 3"],
        ),
        ("a+ b+ rerun:b b+ rerun:b b+", &[A, B, B, B, "COMPLETED 3"]),
        ("a+ !rerun !rerun:a b+ !rerun:c", &[A, B, "COMPLETED 3"]),
        ("a- !rerun:b", &["a FAILED", "FAILED BUSY"]),
    ];
    for (script, expected) in rows {
        check(counting(), script, expected);
    }
}

#[test]
fn the_branches_beside_the_step_are_kept() {
    let branch = |name: &str| json!({ "name": name, "steps": [step("t"), step("u")] });
    let parallel = json!({
        "name": "p",
        "type": "PARALLEL",
        "branches": [branch("x"), branch("y")],
        "variableMappings": [{ "type": "DIRECT", "source": "taskOutput", "target": "p" }],
    });
    let fields = json!({ "steps": [parallel, step("z")], "output": "workflowVariables.p" });
    let mut world = World::new(fields);
    world.play("p/x/t+ p/y/t+ p/x/u+1 p/y/u+2 z+ rerun:p/x/u");
    assert_eq!(world.open(), "p/x/u");
    world.play("p/x/u+3 z+");
    assert_eq!(world.outcome(), r#"COMPLETED {"x":3,"y":2}"#);
    world.play("rerun:p/y/t");
    assert_eq!(world.open(), "p/y/t");
    world.play("p/y/t+ p/y/u+4 z+");
    assert_eq!(world.outcome(), r#"COMPLETED {"x":3,"y":4}"#);
}

#[test]
fn a_child_begins_again_inside_and_its_step_waits_for_that() {
    let child = json!({ "name": "c", "type": "SUB_WORKFLOW", "workflowDefinitionId": "other" });
    let mut world = World::steps(json!([child, step("a")]));
    let id = *world.children.keys().next().unwrap();
    world.play("c+ a+ rerun:c/inside");
    let root = format!("{:?}", world.state().course.root);
    assert!(root.contains(r#"Rerun("inside")"#), "{root}");
    let stale = ChildEnd {
        id,
        status: WorkflowStatus::Completed,
        output: Value::Null,
        error: None,
        heeded: 0,
    };
    world.fold(workflow_id(), &Event::ChildEnded(Box::new(stale.clone())));
    assert_eq!(world.open(), "", "an end from before is no news");
    let heeded = world.state().version;
    let end = ChildEnd { heeded, ..stale };
    world.fold(workflow_id(), &Event::ChildEnded(Box::new(end)));
    assert_eq!(world.open(), "a");
}

#[test]
fn a_rerun_is_taken_once_under_its_request_and_keeps_what_it_needs() {
    let plan = plan(json!({ "steps": [step("a")] }), &[]);
    let first = started(&plan);
    let task = only_task(&first);
    let over = changed(
        &plan,
        &first.state,
        5000,
        &[ended(&task, succeeded(json!({})))],
    );
    let rerun = Event::Operation(Box::new(Operation {
        request_id: Some("one".to_owned()),
        by_parent: None,
        ask: Ask::Rerun {
            path: Some("a".to_owned()),
        },
    }));
    let mut fold = Fold::of(&plan, over.state.clone(), facts(6000));
    assert_eq!(fold.apply(&rerun), Applied::Nothing);
    assert_eq!(fold.need(), Some(&Need::History));
    assert_eq!(
        fold.supply(Supply::History(past(&task).into_iter().collect())),
        Applied::Changed
    );
    let again = fold.finish().unwrap();
    let second = only_task(&again);
    assert_ne!(second.id, task.id);
    assert_eq!((again.state.run, second.run), (1, 1));
    let mut repeated = Fold::of(&plan, again.state, facts(7000));
    assert_eq!(repeated.apply(&rerun), Applied::Nothing);
    assert_eq!(repeated.need(), None);
}

#[test]
fn a_workflow_of_too_many_tasks_begins_again_from_its_start_alone() {
    let plan = plan(json!({ "steps": [step("a")] }), &[]);
    let first = started(&plan);
    let task = only_task(&first);
    let over = changed(
        &plan,
        &first.state,
        5000,
        &[ended(&task, succeeded(json!({})))],
    );
    let ask = |path: Option<String>| super::asked(Ask::Rerun { path });
    for (why, what) in [(TooMuch::Tasks, "10000"), (TooMuch::Bytes, "268435456")] {
        let mut fold = Fold::of(&plan, over.state.clone(), facts(6000));
        fold.apply(&ask(Some("a".to_owned())));
        let Applied::Refused(refused) = fold.supply(Supply::TooMuch(why)) else {
            panic!("it is refused");
        };
        assert_eq!(refused.code, refusal::ILLEGAL_STATE);
        assert!(refused.message.contains(what), "{refused}");
        assert_eq!(fold.finish(), None);
    }
    let mut fold = Fold::of(&plan, over.state, facts(6000));
    assert_eq!(fold.apply(&ask(None)), Applied::Changed);
}

#[test]
fn children_of_steps_that_were_begun_anew_too_often_are_not_looked_for() {
    let child = json!({ "name": "below", "type": "SUB_WORKFLOW", "workflowDefinitionId": "child" });
    let mut world = World::new(json!({ "steps": [child, step("a")] }));
    world.play("below+ a+");
    let most = crate::limits::GENERATIONS_RECALLED;
    for (generations, is_refused) in [(most, false), (most + 1, true)] {
        let mut state = world.state().clone();
        state.course.generations = generations;
        let plan = world.plan.clone();
        let mut fold = Fold::of(&plan, state, facts(6000));
        fold.apply(&super::asked(Ask::Rerun {
            path: Some("below/one".to_owned()),
        }));
        let tasks = world.tasks.values().filter_map(past).collect();
        let applied = fold.supply(Supply::History(tasks));
        assert_eq!(matches!(applied, Applied::Refused(_)), is_refused);
        assert_eq!(fold.need().is_some(), !is_refused);
    }
}
