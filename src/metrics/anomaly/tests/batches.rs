//! Baselines as they are kept: small, the same however often a batch comes, and merged.

use proptest::prelude::*;

use super::draws::{Distribution, Draws};
use super::histogram::{Histogram, bucket_of, position_of, value_at};
use super::*;
use crate::metrics::applied::Sequence;

fn position(shard: &str, number: usize) -> Position {
    Position {
        shard: shard.to_owned(),
        sequence: Sequence::new(number.to_string()).unwrap(),
    }
}

/// What a stream tells of tasks whose start and end were one write. Some fail, and there is
/// something to find.
fn stream(seed: u64) -> Vec<Vec<Event>> {
    let mut draws = Draws::new(seed);
    let usual = Distribution::LogNormal(700.0, 0.3);
    let end = |number: usize| match number {
        300 => completed(number, 90_000),
        500 => completed(number, 900_000),
        600..640 => ended(number, Ending::Failed, 1),
        _ => completed(number, usual.series(&mut draws, 1)[0]),
    };
    let ends: Vec<Event> = (0..800).map(end).collect();
    let with_begin = |(number, end)| vec![began(number, 20), end];
    ends.into_iter().enumerate().map(with_begin).collect()
}

/// Applies batches of the events, each so often as it says, and stored in between.
fn apply(
    events: &[Vec<Event>],
    size: usize,
    times: impl Fn(usize) -> usize,
) -> (Baseline, Vec<Finding>) {
    let mut baseline = Baseline::new();
    let mut found = Vec::new();
    for (number, batch) in events.chunks(size).enumerate() {
        for _ in 0..times(number) {
            for (index, event) in batch.iter().enumerate() {
                found.extend(baseline.apply(&position("shard", number * size + index), event));
            }
            let stored = serde_json::to_string(&baseline).unwrap();
            baseline = serde_json::from_str(&stored).unwrap();
        }
    }
    (baseline, found)
}

#[test]
fn a_batch_that_comes_again_changes_nothing() {
    let events = stream(1);
    let once = apply(&events, 10, |_| 1);
    assert_eq!(once.1.len(), 3, "{:?}", once.1);
    let again = apply(&events, 10, |number| 1 + number % 3);
    assert_eq!(again, once);
    let in_other_batches = apply(&events, 37, |_| 2);
    assert_eq!(in_other_batches, once);
}

#[test]
fn a_batch_of_which_only_a_part_was_applied_goes_on_from_there() {
    let events = stream(2);
    let (expected, _) = apply(&events, events.len(), |_| 1);
    let mut baseline = Baseline::new();
    for range in [0..100, 50..400, 0..400, 399..800] {
        for number in range {
            let _ = baseline.apply(&position("shard", number), &events[number]);
        }
    }
    assert_eq!(baseline, expected);
}

#[test]
fn what_is_found_before_a_death_is_found_again_under_the_same_id() {
    let events = stream(3);
    let (before, _) = apply(&events[..600], 600, |_| 1);
    let find = |mut baseline: Baseline| -> Vec<FindingId> {
        let batch = (600..640)
            .flat_map(|number| baseline.apply(&position("shard", number), &events[number]));
        batch.map(|finding| finding.id).collect()
    };
    let first = find(before.clone());
    assert_eq!(first.len(), 1);
    assert_eq!(find(before), first);
}

#[test]
#[expect(clippy::disallowed_macros, reason = "the page has the figures")]
fn a_baseline_has_a_few_kib() {
    let bytes = |distribution: Distribution| {
        let mut draws = Draws::new(4);
        let mut baseline = Baseline::new();
        for number in 0..5_000 {
            let mut value = || distribution.series(&mut draws, 1)[0];
            let (queue_time, millis, memory) = (value(), value(), value());
            let place = position(&format!("shard-{}", number % 16), number);
            let told = [began(number, queue_time), used(number, millis, memory)];
            let _ = baseline.apply(&place, &told);
        }
        serde_json::to_string(&baseline).unwrap().len()
    };
    let usual = bytes(Distribution::LogNormal(800.0, 0.3));
    let wild = bytes(Distribution::Pareto(1.0, 0.2));
    println!("bytes of a baseline: {usual}; of the wildest: {wild}");
    assert!(usual <= 4 * 1024, "{usual} bytes");
    assert!(wild <= 16 * 1024, "{wild} bytes");
}

