//! The registry as callers see it: definitions that come as texts, and are shown, listed and
//! deprecated by kind, id and version.

use semver::Version;
use serde::Serialize;
use serde_json::{Value, json};
use taskmill::codes::registration as codes;
use taskmill::ids::{DefinitionId, TenantId};
use taskmill::problem::Problem;
use taskmill::registration::{self, Definition, Reading};
use taskmill::versions;
use taskmill_aws::store::{DefinitionKind, DefinitionSummary, ListedVersion};

use crate::app::App;
use crate::refusal::Refusal;
use crate::register::{problems_of_task, problems_of_workflow, register_task, register_workflow};

/// What is wrong with a definition, and what may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Validation {
    /// Whether it can be registered.
    pub valid: bool,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// What runs, but perhaps not as it was meant.
    pub warnings: Vec<Problem>,
}

/// A definition that was read: with its document, which knows its lines.
type Read = (Definition, taskmill::document::Document);

/// Registers the definition of a text, and gives it as it is stored. Doing it again changes
/// nothing.
///
/// # Errors
/// Everything that is wrong with it; `VERSION_EXISTS` when the version has other content.
pub async fn register(
    app: &App,
    tenant: &TenantId,
    kind: DefinitionKind,
    text: &str,
) -> Result<(DefinitionId, Version, Value), Refusal> {
    let (definition, document) = read(kind, text).map_err(Refusal::Problems)?;
    let registered = match &definition {
        Definition::Task(task) => register_task(app, tenant, task).await,
        Definition::Workflow(workflow) => register_workflow(app, tenant, workflow).await,
    };
    registered.map_err(|refused| match refused {
        Refusal::Problems(problems) => Refusal::Problems(document.locate(problems)),
        Refusal::Refused { .. } | Refusal::Fault(_) => refused,
    })?;
    let (id, version) = (definition.id().clone(), definition.version().clone());
    let stored = of_version(app, tenant, kind, &id, &version).await?;
    Ok((id, version, stored))
}

/// Looks what is wrong with the definition of a text, and stores nothing.
///
/// # Errors
/// The store failed.
pub async fn validate(
    app: &App,
    tenant: &TenantId,
    kind: DefinitionKind,
    text: &str,
) -> Result<Validation, Refusal> {
    let (problems, warnings) = match read(kind, text) {
        Err(problems) => (problems, Vec::new()),
        Ok((Definition::Task(task), document)) => {
            let problems = problems_of_task(app, tenant, &task);
            (document.locate(problems), Vec::new())
        }
        Ok((Definition::Workflow(workflow), document)) => {
            let problems = problems_of_workflow(app, tenant, &workflow).await?;
            let warnings = registration::warnings(&workflow);
            (document.locate(problems), document.locate(warnings))
        }
    };
    Ok(Validation {
        valid: problems.is_empty(),
        problems,
        warnings,
    })
}

/// The one definition of a text, of the kind that is asked for.
fn read(kind: DefinitionKind, text: &str) -> Result<Read, Vec<Problem>> {
    let reading = registration::read_text(text);
    if let Some(found) = other_kind(kind, &reading) {
        let message =
            format!("this is a {found}: what has steps is a workflow, what has cron a schedule");
        return Err(vec![Problem::new(codes::WRONG_TYPE, "", message)]);
    }
    if !reading.problems.is_empty() {
        return Err(reading.problems);
    }
    let mut definitions = reading.definitions;
    match (definitions.pop(), definitions.len()) {
        (Some(only), 0) => Ok(only),
        (_, others) => {
            let message = format!("a request holds one definition, not {}", others + 1);
            Err(vec![Problem::new(codes::WRONG_TYPE, "", message)])
        }
    }
}

/// The kind that a text seems to be of, when it is the other one.
fn other_kind(kind: DefinitionKind, reading: &Reading) -> Option<&'static str> {
    let of_definitions = reading.definitions.iter().map(|(one, _)| one.kind());
    if !reading.schedules.is_empty() {
        return Some("schedule");
    }
    let of_troubled = reading.troubled.iter().map(|(kind, _)| *kind);
    let found = of_definitions.chain(of_troubled).next()?;
    match (kind, found) {
        (DefinitionKind::Workflow, registration::DefinitionKind::Task) => Some("task"),
        (DefinitionKind::Task, registration::DefinitionKind::Workflow) => Some("workflow"),
        (DefinitionKind::Task, registration::DefinitionKind::Task)
        | (DefinitionKind::Workflow, registration::DefinitionKind::Workflow) => None,
    }
}

