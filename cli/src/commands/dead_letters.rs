//! `taskmill dead-letters`: the messages that a deployment could not handle. Those of a stack are
//! of all its tenants, those of a service of one.

use taskmill::Timestamp;
use taskmill_aws::clock::Clock;
use taskmill_aws::queues::{QueueName, Which};

use crate::args::{DeadLettersCommand, LetterArgs, LettersArgs, RedriveArgs};
use crate::exit::{Error, Exit};
use crate::output;
use crate::place::{Letter, Looked, Place};
use crate::progress::duration;

/// Does what is asked.
///
/// # Errors
/// The place keeps none or cannot be used, a letter is not there, or the queues fail.
pub async fn dead_letters(command: DeadLettersCommand, place: Place) -> Result<Exit, Error> {
    match command {
        DeadLettersCommand::List(args) => list(args, place).await,
        DeadLettersCommand::Show(args) => show(args, place).await,
        DeadLettersCommand::Redrive(args) => redrive(args, place).await,
    }
}

async fn list(args: LettersArgs, place: Place) -> Result<Exit, Error> {
    let format = args.place.output;
    let listed = place.letters().await?.list(&args.queues).await?;
    output::print_list(&listed.letters, format)?;
    let now = Clock::system().now();
    for queue in QueueName::ALL {
        tell(queue.as_str(), &listed, now);
    }
    Ok(Exit::Done)
}

/// How many there are of a queue, and for how long.
fn tell(queue: &str, looked: &Looked, now: Timestamp) {
    let letters = looked.letters.iter();
    let of_queue: Vec<_> = letters.filter(|letter| letter.queue() == queue).collect();
    let Some(oldest) = of_queue.first() else {
        return;
    };
    let age = duration(now.millis_since(oldest.sent_at().unwrap_or(now)));
    let more = match looked.more.contains(queue) {
        true => ", and there may be more than can be seen at one time",
        false => "",
    };
    let count = of_queue.len();
    output::note(&format!("{queue}: {count}, the oldest for {age}{more}"));
}

async fn show(args: LetterArgs, place: Place) -> Result<Exit, Error> {
    let format = args.letters.place.output;
    let letters = place.letters().await?;
    let letter = letters.show(&args.letters.queues, &args.id).await?;
    output::print(&letter, format)?;
    Ok(Exit::Done)
}

async fn redrive(args: RedriveArgs, place: Place) -> Result<Exit, Error> {
    let format = args.letters.place.output;
    let which = match args.all {
        true => Which::All,
        false => Which::Ids(args.ids.into_iter().collect()),
    };
    let letters = place.letters().await?;
    let redriven = letters.redrive(&args.letters.queues, &which).await?;
    output::print_list(&redriven.letters, format)?;
    if !args.quiet {
        let sent = match redriven.letters.len() {
            1 => "1 dead letter is on its queue again".to_owned(),
            count => format!("{count} dead letters are on their queues again"),
        };
        let came_back = match redriven.came_back {
            0 => String::new(),
            count => format!("; {count} came back at once and stayed"),
        };
        output::note(&format!("{sent}{came_back}"));
    }
    match redriven.stopped {
        Some(error) => Err(error),
        None => missing(&which, &redriven.letters),
    }
}

/// Whoever named a letter that is not there is told, whatever became of the others.
fn missing(which: &Which, sent: &[Letter]) -> Result<Exit, Error> {
    let Which::Ids(ids) = which else {
        return Ok(Exit::Done);
    };
    let is_missing = |id: &&String| !sent.iter().any(|letter| letter.id() == **id);
    let missing: Vec<_> = ids.iter().filter(is_missing).map(String::as_str).collect();
    match missing.is_empty() {
        true => Ok(Exit::Done),
        false => Err(Error::Usage(format!(
            "there is no dead letter {} that can be seen now",
            missing.join(", ")
        ))),
    }
}
