//! The end of an attempt that another system has, as that system tells it.
//!
//! It has no identity but the token that it was given with the attempt, and may do nothing with it
//! but this. What it says is checked and written by the call that takes it, and only hinted: a
//! repeat is a success, and whoever comes too late is told so.

use serde_json::Value;
use taskmill::codes::refusal;
use taskmill::ids::ExecutionId;
use taskmill::metrics::ExecutionMetrics;
use taskmill::task::lifecycle::Event;
use taskmill::task::{AttemptReport, Outcome, TaskInstance, output};
use taskmill_aws::callbacks::Ticket;
use taskmill_aws::executor::{Failure, ReportedFailure};

use crate::app::App;
use crate::create_task;
use crate::line;
use crate::refusal::Refusal;
use crate::tasks;

/// How an attempt ended elsewhere.
#[derive(Debug)]
pub enum End {
    /// With an output.
    Output(Value),
    /// With a failure.
    Error(Box<ReportedFailure>),
}

/// Takes the end of the attempt that a token is for.
///
/// # Errors
/// `NOT_FOUND` for a token that nobody here signed, and for a task that is gone; `ILLEGAL_STATE`
/// or `VERSION_CONFLICT` for an attempt that nobody waits for any more; `INVALID_INPUT` for an
/// output that breaks the task's schema, which leaves the attempt open; a fault.
pub async fn end(app: &App, token: &str, end: End) -> Result<TaskInstance, Refusal> {
    let callbacks = app.config().callbacks.as_ref();
    let ticket = callbacks.and_then(|callbacks| callbacks.ticket(token));
    let unknown = || Refusal::new(refusal::NOT_FOUND, "there is no such callback");
    let ticket = ticket.ok_or_else(unknown)?;
    let task = create_task::of_tenant(app, &ticket.tenant_id, ticket.task_id).await?;
    check_time(app, &ticket, &task)?;
    let outcome = outcome(app, &task, end).await?;
    let event = Event::Report(Box::new(report(app, &ticket, &task, outcome)));
    let applied = tasks::apply_to(app, task.id, Some(task), &event).await?;
    let task = tasks::settle(app, ticket.task_id, applied).await?;
    line::over(app, &task, attempt_of(&ticket), ticket.started_at).await?;
    Ok(task)
}

fn attempt_of(ticket: &Ticket) -> ExecutionId {
    ExecutionId::of_attempt(ticket.task_id, ticket.attempt)
}

/// Refuses the end of an attempt whose time is over although nobody has looked yet. Of one that is
/// over the record says how it ended.
fn check_time(app: &App, ticket: &Ticket, task: &TaskInstance) -> Result<(), Refusal> {
    let is_open = !task.status.is_terminal() && task.execution_id() == attempt_of(ticket);
    if is_open && ticket.until <= app.now() {
        let message = format!("the time of the attempt was over at {}", ticket.until);
        return Err(Refusal::new(refusal::ILLEGAL_STATE, message));
    }
    Ok(())
}

async fn outcome(app: &App, task: &TaskInstance, end: End) -> Result<Outcome, Refusal> {
    let now = app.now();
    match end {
        End::Output(output) => {
            let definition = app.inner.definitions.of_task(task).await?;
            output::check(&output, &definition.output, refusal::INVALID_INPUT, now)?;
            Ok(Outcome::Succeeded { output })
        }
        End::Error(failure) => Ok(Failure::from(*failure).into_outcome(now)),
    }
}

fn report(app: &App, ticket: &Ticket, task: &TaskInstance, outcome: Outcome) -> AttemptReport {
    let ended_at = app.now();
    let environment = task.execution_environment.clone();
    AttemptReport {
        execution_id: attempt_of(ticket),
        started_at: ticket.started_at,
        ended_at,
        executor_id: task.executor_id.clone(),
        execution_environment: environment
            .unwrap_or_else(|| app.config().execution_environment.clone()),
        outcome,
        metrics: ExecutionMetrics {
            execution_time: ended_at.millis_since(ticket.started_at),
            ..ExecutionMetrics::default()
        },
    }
}
