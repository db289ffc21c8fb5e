//! What a deployment lets each tenant run: by its configuration, so that no tenant raises its own.
//!
//! These limits are those of a line of the tenant's own, beside the lines of its definitions; what
//! that comes to is decided by [`crate::task::concurrency`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::TenantId;
use crate::limits;
use crate::task::concurrency::Limits;
use crate::task::rate::RateLimit;

/// The entry of those tenants that have none of their own.
const EVERYBODY: &str = "*";

/// What the tenants of a deployment may run; everything, by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantLimits(BTreeMap<String, Entry>);

/// The limits of one tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate: Option<RateLimit>,
}

/// Why a list of limits cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BadLimits {
    /// It is not what it must be.
    #[error(
        "it is no JSON object of limits such as {{\"acme\": {{\"concurrency\": 5, \"rate\": {{\"limit\": 50, \"per\": \"PT1S\"}}}}}}: {0}"
    )]
    Json(#[from] serde_json::Error),
    /// Nobody can be called so.
    #[error("{name:?} is no tenant: it must be a tenant's id, or * for those that have no entry")]
    Tenant {
        /// What stands for a tenant.
        name: String,
    },
    /// A number is too small or too great.
    #[error("the {what} of {name:?} is {given}: it must be from 1 to {most}")]
    OutOfRange {
        /// The tenant.
        name: String,
        /// Which number.
        what: &'static str,
        /// The number.
        given: u32,
        /// The greatest that it may be.
        most: u32,
    },
}

impl TenantLimits {
    /// Reads a list: an object with the limits of each tenant, and under `*` those of everybody who
    /// has no entry.
    ///
    /// # Errors
    /// It is no such list.
    pub fn read(list: &str) -> Result<Self, BadLimits> {
        let entries: BTreeMap<String, Entry> = serde_json::from_str(list)?;
        for (name, entry) in &entries {
            if name != EVERYBODY && TenantId::new(name.as_str()).is_err() {
                return Err(BadLimits::Tenant { name: name.clone() });
            }
            let rate = entry.rate.map(|rate| rate.limit);
            check(name, "concurrency", entry.concurrency, limits::CONCURRENCY)?;
            check(name, "limit of the rate", rate, limits::RATE)?;
        }
        Ok(Self(entries))
    }

    /// The list as [`read`](Self::read) reads it, unless it is empty.
    #[must_use]
    pub fn list(&self) -> Option<String> {
        let list = serde_json::to_string(&self.0).ok();
        list.filter(|_| !self.0.is_empty())
    }

    /// The limits of a tenant, if it has any.
    #[must_use]
    pub fn of(&self, tenant: &TenantId) -> Option<Limits> {
        let Self(entries) = self;
        let entry = entries.get(tenant.as_str()).or(entries.get(EVERYBODY))?;
        Limits {
            concurrency: entry.concurrency,
            rate: entry.rate,
        }
        .if_any()
    }
}

fn check(name: &str, what: &'static str, given: Option<u32>, most: u32) -> Result<(), BadLimits> {
    match given {
        Some(given) if !(1..=most).contains(&given) => Err(BadLimits::OutOfRange {
            name: name.to_owned(),
            what,
            given,
            most,
        }),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"{"*":{"concurrency":100},"acme":{"concurrency":5,"rate":{"limit":50,"per":"PT1S"}},"free":{}}"#;

    fn of(limits: &TenantLimits, tenant: &str) -> Option<(Option<u32>, Option<u32>)> {
        let limits = limits.of(&TenantId::new(tenant).unwrap())?;
        Some((limits.concurrency, limits.rate.map(|rate| rate.limit)))
    }

    #[test]
    fn a_tenant_has_its_own_limits_or_everybodys() {
        let limits = TenantLimits::read(LIST).unwrap();
        assert_eq!(of(&limits, "acme"), Some((Some(5), Some(50))));
        assert_eq!(of(&limits, "zeta"), Some((Some(100), None)));
        assert_eq!(of(&limits, "free"), None, "its own entry has no limit");
        assert_eq!(of(&TenantLimits::default(), "acme"), None);
    }

    #[test]
    fn a_list_is_told_as_it_was_read() {
        let limits = TenantLimits::read(LIST).unwrap();
        let told = limits.list().unwrap();
        assert_eq!(told, LIST);
        assert_eq!(TenantLimits::default().list(), None);
        assert_eq!(TenantLimits::read("{}").unwrap().list(), None);
    }

    #[test]
    fn a_list_that_says_nothing_that_can_be_kept_is_refused() {
        let cases = [
            ("[]", "no JSON object"),
            (r#"{"acme": 5}"#, "no JSON object"),
            (r#"{"acme": {"concurency": 5}}"#, "concurency"),
            (r#"{"acme": {"rate": {"limit": 5}}}"#, "per"),
            (
                r#"{"acme": {"rate": {"limit": 5, "per": "P2D"}}}"#,
                "PT1S to P1D",
            ),
            (r#"{"a b": {"concurrency": 5}}"#, "\"a b\" is no tenant"),
            (
                r#"{"acme": {"concurrency": 0}}"#,
                "concurrency of \"acme\" is 0",
            ),
            (r#"{"*": {"concurrency": 101}}"#, "from 1 to 100"),
            (
                r#"{"acme": {"rate": {"limit": 0, "per": "PT1S"}}}"#,
                "limit of the rate",
            ),
        ];
        for (list, said) in cases {
            let error = TenantLimits::read(list).unwrap_err().to_string();
            assert!(error.contains(said), "{list}: {error}");
        }
    }
}
