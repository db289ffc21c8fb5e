//! Single constructs: the states that they become.

use serde_json::{Value, json};

use super::{exported, states, workflow};

#[test]
fn a_task_is_a_call_that_waits_for_its_token() {
    let states = states(
        "steps: [{name: a, taskDefinitionId: t, taskVersion: ^1.2.0, priority: HIGH, timeout: 1500, inputMappings: [{type: DIRECT, source: x, target: y}]}]",
    );
    let task = &states["a"];
    assert_eq!(
        task["Resource"],
        "arn:aws:states:::lambda:invoke.waitForTaskToken"
    );
    assert_eq!(
        task["Arguments"],
        json!({"FunctionName": "create-task", "Payload": {
            "tenantId": "acme", "userId": "machine", "createTask": {
                "taskDefinitionId": "t", "taskVersion": "^1.2.0", "priority": "HIGH",
                "input": "{% {'y': $workflowVariables.x} %}",
                "correlationId": "{% $states.context.Execution.Id %}",
                "taskToken": "{% $states.context.Task.Token %}",
            },
        }})
    );
    assert_eq!(task["TimeoutSeconds"], 2);
    assert_eq!(task["Output"], "{% $states.result %}");
    assert_eq!(
        task["Retry"][0]["ErrorEquals"][1],
        "Lambda.ServiceException"
    );
    assert_eq!(task["Next"], "workflow (output)");
}

#[test]
fn variables_begin_as_they_are_written_down_to_the_last_digit() {
    let begin = |variables: &str| {
        let states = states(&format!("variables: {variables}, steps: []"));
        states["workflow (begin)"]["Assign"]["workflowVariables"].clone()
    };
    assert_eq!(
        begin("{n: 9223372036854775807, t: text}"),
        json!({"n": 9_223_372_036_854_775_807_i64, "t": "text"})
    );
    // A text that looks like an expression is none.
    assert_eq!(
        begin("{n: 1, t: '{% $x %}'}"),
        json!("{% {\"n\":1,\"t\":\"{% $x %}\"} %}")
    );
}

#[test]
fn the_definition_of_a_task_lets_a_failure_go() {
    let task = "---\n{id: t, version: 1.0.0, name: T, type: AUTOMATED, continueOnFailure: true, executionConfig: {executor: 'builtin:noop'}}";
    let step = workflow("steps: [{name: a, taskDefinitionId: t}]");
    let machine = exported(&format!("{step}\n{task}")).unwrap().machine;
    let catch = &machine["States"]["a"]["Catch"];
    assert_eq!(
        *catch,
        json!([{"ErrorEquals": ["States.ALL"], "Next": "workflow (output)", "Output": "{% null %}"}])
    );
}

#[test]
fn a_failure_goes_to_the_entry_that_holds_it_then_to_those_around() {
    let states = states(
        "steps: [{name: s, type: SWITCH, cases: [{when: 'true', steps: [{name: a, taskDefinitionId: t, onError: [{errorCodes: [TIMEOUT], steps: []}]}]}], onError: [{errorCodes: ['*'], steps: []}]}]",
    );
    let catch = states["s/a"]["Catch"].as_array().unwrap();
    let names: Vec<&Value> = catch.iter().map(|one| &one["ErrorEquals"]).collect();
    assert_eq!(
        names,
        [
            &json!(["TIMEOUT", "States.Timeout", "States.HeartbeatTimeout"]),
            &json!(["States.ALL"])
        ]
    );
}

#[test]
fn a_wait_is_in_whole_seconds() {
    let waited =
        |time: &str| states(&format!("steps: [{{name: a, type: WAIT, {time}}}]"))["a"].clone();
    assert_eq!(waited("duration: 1001")["Seconds"], 2);
    assert_eq!(waited("duration: P1DT1S")["Seconds"], 86_401);
    assert_eq!(
        waited("until: '2030-01-01T00:00:00Z'")["Timestamp"],
        "2030-01-01T00:00:00Z"
    );
    assert_eq!(
        waited("until: workflowInput.at")["Timestamp"],
        "{% $workflowInput.at %}"
    );
}

