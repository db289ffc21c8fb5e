//! Callbacks: other systems tell the end of the attempts that they have. The token of the address
//! is all the identity that this takes.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::json;
use taskmill_app::callback::{self, End};

use crate::answer;
use crate::body::Json;
use crate::document::CallingBack;
use crate::problem::Problem;
use crate::router::Api;
use crate::wire::records::CalledBack;
use crate::wire::requests::CallBack;

/// Where callbacks go; a token follows.
pub(crate) const PATH: &str = "/v1/callbacks/";

/// Tells the end of an attempt that another system was handed: its output, or why it failed. Who
/// was given the address needs no other token. Telling it again is a success.
#[utoipa::path(
    post, path = "/v1/callbacks/{token}", tag = "tasks", operation_id = "callBack", security(()),
    params(("token" = String, Path, description = "As the address that was handed over has it.")),
    request_body = CallBack,
    responses(
        (status = 200, description = "It is taken.", body = CalledBack),
        CallingBack,
    ),
)]
pub(crate) async fn call_back(
    State(api): State<Api>,
    Path(token): Path<String>,
    Json(body): Json<CallBack>,
) -> Result<Response, Problem> {
    let end = match (body.output, body.error) {
        (Some(output), None) => End::Output(output),
        (None, Some(error)) => End::Error(error),
        (Some(_), Some(_)) | (None, None) => {
            let detail = "the body holds either output or error";
            return Err(Problem::at(String::new(), detail));
        }
    };
    let task = callback::end(api.app(), &token, end).await?;
    Ok(answer::ok(
        json!({"taskId": task.id, "status": task.status}),
    ))
}
