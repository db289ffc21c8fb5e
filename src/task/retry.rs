//! The retry rule: whether a failed attempt is followed by another, and after how long.
//!
//! Jitter arrives as a value in [0, 1): drawing it is the caller's business, so that a decision
//! that is made again gives the same delay.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::codes::failure;
use crate::limits;

/// How to handle failures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetryPolicy {
    /// Retries after the first attempt: 3 is at most four attempts.
    #[schemars(range(min = 0, max = limits::MAX_RETRIES))]
    pub max_retries: u32,
    /// Delay before the first retry in milliseconds.
    #[serde(default = "default_interval")]
    #[schemars(range(min = 0, max = limits::TIMER_MILLIS))]
    pub retry_interval: u64,
    /// What the delay is multiplied by after each retry; at least 1.
    #[serde(default = "default_multiplier")]
    #[schemars(range(min = 1, max = 1000))]
    pub backoff_multiplier: f64,
    /// Longest delay in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = limits::TIMER_MILLIS))]
    pub max_retry_interval: Option<u64>,
    /// Codes that are retried. Empty, absent or `*`: every code but the permanent ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retryable_errors: Vec<String>,
    /// How delays are spread.
    #[serde(default)]
    pub jitter: Jitter,
    /// Policies for some codes, first match wins, each with a count of its own. They hold also
    /// for codes that `retryableErrors` leaves out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RetryRule>,
}

/// A policy for some codes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetryRule {
    /// The codes; `*` is every code but the permanent ones.
    #[schemars(length(min = 1))]
    pub error_codes: Vec<String>,
    /// Retries under this rule.
    #[schemars(range(min = 0, max = limits::MAX_RETRIES))]
    pub max_retries: u32,
    /// Delay before the first retry under this rule in milliseconds.
    #[serde(default = "default_interval")]
    #[schemars(range(min = 0, max = limits::TIMER_MILLIS))]
    pub retry_interval: u64,
    /// What the delay is multiplied by after each retry under this rule; at least 1.
    #[serde(default = "default_multiplier")]
    #[schemars(range(min = 1, max = 1000))]
    pub backoff_multiplier: f64,
    /// Longest delay in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = limits::TIMER_MILLIS))]
    pub max_retry_interval: Option<u64>,
}

/// How delays are spread, so that those who failed together do not come back together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Jitter {
    /// The delay as computed.
    None,
    /// Uniform between nothing and the delay.
    #[default]
    Full,
}

fn default_interval() -> u64 {
    1000
}

fn default_multiplier() -> f64 {
    2.0
}

/// How often each part of a policy was used: what an instance remembers between attempts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetryCounts {
    /// Retries under the policy itself.
    pub policy: u32,
    /// Retries under each rule, in the order of the rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<u32>,
}

impl RetryCounts {
    /// All retries together.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.rules
            .iter()
            .fold(self.policy, |sum, count| sum.saturating_add(*count))
    }
}

/// A failure, as far as the retry rule looks at it.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'a> {
    /// The error's code.
    pub code: &'a str,
    /// Whether the executor says that trying again is of no use.
    pub permanent: bool,
    /// A delay in milliseconds that the executor asks for; it replaces the computed one.
    pub retry_after: Option<u64>,
}

/// What comes after a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Another attempt.
    Retry {
        /// Milliseconds to wait first.
        delay: u64,
        /// The counts with this retry in them.
        counts: RetryCounts,
    },
    /// None.
    GiveUp,
}

impl RetryPolicy {
    /// Decides what comes after a failure. `jitter` is uniform in [0, 1).
    #[must_use]
    pub fn verdict(&self, failure: &Failure<'_>, counts: &RetryCounts, jitter: f64) -> Verdict {
        let rule = self
            .rules
            .iter()
            .position(|rule| covers(&rule.error_codes, failure));
        let (backoff, used) = match rule {
            Some(index) => (
                self.rules[index].backoff(),
                counts.rules.get(index).copied().unwrap_or(0),
            ),
            None if self.retryable_errors.is_empty() || covers(&self.retryable_errors, failure) => {
                (self.backoff(), counts.policy)
            }
            None => return Verdict::GiveUp,
        };
        let permanent = rule.is_none()
            && is_permanent(failure)
            && !self
                .retryable_errors
                .iter()
                .any(|code| code == failure.code);
        if permanent || used >= backoff.max_retries {
            return Verdict::GiveUp;
        }
        let computed = spread(backoff.delay(used), self.jitter, jitter);
        Verdict::Retry {
            delay: failure
                .retry_after
                .unwrap_or(computed)
                .min(limits::TIMER_MILLIS),
            counts: counts.plus_one(rule),
        }
    }

    fn backoff(&self) -> Backoff {
        Backoff {
            max_retries: self.max_retries,
            interval: self.retry_interval,
            multiplier: self.backoff_multiplier,
            cap: self.max_retry_interval,
        }
    }
}

impl RetryRule {
    fn backoff(&self) -> Backoff {
        Backoff {
            max_retries: self.max_retries,
            interval: self.retry_interval,
            multiplier: self.backoff_multiplier,
            cap: self.max_retry_interval,
        }
    }
}

impl RetryCounts {
    fn plus_one(&self, rule: Option<usize>) -> Self {
        let mut counts = self.clone();
        match rule {
            None => counts.policy = counts.policy.saturating_add(1),
            Some(index) => {
                if counts.rules.len() <= index {
                    counts.rules.resize(index + 1, 0);
                }
                counts.rules[index] = counts.rules[index].saturating_add(1);
            }
        }
        counts
    }
}

/// The numbers of a policy or of one of its rules.
struct Backoff {
    max_retries: u32,
    interval: u64,
    multiplier: f64,
    cap: Option<u64>,
}

impl Backoff {
    /// The delay before retry `n`, counted from 0, fractions of a millisecond dropped. A product
    /// beyond every number is the cap.
    fn delay(&self, n: u32) -> u64 {
        let cap = self
            .cap
            .unwrap_or(limits::TIMER_MILLIS)
            .min(limits::TIMER_MILLIS);
        let exponent = i32::try_from(n).unwrap_or(i32::MAX);
        let factor = self.multiplier.max(1.0).powi(exponent);
        // Nothing times infinity is no number, and no delay stays no delay.
        let delay = if self.interval == 0 {
            0.0
        } else {
            to_f64(self.interval) * factor
        };
        truncated(delay).min(cap)
    }
}

fn spread(delay: u64, mode: Jitter, jitter: f64) -> u64 {
    match mode {
        Jitter::None => delay,
        Jitter::Full => truncated(to_f64(delay) * jitter.clamp(0.0, 1.0)).min(delay),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "delays are below 2^35 ms, doubles exact to 2^53"
)]
fn to_f64(millis: u64) -> f64 {
    millis as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates at both ends and drops fractions, which is the rule"
)]
fn truncated(millis: f64) -> u64 {
    millis as u64
}

fn covers(codes: &[String], failure: &Failure<'_>) -> bool {
    codes
        .iter()
        .any(|code| code == failure.code || (code == "*" && !is_permanent(failure)))
}

fn is_permanent(failure: &Failure<'_>) -> bool {
    failure.permanent || failure::PERMANENT.contains(&failure.code)
}

#[cfg(test)]
mod tests;
