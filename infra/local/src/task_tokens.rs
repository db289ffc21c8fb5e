//! The side of Step Functions that hears how tasks stand which its state machines wait for.
//!
//! There are no state machines here: whoever issues a token reads what was told under it. A token
//! hears one end; it is closed then, as it is when who issued it gives up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use crate::wire::Answer;

/// Tokens and what was told under them. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct TaskTokens(Arc<Mutex<HashMap<String, Token>>>);

#[derive(Debug, Default)]
struct Token {
    heartbeats: usize,
    gave_up: bool,
    end: Option<TaskEnd>,
}

/// How a task ended, as its state machine was told.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskEnd {
    /// With an output.
    Success(Value),
    /// With an error and its cause.
    Failure {
        /// The code.
        error: String,
        /// What it says about it.
        cause: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    task_token: String,
    #[serde(default)]
    output: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    cause: String,
}

impl TaskTokens {
    /// Issues a token, as a state machine does that begins to wait.
    pub fn issue(&self, token: &str) {
        self.lock().insert(token.to_owned(), Token::default());
    }

    /// Closes a token, as a state machine does that gives up.
    pub fn give_up(&self, token: &str) {
        self.lock().entry(token.to_owned()).or_default().gave_up = true;
    }

    /// How often it was told under a token that the task lives.
    #[must_use]
    pub fn heartbeats(&self, token: &str) -> usize {
        self.lock().get(token).map_or(0, |token| token.heartbeats)
    }

    /// How the task ended, if it was told.
    #[must_use]
    pub fn end(&self, token: &str) -> Option<TaskEnd> {
        self.lock().get(token).and_then(|token| token.end.clone())
    }

    pub(crate) fn answer(&self, operation: &str, body: &Bytes) -> Answer {
        let invalid = |kind, reason: &str| Answer::json_error(400, kind, reason);
        let Ok(request) = serde_json::from_slice::<Request>(body) else {
            return invalid("ValidationException", "the request has no task token");
        };
        let mut tokens = self.lock();
        let Some(token) = tokens.get_mut(&request.task_token) else {
            return invalid("InvalidToken", "Invalid Token");
        };
        if token.gave_up || token.end.is_some() {
            return invalid(
                "TaskTimedOut",
                "Task Timed Out: 'Provided task does not exist anymore'",
            );
        }
        match operation {
            "SendTaskHeartbeat" => token.heartbeats += 1,
            "SendTaskSuccess" => match serde_json::from_str(&request.output) {
                Ok(output) => token.end = Some(TaskEnd::Success(output)),
                Err(_) => return invalid("InvalidOutput", "the output is not JSON"),
            },
            "SendTaskFailure" => {
                let (error, cause) = (request.error, request.cause);
                token.end = Some(TaskEnd::Failure { error, cause });
            }
            other => return invalid("UnknownOperationException", other),
        }
        Answer::json(200, "{}")
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Token>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
