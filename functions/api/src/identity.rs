//! Who asks: from the claims of a token that somebody has checked, and from nowhere else.
//!
//! Behind API Gateway its authorizer has, and hands the claims over beside the request, where no
//! client can write; where no gateway is, the router checks the token itself (`token.rs`).

use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use futures::future::BoxFuture;
use lambda_http::request::RequestContext;
use serde_json::Value;
use taskmill::ids::TenantId;
use taskmill::security::Caller;
use taskmill::{JsonObject, Timestamp, limits};

use crate::problem::Problem;
use crate::router::Api;

/// Characters of a token; longer ones are none.
const MOST_CHARS: usize = 16 * 1024;

/// What checks tokens. The function with a gateway in front knows of it by this alone, so that it
/// is without keys, signatures and a client to ask for them.
pub trait Checks: fmt::Debug + Send + Sync {
    /// The caller that a token names, or why it names none.
    fn check<'t>(
        &'t self,
        token: &'t str,
        now: Timestamp,
    ) -> BoxFuture<'t, Result<Caller, Unknown>>;
}

/// Who has checked the caller's token.
#[derive(Debug, Clone)]
pub enum Authority {
    /// The authorizer of the API Gateway in front. Headers are not looked at.
    Gateway(ClaimNames),
    /// Nobody yet: this does.
    Router(Arc<dyn Checks>),
}

/// Which claims of a token say who its bearer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    /// The tenant.
    pub tenant: String,
    /// The person or program.
    pub user: String,
    /// The roles: a list, or a text with blanks between them.
    pub roles: String,
    /// The permissions, likewise.
    pub permissions: String,
    /// The environment.
    pub environment: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            tenant: "tenant".to_owned(),
            user: "sub".to_owned(),
            roles: "roles".to_owned(),
            permissions: "permissions".to_owned(),
            environment: "environment".to_owned(),
        }
    }
}

/// Why it is not known who asks.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// The gateway handed no claims over, or the request has no token.
    #[error("the request has no token: send Authorization: Bearer TOKEN")]
    NoToken,
    /// The token is not good.
    #[error("the token is not good: {0}")]
    BadToken(String),
    /// The token does not say what it must.
    #[error("the token has no good claim {0:?}")]
    BadClaim(String),
    /// The keys cannot be had at the moment.
    #[error("the keys of tokens cannot be had: {0}")]
    NoKeys(String),
}

impl ClaimNames {
    /// The names that an environment gives: `TASKMILL_CLAIM_TENANT`, `_USER`, `_ROLES`,
    /// `_PERMISSIONS`, `_ENVIRONMENT`. What it leaves out has its default.
    #[must_use]
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let named = |name: &str, default: String| {
            let given = variable(&format!("TASKMILL_CLAIM_{name}"));
            given.filter(|given| !given.is_empty()).unwrap_or(default)
        };
        let default = Self::default();
        Self {
            tenant: named("TENANT", default.tenant),
            user: named("USER", default.user),
            roles: named("ROLES", default.roles),
            permissions: named("PERMISSIONS", default.permissions),
            environment: named("ENVIRONMENT", default.environment),
        }
    }

    /// The caller that claims name.
    ///
    /// # Errors
    /// A claim is missing or of no use.
    pub fn caller(&self, claims: &JsonObject) -> Result<Caller, Unknown> {
        let text = |name: &String| claims.get(name).and_then(Value::as_str);
        let bad = |name: &String| Unknown::BadClaim(name.clone());
        let tenant = text(&self.tenant).and_then(|text| TenantId::new(text).ok());
        let user = text(&self.user).filter(|user| is_name(user));
        let environment = text(&self.environment).filter(|name| is_name(name));
        Ok(Caller {
            tenant_id: tenant.ok_or_else(|| bad(&self.tenant))?,
            user_id: user.ok_or_else(|| bad(&self.user))?.to_owned(),
            roles: words(claims.get(&self.roles)),
            permissions: words(claims.get(&self.permissions)),
            environment_id: environment.map(str::to_owned),
        })
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= limits::REFERENCE_CHARS
}

