//! How a definition is compiled: each step, schema, expression and mapping of it, once.

use std::collections::HashMap;

use super::{
    CompiledBlock, CompiledCompensation, CompiledHandler, CompiledKind, CompiledLoop, CompiledMap,
    CompiledParallel, CompiledStep, CompiledSubWorkflow, CompiledSwitch, CompiledTaskStep, Error,
    Reference, WaitTime, undoing,
};
use crate::duration;
use crate::workflow::definition::{
    Compensation, ErrorHandler, LoopStep, MapStep, Mapping, ParallelStep, Step, StepKind,
    SubWorkflowStep, SwitchStep, TaskStep, WaitDuration, WaitStep,
};
use crate::workflow::expression::{Expression, ParseError};
use crate::workflow::mapping::{self, Mappings};

#[derive(Default)]
pub(super) struct Compiler {
    maps: u32,
}

impl Compiler {
    pub(super) fn block(&mut self, steps: &[Step], wanted: bool) -> Result<CompiledBlock, Error> {
        let mut compiled = Vec::with_capacity(steps.len());
        for (at, step) in steps.iter().enumerate() {
            // The output of a step becomes its block's when all after it may be skipped.
            let may_be_last = steps[at + 1..].iter().all(|step| step.condition.is_some());
            compiled.push(self.step(step, wanted && may_be_last)?);
        }
        let places: HashMap<String, usize> = steps
            .iter()
            .enumerate()
            .map(|(at, step)| (step.name.clone(), at))
            .collect();
        Ok(CompiledBlock {
            after: order(steps, &places)?,
            steps: compiled,
            wanted,
            places,
        })
    }

    fn step(&mut self, step: &Step, wanted: bool) -> Result<CompiledStep, Error> {
        let wanted = wanted || !step.variable_mappings.is_empty();
        Ok(CompiledStep {
            name: step.name.clone(),
            condition: parse(step.condition.as_deref())?,
            variables: mappings(&step.variable_mappings)?,
            on_error: step
                .on_error
                .iter()
                .map(|handler| self.handler(handler, wanted))
                .collect::<Result<_, _>>()?,
            continue_on_failure: step.continue_on_failure,
            wanted,
            kind: self.kind(&step.kind, wanted)?,
        })
    }

    fn handler(&mut self, handler: &ErrorHandler, wanted: bool) -> Result<CompiledHandler, Error> {
        Ok(CompiledHandler {
            codes: handler.error_codes.clone(),
            steps: self.block(&handler.steps, wanted)?,
            then: handler.then,
            max_retries: handler.max_retries.unwrap_or(1),
        })
    }

    fn kind(&mut self, kind: &StepKind, wanted: bool) -> Result<CompiledKind, Error> {
        Ok(match kind {
            StepKind::Task(step) => CompiledKind::Task(Box::new(CompiledTaskStep::new(step)?)),
            StepKind::Parallel(step) => CompiledKind::Parallel(self.parallel(step, wanted)?),
            StepKind::Map(step) => CompiledKind::Map(Box::new(self.map(step, wanted)?)),
            StepKind::Switch(step) => CompiledKind::Switch(self.switch(step, wanted)?),
            StepKind::Loop(step) => CompiledKind::Loop(Box::new(self.repeat(step, wanted)?)),
            StepKind::Wait(step) => CompiledKind::Wait(WaitTime::new(step)?),
            StepKind::Signal(step) => CompiledKind::Signal(step.clone()),
            StepKind::SubWorkflow(step) => {
                CompiledKind::SubWorkflow(Box::new(CompiledSubWorkflow::new(step)?))
            }
            StepKind::Set(_) => CompiledKind::Set,
            StepKind::Terminate(step) => {
                CompiledKind::Terminate(step.clone(), parse(step.output.as_deref())?)
            }
        })
    }

    fn parallel(&mut self, step: &ParallelStep, wanted: bool) -> Result<CompiledParallel, Error> {
        let branches = step.branches.iter().map(|branch| {
            let block = self.block(&branch.steps, wanted)?;
            Ok((branch.name.clone(), block))
        });
        Ok(CompiledParallel {
            branches: branches.collect::<Result<_, Error>>()?,
            join: step.join,
            on_branch_failure: step.on_branch_failure,
            retry_policy: step.retry_policy.clone(),
        })
    }

