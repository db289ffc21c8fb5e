//! Steps that wait: WAIT, SIGNAL and SUB_WORKFLOW.

use super::world::{World, check};
use super::*;
use crate::limits;

/// A WAIT with these fields, then a task `t`.
fn wait(fields: Value) -> Value {
    let mut wait = json!({ "name": "w", "type": "WAIT" });
    for (name, value) in fields.as_object().unwrap() {
        wait[name] = value.clone();
    }
    json!({ "variables": { "ms": 500 }, "steps": [wait, step("t")] })
}

#[test]
fn a_wait_is_over_at_its_time_and_not_before() {
    let until = at(500).to_string();
    let past = at(0).to_string();
    let rows = [
        (json!({ "duration": 500 }), Some(500)),
        (json!({ "duration": "PT0.5S" }), Some(500)),
        (json!({ "duration": "workflowVariables.ms" }), Some(500)),
        (json!({ "duration": "'PT0.5S'" }), Some(500)),
        (json!({ "until": until }), Some(500)),
        (json!({ "until": format!("'{until}'") }), Some(500)),
        (json!({ "duration": 1_200_000 }), Some(1_200_000)),
        (json!({ "duration": "P30D" }), Some(30 * 86_400_000)),
        (json!({ "duration": 0 }), None),
        (json!({ "duration": "workflowVariables.ms - 1000" }), None),
        (json!({ "until": past }), None),
    ];
    for (fields, expected) in rows {
        let mut world = World::new(wait(fields.clone()));
        if let Some(millis) = expected {
            world.play(&format!("@{}", millis - 1));
            assert_eq!(world.open(), "", "{fields}");
            world.play(&format!("@{millis}"));
        }
        assert_eq!(world.open(), "t", "{fields}");
        let state = world.state();
        let began = state.updated_at.millis_since(at(0));
        assert_eq!(began, expected.unwrap_or(0), "{fields}");
    }
}

#[test]
fn a_wait_of_which_nobody_can_say_how_long_fails() {
    let too_long = limits::TIMER_MILLIS + 1;
    let rows = [
        json!({ "duration": "workflowVariables.absent" }),
        json!({ "duration": "true" }),
        json!({ "duration": "'P1M'" }),
        json!({ "duration": too_long.to_string() }),
        json!({ "until": "'tomorrow'" }),
        json!({ "until": "1" }),
    ];
    for fields in rows {
        check(wait(fields), "", &["FAILED EXPRESSION_ERROR"]);
    }
}

/// A SIGNAL with these fields beside a task, its data the workflow's output.
fn signal(fields: Value) -> Value {
    let mut signal = json!({ "name": "s", "type": "SIGNAL", "signal": "go", "variableMappings": [
        { "type": "EXPRESSION", "expression": "[taskOutput]", "target": "data" },
    ] });
    for (name, value) in fields.as_object().unwrap() {
        signal[name] = value.clone();
    }
    json!({ "steps": [step("t"), signal], "output": "workflowVariables.data" })
}

#[test]
fn a_signal_is_taken_early_late_and_once() {
    const T: &str = "t COMPLETED";
    let rows: &[(Value, &str, &[&str])] = &[
        (json!({}), "t+ signal:go=7", &[T, "COMPLETED [7]"]),
        (json!({}), "signal:go=7 t+", &[T, "COMPLETED [7]"]),
        (
            json!({}),
            "signal:go=7 signal:go=8 t+",
            &[T, "COMPLETED [7]"],
        ),
        (
            json!({}),
            "t+ signal:stop=7 signal:go",
            &[T, "COMPLETED [null]"],
        ),
        (json!({}), "t+ @99000", &[T, "RUNNING"]),
        (
            json!({ "timeout": 500 }),
            "t+ @499 signal:go=7",
            &[T, "COMPLETED [7]"],
        ),
        (json!({ "timeout": 500 }), "t+ @500", &[T, "FAILED TIMEOUT"]),
        (
            json!({ "timeout": 500, "onTimeout": "CONTINUE" }),
            "t+ @500",
            &[T, "COMPLETED [null]"],
        ),
        (
            json!({}),
            "t+ signal:go=7 !signal:go=8",
            &[T, "COMPLETED [7]"],
        ),
    ];
    for (fields, script, expected) in rows {
        check(signal(fields.clone()), script, expected);
    }
    let mut world = World::new(signal(json!({ "timeout": 500 })));
    world.play("t+ @500");
    let error = world.state().error.clone().unwrap();
    assert_eq!(error.details["kind"], "SIGNAL");
    assert_eq!(error.details["taskPath"], "s");
}

