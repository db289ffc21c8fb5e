//! A service: asked over its HTTP API, with a token that says who asks.
//!
//! What it answers is what the use cases give here, in the same words: the same views, and the same
//! refusals ([`answer`]).

mod address;
mod answer;
mod client;
mod request;

use async_trait::async_trait;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use taskmill::ids::{TaskId, WorkflowId};
use taskmill::limits::COMPLETED_TASKS_LISTED;
use taskmill::registration::DefinitionKind;
use taskmill::task::lifecycle::Act;
use taskmill::task::{TaskStatus, TaskType};
use taskmill::workflow::WorkflowStatus;
use taskmill::workflow::decider::Operation;
use taskmill_app::people::InboxRequest;
use taskmill_app::start_workflow::StartWorkflow;
use taskmill_aws::store::{InboxEntry, Registered, TaskSummary, WorkflowSummary};
use uuid::Uuid;

use super::verbs::{Listing, Verbs, is_not_there, meant, neither};
use crate::args::Who;
use crate::defining::{self, Defined};
use crate::definitions::{Found, Set};
use crate::{exit, lists};

pub use address::{Address, Token};
pub use client::Client;

/// Tasks that are asked for side by side.
const SIDE_BY_SIDE: usize = 8;

/// A service that cannot be worked on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing is to be asked there.
    #[error("{url} is no address of a service: {why}")]
    BadAddress {
        /// What was named.
        url: String,
        /// Why not.
        why: String,
    },
    /// The program that is to print the token does not.
    #[error("there is no token of {command:?}: {why}")]
    NoToken {
        /// The program and its arguments.
        command: String,
        /// Why not.
        why: String,
    },
    /// Nobody answers there.
    #[error("the service at {url} cannot be reached")]
    Unreachable {
        /// The address.
        url: String,
        /// What the connection says.
        #[source]
        source: reqwest::Error,
    },
    /// It was asked and did not answer, so it may have done what was asked.
    #[error("the service at {url} did not answer: what was asked may be done all the same")]
    NoAnswer {
        /// The address.
        url: String,
        /// What the connection says.
        #[source]
        source: reqwest::Error,
    },
    /// It does not take the token.
    #[error(
        "the service does not know who asks{detail}; the token is that of --token, of TASKMILL_TOKEN or of the profile"
    )]
    Unknown {
        /// What it says.
        detail: String,
    },
    /// It, or what it depends on, failed.
    #[error("the service at {url} failed: {detail}")]
    Failed {
        /// The address.
        url: String,
        /// What it says.
        detail: String,
    },
    /// What answers is something else.
    #[error("what answers at {url} is no Taskmill of this version: {detail}")]
    Strange {
        /// The address.
        url: String,
        /// What is strange.
        detail: String,
    },
}

impl Client {
    async fn register(&self, found: &Found<'_>) -> Result<Registered, exit::Error> {
        let path = match found.definition.kind() {
            DefinitionKind::Task => "task-definitions",
            DefinitionKind::Workflow => "workflow-definitions",
        };
        let (id, version) = (found.definition.id(), found.definition.version());
        let version = version.to_string();
        let stored = [path, id.as_str(), "versions", &version];
        let registered = match found_or_none(self.get(&stored, &[]).await)? {
            None => Registered::New,
            Some(_) => Registered::Same,
        };
        self.post(&[path], None, &found.document.value).await?;
        Ok(registered)
    }

    /// The workflow with its tasks, each whole, in the order of their creation.
    async fn with_tasks(&self, id: WorkflowId, mut view: Value) -> Result<Value, exit::Error> {
        let tasks = self.tasks_of(id).await?;
        let completed = tasks
            .iter()
            .filter(|task| task.status == TaskStatus::Completed)
            .map(|task| task.id);
        let completed: Vec<TaskId> = completed.collect();
        let surplus = completed.len().saturating_sub(COMPLETED_TASKS_LISTED);
        view["metrics"]["completedTasks"] = json!(completed[surplus..]);
        let views: Vec<Value> = stream::iter(&tasks)
            .map(|task| self.task(task.id))
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        view["taskInstances"] = views.into();
        Ok(view)
    }
}

#[async_trait(?Send)]
impl Verbs for Client {
    async fn define(&self, set: &Set) -> Result<Vec<Defined>, exit::Error> {
        defining::each(set, async |found| self.register(&found).await).await
    }

    async fn start(&self, who: &Who, request: StartWorkflow) -> Result<Value, exit::Error> {
        who.check_unnamed()?;
        let key = request.idempotency_key.clone();
        let body = request::start(request);
        self.post(&["workflows"], key.as_deref(), &body).await
    }