#[test]
fn a_branch_that_sets_variables_has_its_own() {
    let states = states(
        "steps: [{name: p, type: PARALLEL, branches: [{name: one, steps: [{name: a, type: SET, variableMappings: [{type: EXPRESSION, expression: '1', target: x.y}]}]}, {name: two, steps: [{name: b, taskDefinitionId: t}]}]}]",
    );
    let one = &states["p"]["Branches"][0];
    assert_eq!(one["StartAt"], "p/one (begin)");
    assert_eq!(
        one["States"]["p/one (begin)"]["Assign"],
        json!({"workflowVariables_2": "{% $workflowVariables %}"})
    );
    assert_eq!(
        one["States"]["p/one (done)"]["Output"],
        "{% {'output': $states.input, 'variables': {'x': $workflowVariables_2.x}} %}"
    );
    assert_eq!(states["p"]["Branches"][1]["StartAt"], "p/two/b");
    let output = &states["p (output)"];
    assert_eq!(
        output["Assign"],
        json!({"workflowVariables": "{% $merge([$workflowVariables, $states.input[0].variables]) %}"})
    );
    assert_eq!(
        output["Output"],
        "{% {'one': $states.input[0].output, 'two': $states.input[1]} %}"
    );
}

#[test]
fn a_map_runs_inline() {
    let states = states(
        "steps: [{name: m, type: MAP, items: 'workflowInput.items[]', maxConcurrency: 4, retryPolicy: {maxRetries: 1, retryableErrors: [A]}, steps: [{name: a, taskDefinitionId: t, inputMappings: [{type: DIRECT, source: item, target: it}]}]}]",
    );
    let map = &states["m"];
    assert_eq!(
        map["Items"],
        "{% ($given := ($workflowInput.items[]); $type($given) = 'array' ? $given : $error('items gives no array')) %}"
    );
    assert_eq!(map["MaxConcurrency"], 4);
    assert_eq!(
        map["ItemProcessor"]["ProcessorConfig"],
        json!({"Mode": "INLINE"})
    );
    assert_eq!(map["Retry"][0]["ErrorEquals"], json!(["A"]));
    let inside = &map["ItemProcessor"]["States"];
    assert_eq!(
        inside["m[] (begin)"]["Assign"],
        json!({"item": "{% $states.input.item %}", "index": "{% $states.input.index %}"})
    );
    let payload = &inside["m[]/a"]["Arguments"]["Payload"];
    assert_eq!(payload["createTask"]["input"], "{% {'it': $item} %}");
    assert_eq!(inside["m[]/a"]["End"], true);
}

#[test]
fn a_child_is_a_state_machine_of_a_placeholder() {
    let states = states(
        "steps: [{name: a, type: SUB_WORKFLOW, workflowDefinitionId: address-check, inputMappings: [{type: DIRECT, source: x, target: y}]}]",
    );
    assert_eq!(
        states["a"]["Resource"],
        "arn:aws:states:::states:startExecution.sync:2"
    );
    assert_eq!(
        states["a"]["Arguments"],
        json!({"StateMachineArn": "${AddressCheckStateMachineArn}", "Input": "{% {'y': $workflowVariables.x} %}"})
    );
    // Its failure keeps its code.
    assert_eq!(states["a (failed)"]["Error"], "{% $failure.code %}");
}

#[test]
fn names_of_states_are_no_longer_than_they_may_be_and_differ() {
    let name = "n".repeat(100);
    let case = format!("{{when: 'true', steps: [{{name: {name}, type: SET}}]}}");
    let states = states(&format!(
        "steps: [{{name: s, type: SWITCH, cases: [{case}, {case}]}}]"
    ));
    let names: Vec<&String> = states.as_object().unwrap().keys().collect();
    assert!(
        names.iter().all(|name| name.chars().count() <= 80),
        "{names:?}"
    );
    assert_eq!(
        names
            .iter()
            .filter(|name| name.starts_with("s/nnn"))
            .count(),
        2
    );
}

#[test]
fn what_nothing_leads_to_is_left_out() {
    let states = states(
        "steps: [{name: s, type: SWITCH, cases: [], otherwise: [{name: e, type: TERMINATE, status: FAILED}], onError: [{errorCodes: ['*'], steps: []}]}, {name: never, type: SET}]",
    );
    let names: Vec<&String> = states.as_object().unwrap().keys().collect();
    assert_eq!(names, ["workflow (begin)", "s", "s/e"]);
}

#[test]
fn what_is_not_quite_the_same_is_told() {
    let fields = "inputSchema: {type: object}, steps: [{name: m, type: MAP, items: '[1]', toleratedFailureCount: 1, steps: []}]";
    let export = exported(&workflow(fields)).unwrap();
    let told: Vec<(&str, &str)> = export
        .differences
        .iter()
        .map(|one| (one.code, one.pointer.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("EXPORT_DIFFERS", "/steps/0"),
            ("EXPORT_DIFFERS", "/inputSchema")
        ]
    );
}
