//! Lists of workflows: by status and date, and by definition.

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use semver::Version;
use serde::{Deserialize, Serialize};
use taskmill::Timestamp;
use taskmill::ids::{DefinitionId, TenantId, WorkflowId};
use taskmill::workflow::WorkflowStatus;
use uuid::Uuid;

use super::codec::{Item, Reader, key};
use super::json::tenant_id;
use super::keys::{definition_bucket, ended_bucket, open_bucket};
use super::pages::{DateRange, IndexQuery, Page, PageRequest, by_day, page, record_of};
use super::parts::{HEAD, record_name};
use super::workflow_item::status_of;
use super::{Error, Store, batch};
use crate::payloads::PayloadKind;
use crate::tables::{DEFINITION_INDEX, STATUS_INDEX};

/// What a list shows of a workflow's head.
const SHOWN: &str = "id, sb, #at, d, co, st, et";

/// What a list shows of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowSummary {
    /// The workflow.
    pub id: WorkflowId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// What it is.
    pub workflow_definition_id: DefinitionId,
    /// The version that was resolved at its start.
    pub definition_version: Version,
    /// Where it is in its life.
    pub status: WorkflowStatus,
    /// The caller's own id for the whole matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
}

impl Store {
    /// A tenant's workflows of a status that were created in a range, newest first.
    ///
    /// # Errors
    /// [`Error::BadCursor`]; [`Error::RangeTooWide`] for a terminal status; [`Error::Corrupt`],
    /// [`Error::Aws`].
    pub async fn workflows_by_status(
        &self,
        tenant: &TenantId,
        status: WorkflowStatus,
        range: DateRange,
        request: &PageRequest,
    ) -> Result<Page<WorkflowSummary>, Error> {
        let (word, shards) = (status.as_str(), self.shards.status.max(1));
        let partitions = if status.is_terminal() {
            by_day(range, shards, |shard, date| {
                ended_bucket(tenant, word, shard, date)
            })?
        } else {
            (0..shards)
                .map(|shard| open_bucket(tenant, word, shard))
                .collect()
        };
        let table = &self.tables.workflows;
        let query = IndexQuery::by_creation(table, STATUS_INDEX, "sb", partitions, range);
        page(self, &query, request, summary).await
    }

    /// A tenant's workflows of a definition, whatever their version and status, that were created
    /// in a range, newest first.
    ///
    /// # Errors
    /// [`Error::BadCursor`], [`Error::Corrupt`], [`Error::Aws`].
    pub async fn workflows_by_definition(
        &self,
        tenant: &TenantId,
        definition: &DefinitionId,
        range: DateRange,
        request: &PageRequest,
    ) -> Result<Page<WorkflowSummary>, Error> {
        let shards = 0..self.shards.status.max(1);
        let partitions = shards.map(|shard| definition_bucket(tenant, definition, shard));
        let table = &self.tables.workflows;
        let query = IndexQuery::by_creation(table, DEFINITION_INDEX, "df", partitions, range);
        let found = page(self, &query, request, |item| {
            record_of(item, DEFINITION_INDEX)
        })
        .await?;
        Ok(Page {
            items: self.summaries(&found.items).await?,
            next: found.next,
        })
    }

    /// The summaries of these workflows, in this order. The index of definitions holds nothing
    /// that changes: what does is read from the heads. A workflow that is gone is left out.
    async fn summaries(&self, ids: &[Uuid]) -> Result<Vec<WorkflowSummary>, Error> {
        let mut found = Vec::new();
        for ids in ids.chunks(batch::KEYS_AT_ONCE) {
            let keys = ids.iter().map(|id| key(*id, HEAD)).collect();
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .projection_expression(SHOWN)
                .expression_attribute_names("#at", "at");
            for head in batch::get(self, &self.tables.workflows, wanted).await? {
                found.push(summary(&head)?);
            }
        }
        let place = |summary: &WorkflowSummary| ids.iter().position(|id| *id == summary.id.uuid());
        found.sort_by_key(place);
        Ok(found)
    }
}

fn summary(item: &Item) -> Result<WorkflowSummary, Error> {
    let workflow = WorkflowId::new(record_of(item, STATUS_INDEX)?);
    let name = record_name(PayloadKind::Workflow, workflow.uuid());
    let read = Reader::new(item, &name);
    let (tenant, status) = read.bucket("sb")?;
    let (workflow_definition_id, definition_version) = read.pinned("d")?;
    Ok(WorkflowSummary {
        id: workflow,
        tenant_id: tenant_id(&read, tenant)?,
        workflow_definition_id,
        definition_version,
        status: status_of(&read, status)?,
        correlation_id: item
            .get("co")
            .and_then(|v: &AttributeValue| v.as_s().ok())
            .cloned(),
        created_at: read.time("at")?,
        start_time: read.opt_time("st")?,
        end_time: read.opt_time("et")?,
    })
}
