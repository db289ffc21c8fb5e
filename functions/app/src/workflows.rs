//! One change of one workflow: load it, fold events through the decider, write it, until the
//! write wins, and perform what it owes.

use futures::future::{BoxFuture, try_join_all};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;
use taskmill::codes::refusal;
use taskmill::ids::{TaskId, TenantId, WorkflowId};
use taskmill::task::TaskInstance;
use taskmill::task::instance::VariablesSnapshot;
use taskmill::task::lifecycle;
use taskmill::workflow::decider::{
    self, Applied as Folded, Ask, Decision, Effect, Event, Fold, Need, Operation, Refused, Supply,
};
use taskmill::workflow::frontier::Undoing;
use taskmill::workflow::parent::Undoable;
use taskmill::workflow::{Plan, WorkflowInstance};
use taskmill_aws::queues::{Message, Record};
use taskmill_aws::store::{Created, snapshot_of};

use crate::app::App;
use crate::children;
use crate::emit;
use crate::history;
use crate::refusal::{Fault, Refusal};
use crate::requests;
use crate::tasks::{self, ATTEMPTS};
use crate::told::Told;

/// Records that are read, or written, side by side.
const SIDE_BY_SIDE: usize = 8;

/// Does what is asked of a workflow.
///
/// # Errors
/// A [`Refusal`]: nothing was changed, unless it is a fault after the write.
pub async fn operate(
    app: &App,
    tenant: &TenantId,
    id: WorkflowId,
    operation: Operation,
) -> Result<WorkflowInstance, Refusal> {
    requests::check_ask(&operation.ask)?;
    of_tenant(app, tenant, id).await?;
    let event = Event::Operation(Box::new(operation));
    match fold(app, id, &[event]).await? {
        Outcome::Missing => Err(Refusal::not_found("workflow", id)),
        Outcome::Refused(refused) => Err(Refusal::new(refused.code, refused.message)),
        Outcome::Taken => of_tenant(app, tenant, id).await,
    }
}

/// A workflow of this tenant. A batch of iterations is a record, but no workflow.
pub(crate) async fn of_tenant(
    app: &App,
    tenant: &TenantId,
    id: WorkflowId,
) -> Result<WorkflowInstance, Refusal> {
    let found = app.store().workflow(id).await?;
    let is_theirs = |found: &WorkflowInstance| found.tenant_id == *tenant && found.batch.is_none();
    found
        .filter(is_theirs)
        .ok_or_else(|| Refusal::not_found("workflow", id))
}

/// What became of events.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// They were taken, now or before.
    Taken,
    /// One was refused.
    Refused(Refused),
    /// There is no such workflow.
    Missing,
}

/// Folds events into a workflow and commits them as one version, with its effects performed.
/// When they change nothing, what the newest version owes is performed again: the effects of
/// whoever was first may have been lost.
pub(crate) async fn fold(app: &App, id: WorkflowId, events: &[Event]) -> Result<Outcome, Fault> {
    for _ in 0..ATTEMPTS {
        let Some(before) = app.store().workflow(id).await? else {
            tracing::warn!(workflow.id = %id, "an event is for a workflow that is gone");
            return Ok(Outcome::Missing);
        };
        let plan = app.inner.definitions.plan_of(&before).await?;
        let (decision, refused) = decide(app, &plan, &before, events).await?;
        let outcome = refused.map_or(Outcome::Taken, Outcome::Refused);
        let Some(decision) = decision else {
            let mut owed = owed_by_newest(app, &plan, &before);
            if events.iter().all(is_hint) {
                // Two records would otherwise tell each other for ever what both know.
                owed.retain(|effect| !is_telling(effect));
            }
            perform_all(app, &before, &owed).await?;
            return Ok(outcome);
        };
        if commit(app, &before, &decision).await? == Commit::Won {
            return Ok(outcome);
        }
    }
    Err(contended(id))
}

