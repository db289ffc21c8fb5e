//! Sending, in as few requests as the limits of SQS allow.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{DisplayErrorContext, SdkError};
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchOutput;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, MessageAttributeValue, SendMessageBatchRequestEntry,
};
use futures::future::join_all;
use taskmill::Timestamp;
use taskmill::limits::MESSAGES_WITHOUT_CHANGE;

use crate::chain::Chain;
use crate::clock::Clock;
use crate::payloads::ContentHash;
use crate::queues::lane::Lane;
use crate::queues::route::Outgoing;
use crate::queues::{Message, QueueName, QueueUrls};

/// Entries of one batch request.
const BATCH_ENTRIES: usize = 10;
/// Bytes of one batch request, with room for attributes.
const BATCH_BYTES: usize = 1_000_000;
/// The longest delay of a message, in seconds.
const LONGEST_DELAY: u64 = 900;
/// When a message is due, in milliseconds since 1970. SQS itself counts whole seconds; the
/// embedded one honours this.
pub const DUE_AT: &str = "taskmill.dueAt";
/// Why a message is in a dead-letter queue.
pub const REASON: &str = "taskmill.reason";
/// The id under which SQS first knew a message that was set aside and sent again since: what asks
/// for something asks for it once, however often it is sent.
pub const FIRST_ID: &str = "taskmill.firstId";

/// A message could not be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The request failed.
    #[error("sending to {queue} failed: {reason}")]
    Request {
        /// The queue's name.
        queue: &'static str,
        /// What the SDK says.
        reason: String,
    },
    /// An entry of a batch failed twice.
    #[error("a message to {queue} was refused: {reason}")]
    Refused {
        /// The queue's name.
        queue: &'static str,
        /// What SQS says of it.
        reason: String,
    },
    /// Dead letters could not be looked at, or sent back.
    #[error("the dead letters of {queue} cannot be worked on: {reason}")]
    DeadLetters {
        /// The name of the queue that they were on.
        queue: &'static str,
        /// What the SDK says.
        reason: String,
    },
    /// The queue of a group of workers could not be made, sent to or received from.
    #[error("the queue of the workers {group} cannot be worked on: {reason}")]
    Group {
        /// The group.
        group: String,
        /// What the SDK says.
        reason: String,
    },
    /// Whoever sent it together with others gave up.
    #[error("whether a message was sent is not known: its sender gave up")]
    Abandoned,
}

/// A message that goes to the dead letters.
#[derive(Debug, Clone, Copy)]
pub struct Buried<'a> {
    /// The queue that it was on, or was meant for.
    pub queue: QueueName,
    /// What SQS knows it by, or recognizes it by.
    pub id: &'a str,
    /// What it was known by before it was ever set aside; of one that was never sent, what tells
    /// it from others.
    pub first_id: &'a str,
    /// Its body.
    pub body: &'a str,
    /// Why it goes there.
    pub reason: &'a str,
}

/// The queues of a deployment.
#[derive(Debug, Clone)]
pub struct Queues {
    client: Client,
    urls: Arc<QueueUrls>,
    clock: Clock,
    chain: Chain,
    /// Where messages wait for others of the same moment; none where each is sent by itself.
    lanes: Option<Arc<Lanes>>,
}

/// A lane for each queue.
#[derive(Debug, Default)]
struct Lanes([Lane; QueueName::ALL.len()]);

impl Lanes {
    fn of(&self, queue: QueueName) -> &Lane {
        &self.0[queue as usize]
    }
}

impl Queues {
    /// The queues behind these URLs.
    #[must_use]
    pub fn new(client: Client, urls: QueueUrls, clock: Clock) -> Self {
        Self {
            client,
            urls: Arc::new(urls),
            clock,
            chain: Chain::default(),
            lanes: None,
        }
    }

    /// The same queues for one invocation of a function: what it sends at one time goes together.
    #[must_use]
    pub fn together(&self) -> Self {
        Self {
            lanes: Some(Arc::default()),
            ..self.clone()
        }
    }

