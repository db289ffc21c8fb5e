//! What each construct of the language costs, its tasks included: what a workflow of one short
//! task uses with the construct behind it, less what it uses without.

use serde_json::json;
use taskmill::workflow::decider::{Ask, Operation};
use taskmill::workflow::{WorkflowInstance, WorkflowStatus};
use taskmill_app::{App, workflows};
use taskmill_local::{LocalAws, Usage};

use super::{
    Cost, TASK, TASK_OF_WORKFLOW, TASK_STATUS, WORKFLOW, WORKFLOW_DEFINITION, WORKFLOW_DUE,
    WORKFLOW_STATUS, check, script,
};
use crate::support::{Records, aws, register, service, settle, start, tenant};

const DEFINITIONS: &str = "
id: lazy
name: Lazy
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
---
id: plain
name: Plain
version: 1.0.0
steps: [{name: first, taskDefinitionId: lazy}]
---
id: parallel
name: Parallel
version: 1.0.0
steps:
  - {name: first, taskDefinitionId: lazy}
  - name: fan
    type: PARALLEL
    branches:
      - {name: a, steps: [{name: one, taskDefinitionId: lazy}]}
      - {name: b, steps: [{name: one, taskDefinitionId: lazy}]}
      - {name: c, steps: [{name: one, taskDefinitionId: lazy}]}
---
id: map
name: Map
version: 1.0.0
steps:
  - {name: first, taskDefinitionId: lazy}
  - {name: each, type: MAP, items: '[1..10]', steps: [{name: one, taskDefinitionId: lazy}]}
---
id: wait
name: Wait
version: 1.0.0
steps: [{name: first, taskDefinitionId: lazy}, {name: pause, type: WAIT, duration: PT1M}]
---
id: long-wait
name: Long wait
version: 1.0.0
steps: [{name: first, taskDefinitionId: lazy}, {name: pause, type: WAIT, duration: PT16M}]
---
id: signal
name: Signal
version: 1.0.0
steps: [{name: first, taskDefinitionId: lazy}, {name: word, type: SIGNAL, signal: go}]
---
id: child
name: Child
version: 1.0.0
steps:
  - {name: first, taskDefinitionId: lazy}
  - {name: inside, type: SUB_WORKFLOW, workflowDefinitionId: plain}
";

/// What a workflow of one short task uses with a construct behind it, less without. Definitions
/// are in the cache.
async fn added_by(construct: &str) -> Usage {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    run(&aws, service.app(), construct, "first").await;
    run(&aws, service.app(), "plain", "plain, first").await;
    let without = metered(&aws, service.app(), "plain").await;
    let with = metered(&aws, service.app(), construct).await;
    with.since(&without)
}

async fn metered(aws: &LocalAws, app: &App, definition: &str) -> Usage {
    let before = aws.meter().snapshot();
    run(aws, app, definition, &format!("{definition}, metered")).await;
    aws.meter().since(&before)
}

async fn run(aws: &LocalAws, app: &App, definition: &str, key: &str) {
    let id = start(app, definition, json!({}), key).await;
    settle(aws).await;
    if definition == "signal" {
        let ask = Ask::Signal {
            name: "go".to_owned(),
            data: json!({}),
        };
        let operation = Operation {
            request_id: Some("once".to_owned()),
            by_parent: None,
            ask,
        };
        let done: WorkflowInstance = workflows::operate(app, &tenant(), id, operation)
            .await
            .unwrap();
        assert!(done.status.is_terminal());
    }
    let workflow = Records::of(aws).ended_workflow(id).await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    settle(aws).await;
}

