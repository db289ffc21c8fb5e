//! Starts, for a rate: each is leased for the period, and nothing gives it back before.
//!
//! While fewer are leased than the limit says another may begin, so in no period of that length,
//! whenever it begins, do more; and nothing has to be put right after a crash. Of a limit of at most
//! [`TOLD_APART`] each start counts for exactly its period. Of a greater one, those of a hundredth of
//! the period count as long as the last of them, so that the item stays small: never more than the
//! limit begin, and what waits may wait a hundredth longer.

use crate::task::rate::RateLimit;
use crate::time::Timestamp;

/// Starts that are told apart.
const TOLD_APART: u32 = 100;

/// Starts that are leased until one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// When they count no more.
    pub until: Timestamp,
    /// How many.
    pub count: u32,
}

/// How many are leased.
pub(super) fn leased(starts: &[Started]) -> u32 {
    starts.iter().map(|one| one.count).sum()
}

/// Leases one that begins now.
pub(super) fn lease(starts: &mut Vec<Started>, rate: RateLimit, now: Timestamp) {
    let until = now.plus_millis(rate.per.millis());
    let slice = slice_of(rate);
    let is_with = |one: &&mut Started| slice(one.until) == slice(until);
    match starts.iter_mut().find(is_with) {
        Some(with) => {
            with.until = with.until.max(until);
            with.count = with.count.saturating_add(1);
        }
        None => starts.push(Started { until, count: 1 }),
    }
    starts.sort_by_key(|one| one.until);
}

/// Takes one back that was leased at this time, and did not begin after all. One that counts no more
/// is not to be found among the others.
pub(super) fn take_back(
    starts: &mut Vec<Started>,
    rate: RateLimit,
    leased_at: Timestamp,
    now: Timestamp,
) {
    let until = leased_at.plus_millis(rate.per.millis());
    if until <= now {
        return;
    }
    // Others that it counts with may have moved it since.
    if let Some(with) = starts.iter_mut().find(|one| one.until >= until) {
        with.count = with.count.saturating_sub(1);
    }
    starts.retain(|one| one.count > 0);
}

/// When so many of them count no more, if they ever do.
pub(super) fn fewer_at(starts: &[Started], by: u32) -> Option<Timestamp> {
    let mut gone = 0_u32;
    let enough = |one: &&Started| {
        gone = gone.saturating_add(one.count);
        gone >= by
    };
    starts.iter().find(enough).map(|one| one.until)
}

/// Which starts count together.
fn slice_of(rate: RateLimit) -> impl Fn(Timestamp) -> i64 {
    let width = match rate.limit {
        0..=TOLD_APART => 1,
        _ => i64::try_from(rate.per.millis() / u64::from(TOLD_APART)).unwrap_or(i64::MAX),
    };
    move |at| at.millis().div_euclid(width.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::task::rate::Period;
    use crate::testing::at;

    fn rate(limit: u32, millis: u64) -> RateLimit {
        let per = Period::of_millis(millis).unwrap();
        RateLimit { limit, per }
    }

    #[test]
    fn starts_of_a_small_limit_are_told_apart_and_those_of_one_moment_are_not() {
        let mut starts = Vec::new();
        for began in [5, 0, 5] {
            lease(&mut starts, rate(3, 1_000), at(began));
        }
        let expected = [(1_000, 1), (1_005, 2)].map(|(until, count)| Started {
            until: at(until),
            count,
        });
        assert_eq!(starts, expected);
        let when = [1, 2, 3, 4].map(|by| fewer_at(&starts, by));
        assert_eq!(
            when,
            [Some(at(1_000)), Some(at(1_005)), Some(at(1_005)), None]
        );
        take_back(&mut starts, rate(3, 1_000), at(0), at(1_000));
        assert_eq!(leased(&starts), 3, "it counts no more");
        take_back(&mut starts, rate(3, 1_000), at(0), at(999));
        assert_eq!((starts.len(), leased(&starts)), (1, 2));
    }

    proptest! {
        #[test]
        fn in_no_period_do_more_begin_and_of_any_limit_little_is_stored(
            limit in prop_oneof![1..=100_u32, 101..400_u32],
            steps in proptest::collection::vec(0..40_u64, 1..800),
        ) {
            let rate = rate(limit, 1_000);
            let (mut now, mut starts, mut began) = (0, Vec::new(), Vec::new());
            for step in steps {
                now += step;
                starts.retain(|one: &Started| one.until > at(now));
                if leased(&starts) < limit {
                    lease(&mut starts, rate, at(now));
                    began.push(now);
                }
                prop_assert!(starts.len() <= 102, "{} are stored", starts.len());
                let recent = began.iter().filter(|began| **began + 1_000 > now).count();
                prop_assert!(recent as u64 <= u64::from(limit), "{recent} began");
                // Of those who have to wait none waits for more than a slice too long.
                let slack = began.iter().filter(|began| **began + 1_010 > now).count();
                prop_assert!(leased(&starts) as usize <= slack);
            }
        }
    }
}
