//! The stable codes of failures, refusals and registration problems.
//!
//! They are part of the interface: users match on them in `retryPolicy`, in `onError` and in
//! programs. `docs/codes.md` gives the cause and remedy of each.

/// Why a task or a workflow failed.
pub mod failure {
    /// The input breaks the definition's `inputSchema`.
    pub const INVALID_INPUT: &str = "INVALID_INPUT";
    /// The output breaks the definition's `outputSchema`, or is not JSON.
    pub const INVALID_OUTPUT: &str = "INVALID_OUTPUT";
    /// An expression failed, exceeded a limit, or gave a value of the wrong type.
    pub const EXPRESSION_ERROR: &str = "EXPRESSION_ERROR";
    /// A mapping with `required: true` found no source.
    pub const MAPPING_SOURCE_MISSING: &str = "MAPPING_SOURCE_MISSING";
    /// No case of a SWITCH was true and it has no `otherwise`.
    pub const NO_CASE_MATCHED: &str = "NO_CASE_MATCHED";
    /// A LOOP reached its limit while it would have gone on.
    pub const MAX_ITERATIONS: &str = "MAX_ITERATIONS";
    /// The security context lacks a permission that the task requires.
    pub const PERMISSION_DENIED: &str = "PERMISSION_DENIED";
    /// Nothing here can run the executor that the definition names.
    pub const EXECUTOR_NOT_FOUND: &str = "EXECUTOR_NOT_FOUND";
    /// The task may not reach what its executor names.
    pub const TARGET_NOT_ALLOWED: &str = "TARGET_NOT_ALLOWED";
    /// A payload is over its limit.
    pub const PAYLOAD_TOO_LARGE: &str = "PAYLOAD_TOO_LARGE";
    /// A time limit passed; `details.kind` says which.
    pub const TIMEOUT: &str = "TIMEOUT";
    /// The worker that ran the attempt disappeared, more often than is allowed.
    pub const WORKER_LOST: &str = "WORKER_LOST";
    /// A TERMINATE step ended the workflow and states no code.
    pub const TERMINATED: &str = "TERMINATED";
    /// A state machine waits for the task, and the output is larger than it takes.
    pub const OUTPUT_TOO_LARGE: &str = "OUTPUT_TOO_LARGE";
    /// It was cancelled; `details.reason` says why.
    pub const CANCELLED: &str = "CANCELLED";

    /// Codes that a retry cannot mend: they are retried only when a policy lists them.
    pub const PERMANENT: [&str; 10] = [
        INVALID_INPUT,
        INVALID_OUTPUT,
        EXPRESSION_ERROR,
        MAPPING_SOURCE_MISSING,
        NO_CASE_MATCHED,
        MAX_ITERATIONS,
        PERMISSION_DENIED,
        EXECUTOR_NOT_FOUND,
        TARGET_NOT_ALLOWED,
        PAYLOAD_TOO_LARGE,
    ];
}

/// Why a request was refused. Nothing was changed.
pub mod refusal {
    /// No such record for this tenant.
    pub const NOT_FOUND: &str = "NOT_FOUND";
    /// The record's state does not allow it.
    pub const ILLEGAL_STATE: &str = "ILLEGAL_STATE";
    /// Another writer was first.
    pub const VERSION_CONFLICT: &str = "VERSION_CONFLICT";
    /// The idempotency key was used with another request.
    pub const IDEMPOTENCY_CONFLICT: &str = "IDEMPOTENCY_CONFLICT";
    /// The person is no candidate for the task.
    pub const NOT_A_CANDIDATE: &str = "NOT_A_CANDIDATE";
    /// Somebody else has the task.
    pub const ALREADY_CLAIMED: &str = "ALREADY_CLAIMED";
    /// Only the assignee may do this.
    pub const NOT_THE_ASSIGNEE: &str = "NOT_THE_ASSIGNEE";
    /// Something that the request depends on failed; the same request may succeed later.
    pub const UNAVAILABLE: &str = "UNAVAILABLE";
    /// The request breaks a schema.
    pub const INVALID_INPUT: &str = super::failure::INVALID_INPUT;
    /// The caller lacks a permission.
    pub const PERMISSION_DENIED: &str = super::failure::PERMISSION_DENIED;
    /// A payload is over its limit.
    pub const PAYLOAD_TOO_LARGE: &str = super::failure::PAYLOAD_TOO_LARGE;
    /// Nobody is known to ask.
    pub const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
    /// The request cannot be read.
    pub const MALFORMED: &str = super::registration::MALFORMED;
    /// A value outside what is allowed.
    pub const OUT_OF_RANGE: &str = super::registration::OUT_OF_RANGE;
    /// What is asked is there, but is not asked in this way.
    pub const METHOD_NOT_ALLOWED: &str = "METHOD_NOT_ALLOWED";
    /// The record is not in the version that the caller expects.
    pub const PRECONDITION_FAILED: &str = "PRECONDITION_FAILED";
    /// A body of a type that is not read here.
    pub const UNSUPPORTED_MEDIA_TYPE: &str = "UNSUPPORTED_MEDIA_TYPE";

