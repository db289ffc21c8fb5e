//! What people do with their tasks. Who may is decided by the core, on the record that is written.

use axum::extract::State;
use axum::response::Response;
use taskmill::ids::TaskId;
use taskmill::security::Caller;
use taskmill::task::lifecycle::Act;
use taskmill_app::{conditional, people, views};

use crate::answer;
use crate::body::Json;
use crate::document::Changing;
use crate::etag::IfMatch;
use crate::identity::Who;
use crate::parameters::Id;
use crate::problem::Problem;
use crate::router::Api;
use crate::wire::headers::Conditional;
use crate::wire::records::Task;
use crate::wire::requests::{Assign, Complete, Fail};

/// Does it, and shows the task as it is then.
async fn act(
    api: &Api,
    person: &Caller,
    id: TaskId,
    expected: IfMatch,
    act: Act,
) -> Result<Response, Problem> {
    let app = api.app();
    let task = match expected {
        IfMatch::Any => people::act(app, person, id, act).await?,
        IfMatch::Version(version) => conditional::act(app, person, id, version, act).await?,
    };
    Ok(answer::record(views::of_task(app, person, &task).await?))
}

/// Takes a task for the caller; never from another.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/claim", tag = "people", operation_id = "claimTask",
    params(("id" = String, Path, format = "uuid"), Conditional),
    responses(
        (status = 200, description = "The caller has it.", body = Task, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn claim_task(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<TaskId>,
    expected: IfMatch,
) -> Result<Response, Problem> {
    act(&api, &caller, id, expected, Act::Claim).await
}

/// Gives a task back.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/release", tag = "people", operation_id = "releaseTask",
    params(("id" = String, Path, format = "uuid"), Conditional),
    responses(
        (status = 200, description = "Nobody has it.", body = Task, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn release_task(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<TaskId>,
    expected: IfMatch,
) -> Result<Response, Problem> {
    act(&api, &caller, id, expected, Act::Release).await
}

/// Gives a task to a person, taking it from another if need be: of who administers tasks.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/assign", tag = "people", operation_id = "assignTask",
    params(("id" = String, Path, format = "uuid"), Conditional), request_body = Assign,
    responses(
        (status = 200, description = "That person has it.", body = Task, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn assign_task(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<TaskId>,
    expected: IfMatch,
    Json(body): Json<Assign>,
) -> Result<Response, Problem> {
    let assignee = body.assignee;
    act(&api, &caller, id, expected, Act::Assign { assignee }).await
}

/// Ends a task that the caller has, with what it gives.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/complete", tag = "people", operation_id = "completeTask",
    params(("id" = String, Path, format = "uuid"), Conditional), request_body = Complete,
    responses(
        (status = 200, description = "It is completed.", body = Task, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn complete_task(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<TaskId>,
    expected: IfMatch,
    Json(body): Json<Complete>,
) -> Result<Response, Problem> {
    let output = body.output;
    act(&api, &caller, id, expected, Act::Complete { output }).await
}

/// Says that the caller cannot do a task: an attempt at it failed.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/fail", tag = "people", operation_id = "failTask",
    params(("id" = String, Path, format = "uuid"), Conditional), request_body = Fail,
    responses(
        (status = 200, description = "It failed, or waits for another attempt.", body = Task,
         headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn fail_task(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<TaskId>,
    expected: IfMatch,
    Json(body): Json<Fail>,
) -> Result<Response, Problem> {
    let failed = Act::Fail {
        code: body.code,
        message: body.message,
        details: body.details,
        permanent: body.permanent,
    };
    act(&api, &caller, id, expected, failed).await
}
