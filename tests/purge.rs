//! Every message that is under way is thrown away, at any moment: the records alone suffice.

use serde_json::json;
use taskmill::task::TaskStatus;
use taskmill::workflow::WorkflowStatus;
use taskmill_app::App;
use taskmill_local::LocalAws;

use crate::support::{
    Answer, Fleet, HOUR, MINUTE, Records, SECOND, Script, aws, create, register, service, settle,
    start, task_of, workflow_of,
};

const DEFINITIONS: &str = "
id: flaky
name: Flaky
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
retryPolicy: {maxRetries: 2, retryInterval: 5000, jitter: NONE}
---
id: steady
name: Steady
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'process:script'}
---
id: both
name: Both
version: 1.0.0
steps:
  - {name: first, taskDefinitionId: flaky}
  - {name: second, taskDefinitionId: steady}
";

/// A check of each hop that a purge can hit: what is lost is looked for after 15 minutes, and a
/// lost attempt's lease adds to that.
const ONE_PURGE: u64 = 15 * MINUTE + 90 * SECOND + MINUTE + 5 * SECOND;

fn script() -> Script {
    Script::new(|call| match call.definition.id.as_str() {
        "flaky" if call.attempt == 1 => Answer::busy(),
        _ => Answer::Succeed(json!("done")).after(100),
    })
}

async fn submit(app: &App) {
    register(app, DEFINITIONS).await;
    start(app, "both", json!({}), "workflow").await;
    create(app, "flaky", json!({}), "flaky").await;
    create(app, "steady", json!({}), "steady").await;
}

async fn all_ended(records: &Records) {
    records.ended_workflow(workflow_of("workflow")).await;
    records.ended_task(task_of("flaky")).await;
    records.ended_task(task_of("steady")).await;
}

async fn check_ended_well(records: &Records, script: &Script) {
    let id = workflow_of("workflow");
    let workflow = records.workflow(id).await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    assert_eq!(workflow.metrics.task_count, 2);
    let tasks = records.tasks_of(id).await;
    assert_eq!(tasks.len(), 2);
    for task in [
        task_of("flaky"),
        task_of("steady"),
        tasks[0].id,
        tasks[1].id,
    ] {
        let task = records.task(task).await;
        assert_eq!(task.status, TaskStatus::Completed);
        // An attempt whose outcome was thrown away runs again.
        assert!(script.calls_of(task.id) <= 4, "{}", task.task_definition_id);
    }
    assert_eq!(records.due().await, 0);
}

/// Purges once, just before a call of the run, and gives how long all of it then took.
async fn took_when_purged_before(call: u64, aws: &LocalAws, app: &App, script: &Script) -> u64 {
    let began = aws.clock().now();
    let held = aws.faults().hold(aws.faults().calls() + call);
    let submitted = tokio::spawn({
        let app = app.clone();
        async move { submit(&app).await }
    });
    held.reached().await;
    aws.queues().purge_all();
    held.release();
    submitted.await.unwrap();
    let records = Records::of(aws);
    all_ended(&records).await;
    let took = aws.clock().now().millis_since(began);
    settle(aws).await;
    check_ended_well(&records, script).await;
    took
}

/// Calls of a run of the service that nobody disturbs.
async fn calls_undisturbed() -> u64 {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    let before = aws.faults().calls();
    submit(service.app()).await;
    all_ended(&Records::of(&aws)).await;
    aws.faults().calls() - before
}

#[tokio::test(start_paused = true)]
async fn a_purge_before_any_call_of_the_local_service_delays_and_loses_nothing() {
    let mut delayed = 0;
    for call in 1..=calls_undisturbed().await {
        let (aws, script) = (aws(), script());
        let service = service(&aws, &script).await;
        let took = took_when_purged_before(call, &aws, service.app(), &script).await;
        assert!(took <= ONE_PURGE, "call {call}: it took {took} ms");
        delayed += u32::from(took > MINUTE);
    }
    assert!(delayed > 10, "only {delayed} purges hit a message");
}

#[tokio::test(start_paused = true)]
async fn a_purge_before_every_second_call_of_the_functions_delays_and_loses_nothing() {
    let mut delayed = 0;
    for call in (2..=calls_undisturbed().await).step_by(2) {
        let (aws, script) = (aws(), script());
        let fleet = Fleet::start(&aws, &script).await;
        let took = took_when_purged_before(call, &aws, fleet.app(), &script).await;
        assert!(took <= ONE_PURGE, "call {call}: it took {took} ms");
        delayed += u32::from(took > MINUTE);
    }
    assert!(delayed > 5, "only {delayed} purges hit a message");
}

#[tokio::test(start_paused = true)]
async fn purges_at_every_fifth_call_for_an_hour_lose_nothing() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    submit(service.app()).await;
    let clock = aws.clock();
    let until = clock.now().plus_millis(HOUR);
    while clock.now() < until {
        let held = aws.faults().hold(aws.faults().calls() + 5);
        tokio::select! {
            () = held.reached() => {}
            () = clock.sleep_until(until) => {}
        }
        aws.queues().purge_all();
        held.release();
    }
    let records = Records::of(&aws);
    all_ended(&records).await;
    settle(&aws).await;
    check_outcomes(&records).await;
}

/// After so many purges an attempt may have run often, but has still one end.
async fn check_outcomes(records: &Records) {
    let workflow = records.workflow(workflow_of("workflow")).await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    assert_eq!(workflow.metrics.task_count, 2);
    for key in ["flaky", "steady"] {
        let task = records.task(task_of(key)).await;
        assert_eq!(task.status, TaskStatus::Completed);
    }
}
