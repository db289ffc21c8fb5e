//! Going on with what an earlier run left open: the same definition, the same input, the same
//! caller.
//!
//! It is looked for before the service starts, because the service moves everything on at once,
//! and may have ended it by the time that somebody looks.

use serde_json::Value;
use taskmill::Timestamp;
use taskmill::ids::{DefinitionId, TaskId, WorkflowId};
use taskmill::security::{Caller, SecurityContext};
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill::workflow::{WorkflowInstance, WorkflowStatus};
use taskmill_aws::store::{DateRange, Error, PageRequest, Store, TaskFilter};

/// What is to be run, as far as it tells one run from another.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// The definition, in any version: one that is under way keeps its own.
    pub definition: &'a DefinitionId,
    /// The input.
    pub input: &'a Value,
    /// The caller's own id.
    pub correlation_id: Option<&'a str>,
}

impl Wanted<'_> {
    fn is_workflow(&self, instance: &WorkflowInstance) -> bool {
        instance.workflow_definition_id == *self.definition
            && *instance.input == *self.input
            && instance.correlation_id.as_deref() == self.correlation_id
            && instance.security_context == SecurityContext::from(self.caller)
    }

    fn is_task(&self, task: &TaskInstance) -> bool {
        let context = &task.context;
        let asked = SecurityContext::from(self.caller);
        // What the definition demands was added to the task's own context.
        let asker = SecurityContext {
            required_permissions: Vec::new(),
            security_level: None,
            data_classification: None,
            ..context.security_context.clone()
        };
        context.workflow_instance_id.is_none()
            && task.task_definition_id == *self.definition
            && task.input == *self.input
            && context.correlation_id.as_deref() == self.correlation_id
            && asker == asked
    }
}

/// A workflow that is to go on.
#[derive(Debug)]
pub struct OpenWorkflow {
    /// The workflow.
    pub id: WorkflowId,
    /// Its tasks, as they were left.
    pub tasks: Vec<TaskInstance>,
}

/// The newest open workflow that is wanted.
///
/// # Errors
/// The store fails.
pub async fn open_workflow(
    store: &Store,
    wanted: &Wanted<'_>,
) -> Result<Option<OpenWorkflow>, Error> {
    let mut newest: Option<WorkflowInstance> = None;
    for id in open_workflows(store, wanted).await? {
        let found = store.workflow(id).await?;
        let found = found.filter(|found| wanted.is_workflow(found));
        newest = newest.into_iter().chain(found).max_by_key(|w| w.created_at);
    }
    Ok(match newest {
        None => None,
        Some(workflow) => Some(OpenWorkflow {
            id: workflow.id,
            tasks: tasks_of(store, wanted, workflow.id).await?,
        }),
    })
}

/// The newest open task, of no workflow, that is wanted.
///
/// # Errors
/// The store fails.
pub async fn open_task(store: &Store, wanted: &Wanted<'_>) -> Result<Option<TaskId>, Error> {
    let mut newest: Option<TaskInstance> = None;
    for id in open_tasks(store, wanted).await? {
        let found = store.task(id).await?;
        let found = found.filter(|found| wanted.is_task(found));
        newest = newest.into_iter().chain(found).max_by_key(|t| t.created_at);
    }
    Ok(newest.map(|task| task.id))
}

async fn tasks_of(
    store: &Store,
    wanted: &Wanted<'_>,
    id: WorkflowId,
) -> Result<Vec<TaskInstance>, Error> {
    let tenant = &wanted.caller.tenant_id;
    let mut tasks = Vec::new();
    let mut request = Some(PageRequest::first(PageRequest::MOST));
    while let Some(asked) = request {
        let page = store.tasks_of_workflow(tenant, id, &asked).await?;
        for found in page.items {
            tasks.extend(store.task(found.id).await?);
        }
        request = page
            .next
            .map(|cursor| PageRequest::after(PageRequest::MOST, cursor));
    }
    Ok(tasks)
}

async fn open_workflows(store: &Store, wanted: &Wanted<'_>) -> Result<Vec<WorkflowId>, Error> {
    let tenant = &wanted.caller.tenant_id;
    let mut open = Vec::new();
    for status in WorkflowStatus::ALL.into_iter().filter(|s| !s.is_terminal()) {
        let mut request = Some(PageRequest::first(PageRequest::MOST));
        while let Some(asked) = request {
            let page = store
                .workflows_by_status(tenant, status, ever(), &asked)
                .await?;
            let found = page.items.into_iter();
            let wanted = found.filter(|found| found.workflow_definition_id == *wanted.definition);
            open.extend(wanted.map(|found| found.id));
            request = page
                .next
                .map(|cursor| PageRequest::after(PageRequest::MOST, cursor));
        }
    }
    Ok(open)
}

async fn open_tasks(store: &Store, wanted: &Wanted<'_>) -> Result<Vec<TaskId>, Error> {
    let tenant = &wanted.caller.tenant_id;
    let filter = TaskFilter {
        definition: Some(wanted.definition.clone()),
        ..TaskFilter::default()
    };
    let mut open = Vec::new();
    for status in TaskStatus::ALL.into_iter().filter(|s| !s.is_terminal()) {
        let mut request = Some(PageRequest::first(PageRequest::MOST));
        while let Some(asked) = request {
            let page = store
                .tasks_by_status(tenant, status, &filter, ever(), &asked)
                .await?;
            open.extend(page.items.into_iter().map(|found| found.id));
            request = page
                .next
                .map(|cursor| PageRequest::after(PageRequest::MOST, cursor));
        }
    }
    Ok(open)
}

/// Whenever it was created. (Lists of open records are not by day, and have no limit.)
fn ever() -> DateRange {
    DateRange {
        from: Timestamp::from_millis(0),
        to: Timestamp::from_millis(i64::MAX),
    }
}
