//! What happened in a case, as its records tell.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use taskmill::ids::{TaskId, WorkflowId};
use taskmill::task::TaskInstance;
use taskmill::workflow::WorkflowInstance;
use taskmill_aws::store::Store;
use taskmill_local::Written;

use super::script::prefix_of;
use crate::exit::Error;

/// What happened.
pub struct Story {
    /// The workflow under test.
    pub workflow: WorkflowInstance,
    /// The last task of each path, as users see it; a skipped step is SKIPPED.
    pub tasks: BTreeMap<String, Value>,
    /// Every task that ended, in the order of that.
    pub trace: Vec<String>,
}

/// What was written, in order: the table, and the record.
pub type Writes = Vec<Written>;

impl Story {
    /// Collects what happened until now.
    pub async fn of(store: &Store, id: WorkflowId, writes: &Writes) -> Result<Self, Error> {
        let workflow = store.workflow(id).await?;
        let workflow =
            workflow.ok_or_else(|| Error::Usage(format!("the workflow {id} is gone")))?;
        let mut story = Self {
            workflow,
            tasks: BTreeMap::new(),
            trace: Vec::new(),
        };
        let mut ended = Vec::new();
        for (order, task) in tasks(store, writes).await? {
            let path = path_of(store, &task).await;
            if task.status.is_terminal() {
                ended.push((order, format!("{path} {}", task.status.as_str())));
            }
            let variables = Map::new();
            story.tasks.insert(path, task.view(&variables, false));
        }
        // Ties of one decision are told by path.
        ended.sort();
        story.trace = ended.into_iter().map(|(_, line)| line).collect();
        story.add_skipped(store, writes).await?;
        Ok(story)
    }

    async fn add_skipped(&mut self, store: &Store, writes: &Writes) -> Result<(), Error> {
        for id in ids(writes, "WorkflowInstances") {
            let Some(record) = store.workflow(WorkflowId::new(id)).await? else {
                continue;
            };
            let prefix = prefix_of(store, record.workflow_id()).await;
            for skipped in record.course.skipped {
                let path = format!("{prefix}{}", skipped.path);
                let mut view = json!({ "status": "SKIPPED" });
                if let Some(task) = self.tasks.get(&path) {
                    view["id"] = task["id"].clone();
                }
                if let Some(output) = skipped.output {
                    view["output"] = output;
                }
                self.tasks.insert(path, view);
            }
        }
        Ok(())
    }
}

/// The tasks, each with the number of workflow changes before it ended, in the order of creation.
async fn tasks(store: &Store, writes: &Writes) -> Result<Vec<(usize, TaskInstance)>, Error> {
    let mut found = Vec::new();
    for id in ids(writes, "TaskInstances") {
        let last = writes.iter().rposition(|write| write.id == id).unwrap_or(0);
        let before = &writes[..last];
        let order = before.iter().filter(|one| one.table == "WorkflowInstances");
        let order = order.count();
        if let Some(task) = store.task(TaskId::new(id)).await? {
            found.push((order, task));
        }
    }
    found.sort_by_key(|(_, task)| task.created_at);
    Ok(found)
}

/// The records of a table, in the order in which they were first written.
fn ids(writes: &Writes, table: &str) -> Vec<uuid::Uuid> {
    let mut ids = Vec::new();
    for write in writes.iter().filter(|write| write.table == table) {
        if !ids.contains(&write.id) {
            ids.push(write.id);
        }
    }
    ids
}

async fn path_of(store: &Store, task: &TaskInstance) -> String {
    let own = task.context.task_path.clone().unwrap_or_default();
    match task.context.workflow_instance_id {
        Some(id) => prefix_of(store, id).await + &own,
        None => own,
    }
}
