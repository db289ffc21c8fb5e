//! Branches of a PARALLEL that set the same variable: the one that completes later wins.

use std::collections::HashMap;

use super::variables::each_outside_iterations;
use crate::codes::registration;
use crate::problem::Problem;
use crate::registration::seam;
use crate::workflow::definition::ParallelStep;

/// A path that a branch sets.
struct Write<'a> {
    branch: usize,
    path: &'a str,
}

/// What a branch sets that one before it sets as well, each path once.
pub(super) fn warnings(pointer: &str, parallel: &ParallelStep) -> Vec<Problem> {
    let mut written: HashMap<&str, Vec<Write<'_>>> = HashMap::new();
    let mut problems = Vec::new();
    for (branch, one) in parallel.branches.iter().enumerate() {
        let place = format!("{pointer}/branches/{branch}/steps");
        each_outside_iterations(&place, &one.steps, &mut |pointer, step| {
            for (index, mapping) in step.variable_mappings.iter().enumerate() {
                let path = mapping.target();
                let earlier = written.entry(seam::path_head(path)).or_default();
                if earlier
                    .iter()
                    .any(|write| write.branch == branch && write.path == path)
                {
                    continue;
                }
                let other = earlier
                    .iter()
                    .find(|write| write.branch != branch && overlap(write.path, path));
                if let Some(other) = other {
                    let name = &parallel.branches[other.branch].name;
                    let message = format!(
                        "the branch {name:?} sets {:?} as well: the one that completes later wins",
                        other.path
                    );
                    let place = format!("{pointer}/variableMappings/{index}/target");
                    let code = registration::CONTESTED_VARIABLE;
                    problems.push(Problem::new(code, place, message));
                }
                earlier.push(Write { branch, path });
            }
        });
    }
    problems
}

/// Whether one path is the other, or leads to it.
fn overlap(one: &str, other: &str) -> bool {
    let mut keys = one.split('.').zip(other.split('.'));
    keys.all(|(one, other)| one == other)
}
