use serde_json::{Value, json};

use super::{check, good, message, nearest, step, workflow, workflow_of};
use crate::registration::unsupported;
use crate::workflow::definition::Mapping;

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
        ("errorHandlers: []", ("NOT_SUPPORTED", "/errorHandlers", 5)),
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
            "timeouts: {heartbeat: 5}",
            "NOT_SUPPORTED",
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
fn steps_are_named_once() {
    let steps = |names: &[&str]| {
        let steps: String = names
            .iter()
            .map(|name| format!("- {{name: {name}, taskDefinitionId: t}}\n"))
            .collect();
        format!("id: w\nversion: 1.0.0\nname: W\nsteps:\n{steps}")
    };
    good(&steps(&["a", "b", "A"]));
    check(
        &steps(&["a", "b", "a", "b", "a"]),
        &[
            ("DUPLICATE_NAME", "/steps/2/name", 7),
            ("DUPLICATE_NAME", "/steps/3/name", 8),
            ("DUPLICATE_NAME", "/steps/4/name", 9),
        ],
    );
    for bad in ["a/b", "'a b'", "'[0]'", "-a"] {
        check(&steps(&[bad]), &[("WRONG_TYPE", "/steps/0/name", 5)]);
    }
    check(&steps(&["''"]), &[("EMPTY", "/steps/0/name", 5)]);
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
fn steps_that_are_not_run_here_are_refused_once_and_by_name() {
    let types = [
        "PARALLEL",
        "MAP",
        "SWITCH",
        "LOOP",
        "WAIT",
        "SIGNAL",
        "SUB_WORKFLOW",
        "SET",
        "TERMINATE",
    ];
    for step_type in types {
        let text = format!(
            "id: w\nversion: 1.0.0\nname: W\nsteps:\n- name: x\n  type: {step_type}\n  branches: []\n  \
             condition: '('\n  colour: red\n- name: x\n  taskDefinitionId: t\n"
        );
        check(
            &text,
            &[
                ("NOT_SUPPORTED", "/steps/0/type", 6),
                ("DUPLICATE_NAME", "/steps/1/name", 10),
            ],
        );
    }
}

#[test]
fn every_row_of_the_table_of_what_is_not_supported_is_refused_with_its_reason() {
    for row in unsupported::TABLE {
        let (base, owner) = match row.place {
            "Step" => (step_document(), "/steps/0"),
            "WorkflowDefinition" => (step_document(), ""),
            "TaskDefinition" => (task_document(), ""),
            "Timeouts" => (task_document(), "/timeouts"),
            other => panic!("no document for {other}"),
        };
        let mut document = base;
        let value = match row.what {
            unsupported::What::Field => json!([]),
            unsupported::What::Value(value) => json!(value),
        };
        let place = document.pointer_mut(owner).expect("the document has it");
        place[row.field] = value;
        let problems = crate::registration::read(&document).expect_err(row.field);
        let found: Vec<_> = problems
            .iter()
            .map(|p| (p.code, p.pointer.clone()))
            .collect();
        assert_eq!(
            found,
            [("NOT_SUPPORTED", format!("{owner}/{}", row.field))],
            "{row:?}"
        );
        assert!(problems[0].message.ends_with(row.reason), "{problems:?}");
    }
}

fn step_document() -> Value {
    json!({"id": "w", "version": "1.0.0", "name": "W", "steps": [{"name": "a", "taskDefinitionId": "t"}]})
}

fn task_document() -> Value {
    json!({"id": "t", "version": "1.0.0", "name": "T", "type": "AUTOMATED", "timeouts": {},
        "executionConfig": {"executor": "builtin:noop"}})
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
        (
            step("dependsOn: []"),
            "the field \"dependsOn\" is not supported: steps run in order, one after another",
        ),
        (
            step("type: MAP"),
            "MAP is not supported: a workflow is a sequence of TASK steps here",
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
    let Mapping::Direct { default, .. } = &workflow_of(&text).steps[0].input_mappings[0] else {
        panic!("it is DIRECT");
    };
    assert_eq!(*default, Some(Value::Null));
}
