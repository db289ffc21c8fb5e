//! What an ended workflow left, for a decision to begin it again.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use taskmill::codes::refusal;
use taskmill::ids::WorkflowId;
use taskmill::limits::TASKS_RECALLED;
use taskmill::task::TaskInstance;
use taskmill::task::instance::VariablesSnapshot;
use taskmill::workflow::WorkflowInstance;
use taskmill::workflow::decider::{Ask, ChildEnd, Event, Operation, Refused};
use taskmill_aws::store::PageRequest;

use crate::app::App;
use crate::refusal::Fault;
use crate::workflows;

/// Records that are read side by side.
const SIDE_BY_SIDE: usize = 8;

/// The tasks of a workflow with the variables that they saw: all of them, or more than anybody
/// looks through.
pub(crate) async fn tasks_of(
    app: &App,
    state: &WorkflowInstance,
) -> Result<Vec<TaskInstance>, Fault> {
    let mut tasks = Vec::new();
    let mut request = PageRequest::first(PageRequest::MOST);
    while tasks.len() <= TASKS_RECALLED {
        let list = app
            .store()
            .tasks_of_workflow(&state.tenant_id, state.id, &request);
        let page = list.await?;
        let found: Vec<Option<TaskInstance>> = stream::iter(page.items)
            .map(|summary| async move {
                let task = app.store().task(summary.id).await?;
                with_variables(app, task).await
            })
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        tasks.extend(found.into_iter().flatten());
        match page.next {
            None => break,
            Some(cursor) => request = PageRequest::after(PageRequest::MOST, cursor),
        }
    }
    Ok(tasks)
}

async fn with_variables(
    app: &App,
    task: Option<TaskInstance>,
) -> Result<Option<TaskInstance>, Fault> {
    let Some(mut task) = task else {
        return Ok(None);
    };
    let variables = app.store().variables_of(&task).await?;
    task.context.workflow_variables = VariablesSnapshot::Inline(variables);
    Ok(Some(task))
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
