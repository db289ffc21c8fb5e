//! Going on with what an earlier run left open: the same definition, the same input, the same
//! caller.
//!
//! It is looked for before the service starts, because the service moves everything on at once,
//! and may have ended it by the time that somebody looks.

use serde_json::Value;
use taskmill::ids::{DefinitionId, TaskId};
use taskmill::security::{Caller, SecurityContext};
use taskmill::task::TaskInstance;
use taskmill::workflow::WorkflowInstance;
use taskmill_aws::store::{Error, Store, TaskFilter};

use crate::lists;

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

/// A workflow that is to go on, as it was left.
#[derive(Debug)]
pub struct OpenWorkflow {
    /// The workflow.
    pub workflow: WorkflowInstance,
    /// Its tasks.
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
    for found in lists::open_workflows(store, &wanted.caller.tenant_id).await? {
        if found.workflow_definition_id != *wanted.definition {
            continue;
        }
        let found = store.workflow(found.id).await?;
        let found = found.filter(|found| wanted.is_workflow(found));
        newest = newest.into_iter().chain(found).max_by_key(|w| w.created_at);
    }
    Ok(match newest {
        None => None,
        Some(workflow) => Some(left(store, workflow).await?),
    })
}

/// A workflow as it was left.
///
/// # Errors
/// The store fails.
pub async fn left(store: &Store, workflow: WorkflowInstance) -> Result<OpenWorkflow, Error> {
    let tasks = lists::tasks_of(store, &workflow.tenant_id, workflow.id).await?;
    Ok(OpenWorkflow { workflow, tasks })
}

/// The newest open task, of no workflow, that is wanted.
///
/// # Errors
/// The store fails.
pub async fn open_task(store: &Store, wanted: &Wanted<'_>) -> Result<Option<TaskId>, Error> {
    let mut newest: Option<TaskInstance> = None;
    let filter = TaskFilter {
        definition: Some(wanted.definition.clone()),
        ..TaskFilter::default()
    };
    for found in lists::open_tasks(store, &wanted.caller.tenant_id, &filter).await? {
        let found = store.task(found.id).await?;
        let found = found.filter(|found| wanted.is_task(found));
        newest = newest.into_iter().chain(found).max_by_key(|t| t.created_at);
    }
    Ok(newest.map(|task| task.id))
}
