//! What the end of a program means.
//!
//! | end | outcome |
//! |---|---|
//! | status 0, stdout is JSON or empty | success |
//! | status 0, stdout is something else | `INVALID_OUTPUT`, with line, column and an excerpt |
//! | another status, stdout is `{"error": {"code", "message"?, "details"?, "permanent"?, "retryAfter"?, "continueOnFailure"?, "stackTrace"?}}` | that failure |
//! | another status, or a signal | `PROCESS_FAILED`, with `exitStatus` or `signal`, and `stderr` |

use serde::Deserialize;
use serde_json::Value;
use taskmill_aws::executor::{Failure, ReportedFailure, codes, parse_json, parse_output};
use taskmill_aws::secrets::Redactor;

use super::group::Exit;

/// The outcome of a program that ended so. `stderr` is its end, without secrets.
pub(super) fn of(
    exit: Exit,
    stdout: &[u8],
    stderr: &str,
    redactor: &Redactor,
) -> Result<Value, Failure> {
    match exit {
        Exit::Status(0) => {
            parse_output(stdout, redactor).map_err(|failure| failure.with_detail("stderr", stderr))
        }
        Exit::Status(status) => Err(match reported(stdout) {
            Reported::Failure(failure) => failure,
            Reported::Nothing => by_status(status, stderr),
            Reported::Malformed(why) => by_status(status, stderr).with_detail("badReport", why),
        }),
        Exit::Signal(signal) => Err(by_signal(signal, stderr)),
    }
}

/// What a program said of its failure.
enum Reported {
    Failure(Failure),
    Nothing,
    /// Something that begins like a report and is none, and why.
    Malformed(String),
}

fn reported(stdout: &[u8]) -> Reported {
    #[derive(Deserialize)]
    struct Report {
        error: Value,
    }
    let Ok(Report { error }) = parse_json(stdout).and_then(Report::deserialize) else {
        return Reported::Nothing;
    };
    match ReportedFailure::deserialize(error) {
        Ok(failure) => Reported::Failure(failure.into()),
        Err(why) => Reported::Malformed(why.to_string()),
    }
}

fn by_status(status: i32, stderr: &str) -> Failure {
    failed(format!("the program ended with status {status}"), stderr)
        .with_detail("exitStatus", status)
}

fn by_signal(signal: i32, stderr: &str) -> Failure {
    let ended = match name(signal) {
        "" => format!("the program was ended by signal {signal}"),
        name => format!("the program was ended by signal {signal} ({name})"),
    };
    failed(ended, stderr).with_detail("signal", signal)
}

/// The message ends with the last line that the program said, which is most often the reason.
fn failed(ended: String, stderr: &str) -> Failure {
    let last = stderr.lines().rfind(|line| !line.trim().is_empty());
    let message = last.map_or(ended.clone(), |line| format!("{ended}: {}", line.trim()));
    Failure::transient(codes::PROCESS_FAILED, message).with_detail("stderr", stderr)
}

/// What the signals mean that a program is likely to end by. Their numbers are Linux's, where
/// those of these signals are the same on all machines that Taskmill knows.
fn name(signal: i32) -> &'static str {
    match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        24 => "SIGXCPU: over the limit of processor time",
        25 => "SIGXFSZ: over the limit of a file's size",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use taskmill::codes::failure::INVALID_OUTPUT;

    fn verdict(exit: Exit, stdout: &str, stderr: &str) -> Result<Value, Failure> {
        of(exit, stdout.as_bytes(), stderr, &Redactor::none())
    }

    #[test]
    fn status_0_is_success_with_json_or_nothing() {
        let ok = |stdout| verdict(Exit::Status(0), stdout, "noise");
        assert_eq!(ok("{\"a\": 1}\n"), Ok(json!({"a": 1})));
        assert_eq!(ok(" \n"), Ok(Value::Null));
        assert_eq!(
            ok("{\"error\": {\"code\": \"A\"}}"),
            Ok(json!({"error": {"code": "A"}}))
        );
        let failure = ok("hello").unwrap_err();
        assert_eq!(failure.code, INVALID_OUTPUT);
        assert_eq!(failure.details["stderr"], "noise");
    }

    #[test]
    fn any_other_end_is_a_failure_with_what_was_said() {
        #[track_caller]
        fn check(exit: Exit, stderr: &str, message: &str, details: Value) {
            let failure = verdict(exit, "not a report", stderr).unwrap_err();
            assert_eq!(
                (failure.code.as_str(), failure.permanent),
                (codes::PROCESS_FAILED, false)
            );
            assert_eq!(failure.message, message);
            assert_eq!(Value::Object(*failure.details), details);
        }
        check(
            Exit::Status(3),
            "first\nlast \n\n",
            "the program ended with status 3: last",
            json!({"stderr": "first\nlast \n\n", "exitStatus": 3}),
        );
        check(
            Exit::Signal(24),
            "",
            "the program was ended by signal 24 (SIGXCPU: over the limit of processor time)",
            json!({"stderr": "", "signal": 24}),
        );
        check(
            Exit::Signal(64),
            "",
            "the program was ended by signal 64",
            json!({"stderr": "", "signal": 64}),
        );
    }

    #[test]
    fn a_program_may_say_its_own_failure() {
        let report = json!({"error": {"code": "BUSY", "message": "later", "details": {"n": 1},
            "permanent": true, "retryAfter": 5, "continueOnFailure": true, "stackTrace": "at x"}});
        let failure = verdict(Exit::Status(1), &report.to_string(), "noise").unwrap_err();
        assert_eq!(
            failure,
            Failure {
                details: Box::new(json!({"n": 1}).as_object().unwrap().clone()),
                stack_trace: Some("at x".to_owned()),
                permanent: true,
                retry_after: Some(5),
                continue_on_failure: Some(true),
                ..Failure::transient("BUSY", "later")
            }
        );
    }

    #[test]
    fn a_report_that_cannot_be_read_is_told() {
        for (report, why) in [
            (json!({"error": "text"}), "invalid type: string"),
            (
                json!({"error": {"message": "no code"}}),
                "missing field `code`",
            ),
            (
                json!({"error": {"code": "A", "retyAfter": 1}}),
                "unknown field `retyAfter`",
            ),
            (json!({"error": {"code": ""}}), "code is empty"),
        ] {
            let failure = verdict(Exit::Status(1), &report.to_string(), "").unwrap_err();
            assert_eq!(failure.code, codes::PROCESS_FAILED, "{report}");
            let told = failure.details["badReport"].as_str().unwrap();
            assert!(told.contains(why), "{told}");
        }
    }
}
