//! Event source mappings: what Lambda does between a queue and a function.
//!
//! A poller receives a batch, hands it to the handler as the event that Lambda would send, deletes
//! what the handler finished and leaves the rest to its visibility timeout. It decides nothing about
//! a message. It receives only once something is visible, so that an idle process makes no requests
//! and passes through virtual time at once.

use std::any::Any;
use std::collections::HashSet;
use std::error::Error as StdError;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use taskmill_aws::clock::Clock;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::LocalAws;
use crate::account::queue_name;
use crate::event::record;
use crate::meter::{Invocations, Meter};
use crate::sqs::Queues;

/// Milliseconds after a receive that failed.
const RECEIVE_PAUSE_MILLIS: u64 = 1000;

/// What a handler fails with. The batch is delivered again.
pub type HandlerError = Box<dyn StdError + Send + Sync>;

/// A function that consumes a queue.
pub type Handler = Arc<
    dyn Fn(SqsEvent) -> BoxFuture<'static, Result<SqsBatchResponse, HandlerError>> + Send + Sync,
>;

/// One queue and the function that consumes it.
#[derive(Clone)]
pub struct EventSource {
    /// The queue.
    pub queue_url: String,
    /// The function.
    pub handler: Handler,
    /// Most records of one event, 1 to 10.
    pub batch_size: u8,
    /// Most invocations at one time, at least 1.
    pub concurrency: usize,
}

/// Running pollers. Dropping them stops them where they are, as a crash would.
#[derive(Debug)]
pub struct Pollers {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

/// One queue's poller.
#[derive(Clone)]
struct Poller {
    client: Client,
    clock: Clock,
    queues: Queues,
    meter: Meter,
    source: EventSource,
}

impl fmt::Debug for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSource")
            .field("queue_url", &self.queue_url)
            .field("batch_size", &self.batch_size)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

impl Pollers {
    /// Starts a poller for each source. Requests go through an SDK client and are metered.
    #[must_use]
    pub fn start(aws: &LocalAws, sources: impl IntoIterator<Item = EventSource>) -> Self {
        let client = Client::new(&aws.sdk_config());
        let (stop, _) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for source in sources {
            let poller = Poller {
                client: client.clone(),
                clock: aws.clock(),
                queues: aws.queues().clone(),
                meter: aws.meter().clone(),
                source,
            };
            tasks.spawn(poller.run(stop.subscribe()));
        }
        Self { tasks, stop }
    }

    /// Receives nothing more, and returns when every invocation under way has ended.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Poller {
    async fn run(self, mut stop: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(self.source.concurrency.max(1)));
        let mut invocations = JoinSet::new();
        loop {
            let next = async {
                // The semaphore is never closed: there is always a slot to come.
                let slot = Arc::clone(&slots).acquire_owned().await;
                self.queues.until_visible(&self.source.queue_url).await?;
                Ok::<_, crate::sqs::Error>(slot)
            };
            let slot = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                slot = next => slot,
            };
            let slot = match slot {
                Ok(slot) => slot,
                Err(error) => {
                    tracing::error!(queue.url = self.source.queue_url, %error, "poller stops");
                    break;
                }
            };
            let messages = self.receive().await;
            if !messages.is_empty() {
                let poller = self.clone();
                invocations.spawn(async move {
                    poller.deliver(messages).await;
                    drop(slot);
                });
            }
            while invocations.try_join_next().is_some() {}
        }
        while invocations.join_next().await.is_some() {}
    }

    async fn receive(&self) -> Vec<SqsMessage> {
        let received = self
            .client
            .receive_message()
            .queue_url(&self.source.queue_url)
            .max_number_of_messages(i32::from(self.source.batch_size.clamp(1, 10)))
            .message_system_attribute_names("All".into())
            .message_attribute_names("All")
            .send()
            .await;
        match received {
            Ok(received) => received
                .messages
                .unwrap_or_default()
                .into_iter()
                .map(|message| record(&self.source.queue_url, message))
                .collect(),
            Err(error) => {
                let error = DisplayErrorContext(&error);
                tracing::warn!(queue.url = self.source.queue_url, %error, "receive failed");
                let again = self.clock.now().plus_millis(RECEIVE_PAUSE_MILLIS);
                self.clock.sleep_until(again).await;
                Vec::new()
            }
        }
    }

    /// Invokes the handler with one batch and deletes what it finished.
    async fn deliver(&self, records: Vec<SqsMessage>) {
        let ids: Vec<String> = records
            .iter()
            .filter_map(|r| r.message_id.clone())
            .collect();
        let handles: Vec<(String, String)> = records
            .iter()
            .filter_map(|r| Some((r.message_id.clone()?, r.receipt_handle.clone()?)))
            .collect();
        let mut event = SqsEvent::default();
        event.records = records;
        let ended = self.invoke(event).await;
        let failed = ended.failed(&ids);
        let done: Vec<String> = handles
            .into_iter()
            .filter(|(id, _)| !failed.contains(id))
            .map(|(_, handle)| handle)
            .collect();
        let invocation = Invocations {
            count: 1,
            records: ids.len() as u64,
            failed_records: (ids.len() - done.len()) as u64,
            panics: u64::from(matches!(ended, Ended::Panicked)),
        };
        self.meter
            .invoked(queue_name(&self.source.queue_url), invocation);
        self.delete(done).await;
    }

    async fn invoke(&self, event: SqsEvent) -> Ended {
        let queue = &self.source.queue_url;
        let handler = Arc::clone(&self.source.handler);
        // The handler's own code runs inside as well: it may panic before it returns a future.
        let invocation = AssertUnwindSafe(async move { handler(event).await }).catch_unwind();
        match invocation.await {
            Ok(Ok(response)) => Ended::Answered(response),
            Ok(Err(error)) => {
                tracing::error!(queue.url = queue, %error, "handler failed");
                Ended::Failed
            }
            Err(panic) => {
                let panic = panic_text(panic.as_ref());
                tracing::error!(queue.url = queue, panic, "handler panicked");
                Ended::Panicked
            }
        }
    }

    async fn delete(&self, handles: Vec<String>) {
        let entries: Result<Vec<_>, _> = handles
            .into_iter()
            .enumerate()
            .map(|(number, handle)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(number.to_string())
                    .receipt_handle(handle)
                    .build()
            })
            .collect();
        let entries = entries.expect("every entry has an id and a handle");
        if entries.is_empty() {
            return;
        }
        let deleted = self
            .client
            .delete_message_batch()
            .queue_url(&self.source.queue_url)
            .set_entries(Some(entries))
            .send()
            .await;
        if let Err(error) = deleted {
            let error = DisplayErrorContext(&error);
            tracing::warn!(queue.url = self.source.queue_url, %error, "delete failed");
        }
    }
}

/// How an invocation ended.
#[derive(Debug)]
enum Ended {
    Answered(SqsBatchResponse),
    Failed,
    Panicked,
}

impl Ended {
    /// The records that are delivered again. As on Lambda, a failure of an id that is not in the
    /// batch fails all of it.
    fn failed<'a>(&'a self, ids: &'a [String]) -> HashSet<&'a String> {
        let all = || ids.iter().collect();
        match self {
            Self::Answered(response) => {
                let failures = &response.batch_item_failures;
                let failed: HashSet<&String> =
                    failures.iter().map(|f| &f.item_identifier).collect();
                if failed.iter().all(|id| ids.contains(id)) {
                    failed
                } else {
                    all()
                }
            }
            Self::Failed | Self::Panicked => all(),
        }
    }
}

pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a value that is no text")
}
