//! Workflows that are good by construction, and what comes to them from outside.
//!
//! Where the language leaves a result open, nothing is generated that shows it: variables of a MAP
//! have names of their own, a RETRY_STEP has no condition, a graph's last step is never skipped.

use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::answers::{CODES, TASKS};
use super::composites::{map, parallel, repeat, switch};
use super::interpreter::Signal;

/// A workflow with everything that decides what comes of it.
#[derive(Debug, Clone)]
pub struct Case {
    pub seed: u64,
    /// The workflow, then its children.
    pub definitions: Vec<Value>,
    pub input: Value,
    /// In the order of their times.
    pub signals: Vec<Signal>,
}

/// Where steps stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    /// How deep steps may yet be inside each other.
    pub depth: u32,
    /// How many MAPs are around.
    pub maps: usize,
}

impl Around {
    pub fn inside(self) -> Self {
        let depth = self.depth - 1;
        Self { depth, ..self }
    }

    /// The first letter of variables here.
    pub fn letter(self) -> char {
        ['v', 'w', 'x', 'y', 'z'][self.maps]
    }
}

/// Any case.
pub fn cases() -> impl Strategy<Value = Case> {
    let around = Around { depth: 3, maps: 0 };
    let handlers = vec(handler(), 0..3);
    let limit = weighted(0.2, 10_000..200_000_u64);
    let signals = vec((1..120_000_u64, any::<bool>()), 0..5);
    let steps = block(around, 1..5);
    (steps, handlers, limit, signals, 0..10_u64, 0..1_000_000_u64).prop_map(
        |(mut steps, mut handlers, limit, signals, n, seed)| {
            let mut named = 0;
            name_all(&mut steps, &mut named);
            for handler in &mut handlers {
                handler["name"] = format!("h{named}").into();
                named += 1;
            }
            let mut workflow = json!({
                "id": "tested", "version": "1.0.0", "name": "Tested",
                "variables": { "v0": 0 },
                "steps": steps,
                "errorHandlers": handlers,
                "output": "[workflowInput.n, workflowVariables]",
            });
            if let Some(limit) = limit {
                workflow["timeout"] = limit.into();
            }
            Case {
                seed,
                definitions: [vec![workflow], children()].concat(),
                input: json!({ "n": n }),
                signals: in_order(signals),
            }
        },
    )
}

fn in_order(signals: Vec<(u64, bool)>) -> Vec<Signal> {
    let named = signals
        .into_iter()
        .enumerate()
        .map(|(data, (at, go))| Signal {
            at,
            name: if go { "go" } else { "stop" }.to_owned(),
            data: data.into(),
        });
    let mut signals: Vec<Signal> = named.collect();
    signals.sort_by_key(|signal| signal.at);
    signals
}

fn children() -> Vec<Value> {
    let kept = json!([{ "type": "DIRECT", "source": "taskOutput", "target": "kept" }]);
    let steady = json!({
        "id": "steady", "version": "1.0.0", "name": "Steady",
        "steps": [
            { "name": "one", "taskDefinitionId": "sure", "variableMappings": kept },
            { "name": "two", "taskDefinitionId": "maybe", "continueOnFailure": true },
        ],
        "output": "[workflowInput, workflowVariables.kept]",
    });
    let branch = |name: &str| json!({ "name": name, "steps": [{ "name": "try", "taskDefinitionId": "maybe" }] });
    let fragile = json!({
        "id": "fragile", "version": "1.0.0", "name": "Fragile",
        "steps": [
            { "name": "both", "type": "PARALLEL", "branches": [branch("a"), branch("b")] },
            { "name": "rest", "type": "WAIT", "duration": 777 },
        ],
    });
    vec![steady, fragile]
}

