//! The loop: polling while there is room, and stopping in peace.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::attempt::Attempt;
use crate::client::{Client, MOST, Offer};
use crate::pause::Pauses;
use crate::task::{Failure, Task};

/// How long what is under way may go on after the wish to stop, unless somebody says.
const GRACE: Duration = Duration::from_secs(30);

/// A worker: as many handlers side by side as it has room for.
#[derive(Debug, Clone)]
pub struct Worker {
    client: Client,
    name: String,
    concurrency: usize,
    grace: Duration,
}

impl Worker {
    /// A worker that does one task after another, under a name that no other has.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            name: format!("{}-{:016x}", std::process::id(), fastrand::u64(..)),
            concurrency: 1,
            grace: GRACE,
        }
    }

    /// The worker when it does so many tasks at once; at least one.
    #[must_use]
    pub fn concurrency(mut self, tasks: usize) -> Self {
        self.concurrency = tasks.max(1);
        self
    }

    /// The worker when what is under way may go on for so long after the wish to stop. What does
    /// not end by then is given back.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Takes and does tasks, until `stop` is over and nothing is under way. Whatever the service
    /// says or does not say meanwhile, the worker asks again, with growing pauses.
    pub async fn run<H, F>(self, handler: H, stop: impl Future<Output = ()>)
    where
        H: Fn(Task) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Value, Failure>> + Send + 'static,
    {
        let mut under_way = JoinSet::new();
        let (ending, ended) = tokio::sync::watch::channel(false);
        tokio::select! {
            never = self.take(&handler, &mut under_way, &ended) => match never {},
            () = stop => {}
        }
        tracing::info!(
            under_way = under_way.len(),
            "the worker takes no more tasks"
        );
        let all_ended = async { while under_way.join_next().await.is_some() {} };
        if tokio::time::timeout(self.grace, all_ended).await.is_ok() {
            return;
        }
        // Nobody is left to listen when all of them have just ended.
        let _ = ending.send(true);
        while under_way.join_next().await.is_some() {}
    }

    /// Polls while there is room, and begins what is offered.
    async fn take<H, F>(
        &self,
        handler: &H,
        under_way: &mut JoinSet<()>,
        ended: &tokio::sync::watch::Receiver<bool>,
    ) -> std::convert::Infallible
    where
        H: Fn(Task) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Value, Failure>> + Send + 'static,
    {
        let room = Arc::new(Semaphore::new(self.concurrency));
        let mut pauses = Pauses::default();
        loop {
            let first = room.clone().acquire_owned().await;
            let mut places: Vec<OwnedSemaphorePermit> = first.into_iter().collect();
            while places.len() < MOST
                && let Ok(place) = room.clone().try_acquire_owned()
            {
                places.push(place);
            }
            while under_way.try_join_next().is_some() {}
            match self.client.poll(places.len()).await {
                Ok(offers) => {
                    pauses.over();
                    for (offer, place) in offers.into_iter().zip(places) {
                        let (worker, handler) = (self.clone(), handler.clone());
                        let ended = ended.clone();
                        under_way.spawn(async move {
                            worker.attempt(handler, &offer, ended).await;
                            drop(place);
                        });
                    }
                }
                Err(error) => {
                    drop(places);
                    tracing::warn!(%error, "the worker cannot poll");
                    pauses.wait().await;
                }
            }
        }
    }

    /// Begins what was offered and sees it through. What cannot be begun is offered again.
    async fn attempt<H, F>(
        &self,
        handler: H,
        offer: &Offer,
        mut ended: tokio::sync::watch::Receiver<bool>,
    ) where
        H: Fn(Task) -> F,
        F: Future<Output = Result<Value, Failure>> + Send + 'static,
    {
        let task = match self.client.start(&self.name, offer).await {
            Ok(task) => task,
            Err(error) => {
                tracing::debug!(task.id = offer.task_id, %error, "a task was not begun");
                return;
            }
        };
        let attempt = Attempt {
            client: self.client.clone(),
            worker: self.name.clone(),
            task: task.clone(),
        };
        let handling = tokio::spawn(handler(task));
        let stopping = pin!(async { drop(ended.wait_for(|ended| *ended).await) });
        tokio::select! {
            () = attempt.see_through(handling) => {}
            () = stopping => attempt.give_back().await,
        }
    }
}
