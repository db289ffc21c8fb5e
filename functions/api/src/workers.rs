//! What programs that poll for tasks do with them. Whether a worker still has its attempt is decided
//! by the core, on the record that is written.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use taskmill::error_info::ErrorInfo;
use taskmill::ids::{ExecutionId, WorkerGroup};
use taskmill::security::Caller;
use taskmill::task::lifecycle::Word;
use taskmill::task::{Outcome, TaskInstance};
use taskmill_app::views;
use taskmill_app::workers::{self, Beginning, Offered, Saying};

use crate::answer;
use crate::body::{Json, Perhaps};
use crate::document::Creating;
use crate::identity::Who;
use crate::parameters::{Id, OfGroup};
use crate::problem::Problem;
use crate::router::Api;
use crate::wire::workers::{Beat, Begin, BegunTask, Done, Failed, GivenBack, Heard, Offers, Poll};

/// Receives what is offered to a group of workers.
#[utoipa::path(
    post, path = "/v1/workers/{group}/poll", tag = "workers", operation_id = "pollTasks",
    params(("group" = String, Path, pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")),
    request_body = Poll,
    responses((status = 200, description = "Perhaps none.", body = Offers), Creating),
)]
pub(crate) async fn poll_tasks(
    State(api): State<Api>,
    Who(caller): Who,
    Id(group): Id<WorkerGroup>,
    Perhaps(body): Perhaps<Poll>,
) -> Result<Response, Problem> {
    let (most, wait) = (body.max_tasks, body.wait_seconds);
    let offered = workers::poll(api.app(), &caller, &group, most, wait).await?;
    let tasks: Vec<Value> = offered.iter().map(view).collect();
    Ok(answer::ok(json!({ "tasks": tasks })))
}

fn view(offered: &Offered) -> Value {
    let task = &offered.task;
    json!({
        "taskId": task.id,
        "attempt": task.attempt(),
        "executionId": task.execution_id(),
        "taskDefinitionId": task.task_definition_id,
        "taskDefinitionVersion": task.task_definition_version,
        "priority": task.priority,
        "receipt": offered.receipt,
    })
}

/// Gives the worker an attempt that was offered, until its lease ends. A 409 says that it is not to
/// be had, or not now: it is offered again when it is.
#[utoipa::path(
    post, path = "/v1/workers/{group}/tasks/{id}/start", tag = "workers",
    operation_id = "startPolledTask",
    params(
        ("group" = String, Path, pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$"),
        ("id" = String, Path, format = "uuid"),
    ),
    request_body = Begin,
    responses((status = 200, description = "The worker has it.", body = BegunTask), Creating),
)]
pub(crate) async fn start_polled_task(
    State(api): State<Api>,
    Who(caller): Who,
    OfGroup(group, id): OfGroup,
    Json(body): Json<Begin>,
) -> Result<Response, Problem> {
    let app = api.app();
    let beginning = Beginning {
        attempt: body.attempt,
        worker_id: body.worker_id,
        receipt: body.receipt,
    };
    let begun = workers::start(app, &caller, &group, id, &beginning).await?;
    let mut answer = json!({
        "leaseUntil": begun.task.lease().map(|lease| lease.until),
        "task": views::for_worker(app, &begun.task).await?,
    });
    if let Some(requirements) = begun.resource_requirements {
        answer["resourceRequirements"] = json!(requirements);
    }
    Ok(answer::ok(answer))
}

/// Takes what a worker says.
async fn say(
    api: &Api,
    caller: &Caller,
    OfGroup(group, id): OfGroup,
    attempt: (ExecutionId, String),
    word: Word,
) -> Result<Response, Problem> {
    let (execution_id, worker_id) = attempt;
    let saying = Saying {
        execution_id,
        worker_id,
        word,
    };
    let task = workers::say(api.app(), caller, &group, id, saying).await?;
    Ok(answer::ok(heard(&task)))
}

