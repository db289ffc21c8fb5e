//! The steps of a workflow: what every step has, and what each type of step adds.
//!
//! What a step means is decided in [`crate::workflow::decider`]; what types cannot say of it is
//! checked in [`crate::registration`].

use schemars::JsonSchema;
use semver::VersionReq;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::Mapping;
use crate::ids::DefinitionId;
use crate::task::assignment::Assignment;
use crate::task::definition::format;
use crate::task::instance::TaskPriority;
use crate::task::retry::RetryPolicy;
use crate::task::timeouts::{StepTimeouts, Timeouts};
use crate::{JsonObject, limits};

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Unique among its neighbours.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"))]
    pub name: String,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = limits::DESCRIPTION_CHARS))]
    pub description: String,
    /// An expression; the step is skipped when it is not true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub condition: Option<String>,
    /// The steps of the same block that must be over before this one begins. Given at any step,
    /// it makes the block a graph; a step without it then depends on the one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::STEPS_PER_DEFINITION))]
    pub depends_on: Option<Vec<String>>,
    /// What is done when the step fails: the first entry whose codes hold the error's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_error: Vec<ErrorHandler>,
    /// Whether the workflow goes on when this step fails for good; over the definition's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continue_on_failure: Option<bool>,
    /// What its success sets in the workflow's variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variable_mappings: Vec<Mapping>,
    /// What it does.
    #[serde(flatten)]
    pub kind: StepKind,
}

impl Step {
    /// The lists of steps inside the step.
    pub fn blocks(&self) -> impl Iterator<Item = &[Step]> {
        let own: Vec<&[Step]> = match &self.kind {
            StepKind::Parallel(parallel) => {
                parallel.branches.iter().map(|one| &*one.steps).collect()
            }
            StepKind::Map(map) => vec![&map.steps],
            StepKind::Switch(switch) => switch
                .cases
                .iter()
                .map(|case| &*case.steps)
                .chain(switch.otherwise.as_deref())
                .collect(),
            StepKind::Loop(repeat) => vec![&repeat.steps],
            StepKind::Task(_)
            | StepKind::Wait(_)
            | StepKind::Signal(_)
            | StepKind::SubWorkflow(_)
            | StepKind::Set(_)
            | StepKind::Terminate(_) => Vec::new(),
        };
        let handlers = self.on_error.iter().map(|handler| &*handler.steps);
        own.into_iter().chain(handlers)
    }
}

/// What a step does. TASK is the default.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StepKind {
    /// Runs a task.
    Task(Box<TaskStep>),
    /// Runs branches at once.
    Parallel(ParallelStep),
    /// Runs its steps for each item of an array.
    Map(MapStep),
    /// Takes the first case that is true.
    Switch(SwitchStep),
    /// Repeats its steps.
    Loop(LoopStep),
    /// Waits for a time.
    Wait(WaitStep),
    /// Waits for a signal from outside.
    Signal(SignalStep),
    /// Runs another workflow.
    SubWorkflow(Box<SubWorkflowStep>),
    /// Sets variables.
    Set(SetStep),
    /// Ends the workflow.
    Terminate(TerminateStep),
}

/// The words of `type`, in the order of [`StepKind`].
pub const STEP_TYPES: [&str; 10] = [
    "TASK",
    "PARALLEL",
    "MAP",
    "SWITCH",
    "LOOP",
    "WAIT",
    "SIGNAL",
    "SUB_WORKFLOW",
    "SET",
    "TERMINATE",
];

impl<'de> Deserialize<'de> for StepKind {
    /// Reads by `type`, which is TASK where it is left out.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let mut fields = JsonObject::deserialize(deserializer)?;
        let word = fields.shift_remove("type");
        let word = word.as_ref().map_or(Some("TASK"), Value::as_str);
        let fields = Value::Object(fields);
        let kind = match word {
            Some("TASK") => serde_json::from_value(fields).map(Self::Task),
            Some("PARALLEL") => serde_json::from_value(fields).map(Self::Parallel),
            Some("MAP") => serde_json::from_value(fields).map(Self::Map),
            Some("SWITCH") => serde_json::from_value(fields).map(Self::Switch),
            Some("LOOP") => serde_json::from_value(fields).map(Self::Loop),
            Some("WAIT") => serde_json::from_value(fields).map(Self::Wait),
            Some("SIGNAL") => serde_json::from_value(fields).map(Self::Signal),
            Some("SUB_WORKFLOW") => serde_json::from_value(fields).map(Self::SubWorkflow),
            Some("SET") => serde_json::from_value(fields).map(Self::Set),
            Some("TERMINATE") => serde_json::from_value(fields).map(Self::Terminate),
            Some(other) => return Err(D::Error::unknown_variant(other, &STEP_TYPES)),
            None => return Err(D::Error::custom("the type of a step is a string")),
        };
        kind.map_err(D::Error::custom)
    }
}

