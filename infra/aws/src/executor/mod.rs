//! Executors: what runs an attempt of a task.
//!
//! [`Executor`] is the one trait of the service, because executors are what users add.
//! [`Executors`] finds the one that a task names. An executor runs one attempt and says how it
//! ended; retries, time limits and records are left to its caller, which drops the future when
//! the time is over.

pub mod builtin;
pub mod codes;
pub mod events;
mod failure;
pub mod http;
pub mod lambda;
mod output;
mod roles;
pub mod sqs;
pub mod states;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws_config::SdkConfig;
use serde_json::Value;
use taskmill::Timestamp;
use taskmill::codes::failure::EXECUTOR_NOT_FOUND;
use taskmill::ids::{ExecutionId, TaskId, WorkflowId};
use taskmill::metrics::ExecutionMetrics;
use taskmill::security::SecurityContext;
use taskmill::task::routing::ExecutorRef;
use taskmill::task::{Outcome, TaskDefinition};
use tokio::sync::Notify;
use tokio::time::Instant;

pub use failure::{Failure, ReportedFailure, redacted};
pub use output::{parse_json, parse_output};

use crate::callbacks::Callback;
use crate::clock::Clock;
use crate::secrets::Secrets;
use builtin::BuiltinExecutor;
use events::EventsExecutor;
use http::{HttpExecutor, Reach};
use lambda::LambdaExecutor;
use sqs::SqsExecutor;
use states::StatesExecutor;

/// Runs attempts of tasks.
#[async_trait]
pub trait Executor: Send + Sync {
    /// Runs one attempt to its end. Dropping the future stops the work, as far as it can be
    /// stopped from here: a process group is killed, a request is abandoned.
    async fn execute(&self, call: &Call) -> Execution;

    /// Stops what goes on elsewhere for a call whose future was dropped. Most have nothing there.
    ///
    /// # Errors
    /// It goes on; what it comes to will not be asked for.
    async fn stop(&self, _call: &Call) -> Result<(), Failure> {
        Ok(())
    }
}

/// One attempt that is to be run.
#[derive(Clone)]
pub struct Call {
    /// The task.
    pub task_id: TaskId,
    /// The attempt's fencing token; also what makes a repeated call recognizable.
    pub execution_id: ExecutionId,
    /// Counted from 1.
    pub attempt: u32,
    /// When the caller will give up; executors tell it to what they run.
    pub deadline: Option<Timestamp>,
    /// The task's definition.
    pub definition: Arc<TaskDefinition>,
    /// What the definition's `executor` says, read.
    pub executor: ExecutorRef,
    /// The task's input.
    pub input: Value,
    /// What the definition's `request.body` gave; none where the input itself is the body.
    pub body: Option<Value>,
    /// Where another system that is handed the attempt tells its end; none where the definition
    /// wants none, or nobody listens.
    pub callback: Option<Callback>,
    /// In whose name it runs.
    pub context: SecurityContext,
    /// The workflow that the task belongs to.
    pub workflow_instance_id: Option<WorkflowId>,
    /// The step's path within it.
    pub task_path: Option<String>,
    /// The caller's own id for what belongs together.
    pub correlation_id: Option<String>,
    /// The W3C trace context to go on with.
    pub traceparent: Option<String>,
    /// Where the executor tells what the attempt has used so far.
    pub used: Used,
    /// Where the executor tells that the attempt lives.
    pub beats: Beats,
}

/// Signs of life of an attempt. One that has a limit for heartbeats, and gives none for so long,
/// is dropped. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Beats(Arc<Notify>);

/// What an attempt has used so far, told while it runs: so it is known as well of one that is
/// dropped when its time is over. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Used(Arc<Mutex<ExecutionMetrics>>);

/// How an attempt ended, and what it used.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// How it ended, free of the secrets that it was given.
    pub outcome: Outcome,
    /// What it used, as far as the executor can tell; zero where it cannot.
    pub metrics: ExecutionMetrics,
}

/// The kinds of executor that a definition can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExecutorKind {
    /// `process:`
    Process,
    /// `http:` and `https:`
    Http,
    /// `lambda:`
    Lambda,
    /// `states:`
    States,
    /// `sqs:`
    Sqs,
    /// `events:`
    Events,
    /// `worker:`, whose tasks nothing here runs: workers poll for them.
    Worker,
    /// `builtin:`
    Builtin,
}

