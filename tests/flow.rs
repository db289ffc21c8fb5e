//! What flows through a workflow: data, conditions, failures that are let go, identities.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use taskmill::ids::{TaskId, WorkflowId};
use taskmill::security::SecurityContext;
use taskmill::task::TaskStatus;
use taskmill::task::definition::SecurityLevel;
use taskmill::task::instance::VariablesSnapshot;
use taskmill::workflow::WorkflowStatus;
use taskmill_app::start_workflow::{StartWorkflow, start_workflow};
use taskmill_aws::executor::{Call, Failure};
use taskmill_aws::payloads::{PayloadKey, PayloadKind};
use taskmill_local::{LocalAws, Service};

use crate::support::{
    Answer, Records, Script, aws, caller, register, service, start, tenant, workflow_request,
};

const TASKS: &str = r#"
id: echo
name: Echo
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
---
id: price
name: Price
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
---
id: grow
name: Grow
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
---
id: guarded
name: Guarded
version: 1.0.0
type: AUTOMATED
securityRequirements: {requiredPermissions: [read], securityLevel: MEDIUM, dataClassification: internal}
executionConfig: {executor: 'lambda:script', securityContext: {permissions: [write], securityLevel: HIGH}}
"#;

fn script() -> Script {
    Script::new(answer)
}

fn answer(call: &Call) -> Answer {
    match call.definition.id.as_str() {
        "price" => Answer::Succeed(json!({
            "id": 7, "carrier": "DHL", "lines": call.input["lines"],
        })),
        "grow" => {
            let size = usize::try_from(call.input["size"].as_u64().unwrap()).unwrap();
            Answer::Succeed(json!({"text": "x".repeat(size)}))
        }
        "let-go" => Answer::Fail(Failure {
            continue_on_failure: call.input["word"].as_bool(),
            ..Failure::transient("BUSY", "come back later")
        }),
        _ => Answer::Succeed(call.input.clone()),
    }
}

/// A service that knows the tasks, and these workflows.
async fn started(aws: &LocalAws, script: &Script, workflows: &str) -> Service {
    let service = service(aws, script).await;
    register(service.app(), TASKS).await;
    register(service.app(), workflows).await;
    service
}

const ORDER: &str = r#"
id: order
name: Order
version: 1.0.0
variables: {currency: EUR, order: {state: new}}
steps:
  - name: price
    taskDefinitionId: price
    inputMappings:
      - {type: DIRECT, source: currency, target: money.currency}
      - {type: DIRECT, source: workflowInput.customer.name, target: for}
      - {type: DIRECT, source: nowhere, target: discount, default: 0}
      - {type: DIRECT, source: nowhere, target: unset}
      - {type: EXPRESSION, expression: "workflowInput.lines.{'sku': sku, 'total': qty * price}", target: lines}
      - {type: TRANSFORM, source: workflowInput.customer.name, transformation: "$uppercase($)", target: label}
      - {type: EXPRESSION, expression: "context.taskPath & ' by ' & context.createdBy", target: note}
    variableMappings:
      - {type: DIRECT, source: id, target: order.id}
      - {type: DIRECT, source: currency, target: order.currency}
      - {type: EXPRESSION, expression: "$sum(taskOutput.lines.total)", target: total}
      - {type: TRANSFORM, source: carrier, transformation: "$lowercase($)", target: carrier}
  - name: tell
    taskDefinitionId: echo
    taskReference: "workflowInput.customer.name"
    inputMappings:
      - {type: DIRECT, source: order, target: order}
      - {type: DIRECT, source: total, target: total}
output: "{'total': workflowVariables.total, 'by': workflowVariables.carrier}"
"#;

#[tokio::test(start_paused = true)]
async fn data_flows_by_mappings_and_by_nothing_else() {
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script, ORDER).await;
    let lines = json!([{"sku": "A", "qty": 2, "price": 5}, {"sku": "B", "qty": 3, "price": 3}]);
    let input = json!({"customer": {"name": "Ann B"}, "lines": lines});
    let id = start(service.app(), "order", input, "k").await;
    let records = Records::of(&aws);
    let workflow = records.ended_workflow(id).await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    let price = records.step(id, "price").await;
    assert_eq!(
        price.input,
        json!({
            "money": {"currency": "EUR"}, "for": "Ann B", "discount": 0, "label": "ANN B",
            "lines": [{"sku": "A", "total": 10}, {"sku": "B", "total": 9}],
            "note": "price by ann",
        })
    );
    assert_eq!(price.task_reference, None);
    let tell = records.step(id, "tell").await;
    let order = json!({"state": "new", "id": 7});
    assert_eq!(tell.input, json!({"order": order, "total": 19}));
    assert_eq!(tell.task_reference.as_deref(), Some("Ann B"));
    assert_eq!(
        Value::Object(workflow.variables),
        json!({"currency": "EUR", "order": order, "total": 19, "carrier": "dhl"})
    );
    assert_eq!(workflow.output, Some(json!({"total": 19, "by": "dhl"})));
}