impl StepKind {
    /// The word of `type`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Task(_) => "TASK",
            Self::Parallel(_) => "PARALLEL",
            Self::Map(_) => "MAP",
            Self::Switch(_) => "SWITCH",
            Self::Loop(_) => "LOOP",
            Self::Wait(_) => "WAIT",
            Self::Signal(_) => "SIGNAL",
            Self::SubWorkflow(_) => "SUB_WORKFLOW",
            Self::Set(_) => "SET",
            Self::Terminate(_) => "TERMINATE",
        }
    }
}

/// A step that runs a task; its output is the task's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskStep {
    /// The task to run.
    pub task_definition_id: DefinitionId,
    /// Which versions of it will do; the highest of them is pinned when the workflow starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "version_range_schema")]
    pub task_version: Option<VersionReq>,
    /// How the task's input is made. None: the input is `{}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_mappings: Vec<Mapping>,
    /// Replaces the definition's whole policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
    /// Longest time of one attempt in milliseconds; over the definition's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::TIMER_MILLIS))]
    pub timeout: Option<u64>,
    /// More time limits; over the definition's, each by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
    /// How urgent it is.
    #[serde(default)]
    pub priority: TaskPriority,
    /// An expression that names the matter for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub task_reference: Option<String>,
    /// Who may do a MANUAL task, and by when; each field over the definition's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment: Option<Assignment>,
    /// The task that undoes this one, should the workflow fail later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensation: Option<Compensation>,
}

impl TaskStep {
    /// What the step says of its task's time.
    #[must_use]
    pub fn step_timeouts(&self) -> StepTimeouts {
        StepTimeouts {
            timeout: self.timeout,
            timeouts: self.timeouts,
        }
    }
}

/// The task that undoes a completed step. `taskOutput` is in the scope of its mappings, which are
/// evaluated when the step completes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Compensation {
    /// The task to run.
    pub task_definition_id: DefinitionId,
    /// Which versions of it will do; the highest of them is pinned when the workflow starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "version_range_schema")]
    pub task_version: Option<VersionReq>,
    /// How the task's input is made. None: the input is `{}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_mappings: Vec<Mapping>,
    /// Replaces the definition's whole policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
    /// Longest time of one attempt in milliseconds; over the definition's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::TIMER_MILLIS))]
    pub timeout: Option<u64>,
}

/// Branches that run at once and share the live variables. The output is an object with the
/// output of each branch's last step under the branch's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ParallelStep {
    /// The branches.
    #[schemars(length(min = 1, max = limits::STEPS_PER_DEFINITION))]
    pub branches: Vec<Branch>,
    /// How many of them must complete; the rest is cancelled then.
    #[serde(default)]
    pub join: Join,
    /// What happens to the others when one fails and the join is out of reach.
    #[serde(default)]
    pub on_branch_failure: OnBranchFailure,
    /// Runs the whole step anew after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
}

/// A branch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Branch {
    /// Unique among its neighbours.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"))]
    pub name: String,
    /// What it does, in order.
    pub steps: Vec<Step>,
}

/// How many branches must complete: `ALL`, `ANY`, or `{count: n}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "JoinDocument", into = "JoinDocument")]
pub enum Join {
    /// Every branch.
    #[default]
    All,
    /// One.
    Any,
    /// So many, at least one.
    Count(u32),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum JoinDocument {
    Word(JoinWord),
    Count { count: u32 },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum JoinWord {
    All,
    Any,
}

impl From<JoinDocument> for Join {
    fn from(document: JoinDocument) -> Self {
        match document {
            JoinDocument::Word(JoinWord::All) => Self::All,
            JoinDocument::Word(JoinWord::Any) => Self::Any,
            JoinDocument::Count { count } => Self::Count(count),
        }
    }
}

impl From<Join> for JoinDocument {
    fn from(join: Join) -> Self {
        match join {
            Join::All => Self::Word(JoinWord::All),
            Join::Any => Self::Word(JoinWord::Any),
            Join::Count(count) => Self::Count { count },
        }
    }
}

impl JsonSchema for Join {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Join".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "How many branches must complete: ALL, ANY, or {count: n}.",
            "type": ["string", "object"],
            "if": { "type": "string" },
            "then": { "enum": ["ALL", "ANY"] },
            "else": {
                "properties": { "count": { "type": "integer", "minimum": 1, "maximum": limits::STEPS_PER_DEFINITION } },
                "required": ["count"],
                "additionalProperties": false,
            },
        })
    }
}

/// What happens to the other branches when the join is out of reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum OnBranchFailure {
    /// They are cancelled.
    #[default]
    Cancel,
    /// They finish, and the step fails after that.
    Wait,
}

/// Steps that run once for each item of an array, each time with variables of their own. The
/// output is the array of `result`s in the order of the items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MapStep {
    /// An expression that gives the array.
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub items: String,
    /// What is done for each; `item` and `index` are in scope.
    pub steps: Vec<Step>,
    /// An expression for what an iteration gives; by default the output of its last step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub result: Option<String>,
    /// How many iterations may run at once. Unlimited by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::MAP_ITERATIONS))]
    pub max_concurrency: Option<u32>,
    /// How many iterations may fail before the step does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = limits::MAP_ITERATIONS))]
    pub tolerated_failure_count: Option<u32>,
    /// Which share of all iterations may fail before the step does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub tolerated_failure_percentage: Option<f64>,
    /// How many items one iteration takes; `item` is then an array of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::MAP_ITERATIONS))]
    pub batch_size: Option<u32>,
    /// Runs the whole step anew after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
}

