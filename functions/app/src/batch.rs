//! Batches of messages, as Lambda's event source for SQS delivers them.
//!
//! A record is done (acknowledged), fails (delivered again), or can never be handled: then it
//! goes to the dead-letter queue at once, with its reason. A record of a newer format is kept
//! for later: a roll-back must not empty live work into dead letters.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};
use futures::future::join_all;
use taskmill_aws::queues::message::Unreadable;
use taskmill_aws::queues::send::FIRST_ID;
use taskmill_aws::queues::{Buried, HANDLER_ATTEMPTS, Message, QueueName, Received};

use crate::app::App;
use crate::refusal::Fault;

/// How long a message of a newer format waits for an upgrade before it is looked at again.
const NEWER_FORMAT_DELAY: u64 = 15 * 60 * 1000;

/// Why a record was not handled.
#[derive(Debug)]
pub(crate) enum Unhandled {
    /// It may work later.
    Fault(Fault),
    /// It never will.
    Never(String),
}

impl From<Fault> for Unhandled {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

macro_rules! faults {
    ($($error:ty),*) => {$(
        impl From<$error> for Unhandled {
            fn from(error: $error) -> Self {
                Self::Fault(error.into())
            }
        }
    )*};
}
faults!(
    taskmill_aws::store::Error,
    taskmill_aws::queues::Error,
    taskmill_aws::payloads::Error
);

/// A record of a batch, read.
pub(crate) struct Record<'a> {
    pub(crate) queue: QueueName,
    pub(crate) raw: &'a SqsMessage,
    pub(crate) message: Message,
    /// Its place in its chain.
    pub(crate) hops: u32,
}

impl Record<'_> {
    pub(crate) fn receive_count(&self) -> u32 {
        attribute(self.raw, "ApproximateReceiveCount")
            .and_then(|count| count.parse().ok())
            .unwrap_or(1)
    }

    pub(crate) fn receipt(&self) -> &str {
        self.raw.receipt_handle.as_deref().unwrap_or_default()
    }
}

/// A system attribute of a message.
pub(crate) fn attribute<'a>(raw: &'a SqsMessage, name: &str) -> Option<&'a str> {
    raw.attributes.get(name).map(String::as_str)
}

/// What SQS first knew a message by: its id, unless it was set aside and sent again.
fn first_id(raw: &SqsMessage) -> &str {
    raw.message_attributes
        .get(FIRST_ID)
        .and_then(|first| first.string_value.as_deref())
        .or(raw.message_id.as_deref())
        .unwrap_or("unknown")
}

/// Which queue a record came from, by the end of its ARN; none for one of no queue of ours.
fn queue_of(app: &App, raw: &SqsMessage) -> Option<QueueName> {
    let name = raw.event_source_arn.as_deref()?.rsplit(':').next()?;
    let urls = app.queues().urls();
    QueueName::ALL
        .into_iter()
        .find(|queue| urls.of(*queue).rsplit('/').next() == Some(name))
}

/// Reads the records of a batch. Those that cannot be read are put where they belong; when even
/// that fails they fail.
pub(crate) async fn read<'a>(
    app: &App,
    expected: QueueName,
    records: &'a [SqsMessage],
    failures: &mut Failures,
) -> Vec<Record<'a>> {
    let mut readable = Vec::new();
    for raw in records {
        let queue = queue_of(app, raw).unwrap_or(expected);
        match Received::from_body(raw.body.as_deref().unwrap_or_default()) {
            Ok(Received { message, hops }) => readable.push(Record {
                queue,
                raw,
                message,
                hops,
            }),
            Err(unreadable) => {
                let stored = put_aside(app, queue, raw, &unreadable).await;
                failures.note(raw, stored);
            }
        }
    }
    readable
}

