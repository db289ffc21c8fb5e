//! Writing and reading a record: its parts first, its head under a condition.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use futures::future::try_join_all;
use serde::de::DeserializeOwned;
use taskmill::ids::{TenantId, WorkflowId};
use uuid::Uuid;

use super::codec::{Item, Reader, id, key, number, text};
use super::json::tenant_id;
use super::parts::{
    BODY, Encoded, Expiry, HEAD, LAST_PART, Outside, Place, part_item, part_name, payload_key,
    record_name, referred,
};
use super::workflow_item::bucket_of;
use super::{Created, Error, Store};
use crate::payloads::{ContentHash, INLINE_BYTES, PayloadKind};

/// Items that the query for a record reads at most: its head and the parts that sort first. A
/// workflow leaves a part for every change of large variables; those that the head does not
/// point to must not make each read dearer. A part that was not among them is fetched by its key.
const READ_AT_ONCE: i32 = 8;

/// Which record is read.
pub(crate) struct Address<'a> {
    pub(crate) table: &'a str,
    pub(crate) kind: PayloadKind,
    pub(crate) id: Uuid,
    /// Attributes of the head that may refer to a part.
    pub(crate) movable: &'static [&'static str],
    /// Those of them whose objects are not read here: the reference is left.
    pub(crate) left: &'static [&'static str],
}

pub(crate) async fn create(store: &Store, table: &str, record: &Encoded) -> Result<Created, Error> {
    write_outside(store, table, record, record.outside.iter().collect()).await?;
    let put = store
        .client
        .put_item()
        .table_name(table)
        .set_item(Some(record.head.clone()))
        .condition_expression("attribute_not_exists(id)")
        .send()
        .await;
    match put {
        Ok(_) => {
            store.chain.moved();
            Ok(Created::New)
        }
        Err(error) if error.as_service_error().is_some_and(is_condition_failed) => {
            Ok(Created::Exists)
        }
        Err(error) => Err(Error::aws("PutItem", error)),
    }
}

pub(crate) async fn replace(
    store: &Store,
    table: &str,
    before: &Encoded,
    after: &Encoded,
) -> Result<(), Error> {
    if before.id != after.id || before.version.checked_add(1) != Some(after.version) {
        let (record, from, to) = (after.record(), before.version, after.version);
        return Err(Error::VersionSkipped { record, from, to });
    }
    write_outside(store, table, after, not_yet_written(before, after)).await?;
    let put = store
        .client
        .put_item()
        .table_name(table)
        .set_item(Some(after.head.clone()))
        .condition_expression("v = :before")
        .expression_attribute_values(":before", number(before.version))
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
            if conflict.item.as_ref() == Some(&after.head) =>
        {
            store.chain.moved();
            Ok(())
        }
        Some(PutItemError::ConditionalCheckFailedException(_)) => Err(Error::VersionConflict {
            record: after.record(),
            expected: before.version,
        }),
        _ => Err(Error::aws("PutItem", error)),
    }
}

fn is_condition_failed(error: &PutItemError) -> bool {
    error.is_conditional_check_failed_exception()
}

/// What the record needs beside its head and does not have yet, or not for long enough.
fn not_yet_written<'a>(before: &Encoded, after: &'a Encoded) -> Vec<&'a Outside> {
    let lasts = before.expiry >= after.expiry;
    let written = |outside: &Outside| match outside.place {
        Place::Part(_) => lasts && before.outside.contains(outside),
        Place::Bucket(_) => before.outside.contains(outside),
        Place::OfOther(..) => true,
    };
    after
        .outside
        .iter()
        .filter(|outside| !written(outside))
        .collect()
}

async fn write_outside(
    store: &Store,
    table: &str,
    record: &Encoded,
    outside: Vec<&Outside>,
) -> Result<(), Error> {
    try_join_all(outside.into_iter().map(|outside| {
        write_one(
            store,
            table,
            &record.tenant,
            record.kind,
            record.id,
            record.expiry,
            outside,
        )
    }))
    .await?;
    Ok(())
}

async fn write_one(
    store: &Store,
    table: &str,
    tenant: &TenantId,
    kind: PayloadKind,
    id: Uuid,
    expiry: Expiry,
    outside: &Outside,
) -> Result<(), Error> {
    match outside.place {
        Place::Bucket(hash) => {
            let key = payload_key(tenant, kind, id, outside.attribute, hash);
            Ok(store.payloads.put(&key, outside.text.clone()).await?)
        }
        // The other record wrote it.
        Place::OfOther(..) => Ok(()),
        Place::Part(hash) => {
            let name = part_name(outside.attribute, hash);
            let item = part_item(id, name, &outside.text, expiry);
            let put = store
                .client
                .put_item()
                .table_name(table)
                .set_item(Some(item))
                .send()
                .await;
            put.map(drop).map_err(|error| Error::aws("PutItem", error))
        }
    }
}

