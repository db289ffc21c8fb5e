//! References between definitions: every step names a task or a workflow that exists, in a
//! version that exists, and no version is defined twice.
//!
//! Which definitions there are is the caller's knowledge.

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};

use super::task::gives_heartbeats;
use super::{Definition, DefinitionKind, Reading, steps};
use crate::codes::registration;
use crate::ids::DefinitionId;
use crate::problem::{Problem, nearest};
use crate::task::TaskDefinition;
use crate::workflow::WorkflowDefinition;
use crate::workflow::definition::{Compensation, Step, StepKind};

/// The definitions that references are held against: by kind and id, the versions that there are.
#[derive(Debug, Clone, Default)]
pub struct Existing {
    tasks: BTreeMap<DefinitionId, Versions>,
    workflows: BTreeMap<DefinitionId, Versions>,
    /// Versions of tasks whose executors give no heartbeats.
    silent: BTreeSet<(DefinitionId, Version)>,
}

/// The versions of a definition.
#[derive(Debug, Clone)]
enum Versions {
    /// These.
    These(Vec<Version>),
    /// Whatever is asked for: it exists, and has problems of its own.
    Any,
}

impl Existing {
    /// Adds a definition in these versions. With none, it is known only to be perhaps meant by
    /// another name.
    pub fn add(
        &mut self,
        kind: DefinitionKind,
        id: DefinitionId,
        versions: impl IntoIterator<Item = Version>,
    ) {
        let known = self.of_mut(kind).entry(id);
        match known.or_insert_with(|| Versions::These(Vec::new())) {
            Versions::These(list) => list.extend(versions),
            Versions::Any => {}
        }
    }

    /// Adds what a step can ask of a task definition. Of one that is not added, it can ask
    /// anything.
    pub fn add_abilities(&mut self, task: &TaskDefinition) {
        if !gives_heartbeats(task) {
            self.silent.insert((task.id.clone(), task.version.clone()));
        }
    }

    fn add_any(&mut self, kind: DefinitionKind, id: DefinitionId) {
        self.of_mut(kind).insert(id, Versions::Any);
    }

    fn of(&self, kind: DefinitionKind) -> &BTreeMap<DefinitionId, Versions> {
        match kind {
            DefinitionKind::Task => &self.tasks,
            DefinitionKind::Workflow => &self.workflows,
        }
    }

    fn of_mut(&mut self, kind: DefinitionKind) -> &mut BTreeMap<DefinitionId, Versions> {
        match kind {
            DefinitionKind::Task => &mut self.tasks,
            DefinitionKind::Workflow => &mut self.workflows,
        }
    }

    /// The definitions that the texts hold, those with problems of their own included.
    fn together(readings: &[Reading]) -> Self {
        let mut all = Self::default();
        for (definition, _) in readings.iter().flat_map(|reading| &reading.definitions) {
            let version = definition.version().clone();
            all.add(definition.kind(), definition.id().clone(), [version]);
            if let Definition::Task(task) = definition {
                all.add_abilities(task);
            }
        }
        for (kind, id) in readings.iter().flat_map(|reading| &reading.troubled) {
            all.add_any(*kind, id.clone());
        }
        all
    }
}

/// The steps of a workflow, at every depth, that name a definition, or a version of one, that
/// does not exist. A workflow may call itself: it counts as one that exists.
#[must_use]
pub fn check_references(workflow: &WorkflowDefinition, existing: &Existing) -> Vec<Problem> {
    let mut problems = Vec::new();
    let own = (&workflow.id, &workflow.version);
    steps::each_step(workflow, &mut |pointer, step| {
        for reference in references(pointer, step) {
            problems.extend(reference.problem(existing, own));
        }
        problems.extend(heartbeat_of_silent(pointer, step, existing));
    });
    problems
}

/// A heartbeat that a step asks of a task of which no version that it may run gives any.
fn heartbeat_of_silent(pointer: &str, step: &Step, existing: &Existing) -> Option<Problem> {
    let StepKind::Task(task) = &step.kind else {
        return None;
    };
    task.timeouts.as_ref()?.heartbeat?;
    let id = &task.task_definition_id;
    let Some(Versions::These(versions)) = existing.tasks.get(id) else {
        return None;
    };
    let range = task.task_version.as_ref();
    let mut meant = versions
        .iter()
        .filter(|version| range.is_none_or(|range| range.matches(version)))
        .peekable();
    let is_silent = |version: &Version| existing.silent.contains(&(id.clone(), version.clone()));
    let all_silent = meant.peek().is_some() && meant.all(is_silent);
    all_silent.then(|| {
        let message = format!("the executor of {:?} gives no heartbeats", id.as_str());
        let pointer = format!("{pointer}/timeouts/heartbeat");
        Problem::new(registration::NOT_SUPPORTED, pointer, message)
    })
}

/// The definitions that a workflow refers to, each once.
#[must_use]
pub fn referred_to(workflow: &WorkflowDefinition) -> BTreeSet<(DefinitionKind, DefinitionId)> {
    let mut all = BTreeSet::new();
    steps::each_step(workflow, &mut |pointer, step| {
        let found = references(pointer, step).into_iter();
        all.extend(found.map(|reference| (reference.kind, reference.id.clone())));
    });
    all
}

/// The tasks of which steps of a workflow ask for heartbeats.
#[must_use]
pub fn asked_for_heartbeats(workflow: &WorkflowDefinition) -> BTreeSet<DefinitionId> {
    let mut all = BTreeSet::new();
    steps::each_step(workflow, &mut |_, step| {
        if let StepKind::Task(task) = &step.kind
            && task
                .timeouts
                .is_some_and(|timeouts| timeouts.heartbeat.is_some())
        {
            all.insert(task.task_definition_id.clone());
        }
    });
    all
}

