//! The retry rule, as tables: whether, how often, and after how long.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn policy(fields: Value) -> RetryPolicy {
    let mut all = json!({ "maxRetries": 3, "jitter": "NONE" });
    for (name, value) in fields.as_object().unwrap() {
        all[name] = value.clone();
    }
    serde_json::from_value(all).unwrap()
}

fn failure(code: &str) -> Failure<'_> {
    Failure {
        code,
        permanent: false,
        retry_after: None,
    }
}

fn used(policy: u32, rules: &[u32]) -> RetryCounts {
    RetryCounts {
        policy,
        rules: rules.to_vec(),
    }
}

/// The delay before the next attempt, none when none follows.
fn delay(policy: &RetryPolicy, failure: &Failure<'_>, counts: &RetryCounts) -> Option<u64> {
    match policy.verdict(failure, counts, 0.5) {
        Verdict::Retry { delay, .. } => Some(delay),
        Verdict::GiveUp => None,
    }
}

#[test]
fn the_delay_grows_with_each_retry_up_to_the_cap() {
    let year = limits::TIMER_MILLIS;
    let cases = [
        (json!({}), 0, 1000),
        (json!({}), 1, 2000),
        (json!({}), 10, 1_024_000),
        (json!({ "retryInterval": 0 }), 5, 0),
        (json!({ "retryInterval": 1 }), 0, 1),
        (json!({ "backoffMultiplier": 1 }), 9, 1000),
        (json!({ "backoffMultiplier": 1.5 }), 1, 1500),
        (
            json!({ "retryInterval": 3, "backoffMultiplier": 1.5 }),
            1,
            4,
        ),
        (
            json!({ "retryInterval": 3, "backoffMultiplier": 1.5 }),
            2,
            6,
        ),
        (json!({ "maxRetryInterval": 5000 }), 2, 4000),
        (json!({ "maxRetryInterval": 5000 }), 3, 5000),
        (json!({ "maxRetryInterval": 500 }), 0, 500),
        (json!({ "maxRetryInterval": 0 }), 4, 0),
        (json!({ "backoffMultiplier": 1000 }), 4, year),
        (json!({ "backoffMultiplier": 1000 }), u32::MAX - 1, year),
        (json!({ "backoffMultiplier": 1 }), u32::MAX - 1, 1000),
        (json!({ "retryInterval": u64::MAX }), 0, year),
        (
            json!({ "retryInterval": u64::MAX, "backoffMultiplier": 1000 }),
            99,
            year,
        ),
        (
            json!({ "retryInterval": 0, "backoffMultiplier": 1000 }),
            u32::MAX - 1,
            0,
        ),
        (
            json!({ "retryInterval": u64::MAX, "maxRetryInterval": u64::MAX }),
            0,
            year,
        ),
        (json!({ "backoffMultiplier": 0.1 }), 3, 1000),
    ];
    for (fields, n, expected) in cases {
        let mut policy = policy(fields);
        policy.max_retries = u32::MAX;
        let actual = delay(&policy, &failure("BUSY"), &used(n, &[]));
        assert_eq!(actual, Some(expected), "retry {n} of {policy:?}");
    }
}

#[test]
fn full_jitter_is_uniform_between_nothing_and_the_delay() {
    let cases = [
        ("NONE", 0.0, 1000),
        ("NONE", 0.9, 1000),
        ("FULL", 0.0, 0),
        ("FULL", 0.5, 500),
        ("FULL", 0.25, 250),
        ("FULL", 0.999_999_999, 999),
        ("FULL", 1.0, 1000),
        ("FULL", 7.0, 1000),
        ("FULL", -7.0, 0),
        ("FULL", f64::NAN, 0),
    ];
    for (mode, jitter, expected) in cases {
        let policy = policy(json!({ "jitter": mode }));
        let Verdict::Retry { delay, .. } = policy.verdict(&failure("BUSY"), &used(0, &[]), jitter)
        else {
            panic!("a retry is left");
        };
        assert_eq!(delay, expected, "{mode} at {jitter}");
    }
}

