//! What Amazon States Language cannot say, each by its place.

use super::{exported, workflow};

/// Definitions of tasks beside the workflow.
const TASKS: &str = "
---
{id: retried, version: 1.0.0, name: R, type: AUTOMATED, retryPolicy: {maxRetries: 2}, executionConfig: {executor: 'builtin:noop'}}
---
{id: person, version: 1.0.0, name: P, type: MANUAL}
";

#[track_caller]
fn check(fields: &str, expected: &[&str]) {
    let text = workflow(fields) + TASKS;
    let problems = match exported(&text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems,
    };
    let told: Vec<&str> = problems.iter().map(|one| one.pointer.as_str()).collect();
    assert_eq!(told, expected, "{fields}: {problems:?}");
    assert!(problems.iter().all(|one| one.code == "EXPORT_UNSUPPORTED"));
}

/// A step of these fields.
#[track_caller]
fn step(fields: &str, expected: &[&str]) {
    check(&format!("steps: [{{name: a, {fields}}}]"), expected);
}

const SET_X: &str = "type: SET, variableMappings: [{type: EXPRESSION, expression: '1', target: x}]";
const READ_X: &str = "type: SET, variableMappings: [{type: DIRECT, source: x, target: y}]";

#[test]
fn joins_that_do_not_wait_for_all() {
    let parallel = |more: &str| {
        format!(
            "type: PARALLEL, branches: [{{name: b, steps: []}}, {{name: c, steps: []}}], {more}"
        )
    };
    step(&parallel("join: ANY"), &["/steps/0/join"]);
    step(&parallel("join: {count: 1}"), &["/steps/0/join"]);
    step(&parallel("join: {count: 2}"), &[]);
    step(
        &parallel("onBranchFailure: WAIT"),
        &["/steps/0/onBranchFailure"],
    );
}

#[test]
fn branches_that_share_variables() {
    let both = |one: &str, two: &str, more: &str| {
        format!(
            "type: PARALLEL, branches: [{{name: b, steps: [{{name: d, {one}}}]}}, {{name: c, steps: [{{name: e, {two}}}]}}] {more}"
        )
    };
    let whole = "type: SET, variableMappings: [{type: EXPRESSION, expression: '$keys(workflowVariables)', target: y}]";
    step(
        &both(SET_X, SET_X, ""),
        &["/steps/0/branches/0", "/steps/0/branches/1"],
    );
    step(&both(SET_X, READ_X, ""), &["/steps/0/branches/0"]);
    step(&both(SET_X, whole, ""), &["/steps/0/branches/0"]);
    step(&both(SET_X, "taskDefinitionId: t", ""), &[]);
    // Whoever handles the failure would have seen them.
    let caught = ", onError: [{errorCodes: ['*'], steps: []}]";
    step(
        &both(SET_X, "taskDefinitionId: t", caught),
        &["/steps/0/branches/0"],
    );
    step(
        &both(
            SET_X,
            "taskDefinitionId: t",
            ", retryPolicy: {maxRetries: 1}",
        ),
        &["/steps/0/branches/0"],
    );
    let read = format!("errorHandlers: [{{name: h, {READ_X}}}]");
    let parallel = both(SET_X, "taskDefinitionId: t", "");
    check(
        &format!("steps: [{{name: a, {parallel}}}], {read}"),
        &["/steps/0/branches/0"],
    );
}

#[test]
fn graphs_that_are_no_sequences_and_parallel_parts() {
    let one = |name: &str, after: &str| {
        format!("{{name: {name}, taskDefinitionId: t, dependsOn: [{after}]}}")
    };
    let steps = [one("a", ""), one("b", ""), one("c", "a"), one("d", "a, b")].join(", ");
    check(&format!("steps: [{steps}]"), &["/steps/0/dependsOn"]);
    let last = "{name: c, dependsOn: [], taskDefinitionId: t, condition: workflowInput.x}";
    let inside = format!(
        "steps: [{{name: m, type: MAP, items: '[1]', steps: [{}, {last}]}}]",
        one("a", "")
    );
    check(&inside, &["/steps/0/steps/1/condition"]);
}