    fn map(&mut self, step: &MapStep, wanted: bool) -> Result<CompiledMap, Error> {
        let number = self.maps;
        self.maps += 1;
        let steps = self.block(&step.steps, wanted || step.result.is_some())?;
        Ok(CompiledMap {
            number,
            items: Expression::parse(&step.items)?,
            result: parse(step.result.as_deref())?,
            awaits: steps.any(|step| matches!(step.kind, CompiledKind::Signal(_))),
            undoes: steps.any(|step| step.compensation().is_some()),
            steps,
            wanted,
            step: MapStep {
                steps: Vec::new(),
                ..step.clone()
            },
        })
    }

    fn switch(&mut self, step: &SwitchStep, wanted: bool) -> Result<CompiledSwitch, Error> {
        let cases = step.cases.iter().map(|case| {
            let block = self.block(&case.steps, wanted)?;
            Ok((Expression::parse(&case.when)?, block))
        });
        Ok(CompiledSwitch {
            cases: cases.collect::<Result<_, Error>>()?,
            otherwise: match &step.otherwise {
                None => None,
                Some(steps) => Some(self.block(steps, wanted)?),
            },
        })
    }

    fn repeat(&mut self, step: &LoopStep, wanted: bool) -> Result<CompiledLoop, Error> {
        Ok(CompiledLoop {
            while_true: parse(step.while_true.as_deref())?,
            until: parse(step.until.as_deref())?,
            steps: self.block(&step.steps, wanted)?,
            max_iterations: step.max_iterations,
        })
    }
}

impl CompiledTaskStep {
    fn new(step: &TaskStep) -> Result<Self, Error> {
        let pin = Reference::Task(step.task_definition_id.clone(), step.task_version.clone());
        Ok(Self {
            pin: pin.pin(),
            inputs: mappings(&step.input_mappings)?,
            reference: parse(step.task_reference.as_deref())?,
            compensation: compensation(step.compensation.as_ref())?,
            step: step.clone(),
        })
    }
}

impl CompiledSubWorkflow {
    fn new(step: &SubWorkflowStep) -> Result<Self, Error> {
        let id = step.workflow_definition_id.clone();
        Ok(Self {
            pin: Reference::Workflow(id, step.workflow_version.clone()).pin(),
            inputs: mappings(&step.input_mappings)?,
            compensation: compensation(step.compensation.as_ref())?,
            step: step.clone(),
        })
    }
}

impl WaitTime {
    fn new(step: &WaitStep) -> Result<Self, Error> {
        match (&step.duration, &step.until) {
            (Some(WaitDuration::Millis(millis)), _) => Ok(Self::Millis(*millis)),
            (Some(WaitDuration::Text(text)), _) if duration::looks_like_one(text) => {
                let millis = duration::millis(text).map_err(|_| Error::Duration(text.clone()))?;
                Ok(Self::Millis(millis))
            }
            (Some(WaitDuration::Text(text)), _) => Ok(Self::Duration(Expression::parse(text)?)),
            (None, Some(text)) => match duration::time(text) {
                Some(time) => Ok(Self::Until(time)),
                None => Ok(Self::UntilExpression(Expression::parse(text)?)),
            },
            (None, None) => Err(Error::Duration(String::new())),
        }
    }
}

fn compensation(step: Option<&Compensation>) -> Result<Option<CompiledCompensation>, Error> {
    step.map(|step| {
        Ok(CompiledCompensation {
            pin: undoing(step).pin(),
            inputs: mappings(&step.input_mappings)?,
            step: step.clone(),
        })
    })
    .transpose()
}

/// What each step of a block waits for. With no `dependsOn` anywhere that is the step before it.
fn order(steps: &[Step], places: &HashMap<String, usize>) -> Result<Vec<Vec<usize>>, Error> {
    let before = |at: usize| at.checked_sub(1).into_iter().collect();
    steps
        .iter()
        .enumerate()
        .map(|(at, step)| match &step.depends_on {
            None => Ok(before(at)),
            Some(names) => names
                .iter()
                .map(|name| {
                    let place = places.get(name).copied();
                    place.ok_or_else(|| Error::UnknownStep(name.clone()))
                })
                .collect(),
        })
        .collect()
}

pub(super) fn parse(source: Option<&str>) -> Result<Option<Expression>, ParseError> {
    source.map(Expression::parse).transpose()
}

/// Registration reports all errors with their places; here the first will do.
fn mappings(list: &[Mapping]) -> Result<Mappings, mapping::Problem> {
    Mappings::compile(list).map_err(|errors| {
        let first = errors.into_iter().next().map(|(_, error)| error);
        first.expect("a list of mappings that does not compile has an error")
    })
}
