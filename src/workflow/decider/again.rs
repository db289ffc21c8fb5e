//! Where the path of a step leads in a definition, and how a step that was over is done again.

use crate::workflow::compiled::{CompiledBlock, CompiledKind, CompiledStep};
use crate::workflow::frontier::{Block, Branch, Root, State};

use super::composite::block_of;

/// The path without the indexes of iterations and turns.
pub(super) fn without_indexes(path: &str) -> String {
    let steps = path.split('/').map(|step| match step.split_once('[') {
        Some((name, _)) => name,
        None => step,
    });
    steps.collect::<Vec<_>>().join("/")
}

/// A name of a path and its index.
pub(super) fn split_index(name: &str) -> (&str, Option<u32>) {
    match name.split_once('[') {
        Some((name, index)) => (name, index.trim_end_matches(']').parse().ok()),
        None => (name, None),
    }
}

/// The step that a path leads to.
pub(super) fn find<'c>(block: &'c CompiledBlock, path: &str) -> Option<&'c CompiledStep> {
    let path = without_indexes(path);
    let names: Vec<&str> = path.split('/').collect();
    find_in(block, &names)
}

fn find_in<'c>(block: &'c CompiledBlock, names: &[&str]) -> Option<&'c CompiledStep> {
    let (first, rest) = names.split_first()?;
    let step = &block.steps[block.place(first)?];
    if rest.is_empty() {
        return Some(step);
    }
    if let CompiledKind::Parallel(parallel) = &step.kind
        && let Some((_, branch)) = parallel.branches.iter().find(|(name, _)| name == rest[0])
        && let Some(found) = find_in(branch, &rest[1..])
    {
        return Some(found);
    }
    step.blocks().find_map(|block| find_in(block, rest))
}

/// Whether a path has an index where it leads through a LOOP, and none elsewhere.
pub(super) fn turns_are_told(block: &CompiledBlock, path: &str) -> bool {
    let names: Vec<&str> = path.split('/').collect();
    names.iter().enumerate().all(|(at, name)| {
        let step = find(block, &names[..=at].join("/"));
        let is_loop = step.is_some_and(|step| matches!(step.kind, CompiledKind::Loop(_)));
        let leads_inside = at + 1 < names.len();
        let index = split_index(name).1;
        index.is_some() == (is_loop && leads_inside) && name.contains('[') == index.is_some()
    })
}

/// Whether a path leads into a MAP, whose iterations have records of their own.
pub(super) fn is_in_map(block: &CompiledBlock, path: &str) -> bool {
    let path = without_indexes(path);
    let mut around = path.as_str();
    while let Some((before, _)) = around.rsplit_once('/') {
        let step = find(block, before);
        if step.is_some_and(|step| matches!(step.kind, CompiledKind::Map(_))) {
            return true;
        }
        around = before;
    }
    false
}

/// Whether the step of a path, or one around it, is over.
pub(super) fn is_over(compiled: &CompiledBlock, root: &Root, path: &str) -> bool {
    let names: Vec<&str> = path.split('/').collect();
    match root {
        Root::Steps(block) => is_over_in(compiled, block, &names),
        Root::Iterations(_) => false,
    }
}

fn is_over_in(compiled: &CompiledBlock, block: &Block, names: &[&str]) -> bool {
    let Some((first, rest)) = names.split_first() else {
        return false;
    };
    let (name, index) = split_index(first);
    let Some(position) = compiled.place(name) else {
        return false;
    };
    if block.done.contains(position) {
        return true;
    }
    let Some(at) = block.active(name) else {
        return false;
    };
    let step = &compiled.steps[position];
    match (&block.active[at].state, &step.kind) {
        (State::Parallel(branches), CompiledKind::Parallel(parallel)) => {
            let Some((branch, rest)) = rest.split_first() else {
                return false;
            };
            let mut pairs = parallel.branches.iter().zip(branches);
            match pairs.find(|((name, _), _)| name == branch) {
                Some(((_, compiled), Branch::Running(block) | Branch::Failed(block, ..))) => {
                    is_over_in(compiled, block, rest)
                }
                Some((_, Branch::Done(_))) => true,
                None => false,
            }
        }
        (State::Switch { case, block }, CompiledKind::Switch(switch)) => {
            block_of(switch, *case).is_some_and(|compiled| is_over_in(compiled, block, rest))
        }
        (State::Loop { turn, block, .. }, CompiledKind::Loop(repeat)) => {
            let is_past = index.is_some_and(|index| index < *turn);
            let in_turn = || {
                let block = block.as_ref();
                block.is_some_and(|block| is_over_in(&repeat.steps, block, rest))
            };
            is_past || (index == Some(*turn) && in_turn())
        }
        _ => false,
    }
}

/// Has the step of a path done again: it, or the innermost step around it that can be begun anew
/// as a whole. What follows it and was under way goes on when it is over.
pub(super) fn do_again(compiled: &CompiledBlock, block: &mut Block, path: &str) {
    let names: Vec<&str> = path.split('/').collect();
    again_in(compiled, block, &names);
}

fn again_in(compiled: &CompiledBlock, block: &mut Block, names: &[&str]) {
    let Some((first, rest)) = names.split_first() else {
        return;
    };
    let Some(position) = compiled.place(first) else {
        return;
    };
    match block.active(first) {
        // Iterations that are over are forgotten: the MAP begins as a whole.
        Some(at) if matches!(block.active[at].state, State::Map(_)) => {
            block.active.remove(at);
        }
        Some(at) => again_inside(&compiled.steps[position], &mut block.active[at].state, rest),
        None => block.done.remove(position),
    }
    let follows = |name: &str| {
        compiled
            .place(name)
            .is_some_and(|at| at != position && comes_after(compiled, at, position))
    };
    for active in &mut block.active {
        active.held |= follows(&active.name);
    }
}

fn again_inside(step: &CompiledStep, state: &mut State, rest: &[&str]) {
    match (state, &step.kind) {
        (State::Parallel(branches), CompiledKind::Parallel(parallel)) => {
            let Some((branch, rest)) = rest.split_first() else {
                return;
            };
            let mut pairs = parallel.branches.iter().zip(branches);
            match pairs.find(|((name, _), _)| name == branch) {
                Some(((_, compiled), Branch::Running(block) | Branch::Failed(block, ..))) => {
                    again_in(compiled, block, rest);
                }
                Some((_, done @ Branch::Done(_))) => *done = Branch::Running(Block::default()),
                None => {}
            }
        }
        (State::Switch { case, block }, CompiledKind::Switch(switch)) => {
            if let Some(compiled) = block_of(switch, *case) {
                again_in(compiled, block, rest);
            }
        }
        (
            State::Loop {
                block: Some(block), ..
            },
            CompiledKind::Loop(repeat),
        ) => again_in(&repeat.steps, block, rest),
        (State::Handling { entry, block, .. }, _) => {
            if let Some(handler) = step.on_error.get(*entry as usize) {
                again_in(&handler.steps, block, rest);
            }
        }
        // Its child completed as it was to be cancelled, and was undone: another one is begun.
        (child @ State::SubWorkflow { over: false, .. }, _) => *child = State::Failed,
        _ => {}
    }
}

/// Whether a step waits for another, at any distance.
pub(super) fn comes_after(compiled: &CompiledBlock, at: usize, other: usize) -> bool {
    let mut seen = vec![false; compiled.steps.len()];
    let mut open = compiled.after[at].clone();
    while let Some(before) = open.pop() {
        if before == other {
            return true;
        }
        if !std::mem::replace(&mut seen[before], true) {
            open.extend(&compiled.after[before]);
        }
    }
    false
}