    /// The same queues in the chain of a message that is handled.
    #[must_use]
    pub fn in_chain(&self, chain: &Chain) -> Self {
        Self {
            chain: chain.clone(),
            ..self.clone()
        }
    }

    /// The SDK's client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The place of a message in the chain of the one that is handled.
    pub(super) fn place_of(&self, message: &Message) -> u32 {
        self.chain.place_of(message, self.clock.now())
    }

    /// The URLs.
    #[must_use]
    pub fn urls(&self) -> &QueueUrls {
        &self.urls
    }

    /// Sends messages, those of a queue in their order, in batches. What is too far down a chain
    /// that changes nothing goes to the dead letters instead.
    ///
    /// # Errors
    /// A request failed, or SQS refused a message twice.
    pub async fn send(&self, messages: &[Message]) -> Result<(), Error> {
        let now = self.clock.now();
        let mut by_queue: BTreeMap<QueueName, Vec<Outgoing>> = BTreeMap::new();
        for message in messages {
            let hops = self.chain.place_of(message, now);
            let outgoing = Outgoing::new(message, hops, now);
            if Chain::is_too_long(hops) {
                self.stop(&outgoing).await?;
            } else {
                by_queue.entry(outgoing.queue).or_default().push(outgoing);
            }
        }
        let sent = by_queue
            .into_iter()
            .map(|(queue, outgoing)| self.send_to(queue, outgoing));
        join_all(sent).await.into_iter().collect()
    }

    async fn send_to(&self, queue: QueueName, outgoing: Vec<Outgoing>) -> Result<(), Error> {
        let send = |all| self.send_all(queue, all);
        match &self.lanes {
            Some(lanes) => lanes.of(queue).join(outgoing, send).await,
            None => send(outgoing).await.into_iter().collect(),
        }
    }

    /// Sends messages to one queue, and says of each what became of it.
    async fn send_all(&self, queue: QueueName, outgoing: Vec<Outgoing>) -> Vec<Result<(), Error>> {
        let now = self.clock.now();
        let mut results = Vec::with_capacity(outgoing.len());
        for batch in batches(outgoing) {
            results.extend(self.send_batch(queue, entries(batch, now)).await);
        }
        results
    }

    /// Sends a batch; what SQS refuses of it is sent once more.
    async fn send_batch(
        &self,
        queue: QueueName,
        entries: Vec<SendMessageBatchRequestEntry>,
    ) -> Vec<Result<(), Error>> {
        let first = match self.request(queue, entries.clone()).await {
            Ok(first) => first,
            Err(error) => return vec![Err(error); entries.len()],
        };
        let again: Vec<_> = entries
            .iter()
            .filter(|entry| refusal_of(entry, &first).is_some())
            .cloned()
            .collect();
        if again.is_empty() {
            return vec![Ok(()); entries.len()];
        }
        let second = self.request(queue, again).await;
        let result = |entry| match (refusal_of(entry, &first), &second) {
            (None, _) => Ok(()),
            (Some(_), Err(error)) => Err(error.clone()),
            (Some(_), Ok(second)) => match refusal_of(entry, second) {
                None => Ok(()),
                Some(refusal) => Err(Error::Refused {
                    queue: queue.as_str(),
                    reason: refusal.message.as_ref().unwrap_or(&refusal.code).clone(),
                }),
            },
        };
        entries.iter().map(result).collect()
    }

