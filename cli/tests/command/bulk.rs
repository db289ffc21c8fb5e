//! `taskmill bulk`, and `retry` and `cancel` of single tasks: in a folder, at a service, in a stack.

use serde_json::{Value, json};

use crate::service::Served;
use crate::stack::Deployed;
use crate::support::{Ended, Folder};

/// A step that fails until there is a file `ready`, the same as a task, and a task of a person.
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
steps: [{name: work, taskDefinitionId: work}]
"#;

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A folder with two workflows and a task that failed, and the ids of all three.
fn failed() -> (Folder, Vec<String>) {
    let folder = Folder::new(&[("flow/flow.yaml", FLOW)]);
    let mut ids = Vec::new();
    for arguments in [
        ["run", "flow", "--input", r#"{"n": 1}"#].as_slice(),
        ["run", "flow", "--input", r#"{"n": 2}"#].as_slice(),
        ["task", "run", "flow/flow.yaml#work"].as_slice(),
    ] {
        let ended = folder.run(&[arguments, &["--data", "data"]].concat());
        ids.push(text(&ended.expect(1).json()["id"]));
    }
    (folder, ids)
}

fn ask(folder: &Folder, arguments: &[&str]) -> Ended {
    folder.run(&[arguments, &["--data", "data"]].concat())
}

#[test]
fn many_workflows_go_on_in_a_folder_once_it_is_continued() {
    let (folder, ids) = failed();
    let bulk = |arguments: &[&str]| ask(&folder, &[&["bulk"], arguments].concat());
    let retry = ["workflows", "retry", "--workflow", "flow"];
    let counted = bulk(&[&retry[..], &["--dry-run"]].concat())
        .expect(0)
        .json();
    assert_eq!(
        (&counted["total"], &counted["more"]),
        (&json!(2), &json!(false))
    );
    assert_eq!(bulk(&["list"]).expect(0).json(), json!([]));

    let begin = [&retry[..], &["--idempotency-key", "k"]].concat();
    let begun = bulk(&begin);
    begun
        .expect(0)
        .says("continue PATH --data data goes on with it");
    let id = text(&begun.json()["id"]);
    assert_eq!(bulk(&begin).json()["id"], begun.json()["id"]);
    bulk(&["watch", &id])
        .expect(4)
        .says("nothing moves in a folder");

    folder.write("flow/ready", "");
    folder
        .run(&["continue", "flow", "--data", "data"])
        .expect(0);
    let shown = bulk(&["show", &id]).expect(0).json();
    let figures = ["status", "total", "done", "failed"].map(|field| shown[field].clone());
    assert_eq!(figures, [json!("COMPLETED"), json!(2), json!(2), json!(0)]);
    bulk(&["watch", &id]).expect(0).says("COMPLETED: 2 asked");
    let table = bulk(&["list", "--output", "table"])
        .expect(0)
        .stdout
        .clone();
    for word in ["workflows", "RETRY", "COMPLETED"] {
        assert!(table.contains(word), "no {word} in {table}");
    }
    for id in &ids[..2] {
        let workflow = ask(&folder, &["show", id]).expect(0).json();
        assert_eq!(workflow["status"], "COMPLETED");
    }
}

#[test]
fn a_single_task_is_repeated_and_cancelled_by_its_id() {
    let (folder, ids) = failed();
    let retry = ["retry", &ids[2], "--request-id", "r"];
    let repeated = ask(&folder, &retry);
    let task = repeated.expect(0).json();
    assert_eq!(
        (&task["retriedTaskId"], &task["status"]),
        (&json!(ids[2]), &json!("PENDING"))
    );
    repeated.says("continue PATH --data data goes on with it");
    assert_eq!(ask(&folder, &retry).expect(0).json()["id"], task["id"]);
    let id = text(&task["id"]);
    let undone = ask(&folder, &["cancel", &id, "--compensate"]);
    undone
        .expect(2)
        .says("a task has nothing that --compensate undoes");
    let cancelled = ask(&folder, &["cancel", &id, "--reason", "enough"]);
    assert_eq!(cancelled.expect(0).json()["status"], "CANCELLED");
    cancelled.says(&format!("task {id} is CANCELLED"));
    ask(&folder, &["retry", &id]).expect(0);
    let of_workflow = ask(&folder, &["show", &ids[0]]).expect(0).json();
    let of_workflow = text(&of_workflow["taskInstances"][0]["id"]);
    ask(&folder, &["retry", &of_workflow])
        .expect(2)
        .says("ILLEGAL_STATE");
    let nobodys = "00000000-0000-7000-8000-000000000000";
    for what in ["retry", "cancel"] {
        let refused = ask(&folder, &[what, nobodys]);
        refused
            .expect(2)
            .says(&format!("there is no workflow or task {nobodys}"));
    }
}

/// Goes through an operation that has a record which refuses, and one that is stopped.
fn go_through(run: impl Fn(&[&str]) -> Ended) {
    let times = |times: u32| json!({"times": times}).to_string();
    // The step fails three times in each attempt of the workflow.
    let start = ["start", "flow", "--input", &times(9), "--wait"];
    run(&start).expect(1);
    let retry = ["bulk", "workflows", "retry", "--status", "failed"];
    let dry = run(&[&retry[..], &["--dry-run"]].concat()).expect(0).json();
    assert_eq!(dry["total"], 1);
    let over = run(&[&retry[..], &["--wait"]].concat());
    let view = over.expect(0).json();
    assert_eq!(
        (&view["status"], &view["done"]),
        (&json!("COMPLETED"), &json!(1))
    );
    over.says("COMPLETED: 1 asked");
    let id = text(&view["id"]);
    assert_eq!(run(&["bulk", "failures", &id]).expect(0).json(), json!([]));
    let stopped = run(&["bulk", "stop", &id]).expect(0).json();
    assert_eq!(stopped["status"], "COMPLETED", "it was over");
    assert_eq!(run(&["bulk", "list"]).expect(0).json()[0]["id"], view["id"]);
    let none = ["bulk", "workflows", "cancel", "--status", "completed"];
    run(&none).expect(2).says("INVALID_INPUT");
    let none = [
        "bulk", "tasks", "cancel", "--type", "manual", "--wait", "--quiet",
    ];
    assert_eq!(run(&none).expect(0).json()["total"], 0);
    let reassign = ["bulk", "tasks", "reassign", "bob", "--dry-run"];
    assert_eq!(run(&reassign).expect(0).json()["total"], 0);
}

#[test]
fn many_are_asked_at_a_service() {
    let served = Served::new();
    served.run(&["define", "flow"]).expect(0);
    go_through(|arguments| served.run(arguments));
    let named = served.run(&["bulk", "workflows", "retry", "--user", "bob"]);
    named.expect(2).says("a service knows by the token");
}

#[test]
fn many_are_asked_in_a_stack() {
    let deployed = Deployed::new();
    deployed.acme(&["define", "flow"]).expect(0);
    go_through(|arguments| deployed.acme(arguments));
}