/// The first case that is true is taken. The output is the last of the case it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SwitchStep {
    /// The cases, in the order in which they are asked.
    pub cases: Vec<Case>,
    /// What is done when none is true. Without it, that is `NO_CASE_MATCHED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Vec<Step>>,
}

/// A case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// An expression.
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub when: String,
    /// What is done.
    pub steps: Vec<Step>,
}

/// Steps that repeat over the live variables. The output is the last turn's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoopStep {
    /// An expression, asked before each turn: it goes on while this is true.
    #[serde(rename = "while", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub while_true: Option<String>,
    /// An expression, asked after each turn: it ends when this is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub until: Option<String>,
    /// What is done in each turn; `index` is in scope.
    pub steps: Vec<Step>,
    /// Going on after so many turns is `MAX_ITERATIONS`.
    #[schemars(range(min = 1, max = limits::LOOP_TURNS))]
    pub max_iterations: u32,
}

/// A durable timer. The output is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WaitStep {
    /// How long: milliseconds, ISO 8601 without months and years, or an expression that gives
    /// either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<WaitDuration>,
    /// Until when: RFC 3339, or an expression that gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub until: Option<String>,
}

/// How long to wait, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WaitDuration {
    /// Milliseconds.
    Millis(u64),
    /// ISO 8601, or an expression.
    Text(String),
}

impl JsonSchema for WaitDuration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "WaitDuration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["integer", "string"],
            "minimum": 0,
            "maximum": limits::TIMER_MILLIS,
            "minLength": 1,
            "maxLength": limits::expression::SOURCE_CHARS,
        })
    }
}

/// Waits for a signal from outside; one that came early is kept. The output is its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignalStep {
    /// The name of the signal.
    #[schemars(length(min = 1, max = limits::REFERENCE_CHARS))]
    pub signal: String,
    /// Longest time to wait in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::TIMER_MILLIS))]
    pub timeout: Option<u64>,
    /// What happens then.
    #[serde(default)]
    pub on_timeout: OnTimeout,
}

/// What happens when a signal does not come in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum OnTimeout {
    /// The step fails with `TIMEOUT`.
    #[default]
    Fail,
    /// The step is over; its output is null.
    Continue,
}

/// A step that runs another workflow; its output is the child's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubWorkflowStep {
    /// The workflow to run.
    pub workflow_definition_id: DefinitionId,
    /// Which versions of it will do; the highest of them is pinned when the workflow starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "version_range_schema")]
    pub workflow_version: Option<VersionReq>,
    /// How its input is made. None: the input is `{}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_mappings: Vec<Mapping>,
    /// Runs a new child after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
    /// What happens to the child when this workflow ends first.
    #[serde(default)]
    pub on_parent_close: OnParentClose,
    /// The task that undoes a completed child, should the workflow fail later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensation: Option<Compensation>,
}

/// What happens to a child when its parent ends first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum OnParentClose {
    /// It is cancelled.
    #[default]
    Cancel,
    /// It goes on alone.
    Abandon,
}

/// A step that only sets variables, by its `variableMappings`; a plain DIRECT source is looked up
/// in the variables. The output is null.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetStep {}

/// Ends the workflow, cancelling what runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TerminateStep {
    /// As what it ends.
    pub status: EndStatus,
    /// An expression that gives the workflow's output; null by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub output: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StatedError>,
}

/// As what a workflow is made to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum EndStatus {
    /// It gave its output.
    Completed,
    /// It failed; compensations and error handlers run as after any failure.
    Failed,
}

/// An error that a definition states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatedError {
    /// The code, which `onError` entries ask for.
    #[schemars(length(min = 1, max = limits::REFERENCE_CHARS))]
    pub code: String,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = limits::ERROR_MESSAGE_CHARS))]
    pub message: String,
}

/// What is done when a step fails with one of these codes. Its own failure is the step's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErrorHandler {
    /// The codes; `*` is every code.
    #[schemars(length(min = 1))]
    pub error_codes: Vec<String>,
    /// What is done in the step's place; `error` is in scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// What follows.
    #[serde(default)]
    pub then: Then,
    /// How often RETRY_STEP may be used; 1 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::MAX_RETRIES))]
    pub max_retries: Option<u32>,
}

/// What follows the steps of an error handler.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Then {
    /// The step counts as done.
    #[default]
    Continue,
    /// The step fails with the first error.
    Fail,
    /// The step begins anew.
    RetryStep,
}

/// A range of versions, as Cargo and npm write the common ones.
pub(crate) fn version_range_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "string",
        "format": format::VERSION_RANGE,
        "maxLength": limits::VERSION_CHARS,
        "examples": ["^2.0.0"],
    })
}
