//! `taskmill dead-letters`: the messages that a deployment could not handle.

use taskmill::Timestamp;
use taskmill_app::dead_letters::{LetterSummary, Listed as Shown, summaries};
use taskmill_aws::clock::Clock;
use taskmill_aws::queues::{DeadLetter, QueueName, Which};

use crate::args::{DeadLettersCommand, LetterArgs, LettersArgs, RedriveArgs};
use crate::exit::{Error, Exit};
use crate::output::{self, Listed};
use crate::place::Place;
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

impl Listed for LetterSummary {
    const HEADER: &[&str] = &["ID", "QUEUE", "SENT", "KIND", "ABOUT", "REASON"];

    fn row(&self) -> Vec<String> {
        let about = self.message.as_ref();
        vec![
            self.id.clone(),
            self.queue.as_str().to_owned(),
            output::time(self.sent_at),
            about.map_or(String::new(), |about| about.kind.to_owned()),
            about.map_or(String::new(), |about| about.to_string()),
            self.reason.clone().unwrap_or_default(),
        ]
    }
}

async fn list(args: LettersArgs, place: Place) -> Result<Exit, Error> {
    let format = args.place.output;
    let queues = queues(args);
    let listed = place.letters().await?.list(&queues).await?;
    output::print_list(&listed.letters, format)?;
    let now = Clock::system().now();
    for queue in QueueName::ALL {
        tell(queue, &listed, now);
    }
    Ok(Exit::Done)
}

/// How many there are of a queue, and for how long.
fn tell(queue: QueueName, listed: &Shown, now: Timestamp) {
    let letters = listed.letters.iter();
    let of_queue: Vec<_> = letters.filter(|letter| letter.queue == queue).collect();
    let Some(oldest) = of_queue.first() else {
        return;
    };
    let age = duration(now.millis_since(oldest.sent_at.unwrap_or(now)));
    let more = match listed.more.contains(&queue) {
        true => ", and there may be more than can be seen at one time",
        false => "",
    };
    let (queue, count) = (queue.as_str(), of_queue.len());
    output::note(&format!("{queue}: {count}, the oldest for {age}{more}"));
}

async fn show(args: LetterArgs, place: Place) -> Result<Exit, Error> {
    let format = args.letters.place.output;
    let queues = queues(args.letters);
    let letter = place.letters().await?.show(&queues, &args.id).await?;
    output::print(&letter, format)?;
    Ok(Exit::Done)
}

async fn redrive(args: RedriveArgs, place: Place) -> Result<Exit, Error> {
    let format = args.letters.place.output;
    let queues = queues(args.letters);
    let which = match args.all {
        true => Which::All,
        false => Which::Ids(args.ids.into_iter().collect()),
    };
    let redriven = place.letters().await?.redrive(&queues, &which).await;
    output::print_list(&summaries(&redriven.sent), format)?;
    if !args.quiet {
        let sent = match redriven.sent.len() {
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
        Some(error) => Err(Error::Queues(error)),
        None => missing(&which, &redriven.sent),
    }
}

/// Whoever named a letter that is not there is told, whatever became of the others.
fn missing(which: &Which, sent: &[DeadLetter]) -> Result<Exit, Error> {
    let Which::Ids(ids) = which else {
        return Ok(Exit::Done);
    };
    let is_missing = |id: &&String| !sent.iter().any(|letter| letter.id == **id);
    let missing: Vec<_> = ids.iter().filter(is_missing).map(String::as_str).collect();
    match missing.is_empty() {
        true => Ok(Exit::Done),
        false => Err(Error::Usage(format!(
            "there is no dead letter {} that can be seen now",
            missing.join(", ")
        ))),
    }
}

fn queues(args: LettersArgs) -> Vec<QueueName> {
    match args.queues.is_empty() {
        true => QueueName::ALL.to_vec(),
        false => args.queues,
    }
}
