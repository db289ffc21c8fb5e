//! Problems: why a request was not granted, as `application/problem+json` (RFC 9457), with a stable
//! code. This is where codes become statuses, all of them in one table.
//!
//! A problem is written down by [`crate::request`], which knows the request's id and address.

use std::sync::Arc;

use axum::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use taskmill::JsonObject;
use taskmill::codes::{refusal, registration};
use taskmill_app::Refusal;
use taskmill_app::refusal::Fault;

use crate::identity::Unknown;

/// The status of each code of a refusal.
const STATUSES: [(&str, StatusCode); refusal::ALL.len()] = [
    (refusal::NOT_FOUND, StatusCode::NOT_FOUND),
    (refusal::ILLEGAL_STATE, StatusCode::CONFLICT),
    (refusal::VERSION_CONFLICT, StatusCode::CONFLICT),
    (
        refusal::IDEMPOTENCY_CONFLICT,
        StatusCode::UNPROCESSABLE_ENTITY,
    ),
    (refusal::NOT_A_CANDIDATE, StatusCode::FORBIDDEN),
    (refusal::ALREADY_CLAIMED, StatusCode::CONFLICT),
    (refusal::NOT_THE_ASSIGNEE, StatusCode::FORBIDDEN),
    (refusal::UNAVAILABLE, StatusCode::SERVICE_UNAVAILABLE),
    (refusal::INVALID_INPUT, StatusCode::UNPROCESSABLE_ENTITY),
    (refusal::PERMISSION_DENIED, StatusCode::FORBIDDEN),
    (refusal::PAYLOAD_TOO_LARGE, StatusCode::PAYLOAD_TOO_LARGE),
    (refusal::UNAUTHENTICATED, StatusCode::UNAUTHORIZED),
    (refusal::MALFORMED, StatusCode::BAD_REQUEST),
    (refusal::OUT_OF_RANGE, StatusCode::BAD_REQUEST),
    (refusal::METHOD_NOT_ALLOWED, StatusCode::METHOD_NOT_ALLOWED),
    (
        refusal::PRECONDITION_FAILED,
        StatusCode::PRECONDITION_FAILED,
    ),
    (
        refusal::UNSUPPORTED_MEDIA_TYPE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
    ),
];

/// Seconds after which it is worth while to ask again.
const RETRY_SECONDS: &str = "1";

/// Why a request was not granted.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    detail: String,
    more: JsonObject,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What is nobody's business outside, for the log.
    fault: Option<String>,
}

impl Inner {
    fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status: status_of(code),
            code,
            detail: detail.into(),
            more: JsonObject::new(),
            headers: Vec::new(),
            fault: None,
        }
    }
}

/// The status of a code. What is none of a refusal is not the caller's doing.
fn status_of(code: &str) -> StatusCode {
    let row = STATUSES.iter().find(|(known, _)| *known == code);
    row.map_or(StatusCode::SERVICE_UNAVAILABLE, |(_, status)| *status)
}

impl Problem {
    /// A problem with one of [`refusal`]'s codes.
    pub(crate) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self(Arc::new(Inner::new(code, detail)))
    }

    /// A request that cannot be read.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(refusal::MALFORMED, detail)
    }

    /// A value of the wrong form at a place of the body.
    pub(crate) fn at(pointer: String, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let mut inner = Inner::new(refusal::INVALID_INPUT, detail.clone());
        let problem = json!([{"code": inner.code, "pointer": pointer, "message": detail}]);
        inner.more.insert("problems".to_owned(), problem);
        Self(Arc::new(inner))
    }

    /// A method that an address does not know.
    pub(crate) fn not_allowed(allowed: Option<HeaderValue>) -> Self {
        let detail = "what is at this address is not asked in this way";
        let mut inner = Inner::new(refusal::METHOD_NOT_ALLOWED, detail);
        inner
            .headers
            .extend(allowed.map(|methods| (ALLOW, methods)));
        Self(Arc::new(inner))
    }

    /// What went wrong here, for the log.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.0.fault.as_deref()
    }

    /// The code.
    pub(crate) fn code(&self) -> &'static str {
        self.0.code
    }

    /// The problem as it is answered to a request.
    pub(crate) fn body(&self, instance: &str, request_id: &str) -> Value {
        let inner = &self.0;
        let mut body = json!({
            "type": "about:blank",
            "title": inner.status.canonical_reason(),
            "status": inner.status.as_u16(),
            "detail": inner.detail,
            "instance": instance,
            "code": inner.code,
            "requestId": request_id,
        });
        if let Some(fields) = body.as_object_mut() {
            fields.extend(inner.more.clone());
        }
        body
    }
}

