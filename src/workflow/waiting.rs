//! What a workflow waits for that does not come by itself, as its record tells.
//!
//! Tasks, children and batches have records of their own: whether they go on is theirs to tell.

use crate::workflow::frontier::{Active, Block, Branch, Root, State};
use crate::workflow::instance::{WorkflowInstance, WorkflowStatus};

/// The names of the steps that wait for a signal, when nothing of this record comes by itself: no
/// timer, no time limit, nothing that is about to begin. A workflow that is paused waits for its
/// resume alone. None when something comes.
#[must_use]
pub fn awaited(instance: &WorkflowInstance) -> Option<Vec<&str>> {
    match instance.status {
        WorkflowStatus::Paused => Some(Vec::new()),
        WorkflowStatus::Running if instance.deadline_at.is_none() => match &instance.course.root {
            Root::Steps(block) => in_block(block),
            Root::Iterations(iterations) => {
                all(iterations.active.iter().map(|one| in_block(&one.block)))
            }
        },
        WorkflowStatus::Pending
        | WorkflowStatus::Running
        | WorkflowStatus::Completed
        | WorkflowStatus::Failed
        | WorkflowStatus::Cancelled
        | WorkflowStatus::TimedOut => None,
    }
}

fn in_block(block: &Block) -> Option<Vec<&str>> {
    if block.active.is_empty() {
        return None;
    }
    all(block.active.iter().map(in_step))
}

fn in_step(active: &Active) -> Option<Vec<&str>> {
    match &active.state {
        State::Signal { until: None, .. } => Some(vec![&active.name]),
        State::Task { wake_at: None }
        | State::Map(_)
        | State::SubWorkflow { .. }
        | State::Failed => Some(Vec::new()),
        State::Parallel(branches) => all(branches.iter().filter_map(|branch| match branch {
            Branch::Running(block) => Some(in_block(block)),
            Branch::Done(_) | Branch::Failed(..) => None,
        })),
        State::Switch { block, .. }
        | State::Handling { block, .. }
        | State::Loop {
            block: Some(block), ..
        } => in_block(block),
        State::Task { wake_at: Some(_) }
        | State::Signal { until: Some(_), .. }
        | State::Loop { block: None, .. }
        | State::Wait { .. }
        | State::Retrying { .. } => None,
    }
}

/// What all of these wait for; none when one of them goes on by itself.
fn all<'a>(parts: impl Iterator<Item = Option<Vec<&'a str>>>) -> Option<Vec<&'a str>> {
    let lists: Option<Vec<Vec<&str>>> = parts.collect();
    lists.map(|lists| lists.concat())
}
