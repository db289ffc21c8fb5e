//! One attempt from its start to its end: the handler, the signs of life beside it, and the telling
//! of how it ended.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::client::{Client, Error};
use crate::pause::Pauses;
use crate::task::{Failure, Task};

/// Signs of life within the time that a worker may be silent: two may be lost.
const SIGNS: u32 = 3;
/// How long a worker may be silent where a task does not say.
const DEFAULT_SILENCE: Duration = Duration::from_secs(60);

/// An attempt that this worker has.
pub(crate) struct Attempt {
    pub(crate) client: Client,
    pub(crate) worker: String,
    pub(crate) task: Task,
}

/// Stops the handler when whoever waits for it does not any more.
struct Stopped(JoinHandle<Result<Value, Failure>>);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Attempt {
    /// Waits for the handler, giving signs of life, and tells how it ended. A handler whose attempt
    /// is not wanted any more is stopped.
    pub(crate) async fn see_through(&self, handler: JoinHandle<Result<Value, Failure>>) {
        let mut handler = Stopped(handler);
        let ended = tokio::select! {
            ended = &mut handler.0 => ended,
            () = self.keep_alive() => {
                tracing::info!(task.id = self.task.id, "the attempt is not wanted any more");
                return;
            }
        };
        let (what, body) = match ended {
            Ok(Ok(output)) => ("complete", json!({ "output": output })),
            Ok(Err(failure)) => ("fail", failure.body()),
            Err(broken) => {
                let message = format!("the handler broke off: {broken}");
                ("fail", Failure::new("WORKER_FAILED", message).body())
            }
        };
        tokio::select! {
            () = self.tell(what, &body) => {}
            // Telling may take longer than the lease: it is kept meanwhile.
            () = self.keep_alive() => {}
        }
    }

    /// Gives the attempt back.
    pub(crate) async fn give_back(&self) {
        self.tell("release", &json!({})).await;
    }

    /// Gives signs of life, until the attempt is not this worker's any more.
    async fn keep_alive(&self) {
        let silence = self.task.silence().unwrap_or(DEFAULT_SILENCE);
        let pause = (silence / SIGNS).max(Duration::from_millis(1));
        let mut ticks = interval_at(Instant::now() + pause, pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let body = match self.task.told() {
                Some(progress) => json!({ "progress": progress }),
                None => json!({}),
            };
            match self.say("heartbeat", &body).await {
                Err(error) if error.is_gone() => return,
                Err(error) => {
                    tracing::warn!(task.id = self.task.id, %error, "a sign of life was not heard");
                }
                Ok(()) => {}
            }
        }
    }

    /// Says something until it is heard, or refused.
    async fn tell(&self, what: &str, body: &Value) {
        let mut pauses = Pauses::default();
        loop {
            match self.say(what, body).await {
                Ok(()) => return,
                Err(error) if error.may_pass() => {
                    tracing::warn!(task.id = self.task.id, %error, "{what} was not heard");
                    pauses.wait().await;
                }
                // Late, or never to be taken: the lease ends by itself.
                Err(error) => {
                    tracing::warn!(task.id = self.task.id, %error, "{what} was refused");
                    return;
                }
            }
        }
    }

    async fn say(&self, what: &str, body: &Value) -> Result<(), Error> {
        let said = self
            .client
            .say(&self.worker, &self.task, what, body.clone());
        said.await
    }
}
