//! `Idempotency-Key`: what makes a request safe to repeat.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use taskmill::limits;

use crate::problem::Problem;

/// The key of a request, if it has one.
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        text(&parts.headers, "idempotency-key").map(Self)
    }
}

/// The trace that a request is part of, as W3C has it. One that cannot be read is none.
pub(crate) struct Trace(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for Trace {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(text(&parts.headers, "traceparent").ok().flatten()))
    }
}

fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>, Problem> {
    let Some(header) = headers.get(name) else {
        return Ok(None);
    };
    let limit = limits::REFERENCE_CHARS;
    let is_good = |text: &&str| !text.is_empty() && text.len() <= limit;
    match header.to_str().ok().filter(is_good) {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(Problem::malformed(format!(
            "{name} has 1 to {limit} printable characters"
        ))),
    }
}
