//! `taskmill run`.

use serde_json::json;

use crate::support::{FLOW, Folder};

#[test]
fn a_workflow_that_completes_is_printed_with_its_tasks() {
    let folder = Folder::new(&[
        ("flow/flow.yaml", FLOW),
        ("flow/input.json", r#"{"times": 1}"#),
    ]);
    let ended = folder.run(&["run", "flow", "--input", "flow/input.json"]);
    ended.expect(0);
    let workflow = ended.json();
    assert_eq!(workflow["status"], "COMPLETED");
    assert_eq!(workflow["output"]["tried"], 1);
    assert_eq!(workflow["createdBy"], "tester");
    let tasks = workflow["taskInstances"].as_array().unwrap();
    let paths: Vec<&str> = tasks
        .iter()
        .map(|task| task["executionContext"]["taskPath"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["try", "last"]);
    assert_eq!(tasks[0]["retryCount"], 1);
    let host = tasks[0]["executorId"].as_str().unwrap();
    assert!(host.starts_with("builtin@"), "{host}");
}

/// What stands in the README between two texts, the first time after a heading.
fn of_readme<'a>(readme: &'a str, heading: &str, before: &str, after: &str) -> &'a str {
    let (_, section) = readme.split_once(heading).unwrap();
    let (_, rest) = section.split_once(before).unwrap();
    rest.split_once(after).unwrap().0
}

#[test]
fn the_first_workflow_of_the_readme_runs_as_it_stands_there() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(file).unwrap();
    let of_section = |before, after| of_readme(&readme, "## A first workflow", before, after);
    let workflow = of_section("```yaml\n", "```\n");
    let input = of_section("cargo taskmill run hello --input '", "'\n```\n");
    let folder = Folder::new(&[("hello/workflow.yaml", workflow)]);
    let ended = folder.run(&["run", "hello", "--input", input]);
    assert_eq!(ended.expect(0).json()["output"], json!({"words": 3}));
}

