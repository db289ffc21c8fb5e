//! All queues of one account and what each action does to them, without waiting.
//!
//! A long poll is the shell's: here a receive answers at once with what there is.

use std::collections::{BTreeMap, BTreeSet};

use taskmill::Timestamp;
use uuid::Uuid;

use super::api::{
    Batch, ChangeMessageVisibility, CreateQueue, DeleteMessage, GetQueueAttributes, GetQueueUrl,
    Handle, ListQueues, Messages, Nothing, OneQueue, QueueAttributes, QueueUrl, QueueUrls,
    ReceiveMessage, SendMessage, SetQueueAttributes, Visibility,
};
use super::batch;
use super::error::{Error, invalid};
use super::hooks::{Delivery, Hooks, Order};
use super::queue::{Queue, Received};
use super::settings::{Given, Kind, Settings};
use super::{receive, send};
use crate::account;

/// Milliseconds between two purges of a queue.
const PURGE_MILLIS: u64 = 60_000;

/// The queues of one account.
#[derive(Debug, Default)]
pub(super) struct Service {
    queues: BTreeMap<String, Queue>,
    delivery: Delivery,
    order: Order,
    drawn_ids: u128,
    /// Queues in which something may have become visible since this was last taken.
    changed: BTreeSet<String>,
}

impl Service {
    pub fn set_delivery(&mut self, delivery: Delivery) {
        self.delivery = delivery;
        self.hook_all();
    }

    pub fn set_order(&mut self, order: Order) {
        self.order = order;
        self.hook_all();
    }

    pub fn purge_all(&mut self) {
        self.queues.values_mut().for_each(Queue::purge);
    }

