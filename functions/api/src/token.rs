//! Tokens: JSON Web Tokens (RFC 7519) of one issuer for one audience, checked by the router where no
//! gateway did.
//!
//! Times are compared with the process's clock, because the library's own is the machine's.

use std::sync::Arc;

use futures::future::BoxFuture;
use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;
use taskmill::security::Caller;
use taskmill::{JsonObject, Timestamp};

use crate::identity::{Checks, ClaimNames, Unknown};
use crate::keys::Keys;
use crate::signatures;

/// Seconds that the clocks of issuers may be apart from this one.
const LEEWAY: i64 = 60;

/// Checks tokens.
#[derive(Debug)]
pub struct Verifier {
    issuer: String,
    audience: String,
    keys: Keys,
    claims: ClaimNames,
}

/// The claims of a token: those that are about the token itself, and all of them.
#[derive(Deserialize)]
struct Claims {
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(flatten)]
    all: JsonObject,
}

impl Verifier {
    /// Takes tokens of this issuer for this audience, signed with one of these keys.
    #[must_use]
    pub fn new(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        keys: Keys,
        claims: ClaimNames,
    ) -> Self {
        signatures::install();
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            keys,
            claims,
        }
    }

    /// The caller that a token names.
    ///
    /// # Errors
    /// It is forged, of somebody else, not of this time, or does not say who it is.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, Unknown> {
        let bad = |error: jsonwebtoken::errors::Error| Unknown::BadToken(error.to_string());
        let header = decode_header(token).map_err(bad)?;
        let (key, algorithms) = self.keys.of(&header, now).await?;
        let mut validation = Validation::new(header.alg);
        validation.algorithms = algorithms;
        validation.validate_exp = false;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        let claims = decode::<Value>(token, &key, &validation)
            .map_err(bad)?
            .claims;
        let claims: Claims =
            serde_json::from_value(claims).map_err(|error| Unknown::BadToken(error.to_string()))?;
        check_time(&claims, now)?;
        self.claims.caller(&claims.all)
    }
}

impl Checks for Verifier {
    fn check<'t>(
        &'t self,
        token: &'t str,
        now: Timestamp,
    ) -> BoxFuture<'t, Result<Caller, Unknown>> {
        Box::pin(self.verify(token, now))
    }
}

impl From<Verifier> for Arc<dyn Checks> {
    fn from(verifier: Verifier) -> Self {
        Arc::new(verifier)
    }
}

fn check_time(claims: &Claims, now: Timestamp) -> Result<(), Unknown> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds of four-digit years fit a double"
    )]
    let (now, leeway) = (now.epoch_seconds() as f64, LEEWAY as f64);
    let bad = |why: &str| Err(Unknown::BadToken(why.to_owned()));
    if claims.exp + leeway <= now {
        return bad("it has expired");
    }
    match claims.nbf {
        Some(from) if now + leeway < from => bad("its time has not come"),
        Some(_) | None => Ok(()),
    }
}
