//! Dead letters: looking at them, and sending them back to the queue that they were on.
//!
//! SQS shows a message only by handing it out. Whoever looks therefore takes one batch after
//! another until nothing new comes, and puts back what is to stay; nobody else sees it meanwhile.
//! When the looker dies, it comes back by itself.
//!
//! A letter is sent to its queue first and deleted after that, so that it is never lost. It may be
//! sent twice, which costs its handler one look at a record.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use aws_sdk_sqs::error::{DisplayErrorContext, SdkError};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, Message as Received, MessageAttributeValue,
    MessageSystemAttributeName,
};
use taskmill::Timestamp;

use crate::queues::route::Outgoing;
use crate::queues::send::{FIRST_ID, REASON, text};
use crate::queues::{Error, QueueName, Queues};
use crate::unique::unique;

/// Letters of one receive, and of one group of an ordered queue that are handed out at one time.
const AT_ONCE: usize = 10;
/// How long a letter stays hidden that nobody puts back, in seconds: longer than it takes to see
/// all that a look shows.
const HELD_SECONDS: i32 = 60;
/// A receive that waits asks every server of the queue, and not some of them.
const WAIT_SECONDS: i32 = 1;
/// Letters of one queue that a look shows.
pub const SHOWN: usize = 1_000;

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The queue that it was on.
    pub queue: QueueName,
    /// The id that SQS gave it.
    pub id: String,
    /// When it was sent: here by who gave it up, or to its queue when SQS moved it.
    pub sent_at: Option<Timestamp>,
    /// Why it is here; unknown when its handler died of it.
    pub reason: Option<String>,
    /// What it carries besides, as far as that is text.
    pub attributes: BTreeMap<String, String>,
    /// The message.
    pub body: String,
}

impl DeadLetter {
    /// What SQS knew the message by before it was ever set aside. What fails again after it was
    /// sent back is another letter, with the same first id.
    #[must_use]
    pub fn first_id(&self) -> &str {
        self.attributes.get(FIRST_ID).unwrap_or(&self.id)
    }
}

/// What a look at the dead letters of a queue showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The letters, the oldest first.
    pub letters: Vec<DeadLetter>,
    /// Whether there may be more: over [`SHOWN`], or behind others of the same group.
    pub more: bool,
}

/// Which letters are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All that there are. What comes back while they are sent is left, and counted.
    All,
    /// Those with these ids.
    Ids(BTreeSet<String>),
}

/// What became of letters that were to be sent back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redriven {
    /// Those that are on their queue again.
    pub sent: Vec<DeadLetter>,
    /// How many were left because they came back after they had been sent.
    pub came_back: usize,
    /// What ended it early. The letter that it was about may be on its queue and here as well.
    pub stopped: Option<Error>,
}

impl Queues {
    /// The dead letters of a queue. They stay where they are.
    ///
    /// # Errors
    /// A request failed.
    pub async fn dead_letters(&self, queue: QueueName) -> Result<Look, Error> {
        let mut visit = Visit::to(self, queue);
        let seen = visit.all().await;
        visit.put_back().await;
        let mut letters: Vec<_> = seen?.into_iter().map(|taken| taken.letter).collect();
        letters.sort_by(|a, b| (a.sent_at, &a.id).cmp(&(b.sent_at, &b.id)));
        Ok(Look {
            more: visit.has_more(),
            letters,
        })
    }

    /// Sends dead letters of a queue back to it, each as it was but for its reason.
    pub async fn redrive(&self, queue: QueueName, which: &Which) -> Redriven {
        let mut visit = Visit::to(self, queue);
        let mut redriven = Redriven::default();
        redriven.stopped = visit.redrive(which, &mut redriven).await.err();
        visit.put_back().await;
        redriven
    }
}

/// A letter in the visitor's hands.
struct Taken {
    letter: DeadLetter,
    group: Option<String>,
    attributes: HashMap<String, MessageAttributeValue>,
    receipt: String,
}

/// A visit to the dead letters of one queue.
struct Visit<'a> {
    queues: &'a Queues,
    queue: QueueName,
    /// The ids of those that were handed out.
    seen: HashSet<String>,
    /// Of these, how many of each group.
    groups: HashMap<String, usize>,
    /// The receipts of those that are to be put back.
    held: Vec<String>,
}

impl<'a> Visit<'a> {
    fn to(queues: &'a Queues, queue: QueueName) -> Self {
        Self {
            queues,
            queue,
            seen: HashSet::new(),
            groups: HashMap::new(),
            held: Vec::new(),
        }
    }