    pub fn take_changed(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.changed)
    }

    /// The queue that a URL names.
    pub fn queue(&mut self, url: &str) -> Result<&mut Queue, Error> {
        let name = account::queue_name(url);
        self.queues.get_mut(name).ok_or(Error::QueueDoesNotExist)
    }

    /// The same, for an action that may change what becomes visible in it, and when.
    fn touch(&mut self, url: &str) -> Result<&mut Queue, Error> {
        let name = account::queue_name(url);
        let queue = self.queues.get_mut(name).ok_or(Error::QueueDoesNotExist)?;
        self.changed.insert(name.to_owned());
        Ok(queue)
    }

    pub fn names(&self) -> Vec<String> {
        self.queues.keys().cloned().collect()
    }

    pub fn create(
        &mut self,
        request: CreateQueue,
        address: &str,
        now: Timestamp,
    ) -> Result<QueueUrl, Error> {
        let CreateQueue {
            queue_name,
            attributes,
        } = request;
        if let Some(existing) = self.queues.get(&queue_name) {
            if let Some(attribute) = existing.settings.conflict(&queue_name, &attributes)? {
                return Err(Error::QueueNameExists { attribute });
            }
        } else {
            let settings = Settings::of_queue(&queue_name, &attributes)?;
            self.check_redrive(&settings)?;
            let queue = Queue::new(queue_name.clone(), settings, self.hooks(), now);
            self.queues.insert(queue_name.clone(), queue);
        }
        Ok(QueueUrl {
            queue_url: account::queue_url(address, &queue_name),
        })
    }

    pub fn delete_queue(&mut self, request: &OneQueue) -> Result<Nothing, Error> {
        let name = account::queue_name(&request.queue_url);
        match self.queues.remove(name) {
            Some(_) => Ok(Nothing {}),
            None => Err(Error::QueueDoesNotExist),
        }
    }

    pub fn url(&self, request: &GetQueueUrl, address: &str) -> Result<QueueUrl, Error> {
        if !self.queues.contains_key(&request.queue_name) {
            return Err(Error::QueueDoesNotExist);
        }
        Ok(QueueUrl {
            queue_url: account::queue_url(address, &request.queue_name),
        })
    }

    pub fn list(&self, request: &ListQueues, address: &str) -> QueueUrls {
        let after = request.next_token.as_deref().unwrap_or_default();
        let most = request.max_results.unwrap_or(1000).clamp(1, 1000);
        let mut names = self
            .queues
            .keys()
            .filter(|name| name.starts_with(&request.queue_name_prefix))
            .filter(|name| name.as_str() > after);
        let page: Vec<&String> = names.by_ref().take(most).collect();
        let more = names.next().is_some() && request.max_results.is_some();
        QueueUrls {
            queue_urls: page
                .iter()
                .map(|name| account::queue_url(address, name))
                .collect(),
            next_token: page.last().filter(|_| more).map(|name| (*name).clone()),
        }
    }

    pub fn attributes(
        &mut self,
        request: &GetQueueAttributes,
        now: Timestamp,
    ) -> Result<QueueAttributes, Error> {
        let described = describe(self.queue(&request.queue_url)?, now);
        let asked = &request.attribute_names;
        let all = asked.iter().any(|name| name == "All");
        let attributes = described
            .into_iter()
            .filter(|(name, _)| all || asked.contains(name))
            .collect();
        Ok(QueueAttributes { attributes })
    }

    pub fn set_attributes(
        &mut self,
        request: &SetQueueAttributes,
        now: Timestamp,
    ) -> Result<Nothing, Error> {
        let queue = self.queue(&request.queue_url)?;
        let settings = queue.settings.changed(&queue.name, &request.attributes)?;
        self.check_redrive(&settings)?;
        let queue = self.queue(&request.queue_url)?;
        queue.settings = settings;
        queue.modified = now;
        Ok(Nothing {})
    }

    pub fn purge(&mut self, request: &OneQueue, now: Timestamp) -> Result<Nothing, Error> {
        let queue = self.queue(&request.queue_url)?;
        let lately = |at: Timestamp| now.millis_since(at) < PURGE_MILLIS;
        if queue.purged.is_some_and(lately) {
            return Err(Error::PurgeQueueInProgress(queue.name.clone()));
        }
        queue.purged = Some(now);
        queue.purge();
        Ok(Nothing {})
    }

    pub fn send(
        &mut self,
        request: SendMessage,
        now: Timestamp,
    ) -> Result<super::api::SentMessage, Error> {
        let id = self.draw_id(now);
        send::send(self.touch(&request.queue_url)?, request.content, id, now)
    }

    pub fn send_batch(
        &mut self,
        request: Batch<super::api::Content>,
        now: Timestamp,
    ) -> Result<super::api::BatchAnswer<super::api::SentMessage>, Error> {
        self.queue(&request.queue_url)?;
        batch::check(&request.entries)?;
        send::check_total(&request.entries)?;
        Ok(batch::each(request.entries, |content| {
            let id = self.draw_id(now);
            send::send(self.touch(&request.queue_url)?, content, id, now)
        }))
    }

    /// What a receive gets at this moment. Messages that were received too often move to their
    /// dead-letter queue instead.
    pub fn receive(&mut self, request: &ReceiveMessage, now: Timestamp) -> Result<Messages, Error> {
        let asked = receive::Asked::of(request)?;
        let queue = self.queue(&request.queue_url)?;
        let visibility = asked
            .visibility_timeout
            .unwrap_or(queue.settings.visibility_timeout);
        let Received {
            delivered,
            given_up,
        } = queue.receive(asked.most, visibility, now)?;
        let from = queue.name.clone();
        let target = queue.settings.redrive.as_ref().map(|r| r.target.clone());
        if !delivered.is_empty() {
            self.changed.insert(from.clone());
        }
        let dead_letters = target.and_then(|name| Some((self.queues.get_mut(&name)?, name)));
        if let Some((dead_letters, name)) = dead_letters.filter(|_| !given_up.is_empty()) {
            for mut message in given_up {
                message.dead_from = Some(account::queue_arn(&from));
                dead_letters.take_over(message, now);
            }
            self.changed.insert(name);
        }
        let messages = delivered
            .into_iter()
            .map(|delivered| asked.show(&from, delivered))
            .collect();
        Ok(Messages { messages })
    }

    pub fn delete(&mut self, request: &DeleteMessage, now: Timestamp) -> Result<Nothing, Error> {
        let queue = self.touch(&request.queue_url)?;
        queue.delete(&request.handle.receipt_handle, now)?;
        Ok(Nothing {})
    }

    pub fn delete_batch(
        &mut self,
        request: Batch<Handle>,
        now: Timestamp,
    ) -> Result<super::api::BatchAnswer<Nothing>, Error> {
        let queue = self.touch(&request.queue_url)?;
        batch::check(&request.entries)?;
        Ok(batch::each(request.entries, |handle| {
            queue.delete(&handle.receipt_handle, now)?;
            Ok(Nothing {})
        }))
    }

    pub fn change_visibility(
        &mut self,
        request: &ChangeMessageVisibility,
        now: Timestamp,
    ) -> Result<Nothing, Error> {
        let queue = self.touch(&request.queue_url)?;
        change(queue, &request.change, now)
    }

    pub fn change_visibility_batch(
        &mut self,
        request: Batch<Visibility>,
        now: Timestamp,
    ) -> Result<super::api::BatchAnswer<Nothing>, Error> {
        let queue = self.touch(&request.queue_url)?;
        batch::check(&request.entries)?;
        Ok(batch::each(request.entries, |visibility| {
            change(queue, &visibility, now)
        }))
    }

    fn check_redrive(&self, settings: &Settings) -> Result<(), Error> {
        let Some(redrive) = &settings.redrive else {
            return Ok(());
        };
        let target = self.queues.get(&redrive.target).ok_or_else(|| {
            invalid(
                "RedrivePolicy",
                &redrive.target,
                "Dead letter target does not exist.",
            )
        })?;
        let is_fifo = |kind| matches!(kind, Kind::Fifo { .. });
        if is_fifo(target.settings.kind) == is_fifo(settings.kind) {
            Ok(())
        } else {
            Err(invalid(
                "RedrivePolicy",
                &redrive.target,
                "Dead-letter queue must be same type of queue as the source.",
            ))
        }
    }

    /// Ids need to differ, not to be guessed at: a counter under the time keeps a run repeatable.
    fn draw_id(&mut self, now: Timestamp) -> Uuid {
        self.drawn_ids += 1;
        let name = format!("{} {}", now.millis(), self.drawn_ids);
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
    }

    fn hooks(&self) -> Hooks {
        Hooks::new(self.delivery, self.order)
    }

    fn hook_all(&mut self) {
        let hooks = self.hooks();
        self.queues
            .values_mut()
            .for_each(|queue| queue.hook(hooks.clone()));
    }
}

fn change(queue: &mut Queue, change: &Visibility, now: Timestamp) -> Result<Nothing, Error> {
    let asked = change
        .visibility_timeout
        .ok_or(Error::MissingParameter("VisibilityTimeout"))?;
    let seconds = receive::in_range("VisibilityTimeout", asked, 0, 43_200)?;
    queue.change_visibility(&change.receipt_handle, seconds, now)?;
    Ok(Nothing {})
}

fn describe(queue: &mut Queue, now: Timestamp) -> Given {
    let counts = queue.counts(now);
    let mut all = queue.settings.described();
    let own = [
        ("QueueArn", account::queue_arn(&queue.name)),
        (
            "CreatedTimestamp",
            queue.created.epoch_seconds().to_string(),
        ),
        (
            "LastModifiedTimestamp",
            queue.modified.epoch_seconds().to_string(),
        ),
        ("ApproximateNumberOfMessages", counts.visible.to_string()),
        (
            "ApproximateNumberOfMessagesNotVisible",
            counts.in_flight.to_string(),
        ),
        (
            "ApproximateNumberOfMessagesDelayed",
            counts.delayed.to_string(),
        ),
    ];
    all.extend(own.map(|(name, value)| (name.to_owned(), value)));
    all
}
