//! Retry policies and time limits.

use serde_json::{Value, json};

use crate::task::retry::RetryPolicy;
use crate::workflow::export::limits::{errors, retriers};

#[test]
fn a_policy_is_a_list_of_retriers() {
    let check = |policy: Value, expected: Value| {
        let parsed: RetryPolicy = serde_json::from_value(policy.clone()).unwrap();
        assert_eq!(json!(retriers(&parsed)), expected, "{policy}");
    };
    let one = |codes: &[&str], most: u32, first: u32, rate: f64| {
        let rate = if rate.fract() == 0.0 {
            json!(rate as u32)
        } else {
            json!(rate)
        };
        json!({"ErrorEquals": codes, "MaxAttempts": most, "IntervalSeconds": first, "BackoffRate": rate, "JitterStrategy": "NONE"})
    };
    check(json!({"maxRetries": 0}), json!([]));
    check(
        json!({"maxRetries": 3, "retryInterval": 1500, "backoffMultiplier": 1.5, "jitter": "NONE", "retryableErrors": ["BUSY", "TIMEOUT"]}),
        json!([one(
            &[
                "BUSY",
                "TIMEOUT",
                "States.Timeout",
                "States.HeartbeatTimeout"
            ],
            3,
            2,
            1.5
        )]),
    );
    // No delay at all is a second, and a longest delay below the first one is every delay.
    check(
        json!({"maxRetries": 1, "retryInterval": 0, "jitter": "NONE", "retryableErrors": ["A"]}),
        json!([one(&["A"], 1, 1, 2.0)]),
    );
    check(
        json!({"maxRetries": 1, "retryInterval": 9000, "maxRetryInterval": 4000, "jitter": "NONE", "retryableErrors": ["A"]}),
        json!([one(&["A"], 1, 4, 1.0)]),
    );
    let mut capped = one(&["A"], 1, 1, 2.0);
    capped["MaxDelaySeconds"] = json!(60);
    check(
        json!({"maxRetries": 1, "maxRetryInterval": 60_000, "jitter": "NONE", "retryableErrors": ["A"]}),
        json!([capped]),
    );
}

#[test]
fn what_no_retry_can_mend_is_left_out_unless_it_is_named() {
    let policy = json!({
        "maxRetries": 2, "jitter": "NONE", "retryableErrors": ["*", "INVALID_OUTPUT"],
        "rules": [{"errorCodes": ["SLOW"], "maxRetries": 5}, {"errorCodes": ["SLOW", "NEVER"], "maxRetries": 0}],
    });
    let parsed: RetryPolicy = serde_json::from_value(policy).unwrap();
    let found = retriers(&parsed);
    let names: Vec<String> = found
        .iter()
        .map(|one| one["ErrorEquals"].to_string())
        .collect();
    assert_eq!(
        names[..3],
        ["[\"SLOW\"]", "[\"NEVER\"]", "[\"INVALID_OUTPUT\"]"]
    );
    assert_eq!(found[1]["MaxAttempts"], 0);
    assert_eq!(found[3]["MaxAttempts"], 0);
    assert!(
        names[3].contains("\"INVALID_INPUT\"")
            && names[3].contains("\"States.QueryEvaluationError\"")
    );
    assert!(!names[3].contains("INVALID_OUTPUT"));
    assert_eq!(names[4], "[\"States.ALL\"]");
    assert_eq!(found.len(), 5);
}

#[test]
fn all_codes_are_one_name() {
    let names = |codes: &[&str]| {
        let codes: Vec<String> = codes.iter().map(|code| (*code).to_owned()).collect();
        errors(&codes)
    };
    assert_eq!(names(&["A", "*"]), ["States.ALL"]);
    assert_eq!(names(&["A", "B"]), ["A", "B"]);
    assert_eq!(
        names(&["EXPRESSION_ERROR"]),
        ["EXPRESSION_ERROR", "States.QueryEvaluationError"]
    );
}
