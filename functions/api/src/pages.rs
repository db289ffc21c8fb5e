//! What anybody may read: the OpenAPI document, as it is kept, and a page to try it with.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::router::Api;

/// The document that [`document::openapi`](crate::document::openapi) makes.
pub(crate) const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

/// The pages, as they are served.
pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/", get(console))
        .route("/openapi.json", get(document))
}

/// Serves the document.
async fn document() -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "max-age=300"),
    ];
    (headers, DOCUMENT).into_response()
}

/// Serves a page that shows the document and sends requests. It loads nothing from elsewhere.
async fn console() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; \
             style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'",
        ),
    ];
    (headers, include_str!("pages/console.html")).into_response()
}
