//! `taskmill list`, `show`, `signal` and what else is asked of a data folder between two runs, and
//! `taskmill continue`.

use serde_json::Value;

use crate::support::{Ended, Folder};

/// Waits for a signal, then runs a program that fails until there is a file `ready`.
const FLOW: &str = r#"
id: work
version: 1.0.0
name: Work
type: AUTOMATED
executionConfig:
  executor: process:sh -c 'test -e ready && echo "{\"done\":true}"'
retryPolicy: {maxRetries: 0}
---
id: flow
version: 1.0.0
name: Flow
variables: {colour: red}
steps:
  - name: approve
    type: SIGNAL
    signal: approved
    variableMappings: [{type: DIRECT, source: by, target: by}]
  - name: work
    taskDefinitionId: work
    variableMappings: [{type: DIRECT, source: done, target: done}]
output: "{'by': workflowVariables.by, 'done': workflowVariables.done, 'colour': workflowVariables.colour}"
"#;

/// A folder in which a workflow waits for its signal, and the workflow's id.
fn waiting() -> (Folder, String) {
    let folder = Folder::new(&[("flow/flow.yaml", FLOW)]);
    let ended = folder.run(&["run", "flow", "--data", "data"]);
    ended
        .expect(4)
        .says("waits for a signal at its step approve")
        .says("see taskmill --help for what can be done, with --data data");
    let id = ended.json()["id"].as_str().unwrap().to_owned();
    (folder, id)
}

fn ask(folder: &Folder, id: &str, what: &str, more: &[&str]) -> Ended {
    let arguments = [&[what, id], more, &["--data", "data"]].concat();
    folder.run(&arguments)
}

fn status(ended: &Ended) -> Value {
    ended.expect(0).json()["status"].clone()
}

fn go_on(folder: &Folder) -> Ended {
    folder.run(&["continue", "flow", "--data", "data"])
}