#[test]
fn progress_has_a_line_an_attempt_with_status_and_wait() {
    let folder = Folder::new(&[("flow.yaml", FLOW)]);
    let ended = folder.run(&["run", "flow.yaml", "--input", r#"{"times": 1}"#]);
    let progress = ended.progress();
    assert_eq!(progress[0], "greet SKIPPED", "{progress:?}");
    assert!(
        progress[1].starts_with("try RETRY_PENDING attempt 1 "),
        "{progress:?}"
    );
    assert!(progress[1].ends_with("; attempt 2 in 5 ms"), "{progress:?}");
    assert!(
        progress[2].starts_with("try COMPLETED attempt 2 "),
        "{progress:?}"
    );
    assert!(
        progress[3].starts_with("last COMPLETED attempt 1 "),
        "{progress:?}"
    );
    let summary = &progress[4];
    assert!(
        summary.contains(" COMPLETED in ") && summary.ends_with(": 2 tasks, 1 skipped, 1 retry"),
        "{summary}"
    );
    assert_eq!(progress.len(), 5, "{progress:?}");
}

#[test]
fn a_workflow_that_fails_ends_with_1_and_its_reason() {
    let folder = Folder::new(&[("flow.yaml", FLOW)]);
    let ended = folder.run(&[
        "run",
        "flow.yaml",
        "--input",
        r#"{"times": 9, "greet": true}"#,
    ]);
    ended.expect(1).says("FAILED").says("failed as asked");
    let workflow = ended.json();
    assert_eq!(workflow["status"], "FAILED");
    assert_eq!(workflow["taskInstances"].as_array().unwrap().len(), 2);
}

#[test]
fn a_workflow_that_runs_out_of_time_ends_with_1() {
    let text = "
id: sleep
version: 1.0.0
name: Sleep
type: AUTOMATED
executionConfig: {executor: 'builtin:sleep'}
---
id: slow
version: 1.0.0
name: Slow
steps:
  - name: nap
    taskDefinitionId: sleep
    timeout: 20
    inputMappings: [{type: EXPRESSION, expression: '60000', target: millis}]
";
    let folder = Folder::new(&[("slow.yaml", text)]);
    let ended = folder.run(&["run", "slow.yaml"]);
    ended.expect(1).says("TIMED_OUT").says("TIMEOUT");
    assert_eq!(ended.json()["taskInstances"][0]["status"], "TIMED_OUT");
}

#[test]
fn the_result_comes_in_the_form_that_is_asked_for() {
    let folder = Folder::new(&[("flow.yaml", FLOW)]);
    let run = |form: &str| {
        let ended = folder.run(&[
            "run",
            "flow.yaml",
            "--input",
            r#"{"times": 0}"#,
            "-q",
            "--output",
            form,
        ]);
        ended.expect(0);
        assert_eq!(ended.stderr, "", "--quiet says nothing");
        ended.stdout
    };
    let read = taskmill::document::read(&run("yaml")).unwrap();
    assert_eq!(read[0].value["output"]["tried"], 0);
    assert_eq!(read[0].value["taskInstances"][1]["status"], "COMPLETED");
    let table = run("table");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert!(rows.contains(&vec!["status", "COMPLETED"]), "{table}");
    assert!(
        rows.iter()
            .any(|row| row.starts_with(&["last", "COMPLETED", "1"])),
        "{table}"
    );
}

#[test]
fn who_asks_is_what_the_arguments_say() {
    let text = "
id: secret
version: 1.0.0
name: Secret
type: AUTOMATED
securityRequirements: {requiredPermissions: [open]}
executionConfig: {executor: 'builtin:noop'}
---
{id: flow, version: 1.0.0, name: Flow, steps: [{name: open, taskDefinitionId: secret}]}
";
    let folder = Folder::new(&[("flow.yaml", text)]);
    let refused = folder.run(&["run", "flow.yaml", "--permission", "close"]);
    refused.expect(1).says("PERMISSION_DENIED");
    let allowed = folder.run(&[
        "run",
        "flow.yaml",
        "--permission",
        "close",
        "--permission",
        "open",
        "--role",
        "boss",
        "--user",
        "ann",
        "--tenant",
        "acme",
        "--correlation-id",
        "c-1",
        "--environment",
        "test",
    ]);
    let workflow = allowed.expect(0).json();
    assert_eq!(workflow["tenantId"], "acme");
    assert_eq!(workflow["createdBy"], "ann");
    assert_eq!(workflow["correlationId"], "c-1");
    let context = &workflow["securityContext"];
    assert_eq!(context["roles"][0], "boss");
    assert_eq!(context["permissions"][1], "open");
    assert_eq!(context["environmentId"], "test");
}

#[test]
fn invalid_definitions_end_with_2_and_every_problem_at_its_place() {
    let flow = FLOW
        .replace("retryPolicy:", "retryPolice:")
        .replace("Id: copy", "Id: cpy");
    let folder = Folder::new(&[("flow/flow.yaml", &flow)]);
    let ended = folder.run(&["run", "flow", "--input", r#"{"times": 1}"#]);
    ended.expect(2);
    assert_eq!(ended.stdout, "");
    ended.says("flow/flow.yaml:13: UNKNOWN_FIELD /retryPolice: ");
    ended.says("(did you mean \"retryPolicy\"?)");
    ended.says("UNKNOWN_TASK_DEFINITION /steps/0/taskDefinitionId: ");
    ended.says("UNKNOWN_TASK_DEFINITION /steps/2/taskDefinitionId: ");
    ended.says("(did you mean \"copy\"?)");
}

#[test]
fn an_invalid_input_ends_with_2_and_every_violation_at_its_place() {
    let input = "{\n  \"greet\": 1,\n  \"times\": \"x\"\n}\n";
    let folder = Folder::new(&[("flow.yaml", FLOW), ("in.json", input)]);
    let ended = folder.run(&["run", "flow.yaml", "--input", "in.json"]);
    ended
        .expect(2)
        .says("in.json:2: INVALID_INPUT /greet: ")
        .says("in.json:3: INVALID_INPUT /times: ");
    let inline = folder.run(&["run", "flow.yaml", "--input", "{}"]);
    inline.expect(2).says("--input: INVALID_INPUT: ");
    let broken = folder.run(&["run", "flow.yaml", "--input", "{"]);
    broken.expect(2).says("\"{\" is neither a file nor JSON");
}

#[test]
fn bad_usage_ends_with_2_and_says_what_would_be_good() {
    let one = |id: &str| {
        format!("{{id: {id}, version: 1.0.0, name: N, steps: [{{name: a, taskDefinitionId: t}}]}}")
    };
    let task = "{id: t, version: 1.0.0, name: T, type: AUTOMATED, executionConfig: {executor: 'builtin:noop'}}";
    let folder = Folder::new(&[
        ("two/a.yaml", &one("alpha")),
        ("two/b.yaml", &one("beta")),
        ("two/t.yaml", task),
        ("tasks/t.yaml", task),
        ("none/input.json", "{}"),
    ]);
    let cases: [(&[&str], &str); 7] = [
        (&["run", "two"], "choose one with --workflow: alpha, beta"),
        (
            &["run", "two", "--workflow", "alhpa"],
            "(did you mean \"alpha\"?)",
        ),
        (&["run", "tasks"], "there is no workflow definition"),
        (&["run", "none"], "holds no definition"),
        (&["run", "nowhere"], "nowhere cannot be read"),
        (&["run", "two", "--colour"], "--colour"),
        (
            &["run", "two", "--workflow", "alpha", "--secrets", "no"],
            "no cannot be read",
        ),
    ];
    for (arguments, expected) in cases {
        folder.run(arguments).expect(2).says(expected);
    }
    folder.run(&["run", "two", "--workflow", "beta"]).expect(0);
}

#[test]
fn a_run_is_drawn_with_what_became_of_each_step() {
    let text = r#"
{id: echo, version: 1.0.0, name: E, type: AUTOMATED, executionConfig: {executor: 'builtin:echo'}}
---
{id: fail, version: 1.0.0, name: F, type: AUTOMATED, executionConfig: {executor: 'builtin:fail'}, retryPolicy: {maxRetries: 0}}
---
id: flow
version: 1.0.0
name: Flow
steps:
  - {name: no, taskDefinitionId: echo, condition: "false"}
  - name: each
    type: MAP
    items: "[0, 1, 2]"
    toleratedFailureCount: 1
    steps:
      - {name: odd, taskDefinitionId: fail, inputMappings: [{type: EXPRESSION, expression: "item", target: times}]}
  - name: both
    type: PARALLEL
    branches:
      - {name: a, steps: [{name: broken, taskDefinitionId: fail}]}
      - {name: b, steps: [{name: wait, type: WAIT, duration: P1D}]}
  - {name: never, taskDefinitionId: echo}
"#;
    let folder = Folder::new(&[("flow.yaml", text)]);
    let mermaid = folder.run(&["run", "flow.yaml", "--graph"]);
    let drawn = &mermaid.expect(1).stdout;
    let rows = [
        "[\"start\"]",
        "[\"no: echo · SKIPPED\"]",
        "[\"each: MAP over [0, 1, 2] · FAILED, 3 iterations\"]",
        "[\"odd: fail · 1 COMPLETED, 2 FAILED\"]",
        "[\"both: PARALLEL\"]",
        "[\"never: echo\"]",
    ];
    for row in rows {
        assert!(drawn.contains(row), "no {row} in {drawn}");
    }
    let tolerant = text.replace("toleratedFailureCount: 1", "toleratedFailureCount: 2");
    folder.write("flow.yaml", &tolerant);
    let dot = folder.run(&["run", "flow.yaml", "--graph=dot", "-q"]);
    let drawn = &dot.expect(1).stdout;
    let rows = [
        "[label=\"each: MAP over [0, 1, 2] · COMPLETED, 3 iterations\", style=filled, fillcolor=\"#b7e4c7\"]",
        "[label=\"both: PARALLEL · FAILED\", style=filled, fillcolor=\"#f4a6a6\"]",
        "[label=\"broken: fail · FAILED\", style=filled, fillcolor=\"#f4a6a6\"]",
        "[label=\"wait: WAIT · CANCELLED\", style=filled, fillcolor=\"#cccccc\"]",
        "[label=\"never: echo\"]",
    ];
    for row in rows {
        assert!(drawn.contains(row), "no {row} in {drawn}");
    }
}

/// The winner waits until the loser has begun, and what comes after the race until the loser's
/// program is gone.
#[test]
fn the_program_that_loses_a_race_is_killed_while_the_workflow_goes_on() {
    let text = r#"
id: sh
version: 1.0.0
name: Sh
type: AUTOMATED
retryPolicy: {maxRetries: 0}
executionConfig: {executor: 'process:sh race.sh'}
---
id: race
version: 1.0.0
name: Race
steps:
  - name: both
    type: PARALLEL
    join: ANY
    branches:
      - {name: a, steps: [{name: fast, taskDefinitionId: sh}]}
      - {name: b, steps: [{name: slow, taskDefinitionId: sh}]}
  - {name: last, taskDefinitionId: sh}
"#;
    let program = r#"
case $TASKMILL_TASK_PATH in
  both/a/fast) until [ -s pid ]; do sleep 0.01; done ;;
  both/b/slow) echo $$ > pid; exec sleep 1000 ;;
  last) while kill -0 "$(cat pid)" 2> /dev/null; do sleep 0.01; done ;;
esac
"#;
    let folder = Folder::new(&[("flow/race.yaml", text), ("flow/race.sh", program)]);
    let ended = folder.run(&["run", "flow"]);
    ended
        .expect(0)
        .says("both/b/slow          CANCELLED")
        .says(": 3 tasks");
}

#[test]
fn what_children_do_is_told_and_a_step_of_steps_is_not_called_skipped() {
    let text = r#"
{id: echo, version: 1.0.0, name: E, type: AUTOMATED, executionConfig: {executor: 'builtin:echo'}}
---
id: outer
version: 1.0.0
name: Outer
steps:
  - {name: set, type: SET, variableMappings: [{type: EXPRESSION, expression: "1", target: a}]}
  - {name: sub, type: SUB_WORKFLOW, workflowDefinitionId: inner}
  - name: each
    type: MAP
    items: "[1, 2]"
    steps:
      - {name: odd, taskDefinitionId: echo, condition: "item = 1"}
---
id: inner
version: 1.0.0
name: Inner
steps:
  - {name: no, taskDefinitionId: echo, condition: "false"}
  - {name: yes, taskDefinitionId: echo}
"#;
    let folder = Folder::new(&[("flow.yaml", text)]);
    // The workflow that no other one runs is the one that is meant.
    let ended = folder.run(&["run", "flow.yaml"]);
    ended.expect(0).says(": 2 tasks, 2 skipped");
    let mut lines = ended.progress();
    lines.retain(|line| line.contains("SKIPPED") || line.contains("COMPLETED attempt"));
    let lines: Vec<String> = lines
        .iter()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        lines,
        [
            "sub/no SKIPPED",
            "sub/yes COMPLETED",
            "each[1]/odd SKIPPED",
            "each[0]/odd COMPLETED"
        ]
    );
}