#[test]
fn delays_are_spread_unless_a_policy_says_otherwise() {
    let policy: RetryPolicy = serde_json::from_value(json!({ "maxRetries": 1 })).unwrap();
    assert_eq!(policy.jitter, Jitter::Full);
    assert_eq!(
        (policy.retry_interval, policy.backoff_multiplier),
        (1000, 2.0)
    );
}

#[test]
fn the_delay_that_an_executor_asks_for_replaces_the_computed_one() {
    let cases = [
        (json!({}), 7, 7),
        (json!({ "maxRetryInterval": 5 }), 70, 70),
        (json!({ "jitter": "FULL" }), 7, 7),
        (json!({}), 0, 0),
        (json!({}), u64::MAX, limits::TIMER_MILLIS),
    ];
    for (fields, asked, expected) in cases {
        let failure = Failure {
            retry_after: Some(asked),
            ..failure("BUSY")
        };
        let actual = delay(&policy(fields), &failure, &used(0, &[]));
        assert_eq!(actual, Some(expected), "asked for {asked}");
    }
}

/// Whether a failure with this code is retried when none was before.
fn check_retried(fields: &Value, code: &str, marked_permanent: bool, expected: bool) {
    let failure = Failure {
        permanent: marked_permanent,
        ..failure(code)
    };
    let retried = delay(&policy(fields.clone()), &failure, &used(0, &[])).is_some();
    assert_eq!(
        retried, expected,
        "{code} (permanent: {marked_permanent}) under {fields}"
    );
}

#[test]
fn a_policy_retries_what_it_lists_and_by_default_all_that_is_not_permanent() {
    let all = json!({});
    let empty = json!({ "retryableErrors": [] });
    let star = json!({ "retryableErrors": ["*"] });
    let listed = json!({ "retryableErrors": ["BUSY", "INVALID_INPUT"] });
    let star_and_listed = json!({ "retryableErrors": ["*", "INVALID_INPUT"] });
    for policy in [&all, &empty, &star] {
        check_retried(policy, "BUSY", false, true);
        check_retried(policy, failure::TIMEOUT, false, true);
        check_retried(policy, "BUSY", true, false);
        for code in failure::PERMANENT {
            check_retried(policy, code, false, false);
        }
    }
    check_retried(&listed, "BUSY", false, true);
    check_retried(&listed, "BUSY", true, true);
    check_retried(&listed, "LATE", false, false);
    check_retried(&listed, failure::INVALID_INPUT, false, true);
    check_retried(&listed, failure::INVALID_OUTPUT, false, false);
    check_retried(&star_and_listed, "LATE", false, true);
    check_retried(&star_and_listed, failure::INVALID_INPUT, false, true);
    check_retried(&star_and_listed, failure::EXPRESSION_ERROR, false, false);
    check_retried(&json!({ "maxRetries": 0 }), "BUSY", false, false);
}

#[test]
fn a_policy_is_used_up_after_its_retries() {
    let policy = policy(json!({ "maxRetries": 2 }));
    let cases = [(0, Some(1000)), (1, Some(2000)), (2, None), (3, None)];
    for (retries, expected) in cases {
        assert_eq!(
            delay(&policy, &failure("BUSY"), &used(retries, &[])),
            expected
        );
    }
}

fn ruled() -> RetryPolicy {
    policy(json!({
        "maxRetries": 1,
        "retryInterval": 100,
        "retryableErrors": ["BUSY", "SLOW"],
        "rules": [
            {
                "errorCodes": ["SLOW", "INVALID_OUTPUT"],
                "maxRetries": 2, "retryInterval": 10, "backoffMultiplier": 3, "maxRetryInterval": 25,
            },
            { "errorCodes": ["SLOW", "LATE"], "maxRetries": 5, "retryInterval": 7 },
            { "errorCodes": ["NEVER"], "maxRetries": 0 },
        ],
    }))
}

