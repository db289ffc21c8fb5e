//! The environment of a program.
//!
//! - A few variables of this process's own, [`inherited`]; nothing else of it reaches a program,
//!   so that no credential does.
//! - The definition's `environmentVariables`, with their secrets. They may replace what is
//!   inherited, but none may begin with `TASKMILL_`: such a definition fails.
//! - `TASKMILL_TASK_ID`, `TASKMILL_EXECUTION_ID`, `TASKMILL_ATTEMPT` (from 1),
//!   `TASKMILL_DEADLINE` (RFC 3339), `TASKMILL_TASK_DEFINITION_ID`,
//!   `TASKMILL_TASK_DEFINITION_VERSION`, `TASKMILL_TENANT_ID`, `TASKMILL_USER_ID`,
//!   `TASKMILL_SECURITY_CONTEXT` (JSON), `TASKMILL_ENVIRONMENT_ID`, `TASKMILL_WORKFLOW_ID`, `TASKMILL_TASK_PATH`,
//!   `TASKMILL_CORRELATION_ID`, and `TRACEPARENT`; those that the task has.
//! - `TASKMILL_INPUT_<NAME>` for each text, number, true and false at the top of an input
//!   object, so that a shell script needs no JSON parser: `orderId` is `TASKMILL_INPUT_ORDER_ID`.
//!   Of two names that become one, the first counts. Left out are null, texts with a NUL, and
//!   what is over [`INPUT_VALUE_BYTES`] or, all together, over [`INPUT_BYTES`]: stdin has it.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde_json::Value;
use taskmill_aws::executor::{Call, Failure, codes};
use taskmill_aws::secrets::Revealer;

/// Bytes of one variable of the input. (Linux takes 128 KiB.)
const INPUT_VALUE_BYTES: usize = 32 * 1024;
/// Bytes of all variables of the input. (Linux takes 2 MiB, with everything else.)
const INPUT_BYTES: usize = 256 * 1024;
/// What the names of our own variables begin with.
const OWN: &str = "TASKMILL_";
/// What programs need to work at all: where things are, in which language and time zone.
const INHERITED: [&str; 11] = [
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
    "TERM",
];

/// What a program inherits of this environment.
#[must_use]
pub fn inherited(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> BTreeMap<OsString, OsString> {
    environment
        .into_iter()
        .filter(|(name, _)| INHERITED.iter().any(|inherited| name == inherited))
        .collect()
}

/// The variables of an attempt, beside what is inherited.
pub(super) async fn variables(
    call: &Call,
    revealer: &mut Revealer<'_>,
) -> Result<BTreeMap<OsString, OsString>, Failure> {
    let mut variables = BTreeMap::new();
    for (name, value) in &call.definition.execution_config.environment_variables {
        check_name(name)?;
        variables.insert(name.into(), revealer.reveal(value).await?.into());
    }
    let input = of_input(&call.input);
    let own = of_call(call).into_iter().chain(input);
    variables.extend(own.map(|(name, value)| (name.into(), value.into())));
    Ok(variables)
}

fn check_name(name: &str) -> Result<(), Failure> {
    let bad = |why: &str| {
        let message = format!("the environment variable {name:?} {why}");
        Err(Failure::permanent(codes::PROCESS_NOT_STARTED, message))
    };
    if name.starts_with(OWN) {
        return bad("belongs to Taskmill and cannot be set");
    }
    if name.is_empty() || name.contains(['=', '\0']) {
        return bad("has no valid name");
    }
    Ok(())
}

fn of_call(call: &Call) -> Vec<(String, String)> {
    let context = &call.context;
    let own = |name: &str, value: String| (format!("{OWN}{name}"), value);
    let security = serde_json::to_string(context).expect("a context is texts, which serialize");
    let mut variables = vec![
        own("TASK_ID", call.task_id.to_string()),
        own("EXECUTION_ID", call.execution_id.to_string()),
        own("ATTEMPT", call.attempt.to_string()),
        own("TASK_DEFINITION_ID", call.definition.id.to_string()),
        own(
            "TASK_DEFINITION_VERSION",
            call.definition.version.to_string(),
        ),
        own("TENANT_ID", context.tenant_id.to_string()),
        own("USER_ID", context.user_id.clone()),
        own("SECURITY_CONTEXT", security),
    ];
    let optional = [
        (
            "DEADLINE",
            call.deadline.map(|deadline| deadline.to_string()),
        ),
        (
            "WORKFLOW_ID",
            call.workflow_instance_id.map(|id| id.to_string()),
        ),
        ("TASK_PATH", call.task_path.clone()),
        ("ENVIRONMENT_ID", context.environment_id.clone()),
        ("CORRELATION_ID", call.correlation_id.clone()),
    ];
    let present = optional
        .into_iter()
        .filter_map(|(name, value)| Some(own(name, value?)));
    variables.extend(present);
    variables.extend(
        call.traceparent
            .clone()
            .map(|parent| ("TRACEPARENT".to_owned(), parent)),
    );
    variables.retain(|(_, value)| !value.contains('\0'));
    variables
}

fn of_input(input: &Value) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    let mut bytes = 0;
    for (name, value) in input.as_object().into_iter().flatten() {
        let name = format!("{OWN}INPUT_{}", shell_name(name));
        let Some(text) = scalar(value) else { continue };
        let size = name.len() + text.len();
        let fits = size <= INPUT_VALUE_BYTES && bytes + size <= INPUT_BYTES;
        if fits && !text.contains('\0') && !variables.contains_key(&name) {
            bytes += size;
            variables.insert(name, text);
        }
    }
    variables
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The name in capitals, its words joined by `_`. A word begins where a capital follows a small
/// letter or a digit, and at the last capital before a small letter; what is no ASCII letter or
/// digit is `_`.
fn shell_name(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut shell = String::new();
    for (index, c) in characters.iter().enumerate() {
        let before = index
            .checked_sub(1)
            .map_or('_', |before| characters[before]);
        let after = characters.get(index + 1).copied().unwrap_or('_');
        let begins = before.is_ascii_lowercase()
            || before.is_ascii_digit()
            || before.is_ascii_uppercase() && after.is_ascii_lowercase();
        if c.is_ascii_uppercase() && begins {
            shell.push('_');
        }
        shell.push(if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        });
    }
    shell
}

