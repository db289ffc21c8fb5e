//! `taskmill cancel`, `pause`, `resume` and what else can be asked of a workflow.
//!
//! What is asked is written. A service or a stack does what follows from it; in a folder nothing is
//! run, and a later `run` or `continue` goes on from there.

use serde_json::Value;
use taskmill::workflow::WorkflowStatus;
use taskmill::workflow::decider::{Ask, Operation};

use crate::args::Request;
use crate::exit::{Error, Exit};
use crate::input::Source;
use crate::output;
use crate::place::{Opened, Place};
use crate::progress::WorkflowRecord;

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
    let view = opened.ask(request.id, operation).await?;
    output::print(&view, request.at.place.output)?;
    if !request.quiet {
        output::note(&told(&opened, &WorkflowRecord::of_view(&view)?));
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
