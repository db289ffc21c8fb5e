//! Registering definitions.
//!
//! All problems of a definition are found at once, those that need the registry (a task that
//! does not exist, a version that is taken) together with those of the document itself.

use std::sync::Arc;

use taskmill::codes::registration as codes;
use taskmill::ids::TenantId;
use taskmill::problem::Problem;
use taskmill::registration::{self, DefinitionKind, Existing};
use taskmill::task::{CompiledTask, TaskDefinition, polled};
use taskmill::workflow::WorkflowDefinition;
use taskmill::workflow::compiled::{Reference, references};
use taskmill_aws::store::{self, Registered};

use crate::app::App;
use crate::refusal::Refusal;

/// Registers a task definition, and says whether the version is new. Doing it again changes nothing.
/// The queue of the workers that it names is made with it, and made again when it is gone.
///
/// # Errors
/// `VERSION_EXISTS` when the version has other content, or what this deployment cannot run.
pub async fn register_task(
    app: &App,
    tenant: &TenantId,
    definition: &TaskDefinition,
) -> Result<Registered, Refusal> {
    let problems = problems_of_task(app, tenant, definition);
    if !problems.is_empty() {
        return Err(Refusal::Problems(problems));
    }
    // Before anybody can ask for such a task.
    if let Some(group) = polled::group_of(definition) {
        app.queues().make_group(tenant, &group).await?;
        app.store().name_group(tenant, &group).await?;
    }
    let registered = app
        .store()
        .register_task_definition(tenant, definition, app.now())
        .await;
    registered.map_err(taken)
}

/// Registers a workflow definition, and says whether the version is new; what it refers to must be
/// registered before, but for itself. Doing it again changes nothing.
///
/// # Errors
/// Unknown task or workflow definitions, or `VERSION_EXISTS` when the version has other content.
pub async fn register_workflow(
    app: &App,
    tenant: &TenantId,
    definition: &WorkflowDefinition,
) -> Result<Registered, Refusal> {
    let problems = problems_of_workflow(app, tenant, definition).await?;
    if !problems.is_empty() {
        return Err(Refusal::Problems(problems));
    }
    let registered = app
        .store()
        .register_workflow_definition(tenant, definition, app.now())
        .await;
    registered.map_err(taken)
}

/// What this deployment cannot run of a task definition, or not for this tenant.
#[must_use]
pub fn problems_of_task(app: &App, tenant: &TenantId, definition: &TaskDefinition) -> Vec<Problem> {
    let config = app.config();
    let late = registration::check_time(definition, config.longest_attempt);
    let out_of_reach = registration::check_target(definition, tenant, &config.targets);
    late.into_iter().chain(out_of_reach).collect()
}

/// What is wrong between a workflow definition and what is registered.
///
/// # Errors
/// The store failed.
pub async fn problems_of_workflow(
    app: &App,
    tenant: &TenantId,
    definition: &WorkflowDefinition,
) -> Result<Vec<Problem>, Refusal> {
    let existing = existing(app, tenant, definition).await?;
    let problems = registration::check_references(definition, &existing);
    if !problems.is_empty() {
        return Ok(problems);
    }
    let tasks = tasks_of(app, tenant, definition).await?;
    let tasks = tasks.iter().map(|task| &task.definition).collect();
    let longest = app.config().longest_attempt;
    Ok(registration::check_steps(definition, &tasks, longest))
}

/// Every id that there is, and the versions of those that the definition refers to.
async fn existing(
    app: &App,
    tenant: &TenantId,
    definition: &WorkflowDefinition,
) -> Result<Existing, Refusal> {
    let store = app.store();
    let mut existing = Existing::default();
    for kind in [DefinitionKind::Task, DefinitionKind::Workflow] {
        let stored = match kind {
            DefinitionKind::Task => store::DefinitionKind::Task,
            DefinitionKind::Workflow => store::DefinitionKind::Workflow,
        };
        for id in store.definition_ids(tenant, stored).await? {
            existing.add(kind, id, []);
        }
    }
    for (kind, id) in registration::referred_to(definition) {
        let versions = match kind {
            DefinitionKind::Task => store.task_definition_versions(tenant, &id).await?,
            DefinitionKind::Workflow => store.workflow_definition_versions(tenant, &id).await?,
        };
        // Also one that is not there would be known otherwise, and the nearest to itself.
        if !versions.is_empty() {
            existing.add(kind, id, versions);
        }
    }
    Ok(existing)
}

/// The tasks that the definition refers to, each in the version that would be pinned now.
async fn tasks_of(
    app: &App,
    tenant: &TenantId,
    definition: &WorkflowDefinition,
) -> Result<Vec<Arc<CompiledTask>>, Refusal> {
    let mut found = Vec::new();
    for reference in references(definition).into_values() {
        if let Reference::Task(id, range) = reference {
            let newest = app
                .inner
                .definitions
                .newest_task(tenant, &id, range.as_ref());
            found.push(newest.await?);
        }
    }
    Ok(found)
}

fn taken(error: store::Error) -> Refusal {
    match error {
        store::Error::VersionExists { .. } => Refusal::Problems(vec![Problem::new(
            codes::VERSION_EXISTS,
            "/version",
            error.to_string(),
        )]),
        other => other.into(),
    }
}