/// Every block is a list or a graph.
pub(super) fn block(around: Around, size: std::ops::Range<usize>) -> BoxedStrategy<Value> {
    let steps = vec(
        (
            step(around),
            weighted(0.5, vec(any::<prop::sample::Index>(), 0..3)),
        ),
        size,
    );
    (steps, weighted(0.25, Just(())))
        .prop_map(|(steps, graph)| {
            let total = steps.len();
            let steps = steps
                .into_iter()
                .enumerate()
                .map(|(at, (mut step, needs))| {
                    if graph.is_some() {
                        if at + 1 == total {
                            step.as_object_mut()
                                .expect("a step")
                                .shift_remove("condition");
                        }
                        if let Some(needs) = needs {
                            let needs = needs.iter().filter(|_| at > 0).map(|need| need.index(at));
                            let needs: std::collections::BTreeSet<usize> = needs.collect();
                            // Places, until there are names.
                            step["dependsOn"] = json!(needs);
                        }
                    }
                    step
                });
            Value::Array(steps.collect())
        })
        .boxed()
}

fn step(around: Around) -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        8 => task(around),
        2 => wait(around),
        2 => set(around),
        1 => terminate(),
    ];
    let leaf = prop_oneof![8 => leaf, 2 => signal(around), 2 => sub_workflow(around)].boxed();
    if around.depth == 0 {
        return leaf;
    }
    prop_oneof![
        5 => leaf,
        2 => parallel(around),
        1 => map(around),
        1 => switch(around),
        1 => repeat(around),
    ]
    .boxed()
}

/// Sets what is there.
pub(super) fn put<T: Into<Value>>(step: &mut Value, field: &str, value: Option<T>) {
    if let Some(value) = value {
        step[field] = value.into();
    }
}

fn task(around: Around) -> BoxedStrategy<Value> {
    let kind = prop_oneof![4 => Just(TASKS[0]), 4 => Just(TASKS[1]), 1 => Just(TASKS[2])];
    let limits = (
        weighted(0.2, 5_000..59_000_u64),
        weighted(0.1, 5_000..90_000_u64),
    );
    let policy = of(retry_policy());
    let step = (kind, inputs(around), policy, limits, compensation()).prop_map(
        |(kind, inputs, policy, (limit, whole), compensation)| {
            let mut step = json!({ "taskDefinitionId": kind, "inputMappings": inputs });
            put(&mut step, "retryPolicy", policy);
            put(&mut step, "timeout", limit);
            put(
                &mut step,
                "timeouts",
                whole.map(|whole| json!({ "scheduleToClose": whole })),
            );
            put(&mut step, "compensation", compensation);
            step
        },
    );
    around_it(around, step)
}

fn compensation() -> BoxedStrategy<Option<Value>> {
    let kind = prop_oneof![3 => Just(TASKS[0]), 1 => Just(TASKS[1])];
    let inputs = json!([{ "type": "EXPRESSION", "expression": "taskOutput", "target": "of" }]);
    let step = (kind, of(retry_policy())).prop_map(move |(kind, policy)| {
        let mut step = json!({ "taskDefinitionId": kind, "inputMappings": inputs });
        put(&mut step, "retryPolicy", policy);
        step
    });
    weighted(0.4, step).boxed()
}

pub(super) fn retry_policy() -> BoxedStrategy<Value> {
    let codes = || proptest::sample::subsequence([&CODES[..], &["TIMEOUT"]].concat(), 1..4);
    let rule = (codes(), 0..3_u32, 1..4000_u64).prop_map(|(codes, most, interval)| {
        json!([{ "errorCodes": codes, "maxRetries": most, "retryInterval": interval }])
    });
    (
        0..3_u32,
        1..5000_u64,
        weighted(0.3, codes()),
        weighted(0.2, rule),
        any::<bool>(),
    )
        .prop_map(|(most, interval, codes, rules, is_even)| {
            let mut policy =
                json!({ "maxRetries": most, "retryInterval": interval, "jitter": "NONE" });
            put(&mut policy, "retryableErrors", codes);
            put(&mut policy, "rules", rules);
            put(&mut policy, "backoffMultiplier", is_even.then_some(1.5));
            policy
        })
        .boxed()
}

