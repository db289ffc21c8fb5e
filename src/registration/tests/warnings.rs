//! Warnings.

use serde_json::{Value, json};

use super::{run, with_steps, workflow_of};
use crate::registration::warnings;

/// Checks the warnings of a definition, in their order.
#[track_caller]
fn check(document: &Value, expected: &[(&str, &str)]) {
    let found = warnings(&workflow_of(&document.to_string()));
    let places: Vec<(&str, &str)> = found.iter().map(|w| (w.code, w.pointer.as_str())).collect();
    assert_eq!(places, expected, "{document}\n{found:#?}");
}

const UNSET: &str = "UNSET_VARIABLE";
const MISSING: &str = "MAYBE_MISSING";
const CONTESTED: &str = "CONTESTED_VARIABLE";

fn sets(name: &str, target: &str) -> Value {
    json!({ "name": name, "type": "SET",
        "variableMappings": [{ "type": "EXPRESSION", "expression": "workflowInput.x", "target": target }] })
}

#[test]
fn a_variable_that_nothing_sets_is_warned_of_at_its_first_use() {
    let text = "\
id: w
version: 1.0.0
name: W
variables: {currency: EUR}
steps:
- name: a
  taskDefinitionId: t
  condition: \"$exists(workflowVariables.totl) and myworkflowVariables.x\"
  inputMappings:
  - {type: DIRECT, source: currency, target: a}
  - {type: DIRECT, source: curency.code, target: b}
  - {type: DIRECT, source: workflowInput.order, target: c}
  - {type: DIRECT, source: workflowVariables.vanished, target: d}
  - {type: EXPRESSION, expression: \"workflowVariables . total + workflowVariables.`odd name`\", target: e}
  variableMappings:
  - {type: EXPRESSION, expression: taskOutput.sum, target: total.net}
  - {type: DIRECT, source: anything, target: copy}
output: \"{'t': workflowVariables.total, 'x': workflowVariables.totl, 'all': workflowVariables}\"
";
    let warnings = warnings(&workflow_of(text));
    let found: Vec<_> = warnings
        .iter()
        .map(|w| (w.code, w.pointer.as_str(), w.nearest.as_deref()))
        .collect();
    assert_eq!(
        found,
        [
            (UNSET, "/steps/0/condition", Some("total")),
            (UNSET, "/steps/0/inputMappings/1/source", Some("currency")),
            (UNSET, "/steps/0/inputMappings/3/source", None),
            (UNSET, "/steps/0/inputMappings/4/expression", None),
        ]
    );
}

#[test]
fn every_expression_of_every_type_of_step_is_looked_at() {
    let v = |name: &str| format!("workflowVariables.{name}");
    let document = json!({ "id": "w", "version": "1.0.0", "name": "W",
        "steps": [
            { "name": "t", "taskDefinitionId": "t", "taskReference": v("a"),
              "compensation": { "taskDefinitionId": "t", "inputMappings": [
                  { "type": "DIRECT", "source": "b", "target": "x" }] } },
            { "name": "c", "type": "SUB_WORKFLOW", "workflowDefinitionId": "w", "inputMappings": [
                  { "type": "TRANSFORM", "source": "c", "transformation": "$", "target": "x" }] },
            { "name": "m", "type": "MAP", "items": v("d"), "steps": [], "result": v("e") },
            { "name": "s", "type": "SWITCH", "cases": [{ "when": v("f"), "steps": [] }] },
            { "name": "l", "type": "LOOP", "while": v("g"), "maxIterations": 1, "steps": [] },
            { "name": "u", "type": "LOOP", "until": v("h"), "maxIterations": 1, "steps": [] },
            { "name": "w", "type": "WAIT", "duration": v("i") },
            { "name": "x", "type": "WAIT", "until": v("j") },
            { "name": "y", "type": "SET", "variableMappings": [
                  { "type": "DIRECT", "source": "k", "target": "known" }] },
            { "name": "z", "type": "TERMINATE", "status": "COMPLETED", "output": v("l") },
            { "name": "p", "type": "WAIT", "duration": "PT5S", "onError": [
                  { "errorCodes": ["*"], "steps": [{ "name": "q", "type": "SET", "condition": v("m") }] }] },
        ],
        "errorHandlers": [{ "name": "e", "taskDefinitionId": "t", "condition": v("n") }],
        "output": v("o"),
    });
    check(
        &document,
        &[
            (UNSET, "/steps/0/taskReference"),
            (UNSET, "/steps/0/compensation/inputMappings/0/source"),
            (UNSET, "/steps/1/inputMappings/0/source"),
            (UNSET, "/steps/2/items"),
            (UNSET, "/steps/2/result"),
            (UNSET, "/steps/3/cases/0/when"),
            (UNSET, "/steps/4/while"),
            (UNSET, "/steps/5/until"),
            (UNSET, "/steps/6/duration"),
            (UNSET, "/steps/7/until"),
            (UNSET, "/steps/8/variableMappings/0/source"),
            (UNSET, "/steps/9/output"),
            (UNSET, "/steps/10/onError/0/steps/0/condition"),
            (UNSET, "/errorHandlers/0/condition"),
            (UNSET, "/output"),
        ],
    );
}

#[test]
fn what_is_set_inside_a_map_stays_inside() {
    let read =
        |name: &str| json!({ "name": name, "type": "SET", "condition": "workflowVariables.v" });
    let map = json!({ "name": "m", "type": "MAP", "items": "[1]", "result": "workflowVariables.v",
        "steps": [sets("a", "v"), read("b"),
            { "name": "n", "type": "MAP", "items": "[1]", "steps": [read("c")] }] });
    check(&with_steps(&json!([map])), &[]);
    check(
        &with_steps(&json!([map, read("after")])),
        &[(UNSET, "/steps/1/condition")],
    );
    let parallel = json!({ "name": "p", "type": "PARALLEL", "branches": [
        { "name": "x", "steps": [sets("a", "v")] }, { "name": "y", "steps": [] }] });
    check(&with_steps(&json!([parallel, read("after")])), &[]);
    check(&with_steps(&json!([sets("before", "v"), map])), &[]);
}

#[test]
fn a_name_is_a_variable_only_where_the_scope_is_meant() {
    let condition = |source: &str| {
        let mut step = run("a");
        step["condition"] = json!(source);
        with_steps(&json!([step]))
    };
    let cases = [
        ("workflowVariables.a", true),
        ("workflowVariables.a[0].b", true),
        ("$$.workflowVariables.a", true),
        ("workflowInput.lines.($$.workflowVariables.a)", true),
        ("$map([1], function($x){ workflowVariables.a })", true),
        ("'workflowVariables.a' = 'x'", false),
        ("workflowInput.workflowVariables.a", false),
        ("workflowInput.lines[workflowVariables.a]", false),
        ("$exists(workflowVariables)", false),
        ("$lookup(workflowVariables, 'a')", false),
    ];
    for (source, warned) in cases {
        let expected: &[_] = if warned {
            &[(UNSET, "/steps/0/condition")]
        } else {
            &[]
        };
        check(&condition(source), expected);
    }
}

/// A definition with variables of every certainty, and an input of which some is required.
fn asking(condition: &str) -> Value {
    let line = json!({ "type": "object", "required": ["sku"] });
    json!({ "id": "w", "version": "1.0.0", "name": "W",
        "variables": { "initial": { "a": 1 } },
        "inputSchema": { "type": "object", "required": ["sure", "lines", "composed"], "properties": {
            "sure": { "required": ["deep"] },
            "maybe": { "required": ["deep"] },
            "lines": { "type": "array", "items": line },
            "composed": { "$ref": "#/$defs/x" },
        }, "$defs": { "x": true } },
        "steps": [
            { "name": "a", "type": "SET", "condition": condition, "variableMappings": [
                { "type": "EXPRESSION", "expression": "workflowInput.x", "target": "perhaps" },
                { "type": "EXPRESSION", "expression": "0", "target": "literal" },
                { "type": "EXPRESSION", "expression": "$count(workflowInput.x)", "target": "counted" },
                { "type": "DIRECT", "source": "workflowInput.x", "target": "defaulted", "default": null },
                { "type": "DIRECT", "source": "workflowInput.x", "target": "required", "required": true },
                { "type": "DIRECT", "source": "workflowInput", "target": "whole" },
            ] },
        ] })
}

#[test]
fn what_is_false_of_a_missing_value_is_warned_of_where_it_may_be_missing() {
    let cases = [
        ("workflowInput.maybe != 1", true),
        ("1 != workflowInput.maybe", true),
        ("$not(workflowInput.maybe)", true),
        ("workflowInput.maybe.deep != 1", true),
        ("workflowInput.lines.qty != 1", true),
        ("workflowInput.sure.other != 1", true),
        ("$$.workflowInput.maybe != 1", true),
        ("true and $not(workflowInput.maybe)", true),
        ("workflowVariables.perhaps != 1", true),
        ("$not(workflowVariables.perhaps)", true),
        // It is there.
        ("workflowInput.sure != 1", false),
        ("workflowInput.sure.deep != 1", false),
        ("workflowInput.lines.sku != 1", false),
        ("workflowInput != 1", false),
        ("workflowVariables.initial != 1", false),
        ("workflowVariables.literal != 1", false),
        ("workflowVariables.counted != 1", false),
        ("workflowVariables.defaulted != 1", false),
        ("workflowVariables.required != 1", false),
        ("workflowVariables.whole != 1", false),
        // It is asked for, or cannot be told.
        (
            "$exists(workflowInput.maybe) and workflowInput.maybe != 1",
            false,
        ),
        (
            "workflowInput.maybe != 1 or $not($exists(workflowInput.maybe))",
            false,
        ),
        (
            "$exists(workflowInput.maybe.deep) and workflowInput.maybe != 1",
            false,
        ),
        (
            "$exists(workflowInput.other) and workflowInput.maybe != 1",
            true,
        ),
        ("workflowInput.maybe != null", false),
        ("(workflowInput.maybe ?? 0) != 1", false),
        ("$count(workflowInput.maybe) != 1", false),
        ("$not($count(workflowInput.maybe) = 1)", false),
        ("workflowInput.composed.any != 1", false),
        ("workflowInput.lines[maybe != 1]", false),
        ("context.correlationId != 'x'", false),
        // It is false as well, and that is what is expected.
        ("workflowInput.maybe = 1", false),
        ("workflowInput.maybe > 1", false),
    ];
    for (condition, warned) in cases {
        let expected: &[_] = if warned {
            &[(MISSING, "/steps/0/condition")]
        } else {
            &[]
        };
        check(&asking(condition), expected);
    }
    check(
        &asking("workflowInput.maybe != workflowVariables.perhaps"),
        &[
            (MISSING, "/steps/0/condition"),
            (MISSING, "/steps/0/condition"),
        ],
    );
    // What nothing sets has one warning.
    check(
        &asking("workflowVariables.never != 1"),
        &[(UNSET, "/steps/0/condition")],
    );
    let warning = &warnings(&workflow_of(
        &asking("$not(workflowInput.maybe)").to_string(),
    ))[0];
    assert_eq!(
        warning.message,
        "workflowInput.maybe may be missing, and $not is false then: ask $exists(workflowInput.maybe) too"
    );
}

#[test]
fn an_item_is_known_where_the_input_says_what_it_is() {
    let map = |items: &str, condition: &str| {
        let mut document = asking("true");
        document["steps"] = json!([{ "name": "m", "type": "MAP", "items": items, "steps": [
            { "name": "a", "type": "SET", "condition": condition }] }]);
        document
    };
    let cases = [
        ("workflowInput.lines", "item.sku != 1", false),
        ("workflowInput.lines[]", "item.sku != 1", false),
        ("workflowInput.lines", "item.qty != 1", true),
        ("workflowInput.lines[0]", "item.sku != 1", true),
        ("[1, 2]", "item != 1", false),
        ("[{}]", "$not(item.done)", true),
        ("[{}]", "$exists(item.done) and $not(item.done)", false),
    ];
    for (items, condition, warned) in cases {
        let expected: &[_] = if warned {
            &[(MISSING, "/steps/0/steps/0/condition")]
        } else {
            &[]
        };
        check(&map(items, condition), expected);
    }
}

#[test]
fn branches_that_set_the_same_variable_are_warned_of() {
    let parallel = |branches: &[Value]| {
        let branches: Vec<Value> = branches
            .iter()
            .enumerate()
            .map(|(at, steps)| json!({ "name": format!("b{at}"), "steps": steps }))
            .collect();
        with_steps(&json!([{ "name": "p", "type": "PARALLEL", "branches": branches }]))
    };
    let at = |branch: usize, step: &str| {
        format!("/steps/0/branches/{branch}/steps/{step}/variableMappings/0/target")
    };
    let map = |steps: Value| json!({ "name": "m", "type": "MAP", "items": "[1]", "steps": steps });
    let cases: [(&[Value], &[String]); 9] = [
        (&[json!([sets("x", "v")]), json!([sets("y", "w")])], &[]),
        (&[json!([sets("x", "v"), sets("y", "v")]), json!([])], &[]),
        (
            &[json!([sets("x", "v")]), json!([sets("y", "v")])],
            &[at(1, "0")],
        ),
        (
            &[
                json!([sets("x", "v")]),
                json!([sets("y", "v"), sets("z", "v")]),
                json!([sets("y", "v")]),
            ],
            &[at(1, "0"), at(2, "0")],
        ),
        (&[json!([sets("x", "v.a")]), json!([sets("y", "v.b")])], &[]),
        (
            &[json!([sets("x", "v.a")]), json!([sets("y", "v")])],
            &[at(1, "0")],
        ),
        (
            &[json!([sets("x", "v")]), json!([sets("y", "v.b")])],
            &[at(1, "0")],
        ),
        (
            &[
                json!([sets("x", "v")]),
                json!([{ "name": "s", "type": "SWITCH", "cases": [], "otherwise": [sets("y", "v")] }]),
            ],
            &[at(1, "0/otherwise/0")],
        ),
        (
            &[
                json!([map(json!([sets("x", "v")]))]),
                json!([map(json!([sets("y", "v")]))]),
            ],
            &[],
        ),
    ];
    for (branches, expected) in cases {
        let expected: Vec<(&str, &str)> = expected
            .iter()
            .map(|place| (CONTESTED, place.as_str()))
            .collect();
        check(&parallel(branches), &expected);
    }
    let warning = &warnings(&workflow_of(
        &parallel(&[json!([sets("x", "v.a")]), json!([sets("y", "v")])]).to_string(),
    ))[0];
    assert_eq!(
        warning.message,
        "the branch \"b0\" sets \"v.a\" as well: the one that completes later wins"
    );
}
