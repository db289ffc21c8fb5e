//! Answers: JSON, and what stands in headers beside it.

use axum::Json;
use axum::http::header::{ETAG, HeaderName, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use crate::etag;

/// What the request asked for.
pub(crate) fn ok(body: impl Serialize) -> Response {
    Json(body).into_response()
}

/// A record as it is now, with the tag of its version.
pub(crate) fn record(body: Value) -> Response {
    tagged(StatusCode::OK, body)
}

/// A record that was accepted or was there already, and its address.
pub(crate) fn created(location: &str, body: Value) -> Response {
    let response = tagged(StatusCode::CREATED, body);
    with(response, LOCATION, location)
}

/// A record that will come to know of what was accepted.
pub(crate) fn accepted(body: Value) -> Response {
    tagged(StatusCode::ACCEPTED, body)
}

fn tagged(status: StatusCode, body: Value) -> Response {
    let tag = etag::of(&body);
    let response = (status, Json(body)).into_response();
    match tag {
        Some(tag) => with(response, ETAG, &tag),
        None => response,
    }
}

/// The answer with one more header.
pub(crate) fn with(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}
