//! What each type of step has, needs and refuses.

use serde_json::{Value, json};

use super::{any_step, check, check_steps, good, message, nearest, run, step};
use super::{with_steps, workflow_of};
use crate::workflow::definition::STEP_TYPES;

/// A good step of each type, with every field of its own.
fn full(step_type: &str) -> Value {
    let retry =
        json!({ "maxRetries": 1, "retryInterval": 5, "backoffMultiplier": 1.5, "jitter": "NONE" });
    let mapping = json!([{ "type": "DIRECT", "source": "a", "target": "b" }]);
    let undo = json!({ "taskDefinitionId": "t", "taskVersion": "^1", "inputMappings": mapping,
        "retryPolicy": retry, "timeout": 5 });
    match step_type {
        "TASK" => json!({ "taskDefinitionId": "t", "taskVersion": "^1", "inputMappings": mapping,
            "retryPolicy": retry, "timeout": 5, "timeouts": {}, "priority": "LOW",
            "taskReference": "a", "compensation": undo }),
        "PARALLEL" => json!({ "branches": [{ "name": "x", "steps": [run("a")] }], "join": "ANY",
            "onBranchFailure": "WAIT", "retryPolicy": retry }),
        "MAP" => json!({ "items": "a", "steps": [run("a")], "result": "a", "maxConcurrency": 1,
            "toleratedFailureCount": 0, "toleratedFailurePercentage": 12.5, "batchSize": 10,
            "retryPolicy": retry }),
        "SWITCH" => json!({ "cases": [{ "when": "a", "steps": [] }], "otherwise": [run("a")] }),
        "LOOP" => json!({ "while": "a", "steps": [run("a")], "maxIterations": 5 }),
        "WAIT" => json!({ "duration": "PT5M" }),
        "SIGNAL" => json!({ "signal": "go", "timeout": 5, "onTimeout": "CONTINUE" }),
        "SUB_WORKFLOW" => json!({ "workflowDefinitionId": "v", "workflowVersion": "^1",
            "inputMappings": mapping, "retryPolicy": retry, "onParentClose": "ABANDON",
            "compensation": undo }),
        "SET" => json!({}),
        "TERMINATE" => json!({ "status": "FAILED", "output": "a",
            "error": { "code": "A", "message": "b" } }),
        other => panic!("{other} is no type"),
    }
}

/// The fields that a type has and that cannot stand beside those that [`full`] gives it.
fn alternatives(step_type: &str) -> &'static [&'static str] {
    match step_type {
        "LOOP" | "WAIT" => &["until"],
        _ => &[],
    }
}

pub(super) fn named(step_type: &str) -> Value {
    let mut step = full(step_type);
    step["name"] = json!("s");
    step["type"] = json!(step_type);
    step
}

#[test]
fn every_type_of_step_is_read_with_all_its_fields() {
    let shared = json!({ "description": "d", "condition": "a", "dependsOn": [], "continueOnFailure": true,
        "variableMappings": [{ "type": "EXPRESSION", "expression": "a", "target": "b" }],
        "onError": [
            { "errorCodes": ["A"], "steps": [run("a")], "then": "FAIL" },
            { "errorCodes": ["*"], "then": "RETRY_STEP", "maxRetries": 3 },
            { "errorCodes": ["B"] },
        ] });
    for step_type in STEP_TYPES {
        let mut step = named(step_type);
        let fields = shared.as_object().unwrap().clone();
        step.as_object_mut().unwrap().extend(fields);
        let workflow = workflow_of(&with_steps(&json!([step])).to_string());
        assert_eq!(workflow.steps[0].kind.as_str(), step_type);
        let written = serde_json::to_value(&workflow.steps[0]).unwrap();
        for field in step.as_object().unwrap().keys() {
            assert!(written.get(field).is_some(), "{step_type}.{field} is lost");
        }
    }
}

