//! Registering the definitions of a set, wherever that is: tasks first, because workflows refer to
//! them, and a workflow that runs another after that one.

use semver::Version;
use serde::Serialize;
use taskmill::ids::{DefinitionId, TenantId};
use taskmill::registration::{Definition, DefinitionKind};
use taskmill_app::{App, Refusal, register};
use taskmill_aws::store::Registered;

use crate::definitions::{Found, Set};
use crate::exit::Error;
use crate::output::Listed;
use crate::problems::{Located, Severity};

/// A definition that is registered.
#[derive(Debug, Serialize)]
pub struct Defined {
    kind: &'static str,
    id: DefinitionId,
    version: Version,
    registered: &'static str,
}

impl Defined {
    fn new(definition: &Definition, registered: Registered) -> Self {
        Self {
            kind: match definition.kind() {
                DefinitionKind::Task => "TASK",
                DefinitionKind::Workflow => "WORKFLOW",
            },
            id: definition.id().clone(),
            version: definition.version().clone(),
            registered: match registered {
                Registered::New => "NEW",
                Registered::Same => "SAME",
            },
        }
    }
}

impl Listed for Defined {
    const HEADER: &[&str] = &["KIND", "ID", "VERSION", "REGISTERED"];

    fn row(&self) -> Vec<String> {
        vec![
            self.kind.to_owned(),
            self.id.to_string(),
            self.version.to_string(),
            self.registered.to_owned(),
        ]
    }
}

/// Registers every definition with these use cases.
///
/// # Errors
/// A definition is refused: its version is there with other content.
pub async fn with_app(app: &App, tenant: &TenantId, set: &Set) -> Result<Vec<Defined>, Error> {
    each(set, async |found| {
        Ok(match found.definition {
            Definition::Task(task) => register::register_task(app, tenant, task).await?,
            Definition::Workflow(workflow) => {
                register::register_workflow(app, tenant, workflow).await?
            }
        })
    })
    .await
}

/// Registers every definition, each as is said. A refusal gets its place in its file.
///
/// # Errors
/// A definition is refused. Those before it are registered.
pub async fn each<'a>(
    set: &'a Set,
    register: impl AsyncFn(Found<'a>) -> Result<Registered, Error>,
) -> Result<Vec<Defined>, Error> {
    let (tasks, workflows): (Vec<_>, Vec<_>) = set
        .definitions()
        .partition(|found| found.definition.kind() == DefinitionKind::Task);
    let mut defined = Vec::new();
    for found in tasks {
        let registered = register(found).await;
        let registered = registered.map_err(|error| located(&found, error))?;
        defined.push(Defined::new(found.definition, registered));
    }
    let registered = in_turn(workflows, register).await;
    let registered = registered.map_err(|(found, error)| located(&found, error))?;
    let workflows = registered.into_iter();
    defined.extend(workflows.map(|(found, registered)| Defined::new(found.definition, registered)));
    Ok(defined)
}

/// Registers workflows in an order that suits them. Says of each whether it is new.
///
/// # Errors
/// One that is refused still when all others are registered, and why.
pub async fn in_turn<T: Copy>(
    workflows: Vec<T>,
    register: impl AsyncFn(T) -> Result<Registered, Error>,
) -> Result<Vec<(T, Registered)>, (T, Error)> {
    let mut waiting = workflows;
    let mut done = Vec::new();
    loop {
        let before = waiting.len();
        let mut left = Vec::new();
        for workflow in waiting {
            match register(workflow).await {
                Ok(registered) => done.push((workflow, registered)),
                Err(error @ Error::Refused(Refusal::Problems(_))) => left.push((workflow, error)),
                Err(error) => return Err((workflow, error)),
            }
        }
        if left.len() == before {
            return match left.pop() {
                None => Ok(done),
                Some(refused) => Err(refused),
            };
        }
        waiting = left.into_iter().map(|(workflow, _)| workflow).collect();
    }
}

fn located(found: &Found<'_>, error: Error) -> Error {
    match error {
        Error::Refused(Refusal::Problems(problems)) => {
            let problems = found.document.locate(problems);
            Error::Problems(Located::all(found.file, Severity::Error, problems))
        }
        error => error,
    }
}
