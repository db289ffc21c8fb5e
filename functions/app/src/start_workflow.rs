//! Starting a workflow.
//!
//! The first decision is made in the call that accepts the workflow: one write creates the
//! record, RUNNING, with its first step in the frontier, and the step's task is created after.

use semver::VersionReq;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use taskmill::ids::{DefinitionId, WorkflowId};
use taskmill::security::{Caller, SecurityContext};
use taskmill::workflow::WorkflowInstance;
use taskmill::workflow::creation::{self, NewWorkflow};
use taskmill_aws::store::Created;

use crate::app::App;
use crate::refusal::Refusal;
use crate::requests;
use crate::workflows;

/// A request for a workflow.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartWorkflow {
    /// What it is.
    pub workflow_definition_id: DefinitionId,
    /// Which versions of it will do; the highest is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_version: Option<VersionReq>,
    /// What it is given; `{}` by default.
    #[serde(default = "requests::empty_input")]
    pub input: Value,
    /// Makes the request safe to repeat: one key, one workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The caller's own id for the whole matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// W3C trace context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// Starts a workflow.
///
/// # Errors
/// A [`Refusal`]; nothing was stored, unless it is a fault after the write.
pub async fn start_workflow(
    app: &App,
    caller: &Caller,
    request: StartWorkflow,
) -> Result<WorkflowInstance, Refusal> {
    requests::Marks {
        idempotency_key: request.idempotency_key.as_deref(),
        correlation_id: request.correlation_id.as_deref(),
        traceparent: request.traceparent.as_deref(),
    }
    .check()?;
    let new = new_workflow(app, caller, &request);
    begin(app, caller, &request, new).await
}

/// Starts a workflow under an id that derives from what asks for it; `request_hash` tells that
/// from what else may have the id.
pub(crate) async fn start_under(
    app: &App,
    caller: &Caller,
    (id, request_hash): (WorkflowId, Option<String>),
    request: StartWorkflow,
) -> Result<WorkflowInstance, Refusal> {
    let new = NewWorkflow {
        id,
        request_hash,
        ..new_workflow(app, caller, &request)
    };
    begin(app, caller, &request, new).await
}

async fn begin(
    app: &App,
    caller: &Caller,
    request: &StartWorkflow,
    new: NewWorkflow,
) -> Result<WorkflowInstance, Refusal> {
    let plan = app
        .inner
        .definitions
        .newest_plan(
            &caller.tenant_id,
            &request.workflow_definition_id,
            request.workflow_version.as_ref(),
        )
        .await?;
    let decision = creation::start(&plan, new, app.workflow_facts())?;
    match workflows::create_first(app, &decision).await? {
        Created::New => Ok(decision.state),
        Created::Exists => existing(app, &decision.state).await,
    }
}

fn new_workflow(app: &App, caller: &Caller, request: &StartWorkflow) -> NewWorkflow {
    let key = request.idempotency_key.as_deref();
    NewWorkflow {
        id: key.map_or_else(
            || app.fresh_workflow_id(),
            |key| WorkflowId::from_idempotency_key(&caller.tenant_id, key),
        ),
        request_hash: key.map(|_| requests::fingerprint(request)),
        input: request.input.clone(),
        security_context: SecurityContext::from(caller),
        correlation_id: request.correlation_id.clone(),
        traceparent: request.traceparent.clone(),
        parent: None,
    }
}

/// The workflow that was first under this id, if the request was the same; what its newest
/// version owes is performed again.
async fn existing(app: &App, asked: &WorkflowInstance) -> Result<WorkflowInstance, Refusal> {
    let first = app
        .store()
        .workflow(asked.id)
        .await?
        .filter(|first| first.tenant_id == asked.tenant_id)
        .ok_or_else(|| Refusal::not_found("workflow", asked.id))?;
    requests::check_repeat(first.request_hash.as_deref(), asked.request_hash.as_deref())?;
    let plan = app.inner.definitions.plan_of(&first).await?;
    workflows::perform_all(app, &first, &workflows::owed_by_newest(app, &plan, &first)).await?;
    Ok(first)
}
