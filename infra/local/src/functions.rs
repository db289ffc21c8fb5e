//! Who runs the functions: this process, somebody else behind Lambda's Invoke API, or nobody.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_lambda_events::sqs::SqsBatchResponse;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::Credentials;
use aws_sdk_lambda::primitives::Blob;
use serde::Serialize;
use serde::de::DeserializeOwned;
use taskmill_app::sweep::Swept;
use taskmill_aws::queues::QueueName;
use taskmill_aws::sdk::https;

use crate::account::REGION;
use crate::pollers::{Handler, HandlerError};

/// A function of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// Accepts tasks and workflows.
    CreateTask,
    /// Runs attempts.
    ExecuteTask,
    /// Takes in outcomes.
    ProcessResult,
    /// Sends on what was for later.
    ScheduleRetry,
    /// Looks at what is due.
    Sweep,
}

/// Who runs a function.
#[derive(Debug, Clone, Default)]
pub enum Runner {
    /// This process.
    #[default]
    Here,
    /// Whoever answers at an address.
    There(Remote),
    /// Nobody: what it consumes stays where it is.
    Nobody,
}

/// Who runs which function: this process, where nothing else is said.
#[derive(Debug, Clone, Default)]
pub struct Functions(BTreeMap<Function, Runner>);

/// Functions behind an address that speaks Lambda's Invoke API.
#[derive(Debug, Clone)]
pub struct Remote(Client);

/// No function has this name.
#[derive(Debug, thiserror::Error)]
#[error(
    "no function is called {0:?}: they are create-task, execute-task, process-result, schedule-retry and sweep"
)]
pub struct UnknownFunction(String);

impl Function {
    /// Every function.
    pub const ALL: [Self; 5] = [
        Self::CreateTask,
        Self::ExecuteTask,
        Self::ProcessResult,
        Self::ScheduleRetry,
        Self::Sweep,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreateTask => "create-task",
            Self::ExecuteTask => "execute-task",
            Self::ProcessResult => "process-result",
            Self::ScheduleRetry => "schedule-retry",
            Self::Sweep => "sweep",
        }
    }

    /// The function that consumes a queue.
    #[must_use]
    pub const fn consuming(queue: QueueName) -> Self {
        match queue {
            QueueName::Create => Self::CreateTask,
            QueueName::Execute | QueueName::ExecuteUrgent => Self::ExecuteTask,
            QueueName::Result => Self::ProcessResult,
            QueueName::Retry => Self::ScheduleRetry,
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Function {
    type Err = UnknownFunction;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|known| known.as_str() == name);
        known.ok_or_else(|| UnknownFunction(name.to_owned()))
    }
}

impl Functions {
    /// Nobody runs any.
    #[must_use]
    pub fn nobodys() -> Self {
        Self(
            Function::ALL
                .map(|function| (function, Runner::Nobody))
                .into(),
        )
    }

    /// These are run elsewhere, and this process runs the others.
    #[must_use]
    pub fn elsewhere(functions: &[Function], remote: &Remote) -> Self {
        let there = functions.iter();
        Self(
            there
                .map(|function| (*function, Runner::There(remote.clone())))
                .collect(),
        )
    }

    /// Who runs a function.
    #[must_use]
    pub fn runner(&self, function: Function) -> Runner {
        self.0.get(&function).cloned().unwrap_or_default()
    }
}

impl Remote {
    /// Functions at an address, such as that of `cargo lambda watch`. An invocation takes as long as
    /// it takes, and is made once: what fails is delivered again, as by Lambda's event sources.
    pub async fn at(url: &str) -> Self {
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(https())
            .region(Region::new(REGION))
            .endpoint_url(url)
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .load()
            .await;
        Self(Client::new(&config))
    }

    /// The event source's side of a function.
    pub(crate) fn handler(&self, function: Function) -> Handler {
        let remote = self.clone();
        Arc::new(move |event| {
            let remote = remote.clone();
            Box::pin(async move { remote.invoke::<SqsBatchResponse>(function, &event).await })
        })
    }

    /// Has the sweep done, and says how many records it moved on.
    pub(crate) async fn sweep(&self) -> Result<u64, HandlerError> {
        let nothing = serde_json::json!({});
        let swept: Swept = self.invoke(Function::Sweep, &nothing).await?;
        Ok(swept.looked_at as u64)
    }

    async fn invoke<T: DeserializeOwned>(
        &self,
        function: Function,
        event: &impl Serialize,
    ) -> Result<T, HandlerError> {
        let invoke = self.0.invoke().function_name(function.as_str());
        let event = Blob::new(serde_json::to_vec(event)?);
        let answer = invoke.payload(event).send().await?;
        let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
        match answer.function_error {
            None => Ok(serde_json::from_slice(&payload)?),
            Some(kind) => {
                let payload = String::from_utf8_lossy(&payload);
                Err(format!("{function} failed ({kind}): {payload}").into())
            }
        }
    }
}
