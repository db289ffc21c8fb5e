//! What goes wrong while a workflow runs: expressions, mappings, inputs, outputs, executors.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use taskmill::codes::failure::{
    EXECUTOR_NOT_FOUND, EXPRESSION_ERROR, INVALID_INPUT, INVALID_OUTPUT, MAPPING_SOURCE_MISSING,
    PAYLOAD_TOO_LARGE, PERMISSION_DENIED,
};
use taskmill::task::TaskStatus;
use taskmill::workflow::WorkflowStatus;

use super::{pointers, script, started};
use crate::support::{Records, aws, create, register, settle, start};

/// A workflow whose second step is bad.
struct Case {
    /// Fields of the step.
    step: Value,
    /// Fields of the workflow.
    workflow: Value,
    code: &'static str,
    /// The field in the error's details, where an expression or a mapping is to blame.
    field: Option<&'static str>,
    /// How the bad step's task ended; none when it has none, or when it is not to blame.
    task: Option<TaskStatus>,
}

impl Case {
    fn of(step: Value, code: &'static str) -> Self {
        Self {
            step,
            workflow: json!({}),
            code,
            field: None,
            task: Some(TaskStatus::Failed),
        }
    }

    fn at(self, field: &'static str) -> Self {
        Self {
            field: Some(field),
            ..self
        }
    }

    /// The task is not to blame.
    fn after_success(self) -> Self {
        Self {
            task: Some(TaskStatus::Completed),
            ..self
        }
    }

    fn of_workflow(workflow: Value, code: &'static str) -> Self {
        Self {
            workflow,
            ..Self::of(json!({}), code).after_success()
        }
    }

    fn definition(&self) -> Value {
        let mut bad = json!({"name": "bad", "taskDefinitionId": "echo"});
        extend(&mut bad, &self.step);
        let first = json!({"name": "first", "taskDefinitionId": "echo"});
        let last = json!({"name": "last", "taskDefinitionId": "echo", "condition": "false"});
        let mut workflow = json!({"id": "case", "version": "1.0.0", "name": "Case",
            "variables": {"set": 1}, "steps": [first, bad, last]});
        extend(&mut workflow, &self.workflow);
        workflow
    }

    /// Runs it, and checks everything that is told of its failure.
    async fn check(&self) {
        let what = format!("{} {}", self.step, self.workflow);
        let (aws, script) = (aws(), script());
        let service = started(&aws, &script).await;
        register(service.app(), &self.definition().to_string()).await;
        let id = start(service.app(), "case", json!({}), "k").await;
        let records = Records::of(&aws);
        let workflow = records.ended_workflow(id).await;
        settle(&aws).await;
        assert_eq!(workflow.status, WorkflowStatus::Failed, "{what}");
        let error = workflow.error.unwrap();
        assert_eq!(error.code, self.code, "{what}: {}", error.message);
        let of_step = self.workflow == json!({});
        let path = error.details.get("taskPath");
        assert_eq!(path, of_step.then(|| json!("bad")).as_ref(), "{what}");
        if let Some(field) = self.field {
            assert_eq!(error.details["field"], field, "{what}");
            assert_eq!(error.details["definition"], "case@1.0.0", "{what}");
            assert!(error.message.contains(field.split('/').next().unwrap()));
        }
        let bad = records.step(id, "bad").await;
        assert_eq!(Some(bad.status), self.task, "{what}");
        if bad.status == TaskStatus::Failed {
            let of_task = bad.error.unwrap();
            assert_eq!((of_task.code, of_task.message), (error.code, error.message));
        }
        assert_eq!(bad.retries.total(), 0, "{what}: no retry mends it");
        assert_eq!(records.tasks_of(id).await.len(), 2, "{what}");
        assert_eq!(records.due().await, 0, "{what}");
        assert_eq!(service.dead_letters().await.unwrap(), [], "{what}");
    }
}

