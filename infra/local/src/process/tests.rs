//! `process:` tasks with real programs, in real time.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use taskmill::codes::failure::INVALID_OUTPUT;
use taskmill::ids::{ExecutionId, TaskId, TenantId};
use taskmill::security::SecurityContext;
use taskmill::task::{Outcome, TaskDefinition};
use taskmill::{ErrorInfo, JsonObject};
use taskmill_aws::executor::Beats;

use super::*;

/// The value of the secret `TOKEN`.
const TOKEN: &str = "tok-\"01\"\n23456789";

pub(super) fn secrets() -> Secrets {
    Secrets::shared([("TASKMILL_SECRET_LOCAL__TOKEN".into(), TOKEN.into())])
}

/// A call of this command line, with more of an `executionConfig`.
pub(super) fn call(command: &str, input: Value, config: &Value) -> Call {
    let mut definition = json!({
        "id": "a-task", "name": "A task", "type": "AUTOMATED", "version": "1.0.0",
        "executionConfig": config,
    });
    definition["executionConfig"]["executor"] = json!(format!("process:{command}"));
    let definition: TaskDefinition = serde_json::from_value(definition).unwrap();
    let tenant_id = TenantId::new("local").unwrap();
    let task_id = TaskId::from_idempotency_key(&tenant_id, "key");
    Call {
        task_id,
        execution_id: ExecutionId::of_attempt(task_id, 1),
        attempt: 1,
        deadline: None,
        definition: Arc::new(definition),
        executor: ExecutorRef::Process {
            command: command.to_owned(),
        },
        input,
        body: None,
        callback: None,
        context: SecurityContext {
            user_id: "ann".to_owned(),
            tenant_id,
            roles: Vec::new(),
            permissions: Vec::new(),
            environment_id: None,
            required_permissions: Vec::new(),
            security_level: None,
            data_classification: None,
        },
        workflow_instance_id: None,
        task_path: Some("first".to_owned()),
        correlation_id: None,
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        used: Used::default(),
        beats: Beats::default(),
    }
}

fn executor(root: &Path) -> ProcessExecutor {
    let config = ProcessConfig {
        root: root.to_owned(),
        inherited: inherited(std::env::vars_os()),
    };
    ProcessExecutor::new(config, secrets(), Clock::system())
}

async fn execute(call: &Call) -> Execution {
    executor(Path::new("/")).execute(call).await
}

/// Runs a shell script.
async fn sh(script: &str, input: Value, config: Value) -> Execution {
    execute(&call(
        &format!("sh -c {}", shell_words::quote(script)),
        input,
        &config,
    ))
    .await
}

#[track_caller]
fn output(execution: Execution) -> Value {
    match execution.outcome {
        Outcome::Succeeded { output } => output,
        other => panic!("no success: {other:?}"),
    }
}

#[track_caller]
fn failure(execution: Execution) -> (ErrorInfo, bool) {
    match execution.outcome {
        Outcome::Failed {
            error, permanent, ..
        } => (error, permanent),
        other => panic!("no failure: {other:?}"),
    }
}

#[tokio::test]
async fn the_input_is_stdin_and_the_output_stdout() {
    let input = json!({"text": "grüße\n", "n": 18_446_744_073_709_551_615_u64});
    assert_eq!(
        output(execute(&call("cat", input.clone(), &json!({}))).await),
        input
    );
    assert_eq!(
        output(execute(&call("true", input, &json!({}))).await),
        Value::Null
    );
}

#[tokio::test(start_paused = true)]
async fn virtual_time_stands_still_while_a_program_runs() {
    let execution = sh("sleep 0.1; echo 1", json!({}), json!({})).await;
    assert_eq!(execution.metrics.execution_time, 0);
    assert_eq!(output(execution), json!(1));
}

#[tokio::test]
async fn a_large_input_goes_through_while_the_output_comes() {
    let input = json!("x".repeat(4 << 20));
    assert_eq!(
        output(execute(&call("cat", input.clone(), &json!({}))).await),
        input
    );
    // Neither reads its input; the second fills both of its outputs.
    assert_eq!(
        output(sh("exec <&-; echo 1", input.clone(), json!({})).await),
        json!(1)
    );
    let noisy = "head -c 1000000 /dev/zero >&2; head -c 1000000 /dev/zero | tr '\\0' ' '";
    assert_eq!(output(sh(noisy, input, json!({})).await), Value::Null);
}

