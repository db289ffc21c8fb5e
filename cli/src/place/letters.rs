//! The dead letters of a deployed stack. They are of all its tenants: whoever may use its queues
//! may look at them.

use serde_json::Value;
use taskmill_app::App;
use taskmill_app::dead_letters::{self, Listed};
use taskmill_aws::queues::{QueueName, Redriven, Which};

use crate::exit::Error;

/// A place's dead letters.
#[derive(Debug)]
pub struct Letters(App);

impl Letters {
    /// Those of a stack.
    pub(super) fn of(app: App) -> Self {
        Self(app)
    }

    /// Messages that could not be handled.
    ///
    /// # Errors
    /// The queues fail.
    pub async fn list(&self, queues: &[QueueName]) -> Result<Listed, Error> {
        Ok(dead_letters::list(&self.0, queues).await?)
    }

    /// One of them, whole.
    ///
    /// # Errors
    /// It is not there, or the queues fail.
    pub async fn show(&self, queues: &[QueueName], id: &str) -> Result<Value, Error> {
        Ok(dead_letters::show(&self.0, queues, id).await?)
    }

    /// Sends them back to their queue, and says what became of it.
    pub async fn redrive(&self, queues: &[QueueName], which: &Which) -> Redriven {
        dead_letters::redrive(&self.0, queues, which).await
    }
}
