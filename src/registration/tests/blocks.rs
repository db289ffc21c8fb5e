//! Blocks: names, what waits for what, how many steps there are and how deep they stand.

use serde_json::{Value, json};

use super::{around, check_document, check_steps, everywhere, message, nearest, run, with_steps};
use crate::limits::{ENCLOSING_STEPS, STEPS_PER_DEFINITION};
use crate::registration::{read, read_text};

/// Checks the problems of a block at the root, among the error handlers, and inside of every
/// kind of step. The places are given without those of the block.
#[track_caller]
fn check_everywhere(steps: &Value, expected: &[(&str, &str)]) {
    for (document, block) in everywhere(steps) {
        let places: Vec<(&str, String)> = expected
            .iter()
            .map(|(code, place)| (*code, format!("{block}{place}")))
            .collect();
        let places: Vec<(&str, &str)> = places.iter().map(|(c, p)| (*c, p.as_str())).collect();
        check_document(&document, &places);
    }
}

#[test]
fn names_are_unique_among_neighbours_and_nowhere_else() {
    check_everywhere(&json!([run("a"), run("b"), run("A")]), &[]);
    check_everywhere(
        &json!([run("a"), run("b"), run("a"), run("b"), run("a")]),
        &[
            ("DUPLICATE_NAME", "/2/name"),
            ("DUPLICATE_NAME", "/3/name"),
            ("DUPLICATE_NAME", "/4/name"),
        ],
    );
    // A step inside may have the name of the one around it.
    check_everywhere(&json!([run("s")]), &[]);
    for bad in ["a/b", "a b", "[0]", "-a"] {
        check_everywhere(&json!([run(bad)]), &[("WRONG_TYPE", "/0/name")]);
    }
    let branch = |name: &str| json!({ "name": name, "steps": [run("same")] });
    check_everywhere(
        &json!([{ "name": "p", "type": "PARALLEL", "branches": [branch("x"), branch("y"), branch("x")] }]),
        &[("DUPLICATE_NAME", "/0/branches/2/name")],
    );
}

#[test]
fn whatever_is_wrong_with_a_step_is_found_at_every_depth() {
    let cases = [
        (json!({ "condition": "(" }), "BAD_EXPRESSION", "/condition"),
        (
            json!({ "taskReference": "(" }),
            "BAD_EXPRESSION",
            "/taskReference",
        ),
        (json!({ "timeout": 0 }), "OUT_OF_RANGE", "/timeout"),
        (json!({ "colour": 1 }), "UNKNOWN_FIELD", "/colour"),
        (
            json!({ "dependsOn": ["x"] }),
            "UNKNOWN_STEP",
            "/dependsOn/0",
        ),
        (
            json!({ "variableMappings": [{ "type": "EXPRESSION", "expression": "(", "target": "a" }] }),
            "BAD_EXPRESSION",
            "/variableMappings/0/expression",
        ),
        (
            json!({ "variableMappings": [{ "type": "DIRECT", "source": "a", "target": "context.x" }] }),
            "RESERVED_NAME",
            "/variableMappings/0/target",
        ),
        (
            json!({ "inputMappings": [{ "type": "DIRECT", "source": "a..b", "target": "a" }] }),
            "WRONG_TYPE",
            "/inputMappings/0/source",
        ),
    ];
    for (fields, code, place) in cases {
        let mut step = run("a");
        let fields = fields.as_object().unwrap().clone();
        step.as_object_mut().unwrap().extend(fields);
        check_everywhere(&json!([step]), &[(code, &format!("/0{place}"))]);
    }
}

#[test]
fn mappings_of_a_compensation_are_checked_like_others() {
    let undo = |mapping: Value| {
        let mut step = run("a");
        step["compensation"] = json!({ "taskDefinitionId": "t", "inputMappings": [mapping] });
        json!([step])
    };
    let place = "/steps/0/compensation/inputMappings/0";
    check_steps(
        &undo(json!({ "type": "EXPRESSION", "expression": "(", "target": "item" })),
        &[("BAD_EXPRESSION", &format!("{place}/expression"))],
    );
    check_steps(
        &undo(json!({ "type": "DIRECT", "source": "taskOutput.id", "target": ".b" })),
        &[("WRONG_TYPE", &format!("{place}/target"))],
    );
}

