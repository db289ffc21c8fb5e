//! A workflow definition made ready to be run: its schemas, expressions and mappings compiled,
//! once.

use std::collections::{BTreeMap, HashMap};

use semver::VersionReq;

use crate::ids::DefinitionId;
use crate::schema::{BadSchema, Schema};
use crate::task::retry::RetryPolicy;
use crate::time::Timestamp;
use crate::workflow::definition::{
    Compensation, Join, MapStep, OnBranchFailure, SignalStep, StepKind, SubWorkflowStep, TaskStep,
    TerminateStep, Then, WorkflowDefinition,
};
use crate::workflow::expression::{Expression, ParseError};
use crate::workflow::mapping::{self, Mappings};

use compile::{Compiler, parse};

mod compile;

/// A registered definition, compiled. Shared and cached: a registered version never changes.
#[derive(Debug)]
pub struct CompiledWorkflow {
    /// The definition.
    pub definition: WorkflowDefinition,
    /// Its `inputSchema`.
    pub input: Schema,
    /// Its `outputSchema`.
    pub output: Schema,
    /// Its `output`.
    pub result: Option<Expression>,
    /// Its steps.
    pub steps: CompiledBlock,
    /// Its `errorHandlers`.
    pub error_handlers: CompiledBlock,
    /// The definitions that it refers to, by the names of their pins.
    pub references: BTreeMap<String, Reference>,
}

/// A list of steps.
#[derive(Debug)]
pub struct CompiledBlock {
    /// The steps, in the order of the list.
    pub steps: Vec<CompiledStep>,
    /// For each step, the places of those that must be over before it begins.
    pub after: Vec<Vec<usize>>,
    /// Whether somebody asks for the output of its last step.
    pub wanted: bool,
    places: HashMap<String, usize>,
}

/// A step, compiled.
#[derive(Debug)]
pub struct CompiledStep {
    /// Its name.
    pub name: String,
    /// Its `condition`.
    pub condition: Option<Expression>,
    /// Its `variableMappings`.
    pub variables: Mappings,
    /// Its `onError`.
    pub on_error: Vec<CompiledHandler>,
    /// Its `continueOnFailure`.
    pub continue_on_failure: Option<bool>,
    /// Whether somebody asks for its output.
    pub wanted: bool,
    /// What it does.
    pub kind: CompiledKind,
}

/// An `onError` entry.
#[derive(Debug)]
pub struct CompiledHandler {
    /// The codes.
    pub codes: Vec<String>,
    /// The steps.
    pub steps: CompiledBlock,
    /// What follows.
    pub then: Then,
    /// How often RETRY_STEP may be used.
    pub max_retries: u32,
}

/// What a step does.
#[derive(Debug)]
pub enum CompiledKind {
    /// See [`StepKind::Task`].
    Task(Box<CompiledTaskStep>),
    /// See [`StepKind::Parallel`].
    Parallel(CompiledParallel),
    /// See [`StepKind::Map`].
    Map(Box<CompiledMap>),
    /// See [`StepKind::Switch`].
    Switch(CompiledSwitch),
    /// See [`StepKind::Loop`].
    Loop(Box<CompiledLoop>),
    /// See [`StepKind::Wait`].
    Wait(WaitTime),
    /// See [`StepKind::Signal`].
    Signal(SignalStep),
    /// See [`StepKind::SubWorkflow`].
    SubWorkflow(Box<CompiledSubWorkflow>),
    /// See [`StepKind::Set`].
    Set,
    /// See [`StepKind::Terminate`].
    Terminate(TerminateStep, Option<Expression>),
}

/// A TASK step.
#[derive(Debug)]
pub struct CompiledTaskStep {
    /// The step.
    pub step: TaskStep,
    /// Names the pin of its task's version.
    pub pin: String,
    /// Its `inputMappings`.
    pub inputs: Mappings,
    /// Its `taskReference`.
    pub reference: Option<Expression>,
    /// Its `compensation`.
    pub compensation: Option<CompiledCompensation>,
}

/// A compensation.
#[derive(Debug)]
pub struct CompiledCompensation {
    /// The compensation.
    pub step: Compensation,
    /// Names the pin of its task's version.
    pub pin: String,
    /// Its `inputMappings`.
    pub inputs: Mappings,
}