#[tokio::test]
async fn the_program_runs_in_the_folder_with_its_environment() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::write(
        root.join("show.sh"),
        "pwd >&2\nenv -0 | sort -z | tr '\\0' '\\n' >&2\nexit 9\n",
    )
    .unwrap();
    let mut call = call(
        "sh ./show.sh",
        json!({"orderId": 7}),
        &json!({"environmentVariables": {"MODE": "fast", "LANG": "C"}}),
    );
    call.deadline = Some("2999-01-01T00:00:00.000Z".parse().unwrap());
    call.context.environment_id = Some("staging".to_owned());
    let (error, _) = failure(executor(&root).execute(&call).await);
    let stderr = error.details["stderr"].as_str().unwrap();
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines[0], root.to_str().unwrap());
    for line in [
        "MODE=fast".to_owned(),
        "LANG=C".to_owned(),
        format!("TASKMILL_TASK_ID={}", call.task_id),
        format!("TASKMILL_EXECUTION_ID={}", call.execution_id),
        "TASKMILL_ATTEMPT=1".to_owned(),
        "TASKMILL_DEADLINE=2999-01-01T00:00:00.000Z".to_owned(),
        "TASKMILL_TASK_DEFINITION_ID=a-task".to_owned(),
        "TASKMILL_TASK_DEFINITION_VERSION=1.0.0".to_owned(),
        "TASKMILL_TENANT_ID=local".to_owned(),
        "TASKMILL_USER_ID=ann".to_owned(),
        "TASKMILL_ENVIRONMENT_ID=staging".to_owned(),
        "TASKMILL_SECURITY_CONTEXT={\"userId\":\"ann\",\"tenantId\":\"local\",\"environmentId\":\"staging\"}".to_owned(),
        "TASKMILL_TASK_PATH=first".to_owned(),
        "TASKMILL_INPUT_ORDER_ID=7".to_owned(),
        format!("TRACEPARENT={}", call.traceparent.clone().unwrap()),
    ] {
        assert!(lines.contains(&line.as_str()), "{line} in {stderr}");
    }
    assert!(!stderr.contains("CARGO"), "{stderr}");
    assert!(!stderr.contains("TASKMILL_WORKFLOW_ID"), "{stderr}");
}

#[tokio::test]
async fn arguments_are_split_as_a_shell_would_and_no_shell_sees_them() {
    let line = r#"sh -c 'printf "[\"%s\",\"%s\"]" "$@"' x 'a b;$HOME' "*""#;
    let expected = json!(["a b;$HOME", "*"]);
    assert_eq!(
        output(execute(&call(line, json!({}), &json!({}))).await),
        expected
    );
    let limited = json!({"resourceRequirements": {"memory": "1Gi"}});
    assert_eq!(
        output(execute(&call(line, json!({}), &limited)).await),
        expected
    );
}

#[tokio::test]
async fn programs_that_fail_say_how() {
    let (error, permanent) =
        failure(sh("echo a >&2; echo why >&2; exit 3", json!({}), json!({})).await);
    assert_eq!(
        (error.code.as_str(), permanent),
        (codes::PROCESS_FAILED, false)
    );
    assert_eq!(error.message, "the program ended with status 3: why");
    assert_eq!(error.details["exitStatus"], 3);
    assert_eq!(error.details["stderr"], "a\nwhy\n");

    let (error, _) = failure(sh("kill -TERM $$", json!({}), json!({})).await);
    assert_eq!(error.details["signal"], 15);

    let report =
        r#"echo '{"error": {"code": "BUSY", "message": "later", "permanent": true}}'; exit 1"#;
    let (error, permanent) = failure(sh(report, json!({}), json!({})).await);
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("BUSY", "later")
    );
    assert!(permanent);

    let (error, permanent) = failure(sh("echo oops", json!({}), json!({})).await);
    assert_eq!((error.code.as_str(), permanent), (INVALID_OUTPUT, true));
    assert_eq!(error.details["excerpt"], "oops\n");
}

#[tokio::test]
async fn the_end_of_stderr_is_kept() {
    let script = "head -c 100000 /dev/zero | tr '\\0' x >&2; printf end >&2; exit 1";
    let (error, _) = failure(sh(script, json!({}), json!({})).await);
    let stderr = error.details["stderr"].as_str().unwrap();
    assert_eq!(stderr.len(), STDERR_BYTES);
    assert!(stderr.ends_with("xend"));
}

