//! Retry policies and time limits as fields of a state.
//!
//! Step Functions counts whole seconds: what is shorter or between two is rounded up, as the
//! queues do.

use serde_json::{Value, json};

use crate::JsonObject;
use crate::codes::failure;
use crate::task::definition::TaskDefinition;
use crate::task::retry::{Jitter, RetryPolicy};
use crate::task::timeouts::{StepTimeouts, Timeouts};

/// What Step Functions calls every error.
pub(super) const ALL: &str = "States.ALL";

/// Seconds, rounded up.
pub(super) fn seconds(millis: u64) -> u64 {
    millis.div_ceil(1000)
}

/// The names under which a code arrives.
pub(super) fn error_names(code: &str) -> Vec<String> {
    let own: &[&str] = match code {
        "*" => return vec![ALL.to_owned()],
        failure::TIMEOUT => &["States.Timeout", "States.HeartbeatTimeout"],
        failure::EXPRESSION_ERROR => &["States.QueryEvaluationError"],
        failure::PAYLOAD_TOO_LARGE => &["States.DataLimitExceeded"],
        _ => &[],
    };
    let names = [code].into_iter().chain(own.iter().copied());
    names.map(str::to_owned).collect()
}

/// The names of codes, or the name of all.
pub(super) fn errors(codes: &[String]) -> Vec<String> {
    if codes.iter().any(|code| code == "*") {
        return vec![ALL.to_owned()];
    }
    codes.iter().flat_map(|code| error_names(code)).collect()
}

/// Faults of the call itself, which say nothing about the task.
pub(super) fn faults() -> Value {
    json!({
        "ErrorEquals": [
            "Lambda.ClientExecutionTimeoutException",
            "Lambda.ServiceException",
            "Lambda.AWSLambdaException",
            "Lambda.SdkClientException",
            "Lambda.TooManyRequestsException",
        ],
        "IntervalSeconds": 1,
        "MaxAttempts": 5,
        "BackoffRate": 2,
        "JitterStrategy": "FULL",
    })
}

/// Whether a policy ever retries.
pub(super) fn retries(policy: &RetryPolicy) -> bool {
    policy.max_retries > 0 || policy.rules.iter().any(|rule| rule.max_retries > 0)
}

/// A policy's delays for some of its codes.
struct Backoff {
    max_retries: u32,
    interval: u64,
    multiplier: f64,
    cap: Option<u64>,
    jitter: Jitter,
}

impl Backoff {
    fn retrier(&self, names: &[String]) -> Value {
        let mut fields = JsonObject::new();
        fields.insert("ErrorEquals".to_owned(), json!(names));
        fields.insert("MaxAttempts".to_owned(), json!(self.max_retries));
        if self.max_retries == 0 {
            return Value::Object(fields);
        }
        let interval = seconds(self.interval).max(1);
        let cap = self.cap.map(|cap| seconds(cap).max(1));
        // A longest delay must be longer than the first one.
        let grows = cap.is_none_or(|cap| cap > interval);
        let first = if grows {
            interval
        } else {
            cap.unwrap_or(interval)
        };
        fields.insert("IntervalSeconds".to_owned(), json!(first));
        let rate = if grows { self.multiplier } else { 1.0 };
        fields.insert("BackoffRate".to_owned(), number(rate));
        if let Some(cap) = cap.filter(|_| grows) {
            fields.insert("MaxDelaySeconds".to_owned(), json!(cap));
        }
        let jitter = match self.jitter {
            Jitter::None => "NONE",
            Jitter::Full => "FULL",
        };
        fields.insert("JitterStrategy".to_owned(), json!(jitter));
        Value::Object(fields)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is whole, and from 1 to 1000 as registration has it"
)]
fn number(rate: f64) -> Value {
    if rate.fract() == 0.0 {
        json!(rate as u64)
    } else {
        json!(rate)
    }
}