    fn url(&self) -> &'a str {
        self.queues.urls().dead_letters_of(self.queue)
    }

    /// As many letters as a look shows, all of them held.
    async fn all(&mut self) -> Result<Vec<Taken>, Error> {
        let mut all = Vec::new();
        while self.seen.len() < SHOWN {
            let next = self.next().await?;
            if next.is_empty() {
                break;
            }
            self.held
                .extend(next.iter().map(|taken| taken.receipt.clone()));
            all.extend(next);
        }
        Ok(all)
    }

    fn has_more(&self) -> bool {
        let is_full = |count: &usize| *count >= AT_ONCE;
        let of_groups = self.queue.settings().fifo && self.groups.values().any(is_full);
        of_groups || self.seen.len() >= SHOWN
    }

    /// Letters that were not handed out before; none when nothing new comes.
    async fn next(&mut self) -> Result<Vec<Taken>, Error> {
        let received = self
            .queues
            .client()
            .receive_message()
            .queue_url(self.url())
            .max_number_of_messages(10)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .visibility_timeout(HELD_SECONDS)
            .wait_time_seconds(WAIT_SECONDS)
            .send()
            .await
            .map_err(|error| self.failed(&error))?;
        let mut new = Vec::new();
        for message in received.messages.unwrap_or_default() {
            let taken = Taken::of(self.queue, message);
            if self.seen.insert(taken.letter.id.clone()) {
                let group = taken.group.clone().unwrap_or_default();
                *self.groups.entry(group).or_default() += 1;
                new.push(taken);
            } else {
                self.held.push(taken.receipt);
            }
        }
        Ok(new)
    }

    async fn redrive(&mut self, which: &Which, redriven: &mut Redriven) -> Result<(), Error> {
        let mut sent_before = HashSet::new();
        while !is_complete(which, &redriven.sent) {
            let next = self.next().await?;
            if next.is_empty() {
                break;
            }
            let mut next = next.into_iter();
            while let Some(taken) = next.next() {
                let is_meant = match which {
                    Which::All => {
                        let is_new = sent_before.insert(taken.letter.first_id().to_owned());
                        redriven.came_back += usize::from(!is_new);
                        is_new
                    }
                    Which::Ids(ids) => ids.contains(&taken.letter.id),
                };
                if !is_meant {
                    self.held.push(taken.receipt);
                    continue;
                }
                let done = self.send_back(&taken).await;
                if done.is_err() {
                    self.held.extend(next.map(|taken| taken.receipt));
                    return done;
                }
                redriven.sent.push(taken.letter);
            }
        }
        Ok(())
    }

    async fn send_back(&mut self, taken: &Taken) -> Result<(), Error> {
        let sent = self.send(taken).await;
        if sent.is_err() {
            self.held.push(taken.receipt.clone());
            return sent;
        }
        self.delete(taken).await
    }

    /// Sends a letter to its queue. Who gave it up put it here in a group of its own: the one that
    /// it belongs to is that of what it says.
    async fn send(&self, taken: &Taken) -> Result<(), Error> {
        let letter = &taken.letter;
        let group = Outgoing::group_of(&letter.body).or_else(|| taken.group.clone());
        let fifo = self.queue.settings().fifo;
        let mut attributes = taken.attributes.clone();
        attributes.insert(FIRST_ID.to_owned(), text(letter.first_id()));
        self.queues
            .client()
            .send_message()
            .queue_url(self.queues.urls().of(self.queue))
            .message_body(&letter.body)
            .set_message_attributes(Some(attributes))
            .set_message_group_id(group)
            .set_message_deduplication_id(
                fifo.then(|| format!("redrive-{}-{}", letter.id, unique())),
            )
            .send()
            .await
            .map_err(|error| self.failed(&error))?;
        Ok(())
    }

    async fn delete(&self, taken: &Taken) -> Result<(), Error> {
        self.queues
            .client()
            .delete_message()
            .queue_url(self.url())
            .receipt_handle(&taken.receipt)
            .send()
            .await
            .map_err(|error| self.failed(&error))?;
        Ok(())
    }

    /// Lets everybody see again what is held. What cannot be put back comes back by itself.
    async fn put_back(&mut self) {
        for receipts in std::mem::take(&mut self.held).chunks(AT_ONCE) {
            let entries = receipts.iter().enumerate().map(|(index, receipt)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(receipt)
                    .visibility_timeout(0)
                    .build()
                    .expect("an entry has an id and a receipt")
            });
            let put_back = self
                .queues
                .client()
                .change_message_visibility_batch()
                .queue_url(self.url())
                .set_entries(Some(entries.collect()))
                .send();
            if let Err(error) = put_back.await {
                let (queue, error) = (self.queue.as_str(), self.failed(&error));
                tracing::warn!(queue, %error, "dead letters stay hidden for a minute");
            }
        }
    }

    fn failed<E>(&self, error: &SdkError<E>) -> Error
    where
        E: std::error::Error + 'static,
    {
        Error::DeadLetters {
            queue: self.queue.as_str(),
            reason: DisplayErrorContext(error).to_string(),
        }
    }
}

fn is_complete(which: &Which, sent: &[DeadLetter]) -> bool {
    match which {
        Which::All => false,
        Which::Ids(ids) => sent.len() >= ids.len(),
    }
}

impl Taken {
    fn of(queue: QueueName, message: Received) -> Self {
        let system = message.attributes.unwrap_or_default();
        let of_system = |name| system.get(&name).cloned();
        let sent_at = of_system(MessageSystemAttributeName::SentTimestamp);
        let sent_at = sent_at.and_then(|millis| millis.parse().ok());
        let mut attributes = message.message_attributes.unwrap_or_default();
        let reason = attributes.remove(REASON);
        let text = |(name, value): (&String, &MessageAttributeValue)| {
            Some((name.clone(), value.string_value.clone()?))
        };
        Self {
            letter: DeadLetter {
                queue,
                id: message.message_id.unwrap_or_default(),
                sent_at: sent_at.map(Timestamp::from_millis),
                reason: reason.and_then(|reason| reason.string_value),
                attributes: attributes.iter().filter_map(text).collect(),
                body: message.body.unwrap_or_default(),
            },
            group: of_system(MessageSystemAttributeName::MessageGroupId),
            attributes,
            receipt: message.receipt_handle.unwrap_or_default(),
        }
    }
}