/// How tasks reach AWS.
#[derive(Debug, Clone)]
pub struct AwsReach {
    /// Region, credentials and connection; also of the calls of STS.
    pub sdk: SdkConfig,
    /// The role that sends messages and events where a definition names none: it may not send to the
    /// queues of Taskmill itself, as this process may and must.
    pub sender: Option<String>,
}

/// The executors of this process, by kind. Itself an executor: a call goes to the one that its
/// reference names, and one that names a kind that is not here fails with `EXECUTOR_NOT_FOUND`.
#[derive(Clone)]
pub struct Executors {
    clock: Clock,
    by_kind: HashMap<ExecutorKind, Arc<dyn Executor>>,
}

impl Call {
    /// Which kind of executor the call is for.
    #[must_use]
    pub fn kind(&self) -> ExecutorKind {
        match self.executor {
            ExecutorRef::Process { .. } => ExecutorKind::Process,
            ExecutorRef::Http { .. } => ExecutorKind::Http,
            ExecutorRef::Lambda { .. } => ExecutorKind::Lambda,
            ExecutorRef::States { .. } => ExecutorKind::States,
            ExecutorRef::Sqs { .. } => ExecutorKind::Sqs,
            ExecutorRef::Events { .. } => ExecutorKind::Events,
            ExecutorRef::Worker { .. } => ExecutorKind::Worker,
            ExecutorRef::Builtin(_) => ExecutorKind::Builtin,
        }
    }

    /// Where the end of the attempt is told, if its definition has another system tell it.
    ///
    /// # Errors
    /// It does, and nobody here listens.
    pub fn wanted_callback(&self) -> Result<Option<&Callback>, Failure> {
        if !self.definition.execution_config.callback {
            return Ok(None);
        }
        let nobody = || {
            let message = "nothing here takes callbacks: see TASKMILL_CALLBACK_URL";
            Failure::permanent(codes::CALLBACK_UNAVAILABLE, message)
        };
        self.callback.as_ref().map(Some).ok_or_else(nobody)
    }

    /// The failure of a call that reached an executor of another kind.
    #[must_use]
    pub fn misrouted(&self) -> Failure {
        let text = &self.definition.execution_config.executor;
        let message = format!("nothing here can run the executor {text:?}");
        Failure::permanent(EXECUTOR_NOT_FOUND, message)
    }
}

impl Used {
    /// Takes note of figures; of each the highest counts.
    pub fn seen(&self, now: ExecutionMetrics) {
        let mut used = self.lock();
        *used = ExecutionMetrics {
            execution_time: used.execution_time.max(now.execution_time),
            cpu_time: used.cpu_time.max(now.cpu_time),
            memory_usage: used.memory_usage.max(now.memory_usage),
        };
    }

    /// What was told; zero where nothing was.
    #[must_use]
    pub fn told(&self) -> ExecutionMetrics {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, ExecutionMetrics> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Beats {
    /// Gives a sign of life.
    pub fn beat(&self) {
        self.0.notify_one();
    }

    /// Returns at the next sign of life, or at once when there was one since the last return.
    pub async fn next(&self) {
        self.0.notified().await;
    }
}

impl fmt::Debug for Call {
    /// Names the call; payloads are not for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("task_id", &self.task_id)
            .field("attempt", &self.attempt)
            .field("executor", &self.executor)
            .finish_non_exhaustive()
    }
}

impl Execution {
    /// An execution that began at `started` and ends now, with nothing known but its time.
    #[must_use]
    pub fn ending(started: Instant, result: Result<Value, Failure>, at: Timestamp) -> Self {
        match result {
            Ok(output) => Self::so_far(started, Outcome::Succeeded { output }),
            Err(failure) => Self::so_far(started, failure.into_outcome(at)),
        }
    }

    /// An execution that began at `started` and came to this now, with nothing known but its time.
    #[must_use]
    pub fn so_far(started: Instant, outcome: Outcome) -> Self {
        let execution_time = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Self {
            outcome,
            metrics: ExecutionMetrics {
                execution_time,
                ..ExecutionMetrics::default()
            },
        }
    }
}

impl fmt::Debug for Executors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_kind.keys()).finish()
    }
}