    async fn request(
        &self,
        queue: QueueName,
        entries: Vec<SendMessageBatchRequestEntry>,
    ) -> Result<SendMessageBatchOutput, Error> {
        self.client
            .send_message_batch()
            .queue_url(self.urls.of(queue))
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| failed(queue, &error))
    }

    /// Puts a message that cannot be handled into a queue's dead-letter queue, with the reason.
    ///
    /// # Errors
    /// The request failed.
    pub async fn bury(&self, buried: Buried<'_>) -> Result<(), Error> {
        let Buried {
            queue,
            id,
            first_id,
            body,
            reason,
        } = buried;
        let fifo = queue.settings().fifo;
        self.client
            .send_message()
            .queue_url(self.urls.dead_letters_of(queue))
            .message_body(body)
            .message_attributes(REASON, text(reason))
            .message_attributes(FIRST_ID, text(first_id))
            .set_message_group_id(fifo.then(|| id.to_owned()))
            .set_message_deduplication_id(fifo.then(|| id.to_owned()))
            .send()
            .await
            .map_err(|error| failed(queue, &error))?;
        Ok(())
    }

    /// Ends a chain that changes nothing: its next message goes to the dead letters. What it was
    /// about is looked at again when it is due.
    async fn stop(&self, outgoing: &Outgoing) -> Result<(), Error> {
        let reason =
            format!("runaway: {MESSAGES_WITHOUT_CHANGE} messages in a row changed nothing");
        tracing::error!(
            queue = outgoing.queue.as_str(),
            group = outgoing.group,
            "{reason}"
        );
        self.bury(Buried {
            queue: outgoing.queue,
            id: outgoing.deduplication_id.as_deref().unwrap_or_default(),
            first_id: &ContentHash::of(&outgoing.body).to_string(),
            body: &outgoing.body,
            reason: &reason,
        })
        .await
    }

    /// Hides a message that was received for so many seconds from now.
    ///
    /// # Errors
    /// The request failed; the message comes back earlier.
    pub async fn hide(&self, queue: QueueName, receipt: &str, seconds: u32) -> Result<(), Error> {
        self.client
            .change_message_visibility()
            .queue_url(self.urls.of(queue))
            .receipt_handle(receipt)
            .visibility_timeout(i32::try_from(seconds).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| failed(queue, &error))?;
        Ok(())
    }
}

/// What an answer says against an entry.
fn refusal_of<'a>(
    entry: &SendMessageBatchRequestEntry,
    answer: &'a SendMessageBatchOutput,
) -> Option<&'a BatchResultErrorEntry> {
    answer.failed.iter().find(|failed| failed.id == entry.id)
}

fn failed<E>(queue: QueueName, error: &SdkError<E>) -> Error
where
    E: std::error::Error + 'static,
{
    Error::Request {
        queue: queue.as_str(),
        reason: DisplayErrorContext(error).to_string(),
    }
}

fn batches(outgoing: Vec<Outgoing>) -> Vec<Vec<Outgoing>> {
    let mut batches: Vec<Vec<Outgoing>> = Vec::new();
    let mut bytes = 0;
    for message in outgoing {
        let size = message.body.len();
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH_ENTRIES && bytes + size <= BATCH_BYTES => {
                bytes += size;
                batch.push(message);
            }
            _ => {
                bytes = size;
                batches.push(vec![message]);
            }
        }
    }
    batches
}

fn entries(batch: Vec<Outgoing>, now: Timestamp) -> Vec<SendMessageBatchRequestEntry> {
    batch
        .into_iter()
        .enumerate()
        .map(|(index, message)| {
            let delay = message
                .due_at
                .map(|due| due.millis_since(now).div_ceil(1000));
            SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(message.body)
                .set_message_group_id(message.group)
                .set_message_deduplication_id(message.deduplication_id)
                .set_delay_seconds(
                    delay.map(|delay| i32::try_from(delay.min(LONGEST_DELAY)).unwrap_or(i32::MAX)),
                )
                .set_message_attributes(attributes(message.due_at, message.first_id.as_deref()))
                .build()
                .expect("an entry has an id and a body")
        })
        .collect()
}

fn attributes(
    due_at: Option<Timestamp>,
    first_id: Option<&str>,
) -> Option<HashMap<String, MessageAttributeValue>> {
    let due_at = due_at.map(|due| (DUE_AT.to_owned(), text(&due.millis().to_string())));
    let first_id = first_id.map(|id| (FIRST_ID.to_owned(), text(id)));
    let all: HashMap<_, _> = due_at.into_iter().chain(first_id).collect();
    Some(all).filter(|all| !all.is_empty())
}

pub(super) fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build()
        .expect("an attribute has a type")
}
