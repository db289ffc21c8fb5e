//! What a workflow waits for that does not come by itself, as its record tells.
//!
//! Tasks, children and batches have records of their own: whether they go on is theirs to tell.

use crate::workflow::frontier::{Active, Block, Branch, Closing, Course, Root, State};
use crate::workflow::instance::{WorkflowInstance, WorkflowStatus};

/// The names of the steps that wait for a signal, when nothing of this record comes by itself: no
/// timer, no time limit, nothing that is about to begin or to be cancelled. What is paused waits
/// for its resume alone. None when something comes.
#[must_use]
pub fn awaited(instance: &WorkflowInstance) -> Option<Vec<&str>> {
    let course = &instance.course;
    match instance.status {
        WorkflowStatus::Pending => None,
        WorkflowStatus::Paused => Some(Vec::new()),
        WorkflowStatus::Running if instance.deadline_at.is_some() => None,
        WorkflowStatus::Running => match &course.root {
            Root::Steps(block) => in_block(block),
            // With none under way, a batch waits for places that others give back.
            Root::Iterations(iterations) => {
                all(iterations.active.iter().map(|one| in_block(&one.block)))
            }
        },
        WorkflowStatus::Completed
        | WorkflowStatus::Failed
        | WorkflowStatus::Cancelled
        | WorkflowStatus::TimedOut => after_end(course),
    }
}

/// The same of what is done after the end.
fn after_end(course: &Course) -> Option<Vec<&str>> {
    match &course.closing {
        _ if !course.cancelling.is_empty() => None,
        None => Some(Vec::new()),
        Some(Closing::Compensating(Some(undoing))) => undoing.wake_at.is_none().then(Vec::new),
        Some(Closing::Compensating(None)) => None,
        Some(Closing::Handling(block)) => in_block(block),
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
        State::Task { wake_at: None } | State::SubWorkflow { .. } | State::Failed => {
            Some(Vec::new())
        }
        State::Parallel(branches) => all(branches.iter().filter_map(|branch| match branch {
            Branch::Running(block) => Some(in_block(block)),
            Branch::Done(_) | Branch::Failed(..) => None,
        })),
        State::Switch { block, .. }
        | State::Handling { block, .. }
        | State::Loop {
            block: Some(block), ..
        } => in_block(block),
        State::Map(map) if !map.running.is_empty() => Some(Vec::new()),
        State::Task { wake_at: Some(_) }
        | State::Signal { until: Some(_), .. }
        | State::Loop { block: None, .. }
        | State::Map(_)
        | State::Wait { .. }
        | State::Retrying { .. } => None,
    }
}

/// What all of these wait for; none when one of them goes on by itself.
fn all<'a>(parts: impl Iterator<Item = Option<Vec<&'a str>>>) -> Option<Vec<&'a str>> {
    let lists: Option<Vec<Vec<&str>>> = parts.collect();
    lists.map(|lists| lists.concat())
}
