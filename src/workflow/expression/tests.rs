//! What the language promises beyond JSONata: facts, limits, numbers, errors.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::limits::expression::{BYTES, DEPTH, STEPS};

fn facts() -> Facts {
    Facts::new(Timestamp::from_millis(1_795_296_000_007), &[b"decision"])
}

fn evaluate_on(source: &str, value: &Value) -> Result<Option<Value>, Error> {
    Expression::parse(source)
        .unwrap_or_else(|error| panic!("{source}: {error}"))
        .evaluate(&Scope::of(value), &facts())
}

fn evaluate(source: &str) -> Result<Option<Value>, Error> {
    evaluate_on(source, &json!({"a": 1}))
}

fn check(source: &str, expected: Value) {
    assert_eq!(evaluate(source), Ok(Some(expected)), "{source}");
}

fn check_fails(source: &str, part: &str) {
    let error = evaluate(source).expect_err(source);
    assert!(error.message.contains(part), "{source}: {error}");
}

fn check_parse(source: &str, part: &str, token: Option<&str>, position: Option<usize>) {
    let error = Expression::parse(source).expect_err(source);
    assert!(error.message.contains(part), "{source}: {error}");
    assert_eq!(error.token.as_deref(), token, "{source}: {error}");
    assert_eq!(error.position, position, "{source}: {error}");
}

#[test]
fn names_are_read_from_the_scope() {
    let input = json!({"order": {"lines": [{"qty": 2}, {"qty": 3}]}});
    let variables = json!({"currency": "EUR"});
    let scope = Scope::new()
        .with("workflowInput", &input)
        .with("workflowVariables", variables.as_object().unwrap());
    let check = |source: &str, expected: Option<Value>| {
        let expression = Expression::parse(source).unwrap();
        assert_eq!(
            expression.evaluate(&scope, &facts()),
            Ok(expected),
            "{source}"
        );
    };
    check("$sum(workflowInput.order.lines.qty)", Some(json!(5)));
    check("workflowVariables.currency", Some(json!("EUR")));
    check("$$.workflowVariables", Some(variables.clone()));
    check(
        "workflowInput.order.lines[qty = 3]",
        Some(json!({"qty": 3})),
    );
    check("workflowInput.order.lines[qty > 5]", None);
    check("taskOutput", None);
    check(
        "$keys($)",
        Some(json!(["workflowInput", "workflowVariables"])),
    );
}

#[test]
fn a_transformation_sees_its_value() {
    let check = |source: &str, value: Value, expected: Value| {
        assert_eq!(evaluate_on(source, &value), Ok(Some(expected)), "{source}");
    };
    check("$uppercase($)", json!("a"), json!("A"));
    check("$ + 1", json!(1), json!(2));
    check("$", json!([1]), json!([1]));
    check("$", json!([]), json!([]));
    check("$$", json!([1, 2]), json!([1, 2]));
    check("$count($)", json!([[1], [2]]), json!(2));
    check("$[0]", json!([5, 6]), json!(5));
    check("a", json!([{"a": 1}, {"a": 2}]), json!([1, 2]));
    check("$type($)", json!(null), json!("null"));
    check(
        "$map($, function($x) { $x * 2 })",
        json!([1, 2]),
        json!([2, 4]),
    );
}

#[test]
fn whole_numbers_come_back_whole_and_what_is_passed_on_is_untouched() {
    check("1", json!(1));
    check("2 / 2", json!(1));
    check("0.5 + 0.5", json!(1));
    check("-0", json!(0));
    check("1.5", json!(1.5));
    check("9007199254740992", json!(9_007_199_254_740_992_i64));
    check("1e18", json!(1_000_000_000_000_000_000_i64));
    check("1e19", json!(1e19));
    let big = json!({"id": 9_007_199_254_740_993_i64, "u": 18_446_744_073_709_551_615_u64});
    let given = json!({"big": big});
    assert_eq!(evaluate_on("big", &given), Ok(Some(big.clone())));
    assert_eq!(evaluate_on("[big]", &given), Ok(Some(json!([big]))));
    assert_eq!(
        evaluate_on("{'b': big}", &given),
        Ok(Some(json!({"b": big})))
    );
    for source in ["1/0", "0/0", "[1/0]", "1e308 * 10"] {
        check_fails(source, "D1001");
    }
}