fn heard(task: &TaskInstance) -> Value {
    let mut answer = json!({ "taskId": task.id, "status": task.status });
    if let Some(lease) = task.lease() {
        answer["leaseUntil"] = json!(lease.until);
    }
    answer
}

/// Gives a sign of life: the lease begins anew. A 409 says that the attempt is not wanted any more.
#[utoipa::path(
    post, path = "/v1/workers/{group}/tasks/{id}/heartbeat", tag = "workers",
    operation_id = "heartbeatPolledTask",
    params(
        ("group" = String, Path, pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$"),
        ("id" = String, Path, format = "uuid"),
    ),
    request_body = Beat,
    responses((status = 200, description = "The lease is a new one.", body = Heard), Creating),
)]
pub(crate) async fn heartbeat_polled_task(
    State(api): State<Api>,
    Who(caller): Who,
    path: OfGroup,
    Json(body): Json<Beat>,
) -> Result<Response, Problem> {
    let attempt = (body.execution_id, body.worker_id);
    let progress = body.progress;
    say(&api, &caller, path, attempt, Word::Alive { progress }).await
}

/// Ends an attempt with what the task gives. A 409 says that it came too late, and changed nothing.
#[utoipa::path(
    post, path = "/v1/workers/{group}/tasks/{id}/complete", tag = "workers",
    operation_id = "completePolledTask",
    params(
        ("group" = String, Path, pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$"),
        ("id" = String, Path, format = "uuid"),
    ),
    request_body = Done,
    responses(
        (status = 200, description = "The attempt is over. An output that breaks the definition's \
         schema is a failure, `INVALID_OUTPUT`: the status tells.", body = Heard),
        Creating,
    ),
)]
pub(crate) async fn complete_polled_task(
    State(api): State<Api>,
    Who(caller): Who,
    path: OfGroup,
    Json(body): Json<Done>,
) -> Result<Response, Problem> {
    let attempt = (body.execution_id, body.worker_id);
    let outcome = Outcome::Succeeded {
        output: body.output,
    };
    say(&api, &caller, path, attempt, Word::Ended(outcome)).await
}

/// Says that an attempt failed, and whether and when to try again.
#[utoipa::path(
    post, path = "/v1/workers/{group}/tasks/{id}/fail", tag = "workers",
    operation_id = "failPolledTask",
    params(
        ("group" = String, Path, pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$"),
        ("id" = String, Path, format = "uuid"),
    ),
    request_body = Failed,
    responses(
        (status = 200, description = "The attempt is over.", body = Heard),
        Creating,
    ),
)]
pub(crate) async fn fail_polled_task(
    State(api): State<Api>,
    Who(caller): Who,
    path: OfGroup,
    Json(body): Json<Failed>,
) -> Result<Response, Problem> {
    let attempt = (body.execution_id, body.worker_id);
    let error = ErrorInfo::new(&body.code, &body.message, api.now()).with_details(body.details);
    let outcome = Outcome::Failed {
        error,
        permanent: body.permanent,
        retry_after: body.retry_after,
        continue_on_failure: None,
    };
    say(&api, &caller, path, attempt, Word::Ended(outcome)).await
}

/// Gives an attempt back, as if it had not begun: it is offered to the group again, and counts as
/// no failure.
#[utoipa::path(
    post, path = "/v1/workers/{group}/tasks/{id}/release", tag = "workers",
    operation_id = "releasePolledTask",
    params(
        ("group" = String, Path, pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$"),
        ("id" = String, Path, format = "uuid"),
    ),
    request_body = GivenBack,
    responses((status = 200, description = "Nobody has it.", body = Heard), Creating),
)]
pub(crate) async fn release_polled_task(
    State(api): State<Api>,
    Who(caller): Who,
    path: OfGroup,
    Json(body): Json<GivenBack>,
) -> Result<Response, Problem> {
    let attempt = (body.execution_id, body.worker_id);
    say(&api, &caller, path, attempt, Word::GivenBack).await
}