/// Whether an event is what another record told of itself.
fn is_hint(event: &Event) -> bool {
    match event {
        Event::ChildEnded(_)
        | Event::BatchTold { .. }
        | Event::Granted { .. }
        | Event::Handed(_) => true,
        Event::Operation(operation) => operation.by_parent.is_some(),
        Event::TaskEnded(_) | Event::TaskWaits { .. } | Event::Look | Event::CancelsDone(_) => {
            false
        }
    }
}

/// Whether an effect tells another record what it may know.
fn is_telling(effect: &Effect) -> bool {
    match effect {
        Effect::TellParent(_) => true,
        Effect::Ask(_, event) => matches!(**event, Event::Granted { .. } | Event::Handed(_)),
        Effect::CreateTask(_)
        | Effect::CancelTask(_)
        | Effect::StartChild(_)
        | Effect::RefuseChild { .. }
        | Effect::StartBatch(_)
        | Effect::Wake(_)
        | Effect::Undo(_) => false,
    }
}

/// Decides what events mean for a workflow, with all that the decision needs.
pub(crate) async fn decide(
    app: &App,
    plan: &Plan,
    before: &WorkflowInstance,
    events: &[Event],
) -> Result<(Option<Decision>, Option<Refused>), Fault> {
    let mut fold = Fold::of(plan, before.clone(), app.workflow_facts());
    let mut refusal = None;
    for event in events {
        if let Folded::Refused(refused) = fold.apply(event) {
            refusal.get_or_insert(refused);
        }
        while let Some(need) = fold.need().cloned() {
            let supply = supply(app, plan, before, need).await?;
            if let Folded::Refused(refused) = fold.supply(supply) {
                refusal.get_or_insert(refused);
            }
        }
    }
    Ok((fold.finish(), refusal))
}