/// A version of a definition, as it was registered.
///
/// # Errors
/// `NOT_FOUND`, also for another tenant's.
pub async fn of_version(
    app: &App,
    tenant: &TenantId,
    kind: DefinitionKind,
    id: &DefinitionId,
    version: &Version,
) -> Result<Value, Refusal> {
    let store = app.store();
    let found = match kind {
        DefinitionKind::Task => {
            let found = store.task_definition(tenant, id, version).await?;
            found.map(|definition| json!(definition))
        }
        DefinitionKind::Workflow => {
            let found = store.workflow_definition(tenant, id, version).await?;
            found.map(|definition| json!(definition))
        }
    };
    found.ok_or_else(|| not_found(kind, format!("{id}@{version}")))
}

/// The version of a definition that something new would be of; of one that is deprecated as a
/// whole, the highest.
///
/// # Errors
/// `NOT_FOUND`, also for another tenant's.
pub async fn newest(
    app: &App,
    tenant: &TenantId,
    kind: DefinitionKind,
    id: &DefinitionId,
) -> Result<Value, Refusal> {
    let listed = listed(app, tenant, kind, id).await?.versions;
    let in_use = listed.iter().filter(|one| !one.deprecated);
    let newest = versions::newest(in_use.map(|one| &one.version), None);
    let any = || versions::newest(listed.iter().map(|one| &one.version), None);
    let version = newest.or_else(any).ok_or_else(|| not_found(kind, id))?;
    of_version(app, tenant, kind, id, version).await
}

/// The versions of a definition, lowest first.
///
/// # Errors
/// `NOT_FOUND`, also for another tenant's.
pub async fn listed(
    app: &App,
    tenant: &TenantId,
    kind: DefinitionKind,
    id: &DefinitionId,
) -> Result<DefinitionSummary, Refusal> {
    let versions = app.store().listed_versions(tenant, kind, id).await?;
    match versions.is_empty() {
        true => Err(not_found(kind, id)),
        false => Ok(DefinitionSummary {
            id: id.clone(),
            versions,
        }),
    }
}

/// Lets nothing new be of a version: no task, no workflow, and no step of a workflow that starts.
/// What is of it goes on. Doing it again changes nothing.
///
/// # Errors
/// `NOT_FOUND`, also for another tenant's.
pub async fn deprecate(
    app: &App,
    tenant: &TenantId,
    kind: DefinitionKind,
    id: &DefinitionId,
    version: &Version,
) -> Result<ListedVersion, Refusal> {
    let listed = listed(app, tenant, kind, id).await?.versions;
    let found = listed.into_iter().find(|one| one.version == *version);
    let found = found.ok_or_else(|| not_found(kind, format!("{id}@{version}")))?;
    if !found.deprecated {
        app.store().deprecate(tenant, kind, id, version).await?;
    }
    Ok(ListedVersion {
        deprecated: true,
        ..found
    })
}

fn not_found(kind: DefinitionKind, id: impl std::fmt::Display) -> Refusal {
    match kind {
        DefinitionKind::Task => Refusal::not_found("task definition", id),
        DefinitionKind::Workflow => Refusal::not_found("workflow definition", id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = "{id: t, name: T, version: 1.0.0, type: MANUAL}";
    const WORKFLOW: &str =
        "{id: w, name: W, version: 1.0.0, steps: [{name: a, taskDefinitionId: t}]}";

    #[test]
    fn a_text_holds_one_definition_of_the_kind_that_is_asked_for() {
        let wrong = |kind, text: &str| match read(kind, text) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.into_iter().map(|one| one.code).collect(),
        };
        let (task, workflow) = (DefinitionKind::Task, DefinitionKind::Workflow);
        let none: [&str; 0] = [];
        assert_eq!(wrong(task, TASK), none);
        assert_eq!(wrong(workflow, WORKFLOW), none);
        assert_eq!(wrong(task, WORKFLOW), [codes::WRONG_TYPE]);
        assert_eq!(wrong(workflow, TASK), [codes::WRONG_TYPE]);
        assert_eq!(
            wrong(task, &format!("{TASK}\n---\n{TASK}")),
            [codes::WRONG_TYPE]
        );
        let schedule = "{id: s, workflowDefinitionId: w, cron: '@daily'}";
        assert_eq!(wrong(workflow, schedule), [codes::WRONG_TYPE]);
        assert_eq!(wrong(task, ""), [codes::EMPTY]);
        assert!(wrong(task, "{id: t, nmae: T}").contains(&codes::UNKNOWN_FIELD));
    }
}
