//! Back-off: pauses that grow while something fails, spread so that workers that failed together do
//! not ask again together.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(30);

/// The pauses between attempts at one thing.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    failed: u32,
}

impl Pauses {
    /// Begins anew, after a success.
    pub(crate) fn over(&mut self) {
        self.failed = 0;
    }

    /// Waits after a failure: between half of this pause and all of it.
    pub(crate) async fn wait(&mut self) {
        let pause = longest_of(self.failed);
        self.failed = self.failed.saturating_add(1);
        tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
    }
}

/// The longest pause after so many failures before this one.
fn longest_of(failed: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(failed);
    FIRST.saturating_mul(doubled).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute_however_often_it_fails() {
        let millis = |failed| longest_of(failed).as_millis();
        assert_eq!([0, 1, 2, 7].map(millis), [200, 400, 800, 25_600]);
        assert_eq!([8, 9, 31, 32, u32::MAX].map(millis), [30_000; 5]);
    }
}
