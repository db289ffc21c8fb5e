//! Reading: tasks and workflows as users see them.

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use taskmill::ids::{TaskId, TenantId, WorkflowId};
use taskmill::limits::{ACTS_LISTED, COMPLETED_TASKS_LISTED, TASKS_SHOWN};
use taskmill::task::audit::Entry;
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill_aws::store::PageRequest;

use crate::app::App;
use crate::refusal::{Fault, Refusal};
use crate::workflows;

/// Tasks that are read side by side.
const SIDE_BY_SIDE: usize = 8;

/// A task.
///
/// # Errors
/// `NOT_FOUND`, also for another tenant's task.
pub async fn task(app: &App, tenant: &TenantId, id: TaskId) -> Result<Value, Refusal> {
    let task = app
        .store()
        .task(id)
        .await?
        .filter(|task| task.tenant_id == *tenant)
        .ok_or_else(|| Refusal::not_found("task", id))?;
    Ok(of_task(app, &task).await?)
}

/// A workflow with all its tasks, in the order of their creation.
///
/// # Errors
/// `NOT_FOUND`, also for another tenant's workflow.
pub async fn workflow(app: &App, tenant: &TenantId, id: WorkflowId) -> Result<Value, Refusal> {
    let instance = app
        .store()
        .workflow(id)
        .await?
        .filter(|instance| instance.tenant_id == *tenant)
        .ok_or_else(|| Refusal::not_found("workflow", id))?;
    let tasks = tasks_of(app, tenant, id).await?;
    let completed = tasks
        .iter()
        .filter(|task| task.status == TaskStatus::Completed)
        .map(|task| task.id);
    let completed: Vec<TaskId> = completed.collect();
    let surplus = completed.len().saturating_sub(COMPLETED_TASKS_LISTED);
    let views: Vec<Value> = stream::iter(&tasks)
        .map(|task| of_task(app, task))
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await?;
    Ok(instance.view(views, completed[surplus..].to_vec()))
}

/// Whether a workflow is there and this tenant's.
///
/// # Errors
/// `NOT_FOUND`, also for another tenant's workflow.
pub async fn check_workflow(app: &App, tenant: &TenantId, id: WorkflowId) -> Result<(), Refusal> {
    workflows::of_tenant(app, tenant, id).await.map(drop)
}

/// A workflow with its first tasks as lists show them, at most [`TASKS_SHOWN`].
///
/// # Errors
/// `NOT_FOUND`, also for another tenant's workflow.
pub async fn workflow_in_short(
    app: &App,
    tenant: &TenantId,
    id: WorkflowId,
) -> Result<Value, Refusal> {
    let instance = workflows::of_tenant(app, tenant, id).await?;
    let request = PageRequest::first(TASKS_SHOWN);
    let page = app.store().tasks_of_workflow(tenant, id, &request).await?;
    let mut tasks = page.items;
    tasks.sort_by_key(|task| task.created_at);
    let completed = tasks
        .iter()
        .filter(|task| task.status == TaskStatus::Completed);
    let completed = completed.map(|task| task.id).collect();
    let tasks = tasks.iter().map(|task| json!(task)).collect();
    Ok(instance.view(tasks, completed))
}

/// The tasks of a workflow, in the order of their creation.
///
/// # Errors
/// The store failed.
pub async fn tasks_of(
    app: &App,
    tenant: &TenantId,
    id: WorkflowId,
) -> Result<Vec<TaskInstance>, Fault> {
    let mut tasks = Vec::new();
    let mut request = PageRequest::first(PageRequest::MOST);
    loop {
        let page = app.store().tasks_of_workflow(tenant, id, &request).await?;
        let found: Vec<Option<TaskInstance>> = stream::iter(page.items)
            .map(|summary| app.store().task(summary.id))
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        tasks.extend(found.into_iter().flatten());
        match page.next {
            None => break,
            Some(cursor) => request = PageRequest::after(PageRequest::MOST, cursor),
        }
    }
    tasks.sort_by(|a, b| {
        (a.created_at, &a.context.task_path).cmp(&(b.created_at, &b.context.task_path))
    });
    Ok(tasks)
}

/// A task that was loaded.
///
/// # Errors
/// The store failed.
pub async fn of_task(app: &App, task: &TaskInstance) -> Result<Value, Fault> {
    let variables = app.store().variables_of(task).await?;
    let mut view = task.view(&variables, false);
    if task.last_act.is_some() {
        let entries = app.store().audit(task, ACTS_LISTED).await?;
        view["audit"] = entries.iter().map(Entry::view).collect();
    }
    Ok(view)
}
