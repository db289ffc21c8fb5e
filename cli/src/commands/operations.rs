//! `taskmill cancel`, `pause`, `resume` and what else can be asked of a workflow.
//!
//! What is asked is written. In a stack its functions do what follows from it; in a folder nothing
//! is run, and a later `run` or `continue` goes on from there.

use serde_json::Value;
use taskmill::workflow::decider::{Ask, Operation};

use crate::args::Request;
use crate::exit::{Error, Exit};
use crate::input::Source;
use crate::output;
use crate::place::Place;

/// Asks something of a workflow, and prints it as it is then.
///
/// # Errors
/// The place cannot be used, or what is asked is refused.
pub async fn ask(stack: Option<String>, request: Request, ask: Ask) -> Result<Exit, Error> {
    let (id, at) = (request.id, request.at);
    let place = Place::of(stack, at.place.data)?;
    let tenant = place.tenant(at.tenant)?;
    let opened = place.open().await?;
    let operation = Operation {
        request_id: request.request_id,
        by_parent: None,
        ask,
    };
    let after = opened.ask(&tenant, id, operation).await?;
    output::print(&after.view, at.place.output)?;
    if !request.quiet {
        let told = format!("workflow {id} is {}", after.status.as_str());
        let how = opened.goes_on_by().filter(|_| !after.is_at_rest);
        output::note(&match how {
            None => told,
            Some(how) => format!("{told}; {how} goes on with it"),
        });
    }
    Ok(Exit::Done)
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
