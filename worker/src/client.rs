//! The HTTP protocol of workers, a call each.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::task::Task;

/// Seconds that a poll waits for the first task, the longest that the service allows.
const POLL_SECONDS: u64 = 20;
/// Tasks of one poll, the most that the service gives.
pub(crate) const MOST: usize = 10;
/// How long an answer may take, a poll's wait included.
const PATIENCE: Duration = Duration::from_secs(POLL_SECONDS + 10);

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No client can be made of this machine's settings.
    #[error("there is no HTTP client: {0}")]
    Setup(#[source] reqwest::Error),
    /// There was no answer, or none that can be read.
    #[error("the service does not answer: {0}")]
    Unreachable(#[source] reqwest::Error),
    /// The answer is not what the protocol says.
    #[error("the service answers what is no task")]
    Unreadable,
    /// The service refused.
    #[error("the service refuses: {status} {problem}")]
    Refused {
        /// The status.
        status: u16,
        /// The body: a problem with a code.
        problem: String,
    },
}

impl Error {
    /// Whether the worker does not have, or get, the attempt: it is over, another's, or waits.
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 404 | 409),
            Self::Setup(_) | Self::Unreachable(_) | Self::Unreadable => false,
        }
    }

    /// Whether the same may be granted when it is asked again.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 401 | 408 | 429 | 500..),
            Self::Unreachable(_) => true,
            Self::Setup(_) | Self::Unreadable => false,
        }
    }
}

/// The service, as a worker of one group sees it.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    group: String,
    token: Arc<dyn Fn() -> String + Send + Sync>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("url", &self.url)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

/// What is offered.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Offer {
    pub(crate) task_id: String,
    pub(crate) attempt: u32,
    pub(crate) receipt: String,
}

#[derive(Deserialize)]
struct Offers {
    tasks: Vec<Offer>,
}

impl Client {
    /// The service at `url`, for the workers of `group`. `token` is asked for each request, so that
    /// it may give another one before the last expires.
    ///
    /// # Errors
    /// [`Error::Setup`].
    pub fn new(
        url: impl Into<String>,
        group: impl Into<String>,
        token: impl Fn() -> String + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        // Only the first call of a process matters; whoever chose before has chosen.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(PATIENCE).build();
        Ok(Self {
            http: http.map_err(Error::Setup)?,
            url: url.into().trim_end_matches('/').to_owned(),
            group: group.into(),
            token: Arc::new(token),
        })
    }

    /// What is offered, at most so much; waits for the first.
    pub(crate) async fn poll(&self, most: usize) -> Result<Vec<Offer>, Error> {
        let body = json!({"maxTasks": most.min(MOST), "waitSeconds": POLL_SECONDS});
        let offers = self.post("poll", body).await?;
        let offers: Offers = serde_json::from_value(offers).map_err(|_| Error::Unreadable)?;
        Ok(offers.tasks)
    }

    /// Begins what was offered.
    pub(crate) async fn start(&self, worker: &str, offer: &Offer) -> Result<Task, Error> {
        let path = format!("tasks/{}/start", offer.task_id);
        let mut begun = self
            .post(
                &path,
                json!({"attempt": offer.attempt, "workerId": worker, "receipt": offer.receipt}),
            )
            .await?;
        Task::of(begun["task"].take()).ok_or(Error::Unreadable)
    }

    /// Says something of a task that this worker has.
    pub(crate) async fn say(
        &self,
        worker: &str,
        task: &Task,
        what: &str,
        mut body: Value,
    ) -> Result<(), Error> {
        body["executionId"] = json!(task.execution_id);
        body["workerId"] = json!(worker);
        let path = format!("tasks/{}/{what}", task.id);
        self.post(&path, body).await.map(drop)
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value, Error> {
        let url = format!("{}/v1/workers/{}/{path}", self.url, self.group);
        let request = self.http.post(url).bearer_auth((self.token)()).json(&body);
        let answer = request.send().await.map_err(Error::Unreachable)?;
        let status = answer.status();
        if status == StatusCode::OK {
            return answer.json().await.map_err(Error::Unreachable);
        }
        Err(Error::Refused {
            status: status.as_u16(),
            problem: answer.text().await.unwrap_or_default(),
        })
    }
}
