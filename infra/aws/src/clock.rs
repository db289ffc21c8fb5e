//! The one clock of a process: the wall clock on Lambda, an anchored one in local mode.
//!
//! An anchored clock is a start and the time that tokio has measured since, so that under
//! `tokio::time::pause()` every part of a process agrees on the same virtual time. Decisions never
//! see a clock: they are handed a [`Timestamp`].

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use taskmill::time::Timestamp;
use tokio::time::Instant;

/// Tells the time and waits for it. Clones tell the same time.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Source);

#[derive(Debug, Clone, Copy)]
enum Source {
    Wall,
    Anchored { start: Timestamp, anchor: Instant },
}

impl Clock {
    /// The wall clock. It never follows a paused runtime.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::Wall)
    }

    /// A clock that reads `start` now, and runs with tokio's, paused or not.
    #[must_use]
    pub fn anchored(start: Timestamp) -> Self {
        Self(Source::Anchored {
            start,
            anchor: Instant::now(),
        })
    }

    /// An anchored clock that starts at the wall clock's time: local mode's own, which no later
    /// correction of the machine's time can turn back.
    #[must_use]
    pub fn anchored_now() -> Self {
        Self::anchored(wall_time())
    }

    /// The time, in whole milliseconds, rounded down.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self.0 {
            Source::Wall => wall_time(),
            Source::Anchored { start, anchor } => start.plus_millis(whole_millis(anchor.elapsed())),
        }
    }

    /// Returns once [`now`](Self::now) is at least `at`; at once when that is so already.
    ///
    /// Under a paused runtime this is what moves the time.
    pub async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = at.millis_since(self.now());
            if left == 0 {
                return;
            }
            match self.0 {
                Source::Wall => tokio::time::sleep(Duration::from_millis(left)).await,
                Source::Anchored { start, anchor } => {
                    let since_anchor = Duration::from_millis(at.millis_since(start));
                    tokio::time::sleep_until(anchor + since_anchor).await;
                }
            }
        }
    }
}

fn wall_time() -> Timestamp {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::default().plus_millis(whole_millis(since_epoch))
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_795_296_000_000);
    const WEEK: u64 = 7 * 24 * 3_600_000;

    #[tokio::test(start_paused = true)]
    async fn a_paused_week_passes_at_once_and_to_the_millisecond() {
        let clock = Clock::anchored(START);
        let began = std::time::Instant::now();
        clock.sleep_until(START.plus_millis(WEEK + 7)).await;
        assert_eq!(clock.now(), START.plus_millis(WEEK + 7));
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_past_time_is_not_waited_for() {
        let clock = Clock::anchored(START);
        clock.sleep_until(Timestamp::from_millis(0)).await;
        assert_eq!(clock.now(), START);
    }

    #[tokio::test]
    async fn the_wall_clock_waits_real_time() {
        let clock = Clock::system();
        let at = clock.now().plus_millis(20);
        clock.sleep_until(at).await;
        assert!(clock.now() >= at);
    }
}