#[test]
fn a_signal_is_kept_and_a_failure_is_tried_again() {
    let (folder, id) = waiting();
    let signal = ["approved", "--input", r#"{"by": "ann"}"#];
    let signalled = ask(&folder, &id, "signal", &signal);
    assert_eq!(status(&signalled), "RUNNING");
    signalled.says("goes on with it");
    let failed = go_on(&folder);
    let list = failed.expect(1).json();
    assert_eq!(list[0]["status"], "FAILED");
    failed
        .says("resuming 1 workflow: 0 tasks so far")
        .says("work                 FAILED");

    folder.write("flow/ready", "");
    let retried = ask(&folder, &id, "retry", &[]);
    assert_eq!(status(&retried), "RUNNING");
    let done = folder.run(&["run", "flow", "--data", "data"]);
    done.expect(0).says(&format!("resuming workflow {id}"));
    let shown = ask(&folder, &id, "show", &[]).expect(0).json();
    assert_eq!(shown["output"]["by"], "ann");
    assert_eq!(shown["output"]["done"], true);
    // Nothing is open any more.
    assert_eq!(go_on(&folder).expect(0).json(), serde_json::json!([]));

    let nowhere = ask(&folder, &id, "rerun", &["nowhere"]);
    nowhere.expect(2).says("NOT_FOUND");
    let rerun = ask(&folder, &id, "rerun", &["work"]);
    assert_eq!(status(&rerun), "RUNNING");
    let again = go_on(&folder).expect(0).json();
    assert_eq!(again[0]["status"], "COMPLETED");
    let shown = ask(&folder, &id, "show", &[]).expect(0).json();
    let tasks = shown["taskInstances"].as_array().unwrap();
    assert_eq!(
        tasks.len(),
        3,
        "the records of the first run stay: {tasks:?}"
    );
    assert_eq!(shown["output"]["by"], "ann");
}

#[test]
fn what_is_paused_stays_so_until_it_is_resumed() {
    let (folder, id) = waiting();
    assert_eq!(
        status(&ask(&folder, &id, "pause", &["--request-id", "p-1"])),
        "PAUSED"
    );
    let repeated = ask(&folder, &id, "pause", &["--request-id", "p-1"]);
    assert_eq!(status(&repeated), "PAUSED");
    let again = ask(&folder, &id, "pause", &["--request-id", "p-2"]);
    again
        .expect(2)
        .says("ILLEGAL_STATE: a workflow that is PAUSED does not allow pause");
    assert_eq!(again.stdout, "");
    let (set, signal) = ([r#"{"colour": "blue"}"#], ["approved"]);
    assert_eq!(status(&ask(&folder, &id, "variables", &set)), "PAUSED");
    assert_eq!(status(&ask(&folder, &id, "signal", &signal)), "PAUSED");
    let skip = ["work", "--result", r#"{"done": "by hand"}"#];
    assert_eq!(status(&ask(&folder, &id, "skip", &skip)), "PAUSED");
    let rested = go_on(&folder);
    rested
        .expect(4)
        .says(&format!("workflow {id} (flow) is paused"));

    // Nothing is left to run: the resume itself ends it.
    let resumed = ask(&folder, &id, "resume", &[]);
    assert_eq!(status(&resumed), "COMPLETED");
    let output = &resumed.json()["output"];
    assert_eq!(output["colour"], "blue");
    assert_eq!(output["done"], "by hand");
}

#[test]
fn a_cancellation_is_safe_to_repeat_under_its_id() {
    let (folder, id) = waiting();
    let cancel = ["--reason", "too late", "--request-id", "c-1"];
    let cancelled = ask(&folder, &id, "cancel", &cancel);
    assert_eq!(status(&cancelled), "CANCELLED");
    assert_eq!(cancelled.json()["error"]["message"], "too late");
    assert_eq!(status(&ask(&folder, &id, "cancel", &cancel)), "CANCELLED");
    ask(&folder, &id, "cancel", &[])
        .expect(2)
        .says("ILLEGAL_STATE");
    let quiet = ask(&folder, &id, "cancel", &[&["-q"], &cancel[..]].concat());
    assert_eq!(quiet.expect(0).stderr, "");
    let other = ["--reason", "no use", "--request-id", "c-1"];
    ask(&folder, &id, "cancel", &other)
        .expect(2)
        .says("IDEMPOTENCY_CONFLICT");
}

#[test]
fn workflows_are_listed_by_status_and_definition() {
    let (folder, id) = waiting();
    let list = |more: &[&str]| {
        let arguments = [&["list", "--data", "data"], more].concat();
        folder.run(&arguments)
    };
    let ids = |more: &[&str]| {
        let found = list(more).expect(0).json();
        found
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    assert_eq!(ids(&[]), [id.as_str()]);
    assert_eq!(
        ids(&["--status", "running", "--workflow", "flow"]),
        [id.as_str()]
    );
    assert_eq!(ids(&["--status", "PAUSED"]), none);
    assert_eq!(ids(&["--workflow", "other"]), none);
    assert_eq!(ids(&["--tenant", "other"]), none);
    ask(&folder, &id, "cancel", &[]).expect(0);
    assert_eq!(
        ids(&["--status", "cancelled", "--status", "FAILED"]),
        [id.as_str()]
    );
    let table = list(&["--output", "table"]).expect(0).stdout.clone();
    assert!(
        table.contains(&format!("{id}  flow      1.0.0    CANCELLED")),
        "{table}"
    );
    list(&["--status", "done"])
        .expect(2)
        .says("it is one of PENDING, RUNNING");
}

#[test]
fn a_task_is_shown_with_its_attempts() {
    let folder = Folder::new(&[("flow/flow.yaml", FLOW)]);
    let run = ["task", "run", "flow/flow.yaml#work", "--data", "data"];
    let task = folder.run(&run).expect(1).json();
    let id = task["id"].as_str().unwrap();
    let shown = folder.run(&["show", id, "--data", "data"]);
    assert_eq!(shown.expect(0).json()["attempts"], task["attempts"]);
}

#[test]
fn what_is_not_there_is_told() {
    let (folder, id) = waiting();
    let other = "01890000-0000-7000-8000-000000000000";
    ask(&folder, other, "pause", &[])
        .expect(2)
        .says(&format!("NOT_FOUND: there is no workflow {other}"));
    ask(&folder, &id, "show", &["--tenant", "other"])
        .expect(2)
        .says("NOT_FOUND");
    ask(&folder, "7", "show", &[])
        .expect(2)
        .says("invalid value '7'");
    ask(&folder, &id, "variables", &["[1]"])
        .expect(2)
        .says("variables are an object");
    ask(&folder, &id, "skip", &["nothing"])
        .expect(2)
        .says("NOT_FOUND: the workflow has no step nothing");
    let nowhere = folder.run(&["list", "--data", "nowhere"]);
    nowhere
        .expect(2)
        .says("no run has kept anything in nowhere");
    assert!(!folder.path("nowhere").exists());
}

#[test]
fn iterations_that_wait_for_signals_are_told_and_go_on() {
    let map = r#"
id: each
version: 1.0.0
name: Each
steps:
  - name: each
    type: MAP
    items: "[1, 2]"
    steps: [{name: approve, type: SIGNAL, signal: approved}]
    variableMappings: [{type: DIRECT, source: taskOutput, target: out}]
output: workflowVariables.out
"#;
    let folder = Folder::new(&[("flow/flow.yaml", map)]);
    let waiting = folder.run(&["run", "flow", "--data", "data"]);
    waiting
        .expect(4)
        .says("waits for a signal at its step approve");
    let id = waiting.json()["id"].as_str().unwrap().to_owned();
    let signal = |number: &str| {
        let signalled = ask(&folder, &id, "signal", &["approved", "--input", number]);
        assert_eq!(status(&signalled), "RUNNING");
    };
    signal("7");
    go_on(&folder).expect(4);
    signal("8");
    go_on(&folder).expect(0);
    let shown = ask(&folder, &id, "show", &[]).expect(0).json();
    assert_eq!(shown["output"], serde_json::json!([7, 8]));
}
