//! Whether anything more happens by itself: what is open may be paused, or wait for a signal, a
//! person or a worker that polls, and nobody can send one to a process that runs on this machine.

use std::collections::HashSet;

use taskmill::ids::{TenantId, WorkflowId};
use taskmill::task::TaskType;
use taskmill::workflow::{WorkflowInstance, WorkflowStatus, waiting};
use taskmill_aws::store::{Error, Store, TaskFilter};
use taskmill_local::{Service, Written};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::lists;

/// What everything that is open waits for, a line each.
pub type Awaited = Vec<String>;

/// Returns when nothing that is open goes on by itself: at once when nothing is open.
///
/// # Errors
/// The store fails.
pub async fn idle(
    service: &Service,
    tenant: &TenantId,
    writes: Receiver<Written>,
) -> Result<Awaited, Error> {
    when(service, tenant, writes, |_| true).await
}

/// Returns when something is open that does not go on by itself, and nothing else is.
///
/// # Errors
/// The store fails.
pub async fn stuck(
    service: &Service,
    tenant: &TenantId,
    writes: Receiver<Written>,
) -> Result<Awaited, Error> {
    when(service, tenant, writes, |awaited| !awaited.is_empty()).await
}

/// Looks when the queues are at rest, and again after each write.
async fn when(
    service: &Service,
    tenant: &TenantId,
    mut writes: Receiver<Written>,
    is_meant: impl Fn(&Awaited) -> bool,
) -> Result<Awaited, Error> {
    loop {
        service.until_settled().await;
        let awaited = awaited(service.observer(), tenant).await?;
        if let Some(awaited) = awaited.filter(&is_meant) {
            return Ok(awaited);
        }
        match writes.recv().await {
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            // The service is behind it for as long as it is borrowed here.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// None when something goes on by itself.
async fn awaited(store: &Store, tenant: &TenantId) -> Result<Option<Awaited>, Error> {
    let mut awaited = Vec::new();
    let mut paused: HashSet<WorkflowId> = HashSet::new();
    // Whatever is open is due sometime: batches too, and what has its error handlers before it.
    for due in store.every_due_workflow().await? {
        let found = store.workflow(due.id).await?;
        let Some(workflow) = found.filter(|found| found.tenant_id == *tenant) else {
            continue;
        };
        let Some(steps) = waiting::awaited(&workflow) else {
            return Ok(None);
        };
        awaited.extend(lines(&workflow, &steps));
        if workflow.status == WorkflowStatus::Paused {
            paused.insert(workflow.id);
        }
    }
    // Many iterations may wait at one step.
    let mut seen = HashSet::new();
    awaited.retain(|line: &String| seen.insert(line.clone()));
    let is_paused = |id: Option<WorkflowId>| id.is_some_and(|id| paused.contains(&id));
    for task in lists::open_tasks(store, tenant, &TaskFilter::default()).await? {
        match task.task_type {
            TaskType::Manual => {
                let path = task.task_path.unwrap_or_else(|| task.id.to_string());
                awaited.push(format!("{path} waits for a person"));
            }
            TaskType::Automated | TaskType::Integration => {
                if is_paused(task.workflow_instance_id) {
                    continue;
                }
                let found = store.task(task.id).await?;
                let polled = found.and_then(|found| found.polled);
                // Whoever has one loses it by itself when the lease ends.
                let Some(polled) = polled.filter(|polled| polled.lease.is_none()) else {
                    return Ok(None);
                };
                let path = task.task_path.unwrap_or_else(|| task.id.to_string());
                awaited.push(format!("{path} waits for a worker of {}", polled.group));
            }
        }
    }
    for due in store.every_due_bulk().await? {
        let found = store.bulk(due.id).await?;
        if found.is_some_and(|bulk| bulk.tenant_id() == tenant && !bulk.status.is_terminal()) {
            return Ok(None);
        }
    }
    Ok(Some(awaited))
}

fn lines(workflow: &WorkflowInstance, steps: &[&str]) -> Vec<String> {
    let (id, definition) = (workflow.workflow_id(), &workflow.workflow_definition_id);
    if workflow.status == WorkflowStatus::Paused {
        if workflow.batch.is_some() {
            return Vec::new();
        }
        return vec![format!("workflow {id} ({definition}) is paused")];
    }
    let line =
        |step: &&str| format!("workflow {id} ({definition}) waits for a signal at its step {step}");
    steps.iter().map(line).collect()
}
