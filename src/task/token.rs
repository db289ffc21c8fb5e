//! Task tokens: what somebody outside, who waits for a task by a token of Step Functions, is told.
//!
//! The bounds are those of the Step Functions API; the call is made by `functions/app`.

use serde_json::{Value, json};

use crate::JsonObject;
use crate::codes::failure;
use crate::task::instance::{TaskInstance, TaskStatus};

/// Characters of a token (Step Functions, `SendTaskSuccess`).
pub const TOKEN_CHARS: usize = 2_048;
/// Bytes of an output that Step Functions takes (quota "Maximum input or output size").
pub const OUTPUT_BYTES: usize = 262_144;
/// Characters of the name of an error (`SendTaskFailure`).
const ERROR_CHARS: usize = 256;
/// Characters of the cause of an error (`SendTaskFailure`).
const CAUSE_CHARS: usize = 32_768;

/// What is told under a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The task goes on.
    Alive,
    /// It is done.
    Success {
        /// Its output, as JSON.
        output: String,
    },
    /// It is not done, and will not be.
    Failure {
        /// The code, for `Catch` and `Retry`.
        error: String,
        /// `{code, message, details, taskId, status}` as JSON.
        cause: String,
    },
}

/// What is to be told of a task as it stands.
#[must_use]
pub fn answer(task: &TaskInstance) -> Answer {
    match task.status {
        TaskStatus::Pending
        | TaskStatus::Assigned
        | TaskStatus::Running
        | TaskStatus::RetryPending => Answer::Alive,
        TaskStatus::Completed => success(task),
        TaskStatus::Failed | TaskStatus::Cancelled | TaskStatus::TimedOut => {
            let error = task.error.as_ref();
            let code = error.map_or(task.status.as_str(), |error| error.code.as_str());
            let message = error.map_or("", |error| error.message.as_str());
            let details = error.map(|error| error.details.clone());
            failed(task, code, message, details.unwrap_or_default())
        }
    }
}

/// What is told of a request that was refused before it became a task.
#[must_use]
pub fn refused(code: &str, message: &str) -> Answer {
    let cause = json!({"code": code, "message": message});
    failure(code, &cause, || cause.clone())
}

fn success(task: &TaskInstance) -> Answer {
    let output = task.output.as_ref().unwrap_or(&Value::Null).to_string();
    if output.len() <= OUTPUT_BYTES {
        return Answer::Success { output };
    }
    let message = format!(
        "the output has {} bytes; Step Functions takes {OUTPUT_BYTES}",
        output.len()
    );
    failed(task, failure::OUTPUT_TOO_LARGE, &message, JsonObject::new())
}

fn failed(task: &TaskInstance, code: &str, message: &str, details: JsonObject) -> Answer {
    let cause = |details: JsonObject| {
        json!({
            "code": code,
            "message": message,
            "details": details,
            "taskId": task.id,
            "status": task.status,
        })
    };
    failure(code, &cause(details), || cause(JsonObject::new()))
}

/// A failure whose cause stays JSON: what is too long is told without its details. The rest has
/// limits of its own, which are smaller.
fn failure(code: &str, cause: &Value, without_details: impl FnOnce() -> Value) -> Answer {
    let cut = |text: String, chars| match text.char_indices().nth(chars) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    };
    let mut text = cause.to_string();
    if text.chars().count() > CAUSE_CHARS {
        text = without_details().to_string();
    }
    Answer::Failure {
        error: cut(code.to_owned(), ERROR_CHARS),
        cause: cut(text, CAUSE_CHARS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_info::ErrorInfo;
    use crate::testing::{at, task};

    fn ended(status: TaskStatus) -> TaskInstance {
        TaskInstance {
            status,
            ..task(json!({}))
        }
    }

    fn completed(output: Value) -> Answer {
        let output = Some(output);
        answer(&TaskInstance {
            output,
            ..ended(TaskStatus::Completed)
        })
    }

    fn failure_of(answer: Answer) -> (String, Value) {
        match answer {
            Answer::Failure { error, cause } => (error, serde_json::from_str(&cause).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_open_task_is_alive() {
        for status in TaskStatus::ALL.into_iter().filter(|it| !it.is_terminal()) {
            assert_eq!(answer(&ended(status)), Answer::Alive);
        }
    }

    #[test]
    fn an_output_is_told_up_to_the_bytes_that_are_taken() {
        let fits = "x".repeat(OUTPUT_BYTES - 2);
        let Answer::Success { output } = completed(fits.clone().into()) else {
            panic!("it fits");
        };
        assert_eq!(output.len(), OUTPUT_BYTES);
        let (error, cause) = failure_of(completed(format!("{fits}x").into()));
        assert_eq!(error, "OUTPUT_TOO_LARGE");
        assert_eq!(cause["status"], "COMPLETED");
    }

    #[test]
    fn nothing_is_null() {
        let output = "null".to_owned();
        assert_eq!(
            answer(&ended(TaskStatus::Completed)),
            Answer::Success { output }
        );
    }

    #[test]
    fn a_failure_has_its_code_and_all_about_it_as_the_cause() {
        let details = JsonObject::from_iter([("sku".to_owned(), "A".into())]);
        let error = ErrorInfo::new("OUT_OF_STOCK", "none left", at(0)).with_details(details);
        let task = TaskInstance {
            error: Some(error),
            ..ended(TaskStatus::Failed)
        };
        let (error, cause) = failure_of(answer(&task));
        assert_eq!(error, "OUT_OF_STOCK");
        let expected = json!({
            "code": "OUT_OF_STOCK", "message": "none left", "details": {"sku": "A"},
            "taskId": task.id, "status": "FAILED",
        });
        assert_eq!(cause, expected);
    }

    #[test]
    fn a_cause_is_json_however_long_the_details_are() {
        let long = "\u{1}".repeat(2_500);
        let details = JsonObject::from_iter([("log".to_owned(), long.clone().into())]);
        let message = "\u{1}".repeat(4_000);
        let error = ErrorInfo::new("E", message, at(0)).with_details(details);
        let task = TaskInstance {
            error: Some(error),
            ..ended(TaskStatus::TimedOut)
        };
        let (_, cause) = failure_of(answer(&task));
        assert_eq!(cause["details"], json!({}));
    }
}
