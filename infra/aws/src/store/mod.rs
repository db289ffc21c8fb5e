//! The store: task instances, workflow instances and definitions in DynamoDB.
//!
//! A record is a small, indexed, versioned head and immutable parts beside it (`parts`); the
//! head's conditional write is the commit. Nothing here decides what a record becomes, and
//! nothing reads a clock. There is no scan: every question has a key.
//!
//! Retries of throttled and lost requests are the SDK's; a write that it repeats after its answer
//! was lost is recognised as our own.

mod audit;
mod batch;
mod bulks;
mod codec;
mod definition_item;
mod definition_lists;
mod definitions;
mod due;
mod error;
mod groups;
mod inbox;
mod inbox_lists;
mod inputs;
mod json;
mod keys;
mod line;
mod pages;
mod parts;
mod records;
mod schedules;
mod single;
mod size;
mod task_item;
mod task_lists;
mod workflow_item;
mod workflow_lists;

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use serde_json::Value;
use taskmill::JsonObject;
use taskmill::ids::{TaskId, TenantId, WorkflowId};
use taskmill::task::TaskInstance;
use taskmill::task::instance::VariablesSnapshot;
use taskmill::workflow::WorkflowInstance;
use taskmill::workflow::parent::{Slice, Undoable};
use uuid::Uuid;

use self::codec::Item;
use self::inputs::Inputs;
use self::parts::{Outside, Place, referred};
use self::records::Beside;

pub use definition_lists::{DefinitionSummary, ListedVersion};
pub use definitions::{DefinitionKind, Registered};
pub use due::{Due, DueTable};
pub use error::Error;
pub use inbox::Inbox;
pub use inbox_lists::{InboxEntry, InboxFilter};
pub use pages::{DateRange, Page, PageRequest};
pub use parts::{HEAD_BYTES, SNAPSHOT_BYTES, snapshot_of};
pub use task_lists::{TaskFilter, TaskSummary};
pub use workflow_lists::WorkflowSummary;

use crate::chain::Chain;
use crate::payloads::{BadHash, ContentHash, PayloadKey, PayloadKind, Payloads};
use crate::tables::{Shards, TableNames};

/// What became of a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The record was written.
    New,
    /// A record of this id is there, perhaps from this very request: nothing was changed.
    Exists,
}

/// The records and definitions of a deployment. Cheap to clone.
///
/// Ids are believed: whether a record is the caller's is to be asked of its `tenant_id`.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    tables: TableNames,
    shards: Shards,
    payloads: Payloads,
    inputs: Arc<Inputs>,
    chain: Chain,
}

impl Store {
    /// A store over these tables and this bucket.
    #[must_use]
    pub fn new(client: Client, tables: TableNames, shards: Shards, payloads: Payloads) -> Self {
        Self {
            client,
            tables,
            shards,
            payloads,
            inputs: Arc::default(),
            chain: Chain::default(),
        }
    }

    /// The same store, which tells this chain of every record that it changes.
    #[must_use]
    pub fn in_chain(&self, chain: &Chain) -> Self {
        Self {
            chain: chain.clone(),
            ..self.clone()
        }
    }

    /// Over how many shards records and due times are spread.
    #[must_use]
    pub const fn shards(&self) -> Shards {
        self.shards
    }

    /// The payload bucket, for what messages cannot hold.
    #[must_use]
    pub const fn payloads(&self) -> &Payloads {
        &self.payloads
    }

    /// Writes a new task, unless one of its id is there, and puts it into people's inboxes if it
    /// is theirs. Of one that is there they are mended: who wrote it may have died before.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::TooDeep`], [`Error::Payload`], [`Error::Aws`].
    pub async fn create_task(&self, task: &TaskInstance) -> Result<Created, Error> {
        let record = task_item::encode(task, self.shards)?;
        let created = records::create(self, &self.tables.tasks, &record).await?;
        if task.handling.is_some() {
            // Few tasks are people's: the others do without the room that this takes.
            Box::pin(self.show_in_inboxes(task, created)).await?;
        }
        Ok(created)
    }

    async fn show_in_inboxes(&self, task: &TaskInstance, created: Created) -> Result<(), Error> {
        match created {
            Created::New => self.change_inbox(inbox::Change::to(task), task).await,
            Created::Exists => self.mend_inbox_of(task.id).await,
        }
    }

    async fn mend_inbox_of(&self, id: TaskId) -> Result<(), Error> {
        match self.task(id).await? {
            Some(task) => self.mend_inbox(&task).await,
            None => Ok(()),
        }
    }

    /// The task of this id, as its last successful write left it; none when there is none.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Payload`], [`Error::Aws`].
    pub async fn task(&self, id: TaskId) -> Result<Option<TaskInstance>, Error> {
        let record = records::Address {
            table: &self.tables.tasks,
            kind: PayloadKind::Task,
            id: id.uuid(),
            movable: task_item::MOVABLE,
            left: &[],
        };
        let head = records::load(self, &record).await?;
        head.map(|head| task_item::decode(&head, id)).transpose()
    }

