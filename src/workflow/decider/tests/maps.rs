//! MAP: its iterations, their places and results, and what failures of them come to.

use super::world::{World, check};
use super::*;
use crate::limits::MAP_BATCH;

/// A MAP with these fields over a task `t` that is given its item; the output is its own.
fn map(fields: Value) -> Value {
    let mut map = json!({
        "name": "m",
        "type": "MAP",
        "items": "[10, 20, 30]",
        "steps": [{
            "name": "t",
            "inputMappings": [
                { "type": "EXPRESSION", "expression": "item", "target": "item" },
                { "type": "EXPRESSION", "expression": "index", "target": "index" },
            ],
        }],
        "variableMappings": [
            { "type": "EXPRESSION", "expression": "[taskOutput]", "target": "out" },
        ],
    });
    for (name, value) in fields.as_object().unwrap() {
        map[name] = value.clone();
    }
    json!({
        "variables": { "n": 0 },
        "steps": [map],
        "output": "{'out': [workflowVariables.out]}",
    })
}

#[test]
fn iterations_give_their_results_in_the_order_of_the_items() {
    let one = ["m[2]/t COMPLETED", "m[0]/t COMPLETED", "m[1]/t COMPLETED"];
    let script = "m[2]/t+3 m[0]/t+1 m[1]/t+2";
    let row = |fields: Value, output: &str| {
        let expected = [one[0], one[1], one[2], output];
        check(map(fields), script, &expected);
    };
    row(json!({}), r#"COMPLETED {"out":[1,2,3]}"#);
    row(
        json!({ "result": "item + index" }),
        r#"COMPLETED {"out":[10,21,32]}"#,
    );
    row(
        json!({ "result": "index = 1 ? workflowVariables.absent : index" }),
        r#"COMPLETED {"out":[0,null,2]}"#,
    );
    check(
        map(json!({ "items": "[]" })),
        "",
        &[r#"COMPLETED {"out":[]}"#],
    );
    check(
        map(json!({ "items": "1" })),
        "",
        &["FAILED EXPRESSION_ERROR"],
    );
    check(
        map(json!({ "items": "workflowVariables.absent" })),
        "",
        &["FAILED EXPRESSION_ERROR"],
    );
}

#[test]
fn an_iteration_sees_its_item_or_its_batch_of_items() {
    let inputs = |fields: Value| -> Vec<Value> {
        let world = World::new(map(fields));
        let mut tasks: Vec<_> = world.tasks.values().collect();
        tasks.sort_by_key(|task| task.context.task_path.clone());
        tasks.iter().map(|task| task.input.clone()).collect()
    };
    assert_eq!(
        inputs(json!({})),
        [
            json!({ "item": 10, "index": 0 }),
            json!({ "item": 20, "index": 1 }),
            json!({ "item": 30, "index": 2 }),
        ]
    );
    assert_eq!(
        inputs(json!({ "batchSize": 2 })),
        [
            json!({ "item": [10, 20], "index": 0 }),
            json!({ "item": [30], "index": 1 }),
        ]
    );
}

#[test]
fn variables_that_an_iteration_sets_stay_inside() {
    let steps = json!([
        { "name": "set", "type": "SET", "variableMappings": [
            { "type": "EXPRESSION", "expression": "workflowVariables.n + item", "target": "n" },
        ] },
        { "name": "t", "inputMappings": [{ "type": "DIRECT", "source": "n", "target": "n" }] },
    ]);
    let mut world = World::new(map(
        json!({ "steps": steps, "result": "workflowVariables.n" }),
    ));
    world.play("m[0]/t+ m[1]/t+ m[2]/t+");
    assert_eq!(world.outcome(), r#"COMPLETED {"out":[10,20,30]}"#);
    assert_eq!(world.state().variables["n"], 0);
}

#[test]
fn as_many_iterations_run_as_may() {
    let mut world = World::new(map(json!({ "maxConcurrency": 2 })));
    assert_eq!(world.open(), "m[0]/t m[1]/t");
    world.play("m[1]/t+");
    assert_eq!(world.open(), "m[0]/t m[2]/t");
    world.play("m[2]/t+");
    assert_eq!(world.open(), "m[0]/t");
    world.play("m[0]/t+");
    assert!(world.outcome().starts_with("COMPLETED"));
}

#[test]
fn places_that_one_batch_gives_back_are_the_next_ones() {
    let total = MAP_BATCH * 2 + 1;
    let items = json!({ "items": format!("[1..{total}]"), "maxConcurrency": 3 });
    let mut world = World::new(map(items));
    let mut completed = 0;
    while world.state().status == WorkflowStatus::Running {
        let open = world.open();
        let paths: Vec<_> = open.split(' ').collect();
        let expected = (total - completed).min(3);
        assert_eq!(paths.len(), expected as usize, "after {completed}: {open}");
        world.play(&format!("{}+1", paths[0]));
        completed += 1;
    }
    assert_eq!(completed, total);
    let output = world.state().output.clone().unwrap();
    assert_eq!(output["out"].as_array().unwrap().len(), total as usize);
    assert_eq!(world.state().metrics.task_count, u64::from(total));
    assert!(world.records.values().all(WorkflowInstance::is_settled));
}

/// Ends iterations of two batches, the first `failed` of each batch badly.
fn check_tolerance(fields: Value, failed: [u32; 2], expected: &str) {
    let place = format!("{fields} {failed:?}");
    let mut all = json!({ "items": format!("[1..{}]", MAP_BATCH * 2) });
    for (name, value) in fields.as_object().unwrap() {
        all[name] = value.clone();
    }
    let mut world = World::new(map(all));
    for (batch, failed) in (0..).zip(failed) {
        for at in 0..MAP_BATCH {
            if world.state().status.is_terminal() {
                break;
            }
            let index = batch * MAP_BATCH + at;
            let end = if at < failed { "-" } else { "+1" };
            world.play(&format!("m[{index}]/t{end}"));
        }
    }
    let state = world.state();
    assert_eq!(state.status.as_str(), expected, "{place}");
    assert_eq!(world.open(), "", "{place}");
    if let Some(output) = &state.output {
        let results = output["out"].as_array().unwrap();
        let nulls = results.iter().filter(|one| one.is_null()).count();
        assert_eq!(nulls, (failed[0] + failed[1]) as usize, "{place}");
    }
}

#[test]
fn failures_are_tolerated_up_to_a_count_and_a_share_of_all_iterations() {
    const OK: &str = "COMPLETED";
    const NOT: &str = "FAILED";
    let rows = [
        (json!({}), [0, 0], OK),
        (json!({}), [0, 1], NOT),
        (json!({ "toleratedFailureCount": 2 }), [1, 1], OK),
        (json!({ "toleratedFailureCount": 2 }), [2, 1], NOT),
        (json!({ "toleratedFailurePercentage": 1.5 }), [3, 0], OK),
        (json!({ "toleratedFailurePercentage": 1.5 }), [3, 1], NOT),
        (json!({ "toleratedFailurePercentage": 100 }), [100, 100], OK),
        (
            json!({ "toleratedFailureCount": 1, "toleratedFailurePercentage": 50 }),
            [2, 0],
            NOT,
        ),
    ];
    for (fields, failed, expected) in rows {
        check_tolerance(fields, failed, expected);
    }
}

#[test]
fn a_map_inside_a_map_sees_what_is_around_it() {
    let inner = json!({
        "name": "inner",
        "type": "MAP",
        "items": "[item, 'x']",
        "steps": [{ "name": "t", "inputMappings": [
            { "type": "EXPRESSION", "expression": "item", "target": "item" },
            { "type": "EXPRESSION", "expression": "outer.item", "target": "outer" },
            { "type": "EXPRESSION", "expression": "outer.index", "target": "index" },
        ] }],
    });
    let fields = json!({ "items": "['a', 'b']", "steps": [inner] });
    let mut world = World::new(map(fields));
    assert_eq!(
        world.open(),
        "m[0]/inner[0]/t m[0]/inner[1]/t m[1]/inner[0]/t m[1]/inner[1]/t"
    );
    let mut tasks: Vec<_> = world.tasks.values().collect();
    tasks.sort_by_key(|task| task.context.task_path.clone());
    let inputs: Vec<_> = tasks.iter().map(|task| task.input.clone()).collect();
    assert_eq!(
        inputs,
        [
            json!({ "item": "a", "outer": "a", "index": 0 }),
            json!({ "item": "x", "outer": "a", "index": 0 }),
            json!({ "item": "b", "outer": "b", "index": 1 }),
            json!({ "item": "x", "outer": "b", "index": 1 }),
        ]
    );
    world.play("m[1]/inner[1]/t+4 m[0]/inner[0]/t+1 m[0]/inner[1]/t+2 m[1]/inner[0]/t+3");
    assert_eq!(world.outcome(), r#"COMPLETED {"out":[[1,2],[3,4]]}"#);
}

#[test]
fn a_terminate_in_an_iteration_ends_the_workflow() {
    let steps = json!([
        step("t"),
        { "name": "end", "type": "TERMINATE", "status": "COMPLETED", "output": "item" },
    ]);
    check(
        map(json!({ "steps": steps })),
        "m[1]/t+",
        &[
            "m[1]/t COMPLETED",
            "m[0]/t CANCELLED",
            "m[2]/t CANCELLED",
            "COMPLETED 20",
        ],
    );
}

#[test]
fn a_workflow_that_ends_ends_its_iterations() {
    check(
        map(json!({})),
        "m[1]/t+ cancel",
        &[
            "m[1]/t COMPLETED",
            "m[0]/t CANCELLED",
            "m[2]/t CANCELLED",
            "CANCELLED CANCELLED",
        ],
    );
}

#[test]
fn a_retried_map_goes_on_at_the_iterations_that_failed() {
    let mut world = World::new(map(json!({ "toleratedFailureCount": 1 })));
    world.play("m[0]/t+1 m[1]/t- m[2]/t-LAST");
    assert_eq!(world.outcome(), "FAILED LAST");
    world.play("retry");
    assert_eq!(world.open(), "m[1]/t m[2]/t");
    world.play("m[1]/t+2 m[2]/t+3");
    assert_eq!(world.outcome(), r#"COMPLETED {"out":[1,2,3]}"#);
}

#[test]
fn a_pause_holds_iterations_up() {
    let mut world = World::new(map(json!({ "maxConcurrency": 1 })));
    world.play("pause m[0]/t+1");
    assert_eq!(world.open(), "");
    world.play("resume");
    assert_eq!(world.open(), "m[1]/t");
    world.play("m[1]/t+2 m[2]/t+3");
    assert_eq!(world.outcome(), r#"COMPLETED {"out":[1,2,3]}"#);
}

#[test]
fn a_terminate_that_failed_in_an_iteration_is_reached_again_after_a_retry() {
    let steps = json!([
        step("t"),
        { "name": "end", "type": "TERMINATE", "status": "FAILED", "condition": "index = 1" },
    ]);
    let mut world = World::new(map(json!({ "steps": steps })));
    world.play("m[0]/t+1 m[1]/t+2");
    assert_eq!(world.outcome(), "FAILED TERMINATED");
    world.play("retry");
    assert_eq!(world.outcome(), "FAILED TERMINATED");
}
