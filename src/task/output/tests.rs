//! Payloads against their size limit and their schema.

use serde_json::json;

use super::*;
use crate::task::timeouts::TimeoutKind;
use crate::testing::{at, failed, succeeded, timed_out};

fn schema() -> Schema {
    Schema::compile(&json!({
        "type": "object",
        "required": ["a"],
        "properties": { "a": { "type": "integer" }, "b": { "type": "string" } },
    }))
    .unwrap()
}

#[test]
fn an_output_that_breaks_its_schema_is_a_failure_and_every_other_outcome_stands() {
    let unchanged = [
        succeeded(json!({ "a": 1 })),
        failed("BUSY"),
        timed_out(TimeoutKind::StartToClose),
    ];
    for outcome in unchanged {
        assert_eq!(checked(outcome.clone(), &schema(), at(5)), outcome);
    }
    let Outcome::Failed {
        error,
        permanent: false,
        retry_after: None,
        continue_on_failure: None,
    } = checked(succeeded(json!({ "a": "x", "b": 2 })), &schema(), at(5))
    else {
        panic!("a bad output is a failure of which no executor spoke");
    };
    assert_eq!(
        (error.code.as_str(), error.timestamp),
        (failure::INVALID_OUTPUT, at(5))
    );
    let pointers: Vec<_> = error.details["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|violation| violation["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["/a", "/b"]);
}

#[test]
fn every_violation_is_told_and_the_first_is_in_the_message() {
    let cases = [
        (json!({}), "the whole: "),
        (json!({ "a": 1, "b": 2 }), "/b: "),
        (json!(7), "the whole: "),
    ];
    for (payload, start) in cases {
        let error = check(&payload, &schema(), failure::INVALID_INPUT, at(0)).unwrap_err();
        assert_eq!(error.code, failure::INVALID_INPUT);
        assert!(error.message.starts_with(start), "{}", error.message);
    }
    let both = check(&json!({ "a": "x", "b": 2 }), &schema(), "BAD", at(0)).unwrap_err();
    assert!(both.message.ends_with("(and 1 more)"), "{}", both.message);
    assert_eq!(check(&json!({ "a": 1 }), &schema(), "BAD", at(0)), Ok(()));
}

#[test]
fn a_payload_is_measured_as_compact_json() {
    let cases = [
        (json!(null), 4),
        (json!("é\n"), 6),
        (json!({ "a": [1, 2.5, true] }), 18),
    ];
    for (payload, bytes) in cases {
        assert_eq!(json_size(&payload), bytes, "{payload}");
        assert_eq!(payload.to_string().len(), bytes, "{payload}");
    }
}

#[test]
fn a_payload_may_reach_its_limit_and_not_exceed_it() {
    assert_eq!(check_bytes(limits::PAYLOAD_BYTES, at(0)), Ok(()));
    let error = check_bytes(limits::PAYLOAD_BYTES + 1, at(0)).unwrap_err();
    assert_eq!(error.code, failure::PAYLOAD_TOO_LARGE);
}

#[test]
fn a_payload_that_is_too_large_is_refused_before_its_schema_is_asked() {
    let payload = Value::String("x".repeat(limits::PAYLOAD_BYTES));
    let error = check(&payload, &schema(), failure::INVALID_OUTPUT, at(0)).unwrap_err();
    assert_eq!(error.code, failure::PAYLOAD_TOO_LARGE);
}

#[test]
fn a_payload_may_be_as_deep_as_a_document_and_no_deeper() {
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    let limit = limits::DOCUMENT_DEPTH;
    assert_eq!(check_size(&nested(limit), at(0)), Ok(()));
    let error = check_size(&nested(limit + 1), at(0)).unwrap_err();
    assert_eq!(error.code, failure::PAYLOAD_TOO_LARGE);
    let Outcome::Failed { error, .. } = bounded(succeeded(nested(limit + 1)), at(0)) else {
        panic!("an output that cannot be stored is a failure");
    };
    assert_eq!(error.code, failure::PAYLOAD_TOO_LARGE);
    assert_eq!(bounded(failed("BUSY"), at(0)), failed("BUSY"));
}
