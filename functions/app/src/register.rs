//! Registering definitions.
//!
//! All problems of a definition are found at once, those that need the registry (a task that
//! does not exist, a version that is taken) together with those of the document itself.

use taskmill::codes::registration as codes;
use taskmill::ids::TenantId;
use taskmill::problem::Problem;
use taskmill::registration::{self, DefinitionKind, Existing};
use taskmill::task::TaskDefinition;
use taskmill::task::timeouts::{StepTimeouts, Timeouts};
use taskmill::workflow::WorkflowDefinition;
use taskmill_aws::store;

use crate::app::App;
use crate::refusal::Refusal;

/// Registers a task definition. Doing it again changes nothing.
///
/// # Errors
/// `VERSION_EXISTS` when the version has other content, or what this deployment cannot run.
pub async fn register_task(
    app: &App,
    tenant: &TenantId,
    definition: &TaskDefinition,
) -> Result<(), Refusal> {
    let problems = beyond_this_deployment(app, definition);
    if !problems.is_empty() {
        return Err(Refusal::Problems(problems));
    }
    let registered = app
        .store()
        .register_task_definition(tenant, definition, app.now())
        .await;
    registered.map(drop).map_err(taken)
}

/// Registers a workflow definition; what it refers to must be registered before, but for itself.
/// Doing it again changes nothing.
///
/// # Errors
/// Unknown task or workflow definitions, or `VERSION_EXISTS` when the version has other content.
pub async fn register_workflow(
    app: &App,
    tenant: &TenantId,
    definition: &WorkflowDefinition,
) -> Result<(), Refusal> {
    let existing = existing(app, tenant, definition).await?;
    let problems = registration::check_references(definition, &existing);
    if !problems.is_empty() {
        return Err(Refusal::Problems(problems));
    }
    let registered = app
        .store()
        .register_workflow_definition(tenant, definition, app.now())
        .await;
    registered.map(drop).map_err(taken)
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
        existing.add(kind, id, versions);
    }
    add_abilities(app, tenant, definition, &mut existing).await?;
    Ok(existing)
}

/// Adds what the tasks can do of which the definition asks for more than that they run.
async fn add_abilities(
    app: &App,
    tenant: &TenantId,
    definition: &WorkflowDefinition,
    existing: &mut Existing,
) -> Result<(), Refusal> {
    let store = app.store();
    for id in registration::asked_for_heartbeats(definition) {
        for version in store.task_definition_versions(tenant, &id).await? {
            if let Some(task) = store.task_definition(tenant, &id, &version).await? {
                existing.add_abilities(&task);
            }
        }
    }
    Ok(())
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

/// What a definition asks for that no function of this deployment can do.
fn beyond_this_deployment(app: &App, definition: &TaskDefinition) -> Vec<Problem> {
    let limit = Timeouts::effective(definition, StepTimeouts::default()).start_to_close;
    match (app.config().longest_attempt, limit) {
        (Some(longest), Some(limit)) if limit > longest => vec![Problem::new(
            codes::OUT_OF_RANGE,
            "/timeout",
            format!(
                "an attempt may take {limit} ms, the function that waits for it has {longest} ms"
            ),
        )],
        _ => Vec::new(),
    }
}