    async fn look(&self, id: Uuid) -> Result<Value, exit::Error> {
        let id_text = id.to_string();
        let workflow = self.get(&["workflows", &id_text], &[]).await;
        if let Some(workflow) = found_or_none(workflow)? {
            return Ok(workflow);
        }
        let task = self.get(&["tasks", &id_text], &[]).await;
        found_or_none(task)?.ok_or_else(|| neither(id).into())
    }

    async fn show(&self, who: &Who, id: Uuid) -> Result<Value, exit::Error> {
        who.check_unnamed()?;
        let view = self.look(id).await?;
        match view.get("taskInstances") {
            Some(_) => self.with_tasks(WorkflowId::new(id), view).await,
            None => Ok(view),
        }
    }

    async fn task(&self, id: TaskId) -> Result<Value, exit::Error> {
        self.get(&["tasks", &id.to_string()], &[]).await
    }

    async fn tasks_of(&self, id: WorkflowId) -> Result<Vec<TaskSummary>, exit::Error> {
        let id = id.to_string();
        let path = ["workflows", &id, "tasks"];
        let mut found = self
            .list(&path, &[request::page(usize::MAX)], usize::MAX)
            .await?;
        lists::in_order(&mut found);
        Ok(found)
    }

    async fn workflows(
        &self,
        listing: &Listing<WorkflowStatus>,
    ) -> Result<Vec<WorkflowSummary>, exit::Error> {
        let mut found: Vec<WorkflowSummary> = Vec::new();
        for status in meant(&listing.statuses, WorkflowStatus::ALL) {
            let query = request::listing(listing, status.as_str(), status.is_terminal());
            found.extend(self.list(&["workflows"], &query, listing.limit).await?);
        }
        found.sort_by_key(|one| std::cmp::Reverse(one.created_at));
        found.truncate(listing.limit);
        Ok(found)
    }

    async fn tasks(
        &self,
        listing: &Listing<TaskStatus>,
        of_type: Option<TaskType>,
    ) -> Result<Vec<TaskSummary>, exit::Error> {
        let mut found: Vec<TaskSummary> = Vec::new();
        for status in meant(&listing.statuses, TaskStatus::ALL) {
            let query = request::tasks(listing, status, of_type);
            found.extend(self.list(&["tasks"], &query, listing.limit).await?);
        }
        found.sort_by_key(|one| std::cmp::Reverse(one.created_at));
        found.truncate(listing.limit);
        Ok(found)
    }

    async fn ask(
        &self,
        who: &Who,
        id: WorkflowId,
        operation: Operation,
    ) -> Result<Value, exit::Error> {
        who.check_unnamed()?;
        let (what, body) = request::ask(operation.ask);
        let key = operation.request_id.as_deref();
        let path = ["workflows", &id.to_string(), what];
        let view = self.post(&path, key, &body).await?;
        self.with_tasks(id, view).await
    }

    async fn retry_task(
        &self,
        who: &Who,
        id: TaskId,
        key: Option<&str>,
    ) -> Result<Value, exit::Error> {
        who.check_unnamed()?;
        let path = ["tasks", &id.to_string(), "retry"];
        self.post(&path, key, &json!({})).await
    }

    async fn cancel_task(
        &self,
        who: &Who,
        id: TaskId,
        reason: String,
    ) -> Result<Value, exit::Error> {
        who.check_unnamed()?;
        let path = ["tasks", &id.to_string(), "cancel"];
        self.post(&path, None, &json!({"reason": reason})).await
    }

    async fn inbox(
        &self,
        who: &Who,
        request: &InboxRequest,
        limit: usize,
    ) -> Result<Vec<InboxEntry>, exit::Error> {
        who.check_unnamed()?;
        let query = request::inbox(request, limit);
        self.list(&["inbox"], &query, limit).await
    }

    async fn form(&self, who: &Who, id: TaskId) -> Result<Value, exit::Error> {
        who.check_unnamed()?;
        self.get(&["tasks", &id.to_string(), "form"], &[]).await
    }

    async fn act(&self, who: &Who, id: TaskId, act: Act) -> Result<Value, exit::Error> {
        who.check_unnamed()?;
        let (what, body) = request::act(act);
        self.post(&["tasks", &id.to_string(), what], None, &body)
            .await
    }
}

/// What was found; none when there is nothing.
fn found_or_none(answer: Result<Value, exit::Error>) -> Result<Option<Value>, exit::Error> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(exit::Error::Refused(refusal)) if is_not_there(&refusal) => Ok(None),
        Err(error) => Err(error),
    }
}
