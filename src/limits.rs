//! The limits of the service, in one place. Each is checked with an error that names it.

/// Bytes of one definition, as compact JSON.
pub const DEFINITION_BYTES: usize = 256 * 1024;
/// Bytes of one input, output or set of variables, as compact JSON.
pub const PAYLOAD_BYTES: usize = 64 * 1024 * 1024;
/// Steps of one definition, counted at every depth.
pub const STEPS_PER_DEFINITION: usize = 1_000;
/// Bytes of one text that holds documents, before it is read.
pub const DOCUMENT_TEXT_BYTES: usize = 1024 * 1024;
/// Values of one text that holds documents, aliases counted as what they stand for.
pub const DOCUMENT_VALUES: usize = 250_000;
/// Problems of one text that are told; those after them are not.
pub const PROBLEMS: usize = 1_000;
/// Values around a value in a document; deeper ones are refused before they are read.
pub const DOCUMENT_DEPTH: usize = 100;
/// Milliseconds of the longest time limit or timer: a year of 366 days.
pub const TIMER_MILLIS: u64 = 366 * 24 * 60 * 60 * 1000;
/// Retries of the most patient policy.
pub const MAX_RETRIES: u32 = 100_000;
/// How many attempts may be lost with their worker before the task fails.
pub const MAX_LOSSES: u32 = 3;
/// Attempts that an instance lists; older ones are dropped.
pub const ATTEMPTS_LISTED: usize = 20;
/// Completed tasks that a workflow's metrics list; the totals count all of them.
pub const COMPLETED_TASKS_LISTED: usize = 100;
/// Characters of an error's message; longer ones are cut.
pub const ERROR_MESSAGE_CHARS: usize = 4_096;
/// Bytes of an error's details, as compact JSON; larger ones are replaced by a note.
pub const ERROR_DETAILS_BYTES: usize = 16 * 1024;
/// Characters of an error's stack trace; longer ones are cut.
pub const STACK_TRACE_CHARS: usize = 8_192;
/// Characters of a name for people.
pub const NAME_CHARS: usize = 256;
/// Characters of a description for people.
pub const DESCRIPTION_CHARS: usize = 4_096;
/// Characters of an executor reference.
pub const EXECUTOR_CHARS: usize = 4_096;
/// Characters of a version or a range of versions: it is part of a key.
pub const VERSION_CHARS: usize = 64;
/// Characters of a mapping's path.
pub const PATH_CHARS: usize = 1_024;
/// Characters of a task reference, correlation id or idempotency key.
pub const REFERENCE_CHARS: usize = 256;

/// What one evaluation of an expression may use.
pub mod expression {
    /// Values that it may make or visit.
    pub const STEPS: u64 = 1_000_000;
    /// Bytes that it may build.
    pub const BYTES: u64 = 16 * 1024 * 1024;
    /// Calls and values inside each other.
    pub const DEPTH: usize = 200;
    /// Characters of its source.
    pub const SOURCE_CHARS: usize = 64 * 1024;
    /// Regular expressions in its source.
    pub const PATTERNS: usize = 50;
    /// Bytes of one of them when it is compiled.
    pub const PATTERN_BYTES: usize = 256 * 1024;
}
