//! What only some executors can honour: the one table of it.
//!
//! Beside the others such a field is refused with its reason, never ignored. `docs/fields.md` shows
//! the table.

/// The fields of `executionConfig` that speak to an executor: a MANUAL task has none.
pub const OF_EXECUTORS: [&str; 5] = [
    "executor",
    "callback",
    "resourceRequirements",
    "environmentVariables",
    "request",
];

/// A field of a task definition that one kind of executor cannot honour.
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
    with("process:", REQUEST, "nothing is asked with one"),
    with("process:", CALLBACK, "the end of a program is its own"),
    with(
        "process:",
        RUN_AS,
        "a program runs as the user of the service, which cannot become another",
    ),
    with("lambda:", REQUEST, "nothing is asked with one"),
    with("lambda:", CALLBACK, WAITED_FOR),
    with("lambda:", HEARTBEAT, SILENT),
    with("lambda:", DISK, "a function's disk is set on the function"),
    with("states:", REQUEST, "nothing is asked with one"),
    with("states:", CALLBACK, WAITED_FOR),
    with(
        "states:",
        ENVIRONMENT,
        "an execution has no environment; map what it needs into the input",
    ),
    with("states:", HEARTBEAT, SILENT),
    with("states:", CPU, ELSEWHERE),
    with("states:", MEMORY, ELSEWHERE),
    with("states:", DISK, ELSEWHERE),
    with("sqs:", METHOD, "a message has none"),
    with("sqs:", HEADERS, "its attributes name the attempt"),
    with(
        "sqs:",
        ENVIRONMENT,
        "a message has no environment; use request.body",
    ),
    with("sqs:", HEARTBEAT, SILENT),
    with("sqs:", CPU, ELSEWHERE),
    with("sqs:", MEMORY, ELSEWHERE),
    with("sqs:", DISK, ELSEWHERE),
    with("events:", METHOD, "an event has none"),
    with("events:", HEADERS, "its detail names the attempt"),
    with(
        "events:",
        ENVIRONMENT,
        "an event has no environment; use request.body",
    ),
    with("events:", HEARTBEAT, SILENT),
    with("events:", CPU, ELSEWHERE),
    with("events:", MEMORY, ELSEWHERE),
    with("events:", DISK, ELSEWHERE),
    with(
        "http:",
        ENVIRONMENT,
        "a request has no environment; use request.headers",
    ),
    with("http:", HEARTBEAT, SILENT),
    with("http:", CPU, ELSEWHERE),
    with("http:", MEMORY, ELSEWHERE),
    with("http:", DISK, ELSEWHERE),
    with("worker:", REQUEST, "nothing is asked with one"),
    with("worker:", CALLBACK, "a worker tells the end itself"),
    with(
        "worker:",
        ENVIRONMENT,
        "a worker has its own environment; map what it needs into the input",
    ),
    with("worker:", RUN_AS, "a worker acts as itself"),
    with("builtin:", HEARTBEAT, "a builtin gives no sign of life"),
    with("builtin:", REQUEST, "nothing is asked with one"),
    with("builtin:", CALLBACK, "a builtin asks nobody"),
    with("builtin:", ENVIRONMENT, "a builtin reads no environment"),
    with("builtin:", CPU, UNLIMITED),
    with("builtin:", MEMORY, UNLIMITED),
    with("builtin:", DISK, UNLIMITED),
    with("builtin:", RUN_AS, "a builtin acts as nobody"),
];

const CONFIG: &str = "executionConfig";
const RESOURCES: &str = "resourceRequirements";
const REQUEST: &[&str] = &[CONFIG, "request"];
const METHOD: &[&str] = &[CONFIG, "request", "method"];
const HEADERS: &[&str] = &[CONFIG, "request", "headers"];
const CALLBACK: &[&str] = &[CONFIG, "callback"];
const ENVIRONMENT: &[&str] = &[CONFIG, "environmentVariables"];
const RUN_AS: &[&str] = &[CONFIG, "securityContext", "runAs"];
const CPU: &[&str] = &[CONFIG, RESOURCES, "cpu"];
const MEMORY: &[&str] = &[CONFIG, RESOURCES, "memory"];
const DISK: &[&str] = &[CONFIG, RESOURCES, "disk"];
/// Where a task definition asks for heartbeats.
pub(super) const HEARTBEAT: &[&str] = &["timeouts", "heartbeat"];
const SILENT: &str = "what runs there has no way to give a sign of life";
const ELSEWHERE: &str = "the work is done elsewhere, where nothing here can limit it";
const WAITED_FOR: &str = "its end is waited for";
const UNLIMITED: &str = "a builtin uses nothing that could be limited";

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
