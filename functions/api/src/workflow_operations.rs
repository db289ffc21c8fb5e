//! What is asked of a workflow that was started. What its state allows is decided by the core.

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;
use taskmill::ids::WorkflowId;
use taskmill::security::Caller;
use taskmill::workflow::decider::{Ask, Operation};
use taskmill_app::{conditional, views, workflows};

use crate::answer;
use crate::body::{Json, Perhaps};
use crate::document::Changing;
use crate::etag::IfMatch;
use crate::idempotency::IdempotencyKey;
use crate::identity::Who;
use crate::parameters::Id;
use crate::problem::Problem;
use crate::router::Api;
use crate::wire::headers::{Conditional, Keyed};
use crate::wire::records::Workflow;
use crate::wire::requests::{CancelWorkflow, Rerun, SendSignal, Skip, UpdateVariables};

/// Who asks what of which workflow: what all these requests have in common.
pub(crate) struct Asked {
    caller: Caller,
    id: WorkflowId,
    request_id: Option<String>,
    expected: IfMatch,
}

impl axum::extract::FromRequestParts<Api> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        api: &Api,
    ) -> Result<Self, Problem> {
        let Who(caller) = Who::from_request_parts(parts, api).await?;
        let Id(id) = Id::from_request_parts(parts, api).await?;
        let IdempotencyKey(request_id) = IdempotencyKey::from_request_parts(parts, api).await?;
        Ok(Self {
            caller,
            id,
            request_id,
            expected: IfMatch::from_request_parts(parts, api).await?,
        })
    }
}

impl Asked {
    /// Does it, and gives the workflow as it is then.
    async fn of(self, api: &Api, ask: Ask) -> Result<Value, Problem> {
        let (app, tenant) = (api.app(), &self.caller.tenant_id);
        let operation = Operation {
            request_id: self.request_id,
            by_parent: None,
            ask,
        };
        let after = match self.expected {
            IfMatch::Any => workflows::operate(app, tenant, self.id, operation).await?,
            IfMatch::Version(version) => {
                conditional::operate(app, tenant, self.id, version, operation).await?
            }
        };
        Ok(views::of_workflow(app, &self.caller, &after).await?)
    }
}

/// Ends a workflow at once.
#[utoipa::path(
    post, path = "/v1/workflows/{id}/cancel", tag = "workflows", operation_id = "cancelWorkflow",
    params(("id" = String, Path, format = "uuid"), Keyed, Conditional),
    request_body = Option<CancelWorkflow>,
    responses(
        (status = 200, description = "It is cancelled.", body = Workflow, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn cancel_workflow(
    State(api): State<Api>,
    asked: Asked,
    Perhaps(body): Perhaps<CancelWorkflow>,
) -> Result<Response, Problem> {
    let cancel = Ask::Cancel {
        reason: body.reason,
        compensate: body.compensate,
    };
    Ok(answer::record(asked.of(&api, cancel).await?))
}

/// Begins nothing new in a workflow; what runs goes on.
#[utoipa::path(
    post, path = "/v1/workflows/{id}/pause", tag = "workflows", operation_id = "pauseWorkflow",
    params(("id" = String, Path, format = "uuid"), Keyed, Conditional),
    responses(
        (status = 200, description = "It is paused.", body = Workflow, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn pause_workflow(
    State(api): State<Api>,
    asked: Asked,
) -> Result<Response, Problem> {
    Ok(answer::record(asked.of(&api, Ask::Pause).await?))
}

/// Goes on with a paused workflow.
#[utoipa::path(
    post, path = "/v1/workflows/{id}/resume", tag = "workflows", operation_id = "resumeWorkflow",
    params(("id" = String, Path, format = "uuid"), Keyed, Conditional),
    responses(
        (status = 200, description = "It runs.", body = Workflow, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn resume_workflow(
    State(api): State<Api>,
    asked: Asked,
) -> Result<Response, Problem> {
    Ok(answer::record(asked.of(&api, Ask::Resume).await?))
}

/// Sends a signal to a workflow. It is kept until a step waits for it.
#[utoipa::path(
    post, path = "/v1/workflows/{id}/signals", tag = "workflows", operation_id = "signalWorkflow",
    params(("id" = String, Path, format = "uuid"), Keyed, Conditional),
    request_body = SendSignal,
    responses(
        (status = 202, description = "It is accepted.", body = Workflow, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn signal_workflow(
    State(api): State<Api>,
    asked: Asked,
    Json(body): Json<SendSignal>,
) -> Result<Response, Problem> {
    let signal = Ask::Signal {
        name: body.name,
        data: body.data,
    };
    Ok(answer::accepted(asked.of(&api, signal).await?))
}

/// Sets variables of a workflow.
#[utoipa::path(
    post, path = "/v1/workflows/{id}/variables", tag = "workflows",
    operation_id = "updateWorkflowVariables",
    params(("id" = String, Path, format = "uuid"), Keyed, Conditional),
    request_body = UpdateVariables,
    responses(
        (status = 200, description = "They are set.", body = Workflow, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn update_workflow_variables(
    State(api): State<Api>,
    asked: Asked,
    Json(body): Json<UpdateVariables>,
) -> Result<Response, Problem> {
    let variables = body.variables;
    let update = Ask::UpdateVariables { variables };
    Ok(answer::record(asked.of(&api, update).await?))
}

/// Goes on with a workflow that failed, at the steps that failed.
#[utoipa::path(
    post, path = "/v1/workflows/{id}/retry", tag = "workflows", operation_id = "retryWorkflow",
    params(("id" = String, Path, format = "uuid"), Keyed, Conditional),
    responses(
        (status = 200, description = "It runs.", body = Workflow, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn retry_workflow(
    State(api): State<Api>,
    asked: Asked,
) -> Result<Response, Problem> {
    Ok(answer::record(asked.of(&api, Ask::Retry).await?))
}

/// Begins a step of a workflow again, and what follows from it; without a path, everything.
#[utoipa::path(
    post, path = "/v1/workflows/{id}/rerun", tag = "workflows", operation_id = "rerunWorkflow",
    params(("id" = String, Path, format = "uuid"), Keyed, Conditional),
    request_body = Option<Rerun>,
    responses(
        (status = 200, description = "It runs.", body = Workflow, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn rerun_workflow(
    State(api): State<Api>,
    asked: Asked,
    Perhaps(body): Perhaps<Rerun>,
) -> Result<Response, Problem> {
    let rerun = Ask::Rerun { path: body.path };
    Ok(answer::record(asked.of(&api, rerun).await?))
}

/// Takes a step of a workflow as done, with the output that is given.
#[utoipa::path(
    post, path = "/v1/workflows/{id}/skip", tag = "workflows", operation_id = "skipWorkflowStep",
    params(("id" = String, Path, format = "uuid"), Keyed, Conditional),
    request_body = Skip,
    responses(
        (status = 200, description = "It is taken as done.", body = Workflow,
         headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn skip_workflow_step(
    State(api): State<Api>,
    asked: Asked,
    Json(body): Json<Skip>,
) -> Result<Response, Problem> {
    let skip = Ask::Skip {
        path: body.path,
        output: body.output,
    };
    Ok(answer::record(asked.of(&api, skip).await?))
}
