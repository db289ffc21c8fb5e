//! Workflows: starting, reading and listing them, and their tasks.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use taskmill::Timestamp;
use taskmill::ids::{DefinitionId, WorkflowId};
use taskmill::task::TaskStatus;
use taskmill::workflow::WorkflowStatus;
use taskmill_app::lists::{Created, TaskQuery, WorkflowQuery};
use taskmill_app::start_workflow as use_case;
use taskmill_app::{end, lists, views};
use utoipa::IntoParams;

use crate::answer;
use crate::body::Json;
use crate::document::{Creating, Reading};
use crate::idempotency::{IdempotencyKey, Trace};
use crate::identity::Who;
use crate::page::{self, List};
use crate::parameters::{Fields, Id};
use crate::prefer::Wait;
use crate::problem::Problem;
use crate::router::Api;
use crate::wire::headers::{Keyed, Waiting};
use crate::wire::records::{Tasks, Workflow, Workflows};
use crate::wire::requests::StartWorkflow;
use crate::wire::timeline::Timeline;
use crate::wire::words::{TaskStatusWord, WorkflowStatusWord};

/// Starts a workflow.
#[utoipa::path(
    post, path = "/v1/workflows", tag = "workflows", operation_id = "startWorkflow",
    params(Keyed, Waiting), request_body = StartWorkflow,
    responses(
        (status = 201, description = "It is accepted, and runs.", body = Workflow,
         headers(("Location" = String), ("ETag" = String), ("Preference-Applied" = String))),
        Creating,
    ),
)]
pub(crate) async fn start_workflow(
    State(api): State<Api>,
    Who(caller): Who,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    Trace(traceparent): Trace,
    wait: Wait,
    Json(body): Json<StartWorkflow>,
) -> Result<Response, Problem> {
    let request = use_case::StartWorkflow {
        workflow_definition_id: body.workflow_definition_id,
        workflow_version: body.workflow_version,
        input: body.input,
        idempotency_key,
        correlation_id: body.correlation_id,
        traceparent,
    };
    let started = use_case::start_workflow(api.app(), &caller, request).await?;
    let workflow = end::of_workflow(api.app(), started, wait.millis()).await?;
    let location = format!("/v1/workflows/{}", workflow.id);
    let view = views::of_workflow(api.app(), &caller, &workflow).await?;
    Ok(wait.applied(answer::created(&location, view)))
}

/// Which workflows are listed.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WorkflowFields {
    /// Those of this status. Without it and `workflowDefinitionId` the list goes status by status.
    #[param(inline, value_type = Option<WorkflowStatusWord>)]
    pub status: Option<WorkflowStatus>,
    /// Those of this definition.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    pub workflow_definition_id: Option<DefinitionId>,
    /// Those created from here on. By default, 30 days before `to` of what ended, and everything
    /// of what is open or of one definition.
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

/// Lists workflows, the newest of a status or a definition first.
#[utoipa::path(
    get, path = "/v1/workflows", tag = "workflows", operation_id = "listWorkflows",
    params(WorkflowFields),
    responses((status = 200, description = "A page of them.", body = Workflows), Reading),
)]
pub(crate) async fn list_workflows(
    State(api): State<Api>,
    Who(caller): Who,
    Fields(fields): Fields<WorkflowFields>,
) -> Result<Response, Problem> {
    let wanted = page::wanted(fields.limit, fields.cursor)?;
    let query = WorkflowQuery {
        status: fields.status,
        definition: fields.workflow_definition_id,
        created: Created {
            from: fields.from,
            to: fields.to,
        },
    };
    let found = lists::workflows(api.app(), &caller.tenant_id, &query, &wanted).await?;
    Ok(answer::ok(List::from(found)))
}

/// Shows a workflow with its tasks, at most 100 of them.
#[utoipa::path(
    get, path = "/v1/workflows/{id}", tag = "workflows", operation_id = "getWorkflow",
    params(("id" = String, Path, format = "uuid")),
    responses(
        (status = 200, description = "The workflow.", body = Workflow, headers(("ETag" = String))),
        Reading,
    ),
)]
pub(crate) async fn get_workflow(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<WorkflowId>,
) -> Result<Response, Problem> {
    let view = views::workflow_in_short(api.app(), &caller, id).await?;
    Ok(answer::record(view))
}

/// Which tasks of a workflow are listed.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WorkflowTaskFields {
    /// Those of this status; by status without it.
    #[param(inline, value_type = Option<TaskStatusWord>)]
    pub status: Option<TaskStatus>,
    /// Entries of the page; 100 by default.
    #[param(value_type = usize, required = false, minimum = 1, maximum = 1000)]
    pub limit: Option<usize>,
    /// The `nextCursor` of the page before, for the same query.
    #[param(value_type = String, required = false)]
    pub cursor: Option<String>,
}

/// Lists the tasks of a workflow, the oldest of a status first.
#[utoipa::path(
    get, path = "/v1/workflows/{id}/tasks", tag = "workflows", operation_id = "listWorkflowTasks",
    params(("id" = String, Path, format = "uuid"), WorkflowTaskFields),
    responses((status = 200, description = "A page of them.", body = Tasks), Reading),
)]
pub(crate) async fn list_workflow_tasks(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<WorkflowId>,
    Fields(fields): Fields<WorkflowTaskFields>,
) -> Result<Response, Problem> {
    let wanted = page::wanted(fields.limit, fields.cursor)?;
    views::check_workflow(api.app(), &caller.tenant_id, id).await?;
    let query = TaskQuery {
        status: fields.status,
        workflow: Some(id),
        ..TaskQuery::default()
    };
    let found = lists::tasks(api.app(), &caller.tenant_id, &query, &wanted).await?;
    Ok(answer::ok(List::from(found)))
}

/// Which part of a timeline is read.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TimelineFields {
    /// Tasks of the page; 100 by default.
    #[param(value_type = usize, required = false, minimum = 1, maximum = 1000)]
    pub limit: Option<usize>,
    /// The `nextCursor` of the page before.
    #[param(value_type = String, required = false)]
    pub cursor: Option<String>,
}

/// Shows when what of a workflow ran: every attempt of its tasks, with its wait and its error.
#[utoipa::path(
    get, path = "/v1/workflows/{id}/timeline", tag = "workflows", operation_id = "getWorkflowTimeline",
    params(("id" = String, Path, format = "uuid"), TimelineFields),
    responses((status = 200, description = "A page of its tasks.", body = Timeline), Reading),
)]
pub(crate) async fn get_workflow_timeline(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<WorkflowId>,
    Fields(fields): Fields<TimelineFields>,
) -> Result<Response, Problem> {
    let wanted = page::wanted(fields.limit, fields.cursor)?;
    let timeline = views::timeline(api.app(), &caller, id, &wanted).await?;
    Ok(answer::ok(timeline))
}
