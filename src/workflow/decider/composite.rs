//! The steps that consist of other steps of the same record: PARALLEL, SWITCH and LOOP.

use serde_json::Value;

use super::evaluate::Failed;
use super::place::Place;
use super::step::{Ended, Next, Outcome};
use super::{Effect, Fold, News};
use crate::JsonObject;
use crate::codes::failure;
use crate::error_info::ErrorInfo;
use crate::limits::TURNS_OF_A_DECISION;
use crate::workflow::compiled::{
    CompiledBlock, CompiledKind, CompiledLoop, CompiledParallel, CompiledStep, CompiledSwitch,
};
use crate::workflow::definition::{Join, OnBranchFailure};
use crate::workflow::frontier::{Active, Block, Branch, State};

impl Fold<'_> {
    pub(super) fn hear_composite(
        &mut self,
        step: &CompiledStep,
        active: &mut Active,
        place: &Place,
        news: &News<'_>,
    ) -> Next {
        match &step.kind {
            CompiledKind::Parallel(parallel) => {
                self.hear_parallel(step, parallel, active, place, news)
            }
            CompiledKind::Switch(switch) => self.hear_switch(step, switch, active, place, news),
            CompiledKind::Loop(repeat) => self.hear_loop(step, repeat, active, place, news),
            CompiledKind::Task(_)
            | CompiledKind::Map(_)
            | CompiledKind::Wait(_)
            | CompiledKind::Signal(_)
            | CompiledKind::SubWorkflow(_)
            | CompiledKind::Set
            | CompiledKind::Terminate(..) => Next::Open,
        }
    }

    pub(super) fn start_parallel(
        &mut self,
        step: &CompiledStep,
        parallel: &CompiledParallel,
        active: &mut Active,
        place: &Place,
    ) -> Next {
        let mut branches = Vec::with_capacity(parallel.branches.len());
        let mut terminated = None;
        for (name, compiled) in &parallel.branches {
            let inside = place.branch(&step.name, name, active.generation);
            let mut block = Block::default();
            let ended = match terminated {
                // Whatever was begun beside it ends with the workflow.
                Some(_) => None,
                // Ends of one instant count in the order of the list: the rest is not wanted.
                None if is_met(parallel, &branches) => None,
                None => self.advance(compiled, &mut block, &inside),
            };
            branches.push(match ended {
                Some(Ended::Terminated(termination)) => {
                    terminated = Some(termination);
                    Branch::Running(block)
                }
                ended => self.branch_after(block, ended),
            });
        }
        active.state = State::Parallel(branches);
        match terminated {
            Some(termination) => Next::Terminated(termination),
            None => self.join(step, parallel, active, place),
        }
    }

    fn branch_after(&self, block: Block, ended: Option<Ended>) -> Branch {
        match ended {
            Some(Ended::Done(output)) => Branch::Done(output),
            Some(Ended::Failed(error)) => Branch::Failed(block, error, self.facts.now),
            None | Some(Ended::Terminated(_)) => Branch::Running(block),
        }
    }

    fn hear_parallel(
        &mut self,
        step: &CompiledStep,
        parallel: &CompiledParallel,
        active: &mut Active,
        place: &Place,
        news: &News<'_>,
    ) -> Next {
        let State::Parallel(branches) = &mut active.state else {
            return Next::Open;
        };
        let mut moved = false;
        for (at, (name, compiled)) in parallel.branches.iter().enumerate() {
            if is_met(parallel, branches) {
                break;
            }
            let Some(branch) = branches.get_mut(at) else {
                break;
            };
            if let (Branch::Failed(block, ..), News::Reopen) = (&mut *branch, news) {
                *branch = Branch::Running(std::mem::take(block));
            }
            let Branch::Running(block) = branch else {
                continue;
            };
            let inside = place.branch(&step.name, name, active.generation);
            match self.hear_block(compiled, block, &inside, news) {
                None => {}
                Some(Ended::Terminated(termination)) => return Next::Terminated(termination),
                Some(ended) => {
                    moved = true;
                    *branch = self.branch_after(std::mem::take(block), Some(ended));
                }
            }
        }
        if moved {
            self.join(step, parallel, active, place)
        } else {
            Next::Open
        }
    }

    /// Whether enough branches completed, or too many failed.
    fn join(
        &mut self,
        step: &CompiledStep,
        parallel: &CompiledParallel,
        active: &mut Active,
        place: &Place,
    ) -> Next {
        let State::Parallel(branches) = &active.state else {
            return Next::Open;
        };
        let done = done(branches);
        let failed = branches.iter();
        let failed = failed.filter(|branch| matches!(branch, Branch::Failed(..)));
        let failed = failed.count();
        let needed = needed(parallel);
        if done >= needed {
            let output = outputs(parallel, branches);
            self.halt_step(step, active, place);
            return Next::Over(Outcome::ok(output));
        }
        let out_of_reach = branches.len() - failed < needed;
        let running = branches.len() - failed - done;
        let waits = parallel.on_branch_failure == OnBranchFailure::Wait && running > 0;
        if !out_of_reach || waits {
            return Next::Open;
        }
        match deciding_error(parallel, branches) {
            Some(error) => Next::Over(Outcome::failed(error, step)),
            None => Next::Open,
        }
    }

    pub(super) fn start_switch(
        &mut self,
        step: &CompiledStep,
        switch: &CompiledSwitch,
        active: &mut Active,
        place: &Place,
    ) -> Next {
        let path = place.path_of(&step.name);
        let (case, compiled) = match self.case_of(switch, &path, place) {
            Ok(taken) => taken,
            Err(error) => return Next::Over(Outcome::failed(error, step)),
        };
        let inside = place.inside(&step.name, active.generation);
        let mut block = Block::default();
        let ended = self.advance(compiled, &mut block, &inside);
        active.state = State::Switch { case, block };
        Next::of(ended, step)
    }

    fn case_of<'c>(
        &self,
        switch: &'c CompiledSwitch,
        path: &str,
        place: &Place,
    ) -> Result<(Option<u32>, &'c CompiledBlock), Failed> {
        let evaluation = self.evaluation(path, place);
        for (number, (when, block)) in (0..).zip(&switch.cases) {
            if evaluation.is_true(when, &format!("cases/{number}/when"))? {
                return Ok((Some(number), block));
            }
        }
        match &switch.otherwise {
            Some(block) => Ok((None, block)),
            None => {
                let message = "no case is true, and there is no otherwise";
                let error = ErrorInfo::new(failure::NO_CASE_MATCHED, message, self.facts.now);
                Err(Box::new(error))
            }
        }
    }

    fn hear_switch(
        &mut self,
        step: &CompiledStep,
        switch: &CompiledSwitch,
        active: &mut Active,
        place: &Place,
        news: &News<'_>,
    ) -> Next {
        let State::Switch { case, block } = &mut active.state else {
            return Next::Open;
        };
        let Some(compiled) = block_of(switch, *case) else {
            return Next::Open;
        };
        let inside = place.inside(&step.name, active.generation);
        let ended = self.hear_block(compiled, block, &inside, news);
        Next::of(ended, step)
    }

    pub(super) fn start_loop(
        &mut self,
        step: &CompiledStep,
        repeat: &CompiledLoop,
        active: &mut Active,
        place: &Place,
    ) -> Next {
        active.state = State::Loop {
            turn: 0,
            block: None,
            output: Value::Null,
        };
        self.take_turns(step, repeat, active, place)
    }

    fn hear_loop(
        &mut self,
        step: &CompiledStep,
        repeat: &CompiledLoop,
        active: &mut Active,
        place: &Place,
        news: &News<'_>,
    ) -> Next {
        let generation = active.generation;
        let State::Loop {
            turn,
            block,
            output,
        } = &mut active.state
        else {
            return Next::Open;
        };
        let Some(running) = block else {
            // Between two turns: any event lets it go on.
            return self.take_turns(step, repeat, active, place);
        };
        let inside = place.turn(&step.name, *turn, generation);
        match self.hear_block(&repeat.steps, running, &inside, news) {
            Some(Ended::Done(given)) => {
                *output = given;
                *block = None;
                match self.turn_over(step, repeat, active, place) {
                    Some(next) => next,
                    None => self.take_turns(step, repeat, active, place),
                }
            }
            ended => Next::of(ended, step),
        }
    }

    /// Takes turns until one waits for something, the loop is over, or this decision had enough.
    fn take_turns(
        &mut self,
        step: &CompiledStep,
        repeat: &CompiledLoop,
        active: &mut Active,
        place: &Place,
    ) -> Next {
        loop {
            let generation = active.generation;
            let State::Loop {
                turn,
                block,
                output,
            } = &mut active.state
            else {
                return Next::Open;
            };
            let inside = place.turn(&step.name, *turn, generation);
            if let Some(condition) = &repeat.while_true {
                let path = place.path_of(&step.name);
                let goes_on = self.evaluation(&path, &inside).is_true(condition, "while");
                match goes_on {
                    Err(error) => return Next::Over(Outcome::failed(error, step)),
                    Ok(false) => return Next::Over(Outcome::ok(std::mem::take(output))),
                    Ok(true) => {}
                }
            }
            if *turn >= repeat.max_iterations {
                return Next::Over(Outcome::failed(self.too_many(repeat), step));
            }
            if self.turns >= TURNS_OF_A_DECISION {
                self.changed = true;
                self.effects.push(Effect::Wake(self.facts.now));
                return Next::Open;
            }
            self.turns += 1;
            let mut begun = Block::default();
            match self.advance(&repeat.steps, &mut begun, &inside) {
                Some(Ended::Done(given)) => *output = given,
                ended => {
                    *block = Some(begun);
                    return Next::of(ended, step);
                }
            }
            if let Some(next) = self.turn_over(step, repeat, active, place) {
                return next;
            }
        }
    }

    /// What follows a turn; nothing when that is another turn.
    fn turn_over(
        &mut self,
        step: &CompiledStep,
        repeat: &CompiledLoop,
        active: &mut Active,
        place: &Place,
    ) -> Option<Next> {
        let State::Loop { turn, output, .. } = &mut active.state else {
            return Some(Next::Open);
        };
        if let Some(condition) = &repeat.until {
            let path = place.path_of(&step.name);
            let inside = place.turn(&step.name, *turn, active.generation);
            match self.evaluation(&path, &inside).is_true(condition, "until") {
                Err(error) => return Some(Next::Over(Outcome::failed(error, step))),
                Ok(true) => return Some(Next::Over(Outcome::ok(std::mem::take(output)))),
                Ok(false) => {}
            }
        }
        *turn += 1;
        None
    }

    fn too_many(&self, repeat: &CompiledLoop) -> Failed {
        let message = format!(
            "the loop would go on after {} turns, its maxIterations",
            repeat.max_iterations
        );
        Box::new(ErrorInfo::new(
            failure::MAX_ITERATIONS,
            message,
            self.facts.now,
        ))
    }
}

