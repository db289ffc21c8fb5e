//! One change of one workflow: load it, fold events through the decider, write it, until the
//! write wins, and perform what it owes.

use taskmill::ids::{TaskId, WorkflowId};
use taskmill::task::TaskInstance;
use taskmill::task::instance::VariablesSnapshot;
use taskmill::task::lifecycle;
use taskmill::workflow::decider::{self, Decision, Effect, Event, Fold};
use taskmill::workflow::{Plan, WorkflowInstance};
use taskmill_aws::queues::{Execute, Message};
use taskmill_aws::store::{Created, snapshot_of};

use crate::app::App;
use crate::emit;
use crate::refusal::Fault;
use crate::tasks::{self, ATTEMPTS, Applied};

/// Folds events into a workflow and commits them as one version, with its effects performed.
/// When they change nothing, what the newest version owes is performed again: the effects of
/// whoever was first may have been lost.
pub(crate) async fn fold(app: &App, id: WorkflowId, events: &[Event]) -> Result<(), Fault> {
    for _ in 0..ATTEMPTS {
        let Some(before) = app.store().workflow(id).await? else {
            tracing::warn!(workflow.id = %id, "an event is for a workflow that is gone");
            return Ok(());
        };
        let plan = app.inner.definitions.plan_of(&before).await?;
        let mut fold = Fold::of(&plan, before.clone(), app.workflow_facts());
        for event in events {
            fold.apply(event);
        }
        let Some(decision) = fold.finish() else {
            return perform_all(app, &before, &owed_by_newest(app, &plan, &before)).await;
        };
        if commit(app, &before, &decision).await? == Commit::Won {
            return Ok(());
        }
    }
    Err(Fault::Contended {
        record: format!("workflow {id}"),
        attempts: ATTEMPTS,
    })
}

/// Whether a decision became the record's next version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commit {
    /// It did, and what it owes was performed.
    Won,
    /// Another writer was first: the decision is void.
    Lost,
}

/// Commits a decision and performs what it owes.
pub(crate) async fn commit(
    app: &App,
    before: &WorkflowInstance,
    decision: &Decision,
) -> Result<Commit, Fault> {
    store_refused(app, decision).await?;
    let written = app.store().replace_workflow(before, &decision.state);
    match written.await {
        Ok(()) => {}
        Err(error) if error.is_version_conflict() => return Ok(Commit::Lost),
        Err(error) => return Err(error.into()),
    }
    perform_all(app, &decision.state, &effects_after(decision)).await?;
    Ok(Commit::Won)
}

/// Stores the records of steps that failed before their tasks could be created. That comes
/// before the decision is written, because no later version can derive them again.
pub(crate) async fn store_refused(app: &App, decision: &Decision) -> Result<(), Fault> {
    for task in decision.refused() {
        app.store().create_task(&with_snapshot(task)).await?;
    }
    Ok(())
}

/// What a decision owes after it was written.
pub(crate) fn effects_after(decision: &Decision) -> Vec<Effect> {
    let open = |effect: &&Effect| match effect {
        Effect::CreateTask(task) => !task.status.is_terminal(),
        Effect::CancelTask(_) => true,
    };
    decision.effects.iter().filter(open).cloned().collect()
}

/// What the newest version of a workflow owes. What older versions owed belongs to the sweep.
pub(crate) fn owed_by_newest(app: &App, plan: &Plan, state: &WorkflowInstance) -> Vec<Effect> {
    decider::owed(plan, state, app.workflow_facts(), |entry| {
        entry.since == state.version
    })
}

/// Performs effects and, when the workflow is over and they were all that it still owed, takes
/// note of that.
pub(crate) async fn perform_all(
    app: &App,
    state: &WorkflowInstance,
    effects: &[Effect],
) -> Result<(), Fault> {
    let owing = perform(app, effects).await?;
    // A task that is to be cancelled but is not there may still be on its way: the next look
    // finds it. After one look it never came.
    let waits = owing == Owing::Cancels && state.checks == 0;
    if state.cancelling.is_empty() || waits {
        return Ok(());
    }
    let plan = app.inner.definitions.plan_of(state).await?;
    let mut fold = Fold::of(&plan, state.clone(), app.workflow_facts());
    fold.apply(&Event::CancelsDone);
    let Some(decision) = fold.finish() else {
        return Ok(());
    };
    match app.store().replace_workflow(state, &decision.state).await {
        // Another writer was first: it has seen, or will see, what is still owed.
        Err(error) if error.is_version_conflict() => Ok(()),
        other => Ok(other?),
    }
}

/// What is still owed after effects were performed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owing {
    /// Nothing.
    Nothing,
    /// The cancellation of a task that is not there yet.
    Cancels,
}

/// Performs effects. Each is safe to repeat.
pub(crate) async fn perform(app: &App, effects: &[Effect]) -> Result<Owing, Fault> {
    let mut messages = Vec::new();
    let mut owing = Owing::Nothing;
    for effect in effects {
        match effect {
            Effect::CreateTask(task) => messages.extend(create(app, task).await?),
            Effect::CancelTask(id) => {
                if cancel(app, *id).await? == Owing::Cancels {
                    owing = Owing::Cancels;
                }
            }
        }
    }
    app.queues().send(&messages).await?;
    Ok(owing)
}

async fn create(app: &App, task: &TaskInstance) -> Result<Option<Message>, Fault> {
    let task = with_snapshot(task);
    let created = app.store().create_task(&task).await?;
    // Should the task have been there and be further on, the record will say so to whoever
    // takes the message.
    Ok(if task.status.is_terminal() {
        emit::announcement(&task)
    } else {
        Some(Message::Execute(Execute {
            perhaps_begun: created == Created::Exists,
            ..Execute::from(&task)
        }))
    })
}

/// The task with its snapshot of the variables as it is stored: a large one stands once, beside
/// the workflow.
fn with_snapshot(task: &TaskInstance) -> TaskInstance {
    let mut task = task.clone();
    if let VariablesSnapshot::Inline(variables) = &task.context.workflow_variables {
        task.context.workflow_variables = snapshot_of(variables);
    }
    task
}

async fn cancel(app: &App, id: TaskId) -> Result<Owing, Fault> {
    let reason = "its workflow is over".to_owned();
    Ok(
        match tasks::apply(app, id, &lifecycle::Event::Cancel { reason }).await? {
            Applied::Missing => Owing::Cancels,
            Applied::Owes(..) | Applied::Rejected(..) => Owing::Nothing,
        },
    )
}
