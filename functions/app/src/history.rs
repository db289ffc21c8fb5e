//! What an ended workflow left, for a decision to begin it again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;
use taskmill::JsonObject;
use taskmill::codes::refusal;
use taskmill::ids::{TaskId, WorkflowId};
use taskmill::limits::{RECALLED_BYTES, TASKS_RECALLED};
use taskmill::task::TaskInstance;
use taskmill::task::instance::VariablesSnapshot;
use taskmill::task::output::json_size;
use taskmill::workflow::decider::{
    self, Ask, ChildEnd, Event, Operation, PastTask, Refused, Supply, TooMuch,
};
use taskmill::workflow::{Plan, WorkflowInstance};
use taskmill_aws::store::PageRequest;

use crate::app::App;
use crate::refusal::Fault;
use crate::workflows;

/// Records that are read side by side.
const SIDE_BY_SIDE: usize = 8;

/// The tasks of a workflow that a rerun looks through, with the variables that they saw; or why
/// they are not looked through.
pub(crate) async fn tasks_of(
    app: &App,
    plan: &Plan,
    state: &WorkflowInstance,
) -> Result<Supply, Fault> {
    let mut history = History::default();
    let mut request = PageRequest::first(PageRequest::MOST);
    loop {
        let list = app
            .store()
            .tasks_of_workflow(&state.tenant_id, state.id, &request);
        let page = list.await?;
        let is_wanted = |path: &str| decider::is_looked_through(plan, path);
        let wanted = page
            .items
            .into_iter()
            .filter(|task| task.task_path.as_deref().is_some_and(is_wanted));
        let ids: Vec<TaskId> = wanted.map(|task| task.id).collect();
        if history.tasks.len() + ids.len() > TASKS_RECALLED {
            return Ok(Supply::TooMuch(TooMuch::Tasks));
        }
        let mut found = stream::iter(ids)
            .map(|id| app.store().task(id))
            .buffered(SIDE_BY_SIDE);
        while let Some(task) = found.try_next().await? {
            history.add(app, task).await?;
            if history.bytes > RECALLED_BYTES {
                return Ok(Supply::TooMuch(TooMuch::Bytes));
            }
        }
        match page.next {
            None => return Ok(Supply::History(history.tasks)),
            Some(cursor) => request = PageRequest::after(PageRequest::MOST, cursor),
        }
    }
}

/// What is known of a workflow's tasks by now.
#[derive(Default)]
struct History {
    tasks: Vec<PastTask>,
    /// The variables that were read, by what names them.
    variables: HashMap<String, Arc<JsonObject>>,
    /// The size of what the tasks gave and of the variables.
    bytes: usize,
}

impl History {
    async fn add(&mut self, app: &App, task: Option<TaskInstance>) -> Result<(), Fault> {
        let Some(task) = task else {
            return Ok(());
        };
        let variables = self.variables_of(app, &task).await?;
        self.bytes += task.output.as_ref().map_or(0, json_size);
        self.tasks.extend(PastTask::of(&task, variables));
        Ok(())
    }

    /// The variables that a task saw. Those that many saw are read, and kept, once.
    async fn variables_of(
        &mut self,
        app: &App,
        task: &TaskInstance,
    ) -> Result<Arc<JsonObject>, Fault> {
        let name = match &task.context.workflow_variables {
            VariablesSnapshot::OfWorkflow(hash) => Some(hash.clone()),
            VariablesSnapshot::Inline(_) => None,
        };
        if let Some(known) = name.as_ref().and_then(|name| self.variables.get(name)) {
            return Ok(Arc::clone(known));
        }
        let variables = Value::Object(app.store().variables_of(task).await?);
        self.bytes += json_size(&variables);
        let variables = match variables {
            Value::Object(variables) => Arc::new(variables),
            _ => unreachable!("it was made of an object"),
        };
        if let Some(name) = name {
            self.variables.insert(name, Arc::clone(&variables));
        }
        Ok(variables)
    }
}

/// How children and batches ended, as far as they are there.
pub(crate) async fn ends_of(app: &App, ids: &[WorkflowId]) -> Result<Vec<ChildEnd>, Fault> {
    let found: Vec<Option<ChildEnd>> = stream::iter(ids.to_vec())
        .map(|id| async move {
            let found = app.store().workflow(id).await?;
            Ok::<_, Fault>(found.as_ref().map(ChildEnd::from))
        })
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

/// Where the chains begin of what batches completed; none when one of them is not over. One that
/// is not there never began: who gave it up has seen to that.
pub(crate) async fn chains_of(
    app: &App,
    batches: &[WorkflowId],
) -> Result<Option<BTreeMap<WorkflowId, String>>, Fault> {
    let found: Vec<Option<WorkflowInstance>> = stream::iter(batches.to_vec())
        .map(|id| async move { Ok::<_, Fault>(app.store().workflow(id).await?) })
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await?;
    let mut there = found.iter().flatten();
    let are_over = there.all(WorkflowInstance::is_settled);
    let chain = |batch: WorkflowInstance| Some((batch.id, batch.course.compensations?));
    let chains = || found.into_iter().flatten().filter_map(chain).collect();
    Ok(are_over.then(chains))
}

/// Why a child would not begin the step of a path again, if it would not.
pub(crate) async fn refusal_of(
    app: &App,
    id: WorkflowId,
    path: String,
) -> Result<Option<Refused>, Fault> {
    let Some(child) = app.store().workflow(id).await? else {
        return Ok(Some(Refused {
            code: refusal::NOT_FOUND,
            message: format!("there is no workflow {id}"),
        }));
    };
    let plan = app.inner.definitions.plan_of(&child).await?;
    let event = Event::Operation(Box::new(Operation {
        request_id: None,
        by_parent: None,
        ask: Ask::Rerun { path: Some(path) },
    }));
    // A child may have to ask a child of its own.
    let (_, refused) = Box::pin(workflows::decide(app, &plan, &child, &[event])).await?;
    Ok(refused)
}