/// Branches that wait for one signal, the second of them from the start.
fn waiting_branches() -> Value {
    let signal = |name: &str| {
        json!({ "name": name, "type": "SIGNAL", "signal": "go", "variableMappings": [
            { "type": "DIRECT", "source": "n", "target": name },
        ] })
    };
    json!([{ "name": "p", "type": "PARALLEL", "branches": [
        { "name": "a", "steps": [step("t"), signal("late")] },
        { "name": "z", "steps": [signal("first")] },
        { "name": "b", "steps": [signal("second")] },
    ] }])
}

#[test]
fn the_step_that_waits_longest_has_the_signal_then_the_first_by_path() {
    let mut world = World::steps(waiting_branches());
    world.play("p/a/t+");
    for (name, n) in [("second", 1), ("first", 2), ("late", 3)] {
        world.play(&format!("signal:go={{\"n\":{n}}}"));
        assert_eq!(
            world.state().variables[name],
            n,
            "{:?}",
            world.state().variables
        );
    }
    assert_eq!(world.outcome(), "COMPLETED null");
}

#[test]
fn signals_of_a_pause_are_kept_in_their_order() {
    let mut world = World::steps(waiting_branches());
    world.play("p/a/t+ pause signal:go={\"n\":1} signal:go={\"n\":2} signal:go={\"n\":3}");
    assert_eq!(world.state().course.signals.len(), 3);
    world.play("resume");
    let variables = &world.state().variables;
    assert_eq!(
        json!(variables),
        json!({ "second": 1, "first": 2, "late": 3 })
    );
    assert_eq!(world.outcome(), "COMPLETED null");
}

/// A SUB_WORKFLOW with these fields, its output the workflow's.
fn child(fields: Value) -> Value {
    let mut child = json!({
        "name": "c",
        "type": "SUB_WORKFLOW",
        "workflowDefinitionId": "other",
        "inputMappings": [{ "type": "DIRECT", "source": "n", "target": "n" }],
        "variableMappings": [
            { "type": "EXPRESSION", "expression": "taskOutput", "target": "out" },
        ],
    });
    for (name, value) in fields.as_object().unwrap() {
        child[name] = value.clone();
    }
    json!({ "variables": { "n": 4 }, "steps": [child], "output": "[workflowVariables.out][0] ? workflowVariables.out : null" })
}

#[test]
fn a_child_is_started_with_its_input_and_gives_its_output() {
    let mut world = World::new(child(json!({})));
    let started = world.children.values().next().unwrap();
    assert_eq!(started.id, WorkflowId::of_step(workflow_id(), "c", 0));
    assert_eq!(started.workflow_definition_id.as_str(), "other");
    assert_eq!(started.input, json!({ "n": 4 }));
    assert_eq!(started.parent.path, "c");
    world.play("c+7");
    assert_eq!(world.outcome(), "COMPLETED 7");
}

#[test]
fn a_childs_failure_keeps_its_code_and_its_details_name_the_child() {
    let mut world = World::new(child(json!({})));
    let id = world.children.values().next().unwrap().id;
    let mut error = ErrorInfo::new("NO_STOCK", "none left", at(7));
    error
        .details
        .insert("taskPath".to_owned(), "inner/step".into());
    error.stack_trace = Some("at main".to_owned());
    let end = ChildEnd {
        id,
        status: WorkflowStatus::Failed,
        output: Value::Null,
        error: Some(error),
        heeded: u64::MAX,
    };
    world.fold(workflow_id(), &Event::ChildEnded(Box::new(end)));
    let error = world.state().error.clone().unwrap();
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("NO_STOCK", "none left")
    );
    assert_eq!(error.details["taskPath"], "c");
    assert_eq!(error.details["childPath"], "inner/step");
    assert_eq!(error.details["workflowInstanceId"], id.to_string());
    assert_eq!(error.stack_trace, None);
}

