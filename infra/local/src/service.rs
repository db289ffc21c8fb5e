//! Taskmill on one machine: the handlers of the functions, over the embedded AWS.
//!
//! What Lambda's event sources do on AWS the pollers do here, and what the minute rule does the
//! scheduler does. A start looks at every open record at once: the process before this one ended,
//! and with it all that it ran.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Serialize;
use taskmill::Timestamp;
use taskmill::task::targets::Targets;
use taskmill::task::tenants::TenantLimits;
use taskmill_app::{
    App, boot, create_task, execute_task, process_result, refusal, schedule_retry, sweep,
};
use taskmill_aws::callbacks::Callbacks;
use taskmill_aws::config::{Config, DEFAULT_RETENTION};
use taskmill_aws::executor::Executors;
use taskmill_aws::payloads::Payloads;
use taskmill_aws::queues::create::{create_all as create_queues, name_of};
use taskmill_aws::queues::{self, QueueName};
use taskmill_aws::store::{self, Store};
use taskmill_aws::tables::{self, DUE_INDEX, Shards, TableNames};

use crate::functions::{Function, Functions, Runner};
use crate::pollers::{EventSource, Handler, HandlerError, Pollers};
use crate::{LocalAws, Scheduler, Sweep, account};

/// The queues whose messages begin something. An outcome ends it.
const INTAKE: [QueueName; 4] = [
    QueueName::Create,
    QueueName::Execute,
    QueueName::ExecuteUrgent,
    QueueName::Retry,
];
/// How the names of Taskmill's own functions would begin, so that no task may call them.
const FUNCTION_PREFIX: &str = "taskmill-";
/// The bucket of payloads.
const BUCKET: &str = "payloads";

/// A running service. Dropping it stops it where it is, as a crash would.
#[derive(Debug)]
pub struct Service {
    app: App,
    aws: LocalAws,
    observer: Store,
    intake: Pollers,
    results: Pollers,
    scheduler: Option<Scheduler>,
    functions: Functions,
    recovered: usize,
}

/// What a service is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who runs attempts.
    pub executors: Executors,
    /// The name under which attempts are recorded: host and process.
    pub worker: String,
    /// Records of one event.
    pub batch_size: u8,
    /// Invocations of one function side by side.
    pub concurrency: usize,
    /// Where other systems tell the end of what they were handed, if somebody listens.
    pub callbacks: Option<Callbacks>,
    /// How many tasks of each tenant run at once, and begin in a period.
    pub tenant_limits: TenantLimits,
}

/// A service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The tables.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The queues.
    #[error(transparent)]
    Queues(#[from] queues::Error),
    /// The look at what was open.
    #[error(transparent)]
    Recovery(#[from] refusal::Fault),
}

/// A message that could not be handled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// The queue that it was on.
    pub queue: &'static str,
    /// Why it is here; unknown when its handler died of it.
    pub reason: Option<String>,
    /// The message.
    pub body: String,
}

/// The store on an embedded AWS, its tables made if need be: for a look at what is there before a
/// service starts and moves it on.
///
/// # Errors
/// The tables cannot be made.
pub async fn open_store(aws: &LocalAws) -> Result<Store, Error> {
    let client = aws_sdk_dynamodb::Client::new(&aws.background_sdk_config());
    tables::create_all(&client, &table_names()).await?;
    Ok(background_store(aws))
}

/// A service that is put together and does nothing yet: definitions can be registered, and what
/// is refused disturbs nothing that an earlier process left open.
#[derive(Debug)]
pub struct Prepared {
    app: App,
    aws: LocalAws,
    observer: Store,
    batch_size: u8,
    concurrency: usize,
}

/// Puts a service together on an embedded AWS.
///
/// # Errors
/// The tables or queues cannot be made.
pub async fn prepare(aws: LocalAws, options: Options) -> Result<Prepared, Error> {
    let observer = open_store(&aws).await?;
    let sqs = aws_sdk_sqs::Client::new(&aws.background_sdk_config());
    let urls = create_queues(&sqs).await?;
    let config = Config {
        callbacks: options.callbacks,
        tenant_limits: options.tenant_limits,
        ..config(table_names(), urls, options.worker)
    };
    let app = boot::assemble(config, &aws.sdk_config(), options.executors, aws.clock());
    Ok(Prepared {
        app,
        aws,
        observer,
        batch_size: options.batch_size,
        concurrency: options.concurrency,
    })
}

