//! What can be asked of a place. Each is one question or one request with values in and out: the
//! commands know nothing of what is behind it.

use async_trait::async_trait;
use serde_json::Value;
use taskmill::JsonObject;
use taskmill::codes::refusal::NOT_FOUND;
use taskmill::ids::{DefinitionId, TaskId, WorkflowId};
use taskmill::task::lifecycle::Act;
use taskmill::task::{TaskStatus, TaskType};
use taskmill::workflow::WorkflowStatus;
use taskmill::workflow::decider::Operation;
use taskmill_app::Refusal;
use taskmill_app::people::InboxRequest;
use taskmill_app::start_workflow::StartWorkflow;
use taskmill_aws::store::{InboxEntry, TaskSummary, WorkflowSummary};
use uuid::Uuid;

use super::bulks::Bulks;
use super::schedules::Schedules;
use crate::args::Who;
use crate::defining::Defined;
use crate::definitions::Set;
use crate::exit::Error;

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

/// What a place answers. A service knows by its token who asks, and refuses whoever says it again.
///
/// Every method fails with a refusal, or when the place cannot be reached or fails itself.
#[async_trait(?Send)]
pub trait Verbs: Bulks + Schedules {
    /// Registers definitions, tasks first, and says of each whether it is new. Those before one
    /// that is refused are registered.
    async fn define(&self, set: &Set) -> Result<Vec<Defined>, Error>;

    /// Starts a workflow, and gives it as it begins.
    async fn start(&self, who: &Who, request: StartWorkflow) -> Result<Value, Error>;

    /// A workflow, perhaps without its tasks, or a task.
    async fn look(&self, id: Uuid) -> Result<Value, Error>;

    /// A workflow with all its tasks, or a task.
    async fn show(&self, who: &Who, id: Uuid) -> Result<Value, Error>;

    /// A task.
    async fn task(&self, id: TaskId) -> Result<Value, Error>;

    /// The tasks of a workflow, in the order of their creation.
    async fn tasks_of(&self, id: WorkflowId) -> Result<Vec<TaskSummary>, Error>;

    /// Workflows, the newest first.
    async fn workflows(
        &self,
        listing: &Listing<WorkflowStatus>,
    ) -> Result<Vec<WorkflowSummary>, Error>;

    /// Tasks, the newest first; of one type when one is named.
    async fn tasks(
        &self,
        listing: &Listing<TaskStatus>,
        of_type: Option<TaskType>,
    ) -> Result<Vec<TaskSummary>, Error>;

    /// Asks something of a workflow, and gives it with its tasks as it is then.
    async fn ask(&self, who: &Who, id: WorkflowId, operation: Operation) -> Result<Value, Error>;

    /// Repeats a task by a new one, once under a key, and gives the new one.
    async fn retry_task(&self, who: &Who, id: TaskId, key: Option<&str>) -> Result<Value, Error>;

    /// Ends a task, and gives it as it is then.
    async fn cancel_task(&self, who: &Who, id: TaskId, reason: String) -> Result<Value, Error>;

    /// A person's open tasks, the urgent first, at most so many.
    async fn inbox(
        &self,
        who: &Who,
        request: &InboxRequest,
        limit: usize,
    ) -> Result<Vec<InboxEntry>, Error>;

    /// The form by which a person gives a task's output.
    async fn form(&self, who: &Who, id: TaskId) -> Result<Value, Error>;

    /// Does with a task what a person asks, and gives it as it is then.
    async fn act(&self, who: &Who, id: TaskId, act: Act) -> Result<Value, Error>;
}

/// The statuses that were named, or all.
pub(super) fn meant<S: PartialEq, const N: usize>(
    named: &[S],
    all: [S; N],
) -> impl Iterator<Item = S> {
    all.into_iter()
        .filter(move |status| named.is_empty() || named.contains(status))
}

/// The answer to an id that nothing has.
pub fn neither(id: Uuid) -> Refusal {
    missing(format!("there is no workflow or task {id}"))
}

/// The answer to what is not there.
pub(super) fn missing(message: String) -> Refusal {
    Refusal::Refused {
        code: NOT_FOUND,
        message,
        details: JsonObject::new(),
    }
}

/// Whether it says that something is not there.
pub fn is_not_there(refusal: &Refusal) -> bool {
    refusal.code() == NOT_FOUND
}
