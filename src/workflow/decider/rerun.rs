//! Rerun: beginning a step of an ended workflow again, and what follows from it.
//!
//! What stands beside the step is kept; the variables are those that the step saw first. Where the
//! frontier has forgotten what is around the step, it is found out again: see `recall.rs`.

use super::again::{comes_after, find, is_in_map, split_index};
use super::block::put;
use super::composite::block_of;
use super::effect::Need;
use super::operations::{Ask, Operation, Refused};
use super::recall::{Recall, Watch, replay};
use super::{Fold, News, Supply};
use crate::JsonObject;
use crate::codes::refusal;
use crate::limits::RERUNS_REMEMBERED;
use crate::workflow::compiled::{CompiledBlock, CompiledKind, CompiledLoop, CompiledStep};
use crate::workflow::frontier::{Active, Block, Branch, Done, Resumed, Root, State};
use crate::workflow::instance::WorkflowStatus;

/// Where a rerun begins.
#[derive(Debug, Clone)]
struct Target {
    /// The path of the step.
    path: String,
    /// The path inside its child, when it begins there.
    inside: Option<String>,
}

/// How far a decision came.
pub(super) enum Short {
    /// It needs more.
    Needs(Need),
    /// It is not to be.
    Refused(Refused),
}

/// The step has not begun, or nothing tells where it stood.
struct Never;

impl Fold<'_> {
    /// Begins a step again; without a step, everything.
    pub(super) fn rerun(&mut self, operation: &Operation) -> Result<(), Refused> {
        let Ask::Rerun { path } = &operation.ask else {
            return Ok(());
        };
        let is_over = self.state.status.is_terminal() && self.state.course.closing.is_none();
        self.allow(is_over && !self.is_batch, &operation.ask)?;
        match path {
            None => {
                self.begin_all_again();
                self.remember(operation);
            }
            Some(path) => {
                target_of(&self.plan.workflow.steps, path)?;
                self.rerun = Some(Box::new(Recall::of(operation.clone(), &self.state)));
                self.need = Some(Need::History);
            }
        }
        Ok(())
    }

    /// Goes on with a rerun after something that it needed was supplied.
    pub(super) fn go_on_with_rerun(&mut self, need: Need, supply: Supply) -> Result<(), Refused> {
        let Some(mut recall) = self.rerun.take() else {
            return Ok(());
        };
        match (&need, &supply) {
            (Need::Rerun { .. }, Supply::Rerun(Some(refused))) => return Err(refused.clone()),
            (Need::Rerun { .. }, Supply::Rerun(None)) => recall.child_allows = true,
            (Need::History, Supply::TooMuch(why)) => return Err(why.refused()),
            _ => recall.learn(need, supply),
        }
        match self.begin_again(&recall) {
            Ok(()) => {
                self.remember(&recall.operation);
                Ok(())
            }
            Err(Short::Refused(refused)) => Err(refused),
            Err(Short::Needs(need)) => {
                self.need = Some(need);
                self.rerun = Some(recall);
                Ok(())
            }
        }
    }

    fn begin_all_again(&mut self) {
        self.state.course.undone.clear();
        let variables = self.plan.workflow.definition.variables.clone();
        self.go_on_from(Block::default(), variables);
    }

    fn begin_again(&mut self, recall: &Recall) -> Result<(), Short> {
        let Ask::Rerun { path: Some(path) } = &recall.operation.ask else {
            return Ok(());
        };
        let steps = &self.plan.workflow.steps;
        let target = target_of(steps, path).map_err(Short::Refused)?;
        let root = match &self.state.course.root {
            Root::Steps(_) if self.is_forgotten() => Block {
                done: Done::all_below(steps.steps.len()),
                ..Block::default()
            },
            Root::Steps(block) => block.clone(),
            Root::Iterations(_) => return Ok(()),
        };
        let child = match &target.inside {
            None => None,
            Some(inside) => Some(self.child_again(&target, inside, recall)?),
        };
        let (root, variables) = self.root_again(root, &target, child.as_ref(), recall)?;
        self.go_on_from(root, variables);
        Ok(())
    }

    /// Whether all steps of the workflow were over, which nothing else remembers.
    fn is_forgotten(&self) -> bool {
        let root = Root::Steps(Block::default());
        self.state.status == WorkflowStatus::Completed && self.state.course.root == root
    }

    /// The root with the step taken out, and the variables that it saw: told by its tasks and by
    /// what the frontier knows, or else found out again.
    fn root_again(
        &self,
        root: Block,
        target: &Target,
        child: Option<&Active>,
        recall: &Recall,
    ) -> Result<(Block, JsonObject), Short> {
        let steps = &self.plan.workflow.steps;
        if let Some((path, variables)) = recall.seen_by_task(&target.path) {
            let mut known = root.clone();
            let watch = Watch::default();
            if self
                .again(&watch, child)
                .block(steps, &mut known, "", &path)
                .is_ok()
            {
                return Ok((known, variables));
            }
        }
        let known = recall.seen_by_task(&target.path);
        let path = known.as_ref().map_or(&target.path, |(path, _)| path);
        let watch = replay(self.plan, &self.state, path, recall)?;
        let seen = known.or_else(|| watch.seen.clone());
        let never = || {
            Short::Refused(illegal(format!(
                "the step {} has not begun, or cannot begin again by itself: rerun the step around it",
                target.path
            )))
        };
        let (path, variables) = seen.ok_or_else(never)?;
        let mut again = root;
        match self
            .again(&watch, child)
            .block(steps, &mut again, "", &path)
        {
            Ok(()) => Ok((again, variables)),
            Err(Never) => Err(never()),
        }
    }

    fn again<'w>(&self, watch: &'w Watch, child: Option<&'w Active>) -> Again<'w> {
        Again {
            watch,
            child,
            since: self.before,
        }
    }

    /// The step whose child begins again inside.
    fn child_again(&self, target: &Target, inside: &str, recall: &Recall) -> Result<Active, Short> {
        let found = recall.child(&self.state, &target.path)?;
        let Some((generation, end)) = found else {
            let message = format!(
                "the step {} has no child that could begin again",
                target.path
            );
            return Err(Short::Refused(illegal(message)));
        };
        if !recall.child_allows {
            return Err(Short::Needs(Need::Rerun {
                child: end.id,
                path: inside.to_owned(),
            }));
        }
        let name = target.path.rsplit('/').next().unwrap_or_default();
        Ok(Active {
            name: name.to_owned(),
            generation,
            // No version has asked the child yet.
            since: 0,
            retries: None,
            held: false,
            handled: Vec::new(),
            state: State::SubWorkflow {
                over: false,
                resumed: Some(Resumed::Rerun(inside.to_owned())),
            },
        })
    }

    fn go_on_from(&mut self, root: Block, variables: JsonObject) {
        self.state.course.root = Root::Steps(root);
        self.reopen();
        let reruns = &mut self.state.course.reruns;
        if reruns.len() >= RERUNS_REMEMBERED {
            reruns.remove(0);
        }
        reruns.push(self.state.run);
        self.state.variables = variables;
        self.changed = true;
        self.hear(&News::Reopen);
        if self.state.status == WorkflowStatus::Running {
            self.look();
        }
    }
}

