//! A closed load: clients that each submit the next piece of work when their last one is done.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use taskmill_local::{Service, Written};
use tokio::sync::Notify;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::cost::{Cost, as_float};
use super::work::{Kind, Work, is_over};
use crate::exit::Error;

/// What is put under load.
#[derive(Debug)]
pub struct Load {
    /// The service.
    pub service: Arc<Service>,
    /// What it is given.
    pub work: Work,
    /// How many clients there are.
    pub concurrency: u16,
}

/// Everything that was measured.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// How many clients there were.
    pub concurrency: u16,
    /// Bytes of each input and output.
    pub payload_bytes: u32,
    /// Whether each write was synced to a file, or went to memory.
    pub kept_on_disk: bool,
    /// Tasks that stand alone.
    pub tasks: Throughput,
    /// Workflows of three steps.
    pub workflows: Throughput,
    /// The most memory that the process had, in bytes; none where the system does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
}

/// What came of one load.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Throughput {
    /// How many were done.
    pub count: u64,
    /// How many a second.
    pub per_second: f64,
    /// Milliseconds from submission to completion: of the middle one.
    pub p50_millis: f64,
    /// Milliseconds from submission to completion: only one in a hundred took longer.
    pub p99_millis: f64,
    /// What each of them used.
    pub cost: Cost,
}

impl Load {
    /// Runs so many to their end.
    ///
    /// # Errors
    /// One was refused, or did not complete.
    pub async fn run(&self, kind: Kind, count: u64) -> Result<Throughput, Error> {
        self.service.until_settled().await;
        let before = self.service.aws().meter().snapshot();
        let endings = Endings::watch(self.service.aws().writes());
        let left = Arc::new(AtomicU64::new(count));
        let began = Instant::now();
        let mut clients = JoinSet::new();
        for _ in 0..self.concurrency {
            let client = Client {
                service: Arc::clone(&self.service),
                work: self.work.clone(),
                endings: endings.waiting.clone(),
                left: Arc::clone(&left),
                kind,
            };
            clients.spawn(client.run());
        }
        let mut times = Vec::new();
        while let Some(ended) = clients.join_next().await {
            // A client that panicked is a bug; the others go on, and the count says so.
            let ended = ended.map_err(|error| Error::Unexpected(error.to_string()))?;
            times.extend(ended?);
        }
        let took = began.elapsed();
        self.service.until_settled().await;
        let usage = self.service.aws().meter().since(&before);
        times.sort();
        Ok(Throughput {
            count,
            per_second: as_float(count) / took.as_secs_f64(),
            p50_millis: percentile(&times, 50),
            p99_millis: percentile(&times, 99),
            cost: Cost::of(&usage, count),
        })
    }
}

/// One client of a closed load.
struct Client {
    service: Arc<Service>,
    work: Work,
    endings: Waiting,
    left: Arc<AtomicU64>,
    kind: Kind,
}

impl Client {
    async fn run(self) -> Result<Vec<Duration>, Error> {
        let mut times = Vec::new();
        while self.takes_one() {
            let began = Instant::now();
            let id = self.work.submit(&self.service, self.kind).await?;
            let written = self.endings.of(id);
            while !is_over(&self.service, self.kind, id).await? {
                written.notified().await;
            }
            self.endings.forget(id);
            times.push(began.elapsed());
        }
        Ok(times)
    }

    fn takes_one(&self) -> bool {
        let less = |left: u64| left.checked_sub(1);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }
}

/// Wakes whoever waits for a record when it is written.
struct Endings {
    waiting: Waiting,
    task: tokio::task::JoinHandle<()>,
}

/// Who waits for which record.
#[derive(Clone, Default)]
struct Waiting(Arc<Mutex<HashMap<Uuid, Arc<Notify>>>>);

impl Endings {
    fn watch(mut writes: Receiver<Written>) -> Self {
        let waiting = Waiting::default();
        let to_wake = waiting.clone();
        let task = tokio::spawn(async move {
            loop {
                match writes.recv().await {
                    Ok(written) => to_wake.wake(written.id),
                    Err(RecvError::Lagged(_)) => to_wake.wake_all(),
                    Err(RecvError::Closed) => return,
                }
            }
        });
        Self { waiting, task }
    }
}

impl Drop for Endings {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Waiting {
    fn of(&self, id: Uuid) -> Arc<Notify> {
        Arc::clone(self.lock().entry(id).or_default())
    }

    fn forget(&self, id: Uuid) {
        self.lock().remove(&id);
    }

    fn wake(&self, id: Uuid) {
        if let Some(waiting) = self.lock().get(&id) {
            waiting.notify_one();
        }
    }

    fn wake_all(&self) {
        self.lock()
            .values()
            .for_each(|waiting| waiting.notify_one());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time, in milliseconds, that so many in a hundred did not exceed. Of none it is 0.
fn percentile(sorted: &[Duration], hundredths: usize) -> f64 {
    let rank = (sorted.len() * hundredths).div_ceil(100).max(1);
    let time = sorted.get(rank - 1).copied().unwrap_or_default();
    time.as_secs_f64() * 1000.0
}

/// The most memory that this process had, where the system says so: Linux's high-water mark.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Lets the peak begin anew, where the system allows that.
pub fn forget_peak_memory() {
    // Elsewhere the peak is that of the whole process, which is told as well.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        let check = |of: &[Duration], hundredths, expected: f64| {
            assert!((percentile(of, hundredths) - expected).abs() < 1e-9);
        };
        check(&times, 50, 100.0);
        check(&times, 99, 198.0);
        check(&times[..1], 99, 1.0);
        check(&[], 50, 0.0);
    }
}