#[cfg(test)]
mod tests {
    use super::super::tests::{call, secrets};
    use super::*;
    use serde_json::json;

    #[test]
    fn names_of_the_input_become_names_of_variables() {
        for (name, expected) in [
            ("id", "ID"),
            ("orderId", "ORDER_ID"),
            ("OrderID", "ORDER_ID"),
            ("HTTPServer", "HTTP_SERVER"),
            ("line2Text", "LINE2_TEXT"),
            ("sha256", "SHA256"),
            ("file-name.txt", "FILE_NAME_TXT"),
            ("ALREADY_SO", "ALREADY_SO"),
            ("größe", "GR__E"),
            ("", ""),
        ] {
            assert_eq!(shell_name(name), expected, "{name}");
        }
    }

    #[test]
    fn scalars_of_the_input_are_variables() {
        let input = json!({
            "text": "a b\n'c'", "number": 18_446_744_073_709_551_615_u64, "float": 1.5,
            "yes": true, "null": null, "list": [1], "object": {}, "nul": "a\u{0}b",
            "aB": "first", "a_b": "second", "empty": "", "long": "x".repeat(INPUT_VALUE_BYTES),
        });
        let expected = [
            ("TASKMILL_INPUT_A_B", "first"),
            ("TASKMILL_INPUT_EMPTY", ""),
            ("TASKMILL_INPUT_FLOAT", "1.5"),
            ("TASKMILL_INPUT_NUMBER", "18446744073709551615"),
            ("TASKMILL_INPUT_TEXT", "a b\n'c'"),
            ("TASKMILL_INPUT_YES", "true"),
        ];
        let found = of_input(&input);
        let found: Vec<_> = found
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert_eq!(found, expected);
        assert!(of_input(&json!(["a"])).is_empty());
    }

    #[test]
    fn the_variables_of_an_input_are_bounded_together() {
        let many: serde_json::Map<String, Value> = (0..100)
            .map(|n| (format!("v{n}"), json!("x".repeat(30_000))))
            .collect();
        let bytes: usize = of_input(&Value::Object(many))
            .iter()
            .map(|(n, v)| n.len() + v.len())
            .sum();
        assert!((200_000..=INPUT_BYTES).contains(&bytes), "{bytes}");
    }

    #[test]
    fn programs_inherit_a_few_names_alone() {
        let environment = [
            ("PATH", "/bin"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("PATHS", "x"),
        ];
        let environment = environment.map(|(name, value)| (name.into(), value.into()));
        let expected = BTreeMap::from([("PATH".into(), "/bin".into())]);
        assert_eq!(inherited(environment), expected);
    }

    #[tokio::test]
    async fn our_own_variables_cannot_be_set() {
        for (name, why) in [
            ("TASKMILL_TASK_ID", "belongs to Taskmill"),
            ("TASKMILL_ANY", "belongs to Taskmill"),
            ("", "no valid name"),
            ("A=B", "no valid name"),
            ("A\u{0}", "no valid name"),
        ] {
            let config = json!({"environmentVariables": {name: "x"}});
            let call = call("true", json!({}), &config);
            let secrets = secrets();
            let mut revealer = secrets.revealer(&call.context.tenant_id);
            let failure = variables(&call, &mut revealer).await.unwrap_err();
            assert_eq!(failure.code, codes::PROCESS_NOT_STARTED);
            assert!(failure.message.contains(why), "{}", failure.message);
        }
    }
}
