//! Good workflows, of steps of every type inside each other.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{anything, maybe, millis, object, one_of, retry_policy};

pub(super) fn workflow() -> impl Strategy<Value = Value> {
    let variables = maybe(anything().prop_map(|any| json!({"v": any})));
    (
        block(step()),
        maybe(block(step())),
        variables,
        maybe(millis()),
        maybe(one_of(json!(["workflowVariables.v"]))),
    )
        .prop_map(|(steps, handlers, variables, timeout, output)| {
            object(vec![
                ("id", Some(json!("w"))),
                ("version", Some(json!("1.0.0"))),
                ("name", Some(json!("W"))),
                ("steps", Some(steps)),
                ("errorHandlers", handlers),
                ("variables", variables),
                ("timeout", timeout),
                ("output", output),
            ])
        })
}

fn mappings() -> impl Strategy<Value = Value> {
    let default = || maybe(anything());
    let required = || maybe(any::<bool>().prop_map(Value::from));
    let direct = (default(), required()).prop_map(|(default, required)| {
        object(vec![
            ("type", Some(json!("DIRECT"))),
            ("source", Some(json!("a.b"))),
            ("target", Some(json!("c"))),
            ("default", default),
            ("required", required),
        ])
    });
    let expression = (default(), required()).prop_map(|(default, required)| {
        object(vec![
            ("type", Some(json!("EXPRESSION"))),
            ("expression", Some(json!("workflowInput.a + 1"))),
            ("target", Some(json!("c.d"))),
            ("default", default),
            ("required", required),
        ])
    });
    let transform = (default(), required()).prop_map(|(default, required)| {
        object(vec![
            ("type", Some(json!("TRANSFORM"))),
            ("source", Some(json!("a"))),
            ("transformation", Some(json!("$uppercase($)"))),
            ("target", Some(json!("c"))),
            ("default", default),
            ("required", required),
        ])
    });
    prop::collection::vec(prop_oneof![direct, expression, transform], 0..3).prop_map(Value::from)
}

/// A step with what every type has, and steps inside steps.
fn step() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![3 => task_step(), 2 => waiting_step(), 1 => ending_step()];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let inner = block(inner);
        prop_oneof![
            branching_step(inner.clone()),
            repeating_step(inner.clone()),
            handled_step(inner)
        ]
    })
}

