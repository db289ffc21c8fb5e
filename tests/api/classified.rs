//! What a schema classifies is shown to those who are cleared for it, over every route that shows a
//! task, a workflow, a schedule or a dead letter.

use serde_json::{Value, json};
use taskmill::ids::ExecutionId;
use taskmill::metrics::ExecutionMetrics;
use taskmill::security::{ADMINISTER_DEAD_LETTERS, Caller};
use taskmill::task::{AttemptReport, Outcome};
use taskmill::{ErrorInfo, Timestamp};
use taskmill_app::dead_letters::list;
use taskmill_aws::queues::{Carried, Message, QueueName};

use super::client::World;
use super::letters::bury;
use crate::support::{caller, create, settle, start};

const DEFINITIONS: &str = "
id: pay
name: Pay
version: 1.0.0
type: AUTOMATED
inputSchema:
  properties:
    card: {$ref: '#/$defs/card'}
  $defs: {card: {type: string, x-classification: payment}}
outputSchema:
  properties: {card: {x-classification: payment}}
executionConfig: {executor: 'builtin:echo'}
---
id: fail
name: Fail
version: 1.0.0
type: AUTOMATED
inputSchema: {properties: {message: {x-classification: payment}}}
executionConfig: {executor: 'builtin:fail'}
---
id: refused
name: Refused
version: 1.0.0
steps:
  - name: both
    type: PARALLEL
    branches:
      - name: card
        steps:
          - name: pay
            taskDefinitionId: pay
            inputMappings: [{type: DIRECT, source: workflowInput.card, target: card}]
      - name: open
        steps: [{name: wait, type: SIGNAL, signal: never}]
    variableMappings: [{type: DIRECT, source: taskOutput, target: both}]
  - name: no
    taskDefinitionId: fail
    inputMappings: [{type: DIRECT, source: workflowInput.card, target: message}]
---
id: order
name: Order
version: 1.0.0
inputSchema:
  properties: {card: {x-classification: payment}}
steps:
  - name: pay
    taskDefinitionId: pay
    inputMappings: [{type: DIRECT, source: workflowInput.card, target: card}]
    variableMappings: [{type: DIRECT, source: taskOutput, target: paid}]
output: workflowVariables.paid
";

const CARD: &str = "4111-1111";

fn cleared() -> Caller {
    Caller {
        permissions: vec!["taskmill:data-classification:payment".to_owned()],
        ..caller()
    }
}

/// A path as Ann sees it, and as somebody does who is cleared.
async fn both(world: &World, path: &str) -> (Value, Value) {
    let hidden = world.get(path).await.is(200).body;
    let shown = world
        .by(&cleared(), "GET", path)
        .answer()
        .await
        .is(200)
        .body;
    (hidden, shown)
}

#[tokio::test(start_paused = true)]
async fn a_task_hides_what_its_schemas_classify() {
    let world = World::of(DEFINITIONS).await;
    let input = json!({"card": CARD, "total": 7});
    let id = create(world.service.app(), "pay", input.clone(), "k").await;
    settle(&world.aws).await;
    let (hidden, shown) = both(&world, &format!("/v1/tasks/{id}")).await;
    let expected = json!({"card": "***", "total": 7});
    assert_eq!(
        (&hidden["input"], &hidden["output"]),
        (&expected, &expected)
    );
    assert_eq!((&shown["input"], &shown["output"]), (&input, &input));
    assert!(!hidden.to_string().contains(CARD));
}

#[tokio::test(start_paused = true)]
async fn an_error_hides_what_it_repeats_of_the_input() {
    let world = World::of(DEFINITIONS).await;
    let input = json!({"message": format!("no {CARD}")});
    let id = create(world.service.app(), "fail", input, "k").await;
    settle(&world.aws).await;
    let (hidden, shown) = both(&world, &format!("/v1/tasks/{id}")).await;
    assert_eq!(shown["error"]["message"], format!("no {CARD}"));
    assert!(!hidden.to_string().contains(CARD), "{hidden}");
}

#[tokio::test(start_paused = true)]
async fn a_workflow_hides_what_its_tasks_may_have_put_into_its_variables() {
    let world = World::of(DEFINITIONS).await;
    let input = json!({"card": CARD, "total": 7});
    let id = start(world.service.app(), "order", input, "k").await;
    settle(&world.aws).await;
    let (hidden, shown) = both(&world, &format!("/v1/workflows/{id}")).await;
    assert_eq!(shown["output"]["card"], CARD);
    assert_eq!(hidden["input"], json!({"card": "***", "total": 7}));
    assert_eq!(hidden["variables"]["paid"], "***");
    assert!(!hidden.to_string().contains(CARD), "{hidden}");
    let task = shown["taskInstances"][0]["id"].as_str().unwrap();
    let (hidden, shown) = both(&world, &format!("/v1/tasks/{task}")).await;
    assert_eq!(shown["input"]["card"], CARD);
    assert!(!hidden.to_string().contains(CARD), "{hidden}");
}

