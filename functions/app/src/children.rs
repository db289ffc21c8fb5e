//! Workflows that other workflows start, and batches of iterations: their start, and what their
//! parents ask of them.

use serde_json::Value;
use taskmill::Timestamp;
use taskmill::codes::failure;
use taskmill::error_info::ErrorInfo;
use taskmill::ids::WorkflowId;
use taskmill::limits::NESTED_WORKFLOWS;
use taskmill::workflow::creation::{self, NewWorkflow};
use taskmill::workflow::decider::{self, ChildEnd, Decision, Event, Fold, NewChild};
use taskmill::workflow::{WorkflowInstance, WorkflowStatus};
use taskmill_aws::queues::Message;
use taskmill_aws::store::Created;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use crate::app::App;
use crate::refusal::{Fault, Refusal};
use crate::workflows::{self, Outcome};

/// Starts a child, unless it is there. The message tells the parent what it may not know: that
/// the child was refused, or is over already.
pub(crate) async fn start(app: &App, child: &NewChild) -> Result<Option<Message>, Fault> {
    let refused = |error: ErrorInfo| Message::ChildRefused {
        child_id: child.id,
        workflow_id: child.parent.id,
        error: Box::new(error),
    };
    if child.parent.depth > NESTED_WORKFLOWS {
        let message = format!("workflows are nested deeper than {NESTED_WORKFLOWS}");
        let error = ErrorInfo::new(failure::MAX_ITERATIONS, message, app.now());
        return Ok(Some(refused(error)));
    }
    let tenant = &child.security_context.tenant_id;
    let definitions = &app.inner.definitions;
    let plan = definitions.plan_at(tenant, &child.workflow_definition_id, &child.version);
    let plan = match plan.await {
        Ok(plan) => plan,
        Err(Refusal::Fault(fault)) => return Err(fault),
        Err(refusal) => {
            let error = ErrorInfo::new(refusal.code(), refusal.to_string(), app.now());
            return Ok(Some(refused(error)));
        }
    };
    let new = NewWorkflow {
        id: child.id,
        input: child.input.clone(),
        security_context: child.security_context.clone(),
        correlation_id: child.correlation_id.clone(),
        traceparent: child.traceparent.clone(),
        request_hash: None,
        parent: Some(child.parent.clone()),
    };
    let decision = match creation::start(&plan, new, app.workflow_facts()) {
        Ok(decision) => decision,
        Err(error) => return Ok(Some(refused(*error))),
    };
    match create_apart(app, decision, child.parent.id).await? {
        Created::New => Ok(None),
        Created::Exists => Ok(Some(Message::ChildTold {
            child_id: child.id,
            workflow_id: child.parent.id,
        })),
    }
}

/// Tells a workflow that a child cannot be started, unless the child is there.
pub(crate) async fn refuse(
    app: &App,
    workflow_id: WorkflowId,
    child_id: WorkflowId,
    error: &ErrorInfo,
) -> Result<Option<Message>, Fault> {
    let found = app.store().workflow(child_id).await?;
    Ok(found.is_none().then(|| Message::ChildRefused {
        child_id,
        workflow_id,
        error: Box::new(error.clone()),
    }))
}

/// Begins a batch, unless it is there: then it tells by itself how far it is.
pub(crate) async fn begin(app: &App, batch: &WorkflowInstance) -> Result<(), Fault> {
    let mut created = batch.clone();
    let items = app.store().items(batch).await?;
    if let Some(batch) = &mut created.batch {
        batch.items = items;
    }
    let plan = app.inner.definitions.plan_of(batch).await?;
    let decision = Fold::start(&plan, created, app.workflow_facts()).finish();
    if let (Some(decision), Some(parent)) = (decision, &batch.parent) {
        create_apart(app, decision, parent.id).await?;
    }
    Ok(())
}

/// Creates a record apart.
async fn create_apart(app: &App, decision: Decision, parent: WorkflowId) -> Result<Created, Fault> {
    let app = app.clone();
    apart(async move { create(&app, &decision, parent).await }).await
}

/// Creates a record that another waits for. What that one asked of all such records meanwhile, this
/// one could not be asked: whoever creates it finds that out, and asks it. In a pause its first
/// steps are left to the resume, which finds what it owes.
async fn create(app: &App, decision: &Decision, parent: WorkflowId) -> Result<Created, Fault> {
    let created = workflows::create_record(app, decision).await?;
    if created == Created::Exists {
        return Ok(created);
    }
    let parent = app.store().workflow(parent).await?;
    let is_paused = |parent: &WorkflowInstance| parent.status == WorkflowStatus::Paused;
    if !parent.as_ref().is_some_and(is_paused) {
        workflows::perform_first(app, decision).await?;
    }
    if let Some(parent) = parent {
        workflows::ask_newborn(app, &parent, decision.state.id).await?;
    }
    Ok(created)
}