fn illegal(message: String) -> Refused {
    Refused {
        code: refusal::ILLEGAL_STATE,
        message,
    }
}

/// What a path means: a step, or a step inside its child.
fn target_of(steps: &CompiledBlock, path: &str) -> Result<Target, Refused> {
    let target = match find(steps, path) {
        Some(_) => Target {
            path: path.to_owned(),
            inside: None,
        },
        None => child_of(steps, path).ok_or_else(|| Refused {
            code: refusal::NOT_FOUND,
            message: format!("the workflow has no step {path}"),
        })?,
    };
    if is_in_map(steps, &target.path) {
        return Err(illegal(format!(
            "{path} is part of an iteration: rerun the MAP around it"
        )));
    }
    Ok(target)
}

fn child_of(steps: &CompiledBlock, path: &str) -> Option<Target> {
    path.match_indices('/').find_map(|(at, _)| {
        let step = find(steps, &path[..at])?;
        matches!(step.kind, CompiledKind::SubWorkflow(_)).then(|| Target {
            path: path[..at].to_owned(),
            inside: Some(path[at + 1..].to_owned()),
        })
    })
}

/// Takes a step out of a tree of blocks, so that it begins again.
struct Again<'w> {
    /// What was around the step when that was over.
    watch: &'w Watch,
    /// The step itself, when it is its child that begins again.
    child: Option<&'w Active>,
    /// The version that what is found again is of.
    since: u64,
}

