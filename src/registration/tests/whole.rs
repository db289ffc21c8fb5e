//! Whole texts: the language page's example, several documents, and texts that are broken in more
//! than one way.

use serde_json::json;

use super::{check, good, workflow_of};
use crate::registration::{Definition, DefinitionKind, json_schema, read_text, warnings};
use crate::workflow::definition::StepKind;

const ORDER: &str = "
id: order-fulfilment
version: 1.2.0                 # semantic version, immutable once registered
name: Order fulfilment
description: From a paid order to a parcel
inputSchema: {type: object, required: [order]}
outputSchema: {type: object}
variables: {currency: EUR}
timeout: 86400000
createdAt: 2026-11-21T12:00:00Z
steps:
  - name: reserve
    type: TASK
    description: Puts the goods aside
    taskDefinitionId: reserve-stock
    taskVersion: ^2.0.0
    condition: \"$count(workflowInput.order.lines) > 0\"
    inputMappings:
      - {type: DIRECT, source: currency, target: currency}
      - {type: EXPRESSION, expression: \"workflowInput.order.lines.{'sku': sku, 'qty': qty}\", target: lines}
    variableMappings:
      - {type: DIRECT, source: reservationId, target: reservation.id}
      - {type: EXPRESSION, expression: \"$sum(taskOutput.lines.(price * qty))\", target: total}
      - {type: TRANSFORM, source: carrier, transformation: \"$uppercase($)\", target: carrier, default: dhl}
    retryPolicy: {maxRetries: 5, retryInterval: 1e3, backoffMultiplier: 2, jitter: NONE,
      rules: [{errorCodes: [BUSY], maxRetries: 9}]}
    timeout: 30000
    timeouts: {scheduleToStart: 1000, startToClose: 2000, scheduleToClose: 3000}
    priority: HIGH
    taskReference: \"workflowInput.order.customer.name\"
    continueOnFailure: true
    onError:
      - {errorCodes: [OUT_OF_STOCK], steps: [{name: backorder, taskDefinitionId: backorder}], then: CONTINUE}
    compensation: {taskDefinitionId: release-stock, inputMappings: [{type: DIRECT, source: reservation.id, target: id}]}
  - name: prepare
    type: PARALLEL
    branches:
      - {name: invoice, steps: [{name: make-invoice, taskDefinitionId: make-invoice}]}
      - {name: pack, steps: [{name: pack-order, taskDefinitionId: pack-order}]}
  - name: notify-each
    type: MAP
    items: \"workflowInput.order.watchers\"
    maxConcurrency: 10
    toleratedFailurePercentage: 5
    steps: [{name: notify, taskDefinitionId: notify, inputMappings: [{type: EXPRESSION, expression: \"item.email\", target: to}]}]
    variableMappings: [{type: EXPRESSION, expression: \"taskOutput\", target: deliveries}]
  - name: approve
    type: SWITCH
    dependsOn: [prepare]
    cases: [{when: \"workflowVariables.total > 1000\", steps: [{name: sign-off, taskDefinitionId: approve-order}]}]
    otherwise: []
output: \"{'total': workflowVariables.total, 'carrier': workflowVariables.carrier}\"
errorHandlers:                 # run after the workflow is marked FAILED or TIMED_OUT
  - {name: tell-support, taskDefinitionId: open-ticket}
";

const TASKS: &str = "
id: reserve-stock
version: 2.1.0
name: Reserve stock
type: INTEGRATION
inputSchema: true
outputSchema: {type: object, properties: {reservationId: {type: string}}}
timeout: 5000.0
timeouts: {scheduleToClose: 60000}
retryPolicy: {maxRetries: 3, retryInterval: 0, maxRetryInterval: 10000, retryableErrors: ['*']}
continueOnFailure: false
securityRequirements: {requiredPermissions: [stock], securityLevel: HIGH, dataClassification: internal}
executionConfig:
  executor: https://stock.example.com/reservations
  securityContext: {runAs: '{{secret:STOCK_TOKEN}}', permissions: [stock], securityLevel: MEDIUM}
  resourceRequirements: {timeoutSeconds: 10}
  request: {method: PUT, headers: {X-Key: '{{secret:KEY}}'}, body: \"{'lines': input.lines}\"}
metadata: {team: logistics, ratio: 2.0}
---
{\"id\": \"count\", \"version\": \"1.0.0-rc.1\", \"name\": \"Count\", \"type\": \"AUTOMATED\",
 \"executionConfig\": {\"executor\": \"process:wc -l\", \"environmentVariables\": {\"LANG\": \"C\"},
   \"resourceRequirements\": {\"cpu\": \"500m\", \"memory\": \"64Mi\", \"disk\": \"1Gi\"}}}
";

#[test]
fn the_example_of_the_language_is_good() {
    let workflow = workflow_of(ORDER);
    let StepKind::Task(reserve) = &workflow.steps[0].kind else {
        panic!("it is a TASK");
    };
    let policy = reserve.retry_policy.as_ref();
    assert_eq!(policy.map(|policy| policy.retry_interval), Some(1000));
    assert_eq!(reserve.timeout, Some(30_000));
    assert_eq!(workflow.variables["currency"], json!("EUR"));
    let kinds: Vec<&str> = workflow
        .steps
        .iter()
        .map(|step| step.kind.as_str())
        .collect();
    assert_eq!(kinds, ["TASK", "PARALLEL", "MAP", "SWITCH"]);
    assert_eq!(warnings(&workflow), []);
}

#[test]
fn a_text_of_several_definitions_gives_them_all() {
    let reading = read_text(TASKS);
    assert_eq!(reading.problems, []);
    let found: Vec<_> = reading
        .definitions
        .iter()
        .map(|(one, _)| (one.kind(), one.id().as_str(), one.version().to_string()))
        .collect();
    assert_eq!(
        found,
        [
            (DefinitionKind::Task, "reserve-stock", "2.1.0".to_owned()),
            (DefinitionKind::Task, "count", "1.0.0-rc.1".to_owned()),
        ]
    );
    let (Definition::Task(task), document) = &reading.definitions[0] else {
        panic!("it is a task");
    };
    assert_eq!(task.timeout, Some(5000));
    assert_eq!(
        serde_json::to_string(&task.metadata["ratio"]).unwrap(),
        "2.0"
    );
    assert_eq!(document.line("/executionConfig/executor"), Some(14));
}

#[test]
fn a_short_definition_gets_the_defaults() {
    let Definition::Task(task) = good(
        "{id: t, version: 1.0.0, name: T, type: AUTOMATED, executionConfig: {executor: 'builtin:noop'}}",
    ) else {
        panic!("it is a task");
    };
    assert_eq!((task.timeout, task.description.as_str()), (None, ""));
    assert_eq!(
        (&task.input_schema, &task.output_schema),
        (&json!(true), &json!(true))
    );
    assert_eq!((task.retry_policy, task.continue_on_failure), (None, false));
    let Definition::Workflow(workflow) = good("{id: w, version: 1.0.0, name: W, steps: []}") else {
        panic!("it is a workflow");
    };
    assert_eq!((workflow.timeout, workflow.output), (None, None));
}

#[test]
fn problems_of_every_document_of_a_text_are_told_by_line() {
    let text = "id: a\nversion: 1.0.0\nname: A\nname: B\nsteps: []\ntimeout: .inf\n---\nid: b\nstep: []\n---\n{}\n";
    check(
        text,
        &[
            ("DUPLICATE_NAME", "/name", 4),
            ("OUT_OF_RANGE", "/timeout", 6),
            ("MISSING_FIELD", "", 8),
            ("MISSING_FIELD", "", 8),
            ("MISSING_FIELD", "", 8),
            ("UNKNOWN_FIELD", "/step", 9),
            ("MISSING_FIELD", "", 11),
            ("MISSING_FIELD", "", 11),
            ("MISSING_FIELD", "", 11),
            ("MISSING_FIELD", "", 11),
            ("MISSING_FIELD", "", 11),
        ],
    );
    let reading = read_text(text);
    let troubled: Vec<_> = reading
        .troubled
        .iter()
        .map(|(kind, id)| (*kind, id.as_str()))
        .collect();
    assert_eq!(
        troubled,
        [
            (DefinitionKind::Workflow, "a"),
            (DefinitionKind::Workflow, "b")
        ]
    );
}

#[test]
fn a_text_without_a_definition_is_a_problem() {
    check("", &[("EMPTY", "", 1)]);
    check("# nothing\n---\n", &[("EMPTY", "", 1)]);
    check("a: b: c", &[("MALFORMED", "", 1)]);
}

#[test]
fn the_published_schema_accepts_what_is_good_and_refuses_what_is_not() {
    let validator = jsonschema::draft202012::new(&json_schema()).expect("it compiles");
    assert!(jsonschema::meta::is_valid(&json_schema()));
    for text in [ORDER, TASKS] {
        for document in crate::document::read(text).expect("it is well-formed") {
            let errors: Vec<_> = validator
                .iter_errors(&document.value)
                .map(|e| e.to_string())
                .collect();
            assert_eq!(errors, [] as [String; 0]);
        }
    }
    for bad in [
        json!({}),
        json!([]),
        json!({"id": "w", "version": "1.0.0", "name": "W", "steps": [5]}),
    ] {
        assert!(!validator.is_valid(&bad), "{bad}");
    }
}

#[test]
fn every_type_of_the_published_schema_closes_its_fields_and_says_what_they_are() {
    let schema = json_schema();
    let types = schema["$defs"].as_object().expect("it has types");
    assert!(types.len() > 10);
    for (name, one) in types {
        let Some(fields) = one["properties"].as_object() else {
            continue;
        };
        assert_eq!(one["additionalProperties"], json!(false), "{name}");
        for (field, about) in fields {
            let says = about.get("description").is_some() || about.get("enum").is_some();
            assert!(says, "{name}.{field} has no description");
        }
    }
    assert!(
        !schema.to_string().contains("\"null\""),
        "nothing may be null"
    );
}
