//! Bulk operations: asking the same of all workflows or tasks that a filter selects, and seeing how
//! far that is.

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::response::Response;
use serde::Deserialize;
use taskmill::bulk::{Bulk, TaskAsk, Work, WorkflowAsk};
use taskmill::ids::BulkId;
use taskmill::security::Caller;
use taskmill_app::bulk as use_case;
use taskmill_aws::store::Page;
use utoipa::IntoParams;

use crate::answer;
use crate::body::Json;
use crate::document::{Creating, Reading};
use crate::idempotency::IdempotencyKey;
use crate::identity::Who;
use crate::page::{self, List};
use crate::parameters::{Fields, Id};
use crate::problem::Problem;
use crate::router::Api;
use crate::wire::bulk::{
    BulkCancelTasks, BulkCancelWorkflows, BulkOperation, BulkOperations, BulkReassignTasks,
    BulkRetryTasks, BulkRetryWorkflows, DryRun,
};
use crate::wire::headers::Keyed;

/// Who asks, under which key.
pub(crate) struct Asked {
    caller: Caller,
    key: Option<String>,
}

impl axum::extract::FromRequestParts<Api> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        api: &Api,
    ) -> Result<Self, Problem> {
        let Who(caller) = Who::from_request_parts(parts, api).await?;
        let IdempotencyKey(key) = IdempotencyKey::from_request_parts(parts, api).await?;
        Ok(Self { caller, key })
    }
}

impl Asked {
    async fn begin(self, api: &Api, work: Work) -> Result<Response, Problem> {
        let begun = use_case::begin(api.app(), &self.caller, work, self.key.as_deref()).await?;
        let location = format!("/v1/bulk/{}", begun.id);
        let accepted = answer::accepted(begun.view());
        Ok(answer::with(accepted, LOCATION, &location))
    }

    async fn count(self, api: &Api, work: Work) -> Result<Response, Problem> {
        Ok(answer::ok(
            use_case::dry_run(api.app(), &self.caller, work).await?,
        ))
    }
}

/// Lets workflows that failed go on at the steps that failed.
#[utoipa::path(
    post, path = "/v1/bulk/workflows/retry", tag = "bulk", operation_id = "bulkRetryWorkflows",
    params(Keyed), request_body = BulkRetryWorkflows,
    responses(
        (status = 200, description = "They are counted.", body = DryRun),
        (status = 202, description = "It is accepted.", body = BulkOperation,
         headers(("Location" = String), ("ETag" = String))),
        Creating,
    ),
)]
pub(crate) async fn bulk_retry_workflows(
    State(api): State<Api>,
    asked: Asked,
    Json(body): Json<BulkRetryWorkflows>,
) -> Result<Response, Problem> {
    let work = Work::Workflows {
        selection: body.filter,
        ask: WorkflowAsk::Retry,
    };
    match body.dry_run {
        true => asked.count(&api, work).await,
        false => asked.begin(&api, work).await,
    }
}

/// Ends workflows at once.
#[utoipa::path(
    post, path = "/v1/bulk/workflows/cancel", tag = "bulk", operation_id = "bulkCancelWorkflows",
    params(Keyed), request_body = BulkCancelWorkflows,
    responses(
        (status = 200, description = "They are counted.", body = DryRun),
        (status = 202, description = "It is accepted.", body = BulkOperation,
         headers(("Location" = String), ("ETag" = String))),
        Creating,
    ),
)]
pub(crate) async fn bulk_cancel_workflows(
    State(api): State<Api>,
    asked: Asked,
    Json(body): Json<BulkCancelWorkflows>,
) -> Result<Response, Problem> {
    let (reason, compensate) = (body.reason, body.compensate);
    let work = Work::Workflows {
        selection: body.filter,
        ask: WorkflowAsk::Cancel { reason, compensate },
    };
    match body.dry_run {
        true => asked.count(&api, work).await,
        false => asked.begin(&api, work).await,
    }
}

/// Repeats tasks that failed, each by a new one. Those of workflows are not concerned.
#[utoipa::path(
    post, path = "/v1/bulk/tasks/retry", tag = "bulk", operation_id = "bulkRetryTasks",
    params(Keyed), request_body = BulkRetryTasks,
    responses(
        (status = 200, description = "They are counted.", body = DryRun),
        (status = 202, description = "It is accepted.", body = BulkOperation,
         headers(("Location" = String), ("ETag" = String))),
        Creating,
    ),
)]
pub(crate) async fn bulk_retry_tasks(
    State(api): State<Api>,
    asked: Asked,
    Json(body): Json<BulkRetryTasks>,
) -> Result<Response, Problem> {
    let work = Work::Tasks {
        selection: body.filter,
        ask: TaskAsk::Retry,
    };
    match body.dry_run {
        true => asked.count(&api, work).await,
        false => asked.begin(&api, work).await,
    }
}