#[tokio::test(start_paused = true)]
async fn a_parallel_whose_branches_end_together_costs_its_tasks_and_one_write() {
    check(
        "a PARALLEL of three",
        &added_by("parallel").await,
        &Cost {
            writes: &[
                (TASK, 6.0),
                (TASK_STATUS, 9.0),
                (TASK_OF_WORKFLOW, 9.0),
                (WORKFLOW, 1.0),
            ],
            reads: 7.0,
            requests: &[
                ("dynamodb.PutItem", 7),
                ("dynamodb.Query", 7),
                ("sqs.DeleteMessageBatch", 2),
                ("sqs.ReceiveMessage", 2),
                ("sqs.SendMessageBatch", 2),
            ],
            invocations: &[("execute-task", 1), ("process-result", 1)],
        },
    );
}

#[tokio::test(start_paused = true)]
async fn a_map_costs_its_tasks_and_the_record_of_its_batch() {
    check(
        "a MAP of ten",
        &added_by("map").await,
        &Cost {
            writes: &[
                (TASK, 20.0),
                (TASK_STATUS, 30.0),
                (TASK_OF_WORKFLOW, 30.0),
                (WORKFLOW, 4.0),
                (WORKFLOW_DUE, 2.0),
            ],
            reads: 26.0,
            requests: &[
                ("dynamodb.GetItem", 1),
                ("dynamodb.PutItem", 24),
                ("dynamodb.Query", 25),
                ("sqs.DeleteMessageBatch", 3),
                ("sqs.ReceiveMessage", 3),
                ("sqs.SendMessageBatch", 3),
            ],
            invocations: &[("execute-task", 1), ("process-result", 2)],
        },
    );
}

#[tokio::test(start_paused = true)]
async fn a_wait_costs_a_write_and_two_messages() {
    check(
        "a WAIT of a minute",
        &added_by("wait").await,
        &Cost {
            writes: &[(WORKFLOW, 1.0)],
            reads: 1.0,
            requests: &[
                ("dynamodb.PutItem", 1),
                ("dynamodb.Query", 1),
                ("sqs.DeleteMessageBatch", 2),
                ("sqs.ReceiveMessage", 2),
                ("sqs.SendMessageBatch", 2),
            ],
            invocations: &[("process-result", 1), ("schedule-retry", 1)],
        },
    );
}

/// No message waits so long: the check after 15 minutes moves the due time to the end of the wait.
#[tokio::test(start_paused = true)]
async fn a_wait_of_over_a_quarter_of_an_hour_costs_a_due_time() {
    check(
        "a WAIT of 16 minutes",
        &added_by("long-wait").await,
        &Cost {
            writes: &[(WORKFLOW, 2.0), (WORKFLOW_DUE, 2.0)],
            reads: 4.0,
            requests: &[("dynamodb.PutItem", 2), ("dynamodb.Query", 6)],
            invocations: &[],
        },
    );
}

#[tokio::test(start_paused = true)]
async fn a_signal_costs_a_write_by_the_call_that_brings_it() {
    check(
        "a SIGNAL",
        &added_by("signal").await,
        &Cost {
            writes: &[(WORKFLOW, 1.0)],
            reads: 3.0,
            requests: &[("dynamodb.PutItem", 1), ("dynamodb.Query", 3)],
            invocations: &[],
        },
    );
}

#[tokio::test(start_paused = true)]
async fn a_sub_workflow_costs_a_workflow_and_a_write_of_its_parent() {
    check(
        "a SUB_WORKFLOW of one task",
        &added_by("child").await,
        &Cost {
            writes: &[
                (TASK, 2.0),
                (TASK_STATUS, 3.0),
                (TASK_OF_WORKFLOW, 3.0),
                (WORKFLOW, 3.0),
                (WORKFLOW_STATUS, 3.0),
                (WORKFLOW_DEFINITION, 1.0),
                (WORKFLOW_DUE, 2.0),
            ],
            reads: 8.0,
            requests: &[
                ("dynamodb.GetItem", 2),
                ("dynamodb.PutItem", 5),
                ("dynamodb.Query", 6),
                ("sqs.DeleteMessageBatch", 3),
                ("sqs.ReceiveMessage", 3),
                ("sqs.SendMessageBatch", 3),
            ],
            invocations: &[("execute-task", 1), ("process-result", 2)],
        },
    );
}