impl Prepared {
    /// The use cases.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The environment of functions that run beside this process, and know its AWS by this address.
    #[must_use]
    pub fn environment(&self, address: &str) -> Vec<(String, String)> {
        let mut config = self.app.config().clone();
        let to_address = |url: &mut String| {
            *url = account::queue_url(address, account::queue_name(url));
        };
        config.queues.queues.values_mut().for_each(to_address);
        config.queues.dead_letters.values_mut().for_each(to_address);
        config.targets = Targets::all_but(vec![FUNCTION_PREFIX.to_owned()]);
        let aws = [
            ("AWS_ENDPOINT_URL", address),
            ("AWS_REGION", account::REGION),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
        ];
        let aws = aws.map(|(name, value)| (name.to_owned(), value.to_owned()));
        aws.into_iter().chain(config.variables()).collect()
    }

    /// Looks at what was open, and begins to take messages.
    ///
    /// # Errors
    /// What was open cannot be listed.
    pub async fn begin(self) -> Result<Service, Error> {
        self.begin_with(Functions::default()).await
    }

    /// The same, where others may run functions. Where nobody looks at what is due, nobody looks at
    /// what was open either.
    ///
    /// # Errors
    /// What was open cannot be listed.
    pub async fn begin_with(self, functions: Functions) -> Result<Service, Error> {
        let Self {
            app,
            aws,
            observer,
            batch_size,
            concurrency,
        } = self;
        let recovered = match functions.runner(Function::Sweep) {
            Runner::Here | Runner::There(_) => sweep::recover(&app).await?.looked_at,
            Runner::Nobody => 0,
        };
        let source = |queue| {
            Some(EventSource {
                queue_url: app.queues().urls().of(queue).to_owned(),
                handler: consumer(&app, &functions, queue)?,
                batch_size,
                concurrency,
            })
        };
        let intake = Pollers::start(&aws, INTAKE.into_iter().filter_map(source));
        let results = Pollers::start(&aws, source(QueueName::Result));
        let scheduler = scheduler(&app, &aws, functions.runner(Function::Sweep));
        Ok(Service {
            observer,
            app,
            aws,
            intake,
            results,
            scheduler,
            functions,
            recovered,
        })
    }
}

impl Service {
    /// Starts the service on an embedded AWS.
    ///
    /// # Errors
    /// The tables or queues cannot be made, or what was open cannot be listed.
    pub async fn start(aws: LocalAws, options: Options) -> Result<Self, Error> {
        prepare(aws, options).await?.begin().await
    }

    /// The use cases.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The AWS that it runs on.
    #[must_use]
    pub fn aws(&self) -> &LocalAws {
        &self.aws
    }

    /// The store, for whoever only looks on: what it reads is not the service's cost.
    #[must_use]
    pub fn observer(&self) -> &Store {
        &self.observer
    }

    /// Returns when no message is visible or being handled: nothing more happens before a delayed
    /// message or a due time comes.
    pub async fn until_settled(&self) {
        let urls = QueueName::ALL.map(|queue| self.app.queues().urls().of(queue));
        let settled = self.aws.queues().until_settled(&urls).await;
        settled.expect("the queues were made at the start, and nobody deletes them");
    }

    /// How many records were open when it started.
    #[must_use]
    pub fn recovered(&self) -> usize {
        self.recovered
    }

    /// What could not be handled since the start: the dead letters that are visible, at most ten
    /// of each queue.
    ///
    /// # Errors
    /// The queues failed.
    pub async fn dead_letters(&self) -> Result<Vec<DeadLetter>, HandlerError> {
        let client = aws_sdk_sqs::Client::new(&self.aws.background_sdk_config());
        let mut letters = Vec::new();
        for queue in QueueName::ALL {
            let received = client
                .receive_message()
                .queue_url(self.app.queues().urls().dead_letters_of(queue))
                .max_number_of_messages(10)
                .message_attribute_names("All")
                .visibility_timeout(0)
                .wait_time_seconds(0)
                .send()
                .await?;
            letters.extend(
                received
                    .messages
                    .unwrap_or_default()
                    .into_iter()
                    .map(|message| {
                        let reason = message
                            .message_attributes
                            .as_ref()
                            .and_then(|attributes| attributes.get(queues::send::REASON))
                            .and_then(|reason| reason.string_value.clone());
                        DeadLetter {
                            queue: queue.as_str(),
                            reason,
                            body: message.body.unwrap_or_default(),
                        }
                    }),
            );
        }
        Ok(letters)
    }

