//! What is done about failures: handlers of steps, compensations, and the handlers of workflows.

use super::world::{World, check};
use super::*;

/// A step `a` with these entries for its errors, and a step `b`. The output is what came of `a`,
/// and what its own mappings set.
fn handled(on_error: Value) -> Value {
    let mapping = |target: &str| json!([{ "type": "EXPRESSION", "expression": "taskOutput", "target": target }]);
    let first = json!({ "name": "a", "onError": on_error, "variableMappings": mapping("own") });
    json!({
        "steps": [
            {
                "name": "s",
                "type": "SWITCH",
                "cases": [{ "when": "true", "steps": [first] }],
                "variableMappings": mapping("out"),
            },
            step("b"),
        ],
        "output": "workflowVariables",
    })
}

fn entry(codes: &[&str], step: &str, then: &str) -> Value {
    json!({ "errorCodes": codes, "steps": [{ "name": step }], "then": then })
}

#[test]
fn the_first_entry_that_holds_the_code_runs_in_the_steps_place() {
    const FAILED: &str = "s/a FAILED";
    const X: &str = "s/a/x COMPLETED";
    let two = json!([
        entry(&["GONE"], "x", "CONTINUE"),
        entry(&["*"], "y", "CONTINUE")
    ]);
    let fail = json!([entry(&["BUSY"], "x", "FAIL")]);
    let retry = json!([entry(&["BUSY"], "x", "RETRY_STEP")]);
    let mut twice = retry.clone();
    twice[0]["maxRetries"] = 2.into();
    let rows: &[(&Value, &str, &[&str])] = &[
        (
            &two,
            "s/a-GONE s/a/x+ b+",
            &[FAILED, X, "b COMPLETED", r#"COMPLETED {"out":"x"}"#],
        ),
        (
            &two,
            "s/a- s/a/y+ b+",
            &[
                FAILED,
                "s/a/y COMPLETED",
                "b COMPLETED",
                r#"COMPLETED {"out":"y"}"#,
            ],
        ),
        // The handler's own failure is the step's, and no sibling entry is asked.
        (
            &two,
            "s/a-GONE s/a/x-WORSE",
            &[FAILED, "s/a/x FAILED", "FAILED WORSE"],
        ),
        (&fail, "s/a- s/a/x+", &[FAILED, X, "FAILED BUSY"]),
        (&fail, "s/a-OTHER", &[FAILED, "FAILED OTHER"]),
        (
            &retry,
            "s/a- s/a/x+ s/a+ b+",
            &[
                FAILED,
                X,
                "s/a COMPLETED",
                "b COMPLETED",
                r#"COMPLETED {"own":"a","out":"a"}"#,
            ],
        ),
        (
            &retry,
            "s/a- s/a/x+ s/a-",
            &[FAILED, X, FAILED, "FAILED BUSY"],
        ),
        (
            &twice,
            "s/a- s/a/x+ s/a- s/a/x+ s/a-",
            &[FAILED, X, FAILED, X, FAILED, "FAILED BUSY"],
        ),
    ];
    for (on_error, script, expected) in rows {
        check(handled((*on_error).clone()), script, expected);
    }
}

#[test]
fn an_entry_without_steps_goes_on_at_once() {
    let entry = json!([{ "errorCodes": ["BUSY"] }]);
    check(
        handled(entry),
        "s/a- b+",
        &["s/a FAILED", "b COMPLETED", r#"COMPLETED {"out":null}"#],
    );
    let retry = json!([{ "errorCodes": ["BUSY"], "then": "RETRY_STEP", "maxRetries": 2 }]);
    check(
        handled(retry),
        "s/a- s/a- s/a-",
        &["s/a FAILED", "s/a FAILED", "s/a FAILED", "FAILED BUSY"],
    );
}

#[test]
fn an_entry_that_says_fail_is_over_continue_on_failure() {
    const FAILED: &str = "s/a FAILED";
    let mut fields = handled(json!([entry(&["BUSY"], "x", "FAIL")]));
    fields["steps"][0]["cases"][0]["steps"][0]["continueOnFailure"] = true.into();
    let stopped = [FAILED, "s/a/x COMPLETED", "FAILED BUSY"];
    check(fields.clone(), "s/a- s/a/x+", &stopped);
    // A failure that no entry holds, and one of the handler itself, are let go.
    let output = r#"COMPLETED {"out":null}"#;
    let let_go = [FAILED, "b COMPLETED", output];
    check(fields.clone(), "s/a-OTHER b+", &let_go);
    let let_go = [FAILED, "s/a/x FAILED", "b COMPLETED", output];
    check(fields, "s/a- s/a/x- b+", &let_go);
}

#[test]
fn a_handler_sees_the_error() {
    let see = json!({ "name": "x", "inputMappings": [
        { "type": "DIRECT", "source": "error.code", "target": "code" },
        { "type": "EXPRESSION", "expression": "error.message", "target": "message" },
        { "type": "EXPRESSION", "expression": "error.taskPath", "target": "path" },
    ] });
    let mut world = World::new(handled(json!([{ "errorCodes": ["*"], "steps": [see] }])));
    world.play("s/a-GONE");
    let open = world.tasks.values().find(|task| !task.status.is_terminal());
    assert_eq!(
        open.unwrap().input,
        json!({ "code": "GONE", "message": "it failed", "path": "s/a" })
    );
}

#[test]
fn an_error_of_a_step_inside_is_caught_by_the_step_around_it() {
    let fields = json!({ "steps": [{
        "name": "s",
        "type": "SWITCH",
        "cases": [{ "when": "true", "steps": [step("a"), step("b")] }],
        "onError": [entry(&["BUSY"], "x", "RETRY_STEP")],
    }] });
    check(
        fields,
        "s/a+ s/b- s/x+ s/a+ s/b+",
        &[
            "s/a COMPLETED",
            "s/b FAILED",
            "s/x COMPLETED",
            "s/a COMPLETED",
            "s/b COMPLETED",
            "COMPLETED null",
        ],
    );
}

/// Steps that are undone, the last of which fails.
fn undone() -> Value {
    let undo = |name: &str| {
        json!({
            "name": name,
            "compensation": {
                "taskDefinitionId": format!("undo-{name}"),
                "inputMappings": [
                    { "type": "EXPRESSION", "expression": "taskOutput", "target": "id" },
                    { "type": "DIRECT", "source": "n", "target": "n" },
                ],
            },
            "variableMappings": [
                { "type": "EXPRESSION", "expression": "workflowVariables.n + 1", "target": "n" },
            ],
        })
    };
    let mut let_go = undo("e");
    let_go["continueOnFailure"] = true.into();
    json!({
        "variables": { "n": 0 },
        "steps": [
            undo("a"),
            { "name": "p", "type": "PARALLEL", "branches": [
                { "name": "x", "steps": [undo("b")] },
                { "name": "y", "steps": [undo("c")] },
            ] },
            let_go,
            step("d"),
        ],
        "errorHandlers": [
            {
                "name": "tell",
                "inputMappings": [{ "type": "DIRECT", "source": "error.code", "target": "code" }],
            },
            step("log"),
        ],
    })
}

const DONE: [&str; 5] = [
    "a COMPLETED",
    "p/y/c COMPLETED",
    "p/x/b COMPLETED",
    "e FAILED",
    "d FAILED",
];

/// What follows when the last step of [`undone`] failed.
fn check_undone(script: &str, expected: &[&str], outcome: &str) {
    let mut world = World::new(undone());
    world.play("a+ p/y/c+ p/x/b+ e- d-");
    assert_eq!(
        world.outcome(),
        "FAILED BUSY",
        "the status stands from the start"
    );
    assert_eq!(world.trace, DONE);
    world.play(script);
    assert_eq!(world.trace[DONE.len()..], *expected, "{script}");
    assert_eq!(world.outcome(), outcome);
    let is_over = world.open().is_empty();
    assert_eq!(world.state().is_settled(), is_over, "{script}");
}

#[test]
fn steps_are_undone_in_reverse_order_of_completion_and_then_the_handlers_run() {
    const UNDONE: [&str; 3] = [
        "p/x/b/compensation COMPLETED",
        "p/y/c/compensation COMPLETED",
        "a/compensation COMPLETED",
    ];
    const HANDLED: [&str; 2] = ["tell COMPLETED", "log COMPLETED"];
    let all = [&UNDONE[..], &HANDLED].concat();
    let undo = "p/x/b/compensation+ p/y/c/compensation+ a/compensation+";
    check_undone(&format!("{undo} tell+ log+"), &all, "FAILED BUSY");
    check_undone(undo, &UNDONE, "FAILED BUSY");
    check_undone("p/x/b/compensation+", &UNDONE[..1], "FAILED BUSY");
    // What fails in here is recorded, and stops nothing.
    check_undone(
        "p/x/b/compensation-NO p/y/c/compensation+ a/compensation-NO tell-NO log-NO",
        &[
            "p/x/b/compensation FAILED",
            UNDONE[1],
            "a/compensation FAILED",
            "tell FAILED",
            "log FAILED",
        ],
        "FAILED BUSY",
    );
}

#[test]
fn a_compensation_has_the_input_of_when_its_step_completed() {
    let mut world = World::new(undone());
    world.play("a+7 p/y/c+8 p/x/b+9 e- d-");
    let mut inputs = Vec::new();
    for path in ["p/x/b", "p/y/c", "a"] {
        let path = format!("{path}/compensation");
        let open = world.tasks.values().find(|task| !task.status.is_terminal());
        let task = open.unwrap();
        assert_eq!(task.context.task_path.as_deref(), Some(path.as_str()));
        inputs.push(task.input.clone());
        world.play(&format!("{path}+"));
    }
    let expected = [
        json!({ "id": 9, "n": 3 }),
        json!({ "id": 8, "n": 2 }),
        json!({ "id": 7, "n": 1 }),
    ];
    assert_eq!(inputs, expected);
    let open = world.tasks.values().find(|task| !task.status.is_terminal());
    assert_eq!(open.unwrap().input, json!({ "code": "BUSY" }));
}

#[test]
fn a_cancelled_workflow_undoes_its_steps_when_that_is_asked_for() {
    for (word, open) in [("cancel", ""), ("undo", "a/compensation")] {
        let mut world = World::new(undone());
        world.play(&format!("a+ {word}"));
        assert_eq!(world.open(), open);
        world.play(match open {
            "" => "@9999",
            _ => "a/compensation+",
        });
        assert_eq!(world.open(), "", "error handlers are for failures");
        assert_eq!(world.outcome(), "CANCELLED CANCELLED");
        assert!(world.state().is_settled());
    }
}

#[test]
fn a_workflow_that_takes_too_long_undoes_and_handles_likewise() {
    let mut fields = undone();
    fields["timeout"] = 500.into();
    check(
        fields,
        "a+ @500 a/compensation+ tell+ log+",
        &[
            "a COMPLETED",
            "p/x/b CANCELLED",
            "p/y/c CANCELLED",
            "a/compensation COMPLETED",
            "tell COMPLETED",
            "log COMPLETED",
            "TIMED_OUT TIMEOUT",
        ],
    );
}

#[test]
fn a_terminate_that_fails_and_an_output_that_is_refused_undo_as_any_failure() {
    let undoing = json!({ "name": "a", "compensation": { "taskDefinitionId": "undo-a" } });
    let ends = json!({ "name": "end", "type": "TERMINATE", "status": "FAILED" });
    let rows = [
        (json!({ "steps": [undoing, ends] }), "FAILED TERMINATED"),
        (
            json!({ "steps": [undoing], "outputSchema": { "type": "string" } }),
            "FAILED INVALID_OUTPUT",
        ),
    ];
    for (fields, outcome) in rows {
        let expected = ["a COMPLETED", "a/compensation COMPLETED", outcome];
        check(fields, "a+ a/compensation+", &expected);
    }
}
