//! Whole lists of a store, page after page.

use taskmill::Timestamp;
use taskmill::ids::{TenantId, WorkflowId};
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill::workflow::{WorkflowInstance, WorkflowStatus};
use taskmill_aws::store::{
    DateRange, Error, PageRequest, Store, TaskFilter, TaskSummary, WorkflowSummary,
};

/// The workflows of a tenant that are open, or have not done all that follows their end.
///
/// # Errors
/// The store fails.
pub async fn open_workflows(
    store: &Store,
    tenant: &TenantId,
) -> Result<Vec<WorkflowSummary>, Error> {
    let mut found = Vec::new();
    for status in WorkflowStatus::ALL.into_iter().filter(|s| !s.is_terminal()) {
        let all = workflows(store, tenant, status, ever(), Most::ALL, |_| true);
        found.extend(all.await?);
    }
    // One that ended may still have its compensations and error handlers before it.
    for due in store.every_due_workflow().await? {
        let workflow = store.workflow(due.id).await?;
        let ended = workflow.filter(|one| one.status.is_terminal() && !one.is_settled());
        let theirs = ended.filter(|one| one.tenant_id == *tenant && one.batch.is_none());
        found.extend(theirs.as_ref().map(summary_of));
    }
    Ok(found)
}

/// How long a list may get. Pages are read until it is that long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most(pub usize);

impl Most {
    /// All that there is.
    const ALL: Self = Self(usize::MAX);

    /// What is asked for after a page, when the list is this long.
    fn after(self, length: usize, cursor: Option<String>) -> Option<PageRequest> {
        let cursor = cursor.filter(|_| length < self.0);
        cursor.map(|cursor| PageRequest::after(self.page(), cursor))
    }

    fn page(self) -> usize {
        self.0.min(PageRequest::MOST)
    }
}

/// The workflows of a tenant that are of a status, were created in a range, and are meant; the
/// newest first.
///
/// # Errors
/// The store fails.
pub async fn workflows(
    store: &Store,
    tenant: &TenantId,
    status: WorkflowStatus,
    range: DateRange,
    most: Most,
    is_meant: impl Fn(&WorkflowSummary) -> bool,
) -> Result<Vec<WorkflowSummary>, Error> {
    let mut found = Vec::new();
    let mut request = Some(PageRequest::first(most.page()));
    while let Some(asked) = request {
        let page = store.workflows_by_status(tenant, status, range, &asked);
        let page = page.await?;
        found.extend(page.items.into_iter().filter(&is_meant));
        request = most.after(found.len(), page.next);
    }
    Ok(found)
}

/// The tasks of a tenant that are of a status, were created in a range, and pass a filter; the
/// newest first.
///
/// # Errors
/// The store fails.
pub async fn tasks(
    store: &Store,
    tenant: &TenantId,
    status: TaskStatus,
    filter: &TaskFilter,
    range: DateRange,
    most: Most,
) -> Result<Vec<TaskSummary>, Error> {
    let mut found = Vec::new();
    let mut request = Some(PageRequest::first(most.page()));
    while let Some(asked) = request {
        let page = store.tasks_by_status(tenant, status, filter, range, &asked);
        let page = page.await?;
        found.extend(page.items);
        request = most.after(found.len(), page.next);
    }
    Ok(found)
}

/// The tasks of a tenant that are open.
///
/// # Errors
/// The store fails.
pub async fn open_tasks(
    store: &Store,
    tenant: &TenantId,
    filter: &TaskFilter,
) -> Result<Vec<TaskSummary>, Error> {
    let mut found = Vec::new();
    for status in TaskStatus::ALL.into_iter().filter(|s| !s.is_terminal()) {
        found.extend(tasks(store, tenant, status, filter, ever(), Most::ALL).await?);
    }
    Ok(found)
}

/// The tasks of a workflow.
///
/// # Errors
/// The store fails.
pub async fn tasks_of(
    store: &Store,
    tenant: &TenantId,
    id: WorkflowId,
) -> Result<Vec<TaskInstance>, Error> {
    let mut found = Vec::new();
    let mut request = Some(PageRequest::first(PageRequest::MOST));
    while let Some(asked) = request {
        let page = store.tasks_of_workflow(tenant, id, &asked).await?;
        for task in page.items {
            found.extend(store.task(task.id).await?);
        }
        let next = page.next;
        request = next.map(|cursor| PageRequest::after(PageRequest::MOST, cursor));
    }
    Ok(found)
}

/// Sorts tasks of a workflow as its view has them: in the order of their creation.
pub fn in_order(tasks: &mut [TaskSummary]) {
    tasks.sort_by(|a, b| (a.created_at, &a.task_path).cmp(&(b.created_at, &b.task_path)));
}

/// What a list shows of a workflow.
#[must_use]
pub fn summary_of(workflow: &WorkflowInstance) -> WorkflowSummary {
    WorkflowSummary {
        id: workflow.id,
        tenant_id: workflow.tenant_id.clone(),
        workflow_definition_id: workflow.workflow_definition_id.clone(),
        definition_version: workflow.definition_version.clone(),
        status: workflow.status,
        correlation_id: workflow.correlation_id.clone(),
        created_at: workflow.created_at,
        start_time: workflow.start_time,
        end_time: workflow.end_time,
    }
}

/// Whenever it was created. (Lists of open records are not by day, and have no limit.)
#[must_use]
pub fn ever() -> DateRange {
    DateRange {
        from: Timestamp::from_millis(0),
        to: Timestamp::from_millis(i64::MAX),
    }
}
