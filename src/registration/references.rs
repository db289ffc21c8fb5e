//! References between definitions: every step names a task that exists, in a version that
//! exists, and no version is defined twice.
//!
//! Which definitions there are is the caller's knowledge.

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};

use super::{Definition, DefinitionKind, Reading};
use crate::codes::registration;
use crate::ids::DefinitionId;
use crate::problem::{Problem, nearest};
use crate::workflow::WorkflowDefinition;
use crate::workflow::definition::Step;

/// The steps of a workflow that name a task definition, or a version of one, that does not
/// exist. `versions_of` gives the versions of a task definition; `known` is every id there is,
/// for the nearest.
pub fn check_references(
    workflow: &WorkflowDefinition,
    versions_of: &dyn Fn(&DefinitionId) -> Vec<Version>,
    known: &[DefinitionId],
) -> Vec<Problem> {
    let steps = workflow.steps.iter().enumerate();
    steps
        .filter_map(|(index, step)| check_step(index, step, versions_of, known))
        .collect()
}

/// What is wrong between the definitions of texts that are all there is: for each text, in their
/// order, its problems with their lines. A definition that has problems of its own exists, in
/// whatever version is asked for.
#[must_use]
pub fn check_together(readings: &[Reading]) -> Vec<Vec<Problem>> {
    let tasks = Tasks::of(readings);
    let mut defined = BTreeSet::new();
    let mut check = |reading: &Reading| {
        let mut found = Vec::new();
        for (definition, document) in &reading.definitions {
            let mut problems = tasks.missing_for(definition);
            let is_task = definition.kind() == DefinitionKind::Task;
            if !defined.insert((
                is_task,
                definition.id().clone(),
                definition.version().clone(),
            )) {
                problems.push(twice(definition));
            }
            found.extend(document.locate(problems));
        }
        found
    };
    readings.iter().map(&mut check).collect()
}

/// The tasks of some texts.
struct Tasks {
    versions: BTreeMap<DefinitionId, Vec<Version>>,
    troubled: BTreeSet<DefinitionId>,
}

impl Tasks {
    fn of(readings: &[Reading]) -> Self {
        let mut versions: BTreeMap<DefinitionId, Vec<Version>> = BTreeMap::new();
        for (definition, _) in readings.iter().flat_map(|reading| &reading.definitions) {
            if let Definition::Task(task) = definition {
                let list = versions.entry(task.id.clone()).or_default();
                list.push(task.version.clone());
            }
        }
        let troubled = readings.iter().flat_map(|reading| &reading.troubled);
        let troubled = troubled.filter(|(kind, _)| *kind == DefinitionKind::Task);
        Self {
            versions,
            troubled: troubled.map(|(_, id)| id.clone()).collect(),
        }
    }

    fn missing_for(&self, definition: &Definition) -> Vec<Problem> {
        let Definition::Workflow(workflow) = definition else {
            return Vec::new();
        };
        let versions_of = |id: &DefinitionId| self.versions.get(id).cloned().unwrap_or_default();
        let known: Vec<DefinitionId> = self.versions.keys().cloned().collect();
        let steps = workflow.steps.iter().enumerate();
        steps
            .filter(|(_, step)| !self.troubled.contains(&step.task_definition_id))
            .filter_map(|(index, step)| check_step(index, step, &versions_of, &known))
            .collect()
    }
}

fn check_step(
    index: usize,
    step: &Step,
    versions_of: &dyn Fn(&DefinitionId) -> Vec<Version>,
    known: &[DefinitionId],
) -> Option<Problem> {
    let versions = versions_of(&step.task_definition_id);
    if versions.is_empty() {
        return Some(unknown(index, &step.task_definition_id, known));
    }
    let range = step.task_version.as_ref()?;
    let matched = versions.iter().any(|version| range.matches(version));
    (!matched).then(|| no_version(index, &step.task_definition_id, range, versions))
}

fn unknown(step: usize, id: &DefinitionId, known: &[DefinitionId]) -> Problem {
    let pointer = format!("/steps/{step}/taskDefinitionId");
    let message = format!("there is no task definition {:?}", id.as_str());
    let nearest = nearest(id.as_str(), known.iter().map(DefinitionId::as_str));
    Problem::new(registration::UNKNOWN_TASK_DEFINITION, pointer, message)
        .with_nearest(nearest.map(str::to_owned))
}

fn no_version(
    step: usize,
    id: &DefinitionId,
    range: &VersionReq,
    mut versions: Vec<Version>,
) -> Problem {
    const LISTED: usize = 10;
    versions.sort();
    let newest = versions.iter().rev().take(LISTED).map(Version::to_string);
    let newest: Vec<String> = newest.collect();
    let more = if versions.len() > LISTED { ", …" } else { "" };
    let message = format!(
        "no version of {:?} matches {range}: there is {}{more}",
        id.as_str(),
        newest.join(", ")
    );
    Problem::new(
        registration::UNKNOWN_TASK_DEFINITION,
        format!("/steps/{step}/taskVersion"),
        message,
    )
}

fn twice(definition: &Definition) -> Problem {
    let message = format!(
        "version {} of {:?} is defined twice",
        definition.version(),
        definition.id().as_str()
    );
    Problem::new(registration::VERSION_EXISTS, "/version", message)
}
