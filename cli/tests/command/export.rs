//! `taskmill export`.

use serde_json::Value;

use crate::support::Folder;

const TASK: &str = "{id: copy, version: 1.0.0, name: Copy, type: AUTOMATED, executionConfig: {executor: 'builtin:echo'}}";
const CHILD: &str = "{id: inner, version: 1.0.0, name: Inner, steps: []}";
const FLOW: &str = "\
id: outer
version: 1.0.0
name: Outer
inputSchema: {type: object}
steps:
  - {name: copy, taskDefinitionId: copy}
  - {name: inner, type: SUB_WORKFLOW, workflowDefinitionId: inner}
";
const BEYOND: &str = "\
id: beyond
version: 1.0.0
name: Beyond
output: nobody
steps:
  - {name: wait, type: SIGNAL, signal: go}
";

#[test]
fn prints_a_state_machine_and_says_what_differs() {
    let files = [("a.yaml", TASK), ("b.yaml", CHILD), ("c.yaml", FLOW)];
    let folder = Folder::new(&files);
    let ended = folder.run(&[
        "export",
        ".",
        "--format",
        "asl",
        "--function",
        "create",
        "--tenant",
        "acme",
        "--user",
        "ann",
        "--role",
        "clerk",
        "--permission",
        "p",
        "--machine",
        "inner=arn:of:inner",
    ]);
    ended
        .expect(0)
        .says("c.yaml:4: warning: EXPORT_DIFFERS /inputSchema: ");
    let machine: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(machine["QueryLanguage"], "JSONata");
    let call = &machine["States"]["copy"]["Arguments"];
    assert_eq!(call["FunctionName"], "create");
    let payload = &call["Payload"];
    assert_eq!(payload["tenantId"], "acme");
    assert_eq!(payload["userId"], "ann");
    assert_eq!(payload["roles"][0], "clerk");
    assert_eq!(payload["permissions"][0], "p");
    let child = &machine["States"]["inner"]["Arguments"];
    assert_eq!(child["StateMachineArn"], "arn:of:inner");
}

#[test]
fn has_placeholders_for_what_is_not_said() {
    let folder = Folder::new(&[("a.yaml", TASK), ("b.yaml", CHILD), ("c.yaml", FLOW)]);
    let ended = folder.run(&["export", "."]);
    ended.expect(0);
    for placeholder in [
        "${CreateTaskFunctionArn}",
        "${TenantId}",
        "${InnerStateMachineArn}",
    ] {
        assert!(ended.stdout.contains(placeholder), "{placeholder}");
    }
}

#[test]
fn tells_all_that_cannot_be_said_by_file_and_line() {
    let folder = Folder::new(&[("flow.yaml", BEYOND)]);
    let ended = folder.run(&["export", "flow.yaml"]);
    ended
        .expect(2)
        .says("flow.yaml:4: EXPORT_UNSUPPORTED /output: ")
        .says("flow.yaml:6: EXPORT_UNSUPPORTED /steps/0: ");
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_machine_is_named_by_id_and_arn() {
    let folder = Folder::new(&[("b.yaml", CHILD)]);
    let ended = folder.run(&["export", "b.yaml", "--machine", "inner"]);
    ended.expect(2).says("ARN");
}
