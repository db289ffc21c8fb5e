//! Generated steps that have other steps inside.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::generator::{Around, around_it, block, condition, put, retry_policy};

pub(super) fn parallel(around: Around) -> BoxedStrategy<Value> {
    let branches = vec(block(around.inside(), 0..4), 1..4);
    let join = prop_oneof![
        2 => Just(json!("ALL")),
        1 => Just(json!("ANY")),
        1 => (1..4_u64).prop_map(|count| json!({ "count": count })),
    ];
    let way = proptest::sample::select(vec!["CANCEL", "WAIT"]);
    let step = (branches, join, way, weighted(0.2, retry_policy())).prop_map(
        |(branches, mut join, way, policy)| {
            if let Some(count) = join["count"].as_u64() {
                join["count"] = count.min(branches.len() as u64).into();
            }
            let branches = branches.into_iter().map(|steps| json!({ "steps": steps }));
            let branches: Vec<Value> = branches.collect();
            let mut step = json!({
                "type": "PARALLEL", "branches": branches, "join": join, "onBranchFailure": way,
            });
            put(&mut step, "retryPolicy", policy);
            step
        },
    );
    around_it(around, step)
}

pub(super) fn map(around: Around) -> BoxedStrategy<Value> {
    let inside = Around {
        maps: around.maps + 1,
        ..around.inside()
    };
    let items = proptest::sample::select(vec!["[]", "[1..3]", "[workflowInput.n, 'x']", "[1..5]"]);
    let result = weighted(0.3, Just("[index, taskOutput]"));
    let bounds = (
        weighted(0.4, 1..4_u32),
        weighted(0.4, 0..3_u32),
        weighted(0.2, 0..90_u32),
    );
    let size = weighted(0.2, 1..4_u32);
    let step = (
        block(inside, 0..4),
        items,
        result,
        bounds,
        size,
        weighted(0.2, retry_policy()),
    )
        .prop_map(
            |(steps, items, result, (most, count, share), size, policy)| {
                let mut step = json!({ "type": "MAP", "items": items, "steps": steps });
                put(&mut step, "result", result);
                put(&mut step, "maxConcurrency", most);
                put(&mut step, "toleratedFailureCount", count);
                put(&mut step, "toleratedFailurePercentage", share);
                put(&mut step, "batchSize", size);
                put(&mut step, "retryPolicy", policy);
                step
            },
        );
    around_it(around, step)
}

pub(super) fn switch(around: Around) -> BoxedStrategy<Value> {
    let case = (condition(around), block(around.inside(), 0..3));
    let case = case.prop_map(|(when, steps)| json!({ "when": when, "steps": steps }));
    let step = (vec(case, 1..3), weighted(0.7, block(around.inside(), 0..3))).prop_map(
        |(cases, otherwise)| {
            let mut step = json!({ "type": "SWITCH", "cases": cases });
            put(&mut step, "otherwise", otherwise);
            step
        },
    );
    around_it(around, step)
}

pub(super) fn repeat(around: Around) -> BoxedStrategy<Value> {
    let letter = around.letter();
    let step = (
        block(around.inside(), 0..3),
        0..4_u32,
        1..4_u32,
        any::<bool>(),
    )
        .prop_map(move |(steps, turns, most, is_before)| {
            let mut step = json!({ "type": "LOOP", "steps": steps, "maxIterations": most });
            match is_before {
                true => step["while"] = format!("index < {turns}").into(),
                false => {
                    let ends = format!("index = {turns} or $exists(workflowVariables.{letter}3)");
                    step["until"] = ends.into();
                }
            }
            step
        });
    around_it(around, step)
}
