//! `taskmill task run`.

use crate::support::{FLOW, Folder};

#[test]
fn a_task_is_found_in_a_file_by_id_or_in_a_folder() {
    let one = "{id: echo, version: 1.0.0, name: E, type: AUTOMATED, executionConfig: {executor: 'builtin:echo'}}";
    let folder = Folder::new(&[("flow/flow.yaml", FLOW), ("one.yaml", one)]);
    let cases: [&[&str]; 3] = [
        &["one.yaml"],
        &["flow/flow.yaml#copy"],
        &["copy", "--definitions", "flow"],
    ];
    for case in cases {
        let arguments = [
            &["task", "run"],
            case,
            &["--input", r#"{"a": 12345678901234567890}"#],
        ]
        .concat();
        let ended = folder.run(&arguments);
        let task = ended.expect(0).json();
        assert_eq!(task["status"], "COMPLETED");
        assert_eq!(task["output"]["a"], 12_345_678_901_234_567_890_u64);
        assert!(task.get("workflowInstanceId").is_none());
        ended.says("COMPLETED     attempt 1").says(": 1 attempt");
    }
}

#[test]
fn a_task_that_fails_ends_with_1_after_its_retries() {
    let folder = Folder::new(&[("flow.yaml", FLOW)]);
    let input = r#"{"code": "NO_PAPER", "message": "the tray is empty"}"#;
    let ended = folder.run(&["task", "run", "flow.yaml#fail", "--input", input]);
    let task = ended.expect(1).json();
    assert_eq!(task["status"], "FAILED");
    assert_eq!(task["error"]["code"], "NO_PAPER");
    assert_eq!(task["attempts"].as_array().unwrap().len(), 3);
    ended
        .says("RETRY_PENDING attempt 2")
        .says("NO_PAPER: the tray is empty");
}

#[test]
fn a_program_that_falls_silent_is_over_though_its_time_is_not() {
    let text = r#"
id: beat
version: 1.0.0
name: Beat
type: AUTOMATED
timeouts: {heartbeat: 400}
retryPolicy: {maxRetries: 0}
executionConfig: {executor: process:sh beat.sh}
"#;
    let program = "echo '::heartbeat:: 1 of 2' >&2; exec sleep 1000";
    let folder = Folder::new(&[("beat.yaml", text), ("beat.sh", program)]);
    let task = folder.run(&["task", "run", "beat.yaml"]).expect(1).json();
    assert_eq!(task["status"], "TIMED_OUT");
    assert_eq!(task["error"]["code"], "TIMEOUT");
    assert_eq!(task["error"]["details"]["kind"], "HEARTBEAT");
}

#[test]
fn which_task_must_be_clear() {
    let folder = Folder::new(&[("flow.yaml", FLOW)]);
    let cases: [(&[&str], &str); 3] = [
        (&["flow.yaml"], "there are several tasks"),
        (&["flow.yaml#cpy"], "(did you mean \"copy\"?)"),
        (&["copy"], "copy cannot be read"),
    ];
    for (case, expected) in cases {
        let arguments = [&["task", "run"], case].concat();
        folder.run(&arguments).expect(2).says(expected);
    }
}
