//! `Failure`: why an executor failed, before it becomes an outcome.
//!
//! Bounds and the time are added where it becomes an [`Outcome`]; secrets are taken out before,
//! by [`crate::secrets::Redactor`], so that nothing is cut in the middle of one.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use taskmill::task::Outcome;
use taskmill::{ErrorInfo, JsonObject, Timestamp, limits};

use crate::secrets::Redactor;

/// Why an attempt failed, and what that means for the next one.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// A stable code.
    pub code: String,
    /// What happened, for people.
    pub message: String,
    /// More about it, for programs. Boxed, so that a result that is no failure stays small.
    pub details: Box<JsonObject>,
    /// Where the executor's own code failed, when it says so.
    pub stack_trace: Option<String>,
    /// Whether trying again is of no use.
    pub permanent: bool,
    /// The delay in milliseconds that the executor asks for.
    pub retry_after: Option<u64>,
    /// The executor's own word on whether a workflow goes on.
    pub continue_on_failure: Option<bool>,
}

impl Failure {
    /// A failure that another attempt may mend.
    #[must_use]
    pub fn transient(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            details: Box::default(),
            stack_trace: None,
            permanent: false,
            retry_after: None,
            continue_on_failure: None,
        }
    }

    /// A failure that no further attempt mends.
    #[must_use]
    pub fn permanent(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            permanent: true,
            ..Self::transient(code, message)
        }
    }

    /// The same with one more detail.
    #[must_use]
    pub fn with_detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// The same, asking for a delay in milliseconds before the next attempt.
    #[must_use]
    pub fn with_retry_after(mut self, millis: Option<u64>) -> Self {
        self.retry_after = millis.map(|millis| millis.min(limits::TIMER_MILLIS));
        self
    }

    /// The same without secrets.
    #[must_use]
    pub fn redacted(self, redactor: &Redactor) -> Self {
        Self {
            code: redactor.text(&self.code),
            message: redactor.text(&self.message),
            details: Box::new(redactor.object(*self.details)),
            stack_trace: self.stack_trace.map(|trace| redactor.text(&trace)),
            ..self
        }
    }

    /// The outcome of an attempt that failed so at `at`, cut to the limits.
    #[must_use]
    pub fn into_outcome(self, at: Timestamp) -> Outcome {
        let mut error = ErrorInfo::new(self.code, self.message, at).with_details(*self.details);
        if let Some(trace) = &self.stack_trace {
            error = error.with_stack_trace(trace);
        }
        Outcome::Failed {
            error,
            permanent: self.permanent,
            retry_after: self.retry_after,
            continue_on_failure: self.continue_on_failure,
        }
    }
}

/// A result without secrets, whichever it is.
///
/// # Errors
/// The failure of `result`.
pub fn redacted(result: Result<Value, Failure>, redactor: &Redactor) -> Result<Value, Failure> {
    match result {
        Ok(output) => Ok(redactor.value(output)),
        Err(failure) => Err(failure.redacted(redactor)),
    }
}

/// A failure as a program reports it: `{code, message, details?, stackTrace?, permanent?,
/// retryAfter?, continueOnFailure?}`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportedFailure {
    #[serde(deserialize_with = "not_empty")]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    details: Box<JsonObject>,
    #[serde(default)]
    stack_trace: Option<String>,
    #[serde(default)]
    permanent: bool,
    #[serde(default)]
    retry_after: Option<u64>,
    #[serde(default)]
    continue_on_failure: Option<bool>,
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let code = String::deserialize(deserializer)?;
    if code.is_empty() {
        return Err(de::Error::custom("code is empty"));
    }
    Ok(code)
}

impl From<ReportedFailure> for Failure {
    fn from(reported: ReportedFailure) -> Self {
        Self {
            code: reported.code,
            message: reported.message,
            details: reported.details,
            stack_trace: reported.stack_trace,
            permanent: reported.permanent,
            retry_after: None,
            continue_on_failure: reported.continue_on_failure,
        }
        .with_retry_after(reported.retry_after)
    }
}
