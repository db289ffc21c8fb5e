//! What holds for every workflow, whatever happens to it: [`World`] checks each decision, and
//! here whatever was begun comes to an end.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::world::World;
use super::*;

fn task() -> impl Strategy<Value = Value> {
    (any::<bool>(), any::<bool>()).prop_map(|(goes_on, is_undone)| {
        let mut task = json!({ "continueOnFailure": goes_on });
        if is_undone {
            task["compensation"] = json!({ "taskDefinitionId": "undo" });
        }
        task
    })
}

/// A step of any type, without its name.
fn any_step(depth: u32) -> BoxedStrategy<Value> {
    let task = task();
    let leaf = prop_oneof![
        6 => task,
        1 => Just(json!({ "condition": "false" })),
        1 => (0..2_000_000_u64).prop_map(|ms| json!({ "type": "WAIT", "duration": ms })),
        1 => Just(signal()),
        1 => Just(json!({ "type": "SUB_WORKFLOW", "workflowDefinitionId": "other" })),
        1 => any::<bool>().prop_map(|when| json!({
            "type": "TERMINATE",
            "status": "FAILED",
            "condition": format!("{when} and $exists(workflowVariables.n)"),
        })),
        1 => Just(json!({ "type": "SET", "variableMappings": [
            { "type": "EXPRESSION", "expression": "$count(workflowVariables.n) + 1", "target": "n" },
        ] })),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    prop_oneof![
        3 => leaf,
        1 => parallel(depth),
        1 => switch(depth),
        1 => repeat(depth),
        1 => map(),
        1 => handling(depth),
    ]
    .boxed()
}

fn any_steps(depth: u32) -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec(any_step(depth), 0..4)
}

fn parallel(depth: u32) -> impl Strategy<Value = Value> {
    let branches = proptest::collection::vec(any_steps(depth - 1), 1..4);
    let joins = prop_oneof![
        Just(json!("ALL")),
        Just(json!("ANY")),
        Just(json!({ "count": 1 }))
    ];
    let ways = prop_oneof![Just("CANCEL"), Just("WAIT")];
    (branches, joins, ways, 0..2_u32).prop_map(|(branches, join, way, retries)| {
        let branches: Vec<Value> = branches
            .into_iter()
            .map(|steps| json!({ "steps": steps }))
            .collect();
        json!({
            "type": "PARALLEL",
            "branches": branches,
            "join": join,
            "onBranchFailure": way,
            "retryPolicy": { "maxRetries": retries, "retryInterval": 1000 },
        })
    })
}

fn switch(depth: u32) -> impl Strategy<Value = Value> {
    (any_steps(depth - 1), any_steps(depth - 1), any::<bool>()).prop_map(|(case, other, when)| {
        let cases = json!([{ "when": when.to_string(), "steps": case }]);
        json!({ "type": "SWITCH", "cases": cases, "otherwise": other })
    })
}

fn repeat(depth: u32) -> impl Strategy<Value = Value> {
    (any_steps(depth - 1), 1..4_u32).prop_map(|(steps, turns)| {
        json!({
            "type": "LOOP",
            "while": format!("index < {turns}"),
            "maxIterations": turns,
            "steps": steps,
        })
    })
}

fn signal() -> Value {
    json!({ "type": "SIGNAL", "signal": "go", "timeout": 5_000_000 })
}

fn map() -> impl Strategy<Value = Value> {
    let task = task();
    let set = json!({ "type": "SET", "variableMappings": [
        { "type": "EXPRESSION", "expression": "item", "target": "item_before" },
    ] });
    let step = prop_oneof![
        6 => task,
        1 => Just(set),
        1 => Just(json!({ "type": "WAIT", "duration": "index * 1000" })),
        1 => Just(json!({ "type": "SUB_WORKFLOW", "workflowDefinitionId": "other" })),
        1 => Just(json!({ "type": "TERMINATE", "status": "FAILED", "condition": "index = 3" })),
        1 => Just(json!({ "type": "MAP", "items": "[1, 2]", "steps": [
            { "compensation": { "taskDefinitionId": "undo" } },
            signal(),
        ] })),
        1 => Just(signal()),
    ];
    let steps = proptest::collection::vec(step, 0..3);
    let most = proptest::option::of(1..3_u32);
    (steps, 0..130_u32, most, 0..3_u32).prop_map(|(steps, items, most, tolerated)| {
        let mut map = json!({
            "type": "MAP",
            "items": format!("[1..{items}]"),
            "steps": steps,
            "toleratedFailureCount": tolerated,
        });
        if let Some(most) = most {
            map["maxConcurrency"] = most.into();
        }
        map
    })
}