fn inputs(around: Around) -> BoxedStrategy<Value> {
    let letter = around.letter();
    let variable = (0..4_u32).prop_map(move |n| {
        json!({ "type": "DIRECT", "source": format!("{letter}{n}"), "target": format!("from.{n}") })
    });
    let expressions = [
        "index",
        "item",
        "error.code",
        "workflowInput.n + 1",
        "outer.item",
    ];
    let last = if around.maps > 1 { 5 } else { 4 };
    let expression = proptest::sample::select(expressions[..last].to_vec());
    let expression = expression.prop_map(
        |expression| json!({ "type": "EXPRESSION", "expression": expression, "target": "given" }),
    );
    let missing = json!({ "type": "DIRECT", "source": "nowhere", "target": "x", "required": true });
    let one = prop_oneof![8 => variable, 8 => expression, 1 => Just(missing)];
    vec(one, 0..3).prop_map(Value::Array).boxed()
}

/// Mappings that read a step's output.
fn outputs(around: Around) -> BoxedStrategy<Value> {
    let letter = around.letter();
    let one = (any::<bool>(), 0..4_u32).prop_map(move |(is_direct, n)| {
        let target = format!("{letter}{n}");
        match is_direct {
            true => json!({ "type": "DIRECT", "source": "taskOutput", "target": target }),
            false => {
                json!({ "type": "EXPRESSION", "expression": "taskOutput.n", "target": target })
            }
        }
    });
    vec(one, 0..2).prop_map(Value::Array).boxed()
}

pub(super) fn condition(around: Around) -> BoxedStrategy<String> {
    let letter = around.letter();
    let fixed = ["workflowInput.n > 4", "index = 0", "workflowInput.n < 8"];
    let fixed = proptest::sample::select(fixed.to_vec()).prop_map(str::to_owned);
    let varying = (0..4_u32, any::<bool>()).prop_map(move |(n, exists)| match exists {
        true => format!("$exists(workflowVariables.{letter}{n})"),
        false => format!("workflowVariables.{letter}{n} > 3"),
    });
    prop_oneof![fixed, varying].boxed()
}

/// A step with what every step may have around it.
pub(super) fn around_it(
    around: Around,
    step: impl Strategy<Value = Value> + 'static,
) -> BoxedStrategy<Value> {
    let goes_on = weighted(0.15, any::<bool>());
    let entries = weighted(0.25, on_error(around));
    let condition = weighted(0.15, condition(around));
    (step, goes_on, entries, condition, outputs(around))
        .prop_map(|(mut step, goes_on, entries, condition, outputs)| {
            put(&mut step, "continueOnFailure", goes_on);
            let retries = entries
                .iter()
                .flatten()
                .any(|entry| entry["then"] == "RETRY_STEP");
            put(&mut step, "condition", condition.filter(|_| !retries));
            put(&mut step, "onError", entries);
            step["variableMappings"] = outputs;
            step
        })
        .boxed()
}

fn on_error(around: Around) -> BoxedStrategy<Vec<Value>> {
    let words = [&CODES[..], &["TIMEOUT", "*", "NO_CASE_MATCHED"]].concat();
    let codes = proptest::sample::subsequence(words, 1..4);
    let then = prop_oneof![Just("CONTINUE"), Just("FAIL"), Just("RETRY_STEP")];
    let steps = match around.depth {
        0 => Just(json!([])).boxed(),
        _ => block(Around { depth: 0, ..around }, 0..3),
    };
    let entry =
        (codes, then, steps, weighted(0.3, 1..3_u32)).prop_map(|(codes, then, steps, most)| {
            let mut entry = json!({ "errorCodes": codes, "steps": steps, "then": then });
            put(
                &mut entry,
                "maxRetries",
                most.filter(|_| then == "RETRY_STEP"),
            );
            entry
        });
    vec(entry, 1..3).boxed()
}

fn wait(around: Around) -> BoxedStrategy<Value> {
    let step = (0..40_000_u64).prop_map(move |millis| {
        let duration = match around.maps {
            0 => json!(millis),
            _ => json!(format!("{millis} + index * 137")),
        };
        json!({ "type": "WAIT", "duration": duration })
    });
    around_it(around, step)
}

