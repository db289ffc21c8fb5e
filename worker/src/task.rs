//! What a handler is given, and what it may say.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

/// A task that a handler works on.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The attempt's id. Made part of the work, it makes the work safe to repeat.
    pub execution_id: String,
    /// What it is.
    pub definition_id: String,
    /// What it was given.
    pub input: Value,
    /// All of it, as the API shows a task.
    pub record: Value,
    progress: watch::Sender<Option<Value>>,
}

impl Task {
    /// Reads what was begun. None where something is missing that every task has.
    pub(crate) fn of(record: Value) -> Option<Self> {
        let text = |name: &str| record[name].as_str().map(str::to_owned);
        Some(Self {
            id: text("id")?,
            attempt: u32::try_from(record["attempt"].as_u64()?).ok()?,
            execution_id: text("executionId")?,
            definition_id: text("taskDefinitionId")?,
            input: record["input"].clone(),
            progress: watch::Sender::new(None),
            record,
        })
    }

    /// Says how far it is, with the next sign of life: any JSON of at most 1 KiB.
    pub fn progress(&self, progress: Value) {
        self.progress.send_replace(Some(progress));
    }

    /// What was said last of how far it is.
    pub(crate) fn told(&self) -> Option<Value> {
        self.progress.borrow().clone()
    }

    /// How long it may be silent.
    pub(crate) fn silence(&self) -> Option<Duration> {
        let limit = self.record["timeouts"]["heartbeat"].as_u64();
        limit.map(Duration::from_millis)
    }
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    code: String,
    message: String,
    details: Value,
    permanent: bool,
    retry_after: Option<Duration>,
}

impl Failure {
    /// A failure with a code for programs, which retry policies and error handlers go by, and a
    /// message for people.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            details: json!({}),
            permanent: false,
            retry_after: None,
        }
    }

    /// The failure when it is of no use to try again.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.permanent = true;
        self
    }

    /// The failure when a retry should wait so long, whatever the policy says.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// The failure with more for programs: an object.
    #[must_use]
    pub fn details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// The failure as the API takes it.
    pub(crate) fn body(&self) -> Value {
        let mut body = json!({
            "code": self.code,
            "message": self.message,
            "details": self.details,
            "permanent": self.permanent,
        });
        if let Some(pause) = self.retry_after {
            body["retryAfter"] = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX).into();
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_whether_and_when_to_try_again() {
        let busy = Failure::new("BUSY", "later").retry_after(Duration::from_secs(2));
        let expected = json!({
            "code": "BUSY", "message": "later", "details": {}, "permanent": false, "retryAfter": 2000,
        });
        assert_eq!(busy.body(), expected);
        let never = Failure::new("BAD", "never")
            .permanent()
            .details(json!({"n": 1}));
        let expected = json!({
            "code": "BAD", "message": "never", "details": {"n": 1}, "permanent": true,
        });
        assert_eq!(never.body(), expected);
    }

    #[test]
    fn what_is_no_task_is_none() {
        assert!(Task::of(json!({"id": "1"})).is_none());
        let record = json!({
            "id": "1", "attempt": 2, "executionId": "e", "taskDefinitionId": "d", "input": [1],
            "timeouts": {"heartbeat": 1500},
        });
        let task = Task::of(record).unwrap();
        assert_eq!(task.silence(), Some(Duration::from_millis(1500)));
        assert_eq!((task.told(), task.input.clone()), (None, json!([1])));
        task.progress(json!(3));
        assert_eq!(task.told(), Some(json!(3)));
    }
}
