//! A run is killed before and after each of its calls to AWS, and what follows ends it well.
//!
//! The run is a workflow of four steps: the second is refused before its task can be created, and
//! let go; the third is a program (its start is recorded first) that fails on its first attempt
//! and is retried.

use serde_json::{Value, json};
use taskmill::codes::failure::WORKER_LOST;
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill::workflow::WorkflowStatus;
use taskmill_app::App;
use taskmill_local::LocalAws;

use crate::support::{
    Answer, Fleet, MINUTE, Records, SECOND, Script, aws, register, service, settle, start,
    workflow_of,
};

const DEFINITIONS: &str = "
id: count
name: Count
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
---
id: index
name: Index
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'process:script'}
retryPolicy: {maxRetries: 2, retryInterval: 2000, jitter: NONE}
---
id: tell
name: Tell
version: 1.0.0
type: INTEGRATION
executionConfig: {executor: 'lambda:script'}
---
id: intake
name: Intake
version: 1.0.0
steps:
  - name: count
    taskDefinitionId: count
    variableMappings: [{type: DIRECT, source: lines, target: lines}]
  - name: check
    taskDefinitionId: count
    continueOnFailure: true
    inputMappings: [{type: DIRECT, source: nowhere, target: x, required: true}]
  - name: index
    taskDefinitionId: index
    inputMappings: [{type: DIRECT, source: lines, target: lines}]
    variableMappings: [{type: EXPRESSION, expression: 'taskOutput.lines + 1', target: next}]
  - name: tell
    taskDefinitionId: tell
    inputMappings: [{type: DIRECT, source: next, target: next}]
output: \"{'lines': workflowVariables.lines, 'next': workflowVariables.next}\"
";

/// The retry's delay, and what else may take time.
const AT_ONCE: u64 = 2 * SECOND + SECOND;
/// The first check, the lease of a lost attempt with its grace, a minute until the sweep, and the
/// retry.
const DUE_RULE: u64 = 15 * MINUTE + MINUTE + 30 * SECOND + MINUTE + 2 * SECOND;

fn script() -> Script {
    Script::new(|call| match call.task_path.as_deref() {
        Some("count") => Answer::Succeed(json!({"lines": 41})),
        Some("index") if call.attempt == 1 => Answer::busy(),
        _ => Answer::Succeed(call.input.clone()),
    })
}

/// On which side of a call the process dies.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Before,
    After,
}

/// What was there when the process died.
struct Death {
    calls: usize,
    tasks: Vec<TaskInstance>,
    accepted: bool,
}

impl Death {
    async fn of(records: &Records, script: &Script) -> Self {
        let id = workflow_of("run");
        let accepted = records.store().workflow(id).await.unwrap().is_some();
        Self {
            calls: script.calls().len(),
            tasks: records.tasks_of(id).await,
            accepted,
        }
    }
}

fn plan(aws: &LocalAws, moment: Moment, call: u64) {
    aws.faults().revive();
    match moment {
        Moment::Before => aws.faults().kill_before(call),
        Moment::After => aws.faults().kill_after(call),
    }
}

/// Starts the workflow, and returns when it has ended or the process is dead.
async fn run(aws: &LocalAws, app: &App) {
    let client = {
        let app = app.clone();
        tokio::spawn(async move { start(&app, "intake", json!({}), "run").await })
    };
    let records = Records::of(aws);
    let ended = async {
        settle(aws).await;
        records.ended_workflow(workflow_of("run")).await;
        settle(aws).await;
    };
    tokio::select! {
        () = aws.faults().killed() => {}
        () = ended => {}
    }
    client.abort();
}

/// A client that has no answer asks again; one whose request was accepted need not.
async fn ask_again_unless_accepted(app: &App, death: &Death) {
    if !death.accepted {
        start(app, "intake", json!({}), "run").await;
    }
}

/// What must hold after every crash. Gives how many attempts were lost.
async fn check_ended_well(records: &Records, script: &Script, death: &Death) {
    let id = workflow_of("run");
    let workflow = records.workflow(id).await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    assert_eq!(workflow.output, Some(json!({"lines": 41, "next": 42})));
    assert_eq!(workflow.metrics.task_count, 4);

    let tasks = records.tasks_of(id).await;
    let mut paths: Vec<_> = tasks.iter().filter_map(path).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        ["check", "count", "index", "tell"],
        "one record a step"
    );
    for task in &tasks {
        let expected = match path(task) {
            Some("check") => TaskStatus::Failed,
            _ => TaskStatus::Completed,
        };
        assert_eq!(task.status, expected, "{:?}", path(task));
        let calls = script.calls_of(task.id);
        let needed = usize::from(path(task) == Some("index")) + 1;
        assert!(
            calls <= needed + 1,
            "{:?} was run {calls} times",
            path(task)
        );
    }
    for done in &death.tasks {
        let again = script.calls()[death.calls..]
            .iter()
            .any(|call| call.task == done.id);
        let completed = done.status == TaskStatus::Completed;
        assert!(!(completed && again), "{:?} ran again", path(done));
    }
    assert_eq!(records.due().await, 0, "nothing is left to look at");
}