#[tokio::test(start_paused = true)]
async fn integers_of_64_bits_pass_untouched_through_direct_mappings() {
    let numbers = json!([u64::MAX, i64::MIN, 9_007_199_254_740_993_u64]);
    let workflow = r"
id: numbers
name: Numbers
version: 1.0.0
steps:
  - name: first
    taskDefinitionId: echo
    inputMappings: [{type: DIRECT, source: workflowInput.numbers, target: numbers}]
    variableMappings: [{type: DIRECT, source: numbers, target: kept.numbers}]
  - name: second
    taskDefinitionId: echo
    inputMappings: [{type: DIRECT, source: kept.numbers, target: numbers}]
";
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script, workflow).await;
    let input = json!({"numbers": numbers});
    let id = start(service.app(), "numbers", input.clone(), "k").await;
    let records = Records::of(&aws);
    let workflow = records.ended_workflow(id).await;
    assert_eq!(*workflow.input, input);
    assert_eq!(workflow.variables["kept"], input);
    for path in ["first", "second"] {
        let task = records.step(id, path).await;
        assert_eq!((&task.input, task.output.as_ref()), (&input, Some(&input)));
    }
    let view = records.workflow_view(id).await;
    assert_eq!(view["taskInstances"][1]["output"], input);
}

#[tokio::test(start_paused = true)]
async fn a_step_whose_condition_is_not_true_is_skipped() {
    let workflow = r#"
id: some
name: Some
version: 1.0.0
steps:
  - {name: first, taskDefinitionId: echo}
  - {name: more, taskDefinitionId: echo, condition: "workflowInput.n > 1"}
  - name: less
    taskDefinitionId: echo
    condition: "workflowInput.n > 2"
    variableMappings: [{type: EXPRESSION, expression: "true", target: set}]
  - {name: missing, taskDefinitionId: echo, condition: "workflowInput.missing"}
  - {name: empty, taskDefinitionId: echo, condition: "workflowInput.list"}
  - {name: text, taskDefinitionId: echo, condition: "workflowInput.text"}
  - {name: zero, taskDefinitionId: echo, condition: "0"}
---
id: none
name: None
version: 1.0.0
steps: [{name: only, taskDefinitionId: echo, condition: "false"}]
output: "'done'"
"#;
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script, workflow).await;
    let input = json!({"n": 2, "list": [], "text": "x"});
    let some = start(service.app(), "some", input, "some").await;
    let none = start(service.app(), "none", json!({}), "none").await;
    let records = Records::of(&aws);
    let workflow = records.ended_workflow(some).await;
    assert_eq!(workflow.output, Some(Value::Null));
    assert_eq!(workflow.metrics.task_count, 3);
    assert!(workflow.variables.is_empty());
    let called: Vec<_> = script.calls().into_iter().map(|call| call.name).collect();
    assert_eq!(called, ["first", "more", "text"]);
    assert_eq!(records.tasks_of(some).await.len(), 3);

    let workflow = records.ended_workflow(none).await;
    assert_eq!(workflow.output, Some(json!("done")));
    assert_eq!(records.tasks_of(none).await, []);
}

/// A workflow whose first step fails, and who says that it may.
struct LetGo {
    definition: bool,
    step: Option<bool>,
    executor: Option<bool>,
}

impl LetGo {
    fn all() -> Vec<Self> {
        let words = [None, Some(false), Some(true)];
        let of_definition = |definition| {
            words.into_iter().flat_map(move |step| {
                words.into_iter().map(move |executor| Self {
                    definition,
                    step,
                    executor,
                })
            })
        };
        [false, true].into_iter().flat_map(of_definition).collect()
    }

    fn goes_on(&self) -> bool {
        self.executor.or(self.step).unwrap_or(self.definition)
    }

    fn definitions(&self) -> String {
        let of_step = self.step.map_or_else(String::new, |word| {
            format!("\n    continueOnFailure: {word}")
        });
        format!(
            "
id: let-go
name: Let go
version: 1.0.0
type: AUTOMATED
continueOnFailure: {}
executionConfig: {{executor: 'lambda:script'}}
---
id: case
name: Case
version: 1.0.0
steps:
  - name: bad
    taskDefinitionId: let-go
    inputMappings: [{{type: DIRECT, source: workflowInput.word, target: word}}]
    variableMappings: [{{type: EXPRESSION, expression: 'true', target: set}}]{of_step}
  - {{name: after, taskDefinitionId: echo}}
",
            self.definition
        )
    }

