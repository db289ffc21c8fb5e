//! Records that are one item, of kinds that are few: a document as JSON, under a version.
//!
//! They stand in the table of workflows, whose indexes list what is due and what a tenant has, so
//! that neither takes a table or an index of its own. Golden items in the tests pin the format.
//!
//! | attribute | |
//! |---|---|
//! | `id`, `part` | the record's own id, and its kind |
//! | `v`, `b` | the version, and the document |
//! | `sb`, `at` | in lists: tenant, kind and shard, and the creation |
//! | `ds`, `da` | while it is due: shard and due time |
//! | `ttl` | once it is to be forgotten: when, in epoch seconds |

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnValuesOnConditionCheckFailure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use taskmill::Timestamp;
use taskmill::ids::TenantId;
use uuid::Uuid;

use super::codec::{Item, Reader, Writer, key, number};
use super::json::json_text;
use super::keys::{open_bucket, shard_of};
use super::pages::{DateRange, IndexQuery, Page, PageRequest, page, record_of};
use super::parts::BODY;
use super::{Created, Error, Store, batch};
use crate::tables::STATUS_INDEX;

/// A kind of record that is one item.
pub(super) trait Single: Serialize + DeserializeOwned {
    /// The part that its item is called.
    const PART: &'static str;
    /// The word of its kind in keys of lists.
    const WORD: &'static str;

    fn id(&self) -> Uuid;
    fn tenant(&self) -> &TenantId;
    fn version(&self) -> u64;
    fn created_at(&self) -> Timestamp;
    fn due_at(&self) -> Option<Timestamp>;
    /// When it is forgotten.
    fn expires_at(&self) -> Option<Timestamp>;
    /// Whether lists show it.
    fn is_listed(&self) -> bool;
}

/// What errors call a record.
fn name_of<T: Single>(id: Uuid) -> String {
    format!("{} {id}", T::PART)
}

fn encode<T: Single>(store: &Store, record: &T) -> Item {
    let id = record.id();
    let mut item = Writer::new(key(id, T::PART));
    item.set("v", number(record.version()));
    item.text(BODY, json_text(record));
    if record.is_listed() {
        let shard = shard_of(id, store.shards.status);
        item.text("sb", open_bucket(record.tenant(), T::WORD, shard));
        item.set("at", number(record.created_at().millis()));
    }
    if let Some(due) = record.due_at() {
        item.set("ds", number(shard_of(id, store.shards.due)));
        item.set("da", number(due.millis()));
    }
    if let Some(expires) = record.expires_at() {
        item.set("ttl", number(expires.epoch_seconds()));
    }
    item.finish()
}

fn decode<T: Single>(item: &Item) -> Result<T, Error> {
    let id = record_of(item, STATUS_INDEX)?;
    let name = name_of::<T>(id);
    let read = Reader::new(item, &name);
    read.opt_json(BODY)?
        .ok_or_else(|| read.corrupt("it has no document"))
}

/// The record of this id; none when there is none.
pub(super) async fn get<T: Single>(store: &Store, id: Uuid) -> Result<Option<T>, Error> {
    let answer = store
        .client
        .get_item()
        .table_name(&store.tables.workflows)
        .consistent_read(true)
        .set_key(Some(key(id, T::PART)))
        .send()
        .await
        .map_err(|error| Error::aws("GetItem", error))?;
    answer.item.as_ref().map(decode).transpose()
}

/// Writes a new record, unless one of its id is there.
pub(super) async fn create<T: Single>(store: &Store, record: &T) -> Result<Created, Error> {
    match put(store, record, None).await {
        Ok(()) => Ok(Created::New),
        Err(error) if error.is_version_conflict() => Ok(Created::Exists),
        Err(error) => Err(error),
    }
}

/// Replaces a record by what it became, if it is in the version before.
pub(super) async fn replace<T: Single>(store: &Store, after: &T) -> Result<(), Error> {
    put(store, after, Some(after.version().saturating_sub(1))).await
}

async fn put<T: Single>(store: &Store, record: &T, before: Option<u64>) -> Result<(), Error> {
    let item = encode(store, record);
    let put = store
        .client
        .put_item()
        .table_name(&store.tables.workflows)
        .set_item(Some(item.clone()));
    let put = match before {
        None => put.condition_expression("attribute_not_exists(id)"),
        Some(version) => put
            .condition_expression("v = :before")
            .expression_attribute_values(":before", number(version)),
    };
    let put = put
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await;
    let Err(error) = put else {
        store.chain.moved();
        return Ok(());
    };
    match error.as_service_error() {
        // The answer to our own write was lost and the SDK repeated it.
        Some(PutItemError::ConditionalCheckFailedException(conflict))
            if conflict.item.as_ref() == Some(&item) =>
        {
            store.chain.moved();
            Ok(())
        }
        Some(PutItemError::ConditionalCheckFailedException(_)) => Err(Error::VersionConflict {
            record: name_of::<T>(record.id()),
            expected: before.unwrap_or_default(),
        }),
        _ => Err(Error::aws("PutItem", error)),
    }
}

/// A tenant's records of a kind, the newest first. One that was just deleted is left out.
pub(super) async fn list<T: Single>(
    store: &Store,
    tenant: &TenantId,
    request: &PageRequest,
) -> Result<Page<T>, Error> {
    let shards = 0..store.shards.status.max(1);
    let partitions = shards.map(|shard| open_bucket(tenant, T::WORD, shard));
    let ever = DateRange {
        from: Timestamp::from_millis(i64::MIN),
        to: Timestamp::from_millis(i64::MAX),
    };
    let table = &store.tables.workflows;
    let query = IndexQuery::by_creation(table, STATUS_INDEX, "sb", partitions, ever);
    let found = page(store, &query, request, |item| record_of(item, STATUS_INDEX)).await?;
    Ok(Page {
        items: of_ids(store, &found.items).await?,
        next: found.next,
    })
}

/// The records of these ids, in this order; one that is gone, or not listed, is left out.
async fn of_ids<T: Single>(store: &Store, ids: &[Uuid]) -> Result<Vec<T>, Error> {
    let mut found: Vec<T> = Vec::new();
    for ids in ids.chunks(batch::KEYS_AT_ONCE) {
        let keys = ids.iter().map(|id| key(*id, T::PART)).collect();
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys));
        for item in batch::get(store, &store.tables.workflows, wanted).await? {
            found.push(decode(&item)?);
        }
    }
    found.retain(Single::is_listed);
    found.sort_by_key(|record| ids.iter().position(|id| *id == record.id()));
    Ok(found)
}
