//! What people did with a task: an item beside its head for each act, immutable.
//!
//! | item | `part` | attributes |
//! |---|---|---|
//! | an entry | `a#`number`#`id of the entry | `b`: the entry as JSON |
//!
//! An entry is written before the head that names it, and names the one before it: one that is
//! named by none was of a write that lost, and is not shown. The head holds the last entry itself,
//! as attribute `au`. Entries sort before the head, so that reading a record does not read them.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures::future::try_join_all;
use taskmill::task::TaskInstance;
use taskmill::task::audit::Entry;

use super::codec::{Item, Reader, id, text};
use super::parts::{BODY, Expiry, part_item, record_name, set_expiry};
use super::{Error, Store};
use crate::payloads::PayloadKind;

/// What the items of entries are called.
const ENTRY: &str = "a#";

/// Keeps what the next version of a task tells, and what was told before for as long as its head
/// is going to be kept.
pub(super) async fn keep(
    store: &Store,
    (before, until): (&TaskInstance, Expiry),
    (after, expiry): (&TaskInstance, Expiry),
) -> Result<(), Error> {
    let Some(entry) = &after.last_act else {
        return Ok(());
    };
    if until < expiry {
        renew(store, before, expiry).await?;
    }
    if before.last_act.as_ref() == Some(entry) {
        return Ok(());
    }
    let name = format!("{ENTRY}{:010}#{}", entry.number, entry.id(after.id));
    let item = part_item(after.id.uuid(), name, &entry.text(), expiry);
    put(store, item).await
}

/// Keeps all entries for longer.
async fn renew(store: &Store, task: &TaskInstance, expiry: Expiry) -> Result<(), Error> {
    let mut renewed = Vec::new();
    let mut pages = entries(store, task).into_paginator().items().send();
    while let Some(item) = pages.next().await {
        let mut item = item.map_err(|error| Error::aws("Query", error))?;
        set_expiry(&mut item, expiry);
        renewed.push(put(store, item));
    }
    try_join_all(renewed).await.map(drop)
}

async fn put(store: &Store, item: Item) -> Result<(), Error> {
    let put = store.client.put_item();
    let put = put.table_name(&store.tables.tasks).set_item(Some(item));
    let put = put.send().await;
    put.map(drop).map_err(|error| Error::aws("PutItem", error))
}

/// All entries of a task, the first one first, and those of writes that lost.
fn entries(store: &Store, task: &TaskInstance) -> QueryFluentBuilder {
    store
        .client
        .query()
        .table_name(&store.tables.tasks)
        .consistent_read(true)
        .key_condition_expression("id = :id AND begins_with(part, :entry)")
        .expression_attribute_values(":id", id(task.id.uuid()))
        .expression_attribute_values(":entry", text(ENTRY))
}

impl Store {
    /// What people did with a task, at most so many of the last acts, in their order.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn audit(&self, task: &TaskInstance, most: usize) -> Result<Vec<Entry>, Error> {
        let name = record_name(PayloadKind::Task, task.id.uuid());
        let mut named = task.last_act.as_ref().map(|last| last.id(task.id));
        let mut found = Vec::new();
        let query = entries(self, task).scan_index_forward(false);
        let mut pages = query.into_paginator().items().send();
        while named.is_some() && found.len() < most {
            let Some(item) = pages.next().await else {
                break;
            };
            let item = item.map_err(|error| Error::aws("Query", error))?;
            let read = Reader::new(&item, &name);
            let entry: Option<Entry> = read.opt_json(BODY)?;
            let entry = entry.filter(|entry| named == Some(entry.id(task.id)));
            if let Some(entry) = entry {
                named = entry.before;
                found.push(entry);
            }
        }
        found.reverse();
        Ok(found)
    }
}
