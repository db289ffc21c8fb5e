//! Tasks: creating, reading, listing, repeating and cancelling them.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use taskmill::Timestamp;
use taskmill::ids::{DefinitionId, TaskId, WorkflowId};
use taskmill::security::Caller;
use taskmill::task::{TaskInstance, TaskStatus, TaskType};
use taskmill_app::create_task as use_case;
use taskmill_app::lists::{Created, TaskQuery};
use taskmill_app::{App, views};
use taskmill_app::{cancel_task as cancelling, conditional, end, lists, retry_task as repeating};
use taskmill_aws::store::TaskFilter;
use utoipa::IntoParams;

use crate::answer;
use crate::body::{Json, Perhaps};
use crate::document::{Changing, Creating, Reading};
use crate::etag::IfMatch;
use crate::idempotency::{IdempotencyKey, Trace};
use crate::identity::Who;
use crate::page::{self, List};
use crate::parameters::{Fields, Id};
use crate::prefer::Wait;
use crate::problem::Problem;
use crate::router::Api;
use crate::wire::headers::{Conditional, Keyed, Waiting};
use crate::wire::records::{Task, Tasks};
use crate::wire::requests::{CancelTask, CreateTask};
use crate::wire::words::{TaskStatusWord, TaskTypeWord};

/// Creates a task that stands alone.
#[utoipa::path(
    post, path = "/v1/tasks", tag = "tasks", operation_id = "createTask",
    params(Keyed, Waiting), request_body = CreateTask,
    responses(
        (status = 201, description = "It is accepted.", body = Task,
         headers(("Location" = String), ("ETag" = String), ("Preference-Applied" = String))),
        Creating,
    ),
)]
pub(crate) async fn create_task(
    State(api): State<Api>,
    Who(caller): Who,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    Trace(traceparent): Trace,
    wait: Wait,
    Json(body): Json<CreateTask>,
) -> Result<Response, Problem> {
    let request = use_case::CreateTask {
        task_definition_id: body.task_definition_id,
        task_version: body.task_version,
        input: body.input,
        priority: body.priority,
        task_reference: body.task_reference,
        idempotency_key,
        correlation_id: body.correlation_id,
        task_token: None,
        traceparent,
    };
    let task = use_case::create_task(api.app(), &caller, request).await?;
    let task = end::of_task(api.app(), task, wait.millis()).await?;
    Ok(wait.applied(created(api.app(), &caller, &task).await?))
}

async fn created(app: &App, caller: &Caller, task: &TaskInstance) -> Result<Response, Problem> {
    let location = format!("/v1/tasks/{}", task.id);
    Ok(answer::created(
        &location,
        views::of_task(app, caller, task).await?,
    ))
}

/// Which tasks are listed.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TaskFields {
    /// Those of this status. Without it and `workflowId` the list goes status by status.
    #[param(inline, value_type = Option<TaskStatusWord>)]
    pub status: Option<TaskStatus>,
    /// Those that are done so.
    #[serde(rename = "type")]
    #[param(inline, value_type = Option<TaskTypeWord>)]
    pub task_type: Option<TaskType>,
    /// Those of this definition.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    pub task_definition_id: Option<DefinitionId>,
    /// Those of this workflow.
    #[param(value_type = Option<String>, format = "uuid")]
    pub workflow_id: Option<WorkflowId>,
    /// Those of workflows of this definition.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    pub workflow_definition_id: Option<DefinitionId>,
    /// Those created from here on. By default, 30 days before `to` of what ended, and everything
    /// of what is open.
    #[param(value_type = Option<String>, format = "date-time")]
    pub from: Option<Timestamp>,
    /// Those created before; now by default.
    #[param(value_type = Option<String>, format = "date-time")]
    pub to: Option<Timestamp>,
    /// Entries of the page; 100 by default.
    #[param(value_type = usize, required = false, minimum = 1, maximum = 1000)]
    pub limit: Option<usize>,
    /// The `nextCursor` of the page before, for the same query.
    #[param(value_type = String, required = false)]
    pub cursor: Option<String>,
}

/// Lists tasks, the newest of a status first.
#[utoipa::path(
    get, path = "/v1/tasks", tag = "tasks", operation_id = "listTasks",
    params(TaskFields),
    responses((status = 200, description = "A page of them.", body = Tasks), Reading),
)]
pub(crate) async fn list_tasks(
    State(api): State<Api>,
    Who(caller): Who,
    Fields(fields): Fields<TaskFields>,
) -> Result<Response, Problem> {
    let wanted = page::wanted(fields.limit, fields.cursor)?;
    let query = TaskQuery {
        status: fields.status,
        workflow: fields.workflow_id,
        filter: TaskFilter {
            definition: fields.task_definition_id,
            task_type: fields.task_type,
            workflow_definition: fields.workflow_definition_id,
        },
        created: Created {
            from: fields.from,
            to: fields.to,
        },
    };
    let found = lists::tasks(api.app(), &caller.tenant_id, &query, &wanted).await?;
    Ok(answer::ok(List::from(found)))
}

/// Shows a task.
#[utoipa::path(
    get, path = "/v1/tasks/{id}", tag = "tasks", operation_id = "getTask",
    params(("id" = String, Path, format = "uuid")),
    responses(
        (status = 200, description = "The task.", body = Task, headers(("ETag" = String))),
        Reading,
    ),
)]
pub(crate) async fn get_task(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<TaskId>,
) -> Result<Response, Problem> {
    Ok(answer::record(views::task(api.app(), &caller, id).await?))
}

/// Repeats a task that ended: a new one, with the same definition version and input, that names it
/// in `retriedTaskId`. A task of a workflow is repeated by its workflow.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/retry", tag = "tasks", operation_id = "retryTask",
    params(("id" = String, Path, format = "uuid"), Keyed),
    responses(
        (status = 201, description = "The new task is accepted.", body = Task,
         headers(("Location" = String), ("ETag" = String))),
        Creating,
    ),
)]
pub(crate) async fn retry_task(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<TaskId>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Response, Problem> {
    let task = repeating::retry_task(api.app(), &caller, id, key.as_deref()).await?;
    created(api.app(), &caller, &task).await
}

/// Cancels a task.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/cancel", tag = "tasks", operation_id = "cancelTask",
    params(("id" = String, Path, format = "uuid"), Conditional),
    request_body = Option<CancelTask>,
    responses(
        (status = 200, description = "It is cancelled.", body = Task, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn cancel_task(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<TaskId>,
    expected: IfMatch,
    Perhaps(body): Perhaps<CancelTask>,
) -> Result<Response, Problem> {
    let (app, reason) = (api.app(), body.reason);
    let task = match expected {
        IfMatch::Any => cancelling::cancel_task(app, &caller, id, reason).await?,
        IfMatch::Version(version) => {
            conditional::cancel_task(app, &caller, id, version, reason).await?
        }
    };
    Ok(answer::record(views::of_task(app, &caller, &task).await?))
}
