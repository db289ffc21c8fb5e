//! What a schema classifies is shown to those who are cleared for it, over every route that shows a
//! task or a workflow.

use serde_json::{Value, json};
use taskmill::security::Caller;

use super::client::World;
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
