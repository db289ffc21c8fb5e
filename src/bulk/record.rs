//! The record of a bulk operation: how far it is, and how it goes on.
//!
//! First everything that the selection finds is counted, so that progress means something. Then
//! one batch after the other is *taken* from the list, which is written, and *done*, which is
//! written with what came of it. A crash in between leaves the batch, which is done again: asking
//! a record twice in the name of one operation is asking once.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::work::Work;
use crate::ids::{BulkId, TenantId};
use crate::limits;
use crate::security::Caller;
use crate::time::Timestamp;

/// Milliseconds after which somebody looks at an operation of which nothing was heard: its message
/// was lost, or its process.
const PATIENCE: u64 = 2 * 60 * 1000;

/// Where a bulk operation is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum BulkStatus {
    /// What it concerns is counted.
    Counting,
    /// One record after the other is asked.
    Running,
    /// All were asked.
    Completed,
    /// Somebody stopped it.
    Cancelled,
}

impl BulkStatus {
    /// Every one of them.
    pub const ALL: [Self; 4] = [
        Self::Counting,
        Self::Running,
        Self::Completed,
        Self::Cancelled,
    ];

    /// Whether nothing more is done for it.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Counting | Self::Running => false,
            Self::Completed | Self::Cancelled => true,
        }
    }
}

/// Where in the list of what is selected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Which of the statuses.
    pub part: usize,
    /// Where in it; none at its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A record of which what was asked was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The workflow or task.
    pub id: Uuid,
    /// A stable code.
    pub code: String,
    /// Why, for people.
    pub message: String,
}

/// A bulk operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bulk {
    /// Its id.
    pub id: BulkId,
    /// What is done to which records.
    pub work: Work,
    /// In whose name.
    pub owner: Caller,
    /// Where it is in its life.
    pub status: BulkStatus,
    /// How many records were counted.
    pub total: u64,
    /// How many did what was asked.
    pub done: u64,
    /// How many refused.
    pub failed: u64,
    /// The first of those that refused, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    /// Where the next batch begins; none at the end of the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The records that were taken from the list, and of which nothing is known yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batch: Vec<Uuid>,
    /// The fingerprint of the request, under a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_hash: Option<String>,
    /// Counts the writes of the record.
    pub version: u64,
    /// When it was asked for: nothing that was created later is concerned.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When the record may be deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Bulk {
    /// An operation that begins.
    #[must_use]
    pub fn new(
        id: BulkId,
        work: Work,
        owner: Caller,
        request_hash: Option<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            work,
            owner,
            status: BulkStatus::Counting,
            total: 0,
            done: 0,
            failed: 0,
            failures: Vec::new(),
            place: Some(Place::default()),
            batch: Vec::new(),
            request_hash,
            version: 1,
            created_at: now,
            updated_at: now,
            expires_at: None,
        }
    }

    /// The operation after so many more were counted, up to a place; when there is none it goes
    /// back to the beginning, and runs.
    #[must_use]
    pub fn counted(&self, more: u64, next: Option<Place>, now: Timestamp) -> Self {
        let (status, place) = match next {
            Some(next) => (BulkStatus::Counting, next),
            None => (BulkStatus::Running, Place::default()),
        };
        Self {
            status,
            total: self.total + more,
            place: Some(place),
            ..self.next_version(now)
        }
    }

    /// The operation after a batch was taken from the list, up to a place.
    #[must_use]
    pub fn taken(&self, batch: Vec<Uuid>, next: Option<Place>, now: Timestamp) -> Self {
        Self {
            batch,
            place: next,
            ..self.next_version(now)
        }
    }

    /// The operation after its batch was asked, and so much came of it. At the end of the list it
    /// is completed.
    #[must_use]
    pub fn asked(&self, failures: Vec<Failure>, now: Timestamp, retention: u64) -> Self {
        let failed = failures.len() as u64;
        let mut listed = self.failures.clone();
        listed.extend(failures);
        listed.truncate(limits::BULK_FAILURES);
        let after = Self {
            done: self.done + self.batch.len() as u64 - failed,
            failed: self.failed + failed,
            failures: listed,
            batch: Vec::new(),
            ..self.next_version(now)
        };
        match (after.status, &after.place) {
            (BulkStatus::Running, None) => after.ended(BulkStatus::Completed, retention),
            (
                BulkStatus::Counting
                | BulkStatus::Running
                | BulkStatus::Completed
                | BulkStatus::Cancelled,
                _,
            ) => after,
        }
    }

    /// The operation, stopped; none when it is over. What is being asked in that moment is still
    /// counted.
    #[must_use]
    pub fn cancelled(&self, now: Timestamp, retention: u64) -> Option<Self> {
        let after = || {
            self.next_version(now)
                .ended(BulkStatus::Cancelled, retention)
        };
        (!self.status.is_terminal()).then(after)
    }

    fn ended(self, status: BulkStatus, retention: u64) -> Self {
        Self {
            status,
            expires_at: Some(self.updated_at.plus_millis(retention)),
            ..self
        }
    }

    /// When somebody must look at it.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        let due = self.updated_at.plus_millis(PATIENCE);
        (!self.status.is_terminal()).then_some(due)
    }

    /// Whose it is.
    #[must_use]
    pub fn tenant_id(&self) -> &TenantId {
        &self.owner.tenant_id
    }

    /// The id under which it asks a record, however often: the record does it once.
    #[must_use]
    pub fn request_id(&self, record: Uuid) -> String {
        format!("bulk:{}:{record}", self.id)
    }

    /// The operation as callers see it.
    #[must_use]
    pub fn view(&self) -> Value {
        json!({
            "id": self.id,
            "tenantId": self.tenant_id(),
            "status": self.status,
            "work": self.work,
            "total": self.total,
            "done": self.done,
            "failed": self.failed,
            "failures": self.failures,
            "owner": self.owner.user_id,
            "version": self.version,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
        })
    }

    fn next_version(&self, now: Timestamp) -> Self {
        Self {
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        }
    }
}