/// Steps with their `dependsOn`; none for a step that does not say it.
fn graph(steps: &[(&str, Option<&[&str]>)]) -> Value {
    let step = |(name, after): &(&str, Option<&[&str]>)| {
        let mut step = run(name);
        if let Some(after) = after {
            step["dependsOn"] = json!(after);
        }
        step
    };
    steps.iter().map(step).collect()
}

#[test]
fn what_a_step_waits_for_is_there_and_does_not_wait_for_it() {
    type Steps<'a> = &'a [(&'a str, Option<&'a [&'a str]>)];
    let cases: [(Steps<'_>, &[(&str, &str)]); 14] = [
        (&[("a", None), ("b", None)], &[]),
        (
            &[("a", Some(&[])), ("b", Some(&[])), ("c", Some(&["a", "b"]))],
            &[],
        ),
        (
            &[("a", Some(&["c"])), ("b", Some(&[])), ("c", Some(&[]))],
            &[],
        ),
        (&[("a", Some(&["b", "b"])), ("b", Some(&[]))], &[]),
        (&[("a", Some(&["a"]))], &[("CYCLE", "/0/dependsOn")]),
        // A step that does not say it waits for the one before it.
        (
            &[("a", Some(&["b"])), ("b", None)],
            &[("CYCLE", "/0/dependsOn")],
        ),
        (
            &[("a", None), ("b", Some(&["d"])), ("c", None), ("d", None)],
            &[("CYCLE", "/1/dependsOn")],
        ),
        (
            &[
                ("a", Some(&["b"])),
                ("b", Some(&["c"])),
                ("c", Some(&["a"])),
            ],
            &[("CYCLE", "/0/dependsOn")],
        ),
        (
            &[
                ("x", Some(&["b"])),
                ("a", Some(&["b"])),
                ("b", Some(&["a"])),
            ],
            &[("CYCLE", "/1/dependsOn")],
        ),
        (
            &[
                ("a", Some(&["b"])),
                ("b", Some(&["a", "c"])),
                ("c", Some(&["b"])),
            ],
            &[("CYCLE", "/0/dependsOn"), ("CYCLE", "/1/dependsOn")],
        ),
        (
            &[
                ("a", Some(&["b"])),
                ("b", Some(&["a"])),
                ("c", Some(&["c"])),
            ],
            &[("CYCLE", "/0/dependsOn"), ("CYCLE", "/2/dependsOn")],
        ),
        (
            &[("a", Some(&["x", "b", "y"])), ("b", Some(&[]))],
            &[
                ("UNKNOWN_STEP", "/0/dependsOn/0"),
                ("UNKNOWN_STEP", "/0/dependsOn/2"),
            ],
        ),
        (
            &[("a", Some(&["A"]))],
            &[("UNKNOWN_STEP", "/0/dependsOn/0")],
        ),
        (
            &[
                ("a", Some(&["b"])),
                ("b", Some(&["a", "x"])),
                ("b", Some(&[])),
            ],
            &[
                ("CYCLE", "/0/dependsOn"),
                ("UNKNOWN_STEP", "/1/dependsOn/1"),
                ("DUPLICATE_NAME", "/2/name"),
            ],
        ),
    ];
    for (steps, expected) in cases {
        check_everywhere(&graph(steps), expected);
    }
    check_steps(
        &json!([{ "name": "a", "taskDefinitionId": "t", "dependsOn": "b" }, run("b")]),
        &[("WRONG_TYPE", "/steps/0/dependsOn")],
    );
}

#[test]
fn a_step_waits_for_its_neighbours_alone() {
    for (outer, place) in around(&graph(&[("in", Some(&["out"]))])) {
        let steps = json!([run("out"), outer]);
        let expected = format!("/steps/1{place}/0/dependsOn/0");
        check_steps(&steps, &[("UNKNOWN_STEP", &expected)]);
    }
}

#[test]
fn messages_tell_the_way_round_and_the_nearest_step() {
    let text = |steps: &[(&str, Option<&[&str]>)]| with_steps(&graph(steps)).to_string();
    assert_eq!(
        message(&text(&[
            ("a", None),
            ("b", Some(&["d"])),
            ("c", None),
            ("d", None)
        ])),
        "the step waits for itself: b → d → c → b"
    );
    let meant = text(&[("reserve", None), ("reserves", Some(&["reserv"]))]);
    assert_eq!(nearest(&meant).as_deref(), Some("reserve"));
    assert_eq!(
        message(&meant),
        "there is no step \"reserv\" beside this one"
    );
}

#[test]
fn a_long_way_round_is_found_too() {
    let names: Vec<String> = (0..STEPS_PER_DEFINITION).map(|n| format!("s{n}")).collect();
    let mut steps: Vec<Value> = names.iter().map(|name| run(name)).collect();
    check_steps(&json!(steps), &[]);
    steps[0]["dependsOn"] = json!([names.last()]);
    check_steps(&json!(steps), &[("CYCLE", "/steps/0/dependsOn")]);
    // More steps than are allowed do not exhaust the stack either.
    let many: Vec<Value> = (0..5000)
        .map(|n| json!({ "name": n.to_string() }))
        .collect();
    let mut many = json!(many);
    many[0]["dependsOn"] = json!(["4999"]);
    let problems = read(&with_steps(&many)).unwrap_err();
    assert!(problems.len() == 1000);
}

#[test]
fn steps_are_counted_at_every_depth() {
    let steps = |count: usize| -> Value { (0..count).map(|n| run(&format!("s{n}"))).collect() };
    let with_handlers = |inside: usize, handlers: usize| {
        let mut documents = Vec::new();
        for (outer, _) in around(&steps(inside)) {
            let mut document = with_steps(&json!([outer, run("last")]));
            document["errorHandlers"] = steps(handlers);
            documents.push(document);
        }
        documents
    };
    for document in with_handlers(STEPS_PER_DEFINITION - 12, 10) {
        check_document(&document, &[]);
    }
    for document in with_handlers(STEPS_PER_DEFINITION - 11, 10) {
        check_document(&document, &[("TOO_LARGE", "/steps")]);
    }
}

#[test]
fn a_step_has_at_most_sixteen_around_it() {
    for way in 0..around(&json!([])).len() {
        let mut steps = json!([run("in")]);
        for depth in 1..=ENCLOSING_STEPS + 3 {
            let (outer, inside) = around(&steps)[way].clone();
            steps = json!([outer]);
            // Told once, at the step that has a seventeenth around it.
            let first = "/0".to_owned() + &format!("{inside}/0").repeat(ENCLOSING_STEPS + 1);
            let place = format!("/steps{first}");
            let expected = [("TOO_DEEP", place.as_str())];
            let is_too_deep = depth > ENCLOSING_STEPS;
            check_steps(&steps, if is_too_deep { &expected } else { &[] });
        }
    }
}

#[test]
fn a_text_may_hold_sixteen_steps_around_the_deepest_value_of_a_step() {
    let mut innermost = run("in");
    innermost["retryPolicy"] =
        json!({ "maxRetries": 1, "rules": [{ "errorCodes": ["A"], "maxRetries": 1 }] });
    innermost["inputMappings"] =
        json!([{ "type": "DIRECT", "source": "a", "target": "b", "default": [[[[[[[[1]]]]]]]] }]);
    for way in 0..around(&json!([])).len() {
        let mut steps = json!([innermost]);
        for _ in 0..ENCLOSING_STEPS {
            let (outer, _) = around(&steps)[way].clone();
            steps = json!([outer]);
        }
        // JSON on one line, and YAML that is indented.
        let document = with_steps(&steps);
        for text in [
            document.to_string(),
            serde_json::to_string_pretty(&document).unwrap(),
        ] {
            let reading = read_text(&text);
            assert_eq!(reading.problems, []);
            let (definition, _) = &reading.definitions[0];
            let crate::registration::Definition::Workflow(workflow) = definition else {
                panic!("it has steps");
            };
            // What is stored can be read again.
            let stored = serde_json::to_string(workflow).unwrap();
            let again: crate::workflow::WorkflowDefinition = serde_json::from_str(&stored).unwrap();
            assert_eq!(&again, workflow);
        }
    }
}