async fn supply(
    app: &App,
    plan: &Plan,
    state: &WorkflowInstance,
    need: Need,
) -> Result<Supply, Fault> {
    Ok(match need {
        Need::Undoable { of, name } => {
            let undoable = app.store().undoable(&state.tenant_id, of, &name).await?;
            Supply::Undoable(Box::new(undoable))
        }
        Need::Chains { batches, .. } => Supply::Chains(history::chains_of(app, &batches).await?),
        Need::Results(batches) => {
            let outputs = stream::iter(batches)
                .map(|id| async move {
                    let batch = app.store().workflow(id).await?;
                    let output = batch.and_then(|batch| batch.output);
                    Ok::<_, Fault>(output.unwrap_or(Value::Array(Vec::new())))
                })
                .buffered(SIDE_BY_SIDE);
            Supply::Results(outputs.try_collect().await?)
        }
        Need::History => history::tasks_of(app, plan, state).await?,
        Need::Records(ids) => Supply::Records(history::ends_of(app, &ids).await?),
        Need::Rerun { child, path } => Supply::Rerun(history::refusal_of(app, child, path).await?),
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
    store_beside(app, decision).await?;
    let written = app.store().replace_workflow(before, &decision.state);
    match written.await {
        Ok(()) => {}
        Err(error) if error.is_version_conflict() => return Ok(Commit::Lost),
        Err(error) => return Err(error.into()),
    }
    perform_all(app, &decision.state, &effects_after(decision)).await?;
    Ok(Commit::Won)
}

/// Creates the record of a first decision, and performs what it owes.
pub(crate) async fn create_first(app: &App, decision: &Decision) -> Result<Created, Fault> {
    let created = create_record(app, decision).await?;
    if created == Created::New {
        perform_first(app, decision).await?;
    }
    Ok(created)
}

/// Creates the record of a first decision.
pub(crate) async fn create_record(app: &App, decision: &Decision) -> Result<Created, Fault> {
    store_beside(app, decision).await?;
    Ok(app.store().create_workflow(&decision.state).await?)
}

/// Performs what a first decision owes.
pub(crate) async fn perform_first(app: &App, decision: &Decision) -> Result<(), Fault> {
    perform_all(app, &decision.state, &effects_after(decision)).await
}

/// Asks of a record that was just created what the workflow around it asks of all of them.
pub(crate) async fn ask_newborn(
    app: &App,
    parent: &WorkflowInstance,
    id: WorkflowId,
) -> Result<(), Fault> {
    let plan = app.inner.definitions.plan_of(parent).await?;
    let mut owed = decider::owed(&plan, parent, app.workflow_facts(), |_, _| false);
    owed.retain(|effect| matches!(effect, Effect::Ask(asked, _) if *asked == id));
    match owed.is_empty() {
        true => Ok(()),
        false => perform_all(app, parent, &owed).await,
    }
}

/// Stores what no later version can derive again, before the decision is written: the records of
/// steps that failed before their tasks could be created, what undoes the steps that completed,
/// and the items of new batches.
async fn store_beside(app: &App, decision: &Decision) -> Result<(), Fault> {
    for task in decision.refused() {
        app.store().create_task(&with_snapshot(task)).await?;
    }
    for undoable in decision.compensables.values() {
        let put = app.store().put_undoable(&decision.state, undoable);
        put.await?;
    }
    let state = &decision.state;
    for slices in decision.slices.chunks(SIDE_BY_SIDE) {
        try_join_all(
            slices
                .iter()
                .map(|slice| app.store().put_items(state, slice)),
        )
        .await?;
    }
    Ok(())
}

/// What a decision owes after it was written.
fn effects_after(decision: &Decision) -> Vec<Effect> {
    let is_owed =
        |effect: &&Effect| !matches!(effect, Effect::CreateTask(task) if task.status.is_terminal());
    decision.effects.iter().filter(is_owed).cloned().collect()
}

/// What the newest version of a workflow owes. What older versions owed belongs to the sweep.
pub(crate) fn owed_by_newest(app: &App, plan: &Plan, state: &WorkflowInstance) -> Vec<Effect> {
    decider::owed(plan, state, app.workflow_facts(), |_, since| {
        since == state.version
    })
}

/// Performs effects, and takes note of what of the workflow is over for that.
pub(crate) async fn perform_all(
    app: &App,
    state: &WorkflowInstance,
    effects: &[Effect],
) -> Result<(), Fault> {
    let told = perform(app, state, effects).await?;
    if state.course.cancelling.is_empty() {
        return Ok(());
    }
    // What is to be cancelled but is not there may still be on its way: the next look finds it.
    // After one look it never came.
    let is_final = state.checks > 0;
    let events = told.into_events(is_final);
    match events.is_empty() {
        true => Ok(()),
        false => take_note(app, state, &events).await,
    }
}

/// Folds what became of effects into the version that owed them, or a later one.
fn take_note<'f>(
    app: &'f App,
    state: &'f WorkflowInstance,
    events: &'f [Event],
) -> BoxFuture<'f, Result<(), Fault>> {
    Box::pin(async move {
        let mut before = state.clone();
        for _ in 0..ATTEMPTS {
            let plan = app.inner.definitions.plan_of(&before).await?;
            let (decision, _) = decide(app, &plan, &before, events).await?;
            let Some(decision) = decision else {
                return Ok(());
            };
            if commit(app, &before, &decision).await? == Commit::Won {
                return Ok(());
            }
            match app.store().workflow(state.id).await? {
                Some(found) => before = found,
                None => return Ok(()),
            }
        }
        Err(contended(state.id))
    })
}

fn contended(id: WorkflowId) -> Fault {
    Fault::Contended {
        record: format!("workflow {id}"),
        attempts: ATTEMPTS,
    }
}

/// Performs effects of a workflow. Each is safe to repeat. (A workflow may start another, which
/// may start another: hence the box.)
fn perform<'f>(
    app: &'f App,
    state: &'f WorkflowInstance,
    effects: &'f [Effect],
) -> BoxFuture<'f, Result<Told, Fault>> {
    Box::pin(async move {
        let mut messages = create_all(app, effects).await?;
        let mut told = Told::default();
        for effect in effects {
            match effect {
                // They were the first.
                Effect::CreateTask(_) => {}
                Effect::CancelTask(id) => cancel(app, *id, &mut told).await?,
                Effect::StartChild(child) => messages.extend(children::start(app, child).await?),
                Effect::RefuseChild { id, error } => {
                    messages.extend(children::refuse(app, state.id, *id, error).await?);
                }
                Effect::StartBatch(batch) => children::begin(app, batch).await?,
                Effect::Ask(id, event) => {
                    let asked = children::ask(app, *id, event, state).await?;
                    messages.extend(told.note_asked(*id, event, asked));
                }
                Effect::TellParent(parent) => messages.push(Message::ChildTold {
                    child_id: state.id,
                    workflow_id: parent.id,
                }),
                Effect::Wake(at) => messages.push(wake(app, state.id, *at)),
                Effect::Undo(undoing) => messages.extend(undo(app, state, undoing).await?),
            }
        }
        app.queues().send(&messages).await?;
        Ok(told)
    })
}

