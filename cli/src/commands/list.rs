//! `taskmill list`: workflows or tasks, by status.

use crate::args::{ListArgs, words};
use crate::exit::{Error, Exit};
use crate::output;
use crate::place::{Listing, Place};

/// Prints the list, the newest first.
///
/// # Errors
/// There is no such status, or the place cannot be used.
pub async fn list(args: ListArgs, place: Place) -> Result<Exit, Error> {
    let format = args.at.place.output;
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    if args.tasks {
        let listing = Listing {
            statuses: statuses(&args.statuses, words::task_status)?,
            workflow: args.workflow,
            days: args.days,
            limit,
        };
        let opened = place.open(args.at.tenant).await?;
        let found = opened.tasks(&listing, args.task_type).await?;
        output::print_page(&found, limit, "newest", format)?;
    } else {
        let listing = Listing {
            statuses: statuses(&args.statuses, words::workflow_status)?,
            workflow: args.workflow,
            days: args.days,
            limit,
        };
        let opened = place.open(args.at.tenant).await?;
        let found = opened.workflows(&listing).await?;
        output::print_page(&found, limit, "newest", format)?;
    }
    Ok(Exit::Done)
}

/// The statuses of these names.
fn statuses<S>(
    named: &[String],
    status: impl Fn(&str) -> Result<S, String>,
) -> Result<Vec<S>, Error> {
    let read = |text: &String| {
        status(text).map_err(|error| Error::Usage(format!("--status {text}: {error}")))
    };
    named.iter().map(read).collect()
}