/// The block of the case that was taken.
pub(super) fn block_of(switch: &CompiledSwitch, case: Option<u32>) -> Option<&CompiledBlock> {
    match case {
        None => switch.otherwise.as_ref(),
        Some(case) => {
            let case = usize::try_from(case).ok()?;
            switch.cases.get(case).map(|(_, block)| block)
        }
    }
}

/// The output of each branch that completed, by its name, in the order of the list.
fn outputs(parallel: &CompiledParallel, branches: &[Branch]) -> Value {
    let done = parallel.branches.iter().zip(branches);
    let outputs = done.filter_map(|((name, _), branch)| match branch {
        Branch::Done(output) => Some((name.clone(), output.clone())),
        Branch::Running(_) | Branch::Failed(..) => None,
    });
    Value::Object(outputs.collect::<JsonObject>())
}

/// How many branches must complete.
fn needed(parallel: &CompiledParallel) -> usize {
    match parallel.join {
        Join::All => parallel.branches.len(),
        Join::Any => 1,
        Join::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
    }
}

/// How many branches completed.
fn done(branches: &[Branch]) -> usize {
    let done = branches.iter();
    done.filter(|branch| matches!(branch, Branch::Done(_)))
        .count()
}

/// Whether enough of them did.
fn is_met(parallel: &CompiledParallel, branches: &[Branch]) -> bool {
    done(branches) >= needed(parallel)
}

/// The error that the step fails with: the last one, or under ALL and under WAIT the first.
fn deciding_error(parallel: &CompiledParallel, branches: &[Branch]) -> Option<Failed> {
    let first = parallel.join == Join::All || parallel.on_branch_failure == OnBranchFailure::Wait;
    let failed = (0..)
        .zip(branches)
        .filter_map(|(place, branch)| match branch {
            Branch::Failed(_, error, at) => Some(((*at, place), error)),
            Branch::Running(_) | Branch::Done(_) => None,
        });
    let found: Option<((_, usize), &Failed)> = match first {
        true => failed.min_by_key(|(order, _)| *order),
        false => failed.max_by_key(|(order, _)| *order),
    };
    found.map(|(_, error)| error.clone())
}
