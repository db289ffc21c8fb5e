//! What can be asked of a place. Each is one question or one request with values in and out: the
//! commands know nothing of what is behind it.

use serde_json::Value;
use taskmill::JsonObject;
use taskmill::codes::refusal::NOT_FOUND;
use taskmill::ids::{DefinitionId, TaskId, TenantId, WorkflowId};
use taskmill::security::Caller;
use taskmill::task::lifecycle::Act;
use taskmill::task::{TaskInstance, TaskStatus, TaskType};
use taskmill::workflow::decider::Operation;
use taskmill::workflow::{WorkflowInstance, WorkflowStatus};
use taskmill_app::dead_letters::{self, Listed};
use taskmill_app::start_workflow::{StartWorkflow, start_workflow};
use taskmill_app::{App, Refusal, people, views, workflows};
use taskmill_aws::queues::{QueueName, Redriven, Which};
use taskmill_aws::store::{DateRange, TaskFilter, TaskSummary, WorkflowSummary};
use uuid::Uuid;

use super::{Opened, reader};
use crate::definitions::Set;
use crate::exit::Error;
use crate::lists::{self, Most};
use crate::local::{self, Defined};

/// What is to be listed.
#[derive(Debug)]
pub struct Listing<S> {
    /// The statuses; all when none is named.
    pub statuses: Vec<S>,
    /// The workflow's definition.
    pub workflow: Option<DefinitionId>,
    /// Days back, of what ended.
    pub days: u32,
    /// At most so many.
    pub limit: usize,
}

/// What became of something that was asked of a workflow.
#[derive(Debug)]
pub struct Asked {
    /// The workflow as it is then.
    pub view: Value,
    /// The same.
    pub status: WorkflowStatus,
    /// Whether nothing is left to be done for it, or nothing may be.
    pub is_at_rest: bool,
}

impl Opened {
    /// Registers definitions, tasks first, and says of each whether it is new.
    ///
    /// # Errors
    /// A definition is refused. Those before it are registered.
    pub async fn define(&self, tenant: &TenantId, set: &Set) -> Result<Vec<Defined>, Error> {
        local::register(self.app(), tenant, set).await
    }

    /// Starts a workflow.
    ///
    /// # Errors
    /// It is refused.
    pub async fn start(
        &self,
        caller: &Caller,
        request: StartWorkflow,
    ) -> Result<WorkflowInstance, Refusal> {
        start_workflow(self.app(), caller, request).await
    }

    /// A workflow as it is now.
    ///
    /// # Errors
    /// It is gone, or the store fails.
    pub async fn workflow(&self, id: WorkflowId) -> Result<WorkflowInstance, Error> {
        let found = self.app().store().workflow(id).await?;
        found.ok_or_else(|| Error::Unexpected(format!("the workflow {id} is gone")))
    }

    /// The tasks of a workflow.
    ///
    /// # Errors
    /// The store fails.
    pub async fn tasks_of(&self, one: &WorkflowInstance) -> Result<Vec<TaskInstance>, Error> {
        Ok(views::tasks_of(self.app(), &one.tenant_id, one.id).await?)
    }

    /// A workflow with its tasks, or a task.
    ///
    /// # Errors
    /// There is neither, or the store fails.
    pub async fn show(&self, reader: &Caller, id: Uuid) -> Result<Value, Error> {
        let mut shown = views::workflow(self.app(), reader, WorkflowId::new(id)).await;
        if shown.as_ref().is_err_and(is_not_there) {
            shown = views::task(self.app(), reader, TaskId::new(id)).await;
        }
        shown.map_err(|refusal| match is_not_there(&refusal) {
            true => neither(id).into(),
            false => refusal.into(),
        })
    }

