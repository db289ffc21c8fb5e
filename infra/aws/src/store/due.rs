//! The due index: which records must be looked at again, and when.
//!
//! An entry stays until its record's due time is moved or cleared, so that whoever sweeps a shard
//! and dies changes nothing. What an entry is of is said by the part that it names: in the table of
//! workflows there are records of other kinds as well.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use taskmill::Timestamp;
use taskmill::ids::{BulkId, ScheduleId, TaskId, WorkflowId};
use uuid::Uuid;

use super::bulks::BULK;
use super::codec::{Item, Reader, key, number};
use super::parts::HEAD;
use super::schedules::SCHEDULE;
use super::{Error, Store};
use crate::queues::Record;
use crate::tables::DUE_INDEX;

/// A record and when it is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due<Id> {
    /// The record.
    pub id: Id,
    /// When it must be looked at.
    pub due_at: Timestamp,
}

/// A table of records that fall due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueTable {
    /// Tasks.
    Tasks,
    /// Workflows, schedules and bulk operations.
    Workflows,
}

impl Store {
    /// The records of a shard that are due at `until` or before, most overdue first, at most
    /// `limit` (and as many as one answer of the database holds).
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn due(
        &self,
        table: DueTable,
        shard: u8,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due<Record>>, Error> {
        let query = self.due_query(table, shard, until);
        entries(query, table, limit).await
    }

    /// The records of a shard that follow `last`, which need not be due any more, in the order of
    /// [`due`](Self::due).
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn due_after(
        &self,
        table: DueTable,
        shard: u8,
        last: Due<Record>,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due<Record>>, Error> {
        let query = self.due_query(table, shard, until);
        let query = query.set_exclusive_start_key(Some(place(shard, last)));
        entries(query, table, limit).await
    }

    /// Every task that is due at all, whenever: what a start in local mode looks at.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn every_due_task(&self) -> Result<Vec<Due<TaskId>>, Error> {
        self.every_due(DueTable::Tasks, |record| match record {
            Record::Task(id) => Some(id),
            Record::Workflow(_) | Record::Schedule(_) | Record::Bulk(_) => None,
        })
        .await
    }

    /// Every workflow that is due at all, whenever: what a start in local mode looks at.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn every_due_workflow(&self) -> Result<Vec<Due<WorkflowId>>, Error> {
        self.every_due(DueTable::Workflows, |record| match record {
            Record::Workflow(id) => Some(id),
            Record::Task(_) | Record::Schedule(_) | Record::Bulk(_) => None,
        })
        .await
    }

    /// Every bulk operation that goes on, whenever it is due: what a start in local mode looks at.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn every_due_bulk(&self) -> Result<Vec<Due<BulkId>>, Error> {
        self.every_due(DueTable::Workflows, |record| match record {
            Record::Bulk(id) => Some(id),
            Record::Task(_) | Record::Workflow(_) | Record::Schedule(_) => None,
        })
        .await
    }

    /// Moves the due time of a record without reading it, for one that cannot be read. When it is
    /// not due at `due.due_at` any more, nothing is changed.
    ///
    /// The version stays, because nothing is decided: whoever can read the record after all writes
    /// over this, due time and all.
    ///
    /// # Errors
    /// [`Error::Aws`].
    pub async fn postpone(&self, due: Due<Record>, to: Timestamp) -> Result<(), Error> {
        let (table, id, part) = address(due.id);
        let moved = self
            .client
            .update_item()
            .table_name(self.table_of(table))
            .set_key(Some(key(id, part)))
            .update_expression("SET da = :to")
            .condition_expression("da = :from")
            .expression_attribute_values(":from", number(due.due_at.millis()))
            .expression_attribute_values(":to", number(to.millis()))
            .send()
            .await;
        match moved {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(is_condition_failed) => Ok(()),
            Err(error) => Err(Error::aws("UpdateItem", error)),
        }
    }

    /// When the next record of any kind is due; none when nothing is.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let mut next: Option<Timestamp> = None;
        for shard in 0..self.shards.due.max(1) {
            for table in [DueTable::Tasks, DueTable::Workflows] {
                let first = self.due(table, shard, FAR, 1).await?;
                let first = first.first().map(|due| due.due_at);
                next = [next, first].into_iter().flatten().min();
            }
        }
        Ok(next)
    }

    async fn every_due<Id>(
        &self,
        table: DueTable,
        meant: fn(Record) -> Option<Id>,
    ) -> Result<Vec<Due<Id>>, Error> {
        let mut all = Vec::new();
        for shard in 0..self.shards.due.max(1) {
            let query = self.due_query(table, shard, FAR);
            let mut pages = query.into_paginator().items().send();
            while let Some(item) = pages.next().await {
                let item = item.map_err(|error| Error::aws("Query", error))?;
                let Due { id, due_at } = entry(&item, table)?;
                all.extend(meant(id).map(|id| Due { id, due_at }));
            }
        }
        Ok(all)
    }

    fn table_of(&self, table: DueTable) -> &str {
        match table {
            DueTable::Tasks => &self.tables.tasks,
            DueTable::Workflows => &self.tables.workflows,
        }
    }

    fn due_query(&self, table: DueTable, shard: u8, until: Timestamp) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(self.table_of(table))
            .index_name(DUE_INDEX)
            .key_condition_expression("ds = :shard AND da <= :until")
            .expression_attribute_values(":shard", number(shard))
            .expression_attribute_values(":until", number(until.millis()))
    }
}

fn is_condition_failed(error: &UpdateItemError) -> bool {
    error.is_conditional_check_failed_exception()
}

/// Later than any due time.
const FAR: Timestamp = Timestamp::from_millis(i64::MAX);

/// The table of a record, and the key of its head there.
fn address(record: Record) -> (DueTable, Uuid, &'static str) {
    match record {
        Record::Task(id) => (DueTable::Tasks, id.uuid(), HEAD),
        Record::Workflow(id) => (DueTable::Workflows, id.uuid(), HEAD),
        Record::Schedule(id) => (DueTable::Workflows, id.uuid(), SCHEDULE),
        Record::Bulk(id) => (DueTable::Workflows, id.uuid(), BULK),
    }
}

/// Where an entry stands in the index.
fn place(shard: u8, due: Due<Record>) -> Item {
    let (_, id, part) = address(due.id);
    let mut place = key(id, part);
    place.insert("ds".to_owned(), number(shard));
    place.insert("da".to_owned(), number(due.due_at.millis()));
    place
}

async fn entries(
    query: QueryFluentBuilder,
    table: DueTable,
    limit: usize,
) -> Result<Vec<Due<Record>>, Error> {
    let limit = i32::try_from(limit.max(1)).unwrap_or(i32::MAX);
    let answer = query.limit(limit).send().await;
    let answer = answer.map_err(|error| Error::aws("Query", error))?;
    let items = answer.items.unwrap_or_default();
    items.iter().map(|item| entry(item, table)).collect()
}

fn entry(item: &Item, table: DueTable) -> Result<Due<Record>, Error> {
    let read = Reader::new(item, DUE_INDEX);
    let id = read.id("id")?;
    let record = match (table, read.text("part")?) {
        (DueTable::Tasks, _) => Record::Task(TaskId::new(id)),
        (DueTable::Workflows, SCHEDULE) => Record::Schedule(ScheduleId::new(id)),
        (DueTable::Workflows, BULK) => Record::Bulk(BulkId::new(id)),
        (DueTable::Workflows, _) => Record::Workflow(WorkflowId::new(id)),
    };
    Ok(Due {
        id: record,
        due_at: read.time("da")?,
    })
}
