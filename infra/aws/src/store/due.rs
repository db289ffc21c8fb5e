//! The due index: which records must be looked at again, and when.
//!
//! An entry stays until its record's due time is moved or cleared, so that whoever sweeps a shard
//! and dies changes nothing.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use taskmill::Timestamp;
use taskmill::ids::{TaskId, WorkflowId};
use uuid::Uuid;

use super::codec::{Item, Reader, key, number};
use super::parts::HEAD;
use super::{Error, Store};
use crate::tables::DUE_INDEX;

/// A record and when it is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due<Id> {
    /// The record.
    pub id: Id,
    /// When it must be looked at.
    pub due_at: Timestamp,
}

impl Store {
    /// The tasks of a shard that are due at `until` or before, most overdue first, at most
    /// `limit` (and as many as one answer of the database holds).
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn due_tasks(
        &self,
        shard: u8,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due<TaskId>>, Error> {
        let query = self.due_query(&self.tables.tasks, shard, until);
        entries(query, limit, TaskId::new).await
    }

    /// The workflows of a shard that are due at `until` or before, most overdue first, at most
    /// `limit` (and as many as one answer of the database holds).
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn due_workflows(
        &self,
        shard: u8,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due<WorkflowId>>, Error> {
        let query = self.due_query(&self.tables.workflows, shard, until);
        entries(query, limit, WorkflowId::new).await
    }

    /// The tasks of a shard that follow `last` in the order of [`due_tasks`](Self::due_tasks),
    /// which need not be due any more.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn due_tasks_after(
        &self,
        shard: u8,
        last: Due<TaskId>,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due<TaskId>>, Error> {
        let query = self.due_query(&self.tables.tasks, shard, until);
        let query = query.set_exclusive_start_key(Some(place(shard, last.id.uuid(), last.due_at)));
        entries(query, limit, TaskId::new).await
    }

    /// The workflows of a shard that follow `last` in the order of
    /// [`due_workflows`](Self::due_workflows), which need not be due any more.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn due_workflows_after(
        &self,
        shard: u8,
        last: Due<WorkflowId>,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due<WorkflowId>>, Error> {
        let query = self.due_query(&self.tables.workflows, shard, until);
        let query = query.set_exclusive_start_key(Some(place(shard, last.id.uuid(), last.due_at)));
        entries(query, limit, WorkflowId::new).await
    }

    /// Every task that is due at all, whenever: what a start in local mode looks at.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn every_due_task(&self) -> Result<Vec<Due<TaskId>>, Error> {
        self.every_due(&self.tables.tasks, TaskId::new).await
    }

    /// Every workflow that is due at all, whenever: what a start in local mode looks at.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn every_due_workflow(&self) -> Result<Vec<Due<WorkflowId>>, Error> {
        self.every_due(&self.tables.workflows, WorkflowId::new)
            .await
    }

    /// Moves the due time of a task without reading the task, for one that cannot be read. When it
    /// is not due at `due.due_at` any more, nothing is changed.
    ///
    /// # Errors
    /// [`Error::Aws`].
    pub async fn postpone_task(&self, due: Due<TaskId>, to: Timestamp) -> Result<(), Error> {
        self.postpone(&self.tables.tasks, due.id.uuid(), due.due_at, to)
            .await
    }

    /// The same of a workflow.
    ///
    /// # Errors
    /// [`Error::Aws`].
    pub async fn postpone_workflow(
        &self,
        due: Due<WorkflowId>,
        to: Timestamp,
    ) -> Result<(), Error> {
        self.postpone(&self.tables.workflows, due.id.uuid(), due.due_at, to)
            .await
    }

    /// The version stays, because nothing is decided: whoever can read the record after all writes
    /// over this, due time and all.
    async fn postpone(
        &self,
        table: &str,
        id: Uuid,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<(), Error> {
        let moved = self
            .client
            .update_item()
            .table_name(table)
            .set_key(Some(key(id, HEAD)))
            .update_expression("SET da = :to")
            .condition_expression("da = :from")
            .expression_attribute_values(":from", number(from.millis()))
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
            for table in [&self.tables.tasks, &self.tables.workflows] {
                let first = entries(self.due_query(table, shard, FAR), 1, |id| id).await?;
                let first = first.first().map(|due| due.due_at);
                next = [next, first].into_iter().flatten().min();
            }
        }
        Ok(next)
    }

    async fn every_due<Id>(&self, table: &str, new: fn(Uuid) -> Id) -> Result<Vec<Due<Id>>, Error> {
        let mut all = Vec::new();
        for shard in 0..self.shards.due.max(1) {
            let mut pages = self
                .due_query(table, shard, FAR)
                .into_paginator()
                .items()
                .send();
            while let Some(item) = pages.next().await {
                let item = item.map_err(|error| Error::aws("Query", error))?;
                all.push(entry(&item, new)?);
            }
        }
        Ok(all)
    }

    fn due_query(&self, table: &str, shard: u8, until: Timestamp) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(table)
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

/// Where an entry stands in the index.
fn place(shard: u8, id: Uuid, due_at: Timestamp) -> Item {
    let mut place = key(id, HEAD);
    place.insert("ds".to_owned(), number(shard));
    place.insert("da".to_owned(), number(due_at.millis()));
    place
}

async fn entries<Id>(
    query: QueryFluentBuilder,
    limit: usize,
    new: fn(Uuid) -> Id,
) -> Result<Vec<Due<Id>>, Error> {
    let limit = i32::try_from(limit.max(1)).unwrap_or(i32::MAX);
    let answer = query.limit(limit).send().await;
    let answer = answer.map_err(|error| Error::aws("Query", error))?;
    let items = answer.items.unwrap_or_default();
    items.iter().map(|item| entry(item, new)).collect()
}

fn entry<Id>(item: &Item, new: fn(Uuid) -> Id) -> Result<Due<Id>, Error> {
    let read = Reader::new(item, DUE_INDEX);
    Ok(Due {
        id: new(read.id("id")?),
        due_at: read.time("da")?,
    })
}