#[tokio::test]
async fn commands_that_cannot_be_run_are_named() {
    #[track_caller]
    fn check(execution: Execution, code: &str, part: &str) {
        let (error, permanent) = failure(execution);
        assert_eq!((error.code.as_str(), permanent), (code, true));
        assert!(error.message.contains(part), "{}", error.message);
    }
    async fn run(line: &str, config: &Value) -> Execution {
        execute(&call(line, json!({}), config)).await
    }
    let limited = json!({"resourceRequirements": {"memory": "1Gi"}});
    for config in [&json!({}), &limited] {
        check(
            run("no-such-program -x", config).await,
            EXECUTOR_NOT_FOUND,
            "\"no-such-program\"",
        );
        check(
            run("./no/such", config).await,
            EXECUTOR_NOT_FOUND,
            "\"./no/such\"",
        );
        check(
            run("/etc/passwd", config).await,
            EXECUTOR_NOT_FOUND,
            "can be run",
        );
        check(run("  ", config).await, EXECUTOR_NOT_FOUND, "empty");
        check(run("sh -c 'x", config).await, EXECUTOR_NOT_FOUND, "split");
    }
    let nul = json!({"environmentVariables": {"A": "a\u{0}b"}});
    check(
        run("true", &nul).await,
        codes::PROCESS_NOT_STARTED,
        "nul byte",
    );
    let huge = json!({"environmentVariables": {"A": "x".repeat(200_000)}});
    check(
        run("true", &huge).await,
        codes::PROCESS_NOT_STARTED,
        "too long",
    );

    let call = call("true", json!({}), &json!({}));
    let gone = executor(Path::new("/no/such/folder")).execute(&call).await;
    let (error, permanent) = failure(gone);
    assert_eq!(
        (error.code.as_str(), permanent),
        (codes::PROCESS_NOT_STARTED, false)
    );
}

#[tokio::test]
async fn an_output_over_the_limit_ends_the_program() {
    let (error, permanent) = failure(execute(&call("yes", json!({}), &json!({}))).await);
    assert_eq!((error.code.as_str(), permanent), (PAYLOAD_TOO_LARGE, true));
}

/// Waits until a named pipe was written to, and gives what was written. Reading it fails where
/// the writer dies first.
async fn written(pipe: &Path) -> String {
    let pipe = pipe.to_owned();
    let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(pipe));
    read.await.unwrap().unwrap().trim().to_owned()
}

fn named_pipe(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    path
}

#[tokio::test]
async fn dropping_the_future_kills_the_group_and_reaps_its_leader() {
    let folder = tempfile::tempdir().unwrap();
    let ready = named_pipe(folder.path(), "ready");
    let alive = named_pipe(folder.path(), "alive");
    // Both processes hold `alive` open for writing until they die: its end of file tells that
    // the last of them is gone.
    let script = "exec 3>alive; sleep 1000 & echo $$ > ready; wait";
    let line = format!("sh -c {}", shell_words::quote(script));
    let root = folder.path().to_owned();
    let running = tokio::spawn(async move {
        executor(&root)
            .execute(&call(&line, json!({}), &json!({})))
            .await
    });
    let last_writer = tokio::spawn(async move { written(&alive).await });
    let pid = written(&ready).await;
    assert!(Path::new(&format!("/proc/{pid}")).exists());
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    assert_eq!(last_writer.await.unwrap(), "");
    let stat = format!("/proc/{pid}/stat");
    while std::fs::read_to_string(&stat).is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_a_program_leaves_behind_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let alive = named_pipe(folder.path(), "alive");
    let script = "exec 3>alive; sleep 1000 >/dev/null 2>&1 & echo '\"done\"'";
    let line = format!("sh -c {}", shell_words::quote(script));
    let last_writer = tokio::spawn(async move { written(&alive).await });
    let execution = executor(folder.path())
        .execute(&call(&line, json!({}), &json!({})))
        .await;
    assert_eq!(output(execution), json!("done"));
    assert_eq!(last_writer.await.unwrap(), "");
}