#[test]
fn a_step_that_does_not_say_its_type_is_a_task() {
    let workflow = workflow_of(&step("priority: LOW"));
    assert_eq!(workflow.steps[0].kind.as_str(), "TASK");
    check(
        &any_step("signal: go"),
        &[
            ("MISSING_FIELD", "/steps/0", 5),
            ("UNKNOWN_FIELD", "/steps/0/signal", 6),
        ],
    );
}

#[test]
fn a_field_of_another_type_is_refused_at_every_type() {
    for step_type in STEP_TYPES {
        for other in STEP_TYPES {
            for (field, value) in full(other).as_object().unwrap() {
                let mut step = named(step_type);
                // A field that several types have is another's only at the rest of them.
                let is_own =
                    step.get(field).is_some() || alternatives(step_type).contains(&&**field);
                if is_own {
                    continue;
                }
                step[field] = value.clone();
                let place = format!("/steps/0/{field}");
                check_steps(&json!([step]), &[("UNKNOWN_FIELD", &place)]);
            }
        }
    }
}

#[test]
fn a_field_that_nothing_has_is_refused_in_every_object_of_every_type() {
    for step_type in STEP_TYPES {
        let mut step = named(step_type);
        step["colour"] = json!("red");
        check_steps(&json!([step]), &[("UNKNOWN_FIELD", "/steps/0/colour")]);
    }
    let inside = [
        ("PARALLEL", "/branches/0"),
        ("PARALLEL", "/branches/0/steps/0"),
        ("PARALLEL", "/retryPolicy"),
        ("MAP", "/steps/0"),
        ("SWITCH", "/cases/0"),
        ("SWITCH", "/otherwise/0"),
        ("LOOP", "/steps/0"),
        ("TASK", "/compensation"),
        ("TASK", "/compensation/inputMappings/0"),
        ("SUB_WORKFLOW", "/compensation"),
        ("TERMINATE", "/error"),
    ];
    for (step_type, place) in inside {
        let mut step = named(step_type);
        step.pointer_mut(place).unwrap()["colour"] = json!("red");
        let place = format!("/steps/0{place}/colour");
        check_steps(&json!([step]), &[("UNKNOWN_FIELD", &place)]);
    }
}

#[test]
fn a_field_of_a_step_that_is_missing_is_told_at_the_step() {
    let cases: [(&str, usize); 13] = [
        ("type: TASK", 1),
        ("type: PARALLEL", 1),
        ("type: MAP", 2),
        ("type: MAP, items: a", 1),
        ("type: SWITCH", 1),
        ("type: SWITCH, otherwise: []", 1),
        ("type: LOOP", 3),
        ("type: LOOP, while: a, steps: []", 1),
        ("type: LOOP, maxIterations: 1, steps: []", 1),
        ("type: WAIT", 1),
        ("type: SIGNAL", 1),
        ("type: SUB_WORKFLOW", 1),
        ("type: TERMINATE", 1),
    ];
    for (fields, count) in cases {
        let expected = vec![("MISSING_FIELD", "/steps/0", 5); count];
        check(&any_step(fields), &expected);
    }
}

/// The beginning of a step, more fields, and the code and place of what is wrong.
type Wrong<'a> = (&'a str, &'a [(&'a str, &'a str, &'a str)]);

