//! `taskmill workflow`: what there is in a data folder, and what can be asked of it.
//!
//! What is asked is written, and nothing is run: a later `run` or `resume` goes on from there.

use serde_json::Value;
use taskmill::workflow::WorkflowStatus;
use taskmill::workflow::decider::{Ask, Operation};
use taskmill_app::{views, workflows};
use taskmill_aws::store::DateRange;

use crate::args::{CancelArgs, ListArgs, OneWorkflow, Request, WorkflowCommand};
use crate::exit::{Error, Exit};
use crate::input::Source;
use crate::{lists, local, output};

/// Does what is asked.
///
/// # Errors
/// The folder is in use or cannot be used, or what is asked is refused.
pub async fn workflow(command: WorkflowCommand) -> Result<Exit, Error> {
    match command {
        WorkflowCommand::List(args) => list(&args).await,
        WorkflowCommand::Show(one) => show(&one).await,
        WorkflowCommand::Cancel(args) => cancel(args).await,
        WorkflowCommand::Pause(request) => ask(request, Ask::Pause).await,
        WorkflowCommand::Resume(request) => ask(request, Ask::Resume).await,
        WorkflowCommand::Retry(request) => ask(request, Ask::Retry).await,
        WorkflowCommand::Rerun(args) => {
            let path = args.path;
            ask(args.request, Ask::Rerun { path }).await
        }
        WorkflowCommand::Skip(args) => {
            let (path, output) = (args.path, value(&args.result)?);
            ask(args.request, Ask::Skip { path, output }).await
        }
        WorkflowCommand::Signal(args) => {
            let (name, data) = (args.name, value(&args.input)?);
            ask(args.request, Ask::Signal { name, data }).await
        }
        WorkflowCommand::Variables(args) => match value(&args.variables)? {
            Value::Object(variables) => ask(args.request, Ask::UpdateVariables { variables }).await,
            other => Err(Error::Usage(format!(
                "variables are an object, not {other}"
            ))),
        },
    }
}

async fn list(args: &ListArgs) -> Result<Exit, Error> {
    let prepared = local::at_rest(&args.kept.data).await?;
    let store = prepared.app().store();
    let range = DateRange::last_days(prepared.app().clock().now(), args.days);
    let mut found = Vec::new();
    let wanted =
        |status: &WorkflowStatus| args.statuses.is_empty() || args.statuses.contains(status);
    for status in WorkflowStatus::ALL.into_iter().filter(wanted) {
        let range = if status.is_terminal() {
            range
        } else {
            lists::ever()
        };
        found.extend(lists::workflows(store, &args.kept.tenant, status, range).await?);
    }
    if let Some(definition) = &args.workflow {
        found.retain(|one| one.workflow_definition_id == *definition);
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.created_at));
    output::print_list(&found, args.kept.output)?;
    Ok(Exit::Done)
}

async fn show(one: &OneWorkflow) -> Result<Exit, Error> {
    let prepared = local::at_rest(&one.kept.data).await?;
    let view = views::workflow(prepared.app(), &one.kept.tenant, one.id).await?;
    output::print(&view, one.kept.output)?;
    Ok(Exit::Done)
}

async fn cancel(args: CancelArgs) -> Result<Exit, Error> {
    let (reason, compensate) = (args.reason, args.compensate);
    ask(args.request, Ask::Cancel { reason, compensate }).await
}

/// Asks something of a workflow, and prints it as it is then.
async fn ask(request: Request, ask: Ask) -> Result<Exit, Error> {
    let OneWorkflow { id, kept } = request.workflow;
    let prepared = local::at_rest(&kept.data).await?;
    let operation = Operation {
        request_id: request.request_id,
        by_parent: None,
        ask,
    };
    let after = workflows::operate(prepared.app(), &kept.tenant, id, operation).await?;
    let view = views::workflow(prepared.app(), &kept.tenant, id).await?;
    output::print(&view, kept.output)?;
    if !request.quiet {
        let (status, data) = (after.status.as_str(), kept.data.display());
        output::note(
            &match after.is_settled() || after.status == WorkflowStatus::Paused {
                true => format!("workflow {id} is {status}"),
                false => {
                    format!(
                        "workflow {id} is {status}; taskmill resume PATH --data {data} goes on with it"
                    )
                }
            },
        );
    }
    Ok(Exit::Done)
}

/// A value of an argument.
fn value(argument: &str) -> Result<Value, Error> {
    Source::of(argument).read()
}
