//! The rules of DIRECT, EXPRESSION and TRANSFORM, one row each.

use serde_json::{Value, json};

use super::*;
use crate::time::Timestamp;

fn compiled(mappings: Value) -> Mappings {
    let mappings: Vec<Mapping> = serde_json::from_value(mappings).unwrap();
    Mappings::compile(&mappings).unwrap()
}

fn facts() -> Facts {
    Facts::new(Timestamp::from_millis(1_795_296_000_007), &[b"workflow"])
}

/// What mappings make of the data that every case here shares.
fn mapped(mappings: Value, as_input: bool) -> Result<Value, Error> {
    let input = json!({"order": {"id": 7, "lines": [{"price": 5, "qty": 2}]}});
    let variables = json!({"currency": "EUR", "order": {"id": 8}, "big": 9_007_199_254_740_993_i64,
        "none": null, "list": [1, 2]});
    let output = json!({"carrier": "dhl", "currency": "USD", "n": 18_446_744_073_709_551_615_u64});
    let context = json!({"tenantId": "t"});
    let variables = variables.as_object().unwrap();
    let scope = Scope::new()
        .with("workflowInput", &input)
        .with("workflowVariables", variables)
        .with("context", &context);
    let mappings = compiled(mappings);
    let fields = match as_input {
        true => mappings.input(&scope, &facts())?,
        false => mappings.variables(variables, &scope.with("taskOutput", &output), &facts())?,
    };
    Ok(Value::Object(fields))
}

fn check_input(mappings: Value, expected: Value) {
    assert_eq!(
        mapped(mappings.clone(), true).unwrap(),
        expected,
        "{mappings}"
    );
}

fn check_variable(mapping: Value, name: &str, expected: Value) {
    let variables = mapped(json!([mapping]), false).unwrap();
    assert_eq!(variables[name], expected, "{mapping}");
}

#[test]
fn a_direct_source_is_looked_up_in_the_variables_or_in_the_scope_that_it_names() {
    let check = |source: &str, expected: Value| {
        check_input(
            json!([{"type": "DIRECT", "source": source, "target": "x"}]),
            expected,
        );
    };
    check("currency", json!({"x": "EUR"}));
    check("order.id", json!({"x": 8}));
    check("workflowInput.order.id", json!({"x": 7}));
    check("workflowVariables.order.id", json!({"x": 8}));
    check("context", json!({"x": {"tenantId": "t"}}));
    check("none", json!({"x": null}));
    check("big", json!({"x": 9_007_199_254_740_993_i64}));
    check("missing", json!({}));
    check("order.id.deeper", json!({}));
    check("list.0", json!({}));
    check("none.deeper", json!({}));
    check("taskOutput.n", json!({}));
    check("item", json!({}));
}

#[test]
fn a_source_of_variable_mappings_is_looked_up_in_the_output() {
    let direct = |source: &str| json!({"type": "DIRECT", "source": source, "target": "x"});
    check_variable(direct("currency"), "x", json!("USD"));
    check_variable(direct("n"), "x", json!(18_446_744_073_709_551_615_u64));
    check_variable(direct("workflowVariables.currency"), "x", json!("EUR"));
    check_variable(direct("taskOutput.carrier"), "x", json!("dhl"));
    let bare = mapped(json!([direct("taskOutput")]), false).unwrap();
    assert_eq!(bare["x"]["carrier"], json!("dhl"));
}

#[test]
fn a_target_creates_objects_on_its_way_and_keeps_the_rest() {
    let direct = |target: &str| json!({"type": "DIRECT", "source": "carrier", "target": target});
    check_variable(
        direct("order.carrier"),
        "order",
        json!({"id": 8, "carrier": "dhl"}),
    );
    check_variable(direct("currency.of"), "currency", json!({"of": "dhl"}));
    check_variable(direct("a.b.c"), "a", json!({"b": {"c": "dhl"}}));
}

#[test]
fn all_mappings_see_the_variables_from_before_the_step() {
    let variables = mapped(
        json!([
            {"type": "DIRECT", "source": "carrier", "target": "currency"},
            {"type": "DIRECT", "source": "workflowVariables.currency", "target": "before"},
            {"type": "EXPRESSION", "expression": "workflowVariables.currency", "target": "also"},
        ]),
        false,
    )
    .unwrap();
    assert_eq!(variables["currency"], json!("dhl"));
    assert_eq!(variables["before"], json!("EUR"));
    assert_eq!(variables["also"], json!("EUR"));
}