/// The words of a claim: a list, a text with blanks between them, or what API Gateway makes of a
/// list, `[a b]`.
fn words(claim: Option<&Value>) -> Vec<String> {
    let owned = |words: &mut dyn Iterator<Item = &str>| words.map(str::to_owned).collect();
    match claim {
        Some(Value::Array(words)) => owned(&mut words.iter().filter_map(Value::as_str)),
        Some(Value::String(text)) => {
            let list = text
                .strip_prefix('[')
                .and_then(|text| text.strip_suffix(']'));
            owned(&mut list.unwrap_or(text).split_whitespace())
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
            Vec::new()
        }
    }
}

/// Who asks.
pub(crate) struct Who(pub(crate) Caller);

impl FromRequestParts<Api> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = match api.authority() {
            Authority::Gateway(names) => of_gateway(parts, names),
            Authority::Router(tokens) => {
                let token = bearer(parts).ok_or(Unknown::NoToken)?;
                tokens.check(token, api.now()).await
            }
        };
        Ok(Self(caller?))
    }
}

fn of_gateway(parts: &Parts, names: &ClaimNames) -> Result<Caller, Unknown> {
    let context = parts.extensions.get::<RequestContext>();
    let authorizer = context.and_then(RequestContext::authorizer);
    let token = authorizer.and_then(|authorizer| authorizer.jwt.as_ref());
    let claims = &token.ok_or(Unknown::NoToken)?.claims;
    let claims = claims
        .iter()
        .map(|(name, value)| (name.clone(), Value::String(value.clone())));
    names.caller(&claims.collect())
}

fn bearer(parts: &Parts) -> Option<&str> {
    let header = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim())
        .filter(|token| token.len() <= MOST_CHARS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn caller(claims: Value) -> Result<Caller, Unknown> {
        let Value::Object(claims) = claims else {
            panic!("claims are an object");
        };
        ClaimNames::default().caller(&claims)
    }

    #[test]
    fn claims_say_who_it_is_however_lists_are_written() {
        let lists = [
            json!(["clerk", "lead"]),
            json!("clerk lead"),
            json!("[clerk lead]"),
        ];
        for roles in lists {
            let claims =
                json!({"tenant": "acme", "sub": "ann", "roles": roles, "environment": "e"});
            let found = caller(claims).unwrap();
            assert_eq!(
                (found.tenant_id.as_str(), found.user_id.as_str()),
                ("acme", "ann")
            );
            assert_eq!(found.roles, ["clerk", "lead"]);
            assert_eq!(found.permissions, [""; 0]);
            assert_eq!(found.environment_id.as_deref(), Some("e"));
        }
    }

    #[test]
    fn without_a_good_tenant_and_user_nobody_is_known() {
        let bad = |claim: &str| Err(Unknown::BadClaim(claim.to_owned()));
        assert_eq!(caller(json!({"sub": "ann"})), bad("tenant"));
        assert_eq!(
            caller(json!({"tenant": "a#b", "sub": "ann"})),
            bad("tenant")
        );
        assert_eq!(
            caller(json!({"tenant": ["acme"], "sub": "ann"})),
            bad("tenant")
        );
        assert_eq!(caller(json!({"tenant": "acme"})), bad("sub"));
        assert_eq!(caller(json!({"tenant": "acme", "sub": ""})), bad("sub"));
        let long = "a".repeat(limits::REFERENCE_CHARS + 1);
        assert_eq!(caller(json!({"tenant": "acme", "sub": long})), bad("sub"));
    }

    #[test]
    fn an_environment_may_name_other_claims() {
        let given = |name: &str| (name == "TASKMILL_CLAIM_TENANT").then(|| "custom:org".to_owned());
        let names = ClaimNames::read(given);
        assert_eq!(names.tenant, "custom:org");
        assert_eq!(names.user, "sub");
    }
}