async fn put_aside(
    app: &App,
    queue: QueueName,
    raw: &SqsMessage,
    unreadable: &Unreadable,
) -> Result<(), Fault> {
    match unreadable {
        Unreadable::Newer(format) => {
            tracing::warn!(format, "a message of a newer format waits for an upgrade");
            let later = Message::Later {
                due_at: app.now().plus_millis(NEWER_FORMAT_DELAY),
                then: Box::new(Message::Unread {
                    queue,
                    group: attribute(raw, "MessageGroupId").map(str::to_owned),
                    first_id: Some(first_id(raw).to_owned()),
                    body: raw.body.clone().unwrap_or_default(),
                }),
            };
            Ok(app.queues().send(&[later]).await?)
        }
        Unreadable::Malformed(_) => bury(app, queue, raw, &unreadable.to_string()).await,
    }
}

async fn bury(app: &App, queue: QueueName, raw: &SqsMessage, reason: &str) -> Result<(), Fault> {
    tracing::error!(
        queue = queue.as_str(),
        reason,
        "a message goes to the dead letters"
    );
    let buried = Buried {
        queue,
        id: raw.message_id.as_deref().unwrap_or("unknown"),
        first_id: first_id(raw),
        body: raw.body.as_deref().unwrap_or_default(),
        reason,
    };
    Ok(app.queues().bury(buried).await?)
}

/// Settles a record by what became of it: done, to be delivered again, or buried.
pub(crate) async fn settle(
    app: &App,
    record: &Record<'_>,
    result: Result<(), Unhandled>,
) -> Result<(), Fault> {
    match result {
        Ok(()) => Ok(()),
        Err(Unhandled::Never(reason)) => bury(app, record.queue, record.raw, &reason).await,
        Err(Unhandled::Fault(fault)) if record.receive_count() >= HANDLER_ATTEMPTS => {
            let reason = format!(
                "failed {HANDLER_ATTEMPTS} times, at last: {}",
                chain(&fault)
            );
            bury(app, record.queue, record.raw, &reason).await
        }
        Err(Unhandled::Fault(fault)) => {
            tracing::warn!(queue = record.queue.as_str(), error = %chain(&fault), "a message is to be delivered again");
            Err(fault)
        }
    }
}

/// An error and its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Handles every record of a batch by itself, side by side.
pub(crate) async fn each<F>(
    app: &App,
    expected: QueueName,
    records: &[SqsMessage],
    handle: impl Fn(App, Message, RecordFacts) -> F,
) -> SqsBatchResponse
where
    F: Future<Output = Result<(), Unhandled>>,
{
    let mut failures = Failures::default();
    let readable = read(app, expected, records, &mut failures).await;
    let handled = readable.iter().map(|record| async {
        let facts = RecordFacts {
            queue: record.queue,
            first_id: first_id(record.raw).to_owned(),
            receipt: record.receipt().to_owned(),
            receive_count: record.receive_count(),
        };
        let app_of_record = app.in_chain(record.hops);
        let result = handle(app_of_record, record.message.clone(), facts).await;
        (record.raw, settle(app, record, result).await)
    });
    for (raw, settled) in join_all(handled).await {
        failures.note(raw, settled);
    }
    failures.into_response()
}

/// What a handler may need to know of a record besides its message.
#[derive(Debug, Clone)]
pub(crate) struct RecordFacts {
    pub(crate) queue: QueueName,
    /// What SQS first knew the message by, however often it was set aside and sent again.
    pub(crate) first_id: String,
    pub(crate) receipt: String,
    pub(crate) receive_count: u32,
}

/// The records that are to be delivered again.
#[derive(Debug, Default)]
pub(crate) struct Failures(Vec<BatchItemFailure>);

impl Failures {
    pub(crate) fn note(&mut self, raw: &SqsMessage, settled: Result<(), Fault>) {
        if settled.is_err() {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = raw.message_id.clone().unwrap_or_default();
            self.0.push(failure);
        }
    }

    pub(crate) fn into_response(self) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        response.batch_item_failures = self.0;
        response
    }
}

/// A message on a queue that it does not belong to.
pub(crate) fn misplaced(queue: QueueName) -> Unhandled {
    Unhandled::Never(format!(
        "the queue {} does not carry messages of this kind",
        queue.as_str()
    ))
}