    /// Begins nothing more, and returns when every attempt under way has ended and its outcome is
    /// written. What comes next is left to the next start.
    pub async fn shutdown(self) {
        drop(self.scheduler);
        self.intake.shutdown().await;
        if !matches!(
            self.functions.runner(Function::ProcessResult),
            Runner::Nobody
        ) {
            let results = self.app.queues().urls().of(QueueName::Result);
            let settled = self.aws.queues().until_settled(&[results]).await;
            // Whoever came by the port and deleted the queue wants none of it.
            settled.unwrap_or_else(|error| tracing::warn!(%error, "the results are left"));
        }
        self.results.shutdown().await;
    }
}

fn table_names() -> TableNames {
    TableNames {
        tasks: "TaskInstances".to_owned(),
        workflows: "WorkflowInstances".to_owned(),
        definitions: "Definitions".to_owned(),
    }
}

fn config(tables: TableNames, queues: queues::QueueUrls, worker: String) -> Config {
    Config {
        tables,
        shards: Shards { status: 1, due: 1 },
        queues,
        bucket: BUCKET.to_owned(),
        retention: DEFAULT_RETENTION,
        // The scheduler comes at the very time.
        sweep_horizon: 0,
        longest_attempt: None,
        worker,
        execution_environment: "local".to_owned(),
        targets: Targets::default(),
        tenant_limits: TenantLimits::default(),
        sender: None,
        callbacks: None,
        vault: None,
    }
}

fn background_store(aws: &LocalAws) -> Store {
    let sdk = aws.background_sdk_config();
    let payloads = Payloads::new(&sdk, BUCKET);
    let client = aws_sdk_dynamodb::Client::new(&sdk);
    Store::new(
        client,
        table_names(),
        Shards { status: 1, due: 1 },
        payloads,
    )
}

/// What consumes a queue, if anybody does.
fn consumer(app: &App, functions: &Functions, queue: QueueName) -> Option<Handler> {
    let function = Function::consuming(queue);
    match functions.runner(function) {
        Runner::Here => Some(handler(app.clone(), queue)),
        Runner::There(remote) => Some(remote.handler(function)),
        Runner::Nobody => None,
    }
}

fn scheduler(app: &App, aws: &LocalAws, runner: Runner) -> Option<Scheduler> {
    if matches!(runner, Runner::Nobody) {
        return None;
    }
    let watch = Due {
        app: app.clone(),
        store: background_store(aws),
        runner,
    };
    let written = aws.index_writes(DUE_INDEX);
    Some(Scheduler::start(aws.clock(), written, watch))
}

/// The function that consumes a queue, in this process.
fn handler(app: App, queue: QueueName) -> Handler {
    Arc::new(move |event| {
        let app = app.clone();
        let handled: BoxFuture<'static, _> = match queue {
            QueueName::Create => async move { Ok(create_task::handle(&app, event).await) }.boxed(),
            QueueName::Execute | QueueName::ExecuteUrgent => {
                async move { Ok(execute_task::handle(&app, event).await) }.boxed()
            }
            QueueName::Result => {
                async move { Ok(process_result::handle(&app, event).await) }.boxed()
            }
            QueueName::Retry => {
                async move { Ok(schedule_retry::handle(&app, event).await) }.boxed()
            }
        };
        handled
    })
}

/// What the scheduler drives: when the next record is due is asked beside the service, because
/// no function asks it on AWS.
struct Due {
    app: App,
    store: Store,
    runner: Runner,
}

impl Sweep for Due {
    async fn next_due(&mut self) -> Result<Option<Timestamp>, HandlerError> {
        Ok(self.store.next_due().await?)
    }

    async fn sweep(&mut self) -> Result<u64, HandlerError> {
        match &self.runner {
            Runner::Here => Ok(sweep::sweep(&self.app).await?.looked_at as u64),
            Runner::There(remote) => remote.sweep().await,
            Runner::Nobody => Ok(0),
        }
    }
}

/// The names of the queues and the functions that consume them, for figures by function.
#[must_use]
pub fn functions_by_queue() -> BTreeMap<String, &'static str> {
    QueueName::ALL
        .into_iter()
        .map(|queue| {
            let function = Function::consuming(queue);
            (name_of(queue, ""), function.as_str())
        })
        .collect()
}
