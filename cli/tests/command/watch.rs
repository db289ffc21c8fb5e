//! `taskmill watch` and `logs` in a folder, and `completions`. At a service and in a stack they are
//! tested with the other commands of these.

use crate::support::{FLOW, Folder};

#[test]
fn what_is_kept_in_a_folder_is_told_as_it_is() {
    let folder = Folder::new(&[("flow/flow.yaml", FLOW)]);
    folder.run(&["define", "flow", "--data", "data"]).expect(0);
    let start = [
        "start",
        "flow",
        "--input",
        r#"{"times": 1}"#,
        "--data",
        "data",
    ];
    let started = folder.run(&start).expect(0).json();
    let id = started["id"].as_str().unwrap();
    let watch = |more: &[&str]| folder.run(&[&["watch", id, "--data", "data"], more].concat());
    let waits = watch(&[]);
    waits
        .expect(4)
        .says("taskmill continue PATH --data data goes on with it");
    assert_eq!(waits.json()["status"], "RUNNING");
    folder
        .run(&["continue", "flow", "--data", "data"])
        .expect(0);
    let done = watch(&[]);
    done.expect(0).says("2 tasks, 1 skipped, 1 retry");
    let lines = done.progress();
    assert!(lines[0].starts_with("greet SKIPPED"), "{lines:?}");
    assert!(
        lines[1].starts_with("try RETRY_PENDING attempt 1"),
        "{lines:?}"
    );
    assert_eq!(watch(&["--quiet"]).stderr, "");
    let task = done.json()["taskInstances"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let watched = folder.run(&["watch", &task, "--data", "data"]);
    watched.expect(0).says("COMPLETED in").says("2 attempts");
    let nobody = "019ab1c2-0000-7000-8000-000000000000";
    let nobody = folder.run(&["watch", nobody, "--data", "data"]);
    nobody
        .expect(2)
        .says("NOT_FOUND: there is no workflow or task");
}

#[test]
fn the_story_of_a_workflow_is_in_order() {
    let folder = Folder::new(&[("flow/flow.yaml", FLOW)]);
    let input = ["--input", r#"{"times": 9}"#, "--data", "data"];
    let failed = folder.run(&[&["run", "flow"][..], &input].concat());
    let id = failed.expect(1).json()["id"].as_str().unwrap().to_owned();
    let logs = |format: &str| folder.run(&["logs", &id, "--data", "data", "--output", format]);
    let told = logs("json").expect(0).json();
    let told = told.as_array().unwrap();
    let line = |one: &serde_json::Value| {
        let path = one["path"].as_str().unwrap_or("-");
        format!("{path} {}", one["event"].as_str().unwrap())
    };
    let lines: Vec<String> = told.iter().map(line).collect();
    let expected = [
        "- CREATED",
        "try CREATED",
        "try RUNNING",
        "try RETRY_PENDING",
        "try RUNNING",
        "try RETRY_PENDING",
        "try RUNNING",
        "try FAILED",
        "- FAILED",
        "greet SKIPPED",
    ];
    assert_eq!(lines, expected);
    assert_eq!(told[0]["by"], "tester");
    let table = logs("table").expect(0).stdout.clone();
    assert!(table.trim_start().starts_with("TIME"), "{table}");
    assert!(!table.contains('\u{1b}'), "{table}");
    assert!(
        logs("yaml")
            .expect(0)
            .stdout
            .contains("event: RETRY_PENDING")
    );
}

#[test]
fn shells_are_told_how_to_complete_every_command() {
    let folder = Folder::new(&[]);
    for shell in ["bash", "zsh", "fish"] {
        let script = folder.run(&["completions", shell]);
        let script = &script.expect(0).stdout;
        for word in ["dead-letters", "watch", "--profile"] {
            let word = word.trim_start_matches("--");
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
    folder.run(&["completions", "sh"]).expect(2).says("bash");
}
