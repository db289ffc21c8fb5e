//! How the service is, for whoever watches over it.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;
use taskmill::ids::TaskId;
use taskmill_app::Refusal;
use uuid::Uuid;

use crate::answer;
use crate::problem::Problem;
use crate::router::Api;
use crate::wire::records::Health;

/// Whether the process answers.
#[utoipa::path(
    get, path = "/healthz", tag = "health", operation_id = "healthz", security(()),
    responses((status = 200, description = "It does.", body = Health)),
)]
pub(crate) async fn healthz() -> Response {
    answer::ok(json!({"status": "ok"}))
}

/// Whether requests can be served: the tables answer.
#[utoipa::path(
    get, path = "/readyz", tag = "health", operation_id = "readyz", security(()),
    responses(
        (status = 200, description = "They can.", body = Health),
        (status = 503, description = "They cannot.", body = crate::wire::records::Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn readyz(State(api): State<Api>) -> Result<Response, Problem> {
    let nobody = TaskId::new(Uuid::nil());
    let answered = api.app().store().task(nobody).await;
    answered.map_err(Refusal::from)?;
    Ok(answer::ok(json!({"status": "ok"})))
}
