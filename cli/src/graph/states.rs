//! What became of the steps of a workflow, for its picture: as far as its record and its tasks
//! tell. Of what stood inside a step that is over, they tell of tasks and of skipped steps alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use taskmill::task::{TaskInstance, TaskStatus};
use taskmill::workflow::definition::{Step, StepKind};
use taskmill::workflow::frontier::{Active, Block, Branch, Done, Root, State};
use taskmill::workflow::{WorkflowDefinition, WorkflowInstance, WorkflowStatus};

/// What became of steps, by their paths without the numbers of iterations.
pub type States = HashMap<String, Became>;

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As a task does.
    Task(TaskStatus),
    /// It was skipped.
    Skipped,
}

impl Standing {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Task(status) => status.as_str(),
            Self::Skipped => "SKIPPED",
        }
    }
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Became {
    /// How it stands.
    pub standing: Standing,
    /// The word for that, with how often where it was more than once.
    pub note: String,
}

impl Became {
    fn of(standing: Standing) -> Self {
        Self {
            standing,
            note: standing.as_str().to_owned(),
        }
    }
}

/// What became of the steps.
#[must_use]
pub fn states_of(
    definition: &WorkflowDefinition,
    workflow: &WorkflowInstance,
    tasks: &[TaskInstance],
) -> States {
    let mut states = of_tasks(tasks);
    for skipped in &workflow.course.skipped {
        let path = without_numbers(&skipped.path);
        let skipped = || Became::of(Standing::Skipped);
        states.entry(path).or_insert_with(skipped);
    }
    if let Root::Steps(block) = &workflow.course.root {
        let is_over = workflow.status.is_terminal();
        // Of one that went through all its steps nothing more is kept.
        let is_through = workflow.status == WorkflowStatus::Completed;
        let all = Block {
            done: Done::all_below(definition.steps.len()),
            ..Block::default()
        };
        let block = match is_through && *block == Block::default() {
            true => &all,
            false => block,
        };
        Frontier { is_over }.block(&definition.steps, block, "", &mut states);
    }
    count_iterations(tasks, &mut states);
    states
}

