//! The arguments of `dead-letters`.

use clap::{Args, Subcommand};
use taskmill_aws::queues::QueueName;

use super::PlaceArgs;

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// Lists the messages that could not be handled, the oldest of each queue first.
    List(LettersArgs),
    /// Prints one with its whole body, which may hold an input.
    Show(LetterArgs),
    /// Sends them back to the queue that they were on.
    Redrive(RedriveArgs),
}

/// The arguments of `dead-letters list`.
#[derive(Debug, Args)]
pub struct LettersArgs {
    /// Only those of this queue; may be repeated.
    #[arg(long = "queue", value_name = "QUEUE", value_parser = queue)]
    pub queues: Vec<QueueName>,
    /// Where they are.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// The arguments of `dead-letters show`.
#[derive(Debug, Args)]
pub struct LetterArgs {
    /// The letter's id.
    pub id: String,
    /// Where it is.
    #[command(flatten)]
    pub letters: LettersArgs,
}

/// The arguments of `dead-letters redrive`.
#[derive(Debug, Args)]
pub struct RedriveArgs {
    /// The ids of letters.
    #[arg(
        value_name = "ID",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    pub ids: Vec<String>,
    /// All that there are; what fails again meanwhile is left.
    #[arg(long)]
    pub all: bool,
    /// Where they are.
    #[command(flatten)]
    pub letters: LettersArgs,
    /// Prints no summary.
    #[arg(long, short)]
    pub quiet: bool,
}

fn queue(text: &str) -> Result<QueueName, String> {
    let mut all = QueueName::ALL.into_iter();
    all.find(|queue| queue.as_str() == text).ok_or_else(|| {
        let names = QueueName::ALL.map(QueueName::as_str);
        format!("one of {}", names.join(", "))
    })
}