/// Ends tasks at once.
#[utoipa::path(
    post, path = "/v1/bulk/tasks/cancel", tag = "bulk", operation_id = "bulkCancelTasks",
    params(Keyed), request_body = BulkCancelTasks,
    responses(
        (status = 200, description = "They are counted.", body = DryRun),
        (status = 202, description = "It is accepted.", body = BulkOperation,
         headers(("Location" = String), ("ETag" = String))),
        Creating,
    ),
)]
pub(crate) async fn bulk_cancel_tasks(
    State(api): State<Api>,
    asked: Asked,
    Json(body): Json<BulkCancelTasks>,
) -> Result<Response, Problem> {
    let reason = body.reason;
    let work = Work::Tasks {
        selection: body.filter,
        ask: TaskAsk::Cancel { reason },
    };
    match body.dry_run {
        true => asked.count(&api, work).await,
        false => asked.begin(&api, work).await,
    }
}

/// Gives people's tasks to somebody. The caller administers tasks, or they were escalated to them.
#[utoipa::path(
    post, path = "/v1/bulk/tasks/reassign", tag = "bulk", operation_id = "bulkReassignTasks",
    params(Keyed), request_body = BulkReassignTasks,
    responses(
        (status = 200, description = "They are counted.", body = DryRun),
        (status = 202, description = "It is accepted.", body = BulkOperation,
         headers(("Location" = String), ("ETag" = String))),
        Creating,
    ),
)]
pub(crate) async fn bulk_reassign_tasks(
    State(api): State<Api>,
    asked: Asked,
    Json(body): Json<BulkReassignTasks>,
) -> Result<Response, Problem> {
    let assignee = body.assignee;
    let work = Work::Tasks {
        selection: body.filter,
        ask: TaskAsk::Reassign { assignee },
    };
    match body.dry_run {
        true => asked.count(&api, work).await,
        false => asked.begin(&api, work).await,
    }
}

/// Which bulk operations are listed.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BulkFields {
    /// Entries of the page; 100 by default.
    #[param(value_type = usize, required = false, minimum = 1, maximum = 1000)]
    pub limit: Option<usize>,
    /// The `nextCursor` of the page before.
    #[param(value_type = String, required = false)]
    pub cursor: Option<String>,
}

/// Lists bulk operations, the newest first.
#[utoipa::path(
    get, path = "/v1/bulk", tag = "bulk", operation_id = "listBulkOperations",
    params(BulkFields),
    responses((status = 200, description = "A page of them.", body = BulkOperations), Reading),
)]
pub(crate) async fn list_bulk_operations(
    State(api): State<Api>,
    Who(caller): Who,
    Fields(fields): Fields<BulkFields>,
) -> Result<Response, Problem> {
    let request = page::request(fields.limit, fields.cursor)?;
    let found = use_case::list(api.app(), &caller.tenant_id, &request).await?;
    Ok(answer::ok(List::from(Page {
        items: found.items.iter().map(Bulk::view).collect(),
        next: found.next,
    })))
}

/// Shows how far a bulk operation is.
#[utoipa::path(
    get, path = "/v1/bulk/{id}", tag = "bulk", operation_id = "getBulkOperation",
    params(("id" = String, Path, format = "uuid")),
    responses(
        (status = 200, description = "The operation.", body = BulkOperation,
         headers(("ETag" = String))),
        Reading,
    ),
)]
pub(crate) async fn get_bulk_operation(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<BulkId>,
) -> Result<Response, Problem> {
    let bulk = use_case::get(api.app(), &caller.tenant_id, id).await?;
    Ok(answer::record(bulk.view()))
}

/// Stops a bulk operation. What was asked stays asked.
#[utoipa::path(
    post, path = "/v1/bulk/{id}/cancel", tag = "bulk", operation_id = "cancelBulkOperation",
    params(("id" = String, Path, format = "uuid")),
    responses(
        (status = 200, description = "It is stopped, or was over.", body = BulkOperation,
         headers(("ETag" = String))),
        Creating,
    ),
)]
pub(crate) async fn cancel_bulk_operation(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<BulkId>,
) -> Result<Response, Problem> {
    let bulk = use_case::cancel(api.app(), &caller.tenant_id, id).await?;
    Ok(answer::record(bulk.view()))
}
