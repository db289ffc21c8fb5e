//! What each path costs, in counts: write units by table and index, read units, requests and
//! invocations. Prices follow from these, and the README's table shows them.
//!
//! What is counted is one run after another like it: definitions are in the cache by then, as they
//! are in a function that is warm.

mod constructs;
mod places;
mod workers;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use taskmill::workflow::WorkflowStatus;
use taskmill_app::App;
use taskmill_local::service::functions_by_queue;
use taskmill_local::{LocalAws, Usage};

use crate::support::{
    Answer, Fleet, HOUR, Records, Script, aws, create, pass, register, service, settle, start,
    task_of,
};

const DEFINITIONS: &str = "
id: lazy
name: Lazy
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
retryPolicy: {maxRetries: 2, retryInterval: 2000, jitter: NONE}
---
id: tracked
name: Tracked
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'process:script'}
---
id: lazily
name: Lazily
version: 1.0.0
steps:
  - {name: one, taskDefinitionId: lazy}
  - {name: two, taskDefinitionId: lazy}
  - {name: three, taskDefinitionId: lazy}
---
id: trackedly
name: Trackedly
version: 1.0.0
steps:
  - {name: one, taskDefinitionId: tracked}
  - {name: two, taskDefinitionId: tracked}
  - {name: three, taskDefinitionId: tracked}
";

/// What a run costs, each list in the order of its names.
#[derive(Debug, PartialEq)]
struct Cost<'a> {
    /// Write units by table and index.
    writes: &'a [(&'a str, f64)],
    /// Read units of all tables together.
    reads: f64,
    /// Requests by service and operation.
    requests: &'a [(&'a str, u64)],
    /// Invocations by function.
    invocations: &'a [(&'a str, u64)],
}

const TASK: &str = "TaskInstances";
const TASK_STATUS: &str = "TaskInstances/status-index";
const TASK_OF_WORKFLOW: &str = "TaskInstances/workflow-status-index";
const TASK_DUE: &str = "TaskInstances/due-index";
const WORKFLOW: &str = "WorkflowInstances";
const WORKFLOW_STATUS: &str = "WorkflowInstances/status-index";
const WORKFLOW_DEFINITION: &str = "WorkflowInstances/definition-index";
const WORKFLOW_DUE: &str = "WorkflowInstances/due-index";

/// The input says how its task behaves: `busy` fails the first attempt, `slow` takes two seconds.
fn script() -> Script {
    Script::new(|call| match call.input["how"].as_str() {
        Some("busy") if call.attempt == 1 => Answer::busy(),
        Some("slow") => Answer::Succeed(json!({})).after(2000),
        _ => Answer::Succeed(call.input.clone()),
    })
}

fn check(what: &str, usage: &Usage, expected: &Cost<'_>) {
    let writes: Vec<_> = usage
        .capacity
        .iter()
        .filter(|(_, units)| units.write > 0.0)
        .map(|(name, units)| (name.as_str(), units.write))
        .collect();
    let requests: Vec<_> = usage
        .requests
        .iter()
        .map(|(name, count)| (name.as_str(), *count))
        .collect();
    let found = Cost {
        writes: &writes,
        reads: usage.total_capacity().read,
        requests: &requests,
        invocations: &invocations(usage),
    };
    let mut writes = expected.writes.to_vec();
    writes.sort_by_key(|(name, _)| *name);
    let expected = Cost {
        writes: &writes,
        ..*expected
    };
    assert_eq!(found, expected, "{what}");
    assert_eq!(usage.failed_conditions.count, 0, "{what}");
    assert_eq!(usage.empty_receives, 0, "{what}");
}

fn invocations(usage: &Usage) -> Vec<(&'static str, u64)> {
    let functions = functions_by_queue();
    let mut invocations = BTreeMap::new();
    for (queue, of_queue) in &usage.invocations {
        *invocations.entry(functions[queue]).or_default() += of_queue.count;
    }
    invocations.into_iter().collect()
}

/// What a task costs that stands alone: a request and a read to find its newest version, a read
/// by each function, a write at each change; each message is sent, received and deleted.
async fn of_task(definition: &str, input: Value) -> Usage {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    run_task(&aws, service.app(), definition, &input, "first").await;
    let before = aws.meter().snapshot();
    run_task(&aws, service.app(), definition, &input, "second").await;
    aws.meter().since(&before)
}