    /// Every one of them.
    pub const ALL: [&str; 17] = [
        NOT_FOUND,
        ILLEGAL_STATE,
        VERSION_CONFLICT,
        IDEMPOTENCY_CONFLICT,
        NOT_A_CANDIDATE,
        ALREADY_CLAIMED,
        NOT_THE_ASSIGNEE,
        UNAVAILABLE,
        INVALID_INPUT,
        PERMISSION_DENIED,
        PAYLOAD_TOO_LARGE,
        UNAUTHENTICATED,
        MALFORMED,
        OUT_OF_RANGE,
        METHOD_NOT_ALLOWED,
        PRECONDITION_FAILED,
        UNSUPPORTED_MEDIA_TYPE,
    ];
}

/// What is wrong with a definition.
pub mod registration {
    /// The text is neither JSON nor YAML.
    pub const MALFORMED: &str = "MALFORMED";
    /// A field that the language does not have.
    pub const UNKNOWN_FIELD: &str = "UNKNOWN_FIELD";
    /// A field that must be there is not.
    pub const MISSING_FIELD: &str = "MISSING_FIELD";
    /// A value of the wrong type or form.
    pub const WRONG_TYPE: &str = "WRONG_TYPE";
    /// A step names a task definition, or a version of one, that does not exist.
    pub const UNKNOWN_TASK_DEFINITION: &str = "UNKNOWN_TASK_DEFINITION";
    /// A step names a workflow definition that does not exist.
    pub const UNKNOWN_WORKFLOW_DEFINITION: &str = "UNKNOWN_WORKFLOW_DEFINITION";
    /// Two things of one name.
    pub const DUPLICATE_NAME: &str = "DUPLICATE_NAME";
    /// `dependsOn` names a step that is not there.
    pub const UNKNOWN_STEP: &str = "UNKNOWN_STEP";
    /// `dependsOn` goes round in a circle.
    pub const CYCLE: &str = "CYCLE";
    /// An expression that does not parse.
    pub const BAD_EXPRESSION: &str = "BAD_EXPRESSION";
    /// A JSON Schema that does not compile.
    pub const BAD_SCHEMA: &str = "BAD_SCHEMA";
    /// A time or duration that cannot be read.
    pub const BAD_TIME: &str = "BAD_TIME";
    /// A cron expression that cannot be read, or that never comes.
    pub const BAD_CRON: &str = "BAD_CRON";
    /// A time zone that the database of time zones does not have.
    pub const UNKNOWN_TIME_ZONE: &str = "UNKNOWN_TIME_ZONE";
    /// A value outside what is allowed.
    pub const OUT_OF_RANGE: &str = "OUT_OF_RANGE";
    /// A variable with the name of a scope.
    pub const RESERVED_NAME: &str = "RESERVED_NAME";
    /// Something that must have content has none.
    pub const EMPTY: &str = "EMPTY";
    /// Too many steps around a step, or values around a value.
    pub const TOO_DEEP: &str = "TOO_DEEP";
    /// A document, or a list in it, over its limit.
    pub const TOO_LARGE: &str = "TOO_LARGE";
    /// The version is registered already, with other content.
    pub const VERSION_EXISTS: &str = "VERSION_EXISTS";
    /// Nothing can run the executor that the definition names.
    pub const EXECUTOR_NOT_FOUND: &str = super::failure::EXECUTOR_NOT_FOUND;
    /// Tasks of this tenant may not reach what the executor names.
    pub const TARGET_NOT_ALLOWED: &str = super::failure::TARGET_NOT_ALLOWED;
    /// A warning: a variable is read that nothing sets.
    pub const UNSET_VARIABLE: &str = "UNSET_VARIABLE";
    /// A warning: `!=` or `$not` of a value that may be missing, which is false then.
    pub const MAYBE_MISSING: &str = "MAYBE_MISSING";
    /// A warning: branches of a PARALLEL set the same variable.
    pub const CONTESTED_VARIABLE: &str = "CONTESTED_VARIABLE";
    /// A field that is known, but that nothing here can honour; the message says why.
    pub const NOT_SUPPORTED: &str = "NOT_SUPPORTED";
    /// An export: the other language cannot say it.
    pub const EXPORT_UNSUPPORTED: &str = "EXPORT_UNSUPPORTED";
    /// An export, a warning: the other language says something a little different.
    pub const EXPORT_DIFFERS: &str = "EXPORT_DIFFERS";