/// A PARALLEL step.
#[derive(Debug)]
pub struct CompiledParallel {
    /// The branches and their names.
    pub branches: Vec<(String, CompiledBlock)>,
    /// How many must complete.
    pub join: Join,
    /// What happens to the others when the join is out of reach.
    pub on_branch_failure: OnBranchFailure,
    /// Its `retryPolicy`.
    pub retry_policy: Option<RetryPolicy>,
}

/// A MAP step.
#[derive(Debug)]
pub struct CompiledMap {
    /// Its place among the MAPs of the definition.
    pub number: u32,
    /// The step, without its steps.
    pub step: MapStep,
    /// Its `items`.
    pub items: Expression,
    /// Its `result`.
    pub result: Option<Expression>,
    /// Its steps.
    pub steps: CompiledBlock,
    /// Whether somebody asks for its output.
    pub wanted: bool,
    /// Whether a step inside it, at any depth, waits for a signal.
    pub awaits: bool,
    /// Whether a step inside it, at any depth, can be undone.
    pub undoes: bool,
}

/// A SWITCH step.
#[derive(Debug)]
pub struct CompiledSwitch {
    /// The cases.
    pub cases: Vec<(Expression, CompiledBlock)>,
    /// What is done when none is true.
    pub otherwise: Option<CompiledBlock>,
}

/// A LOOP step.
#[derive(Debug)]
pub struct CompiledLoop {
    /// Asked before each turn.
    pub while_true: Option<Expression>,
    /// Asked after each turn.
    pub until: Option<Expression>,
    /// Its steps.
    pub steps: CompiledBlock,
    /// Going on after so many turns is an error.
    pub max_iterations: u32,
}

/// How long a WAIT waits.
#[derive(Debug)]
pub enum WaitTime {
    /// So many milliseconds.
    Millis(u64),
    /// What the expression says, from now.
    Duration(Expression),
    /// Until then.
    Until(Timestamp),
    /// Until what the expression says.
    UntilExpression(Expression),
}

/// A SUB_WORKFLOW step.
#[derive(Debug)]
pub struct CompiledSubWorkflow {
    /// The step.
    pub step: SubWorkflowStep,
    /// Names the pin of the child's version.
    pub pin: String,
    /// Its `inputMappings`.
    pub inputs: Mappings,
    /// Its `compensation`.
    pub compensation: Option<CompiledCompensation>,
}

/// A definition that a workflow refers to, in a version that is pinned when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A task definition.
    Task(DefinitionId, Option<VersionReq>),
    /// A workflow definition.
    Workflow(DefinitionId, Option<VersionReq>),
}

impl Reference {
    /// The name of its pin. A colon is in no step's name: instances of older versions pinned by
    /// those.
    #[must_use]
    pub fn pin(&self) -> String {
        let (kind, id, range) = match self {
            Self::Task(id, range) => ("task", id, range),
            Self::Workflow(id, range) => ("workflow", id, range),
        };
        match range {
            None => format!("{kind}:{id}"),
            Some(range) => format!("{kind}:{id}@{range}"),
        }
    }
}