    /// Replaces a task by what it became. `after` must be the version that follows `before`.
    ///
    /// # Errors
    /// [`Error::VersionConflict`] when the stored task is not `before`, [`Error::VersionSkipped`],
    /// [`Error::TooLarge`], [`Error::TooDeep`], [`Error::Payload`], [`Error::Aws`].
    pub async fn replace_task(
        &self,
        before: &TaskInstance,
        after: &TaskInstance,
    ) -> Result<(), Error> {
        if after.handling.is_some() {
            // As above.
            return Box::pin(self.replace_persons_task(before, after)).await;
        }
        let before = task_item::encode(before, self.shards)?;
        let after = task_item::encode(after, self.shards)?;
        records::replace(self, &self.tables.tasks, &before, &after).await
    }

    /// The same of a task that stands in people's inboxes, with what a person did.
    async fn replace_persons_task(
        &self,
        before: &TaskInstance,
        after: &TaskInstance,
    ) -> Result<(), Error> {
        let from = task_item::encode(before, self.shards)?;
        let to = task_item::encode(after, self.shards)?;
        let change = inbox::Change::from(before, after);
        change.put(self, after).await?;
        audit::keep(self, (before, from.expiry), (after, to.expiry)).await?;
        match records::replace(self, &self.tables.tasks, &from, &to).await {
            Ok(()) => {
                let deleted = change.delete(self, after.id.uuid(), before.version).await;
                if let Err(error) = deleted {
                    // It is done: nobody is to do it again for what is mended by the next look.
                    tracing::warn!(task.id = %after.id, %error, "an inbox shows too much");
                }
                Ok(())
            }
            Err(error) => {
                if error.is_version_conflict() && change.puts() {
                    self.mend_inbox_of(after.id).await?;
                }
                Err(error)
            }
        }
    }

    /// Writes a new workflow, unless one of its id is there.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::TooDeep`], [`Error::Payload`], [`Error::Aws`].
    pub async fn create_workflow(&self, workflow: &WorkflowInstance) -> Result<Created, Error> {
        let record = workflow_item::encode(workflow, self.shards, &self.inputs)?;
        let created = records::create(self, &self.tables.workflows, &record).await?;
        let is_input = |outside: &&Outside| outside.attribute == workflow_item::INPUT;
        if let Some(stored) = record.outside.iter().find(is_input)
            && let Place::Bucket(hash) = stored.place
        {
            let key = Self::input_key(&workflow.tenant_id, workflow.id.uuid(), hash);
            let bytes = stored.text.len();
            self.inputs.know(key, hash, &workflow.input, bytes);
        }
        Ok(created)
    }

    /// The workflow of this id, as its last successful write left it; none when there is none.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Payload`], [`Error::Aws`].
    pub async fn workflow(&self, id: WorkflowId) -> Result<Option<WorkflowInstance>, Error> {
        let record = records::Address {
            table: &self.tables.workflows,
            kind: PayloadKind::Workflow,
            id: id.uuid(),
            movable: workflow_item::MOVABLE,
            left: &[workflow_item::INPUT],
        };
        let Some(head) = records::load(self, &record).await? else {
            return Ok(None);
        };
        let input = self.input_of(&head, id).await?;
        workflow_item::decode(&head, id, input).map(Some)
    }

    /// The input that a workflow's head refers to, when that is in the bucket.
    async fn input_of(&self, head: &Item, id: WorkflowId) -> Result<Option<Arc<Value>>, Error> {
        let (hash, owner) = match head.get(workflow_item::INPUT).and_then(referred) {
            Some(Ok(Place::Bucket(hash))) => (hash, id.uuid()),
            Some(Ok(Place::OfOther(hash, owner))) => (hash, owner),
            Some(Ok(Place::Part(_)) | Err(_)) | None => return Ok(None),
        };
        let tenant = workflow_item::tenant_of(head, id)?;
        let key = Self::input_key(&tenant, owner, hash);
        if let Some(input) = self.inputs.get(&key) {
            return Ok(Some(input));
        }
        let corrupt = |reason: String| Error::Corrupt {
            record: parts::record_name(PayloadKind::Workflow, id.uuid()),
            reason,
        };
        let text = self.payloads.get(&key).await?;
        let text = text.ok_or_else(|| corrupt("what in refers to is gone".to_owned()))?;
        let input = serde_json::from_str(&text).map_err(|e| corrupt(format!("in: {e}")))?;
        let input = Arc::new(input);
        self.inputs.know(key, hash, &input, text.len());
        Ok(Some(input))
    }

    fn input_key(tenant: &TenantId, owner: Uuid, hash: ContentHash) -> PayloadKey {
        let kind = PayloadKind::Workflow;
        parts::payload_key(tenant, kind, owner, workflow_item::INPUT, hash)
    }

