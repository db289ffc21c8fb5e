//! Schedules: defining, reading and listing them, and what is asked of them.

use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use taskmill::codes::registration;
use taskmill::ids::ScheduleName;
use taskmill::security::Caller;
use taskmill_app::schedules::{self as use_case, Expected};
use taskmill_app::{Refusal, views};
use taskmill_aws::store::{Created, Page};
use utoipa::IntoParams;

use crate::answer;
use crate::body::Text;
use crate::document::{Changing, Creating, Reading, ScheduleDefinition};
use crate::etag::IfMatch;
use crate::idempotency::IdempotencyKey;
use crate::identity::Who;
use crate::page::{self, List};
use crate::parameters::{Fields, Id};
use crate::problem::Problem;
use crate::router::Api;
use crate::wire::headers::{Conditional, Keyed};
use crate::wire::records::Workflow;
use crate::wire::schedules::{Schedule, Schedules};

/// Who asks something of which schedule: what all these requests have in common.
pub(crate) struct Asked {
    caller: Caller,
    name: ScheduleName,
    expected: Expected,
}

impl FromRequestParts<Api> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Who(caller) = Who::from_request_parts(parts, api).await?;
        let Id(name) = Id::from_request_parts(parts, api).await?;
        let expected = match IfMatch::from_request_parts(parts, api).await? {
            IfMatch::Any => Expected::Any,
            IfMatch::Version(version) => Expected::Version(version),
        };
        Ok(Self {
            caller,
            name,
            expected,
        })
    }
}

/// Defines a schedule, or defines it anew: from then on it is the caller's, and its workflows run
/// in their name. The same definition again is a change as well.
#[utoipa::path(
    put, path = "/v1/schedules/{id}", tag = "schedules", operation_id = "defineSchedule",
    params(("id" = String, Path, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"), Conditional),
    request_body(content((ScheduleDefinition = "application/json"), (String = "application/yaml"))),
    responses(
        (status = 200, description = "It is defined anew.", body = Schedule,
         headers(("ETag" = String))),
        (status = 201, description = "It is new.", body = Schedule,
         headers(("Location" = String), ("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn define_schedule(
    State(api): State<Api>,
    asked: Asked,
    Text(text): Text,
) -> Result<Response, Problem> {
    let definition = use_case::read(&text)?;
    if definition.id != asked.name {
        let message = format!("the id is that of the address, {}", asked.name);
        let other = taskmill::problem::Problem::new(registration::WRONG_TYPE, "/id", message);
        return Err(Refusal::Problems(vec![other]).into());
    }
    let defined = use_case::define(api.app(), &asked.caller, definition, asked.expected).await?;
    let (schedule, created) = defined;
    let view = views::of_schedule(api.app(), &asked.caller, &schedule).await?;
    Ok(match created {
        Created::New => answer::created(&format!("/v1/schedules/{}", asked.name), view),
        Created::Exists => answer::record(view),
    })
}

/// Which schedules are listed.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ScheduleFields {
    /// Entries of the page; 100 by default.
    #[param(value_type = usize, required = false, minimum = 1, maximum = 1000)]
    pub limit: Option<usize>,
    /// The `nextCursor` of the page before.
    #[param(value_type = String, required = false)]
    pub cursor: Option<String>,
}

/// Lists schedules, the newest first.
#[utoipa::path(
    get, path = "/v1/schedules", tag = "schedules", operation_id = "listSchedules",
    params(ScheduleFields),
    responses((status = 200, description = "A page of them.", body = Schedules), Reading),
)]
pub(crate) async fn list_schedules(
    State(api): State<Api>,
    Who(caller): Who,
    Fields(fields): Fields<ScheduleFields>,
) -> Result<Response, Problem> {
    let request = page::request(fields.limit, fields.cursor)?;
    let found = use_case::list(api.app(), &caller.tenant_id, &request).await?;
    Ok(answer::ok(List::from(Page {
        items: views::of_schedules(api.app(), &caller, &found.items).await?,
        next: found.next,
    })))
}

/// Shows a schedule with its next times and what became of the last ones.
#[utoipa::path(
    get, path = "/v1/schedules/{id}", tag = "schedules", operation_id = "getSchedule",
    params(("id" = String, Path, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")),
    responses(
        (status = 200, description = "The schedule.", body = Schedule, headers(("ETag" = String))),
        Reading,
    ),
)]
pub(crate) async fn get_schedule(
    State(api): State<Api>,
    Who(caller): Who,
    Id(name): Id<ScheduleName>,
) -> Result<Response, Problem> {
    let schedule = use_case::get(api.app(), &caller.tenant_id, &name).await?;
    let view = views::of_schedule(api.app(), &caller, &schedule).await?;
    Ok(answer::record(view))
}

/// Deletes a schedule. What it started goes on.
#[utoipa::path(
    delete, path = "/v1/schedules/{id}", tag = "schedules", operation_id = "deleteSchedule",
    params(("id" = String, Path, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"), Conditional),
    responses((status = 204, description = "It is deleted."), Changing),
)]
pub(crate) async fn delete_schedule(
    State(api): State<Api>,
    asked: Asked,
) -> Result<Response, Problem> {
    let tenant = &asked.caller.tenant_id;
    use_case::delete(api.app(), tenant, &asked.name, asked.expected).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Stops a schedule. What it started goes on; times that go by are not made up for.
#[utoipa::path(
    post, path = "/v1/schedules/{id}/pause", tag = "schedules", operation_id = "pauseSchedule",
    params(("id" = String, Path, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"), Conditional),
    responses(
        (status = 200, description = "It is paused.", body = Schedule, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn pause_schedule(
    State(api): State<Api>,
    asked: Asked,
) -> Result<Response, Problem> {
    let tenant = &asked.caller.tenant_id;
    let paused = use_case::pause(api.app(), tenant, &asked.name, asked.expected).await?;
    let view = views::of_schedule(api.app(), &asked.caller, &paused).await?;
    Ok(answer::record(view))
}

/// Lets a schedule go on with the first time that is yet to come.
#[utoipa::path(
    post, path = "/v1/schedules/{id}/resume", tag = "schedules", operation_id = "resumeSchedule",
    params(("id" = String, Path, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"), Conditional),
    responses(
        (status = 200, description = "It goes on.", body = Schedule, headers(("ETag" = String))),
        Changing,
    ),
)]
pub(crate) async fn resume_schedule(
    State(api): State<Api>,
    asked: Asked,
) -> Result<Response, Problem> {
    let tenant = &asked.caller.tenant_id;
    let resumed = use_case::resume(api.app(), tenant, &asked.name, asked.expected).await?;
    let view = views::of_schedule(api.app(), &asked.caller, &resumed).await?;
    Ok(answer::record(view))
}

/// Starts the workflow of a schedule now, in the caller's name, whatever its times are and whether
/// it is paused.
#[utoipa::path(
    post, path = "/v1/schedules/{id}/trigger", tag = "schedules", operation_id = "triggerSchedule",
    params(("id" = String, Path, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"), Keyed),
    responses(
        (status = 201, description = "The workflow is accepted, and runs.", body = Workflow,
         headers(("Location" = String), ("ETag" = String))),
        Creating,
    ),
)]
pub(crate) async fn trigger_schedule(
    State(api): State<Api>,
    Who(caller): Who,
    Id(name): Id<ScheduleName>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Response, Problem> {
    let started = use_case::trigger(api.app(), &caller, &name, key.as_deref()).await?;
    let location = format!("/v1/workflows/{}", started.id);
    let view = views::of_workflow(api.app(), &caller, &started).await?;
    Ok(answer::created(&location, view))
}