    /// Workflows, the newest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn workflows(
        &self,
        tenant: &TenantId,
        listing: &Listing<WorkflowStatus>,
    ) -> Result<Vec<WorkflowSummary>, Error> {
        let mut found = Vec::new();
        let most = Most(listing.limit);
        for status in meant(&listing.statuses, WorkflowStatus::ALL) {
            let range = self.range(status.is_terminal(), listing.days);
            let is_meant = |one: &WorkflowSummary| {
                let definition = listing.workflow.as_ref();
                definition.is_none_or(|id| one.workflow_definition_id == *id)
            };
            let store = self.app().store();
            found.extend(lists::workflows(store, tenant, status, range, most, is_meant).await?);
        }
        found.sort_by_key(|one| std::cmp::Reverse(one.created_at));
        found.truncate(listing.limit);
        Ok(found)
    }

    /// Tasks, the newest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn tasks(
        &self,
        tenant: &TenantId,
        listing: &Listing<TaskStatus>,
    ) -> Result<Vec<TaskSummary>, Error> {
        let mut found = Vec::new();
        let filter = TaskFilter {
            workflow_definition: listing.workflow.clone(),
            ..TaskFilter::default()
        };
        let most = Most(listing.limit);
        for status in meant(&listing.statuses, TaskStatus::ALL) {
            let range = self.range(status.is_terminal(), listing.days);
            let store = self.app().store();
            found.extend(lists::tasks(store, tenant, status, &filter, range, most).await?);
        }
        found.sort_by_key(|one| std::cmp::Reverse(one.created_at));
        found.truncate(listing.limit);
        Ok(found)
    }

    fn range(&self, is_terminal: bool, days: u32) -> DateRange {
        match is_terminal {
            true => DateRange::last_days(self.app().clock().now(), days),
            false => lists::ever(),
        }
    }

    /// Asks something of a workflow.
    ///
    /// # Errors
    /// It is refused, or the store fails.
    pub async fn ask(
        &self,
        tenant: &TenantId,
        id: WorkflowId,
        operation: Operation,
    ) -> Result<Asked, Error> {
        let after = workflows::operate(self.app(), tenant, id, operation).await?;
        Ok(Asked {
            view: views::workflow(self.app(), &reader(tenant, Vec::new()), id).await?,
            status: after.status,
            is_at_rest: after.is_settled() || after.status == WorkflowStatus::Paused,
        })
    }

    /// The tasks that wait for a person: for this one, or for anybody. The oldest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn inbox(
        &self,
        tenant: &TenantId,
        person: Option<&Caller>,
    ) -> Result<Vec<TaskSummary>, Error> {
        let filter = TaskFilter {
            task_type: Some(TaskType::Manual),
            ..TaskFilter::default()
        };
        let mut found = lists::open_tasks(self.app().store(), tenant, &filter).await?;
        if let Some(person) = person {
            found = concerning(self.app(), found, person).await?;
        }
        found.sort_by_key(|one| one.created_at);
        Ok(found)
    }

    /// Does with a task what a person asks, and gives its status and view.
    ///
    /// # Errors
    /// It is refused, or the store fails.
    pub async fn act(
        &self,
        person: &Caller,
        id: TaskId,
        act: Act,
    ) -> Result<(TaskInstance, Value), Error> {
        let after = people::act(self.app(), person, id, act).await?;
        let view = views::task(self.app(), person, id).await?;
        Ok((after, view))
    }

    /// Messages that could not be handled.
    ///
    /// # Errors
    /// The place keeps none, or the queues fail.
    pub async fn dead_letters(&self, queues: &[QueueName]) -> Result<Listed, Error> {
        Ok(dead_letters::list(self.with_queues()?, queues).await?)
    }

    /// One of them, whole.
    ///
    /// # Errors
    /// It is not there, the place keeps none, or the queues fail.
    pub async fn dead_letter(&self, queues: &[QueueName], id: &str) -> Result<Value, Error> {
        Ok(dead_letters::show(self.with_queues()?, queues, id).await?)
    }

    /// Sends them back to their queue.
    ///
    /// # Errors
    /// The place keeps none.
    pub async fn redrive(&self, queues: &[QueueName], which: &Which) -> Result<Redriven, Error> {
        Ok(dead_letters::redrive(self.with_queues()?, queues, which).await)
    }

    fn with_queues(&self) -> Result<&App, Error> {
        match self {
            Self::Stack(app) => Ok(app),
            Self::Folder { .. } => Err(Error::Usage(
                "a folder keeps no queues, and no dead letters: a run tells of its own at its end"
                    .to_owned(),
            )),
        }
    }
}

/// The statuses that were named, or all.
fn meant<S: PartialEq, const N: usize>(named: &[S], all: [S; N]) -> impl Iterator<Item = S> {
    all.into_iter()
        .filter(move |status| named.is_empty() || named.contains(status))
}

/// The answer of [`Opened::show`] to an id that nothing has.
fn neither(id: Uuid) -> Refusal {
    Refusal::Refused {
        code: NOT_FOUND,
        message: format!("there is no workflow or task {id}"),
        details: JsonObject::new(),
    }
}

fn is_not_there(refusal: &Refusal) -> bool {
    refusal.code() == NOT_FOUND
}

/// Those that a person has, or may claim.
async fn concerning(
    app: &App,
    found: Vec<TaskSummary>,
    person: &Caller,
) -> Result<Vec<TaskSummary>, Error> {
    let mut theirs = Vec::new();
    for summary in found {
        let task = app.store().task(summary.id).await?;
        if task.is_some_and(|task| concerns(&task, person)) {
            theirs.push(summary);
        }
    }
    Ok(theirs)
}

fn concerns(task: &TaskInstance, person: &Caller) -> bool {
    match (&task.assignee, &task.handling) {
        (Some(assignee), _) => *assignee == person.user_id,
        (None, Some(handling)) => handling.is_candidate(person),
        (None, None) => false,
    }
}
