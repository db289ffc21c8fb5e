//! What holds for a workflow as a whole, for what every step has, and for mappings.

use serde_json::Value;

use super::{check, good, message, nearest, step, workflow, workflow_of};
use crate::workflow::definition::{Mapping, StepKind};

#[test]
fn a_field_of_a_workflow_that_is_wrong_is_told_at_its_place() {
    let cases: [(&str, (&str, &str, u32)); 15] = [
        ("varables: {}", ("UNKNOWN_FIELD", "/varables", 5)),
        ("variables: []", ("WRONG_TYPE", "/variables", 5)),
        (
            "variables:\n  total: 1\n  item: 2",
            ("RESERVED_NAME", "/variables/item", 7),
        ),
        ("timeout: 0", ("OUT_OF_RANGE", "/timeout", 5)),
        ("output: 5", ("WRONG_TYPE", "/output", 5)),
        ("output: ''", ("EMPTY", "/output", 5)),
        ("output: \"{'a': }\"", ("BAD_EXPRESSION", "/output", 5)),
        (
            "outputSchema: {required: a}",
            ("BAD_SCHEMA", "/outputSchema/required", 5),
        ),
        (
            "inputSchema: {$ref: 'https://example.com/x.json'}",
            ("BAD_SCHEMA", "/inputSchema/$ref", 5),
        ),
        (
            "inputSchema: {$ref: 'file:///etc/passwd'}",
            ("BAD_SCHEMA", "/inputSchema/$ref", 5),
        ),
        ("errorHandlers: {}", ("WRONG_TYPE", "/errorHandlers", 5)),
        ("type: AUTOMATED", ("UNKNOWN_FIELD", "/type", 5)),
        (
            "executionConfig: {}",
            ("UNKNOWN_FIELD", "/executionConfig", 5),
        ),
        ("createdAt: 5", ("WRONG_TYPE", "/createdAt", 5)),
        ("description: [x]", ("WRONG_TYPE", "/description", 5)),
    ];
    for (fields, expected) in cases {
        check(&workflow(fields), &[expected]);
    }
}

#[test]
fn a_field_of_a_step_that_is_wrong_is_told_at_its_place() {
    let cases: [(&str, &str, &str); 17] = [
        ("conditon: a", "UNKNOWN_FIELD", "/conditon"),
        ("condition: '$count('", "BAD_EXPRESSION", "/condition"),
        ("condition: true", "WRONG_TYPE", "/condition"),
        ("condition: ''", "EMPTY", "/condition"),
        ("taskReference: 'a b'", "BAD_EXPRESSION", "/taskReference"),
        ("taskVersion: two", "WRONG_TYPE", "/taskVersion"),
        ("taskVersion: ''", "EMPTY", "/taskVersion"),
        ("taskVersion: 2", "WRONG_TYPE", "/taskVersion"),
        ("priority: URGENT", "WRONG_TYPE", "/priority"),
        ("timeout: 0", "OUT_OF_RANGE", "/timeout"),
        (
            "timeouts: {heartbeat: 0}",
            "OUT_OF_RANGE",
            "/timeouts/heartbeat",
        ),
        (
            "timeouts: {scheduleToClose: 0}",
            "OUT_OF_RANGE",
            "/timeouts/scheduleToClose",
        ),
        (
            "retryPolicy: {maxRetries: 1, backoffMultiplier: 0}",
            "OUT_OF_RANGE",
            "/retryPolicy/backoffMultiplier",
        ),
        ("continueOnFailure: 1", "WRONG_TYPE", "/continueOnFailure"),
        ("inputMappings: {}", "WRONG_TYPE", "/inputMappings"),
        ("type: TSK", "WRONG_TYPE", "/type"),
        ("type: 5", "WRONG_TYPE", "/type"),
    ];
    for (fields, code, place) in cases {
        check(&step(fields), &[(code, &format!("/steps/0{place}"), 6)]);
    }
}

#[test]
fn a_mapping_is_told_what_its_own_type_lacks() {
    let cases: [(&str, &[(&str, &str)]); 19] = [
        ("{}", &[("MISSING_FIELD", "")]),
        ("{source: a, target: b}", &[("MISSING_FIELD", "")]),
        (
            "{type: DIRECT}",
            &[("MISSING_FIELD", ""), ("MISSING_FIELD", "")],
        ),
        ("{type: DIRECT, source: a}", &[("MISSING_FIELD", "")]),
        (
            "{type: DIRECT, source: a, target: b, expression: c}",
            &[("UNKNOWN_FIELD", "/expression")],
        ),
        (
            "{type: DIRECT, source: a, target: b, sorce: c}",
            &[("UNKNOWN_FIELD", "/sorce")],
        ),
        (
            "{type: direct, source: a, target: b}",
            &[("WRONG_TYPE", "/type")],
        ),
        (
            "{type: DIRECT, source: 1, target: b}",
            &[("WRONG_TYPE", "/source")],
        ),
        (
            "{type: DIRECT, source: '', target: b}",
            &[("EMPTY", "/source")],
        ),
        (
            "{type: DIRECT, source: a..b, target: b}",
            &[("WRONG_TYPE", "/source")],
        ),
        (
            "{type: DIRECT, source: a, target: .b}",
            &[("WRONG_TYPE", "/target")],
        ),
        (
            "{type: DIRECT, source: a, target: b, required: 1}",
            &[("WRONG_TYPE", "/required")],
        ),
        (
            "{type: EXPRESSION, source: a, target: b}",
            &[("MISSING_FIELD", ""), ("UNKNOWN_FIELD", "/source")],
        ),
        (
            "{type: EXPRESSION, expression: '(', target: b}",
            &[("BAD_EXPRESSION", "/expression")],
        ),
        (
            "{type: EXPRESSION, expression: '', target: b}",
            &[("EMPTY", "/expression")],
        ),
        (
            "{type: TRANSFORM, source: a, target: b}",
            &[("MISSING_FIELD", "")],
        ),
        (
            "{type: TRANSFORM, source: a, target: b, transformation: '$uppercase($'}",
            &[("BAD_EXPRESSION", "/transformation")],
        ),
        (
            "{type: TRANSFORM, source: a, target: b, transformation: $, default: null}",
            &[],
        ),
        ("5", &[("WRONG_TYPE", "")]),
    ];
    for list in ["inputMappings", "variableMappings"] {
        for (mapping, expected) in cases {
            let places: Vec<(&str, String)> = expected
                .iter()
                .map(|(code, place)| (*code, format!("/steps/0/{list}/0{place}")))
                .collect();
            let expected: Vec<_> = places
                .iter()
                .map(|(code, place)| (*code, place.as_str(), 6))
                .collect();
            check(&step(&format!("{list}: [{mapping}]")), &expected);
        }
    }
}

