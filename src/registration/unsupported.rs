//! What the seeds and the language know and nothing here can honour yet: the one table of it, and
//! the table of what only some executors can honour.
//!
//! Such a field is refused with its reason, never ignored. `docs/fields.md` shows both tables.

/// One thing that is known and refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsupported {
    /// The type of the language that has it, as the published schema names it.
    pub place: &'static str,
    /// The field.
    pub field: &'static str,
    /// Whether the field is refused, or one value of it.
    pub what: What,
    /// Why.
    pub reason: &'static str,
}

/// What of a field is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The field, whatever it holds.
    Field,
    /// This value alone.
    Value(&'static str),
}

/// All that is known and refused.
pub const TABLE: &[Unsupported] = &[
    value(
        TASK,
        "type",
        "MANUAL",
        "there is no way yet for people to claim and complete tasks",
    ),
    field(
        TASK,
        "assignment",
        "it belongs to MANUAL tasks, and people cannot take tasks yet",
    ),
    field(
        TASK,
        "concurrency",
        "nothing here counts the running tasks of a definition yet",
    ),
    field(
        TASK,
        "rateLimit",
        "nothing here counts the starts of a definition yet",
    ),
    field("Timeouts", "heartbeat", "no executor sends heartbeats yet"),
    field(
        WORKFLOW,
        "errorHandlers",
        "nothing runs after a workflow has failed yet",
    ),
    field(STEP, "dependsOn", "steps run in order, one after another"),
    field(
        STEP,
        "onError",
        "a failure is not handled by other steps yet; use retryPolicy or continueOnFailure",
    ),
    field(STEP, "compensation", "nothing undoes completed steps yet"),
    field(
        STEP,
        "assignment",
        "it belongs to MANUAL tasks, and people cannot take tasks yet",
    ),
    value(STEP, "type", "PARALLEL", SEQUENTIAL),
    field(STEP, "branches", OF_PARALLEL),
    field(STEP, "join", OF_PARALLEL),
    field(STEP, "onBranchFailure", OF_PARALLEL),
    value(STEP, "type", "MAP", SEQUENTIAL),
    field(STEP, "items", OF_MAP),
    field(STEP, "result", OF_MAP),
    field(STEP, "maxConcurrency", OF_MAP),
    field(STEP, "toleratedFailureCount", OF_MAP),
    field(STEP, "toleratedFailurePercentage", OF_MAP),
    field(STEP, "batchSize", OF_MAP),
    value(STEP, "type", "SWITCH", SEQUENTIAL),
    field(
        STEP,
        "cases",
        "it belongs to SWITCH steps, which do not run yet; use condition",
    ),
    field(
        STEP,
        "otherwise",
        "it belongs to SWITCH steps, which do not run yet; use condition",
    ),
    value(STEP, "type", "LOOP", SEQUENTIAL),
    field(
        STEP,
        "steps",
        "it belongs to MAP and LOOP steps, which do not run yet",
    ),
    field(STEP, "while", OF_LOOP),
    field(
        STEP,
        "until",
        "it belongs to LOOP and WAIT steps, which do not run yet",
    ),
    field(STEP, "maxIterations", OF_LOOP),
    value(STEP, "type", "WAIT", SEQUENTIAL),
    field(
        STEP,
        "duration",
        "it belongs to WAIT steps, which do not run yet",
    ),
    value(STEP, "type", "SIGNAL", SEQUENTIAL),
    field(STEP, "signal", OF_SIGNAL),
    field(STEP, "onTimeout", OF_SIGNAL),
    value(STEP, "type", "SUB_WORKFLOW", SEQUENTIAL),
    field(STEP, "workflowDefinitionId", OF_SUB_WORKFLOW),
    field(STEP, "workflowVersion", OF_SUB_WORKFLOW),
    field(STEP, "onParentClose", OF_SUB_WORKFLOW),
    value(STEP, "type", "SET", SEQUENTIAL),
    value(STEP, "type", "TERMINATE", SEQUENTIAL),
    field(STEP, "status", OF_TERMINATE),
    field(STEP, "output", OF_TERMINATE),
    field(STEP, "error", OF_TERMINATE),
];