fn handling(depth: u32) -> impl Strategy<Value = Value> {
    let then = prop_oneof![Just("CONTINUE"), Just("FAIL"), Just("RETRY_STEP")];
    (any_step(depth - 1), any_steps(depth - 1), then).prop_map(|(mut step, steps, then)| {
        step["onError"] = json!([{ "errorCodes": ["BUSY"], "steps": steps, "then": then }]);
        step
    })
}

/// Gives every step and branch a name of its own.
fn name_all(value: &mut Value, named: &mut u32) {
    match value {
        Value::Array(steps) => {
            for step in steps {
                if step.get("when").is_none() && step.get("errorCodes").is_none() {
                    step["name"] = format!("s{named}").into();
                    *named += 1;
                }
                for inside in ["steps", "branches", "cases", "otherwise", "onError"] {
                    step.get_mut(inside)
                        .into_iter()
                        .for_each(|value| name_all(value, named));
                }
            }
        }
        other => panic!("a list of steps is a list, not {other}"),
    }
}

fn any_workflow() -> impl Strategy<Value = Value> {
    let limit = proptest::option::of(1..3_000_000_u64);
    let handlers = proptest::collection::vec(Just(json!({})), 0..2);
    (any_steps(2), handlers, limit).prop_map(|(steps, handlers, limit)| {
        let mut fields = json!({ "steps": steps, "errorHandlers": handlers });
        let mut named = 0;
        name_all(&mut fields["steps"], &mut named);
        name_all(&mut fields["errorHandlers"], &mut named);
        if let Some(limit) = limit {
            fields["timeout"] = limit.into();
        }
        fields
    })
}

#[derive(Debug, Clone, Copy)]
enum Move {
    Completes(usize),
    Fails(usize),
    Skips(usize),
    /// It completes, and the workflow is cancelled before it is told.
    CompletesLate(usize, &'static str),
    Passes(u64),
    Asks(&'static str),
}

fn any_move() -> impl Strategy<Value = Move> {
    let words = [
        "pause",
        "resume",
        "resume",
        "retry",
        "retry",
        "rerun",
        "cancel",
        "undo",
        "signal:go",
    ];
    let ends = proptest::sample::select(vec!["cancel", "undo"]);
    prop_oneof![
        8 => any::<usize>().prop_map(Move::Completes),
        4 => any::<usize>().prop_map(Move::Fails),
        1 => any::<usize>().prop_map(Move::Skips),
        1 => (any::<usize>(), ends).prop_map(|(at, end)| Move::CompletesLate(at, end)),
        2 => (0..2_000_000_u64).prop_map(Move::Passes),
        3 => proptest::sample::select(words.to_vec()).prop_map(Move::Asks),
    ]
}

/// The words of a move; none when nothing is open that it could happen to.
fn word_of(world: &World, one: Move) -> Option<String> {
    let open = world.open();
    let paths: Vec<&str> = open.split_whitespace().collect();
    let path = |at: usize| paths.get(at.checked_rem(paths.len())?).copied();
    Some(match one {
        Move::Completes(at) => format!("{}+", path(at)?),
        Move::Fails(at) => format!("{}-", path(at)?),
        // No step of an iteration can be skipped.
        Move::Skips(at) => format!("skip:{}", path(at).filter(|path| !path.contains('['))?),
        Move::CompletesLate(at, end) => {
            let status = world.state().status;
            let is_open = matches!(status, WorkflowStatus::Running | WorkflowStatus::Paused);
            format!("late:{} {end}", path(at).filter(|_| is_open)?)
        }
        Move::Passes(millis) => format!("@{}", world.now + millis),
        Move::Asks(word) => word.to_owned(),
    })
}

/// Completes whatever is open until the workflow is over.
fn finish(world: &mut World) {
    for _ in 0..10_000 {
        if world.state().is_settled() {
            return;
        }
        if world.state().status == WorkflowStatus::Paused {
            world.play("resume");
        }
        match word_of(world, Move::Completes(0)) {
            Some(word) => world.play(&word),
            None => world.play(&format!("@{}", world.now + 1_000_000)),
        }
    }
    panic!("it never ends: {:#?}", world.state());
}

proptest! {
    // The same run every time: `PROPTEST_RNG_SEED` and `PROPTEST_CASES` ask for others, and for more.
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(96),
        ..ProptestConfig::with_cases(96)
    })]
    #[test]
    fn whatever_happens_the_rules_are_kept_and_all_comes_to_an_end(
        fields in any_workflow(),
        moves in proptest::collection::vec(any_move(), 0..25),
    ) {
        let mut world = World::new(fields);
        for one in moves {
            for word in word_of(&world, one).unwrap_or_default().split_whitespace() {
                world.try_one(word);
            }
        }
        finish(&mut world);
        prop_assert_eq!(world.open(), "");
        let settled = world.records.values().all(WorkflowInstance::is_settled);
        prop_assert!(settled, "a batch is left: {:#?}", world.records.values());
    }
}
