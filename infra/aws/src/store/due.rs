//! The due index: which records must be looked at again, and when.
//!
//! An entry stays until its record's due time is moved or cleared, so that whoever sweeps a shard
//! and dies changes nothing.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use taskmill::Timestamp;
use taskmill::ids::{TaskId, WorkflowId};
use uuid::Uuid;

use super::codec::{Item, Reader, number};
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
        self.due(&self.tables.tasks, shard, until, limit, TaskId::new)
            .await
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
        self.due(&self.tables.workflows, shard, until, limit, WorkflowId::new)
            .await
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

    /// When the next record of any kind is due; none when nothing is.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let mut next: Option<Timestamp> = None;
        for shard in 0..self.shards.due.max(1) {
            for table in [&self.tables.tasks, &self.tables.workflows] {
                let first = self.due(table, shard, FAR, 1, |id| id).await?;
                let first = first.first().map(|due| due.due_at);
                next = [next, first].into_iter().flatten().min();
            }
        }
        Ok(next)
    }

    async fn due<Id>(
        &self,
        table: &str,
        shard: u8,
        until: Timestamp,
        limit: usize,
        new: fn(Uuid) -> Id,
    ) -> Result<Vec<Due<Id>>, Error> {
        let limit = i32::try_from(limit.max(1)).unwrap_or(i32::MAX);
        let query = self.due_query(table, shard, until).limit(limit);
        let answer = query
            .send()
            .await
            .map_err(|error| Error::aws("Query", error))?;
        answer
            .items
            .unwrap_or_default()
            .iter()
            .map(|item| entry(item, new))
            .collect()
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

/// Later than any due time.
const FAR: Timestamp = Timestamp::from_millis(i64::MAX);

fn entry<Id>(item: &Item, new: fn(Uuid) -> Id) -> Result<Due<Id>, Error> {
    let read = Reader::new(item, DUE_INDEX);
    Ok(Due {
        id: new(read.id("id")?),
        due_at: read.time("da")?,
    })
}
