//! Showing progress on standard error: lines, and on a terminal a spinner below them.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use taskmill::Timestamp;

use super::{Active, Line};
use crate::output::{self, colours};

/// How often a terminal is drawn.
pub const FRAME: Duration = Duration::from_millis(100);

/// Where progress goes.
#[derive(Debug)]
pub enum Display {
    /// Nowhere.
    Quiet,
    /// A line each.
    Plain,
    /// Lines, and a spinner with what is going on.
    Terminal(ProgressBar),
}

impl Display {
    /// Progress for people, as standard error is: a terminal, or something that keeps lines. With
    /// logs in between, a spinner would only be in their way.
    #[must_use]
    pub fn for_people(verbose: u8) -> Self {
        if verbose > 0 || !io::stderr().is_terminal() {
            return Self::Plain;
        }
        let style = ProgressStyle::with_template("{spinner} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        Self::Terminal(ProgressBar::new_spinner().with_style(style))
    }

    /// Tells something.
    pub fn say(&self, text: &str) {
        match self {
            Self::Quiet => {}
            Self::Plain => output::note(text),
            Self::Terminal(bar) if colours::are_seen_by(&io::stderr()) => {
                bar.println(colours::painted(text));
            }
            Self::Terminal(bar) => bar.println(text),
        }
    }

    /// Tells lines.
    pub fn tell(&self, lines: &[Line]) {
        for line in lines {
            self.say(&line.to_string());
        }
    }

    /// Draws what is going on, once a [`FRAME`].
    pub fn draw(&self, active: Option<&Active>, now: Timestamp) {
        match self {
            Self::Quiet | Self::Plain => {}
            Self::Terminal(bar) => {
                bar.set_message(active.map_or_else(String::new, |active| active.describe(now)));
                bar.tick();
            }
        }
    }

    /// Whether [`draw`](Self::draw) shows anything.
    #[must_use]
    pub fn is_animated(&self) -> bool {
        matches!(self, Self::Terminal(_))
    }

    /// Takes the spinner away.
    pub fn clear(&self) {
        match self {
            Self::Quiet | Self::Plain => {}
            Self::Terminal(bar) => bar.finish_and_clear(),
        }
    }
}