async fn run_task(aws: &LocalAws, app: &App, definition: &str, input: &Value, key: &str) {
    let id = create(app, definition, input.clone(), key).await;
    Records::of(aws).ended_task(id).await;
    settle(aws).await;
}

async fn of_workflow(definition: &str, input: Value) -> Usage {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    run_workflow(&aws, service.app(), definition, &input, "first").await;
    let before = aws.meter().snapshot();
    run_workflow(&aws, service.app(), definition, &input, "second").await;
    aws.meter().since(&before)
}

async fn run_workflow(aws: &LocalAws, app: &App, definition: &str, input: &Value, key: &str) {
    let id = start(app, definition, input.clone(), key).await;
    let workflow = Records::of(aws).ended_workflow(id).await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    settle(aws).await;
}

/// A text that makes `{"text": …}` so long.
fn text(bytes: usize) -> Value {
    json!({"text": "x".repeat(bytes - r#"{"text":""}"#.len())})
}

#[tokio::test(start_paused = true)]
async fn a_short_task_that_stands_alone_costs_seven_write_units() {
    let usage = of_task("lazy", json!({})).await;
    check(
        "a lazy task",
        &usage,
        &Cost {
            writes: &[(TASK, 2.0), (TASK_STATUS, 3.0), (TASK_DUE, 2.0)],
            reads: 3.0,
            requests: &[
                ("dynamodb.GetItem", 1),
                ("dynamodb.PutItem", 2),
                ("dynamodb.Query", 2),
                ("sqs.DeleteMessageBatch", 2),
                ("sqs.ReceiveMessage", 2),
                ("sqs.SendMessageBatch", 2),
            ],
            invocations: &[("execute-task", 1), ("process-result", 1)],
        },
    );
}

#[tokio::test(start_paused = true)]
async fn one_whose_start_is_recorded_costs_ten() {
    let cost = Cost {
        writes: &[(TASK, 3.0), (TASK_STATUS, 5.0), (TASK_DUE, 2.0)],
        reads: 3.0,
        requests: &[
            ("dynamodb.GetItem", 1),
            ("dynamodb.PutItem", 3),
            ("dynamodb.Query", 2),
            ("sqs.DeleteMessageBatch", 2),
            ("sqs.ReceiveMessage", 2),
            ("sqs.SendMessageBatch", 2),
        ],
        invocations: &[("execute-task", 1), ("process-result", 1)],
    };
    check(
        "a tracked task",
        &of_task("tracked", json!({})).await,
        &cost,
    );
    let slow = of_task("lazy", json!({"how": "slow"})).await;
    check("a task of two seconds", &slow, &cost);
}

#[tokio::test(start_paused = true)]
async fn a_retry_costs_three_write_units_and_three_invocations() {
    let usage = of_task("lazy", json!({"how": "busy"})).await;
    check(
        "a task with a retry",
        &usage,
        &Cost {
            writes: &[(TASK, 3.0), (TASK_STATUS, 5.0), (TASK_DUE, 2.0)],
            reads: 5.0,
            requests: &[
                ("dynamodb.GetItem", 1),
                ("dynamodb.PutItem", 3),
                ("dynamodb.Query", 4),
                ("sqs.DeleteMessageBatch", 5),
                ("sqs.ReceiveMessage", 5),
                ("sqs.SendMessageBatch", 5),
            ],
            invocations: &[
                ("execute-task", 2),
                ("process-result", 2),
                ("schedule-retry", 1),
            ],
        },
    );
}

#[tokio::test(start_paused = true)]
async fn a_workflow_of_three_short_steps_costs_ten_and_eight_for_each_task() {
    let usage = of_workflow("lazily", json!({})).await;
    check(
        "a workflow of three lazy steps",
        &usage,
        &Cost {
            writes: &[
                (TASK, 6.0),
                (TASK_STATUS, 9.0),
                (TASK_OF_WORKFLOW, 9.0),
                (WORKFLOW, 4.0),
                (WORKFLOW_STATUS, 3.0),
                (WORKFLOW_DEFINITION, 1.0),
                (WORKFLOW_DUE, 2.0),
            ],
            reads: 11.0,
            requests: &[
                ("dynamodb.GetItem", 2),
                ("dynamodb.PutItem", 10),
                ("dynamodb.Query", 9),
                ("sqs.DeleteMessageBatch", 6),
                ("sqs.ReceiveMessage", 6),
                ("sqs.SendMessageBatch", 6),
            ],
            invocations: &[("execute-task", 3), ("process-result", 3)],
        },
    );
}

#[tokio::test(start_paused = true)]
async fn a_workflow_of_three_recorded_steps_costs_ten_and_thirteen_for_each_task() {
    let usage = of_workflow("trackedly", json!({})).await;
    check(
        "a workflow of three tracked steps",
        &usage,
        &Cost {
            writes: &[
                (TASK, 9.0),
                (TASK_STATUS, 15.0),
                (TASK_OF_WORKFLOW, 15.0),
                (WORKFLOW, 4.0),
                (WORKFLOW_STATUS, 3.0),
                (WORKFLOW_DEFINITION, 1.0),
                (WORKFLOW_DUE, 2.0),
            ],
            reads: 11.0,
            requests: &[
                ("dynamodb.GetItem", 2),
                ("dynamodb.PutItem", 13),
                ("dynamodb.Query", 9),
                ("sqs.DeleteMessageBatch", 6),
                ("sqs.ReceiveMessage", 6),
                ("sqs.SendMessageBatch", 6),
            ],
            invocations: &[("execute-task", 3), ("process-result", 3)],
        },
    );
}

#[tokio::test(start_paused = true)]
async fn a_payload_of_2_kib_costs_its_size_and_one_of_10_kib_goes_to_the_bucket() {
    let two = of_task("lazy", text(2 * 1024)).await;
    check(
        "a task with an input and an output of 2 KiB",
        &two,
        &Cost {
            writes: &[(TASK, 8.0), (TASK_STATUS, 3.0), (TASK_DUE, 2.0)],
            reads: 3.0,
            requests: &[
                ("dynamodb.GetItem", 1),
                ("dynamodb.PutItem", 4),
                ("dynamodb.Query", 2),
                ("sqs.DeleteMessageBatch", 2),
                ("sqs.ReceiveMessage", 2),
                ("sqs.SendMessageBatch", 2),
            ],
            invocations: &[("execute-task", 1), ("process-result", 1)],
        },
    );
    let ten = of_task("lazy", text(10 * 1024)).await;
    let of_lazy = [(TASK, 2.0), (TASK_STATUS, 3.0), (TASK_DUE, 2.0)];
    for (name, units) in of_lazy {
        assert_eq!(ten.capacity[name].write, units, "{name} at 10 KiB");
    }
    assert_eq!(ten.total_capacity().write, 7.0);
}

#[tokio::test(start_paused = true)]
async fn a_burst_shares_requests_and_invocations_but_no_write_units() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    run_task(&aws, service.app(), "lazy", &json!({}), "first").await;
    let before = aws.meter().snapshot();
    for number in 0..10 {
        create(service.app(), "lazy", json!({}), &format!("burst {number}")).await;
    }
    for number in 0..10 {
        let id = task_of(&format!("burst {number}"));
        Records::of(&aws).ended_task(id).await;
    }
    settle(&aws).await;
    let usage = aws.meter().since(&before);
    check(
        "a burst of ten lazy tasks",
        &usage,
        &Cost {
            writes: &[(TASK, 20.0), (TASK_STATUS, 30.0), (TASK_DUE, 20.0)],
            reads: 30.0,
            requests: &[
                ("dynamodb.GetItem", 10),
                ("dynamodb.PutItem", 20),
                ("dynamodb.Query", 20),
                ("sqs.DeleteMessageBatch", 2),
                ("sqs.ReceiveMessage", 2),
                // Each caller sends for itself; the outcomes of one invocation go together.
                ("sqs.SendMessageBatch", 11),
            ],
            invocations: &[("execute-task", 1), ("process-result", 1)],
        },
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_service_costs_nothing_and_an_idle_deployment_its_sweeps() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    run_task(&aws, service.app(), "lazy", &json!({}), "first").await;
    let before = aws.meter().snapshot();
    pass(&aws, 24 * HOUR).await;
    assert_eq!(aws.meter().since(&before), Usage::default());

    let (aws, script) = (crate::support::aws(), self::script());
    let _fleet = Fleet::start(&aws, &script).await;
    let before = aws.meter().snapshot();
    pass(&aws, HOUR + 1).await;
    check(
        "an idle hour",
        &aws.meter().since(&before),
        &Cost {
            writes: &[],
            reads: 60.0,
            requests: &[("dynamodb.Query", 120)],
            invocations: &[],
        },
    );
}