#[test]
fn what_has_no_counterpart() {
    step("type: SIGNAL, signal: s", &["/steps/0"]);
    step(
        "taskDefinitionId: person, assignment: {assignee: ann}",
        &["/steps/0/assignment"],
    );
    step(
        "type: SUB_WORKFLOW, workflowDefinitionId: c, onParentClose: ABANDON",
        &["/steps/0/onParentClose"],
    );
    step(
        "type: SUB_WORKFLOW, workflowDefinitionId: c, retryPolicy: {maxRetries: 1}",
        &["/steps/0/retryPolicy"],
    );
    step(
        "type: MAP, items: '[1]', steps: [{name: b, type: TERMINATE, status: COMPLETED}]",
        &["/steps/0/steps/0"],
    );
    step(
        "type: MAP, items: '[1]', steps: [{name: b, type: TERMINATE, status: FAILED}]",
        &[],
    );
    step(
        "type: MAP, items: '[1]', toleratedFailureCount: 1, steps: [{name: b, type: TERMINATE, status: FAILED}]",
        &["/steps/0/steps/0"],
    );
    step(
        "type: MAP, items: '[1]', toleratedFailureCount: 1, retryPolicy: {maxRetries: 1}, steps: []",
        &["/steps/0/retryPolicy"],
    );
}

#[test]
fn failures_of_states_that_nothing_catches() {
    step(
        "type: SET, onError: [{errorCodes: ['*'], steps: []}]",
        &["/steps/0/onError"],
    );
    step(
        "type: WAIT, duration: 1, continueOnFailure: true",
        &["/steps/0/continueOnFailure"],
    );
}

#[test]
fn limits_that_hold_elsewhere() {
    step(
        "taskDefinitionId: t, timeouts: {scheduleToStart: 1000}",
        &["/steps/0/timeouts/scheduleToStart"],
    );
    step(
        "taskDefinitionId: t, retryPolicy: {maxRetries: 1}, timeouts: {scheduleToClose: 1000}",
        &["/steps/0/timeouts/scheduleToClose"],
    );
    step(
        "taskDefinitionId: t, timeouts: {heartbeat: 1000}",
        &["/steps/0/timeouts/heartbeat"],
    );
    step(
        "taskDefinitionId: retried, timeout: 1000",
        &["/steps/0/timeout"],
    );
    step(
        "taskDefinitionId: retried, timeouts: {scheduleToClose: 1000}",
        &[],
    );
    step(
        "taskDefinitionId: retried, retryPolicy: {maxRetries: 1}",
        &["/steps/0/retryPolicy"],
    );
    step(
        "taskDefinitionId: retried, timeout: 120000, retryPolicy: {maxRetries: 0}",
        &["/steps/0/retryPolicy", "/steps/0/timeout"],
    );
    step("taskDefinitionId: person, timeout: 120000", &[]);
}

#[test]
fn compensations_where_nothing_can_note_them() {
    let undone = "{name: b, taskDefinitionId: t, compensation: {taskDefinitionId: u}}";
    step(
        &format!(
            "type: MAP, items: '[1]', steps: [{}]",
            undone.replace(", compensation: {taskDefinitionId: u}", "")
        ),
        &[],
    );
    step(
        &format!("type: PARALLEL, branches: [{{name: c, steps: [{undone}]}}]"),
        &["/steps/0/branches/0/steps/0/compensation"],
    );
    check(&format!("timeout: 1000, steps: [{undone}]"), &["/timeout"]);
    check(
        "timeout: 1000, steps: [], errorHandlers: [{name: h, taskDefinitionId: t}]",
        &["/timeout"],
    );
}

#[test]
fn expressions_at_every_place() {
    step(
        "taskDefinitionId: t, condition: nobody",
        &["/steps/0/condition"],
    );
    step(
        "taskDefinitionId: t, taskReference: $eval('1')",
        &["/steps/0/taskReference"],
    );
    step(
        "type: MAP, items: nobody, result: nobody, steps: []",
        &["/steps/0/items", "/steps/0/result"],
    );
    step(
        "type: SWITCH, cases: [{when: nobody, steps: []}]",
        &["/steps/0/cases/0/when"],
    );
    step(
        "type: LOOP, maxIterations: 1, while: nobody, steps: []",
        &["/steps/0/while"],
    );
    step(
        "type: LOOP, maxIterations: 1, until: nobody, steps: []",
        &["/steps/0/until"],
    );
    step("type: WAIT, duration: nobody", &["/steps/0/duration"]);
    step("type: WAIT, until: nobody", &["/steps/0/until"]);
    step(
        "type: TERMINATE, status: COMPLETED, output: nobody",
        &["/steps/0/output"],
    );
    check("steps: [], output: nobody", &["/output"]);
}

#[test]
fn all_of_it_is_told_at_once() {
    check(
        "timeout: 5, output: nobody, steps: [{name: a, type: SIGNAL, signal: s}, {name: b, type: WAIT, duration: nobody}], errorHandlers: [{name: h, taskDefinitionId: t}]",
        &["/output", "/steps/0", "/steps/1/duration", "/timeout"],
    );
}
