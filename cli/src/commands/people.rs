//! `taskmill inbox`, `form`, `claim` and what else people do: what waits for them, and what they do
//! with it.
//!
//! An act is written. A service or a stack does what follows from it; in a folder nothing is run,
//! and a later `run` or `continue` goes on from there. Whoever may use a folder or a stack says who
//! they are; a service knows it by the token.

use taskmill::JsonObject;
use taskmill::task::lifecycle::Act;
use taskmill_app::people::{InboxRequest, Whose};

use crate::args::{
    AssignArgs, CommentArgs, CompleteArgs, FailArgs, FollowUpArgs, FormArgs, InboxArgs, OnesTask,
    Who,
};
use crate::exit::{Error, Exit};
use crate::input::Source;
use crate::output;
use crate::place::Place;
use crate::progress::Record;

/// Lists a person's open tasks, the urgent first.
///
/// # Errors
/// The place cannot be used, or the group is not the person's.
pub async fn inbox(args: InboxArgs, place: Place) -> Result<Exit, Error> {
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let request = InboxRequest {
        whose: match args.group {
            Some(group) => Whose::Group(group),
            None if args.mine => Whose::Mine,
            None if args.claimable => Whose::Claimable,
            None => Whose::All,
        },
        status: args.status,
        priority: args.priority,
        due_before: args.due_before,
        with_put_off: args.with_put_off,
    };
    let opened = place.open(args.at.tenant).await?;
    let found = opened.inbox(&args.actor.into(), &request, limit).await?;
    output::print_page(&found, limit, "first", args.at.place.output)?;
    Ok(Exit::Done)
}

/// Prints the form of a task.
///
/// # Errors
/// The place cannot be used, or there is no such task.
pub async fn form(args: FormArgs, place: Place) -> Result<Exit, Error> {
    let opened = place.open(args.at.tenant).await?;
    let form = opened.form(&args.actor.into(), args.id).await?;
    output::print(&form, args.at.place.output)?;
    Ok(Exit::Done)
}

/// Gives a task to somebody.
///
/// # Errors
/// As of [`act`].
pub async fn assign(args: AssignArgs, place: Place) -> Result<Exit, Error> {
    let assignee = args.assignee;
    act(args.ones, place, Act::Assign { assignee }).await
}

/// Has another do the work.
///
/// # Errors
/// As of [`act`].
pub async fn delegate(args: AssignArgs, place: Place) -> Result<Exit, Error> {
    let assignee = args.assignee;
    act(args.ones, place, Act::Delegate { assignee }).await
}

/// Puts a task off.
///
/// # Errors
/// As of [`act`].
pub async fn follow_up(args: FollowUpArgs, place: Place) -> Result<Exit, Error> {
    let until = args.until;
    act(args.ones, place, Act::FollowUp { until }).await
}

/// Says something about a task.
///
/// # Errors
/// As of [`act`].
pub async fn comment(args: CommentArgs, place: Place) -> Result<Exit, Error> {
    let text = args.text;
    act(args.ones, place, Act::Comment { text }).await
}

/// Ends a task well.
///
/// # Errors
/// As of [`act`].
pub async fn complete(args: CompleteArgs, place: Place) -> Result<Exit, Error> {
    let output = Source::of(&args.result).read()?;
    act(args.ones, place, Act::Complete { output }).await
}

/// Ends an attempt at a task.
///
/// # Errors
/// As of [`act`].
pub async fn fail(args: FailArgs, place: Place) -> Result<Exit, Error> {
    let what = Act::Fail {
        code: args.code,
        message: args.message,
        details: JsonObject::new(),
        permanent: args.permanent,
    };
    act(args.ones, place, what).await
}

/// Does something with a task, and prints it as it is then.
///
/// # Errors
/// The place cannot be used, or the act is refused.
pub async fn act(ones: OnesTask, place: Place, what: Act) -> Result<Exit, Error> {
    let opened = place.open(ones.at.tenant).await?;
    let who = Who::from(ones.actor);
    let view = opened.act(&who, ones.id, what).await?;
    output::print(&view, ones.at.place.output)?;
    if !ones.quiet {
        output::note(&Record::of_view(&view)?.told());
    }
    Ok(Exit::Done)
}
