//! Runs that are stopped and go on. Programs and tests wait for each other by named pipes, so
//! that nothing here depends on time.
#![cfg(unix)]

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

use crate::support::{Ended, Folder};

/// Three steps, each of which notes that it began. The first attempt of `b` says so on one pipe,
/// and goes on when another one says so.
const FLOW: &str = r#"
id: note
version: 1.0.0
name: Note
type: AUTOMATED
executionConfig:
  executor: process:sh note.sh
---
id: flow
version: 1.0.0
name: Flow
steps:
  - {name: a, taskDefinitionId: note}
  - {name: b, taskDefinitionId: note}
  - {name: c, taskDefinitionId: note}
"#;
const NOTE: &str = r#"
name=${TASKMILL_TASK_PATH:-alone}
echo "$name $TASKMILL_ATTEMPT" >> log
if [ "$TASKMILL_ATTEMPT" = 1 ] && { [ "$name" = b ] || [ "$name" = alone ]; }; then
  echo begun > begun
  read -r _ < go
fi
echo '{}'
"#;
const RUN: [&str; 5] = ["run", "flow", "--data", "data", "--input={}"];

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(120);

fn folder() -> Folder {
    let folder = Folder::new(&[("flow/flow.yaml", FLOW), ("flow/note.sh", NOTE)]);
    for pipe in ["flow/begun", "flow/go"] {
        let made = Command::new("mkfifo").arg(folder.path(pipe)).status();
        assert!(made.unwrap().success());
    }
    folder
}

/// Starts the command in a process group of its own, and returns when its program has begun.
fn begun(folder: &Folder, arguments: &[&str]) -> Child {
    let child = folder.command(arguments).process_group(0).spawn().unwrap();
    let pipe = folder.path("flow/begun");
    let (told, begun) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = fs::File::open(pipe).and_then(|mut pipe| pipe.read_to_string(&mut text));
        told.send(read.map(|_| text))
    });
    let text = begun.recv_timeout(PATIENCE).expect("the program begins");
    assert_eq!(text.unwrap(), "begun\n");
    child
}