#[test]
fn what_is_no_definition_is_skipped_and_named_when_asked() {
    let folder = Folder::new(&[
        ("flow/flow.yaml", FLOW),
        ("flow/other.json", r#"{"id": "x", "lines": []}"#),
        ("flow/flow.test.yaml", "cases: []"),
        ("flow/in.json", r#"{"times": 0}"#),
    ]);
    let run = |more: &[&str]| {
        let arguments = [&["run", "flow", "--input", "flow/in.json"], more].concat();
        let ended = folder.run(&arguments);
        ended.expect(0);
        ended.stderr
    };
    assert!(!run(&[]).contains("other.json"));
    let said = run(&["-v"]);
    assert!(said.contains("skipped flow/other.json: "), "{said}");
    assert!(
        !said.contains("in.json") && !said.contains("test.yaml"),
        "{said}"
    );
}

#[test]
fn secrets_come_from_a_file_and_stay_out_of_the_result() {
    let text = r#"
id: use
version: 1.0.0
name: Use
type: AUTOMATED
executionConfig:
  executor: process:sh -c 'test ${#KEY} = 12 && echo "{\"said\":\"$KEY\"}"'
  environmentVariables: {KEY: "{{secret:KEY}}"}
---
{id: flow, version: 1.0.0, name: Flow, steps: [{name: use, taskDefinitionId: use}]}
"#;
    let folder = Folder::new(&[
        ("flow/flow.yaml", text),
        ("flow/secrets.json", r#"{"KEY": "wonderland-7"}"#),
        ("other.env", "KEY=something-else\n"),
    ]);
    let ended = folder.run(&["run", "flow", "-vvv"]);
    ended.expect(0);
    assert!(!ended.stdout.contains("wonderland-7"), "{}", ended.stdout);
    assert!(!ended.stderr.contains("wonderland-7"));
    folder
        .run(&["run", "flow", "--secrets", "other.env"])
        .expect(1);
}