const WRONG: [Wrong<'_>; 11] = [
    (
        "description: x",
        &[
            ("type: TSK", "WRONG_TYPE", "/type"),
            ("type: 5", "WRONG_TYPE", "/type"),
            ("type:", "WRONG_TYPE", "/type"),
        ],
    ),
    (
        "type: PARALLEL",
        &[
            ("branches: []", "EMPTY", "/branches"),
            ("branches: {}", "WRONG_TYPE", "/branches"),
            ("branches: [{name: x}]", "MISSING_FIELD", "/branches/0"),
            (
                "branches: [{name: x y, steps: []}]",
                "WRONG_TYPE",
                "/branches/0/name",
            ),
        ],
    ),
    (
        "type: PARALLEL, branches: [{name: x, steps: []}, {name: y, steps: []}]",
        &[
            ("join: SOME", "WRONG_TYPE", "/join"),
            ("join: 2", "WRONG_TYPE", "/join"),
            ("join: {}", "MISSING_FIELD", "/join"),
            ("join: {count: 0}", "OUT_OF_RANGE", "/join/count"),
            ("join: {count: -1}", "OUT_OF_RANGE", "/join/count"),
            ("join: {count: 3}", "OUT_OF_RANGE", "/join/count"),
            ("join: {count: 1001}", "OUT_OF_RANGE", "/join/count"),
            ("join: {count: 1.5}", "WRONG_TYPE", "/join/count"),
            ("join: {count: 1, of: 2}", "UNKNOWN_FIELD", "/join/of"),
            ("onBranchFailure: IGNORE", "WRONG_TYPE", "/onBranchFailure"),
            ("retryPolicy: {}", "MISSING_FIELD", "/retryPolicy"),
        ],
    ),
    (
        "type: MAP, steps: []",
        &[
            ("items: '('", "BAD_EXPRESSION", "/items"),
            ("items: [1]", "WRONG_TYPE", "/items"),
        ],
    ),
    (
        "type: MAP, items: a, steps: []",
        &[
            ("result: '('", "BAD_EXPRESSION", "/result"),
            ("maxConcurrency: 0", "OUT_OF_RANGE", "/maxConcurrency"),
            ("batchSize: 0", "OUT_OF_RANGE", "/batchSize"),
            (
                "toleratedFailureCount: -1",
                "OUT_OF_RANGE",
                "/toleratedFailureCount",
            ),
            (
                "toleratedFailurePercentage: -0.5",
                "OUT_OF_RANGE",
                "/toleratedFailurePercentage",
            ),
            (
                "toleratedFailurePercentage: 100.5",
                "OUT_OF_RANGE",
                "/toleratedFailurePercentage",
            ),
        ],
    ),
    (
        "type: SWITCH",
        &[
            ("cases: []", "EMPTY", "/cases"),
            (
                "cases: [{when: '(', steps: []}]",
                "BAD_EXPRESSION",
                "/cases/0/when",
            ),
            ("cases: [{when: a}]", "MISSING_FIELD", "/cases/0"),
        ],
    ),
    (
        "type: LOOP, steps: []",
        &[
            ("while: '(', maxIterations: 1", "BAD_EXPRESSION", "/while"),
            ("until: '(', maxIterations: 1", "BAD_EXPRESSION", "/until"),
            (
                "until: 2026-13, maxIterations: 0",
                "OUT_OF_RANGE",
                "/maxIterations",
            ),
            (
                "while: a, until: b, maxIterations: 1",
                "WRONG_TYPE",
                "/until",
            ),
        ],
    ),
    (
        "type: SIGNAL",
        &[
            ("signal: ''", "EMPTY", "/signal"),
            ("signal: go, timeout: 0", "OUT_OF_RANGE", "/timeout"),
            ("signal: go, onTimeout: STOP", "WRONG_TYPE", "/onTimeout"),
        ],
    ),
    (
        "type: SUB_WORKFLOW",
        &[
            (
                "workflowDefinitionId: a b",
                "WRONG_TYPE",
                "/workflowDefinitionId",
            ),
            (
                "workflowDefinitionId: v, workflowVersion: two",
                "WRONG_TYPE",
                "/workflowVersion",
            ),
            (
                "workflowDefinitionId: v, compensation: {}",
                "MISSING_FIELD",
                "/compensation",
            ),
            (
                "workflowDefinitionId: v, onParentClose: WAIT",
                "WRONG_TYPE",
                "/onParentClose",
            ),
        ],
    ),
    (
        "type: SET",
        &[(
            "variableMappings: [{type: DIRECT, source: a, target: item}]",
            "RESERVED_NAME",
            "/variableMappings/0/target",
        )],
    ),
    (
        "type: TERMINATE",
        &[
            ("status: DONE", "WRONG_TYPE", "/status"),
            (
                "status: COMPLETED, output: '('",
                "BAD_EXPRESSION",
                "/output",
            ),
            (
                "status: COMPLETED, error: {code: A}",
                "UNKNOWN_FIELD",
                "/error",
            ),
            (
                "status: FAILED, error: {message: x}",
                "MISSING_FIELD",
                "/error",
            ),
            ("status: FAILED, error: {code: ''}", "EMPTY", "/error/code"),
        ],
    ),
];

