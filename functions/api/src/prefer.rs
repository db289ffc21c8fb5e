//! `Prefer: wait=N` (RFC 7240): a start that is answered when what it started has ended, or after
//! so many seconds. A preference that cannot be read is none.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use axum::response::Response;
use taskmill::limits;

use crate::answer;

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// How many seconds a caller waits for the end; none when it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait(Option<u64>);

impl<S: Sync> FromRequestParts<S> for Wait {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let headers = parts.headers.get_all("prefer").iter();
        let texts = headers.filter_map(|header| header.to_str().ok());
        Ok(Self(texts.filter_map(seconds).next()))
    }
}

impl Wait {
    /// Milliseconds to wait.
    pub(crate) fn millis(self) -> u64 {
        self.0.unwrap_or(0).saturating_mul(1_000)
    }

    /// The answer, which says that the wish was heeded.
    pub(crate) fn applied(self, response: Response) -> Response {
        match self.0 {
            None => response,
            Some(seconds) => answer::with(response, PREFERENCE_APPLIED, &format!("wait={seconds}")),
        }
    }
}

/// The seconds of `wait` among the preferences of a header.
fn seconds(header: &str) -> Option<u64> {
    let wait = header.split([',', ';']).find_map(|preference| {
        let (name, value) = preference.trim().split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then_some(value)
    })?;
    let seconds: u64 = wait.trim().trim_matches('"').parse().ok()?;
    Some(seconds.min(limits::WAIT_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_to_wait_is_read_and_bounded() {
        let cases = [
            ("wait=10", Some(10)),
            ("respond-async, wait=10", Some(10)),
            ("Wait = \"7\"", Some(7)),
            ("wait=1000", Some(limits::WAIT_SECONDS)),
            ("wait", None),
            ("wait=-1", None),
            ("wait=soon", None),
            ("return=minimal", None),
        ];
        for (header, expected) in cases {
            assert_eq!(seconds(header), expected, "{header}");
        }
    }
}