/// A record's head, each reference in it replaced by what it refers to.
pub(crate) async fn load(store: &Store, record: &Address<'_>) -> Result<Option<Item>, Error> {
    let answer = store
        .client
        .query()
        .table_name(record.table)
        .consistent_read(true)
        .key_condition_expression("id = :id AND part BETWEEN :head AND :last")
        .expression_attribute_values(":id", id(record.id))
        .expression_attribute_values(":head", text(HEAD))
        .expression_attribute_values(":last", text(LAST_PART))
        .limit(READ_AT_ONCE)
        .send()
        .await
        .map_err(|error| Error::aws("Query", error))?;
    let mut parts: HashMap<String, Item> = HashMap::new();
    for mut item in answer.items.unwrap_or_default() {
        if let Some(AttributeValue::S(name)) = item.remove("part") {
            parts.insert(name, item);
        }
    }
    // Parts without a head are of a creation that is under way or failed.
    match parts.remove(HEAD) {
        Some(head) => resolve(store, record, head, &parts).await.map(Some),
        None => Ok(None),
    }
}

async fn resolve(
    store: &Store,
    record: &Address<'_>,
    mut head: Item,
    parts: &HashMap<String, Item>,
) -> Result<Item, Error> {
    let name = record_name(record.kind, record.id);
    let read = Reader::new(&head, &name);
    let tenant = tenant_id(&read, read.bucket(bucket_of(&head))?.0)?;
    let mut references = Vec::new();
    for attribute in record.movable {
        let is_left = record.left.contains(attribute);
        match head.get(*attribute).and_then(referred) {
            Some(Ok(Place::Bucket(_) | Place::OfOther(..))) if is_left => {}
            Some(Ok(place)) => references.push((*attribute, place)),
            Some(Err(reason)) => return Err(read.corrupt(format!("{attribute}: {reason}"))),
            None => {}
        }
    }
    let fetched = references
        .iter()
        .map(|(attribute, place)| outside(store, record, &tenant, attribute, *place, parts));
    for ((attribute, _), body) in references.iter().zip(try_join_all(fetched).await?) {
        let body = body.ok_or_else(|| Error::Corrupt {
            record: name.clone(),
            reason: format!("what {attribute} refers to is gone"),
        })?;
        head.insert((*attribute).to_owned(), text(body));
    }
    Ok(head)
}

async fn outside(
    store: &Store,
    record: &Address<'_>,
    tenant: &TenantId,
    attribute: &'static str,
    place: Place,
    parts: &HashMap<String, Item>,
) -> Result<Option<String>, Error> {
    match place {
        Place::Bucket(hash) => {
            let key = payload_key(tenant, record.kind, record.id, attribute, hash);
            Ok(store.payloads.get(&key).await?)
        }
        Place::OfOther(hash, other) => {
            let key = payload_key(tenant, record.kind, other, attribute, hash);
            Ok(store.payloads.get(&key).await?)
        }
        Place::Part(hash) => match parts.get(&part_name(attribute, hash)) {
            Some(part) => body(record, part).map(Some),
            None => part(store, record, attribute, hash).await,
        },
    }
}

async fn part(
    store: &Store,
    record: &Address<'_>,
    attribute: &str,
    hash: ContentHash,
) -> Result<Option<String>, Error> {
    let answer = store
        .client
        .get_item()
        .table_name(record.table)
        .consistent_read(true)
        .set_key(Some(key(record.id, part_name(attribute, hash))))
        .send()
        .await
        .map_err(|error| Error::aws("GetItem", error))?;
    answer.item.map(|part| body(record, &part)).transpose()
}

fn body(record: &Address<'_>, part: &Item) -> Result<String, Error> {
    let name = record_name(record.kind, record.id);
    Ok(Reader::new(part, &name).text(BODY)?.to_owned())
}

/// Writes a text beside a workflow's record, under a name of its own.
pub(crate) async fn put_beside(
    store: &Store,
    workflow: &Beside<'_>,
    text: String,
    expiry: Expiry,
) -> Result<(), Error> {
    let place = if text.len() > INLINE_BYTES {
        Place::Bucket(workflow.name)
    } else {
        Place::Part(workflow.name)
    };
    let outside = Outside {
        attribute: workflow.attribute,
        place,
        text,
    };
    let (tenant, id) = (workflow.tenant, workflow.id.uuid());
    write_one(
        store,
        &store.tables.workflows,
        tenant,
        PayloadKind::Workflow,
        id,
        expiry,
        &outside,
    )
    .await
}

/// A text beside a workflow's record.
pub(crate) struct Beside<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) id: WorkflowId,
    pub(crate) attribute: &'static str,
    pub(crate) name: ContentHash,
}

/// A text beside a workflow's record. Its name does not say where it is; asking the table first
/// costs a read unit in the rare case of the bucket.
pub(crate) async fn beside<T: DeserializeOwned>(
    store: &Store,
    beside: &Beside<'_>,
) -> Result<Option<T>, Error> {
    let record = Address {
        table: &store.tables.workflows,
        kind: PayloadKind::Workflow,
        id: beside.id.uuid(),
        movable: &[],
        left: &[],
    };
    let (attribute, name) = (beside.attribute, beside.name);
    let text = match part(store, &record, attribute, name).await? {
        Some(text) => Some(text),
        None => {
            let key = payload_key(beside.tenant, record.kind, record.id, attribute, name);
            store.payloads.get(&key).await?
        }
    };
    let corrupt = |error: serde_json::Error| Error::Corrupt {
        record: record_name(record.kind, record.id),
        reason: format!("{attribute} {name}: {error}"),
    };
    let parse = |text: String| serde_json::from_str(&text).map_err(corrupt);
    text.map(parse).transpose()
}