const TASK: &str = "TaskDefinition";
const WORKFLOW: &str = "WorkflowDefinition";
const STEP: &str = "Step";
const SEQUENTIAL: &str = "a workflow is a sequence of TASK steps here";
const OF_PARALLEL: &str = "it belongs to PARALLEL steps, which do not run yet";
const OF_MAP: &str = "it belongs to MAP steps, which do not run yet";
const OF_LOOP: &str = "it belongs to LOOP steps, which do not run yet";
const OF_SIGNAL: &str = "it belongs to SIGNAL steps, which do not run yet";
const OF_SUB_WORKFLOW: &str = "it belongs to SUB_WORKFLOW steps, which do not run yet";
const OF_TERMINATE: &str = "it belongs to TERMINATE steps, which do not run yet";

/// A field of `executionConfig` that one kind of executor cannot honour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Combination {
    /// The kind of executor, with its colon.
    pub executor: &'static str,
    /// The names that lead to the field.
    pub field: &'static [&'static str],
    /// Why.
    pub reason: &'static str,
}

/// All that is refused beside some executors.
pub const COMBINATIONS: &[Combination] = &[
    with("process:", &["request"], "only http: sends requests"),
    with(
        "process:",
        RUN_AS,
        "a program runs as the user of the service, which cannot become another",
    ),
    with("lambda:", &["request"], "only http: sends requests"),
    with("lambda:", DISK, "a function's disk is set on the function"),
    with(
        "http:",
        &["environmentVariables"],
        "a request has no environment; use request.headers",
    ),
    with("http:", CPU, ELSEWHERE),
    with("http:", MEMORY, ELSEWHERE),
    with("http:", DISK, ELSEWHERE),
    with("builtin:", &["request"], "only http: sends requests"),
    with(
        "builtin:",
        &["environmentVariables"],
        "a builtin reads no environment",
    ),
    with("builtin:", CPU, UNLIMITED),
    with("builtin:", MEMORY, UNLIMITED),
    with("builtin:", DISK, UNLIMITED),
    with("builtin:", RUN_AS, "a builtin acts as nobody"),
];

const RUN_AS: &[&str] = &["securityContext", "runAs"];
const CPU: &[&str] = &["resourceRequirements", "cpu"];
const MEMORY: &[&str] = &["resourceRequirements", "memory"];
const DISK: &[&str] = &["resourceRequirements", "disk"];
const ELSEWHERE: &str = "the work is done elsewhere, where nothing here can limit it";
const UNLIMITED: &str = "a builtin uses nothing that could be limited";

/// Why a field is refused, if it is one that is known.
pub(super) fn field_reason(place: &str, name: &str) -> Option<&'static str> {
    reason(place, name, |what| what == What::Field)
}

/// Why a value of a field is refused, if it is one that is known.
pub(super) fn value_reason(place: &str, name: &str, value: &str) -> Option<&'static str> {
    reason(
        place,
        name,
        |what| matches!(what, What::Value(known) if known == value),
    )
}

fn reason(place: &str, name: &str, meant: impl Fn(What) -> bool) -> Option<&'static str> {
    TABLE
        .iter()
        .find(|one| one.place == place && one.field == name && meant(one.what))
        .map(|one| one.reason)
}

const fn field(place: &'static str, field: &'static str, reason: &'static str) -> Unsupported {
    Unsupported {
        place,
        field,
        what: What::Field,
        reason,
    }
}

const fn value(
    place: &'static str,
    field: &'static str,
    value: &'static str,
    reason: &'static str,
) -> Unsupported {
    Unsupported {
        place,
        field,
        what: What::Value(value),
        reason,
    }
}

const fn with(
    executor: &'static str,
    field: &'static [&'static str],
    reason: &'static str,
) -> Combination {
    Combination {
        executor,
        field,
        reason,
    }
}