#[test]
fn the_first_rule_that_matches_decides_with_its_own_numbers_and_count() {
    let retry = |delay, policy, rules: &[u32]| Verdict::Retry {
        delay,
        counts: used(policy, rules),
    };
    let cases = [
        ("BUSY", used(0, &[]), retry(100, 1, &[])),
        ("BUSY", used(0, &[2, 5]), retry(100, 1, &[2, 5])),
        ("BUSY", used(1, &[]), Verdict::GiveUp),
        ("SLOW", used(1, &[]), retry(10, 1, &[1])),
        ("SLOW", used(0, &[1]), retry(25, 0, &[2])),
        // The next rule is not asked when the first is used up.
        ("SLOW", used(0, &[2]), Verdict::GiveUp),
        ("INVALID_OUTPUT", used(0, &[]), retry(10, 0, &[1])),
        // `retryableErrors` leaves it out, a rule does not.
        ("LATE", used(1, &[]), retry(7, 1, &[0, 1])),
        ("LATE", used(1, &[2, 1]), retry(14, 1, &[2, 2])),
        ("NEVER", used(0, &[]), Verdict::GiveUp),
        ("OTHER", used(0, &[]), Verdict::GiveUp),
    ];
    for (code, counts, expected) in cases {
        let actual = ruled().verdict(&failure(code), &counts, 0.5);
        assert_eq!(actual, expected, "{code} after {counts:?}");
    }
}

#[test]
fn a_rule_for_every_code_leaves_out_the_permanent_ones() {
    let policy = policy(json!({
        "maxRetries": 0,
        "rules": [{ "errorCodes": ["*"], "maxRetries": 1, "retryInterval": 5 }],
    }));
    assert_eq!(delay(&policy, &failure("BUSY"), &used(0, &[])), Some(5));
    assert_eq!(
        delay(&policy, &failure(failure::INVALID_INPUT), &used(0, &[])),
        None
    );
    let marked = Failure {
        permanent: true,
        ..failure("BUSY")
    };
    assert_eq!(delay(&policy, &marked, &used(0, &[])), None);
}

#[test]
fn all_retries_are_counted_together() {
    assert_eq!(used(2, &[3, 4]).total(), 9);
    assert_eq!(used(u32::MAX, &[1]).total(), u32::MAX);
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![1.0..1000.0_f64, proptest::num::f64::ANY]
}

fn any_millis() -> impl Strategy<Value = u64> {
    prop_oneof![0..100_000_u64, any::<u64>()]
}

proptest! {
    #[test]
    fn delays_never_overflow_and_never_exceed_the_cap(
        interval in any_millis(),
        multiplier in any_number(),
        cap in proptest::option::of(any_millis()),
        n in prop_oneof![0..40_u32, 0..u32::MAX],
        jitter in 0.0..1.0_f64,
        full in any::<bool>(),
    ) {
        let policy = RetryPolicy {
            max_retries: u32::MAX,
            retry_interval: interval,
            backoff_multiplier: multiplier,
            max_retry_interval: cap,
            retryable_errors: Vec::new(),
            jitter: if full { Jitter::Full } else { Jitter::None },
            rules: Vec::new(),
        };
        let Verdict::Retry { delay, counts } =
            policy.verdict(&failure("BUSY"), &used(n, &[]), jitter)
        else {
            return Err(TestCaseError::fail("a retry is left"));
        };
        prop_assert!(delay <= cap.unwrap_or(u64::MAX));
        prop_assert!(delay <= limits::TIMER_MILLIS);
        prop_assert_eq!(counts.policy, n + 1);
        if !full {
            // What is not spread never shrinks from retry to retry, nor below the interval.
            let least = interval.min(cap.unwrap_or(u64::MAX)).min(limits::TIMER_MILLIS);
            prop_assert!(delay >= least);
        }
    }
}
