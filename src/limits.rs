//! The limits of the service, in one place. Each is checked with an error that names it.

/// Bytes of one definition, as compact JSON.
pub const DEFINITION_BYTES: usize = 256 * 1024;
/// Bytes of one input, output or set of variables, as compact JSON.
pub const PAYLOAD_BYTES: usize = 64 * 1024 * 1024;
/// Steps of one definition, counted at every depth.
pub const STEPS_PER_DEFINITION: usize = 1_000;
/// Steps around a step.
pub const ENCLOSING_STEPS: usize = 16;
/// Workflows that run inside each other, each started by the one around it.
pub const NESTED_WORKFLOWS: u32 = 100;
/// Iterations of one MAP.
pub const MAP_ITERATIONS: u32 = 1_000_000;
/// Iterations of one MAP that run at once.
pub const MAP_IN_FLIGHT: u32 = 10_000;
/// Iterations of a MAP that share a record.
pub const MAP_BATCH: u32 = 100;
/// Turns of one LOOP.
pub const LOOP_TURNS: u32 = 1_000_000_000;
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
/// Milliseconds within which an attempt is handed over to another system that tells its end.
pub const HANDOVER_MILLIS: u64 = 60_000;
/// Retries of the most patient policy.
pub const MAX_RETRIES: u32 = 100_000;
/// Tasks of one definition that its `concurrency` lets run at once: their places stand in one item.
pub const CONCURRENCY: u32 = 100;
/// Tasks that a rate lets begin in its period.
pub const RATE: u32 = 10_000;
/// Milliseconds of the shortest period of a rate: queues count whole seconds.
pub const SHORTEST_PERIOD_MILLIS: u64 = 1_000;
/// Milliseconds of the longest: a day.
pub const LONGEST_PERIOD_MILLIS: u64 = 24 * 60 * 60 * 1000;
/// How many attempts may be lost with their worker before the task fails.
pub const MAX_LOSSES: u32 = 3;
/// Attempts that an instance lists; older ones are dropped.
pub const ATTEMPTS_LISTED: usize = 20;
/// Completed tasks that a workflow's metrics list; the totals count all of them.
pub const COMPLETED_TASKS_LISTED: usize = 100;
/// Steps that a workflow lists as skipped; older ones are dropped.
pub const SKIPPED_LISTED: usize = 100;
/// Ids of requests that a workflow remembers; older ones are forgotten.
pub const REQUESTS_REMEMBERED: usize = 32;
/// Reruns that a workflow remembers; older ones are taken for retries.
pub const RERUNS_REMEMBERED: usize = 16;
/// Tasks of a workflow that a rerun looks through to find a step.
pub const TASKS_RECALLED: usize = 10_000;
/// Bytes of what those tasks gave and of the variables that they saw, as compact JSON, variables
/// that several saw counted once.
pub const RECALLED_BYTES: usize = 256 * 1024 * 1024;
/// Times that steps of a workflow were begun anew, of each of which a rerun looks for children.
pub const GENERATIONS_RECALLED: u32 = 64;
/// Signals that a workflow keeps until somebody waits for them.
pub const SIGNALS_KEPT: usize = 1_000;
/// Bytes of those signals and of the outputs of steps that are to be skipped, as compact JSON with
/// their names; and of the outputs that a workflow lists of steps that were.
pub const KEPT_BYTES: usize = 1024 * 1024;
/// Turns of loops that one decision begins: a loop that waits for nothing goes on in the next.
pub const TURNS_OF_A_DECISION: u32 = 100;
/// Messages in a row that may change nothing: twice what Lambda's recursion detection allows, and
/// several times what any race between functions takes.
pub const MESSAGES_WITHOUT_CHANGE: u32 = 32;
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
/// Characters of a task reference, correlation id, idempotency key, person or group.
pub const REFERENCE_CHARS: usize = 256;

/// Users, or groups, that a task names as candidates.
pub const CANDIDATES: usize = 100;
/// Characters of a comment on a task.
pub const COMMENT_CHARS: usize = 4_096;
/// The last acts of people that a task shows; all are kept.
pub const ACTS_LISTED: usize = 1_000;

/// Characters of a schedule's cron expression.
pub const CRON_CHARS: usize = 256;
/// Characters of the name of a time zone.
pub const TIME_ZONE_CHARS: usize = 64;
/// Times that a schedule starts at once after an interruption.
pub const CATCH_UP: u32 = 1_000;
/// Bytes of a schedule's definition, as compact JSON: its record is written at each of its times.
pub const SCHEDULE_BYTES: usize = 32 * 1024;
/// Times of which a schedule lists what became of them; older ones are dropped.
pub const RUNS_LISTED: usize = 10;

