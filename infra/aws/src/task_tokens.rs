//! Task tokens: telling a state machine of Step Functions how the task stands that it waits for.
//!
//! What is to be told is decided in `taskmill::task::token`. A token that was answered before, has
//! timed out or never was is *closed*: there is nobody to tell, and nothing failed.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use taskmill::task::token::Answer;

/// What became of telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The state machine has it.
    Heard,
    /// Nobody waits under the token.
    Closed,
}

/// Step Functions could not be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Step Functions was not told of a task: {0}")]
pub struct Error(String);

/// The tokens of state machines.
#[derive(Debug, Clone)]
pub struct TaskTokens {
    client: Client,
}

impl TaskTokens {
    /// Tokens of the state machines behind this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Tells an answer to whoever waits under a token.
    ///
    /// # Errors
    /// Step Functions could not be asked; the same may succeed later.
    pub async fn tell(&self, token: &str, answer: Answer) -> Result<Told, Error> {
        let client = &self.client;
        match answer {
            Answer::Alive => {
                let sent = client.send_task_heartbeat().task_token(token).send().await;
                of(sent.map(drop))
            }
            Answer::Success { output } => {
                let request = client.send_task_success().task_token(token).output(output);
                of(request.send().await.map(drop))
            }
            Answer::Failure { error, cause } => {
                let request = client.send_task_failure().task_token(token);
                of(request.error(error).cause(cause).send().await.map(drop))
            }
        }
    }
}

/// What Step Functions says when nobody waits under a token.
const CLOSED: [&str; 3] = ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"];

fn of<E, R>(sent: Result<(), SdkError<E, R>>) -> Result<Told, Error>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug,
{
    let Err(error) = sent else {
        return Ok(Told::Heard);
    };
    let code = error.as_service_error().and_then(|error| error.code());
    if code.is_some_and(|code| CLOSED.contains(&code)) {
        return Ok(Told::Closed);
    }
    Err(Error(DisplayErrorContext(&error).to_string()))
}