/// Steps with names of their own, some of which wait for others.
fn block(step: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> + Clone {
    let after = prop::option::of(prop::sample::subsequence(vec![0, 1], 0..=2));
    let steps = prop::collection::vec((step, after), 0..3).prop_map(|steps| {
        let named = steps
            .into_iter()
            .enumerate()
            .map(|(at, (mut step, after))| {
                step["name"] = json!(format!("s{at}"));
                if let Some(after) = after {
                    let before = after.into_iter().filter(|other| *other < at);
                    step["dependsOn"] = before.map(|other| format!("s{other}")).collect();
                }
                step
            });
        Value::from_iter(named)
    });
    steps.boxed()
}

fn task_step() -> impl Strategy<Value = Value> {
    let data = (
        maybe(mappings()),
        maybe(mappings()),
        maybe(one_of(json!(["a > 1"]))),
    );
    let limits = (
        maybe(retry_policy()),
        maybe(millis()),
        maybe(one_of(json!(["LOW", "CRITICAL"]))),
    );
    let others = (
        maybe(one_of(json!(["^2.0.0", "*", ">=1, <3"]))),
        maybe(any::<bool>().prop_map(Value::from)),
    );
    (data, limits, others).prop_map(
        |((inputs, variables, condition), (retry, timeout, priority), (version, goes_on))| {
            object(vec![
                ("name", Some(json!("s"))),
                ("taskDefinitionId", Some(json!("t"))),
                ("inputMappings", inputs),
                ("variableMappings", variables),
                ("condition", condition),
                ("retryPolicy", retry),
                ("timeout", timeout),
                ("priority", priority),
                ("taskVersion", version),
                ("continueOnFailure", goes_on),
            ])
        },
    )
}

fn waiting_step() -> impl Strategy<Value = Value> {
    let duration = prop_oneof![
        millis(),
        one_of(json!([0, "PT1.5S", "P2W", "workflowInput.delay"]))
    ];
    let until = one_of(json!(["2026-11-21T21:20:00Z", "workflowInput.date"]));
    prop_oneof![
        duration.prop_map(|one| json!({ "name": "s", "type": "WAIT", "duration": one })),
        until.prop_map(|one| json!({ "name": "s", "type": "WAIT", "until": one })),
        mappings().prop_map(|set| json!({ "name": "s", "type": "SET", "variableMappings": set })),
    ]
}

fn ending_step() -> impl Strategy<Value = Value> {
    one_of(json!([
        { "name": "s", "type": "TERMINATE", "status": "COMPLETED", "output": "1" },
        { "name": "s", "type": "TERMINATE", "status": "FAILED", "error": { "code": "A" } },
        { "name": "s", "type": "TERMINATE", "status": "FAILED" },
        { "name": "s", "type": "SUB_WORKFLOW", "workflowDefinitionId": "w", "onParentClose": "CANCEL" },
    ]))
}

fn branching_step(
    inner: impl Strategy<Value = Value> + Clone + 'static,
) -> impl Strategy<Value = Value> {
    let join = maybe(one_of(
        json!(["ALL", "ANY", { "count": 1 }, { "count": 2.0 }]),
    ));
    let parallel = (inner.clone(), inner.clone(), join, maybe(retry_policy()));
    let parallel = parallel.prop_map(|(one, other, join, retry)| {
        object(vec![
            ("name", Some(json!("s"))),
            ("type", Some(json!("PARALLEL"))),
            (
                "branches",
                Some(json!([{ "name": "x", "steps": one }, { "name": "y", "steps": other }])),
            ),
            ("join", join),
            ("retryPolicy", retry),
        ])
    });
    let switch = (inner.clone(), maybe(inner)).prop_map(|(case, otherwise)| {
        object(vec![
            ("name", Some(json!("s"))),
            ("type", Some(json!("SWITCH"))),
            ("cases", Some(json!([{ "when": "a", "steps": case }]))),
            ("otherwise", otherwise),
        ])
    });
    prop_oneof![parallel, switch]
}

fn repeating_step(inner: impl Strategy<Value = Value> + Clone) -> impl Strategy<Value = Value> {
    let share = prop_oneof![(0.0..=100.0).prop_map(|x: f64| json!(x)), Just(json!(5.0))];
    let limits = (
        maybe(one_of(json!([1, 1e3]))),
        maybe(share),
        maybe(one_of(json!(["index"]))),
    );
    let map = (inner.clone(), limits).prop_map(|(steps, (count, share, result))| {
        object(vec![
            ("name", Some(json!("s"))),
            ("type", Some(json!("MAP"))),
            ("items", Some(json!("workflowInput.list"))),
            ("steps", Some(steps)),
            ("maxConcurrency", count.clone()),
            ("batchSize", count),
            ("toleratedFailurePercentage", share),
            ("result", result),
        ])
    });
    let repeat = (inner, prop::sample::select(vec!["while", "until"])).prop_map(|(steps, asked)| {
        json!({ "name": "s", "type": "LOOP", asked: "a", "maxIterations": 3, "steps": steps })
    });
    prop_oneof![map, repeat]
}

fn handled_step(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let then = one_of(json!([
        {}, { "then": "FAIL" }, { "then": "RETRY_STEP" }, { "then": "RETRY_STEP", "maxRetries": 2 }
    ]));
    (task_step(), inner, then).prop_map(|(mut step, steps, then)| {
        let mut entry = then;
        entry["errorCodes"] = json!(["A", "*"]);
        entry["steps"] = steps;
        step["onError"] = json!([entry]);
        step
    })
}