/// What is wrong between the definitions of texts that are all there is: for each text, in their
/// order, its problems with their lines. A definition that has problems of its own exists, in
/// whatever version is asked for.
#[must_use]
pub fn check_together(readings: &[Reading]) -> Vec<Vec<Problem>> {
    let existing = Existing::together(readings);
    let mut defined = BTreeSet::new();
    let mut check = |reading: &Reading| {
        let mut found = Vec::new();
        for (definition, document) in &reading.definitions {
            let mut problems = match definition {
                Definition::Task(_) => Vec::new(),
                Definition::Workflow(workflow) => check_references(workflow, &existing),
            };
            let kind = definition.kind();
            if !defined.insert((kind, definition.id().clone(), definition.version().clone())) {
                problems.push(twice(definition));
            }
            found.extend(document.locate(problems));
        }
        found
    };
    readings.iter().map(&mut check).collect()
}

/// What a step, or its compensation, names.
struct Reference<'a> {
    kind: DefinitionKind,
    /// The place of the object that has the fields.
    pointer: String,
    id: &'a DefinitionId,
    range: Option<&'a VersionReq>,
}

fn references<'a>(pointer: &str, step: &'a Step) -> Vec<Reference<'a>> {
    let task = |pointer: String, id, range: &'a Option<VersionReq>| Reference {
        kind: DefinitionKind::Task,
        pointer,
        id,
        range: range.as_ref(),
    };
    let undo = |undo: &'a Compensation| {
        let pointer = format!("{pointer}/compensation");
        task(pointer, &undo.task_definition_id, &undo.task_version)
    };
    match &step.kind {
        StepKind::Task(step) => {
            let own = task(
                pointer.to_owned(),
                &step.task_definition_id,
                &step.task_version,
            );
            [own]
                .into_iter()
                .chain(step.compensation.iter().map(undo))
                .collect()
        }
        StepKind::SubWorkflow(step) => {
            let child = Reference {
                kind: DefinitionKind::Workflow,
                pointer: pointer.to_owned(),
                id: &step.workflow_definition_id,
                range: step.workflow_version.as_ref(),
            };
            [child]
                .into_iter()
                .chain(step.compensation.iter().map(undo))
                .collect()
        }
        StepKind::Parallel(_)
        | StepKind::Map(_)
        | StepKind::Switch(_)
        | StepKind::Loop(_)
        | StepKind::Wait(_)
        | StepKind::Signal(_)
        | StepKind::Set(_)
        | StepKind::Terminate(_) => Vec::new(),
    }
}

impl Reference<'_> {
    /// What is wrong with it; `own` is the workflow that it stands in.
    fn problem(&self, existing: &Existing, own: (&DefinitionId, &Version)) -> Option<Problem> {
        let is_own = self.kind == DefinitionKind::Workflow && self.id == own.0;
        let own_version = is_own.then_some(own.1);
        let versions = match existing.of(self.kind).get(self.id) {
            Some(Versions::Any) => return None,
            Some(Versions::These(versions)) => versions.as_slice(),
            None => &[],
        };
        let versions: BTreeSet<&Version> = versions.iter().chain(own_version).collect();
        if versions.is_empty() {
            return Some(self.unknown(existing, own.0));
        }
        let range = self.range?;
        let matched = versions.iter().any(|version| range.matches(version));
        (!matched).then(|| self.no_version(range, &versions))
    }

    fn unknown(&self, existing: &Existing, own: &DefinitionId) -> Problem {
        let words = self.words();
        let message = format!("there is no {} {:?}", words.what, self.id.as_str());
        let own = (self.kind == DefinitionKind::Workflow).then_some(own);
        let known = existing.of(self.kind).keys().chain(own);
        let nearest = nearest(self.id.as_str(), known.map(DefinitionId::as_str));
        Problem::new(
            words.code,
            format!("{}/{}", self.pointer, words.id_field),
            message,
        )
        .with_nearest(nearest.map(str::to_owned))
    }

    fn no_version(&self, range: &VersionReq, versions: &BTreeSet<&Version>) -> Problem {
        const LISTED: usize = 10;
        let newest = versions.iter().rev().take(LISTED);
        let newest: Vec<String> = newest.map(ToString::to_string).collect();
        let more = if versions.len() > LISTED { ", …" } else { "" };
        let message = format!(
            "no version of {:?} matches {range}: there is {}{more}",
            self.id.as_str(),
            newest.join(", ")
        );
        let words = self.words();
        let pointer = format!("{}/{}", self.pointer, words.version_field);
        Problem::new(words.code, pointer, message)
    }

    fn words(&self) -> &'static Words {
        match self.kind {
            DefinitionKind::Task => &Words {
                what: "task definition",
                code: registration::UNKNOWN_TASK_DEFINITION,
                id_field: "taskDefinitionId",
                version_field: "taskVersion",
            },
            DefinitionKind::Workflow => &Words {
                what: "workflow definition",
                code: registration::UNKNOWN_WORKFLOW_DEFINITION,
                id_field: "workflowDefinitionId",
                version_field: "workflowVersion",
            },
        }
    }
}

/// How references of a kind are spoken of.
struct Words {
    what: &'static str,
    code: &'static str,
    id_field: &'static str,
    version_field: &'static str,
}

fn twice(definition: &Definition) -> Problem {
    let message = format!(
        "version {} of {:?} is defined twice",
        definition.version(),
        definition.id().as_str()
    );
    Problem::new(registration::VERSION_EXISTS, "/version", message)
}