fn path(task: &TaskInstance) -> Option<&str> {
    task.context.task_path.as_deref()
}

/// Every attempt of the program that had begun, and of which no end is known, is told as lost.
fn check_lost_is_told(before: &Death, script: &Script, after: &TaskInstance) {
    let calls = script.calls();
    let begun = calls[..before.calls]
        .iter()
        .filter(|call| call.task == after.id);
    let known = before.tasks.iter().find(|task| task.id == after.id);
    for call in begun {
        let ended = known.is_some_and(|task| {
            task.status == TaskStatus::Completed
                || task.attempts.iter().any(|a| a.attempt == call.attempt)
        });
        let told = after.attempts.iter().any(|attempt| {
            let code = attempt.error.as_ref().map(|error| error.code.as_str());
            attempt.attempt == call.attempt && code == Some(WORKER_LOST)
        });
        assert!(ended || told, "attempt {} vanished", call.attempt);
    }
}

/// How many calls an undisturbed run makes.
async fn calls_of_a_local_run() -> u64 {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    aws.faults().revive();
    run(&aws, service.app()).await;
    aws.faults().calls()
}

async fn check_process_death(moment: Moment, call: u64) {
    let (before, script) = (aws(), script());
    let service_before = service(&before, &script).await;
    register(service_before.app(), DEFINITIONS).await;
    plan(&before, moment, call);
    run(&before, service_before.app()).await;
    assert!(before.faults().is_killed(), "the run made fewer calls");
    drop(service_before);

    let after = before.restarted();
    let records = Records::of(&after);
    let death = Death::of(&records, &script).await;
    let died = after.clock().now();
    let service_after = service(&after, &script).await;
    ask_again_unless_accepted(service_after.app(), &death).await;
    records.ended_workflow(workflow_of("run")).await;
    let took = after.clock().now().millis_since(died);
    assert!(took <= AT_ONCE, "it took {took} ms after the restart");
    settle(&after).await;
    check_ended_well(&records, &script, &death).await;
    let index = records.step(workflow_of("run"), "index").await;
    check_lost_is_told(&death, &script, &index);
    assert_eq!(service_after.dead_letters().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_before_any_call_is_continued_at_once() {
    for call in 1..=calls_of_a_local_run().await {
        eprintln!("killed before call {call}");
        check_process_death(Moment::Before, call).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_after_any_call_is_continued_at_once() {
    for call in 1..=calls_of_a_local_run().await {
        eprintln!("killed after call {call}");
        check_process_death(Moment::After, call).await;
    }
}

async fn calls_of_a_fleets_run() -> u64 {
    let (aws, script) = (aws(), script());
    let fleet = Fleet::start(&aws, &script).await;
    register(fleet.app(), DEFINITIONS).await;
    aws.faults().revive();
    run(&aws, fleet.app()).await;
    aws.faults().calls()
}

async fn check_functions_crash(moment: Moment, call: u64) {
    let (aws, script) = (aws(), script());
    let before = Fleet::start(&aws, &script).await;
    register(before.app(), DEFINITIONS).await;
    plan(&aws, moment, call);
    run(&aws, before.app()).await;
    assert!(aws.faults().is_killed(), "the run made fewer calls");
    drop(before);
    settle(&aws).await;

    aws.faults().revive();
    let records = Records::of(&aws);
    let death = Death::of(&records, &script).await;
    let died = aws.clock().now();
    let after = Fleet::start(&aws, &script).await;
    ask_again_unless_accepted(after.app(), &death).await;
    records.ended_workflow(workflow_of("run")).await;
    let took = aws.clock().now().millis_since(died);
    assert!(took <= DUE_RULE, "it took {took} ms after the crash");
    settle(&aws).await;
    check_ended_well(&records, &script, &death).await;
}

#[tokio::test(start_paused = true)]
async fn functions_that_die_before_any_call_leave_nothing_stuck() {
    for call in 1..=calls_of_a_fleets_run().await {
        eprintln!("killed before call {call}");
        check_functions_crash(Moment::Before, call).await;
    }
}

#[tokio::test(start_paused = true)]
async fn functions_that_die_after_any_call_leave_nothing_stuck() {
    for call in 1..=calls_of_a_fleets_run().await {
        eprintln!("killed after call {call}");
        check_functions_crash(Moment::After, call).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_is_answered_alike_however_often_it_is_asked() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    let first = start(service.app(), "intake", json!({}), "run").await;
    let records = Records::of(&aws);
    records.ended_workflow(first).await;
    let view: Value = records.workflow_view(first).await;
    assert_eq!(
        start(service.app(), "intake", json!({}), "run").await,
        first
    );
    settle(&aws).await;
    assert_eq!(records.workflow_view(first).await, view);
    assert_eq!(script.calls().len(), 4);
}