impl From<Refusal> for Problem {
    fn from(refused: Refusal) -> Self {
        Self(Arc::new(match refused {
            Refusal::Refused {
                code,
                message,
                details,
            } => {
                let mut inner = Inner::new(code, message);
                if !details.is_empty() {
                    inner.more.insert("details".to_owned(), details.into());
                }
                inner
            }
            Refusal::Problems(problems) => of_definition(&problems),
            Refusal::Fault(fault) => of_fault(&fault),
        }))
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Refusal::from(fault).into()
    }
}

impl From<Unknown> for Problem {
    fn from(unknown: Unknown) -> Self {
        if let Unknown::NoKeys(why) = &unknown {
            return Self(Arc::new(unavailable(why.clone())));
        }
        let mut inner = Inner::new(refusal::UNAUTHENTICATED, unknown.to_string());
        let challenge = HeaderValue::from_static("Bearer");
        inner.headers.push((WWW_AUTHENTICATE, challenge));
        Self(Arc::new(inner))
    }
}

/// What is wrong with a definition. Its first code is the problem's.
fn of_definition(problems: &[taskmill::problem::Problem]) -> Inner {
    let code = problems.first().map_or(registration::EMPTY, |one| one.code);
    let detail = match problems {
        [only] => only.message.clone(),
        several => format!("the definition has {} problems", several.len()),
    };
    let mut inner = Inner::new(code, detail);
    inner.status = match code {
        registration::MALFORMED => StatusCode::BAD_REQUEST,
        registration::VERSION_EXISTS => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    inner.more.insert("problems".to_owned(), json!(problems));
    inner
}

fn of_fault(fault: &Fault) -> Inner {
    match fault.code() {
        refusal::UNAVAILABLE => unavailable(format!("{fault:?}")),
        code => Inner::new(code, fault.to_string()),
    }
}

fn unavailable(fault: String) -> Inner {
    let detail = "something that the service depends on failed: ask again";
    let mut inner = Inner::new(refusal::UNAVAILABLE, detail);
    let seconds = HeaderValue::from_static(RETRY_SECONDS);
    inner.headers.push((RETRY_AFTER, seconds));
    inner.fault = Some(fault);
    inner
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        for (name, value) in &self.0.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_a_refusal_has_a_status() {
        assert_eq!(STATUSES.map(|(code, _)| code), refusal::ALL);
    }

    #[test]
    fn a_fault_tells_no_stranger_what_failed() {
        let fault = Fault::Definition {
            id: "a 1.0.0".to_owned(),
            reason: "the secret reason".to_owned(),
        };
        let problem = Problem::from(fault);
        let body = problem.body("/v1/tasks", "r");
        assert_eq!(
            (&body["status"], &body["code"]),
            (&json!(503), &json!("UNAVAILABLE"))
        );
        assert!(!body.to_string().contains("secret reason"), "{body}");
        assert!(problem.fault().unwrap().contains("secret reason"));
        let response = problem.into_response();
        assert_eq!(response.headers()[RETRY_AFTER], RETRY_SECONDS);
    }

    #[test]
    fn a_definition_is_refused_with_all_that_is_wrong_with_it() {
        let one = |code| taskmill::problem::Problem::new(code, "/steps/0", "no");
        let cases = [
            (registration::VERSION_EXISTS, 409),
            (registration::MALFORMED, 400),
            (registration::UNKNOWN_FIELD, 422),
        ];
        for (code, status) in cases {
            let problem = Problem::from(Refusal::Problems(vec![one(code), one(code)]));
            let body = problem.body("/v1/task-definitions", "r");
            assert_eq!(
                (&body["status"], &body["code"]),
                (&json!(status), &json!(code))
            );
            assert_eq!(body["problems"].as_array().unwrap().len(), 2);
            assert_eq!(body["problems"][1]["pointer"], "/steps/0");
        }
    }
}
