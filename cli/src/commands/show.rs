//! `taskmill show`: a workflow with its tasks, or a task.

use crate::args::ShowArgs;
use crate::exit::{Error, Exit};
use crate::output;
use crate::place::{Place, reader};

/// Prints it.
///
/// # Errors
/// There is neither, or the place cannot be used.
pub async fn show(args: ShowArgs, stack: Option<String>) -> Result<Exit, Error> {
    let place = Place::of(stack, args.at.place.data)?;
    let tenant = place.tenant(args.at.tenant)?;
    let reader = reader(&tenant, args.permissions);
    let view = place.open().await?.show(&reader, args.id).await?;
    output::print(&view, args.at.place.output)?;
    Ok(Exit::Done)
}
