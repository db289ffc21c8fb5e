//! One AWS in one process: what stands behind the SDK's HTTP seam in local mode and in tests.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use bytes::Bytes;
use taskmill_aws::clock::Clock;
use tokio::sync::{Notify, broadcast};

use crate::Error;
use crate::account::{self, ADDRESS, REGION};
use crate::call::{Call, kind_of_queue, precondition};
use crate::data_dir::DataDir;
use crate::dynamodb::{Tables, Written};
use crate::faults::{Failure, Fate, Faults};
use crate::meter::Meter;
use crate::s3::Objects;
use crate::sqs::Queues;
use crate::task_tokens::TaskTokens;
use crate::wire::{Answer, body_of};

/// The embedded AWS. Clones are the same AWS.
#[derive(Debug, Clone)]
pub struct LocalAws {
    clock: Clock,
    tables: Tables,
    objects: Objects,
    queues: Queues,
    task_tokens: TaskTokens,
    meter: Meter,
    background: Meter,
    faults: Faults,
    /// Held for its lock.
    data_dir: Option<Arc<DataDir>>,
}

impl LocalAws {
    /// An AWS that is gone with the process. Everything in it runs on `clock`.
    ///
    /// # Errors
    /// The embedded database does not start.
    pub fn in_memory(clock: Clock) -> Result<Self, Error> {
        let tables = Tables::in_memory(clock)?;
        Ok(Self::new(clock, tables, Objects::in_memory(), None))
    }

    /// An AWS whose tables and objects are kept in `directory`, and survive a kill. Queues are not
    /// kept: messages are hints.
    ///
    /// # Errors
    /// Another process has the directory, it cannot be written to, or what is in it is no database.
    pub fn open(directory: &Path, clock: Clock) -> Result<Self, Error> {
        let data_dir = DataDir::open(directory)?;
        let tables = Tables::open(&data_dir.database())?;
        let objects = Objects::open(data_dir.objects()).map_err(|source| Error::DataDir {
            path: directory.to_owned(),
            source,
        })?;
        Ok(Self::new(clock, tables, objects, Some(Arc::new(data_dir))))
    }

    fn new(clock: Clock, tables: Tables, objects: Objects, data_dir: Option<Arc<DataDir>>) -> Self {
        Self {
            clock,
            tables,
            objects,
            queues: Queues::new(clock),
            task_tokens: TaskTokens::default(),
            meter: Meter::default(),
            background: Meter::default(),
            faults: Faults::default(),
            data_dir,
        }
    }

    /// The AWS that a new process finds after this one died: the same tables, objects and task
    /// tokens, and no queues, counts or faults.
    #[must_use]
    pub fn restarted(&self) -> Self {
        let fresh = Self::new(
            self.clock,
            self.tables.restarted(),
            self.objects.clone(),
            self.data_dir.clone(),
        );
        Self {
            task_tokens: self.task_tokens.clone(),
            ..fresh
        }
    }

    /// The configuration that every SDK client of the process is built from.
    ///
    /// Retries are off, so that an injected fault reaches the caller and a run is repeatable; a test
    /// of the SDK's own retries turns them on in the configuration's builder. There are no timeouts:
    /// virtual time would run into them.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        self.config_for(Caller::Service)
    }

    /// The same for what Lambda has no counterpart of, such as looking for the earliest due time:
    /// its calls are metered apart, and faults do not count them.
    #[must_use]
    pub fn background_sdk_config(&self) -> SdkConfig {
        self.config_for(Caller::Background)
    }

    /// What the service's calls cost.
    #[must_use]
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// What the calls of [`background_sdk_config`](Self::background_sdk_config) cost, and those from
    /// outside of the process.
    #[must_use]
    pub fn background_meter(&self) -> &Meter {
        &self.background
    }

    /// The faults that a test plans.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The queues, with their test hooks.
    #[must_use]
    pub fn queues(&self) -> &Queues {
        &self.queues
    }

    /// The task tokens of state machines.
    #[must_use]
    pub fn task_tokens(&self) -> &TaskTokens {
        &self.task_tokens
    }

    /// The clock that everything here runs on.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Notified whenever an item that this index shows is written: how a scheduler learns that
    /// something new may be due.
    #[must_use]
    pub fn index_writes(&self, index: &str) -> Arc<Notify> {
        self.tables.index_writes(index)
    }

    /// Every item that is put or updated from now on: how a client of one process learns at once
    /// that a record changed. One that falls far behind is told so, and must look for itself.
    #[must_use]
    pub fn writes(&self) -> broadcast::Receiver<Written> {
        self.tables.writes()
    }

    /// Deletes the items whose time to live has passed, as DynamoDB does by itself, and says how
    /// many. A database in a file goes by the wall clock.
    ///
    /// # Errors
    /// The database fails.
    pub fn expire_items(&self) -> Result<usize, Error> {
        Ok(self.tables.expire()?)
    }

    /// Answers somebody outside of the process. Such calls are metered with the background's, and
    /// faults do not count them.
    pub(crate) async fn visited(
        &self,
        call: Call,
        mut request: HttpRequest,
    ) -> Result<Answer, ConnectorError> {
        let aws = self.clone();
        let caller = Caller::Background;
        Connector { aws, caller }.make(call, &mut request).await
    }

    fn config_for(&self, caller: Caller) -> SdkConfig {
        let connector = Connector {
            aws: self.clone(),
            caller,
        };
        // Requests are signed, as they are on AWS, by keys that mean nothing.
        let credentials = Credentials::new("local", "local", None, None, "local");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(ADDRESS)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(SharedHttpClient::new(connector))
            .time_source(WireTime(self.clock))
            .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
                aws_smithy_async::rt::sleep::TokioSleep::new(),
            ))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build()
    }
}

