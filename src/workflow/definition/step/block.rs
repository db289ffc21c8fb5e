//! Steps that hold lists of steps: PARALLEL, MAP, SWITCH and LOOP.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Step;
use crate::limits;
use crate::task::retry::RetryPolicy;

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
