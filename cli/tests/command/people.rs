//! `taskmill inbox`, `claim` and what follows: what people do in a data folder between two
//! runs.

use serde_json::json;

use crate::support::{Ended, Folder};

const FLOW: &str = r#"
id: sign
version: 1.0.0
name: Sign
type: MANUAL
outputSchema: {type: object, required: [signed]}
assignment: {candidateUsers: [ann], candidateGroups: [heads]}
retryPolicy: {maxRetries: 1, retryInterval: 1000}
---
id: flow
version: 1.0.0
name: Flow
steps:
  - name: sign
    taskDefinitionId: sign
    taskReference: "'the contract'"
    variableMappings: [{type: DIRECT, source: signed, target: signed}]
output: "workflowVariables.signed"
"#;

/// A folder in which a workflow waits for a person, and the id of the task.
fn waiting() -> (Folder, String) {
    let folder = Folder::new(&[("flow/flow.yaml", FLOW)]);
    let ended = folder.run(&["run", "flow", "--data", "data"]);
    ended.expect(4).says("sign waits for a person");
    let waiting = folder.run(&["list", "--tasks", "--type", "manual", "--data", "data"]);
    let id = waiting.expect(0).json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    (folder, id)
}

fn does(folder: &Folder, what: &str, id: &str, more: &[&str]) -> Ended {
    folder.run(&[&[what, id, "--data", "data"], more].concat())
}