/// Refusals that a bulk operation lists; all are counted.
pub const BULK_FAILURES: usize = 100;
/// Records that a dry run of a bulk operation names.
pub const BULK_NAMED: usize = 100;

/// Bytes of what a worker tells of its progress, as compact JSON.
pub const PROGRESS_BYTES: usize = 1024;
/// Characters by which a worker calls itself.
pub const WORKER_CHARS: usize = 128;
/// Tasks that a worker polls for at a time, as many as SQS hands out.
pub const POLLED_TASKS: u8 = 10;
/// Seconds that a poll may wait for the first, as long as SQS does.
pub const POLL_SECONDS: u8 = 20;

/// Bytes of the body of an HTTP request: Lambda takes 6 MiB with everything around it.
pub const REQUEST_BYTES: usize = 5 * 1024 * 1024;
/// Arrays and objects inside each other in the body of an HTTP request: those of an input, and of
/// what is around it.
pub const REQUEST_DEPTH: usize = DOCUMENT_DEPTH + 10;
/// Bytes of an answer, written as a text in JSON, that goes through a gateway: Lambda gives back
/// 6 MiB with everything around it.
pub const ANSWER_BYTES: usize = 5 * 1024 * 1024;
/// Entries of one page of a list.
pub const PAGE_ENTRIES: usize = 1_000;
/// Tasks that a workflow shows with itself; the list of its tasks has them all.
pub const TASKS_SHOWN: usize = 100;
/// Seconds that a start may wait for the end, less than a gateway waits for an answer.
pub const WAIT_SECONDS: u64 = 25;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::WorkerGroup;

    const PAGE: &str = include_str!("../docs/limits.md");

    /// Checks that the row of the page that begins so gives this number.
    #[track_caller]
    fn check(row: &str, number: &str) {
        let start = format!("| {row} | {number} |");
        assert!(PAGE.contains(&start), "the page lacks: {start}");
    }

    fn bytes(row: &str, bytes: usize) {
        const KIB: usize = 1024;
        const MIB: usize = KIB * KIB;
        match bytes {
            _ if bytes.is_multiple_of(MIB) => check(row, &format!("{} MiB", bytes / MIB)),
            _ => check(row, &format!("{} KiB", bytes / KIB)),
        }
    }

    fn count(row: &str, count: u64) {
        let digits = count.to_string();
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        check(row, &text);
    }

    #[test]
    fn the_page_gives_every_limit() {
        bytes("One definition, as compact JSON", DEFINITION_BYTES);
        bytes(
            "An input, an output, or the variables of a workflow, as compact JSON",
            PAYLOAD_BYTES,
        );
        bytes(
            "A text that holds definitions, before it is read",
            DOCUMENT_TEXT_BYTES,
        );
        bytes("An error's details, as compact JSON", ERROR_DETAILS_BYTES);
        bytes(
            "What a worker tells of its progress, as compact JSON",
            PROGRESS_BYTES,
        );
        bytes("One of them, compiled", expression::PATTERN_BYTES);
        bytes(
            "These signals and the outputs of steps to be skipped, as compact JSON with their names",
            KEPT_BYTES,
        );
        bytes("The outputs of these steps, as compact JSON", KEPT_BYTES);
        bytes(
            "What these tasks gave and the variables that they saw, as compact JSON",
            RECALLED_BYTES,
        );
        bytes("One schedule, as compact JSON", SCHEDULE_BYTES);
        bytes("The body of a request", REQUEST_BYTES);
        bytes("The body that is a definition", DOCUMENT_TEXT_BYTES);
        bytes(
            "An answer that goes through API Gateway, written as a text in JSON",
            ANSWER_BYTES,
        );
        let counts = [
            (
                "Arrays and objects inside each other in a body",
                REQUEST_DEPTH as u64,
            ),
            ("Entries of a page", PAGE_ENTRIES as u64),
            (
                "Tasks that are shown with their workflow",
                TASKS_SHOWN as u64,
            ),
            ("Seconds of `Prefer: wait`", WAIT_SECONDS),
            ("Steps of a definition", STEPS_PER_DEFINITION as u64),
            (
                "Values of such a text, aliases counted as what they stand for",
                DOCUMENT_VALUES as u64,
            ),
            ("Steps around a step", ENCLOSING_STEPS as u64),
            ("Iterations of a MAP", MAP_ITERATIONS.into()),
            ("Turns of a LOOP", LOOP_TURNS.into()),
            ("Problems that are told of one text", PROBLEMS as u64),
            ("Values around a value in a document", DOCUMENT_DEPTH as u64),
            (
                "Arrays and objects inside each other in one of them",
                DOCUMENT_DEPTH as u64,
            ),
            (
                "A time limit or interval, in milliseconds: 366 days",
                TIMER_MILLIS,
            ),
            ("Retries of a policy or a rule", MAX_RETRIES.into()),
            ("Refusals that a bulk operation lists", BULK_FAILURES as u64),
            (
                "Records that a dry run of a bulk operation names",
                BULK_NAMED as u64,
            ),
            ("A cron expression, in characters", CRON_CHARS as u64),
            (
                "The name of a time zone, in characters",
                TIME_ZONE_CHARS as u64,
            ),
            (
                "Times that `catchUp: ALL` starts after an interruption",
                CATCH_UP.into(),
            ),
            (
                "Times of which a schedule lists what became of them",
                RUNS_LISTED as u64,
            ),
            (
                "Tasks that `concurrency` lets run at once",
                CONCURRENCY.into(),
            ),
            ("Tasks that a rate lets begin in its period", RATE.into()),
            (
                "The shortest period of a rate, in milliseconds",
                SHORTEST_PERIOD_MILLIS,
            ),
            (
                "The longest period of a rate, in milliseconds: a day",
                LONGEST_PERIOD_MILLIS,
            ),
            ("Losses of a task with its worker", MAX_LOSSES.into()),
            ("Attempts that a task lists", ATTEMPTS_LISTED as u64),
            (
                "Completed tasks that a workflow's metrics list",
                COMPLETED_TASKS_LISTED as u64,
            ),
            ("Skipped steps that a workflow lists", SKIPPED_LISTED as u64),
            (
                "Request ids of operations that a workflow remembers",
                REQUESTS_REMEMBERED as u64,
            ),
            ("Reruns that a workflow remembers", RERUNS_REMEMBERED as u64),
            (
                "Tasks that a rerun looks through to find its step, those of iterations not counted",
                TASKS_RECALLED as u64,
            ),
            (
                "Steps begun anew in a workflow of which a step with a child, or behind one, is rerun",
                GENERATIONS_RECALLED.into(),
            ),
            ("Signals that nobody waits for yet", SIGNALS_KEPT as u64),
            (
                "Turns of LOOPs that one decision begins",
                TURNS_OF_A_DECISION.into(),
            ),
            (
                "Messages in a row that change nothing",
                MESSAGES_WITHOUT_CHANGE.into(),
            ),
            (
                "An error's message, in characters",
                ERROR_MESSAGE_CHARS as u64,
            ),
            (
                "An error's stack trace, in characters",
                STACK_TRACE_CHARS as u64,
            ),
            (
                "The answer of a system that calls back, in milliseconds",
                HANDOVER_MILLIS,
            ),
            ("A name, in characters", NAME_CHARS as u64),
            ("A description, in characters", DESCRIPTION_CHARS as u64),
            (
                "An executor reference, in characters",
                EXECUTOR_CHARS as u64,
            ),
            (
                "A version or a range of versions, in characters",
                VERSION_CHARS as u64,
            ),
            ("A mapping's path, in characters", PATH_CHARS as u64),
            (
                "A task reference, correlation id or idempotency key, in characters",
                REFERENCE_CHARS as u64,
            ),
            ("A person or a group, in characters", REFERENCE_CHARS as u64),
            (
                "Candidate users, or candidate groups, of a task",
                CANDIDATES as u64,
            ),
            ("A comment on a task, in characters", COMMENT_CHARS as u64),
            ("Acts of people that a task lists", ACTS_LISTED as u64),
            ("Values that it makes or visits", expression::STEPS),
            (
                "Calls inside each other, and values inside each other",
                expression::DEPTH as u64,
            ),
            ("Characters of its source", expression::SOURCE_CHARS as u64),
            (
                "Regular expressions in its source",
                expression::PATTERNS as u64,
            ),
            (
                "What a worker calls itself, in characters",
                WORKER_CHARS as u64,
            ),
            (
                "A group of workers, in characters",
                WorkerGroup::MAX_LENGTH as u64,
            ),
            ("Tasks of one poll of a worker", POLLED_TASKS.into()),
            ("Seconds that a poll waits", POLL_SECONDS.into()),
        ];
        for (row, limit) in counts {
            count(row, limit);
        }
        let text = usize::try_from(expression::BYTES).expect("it is a size in memory");
        bytes("Bytes of text that it builds", text);
    }
}