#[test]
fn a_policy_starts_a_new_child_and_a_handler_catches_it() {
    let policy = json!({ "retryPolicy": { "maxRetries": 1, "retryInterval": 0 } });
    let mut world = World::new(child(policy));
    let first = *world.children.keys().next().unwrap();
    world.play("c-");
    let second = *world.children.keys().next().unwrap();
    assert_ne!(first, second);
    world.play("c-LAST");
    assert_eq!(world.outcome(), "FAILED LAST");
    let handled = json!({ "onError": [{ "errorCodes": ["BUSY"], "steps": [step("instead")] }] });
    check(
        child(handled),
        "c- c/instead+3",
        &["c FAILED", "c/instead COMPLETED", "COMPLETED null"],
    );
}

#[test]
fn a_child_ends_with_its_parent_unless_it_is_abandoned() {
    for (word, expected) in [("CANCEL", &["c cancel"][..]), ("ABANDON", &[])] {
        let mut world = World::new(child(json!({ "onParentClose": word })));
        world.play("cancel");
        assert_eq!(world.asked, expected, "{word}");
        assert_eq!(world.outcome(), "CANCELLED CANCELLED");
    }
}

#[test]
fn what_only_others_can_move_on_is_told_by_the_record() {
    let signal = |name: &str| json!({ "name": name, "type": "SIGNAL", "signal": "go" });
    let limited = json!({ "name": "s", "type": "SIGNAL", "signal": "go", "timeout": 5 });
    let timer = json!({ "name": "w", "type": "WAIT", "duration": 5 });
    let both = |one: Value, other: Value| {
        json!({ "steps": [{ "name": "p", "type": "PARALLEL", "branches": [
            { "name": "a", "steps": [one] }, { "name": "b", "steps": [other] }] }] })
    };
    let repeated = json!({ "name": "l", "type": "LOOP", "until": "true", "maxIterations": 2,
        "steps": [signal("s")] });
    let map = json!({ "name": "m", "type": "MAP", "items": "[1, 2]", "steps": [signal("s")] });
    let rows = [
        (json!({ "steps": [signal("s")] }), Some(vec!["s"])),
        (json!({ "timeout": 9, "steps": [signal("s")] }), None),
        (json!({ "steps": [limited.clone()] }), None),
        (json!({ "steps": [timer.clone()] }), None),
        (json!({ "steps": [repeated] }), Some(vec!["s"])),
        (both(signal("s"), signal("t")), Some(vec!["s", "t"])),
        (both(signal("s"), timer), None),
        (json!({ "steps": [map.clone()] }), Some(vec![])),
        // Whether a task goes on is for its own record to tell.
        (both(signal("s"), step("t")), Some(vec!["s"])),
    ];
    for (definition, expected) in rows {
        let world = World::new(definition.clone());
        let found = crate::workflow::waiting::awaited(world.state());
        assert_eq!(found, expected, "{definition}");
    }
    let world = World::steps(json!([map]));
    let mut batches = world.records.values().filter(|one| one.batch.is_some());
    let found = crate::workflow::waiting::awaited(batches.next().unwrap());
    assert_eq!(found, Some(vec!["s", "s"]));
}

#[test]
fn the_time_of_a_step_that_goes_on_in_a_batch_after_a_retry_is_not_forgotten() {
    let signal = json!({ "name": "s", "type": "SIGNAL", "signal": "go", "timeout": 5_000_000 });
    let map = json!({ "name": "m", "type": "MAP", "items": "[1]", "steps": [signal] });
    let mut world = World::new(json!({ "timeout": 1_000_000, "steps": [map] }));
    world.play("@4100001 retry @4999999");
    assert_eq!(world.outcome(), "RUNNING");
    world.play("@5000000");
    assert_eq!(world.outcome(), "FAILED TIMEOUT");
}