#[test]
fn a_field_of_a_step_of_any_type_that_is_wrong_is_told_at_its_place() {
    for (start, cases) in WRONG {
        for (fields, code, place) in cases {
            let text = any_step(&format!("{start}, {fields}"));
            check(&text, &[(code, &format!("/steps/0{place}"), 6)]);
        }
    }
}

#[test]
fn what_is_unusual_and_meant_is_accepted() {
    let cases = [
        "type: PARALLEL, branches: [{name: x, steps: []}], join: {count: 1}",
        "type: PARALLEL, branches: [{name: x, steps: []}], join: {count: 1.0}",
        "type: MAP, items: a, steps: [], toleratedFailurePercentage: 0, toleratedFailureCount: 1e3",
        "type: MAP, items: a, steps: [], toleratedFailurePercentage: 100",
        "type: SWITCH, cases: [], otherwise: []",
        "type: SWITCH, cases: [{when: a, steps: []}]",
        "type: LOOP, until: a, steps: [], maxIterations: 1000000000",
        "type: TERMINATE, status: FAILED",
        "type: TERMINATE, status: COMPLETED",
        "type: SET",
        "type: SIGNAL, signal: order approved",
    ];
    for fields in cases {
        good(&any_step(fields));
    }
}

#[test]
fn a_wait_has_a_time_that_can_be_read() {
    let year = 366_u64 * 24 * 60 * 60 * 1000;
    let cases: [(&str, Option<&str>); 32] = [
        ("duration: 5, until: a", Some("WRONG_TYPE")),
        ("duration: 0", None),
        ("duration: 1e3", None),
        (&format!("duration: {year}"), None),
        (&format!("duration: {}", year + 1), Some("OUT_OF_RANGE")),
        ("duration: -1", Some("OUT_OF_RANGE")),
        ("duration: 1.5", Some("WRONG_TYPE")),
        ("duration: true", Some("WRONG_TYPE")),
        ("duration: ''", Some("EMPTY")),
        ("duration: PT0S", None),
        ("duration: P1DT2H3M4.5S", None),
        ("duration: P2W", None),
        ("duration: P366D", None),
        ("duration: P367D", Some("OUT_OF_RANGE")),
        ("duration: P1M", Some("BAD_TIME")),
        ("duration: P1Y", Some("BAD_TIME")),
        ("duration: P1H", Some("BAD_TIME")),
        ("duration: PT5m", Some("BAD_TIME")),
        ("duration: pt5s", Some("BAD_TIME")),
        ("duration: workflowVariables.delay * 1000", None),
        ("duration: Price", None),
        ("duration: 5 minutes", Some("BAD_EXPRESSION")),
        ("until: 2026-11-21T21:20:00Z", None),
        ("until: 2026-11-21T21:20:00.5+02:00", None),
        ("until: workflowInput.date", None),
        ("until: 2026-02-30T00:00:00Z", Some("BAD_TIME")),
        ("until: 2026-11-21", Some("BAD_TIME")),
        ("until: 2026-11-21T21:20:00", Some("BAD_TIME")),
        ("until: 2026-11-21 21:20:00Z", Some("BAD_TIME")),
        ("until: 2026 - 11", None),
        ("until: ''", Some("EMPTY")),
        ("until: 5", Some("WRONG_TYPE")),
    ];
    for (field, code) in cases {
        let name = if field.contains("until") {
            "until"
        } else {
            "duration"
        };
        let place = format!("/steps/0/{name}");
        let expected = Vec::from_iter(code.map(|code| (code, place.as_str(), 6)));
        check(&any_step(&format!("type: WAIT, {field}")), &expected);
    }
}

