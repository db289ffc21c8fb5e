//! The stable codes that the built-in executors say of their own accord, beside
//! [`taskmill::codes::failure`]. Whatever else a program, a function or a service says is its own.

/// A `{{secret:NAME}}` names no secret of the tenant, or is no reference. Permanent.
pub const SECRET_NOT_FOUND: &str = "SECRET_NOT_FOUND";
/// A secret of fewer than [`crate::secrets::MIN_SECRET_CHARS`] characters: it could not be kept
/// out of what is recorded. Permanent.
pub const SECRET_TOO_SHORT: &str = "SECRET_TOO_SHORT";
/// A secret that AWS keeps is bytes, not text. Permanent.
pub const SECRET_NOT_TEXT: &str = "SECRET_NOT_TEXT";
/// The process may not read a secret that AWS keeps, or not use the key that it is encrypted with.
/// Permanent.
pub const SECRET_ACCESS_DENIED: &str = "SECRET_ACCESS_DENIED";
/// What keeps secrets refused for another reason to give one. Permanent.
pub const SECRET_REFUSED: &str = "SECRET_REFUSED";
/// What keeps secrets has too much to do, could not be reached, or failed itself.
pub const SECRETS_UNAVAILABLE: &str = "SECRETS_UNAVAILABLE";

/// A definition has another system tell the end of its attempts, and nobody here listens.
/// Permanent.
pub const CALLBACK_UNAVAILABLE: &str = "CALLBACK_UNAVAILABLE";

/// A program ended with a status other than 0, or by a signal, and said no code of its own.
pub const PROCESS_FAILED: &str = "PROCESS_FAILED";
/// A program is there but could not be started.
pub const PROCESS_NOT_STARTED: &str = "PROCESS_NOT_STARTED";

/// No connection: the name does not resolve, or nothing answers, or TLS failed.
pub const HTTP_CONNECT: &str = "HTTP_CONNECT";
/// The connection broke before the response was complete.
pub const HTTP_INTERRUPTED: &str = "HTTP_INTERRUPTED";
/// The address is one that tasks may not reach. Permanent.
pub const HTTP_ADDRESS_REFUSED: &str = "HTTP_ADDRESS_REFUSED";
/// The request itself is wrong: its URL or a header field. Permanent.
pub const HTTP_BAD_REQUEST: &str = "HTTP_BAD_REQUEST";
/// What the code of a response that is no success begins with; its status follows, as in
/// `HTTP_503`.
pub const HTTP_STATUS_PREFIX: &str = "HTTP_";

/// A function failed and did not say its error's type.
pub const LAMBDA_FAILED: &str = "LAMBDA_FAILED";
/// Lambda has no capacity for the function at the moment.
pub const LAMBDA_THROTTLED: &str = "LAMBDA_THROTTLED";
/// Lambda could not be reached, or failed itself.
pub const LAMBDA_UNAVAILABLE: &str = "LAMBDA_UNAVAILABLE";
/// Lambda refused the request. Permanent.
pub const LAMBDA_REFUSED: &str = "LAMBDA_REFUSED";

/// An execution of a state machine failed and did not say its error.
pub const STATES_FAILED: &str = "STATES_FAILED";
/// An execution ran out of its own time and did not say its error.
pub const STATES_TIMED_OUT: &str = "STATES_TIMED_OUT";
/// Somebody stopped an execution and did not say its error.
pub const STATES_ABORTED: &str = "STATES_ABORTED";
/// Step Functions has too much to do at the moment.
pub const STATES_THROTTLED: &str = "STATES_THROTTLED";
/// Step Functions could not be reached, or failed itself.
pub const STATES_UNAVAILABLE: &str = "STATES_UNAVAILABLE";
/// Step Functions refused the request. Permanent.
pub const STATES_REFUSED: &str = "STATES_REFUSED";

/// SQS has too much to do, could not be reached, or failed itself.
pub const SQS_UNAVAILABLE: &str = "SQS_UNAVAILABLE";
/// SQS refused the message. Permanent.
pub const SQS_REFUSED: &str = "SQS_REFUSED";

/// EventBridge has too much to do, could not be reached, or failed itself.
pub const EVENTS_UNAVAILABLE: &str = "EVENTS_UNAVAILABLE";
/// EventBridge refused the event. Permanent.
pub const EVENTS_REFUSED: &str = "EVENTS_REFUSED";

/// The code of `builtin:fail` when its input names none.
pub const BUILTIN_FAILED: &str = "BUILTIN_FAILED";

#[cfg(test)]
mod tests {
    const SOURCE: &str = include_str!("codes.rs");
    const PAGE: &str = include_str!("../../../../docs/codes.md");

    #[test]
    fn the_page_has_every_code_with_its_cause_and_remedy() {
        let (_, rest) = PAGE
            .split_once("\n## Failures that executors say\n")
            .expect("the page has the part");
        let rows = rest.split("\n## ").next().unwrap_or_default().lines();
        let rows: Vec<&str> = rows
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect();
        let codes: Vec<&str> = SOURCE
            .lines()
            .filter(|line| line.starts_with("pub const "))
            .filter_map(|line| line.split('"').nth(1))
            .collect();
        assert!(codes.len() > 10, "the codes were not read");
        assert_eq!(rows, codes);
    }
}
