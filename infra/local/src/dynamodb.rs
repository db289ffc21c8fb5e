//! DynamoDB: the wire's operations onto the embedded database, and what they consume.
//!
//! A database in memory takes the process's clock and answers within the caller's own task, so that
//! paused time stands still meanwhile. One in a file syncs to disk: it runs on a blocking thread,
//! one call at a time, which paused time waits for as well. The library lets a file take no clock of
//! ours: its time to live and its streams follow the wall clock there.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use dynoxide::actions::{
    batch_get_item, batch_write_item, delete_item, get_item, put_item, query, scan,
    transact_get_items, transact_write_items, update_item,
};
use dynoxide::types::{
    AttributeValue, ConsumedCapacity, capacity_wanted, item_size, write_capacity_units,
};
use dynoxide::{Database, DynoxideError, Item};
use serde::Serialize;
use serde::de::DeserializeOwned;
use taskmill_aws::clock::Clock;
use tokio::sync::{Notify, broadcast};
use uuid::Uuid;

use crate::meter::{Capacity, Meter};
use crate::wire::Answer;

/// Writes that one who watches may fall behind by before it is told that it missed some.
const WRITES_KEPT: usize = 4096;

/// The tables of one embedded AWS. Clones share them.
#[derive(Clone)]
pub(crate) struct Tables {
    database: Database,
    place: Place,
    watched: Arc<Mutex<HashMap<String, Arc<Notify>>>>,
    writes: broadcast::Sender<Written>,
}

/// An item that was put or updated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The table.
    pub table: String,
    /// The record that the item is of: its `id`.
    pub id: Uuid,
    /// What of the record it is: its `part`.
    pub part: String,
    /// Its size as DynamoDB counts it; of an update, that of its key.
    pub bytes: usize,
}

#[derive(Clone)]
enum Place {
    Memory,
    /// Blocking threads would otherwise pile up at the database's own lock.
    File(Arc<tokio::sync::Mutex<()>>),
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tables")
    }
}

impl Tables {
    pub fn in_memory(clock: Clock) -> Result<Self, DynoxideError> {
        let database = Database::memory_with_clock(Arc::new(DatabaseClock(clock)))?;
        Ok(Self::new(database, Place::Memory))
    }

    pub fn open(file: &Path) -> Result<Self, DynoxideError> {
        let database = Database::new(&file.to_string_lossy())?;
        Ok(Self::new(database, Place::File(Arc::default())))
    }

    fn new(database: Database, place: Place) -> Self {
        Self {
            database,
            place,
            watched: Arc::default(),
            writes: broadcast::Sender::new(WRITES_KEPT),
        }
    }

    /// The same tables for a new process, which nobody watches yet.
    pub fn restarted(&self) -> Self {
        Self::new(self.database.clone(), self.place.clone())
    }

    /// Every item that is put or updated from now on.
    pub fn writes(&self) -> broadcast::Receiver<Written> {
        self.writes.subscribe()
    }

    /// Notified whenever an index of this name is written to.
    pub fn index_writes(&self, index: &str) -> Arc<Notify> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(watched.entry(index.to_owned()).or_default())
    }

    /// Deletes items whose time to live has passed, and says how many.
    pub fn expire(&self) -> Result<usize, DynoxideError> {
        self.database.sweep_ttl()
    }

    pub async fn answer(&self, operation: &str, body: Bytes, meter: &Meter) -> Answer {
        let outcome = match &self.place {
            Place::Memory => run(&self.database, operation, &body),
            Place::File(turn) => {
                let _turn = turn.lock().await;
                let database = self.database.clone();
                let operation = operation.to_owned();
                let call = move || run(&database, &operation, &body);
                let called = tokio::task::spawn_blocking(call).await;
                called.unwrap_or_else(|error| {
                    let message = format!("the database call did not end: {error}");
                    Outcome::refused(&DynoxideError::InternalServerError(message))
                })
            }
        };
        for consumed in &outcome.consumed {
            self.count(consumed, outcome.axis, meter);
        }
        if let Some(write_units) = outcome.failed_condition {
            meter.condition_failed(write_units);
        }
        if let Some(written) = outcome.written {
            // Nobody may be watching.
            let _ = self.writes.send(written);
        }
        outcome.answer
    }

    fn count(&self, consumed: &ConsumedCapacity, axis: Axis, meter: &Meter) {
        let table = &consumed.table_name;
        let of_table = consumed
            .table
            .as_ref()
            .map_or(consumed.capacity_units, |detail| detail.capacity_units);
        meter.consumed(table, axis.capacity(of_table));
        for (index, detail) in consumed.global_secondary_indexes.iter().flatten() {
            let resource = format!("{table}/{index}");
            meter.consumed(&resource, axis.capacity(detail.capacity_units));
            if axis == Axis::Write {
                self.notify(index);
            }
        }
    }

    fn notify(&self, index: &str) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waker) = watched.get(index) {
            waker.notify_one();
        }
    }
}

