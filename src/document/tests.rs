use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Document, read};
use crate::codes::registration::{
    DUPLICATE_NAME, MALFORMED, OUT_OF_RANGE, TOO_DEEP, TOO_LARGE, WRONG_TYPE,
};
use crate::limits;

fn values(text: &str) -> Vec<Value> {
    let documents = read(text).unwrap_or_else(|bad| panic!("{text:?}: {:?}", bad.problems));
    documents
        .into_iter()
        .map(|document| document.value)
        .collect()
}

/// The problems of a text: code, pointer and line of each.
fn problems(text: &str) -> Vec<(&'static str, String, Option<u32>)> {
    let Err(unreadable) = read(text) else {
        return Vec::new();
    };
    let problems = unreadable.problems.into_iter();
    problems.map(|p| (p.code, p.pointer, p.line)).collect()
}

#[test]
fn scalars_mean_what_the_core_schema_of_yaml_1_2_says() {
    let cases = [
        ("no", json!("no")),
        ("on", json!("on")),
        ("y", json!("y")),
        ("Yes", json!("Yes")),
        ("1_000", json!("1_000")),
        ("012", json!(12)),
        ("0o14", json!(12)),
        ("0xFf", json!(255)),
        ("0x", json!("0x")),
        ("0b11", json!("0b11")),
        ("12:30:45", json!("12:30:45")),
        ("2026-11-21", json!("2026-11-21")),
        ("1.2.0", json!("1.2.0")),
        ("^2.0.0", json!("^2.0.0")),
        ("+7", json!(7)),
        ("-7", json!(-7)),
        ("1.5", json!(1.5)),
        ("1.", json!(1.0)),
        (".5", json!(0.5)),
        ("1e3", json!(1000.0)),
        ("-1.5E-3", json!(-0.0015)),
        ("e3", json!("e3")),
        ("1e", json!("1e")),
        (".", json!(".")),
        ("-", json!([null])),
        ("+", json!("+")),
        ("inf", json!("inf")),
        ("nan", json!("nan")),
        ("infinity", json!("infinity")),
        ("True", json!(true)),
        ("FALSE", json!(false)),
        ("tRUE", json!("tRUE")),
        ("~", json!(null)),
        ("Null", json!(null)),
        ("'12'", json!("12")),
        ("\"true\"", json!("true")),
        ("!!str 12", json!("12")),
        ("! 12", json!("12")),
        ("!!int 12", json!(12)),
        ("!!float 12", json!(12)),
        ("9223372036854775807", json!(i64::MAX)),
        ("18446744073709551615", json!(u64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
    ];
    for (text, expected) in cases {
        assert_eq!(values(&format!("{text}\n")), [expected], "{text}");
    }
}

#[test]
fn json_is_read_exactly() {
    let cases = [
        (r#"{"a": 18446744073709551615}"#, json!({"a": u64::MAX})),
        (
            r#""\ud83d\ude00 \u00e9 \/ \\ud83d\\ude00""#,
            json!("😀 é / \\ud83d\\ude00"),
        ),
        (
            r#"{"a":1,"b":[true,null,"x"]}"#,
            json!({"a": 1, "b": [true, null, "x"]}),
        ),
        ("{\n\t\"a\":\t[\n\t\t1\n\t]\n}", json!({"a": [1]})),
        (
            "\u{feff}{\"a\": \"# no comment\"}",
            json!({"a": "# no comment"}),
        ),
        ("{\"a\": \"x\\u0000y\"}\r\n", json!({"a": "x\0y"})),
        (
            r#"{"<<": {"a": 1}, "*b": "&c", "!d": "e: f"}"#,
            json!({"<<": {"a": 1}, "*b": "&c", "!d": "e: f"}),
        ),
        ("[]", json!([])),
    ];
    for (text, expected) in cases {
        assert_eq!(values(text), [expected], "{text}");
    }
    let long = "k".repeat(5000);
    assert_eq!(values(&json!({&long: 1}).to_string()), [json!({long: 1})]);
}

#[test]
fn a_text_may_hold_several_documents() {
    let cases = [
        ("", vec![]),
        ("# only a comment\n", vec![]),
        ("---\n", vec![]),
        ("a: 1\n---\nb: 2\n", vec![json!({"a": 1}), json!({"b": 2})]),
        (
            "---\na: 1\n...\n---\nb: 2\n---\n",
            vec![json!({"a": 1}), json!({"b": 2})],
        ),
        (
            "{\"a\": 1}\n---\n{\"b\": 2}",
            vec![json!({"a": 1}), json!({"b": 2})],
        ),
        ("--- ~\n", vec![json!(null)]),
    ];
    for (text, expected) in cases {
        assert_eq!(values(text), expected, "{text:?}");
    }
}

#[test]
fn aliases_stand_for_what_they_name() {
    let text = "a: &x {b: [1, &y two]}\nc: *x\nd: *y\n*y : key\n";
    let expected =
        json!({"a": {"b": [1, "two"]}, "c": {"b": [1, "two"]}, "d": "two", "two": "key"});
    assert_eq!(values(text), [expected]);
}

#[test]
fn what_cannot_be_read_has_a_code_a_place_and_a_line() {
    let all = |code, pointer: &str, line| vec![(code, pointer.to_owned(), Some(line))];
    let cases = [
        ("a: [1, 2\n", all(MALFORMED, "", 2)),
        ("a: b: c\n", all(MALFORMED, "", 1)),
        ("a:\n\t- b\n", all(MALFORMED, "", 2)),
        ("a: 'open\n", all(MALFORMED, "", 1)),
        ("{\"a\": 1,\n \"b\" 2}", all(MALFORMED, "", 2)),
        ("{\"a\": \"\\ud83d\"}", all(MALFORMED, "", 1)),
        ("a: 1\nb: \u{0}", all(MALFORMED, "", 2)),
        ("a: \u{7}", all(MALFORMED, "", 1)),
        ("a: *nobody\n", all(MALFORMED, "", 1)),
        ("a: &x [*x]\n", all(MALFORMED, "/a/0", 1)),
        ("a: &x 1\n---\nb: *x\n", all(MALFORMED, "/b", 3)),
        ("a: 1\nb: 2\na: 3\n", all(DUPLICATE_NAME, "/a", 3)),
        (
            "{\"a\": {\"b\": 1,\n\"b\": 1}}",
            all(DUPLICATE_NAME, "/a/b", 2),
        ),
        (
            "s:\n- x/y: 1\n  'x/y': 2\n",
            all(DUPLICATE_NAME, "/s/0/x~1y", 3),
        ),
        ("1: a\n", all(WRONG_TYPE, "", 1)),
        ("a: {true: b}\n", all(WRONG_TYPE, "/a", 1)),
        ("? [a]\n: b\n", all(WRONG_TYPE, "", 1)),
        ("a: .inf\n", all(OUT_OF_RANGE, "/a", 1)),
        ("a: -.INF\n", all(OUT_OF_RANGE, "/a", 1)),
        ("a: .nan\n", all(OUT_OF_RANGE, "/a", 1)),
        ("a: 18446744073709551616\n", all(OUT_OF_RANGE, "/a", 1)),
        ("a: -9223372036854775809\n", all(OUT_OF_RANGE, "/a", 1)),
        ("a: 1e400\n", all(OUT_OF_RANGE, "/a", 1)),
        ("a: 0x1FFFFFFFFFFFFFFFF\n", all(OUT_OF_RANGE, "/a", 1)),
        ("a:\n- 1\n- !secret x\n", all(WRONG_TYPE, "/a/1", 3)),
        ("a: !!set {b}\n", all(WRONG_TYPE, "/a", 1)),
        ("a: !!int x\n", all(WRONG_TYPE, "/a", 1)),
    ];
    for (text, expected) in cases {
        assert_eq!(problems(text), expected, "{text:?}");
    }
}

#[test]
fn all_that_can_be_passed_over_is_told_at_once_and_the_rest_is_read() {
    let text = "a: 1\na: 2\nb: .nan\n3: c\nd: 4\n---\ne: 5\n";
    let unreadable = read(text).expect_err("it has three problems");
    let found: Vec<_> = unreadable
        .problems
        .iter()
        .map(|p| (p.code, p.line))
        .collect();
    assert_eq!(
        found,
        [
            (DUPLICATE_NAME, Some(2)),
            (OUT_OF_RANGE, Some(3)),
            (WRONG_TYPE, Some(4))
        ]
    );
    let values: Vec<_> = unreadable
        .documents
        .iter()
        .map(|d| d.value.clone())
        .collect();
    assert_eq!(
        values,
        [json!({"a": 1, "b": null, "d": 4}), json!({"e": 5})]
    );
}

#[test]
fn messages_say_line_and_column_and_what_json_would_say() {
    let message = |text| read(text).expect_err(text).problems.remove(0).message;
    assert!(
        message("a: 'open\n").contains("line 1, column 4"),
        "{}",
        message("a: 'open\n")
    );
    let json = message("{\"a\": 1,\n \"b\" 2}");
    assert!(
        json.contains("read as JSON: expected `:` at line 2 column 6"),
        "{json}"
    );
    assert!(message("a: 1\na: 2\n").contains("in line 1 and in line 2"));
}

#[test]
fn depth_is_allowed_up_to_its_limit() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let block = |depth: usize| format!("{}1\n", "- ".repeat(depth));
    for text in [nested as fn(usize) -> String, block] {
        assert!(read(&text(limits::DOCUMENT_DEPTH)).is_ok());
        for depth in [limits::DOCUMENT_DEPTH + 1, 300, 100_000] {
            assert_eq!(problems(&text(depth))[0].0, TOO_DEEP, "{depth}");
        }
    }
    let objects = "{\"a\":".repeat(100_000);
    assert_eq!(problems(&objects)[0].0, TOO_DEEP);
    let through_alias = format!(
        "a: &x {}\nb: {}*x{}\n",
        nested(60),
        "[".repeat(60),
        "]".repeat(60)
    );
    assert_eq!(
        problems(&through_alias),
        [(TOO_DEEP, format!("/b{}", "/0".repeat(60)), Some(2))]
    );
}

#[test]
fn size_is_bounded_before_and_while_reading() {
    let text = |bytes: usize| format!("a: {}", "x".repeat(bytes - 3));
    assert!(read(&text(limits::DOCUMENT_TEXT_BYTES)).is_ok());
    assert_eq!(
        problems(&text(limits::DOCUMENT_TEXT_BYTES + 1))[0].0,
        TOO_LARGE
    );

    let mut laughs = "a: &l0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]\n".to_owned();
    for n in 1..12 {
        let alias = format!("*l{}, ", n - 1).repeat(9);
        laughs += &format!("b{n}: &l{n} [{alias}]\n");
    }
    assert_eq!(problems(&laughs)[0].0, TOO_LARGE);
    let long = format!(
        "a: &x {}\nb: [{}]\n",
        "y".repeat(500_000),
        "*x, ".repeat(100_000)
    );
    assert_eq!(problems(&long)[0].0, TOO_LARGE);
    let anchors: String = (0..99).map(|n| format!("&a{n} [")).collect();
    assert_eq!(
        problems(&format!(
            "{anchors}{}{}",
            "1,".repeat(200_000),
            "]".repeat(99)
        ))[0]
            .0,
        TOO_LARGE
    );
}

#[test]
fn a_hostile_text_is_refused_or_read_and_takes_no_time() {
    let pieces = [
        "a",
        "\"",
        "'",
        "{",
        "[",
        "}",
        "]",
        "- ",
        "? ",
        ": ",
        "a: ",
        "&a ",
        "*a ",
        "!",
        "!a ",
        "%",
        "#",
        "|\n",
        ">\n",
        ",",
        "\n",
        " ",
        "\t",
        "---\n",
        "...\n",
        "a: 1\n",
        "1: 2\n",
        "{a: ",
        "[a, ",
        "\\",
        "\"\\u",
        "a:\n",
        "a\n",
        "é",
        "[?",
        "%YAML 1.2\n",
        "%TAG ! a\n",
        "{a,",
        "\"a\":",
    ];
    for piece in pieces {
        let text = piece.repeat(60_000 / piece.len());
        for text in [text.clone(), format!("[{text}"), format!("a: {text}")] {
            match read(&text) {
                Ok(documents) => assert!(documents.len() <= text.len()),
                Err(unreadable) => assert!(!unreadable.problems.is_empty()),
            }
        }
    }
}

#[test]
fn lines_are_those_of_names_and_items() {
    let text = "# first\nid: a\nsteps:\n  - name: x\n    in: {a: 1,\n      b/c: [2,\n       3]}\n  -\n    name: y\n";
    let documents = read(text).expect("it is well-formed");
    let cases = [
        ("", Some(2)),
        ("/id", Some(2)),
        ("/steps", Some(3)),
        ("/steps/0", Some(4)),
        ("/steps/0/name", Some(4)),
        ("/steps/0/in/a", Some(5)),
        ("/steps/0/in/b~1c", Some(6)),
        ("/steps/0/in/b~1c/1", Some(7)),
        ("/steps/1/name", Some(9)),
        ("/steps/2", None),
        ("/steps/x", None),
        ("/nobody", None),
        ("/id/0", None),
    ];
    for (pointer, line) in cases {
        assert_eq!(documents[0].line(pointer), line, "{pointer}");
    }
}

#[test]
fn aliased_values_have_the_line_of_the_alias() {
    let documents = read("a: &x\n  b: 1\nc:\n  *x\n").expect("it is well-formed");
    assert_eq!(documents[0].line("/c"), Some(3));
    assert_eq!(documents[0].line("/c/b"), Some(2));
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has it", |x| x.is_finite())
            .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[-+.0-9a-fox_:#&*!|> ]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// JSON in ASCII alone, as many programs write it.
fn escaped(json: &str) -> String {
    let escape = |c: char| {
        let mut units = [0; 2];
        let units = c.encode_utf16(&mut units).iter();
        units
            .map(|unit| format!("\\u{unit:04x}"))
            .collect::<String>()
    };
    let write = |c: char| {
        if c.is_ascii() && c != '\u{7f}' {
            c.to_string()
        } else {
            escape(c)
        }
    };
    json.chars().map(write).collect()
}

proptest! {
    #[test]
    fn reading_never_panics(text in any::<String>()) {
        let _ = read(&text);
    }

    #[test]
    fn reading_what_looks_like_yaml_never_panics(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "a", "b: ", "- ", "\n", "  ", "{", "}", "[", "]", ",", "? ", ": ", "&x ", "*x", "!t ",
                "!!str ", "|", ">", "\"", "'", "#", "---\n", "...\n", "\t", "%", "1", "~", "\\u12", "\r\n", "é",
            ]),
            0..40,
        )
    ) {
        let text = pieces.concat();
        if let Ok(documents) = read(&text) {
            for Document { value, .. } in documents {
                prop_assert!(value.to_string().len() <= 8 * text.len() + 8);
            }
        }
    }

    #[test]
    fn every_json_is_read_as_it_is(value in json_value()) {
        for text in [
            value.to_string(),
            serde_json::to_string_pretty(&value).expect("it is JSON"),
        ] {
            let escaped = escaped(&text);
            prop_assert_eq!(values(&escaped), [value.clone()], "{}", escaped);
        }
    }
}
