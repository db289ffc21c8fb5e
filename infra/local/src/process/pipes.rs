//! The pipes to a program: fed and drained at once, so that neither side waits for the other.

use std::collections::VecDeque;
use std::io;
use std::process::Child;

use super::heartbeat::Lines;
use taskmill_aws::secrets::Redactor;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// The three pipes of a program.
pub(super) struct Pipes {
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: ChildStderr,
}

/// All that came, up to a limit.
pub(super) struct Bounded {
    pub(super) bytes: Vec<u8>,
    limit: usize,
}

/// The last of what came.
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    keep: usize,
}

/// More came than is allowed.
#[derive(Debug)]
pub(super) struct TooLarge {
    pub(super) limit: usize,
}

impl Pipes {
    /// Takes the pipes of a child that was started with all three.
    pub(super) fn of(child: &mut Child) -> io::Result<Self> {
        let missing = || io::Error::other("a pipe is missing");
        Ok(Self {
            stdin: ChildStdin::from_std(child.stdin.take().ok_or_else(missing)?)?,
            stdout: ChildStdout::from_std(child.stdout.take().ok_or_else(missing)?)?,
            stderr: ChildStderr::from_std(child.stderr.take().ok_or_else(missing)?)?,
        })
    }

    /// Writes the input and reads both outputs until they are closed.
    pub(super) async fn transfer(
        self,
        input: &[u8],
        stdout: &mut Bounded,
        stderr: &mut Tail,
        beats: &mut Lines,
    ) -> Result<(), TooLarge> {
        let feed = async {
            feed(self.stdin, input).await;
            Ok(())
        };
        let show = async {
            stderr.fill(self.stderr, beats).await;
            Ok(())
        };
        tokio::try_join!(feed, stdout.fill(self.stdout), show).map(|_| ())
    }
}

/// Writes all of the input and closes the pipe. A program need not read it: that it closed its
/// end is no failure.
async fn feed(mut stdin: ChildStdin, input: &[u8]) {
    let _ = stdin.write_all(input).await;
}

impl Bounded {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            limit,
        }
    }

    /// Reads to the end. A pipe that cannot be read has ended.
    async fn fill(&mut self, mut from: impl AsyncRead + Unpin) -> Result<(), TooLarge> {
        let limit = self.limit;
        let mut chunk = vec![0; CHUNK];
        while let Ok(length @ 1..) = from.read(&mut chunk).await {
            if self.bytes.len() + length > limit {
                return Err(TooLarge { limit });
            }
            self.bytes.extend_from_slice(&chunk[..length]);
        }
        Ok(())
    }
}

impl Tail {
    pub(super) fn new(keep: usize) -> Self {
        Self {
            bytes: VecDeque::new(),
            keep,
        }
    }

    /// The last so many bytes as text, without secrets. A secret across their beginning is
    /// recognized when the tail keeps the redactor's margin more than it shows.
    pub(super) fn excerpt(mut self, show: usize, redactor: &Redactor) -> String {
        let bytes = self.bytes.make_contiguous();
        let start = bytes.len().saturating_sub(show);
        redactor.excerpt(bytes, start..bytes.len())
    }

    async fn fill(&mut self, mut from: impl AsyncRead + Unpin, beats: &mut Lines) {
        let mut chunk = vec![0; CHUNK];
        while let Ok(length @ 1..) = from.read(&mut chunk).await {
            beats.read(&chunk[..length]);
            self.bytes.extend(&chunk[..length]);
            let over = self.bytes.len().saturating_sub(self.keep);
            self.bytes.drain(..over);
        }
    }
}

#[cfg(test)]
mod tests {
    use taskmill_aws::executor::Beats;

    use super::*;

    async fn tail(text: &str, show: usize, secret: &str) -> String {
        let mut redactor = Redactor::none();
        redactor.hide(secret);
        let mut tail = Tail::new(show + redactor.margin());
        tail.fill(text.as_bytes(), &mut Lines::of(&Beats::default()))
            .await;
        tail.excerpt(show, &redactor)
    }

    #[tokio::test]
    async fn a_tail_is_the_end_without_any_part_of_a_secret() {
        assert_eq!(tail("", 4, "hunter2").await, "");
        assert_eq!(tail("0123456789", 4, "hunter2").await, "6789");
        assert_eq!(tail("xhunter2", 4, "hunter2").await, "***");
        assert_eq!(tail("x-hunter2-y", 4, "hunter2").await, "***-y");
        assert_eq!(
            tail(&format!("{}hunter2!", "x".repeat(200_000)), 3, "hunter2").await,
            "***!"
        );
    }

    #[tokio::test]
    async fn nothing_is_kept_beyond_a_bound() {
        let mut bounded = Bounded::new(4);
        assert!(bounded.fill(&b"1234"[..]).await.is_ok());
        assert_eq!(bounded.bytes, b"1234");
        let too_large = bounded.fill(&b"5"[..]).await.unwrap_err();
        assert_eq!(too_large.limit, 4);
    }
}
