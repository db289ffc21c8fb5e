//! What a run would have cost: requests, capacity units and invocations, counted as AWS bills them.
//!
//! DynamoDB's units are those that the database returns for the table and each index. It returns
//! none for a failed condition, which AWS charges all the same: those are counted apart, at the size
//! of the larger of the item found and the item sent, where one is known.

use std::collections::BTreeMap;
use std::ops::{Add, AddAssign, Sub};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// SQS bills a request once for every 64 KiB of payload.
const SQS_CHUNK: usize = 64 * 1024;

/// Counts for one embedded AWS. Clones count into the same totals.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Usage>>);

/// Totals since the meter began, or between two snapshots.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Requests by service and operation, such as `sqs.SendMessage`.
    pub requests: BTreeMap<String, u64>,
    /// Capacity units by table, and by `table/index`.
    pub capacity: BTreeMap<String, Capacity>,
    /// Conditional writes that were refused: not in `capacity`.
    pub failed_conditions: FailedConditions,
    /// SQS requests as billed: in chunks of 64 KiB.
    pub sqs_billed: u64,
    /// Those of them that were to FIFO queues, whose price is another.
    pub sqs_billed_fifo: u64,
    /// Receives, among `requests`, that got nothing.
    pub empty_receives: u64,
    /// Those of them that were to FIFO queues.
    pub empty_receives_fifo: u64,
    /// What the event sources invoked, by queue name.
    pub invocations: BTreeMap<String, Invocations>,
}

/// Capacity units, of reads and of writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Capacity {
    /// Read units, in halves.
    pub read: f64,
    /// Write units.
    pub write: f64,
}

/// Conditional writes that were refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedConditions {
    /// How many.
    pub count: u64,
    /// The write units that AWS would charge for them, estimated.
    pub write_units: f64,
}

/// What a queue's requests are billed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueKind {
    Standard,
    Fifo,
}

/// What one event source did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocations {
    /// Invocations of the handler.
    pub count: u64,
    /// Records handed to it.
    pub records: u64,
    /// Records that it did not finish, and that are delivered again.
    pub failed_records: u64,
    /// Invocations that ended in a panic.
    pub panics: u64,
}

impl Meter {
    /// The totals so far.
    #[must_use]
    pub fn snapshot(&self) -> Usage {
        self.lock().clone()
    }

    /// The totals since an earlier snapshot of this meter.
    #[must_use]
    pub fn since(&self, earlier: &Usage) -> Usage {
        self.snapshot().since(earlier)
    }

    /// Counts one invocation of a queue's handler.
    pub fn invoked(&self, queue: &str, invocation: Invocations) {
        let mut usage = self.lock();
        *usage.invocations.entry(queue.to_owned()).or_default() += invocation;
    }

    pub(crate) fn requested(&self, name: &str) {
        let mut usage = self.lock();
        *usage.requests.entry(name.to_owned()).or_default() += 1;
    }

    pub(crate) fn consumed(&self, resource: &str, capacity: Capacity) {
        let mut usage = self.lock();
        *usage.capacity.entry(resource.to_owned()).or_default() += capacity;
    }

    pub(crate) fn condition_failed(&self, write_units: f64) {
        let mut usage = self.lock();
        usage.failed_conditions.count += 1;
        usage.failed_conditions.write_units += write_units;
    }

    /// Counts a request of so many bytes. To be called before it is made: whoever its effect
    /// wakes may look at the counts.
    pub(crate) fn sqs_request(&self, kind: QueueKind, bytes: usize) {
        self.sqs_chunks(kind, chunks(bytes));
    }

    /// Counts what an answer adds to a request that was counted: the larger of the two is billed.
    pub(crate) fn sqs_answer(&self, kind: QueueKind, request: usize, answer: usize) {
        self.sqs_chunks(kind, chunks(answer).saturating_sub(chunks(request)));
    }

    pub(crate) fn received_nothing(&self, kind: QueueKind) {
        let mut usage = self.lock();
        usage.empty_receives += 1;
        match kind {
            QueueKind::Standard => {}
            QueueKind::Fifo => usage.empty_receives_fifo += 1,
        }
    }

    fn sqs_chunks(&self, kind: QueueKind, chunks: u64) {
        let mut usage = self.lock();
        usage.sqs_billed += chunks;
        match kind {
            QueueKind::Standard => {}
            QueueKind::Fifo => usage.sqs_billed_fifo += chunks,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Usage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Usage {
    /// These totals less those of an earlier snapshot. What did not change is left out.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            requests: less(&self.requests, &earlier.requests),
            capacity: less(&self.capacity, &earlier.capacity),
            failed_conditions: FailedConditions {
                count: self.failed_conditions.count - earlier.failed_conditions.count,
                write_units: self.failed_conditions.write_units
                    - earlier.failed_conditions.write_units,
            },
            sqs_billed: self.sqs_billed - earlier.sqs_billed,
            sqs_billed_fifo: self.sqs_billed_fifo - earlier.sqs_billed_fifo,
            empty_receives: self.empty_receives - earlier.empty_receives,
            empty_receives_fifo: self.empty_receives_fifo - earlier.empty_receives_fifo,
            invocations: less(&self.invocations, &earlier.invocations),
        }
    }

    /// Capacity of one table and all its indexes.
    #[must_use]
    pub fn of_table(&self, table: &str) -> Capacity {
        let is_of_table = |resource: &str| {
            let rest = resource.strip_prefix(table);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.sum(is_of_table)
    }

    /// Capacity of all tables and indexes.
    #[must_use]
    pub fn total_capacity(&self) -> Capacity {
        self.sum(|_| true)
    }

    /// Requests of one service (`sqs`, `dynamodb`, `s3`), empty receives included.
    #[must_use]
    pub fn requests_of(&self, service: &str) -> u64 {
        let of_service = |name: &str| name.split('.').next() == Some(service);
        self.requests
            .iter()
            .filter(|(name, _)| of_service(name))
            .map(|(_, count)| count)
            .sum()
    }

    fn sum(&self, counts: impl Fn(&str) -> bool) -> Capacity {
        self.capacity
            .iter()
            .filter(|(resource, _)| counts(resource))
            .fold(Capacity::default(), |sum, (_, capacity)| sum + *capacity)
    }
}

fn chunks(bytes: usize) -> u64 {
    bytes.div_ceil(SQS_CHUNK).max(1) as u64
}

fn less<V>(now: &BTreeMap<String, V>, earlier: &BTreeMap<String, V>) -> BTreeMap<String, V>
where
    V: Copy + Default + PartialEq + Sub<Output = V>,
{
    now.iter()
        .map(|(key, value)| {
            let before = earlier.get(key).copied().unwrap_or_default();
            (key.clone(), *value - before)
        })
        .filter(|(_, left)| *left != V::default())
        .collect()
}

impl Add for Capacity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            read: self.read + other.read,
            write: self.write + other.write,
        }
    }
}

impl AddAssign for Capacity {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Capacity {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            read: self.read - other.read,
            write: self.write - other.write,
        }
    }
}

impl AddAssign for Invocations {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.records += other.records;
        self.failed_records += other.failed_records;
        self.panics += other.panics;
    }
}

impl Sub for Invocations {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            count: self.count - other.count,
            records: self.records - other.records,
            failed_records: self.failed_records - other.failed_records,
            panics: self.panics - other.panics,
        }
    }
}