/// The states of steps that are tasks, each over all its iterations.
fn of_tasks(tasks: &[TaskInstance]) -> States {
    let mut counts: HashMap<String, BTreeMap<&'static str, usize>> = HashMap::new();
    for task in tasks {
        let path = task.context.task_path.as_deref().unwrap_or_default();
        let of_step = counts.entry(without_numbers(path)).or_default();
        *of_step.entry(task.status.as_str()).or_default() += 1;
    }
    let became =
        |(path, counts): (String, BTreeMap<&'static str, usize>)| (path, together(&counts));
    counts.into_iter().map(became).collect()
}

fn has_failed(standing: Standing) -> bool {
    match standing {
        Standing::Task(TaskStatus::Failed | TaskStatus::TimedOut) => true,
        Standing::Task(
            TaskStatus::Pending
            | TaskStatus::Assigned
            | TaskStatus::Running
            | TaskStatus::RetryPending
            | TaskStatus::Completed
            | TaskStatus::Cancelled,
        )
        | Standing::Skipped => false,
    }
}

/// The state of several: what somebody should look at comes first.
fn together(counts: &BTreeMap<&'static str, usize>) -> Became {
    let open = [
        TaskStatus::Running,
        TaskStatus::RetryPending,
        TaskStatus::Assigned,
        TaskStatus::Pending,
    ];
    let over = [TaskStatus::Completed, TaskStatus::Cancelled];
    let order = [TaskStatus::Failed, TaskStatus::TimedOut];
    let mut order = order.into_iter().chain(open).chain(over);
    let first = order.find(|status| counts.contains_key(status.as_str()));
    let standing = Standing::Task(first.unwrap_or(TaskStatus::Pending));
    let parts = counts.iter().map(|(word, count)| format!("{count} {word}"));
    let note = match counts.values().sum() {
        1_usize => standing.as_str().to_owned(),
        _ => parts.collect::<Vec<_>>().join(", "),
    };
    Became { standing, note }
}

/// A look at the frontier of a workflow.
#[derive(Clone, Copy)]
struct Frontier {
    is_over: bool,
}

impl Frontier {
    fn block(self, steps: &[Step], block: &Block, around: &str, states: &mut States) {
        for (at, step) in steps.iter().enumerate() {
            let path = match around {
                "" => step.name.clone(),
                around => format!("{around}/{}", step.name),
            };
            if let Some(active) = block.active.iter().find(|one| one.name == step.name) {
                self.inside(step, active, &path, states);
                let became = self.of_active(active, &path, states);
                let became = || Became::of(Standing::Task(became));
                states.entry(path).or_insert_with(became);
            } else if block.done.contains(at) {
                let completed = || Became::of(Standing::Task(TaskStatus::Completed));
                states.entry(path).or_insert_with(completed);
            }
        }
    }

    /// What a step that is under way, or was when the workflow ended, comes to.
    fn of_active(self, active: &Active, path: &str, states: &States) -> TaskStatus {
        let inside = format!("{path}/");
        let failed_inside = || {
            let mut inner = states.iter().filter(|(path, _)| path.starts_with(&inside));
            inner.any(|(_, became)| has_failed(became.standing))
        };
        match &active.state {
            State::Failed => TaskStatus::Failed,
            _ if !self.is_over => TaskStatus::Running,
            State::Handling { .. } => TaskStatus::Failed,
            _ if failed_inside() => TaskStatus::Failed,
            _ => TaskStatus::Cancelled,
        }
    }

    /// The steps inside a step that is under way.
    fn inside(self, step: &Step, active: &Active, path: &str, states: &mut States) {
        match (&active.state, &step.kind) {
            (State::Parallel(branches), StepKind::Parallel(parallel)) => {
                for (branch, definition) in branches.iter().zip(&parallel.branches) {
                    let path = format!("{path}/{}", definition.name);
                    match branch {
                        Branch::Running(block) | Branch::Failed(block, ..) => {
                            self.block(&definition.steps, block, &path, states);
                        }
                        Branch::Done(_) => {
                            let done = Block {
                                done: Done::all_below(definition.steps.len()),
                                ..Block::default()
                            };
                            self.block(&definition.steps, &done, &path, states);
                        }
                    }
                }
            }
            (State::Switch { case, block }, StepKind::Switch(switch)) => {
                let case = case.and_then(|case| switch.cases.get(case as usize));
                let steps = case.map(|case| case.steps.as_slice());
                let steps = steps.or(switch.otherwise.as_deref()).unwrap_or_default();
                self.block(steps, block, path, states);
            }
            (
                State::Loop {
                    block: Some(block), ..
                },
                StepKind::Loop(repeat),
            ) => {
                self.block(&repeat.steps, block, path, states);
            }
            (State::Handling { entry, block, .. }, _) => {
                let entry = step.on_error.get(*entry as usize);
                let steps = entry.map_or(&[][..], |entry| &entry.steps);
                self.block(steps, block, path, states);
            }
            _ => {}
        }
    }
}

/// Tells of each MAP and LOOP how many of its iterations had a task.
fn count_iterations(tasks: &[TaskInstance], states: &mut States) {
    let mut seen: HashMap<String, BTreeSet<&str>> = HashMap::new();
    for task in tasks {
        let path = task.context.task_path.as_deref().unwrap_or_default();
        for (at, _) in path.match_indices('[') {
            let end = path[at..]
                .find(']')
                .map_or(path.len(), |length| at + length);
            let of_step = seen.entry(without_numbers(&path[..at])).or_default();
            of_step.insert(&path[..end]);
        }
    }
    for (path, iterations) in seen {
        if let Some(became) = states.get_mut(&path) {
            let count = iterations.len();
            let word = if count == 1 {
                "iteration"
            } else {
                "iterations"
            };
            let standing = became.standing.as_str();
            became.note = format!("{standing}, {count} {word}");
        }
    }
}

/// A path as the definition has it: `each[3]/notify` is `each/notify`.
fn without_numbers(path: &str) -> String {
    let mut outside = true;
    let mut is_kept = |c: char| {
        let kept = outside && c != '[';
        outside = (outside && c != '[') || c == ']';
        kept
    };
    path.chars().filter(|c| is_kept(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_without_its_numbers() {
        for (path, expected) in [
            ("a", "a"),
            ("a[0]/b", "a/b"),
            ("a[10]/b/c[2]", "a/b/c"),
            ("a/b[7]/c[0]/d", "a/b/c/d"),
        ] {
            assert_eq!(without_numbers(path), expected);
        }
    }

    #[test]
    fn of_several_the_one_to_look_at_tells_the_state() {
        let check = |counts: &[(&'static str, usize)], status, note: &str| {
            let became = together(&counts.iter().copied().collect());
            let (standing, note) = (Standing::Task(status), note.to_owned());
            assert_eq!(became, Became { standing, note });
        };
        check(&[("COMPLETED", 1)], TaskStatus::Completed, "COMPLETED");
        check(
            &[("COMPLETED", 4), ("FAILED", 1)],
            TaskStatus::Failed,
            "4 COMPLETED, 1 FAILED",
        );
        check(
            &[("CANCELLED", 1), ("COMPLETED", 1)],
            TaskStatus::Completed,
            "1 CANCELLED, 1 COMPLETED",
        );
    }
}