#[test]
fn expressions_and_transformations_work_on_their_scopes() {
    check_input(
        json!([
            {"type": "EXPRESSION", "expression": "$sum(workflowInput.order.lines.(price * qty))", "target": "total"},
            {"type": "TRANSFORM", "source": "currency", "transformation": "$lowercase($)", "target": "currency"},
            {"type": "TRANSFORM", "source": "list", "transformation": "$sum($)", "target": "sum"},
            {"type": "TRANSFORM", "source": "order", "transformation": "id + 1", "target": "next"},
            {"type": "TRANSFORM", "source": "none", "transformation": "$type($)", "target": "type"},
            {"type": "TRANSFORM", "source": "workflowVariables", "transformation": "$count($keys($))", "target": "count"},
        ]),
        json!({"total": 10, "currency": "eur", "sum": 3, "next": 9, "type": "null", "count": 5}),
    );
}

#[test]
fn a_missing_value_is_left_out_defaulted_or_refused() {
    let sources = [
        json!({"type": "DIRECT", "source": "missing", "target": "a.b"}),
        json!({"type": "EXPRESSION", "expression": "missing", "target": "a.b"}),
        json!({"type": "TRANSFORM", "source": "missing", "transformation": "$", "target": "a.b"}),
        json!({"type": "TRANSFORM", "source": "order", "transformation": "missing", "target": "a.b"}),
    ];
    for source in sources {
        check_input(json!([source]), json!({}));
        for default in [json!(5), json!(null)] {
            let mut with_default = source.clone();
            with_default["default"] = default.clone();
            with_default["required"] = json!(true);
            check_input(json!([with_default]), json!({"a": {"b": default}}));
        }
        let mut required = source.clone();
        required["required"] = json!(true);
        let error = mapped(json!([required]), true).unwrap_err();
        assert_eq!(error.code(), "MAPPING_SOURCE_MISSING", "{source}");
        assert!(error.to_string().contains("a.b"), "{error}");
    }
}

#[test]
fn a_failing_expression_names_its_mapping() {
    let error = mapped(
        json!([
            {"type": "DIRECT", "source": "currency", "target": "x"},
            {"type": "EXPRESSION", "expression": "1 + 'a'", "target": "y"},
        ]),
        true,
    )
    .unwrap_err();
    assert_eq!((error.code(), error.index()), ("EXPRESSION_ERROR", 1));
    let Error::Expression {
        expression, source, ..
    } = error
    else {
        panic!("not an expression's error");
    };
    assert_eq!(expression, "1 + 'a'");
    assert_eq!(source.token.as_deref(), Some("+"));
    assert_eq!(source.position, Some(2));
}

#[test]
fn two_mappings_draw_differently_and_a_repetition_the_same() {
    let mappings = json!([
        {"type": "EXPRESSION", "expression": "$uuid()", "target": "a"},
        {"type": "EXPRESSION", "expression": "$uuid()", "target": "b"},
    ]);
    let first = mapped(mappings.clone(), true).unwrap();
    assert_ne!(first["a"], first["b"]);
    assert_eq!(first, mapped(mappings, true).unwrap());
}

#[test]
fn everything_that_does_not_compile_is_told_with_its_place() {
    let mappings: Vec<Mapping> = serde_json::from_value(json!([
        {"type": "DIRECT", "source": "a..b", "target": ""},
        {"type": "DIRECT", "source": "a", "target": "b"},
        {"type": "EXPRESSION", "expression": "a +", "target": "x"},
        {"type": "TRANSFORM", "source": "", "transformation": "(", "target": "x."},
    ]))
    .unwrap();
    let problems = Mappings::compile(&mappings).unwrap_err();
    let places: Vec<_> = problems.iter().map(|(place, _)| place.as_str()).collect();
    let expected = [
        "/0/source",
        "/0/target",
        "/2/expression",
        "/3/source",
        "/3/transformation",
        "/3/target",
    ];
    assert_eq!(places, expected);
}

#[test]
fn no_mappings_give_an_empty_input() {
    check_input(json!([]), json!({}));
    assert!(Mappings::default().is_empty());
}