#[test]
fn truth_is_what_boolean_says_and_nothing_is_false() {
    let check = |source: &str, expected: bool| {
        let value = json!({"a": 1, "null": null});
        let expression = Expression::parse(source).unwrap();
        let truth = expression.is_true(&Scope::of(&value), &facts());
        assert_eq!(truth, Ok(expected), "{source}");
    };
    check("a = 1", true);
    check("a = 2", false);
    check("missing", false);
    check("`null`", false);
    check("$not(missing)", false);
    check("missing != 1", false);
    check("'x'", true);
    check("[0, 0]", false);
    check("{}", false);
    check("$sum", false);
}

#[test]
fn the_world_is_the_facts() {
    check("$now()", json!("2026-11-21T21:20:00.007Z"));
    check("$now('[Y0001]')", json!("2026"));
    check("$millis()", json!(1_795_296_000_007_i64));
    check("$millis() = $toMillis($now())", json!(true));
    check(
        "$toMillis('03-04', '[M01]-[D01]') = $toMillis('2026-03-04')",
        json!(true),
    );
    check(
        "$toMillis('07', '[D01]') = $toMillis('2026-11-07')",
        json!(true),
    );
    check(
        "$toMillis('10:30', '[H01]:[m01]') = $toMillis('2026-11-21T10:30:00Z')",
        json!(true),
    );
    check(
        "$toMillis('05:06', '[m01]:[s01]') = $toMillis('2026-11-21T21:05:06Z')",
        json!(true),
    );
    check("$random() = $random()", json!(false));
    check("$uuid() = $uuid()", json!(false));
    check("($r := $random(); $r >= 0 and $r < 1)", json!(true));
    check("$random(7) = $random(7)", json!(true));
    check("$random(7) = $random(8)", json!(false));
    check("$length($uuid())", json!(36));
    check("$sort($shuffle([1..50])) = [1..50]", json!(true));
    check("$shuffle([1..50]) = [1..50]", json!(false));
}

#[test]
fn a_repeated_evaluation_draws_the_same_and_another_place_another() {
    let expression = Expression::parse("[$random(), $uuid(), $shuffle([1..20])]").unwrap();
    let value = json!(null);
    let draw = |facts: Facts| expression.evaluate(&Scope::of(&value), &facts).unwrap();
    assert_eq!(draw(facts()), draw(facts()));
    assert_ne!(draw(facts()), draw(facts().within("output")));
    assert_ne!(draw(facts().within("a")), draw(facts().within("b")));
    let another = Facts::new(facts().now, &[b"another"]);
    assert_ne!(draw(facts()), draw(another));
}

#[test]
fn step_functions_additions_are_there() {
    check("$partition([1..5], 2)", json!([[1, 2], [3, 4], [5]]));
    check("$partition([1..5], 2.9)", json!([[1, 2], [3, 4], [5]]));
    check("$partition([], 2)", json!([]));
    check("$range(0, 10, 5)", json!([0, 5, 10]));
    check("$range(3, 1, -1)", json!([3, 2, 1]));
    check("$range(0, 1, 0.25)", json!([0, 0.25, 0.5, 0.75, 1]));
    check("$range(1, 0, 1)", json!([]));
    check(
        "$parse('{\"a\": [1, 2.5, null, true, \"x\"]}')",
        json!({"a": [1, 2.5, null, true, "x"]}),
    );
    check("$parse('{\"a\": [1, 2]}').a[1]", json!(2));
    check(
        "$hash('abc', 'MD5')",
        json!("900150983cd24fb0d6963f7d28e17f72"),
    );
    check(
        "$hash('abc', 'SHA-1')",
        json!("a9993e364706816aba3e25717850c26c9cd0d89d"),
    );
    check(
        "$hash('abc', 'SHA-256')",
        json!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    );
    check("$length($hash('abc', 'SHA-384'))", json!(96));
    check("$length($hash({'a': 1}, 'SHA-512'))", json!(128));
    check_fails("$hash('abc', 'CRC')", "algorithm");
    check_fails("$partition([1], 0)", "at least 1");
    check_fails("$range(0, 1, 0)", "step");
    check_fails("$parse('{')", "not given JSON");
    check_fails("$eval('1')", "not available");
}