/// Whether an operation's units are of reads or of writes. The database names one figure for both.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Axis {
    Read,
    Write,
}

impl Axis {
    fn capacity(self, units: f64) -> Capacity {
        match self {
            Self::Read => Capacity {
                read: units,
                write: 0.0,
            },
            Self::Write => Capacity {
                read: 0.0,
                write: units,
            },
        }
    }
}

/// What one call gave and what it cost.
struct Outcome {
    answer: Answer,
    axis: Axis,
    consumed: Vec<ConsumedCapacity>,
    /// Write units of a condition that failed.
    failed_condition: Option<f64>,
    written: Option<Written>,
}

impl Outcome {
    fn free(response: &impl Serialize) -> Result<Self, DynoxideError> {
        Self::metered(response, Axis::Read, Vec::new())
    }

    fn metered(
        response: &impl Serialize,
        axis: Axis,
        consumed: Vec<ConsumedCapacity>,
    ) -> Result<Self, DynoxideError> {
        let json = serde_json::to_vec(response)
            .map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
        Ok(Self {
            answer: Answer::json(200, json),
            axis,
            consumed,
            failed_condition: None,
            written: None,
        })
    }

    fn unknown(operation: &str) -> Self {
        let message = format!("The embedded DynamoDB has no operation {operation}.");
        Self::without_capacity(Answer::unknown_operation(&message))
    }

    fn of_write(self, written: Option<Written>) -> Self {
        Self { written, ..self }
    }

    fn refused(error: &DynoxideError) -> Self {
        Self::without_capacity(Answer::json(error.status_code(), error.to_json()))
    }

    fn without_capacity(answer: Answer) -> Self {
        Self {
            answer,
            axis: Axis::Read,
            consumed: Vec::new(),
            failed_condition: None,
            written: None,
        }
    }
}

impl Written {
    /// None for an item that is no record's.
    fn of(table: &str, item: &Item) -> Option<Self> {
        match (item.get("id"), item.get("part")) {
            (Some(AttributeValue::B(id)), Some(AttributeValue::S(part))) => Some(Self {
                table: table.to_owned(),
                id: Uuid::from_slice(id).ok()?,
                part: part.clone(),
                bytes: item_size(item),
            }),
            _ => None,
        }
    }
}

/// Calls the database, forcing it to report its capacity by index, and leaves the report out of an
/// answer that did not ask for one.
macro_rules! metered {
    ($axis:expr, $request:ident, $call:expr) => {{
        let mode = Some("INDEXES".to_owned());
        let asked = std::mem::replace(&mut $request.return_consumed_capacity, mode);
        let mut response = $call?;
        let consumed = Listed::list(&response.consumed_capacity);
        if !capacity_wanted(asked.as_deref()) {
            response.consumed_capacity = None;
        }
        Outcome::metered(&response, $axis, consumed)
    }};
}

/// Either shape in which a response holds what it consumed.
trait Listed {
    fn list(&self) -> Vec<ConsumedCapacity>;
}

impl Listed for Option<ConsumedCapacity> {
    fn list(&self) -> Vec<ConsumedCapacity> {
        self.iter().cloned().collect()
    }
}

impl Listed for Option<Vec<ConsumedCapacity>> {
    fn list(&self) -> Vec<ConsumedCapacity> {
        self.clone().unwrap_or_default()
    }
}

fn run(database: &Database, operation: &str, body: &[u8]) -> Outcome {
    let mut write = ConditionalWrite::default();
    match dispatch(database, operation, body, &mut write) {
        Ok(outcome) => outcome,
        Err(error) => Outcome {
            failed_condition: write.charged(database, &error),
            ..Outcome::refused(&error)
        },
    }
}