fn extend(value: &mut Value, with: &Value) {
    let fields = with.as_object().unwrap().clone();
    value.as_object_mut().unwrap().extend(fields);
}

fn input(expression: &str) -> Value {
    json!({"inputMappings": [{"type": "EXPRESSION", "expression": expression, "target": "x"}]})
}

#[tokio::test(start_paused = true)]
async fn an_expression_that_throws_or_never_ends_or_grows_fails_its_step_by_name() {
    let at_condition =
        |expression| Case::of(json!({"condition": expression}), EXPRESSION_ERROR).at("condition");
    let at_input = |expression| Case::of(input(expression), EXPRESSION_ERROR).at("inputMappings/0");
    let variable = json!({"variableMappings": [
        {"type": "DIRECT", "source": "a", "target": "a"},
        {"type": "TRANSFORM", "source": "taskOutput", "transformation": "$ + 1", "target": "b"}]});
    let cases = [
        at_input("'a' + 1"),
        at_input("$error('no')"),
        at_condition("($f := function($n) { $f($n + 1) }; $f(0))"),
        at_condition("($f := function($n) { 1 + $f($n + 1) }; $f(0))"),
        at_input("$reduce([1..40], function($a, $b) { $a & $a }, 'x')"),
        at_input("$pad('x', 300000000)"),
        at_input("$formatNumber(1, $pad('0', 10000000, '0'))"),
        at_input("$reduce([1..40], function($a, $b) { [$a, $a] }, 1)"),
        at_input("$join([1..900000].'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')"),
        Case::of(json!({"taskReference": "$number('x')"}), EXPRESSION_ERROR).at("taskReference"),
        Case::of(variable, EXPRESSION_ERROR)
            .at("variableMappings/1")
            .after_success(),
        Case::of_workflow(json!({"output": "'a' - 1"}), EXPRESSION_ERROR).at("output"),
    ];
    for case in cases {
        case.check().await;
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_else_is_wrong_at_run_time_has_its_code_and_place() {
    let missing = json!([{"type": "DIRECT", "source": "none", "target": "x", "required": true}]);
    let right = json!({"taskDefinitionId": "strict", "inputMappings": [
        {"type": "EXPRESSION", "expression": "'n'", "target": "name"},
        {"type": "EXPRESSION", "expression": "[]", "target": "lines", "default": []}]});
    let cases = [
        Case::of(
            json!({"inputMappings": missing.clone()}),
            MAPPING_SOURCE_MISSING,
        )
        .at("inputMappings/0"),
        Case::of(json!({"variableMappings": missing}), MAPPING_SOURCE_MISSING)
            .at("variableMappings/0")
            .after_success(),
        Case::of_workflow(
            json!({"output": "workflowVariables.none"}),
            EXPRESSION_ERROR,
        ),
        Case::of_workflow(json!({"outputSchema": {"type": "object"}}), INVALID_OUTPUT),
        Case::of(json!({"taskDefinitionId": "strict"}), INVALID_INPUT),
        Case::of(right, INVALID_OUTPUT),
        Case::of(json!({"taskDefinitionId": "elsewhere"}), EXECUTOR_NOT_FOUND),
        Case::of(json!({"taskDefinitionId": "guarded"}), PERMISSION_DENIED),
        Case::of(json!({"taskDefinitionId": "deep"}), PAYLOAD_TOO_LARGE),
    ];
    for case in cases {
        case.check().await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_violation_of_an_output_is_kept_with_its_pointer() {
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script).await;
    let input = json!({"name": "n", "lines": []});
    let id = create(service.app(), "strict", input, "k").await;
    let task = Records::of(&aws).ended_task(id).await;
    let error = task.error.unwrap();
    assert_eq!(
        (task.status, error.code.as_str()),
        (TaskStatus::Failed, INVALID_OUTPUT)
    );
    let details = Value::Object(error.details);
    assert_eq!(pointers(&details), BTreeSet::from(["", "/count"]));
    assert_eq!((task.output, script.calls().len()), (None, 1));
}