#[test]
fn errors_name_the_token_and_its_place_where_it_is_the_only_one() {
    let check = |source: &str, token: Option<&str>, position: Option<usize>| {
        let error = evaluate(source).expect_err(source);
        assert_eq!(error.token.as_deref(), token, "{source}: {error}");
        assert_eq!(error.position, position, "{source}: {error}");
    };
    check("a + 'x'", Some("+"), Some(2));
    check("1 + 2 + 'x'", Some("+"), None);
    check("$sum('x')", Some("$sum"), Some(0));
    check("[1].$floor('x')", Some("$floor"), Some(4));
    check("$nope(1)", Some("$nope"), Some(0));
    check("a < true", Some("<"), Some(2));
    check("-'é'", Some("-"), Some(0));
    check("'é' & $error('x')", Some("$error"), Some(6));
    check("[3, 'a']^($)", Some("^"), Some(8));
}

#[test]
fn what_cannot_be_parsed_is_refused_with_its_place() {
    check_parse("1 +", "S0207", None, None);
    check_parse("a b", "S0201", Some("b"), Some(2));
    check_parse("'abc", "S0101", None, None);
    check_parse("/(?=a)/", "look-around", Some("/(?=a)/"), Some(0));
    check_parse(
        "/(a{1000}){1000}/",
        "size limit",
        Some("/(a{1000}){1000}/"),
        Some(0),
    );
    check_parse("function($x)<q:n>{1}", "signature", Some("<q:n>"), Some(12));
    check_parse("", "", None, None);
    check_parse(&"a".repeat(65_537), "longer than 65536", None, None);
    check_parse(
        &vec!["/a/"; 51].join(";").replace(';', " & "),
        "more than 50",
        None,
        None,
    );
}

#[test]
fn limits_hold_to_the_last_value() {
    let steps = usize::try_from(STEPS).unwrap();
    let within = format!("$count([1..{}])", steps - 50);
    assert!(evaluate(&within).is_ok());
    check_fails(&format!("$count([1..{steps}])"), "more than 1000000 values");
    // Padding costs the text that there is as well.
    let bytes = usize::try_from(BYTES).unwrap();
    assert!(evaluate(&format!("$length($pad('', {}))", bytes)).is_ok());
    let built = evaluate(&format!("$pad('', {bytes})"));
    let length = built.map(|text| text.as_ref().and_then(Value::as_str).map(str::len));
    assert_eq!(length, Ok(Some(bytes)));
    check_fails(
        &format!("$length($pad('', {}))", bytes + 1),
        "more than 16777216 bytes",
    );
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Expression::parse(&nested(DEPTH - 1)).is_ok());
    check_parse(&nested(DEPTH), "inside each other", None, None);
    let recursion = |depth: usize| {
        format!("($f := function($n) {{ $n = 0 ? 0 : 1 + $f($n - 1) }}; $f({depth}))")
    };
    assert_eq!(evaluate(&recursion(DEPTH - 1)), Ok(Some(json!(DEPTH - 1))));
    check_fails(&recursion(DEPTH), "more than 200 calls inside each other");
}

