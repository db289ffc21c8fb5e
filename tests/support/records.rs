//! Reading what came of a run, beside the service: its calls are neither metered nor counted.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use taskmill::ids::{TaskId, WorkflowId};
use taskmill::task::TaskInstance;
use taskmill::workflow::WorkflowInstance;
use taskmill_app::views;
use taskmill_app::{App, boot};
use taskmill_aws::config::Config;
use taskmill_aws::executor::Executors;
use taskmill_aws::queues::QueueUrls;
use taskmill_aws::store::Store;
use taskmill_aws::tables::STATUS_INDEX;
use taskmill_local::LocalAws;
use tokio::sync::Notify;

use super::fleet::config;
use super::{caller, tenant};

/// Longer than anything that a test waits for, in virtual time.
const PATIENCE: Duration = Duration::from_secs(800 * 24 * 3600);

/// The records of one AWS.
pub struct Records {
    app: App,
    written: Arc<Notify>,
}

impl Records {
    pub fn of(aws: &LocalAws) -> Self {
        let nowhere = QueueUrls {
            queues: Default::default(),
            dead_letters: Default::default(),
        };
        let config = Config {
            worker: "nobody".to_owned(),
            ..config(nowhere)
        };
        let executors = Executors::builtin(aws.clock());
        Self {
            app: boot::assemble(config, &aws.background_sdk_config(), executors, aws.clock()),
            written: aws.index_writes(STATUS_INDEX),
        }
    }

    pub fn store(&self) -> &Store {
        self.app.store()
    }

    pub async fn task(&self, id: TaskId) -> TaskInstance {
        self.store().task(id).await.unwrap().unwrap()
    }

    pub async fn workflow(&self, id: WorkflowId) -> WorkflowInstance {
        self.store().workflow(id).await.unwrap().unwrap()
    }

    /// The tasks of a workflow, in the order of their creation.
    pub async fn tasks_of(&self, id: WorkflowId) -> Vec<TaskInstance> {
        views::tasks_of(&self.app, &tenant(), id).await.unwrap()
    }

    /// The task of a step.
    pub async fn step(&self, id: WorkflowId, path: &str) -> TaskInstance {
        self.task(TaskId::of_step(id, 0, path, 0)).await
    }

    /// The workflow as users see it.
    pub async fn workflow_view(&self, id: WorkflowId) -> Value {
        views::workflow(&self.app, &caller(), id).await.unwrap()
    }

    /// The task as users see it.
    pub async fn task_view(&self, id: TaskId) -> Value {
        views::task(&self.app, &caller(), id).await.unwrap()
    }

    /// Waits until a task has ended.
    pub async fn ended_task(&self, id: TaskId) -> TaskInstance {
        let ended = async {
            loop {
                match self.store().task(id).await.unwrap() {
                    Some(task) if task.status.is_terminal() => return task,
                    _ => self.written.notified().await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, ended)
            .await
            .unwrap_or_else(|_| panic!("task {id} never ends"))
    }

    /// Waits until a workflow has ended and owes nothing.
    pub async fn ended_workflow(&self, id: WorkflowId) -> WorkflowInstance {
        let ended = async {
            loop {
                match self.store().workflow(id).await.unwrap() {
                    Some(workflow) if workflow.status.is_terminal() => return workflow,
                    _ => self.written.notified().await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, ended)
            .await
            .unwrap_or_else(|_| panic!("workflow {id} never ends"))
    }

    /// How many records are still to be looked at.
    pub async fn due(&self) -> usize {
        let tasks = self.store().every_due_task().await.unwrap().len();
        tasks + self.store().every_due_workflow().await.unwrap().len()
    }
}
