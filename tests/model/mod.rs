//! Generated workflows on the real engine, and in a simple interpreter of the language: both come
//! to the same, to the millisecond, however messages are delivered, and also when all of it begins
//! again after its end.
//!
//! `generator` and `composites` make the workflows, `answers` says what their tasks come to,
//! `interpreter`, `blocks` and `waits` (over `data`, `retry`, `story` and `time`) are the interpreter,
//! `engine` runs the real one, and `machine` its decider alone, for many more of them.
//! `TASKMILL_MODEL_CASES` runs another number of cases, `TASKMILL_MODEL_SEED` others.

mod answers;
mod blocks;
mod composites;
mod data;
mod engine;
mod generator;
mod interpreter;
mod machine;
mod retry;
mod story;
mod time;
mod waits;

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestCaseError, TestRunner};
use taskmill_local::sqs::{Delivery, Order};

use engine::Manner;
use generator::{Case, cases};
use interpreter::{Model, Story};

/// Cases of an ordinary run.
const CASES: u32 = 40;
/// Milliseconds for making a case that fails smaller.
const SHRINKING: u32 = 90_000;
/// Their seed.
const SEED: u64 = 1;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn runner(cases: u32) -> TestRunner {
    let cases = number("TASKMILL_MODEL_CASES").map_or(cases, |cases| cases as u32);
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(number("TASKMILL_MODEL_SEED").unwrap_or(SEED)),
        max_shrink_iters: 4000,
        max_shrink_time: SHRINKING,
        ..Config::default()
    })
}

fn on_the_engine(case: &Case, manner: Manner) -> Story {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(engine::run(case, manner))
}

fn manners() -> impl Strategy<Value = Manner> {
    let delivery = prop_oneof![Just(Delivery::Once), Just(Delivery::Twice)];
    let order = prop_oneof![
        Just(Order::Sent),
        any::<u64>().prop_map(|seed| Order::Shuffled { seed })
    ];
    let batch_size = prop_oneof![Just(1), Just(3), Just(10)];
    (delivery, order, batch_size, any::<bool>()).prop_map(|(delivery, order, batch_size, again)| {
        Manner {
            delivery,
            order,
            batch_size,
            again,
        }
    })
}

/// What the interpreter says of a case; none where the language leaves it open.
fn expected(case: &Case) -> Option<Story> {
    Model::run(case.seed, &case.definitions, &case.input, &case.signals)
}

/// Runs cases, and compares; gives how many the language leaves open.
fn compare<M: std::fmt::Debug>(
    cases_to_run: u32,
    manners: impl Strategy<Value = M>,
    run: impl Fn(&Case, &M) -> Story,
) {
    let (open, compared) = (Cell::new(0), Cell::new(0));
    let result = runner(cases_to_run).run(&(cases(), manners), |(case, manner)| {
        let Some(expected) = expected(&case) else {
            open.set(open.get() + 1);
            return Ok(());
        };
        compared.set(compared.get() + 1);
        let actual = run(&case, &manner);
        if actual == expected {
            return Ok(());
        }
        let definition = serde_json::to_string(&case.definitions[0]).unwrap();
        Err(TestCaseError::fail(format!(
            "{definition}\nseed {} input {} signals {:?}\nexpected {expected:#?}\nfound {actual:#?}",
            case.seed, case.input, case.signals
        )))
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let (open, compared) = (open.get(), compared.get());
    assert!(
        open * 2 < compared,
        "{open} are left open, {compared} are not"
    );
}

#[test]
fn the_engine_does_what_the_language_says() {
    compare(CASES, manners(), |case, manner| {
        on_the_engine(case, *manner)
    });
}

#[test]
fn the_decider_does_what_the_language_says_in_any_order() {
    compare(75 * CASES, any::<u64>(), |case, disorder| {
        machine::run(case, *disorder)
    });
}