impl Again<'_> {
    /// `around` is the path of the block, `path` what leads from it to the step.
    fn block(
        &self,
        compiled: &CompiledBlock,
        block: &mut Block,
        around: &str,
        path: &str,
    ) -> Result<(), Never> {
        let (first, rest) = match path.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        let (name, index) = split_index(first);
        let position = compiled.place(name).ok_or(Never)?;
        if !block.done.contains(position) && block.active(name).is_none() {
            return Err(Never);
        }
        forget_after(compiled, block, position);
        let step = &compiled.steps[position];
        let Some(rest) = rest else {
            block.done.remove(position);
            block.active.retain(|active| active.name != name);
            if let Some(child) = self.child {
                put(compiled, block, position, child.clone());
            }
            return Ok(());
        };
        let here = match around {
            "" => name.to_owned(),
            around => format!("{around}/{name}"),
        };
        if block.active(name).is_none() {
            let known = self.watch.steps.get(&here).ok_or(Never)?;
            let since = self.since;
            block.done.remove(position);
            put(
                compiled,
                block,
                position,
                Active {
                    since,
                    ..known.clone()
                },
            );
        }
        let at = block.active(name).ok_or(Never)?;
        self.inside(step, &mut block.active[at].state, &here, index, rest)
    }

    fn inside(
        &self,
        step: &CompiledStep,
        state: &mut State,
        here: &str,
        index: Option<u32>,
        path: &str,
    ) -> Result<(), Never> {
        match (state, &step.kind) {
            (State::Parallel(branches), CompiledKind::Parallel(parallel)) => {
                let (name, rest) = path.split_once('/').ok_or(Never)?;
                let mut pairs = parallel.branches.iter().zip(branches);
                let found = pairs.find(|((branch, _), _)| branch == name);
                let ((_, compiled), branch) = found.ok_or(Never)?;
                let here = format!("{here}/{name}");
                if let Branch::Done(_) = branch {
                    let (_, known) = self.watch.blocks.get(&here).ok_or(Never)?;
                    *branch = Branch::Running(known.clone());
                }
                match branch {
                    Branch::Running(block) | Branch::Failed(block, ..) => {
                        self.block(compiled, block, &here, rest)
                    }
                    Branch::Done(_) => Err(Never),
                }
            }
            (State::Switch { case, block }, CompiledKind::Switch(switch)) => {
                let compiled = block_of(switch, *case).ok_or(Never)?;
                self.block(compiled, block, here, path)
            }
            (State::Loop { turn, block, .. }, CompiledKind::Loop(repeat)) => {
                self.turn(repeat, (turn, block), here, index, path)
            }
            (State::Handling { entry, block, .. }, _) => {
                let handler = step.on_error.get(*entry as usize).ok_or(Never)?;
                self.block(&handler.steps, block, here, path)
            }
            _ => Err(Never),
        }
    }

    /// The turn that is under way, or the last one that was over.
    fn turn(
        &self,
        repeat: &CompiledLoop,
        (turn, block): (&mut u32, &mut Option<Block>),
        here: &str,
        index: Option<u32>,
        path: &str,
    ) -> Result<(), Never> {
        let is_meant = index.is_none_or(|index| index == *turn);
        if let Some(mut known) = block.clone().filter(|_| is_meant)
            && self.block(&repeat.steps, &mut known, here, path).is_ok()
        {
            *block = Some(known);
            return Ok(());
        }
        let (whole, known) = self.watch.blocks.get(here).ok_or(Never)?;
        let last = whole.rsplit('/').next().unwrap_or_default();
        let known_turn = split_index(last).1.ok_or(Never)?;
        if index.is_some_and(|index| index != known_turn) {
            return Err(Never);
        }
        let mut known = known.clone();
        self.block(&repeat.steps, &mut known, here, path)?;
        *turn = known_turn;
        *block = Some(known);
        Ok(())
    }
}

/// Takes out of a block what follows from one of its steps.
fn forget_after(compiled: &CompiledBlock, block: &mut Block, position: usize) {
    let follows = |at: usize| at != position && comes_after(compiled, at, position);
    for at in (0..compiled.steps.len()).filter(|at| follows(*at)) {
        block.done.remove(at);
    }
    block
        .active
        .retain(|active| compiled.place(&active.name).is_none_or(|at| !follows(at)));
    let is_stale = |at: usize| at == position || follows(at);
    block.output = block
        .output
        .take()
        .filter(|(at, _)| !is_stale(*at as usize));
}