#[test]
fn a_reserved_name_is_refused_where_a_variable_is_set_and_nowhere_else() {
    let set = |target: &str| {
        step(&format!(
            "variableMappings: [{{type: DIRECT, source: a, target: {target}}}]"
        ))
    };
    for name in [
        "workflowInput",
        "workflowVariables",
        "taskOutput",
        "item",
        "index",
        "outer",
        "error",
        "context",
    ] {
        let expected = [("RESERVED_NAME", "/steps/0/variableMappings/0/target", 6)];
        check(&set(name), &expected);
        check(&set(&format!("{name}.inner")), &expected);
        good(&set(&format!("my.{name}")));
        good(&step(&format!(
            "inputMappings: [{{type: DIRECT, source: {name}.x, target: {name}}}]"
        )));
    }
    good(&set("input"));
}

#[test]
fn sizes_are_allowed_up_to_their_limits() {
    let named = |count: usize| -> String {
        let step = |n| format!("- {{name: s{n}, taskDefinitionId: t}}\n");
        let steps: String = (0..count).map(step).collect();
        format!("id: w\nversion: 1.0.0\nname: W\nsteps:\n{steps}")
    };
    good(&named(1000));
    check(&named(1001), &[("TOO_LARGE", "/steps", 4)]);

    let bare = "{\"id\":\"w\",\"version\":\"1.0.0\",\"name\":\"W\",\"steps\":[],\"variables\":{\"a\":\"\"}}";
    let sized = |bytes: usize| {
        workflow(&format!(
            "variables: {{a: {}}}",
            "x".repeat(bytes - bare.len())
        ))
    };
    good(&sized(256 * 1024));
    check(&sized(256 * 1024 + 1), &[("TOO_LARGE", "", 1)]);

    let name = |chars: usize| {
        format!(
            "id: w\nversion: 1.0.0\nname: {}\nsteps: []\n",
            "é".repeat(chars)
        )
    };
    good(&name(256));
    check(&name(257), &[("TOO_LARGE", "/name", 3)]);
    let id = |chars: usize| {
        format!(
            "id: {}\nversion: 1.0.0\nname: W\nsteps: []\n",
            "i".repeat(chars)
        )
    };
    good(&id(128));
    check(&id(129), &[("WRONG_TYPE", "/id", 1)]);
}

#[test]
fn a_document_that_was_meant_as_a_workflow_is_read_as_one() {
    let cases = [
        "step: []",
        "Steps: []",
        "variables: {}",
        "output: a",
        "varables: {}",
    ];
    for fields in cases {
        let text = format!("id: w\nversion: 1.0.0\nname: W\n{fields}\n");
        let reading = crate::registration::read_text(&text);
        assert!(
            reading
                .problems
                .iter()
                .any(|p| p.message == "the field \"steps\" is missing"),
            "{fields}: {:#?}",
            reading.problems
        );
    }
}

#[test]
fn messages_say_what_was_found_and_what_is_meant() {
    let cases = [
        (workflow("timeout: x"), "expected integer, found a string"),
        (
            workflow("timeout: 0"),
            "0 is less than 1, the least that is allowed",
        ),
        (
            step("priority: URGENT"),
            "\"URGENT\" is none of [\"LOW\",\"MEDIUM\",\"HIGH\",\"CRITICAL\"]",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(message(&text), expected);
    }
    assert_eq!(
        nearest(&step("inputMapings: []")).as_deref(),
        Some("inputMappings")
    );
    assert_eq!(nearest(&step("priority: HIHG")).as_deref(), Some("HIGH"));
}

#[test]
fn a_default_of_null_is_a_default() {
    let text = step("inputMappings: [{type: DIRECT, source: a, target: b, default: null}]");
    let workflow = workflow_of(&text);
    let StepKind::Task(step) = &workflow.steps[0].kind else {
        panic!("it is a TASK");
    };
    let Mapping::Direct { default, .. } = &step.input_mappings[0] else {
        panic!("it is DIRECT");
    };
    assert_eq!(*default, Some(Value::Null));
}
