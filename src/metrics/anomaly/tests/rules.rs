//! What each rule says, and what none says anything about.

use super::draws::{Distribution, Draws};
use super::watch::SETTLED;
use super::*;

/// Values of a task that takes a second, give or take.
fn seconds(points: usize) -> Vec<u64> {
    Distribution::Normal(1000.0, 50.0).series(&mut Draws::new(7), points)
}

/// A baseline that has seen these.
fn baseline(millis: &[u64]) -> Baseline {
    let mut baseline = Baseline::new();
    for (number, millis) in millis.iter().enumerate() {
        assert_eq!(baseline.observe(&completed(number, *millis)), []);
    }
    baseline
}

#[test]
fn nothing_is_found_before_enough_was_seen() {
    let mut values = seconds(WARM_UP as usize - 1);
    values.push(1_000_000);
    assert_eq!(found_in(&values), []);
    values.push(9_000_000);
    assert_eq!(found_in(&values), [(WARM_UP as usize, Rule::Spike)]);
}

#[test]
fn a_finding_says_which_task_broke_what_and_what_is_usual() {
    let mut baseline = baseline(&seconds(600));
    let usual = baseline.usual(Quantity::ExecutionTime).unwrap();
    assert!((usual.location - 1000.0).abs() < 20.0, "{usual:?}");
    assert!((usual.scale - 50.0).abs() < 20.0, "{usual:?}");
    assert_eq!(usual.points, 600);
    let found = baseline.observe(&completed(600, 30_000));
    let [finding] = found.as_slice() else {
        panic!("one finding: {found:?}");
    };
    let expected = Finding {
        id: FindingId::of(subject(600).task_id, "SPIKE", "executionTime"),
        tenant_id: subject(600).tenant_id,
        task_definition_id: subject(600).task_definition_id,
        task_definition_version: Version::new(1, 0, 0),
        task_instance_id: subject(600).task_id,
        workflow_instance_id: None,
        rule: Rule::Spike,
        quantity: Quantity::ExecutionTime,
        score: MOST,
        value: 30_000.0,
        limit: finding.limit,
        usual,
        at: at(600_000),
    };
    assert_eq!(*finding, expected);
    assert!((1900.0..2500.0).contains(&finding.limit), "{finding:?}");
    let json = serde_json::to_value(finding).unwrap();
    assert_eq!(json["rule"], "SPIKE");
    assert_eq!(json["quantity"], "executionTime");
    assert_eq!(serde_json::from_value::<Finding>(json).unwrap(), *finding);
}

#[test]
fn a_value_is_as_unlikely_as_it_is_far_out() {
    let mut before = SCORE;
    for millis in [2_200, 2_600, 3_200] {
        let mut baseline = baseline(&seconds(600));
        let found = baseline.observe(&completed(600, millis));
        assert!(found[0].score > before, "{millis}: {found:?}");
        before = found[0].score;
    }
}

#[test]
fn what_is_small_is_not_found() {
    let quick = |last| [vec![2; 300], vec![last; 50]].concat();
    assert_eq!(found_in(&quick(100)), [], "less than 100 ms more");
    assert_eq!(found_in(&quick(200))[0], (300, Rule::Spike));
    let steady = |last| [vec![1000; 300], vec![last; 50]].concat();
    assert_eq!(found_in(&steady(1200)), [], "less than a quarter more");
    assert_eq!(found_in(&steady(1400)), [(307, Rule::Shift)], "not twice");
}

#[test]
fn a_shift_that_lasts_becomes_the_baseline() {
    let settled = 308 + usize::try_from(SETTLED).unwrap();
    let mut values = [vec![1000; 300], vec![4000; settled - 300]].concat();
    assert_eq!(found_in(&values), [(300, Rule::Spike), (307, Rule::Shift)]);
    values.extend([vec![4000; 500], vec![16_000; 20]].concat());
    let at = settled + 500;
    let again = [(at, Rule::Spike), (at + 7, Rule::Shift)];
    assert_eq!(found_in(&values)[2..], again);
}

#[test]
fn what_passes_twice_is_a_habit() {
    let day = [vec![1000; 188], vec![3000; 12]].concat();
    let found = found_in(&day.repeat(10));
    let shifts = found.iter().filter(|(_, rule)| *rule == Rule::Shift);
    let days: Vec<usize> = shifts.map(|(index, _)| index / day.len()).collect();
    assert_eq!(days, [0, 1]);
    let mut worse = day.repeat(10);
    worse.extend([3000; 40]);
    assert_eq!(found_in(&worse).last(), Some(&(2002, Rule::Shift)));
}

#[test]
fn what_gets_better_is_not_found() {
    let values = [vec![5000; 300], vec![1000; 300]].concat();
    assert_eq!(found_in(&values), []);
    let ends: Vec<bool> = (0..600)
        .map(|index| index < 300 && index % 2 == 0)
        .collect();
    assert_eq!(failing_in(&ends), [0; 0]);
}

#[test]
fn failures_are_found_by_themselves() {
    let mut baseline = baseline(&seconds(200));
    let ends = (200..210).map(|number| ended(number, Ending::Failed, 1));
    let found: Vec<Finding> = ends.flat_map(|end| baseline.observe(&end)).collect();
    let [finding] = found.as_slice() else {
        panic!("one finding: {found:?}");
    };
    assert_eq!(finding.task_instance_id, subject(203).task_id, "the fourth");
    assert_eq!(
        (finding.rule, finding.quantity),
        (Rule::Failures, Quantity::FailureRate)
    );
    assert!((0.2..0.25).contains(&finding.limit), "{finding:?}");
    assert!(finding.score >= SCORE, "{finding:?}");
}

#[test]
fn failures_that_last_become_usual() {
    let ends: Vec<bool> = (0..3000).map(|index| index >= 200).collect();
    assert_eq!(failing_in(&ends).len(), 1);
    let ends = ends.iter().copied().chain([false; 400]).chain([true; 10]);
    assert_eq!(
        failing_in(&ends.collect::<Vec<_>>()).len(),
        1,
        "they were usual"
    );
}

#[test]
fn tasks_that_were_cancelled_say_nothing() {
    let mut baseline = baseline(&seconds(200));
    let before = baseline.clone();
    let found = baseline.observe(&ended(200, Ending::Cancelled, 1_000_000));
    assert_eq!((found, baseline), (Vec::new(), before));
}

#[test]
fn a_task_that_failed_says_nothing_about_execution() {
    let mut baseline = baseline(&seconds(200));
    let before = baseline.usual(Quantity::ExecutionTime);
    assert_eq!(
        baseline.observe(&ended(200, Ending::TimedOut, 1_000_000)),
        []
    );
    assert_eq!(baseline.usual(Quantity::ExecutionTime), before);
    assert_eq!(baseline.usual(Quantity::FailureRate).unwrap().points, 201);
}

#[test]
fn queue_time_and_memory_have_baselines_of_their_own() {
    const MIB: u64 = 1024 * 1024;
    let mut baseline = Baseline::new();
    for number in 0..200 {
        assert_eq!(baseline.observe(&began(number, 20)), []);
        assert_eq!(baseline.observe(&used(number, 1000, 100 * MIB)), []);
    }
    let found = baseline.observe(&began(200, 60_000));
    assert_eq!(found[0].quantity, Quantity::QueueTime);
    let found = baseline.observe(&used(200, 1000, 900 * MIB));
    assert_eq!(found[0].quantity, Quantity::MemoryUsage);
    assert_eq!((found.len(), found[0].rule), (1, Rule::Spike));
}