/// Lets the program go on. The pipe is opened for both, so that it never waits for the program.
fn go_on(folder: &Folder) {
    let pipe = folder.path("flow/go");
    let mut both = OpenOptions::new()
        .read(true)
        .write(true)
        .open(pipe)
        .unwrap();
    std::io::Write::write_all(&mut both, b"go\n").unwrap();
    // Kept open until the process of the test ends: what was written is lost with the last end.
    std::mem::forget(both);
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

fn log(folder: &Folder) -> Vec<String> {
    folder.read("flow/log").lines().map(str::to_owned).collect()
}

fn codes(task: &Value) -> Vec<&str> {
    let attempts = task["attempts"].as_array().unwrap();
    let code = |attempt: &'_ Value| attempt["error"]["code"].as_str().map(str::to_owned);
    attempts
        .iter()
        .map(|attempt| match code(attempt) {
            Some(code) if code == "WORKER_LOST" => "WORKER_LOST",
            Some(_) => "another",
            None => "fine",
        })
        .collect()
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let folder = folder();
    let mut killed = begun(&folder, &RUN);
    kill_process_group(pid(&killed), Signal::KILL).unwrap();
    killed.wait().unwrap();
    let ended = folder.run(&RUN);
    let workflow = ended.expect(0).says("resuming workflow ").json();
    assert_eq!(workflow["status"], "COMPLETED");
    assert_eq!(log(&folder), ["a 1", "b 1", "b 2", "c 1"]);
    let tasks = workflow["taskInstances"].as_array().unwrap();
    let all: Vec<Vec<&str>> = tasks.iter().map(codes).collect();
    assert_eq!(
        all,
        [vec!["fine"], vec!["WORKER_LOST", "fine"], vec!["fine"]]
    );
    ended.says("RETRY_PENDING attempt 1").says("WORKER_LOST");
    // The orphan of the killed process ends, too.
    go_on(&folder);
}

#[test]
fn a_run_of_other_arguments_is_another_run() {
    let folder = folder();
    let mut killed = begun(&folder, &RUN);
    kill_process_group(pid(&killed), Signal::KILL).unwrap();
    killed.wait().unwrap();
    go_on(&folder);
    let other = [
        "run",
        "flow",
        "--data",
        "data",
        "--input",
        r#"{"other": 1}"#,
    ];
    let child = begun(&folder, &other);
    go_on(&folder);
    let ended = Ended::of(child.wait_with_output().unwrap());
    let workflow = ended.expect(0).json();
    assert!(!ended.stderr.contains("resuming"), "{ended:?}");
    assert_eq!(workflow["input"]["other"], 1);
}

#[test]
fn a_run_that_is_over_begins_anew_unless_its_key_says_otherwise() {
    let folder = folder();
    folder.write("flow/note.sh", "echo '{}'");
    let id = |more: &[&str]| {
        let ended = folder.run(&[&RUN, more].concat());
        ended.expect(0).json()["id"].as_str().unwrap().to_owned()
    };
    assert_ne!(id(&[]), id(&[]));
    let keyed = ["--idempotency-key", "k-1"];
    assert_eq!(id(&keyed), id(&keyed));
    let conflict = [
        "run",
        "flow",
        "--data",
        "data",
        "--input",
        "[1]",
        "--idempotency-key",
        "k-1",
    ];
    folder.run(&conflict).expect(2).says("IDEMPOTENCY_CONFLICT");
}

#[test]
fn a_task_that_was_killed_goes_on_too() {
    let folder = folder();
    let run = ["task", "run", "flow/flow.yaml", "--data", "data"];
    let mut killed = begun(&folder, &run);
    kill_process_group(pid(&killed), Signal::KILL).unwrap();
    killed.wait().unwrap();
    let ended = folder.run(&run);
    let task = ended.expect(0).says("resuming task ").json();
    assert_eq!(codes(&task), ["WORKER_LOST", "fine"]);
    go_on(&folder);
}

#[test]
fn a_folder_is_of_one_process() {
    let folder = folder();
    let first = begun(&folder, &RUN);
    let list = ["list", "--data", "data"];
    for second in [
        RUN.as_slice(),
        &list,
        &["continue", "flow", "--data", "data"],
    ] {
        let refused = folder.run(second);
        refused.expect(2).says("in use by another process");
    }
    go_on(&folder);
    Ended::of(first.wait_with_output().unwrap()).expect(0);
}

#[test]
fn a_version_that_changed_is_refused_at_its_line() {
    let folder = folder();
    folder.write("flow/note.sh", "echo '{}'");
    folder.run(&RUN).expect(0);
    folder.write("flow/flow.yaml", &FLOW.replace("name: Note", "name: Other"));
    let ended = folder.run(&RUN);
    ended
        .expect(2)
        .says("flow/flow.yaml:3: VERSION_EXISTS /version: ");
}

#[test]
fn the_first_interrupt_lets_the_attempt_end() {
    let folder = folder();
    let child = begun(&folder, &RUN);
    kill_process(pid(&child), Signal::INT).unwrap();
    go_on(&folder);
    let stopped = Ended::of(child.wait_with_output().unwrap());
    stopped
        .expect(130)
        .says("the same command goes on from here");
    assert_eq!(stopped.stdout, "");
    let ended = folder.run(&RUN);
    let workflow = ended.expect(0).says("resuming workflow ").json();
    assert_eq!(workflow["status"], "COMPLETED");
    assert_eq!(log(&folder), ["a 1", "b 1", "c 1"]);
}

#[test]
fn the_second_interrupt_ends_the_program_as_well() {
    let folder = folder();
    let mut child = begun(&folder, &RUN);
    kill_process(pid(&child), Signal::INT).unwrap();
    // The first is taken when it is told of; the second must not come as one with it.
    let mut stderr = child.stderr.take().unwrap();
    let mut said = String::new();
    while !said.contains("Ctrl-C again") {
        let mut byte = [0; 1];
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "{said}");
        said.push(char::from(byte[0]));
    }
    kill_process(pid(&child), Signal::INT).unwrap();
    let stopped = Ended::of(child.wait_with_output().unwrap());
    stopped.expect(130);
    // Nobody reads the pipe any more: the program was killed with its shell.
    let pipe = folder.path("flow/go");
    let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK;
    let opened = rustix::fs::open(&pipe, flags, rustix::fs::Mode::empty());
    assert_eq!(opened.unwrap_err(), rustix::io::Errno::NXIO);
}
