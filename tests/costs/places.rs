//! What a place costs: of a definition with `concurrency`, besides what its tasks cost anyway.

use serde_json::json;

use super::{Cost, TASK, TASK_DUE, TASK_STATUS, check, run_task, script};
use crate::support::{Records, aws, create, register, service, settle, task_of};

/// Tasks of which one runs at once.
const DEFINITION: &str = "
id: narrow
name: Narrow
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
concurrency: {limit: 1}
";

#[tokio::test(start_paused = true)]
async fn a_place_that_is_free_costs_two_write_units() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITION).await;
    run_task(&aws, service.app(), "narrow", &json!({}), "first").await;
    let before = aws.meter().snapshot();
    run_task(&aws, service.app(), "narrow", &json!({}), "second").await;
    check(
        "a lazy task that takes a place",
        &aws.meter().since(&before),
        &Cost {
            writes: &[(TASK, 4.0), (TASK_STATUS, 3.0), (TASK_DUE, 2.0)],
            reads: 6.0,
            requests: &[
                ("dynamodb.GetItem", 1),
                ("dynamodb.PutItem", 4),
                ("dynamodb.Query", 5),
                ("sqs.DeleteMessageBatch", 2),
                ("sqs.ReceiveMessage", 2),
                ("sqs.SendMessageBatch", 2),
            ],
            invocations: &[("execute-task", 1), ("process-result", 1)],
        },
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_that_has_to_wait_costs_four_write_units_and_a_message() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITION).await;
    run_task(&aws, service.app(), "narrow", &json!({}), "first").await;
    let before = aws.meter().snapshot();
    for key in ["at once", "waits"] {
        create(service.app(), "narrow", json!({"how": "slow"}), key).await;
    }
    for key in ["at once", "waits"] {
        Records::of(&aws).ended_task(task_of(key)).await;
    }
    settle(&aws).await;
    check(
        "two tasks of two seconds, one after the other",
        &aws.meter().since(&before),
        &Cost {
            // Three for each task, two for the place of the one, four for that of the other.
            writes: &[(TASK, 12.0), (TASK_STATUS, 10.0), (TASK_DUE, 4.0)],
            reads: 14.0,
            requests: &[
                ("dynamodb.DeleteItem", 1),
                ("dynamodb.GetItem", 2),
                ("dynamodb.PutItem", 11),
                ("dynamodb.Query", 12),
                ("sqs.DeleteMessageBatch", 4),
                ("sqs.ReceiveMessage", 4),
                ("sqs.SendMessageBatch", 5),
            ],
            invocations: &[("execute-task", 2), ("process-result", 2)],
        },
    );
}