#[test]
fn a_person_finds_claims_and_completes_a_task_and_the_run_goes_on() {
    let (folder, id) = waiting();
    let inbox = |who: &[&str]| {
        let all = [&["inbox", "--data", "data"], who].concat();
        folder.run(&all).expect(0).json().as_array().unwrap().len()
    };
    assert_eq!(inbox(&["--as", "ann"]), 1);
    assert_eq!(inbox(&["--as", "eve", "--role", "heads"]), 1);
    assert_eq!(inbox(&["--as", "eve"]), 0);
    let refused = does(&folder, "claim", &id, &["--as", "eve"]);
    refused.expect(2).says("NOT_A_CANDIDATE");
    assert_eq!(refused.stdout, "");

    let claimed = does(&folder, "claim", &id, &["--as", "ann"]);
    let claimed = claimed.expect(0).says("is ASSIGNED, with ann").json();
    assert_eq!(
        (&claimed["status"], &claimed["assignee"]),
        (&json!("ASSIGNED"), &json!("ann"))
    );
    assert_eq!(inbox(&["--as", "eve", "--role", "heads"]), 0);
    assert_eq!(inbox(&["--as", "ann"]), 1);
    let table = [
        "inbox", "--data", "data", "--as", "ann", "--output", "table",
    ];
    let table = folder.run(&table);
    assert!(table.expect(0).stdout.contains("the contract"));

    let bad = does(&folder, "complete", &id, &["--as", "ann", "--result", "{}"]);
    bad.expect(2).says("INVALID_INPUT");
    let done = ["--as", "ann", "--result", r#"{"signed": "gladly"}"#];
    let done = does(&folder, "complete", &id, &done).expect(0).json();
    assert_eq!(done["status"], "COMPLETED");
    let ended = folder.run(&["run", "flow", "--data", "data"]);
    assert_eq!(ended.expect(0).json()["output"], "gladly");
}

#[test]
fn a_task_is_given_back_handed_on_and_given_up() {
    let (folder, id) = waiting();
    does(&folder, "claim", &id, &["--as", "ann"]).expect(0);
    does(&folder, "release", &id, &["--as", "bob"])
        .expect(2)
        .says("NOT_THE_ASSIGNEE");
    let released = does(&folder, "release", &id, &["--as", "ann"]);
    assert_eq!(released.expect(0).json()["status"], "PENDING");
    does(&folder, "assign", &id, &["bob", "--as", "eve"])
        .expect(2)
        .says("PERMISSION_DENIED");
    let right = [
        "bob",
        "--as",
        "eve",
        "--permission",
        "taskmill:administer-tasks",
    ];
    assert_eq!(
        does(&folder, "assign", &id, &right).expect(0).json()["assignee"],
        "bob"
    );

    let given_up = does(
        &folder,
        "fail",
        &id,
        &["ILL", "--message", "not today", "--as", "bob"],
    );
    let given_up = given_up.expect(0).json();
    assert_eq!(
        (&given_up["status"], &given_up["retryCount"]),
        (&json!("PENDING"), &json!(1))
    );
    does(&folder, "claim", &id, &["--as", "ann", "--quiet"]).expect(0);
    let failed = does(&folder, "fail", &id, &["ILL", "--as", "ann"]);
    assert_eq!(failed.expect(0).json()["status"], "FAILED");
    folder.run(&["run", "flow", "--data", "data"]).expect(1);
}

#[test]
fn an_inbox_is_of_one_person_and_of_what_they_ask_for() {
    let (folder, id) = waiting();
    let found = |more: &[&str]| {
        let all = [&["inbox", "--data", "data", "--as", "ann"], more].concat();
        let ended = folder.run(&all);
        let found = ended.expect(0).json();
        found.as_array().unwrap().len()
    };
    let heads = ["--role", "heads", "--group", "heads"];
    let count = |expected: [usize; 6]| {
        let counts = [
            found(&["--mine"]),
            found(&["--claimable"]),
            found(&heads),
            found(&["--status", "assigned"]),
            found(&["--priority", "MEDIUM"]),
            found(&["--due-before", "2027-01-31T12:00:00Z"]),
        ];
        assert_eq!(counts, expected);
    };
    count([0, 1, 1, 0, 1, 0]);
    does(&folder, "claim", &id, &["--as", "ann"]).expect(0);
    count([1, 0, 0, 1, 1, 0]);
    let until = ["--until", "2099-01-31T12:00:00Z", "--as", "ann"];
    does(&folder, "follow-up", &id, &until)
        .expect(2)
        .says("within a year");
    let foreign = ["inbox", "--as", "ann", "--group", "heads", "--data", "data"];
    folder.run(&foreign).expect(2).says("PERMISSION_DENIED");
    let both = ["inbox", "--mine", "--claimable", "--data", "data"];
    folder.run(&both).expect(2).says("cannot be used with");
    let some = ["inbox", "--as", "ann", "--limit", "1", "--data", "data"];
    folder.run(&some).expect(0).says("the first 1");
}

#[test]
fn a_task_is_begun_delegated_talked_about_and_given_back_done() {
    let (folder, id) = waiting();
    let form = folder.run(&["form", &id, "--as", "ann", "--data", "data"]);
    let form = form.expect(0).json();
    assert_eq!(form["schema"]["required"], json!(["signed"]));
    does(&folder, "claim", &id, &["--as", "ann"]).expect(0);
    let begun = does(&folder, "begin", &id, &["--as", "ann"]);
    assert_eq!(begun.expect(0).json()["status"], "RUNNING");
    let delegated = does(&folder, "delegate", &id, &["bob", "--as", "ann"]);
    let delegated = delegated.expect(0).says("with bob").json();
    assert_eq!(delegated["handling"]["owner"], "ann");
    let early = ["--as", "bob", "--result", r#"{"signed": 1}"#];
    does(&folder, "complete", &id, &early)
        .expect(2)
        .says("ILLEGAL_STATE");
    let comment = ["please look at page 2", "--as", "bob"];
    does(&folder, "comment", &id, &comment).expect(0);
    let resolved = does(&folder, "resolve", &id, &["--as", "bob"])
        .expect(0)
        .json();
    assert_eq!(resolved["assignee"], "ann");
    let off = does(&folder, "follow-up", &id, &["--as", "ann"]);
    off.expect(0);
    let acts: Vec<_> = resolved["audit"].as_array().unwrap().iter().collect();
    let acts: Vec<_> = acts
        .iter()
        .map(|one| one["act"].as_str().unwrap())
        .collect();
    assert_eq!(acts, ["CLAIM", "START", "DELEGATE", "COMMENT", "RESOLVE"]);
    let logs = ["logs", &id, "--data", "data", "--output", "table"];
    let logs = folder.run(&logs);
    assert!(logs.expect(0).stdout.contains("please look at page 2"));
}

#[test]
fn a_persons_task_that_stands_alone_is_waited_for_by_nobody() {
    let folder = Folder::new(&[("flow/flow.yaml", FLOW)]);
    let waiting = folder.run(&["task", "run", "flow/flow.yaml#sign", "--data", "data"]);
    waiting.expect(4).says("waits for a person");
    let id = waiting.json()["id"].as_str().unwrap().to_owned();
    does(&folder, "claim", &id, &["--as", "ann"]).expect(0);
    let done = ["--as", "ann", "--result", r#"{"signed": 1}"#];
    let done = does(&folder, "complete", &id, &done);
    assert_eq!(done.expect(0).json()["status"], "COMPLETED");
}

/// A definition whose only step, of these fields, fails or waits for a person somewhere inside.
fn around(fields: &str) -> String {
    format!(
        "{FLOW}---
id: around
version: 1.0.0
name: Around
{fields}
---
id: broken
version: 1.0.0
name: Broken
type: AUTOMATED
executionConfig: {{executor: 'builtin:fail'}}
"
    )
}

#[test]
fn a_run_ends_where_all_that_is_left_waits_for_people() {
    let sign = "{name: sign, taskDefinitionId: sign}";
    let cases = [
        (
            format!("steps: [{{name: each, type: MAP, items: '[1, 2]', steps: [{sign}]}}]"),
            2,
        ),
        (
            format!(
                "steps: [{{name: each, type: MAP, items: '[1..300]', maxConcurrency: 1, steps: [{sign}]}}]"
            ),
            1,
        ),
        (
            "steps: [{name: below, type: SUB_WORKFLOW, workflowDefinitionId: flow}]".to_owned(),
            1,
        ),
        (
            format!("steps: [{{name: bad, taskDefinitionId: broken}}]\nerrorHandlers: [{sign}]"),
            1,
        ),
        (
            format!(
                "steps: [{{name: bad, taskDefinitionId: broken, onError: [{{errorCodes: ['*'], steps: [{sign}]}}]}}]"
            ),
            1,
        ),
    ];
    for (fields, people) in cases {
        let text = around(&fields);
        let folder = Folder::new(&[("flow/flow.yaml", &text)]);
        let ended = folder.run(&["run", "flow", "--workflow", "around"]);
        ended.expect(4);
        let lines = ended.stderr.matches("waits for a person").count();
        assert_eq!(lines, people, "{fields}: {}", ended.stderr);
    }
}
