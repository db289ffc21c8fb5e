//! Lists of steps: which begin, and what an event means for those that are under way.
//!
//! A step begins when all that it waits for are over. The steps of a list are looked at in its
//! order, so that what happens at one instant counts in that order.

use serde_json::Value;

use super::place::Place;
use super::step::{Begun, Ended};
use super::{Fold, News};
use crate::workflow::compiled::CompiledBlock;
use crate::workflow::frontier::{Active, Block, Done, State};

impl Fold<'_> {
    /// Tells an event to the steps of a block that are under way, and begins what can begin then.
    /// What the block ends with, if it does.
    pub(super) fn hear_block(
        &mut self,
        compiled: &CompiledBlock,
        block: &mut Block,
        place: &Place,
        news: &News<'_>,
    ) -> Option<Ended> {
        let mut moved = false;
        let mut at = 0;
        while let Some(active) = block.active.get_mut(at) {
            let Some(position) = compiled.place(&active.name).filter(|_| !active.held) else {
                at += 1;
                continue;
            };
            match self.hear_step(&compiled.steps[position], active, place, news) {
                None => at += 1,
                Some(Ended::Done(output)) => {
                    block.active.remove(at);
                    over(compiled, block, position, Some(output));
                    moved = true;
                }
                Some(failed @ Ended::Failed(_)) => {
                    self.halt_block(compiled, block, place);
                    return Some(failed);
                }
                Some(terminated @ Ended::Terminated(_)) => return Some(terminated),
            }
        }
        if moved || matches!(news, News::Reopen) {
            self.advance(compiled, block, place)
        } else {
            None
        }
    }

    /// Begins every step of a block that can begin. What the block ends with, if it does.
    pub(super) fn advance(
        &mut self,
        compiled: &CompiledBlock,
        block: &mut Block,
        place: &Place,
    ) -> Option<Ended> {
        while let Some(position) = ready(compiled, block) {
            let step = &compiled.steps[position];
            let begun = match block.active(&step.name) {
                Some(held) => {
                    let active = block.active.remove(held);
                    self.release(step, active, place)
                }
                None => self.begin(step, place),
            };
            match begun {
                Begun::Skipped(output) => over(compiled, block, position, output),
                Begun::Done(output) => over(compiled, block, position, Some(output)),
                Begun::UnderWay(active) => put(compiled, block, position, active),
                Begun::Failed(active, error) => {
                    put(compiled, block, position, active);
                    self.halt_block(compiled, block, place);
                    return Some(Ended::Failed(error));
                }
                Begun::Terminated(active, termination) => {
                    // A TERMINATE itself has nothing under way, and begins as ever after a retry.
                    if active.state != State::Failed {
                        put(compiled, block, position, active);
                    }
                    return Some(Ended::Terminated(termination));
                }
            }
        }
        let is_over = block.is_over(compiled.steps.len());
        if let Some(watch) = self.watch.as_mut().filter(|_| is_over) {
            watch.block_over(&place.path, block);
        }
        is_over.then(|| {
            let output = block.output.take().map(|(_, output)| output);
            Ended::Done(output.unwrap_or(Value::Null))
        })
    }
}

/// Notes as over what stands before a step that is under way. Older versions, of which every
/// definition was a sequence, stored that step alone.
pub(super) fn complete_old(compiled: &CompiledBlock, block: &mut Block) {
    if let [active] = block.active.as_slice()
        && block.done.is_empty()
        && let Some(position) = compiled.place(&active.name)
        && !compiled.after[position].is_empty()
    {
        block.done = Done::all_below(position);
    }
}

/// The first step of the list that can begin.
fn ready(compiled: &CompiledBlock, block: &Block) -> Option<usize> {
    (0..compiled.steps.len()).find(|at| {
        !block.done.contains(*at)
            && is_idle(block, &compiled.steps[*at].name)
            && is_free(compiled, block, *at)
    })
}

/// Whether a step of this name is not under way, or only waits for one that is done again.
fn is_idle(block: &Block, name: &str) -> bool {
    let active = block.active(name);
    active.is_none_or(|at| block.active[at].held)
}

/// Whether all that a step waits for are over, and all that they waited for: a step that is to be
/// done again holds up what follows it at any distance.
fn is_free(compiled: &CompiledBlock, block: &Block, at: usize) -> bool {
    let mut seen = vec![false; compiled.steps.len()];
    let mut open: Vec<usize> = compiled.after[at].clone();
    while let Some(before) = open.pop() {
        if !block.done.contains(before) {
            return false;
        }
        if !std::mem::replace(&mut seen[before], true) {
            open.extend(&compiled.after[before]);
        }
    }
    true
}

/// Notes that a step is over. The output of a block is that of the last of the list that gave one.
fn over(compiled: &CompiledBlock, block: &mut Block, position: usize, output: Option<Value>) {
    block.done.insert(position);
    let position = u32::try_from(position).unwrap_or(u32::MAX);
    let is_last = block
        .output
        .as_ref()
        .is_none_or(|(last, _)| *last <= position);
    if let Some(output) = output
        && compiled.wanted
        && is_last
    {
        block.output = Some((position, output));
    }
}

/// Puts a step among those that are under way, in the order of the list.
pub(super) fn put(compiled: &CompiledBlock, block: &mut Block, position: usize, active: Active) {
    let is_before = |other: &Active| compiled.place(&other.name).is_some_and(|at| at < position);
    let at = block.active.partition_point(is_before);
    block.active.insert(at, active);
}
