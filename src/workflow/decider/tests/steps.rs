//! One step: what it sees, what it makes of it, and what it says when it cannot.

use super::*;
use crate::task::instance::VariablesSnapshot;
use crate::workflow::frontier::Course;

/// A plan of one step with these fields.
fn plan_with(step: Value, task: Value) -> Plan {
    let mut fields = json!({ "name": "only" });
    for (name, value) in step.as_object().unwrap() {
        fields[name] = value.clone();
    }
    let definition = json!({
        "variables": { "kept": { "deep": 1 }, "big": 9_007_199_254_740_993_i64 },
        "steps": [fields],
    });
    plan(definition, &[("only", task)])
}

/// The start of a workflow of this plan.
fn begun(plan: &Plan) -> Decision {
    let new = NewWorkflow {
        id: workflow_id(),
        input: json!({ "name": "Ann", "lines": [1, 2] }),
        security_context: user(&["read"]),
        correlation_id: Some("c-1".to_owned()),
        traceparent: Some("00-0-0-01".to_owned()),
        request_hash: None,
        parent: None,
    };
    start(plan, new, facts(0)).unwrap()
}

/// The start of a workflow of one step.
fn begin_only(step: Value) -> Decision {
    begun(&plan_with(step, json!({})))
}

fn created_by(step: Value) -> TaskInstance {
    let place = step.to_string();
    let decision = begin_only(step);
    let task = only_task(&decision);
    assert_eq!(task.status, TaskStatus::Pending, "{place}");
    task
}

/// The code and details of the error that refuses the step.
fn refused(step: Value) -> (String, JsonObject) {
    let place = step.to_string();
    let decision = begin_only(step);
    let record = only_task(&decision);
    assert_eq!(record.status, TaskStatus::Failed, "{place}");
    let error = decision.state.error.unwrap();
    assert_eq!(record.error.as_ref(), Some(&error), "{place}");
    (error.code, error.details)
}

fn direct(source: &str) -> Value {
    json!([{ "type": "DIRECT", "source": source, "target": "x" }])
}

fn computed(expression: &str) -> Value {
    json!([{ "type": "EXPRESSION", "expression": expression, "target": "x" }])
}

#[test]
fn an_input_is_made_of_what_the_step_sees() {
    let id = workflow_id().to_string();
    let cases = [
        (json!([]), json!({})),
        (direct("kept"), json!({ "x": { "deep": 1 } })),
        (direct("kept.deep"), json!({ "x": 1 })),
        (direct("big"), json!({ "x": 9_007_199_254_740_993_i64 })),
        (direct("absent"), json!({})),
        (direct("workflowInput.name"), json!({ "x": "Ann" })),
        (direct("context.taskPath"), json!({ "x": "only" })),
        (computed("$sum(workflowInput.lines)"), json!({ "x": 3 })),
        (
            computed("workflowVariables.kept.deep + 1"),
            json!({ "x": 2 }),
        ),
        (
            computed("context.createdBy & '@' & context.tenantId"),
            json!({ "x": "ann@acme" }),
        ),
        (computed("context.workflowInstanceId"), json!({ "x": id })),
        (
            computed("context.workflowDefinitionId"),
            json!({ "x": "flow" }),
        ),
        (computed("context.correlationId"), json!({ "x": "c-1" })),
        (
            computed("context.startTime"),
            json!({ "x": at(0).to_string() }),
        ),
        (computed("$millis()"), json!({ "x": at(0).millis() })),
        (computed("taskOutput"), json!({})),
        (
            json!([{ "type": "TRANSFORM", "source": "workflowInput.name",
                "transformation": "$uppercase($)", "target": "x.y" }]),
            json!({ "x": { "y": "ANN" } }),
        ),
    ];
    for (mappings, expected) in cases {
        let task = created_by(json!({ "inputMappings": mappings }));
        assert_eq!(task.input, expected, "{mappings}");
    }
}