/// A stored definition that does not compile: it cannot have been registered by this version.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A schema.
    #[error("a schema does not compile")]
    Schema(#[from] BadSchema),
    /// An expression.
    #[error("an expression does not parse")]
    Expression(#[from] ParseError),
    /// A mapping.
    #[error("a mapping does not compile")]
    Mapping(#[from] mapping::Problem),
    /// A dependency that is not there.
    #[error("there is no step {0:?} to depend on")]
    UnknownStep(String),
    /// A duration or time.
    #[error("{0:?} is no duration")]
    Duration(String),
}

impl CompiledWorkflow {
    /// Compiles a definition.
    ///
    /// # Errors
    /// A schema or an expression does not compile, which registration refuses.
    pub fn new(definition: WorkflowDefinition) -> Result<Self, Error> {
        let mut compiler = Compiler::default();
        let steps = compiler.block(&definition.steps, false)?;
        let mut error_handlers = compiler.block(&definition.error_handlers, false)?;
        for handler in &mut error_handlers.steps {
            // A handler that fails is recorded, and does not stop the others.
            handler.continue_on_failure = Some(true);
        }
        Ok(Self {
            input: Schema::compile(&definition.input_schema)?,
            output: Schema::compile(&definition.output_schema)?,
            result: parse(definition.output.as_deref())?,
            steps,
            error_handlers,
            references: references(&definition),
            definition,
        })
    }

    /// A MAP by its place among the MAPs.
    #[must_use]
    pub fn map(&self, number: u32) -> Option<&CompiledMap> {
        self.steps
            .map(number)
            .or_else(|| self.error_handlers.map(number))
    }
}

/// Everything that a definition refers to, by the name of its pin, at every depth.
#[must_use]
pub fn references(definition: &WorkflowDefinition) -> BTreeMap<String, Reference> {
    let mut found = BTreeMap::new();
    let mut add = |reference: Reference| {
        found.insert(reference.pin(), reference);
    };
    definition.each_step(&mut |step| match &step.kind {
        StepKind::Task(task) => {
            add(Reference::Task(
                task.task_definition_id.clone(),
                task.task_version.clone(),
            ));
            task.compensation.iter().for_each(|one| add(undoing(one)));
        }
        StepKind::SubWorkflow(child) => {
            add(Reference::Workflow(
                child.workflow_definition_id.clone(),
                child.workflow_version.clone(),
            ));
            child.compensation.iter().for_each(|one| add(undoing(one)));
        }
        StepKind::Parallel(_)
        | StepKind::Map(_)
        | StepKind::Switch(_)
        | StepKind::Loop(_)
        | StepKind::Wait(_)
        | StepKind::Signal(_)
        | StepKind::Set(_)
        | StepKind::Terminate(_) => {}
    });
    found
}

fn undoing(compensation: &Compensation) -> Reference {
    Reference::Task(
        compensation.task_definition_id.clone(),
        compensation.task_version.clone(),
    )
}

impl CompiledBlock {
    /// The place of a step in the list.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// Whether this is so of any of its steps, at any depth.
    pub(super) fn any(&self, is_so: fn(&CompiledStep) -> bool) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|step| is_so(step) || step.blocks().any(|block| block.any(is_so)))
    }

    fn map(&self, number: u32) -> Option<&CompiledMap> {
        self.steps.iter().find_map(|step| {
            if let CompiledKind::Map(map) = &step.kind
                && map.number == number
            {
                return Some(&**map);
            }
            step.blocks().find_map(|block| block.map(number))
        })
    }
}

impl CompiledStep {
    /// The blocks inside the step.
    pub fn blocks(&self) -> impl Iterator<Item = &CompiledBlock> {
        let own: Vec<&CompiledBlock> = match &self.kind {
            CompiledKind::Parallel(parallel) => {
                parallel.branches.iter().map(|(_, block)| block).collect()
            }
            CompiledKind::Map(map) => vec![&map.steps],
            CompiledKind::Switch(switch) => switch
                .cases
                .iter()
                .map(|(_, block)| block)
                .chain(&switch.otherwise)
                .collect(),
            CompiledKind::Loop(repeat) => vec![&repeat.steps],
            CompiledKind::Task(_)
            | CompiledKind::Wait(_)
            | CompiledKind::Signal(_)
            | CompiledKind::SubWorkflow(_)
            | CompiledKind::Set
            | CompiledKind::Terminate(..) => Vec::new(),
        };
        own.into_iter()
            .chain(self.on_error.iter().map(|handler| &handler.steps))
    }

    /// What undoes the step.
    #[must_use]
    pub fn compensation(&self) -> Option<&CompiledCompensation> {
        match &self.kind {
            CompiledKind::Task(task) => task.compensation.as_ref(),
            CompiledKind::SubWorkflow(child) => child.compensation.as_ref(),
            CompiledKind::Parallel(_)
            | CompiledKind::Map(_)
            | CompiledKind::Switch(_)
            | CompiledKind::Loop(_)
            | CompiledKind::Wait(_)
            | CompiledKind::Signal(_)
            | CompiledKind::Set
            | CompiledKind::Terminate(..) => None,
        }
    }

    /// The policy by which the step as a whole begins anew. A task has its policy itself.
    #[must_use]
    pub fn retry_policy(&self) -> Option<&RetryPolicy> {
        match &self.kind {
            CompiledKind::Parallel(parallel) => parallel.retry_policy.as_ref(),
            CompiledKind::Map(map) => map.step.retry_policy.as_ref(),
            CompiledKind::SubWorkflow(child) => child.step.retry_policy.as_ref(),
            CompiledKind::Task(_)
            | CompiledKind::Switch(_)
            | CompiledKind::Loop(_)
            | CompiledKind::Wait(_)
            | CompiledKind::Signal(_)
            | CompiledKind::Set
            | CompiledKind::Terminate(..) => None,
        }
    }
}
