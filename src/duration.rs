//! ISO 8601 durations without months and years, which have no fixed length: `P1DT2H3M4.5S`, `P2W`.

use crate::limits;
use crate::time::Timestamp;

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not follow the form.
    #[error("it must be like P1DT2H3M4.5S or P2W")]
    Form,
    /// Months and years have no fixed length.
    #[error("months and years have no fixed length: use days")]
    NotFixed,
    /// It is longer than a timer may be.
    #[error("it is longer than {} ms, the longest timer", limits::TIMER_MILLIS)]
    TooLong,
}

/// Whether a text means to be a duration: any other is an expression.
#[must_use]
pub fn looks_like_one(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next() == Some('P')
        && text.len() > 1
        && text.contains(|c: char| c.is_ascii_digit())
        && chars.all(|c| c.is_ascii_digit() || "YMWDTHS.,".contains(c))
}

/// Milliseconds of a duration; fractions of one are dropped.
///
/// # Errors
/// The text does not follow the form, has months or years, or is longer than a timer may be.
pub fn millis(text: &str) -> Result<u64, Error> {
    let rest = text.strip_prefix('P').ok_or(Error::Form)?;
    let (days, clock) = match rest.split_once('T') {
        Some((_, "")) => return Err(Error::Form),
        Some((days, clock)) => (days, clock),
        None => (rest, ""),
    };
    if days.is_empty() && clock.is_empty() {
        return Err(Error::Form);
    }
    if days.contains(['Y', 'M']) {
        return Err(Error::NotFixed);
    }
    const DAY: u64 = 24 * 60 * 60 * 1000;
    let total = parts(days, &[('W', 7 * DAY), ('D', DAY)])?.checked_add(parts(
        clock,
        &[('H', 60 * 60 * 1000), ('M', 60 * 1000), ('S', 1000)],
    )?);
    match total {
        Some(millis) if millis <= limits::TIMER_MILLIS => Ok(millis),
        Some(_) | None => Err(Error::TooLong),
    }
}

/// The time of a text: RFC 3339, with its T.
#[must_use]
pub fn time(text: &str) -> Option<Timestamp> {
    let has_t = text.as_bytes().get(10).is_some_and(|byte| *byte == b'T');
    text.parse().ok().filter(|_| has_t)
}

/// Adds up numbers with their units, each unit at most once and in this order.
fn parts(text: &str, units: &[(char, u64)]) -> Result<u64, Error> {
    let mut rest = text;
    let mut units = units.iter();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c.is_ascii_alphabetic())
            .ok_or(Error::Form)?;
        let unit = rest[end..].chars().next();
        let (_, factor) = units
            .find(|(name, _)| Some(*name) == unit)
            .ok_or(Error::Form)?;
        let value = amount(&rest[..end], *factor, rest.len() == end + 1)?;
        total = total.checked_add(value).ok_or(Error::TooLong)?;
        rest = &rest[end + 1..];
    }
    Ok(total)
}

/// A number of units in milliseconds. Only the last number of a part may have a fraction.
fn amount(text: &str, factor: u64, is_last: bool) -> Result<u64, Error> {
    let (whole, fraction) = match text.split_once(['.', ',']) {
        Some((whole, fraction)) if is_last && !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(Error::Form),
        None => (text, ""),
    };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return Err(Error::Form);
    }
    let whole: u64 = whole.parse().map_err(|_| Error::TooLong)?;
    let mut millis = whole.checked_mul(factor).ok_or(Error::TooLong)?;
    let mut share = factor;
    for digit in fraction.bytes().take(12) {
        // Each further digit counts a tenth of the one before it.
        let value = u64::from(digit - b'0') * share;
        millis = millis.checked_add(value / 10).ok_or(Error::TooLong)?;
        share /= 10;
    }
    Ok(millis)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn are_read_to_the_millisecond() {
        let check = |text: &str, expected: Result<u64, Error>| {
            assert!(
                looks_like_one(text) || expected == Err(Error::Form),
                "{text}"
            );
            assert_eq!(millis(text), expected, "{text}");
        };
        check("PT0S", Ok(0));
        check("PT1.5S", Ok(1500));
        check("PT0.250S", Ok(250));
        check("PT0,25S", Ok(250));
        check("PT15M", Ok(900_000));
        check("PT2H30M", Ok(9_000_000));
        check("P1D", Ok(86_400_000));
        check("P1DT1S", Ok(86_401_000));
        check("P2W", Ok(1_209_600_000));
        check("P0.5D", Ok(43_200_000));
        check("P366D", Ok(limits::TIMER_MILLIS));
        check("P367D", Err(Error::TooLong));
        check("P99999999999999999999D", Err(Error::TooLong));
        check("P1M", Err(Error::NotFixed));
        check("P1Y", Err(Error::NotFixed));
        for bad in [
            "P", "PT", "P1", "PT1", "P1S", "PT1D", "PT1S1M", "PT1.5M1S", "PT.5S", "1D", "P1DT",
        ] {
            check(bad, Err(Error::Form));
        }
    }

    #[test]
    fn what_else_begins_with_p_is_an_expression() {
        for text in ["Price", "P", "PT", "P1.x", "P1 + 2", "workflowInput.delay"] {
            assert!(!looks_like_one(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "P?[0-9YMWDTHS.,]{0,20}") {
            if let Ok(millis) = millis(&text) {
                prop_assert!(millis <= limits::TIMER_MILLIS);
            }
        }
    }
}
