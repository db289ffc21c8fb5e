//! `taskmill schedule` on a kept folder, and schedules among the definitions of a folder.

use serde_json::json;

use crate::support::{Ended, FLOW, Folder};

const NIGHTLY: &str = "
id: nightly
workflowDefinitionId: flow
cron: 30 2 * * *
timeZone: Europe/Berlin
startAt: 2036-07-01T00:00:00Z
input: {times: 0}
";

/// A folder in which `flow` is defined, and a schedule of it beside.
fn defined() -> Folder {
    let folder = Folder::new(&[("flow/flow.yaml", FLOW), ("flow/nightly.yaml", NIGHTLY)]);
    folder.run(&["define", "flow", "--data", "data"]).expect(0);
    folder
}

fn schedule(folder: &Folder, arguments: &[&str]) -> Ended {
    let arguments = [&["schedule"], arguments, &["--data", "data"]].concat();
    folder.run(&arguments)
}

#[test]
fn a_schedule_is_defined_stopped_resumed_started_by_hand_and_deleted() {
    let folder = defined();
    let told = schedule(&folder, &["define", "flow", "--user", "ann"]);
    let told = &told.expect(0).json()[0];
    assert_eq!(
        (&told["id"], &told["owner"]),
        (&json!("nightly"), &json!("ann"))
    );
    // Half past two in Berlin's summer.
    assert_eq!(told["nextAt"], "2036-07-01T00:30:00.000Z");
    let again = schedule(&folder, &["define", "flow/nightly.yaml"]);
    assert_eq!(again.expect(0).json()[0]["version"], 2);

    let table = schedule(&folder, &["list", "--output", "table"]);
    let line = table.expect(0).stdout.lines().last().unwrap().to_owned();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[..2], ["nightly", "flow"]);
    assert_eq!(
        words[words.len() - 3..],
        ["Europe/Berlin", "ACTIVE", "2036-07-01T00:30:00.000Z"]
    );

    let status =
        |verb: &str| schedule(&folder, &[verb, "nightly"]).expect(0).json()["status"].clone();
    assert_eq!(status("pause"), "PAUSED");
    assert_eq!(status("show"), "PAUSED");
    assert_eq!(status("trigger"), "RUNNING");
    assert_eq!(status("resume"), "ACTIVE");
    let deleted = schedule(&folder, &["delete", "nightly"]);
    deleted.expect(0).says("the schedule nightly is deleted");
    schedule(&folder, &["show", "nightly"])
        .expect(2)
        .says("there is no schedule nightly");
    assert_eq!(schedule(&folder, &["list"]).expect(0).json(), json!([]));
}

#[test]
fn what_a_schema_classifies_of_a_schedule_takes_a_permission_to_be_seen() {
    let classified = "{properties: {times: {x-classification: counts}}}";
    let flow = format!(
        "{FLOW}\n---\nid: apart\nname: Apart\nversion: 1.0.0\ninputSchema: {classified}\nsteps: [{{name: only, type: WAIT, duration: 1}}]\n"
    );
    let nightly = NIGHTLY.replace("workflowDefinitionId: flow", "workflowDefinitionId: apart");
    let folder = Folder::new(&[("flow/flow.yaml", &flow), ("flow/nightly.yaml", &nightly)]);
    folder.run(&["define", "flow", "--data", "data"]).expect(0);
    schedule(&folder, &["define", "flow"]).expect(0);
    let times = |arguments: &[&str]| {
        let shown = schedule(&folder, &[&["show", "nightly"], arguments].concat());
        shown.expect(0).json()["definition"]["input"]["times"].clone()
    };
    assert_eq!(times(&[]), "***");
    let permission = "taskmill:data-classification:counts";
    assert_eq!(times(&["--permission", permission]), 0);
}

#[test]
fn schedules_are_validated_with_their_folder_and_disturb_no_run() {
    let folder = defined();
    let valid = folder.run(&["validate", "flow"]);
    valid.expect(0).says("4 definitions without problems");
    let run = folder.run(&["run", "flow", "--input", r#"{"times": 0}"#]);
    run.expect(0);
    folder.write("flow/nightly.yaml", &NIGHTLY.replace("Berlin", "Berln"));
    let wrong = folder.run(&["validate", "flow"]);
    let told = &wrong.expect(2).stdout;
    assert!(told.contains("nightly.yaml:5"), "{told}");
    assert!(told.contains("Europe/Berlin"), "{told}");
    let wrong = schedule(&folder, &["define", "flow"]);
    wrong.expect(2).says("UNKNOWN_TIME_ZONE");
    let none = schedule(&folder, &["define", "flow/flow.yaml"]);
    none.expect(2).says("holds no schedule");
}
