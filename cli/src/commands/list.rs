//! `taskmill list`: workflows or tasks, by status.

use taskmill::task::TaskStatus;
use taskmill::workflow::WorkflowStatus;

use crate::args::{Format, ListArgs};
use crate::exit::{Error, Exit};
use crate::output::{self, Listed};
use crate::place::{Listing, Place};

/// Prints the list, the newest first.
///
/// # Errors
/// There is no such status, or the place cannot be used.
pub async fn list(args: ListArgs, stack: Option<String>) -> Result<Exit, Error> {
    let at = args.at;
    let place = Place::of(stack, at.place.data)?;
    let tenant = place.tenant(at.tenant)?;
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    if args.tasks {
        let listing = Listing {
            statuses: statuses(&args.statuses, &TaskStatus::ALL, TaskStatus::as_str)?,
            workflow: args.workflow,
            days: args.days,
            limit,
        };
        let found = place.open().await?.tasks(&tenant, &listing).await?;
        print(&found, limit, at.place.output)
    } else {
        let listing = Listing {
            statuses: statuses(&args.statuses, &WorkflowStatus::ALL, WorkflowStatus::as_str)?,
            workflow: args.workflow,
            days: args.days,
            limit,
        };
        let found = place.open().await?.workflows(&tenant, &listing).await?;
        print(&found, limit, at.place.output)
    }
}

fn print<T: Listed>(found: &[T], limit: usize, format: Format) -> Result<Exit, Error> {
    output::print_list(found, format)?;
    if found.len() == limit {
        output::note(&format!("the newest {limit}: --limit N shows more"));
    }
    Ok(Exit::Done)
}

/// The statuses of these names, in capitals or not.
fn statuses<S: Copy>(
    named: &[String],
    all: &[S],
    name: impl Fn(S) -> &'static str,
) -> Result<Vec<S>, Error> {
    let status = |text: &String| {
        let known = all.iter().copied();
        let mut found = known.filter(|status| name(*status).eq_ignore_ascii_case(text));
        found.next().ok_or_else(|| {
            let names: Vec<_> = all.iter().map(|status| name(*status)).collect();
            let names = names.join(", ");
            Error::Usage(format!("--status {text}: it is one of {names}"))
        })
    };
    named.iter().map(status).collect()
}