    /// Replaces a workflow by what it became. `after` must be the version that follows `before`.
    ///
    /// # Errors
    /// [`Error::VersionConflict`] when the stored workflow is not `before`,
    /// [`Error::VersionSkipped`], [`Error::TooLarge`], [`Error::TooDeep`], [`Error::Payload`],
    /// [`Error::Aws`].
    pub async fn replace_workflow(
        &self,
        before: &WorkflowInstance,
        after: &WorkflowInstance,
    ) -> Result<(), Error> {
        let before = workflow_item::encode(before, self.shards, &self.inputs)?;
        let after = workflow_item::encode(after, self.shards, &self.inputs)?;
        records::replace(self, &self.tables.workflows, &before, &after).await
    }

    /// The variables that a workflow of this tenant had under a snapshot's hash; none when it
    /// never had them, or they have expired.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Payload`], [`Error::Aws`].
    pub async fn variables(
        &self,
        tenant: &TenantId,
        workflow: WorkflowId,
        hash: &str,
    ) -> Result<Option<JsonObject>, Error> {
        let name = hash.parse().map_err(|error| Error::Corrupt {
            record: parts::record_name(PayloadKind::Workflow, workflow.uuid()),
            reason: format!("variables {hash}: {error}"),
        })?;
        let beside = Beside {
            tenant,
            id: workflow,
            attribute: parts::VARIABLES,
            name,
        };
        records::beside(self, &beside).await
    }

    /// Keeps a link of the chain of what a workflow or a batch completed, under its own name.
    ///
    /// # Errors
    /// [`Error::Payload`], [`Error::Aws`].
    pub async fn put_undoable(
        &self,
        workflow: &WorkflowInstance,
        undoable: &Undoable,
    ) -> Result<(), Error> {
        let text = serde_json::to_string(undoable).expect("it has string keys only");
        let beside = Beside {
            tenant: &workflow.tenant_id,
            id: workflow.id,
            attribute: UNDOABLE,
            name: ContentHash::of(&text),
        };
        let expiry = parts::open_expiry(workflow.updated_at);
        records::put_beside(self, &beside, text, expiry).await
    }

    /// A link of the chain of what a workflow or a batch of this tenant completed, by its name.
    ///
    /// # Errors
    /// [`Error::Corrupt`], also when it is gone, [`Error::Payload`], [`Error::Aws`].
    pub async fn undoable(
        &self,
        tenant: &TenantId,
        id: WorkflowId,
        name: &str,
    ) -> Result<Undoable, Error> {
        let corrupt = |reason: String| Error::Corrupt {
            record: parts::record_name(PayloadKind::Workflow, id.uuid()),
            reason: format!("compensation {name}: {reason}"),
        };
        let beside = Beside {
            tenant,
            id,
            attribute: UNDOABLE,
            name: name.parse().map_err(|e: BadHash| corrupt(e.to_string()))?,
        };
        let found = records::beside(self, &beside).await?;
        found.ok_or_else(|| corrupt("it is gone".to_owned()))
    }

    /// Keeps the items of a batch of iterations that is not begun yet. Which items a batch has
    /// is part of its id, so that nobody can write others.
    ///
    /// # Errors
    /// [`Error::Payload`], [`Error::Aws`].
    pub async fn put_items(&self, owner: &WorkflowInstance, slice: &Slice) -> Result<(), Error> {
        let text = Value::Array(slice.items.clone()).to_string();
        let expiry = parts::open_expiry(owner.updated_at);
        let beside = items_of(&owner.tenant_id, slice.batch);
        records::put_beside(self, &beside, text, expiry).await
    }

    /// The items of a batch of iterations.
    ///
    /// # Errors
    /// [`Error::Corrupt`], also when they are gone, [`Error::Payload`], [`Error::Aws`].
    pub async fn items(&self, batch: &WorkflowInstance) -> Result<Vec<Value>, Error> {
        let found = records::beside(self, &items_of(&batch.tenant_id, batch.id)).await?;
        found.ok_or_else(|| Error::Corrupt {
            record: parts::record_name(PayloadKind::Workflow, batch.id.uuid()),
            reason: "its items are gone".to_owned(),
        })
    }

    /// The workflow's variables when the task was created.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when they are gone or unreadable, [`Error::Payload`], [`Error::Aws`].
    pub async fn variables_of(&self, task: &TaskInstance) -> Result<JsonObject, Error> {
        let hash = match &task.context.workflow_variables {
            VariablesSnapshot::Inline(variables) => return Ok(variables.clone()),
            VariablesSnapshot::OfWorkflow(hash) => hash,
        };
        let gone = || Error::Corrupt {
            record: parts::record_name(PayloadKind::Task, task.id.uuid()),
            reason: format!("its workflow has no variables {hash}"),
        };
        let workflow = task.context.owner().ok_or_else(gone)?;
        self.variables(&task.tenant_id, workflow, hash)
            .await?
            .ok_or_else(gone)
    }
}

/// The attribute that a part with a link of a chain is named after.
const UNDOABLE: &str = "u";

fn items_of(tenant: &TenantId, batch: WorkflowId) -> Beside<'_> {
    Beside {
        tenant,
        id: batch,
        attribute: "it",
        name: ContentHash::of(&batch.to_string()),
    }
}
