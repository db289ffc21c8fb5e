//! What is around every request: its id, and its problem in words. Handlers know of neither.

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use lambda_http::request::RequestContext;
use taskmill::codes::refusal;
use taskmill::limits;

use crate::callbacks;
use crate::identity::Authority;
use crate::problem::Problem;
use crate::router::Api;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bytes that one byte of a text is at most written with in JSON.
const ESCAPED: u64 = 6;
/// The type of a problem's body.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Answers a request under an id of its own: API Gateway's, where it comes from there.
pub(crate) async fn answer(State(api): State<Api>, request: Request, next: Next) -> Response {
    let id = of_gateway(&request).unwrap_or_else(|| api.fresh_id());
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if matches!(api.authority(), Authority::Gateway(_)) {
        response = fitting(response).await;
    }
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        tell(&problem, shown(&path), &id);
        write(&mut response, &problem, &path, &id);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The path as the log has it: without the token of a callback.
fn shown(path: &str) -> &str {
    match path.strip_prefix(callbacks::PATH) {
        Some(_) => callbacks::PATH,
        None => path,
    }
}

/// The answer, if the gateway takes it: there it is a text within JSON.
async fn fitting(response: Response) -> Response {
    let most = limits::ANSWER_BYTES;
    let small = |bytes: u64| bytes.saturating_mul(ESCAPED) <= most as u64;
    if response.body().size_hint().exact().is_some_and(small) {
        return response;
    }
    let (parts, body) = response.into_parts();
    // Answers are whole in memory: reading one fails by its size alone.
    match to_bytes(body, most).await {
        Ok(bytes) if escaped(&bytes) <= most => Response::from_parts(parts, Body::from(bytes)),
        Ok(_) | Err(_) => {
            let detail = format!("the answer has more than the {most} bytes of a gateway");
            Problem::new(refusal::PAYLOAD_TOO_LARGE, detail).into_response()
        }
    }
}

/// Bytes of a text when it is written in JSON.
fn escaped(text: &[u8]) -> usize {
    let bytes = text.iter().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\t' | b'\r' => 2,
        0..=0x1f => 6,
        _ => 1,
    });
    bytes.sum()
}

fn of_gateway(request: &Request) -> Option<String> {
    match request.extensions().get::<RequestContext>()? {
        RequestContext::ApiGatewayV2(context) => context.request_id.clone(),
        _ => None,
    }
}

fn tell(problem: &Problem, path: &str, id: &str) {
    match problem.fault() {
        Some(fault) => tracing::error!(request.id = id, path, fault, "a request failed"),
        None => tracing::info!(request.id = id, path, code = problem.code(), "refused"),
    }
}

fn write(response: &mut Response, problem: &Problem, path: &str, id: &str) {
    let body = problem.body(path, id).to_string();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    headers.remove(CONTENT_LENGTH);
    *response.body_mut() = Body::from(body);
}

/// What is answered where no route is.
pub(crate) async fn nowhere() -> Problem {
    Problem::new(refusal::NOT_FOUND, "there is nothing at this address")
}

/// What an address answers to a method that it does not know: the router says so with a status,
/// and with the methods that there are.
pub(crate) async fn known_method(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    match response.status() {
        StatusCode::METHOD_NOT_ALLOWED => {
            let allowed = response.headers().get(axum::http::header::ALLOW).cloned();
            Problem::not_allowed(allowed).into_response()
        }
        _ => response,
    }
}
