//! Limits of attempts, tasks and workflows: each is noticed when it passes.

use serde_json::json;
use taskmill::codes::failure::{CANCELLED, TIMEOUT};
use taskmill::error_info::ErrorInfo;
use taskmill::metrics::ExecutionMetrics;
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill::workflow::WorkflowStatus;
use taskmill_app::App;
use taskmill_local::LocalAws;

use super::{Kind, after, attempts, task, workflow};
use crate::support::{
    Answer, HOUR, MINUTE, Records, SECOND, Script, aws, create, pass, register, service, settle,
    start,
};

/// Code and kind of a time limit's error.
fn limit(error: Option<&ErrorInfo>) -> Option<(&str, &str)> {
    let error = error?;
    Some((&error.code, error.details.get("kind")?.as_str()?))
}

const RETRY: &str = "retryPolicy: {maxRetries: 1, retryInterval: 2000, jitter: NONE}";

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_stopped_and_retried() {
    for executor in ["lambda", "process"] {
        let aws = aws();
        let script = Script::new(|call| match call.attempt {
            1 => Answer::Hang,
            _ => Answer::Succeed(json!("at last")),
        });
        let service = service(&aws, &script).await;
        let fields = format!("timeout: 5000\n{RETRY}");
        register(service.app(), &task("task", executor, &fields)).await;
        let id = create(service.app(), "task", json!({}), "run").await;
        let task = Records::of(&aws).ended_task(id).await;
        assert_eq!(task.status, TaskStatus::Completed, "{executor}");
        assert_eq!(attempts(&task), [(0, 5000), (7000, 7000)], "{executor}");
        let first = task.attempts[0].error.as_ref();
        assert_eq!(limit(first), Some((TIMEOUT, "START_TO_CLOSE")));
        assert_eq!(task.error, None);
    }
}

/// What each attempt of a program says that it used.
const USED: ExecutionMetrics = ExecutionMetrics {
    execution_time: 0,
    cpu_time: 30,
    memory_usage: 1000,
};

#[tokio::test(start_paused = true)]
async fn a_task_of_which_every_attempt_takes_too_long_has_timed_out() {
    let aws = aws();
    let script = Script::new(|call| {
        call.used.seen(USED);
        Answer::Hang
    });
    let service = service(&aws, &script).await;
    let definitions = [
        task("task", "process", &format!("timeout: 5000\n{RETRY}")),
        workflow("", ""),
    ];
    register(service.app(), &definitions.concat()).await;
    let lone = create(service.app(), "task", json!({}), "run").await;
    let id = start(service.app(), "workflow", json!({}), "run").await;
    let records = Records::of(&aws);
    let workflow = records.ended_workflow(id).await;
    for task in [
        records.ended_task(lone).await,
        records.step(id, "only").await,
    ] {
        assert_eq!(task.status, TaskStatus::TimedOut);
        assert_eq!(attempts(&task), [(0, 5000), (7000, 12_000)]);
        let used = USED.plus(USED);
        assert_eq!(task.metrics.cpu_time, used.cpu_time);
        assert_eq!(task.metrics.memory_usage, used.memory_usage);
        assert_eq!(
            limit(task.error.as_ref()),
            Some((TIMEOUT, "START_TO_CLOSE"))
        );
    }
    assert_eq!(workflow.status, WorkflowStatus::Failed);
    let error = workflow.error.unwrap();
    assert_eq!(limit(Some(&error)), Some((TIMEOUT, "START_TO_CLOSE")));
    assert_eq!(error.details["taskPath"], json!("only"));
    assert_eq!(workflow.end_time, Some(after(12_000)));
}