/// The message that has a workflow looked at when a time comes.
fn wake(app: &App, id: WorkflowId, at: taskmill::Timestamp) -> Message {
    let due = Message::Due(Record::Workflow(id));
    if at <= app.now() {
        return due;
    }
    Message::Later {
        due_at: at,
        then: Box::new(due),
    }
}

/// Creates the task of a compensation that began.
async fn undo(
    app: &App,
    state: &WorkflowInstance,
    undoing: &Undoing,
) -> Result<Option<Message>, Fault> {
    let of = undoing.of.unwrap_or(state.id);
    let found = app.store().undoable(&state.tenant_id, of, &undoing.name);
    let Undoable::Step(compensable) = found.await? else {
        return Ok(None);
    };
    let plan = app.inner.definitions.plan_of(state).await?;
    let facts = decider::Facts {
        now: state.updated_at,
        ..app.workflow_facts()
    };
    match decider::undoing(&plan, state, facts, undoing, &compensable) {
        Some(task) => create(app, &task).await,
        None => Ok(None),
    }
}

/// Creates the tasks that are to be created, several at a time, and gives the messages that follow,
/// in their order.
async fn create_all(app: &App, effects: &[Effect]) -> Result<Vec<Message>, Fault> {
    let tasks: Vec<&TaskInstance> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::CreateTask(task) => Some(&**task),
            Effect::CancelTask(_)
            | Effect::StartChild(_)
            | Effect::RefuseChild { .. }
            | Effect::StartBatch(_)
            | Effect::Ask(..)
            | Effect::TellParent(_)
            | Effect::Wake(_)
            | Effect::Undo(_) => None,
        })
        .collect();
    let mut messages = Vec::with_capacity(tasks.len());
    for tasks in tasks.chunks(SIDE_BY_SIDE) {
        let created = try_join_all(tasks.iter().map(|task| create(app, task))).await?;
        messages.extend(created.into_iter().flatten());
    }
    Ok(messages)
}

async fn create(app: &App, task: &TaskInstance) -> Result<Option<Message>, Fault> {
    let task = with_snapshot(task);
    let created = app.store().create_task(&task).await?;
    // Should the task have been there and be further on, the record will say so to whoever
    // takes the message.
    Ok(if task.status.is_terminal() {
        emit::announcement(&task)
    } else {
        emit::first(&task, created)
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

async fn cancel(app: &App, id: TaskId, told: &mut Told) -> Result<(), Fault> {
    let reason = "its workflow is over".to_owned();
    let applied = tasks::apply(app, id, &lifecycle::Event::Cancel { reason }).await?;
    told.note_task(id, applied);
    Ok(())
}

/// Whether a refusal says that the state does not allow what was asked.
pub(crate) fn is_too_late(refused: &Refused) -> bool {
    refused.code == refusal::ILLEGAL_STATE
}

/// Whether what is asked is to begin a step again.
pub(crate) fn asks_to_rerun(event: &Event) -> bool {
    matches!(event, Event::Operation(operation) if matches!(operation.ask, Ask::Rerun { .. }))
}

/// Whether what is asked is to begin nothing new.
pub(crate) fn asks_to_pause(event: &Event) -> bool {
    matches!(event, Event::Operation(operation) if matches!(operation.ask, Ask::Pause))
}

/// Whether what is asked is to end.
pub(crate) fn asks_to_cancel(event: &Event) -> bool {
    matches!(event, Event::Operation(operation) if matches!(operation.ask, Ask::Cancel { .. }))
}
