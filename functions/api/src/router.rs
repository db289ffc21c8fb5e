//! The router: every resource, and what is around all of them.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use taskmill::Timestamp;
use taskmill_app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::identity::Authority;
use crate::{
    bulk, callbacks, dead_letters, document, health, inbox, people, request, schedules,
    task_definitions, tasks, workers, workflow_definitions, workflow_operations, workflows,
};

/// What every handler finds: the use cases, and who has checked the caller's token.
#[derive(Debug, Clone)]
pub struct Api {
    app: App,
    authority: Arc<Authority>,
}

impl Api {
    /// The API of these use cases.
    #[must_use]
    pub fn new(app: App, authority: Authority) -> Self {
        Self {
            app,
            authority: Arc::new(authority),
        }
    }

    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.clock().now()
    }

    /// An id for a request that has none.
    pub(crate) fn fresh_id(&self) -> String {
        let millis = u64::try_from(self.now().millis()).unwrap_or(0);
        let nanos = u32::try_from(millis % 1_000 * 1_000_000).unwrap_or(0);
        let at = uuid::Timestamp::from_unix(uuid::NoContext, millis / 1_000, nanos);
        Uuid::new_v7(at).to_string()
    }
}

/// The API.
pub fn router(api: Api) -> Router {
    let (router, _) = resources().split_for_parts();
    router
        .route("/", get(document::page))
        .route("/openapi.json", get(document::serve))
        .fallback(request::nowhere)
        .layer(from_fn(request::known_method))
        .layer(from_fn_with_state(api.clone(), request::answer))
        .with_state(api)
}

/// Every route with its description.
pub(crate) fn resources() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .merge(of_definitions())
        .merge(of_tasks())
        .merge(of_people())
        .merge(of_workers())
        .merge(of_workflows())
        .merge(of_dead_letters())
        .merge(of_schedules())
        .merge(of_bulk())
}

fn of_bulk() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(bulk::list_bulk_operations))
        .routes(routes!(bulk::get_bulk_operation))
        .routes(routes!(bulk::cancel_bulk_operation))
        .routes(routes!(bulk::bulk_retry_workflows))
        .routes(routes!(bulk::bulk_cancel_workflows))
        .routes(routes!(bulk::bulk_retry_tasks))
        .routes(routes!(bulk::bulk_cancel_tasks))
        .routes(routes!(bulk::bulk_reassign_tasks))
}

fn of_schedules() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(schedules::list_schedules))
        .routes(routes!(
            schedules::define_schedule,
            schedules::get_schedule,
            schedules::delete_schedule
        ))
        .routes(routes!(schedules::pause_schedule))
        .routes(routes!(schedules::resume_schedule))
        .routes(routes!(schedules::trigger_schedule))
}

fn of_definitions() -> OpenApiRouter<Api> {
    use task_definitions as task;
    use workflow_definitions as workflow;
    OpenApiRouter::new()
        .routes(routes!(
            task::register_task_definition,
            task::list_task_definitions
        ))
        .routes(routes!(task::validate_task_definition))
        .routes(routes!(task::get_task_definition))
        .routes(routes!(task::list_task_definition_versions))
        .routes(routes!(task::get_task_definition_version))
        .routes(routes!(task::deprecate_task_definition_version))
        .routes(routes!(
            workflow::register_workflow_definition,
            workflow::list_workflow_definitions
        ))
        .routes(routes!(workflow::validate_workflow_definition))
        .routes(routes!(workflow::get_workflow_definition))
        .routes(routes!(workflow::list_workflow_definition_versions))
        .routes(routes!(workflow::get_workflow_definition_version))
        .routes(routes!(workflow::deprecate_workflow_definition_version))
}

fn of_tasks() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(tasks::create_task, tasks::list_tasks))
        .routes(routes!(tasks::get_task))
        .routes(routes!(tasks::retry_task))
        .routes(routes!(tasks::cancel_task))
        .routes(routes!(callbacks::call_back))
}

fn of_people() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(inbox::list_inbox))
        .routes(routes!(inbox::get_task_form))
        .routes(routes!(people::claim_task))
        .routes(routes!(people::start_task))
        .routes(routes!(people::release_task))
        .routes(routes!(people::assign_task))
        .routes(routes!(people::delegate_task))
        .routes(routes!(people::resolve_task))
        .routes(routes!(people::follow_up_task))
        .routes(routes!(people::comment_task))
        .routes(routes!(people::complete_task))
        .routes(routes!(people::fail_task))
}

fn of_dead_letters() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(dead_letters::list_dead_letters))
        .routes(routes!(dead_letters::get_dead_letter))
        .routes(routes!(dead_letters::redrive_dead_letter))
}

fn of_workers() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(workers::poll_tasks))
        .routes(routes!(workers::start_polled_task))
        .routes(routes!(workers::heartbeat_polled_task))
        .routes(routes!(workers::complete_polled_task))
        .routes(routes!(workers::fail_polled_task))
        .routes(routes!(workers::release_polled_task))
}

fn of_workflows() -> OpenApiRouter<Api> {
    use workflow_operations as operations;
    OpenApiRouter::new()
        .routes(routes!(
            workflows::start_workflow,
            workflows::list_workflows
        ))
        .routes(routes!(workflows::get_workflow))
        .routes(routes!(workflows::list_workflow_tasks))
        .routes(routes!(operations::cancel_workflow))
        .routes(routes!(operations::pause_workflow))
        .routes(routes!(operations::resume_workflow))
        .routes(routes!(operations::signal_workflow))
        .routes(routes!(operations::update_workflow_variables))
        .routes(routes!(operations::retry_workflow))
        .routes(routes!(operations::rerun_workflow))
        .routes(routes!(operations::skip_workflow_step))
}
