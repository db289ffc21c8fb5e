//! Every route. A handler's own description says its path and its method; here each stands once,
//! and is served by them and described under them.
//!
//! Two functions serve them, a group each, so that neither is too large: the engine of workflows,
//! with its expressions, is in one of them alone. They make no descriptions: these are for the document,
//! which is kept (see [`document`](crate::document)), and what makes them is in neither.

use axum::Router;
use axum::handler::Handler;
use axum::routing::on;
use utoipa::{OpenApi, Path};
use utoipa_axum::PathItemExt as _;

use crate::router::Api;
use crate::{
    bulk, callbacks, dead_letters, health, inbox, people, schedules, task_definitions, tasks,
    workers, workflow_definitions, workflow_operations, workflows,
};

macro_rules! routes {
    ($(
        $(#[$doc:meta])*
        $group:ident { $($module:ident: $($handler:ident)+;)+ }
    )+) => { pastey::paste! {
        $(
            $(#[$doc])*
            pub(crate) fn $group() -> Router<Api> {
                let router = Router::new();
                $($(let router = with::<$module::[<__path_ $handler>], _, _>(router, $module::$handler);)+)+
                router
            }
        )+

        $(
            #[doc = concat!("The routes of `", stringify!($group), "` as they are described.")]
            #[derive(OpenApi)]
            #[openapi(paths($($($module::$handler),+),+))]
            pub(crate) struct [<Described $group:camel>];
        )+
    }};
}

/// Adds the route of a handler, as its description says.
fn with<P: Path, H: Handler<T, Api>, T: 'static>(router: Router<Api>, handler: H) -> Router<Api> {
    let methods = P::methods();
    let methods = methods.iter().map(|method| method.to_method_filter());
    let filter = methods.reduce(|one, other| one.or(other));
    let filter = filter.expect("a description names a method");
    router.route(&P::path(), on(filter, handler))
}

routes! {
    /// What is registered, read and worked on, as it is served.
    resources {
        health: healthz readyz;
        task_definitions:
            register_task_definition
            list_task_definitions
            validate_task_definition
            get_task_definition
            list_task_definition_versions
            get_task_definition_version
            deprecate_task_definition_version;
        workflow_definitions:
            register_workflow_definition
            list_workflow_definitions
            validate_workflow_definition
            get_workflow_definition
            list_workflow_definition_versions
            get_workflow_definition_version
            deprecate_workflow_definition_version;
        tasks: create_task list_tasks get_task retry_task cancel_task;
        callbacks: call_back;
        inbox: list_inbox get_task_form;
        people:
            claim_task
            start_task
            release_task
            assign_task
            delegate_task
            resolve_task
            follow_up_task
            comment_task
            complete_task
            fail_task;
        workers:
            poll_tasks
            start_polled_task
            heartbeat_polled_task
            complete_polled_task
            fail_polled_task
            release_polled_task;
        workflows: list_workflows get_workflow list_workflow_tasks get_workflow_timeline;
        schedules:
            list_schedules
            define_schedule
            get_schedule
            delete_schedule
            pause_schedule
            resume_schedule;
        dead_letters: list_dead_letters get_dead_letter redrive_dead_letter;
    }

    /// What sets workflows going or changes their course, one or many, as it is served.
    operations {
        workflows: start_workflow;
        workflow_operations:
            cancel_workflow
            pause_workflow
            resume_workflow
            signal_workflow
            update_workflow_variables
            retry_workflow
            rerun_workflow
            skip_workflow_step;
        schedules: trigger_schedule;
        bulk:
            list_bulk_operations
            get_bulk_operation
            cancel_bulk_operation
            bulk_retry_workflows
            bulk_cancel_workflows
            bulk_retry_tasks
            bulk_cancel_tasks
            bulk_reassign_tasks;
    }
}