#[tokio::test(start_paused = true)]
async fn the_step_s_limit_is_over_the_definition_s_and_the_smallest_wins() {
    let cases = [
        ("timeout: 5000", "", 5000),
        ("timeout: 5000\ntimeouts: {startToClose: 4000}", "", 4000),
        ("timeout: 5000", ", timeout: 6000", 6000),
        (
            "timeout: 5000",
            ", timeout: 6000, timeouts: {startToClose: 3000}",
            3000,
        ),
        ("timeouts: {scheduleToClose: 2000}", ", timeout: 6000", 2000),
        (
            "timeouts: {scheduleToClose: 2000}",
            ", timeouts: {scheduleToClose: 7000}",
            7000,
        ),
        ("", "", 60_000),
    ];
    for (of_definition, of_step, expected) in cases {
        let aws = aws();
        let script = Script::new(|_| Answer::Hang);
        let service = service(&aws, &script).await;
        let definitions = [task("task", "lambda", of_definition), workflow("", of_step)];
        register(service.app(), &definitions.concat()).await;
        let id = start(service.app(), "workflow", json!({}), "run").await;
        let records = Records::of(&aws);
        records.ended_workflow(id).await;
        let task = records.step(id, "only").await;
        assert_eq!(task.status, TaskStatus::TimedOut);
        assert_eq!(attempts(&task), [(0, expected)], "{of_definition}{of_step}");
    }
}

/// Keeps both of a function's invocations busy for ten minutes.
async fn make_busy(aws: &LocalAws, app: &App) {
    for key in ["busy/1", "busy/2"] {
        create(app, "busy", json!({}), key).await;
        settle(aws).await;
    }
}

