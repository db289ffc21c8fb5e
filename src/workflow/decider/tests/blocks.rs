//! Steps that consist of steps: PARALLEL, SWITCH, LOOP, and lists that are graphs.

use super::world::{World, check};
use super::*;

/// A PARALLEL with these fields and branches `a`, `b` and `c` of one task each.
fn three_branches(fields: Value) -> Value {
    let branch = |name: &str| json!({ "name": name, "steps": [step(&format!("{name}1"))] });
    let mut parallel = json!({
        "name": "p",
        "type": "PARALLEL",
        "branches": [branch("a"), branch("b"), branch("c")],
        "variableMappings": [
            { "type": "EXPRESSION", "expression": "taskOutput", "target": "all" },
        ],
    });
    for (name, value) in fields.as_object().unwrap() {
        parallel[name] = value.clone();
    }
    json!({ "steps": [parallel], "output": "workflowVariables.all" })
}

#[test]
fn a_join_ends_a_parallel_when_enough_branches_completed_or_too_many_failed() {
    const A: &str = "p/a/a1 COMPLETED";
    const B_FAILED: &str = "p/b/b1 FAILED";
    let all = json!({});
    let wait = json!({ "onBranchFailure": "WAIT" });
    let any = json!({ "join": "ANY" });
    let two = json!({ "join": { "count": 2 } });
    let two_wait = json!({ "join": { "count": 2 }, "onBranchFailure": "WAIT" });
    let rows: &[(&Value, &str, &[&str])] = &[
        (
            &all,
            "p/c/c1+ p/a/a1+ p/b/b1+",
            &[
                "p/c/c1 COMPLETED",
                A,
                "p/b/b1 COMPLETED",
                r#"COMPLETED {"a":"a1","b":"b1","c":"c1"}"#,
            ],
        ),
        (
            &all,
            "p/a/a1+ p/b/b1-FIRST",
            &[A, B_FAILED, "p/c/c1 CANCELLED", "FAILED FIRST"],
        ),
        (
            &wait,
            "p/b/b1-FIRST p/a/a1+ p/c/c1-LAST",
            &[B_FAILED, A, "p/c/c1 FAILED", "FAILED FIRST"],
        ),
        (
            &any,
            "p/b/b1-FIRST p/a/a1+",
            &[B_FAILED, A, "p/c/c1 CANCELLED", r#"COMPLETED {"a":"a1"}"#],
        ),
        (
            &any,
            "p/c/c1-FIRST @1 p/b/b1-SECOND @2 p/a/a1-LAST",
            &["p/c/c1 FAILED", B_FAILED, "p/a/a1 FAILED", "FAILED LAST"],
        ),
        (
            &two,
            "p/b/b1-FIRST p/a/a1+ p/c/c1+",
            &[
                B_FAILED,
                A,
                "p/c/c1 COMPLETED",
                r#"COMPLETED {"a":"a1","c":"c1"}"#,
            ],
        ),
        (
            &two,
            "p/b/b1-FIRST @1 p/a/a1-LAST",
            &[B_FAILED, "p/a/a1 FAILED", "p/c/c1 CANCELLED", "FAILED LAST"],
        ),
        (
            &two_wait,
            "p/b/b1-FIRST @1 p/a/a1-LAST p/c/c1+",
            &[
                B_FAILED,
                "p/a/a1 FAILED",
                "p/c/c1 COMPLETED",
                "FAILED FIRST",
            ],
        ),
    ];
    for (fields, script, expected) in rows {
        check(three_branches((*fields).clone()), script, expected);
    }
}

#[test]
fn branches_run_at_once_over_the_same_variables() {
    let setting = |name: &str, target: &str| {
        json!({ "name": name, "variableMappings": [
            { "type": "EXPRESSION", "expression": "taskOutput", "target": target },
        ] })
    };
    let steps = json!([{ "name": "p", "type": "PARALLEL", "branches": [
        { "name": "a", "steps": [setting("a1", "x"), step("a2")] },
        { "name": "b", "steps": [setting("b1", "x")] },
        { "name": "none", "steps": [] },
    ] }]);
    let mut world = World::steps(steps);
    assert_eq!(world.open(), "p/a/a1 p/b/b1");
    world.play("p/b/b1+ p/a/a1+");
    assert_eq!(world.open(), "p/a/a2");
    assert_eq!(world.state().variables["x"], "a1");
}

#[test]
fn a_parallel_with_a_policy_begins_anew_as_a_whole() {
    let policy =
        json!({ "retryPolicy": { "maxRetries": 1, "retryInterval": 1000, "jitter": "NONE" } });
    let mut world = World::new(three_branches(policy));
    world.play("p/a/a1+ p/b/b1-");
    assert_eq!(world.open(), "");
    world.play("@999");
    assert_eq!(world.open(), "");
    world.play("@1000");
    assert_eq!(world.open(), "p/a/a1 p/b/b1 p/c/c1");
    world.play("p/c/c1-LAST");
    assert_eq!(world.outcome(), "FAILED LAST");
    assert_eq!(
        world.trace,
        [
            "p/a/a1 COMPLETED",
            "p/b/b1 FAILED",
            "p/c/c1 CANCELLED",
            "p/c/c1 FAILED",
            "p/a/a1 CANCELLED",
            "p/b/b1 CANCELLED",
        ]
    );
}

#[test]
fn a_switch_takes_the_first_case_that_is_true() {
    let switch = |first: &str, second: &str, otherwise: Value| {
        let mut switch = json!({
            "name": "s",
            "type": "SWITCH",
            "cases": [
                { "when": first, "steps": [step("a")] },
                { "when": second, "steps": [step("b"), step("c")] },
            ],
            "variableMappings": [
                { "type": "EXPRESSION", "expression": "taskOutput", "target": "out" },
            ],
        });
        if !otherwise.is_null() {
            switch["otherwise"] = otherwise;
        }
        json!({ "steps": [switch], "output": "workflowVariables.out" })
    };
    let none = Value::Null;
    let other = json!([step("d")]);
    let absent = "workflowVariables.absent";
    let rows: &[(Value, &str, &[&str])] = &[
        (
            switch("true", "true", none.clone()),
            "s/a+",
            &["s/a COMPLETED", r#"COMPLETED "a""#],
        ),
        (
            switch(absent, "1", none.clone()),
            "s/b+ s/c+",
            &["s/b COMPLETED", "s/c COMPLETED", r#"COMPLETED "c""#],
        ),
        (
            switch("false", absent, other),
            "s/d+7",
            &["s/d COMPLETED", "COMPLETED 7"],
        ),
        (switch("false", "0", json!([])), "", &["COMPLETED null"]),
        (
            switch("false", "0", none.clone()),
            "",
            &["FAILED NO_CASE_MATCHED"],
        ),
        (
            switch("$number('x')", "true", none),
            "",
            &["FAILED EXPRESSION_ERROR"],
        ),
    ];
    for (fields, script, expected) in rows {
        check(fields.clone(), script, expected);
    }
}

/// A LOOP with these fields over a task `t` that counts its turns.
fn turning(fields: Value) -> Value {
    let mut repeat = json!({
        "name": "l",
        "type": "LOOP",
        "maxIterations": 3,
        "steps": [{
            "name": "t",
            "inputMappings": [{ "type": "EXPRESSION", "expression": "index", "target": "turn" }],
            "variableMappings": [
                { "type": "EXPRESSION", "expression": "workflowVariables.n + 1", "target": "n" },
            ],
        }],
        "variableMappings": [
            { "type": "EXPRESSION", "expression": "taskOutput", "target": "out" },
        ],
    });
    for (name, value) in fields.as_object().unwrap() {
        repeat[name] = value.clone();
    }
    json!({
        "variables": { "n": 0 },
        "steps": [repeat],
        "output": "[workflowVariables.n, workflowVariables.out]",
    })
}

#[test]
fn a_loop_goes_on_while_it_may() {
    let rows: &[(Value, &str, &[&str])] = &[
        (json!({ "while": "false" }), "", &["COMPLETED [0,null]"]),
        (
            json!({ "while": "workflowVariables.n < 2" }),
            "l[0]/t+1 l[1]/t+2",
            &["l[0]/t COMPLETED", "l[1]/t COMPLETED", "COMPLETED [2,2]"],
        ),
        (
            json!({ "until": "true" }),
            "l[0]/t+1",
            &["l[0]/t COMPLETED", "COMPLETED [1,1]"],
        ),
        (
            json!({ "until": "index = 2" }),
            "l[0]/t+1 l[1]/t+2 l[2]/t+3",
            &[
                "l[0]/t COMPLETED",
                "l[1]/t COMPLETED",
                "l[2]/t COMPLETED",
                "COMPLETED [3,3]",
            ],
        ),
        (
            json!({ "while": "workflowVariables.n < 3" }),
            "l[0]/t+1 l[1]/t+2 l[2]/t+3",
            &[
                "l[0]/t COMPLETED",
                "l[1]/t COMPLETED",
                "l[2]/t COMPLETED",
                "COMPLETED [3,3]",
            ],
        ),
        (
            json!({ "while": "true", "maxIterations": 1 }),
            "l[0]/t+1",
            &["l[0]/t COMPLETED", "FAILED MAX_ITERATIONS"],
        ),
        (
            json!({ "until": "false", "maxIterations": 1 }),
            "l[0]/t+1",
            &["l[0]/t COMPLETED", "FAILED MAX_ITERATIONS"],
        ),
        (
            json!({ "while": "$number('x')" }),
            "",
            &["FAILED EXPRESSION_ERROR"],
        ),
        (
            json!({ "while": "true" }),
            "l[0]/t+ l[1]/t-",
            &["l[0]/t COMPLETED", "l[1]/t FAILED", "FAILED BUSY"],
        ),
    ];
    for (fields, script, expected) in rows {
        check(turning(fields.clone()), script, expected);
    }
}

/// A LOOP of so many turns that waits for nothing.
fn spinning(turns: u32) -> Plan {
    let counting = json!({ "name": "count", "type": "SET", "variableMappings": [
        { "type": "EXPRESSION", "expression": "workflowVariables.n + 1", "target": "n" },
    ] });
    let fields = json!({
        "variables": { "n": 0 },
        "steps": [{
            "name": "l",
            "type": "LOOP",
            "while": format!("workflowVariables.n < {turns}"),
            "maxIterations": turns,
            "steps": [counting],
        }],
        "output": "workflowVariables.n",
    });
    plan(fields, &[])
}

#[test]
fn a_decision_begins_a_hundred_turns_and_leaves_the_rest_to_the_next() {
    for (turns, versions) in [(1, 1), (100, 1), (101, 2), (250, 3)] {
        let plan = spinning(turns);
        let mut decision = started(&plan);
        while !decision.state.status.is_terminal() {
            assert_eq!(decision.effects, [Effect::Wake(at(0))]);
            let owed = owed(&plan, &decision.state, facts(0), |_, _| true);
            assert_eq!(owed, decision.effects);
            decision = changed(&plan, &decision.state, 0, &[Event::Look]);
        }
        assert_eq!(decision.state.output, Some(json!(turns)), "{turns}");
        assert_eq!(decision.state.version, versions, "{turns}");
    }
}

/// Steps with these dependencies; which are open at the start and after each that completes.
fn check_graph(steps: &[(&str, Option<&[&str]>)], course: &[(&str, &str)], start: &str) {
    let steps: Vec<Value> = steps
        .iter()
        .map(|(name, after)| match after {
            None => step(name),
            Some(after) => json!({ "name": name, "dependsOn": after }),
        })
        .collect();
    let place = json!(steps).to_string();
    let mut world = World::steps(json!(steps));
    assert_eq!(world.open(), start, "{place}");
    for (completes, open) in course {
        world.play(completes);
        assert_eq!(&world.open(), open, "after {completes} of {place}");
    }
    assert_eq!(world.outcome(), "COMPLETED null", "{place}");
}

#[test]
fn a_step_of_a_graph_begins_when_all_that_it_depends_on_are_over() {
    let diamond: &[(&str, Option<&[&str]>)] = &[
        ("a", None),
        ("b", Some(&["a"])),
        ("c", Some(&["a"])),
        ("d", Some(&["b", "c"])),
    ];
    check_graph(
        diamond,
        &[("a+", "b c"), ("c+", "b"), ("b+", "d"), ("d+", "")],
        "a",
    );
    // A step that says nothing depends on the one before it; one with `[]` on nothing.
    let mixed: &[(&str, Option<&[&str]>)] = &[
        ("a", Some(&[])),
        ("b", Some(&[])),
        ("c", None),
        ("d", Some(&["a"])),
    ];
    check_graph(
        mixed,
        &[("a+", "b d"), ("d+", "b"), ("b+", "c"), ("c+", "")],
        "a b",
    );
    // The list may name what comes later.
    let backward: &[(&str, Option<&[&str]>)] = &[("a", Some(&["b"])), ("b", Some(&[]))];
    check_graph(backward, &[("b+", "a"), ("a+", "")], "b");
}

#[test]
fn a_skipped_step_of_a_graph_is_over_and_a_failed_one_ends_the_others() {
    let steps = json!([
        { "name": "a", "condition": "false" },
        { "name": "b", "dependsOn": ["a"] },
        { "name": "c", "dependsOn": [] },
    ]);
    let mut world = World::steps(steps);
    assert_eq!(world.open(), "b c");
    world.play("c-");
    assert_eq!(world.trace, ["c FAILED", "b CANCELLED"]);
    assert_eq!(world.outcome(), "FAILED BUSY");
}

#[test]
fn a_set_step_sets_variables_and_a_terminate_ends_the_workflow() {
    let set = json!({ "name": "set", "type": "SET", "variableMappings": [
        { "type": "DIRECT", "source": "a", "target": "b" },
        { "type": "EXPRESSION", "expression": "workflowVariables.a + 1", "target": "a" },
    ] });
    let ends = |fields: Value| {
        let mut terminate = json!({ "name": "end", "type": "TERMINATE" });
        for (name, value) in fields.as_object().unwrap() {
            terminate[name] = value.clone();
        }
        let branches = json!([
            { "name": "a", "steps": [step("t")] },
            { "name": "b", "steps": [step("u"), terminate] },
        ]);
        let parallel = json!({ "name": "p", "type": "PARALLEL", "branches": branches });
        json!({
            "variables": { "a": 1 },
            "steps": [set, parallel, step("never")],
            "output": "'the last step'",
        })
    };
    let stopped = ["p/b/u COMPLETED", "p/a/t CANCELLED"];
    let rows = [
        (json!({ "status": "COMPLETED" }), "COMPLETED null"),
        (
            json!({ "status": "COMPLETED", "output": "workflowVariables.[a, b]" }),
            "COMPLETED [2,1]",
        ),
        (json!({ "status": "FAILED" }), "FAILED TERMINATED"),
        (
            json!({ "status": "FAILED", "error": { "code": "NO_STOCK", "message": "none left" } }),
            "FAILED NO_STOCK",
        ),
    ];
    for (fields, outcome) in rows {
        let expected = [stopped[0], stopped[1], outcome];
        check(ends(fields), "p/b/u+", &expected);
    }
    let wrong = ends(json!({ "status": "COMPLETED", "output": "$number('x')" }));
    let expected = [stopped[0], stopped[1], "FAILED EXPRESSION_ERROR"];
    check(wrong, "p/b/u+", &expected);
}

#[test]
fn a_terminate_takes_back_what_was_begun_beside_it() {
    let ends = json!({ "name": "end", "type": "TERMINATE", "status": "COMPLETED" });
    let branches = json!([
        { "name": "a", "steps": [step("t")] },
        { "name": "b", "steps": [ends] },
        { "name": "c", "steps": [step("u")] },
    ]);
    let parallel = json!({ "name": "p", "type": "PARALLEL", "branches": branches });
    let plan = plan(json!({ "steps": [parallel] }), &[]);
    let decision = started(&plan);
    assert_eq!(decision.effects, []);
    assert_eq!(decision.state.status, WorkflowStatus::Completed);
}