#[test]
fn a_task_is_created_as_its_step_says() {
    let task = created_by(json!({
        "priority": "HIGH",
        "timeout": 77,
        "retryPolicy": { "maxRetries": 4 },
        "continueOnFailure": true,
        "taskReference": "workflowInput.name",
    }));
    assert_eq!(task.id, TaskId::of_step(workflow_id(), 0, "only", 0));
    assert_eq!(task.priority, crate::task::TaskPriority::High);
    assert_eq!(task.timeouts.start_to_close, Some(77));
    assert_eq!(task.retry_policy.as_ref().unwrap().max_retries, 4);
    assert!(task.continue_on_failure);
    assert_eq!(task.task_reference.as_deref(), Some("Ann"));
    assert_eq!(task.context.workflow_instance_id, Some(workflow_id()));
    assert_eq!(task.context.task_path.as_deref(), Some("only"));
    assert_eq!(task.context.correlation_id.as_deref(), Some("c-1"));
    assert_eq!(task.context.security_context, user(&["read"]));
    assert_eq!(
        task.workflow_definition_id.as_ref().unwrap().as_str(),
        "flow"
    );
    assert_eq!(task.traceparent.as_deref(), Some("00-0-0-01"));
    let VariablesSnapshot::Inline(variables) = &task.context.workflow_variables else {
        panic!("the core keeps snapshots inline");
    };
    assert_eq!(variables["kept"], json!({ "deep": 1 }));
    assert_eq!(task.due_at, None);
}

#[test]
fn a_name_for_people_is_a_text_of_bounded_length() {
    let long = "x".repeat(crate::limits::REFERENCE_CHARS);
    let cases = [
        ("workflowInput.name", Some("Ann")),
        ("workflowInput.absent", None),
        ("null", None),
        ("1 + 1", Some("2")),
        ("[1,2]", Some("[1,2]")),
        ("$pad('x', 1000, 'x')", Some(long.as_str())),
    ];
    for (reference, expected) in cases {
        let task = created_by(json!({ "taskReference": reference }));
        assert_eq!(task.task_reference.as_deref(), expected, "{reference}");
    }
}

#[test]
fn a_condition_that_is_not_true_skips_the_step() {
    let cases = [
        ("true", true),
        ("workflowInput.name = 'Ann'", true),
        ("$count(workflowInput.lines) > 1", true),
        ("'text'", true),
        ("false", false),
        ("workflowInput.absent", false),
        ("workflowInput.absent > 1", false),
        ("0", false),
        ("''", false),
        ("[]", false),
        ("null", false),
    ];
    for (condition, expected) in cases {
        let decision = begin_only(json!({ "condition": condition }));
        assert_eq!(
            created(&decision).len(),
            usize::from(expected),
            "{condition}"
        );
        let skipped = &decision.state.course.skipped;
        let paths: Vec<_> = skipped.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths == ["only"], !expected, "{condition}: {paths:?}");
        let is_over = decision.state.status == WorkflowStatus::Completed;
        assert_eq!(is_over, !expected, "{condition}");
    }
}

#[test]
fn what_cannot_be_evaluated_refuses_the_step_and_is_named() {
    let cases = [
        (
            json!({ "condition": "$number('x')" }),
            "condition",
            "$number('x')",
        ),
        (
            json!({ "inputMappings": computed("$number('x')") }),
            "inputMappings/0",
            "$number('x')",
        ),
        (
            json!({ "taskReference": "1 + 'x'" }),
            "taskReference",
            "1 + 'x'",
        ),
    ];
    for (step, field, expression) in cases {
        let (code, details) = refused(step.clone());
        assert_eq!(code, failure::EXPRESSION_ERROR, "{step}");
        assert_eq!(details["field"], field, "{step}");
        assert_eq!(details["expression"], expression, "{step}");
        assert_eq!(details["definition"], "flow@1.0.0", "{step}");
        assert_eq!(details["taskPath"], "only", "{step}");
    }
}

#[test]
fn a_source_that_must_be_there_is_named_when_it_is_not() {
    let (code, details) = refused(json!({ "inputMappings": [
        { "type": "DIRECT", "source": "kept", "target": "a" },
        { "type": "DIRECT", "source": "absent", "target": "b", "required": true },
    ] }));
    assert_eq!(code, failure::MAPPING_SOURCE_MISSING);
    assert_eq!(details["field"], "inputMappings/1");
}

#[test]
fn an_input_that_the_task_does_not_accept_is_kept_on_the_record() {
    let step = json!({ "inputMappings": direct("kept") });
    let plan = plan_with(step, json!({ "inputSchema": { "maxProperties": 0 } }));
    let decision = begun(&plan);
    let task = only_task(&decision);
    let error = decision.state.error.unwrap();
    assert_eq!(error.code, failure::INVALID_INPUT);
    assert_eq!(task.input, json!({ "x": { "deep": 1 } }));
    assert_eq!(task.expires_at, Some(at(RETENTION)));
}

