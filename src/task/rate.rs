//! Rates: how many tasks begin in a period, as a definition or a deployment says it.
//!
//! What that comes to is decided by [`crate::task::concurrency`].

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::task::definition::format;
use crate::{duration, limits};

/// How many tasks begin in a period: in none of that length, whenever it begins, do more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateLimit {
    /// Attempts that begin in a period; the others wait, and the longest waiting is the next.
    #[schemars(range(min = 1, max = limits::RATE))]
    pub limit: u32,
    /// The period: ISO 8601, from a second to a day.
    pub per: Period,
}

/// The length of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(u64);

/// A text that is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no period: it must be like PT1M, from PT1S to P1D")]
pub struct BadPeriod {
    text: String,
}

/// The longest units first, with their milliseconds and how they are written.
const UNITS: [(u64, &str, char); 3] = [
    (24 * 60 * 60 * 1000, "P", 'D'),
    (60 * 60 * 1000, "PT", 'H'),
    (60 * 1000, "PT", 'M'),
];

impl Period {
    /// The period of so many milliseconds, if it is neither too short nor too long.
    #[must_use]
    pub fn of_millis(millis: u64) -> Option<Self> {
        let range = limits::SHORTEST_PERIOD_MILLIS..=limits::LONGEST_PERIOD_MILLIS;
        range.contains(&millis).then_some(Self(millis))
    }

    /// Its milliseconds.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }
}

impl TryFrom<String> for Period {
    type Error = BadPeriod;

    fn try_from(text: String) -> Result<Self, BadPeriod> {
        let millis = duration::millis(&text).ok();
        millis.and_then(Self::of_millis).ok_or(BadPeriod { text })
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut units = UNITS.into_iter();
        match units.find(|(unit, ..)| self.0.is_multiple_of(*unit)) {
            Some((unit, before, name)) => write!(f, "{before}{}{name}", self.0 / unit),
            None if self.0.is_multiple_of(1000) => write!(f, "PT{}S", self.0 / 1000),
            None => write!(f, "PT{}.{:03}S", self.0 / 1000, self.0 % 1000),
        }
    }
}

impl JsonSchema for Period {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": format::PERIOD,
            "description": "ISO 8601 without months and years, from PT1S to P1D.",
            "examples": ["PT1M"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_read_and_written_as_iso_8601() {
        let cases = [
            ("PT1S", 1_000, "PT1S"),
            ("PT60S", 60_000, "PT1M"),
            ("PT1.5S", 1_500, "PT1.500S"),
            ("PT90M", 5_400_000, "PT90M"),
            ("PT2H", 7_200_000, "PT2H"),
            ("PT24H", 86_400_000, "P1D"),
        ];
        for (text, millis, written) in cases {
            let period = Period::try_from(text.to_owned()).unwrap();
            assert_eq!(
                (period.millis(), period.to_string()),
                (millis, written.to_owned())
            );
            assert_eq!(Period::try_from(period.to_string()).unwrap(), period);
        }
    }

    #[test]
    fn what_is_too_short_too_long_or_no_duration_is_no_period() {
        for text in ["PT0.999S", "PT24H0.001S", "P1M", "1000", "PT", ""] {
            let error = Period::try_from(text.to_owned()).unwrap_err();
            assert!(error.to_string().contains("from PT1S to P1D"), "{error}");
        }
    }
}
