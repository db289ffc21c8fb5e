//! Expressions, and mappings made of them.

use serde_json::json;

use crate::workflow::definition::Mapping;
use crate::workflow::export::data::{Onto, data};
use crate::workflow::export::names::{Names, write};

fn scope() -> Names {
    Names::new()
        .with("workflowInput", "$workflowInput")
        .with("workflowVariables", "$workflowVariables")
        .with("taskOutput", "$states.result")
        .with("context", "{'taskPath': 'a/b'}")
        .with_inner("context.taskPath", "'a' & $index & 'b'")
        .with("item", "$item")
        .with("index", "$index")
}

#[track_caller]
fn check(source: &str, expected: &str) {
    let written = write(source, &scope()).map(|written| written.text);
    assert_eq!(written.as_deref(), Ok(expected), "{source}");
}

#[track_caller]
fn refused(source: &str, expected: &str) {
    let messages = write(source, &scope()).unwrap_err();
    assert!(
        messages.iter().any(|message| message.contains(expected)),
        "{source}: {messages:?}"
    );
}

#[test]
fn a_name_of_the_scope_is_what_it_stands_for() {
    check("workflowInput", "$workflowInput");
    check("workflowInput.order.id", "$workflowInput.order.id");
    check("workflowInput.`order-id`", "$workflowInput.`order-id`");
    check("taskOutput.total * 2", "$states.result.total * 2");
    check("taskOutput[0].x[]", "$states.result[0].x[]");
    check(
        "$sum(taskOutput.lines.(price * qty))",
        "$sum($states.result.lines.(price * qty))",
    );
    check("context.taskPath & '!'", "('a' & $index & 'b') & '!'");
    check("context.taskPath.x", "('a' & $index & 'b').x");
    check("context", "{'taskPath': 'a/b'}");
    check("{'a': item, 'b': [index]}", "{'a': $item, 'b': [$index]}");
    check("(item; index)", "($item; $index)");
    check("item ? index : 'no'", "$item ? $index : 'no'");
    check("$$.item", "$item");
    check("$.item.name", "$item.name");
}

#[test]
fn a_name_that_is_no_name_of_the_scope_stays() {
    check(
        "workflowInput.workflowVariables",
        "$workflowInput.workflowVariables",
    );
    check("item[index = 1]", "$item[index = 1]");
    check("item.(index)", "$item.(index)");
    check(
        "item.{'a': index, 'b': $$.index}",
        "$item.{'a': index, 'b': $index}",
    );
    check("item{index: item}", "$item{index: item}");
    check("item^(>index).x", "$item^(>index).x");
    check("item.$.index", "$item.$.index");
    check("'item' & \"index\"", "'item' & 'index'");
    check(
        "item ~> |index|{'item': 1}|",
        "$item ~> |index|{'item': 1}|",
    );
    check(
        "$map(item, function($v) { index })",
        "$map($item, function($v){ $index })",
    );
}

#[test]
fn variables_of_its_own_take_no_name_of_the_machine() {
    check("($x := 1; $x)", "($x := 1; $x)");
    check(
        "($item := 1; $item + item)",
        "($item_own := 1; $item_own + $item)",
    );
    check(
        "$map(item, function($item, $index) { $item })",
        "$map($item, function($item_own, $index_own){ $item_own })",
    );
    check("item@$index.(x)", "$item@$index_own.(x)");
    check(
        "item#$index[$index = 1]",
        "$item#$index_own[$index_own = 1]",
    );
}

#[test]
fn what_came_after_jsonata_2_0_is_spelled_out() {
    check("item ?? 1", "($exists($item) ? $item : 1)");
    check("item ?: 1", "($item ? $item : 1)");
}

#[test]
fn what_a_state_machine_cannot_say_is_refused() {
    refused("other", "\"other\"");
    refused("error.code", "\"error\"");
    refused("$", "whole scope");
    refused("$$", "whole scope");
    refused("*", "whole scope");
    refused("**.sku", "whole scope");
    refused("$keys()", "whole scope");
    refused("$eval('1')", "$eval");
    refused("name(1)", "no function");
    refused("item.(%.x)", "%");
    // What a % further in leads to is there.
    check("item.a.(%.x)", "$item.a.(%.x)");
}

#[test]
fn every_problem_is_told() {
    let problems = write("[other, $eval('1'), another]", &scope()).unwrap_err();
    assert_eq!(problems.len(), 3, "{problems:?}");
}

