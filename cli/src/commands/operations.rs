//! `taskmill cancel`, `pause`, `resume` and what else can be asked of a workflow. Two of them can be
//! asked of a task as well.
//!
//! What is asked is written. A service or a stack does what follows from it; in a folder nothing is
//! run, and a later `run` or `continue` goes on from there.

use serde_json::Value;
use taskmill::ids::{TaskId, WorkflowId};
use taskmill::workflow::WorkflowStatus;
use taskmill::workflow::decider::{Ask, Operation};
use uuid::Uuid;

use crate::args::{CancelArgs, Request, RequestOfEither, Who};
use crate::exit::{Error, Exit};
use crate::input::Source;
use crate::output;
use crate::place::{Opened, Place, is_not_there, neither};
use crate::progress::{Record, WorkflowRecord};

/// Asks something of a workflow, and prints it as it is then.
///
/// # Errors
/// The place cannot be used, or what is asked is refused.
pub async fn ask(place: Place, request: Request, ask: Ask) -> Result<Exit, Error> {
    let opened = place.open(request.at.tenant).await?;
    let operation = Operation {
        request_id: request.request_id,
        by_parent: None,
        ask,
    };
    let view = opened.ask(&Who::default(), request.id, operation).await?;
    output::print(&view, request.at.place.output)?;
    if !request.quiet {
        output::note(&told(&opened, &WorkflowRecord::of_view(&view)?));
    }
    Ok(Exit::Done)
}

/// Lets a workflow go on at the steps that failed, or repeats a task by a new one, and prints it.
///
/// # Errors
/// The place cannot be used, there is neither, or it is refused.
pub async fn retry(request: RequestOfEither, place: Place) -> Result<Exit, Error> {
    let opened = place.open(request.at.tenant.clone()).await?;
    let view = match of_workflow(&opened, &request, Ask::Retry).await? {
        Some(view) => view,
        None => {
            let key = request.request_id.as_deref();
            let task = TaskId::new(request.id);
            let repeated = opened.retry_task(&request.who, task, key).await;
            repeated.map_err(|error| of_neither(error, request.id))?
        }
    };
    print(&opened, &view, &request)
}

/// Ends a workflow or a task, and prints it as it is then.
///
/// # Errors
/// As of [`retry`].
pub async fn cancel(args: CancelArgs, place: Place) -> Result<Exit, Error> {
    let (request, reason, compensate) = (args.request, args.reason, args.compensate);
    let opened = place.open(request.at.tenant.clone()).await?;
    let ask = Ask::Cancel {
        reason: reason.clone(),
        compensate,
    };
    let view = match of_workflow(&opened, &request, ask).await? {
        Some(view) => view,
        None if compensate => {
            return Err(Error::Usage(format!(
                "there is no workflow {}, and a task has nothing that --compensate undoes",
                request.id
            )));
        }
        None => {
            let task = TaskId::new(request.id);
            let cancelled = opened.cancel_task(&request.who, task, reason).await;
            cancelled.map_err(|error| of_neither(error, request.id))?
        }
    };
    print(&opened, &view, &request)
}

/// Asks it of the workflow of this id; none when there is no such workflow.
async fn of_workflow(
    opened: &Opened,
    request: &RequestOfEither,
    ask: Ask,
) -> Result<Option<Value>, Error> {
    let operation = Operation {
        request_id: request.request_id.clone(),
        by_parent: None,
        ask,
    };
    let asked = opened.ask(&request.who, WorkflowId::new(request.id), operation);
    match asked.await {
        Ok(view) => Ok(Some(view)),
        Err(Error::Refused(refusal)) if is_not_there(&refusal) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Who finds no task either is told so.
fn of_neither(error: Error, id: Uuid) -> Error {
    match error {
        Error::Refused(refusal) if is_not_there(&refusal) => neither(id).into(),
        error => error,
    }
}

fn print(opened: &Opened, view: &Value, request: &RequestOfEither) -> Result<Exit, Error> {
    output::print(view, request.at.place.output)?;
    if request.quiet {
        return Ok(Exit::Done);
    }
    let record = Record::of_view(view)?;
    match &record {
        Record::Workflow(workflow) => output::note(&told(opened, workflow)),
        Record::Task(_) => match opened.goes_on_by().filter(|_| !record.is_over()) {
            None => output::note(&record.told()),
            Some(how) => output::note(&format!("{}; {how} goes on with it", record.told())),
        },
    }
    Ok(Exit::Done)
}

/// What a workflow is by now, and how it goes on when somebody has to do something for it.
pub(super) fn told(opened: &Opened, workflow: &WorkflowRecord) -> String {
    let told = format!("workflow {} is {}", workflow.id, workflow.status.as_str());
    let is_at_rest = workflow.is_settled() || workflow.status == WorkflowStatus::Paused;
    match opened.goes_on_by().filter(|_| !is_at_rest) {
        None => told,
        Some(how) => format!("{told}; {how} goes on with it"),
    }
}

/// The variables that are to be set.
///
/// # Errors
/// They cannot be read, or are no object.
pub fn variables(argument: &str) -> Result<Ask, Error> {
    match value(argument)? {
        Value::Object(variables) => Ok(Ask::UpdateVariables { variables }),
        other => Err(Error::Usage(format!(
            "variables are an object, not {other}"
        ))),
    }
}

/// A value of an argument.
///
/// # Errors
/// It cannot be read.
pub fn value(argument: &str) -> Result<Value, Error> {
    Source::of(argument).read()
}