    /// Every one of them.
    pub const ALL: [&str; 28] = [
        MALFORMED,
        UNKNOWN_FIELD,
        MISSING_FIELD,
        WRONG_TYPE,
        UNKNOWN_TASK_DEFINITION,
        UNKNOWN_WORKFLOW_DEFINITION,
        DUPLICATE_NAME,
        UNKNOWN_STEP,
        CYCLE,
        BAD_EXPRESSION,
        BAD_SCHEMA,
        BAD_TIME,
        BAD_CRON,
        UNKNOWN_TIME_ZONE,
        OUT_OF_RANGE,
        RESERVED_NAME,
        EMPTY,
        TOO_DEEP,
        TOO_LARGE,
        VERSION_EXISTS,
        EXECUTOR_NOT_FOUND,
        TARGET_NOT_ALLOWED,
        UNSET_VARIABLE,
        MAYBE_MISSING,
        CONTESTED_VARIABLE,
        NOT_SUPPORTED,
        EXPORT_UNSUPPORTED,
        EXPORT_DIFFERS,
    ];
}

#[cfg(test)]
mod tests {
    const SOURCE: &str = include_str!("codes.rs");
    const PAGE: &str = include_str!("../docs/codes.md");

    /// The codes of a module above, as this file states them.
    fn codes_of(module: &str) -> Vec<&'static str> {
        let start = format!("pub mod {module} {{");
        let (_, rest) = SOURCE.split_once(&start).expect("the module is above");
        let (inside, _) = rest.split_once("\n}").expect("a module ends");
        inside
            .lines()
            .filter_map(|line| {
                line.trim()
                    .strip_prefix("pub const ")?
                    .split(": &str")
                    .next()
            })
            .filter(|name| !name.contains(' '))
            .collect()
    }

    /// The codes that have a row in a part of the page.
    fn rows_of(part: &str) -> Vec<&'static str> {
        let (_, rest) = PAGE
            .split_once(&format!("\n## {part}\n"))
            .expect("the page has the part");
        let rows = rest.split("\n## ").next().unwrap_or_default().lines();
        rows.filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect()
    }

    #[test]
    fn the_page_has_every_code_with_its_cause_and_remedy() {
        let check = |module: &str, part: &str| {
            let expected = codes_of(module);
            assert!(expected.len() > 5, "{module} was not read");
            assert_eq!(rows_of(part), expected, "{part}");
        };
        check("failure", "Failures");
        check("refusal", "Refusals");
        check("registration", "Registration");
        assert_eq!(codes_of("refusal"), super::refusal::ALL);
        assert_eq!(codes_of("registration"), super::registration::ALL);
        let row_is_full = |line: &str| line.split(" | ").all(|cell| !cell.trim().is_empty());
        let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
        assert!(rows.clone().count() > 40);
        for row in rows {
            assert!(row_is_full(row), "{row}");
        }
    }

    #[test]
    fn the_page_says_which_failures_are_permanent() {
        for code in codes_of("failure") {
            let word = if super::failure::PERMANENT.contains(&code) {
                "yes"
            } else {
                "no"
            };
            let row = format!("| `{code}` | {word} | ");
            assert!(PAGE.contains(&row), "the page lacks: {row}");
        }
    }
}