/// A policy as retriers, in the order in which they are asked; none when it never retries.
pub(super) fn retriers(policy: &RetryPolicy) -> Vec<Value> {
    if !retries(policy) {
        return Vec::new();
    }
    let own = Backoff {
        max_retries: policy.max_retries,
        interval: policy.retry_interval,
        multiplier: policy.backoff_multiplier,
        cap: policy.max_retry_interval,
        jitter: policy.jitter,
    };
    let mut listed: Vec<&String> = Vec::new();
    let mut found = Vec::new();
    let mut all = None;
    for rule in &policy.rules {
        let backoff = Backoff {
            max_retries: rule.max_retries,
            interval: rule.retry_interval,
            multiplier: rule.backoff_multiplier,
            cap: rule.max_retry_interval,
            jitter: policy.jitter,
        };
        put(&mut found, &mut listed, &rule.error_codes, &backoff);
        if rule.error_codes.iter().any(|code| code == "*") {
            all = Some(backoff);
            break;
        }
    }
    let codes = &policy.retryable_errors;
    let is_open = codes.is_empty() || codes.iter().any(|code| code == "*");
    let left: Vec<String> = codes
        .iter()
        .filter(|code| all.is_none() || failure::PERMANENT.contains(&code.as_str()))
        .cloned()
        .collect();
    put(&mut found, &mut listed, &left, &own);
    if let Some(all) = all.or(is_open.then_some(own)) {
        let permanent = failure::PERMANENT.into_iter();
        let permanent = permanent.filter(|code| !listed.iter().any(|one| one == code));
        let permanent: Vec<String> = permanent.flat_map(error_names).collect();
        found.push(json!({"ErrorEquals": permanent, "MaxAttempts": 0}));
        found.push(all.retrier(&[ALL.to_owned()]));
    }
    found
}

/// A retrier for the codes that have none yet.
fn put<'p>(
    found: &mut Vec<Value>,
    listed: &mut Vec<&'p String>,
    codes: &'p [String],
    backoff: &Backoff,
) {
    let new: Vec<&String> = codes
        .iter()
        .filter(|code| *code != "*" && !listed.contains(code))
        .collect();
    if new.is_empty() {
        return;
    }
    let names: Vec<String> = new.iter().flat_map(|code| error_names(code)).collect();
    found.push(backoff.retrier(&names));
    listed.extend(new);
}

/// What a step's own time limits become, and what cannot be said, by field.
pub(super) fn time_limits(
    step: StepTimeouts,
    retries: bool,
    definition: Option<&TaskDefinition>,
) -> (JsonObject, Vec<(&'static str, &'static str)>) {
    let own = step.timeouts.unwrap_or_default();
    let mut fields = JsonObject::new();
    let mut wrong = Vec::new();
    let retried_inside = definition
        .and_then(|definition| definition.retry_policy.as_ref())
        .is_some_and(self::retries);
    let attempt = match (step.timeout, own.start_to_close) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let field = if step.timeout.is_some() {
        "timeout"
    } else {
        "timeouts/startToClose"
    };
    if attempt.is_some() && retried_inside && !retries {
        wrong.push((
            field,
            "the task's own policy retries within one state, and a state limits all of it",
        ));
    } else if is_longer(attempt, definition) {
        wrong.push((
            field,
            "the task's own limit is shorter, and a state machine cannot lengthen it",
        ));
    }
    if own.schedule_to_start.is_some() {
        wrong.push((
            "timeouts/scheduleToStart",
            "a state does not know when an attempt begins",
        ));
    }
    if own.schedule_to_close.is_some() && retries {
        wrong.push((
            "timeouts/scheduleToClose",
            "a state limits each attempt, and not all that its Retry makes",
        ));
    }
    let limit = match (attempt, own.schedule_to_close) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    if let Some(limit) = limit {
        fields.insert("TimeoutSeconds".to_owned(), json!(seconds(limit)));
    }
    if own.heartbeat.is_some() {
        wrong.push((
            "timeouts/heartbeat",
            "Taskmill tells a token that its attempt lives, however silent the program is",
        ));
    }
    (fields, wrong)
}

/// Whether a step's limit of an attempt is over what the task itself allows.
fn is_longer(attempt: Option<u64>, definition: Option<&TaskDefinition>) -> bool {
    let (Some(attempt), Some(definition)) = (attempt, definition) else {
        return false;
    };
    let allowed = Timeouts::effective(definition, StepTimeouts::default());
    let allowed = allowed.start_to_close;
    allowed.is_some_and(|allowed| attempt > allowed)
}
