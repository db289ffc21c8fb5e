//! Whatever is read, reading ends; whatever is accepted can be written and read again.

mod steps;

use proptest::prelude::*;
use serde_json::{Value, json};

use self::steps::workflow;
use crate::problem::member;
use crate::registration::{Definition, read, read_text, warnings};

/// A document that is mostly good: each field is good, or anything.
fn document() -> impl Strategy<Value = Value> {
    let slip = (field_name(), anything(), any::<prop::sample::Index>());
    let slips = prop::collection::vec(slip, 0..3);
    (prop_oneof![task(), workflow()], slips).prop_map(|(mut document, slips)| {
        for (name, value, at) in slips {
            let mut objects = Vec::new();
            objects_of(&document, "", &mut objects);
            let place = at.get(&objects);
            if let Some(object) = document.pointer_mut(place) {
                object[name] = value;
            }
        }
        document
    })
}

/// The places of all objects of a document.
fn objects_of(value: &Value, pointer: &str, found: &mut Vec<String>) {
    if let Value::Object(members) = value {
        found.push(pointer.to_owned());
        for (name, value) in members {
            objects_of(value, &member(pointer, name), found);
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        objects_of(item, &member(pointer, index), found);
    }
}

fn field_name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "id",
            "version",
            "name",
            "type",
            "timeout",
            "timeouts",
            "steps",
            "output",
            "variables",
            "inputSchema",
            "executionConfig",
            "retryPolicy",
            "metadata",
            "createdAt",
            "dependsOn",
            "name",
            "branches",
            "join",
            "cases",
            "otherwise",
            "items",
            "until",
            "duration",
            "onError",
            "errorHandlers",
        ])
        .prop_map(str::to_owned),
        ".{0,5}",
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((field_name(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Boxed, as all that is part of much: a strategy's state stands on the stack.
fn maybe(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Option<Value>> {
    prop::option::of(value).boxed()
}

fn object(members: Vec<(&str, Option<Value>)>) -> Value {
    let members = members.into_iter();
    Value::Object(
        members
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect(),
    )
}

fn one_of(values: Value) -> impl Strategy<Value = Value> {
    prop::sample::select(values.as_array().expect("a list").clone())
}

fn millis() -> impl Strategy<Value = Value> {
    prop_oneof![
        (1..31_622_400_000_u64).prop_map(Value::from),
        Just(json!(1e3)),
        Just(json!(5.0))
    ]
}

fn retry_policy() -> impl Strategy<Value = Value> {
    let numbers = (
        0..100_000_u32,
        maybe(millis()),
        maybe((1.0..1000.0).prop_map(|x: f64| json!(x))),
        maybe(millis()),
    );
    let lists = (
        maybe(one_of(json!([[], ["*"], ["A", "B"]]))),
        maybe(one_of(json!(["NONE", "FULL"]))),
        maybe(one_of(
            json!([[], [{"errorCodes": ["A"], "maxRetries": 2, "backoffMultiplier": 3}]]),
        )),
    );
    (numbers, lists).prop_map(
        |((retries, interval, multiplier, cap), (errors, jitter, rules))| {
            object(vec![
                ("maxRetries", Some(json!(retries))),
                ("retryInterval", interval),
                ("backoffMultiplier", multiplier),
                ("maxRetryInterval", cap),
                ("retryableErrors", errors),
                ("jitter", jitter),
                ("rules", rules),
            ])
        },
    )
}

fn task() -> impl Strategy<Value = Value> {
    let config = one_of(json!([
        {"executor": "builtin:echo"},
        {"executor": "process:wc -l", "environmentVariables": {"A": "b"}, "resourceRequirements": {"cpu": "0.5", "disk": "1Gi"}},
        {"executor": "https://example.com", "request": {"method": "GET", "headers": {"a": "b"}}},
        {"executor": "lambda:f", "securityContext": {"runAs": "arn:aws:iam::123456789012:role/x", "securityLevel": "LOW"}},
    ]));
    let schema = || {
        maybe(one_of(
            json!([true, false, {}, {"type": "object", "required": ["a"]}]),
        ))
    };
    let limits = (
        maybe(millis()),
        maybe(millis().prop_map(|ms| json!({"scheduleToStart": ms}))),
    );
    let others = (
        maybe(retry_policy()),
        maybe(any::<bool>().prop_map(Value::from)),
        schema(),
        schema(),
    );
    let security = maybe(one_of(
        json!([{}, {"requiredPermissions": ["a"], "securityLevel": "HIGH"}]),
    ));
    let about = (
        maybe(anything().prop_map(|any| json!({"x": any}))),
        maybe(one_of(json!(["2026-11-21T12:00:00.5+02:00"]))),
    );
    (config, limits, others, security, about).prop_map(
        |(
            config,
            (timeout, timeouts),
            (retry, goes_on, input, output),
            security,
            (metadata, created),
        )| {
            object(vec![
                ("id", Some(json!("t"))),
                ("version", Some(json!("1.2.3-a.1+b"))),
                ("name", Some(json!("T"))),
                ("type", Some(json!("INTEGRATION"))),
                ("executionConfig", Some(config)),
                ("timeout", timeout),
                ("timeouts", timeouts),
                ("retryPolicy", retry),
                ("continueOnFailure", goes_on),
                ("inputSchema", input),
                ("outputSchema", output),
                ("securityRequirements", security),
                ("metadata", metadata),
                ("createdAt", created),
            ])
        },
    )
}

fn written(definition: &Definition) -> Value {
    let value = match definition {
        Definition::Task(task) => serde_json::to_value(task),
        Definition::Workflow(workflow) => serde_json::to_value(workflow),
    };
    value.expect("a definition is JSON")
}

fn survives(document: &Value) -> Result<(), TestCaseError> {
    let definition =
        read(document).map_err(|p| TestCaseError::fail(format!("{document}\n{p:#?}")))?;
    let again = read(&written(&definition));
    prop_assert_eq!(again.as_ref(), Ok(&definition));
    let text = read_text(&written(&definition).to_string());
    prop_assert_eq!(&text.problems, &vec![]);
    prop_assert_eq!(&text.definitions[0].0, &definition);
    Ok(())
}

#[test]
fn a_hostile_expression_is_read_or_refused() {
    let pieces = [
        "(",
        "[",
        "{",
        "-",
        "a.",
        "a?",
        "a:",
        "!",
        "$f(",
        "a[",
        "function($x){",
        "|a|",
        "a~>",
        "/",
        "`",
        "a^(",
        "%.",
    ];
    for piece in pieces {
        let source = piece.repeat(60_000 / piece.len());
        let document =
            json!({"id": "w", "version": "1.0.0", "name": "W", "steps": [], "output": source});
        if let Err(problems) = read(&document) {
            assert_eq!(problems[0].code, "BAD_EXPRESSION", "{piece}");
        }
    }
}

proptest! {
    #[test]
    fn anything_is_read_or_refused(value in anything()) {
        if let Err(problems) = read(&value) {
            prop_assert!(!problems.is_empty());
        }
    }

    #[test]
    fn a_definition_with_a_slip_is_read_or_refused_by_the_checks_and_never_by_the_types(value in document()) {
        match read(&value) {
            Ok(definition) => {
                if let Definition::Workflow(workflow) = &definition {
                    for warning in warnings(workflow) {
                        prop_assert!(value.pointer(&warning.pointer).is_some(), "{:?}", warning);
                    }
                }
                prop_assert_eq!(read(&written(&definition)), Ok(definition));
            }
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                // What the checks let through and the types refuse has no place: there is none such.
                let by_types = problems.iter().any(|p| p.pointer.is_empty() && p.code == "WRONG_TYPE");
                prop_assert!(!by_types, "{:?}", problems);
                for problem in &problems {
                    prop_assert!(
                        value.pointer(&problem.pointer).is_some(),
                        "{:?} is no place of {}", problem, value
                    );
                }
            }
        }
    }

    #[test]
    fn good_tasks_are_accepted_and_survive(value in task()) {
        survives(&value)?;
    }

    #[test]
    fn good_workflows_are_accepted_and_survive(value in workflow()) {
        survives(&value)?;
    }
}