#[test]
fn what_was_stored_loads() {
    let stored = r#"{
        "applied": [["0011223344556677", "100"]],
        "executionTime": {
            "panes": [[[79, 400], [80, 112]], [[81, 3]]],
            "shift": {"seen": 415, "sum": 0.5, "highest": 0.5, "found": null, "past": [[300, 5.5]]}
        },
        "queueTime": {"panes": [], "shift": {}},
        "memoryUsage": {"panes": [], "shift": {}},
        "failures": {"panes": [[515, 5]], "change": {}}
    }"#;
    let baseline: Baseline = serde_json::from_str(stored).unwrap();
    assert_eq!(baseline.usual(Quantity::ExecutionTime).unwrap().points, 515);
    assert_eq!(baseline.usual(Quantity::FailureRate).unwrap().points, 515);
    assert_eq!(baseline.usual(Quantity::QueueTime), None);
    let again = serde_json::to_string(&baseline).unwrap();
    assert_eq!(serde_json::from_str::<Baseline>(&again).unwrap(), baseline);
    assert_eq!(
        serde_json::from_str::<Baseline>("{}").unwrap(),
        Baseline::new()
    );
}

#[test]
fn baselines_of_parts_are_merged_into_that_of_the_whole() {
    let events = stream(5);
    let learn = |part: usize| {
        let mut baseline = Baseline::new();
        for event in events[..500].iter().skip(part).step_by(2).flatten() {
            let _ = baseline.observe(event);
        }
        baseline
    };
    let mut merged = learn(0);
    merged.merge(&learn(1));
    let mut other_way = learn(1);
    other_way.merge(&learn(0));
    let (whole, _) = apply(&events[..500], 500, |_| 1);
    for quantity in Quantity::ALL {
        assert_eq!(
            merged.usual(quantity),
            whole.usual(quantity),
            "{quantity:?}"
        );
        assert_eq!(
            other_way.usual(quantity),
            whole.usual(quantity),
            "{quantity:?}"
        );
    }
}

proptest! {
    #[test]
    fn buckets_are_in_order_and_at_most_an_eighth_wide(one: u64, shift in 0..64_u32) {
        let value = one >> shift;
        let bucket = bucket_of(value);
        let least = value_at(bucket.into());
        let next = value_at(f64::from(bucket) + 1.0);
        prop_assert!(least <= value as f64 && value as f64 <= next, "{least} {value} {next}");
        prop_assert!(next - least <= (least / 8.0).max(1.0), "{least} {next}");
        prop_assert!(bucket_of(value.saturating_sub(1)) <= bucket);
        let back = value_at(position_of(value));
        prop_assert!((back - value as f64).abs() <= value as f64 * 1e-12, "{value} {back}");
    }

    #[test]
    fn a_quantile_is_in_the_bucket_of_the_value_of_its_rank(
        values in proptest::collection::vec(0..1_000_000_u64, 1..200),
        part in 0.0..=1.0_f64,
    ) {
        let mut histogram = Histogram::default();
        let mut sorted = values.clone();
        sorted.sort_unstable();
        values.iter().for_each(|value| histogram.add(*value));
        let rank = (part * (sorted.len() - 1) as f64).floor() as usize;
        let position = histogram.quantile(part);
        prop_assert_eq!(position.floor() as u16, bucket_of(sorted[rank]));
        let same = |other: &&u64| bucket_of(**other) >= bucket_of(sorted[rank]);
        let as_great = sorted.iter().filter(same).count() as u32;
        prop_assert!(histogram.is_among_greatest(sorted[rank], as_great));
        prop_assert!(!histogram.is_among_greatest(sorted[rank], as_great - 1));
    }

    #[test]
    fn what_was_merged_can_be_taken_away(
        one in proptest::collection::vec(any::<u64>(), 0..50),
        other in proptest::collection::vec(any::<u64>(), 0..50),
    ) {
        let of = |values: &[u64]| {
            let mut histogram = Histogram::default();
            values.iter().for_each(|value| histogram.add(*value));
            histogram
        };
        let mut both = of(&one);
        both.merge(&of(&other));
        prop_assert_eq!(&both, &of(&[one.clone(), other.clone()].concat()));
        both.remove(&of(&other));
        prop_assert_eq!(both, of(&one));
    }
}
