//! The commands that work on what a place holds: which does what.

use taskmill::workflow::decider::Ask;

use super::operations::{ask, value, variables};
use super::{dead_letters, define, list, people, schedules, show, start};
use crate::args::Verb;
use crate::exit::{Error, Exit};

/// Does what is asked at the place that the arguments name.
///
/// # Errors
/// The place cannot be used, or what is asked is refused.
pub async fn perform(verb: Verb, stack: Option<String>, verbose: u8) -> Result<Exit, Error> {
    match verb {
        Verb::Define(args) => define::define(args, stack, verbose).await,
        Verb::Start(args) => start::start(*args, stack, verbose).await,
        Verb::List(args) => list::list(args, stack).await,
        Verb::Show(args) => show::show(args, stack).await,
        Verb::Cancel(args) => {
            let (reason, compensate) = (args.reason, args.compensate);
            ask(stack, args.request, Ask::Cancel { reason, compensate }).await
        }
        Verb::Pause(request) => ask(stack, request, Ask::Pause).await,
        Verb::Resume(request) => ask(stack, request, Ask::Resume).await,
        Verb::Retry(request) => ask(stack, request, Ask::Retry).await,
        Verb::Rerun(args) => ask(stack, args.request, Ask::Rerun { path: args.path }).await,
        Verb::Skip(args) => {
            let (path, output) = (args.path, value(&args.result)?);
            ask(stack, args.request, Ask::Skip { path, output }).await
        }
        Verb::Signal(args) => {
            let (name, data) = (args.name, value(&args.input)?);
            ask(stack, args.request, Ask::Signal { name, data }).await
        }
        Verb::Variables(args) => ask(stack, args.request, variables(&args.variables)?).await,
        Verb::Inbox(args) => people::inbox(args, stack).await,
        Verb::Claim(ones) => people::claim(ones, stack).await,
        Verb::Release(ones) => people::release(ones, stack).await,
        Verb::Assign(args) => people::assign(args, stack).await,
        Verb::Complete(args) => people::complete(args, stack).await,
        Verb::Fail(args) => people::fail(args, stack).await,
        Verb::Schedule { command } => schedules::schedules(command, stack).await,
        Verb::DeadLetters { command } => dead_letters::dead_letters(command, stack).await,
    }
}