#[test]
fn a_transformation_sees_its_value_and_nothing_else() {
    let value = Names::Value("$value".to_owned());
    let check = |source: &str, expected: &str| {
        let written = write(source, &value).map(|written| written.text);
        assert_eq!(written.as_deref(), Ok(expected), "{source}");
    };
    check("$", "$value");
    check("$uppercase($)", "$uppercase($value)");
    check("$uppercase()", "$uppercase($value)");
    check("$substring(2)", "$substring($value, 2)");
    check("$substring($, 2)", "$substring($value, 2)");
    check("$ ~> $trim()", "$value ~> $trim()");
    check("name", "$value.name");
    check("$.name", "$value.name");
    check("$$.name", "$value.name");
    check("*[0]", "$value.*[0]");
    check("lines[qty > 1].sku", "$value.lines[qty > 1].sku");
    check("workflowInput", "$value.workflowInput");
}

#[test]
fn mappings_are_one_expression() {
    let check = |mappings: serde_json::Value, onto: Onto<'_>, expected: &str| {
        let mappings: Vec<Mapping> = serde_json::from_value(mappings).unwrap();
        let found = data(&mappings, "/m", "workflowVariables", &scope(), onto);
        assert_eq!(found.map(|data| data.text).as_deref(), Ok(expected));
    };
    let direct =
        |source: &str, target: &str| json!({"type": "DIRECT", "source": source, "target": target});
    check(json!([]), Onto::Nothing, "{}");
    check(json!([]), Onto::Object("$v"), "$v");
    check(
        json!([direct("a", "b")]),
        Onto::Nothing,
        "{'b': $workflowVariables.a}",
    );
    check(
        json!([direct("workflowInput.a-b", "x.y")]),
        Onto::Nothing,
        "{'x': ($exists($workflowInput.`a-b`) ? {'y': $workflowInput.`a-b`})}",
    );
    check(
        json!([direct("item", "x.y")]),
        Onto::Object("$v"),
        "$merge([$v, {'x': ($exists($item) ? $merge([$type($v.x) = 'object' ? $v.x : {}, {'y': $item}]))}])",
    );
    check(
        json!([{"type": "DIRECT", "source": "a", "target": "b", "default": [null, "x'"]}]),
        Onto::Nothing,
        "{'b': ($exists($workflowVariables.a) ? $workflowVariables.a : [null,\"x'\"])}",
    );
    check(
        json!([{"type": "TRANSFORM", "source": "a", "transformation": "$trim()", "target": "b"}]),
        Onto::Nothing,
        "{'b': ($value := $workflowVariables.a; $exists($value) ? ($trim($value)))}",
    );
    check(
        json!([direct("a", "b"), {"type": "EXPRESSION", "expression": "item + 1", "target": "b"}]),
        Onto::Nothing,
        "{'b': ($exists(($item + 1)) ? ($item + 1) : $workflowVariables.a)}",
    );
}

#[test]
fn a_mapping_that_cannot_be_said_is_told_by_its_place() {
    let check = |mapping: serde_json::Value, pointer: &str| {
        let mappings = [
            json!({"type": "DIRECT", "source": "a", "target": "b"}),
            mapping,
        ];
        let mappings: Vec<Mapping> = serde_json::from_value(json!(mappings)).unwrap();
        let wrong = data(&mappings, "/m", "taskOutput", &scope(), Onto::Nothing).unwrap_err();
        let pointers: Vec<&str> = wrong.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, [pointer], "{wrong:?}");
    };
    check(
        json!({"type": "DIRECT", "source": "error.code", "target": "c"}),
        "/m/1/source",
    );
    check(
        json!({"type": "DIRECT", "source": "a.b`c", "target": "c"}),
        "/m/1/source",
    );
    check(
        json!({"type": "EXPRESSION", "expression": "nobody", "target": "c"}),
        "/m/1/expression",
    );
    check(
        json!({"type": "TRANSFORM", "source": "a", "transformation": "$eval($)", "target": "c"}),
        "/m/1/transformation",
    );
    check(
        json!({"type": "DIRECT", "source": "a", "target": "c", "default": 9_007_199_254_740_993_u64}),
        "/m/1/default",
    );
    check(
        json!({"type": "DIRECT", "source": "a", "target": "b.c"}),
        "/m/1/target",
    );
}
