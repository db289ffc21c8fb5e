//! Looks at what is due: how often a record is looked at while nothing happens, and what that
//! costs.

use serde_json::{Value, json};
use taskmill::Timestamp;
use taskmill::task::TaskStatus;
use taskmill::workflow::WorkflowStatus;
use taskmill_app::{App, sweep};
use taskmill_local::{LocalAws, Usage};

use super::{after, attempts, task, workflow};
use crate::support::{
    Answer, HOUR, MINUTE, Records, SECOND, START, Script, aws, create, deaf, register, service,
    settle, start,
};

/// What it costs to look at a record: its write, and its entry in the due index, which moves.
fn check_one_look(usage: &Usage, table: &str) {
    let writes: Vec<_> = usage
        .capacity
        .iter()
        .filter(|(_, units)| units.write > 0.0)
        .map(|(name, units)| (name.clone(), units.write))
        .collect();
    let index = format!("{table}/due-index");
    assert_eq!(writes, [(table.to_owned(), 1.0), (index, 2.0)]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_hours_away_costs_next_to_nothing_until_then() {
    let aws = aws();
    let script = Script::new(|call| match call.attempt {
        1..=2 => Answer::busy(),
        _ => Answer::Succeed(json!({})),
    });
    let service = service(&aws, &script).await;
    let policy = "retryPolicy: {maxRetries: 2, retryInterval: 7200000, jitter: NONE}";
    register(service.app(), &task("task", "lambda", policy)).await;
    let id = create(service.app(), "task", json!({}), "run").await;
    settle(&aws).await;

    // The due time that stood since the creation was left where it was: one look moves it.
    let first = aws.meter().snapshot();
    aws.clock().sleep_until(after(2 * HOUR - 1)).await;
    let usage = aws.meter().since(&first);
    check_one_look(&usage, "TaskInstances");
    assert_eq!(usage.requests_of("sqs"), 0);

    // After the second attempt it had passed, and was moved with the write of the retry.
    aws.clock().sleep_until(after(2 * HOUR + 1)).await;
    let second = aws.meter().snapshot();
    aws.clock().sleep_until(after(6 * HOUR - 1)).await;
    assert_eq!(aws.meter().since(&second), Usage::default());
    let task = Records::of(&aws).ended_task(id).await;
    assert_eq!(
        attempts(&task),
        [(0, 0), (2 * HOUR, 2 * HOUR), (6 * HOUR, 6 * HOUR)]
    );
    assert_eq!(script.calls_of(id), 3);
}

/// From look to look while nothing happens.
const CHECKS: [u64; 5] = [15 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR, 24 * HOUR];

/// Sweeps a deployment in which no message is ever taken, and checks when it has something to
/// look at, and what that costs.
async fn check_looks(aws: &LocalAws, app: &App, table: &str) {
    let mut looked = START;
    for delay in CHECKS {
        let next = looked.plus_millis(delay);
        aws.clock()
            .sleep_until(Timestamp::from_millis(next.millis() - 1))
            .await;
        assert_eq!(
            sweep::sweep(app).await.unwrap().looked_at,
            0,
            "before {next}"
        );
        aws.clock().sleep_until(next).await;
        let before = aws.meter().snapshot();
        assert_eq!(sweep::sweep(app).await.unwrap().looked_at, 1, "at {next}");
        let usage = aws.meter().since(&before);
        check_one_look(&usage, table);
        assert_eq!(
            usage.requests["sqs.SendMessageBatch"], 1,
            "it is dispatched again"
        );
        looked = next;
    }
}

#[tokio::test(start_paused = true)]
async fn a_sweep_says_for_how_long_the_oldest_record_had_been_due() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, &task("task", "lambda", "")).await;
    create(&app, "task", json!({}), "first").await;
    aws.clock().sleep_until(after(MINUTE)).await;
    create(&app, "task", json!({}), "second").await;
    aws.clock().sleep_until(after(20 * MINUTE)).await;
    let swept = sweep::sweep(&app).await.unwrap();
    assert_eq!((swept.looked_at, swept.oldest_due), (2, 5 * MINUTE));
    let said = swept.metrics("sweep", aws.clock().now());
    assert_eq!(said["OldestDueSeconds"], 300);
    assert_eq!(sweep::sweep(&app).await.unwrap().oldest_due, 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_of_which_nothing_is_heard_is_looked_at_ever_more_rarely() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, &task("task", "lambda", "")).await;
    let id = create(&app, "task", json!({}), "run").await;
    check_looks(&aws, &app, "TaskInstances").await;
    let task = Records::of(&aws).task(id).await;
    assert_eq!((task.status, task.checks), (TaskStatus::Pending, 5));
}

#[tokio::test(start_paused = true)]
async fn a_workflow_of_which_nothing_is_heard_is_looked_at_ever_more_rarely() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    let definitions = [task("task", "lambda", ""), workflow("", "")];
    register(&app, &definitions.concat()).await;
    let id = start(&app, "workflow", json!({}), "run").await;
    check_looks(&aws, &app, "WorkflowInstances").await;
    let records = Records::of(&aws);
    let workflow = records.workflow(id).await;
    assert_eq!(
        (workflow.status, workflow.checks),
        (WorkflowStatus::Running, 5)
    );
    let task = records.step(id, "only").await;
    assert_eq!(
        (task.version, task.checks),
        (1, 0),
        "its workflow watches over it"
    );
}

#[tokio::test(start_paused = true)]
async fn an_attempt_of_hours_runs_once_and_its_workflow_is_looked_at_twice() {
    let aws = aws();
    let long = 3 * HOUR;
    let script = Script::new(move |_| Answer::Succeed(Value::Null).after(long));
    let service = service(&aws, &script).await;
    let definitions = [
        task("task", "process", "timeout: 14400000"),
        workflow("", ""),
    ];
    register(service.app(), &definitions.concat()).await;
    let before = aws.meter().snapshot();
    let id = start(service.app(), "workflow", json!({}), "run").await;
    let records = Records::of(&aws);
    let workflow = records.ended_workflow(id).await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    assert_eq!(workflow.end_time, Some(after(long)));
    // The start, a look after 15 minutes and one after an hour more, the end.
    assert_eq!(workflow.version, 4);
    let usage = aws.meter().since(&before);
    let writes = |table| usage.of_table(table).write;
    assert_eq!(writes("WorkflowInstances"), 4.0 + 2.0 * 3.0 + 4.0);
    assert_eq!(writes("TaskInstances"), 13.0);
    let task = records.step(id, "only").await;
    assert_eq!(attempts(&task), [(0, long)]);
    assert_eq!(script.calls_of(task.id), 1);
    assert_eq!(task.metrics.execution_time, long);
    assert!(
        long > 100 * SECOND,
        "longer than the message stays hidden by itself"
    );
}
