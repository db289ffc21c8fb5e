//! The commands that work on what a place holds: which does what.

use taskmill::task::lifecycle::Act;
use taskmill::workflow::decider::Ask;

use super::operations::{ask, value, variables};
use super::people::act;
use super::{bulk, dead_letters, define, list, operations, people, schedules, show, start, watch};
use crate::args::{DeadLettersCommand, Named, PlaceArgs, ScheduleCommand, Verb};
use crate::exit::{Error, Exit};
use crate::place::Place;

/// Does what is asked at the place that the arguments name.
///
/// # Errors
/// The place cannot be used, or what is asked is refused.
pub async fn perform(verb: Verb, named: Named, verbose: u8) -> Result<Exit, Error> {
    let place = Place::of(named, place_of(&verb).data.clone())?;
    match verb {
        Verb::Define(args) => define::define(args, place, verbose).await,
        Verb::Start(args) => start::start(*args, place, verbose).await,
        Verb::List(args) => list::list(args, place).await,
        Verb::Show(args) => show::show(args, place).await,
        Verb::Watch(args) => watch::watch(args, place, verbose).await,
        Verb::Logs(args) => show::logs(args, place).await,
        Verb::Cancel(args) => operations::cancel(args, place).await,
        Verb::Pause(request) => ask(place, request, Ask::Pause).await,
        Verb::Resume(request) => ask(place, request, Ask::Resume).await,
        Verb::Retry(request) => operations::retry(request, place).await,
        Verb::Rerun(args) => ask(place, args.request, Ask::Rerun { path: args.path }).await,
        Verb::Skip(args) => {
            let (path, output) = (args.path, value(&args.result)?);
            ask(place, args.request, Ask::Skip { path, output }).await
        }
        Verb::Signal(args) => {
            let (name, data) = (args.name, value(&args.input)?);
            ask(place, args.request, Ask::Signal { name, data }).await
        }
        Verb::Variables(args) => ask(place, args.request, variables(&args.variables)?).await,
        Verb::Inbox(args) => people::inbox(*args, place).await,
        Verb::Form(args) => people::form(args, place).await,
        Verb::Claim(ones) => act(ones, place, Act::Claim).await,
        Verb::Begin(ones) => act(ones, place, Act::Start).await,
        Verb::Release(ones) => act(ones, place, Act::Release).await,
        Verb::Assign(args) => people::assign(args, place).await,
        Verb::Delegate(args) => people::delegate(args, place).await,
        Verb::Resolve(ones) => act(ones, place, Act::Resolve).await,
        Verb::FollowUp(args) => people::follow_up(args, place).await,
        Verb::Comment(args) => people::comment(args, place).await,
        Verb::Complete(args) => people::complete(args, place).await,
        Verb::Fail(args) => people::fail(args, place).await,
        Verb::Schedule { command } => schedules::schedules(command, place).await,
        Verb::Bulk { command } => bulk::bulk(command, place, verbose).await,
        Verb::DeadLetters { command } => dead_letters::dead_letters(command, place).await,
    }
}

/// What a verb's arguments say of its place.
fn place_of(verb: &Verb) -> &PlaceArgs {
    match verb {
        Verb::Define(args) => &args.at.place,
        Verb::Start(args) => &args.at.place,
        Verb::List(args) => &args.at.place,
        Verb::Show(args) | Verb::Logs(args) => &args.at.place,
        Verb::Watch(args) => &args.shown.at.place,
        Verb::Cancel(args) => &args.request.at.place,
        Verb::Pause(request) | Verb::Resume(request) => &request.at.place,
        Verb::Retry(request) => &request.at.place,
        Verb::Bulk { command } => &command.at().place,
        Verb::Rerun(args) => &args.request.at.place,
        Verb::Skip(args) => &args.request.at.place,
        Verb::Signal(args) => &args.request.at.place,
        Verb::Variables(args) => &args.request.at.place,
        Verb::Inbox(args) => &args.at.place,
        Verb::Form(args) => &args.at.place,
        Verb::Claim(ones) | Verb::Begin(ones) | Verb::Release(ones) | Verb::Resolve(ones) => {
            &ones.at.place
        }
        Verb::Assign(args) | Verb::Delegate(args) => &args.ones.at.place,
        Verb::FollowUp(args) => &args.ones.at.place,
        Verb::Comment(args) => &args.ones.at.place,
        Verb::Complete(args) => &args.ones.at.place,
        Verb::Fail(args) => &args.ones.at.place,
        Verb::Schedule { command } => match command {
            ScheduleCommand::Define(args) => &args.at.place,
            ScheduleCommand::List(args) => &args.at.place,
            ScheduleCommand::Show(args) => &args.one.at.place,
            ScheduleCommand::Pause(one)
            | ScheduleCommand::Resume(one)
            | ScheduleCommand::Delete(one) => &one.at.place,
            ScheduleCommand::Trigger(args) => &args.one.at.place,
        },
        Verb::DeadLetters { command } => match command {
            DeadLettersCommand::List(letters) => &letters.place,
            DeadLettersCommand::Show(args) => &args.letters.place,
            DeadLettersCommand::Redrive(args) => &args.letters.place,
        },
    }
}
