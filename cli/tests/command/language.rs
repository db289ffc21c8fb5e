//! `taskmill test`, `eval`, `graph` and `schema`. The language itself is tested here: by the
//! workflow tests of `tests/language`, and by those of the examples.

use crate::support::Folder;

const FLOW: &str = "
workflow:
  id: flow
  version: 1.0.0
  name: Flow
  steps: [{name: a, taskDefinitionId: work}]
cases:
  - name: it completes
    tasks: {work: {succeed: 1, after: 31536000000}}
    expect: {status: FAILED}
";

/// A folder of the repository.
fn of_repository(path: &str) -> String {
    format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_language_is_as_its_tests_say() {
    let folder = Folder::new(&[]);
    let ended = folder.run(&["test", &of_repository("tests/language")]);
    assert!(ended.stdout.contains(", 0 failed"), "{}", ended.stdout);
    ended.expect(0);
}

#[test]
fn every_example_is_as_its_tests_say() {
    let folder = Folder::new(&[]);
    let ended = folder.run(&["test", &of_repository("examples")]);
    assert!(ended.stdout.contains(", 0 failed"), "{}", ended.stdout);
    ended.expect(0);
}

#[test]
fn a_case_that_differs_is_told_and_ends_with_1() {
    let differing = FLOW.replace("status: FAILED", "took: 7, trace: [a FAILED]");
    let folder = Folder::new(&[("a.test.yaml", &differing)]);
    let ended = folder.run(&["test", "."]);
    assert!(
        ended.stdout.contains("took: expected 7, found 60000"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("- a FAILED"), "{}", ended.stdout);
    assert!(ended.stdout.contains("+ a TIMED_OUT"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("0 passed, 1 failed"),
        "{}",
        ended.stdout
    );
    ended.expect(1);
}

#[test]
fn a_task_without_an_answer_fails_its_case_by_name() {
    let unanswered = FLOW.replace("work: {succeed", "other: {succeed");
    let folder = Folder::new(&[("a.test.yaml", &unanswered)]);
    let ended = folder.run(&["test", "a.test.yaml"]);
    assert!(
        ended.stdout.contains("no answer for the task a (work)"),
        "{}",
        ended.stdout
    );
    ended.expect(1);
}

#[test]
fn a_field_that_nobody_reads_is_told_by_its_line_and_the_nearest_name() {
    let text = FLOW.replace("cases:\n", "cases:\n  - {name: x, operations: [{at: 1, do: cancel, compenstate: true}], moments: [{at: 1, stauts: PAUSED}]}\n");
    let folder = Folder::new(&[("a.test.yaml", &text)]);
    let line = text.lines().position(|line| line.contains("compenstate"));
    let line = line.unwrap() + 1;
    let ended = folder.run(&["test", "a.test.yaml"]);
    let place = |pointer: &str| format!("a.test.yaml:{line}: UNKNOWN_FIELD /cases/0/{pointer}");
    ended
        .expect(2)
        .says(&place("operations/0/compenstate"))
        .says("(did you mean \"compensate\"?)")
        .says(&place("moments/0/stauts"))
        .says("(did you mean \"status\"?)");
}

#[test]
fn an_update_rewrites_what_is_stated_and_nothing_else() {
    let text = "
workflow:
  id: flow
  version: 1.0.0
  name: Flow
  steps: [{name: a, taskDefinitionId: work,   variableMappings: [{type: DIRECT, source: x, target: x}]}]
cases:
  # The first.
  - name: one
    tasks: {work: {succeed: {x: 1}, after: 5}}
    moments:
      - {at: 2, status: PAUSED}   # in between
    expect:
      status: FAILED
      took: 7      # ms
      variables: {x: 0}
      trace:
        - b COMPLETED
        - a COMPLETED
      tasks:
        a: {status: FAILED, output: null}
  - {name: two, tasks: {work: {fail: {code: X, message: m}}}, expect: {error: {code: Y}}}
  - name: three
    tasks: {work: {succeed: 1}}
";
    let folder = Folder::new(&[("a.test.yaml", text), ("b.test.json", &json_of(FLOW))]);
    folder
        .run(&["test", "a.test.yaml", "--filter", "none", "--update"])
        .expect(0);
    assert_eq!(folder.read("a.test.yaml"), text);
    let updated = folder.run(&["test", ".", "--update"]);
    updated
        .expect(0)
        .says("updated ./a.test.yaml")
        .says("updated ./b.test.json");
    assert!(updated.stdout.contains("4 passed, 0 failed"), "{updated:?}");
    let expected = text
        .replace("status: PAUSED", "status: RUNNING")
        .replace("      status: FAILED", "      status: COMPLETED")
        .replace("took: 7 ", "took: 5 ")
        .replace("{x: 0}", "{x: 1}")
        .replace("        - b COMPLETED\n", "")
        .replace(
            "a: {status: FAILED, output: null}",
            "a: {status: COMPLETED, output: {x: 1}}",
        )
        .replace("code: Y", "code: X");
    assert_eq!(folder.read("a.test.yaml"), expected);
    assert!(
        folder
            .read("b.test.json")
            .contains("\"status\": \"FAILED\"")
    );
    let again = folder.run(&["test", ".", "--update"]);
    assert_eq!(again.expect(0).stderr, "");
}

/// The document of a text as JSON, in which it expects something that is not so.
fn json_of(text: &str) -> String {
    let document = taskmill::document::read(text).unwrap().remove(0).value;
    let text = serde_json::to_string_pretty(&document).unwrap();
    text.replace("\"FAILED\"", "\"COMPLETED\"")
}

#[test]
fn results_are_written_for_build_servers() {
    let folder = Folder::new(&[("a.test.yaml", FLOW)]);
    folder.run(&["test", ".", "--junit", "out.xml"]).expect(0);
    let text = folder.read("out.xml");
    assert!(text.contains("tests=\"1\" failures=\"0\""), "{text}");
    folder.run(&["test", ".", "--filter", "nothing"]).expect(0);
}

#[test]
fn an_expression_is_tried_over_an_input() {
    let folder = Folder::new(&[]);
    let input = r#"{"a": {"b": 2}}"#;
    let ended = folder.run(&["eval", "a.b + 1", "--input", input]);
    assert_eq!(ended.stdout, "3\n");
    ended.expect(0);
    folder
        .run(&["eval", "missing"])
        .expect(0)
        .says("gives nothing");
    folder
        .run(&["eval", "1 +"])
        .expect(1)
        .says("EXPRESSION_ERROR");
    folder
        .run(&["eval", "$number('x')"])
        .expect(1)
        .says("EXPRESSION_ERROR");
}

#[test]
fn a_definition_is_drawn_in_two_languages() {
    let folder = Folder::new(&[]);
    let example = of_repository("examples/two-providers");
    let mermaid = folder.run(&["graph", &example]);
    assert!(
        mermaid.stdout.starts_with("flowchart TD\n"),
        "{}",
        mermaid.stdout
    );
    assert!(
        mermaid.stdout.contains("PARALLEL, any"),
        "{}",
        mermaid.stdout
    );
    mermaid.expect(0);
    let dot = folder.run(&["graph", &example, "--format", "dot"]);
    assert!(
        dot.stdout.starts_with("digraph workflow {"),
        "{}",
        dot.stdout
    );
    dot.expect(0);
}

#[test]
fn the_schemas_are_the_published_ones() {
    let folder = Folder::new(&[]);
    let schemas: [(&[&str], &str); 2] = [
        (&["schema"], "docs/definition.schema.json"),
        (&["schema", "--api"], "docs/openapi.json"),
    ];
    for (arguments, published) in schemas {
        let ended = folder.run(arguments);
        let published = std::fs::read_to_string(of_repository(published)).unwrap();
        assert_eq!(ended.stdout, published);
        ended.expect(0);
    }
}