#[tokio::test(start_paused = true)]
async fn a_workflow_hides_what_its_tasks_classify_of_its_course_and_its_error() {
    let world = World::of(DEFINITIONS).await;
    let input = json!({"card": CARD});
    let id = start(world.service.app(), "refused", input, "k").await;
    settle(&world.aws).await;
    let path = format!("/v1/workflows/{id}");
    let told = |record: &Value, field: &str| record[field].to_string().contains(CARD);
    let (hidden, shown) = both(&world, &path).await;
    assert!(told(&shown, "frontier"), "{shown}");
    assert!(!told(&hidden, "frontier"), "{hidden}");
    let never = json!({"name": "never", "data": null});
    let signal = world.send(&format!("{path}/signals"), never).await;
    assert!(!signal.is(202).body["frontier"].to_string().contains(CARD));
    settle(&world.aws).await;
    let (hidden, shown) = both(&world, &path).await;
    assert_eq!(shown["error"]["message"], CARD);
    assert_eq!(hidden["error"]["message"], "***");
    assert_eq!(hidden["error"]["code"], shown["error"]["code"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_starts_or_stops_a_workflow_sees_no_more_of_it_than_others() {
    let world = World::of(DEFINITIONS).await;
    let input = json!({"card": CARD, "total": 7});
    let schedule = json!({
        "id": "daily", "workflowDefinitionId": "order", "cron": "@daily", "input": input,
    });
    let ask = world.by(&caller(), "PUT", "/v1/schedules/daily");
    ask.json(schedule).answer().await.is(201);
    let triggered = world.post("/v1/schedules/daily/trigger").await.is(201);
    let start = json!({"workflowDefinitionId": "order", "input": input});
    let started = world.send("/v1/workflows", start).await.is(201);
    let path = format!("/v1/workflows/{}", started.id());
    let paused = world.post(&format!("{path}/pause")).await.is(200);
    for answer in [triggered, started, paused] {
        assert_eq!(answer.body["input"], json!({"card": "***", "total": 7}));
        assert!(!answer.body.to_string().contains(CARD), "{}", answer.body);
    }
}

/// A schedule as somebody sees it, by itself and in the list.
async fn schedule_by(world: &World, who: &Caller) -> Value {
    let shown = world.by(who, "GET", "/v1/schedules/daily");
    let shown = shown.answer().await.is(200).body;
    let listed = world.by(who, "GET", "/v1/schedules");
    assert_eq!(listed.answer().await.is(200).body["items"][0], shown);
    shown["definition"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_schedule_hides_what_the_schema_of_its_workflow_classifies() {
    let world = World::of(DEFINITIONS).await;
    let put = async |input: Value| {
        let mut schedule =
            json!({"id": "daily", "workflowDefinitionId": "order", "cron": "@daily"});
        for (field, value) in input.as_object().unwrap() {
            schedule[field] = value.clone();
        }
        let ask = world.by(&caller(), "PUT", "/v1/schedules/daily");
        let defined = ask.json(schedule).answer().await.body;
        assert!(!defined.to_string().contains(CARD), "{defined}");
    };
    put(json!({"input": {"card": CARD, "total": 7}})).await;
    let hidden = schedule_by(&world, &caller()).await;
    assert_eq!(hidden["input"], json!({"card": "***", "total": 7}));
    let shown = schedule_by(&world, &cleared()).await;
    assert_eq!(shown["input"], json!({"card": CARD, "total": 7}));
    for verb in ["pause", "resume"] {
        let answer = world.post(&format!("/v1/schedules/daily/{verb}")).await;
        assert!(!answer.is(200).body.to_string().contains(CARD), "{verb}");
    }
    let expression = format!("{{'card': '{CARD}'}}");
    put(json!({"inputExpression": expression})).await;
    let hidden = schedule_by(&world, &caller()).await;
    assert_eq!(hidden["inputExpression"], "***");
    let shown = schedule_by(&world, &cleared()).await;
    assert_eq!(shown["inputExpression"], expression);
    // Of which nobody can tell any more what it gives.
    let deprecate = "/v1/workflow-definitions/order/versions/1.0.0/deprecate";
    world.post(deprecate).await.is(200);
    let unknown = schedule_by(&world, &cleared()).await;
    assert_eq!(unknown["inputExpression"], "***");
}

/// A caller who administers dead letters as well.
fn undertaker(who: Caller) -> Caller {
    let administers = [ADMINISTER_DEAD_LETTERS.to_owned()];
    let permissions = [who.permissions.clone(), administers.to_vec()].concat();
    Caller { permissions, ..who }
}

/// What the only dead letter of `create` or `result` says, to Ann and to somebody who is cleared.
async fn letter_by_both(world: &World, message: &Message) -> (Value, Value) {
    let queue = match message {
        Message::CreateTask { .. } | Message::StartWorkflow { .. } => QueueName::Create,
        _ => QueueName::Result,
    };
    bury(world, queue, &message.to_body(0)).await;
    let letters = list(world.service.app(), &[queue]).await.unwrap().letters;
    let path = format!("/v1/dead-letters/{}", letters.last().unwrap().id);
    let seen = async |who: Caller| {
        let asked = world.by(&undertaker(who), "GET", &path);
        asked.answer().await.is(200).body["body"].clone()
    };
    (seen(caller()).await, seen(cleared()).await)
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_hides_what_the_definition_of_its_request_classifies() {
    let world = World::of(DEFINITIONS).await;
    let input = json!({"card": CARD, "total": 7});
    let expected = json!({"card": "***", "total": 7});
    let order = json!({"workflowDefinitionId": "order", "input": input});
    let pay = json!({"taskDefinitionId": "pay", "input": input, "taskToken": "token-of-states"});
    let caller = caller();
    for message in [
        Message::StartWorkflow {
            caller: caller.clone(),
            request: order,
        },
        Message::CreateTask {
            caller: caller.clone(),
            request: pay,
        },
    ] {
        let (hidden, shown) = letter_by_both(&world, &message).await;
        assert_eq!(hidden["request"]["input"], expected);
        assert_eq!(shown["request"]["input"], input);
        assert!(!shown.to_string().contains("token-of-states"), "{shown}");
    }
    let unreadable = Message::CreateTask {
        caller,
        request: json!({"taskDefinitionId": "pay", "inputs": input}),
    };
    let (hidden, shown) = letter_by_both(&world, &unreadable).await;
    assert_eq!(
        (&hidden["request"], &shown["request"]),
        (&json!("***"), &json!("***"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_hides_of_an_outcome_what_its_task_hides() {
    let world = World::of(DEFINITIONS).await;
    let input = json!({"card": CARD, "total": 7});
    let id = create(world.service.app(), "pay", input.clone(), "k").await;
    settle(&world.aws).await;
    let outcome = |outcome: Outcome| Message::Outcome {
        task_id: id,
        workflow_id: None,
        report: Carried::Inline(AttemptReport {
            execution_id: ExecutionId::of_attempt(id, 1),
            started_at: Timestamp::default(),
            ended_at: Timestamp::default(),
            executor_id: "worker".to_owned(),
            execution_environment: "local".to_owned(),
            outcome,
            metrics: ExecutionMetrics::default(),
        }),
    };
    let message = outcome(Outcome::Succeeded { output: input });
    let (hidden, shown) = letter_by_both(&world, &message).await;
    let output = |letter: &Value| letter["report"]["inline"]["output"]["card"].clone();
    assert_eq!(
        (output(&hidden), output(&shown)),
        (json!("***"), json!(CARD))
    );

    let text = format!("no {CARD}");
    let error = ErrorInfo::new("REFUSED", text.clone(), Timestamp::default());
    let message = outcome(Outcome::Failed {
        error: error.with_stack_trace("at main"),
        permanent: true,
        retry_after: None,
        continue_on_failure: None,
    });
    let later = Message::Later {
        due_at: Timestamp::default(),
        then: Box::new(message),
    };
    let (hidden, shown) = letter_by_both(&world, &later).await;
    let error = |letter: &Value| letter["then"]["report"]["inline"]["error"].clone();
    assert_eq!(error(&hidden)["message"], "no ***");
    assert_eq!(error(&shown)["message"], text);
    assert_eq!(error(&shown)["stackTrace"], "***");
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_hides_the_error_of_a_child_as_its_workflow_hides_variables() {
    let world = World::of(DEFINITIONS).await;
    let id = start(world.service.app(), "order", json!({"card": CARD}), "k").await;
    settle(&world.aws).await;
    let text = "the input is not what the child takes";
    let message = Message::ChildRefused {
        child_id: id,
        workflow_id: id,
        error: Box::new(ErrorInfo::new("INVALID_INPUT", text, Timestamp::default())),
    };
    let (hidden, shown) = letter_by_both(&world, &message).await;
    let told = |letter: &Value| letter["error"]["message"].clone();
    assert_eq!((told(&hidden), told(&shown)), (json!("***"), json!(text)));
}
