//! Colours, for people at a terminal: what went well, what did not, and what is under way. What is
//! kept in a file or read by a program has none.

use std::io::IsTerminal;

const GREEN: &str = "\u{1b}[32m";
const RED: &str = "\u{1b}[31m";
const YELLOW: &str = "\u{1b}[33m";
const CYAN: &str = "\u{1b}[36m";
const PLAIN: &str = "\u{1b}[0m";

/// The words that have a colour.
const COLOURS: [(&str, &str); 10] = [
    ("COMPLETED", GREEN),
    ("FAILED", RED),
    ("TIMED_OUT", RED),
    ("CANCELLED", RED),
    ("OVERDUE", RED),
    ("RETRY_PENDING", YELLOW),
    ("PAUSED", YELLOW),
    ("SKIPPED", YELLOW),
    ("RUNNING", CYAN),
    ("ASSIGNED", CYAN),
];

/// Whether who reads this sees colours: a terminal does, unless `NO_COLOR` says otherwise
/// (<https://no-color.org>).
#[must_use]
pub fn are_seen_by(reader: &impl IsTerminal) -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    reader.is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

/// The text with its statuses in colours.
#[must_use]
pub fn painted(text: &str) -> String {
    text.split_inclusive([' ', '\n']).map(word).collect()
}

fn word(word: &str) -> String {
    let bare = word.trim_end();
    let mut colours = COLOURS.iter();
    match colours.find(|(status, _)| *status == bare) {
        None => word.to_owned(),
        Some((_, colour)) => format!("{colour}{bare}{PLAIN}{}", &word[bare.len()..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_painted_and_nothing_moves() {
        let text = "a  COMPLETED  1\nb  FAILED\nCOMPLETEDNESS \n";
        let expected =
            format!("a  {GREEN}COMPLETED{PLAIN}  1\nb  {RED}FAILED{PLAIN}\nCOMPLETEDNESS \n");
        assert_eq!(painted(text), expected);
    }

    #[test]
    fn a_file_is_given_none() {
        assert!(!are_seen_by(&tempfile::tempfile().unwrap()));
    }
}