#[test]
fn a_step_without_a_pinned_definition_is_refused_without_a_record() {
    let mut plan = plan_with(json!({}), json!({}));
    plan.tasks.clear();
    let decision = begun(&plan);
    assert_eq!(created(&decision), Vec::<&TaskInstance>::new());
    let error = decision.state.error.unwrap();
    assert_eq!(error.code, failure::EXECUTOR_NOT_FOUND);
}

/// What a plan's only step asks for when a version after the first begins it.
fn begun_in(plan: &Plan, version: u64) -> Decision {
    let mut state = begun(plan).state;
    state.course = Course::default();
    state.status = WorkflowStatus::Running;
    state.version = version - 1;
    let mut fold = Fold::of(plan, state, facts(0));
    fold.go_on();
    fold.finish().unwrap()
}

/// The three draws of a step: in its input, in another mapping, and in its reference.
fn draws(step_since: u64) -> [String; 3] {
    let plan = plan_with(
        json!({
            "condition": "$uuid() != ''",
            "taskReference": "$uuid()",
            "inputMappings": [
                { "type": "EXPRESSION", "expression": "$uuid()", "target": "a" },
                { "type": "EXPRESSION", "expression": "$uuid()", "target": "b" },
            ],
        }),
        json!({}),
    );
    let task = only_task(&begun_in(&plan, step_since));
    let text = |name: &str| task.input[name].as_str().unwrap().to_owned();
    [text("a"), text("b"), task.task_reference.clone().unwrap()]
}

#[test]
fn draws_differ_from_each_other_and_not_from_those_of_the_same_decision() {
    let [a, b, reference] = draws(1);
    assert!(a != b && b != reference && a != reference);
    assert_eq!(draws(1), [a.clone(), b, reference]);
    assert_ne!(draws(2)[0], a);
}

#[test]
fn a_condition_and_a_reference_draw_for_themselves() {
    let plan = plan_with(
        json!({ "condition": "$random() < 0.5", "taskReference": "$random() < 0.5" }),
        json!({}),
    );
    let low: Vec<bool> = (1..=64)
        .filter_map(|since| {
            let decision = begun_in(&plan, since);
            let tasks = created(&decision);
            let task = tasks.first()?;
            Some(task.task_reference.as_deref() == Some("true"))
        })
        .collect();
    assert!(low.contains(&true) && low.contains(&false), "{low:?}");
}

/// The variables after the only step gave this output.
fn variables_of(mappings: Value, output: &Value) -> Result<JsonObject, Box<ErrorInfo>> {
    let plan = plan_with(json!({ "variableMappings": mappings }), json!({}));
    let first = begun(&plan);
    let end = completed(&only_task(&first), output.clone());
    let state = changed(&plan, &first.state, 0, &[end]).state;
    match state.error {
        None => Ok(state.variables),
        Some(error) => Err(Box::new(error)),
    }
}

#[test]
fn a_success_sets_variables_from_its_output() {
    let output = json!({ "total": 5, "who": "bob" });
    let cases = [
        (json!([]), "kept", json!({ "deep": 1 })),
        (direct("total"), "x", json!(5)),
        (direct("workflowVariables.kept.deep"), "x", json!(1)),
        (computed("taskOutput.total * 2"), "x", json!(10)),
        (
            computed("workflowInput.name & taskOutput.who"),
            "x",
            json!("Annbob"),
        ),
        (
            json!([{ "type": "DIRECT", "source": "total", "target": "kept.deep" }]),
            "kept",
            json!({ "deep": 5 }),
        ),
    ];
    for (mappings, name, expected) in cases {
        let variables = variables_of(mappings.clone(), &output).unwrap();
        assert_eq!(variables[name], expected, "{mappings}");
        assert!(variables.contains_key("big"), "{mappings}");
    }
}

#[test]
fn variables_that_cannot_be_set_are_an_error_with_its_place() {
    let error = variables_of(computed("$number('x')"), &json!(1)).unwrap_err();
    assert_eq!(error.code, failure::EXPRESSION_ERROR);
    assert_eq!(error.details["field"], "variableMappings/0");
    assert_eq!(error.details["definition"], "flow@1.0.0");
}