impl Executors {
    /// `builtin:` alone.
    #[must_use]
    pub fn builtin(clock: Clock) -> Self {
        let builtin = BuiltinExecutor::new(clock);
        let by_kind = HashMap::new();
        Self { clock, by_kind }.with(ExecutorKind::Builtin, Arc::new(builtin))
    }

    /// What runs in the cloud: `builtin:`, `http:` to public addresses, and what is [of AWS].
    ///
    /// [of AWS]: Self::with_aws
    #[must_use]
    pub fn cloud(clock: Clock, secrets: Secrets, aws: &AwsReach) -> Self {
        let http = HttpExecutor::new(Reach::Public, secrets.clone(), clock);
        Self::builtin(clock)
            .with(ExecutorKind::Http, Arc::new(http))
            .with_aws(secrets, aws)
    }

    /// The same with `lambda:`, `states:`, `sqs:` and `events:`.
    #[must_use]
    pub fn with_aws(self, secrets: Secrets, aws: &AwsReach) -> Self {
        let (sdk, clock) = (|| aws.sdk.clone(), self.clock);
        let sender = || aws.sender.clone();
        let lambda = LambdaExecutor::new(sdk(), secrets, clock);
        let states = StatesExecutor::new(sdk(), clock);
        let sqs = SqsExecutor::new(sdk(), sender(), clock);
        let events = EventsExecutor::new(sdk(), sender(), clock);
        self.with(ExecutorKind::Lambda, Arc::new(lambda))
            .with(ExecutorKind::States, Arc::new(states))
            .with(ExecutorKind::Sqs, Arc::new(sqs))
            .with(ExecutorKind::Events, Arc::new(events))
    }

    /// What runs on one machine: `builtin:`, `http:` to public addresses and to the machine
    /// itself, and the machine's own programs.
    #[must_use]
    pub fn local(clock: Clock, secrets: Secrets, process: Arc<dyn Executor>) -> Self {
        let http = HttpExecutor::new(Reach::PublicAndLoopback, secrets, clock);
        Self::builtin(clock)
            .with(ExecutorKind::Http, Arc::new(http))
            .with(ExecutorKind::Process, process)
    }

    /// The same with this executor for a kind, in place of any that it had.
    #[must_use]
    pub fn with(mut self, kind: ExecutorKind, executor: Arc<dyn Executor>) -> Self {
        self.by_kind.insert(kind, executor);
        self
    }

    /// Whether calls of this kind can be run here.
    #[must_use]
    pub fn has(&self, kind: ExecutorKind) -> bool {
        self.by_kind.contains_key(&kind)
    }
}

#[async_trait]
impl Executor for Executors {
    async fn execute(&self, call: &Call) -> Execution {
        match self.by_kind.get(&call.kind()) {
            Some(executor) => executor.execute(call).await,
            None => {
                let failure = Err(call.misrouted());
                Execution::ending(Instant::now(), failure, self.clock.now())
            }
        }
    }

    async fn stop(&self, call: &Call) -> Result<(), Failure> {
        match self.by_kind.get(&call.kind()) {
            Some(executor) => executor.stop(call).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{call, failure, output};
    use super::*;
    use serde_json::json;
    use taskmill::task::routing::Builtin;

    #[tokio::test]
    async fn a_call_goes_to_the_executor_of_its_kind() {
        let executors = Executors::builtin(Clock::system());
        let config = json!({"executor": "builtin:echo"});
        let echo = call(ExecutorRef::Builtin(Builtin::Echo), &config, json!([1]));
        assert!(executors.has(ExecutorKind::Builtin));
        assert_eq!(output(executors.execute(&echo).await), json!([1]));
    }

    #[tokio::test]
    async fn a_kind_that_is_not_here_fails_for_good() {
        let executors = Executors::builtin(Clock::system());
        let config = json!({"executor": "process:ls"});
        let command = "ls".to_owned();
        let process = call(ExecutorRef::Process { command }, &config, json!({}));
        let (error, permanent, _) = failure(executors.execute(&process).await);
        assert_eq!(error.code, EXECUTOR_NOT_FOUND);
        assert_eq!(
            error.message,
            "nothing here can run the executor \"process:ls\""
        );
        assert!(permanent);
    }
}
