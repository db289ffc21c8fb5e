//! `taskmill show` and `logs`: a workflow with its tasks, or a task, as it is, and what happened to
//! it.

use crate::args::ShowArgs;
use crate::exit::{Error, Exit};
use crate::place::Place;
use crate::{output, story};

/// Prints it.
///
/// # Errors
/// There is neither, or the place cannot be used.
pub async fn show(args: ShowArgs, place: Place) -> Result<Exit, Error> {
    let who = args.who();
    let view = place
        .open(args.at.tenant)
        .await?
        .show(&who, args.id)
        .await?;
    output::print(&view, args.at.place.output)?;
    Ok(Exit::Done)
}

/// Prints what happened to it, in order.
///
/// # Errors
/// There is neither, or the place cannot be used.
pub async fn logs(args: ShowArgs, place: Place) -> Result<Exit, Error> {
    let who = args.who();
    let view = place
        .open(args.at.tenant)
        .await?
        .show(&who, args.id)
        .await?;
    output::print_list(&story::of(&view)?, args.at.place.output)?;
    Ok(Exit::Done)
}