/// A limit that passes while nobody has the time to begin is noticed when it passes.
async fn check_waiting_in_vain(limits: &str, kind: &str) {
    for by in Kind::BOTH {
        let script = Script::new(|_| Answer::Hang);
        let (aws, deployment) = by.deploy(&script).await;
        let app = deployment.app();
        let definitions = [
            task("busy", "lambda", "timeout: 600000"),
            "---\n".to_owned(),
            task(
                "task",
                "lambda",
                &format!("timeouts: {{{limits}}}\n{RETRY}"),
            ),
            workflow("", ""),
        ];
        register(app, &definitions.concat()).await;
        make_busy(&aws, app).await;
        let created = aws.clock().now();
        let lone = create(app, "task", json!({}), "run").await;
        let id = start(app, "workflow", json!({}), "run").await;
        let records = Records::of(&aws);
        let workflow = records.ended_workflow(id).await;
        let ended = Some(created.plus_millis(4 * MINUTE));
        for task in [
            records.ended_task(lone).await,
            records.step(id, "only").await,
        ] {
            assert_eq!(task.status, TaskStatus::TimedOut, "{kind}, {by:?}");
            assert_eq!(limit(task.error.as_ref()), Some((TIMEOUT, kind)));
            assert_eq!(task.end_time, ended, "{kind}");
            assert_eq!((task.start_time, task.attempts.len()), (None, 0));
        }
        assert_eq!(workflow.status, WorkflowStatus::Failed);
        assert_eq!(workflow.end_time, ended, "{kind}");
        // The dispatches are still there, and come to nothing.
        pass(&aws, HOUR).await;
        assert_eq!(script.calls_of(lone), 0);
        let step = records.step(id, "only").await;
        assert_eq!(script.calls_of(step.id), 0);
        assert_eq!(step.end_time, ended);
        assert_eq!(records.due().await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_begin_in_time_has_timed_out() {
    check_waiting_in_vain("scheduleToStart: 240000", "SCHEDULE_TO_START").await;
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_whole_time_is_spent_in_waiting_has_timed_out() {
    check_waiting_in_vain("scheduleToClose: 240000", "SCHEDULE_TO_CLOSE").await;
}

/// More than a sweep reads at a time, and not a number of whole pages.
const MANY: usize = 230;

#[tokio::test(start_paused = true)]
async fn however_many_limits_pass_between_two_sweeps_each_is_noticed_when_it_passes() {
    let script = Script::new(|_| Answer::Hang);
    let (aws, deployment) = Kind::Cloud.deploy(&script).await;
    let app = deployment.app();
    let definitions = [
        task("busy", "lambda", "timeout: 600000"),
        "---\n".to_owned(),
        task("task", "lambda", "timeouts: {scheduleToStart: 240000}"),
        workflow("", ""),
    ];
    register(app, &definitions.concat()).await;
    pass(&aws, 30 * SECOND).await;
    make_busy(&aws, app).await;
    let created = aws.clock().now();
    let mut tasks = Vec::new();
    let mut workflows = Vec::new();
    for number in 0..MANY {
        let key = format!("run/{number}");
        tasks.push(create(app, "task", json!({}), &key).await);
        workflows.push(start(app, "workflow", json!({}), &key).await);
    }
    let records = Records::of(&aws);
    let ended = Some(created.plus_millis(4 * MINUTE));
    for (task, workflow) in tasks.into_iter().zip(workflows) {
        assert_eq!(records.ended_task(task).await.end_time, ended);
        assert_eq!(records.ended_workflow(workflow).await.end_time, ended);
    }
}

/// Runs a task whose whole time is four seconds.
async fn within_four_seconds(answer: Answer) -> TaskInstance {
    let aws = aws();
    let script = Script::new(move |_| answer.clone());
    let service = service(&aws, &script).await;
    let fields = "timeouts: {scheduleToClose: 4000, scheduleToStart: 1000}\n\
                  retryPolicy: {maxRetries: 9, retryInterval: 1500, backoffMultiplier: 1, jitter: NONE}";
    register(service.app(), &task("task", "process", fields)).await;
    let id = create(service.app(), "task", json!({}), "run").await;
    let task = Records::of(&aws).ended_task(id).await;
    pass(&aws, HOUR).await;
    assert_eq!(
        Records::of(&aws).task(id).await,
        task,
        "it changed after its end"
    );
    task
}

#[tokio::test(start_paused = true)]
async fn the_whole_time_ends_an_attempt_and_leaves_no_retry() {
    let task = within_four_seconds(Answer::Hang).await;
    assert_eq!(task.status, TaskStatus::TimedOut);
    assert_eq!(attempts(&task), [(0, 4000)]);
    assert_eq!(task.end_time, Some(after(4000)));
    let error = task.error.as_ref();
    assert_eq!(limit(error), Some((TIMEOUT, "SCHEDULE_TO_CLOSE")));
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_would_come_too_late_is_not_waited_for() {
    let task = within_four_seconds(Answer::busy()).await;
    assert_eq!(task.status, TaskStatus::TimedOut);
    assert_eq!(attempts(&task), [(0, 0), (1500, 1500), (3000, 3000)]);
    assert_eq!(task.end_time, Some(after(3000)));
    assert_eq!(task.attempts[2].next_retry_at, None);
    let error = task.error.as_ref();
    assert_eq!(limit(error), Some((TIMEOUT, "SCHEDULE_TO_CLOSE")));
    assert_eq!(error.unwrap().details["lastError"], json!("BUSY"));
}

/// A workflow's own limit passes while its task is under way or waits.
async fn check_workflow_times_out(answer: Answer, attempts: usize) {
    for by in Kind::BOTH {
        let answer = answer.clone();
        let script = Script::new(move |_| answer.clone());
        let (aws, deployment) = by.deploy(&script).await;
        let policy = "retryPolicy: {maxRetries: 1, retryInterval: 7200000, jitter: NONE}";
        let definitions = [
            task("task", "process", &format!("timeout: 600000\n{policy}")),
            workflow("timeout: 90000", ""),
        ];
        register(deployment.app(), &definitions.concat()).await;
        let id = start(deployment.app(), "workflow", json!({}), "run").await;
        let records = Records::of(&aws);
        let workflow = records.ended_workflow(id).await;
        assert_eq!(workflow.status, WorkflowStatus::TimedOut);
        assert_eq!(limit(workflow.error.as_ref()), Some((TIMEOUT, "WORKFLOW")));
        assert_eq!(workflow.end_time, Some(after(90_000)), "{by:?}");
        settle(&aws).await;
        let task = records.step(id, "only").await;
        assert_eq!(task.status, TaskStatus::Cancelled);
        assert_eq!(task.error.as_ref().unwrap().code, CANCELLED);
        assert_eq!(task.end_time, Some(after(90_000)));
        assert_eq!(task.attempts.len(), attempts);
        let workflow = records.workflow(id).await;
        assert_eq!(
            (workflow.course.cancelling.len(), records.due().await),
            (0, 0)
        );
        // The attempt that still runs ends later; nobody listens any more, and none follows.
        pass(&aws, 3 * HOUR).await;
        assert_eq!(records.workflow(id).await, workflow);
        assert_eq!(records.step(id, "only").await, task);
        assert_eq!(script.calls_of(task.id), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_workflow_that_takes_too_long_cancels_its_running_task() {
    check_workflow_times_out(Answer::Hang, 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_workflow_that_takes_too_long_cancels_its_waiting_task() {
    check_workflow_times_out(Answer::busy(), 1).await;
}