/// Runs what one record makes of another on a stack of its own: records may stand around each
/// other a hundred deep, and each would add to the stack of the one around it. Dropping the
/// future stops it.
async fn apart<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let mut tasks = JoinSet::new();
    tasks.spawn(work.in_current_span());
    match tasks.join_next().await {
        Some(Ok(done)) => done,
        Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        None => unreachable!("one task was spawned"),
    }
}

/// What became of asking.
#[derive(Debug)]
pub(crate) enum Asked {
    /// It is done.
    Told,
    /// A message carries it.
    Send(Box<Message>),
    /// It was to end, and had ended before: when, and its news.
    Ended(Option<Timestamp>, Option<Box<Event>>),
    /// There is no such record.
    Missing,
}

/// Asks something of a child or a batch. What it is told must not be lost with a message, so it
/// is written at once; what its parent tells again at every look may.
pub(crate) async fn ask(
    app: &App,
    id: WorkflowId,
    event: &Event,
    parent: &WorkflowInstance,
) -> Result<Asked, Fault> {
    if let Event::Granted { run, slots } = event {
        return Ok(Asked::Send(Box::new(Message::Granted {
            workflow_id: id,
            run: *run,
            slots: *slots,
        })));
    }
    let told = Message::ChildTold {
        child_id: id,
        workflow_id: parent.id,
    };
    let now = app.now();
    let (apart_of, folded) = (app.clone(), event.clone());
    let fold = async move { workflows::fold(&apart_of, id, std::slice::from_ref(&folded)).await };
    Ok(match apart(fold).await? {
        // The batch has answered, which its workflow reads in its record.
        _ if matches!(event, Event::Handed(_)) => Asked::Send(Box::new(told)),
        Outcome::Missing => Asked::Missing,
        // It was asked before, and something has come between.
        Outcome::Refused(refused) if workflows::asks_to_rerun(event) => {
            let error = ErrorInfo::new(refused.code, refused.message, now);
            Asked::Send(Box::new(Message::ChildRefused {
                child_id: id,
                workflow_id: parent.id,
                error: Box::new(error),
            }))
        }
        Outcome::Refused(refused) if !workflows::is_too_late(&refused) => Asked::Told,
        Outcome::Refused(_) if workflows::asks_to_cancel(event) => ended(app, id).await?,
        // What is over is found at the resume: until then the one that asks takes no news, and
        // would ask again.
        Outcome::Refused(_) if workflows::asks_to_pause(event) => Asked::Told,
        Outcome::Refused(_) => Asked::Send(Box::new(told)),
        Outcome::Taken => Asked::Told,
    })
}

/// How a record ended that was to end.
async fn ended(app: &App, id: WorkflowId) -> Result<Asked, Fault> {
    Ok(match app.store().workflow(id).await? {
        None => Asked::Missing,
        Some(child) => Asked::Ended(child.end_time, news_of(&child).map(Box::new)),
    })
}

/// What a child or a batch has to tell the record that waits for it.
pub(crate) async fn news(app: &App, id: WorkflowId) -> Result<Option<Event>, Fault> {
    let found = app.store().workflow(id).await?;
    Ok(found.as_ref().and_then(news_of))
}

fn news_of(child: &WorkflowInstance) -> Option<Event> {
    match decider::report(child) {
        Some(report) => Some(Event::BatchTold {
            id: child.id,
            report: Box::new(report),
        }),
        // One that is about to go on has nothing to tell.
        None if child.status.is_terminal() && !child.course.again => {
            Some(Event::ChildEnded(Box::new(child.into())))
        }
        None => None,
    }
}

/// The end of a child that could not be started.
pub(crate) fn refused(id: WorkflowId, error: &ErrorInfo) -> Event {
    Event::ChildEnded(Box::new(ChildEnd {
        id,
        status: WorkflowStatus::Failed,
        output: Value::Null,
        error: Some(error.clone()),
        // There is nothing that could go on.
        heeded: u64::MAX,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_runs_apart_is_told_of_in_the_same_span() {
        let _guard = tracing::subscriber::set_default(tracing_subscriber::registry());
        let span = tracing::info_span!("outer");
        let id = span.id();
        assert!(id.is_some());
        let inside = apart(async { tracing::Span::current().id() });
        assert_eq!(inside.instrument(span).await, id);
    }
}
