//! `taskmill validate`.

use crate::support::{FLOW, Folder};

const BROKEN: &str = "\
id: broken
version: 1.0.0
name: Broken
steps:
  - {name: a, taskDefinitionId: copi}
  - {name: b, taskDefinitionId: copy, timeuot: 5}
";
const WARNED: &str = "\
id: warned
version: 1.0.0
name: Warned
variables: {total: 0}
steps:
  - {name: a, taskDefinitionId: copy, condition: workflowVariables.totl > 1}
";

#[test]
fn good_definitions_end_with_0() {
    let folder = Folder::new(&[("flow.yaml", FLOW)]);
    let ended = folder.run(&["validate", "flow.yaml"]);
    ended.expect(0).says("3 definitions without problems");
    assert_eq!(ended.stdout, "");
}

#[test]
fn every_problem_of_every_file_is_a_line() {
    let folder = Folder::new(&[
        ("flow.yaml", FLOW),
        ("b.yaml", BROKEN),
        ("c.yaml", "id: [\n"),
    ]);
    let ended = folder.run(&["validate", "flow.yaml", "b.yaml", "c.yaml"]);
    ended.expect(2);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let starts = ["b.yaml:6: UNKNOWN_FIELD /steps/1/timeuot: ", "c.yaml:"];
    for (line, start) in lines.iter().zip(starts) {
        assert!(line.starts_with(start), "{lines:?}");
    }
    assert!(
        lines[0].ends_with("(did you mean \"timeout\"?)"),
        "{lines:?}"
    );
    assert!(lines.len() >= 2, "{lines:?}");
}

#[test]
fn a_step_finds_its_task_in_its_folder_or_in_the_files_beside_it() {
    let alone = BROKEN.replace(", timeuot: 5", "");
    let folder = Folder::new(&[
        ("a/flow.yaml", FLOW),
        ("a/b.yaml", &alone),
        ("b.yaml", &alone),
        ("again/flow.yaml", FLOW),
    ]);
    let check = |arguments: &[&str], expected: &[&str]| {
        let ended = folder.run(&[&["validate"], arguments].concat());
        let lines: Vec<String> = ended
            .stdout
            .lines()
            .map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(": "))
            .collect();
        assert_eq!(lines, expected, "{ended:?}");
    };
    let unknown = |file: &str, step: usize| {
        let line = 5 + step;
        format!("{file}:{line}: UNKNOWN_TASK_DEFINITION /steps/{step}/taskDefinitionId")
    };
    check(&["a"], &[&unknown("a/b.yaml", 0)]);
    check(&["b.yaml"], &[&unknown("b.yaml", 0), &unknown("b.yaml", 1)]);
    check(&["b.yaml", "a/flow.yaml"], &[&unknown("b.yaml", 0)]);
    // Folders are sets of their own: what both define is no conflict.
    check(&["again", "a"], &[&unknown("a/b.yaml", 0)]);
    check(
        &["a/flow.yaml", "again/flow.yaml"],
        &[
            "again/flow.yaml:3: VERSION_EXISTS /version",
            "again/flow.yaml:9: VERSION_EXISTS /version",
            "again/flow.yaml:16: VERSION_EXISTS /version",
        ],
    );
}

#[test]
fn warnings_are_marked_and_refuse_nothing() {
    let folder = Folder::new(&[("flow.yaml", FLOW), ("w.yaml", WARNED)]);
    let ended = folder.run(&["validate", "flow.yaml", "w.yaml"]);
    ended.expect(0);
    let expected = "w.yaml:6: warning: UNSET_VARIABLE /steps/0/condition: ";
    assert!(ended.stdout.starts_with(expected), "{ended:?}");
    assert!(
        ended.stdout.contains("(did you mean \"total\"?)"),
        "{ended:?}"
    );
}

#[test]
fn problems_are_json_when_asked_for() {
    let folder = Folder::new(&[("flow.yaml", FLOW), ("b.yaml", BROKEN), ("w.yaml", WARNED)]);
    let ended = folder.run(&[
        "validate",
        "--output",
        "json",
        "flow.yaml",
        "b.yaml",
        "w.yaml",
    ]);
    let report = ended.expect(2).json();
    let problem = &report["problems"][0];
    assert_eq!(problem["file"], "b.yaml");
    assert_eq!(problem["line"], 6);
    assert_eq!(problem["code"], "UNKNOWN_FIELD");
    assert_eq!(problem["pointer"], "/steps/1/timeuot");
    assert_eq!(problem["nearest"], "timeout");
    assert!(problem["message"].is_string());
    assert_eq!(report["warnings"][0]["code"], "UNSET_VARIABLE");
    let good = folder.run(&["validate", "--output", "json", "flow.yaml"]);
    let empty = serde_json::json!({"problems": [], "warnings": []});
    assert_eq!(good.expect(0).json(), empty);
}

#[test]
fn a_path_that_is_not_there_ends_with_2() {
    let folder = Folder::new(&[]);
    folder
        .run(&["validate", "a.yaml"])
        .expect(2)
        .says("a.yaml cannot be read");
    folder.run(&["validate"]).expect(2);
}