fn dispatch(
    db: &Database,
    operation: &str,
    body: &[u8],
    write: &mut ConditionalWrite,
) -> Result<Outcome, DynoxideError> {
    match operation {
        "GetItem" => {
            let mut request: get_item::GetItemRequest = read(body)?;
            metered!(Axis::Read, request, db.get_item(request))
        }
        "Query" => {
            let mut request: query::QueryRequest = read(body)?;
            metered!(Axis::Read, request, db.query(request))
        }
        "Scan" => {
            let mut request: scan::ScanRequest = read(body)?;
            metered!(Axis::Read, request, db.scan(request))
        }
        "BatchGetItem" => {
            let mut request: batch_get_item::BatchGetItemRequest = read(body)?;
            metered!(Axis::Read, request, db.batch_get_item(request))
        }
        "TransactGetItems" => {
            let mut request: transact_get_items::TransactGetItemsRequest = read(body)?;
            metered!(Axis::Read, request, db.transact_get_items(request))
        }
        "PutItem" => {
            let mut request: put_item::PutItemRequest = read(body)?;
            write.bytes = item_size(&request.item);
            let written = Written::of(&request.table_name, &request.item);
            let put: Result<Outcome, _> = metered!(Axis::Write, request, db.put_item(request));
            put.map(|outcome| outcome.of_write(written))
        }
        "UpdateItem" => {
            let mut request: update_item::UpdateItemRequest = read(body)?;
            write.existing = Some((request.table_name.clone(), request.key.clone()));
            let written = Written::of(&request.table_name, &request.key);
            let put: Result<Outcome, _> = metered!(Axis::Write, request, db.update_item(request));
            put.map(|outcome| outcome.of_write(written))
        }
        "DeleteItem" => {
            let mut request: delete_item::DeleteItemRequest = read(body)?;
            write.existing = Some((request.table_name.clone(), request.key.clone()));
            metered!(Axis::Write, request, db.delete_item(request))
        }
        "BatchWriteItem" => {
            let mut request: batch_write_item::BatchWriteItemRequest = read(body)?;
            metered!(Axis::Write, request, db.batch_write_item(request))
        }
        "TransactWriteItems" => {
            let mut request: transact_write_items::TransactWriteItemsRequest = read(body)?;
            write.transaction = request.transact_items.len();
            metered!(Axis::Write, request, db.transact_write_items(request))
        }
        other => administer(db, other, body),
    }
}

fn administer(db: &Database, operation: &str, body: &[u8]) -> Result<Outcome, DynoxideError> {
    match operation {
        "CreateTable" => Outcome::free(&db.create_table(read(body)?)?),
        "DeleteTable" => Outcome::free(&db.delete_table(read(body)?)?),
        "DescribeTable" => Outcome::free(&db.describe_table(read(body)?)?),
        "ListTables" => Outcome::free(&db.list_tables(read(body)?)?),
        "UpdateTable" => Outcome::free(&db.update_table(read(body)?)?),
        "UpdateTimeToLive" => Outcome::free(&db.update_time_to_live(read(body)?)?),
        "DescribeTimeToLive" => Outcome::free(&db.describe_time_to_live(read(body)?)?),
        other => Ok(Outcome::unknown(other)),
    }
}

/// Reads a request. The library's own readers mark what DynamoDB would call a validation error.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body).map_err(|error| {
        let message = error.to_string();
        let marked = ["VALIDATION_REQUEST:", "VALIDATION_AS_READ:", "VALIDATION:"]
            .into_iter()
            .find_map(|marker| message.strip_prefix(marker));
        match marked {
            Some(message) => DynoxideError::ValidationException(message.to_owned()),
            None => DynoxideError::SerializationException(message),
        }
    })
}

/// What is known of a write's size before its condition fails.
#[derive(Default)]
struct ConditionalWrite {
    /// Bytes of the item that was sent.
    bytes: usize,
    /// The item that is already there.
    existing: Option<(String, Item)>,
    /// Writes of a transaction.
    transaction: usize,
}

impl ConditionalWrite {
    /// The write units that AWS charges if `error` is a condition that failed: for the larger of the
    /// two items, at least one, and two for each write of a transaction.
    fn charged(self, database: &Database, error: &DynoxideError) -> Option<f64> {
        match error {
            DynoxideError::ConditionalCheckFailedException(..) => {
                let found = self.existing.map_or(0, |(table_name, key)| {
                    let request = get_item::GetItemRequest {
                        table_name,
                        key,
                        ..Default::default()
                    };
                    let found = database.get_item(request).ok().and_then(|r| r.item);
                    found.as_ref().map_or(0, item_size)
                });
                Some(write_capacity_units(found.max(self.bytes)).max(1.0))
            }
            DynoxideError::TransactionCanceledException(..) => u32::try_from(self.transaction)
                .ok()
                .map(|n| 2.0 * f64::from(n)),
            _ => None,
        }
    }
}

/// The process's clock, as the database asks for it.
struct DatabaseClock(Clock);

impl dynoxide::storage_backend::Clock for DatabaseClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.0.now().epoch_seconds()).unwrap_or(0)
    }

    fn now_unix_secs_f64(&self) -> f64 {
        Duration::from_millis(u64::try_from(self.0.now().millis()).unwrap_or(0)).as_secs_f64()
    }
}
