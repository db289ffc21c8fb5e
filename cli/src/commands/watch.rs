//! `taskmill watch`: what happens to a workflow or a task, as it happens, and what became of it.

use uuid::Uuid;

use super::session::display;
use crate::args::{Format, WatchArgs, Who};
use crate::exit::{Error, Exit};
use crate::follow::Follow;
use crate::output;
use crate::place::{Opened, Place};
use crate::progress::Display;

/// Follows it to its end and prints it. In a folder, where nothing moves, it is told and printed as
/// it is.
///
/// # Errors
/// There is nothing of this id, or the place cannot be used.
pub async fn watch(args: WatchArgs, place: Place, verbose: u8) -> Result<Exit, Error> {
    let (who, at) = (args.shown.who(), args.shown.at);
    let opened = place.open(at.tenant).await?;
    let display = display(args.quiet, verbose);
    match opened.goes_on_by() {
        None => to_its_end(&opened, &who, args.shown.id, &display, at.place.output).await,
        Some(how) => as_it_is(&opened, how, &who, args.shown.id, &display, at.place.output).await,
    }
}

/// Follows it to its end, and prints it, unless somebody wishes to stop looking: that stops nothing
/// else.
///
/// # Errors
/// There is nothing of this id, or the place fails.
pub(super) async fn to_its_end(
    opened: &Opened,
    who: &Who,
    id: Uuid,
    display: &Display,
    format: Format,
) -> Result<Exit, Error> {
    let mut follow = Follow::of(opened, id, display);
    let Some(over) = follow.until_over().await? else {
        display.say(&format!("{id} goes on: taskmill watch {id}"));
        return Ok(Exit::Stopped);
    };
    output::print(&opened.show(who, id).await?, format)?;
    display.say(&over.summary(follow.counts()));
    Ok(over.exit())
}

async fn as_it_is(
    opened: &Opened,
    how: &str,
    who: &Who,
    id: Uuid,
    display: &Display,
    format: Format,
) -> Result<Exit, Error> {
    let mut follow = Follow::of(opened, id, display);
    let record = follow.look().await?;
    output::print(&opened.show(who, id).await?, format)?;
    if record.is_over() {
        display.say(&record.summary(follow.counts()));
        return Ok(record.exit());
    }
    let told = record.told();
    display.say(&format!(
        "{told}; nothing moves in a folder: {how} goes on with it"
    ));
    Ok(Exit::Waiting)
}
