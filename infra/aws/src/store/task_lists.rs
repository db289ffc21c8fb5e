//! Lists of tasks: by status and date, and by workflow. They show what the indexes project.

use semver::Version;
use serde::{Deserialize, Serialize};
use taskmill::Timestamp;
use taskmill::ids::{DefinitionId, TaskId, TenantId, WorkflowId};
use taskmill::task::{TaskPriority, TaskStatus, TaskType};

use super::codec::{Item, Reader, id, text};
use super::json::tenant_id;
use super::keys::{ended_bucket, open_bucket};
use super::pages::{
    DateRange, Expression, Filter, IndexQuery, Order, Page, PageRequest, SortKey, by_day, page,
    record_of,
};
use super::parts::record_name;
use super::task_item::{priority_of, status_of, type_of, type_word};
use super::{Error, Store};
use crate::payloads::PayloadKind;
use crate::tables::{STATUS_INDEX, WORKFLOW_STATUS_INDEX};

/// What a list shows of a task. Texts that are too long for the task's head are not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskSummary {
    /// The task.
    pub id: TaskId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// What it is.
    pub task_definition_id: DefinitionId,
    /// The version that was resolved at creation.
    pub task_definition_version: Version,
    /// The workflow that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_instance_id: Option<WorkflowId>,
    /// The definition of that workflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_definition_id: Option<DefinitionId>,
    /// The path of its step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_path: Option<String>,
    /// Where it is in its life.
    pub status: TaskStatus,
    /// Who does it.
    #[serde(rename = "type")]
    pub task_type: TaskType,
    /// How urgent it is.
    pub priority: TaskPriority,
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_reference: Option<String>,
    /// The person who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its first attempt began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
}

/// Which tasks of a status are listed: those that meet everything that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Tasks of this definition.
    pub definition: Option<DefinitionId>,
    /// Tasks of this type.
    pub task_type: Option<TaskType>,
    /// Tasks of workflows of this definition.
    pub workflow_definition: Option<DefinitionId>,
}

impl TaskFilter {
    fn filter(&self) -> Filter {
        let conditions = [
            self.definition
                .as_ref()
                .map(|id| ("begins_with(d, :d)", ":d", format!("{id}@"))),
            self.task_type
                .map(|kind| ("ty = :ty", ":ty", type_word(kind).to_owned())),
            self.workflow_definition
                .as_ref()
                .map(|id| ("wd = :wd", ":wd", id.to_string())),
        ];
        let mut filter = Expression::default();
        for (condition, name, value) in conditions.into_iter().flatten() {
            let and = if filter.text.is_empty() { "" } else { " AND " };
            filter.text = [filter.text.as_str(), condition].join(and);
            filter.values.push((name, text(value)));
        }
        if filter.text.is_empty() {
            Filter::None
        } else {
            Filter::Selective(filter)
        }
    }
}

impl Store {
    /// A tenant's tasks of a status that were created in a range, newest first.
    ///
    /// # Errors
    /// [`Error::BadCursor`]; [`Error::RangeTooWide`] for a terminal status; [`Error::Corrupt`],
    /// [`Error::Aws`].
    pub async fn tasks_by_status(
        &self,
        tenant: &TenantId,
        status: TaskStatus,
        filter: &TaskFilter,
        range: DateRange,
        request: &PageRequest,
    ) -> Result<Page<TaskSummary>, Error> {
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
        let query = IndexQuery {
            filter: filter.filter(),
            ..IndexQuery::by_creation(&self.tables.tasks, STATUS_INDEX, "sb", partitions, range)
        };
        page(self, &query, request, summary).await
    }

    /// The tasks of a workflow of this tenant, by status and then by creation.
    ///
    /// # Errors
    /// [`Error::BadCursor`], [`Error::Corrupt`], [`Error::Aws`].
    pub async fn tasks_of_workflow(
        &self,
        tenant: &TenantId,
        workflow: WorkflowId,
        request: &PageRequest,
    ) -> Result<Page<TaskSummary>, Error> {
        self.workflow_tasks(tenant, workflow, ("A".to_owned(), "Z~".to_owned()), request)
            .await
    }

    /// The tasks of a workflow of this tenant that have a status, by creation.
    ///
    /// # Errors
    /// [`Error::BadCursor`], [`Error::Corrupt`], [`Error::Aws`].
    pub async fn tasks_of_workflow_by_status(
        &self,
        tenant: &TenantId,
        workflow: WorkflowId,
        status: TaskStatus,
        request: &PageRequest,
    ) -> Result<Page<TaskSummary>, Error> {
        let word = status.as_str();
        let bounds = (format!("{word}#"), format!("{word}#~"));
        self.workflow_tasks(tenant, workflow, bounds, request).await
    }

    async fn workflow_tasks(
        &self,
        tenant: &TenantId,
        workflow: WorkflowId,
        (low, high): (String, String),
        request: &PageRequest,
    ) -> Result<Page<TaskSummary>, Error> {
        let query = IndexQuery {
            table: &self.tables.tasks,
            index: WORKFLOW_STATUS_INDEX,
            partition_key: "wf",
            partitions: vec![id(workflow.uuid())],
            sort_key: SortKey::Text("sc"),
            bounds: (text(low), text(high)),
            order: Order::OldestFirst,
            // The index knows no tenants, and an id may be guessed.
            filter: Filter::Guard(Expression {
                text: "begins_with(sb, :tenant)".to_owned(),
                values: vec![(":tenant", text(format!("{tenant}#")))],
            }),
        };
        page(self, &query, request, summary).await
    }
}

fn summary(item: &Item) -> Result<TaskSummary, Error> {
    let task = TaskId::new(record_of(item, STATUS_INDEX)?);
    let name = record_name(PayloadKind::Task, task.uuid());
    let read = Reader::new(item, &name);
    let (tenant, status) = read.bucket("sb")?;
    let (task_definition_id, task_definition_version) = read.pinned("d")?;
    Ok(TaskSummary {
        id: task,
        tenant_id: tenant_id(&read, tenant)?,
        task_definition_id,
        task_definition_version,
        workflow_instance_id: read.opt_id("wf")?.map(WorkflowId::new),
        workflow_definition_id: match read.opt_text("wd")? {
            Some(text) => Some(read.definition_id("wd", text)?),
            None => None,
        },
        task_path: read.shown("pa"),
        status: status_of(&read, status)?,
        task_type: type_of(&read)?,
        priority: priority_of(&read)?,
        task_reference: read.shown("ref"),
        assignee: read.shown("as"),
        created_at: read.time("at")?,
        start_time: read.opt_time("st")?,
        end_time: read.opt_time("et")?,
    })
}
