//! Heartbeats of programs: lines of stderr, found as they come in pieces.

use taskmill_aws::executor::Beats;

/// What a line of stderr begins with that is a heartbeat. The rest of the line is for people.
pub const HEARTBEAT: &str = "::heartbeat::";

/// The lines of a stream, as far as they tell of heartbeats.
pub(super) struct Lines {
    beats: Beats,
    /// How much of the line that is being read is as a heartbeat begins; none when it is no
    /// heartbeat.
    matched: Option<usize>,
}

impl Lines {
    pub(super) fn of(beats: &Beats) -> Self {
        Self {
            beats: beats.clone(),
            matched: Some(0),
        }
    }

    /// Reads the next piece of the stream. A heartbeat counts from its last mark on: who writes it
    /// need not end the line.
    pub(super) fn read(&mut self, piece: &[u8]) {
        let mark = HEARTBEAT.as_bytes();
        for byte in piece {
            self.matched = match self.matched {
                _ if *byte == b'\n' => Some(0),
                Some(at) if mark.get(at) == Some(byte) => {
                    if at + 1 == mark.len() {
                        self.beats.beat();
                    }
                    Some(at + 1)
                }
                Some(_) | None => None,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the last of these pieces gives a sign of life.
    async fn beats(pieces: &[&str]) -> bool {
        let beats = Beats::default();
        let mut lines = Lines::of(&beats);
        let (last, before) = pieces.split_last().unwrap();
        for piece in before {
            lines.read(piece.as_bytes());
        }
        let mut next = std::pin::pin!(beats.next());
        let _ = futures::poll!(&mut next);
        lines.read(last.as_bytes());
        futures::poll!(&mut next).is_ready()
    }

    #[tokio::test]
    async fn a_line_that_begins_so_is_one_however_it_comes() {
        assert!(beats(&["::heartbeat::\n"]).await);
        assert!(beats(&["::heartbeat:: 7 of 9"]).await);
        assert!(beats(&["::heart", "beat", "::"]).await);
        assert!(beats(&["working\n", "::heartbeat::"]).await);
        assert!(!beats(&["::heartbeat:"]).await);
        assert!(!beats(&[" ::heartbeat::\n"]).await);
        assert!(!beats(&["at ", "::heartbeat::\n"]).await);
        assert!(!beats(&["::Heartbeat::\n"]).await);
    }
}
