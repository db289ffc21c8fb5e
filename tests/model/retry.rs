//! The retry rule, as the language page has it.

use serde_json::Value;

/// The codes that are not retried unless they are listed.
const PERMANENT: [&str; 9] = [
    "INVALID_INPUT",
    "INVALID_OUTPUT",
    "EXPRESSION_ERROR",
    "MAPPING_SOURCE_MISSING",
    "NO_CASE_MATCHED",
    "MAX_ITERATIONS",
    "PERMISSION_DENIED",
    "EXECUTOR_NOT_FOUND",
    "PAYLOAD_TOO_LARGE",
];

/// How often each part of a policy was used.
#[derive(Debug, Default)]
pub struct Used {
    policy: u64,
    rules: Vec<u64>,
}

/// The delay before the next attempt; none when there is none.
pub fn delay(policy: &Value, used: &mut Used, code: &str) -> Option<u64> {
    let rules = policy["rules"].as_array().map_or(&[][..], Vec::as_slice);
    used.rules.resize(rules.len(), 0);
    let rule = rules
        .iter()
        .position(|rule| holds(&rule["errorCodes"], code));
    match rule {
        Some(at) => next(&rules[at], &mut used.rules[at]),
        None if is_retried(policy, code) => next(policy, &mut used.policy),
        None => None,
    }
}

fn is_retried(policy: &Value, code: &str) -> bool {
    match policy["retryableErrors"].as_array() {
        Some(listed) if !listed.is_empty() => holds(&policy["retryableErrors"], code),
        _ => !PERMANENT.contains(&code),
    }
}

fn holds(codes: &Value, code: &str) -> bool {
    let codes = codes.as_array().map_or(&[][..], Vec::as_slice);
    codes
        .iter()
        .any(|one| one == code || (one == "*" && !PERMANENT.contains(&code)))
}

fn next(part: &Value, used: &mut u64) -> Option<u64> {
    if *used >= part["maxRetries"].as_u64()? {
        return None;
    }
    let interval = part["retryInterval"].as_f64().unwrap_or(1000.0);
    let multiplier = part["backoffMultiplier"].as_f64().unwrap_or(2.0);
    let delay = interval * multiplier.powi(*used as i32);
    *used += 1;
    let most = part["maxRetryInterval"].as_f64().unwrap_or(f64::INFINITY);
    Some(delay.min(most) as u64)
}
