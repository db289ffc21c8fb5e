//! Steps against the tasks that they run: what a step says of its task's people and time must be
//! something that a task of this type, in this deployment, can honour.

use semver::VersionReq;

use super::people;
use super::steps;
use super::task::gives_heartbeats;
use crate::codes::registration;
use crate::ids::{DefinitionId, TenantId};
use crate::problem::{Problem, member};
use crate::task::definition::{TaskDefinition, TaskType};
use crate::task::polled;
use crate::task::routing::ExecutorRef;
use crate::task::targets::Targets;
use crate::task::timeouts::{StepTimeouts, Timeouts};
use crate::versions;
use crate::workflow::WorkflowDefinition;
use crate::workflow::definition::{Compensation, StepKind, TaskStep};

/// The definitions of tasks that steps are held against.
#[derive(Debug, Clone, Default)]
pub struct Tasks<'a>(Vec<&'a TaskDefinition>);

impl<'a> FromIterator<&'a TaskDefinition> for Tasks<'a> {
    fn from_iter<I: IntoIterator<Item = &'a TaskDefinition>>(tasks: I) -> Self {
        Self(tasks.into_iter().collect())
    }
}

impl<'a> Tasks<'a> {
    /// The highest version of a task that is in a range.
    pub(crate) fn highest(
        &self,
        id: &DefinitionId,
        range: Option<&VersionReq>,
    ) -> Option<&'a TaskDefinition> {
        let named = || self.0.iter().filter(|task| task.id == *id);
        let version = versions::newest(named().map(|task| &task.version), range)?;
        named().copied().find(|task| task.version == *version)
    }
}

/// What a workflow's steps say of their tasks that these cannot honour. `longest_attempt`, in
/// milliseconds, is the time that the function has which waits for an attempt. A task that is not
/// among `tasks` is no problem here.
#[must_use]
pub fn check_steps(
    workflow: &WorkflowDefinition,
    tasks: &Tasks<'_>,
    longest_attempt: Option<u64>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    steps::each_step(workflow, &mut |pointer, step| {
        if let StepKind::Task(step) = &step.kind {
            problems.extend(of_step(pointer, step, tasks, longest_attempt));
        }
        let undo = step.kind.compensation();
        let place = member(pointer, "compensation");
        problems.extend(undo.and_then(|undo| of_undoing(&place, undo, tasks, longest_attempt)));
    });
    problems
}

/// What a definition asks for that no function with so much time can do.
#[must_use]
pub fn check_time(definition: &TaskDefinition, longest_attempt: Option<u64>) -> Option<Problem> {
    too_long("", definition, StepTimeouts::default(), longest_attempt)
}

/// A target that tasks of this tenant may not reach.
#[must_use]
pub fn check_target(
    definition: &TaskDefinition,
    tenant: &TenantId,
    targets: &Targets,
) -> Option<Problem> {
    // What names no executor at all is told elsewhere.
    let executor = ExecutorRef::parse(&definition.execution_config.executor).ok()?;
    let refused = targets.check(tenant, &executor).err()?;
    let pointer = "/executionConfig/executor";
    let code = registration::TARGET_NOT_ALLOWED;
    Some(Problem::new(code, pointer, refused.to_string()))
}

fn of_step(
    pointer: &str,
    step: &TaskStep,
    tasks: &Tasks<'_>,
    longest: Option<u64>,
) -> Vec<Problem> {
    let range = step.task_version.as_ref();
    let Some(task) = tasks.highest(&step.task_definition_id, range) else {
        return Vec::new();
    };
    let is_for_people = task.task_type == TaskType::Manual;
    let unassigned = (step.assignment.is_some() && !is_for_people).then(|| {
        let message = format!(
            "not supported here: only a MANUAL task is assigned to people, and {:?} is none",
            task.id.as_str()
        );
        Problem::new(
            registration::NOT_SUPPORTED,
            member(pointer, "assignment"),
            message,
        )
    });
    let beats = step.timeouts.and_then(|own| own.heartbeat);
    let silent = (beats.is_some() && !gives_heartbeats(task)).then(|| {
        let message = format!(
            "not supported here: what runs {:?} gives no sign of life",
            task.id.as_str()
        );
        let pointer = format!("{pointer}/timeouts/heartbeat");
        Problem::new(registration::NOT_SUPPORTED, pointer, message)
    });
    let own = step.step_timeouts();
    let states_time = own.timeout.is_some() || own.timeouts.is_some();
    let late = states_time.then(|| too_long(pointer, task, own, longest));
    let never = match is_for_people {
        true => people::of_step(pointer, step, task),
        false => Vec::new(),
    };
    let found = [unassigned, silent, late.flatten()];
    found.into_iter().flatten().chain(never).collect()
}

fn of_undoing(
    pointer: &str,
    undo: &Compensation,
    tasks: &Tasks<'_>,
    longest: Option<u64>,
) -> Option<Problem> {
    let task = tasks.highest(&undo.task_definition_id, undo.task_version.as_ref())?;
    let own = StepTimeouts {
        timeout: Some(undo.timeout?),
        timeouts: None,
    };
    too_long(pointer, task, own, longest)
}

/// An attempt that may take longer than the function that waits for it. Nobody waits for a person,
/// nor for a worker that polls or a system that calls back.
fn too_long(
    pointer: &str,
    task: &TaskDefinition,
    step: StepTimeouts,
    longest: Option<u64>,
) -> Option<Problem> {
    let limit = Timeouts::effective(task, step).start_to_close?;
    let longest = longest.filter(|longest| limit > *longest)?;
    let is_awaited = task.task_type != TaskType::Manual
        && !task.execution_config.callback
        && polled::group_of(task).is_none();
    if !is_awaited {
        return None;
    }
    let message =
        format!("an attempt may take {limit} ms, the function that waits for it has {longest} ms");
    let pointer = member(pointer, "timeout");
    Some(Problem::new(registration::OUT_OF_RANGE, pointer, message))
}
