//! The embedded SQS: a service without time of its own, and this shell that gives it the clock and
//! lets long polls wait.
//!
//! Exact where Taskmill relies on SQS: delays, visibility, receive counts, redrive, the locks and
//! order of FIFO groups, deduplication for five minutes, receipt handles, limits and error codes.
//! Left out: encryption, policies, tags, message move tasks, ReceiveRequestAttemptId and the
//! fairness of fair queues, all of which change nothing within one process.

mod api;
mod batch;
mod error;
mod hooks;
mod line;
mod message;
mod queue;
#[cfg(test)]
mod queue_tests;
mod receipt;
mod receive;
mod send;
mod service;
mod settings;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use taskmill::Timestamp;
use taskmill_aws::clock::Clock;
use tokio::sync::Notify;

pub use error::Error;
pub use hooks::{Delivery, Order};
pub(crate) use message::md5_of_body;
pub use message::{DUE_AT, MAX_BYTES};

use service::Service;

/// Actions of SQS that change nothing within one process.
const LEFT_OUT: [&str; 9] = [
    "AddPermission",
    "CancelMessageMoveTask",
    "ListDeadLetterSourceQueues",
    "ListMessageMoveTasks",
    "ListQueueTags",
    "RemovePermission",
    "StartMessageMoveTask",
    "TagQueue",
    "UntagQueue",
];

/// The queues of one process. Clones share them.
#[derive(Debug, Clone)]
pub struct Queues {
    clock: Clock,
    service: Arc<Mutex<Service>>,
    wakers: Arc<Mutex<HashMap<String, Arc<Notify>>>>,
}

/// An answer's JSON, and how many messages a receive got.
#[derive(Debug)]
pub(crate) struct Reply {
    pub json: Vec<u8>,
    pub received: Option<usize>,
}

impl Queues {
    /// A service without queues.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            service: Arc::default(),
            wakers: Arc::default(),
        }
    }

    /// Throws away every message of every queue: what a test does to show that messages are hints.
    pub fn purge_all(&self) {
        self.service().purge_all();
    }

    /// How often messages that are sent from now on are delivered.
    pub fn set_delivery(&self, delivery: Delivery) {
        self.service().set_delivery(delivery);
    }

    /// The order in which messages that become visible from now on are delivered.
    pub fn set_order(&self, order: Order) {
        self.service().set_order(order);
    }

    /// The names of all queues, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.service().names()
    }

    /// Returns when a receive on this queue would find something.
    ///
    /// The pollers of the local mode wait here and not in long polls, so that an idle process makes
    /// no requests, however long its virtual time.
    ///
    /// # Errors
    /// There is no such queue.
    pub async fn until_visible(&self, url: &str) -> Result<(), Error> {
        loop {
            let waker = self.waker(url);
            let changed = waker.notified();
            let next = {
                let mut service = self.service();
                let queue = service.queue(url)?;
                if queue.has_next(self.clock.now()) {
                    return Ok(());
                }
                queue.next_change()
            };
            match next {
                Some(at) => tokio::select! {
                    () = changed => {}
                    () = self.clock.sleep_until(at) => {}
                },
                None => changed.await,
            }
        }
    }

    /// Returns when none of these queues holds a message that is visible or being handled.
    ///
    /// # Errors
    /// There is no such queue.
    pub async fn until_settled(&self, urls: &[&str]) -> Result<(), Error> {
        loop {
            let Some(url) = self.first_busy(urls)? else {
                return Ok(());
            };
            let waker = self.waker(url);
            let changed = waker.notified();
            if self.first_busy(&[url])?.is_some() {
                changed.await;
            }
        }
    }

    fn first_busy<'a>(&self, urls: &[&'a str]) -> Result<Option<&'a str>, Error> {
        let now = self.clock.now();
        let mut service = self.service();
        for url in urls {
            let counts = service.queue(url)?.counts(now);
            if counts.visible > 0 || counts.in_flight > 0 {
                return Ok(Some(*url));
            }
        }
        Ok(None)
    }

    /// Answers one action of the JSON protocol. The URLs in the answer begin with the address that
    /// the client knows this AWS by.
    pub(crate) async fn answer(
        &self,
        action: &str,
        address: &str,
        body: &[u8],
    ) -> Result<Reply, Error> {
        if action == "ReceiveMessage" {
            return self.receive(read(body)?).await;
        }
        let reply = self.act(action, address, body, self.clock.now());
        self.wake();
        reply
    }

    fn act(
        &self,
        action: &str,
        address: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Reply, Error> {
        let mut service = self.service();
        match action {
            "CreateQueue" => reply(&service.create(read(body)?, address, now)?),
            "DeleteQueue" => reply(&service.delete_queue(&read(body)?)?),
            "GetQueueUrl" => reply(&service.url(&read(body)?, address)?),
            "ListQueues" => reply(&service.list(&read(body)?, address)),
            "GetQueueAttributes" => reply(&service.attributes(&read(body)?, now)?),
            "SetQueueAttributes" => reply(&service.set_attributes(&read(body)?, now)?),
            "PurgeQueue" => reply(&service.purge(&read(body)?, now)?),
            "SendMessage" => reply(&service.send(read(body)?, now)?),
            "SendMessageBatch" => reply(&service.send_batch(read(body)?, now)?),
            "DeleteMessage" => reply(&service.delete(&read(body)?, now)?),
            "DeleteMessageBatch" => reply(&service.delete_batch(read(body)?, now)?),
            "ChangeMessageVisibility" => reply(&service.change_visibility(&read(body)?, now)?),
            "ChangeMessageVisibilityBatch" => {
                reply(&service.change_visibility_batch(read(body)?, now)?)
            }
            left_out if LEFT_OUT.contains(&left_out) => Err(Error::UnsupportedOperation(format!(
                "The embedded SQS has no action {left_out}."
            ))),
            other => Err(Error::UnknownOperation(other.to_owned())),
        }
    }

    /// A receive, waiting as long as it asks to while there is nothing.
    async fn receive(&self, request: api::ReceiveMessage) -> Result<Reply, Error> {
        let of_queue = self
            .service()
            .queue(&request.queue_url)?
            .settings
            .receive_wait;
        let wait = receive::wait_seconds(&request, of_queue)?;
        let deadline = self.clock.now().plus_millis(wait * 1000);
        loop {
            let now = self.clock.now();
            let found = self.service().receive(&request, now);
            self.wake();
            let messages = found?;
            let count = messages.messages.len();
            if count > 0 || now >= deadline {
                let received = Some(count);
                return reply(&messages).map(|reply| Reply { received, ..reply });
            }
            tokio::select! {
                visible = self.until_visible(&request.queue_url) => visible?,
                () = self.clock.sleep_until(deadline) => {}
            }
        }
    }

    fn service(&self) -> MutexGuard<'_, Service> {
        // No state is left half changed by a panic: each action is checked before it changes any.
        self.service.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waker(&self, url: &str) -> Arc<Notify> {
        let name = crate::account::queue_name(url);
        let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(wakers.entry(name.to_owned()).or_default())
    }

    fn wake(&self) {
        let changed = self.service().take_changed();
        for name in changed {
            self.waker(&name).notify_waiters();
        }
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| Error::Serialization(error.to_string()))
}

fn reply<T: Serialize>(answer: &T) -> Result<Reply, Error> {
    let json = serde_json::to_vec(answer).map_err(|e| Error::Serialization(e.to_string()))?;
    Ok(Reply {
        json,
        received: None,
    })
}