#[test]
fn an_error_handler_has_codes_and_retries_only_where_it_repeats_the_step() {
    let cases: [(&str, Option<(&str, &str)>); 13] = [
        ("{errorCodes: [A]}", None),
        ("{errorCodes: [A], steps: [], then: CONTINUE}", None),
        ("{errorCodes: ['*'], then: RETRY_STEP}", None),
        ("{errorCodes: [A], then: RETRY_STEP, maxRetries: 2}", None),
        ("{}", Some(("MISSING_FIELD", ""))),
        ("{errorCodes: []}", Some(("EMPTY", "/errorCodes"))),
        ("{errorCodes: A}", Some(("WRONG_TYPE", "/errorCodes"))),
        ("{errorCodes: [5]}", Some(("WRONG_TYPE", "/errorCodes/0"))),
        (
            "{errorCodes: [A], then: RETRY}",
            Some(("WRONG_TYPE", "/then")),
        ),
        (
            "{errorCodes: [A], maxRetries: 2}",
            Some(("UNKNOWN_FIELD", "/maxRetries")),
        ),
        (
            "{errorCodes: [A], then: FAIL, maxRetries: 2}",
            Some(("UNKNOWN_FIELD", "/maxRetries")),
        ),
        (
            "{errorCodes: [A], then: RETRY_STEP, maxRetries: 0}",
            Some(("OUT_OF_RANGE", "/maxRetries")),
        ),
        (
            "{errorCode: A, errorCodes: [A]}",
            Some(("UNKNOWN_FIELD", "/errorCode")),
        ),
    ];
    for (entry, problem) in cases {
        let place = format!(
            "/steps/0/onError/0{}",
            problem.map_or("", |(_, place)| place)
        );
        let expected = Vec::from_iter(problem.map(|(code, _)| (code, place.as_str(), 6)));
        check(&step(&format!("onError: [{entry}]")), &expected);
    }
}

#[test]
fn messages_name_the_types_that_a_field_goes_with_and_the_nearest_of_the_own_type() {
    assert_eq!(
        message(&step("branches: [{name: x, steps: []}]")),
        "the field goes with type PARALLEL, this is of type TASK"
    );
    assert_eq!(
        message(&any_step("type: SET, inputMappings: []")),
        "the field goes with type TASK or SUB_WORKFLOW, this is of type SET"
    );
    assert_eq!(
        message(&step("onError: [{errorCodes: [A], maxRetries: 2}]")),
        "the field goes with then: RETRY_STEP"
    );
    let cases = [
        (step("timout: 5"), Some("timeout")),
        (step("dependOn: []"), Some("dependsOn")),
        (step("brnches: []"), Some("branches")),
        (
            any_step("type: TERMINATE, status: FAILED, outputs: a"),
            Some("output"),
        ),
        (any_step("type: WAIT, duration: 5, untl: a"), Some("until")),
        (any_step("type: SWICH"), Some("SWITCH")),
        (any_step("type: subworkflow"), Some("SUB_WORKFLOW")),
        (
            any_step(
                "type: PARALLEL, branches: [{name: x, steps: []}], join: {cuont: 1, count: 1}",
            ),
            Some("count"),
        ),
        (
            step("onError: [{errorCodes: [A], than: FAIL}]"),
            Some("then"),
        ),
        (
            step("compensation: {taskDefinitonId: a, taskDefinitionId: b}"),
            Some("taskDefinitionId"),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(nearest(&text).as_deref(), expected, "{text}");
    }
}
