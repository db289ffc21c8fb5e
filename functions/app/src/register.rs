//! Registering definitions.
//!
//! All problems of a definition are found at once, those that need the registry (a task that
//! does not exist, a version that is taken) together with those of the document itself.

use std::collections::BTreeMap;

use semver::Version;
use taskmill::codes::registration as codes;
use taskmill::ids::{DefinitionId, TenantId};
use taskmill::problem::Problem;
use taskmill::registration;
use taskmill::task::TaskDefinition;
use taskmill::task::timeouts::{StepTimeouts, Timeouts};
use taskmill::workflow::WorkflowDefinition;
use taskmill_aws::store::{self, DefinitionKind};

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

/// Registers a workflow definition, whose task definitions must be registered before. Doing it
/// again changes nothing.
///
/// # Errors
/// Unknown task definitions, or `VERSION_EXISTS` when the version has other content.
pub async fn register_workflow(
    app: &App,
    tenant: &TenantId,
    definition: &WorkflowDefinition,
) -> Result<(), Refusal> {
    let known = app
        .store()
        .definition_ids(tenant, DefinitionKind::Task)
        .await?;
    let mut versions: BTreeMap<DefinitionId, Vec<Version>> = BTreeMap::new();
    for step in &definition.steps {
        let id = &step.task_definition_id;
        if !versions.contains_key(id) {
            let found = app.store().task_definition_versions(tenant, id).await?;
            versions.insert(id.clone(), found);
        }
    }
    let versions_of = |id: &DefinitionId| versions.get(id).cloned().unwrap_or_default();
    let problems = registration::check_references(definition, &versions_of, &known);
    if !problems.is_empty() {
        return Err(Refusal::Problems(problems));
    }
    let registered = app
        .store()
        .register_workflow_definition(tenant, definition, app.now())
        .await;
    registered.map(drop).map_err(taken)
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