#[tokio::test]
async fn who_holds_stdout_open_does_not_hold_the_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let gate = named_pipe(folder.path(), "gate");
    // The second leaves the group, and lives until somebody opens the gate.
    for script in ["sleep 1000 & echo 1", "setsid cat gate & echo 1"] {
        let line = format!("sh -c {}", shell_words::quote(script));
        let execution = executor(folder.path())
            .execute(&call(&line, json!({}), &json!({})))
            .await;
        assert_eq!(output(execution), json!(1));
    }
    tokio::task::spawn_blocking(move || std::fs::write(gate, ""))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn requirements_are_enforced() {
    async fn limited(script: &str, requirements: Value) -> JsonObject {
        let config = json!({"resourceRequirements": requirements});
        failure(sh(script, json!({}), config).await).0.details
    }
    let details = limited("while :; do :; done", json!({"cpu": "1m"})).await;
    assert_eq!(details["signal"], 24);

    let write = "head -c 100000 /dev/zero > \"$0\"";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let line = format!("sh -c {} {}", shell_words::quote(write), file.display());
    let config = json!({"resourceRequirements": {"disk": "10Ki"}});
    failure(execute(&call(&line, json!({}), &config)).await);
    assert_eq!(file.metadata().unwrap().len(), 10_240);

    // One buffer of 200 MB.
    let grow = "dd bs=200M count=1 if=/dev/zero of=/dev/null 2>/dev/null";
    assert_eq!(output(sh(grow, json!({}), json!({})).await), Value::Null);
    let details = limited(grow, json!({"memory": "64Mi"})).await;
    assert_eq!(details["exitStatus"], 1);
}

#[tokio::test]
async fn processor_time_and_memory_are_reported() {
    let script = "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; echo 1";
    let execution = sh(script, json!({}), json!({})).await;
    let metrics = execution.metrics;
    assert!(
        metrics.cpu_time > 0 && metrics.memory_usage > 100_000,
        "{metrics:?}"
    );
}

#[tokio::test]
async fn what_a_program_used_until_it_was_killed_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let ready = named_pipe(folder.path(), "ready");
    // Who works is a child that its leader has not waited for.
    let script = "{ i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; echo 1 > ready; \
                  exec sleep 1000; } & wait";
    let line = format!("sh -c {}", shell_words::quote(script));
    let root = folder.path().to_owned();
    let call = call(&line, json!({}), &json!({}));
    let used = call.used.clone();
    let running = tokio::spawn(async move { executor(&root).execute(&call).await });
    written(&ready).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    let used = used.told();
    assert!(used.cpu_time > 0 && used.memory_usage > 100_000, "{used:?}");
}

#[tokio::test]
async fn values_of_secrets_stay_out_of_what_comes_back() {
    let config = json!({"environmentVariables": {"TOKEN": "{{secret:TOKEN}}"}});
    // As it is, inside JSON, across the beginning of what is kept of stderr, as a code.
    let quoted = serde_json::to_string(TOKEN).unwrap();
    let json_token = shell_words::quote(&quoted).into_owned();
    for script in [
        "printf %s \"$TOKEN\" >&2; exit 1".to_owned(),
        "env; env >&2".to_owned(),
        "env; env >&2; exit 1".to_owned(),
        format!("printf '{{\"t\": %s}}' {json_token}"),
        format!("printf '{{%s: 1}}' {json_token}"),
        format!("printf '[%s, oops' {json_token}"),
        format!("printf '{{\"error\": {{\"code\": %s}}}}' {json_token}; exit 1"),
        format!("printf '{{\"error\": {{\"code\": \"A\", %s: 1}}}}' {json_token}; exit 1"),
        "printf '%s' \"$TOKEN\" >&2; head -c 4090 /dev/zero | tr '\\0' x >&2; exit 1".to_owned(),
    ] {
        let execution = sh(&script, json!({}), config.clone()).await;
        let shown = serde_json::to_string(&execution.outcome).unwrap();
        assert!(shown.contains("***"), "{script}: {shown}");
        for part in ["23456789", "tok-"] {
            assert!(!shown.contains(part), "{script}: {shown}");
        }
    }
    // That the program had it: its length is no secret.
    let length = sh("printf %s \"$TOKEN\" | wc -c", json!({}), config).await;
    assert_eq!(output(length), json!(TOKEN.len()));

    let missing = json!({"environmentVariables": {"TOKEN": "{{secret:OTHER}}"}});
    let (error, permanent) = failure(sh("true", json!({}), missing).await);
    assert_eq!(
        (error.code.as_str(), permanent),
        (codes::SECRET_NOT_FOUND, true)
    );
}