#[test]
fn a_call_at_the_end_of_a_function_needs_no_depth() {
    check(
        "($f := function($n, $sum) { $n = 0 ? $sum : $f($n - 1, $sum + $n) }; $f(10000, 0))",
        json!(50_005_000),
    );
    check(
        "($even := function($n) { ($m := $n - 1; $n = 0 ? true : $odd($m)) };
          $odd := function($n) { $n = 0 ? false : $even($n - 1) }; $even(5001))",
        json!(false),
    );
    check_fails(
        "($f := function() { $f() }; $f())",
        "more than 1000000 values",
    );
}

#[test]
fn a_result_is_no_deeper_than_a_document_may_be() {
    let nested =
        |depth: usize| format!("$reduce([1..{depth}], function($a, $i) {{ {{'a': $a}} }})");
    assert!(evaluate(&nested(101)).is_ok());
    check_fails(&nested(102), "more than 100 values inside each other");
    check_fails(&nested(300), "more than 200 values inside each other");
    check_fails("$sum", "a function");
    check_fails("[$sum]", "a function");
}

#[test]
fn a_result_is_no_larger_than_the_budget() {
    let rows: Value = (0..2_000).map(|id| json!({"id": id})).collect();
    assert!(evaluate_on("$", &rows).is_ok());
    let many = "($r := $; [1..500].{'r': $r})";
    let error = evaluate_on(many, &rows).unwrap_err();
    assert!(
        error.message.contains("more than 1000000 values"),
        "{error}"
    );
}

#[test]
fn root_names_are_told() {
    let check = |source: &str, expected: &[&str]| {
        let expression = Expression::parse(source).unwrap();
        assert_eq!(expression.root_names(), expected, "{source}");
    };
    check("a", &["a"]);
    check("a.b.c + d.e", &["a", "d"]);
    check("$count(a.b[c = 1]) > 0 ? x : y", &["a", "x", "y"]);
    check("a.{'k': b}", &["a"]);
    check("$$.a & $.b", &["a", "b"]);
    check("{'k': a, b: [c, d]}", &["a", "b", "c", "d"]);
    check("$map(a, function($x) { $x.b & c })", &["a", "c"]);
    check("a^(b).c ~> $f", &["a"]);
    check("1 + $x", &[]);
}

#[test]
fn expressions_and_scopes_are_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let value = json!(1);
    shared(&Expression::parse("a").unwrap());
    shared(&Scope::of(&value));
}

/// Pieces that are put together at random: most of it is nonsense, none of it may panic.
fn source() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b",
        "$",
        "$$",
        "$x",
        "1",
        "-2.5",
        "'s'",
        "null",
        "true",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        ".",
        ",",
        ":",
        ";",
        "?",
        "??",
        "?:",
        "+",
        "-",
        "*",
        "/",
        "%",
        "**",
        "&",
        "=",
        "!=",
        "<",
        ">",
        "~>",
        ":=",
        "@",
        "#",
        "^",
        "|",
        "..",
        "in",
        "and",
        "or",
        "function($x){",
        "$sum(",
        "$map(",
        "$string(",
        "$substring(",
        "$formatNumber(",
        "$fromMillis(",
        "$toMillis(",
        "$formatInteger(",
        "$parseInteger(",
        "$split(",
        "$replace(",
        "$match(",
        "/a(b)?/",
        "$pad(",
        "'[Y]-[M]'",
        "'#,##0.00'",
        "1e300",
        "-1e300",
        "'é😀'",
        "$each(",
        "$sort(",
        "$zip(",
    ]);
    prop::collection::vec(piece, 1..14).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_source_ends_without_a_panic(source in source()) {
        let value = json!({"a": [1, {"b": "x"}], "b": {"a": null, "b": [[2]]}});
        if let Ok(expression) = Expression::parse(&source) {
            let outcome = expression.evaluate(&Scope::of(&value), &facts());
            prop_assert_ne!(
                outcome.err().map(|error| error.message),
                Some("the expression cannot be handled".to_owned())
            );
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused(source in "\\PC{0,60}") {
        let refused = Expression::parse(&source).err().map(|error| error.message);
        prop_assert_ne!(refused, Some("the expression cannot be handled".to_owned()));
    }
}