    async fn check(&self) {
        let what = format!("{:?} {:?} {:?}", self.definition, self.step, self.executor);
        let (aws, script) = (aws(), script());
        let service = started(&aws, &script, &self.definitions()).await;
        let input = json!({"word": self.executor});
        let id = start(service.app(), "case", input, "k").await;
        let records = Records::of(&aws);
        let workflow = records.ended_workflow(id).await;
        let bad = records.step(id, "bad").await;
        assert_eq!(bad.status, TaskStatus::Failed, "{what}");
        assert_eq!(bad.continue_on_failure, self.goes_on(), "{what}");
        assert!(workflow.variables.is_empty(), "{what}");
        let code = workflow.error.map(|error| error.code);
        let tasks = records.tasks_of(id).await.len();
        let came_to = (workflow.status, code.as_deref(), tasks);
        if self.goes_on() {
            assert_eq!(came_to, (WorkflowStatus::Completed, None, 2), "{what}");
        } else {
            assert_eq!(came_to, (WorkflowStatus::Failed, Some("BUSY"), 1), "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_word_of_the_executor_counts_before_the_steps_and_the_steps_before_the_definitions() {
    for case in LetGo::all() {
        case.check().await;
    }
}

/// Where the snapshot of the variables stands that the second step saw.
async fn place_of_snapshot(records: &Records, id: WorkflowId) -> &'static str {
    let task = records.step(id, "then").await;
    let VariablesSnapshot::OfWorkflow(hash) = task.context.workflow_variables else {
        return "with the task";
    };
    let hash = hash.parse().unwrap();
    let kind = PayloadKind::Workflow;
    let key = PayloadKey::new(&tenant(), kind, id.uuid(), "variables", hash);
    match records.store().payloads().get(&key).await.unwrap() {
        None => "beside the workflow",
        Some(_) => "in the bucket",
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_shows_the_variables_as_it_saw_them_however_large() {
    let workflow = r"
id: carry
name: Carry
version: 1.0.0
variables: {text: ''}
steps:
  - name: grow
    taskDefinitionId: grow
    inputMappings: [{type: DIRECT, source: workflowInput.size, target: size}]
    variableMappings: [{type: DIRECT, source: text, target: text}]
  - name: then
    taskDefinitionId: echo
    variableMappings: [{type: EXPRESSION, expression: '1', target: later}]
";
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script, workflow).await;
    let records = Records::of(&aws);
    for (size, place) in [
        (10, "with the task"),
        (300, "beside the workflow"),
        (20_000, "in the bucket"),
    ] {
        let input = json!({"size": size});
        let id = start(service.app(), "carry", input, &size.to_string()).await;
        let workflow = records.ended_workflow(id).await;
        assert_eq!(workflow.variables["later"], 1);
        assert_eq!(place_of_snapshot(&records, id).await, place);
        let seen = [json!({"text": ""}), json!({"text": "x".repeat(size)})];
        for (index, (path, seen)) in ["grow", "then"].into_iter().zip(seen).enumerate() {
            let task = records.task_view(TaskId::of_step(id, 0, path, 0)).await;
            let variables = &task["executionContext"]["workflowVariables"];
            assert_eq!(variables, &seen, "{path} at {size}");
            let workflow = records.workflow_view(id).await;
            assert_eq!(workflow["taskInstances"][index], task);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_asked_is_known_to_every_task_with_what_its_definition_demands() {
    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let workflow = r"
id: work
name: Work
version: 1.0.0
steps:
  - {name: plain, taskDefinitionId: echo}
  - {name: guarded, taskDefinitionId: guarded}
";
    let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
    let script = Script::new({
        let calls = Arc::clone(&calls);
        move |call: &Call| {
            calls.lock().unwrap().push(call.clone());
            answer(call)
        }
    });
    let aws = aws();
    let service = started(&aws, &script, workflow).await;
    let request = StartWorkflow {
        correlation_id: Some("matter-1".to_owned()),
        traceparent: Some(PARENT.to_owned()),
        ..workflow_request("work", json!({}), "k")
    };
    let started = start_workflow(service.app(), &caller(), request).await;
    let id = started.unwrap().id;
    let records = Records::of(&aws);
    let workflow = records.ended_workflow(id).await;
    let asked = SecurityContext::from(&caller());
    assert_eq!(workflow.security_context, asked);
    let demanded = SecurityContext {
        required_permissions: vec!["read".to_owned(), "write".to_owned()],
        security_level: Some(SecurityLevel::High),
        data_classification: Some("internal".to_owned()),
        ..asked.clone()
    };
    let calls = calls.lock().unwrap().clone();
    assert_eq!(calls.len(), 2);
    for (call, expected) in calls.iter().zip([asked, demanded]) {
        assert_eq!(call.context, expected);
        assert_eq!(call.correlation_id.as_deref(), Some("matter-1"));
        assert_eq!(call.traceparent.as_deref(), Some(PARENT));
        assert_eq!(call.workflow_instance_id, Some(id));
        let view = records.task_view(call.task_id).await;
        let context = &view["executionContext"];
        assert_eq!(context["securityContext"], json!(expected));
        assert_eq!(context["correlationId"], "matter-1");
        assert_eq!(view["traceparent"], PARENT);
    }
}
