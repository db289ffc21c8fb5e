//! What a task costs that workers poll for, whose calls of the API are counted as the requests that
//! they make.

use serde_json::json;
use taskmill::ids::WorkerGroup;
use taskmill::security::Caller;
use taskmill::task::Outcome;
use taskmill::task::lifecycle::Word;
use taskmill_app::App;
use taskmill_app::workers::{Beginning, Saying, poll, say, start as begin};
use taskmill_local::LocalAws;

use super::{
    Cost, TASK, TASK_DUE, TASK_OF_WORKFLOW, TASK_STATUS, WORKFLOW, WORKFLOW_DEFINITION,
    WORKFLOW_DUE, WORKFLOW_STATUS, check, script,
};
use crate::support::{aws, caller, create, pass, register, service, settle, start};

const DEFINITIONS: &str = "
id: polled
name: Polled
version: 1.0.0
type: AUTOMATED
timeout: 600000
executionConfig: {executor: 'worker:gpu'}
---
{id: one, name: One, version: 1.0.0, steps: [{name: a, taskDefinitionId: polled}]}
";

/// Does the one task that is offered, with so many signs of life, half a minute each apart.
async fn work(aws: &LocalAws, app: &App, beats: usize) {
    let machine = Caller {
        permissions: vec!["taskmill:work".to_owned()],
        ..caller()
    };
    let gpu = WorkerGroup::new("gpu").unwrap();
    settle(aws).await;
    let offered = poll(app, &machine, &gpu, 1, 20).await.unwrap();
    let [offered] = &offered[..] else {
        panic!("{offered:?}");
    };
    let beginning = Beginning {
        attempt: 1,
        worker_id: "w1".to_owned(),
        receipt: Some(offered.receipt.clone()),
    };
    let task = begin(app, &machine, &gpu, offered.task.id, &beginning);
    let task = task.await.unwrap().task;
    let says = async |word| {
        let saying = Saying {
            execution_id: task.execution_id(),
            worker_id: "w1".to_owned(),
            word,
        };
        say(app, &machine, &gpu, task.id, saying).await.unwrap();
    };
    for _ in 0..beats {
        pass(aws, 25_000).await;
        says(Word::Alive { progress: None }).await;
    }
    let output = json!({});
    says(Word::Ended(Outcome::Succeeded { output })).await;
    settle(aws).await;
}

#[tokio::test(start_paused = true)]
async fn a_workers_task_costs_what_a_tracked_one_does_and_its_lease() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    let app = service.app();
    register(app, DEFINITIONS).await;
    create(app, "polled", json!({}), "first").await;
    work(&aws, app, 0).await;
    let before = aws.meter().snapshot();
    create(app, "polled", json!({}), "second").await;
    work(&aws, app, 0).await;
    check(
        "a task that a worker does",
        &aws.meter().since(&before),
        &Cost {
            writes: &[(TASK, 3.0), (TASK_STATUS, 5.0), (TASK_DUE, 4.0)],
            reads: 5.0,
            requests: &[
                ("dynamodb.GetItem", 1),
                ("dynamodb.PutItem", 3),
                ("dynamodb.Query", 4),
                ("sqs.DeleteMessage", 1),
                ("sqs.DeleteMessageBatch", 1),
                ("sqs.ReceiveMessage", 2),
                ("sqs.SendMessage", 1),
                ("sqs.SendMessageBatch", 1),
            ],
            invocations: &[("execute-task", 1)],
        },
    );
}

#[tokio::test(start_paused = true)]
async fn two_signs_of_life_cost_a_write_unit_each() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    let app = service.app();
    register(app, DEFINITIONS).await;
    create(app, "polled", json!({}), "first").await;
    work(&aws, app, 0).await;
    let before = aws.meter().snapshot();
    create(app, "polled", json!({}), "second").await;
    work(&aws, app, 2).await;
    check(
        "a task that a worker does, with two signs of life",
        &aws.meter().since(&before),
        &Cost {
            writes: &[(TASK, 5.0), (TASK_STATUS, 5.0), (TASK_DUE, 4.0)],
            reads: 7.0,
            requests: &[
                ("dynamodb.GetItem", 1),
                ("dynamodb.PutItem", 5),
                ("dynamodb.Query", 6),
                ("sqs.DeleteMessage", 1),
                ("sqs.DeleteMessageBatch", 1),
                ("sqs.ReceiveMessage", 2),
                ("sqs.SendMessage", 1),
                ("sqs.SendMessageBatch", 1),
            ],
            invocations: &[("execute-task", 1)],
        },
    );
}

#[tokio::test(start_paused = true)]
async fn in_a_workflow_a_lease_costs_two_write_units() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    let app = service.app();
    register(app, DEFINITIONS).await;
    start(app, "one", json!({}), "first").await;
    work(&aws, app, 0).await;
    let before = aws.meter().snapshot();
    start(app, "one", json!({}), "second").await;
    work(&aws, app, 0).await;
    check(
        "a workflow of one task that a worker does",
        &aws.meter().since(&before),
        &Cost {
            writes: &[
                (TASK, 3.0),
                (TASK_DUE, 2.0),
                (TASK_STATUS, 5.0),
                (TASK_OF_WORKFLOW, 5.0),
                (WORKFLOW, 2.0),
                (WORKFLOW_DEFINITION, 1.0),
                (WORKFLOW_DUE, 2.0),
                (WORKFLOW_STATUS, 3.0),
            ],
            reads: 8.0,
            requests: &[
                ("dynamodb.GetItem", 2),
                ("dynamodb.PutItem", 5),
                ("dynamodb.Query", 6),
                ("sqs.DeleteMessage", 1),
                ("sqs.DeleteMessageBatch", 2),
                ("sqs.ReceiveMessage", 3),
                ("sqs.SendMessage", 1),
                ("sqs.SendMessageBatch", 2),
            ],
            invocations: &[("execute-task", 1), ("process-result", 1)],
        },
    );
}
