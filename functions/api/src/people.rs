//! What people do with their tasks. Who may is decided by the core, on the record that is written.
//! How they find them is in `inbox.rs`.

use axum::extract::State;
use axum::response::Response;
use taskmill::ids::TaskId;
use taskmill::security::Caller;
use taskmill::task::lifecycle::Act;
use taskmill_app::{conditional, people, views};

use crate::answer;
use crate::body::{Json, Perhaps};
use crate::document::Changing;
use crate::etag::IfMatch;
use crate::identity::Who;
use crate::parameters::Id;
use crate::problem::Problem;
use crate::router::Api;
use crate::wire::headers::Conditional;
use crate::wire::records::Task;
use crate::wire::requests::{Assign, Comment, Complete, Delegate, Fail, FollowUp};

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

/// Begins to work on a task that the caller has.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/start", tag = "people", operation_id = "startTask",
    params(("id" = String, Path, format = "uuid"), Conditional),
    responses(
        (status = 200, description = "It runs.", body = Task, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn start_task(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<TaskId>,
    expected: IfMatch,
) -> Result<Response, Problem> {
    act(&api, &caller, id, expected, Act::Start).await
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

/// Has another do the work of a task that the caller has, and stays its owner.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/delegate", tag = "people", operation_id = "delegateTask",
    params(("id" = String, Path, format = "uuid"), Conditional), request_body = Delegate,
    responses(
        (status = 200, description = "That person does it.", body = Task,
         headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn delegate_task(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<TaskId>,
    expected: IfMatch,
    Json(body): Json<Delegate>,
) -> Result<Response, Problem> {
    let assignee = body.assignee;
    act(&api, &caller, id, expected, Act::Delegate { assignee }).await
}

/// Gives a delegated task back to its owner, or takes it back as its owner.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/resolve", tag = "people", operation_id = "resolveTask",
    params(("id" = String, Path, format = "uuid"), Conditional),
    responses(
        (status = 200, description = "Its owner has it.", body = Task, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn resolve_task(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<TaskId>,
    expected: IfMatch,
) -> Result<Response, Problem> {
    act(&api, &caller, id, expected, Act::Resolve).await
}

/// Puts a task off that the caller has: until then it is not in their inbox.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/follow-up", tag = "people", operation_id = "followUpTask",
    params(("id" = String, Path, format = "uuid"), Conditional),
    request_body = Option<FollowUp>,
    responses(
        (status = 200, description = "It is put off, or not any more.", body = Task,
         headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn follow_up_task(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<TaskId>,
    expected: IfMatch,
    Perhaps(body): Perhaps<FollowUp>,
) -> Result<Response, Problem> {
    let until = body.until;
    act(&api, &caller, id, expected, Act::FollowUp { until }).await
}

/// Says something about a task. It stays as it is.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/comment", tag = "people", operation_id = "commentTask",
    params(("id" = String, Path, format = "uuid"), Conditional), request_body = Comment,
    responses(
        (status = 200, description = "It is said.", body = Task, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn comment_task(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<TaskId>,
    expected: IfMatch,
    Json(body): Json<Comment>,
) -> Result<Response, Problem> {
    let text = body.text;
    act(&api, &caller, id, expected, Act::Comment { text }).await
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