/// On whose behalf a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Service,
    Background,
}

/// The seam: what the SDK takes for a network.
#[derive(Debug, Clone)]
struct Connector {
    aws: LocalAws,
    caller: Caller,
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.clone();
        HttpConnectorFuture::new(async move { connector.answer(request).await })
    }
}

impl Connector {
    async fn answer(&self, mut request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let call = Call::of(&request);
        match self.fate(&call) {
            Fate::Answered => self.make(call, &mut request).await?.into_response(),
            Fate::Held(held) => {
                held.wait().await;
                self.make(call, &mut request).await?.into_response()
            }
            Fate::NeverMade => std::future::pending().await,
            Fate::NeverAnswered => {
                // The answer is lost with the process: whether it was an error no longer matters.
                let _ = self.make(call, &mut request).await;
                self.aws.faults.kill();
                std::future::pending().await
            }
            Fate::Fails(failure @ Failure::TimeoutAfterSuccess) => {
                let protocol = call.protocol();
                self.make(call, &mut request).await?;
                Answer::injected(protocol, failure)?.into_response()
            }
            Fate::Fails(failure @ (Failure::Throttled | Failure::ServerError)) => {
                Answer::injected(call.protocol(), failure)?.into_response()
            }
        }
    }

    fn fate(&self, call: &Call) -> Fate {
        let faults = &self.aws.faults;
        match self.caller {
            Caller::Service => faults.next(|| call.name()),
            Caller::Background if faults.is_killed() => Fate::NeverMade,
            Caller::Background => Fate::Answered,
        }
    }

    async fn make(&self, call: Call, request: &mut HttpRequest) -> Result<Answer, ConnectorError> {
        let meter = match self.caller {
            Caller::Service => &self.aws.meter,
            Caller::Background => &self.aws.background,
        };
        meter.requested(&call.name());
        let precondition = precondition(request);
        let address = account::address_of(request.uri()).to_owned();
        let body = body_of(request).await?;
        Ok(match call {
            Call::DynamoDb(operation) => self.aws.tables.answer(&operation, body, meter).await,
            Call::Sqs(action) => self.sqs(&action, &address, body, meter).await,
            Call::S3(target) => self.aws.objects.answer(target, body, precondition).await,
            Call::StepFunctions(operation) => self.aws.task_tokens.answer(&operation, &body),
            Call::Untold => Answer::unknown_operation("The request names no operation."),
            Call::Query => Answer::query_error(
                "InvalidAction",
                "The embedded AWS speaks JSON with SQS and DynamoDB, not the query protocol.",
            ),
            Call::Unknown(service) => Answer::json_error(
                501,
                "com.amazonaws#NotImplemented",
                &format!("The embedded AWS has no service {service:?}."),
            ),
        })
    }

    async fn sqs(&self, action: &str, address: &str, body: Bytes, meter: &Meter) -> Answer {
        let kind = kind_of_queue(&body);
        meter.sqs_request(kind, body.len());
        match self.aws.queues.answer(action, address, &body).await {
            Ok(reply) => {
                meter.sqs_answer(kind, body.len(), reply.json.len());
                if reply.received == Some(0) {
                    meter.received_nothing(kind);
                }
                Answer::json(200, reply.json)
            }
            Err(error) => {
                let mut answer = Answer::json_error(400, &error.shape(), &error.to_string());
                let code = format!("{};Sender", error.code());
                answer.headers.push(("x-amzn-query-error", code));
                answer
            }
        }
    }
}

/// The process's clock, as the SDK asks for it.
#[derive(Debug)]
struct WireTime(Clock);

impl aws_smithy_async::time::TimeSource for WireTime {
    fn now(&self) -> SystemTime {
        let millis = u64::try_from(self.0.now().millis()).unwrap_or(0);
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }
}