fn set(around: Around) -> BoxedStrategy<Value> {
    let letter = around.letter();
    (0..4_u32, 0..4_u32, 0..5_u32)
        .prop_map(move |(from, to, kind)| {
            let expression = match kind {
                0 => format!("$count(workflowVariables.{letter}{from}) + 1"),
                1 => "index".to_owned(),
                2 => "workflowInput.n".to_owned(),
                3 => format!("workflowVariables.{letter}{from} + 1"),
                _ => format!("[item, workflowVariables.{letter}{from}]"),
            };
            let target = format!("{letter}{to}");
            let mapping =
                json!({ "type": "EXPRESSION", "expression": expression, "target": target });
            json!({ "type": "SET", "variableMappings": [mapping] })
        })
        .boxed()
}

fn signal(around: Around) -> BoxedStrategy<Value> {
    let words = (any::<bool>(), any::<bool>());
    let step = (words, 1..100_000_u64).prop_map(|((go, fails), timeout)| {
        let name = if go { "go" } else { "stop" };
        let on_timeout = if fails { "FAIL" } else { "CONTINUE" };
        json!({ "type": "SIGNAL", "signal": name, "timeout": timeout, "onTimeout": on_timeout })
    });
    around_it(around, step)
}

fn sub_workflow(around: Around) -> BoxedStrategy<Value> {
    let kind = proptest::sample::select(vec!["steady", "fragile"]);
    let step = (kind, inputs(around), of(retry_policy()), compensation()).prop_map(
        |(kind, inputs, policy, compensation)| {
            let mut step = json!({
                "type": "SUB_WORKFLOW", "workflowDefinitionId": kind, "inputMappings": inputs,
            });
            put(&mut step, "retryPolicy", policy);
            put(&mut step, "compensation", compensation);
            step
        },
    );
    around_it(around, step)
}

fn terminate() -> BoxedStrategy<Value> {
    (any::<bool>(), 0..9_u32)
        .prop_map(|(fails, limit)| {
            let condition = format!("workflowInput.n > {limit} and $exists(workflowVariables.v1)");
            match fails {
                true => json!({
                    "type": "TERMINATE", "condition": condition,
                    "status": "FAILED", "error": { "code": "STOPPED" },
                }),
                false => json!({
                    "type": "TERMINATE", "condition": condition,
                    "status": "COMPLETED", "output": "workflowVariables",
                }),
            }
        })
        .boxed()
}

fn handler() -> BoxedStrategy<Value> {
    let kind = proptest::sample::select(TASKS.to_vec());
    let inputs = json!([{ "type": "DIRECT", "source": "error.code", "target": "code" }]);
    (kind, of(retry_policy()))
        .prop_map(move |(kind, policy)| {
            let mut step = json!({ "taskDefinitionId": kind, "inputMappings": inputs });
            put(&mut step, "retryPolicy", policy);
            step
        })
        .boxed()
}

/// Gives every step and branch a name of its own, and `dependsOn` the names of its places.
fn name_all(value: &mut Value, named: &mut u32) {
    let Value::Array(all) = value else {
        panic!("a list of steps is a list, not {value}");
    };
    let is_named = |one: &Value| one.get("when").is_none() && one.get("errorCodes").is_none();
    for one in all.iter_mut().filter(|one| is_named(one)) {
        one["name"] = format!("s{named}").into();
        *named += 1;
    }
    let names: Vec<Value> = all.iter().map(|one| one["name"].clone()).collect();
    for one in all {
        if let Some(Value::Array(needs)) = one.get_mut("dependsOn") {
            for need in needs {
                *need = names[need.as_u64().expect("a place") as usize].clone();
            }
        }
        for inside in ["steps", "branches", "cases", "otherwise", "onError"] {
            if let Some(inner) = one.get_mut(inside) {
                name_all(inner, named);
            }
        }
    }
}
