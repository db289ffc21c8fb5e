//! Something happens to a workflow at every moment of its life, and it still ends as it should.
//!
//! A moment is a write to the tables: the run is held before it while somebody asks for something,
//! and goes on. An ordinary run takes every so many moments, `TASKMILL_MOMENTS=all` all of them.

mod again;
mod people;
mod run;

use std::collections::BTreeSet;

use serde_json::json;
use taskmill::task::TaskStatus;
use taskmill::workflow::WorkflowStatus;
use taskmill::workflow::decider::{Ask, Operation};
use taskmill_app::{App, workflows};

use crate::support::{MINUTE, Script, pass, start, tenant, workflow_of};
use run::{
    Run, Written, check_handled, check_nothing_began, check_once, check_over, check_undone,
    check_watched, script, undisturbed,
};

/// Everything that is undone, one thing after another.
const SAGA: &str = "
id: run
name: Saga
version: 1.0.0
steps:
  - {name: book, taskDefinitionId: work, compensation: {taskDefinitionId: work}}
  - name: both
    type: PARALLEL
    branches:
      - {name: a, steps: [{name: pay, taskDefinitionId: work, compensation: {taskDefinitionId: work}}]}
      - {name: b, steps: [{name: flaky, taskDefinitionId: work, compensation: {taskDefinitionId: work}}]}
  - {name: asked, type: SIGNAL, signal: go, timeout: 30000, onTimeout: CONTINUE}
  - {name: below, type: SUB_WORKFLOW, workflowDefinitionId: child, compensation: {taskDefinitionId: work}}
  - name: turns
    type: LOOP
    while: index < 2
    maxIterations: 2
    steps: [{name: poll, taskDefinitionId: work, compensation: {taskDefinitionId: work}}]
  - name: last
    taskDefinitionId: work
    onError: [{errorCodes: [BROKEN], steps: [{name: mend, taskDefinitionId: work}], then: FAIL}]
errorHandlers: [{name: tell, taskDefinitionId: work}]
";

/// Much at once: batches, races, and children inside, which are undone in the order of their ends.
const SPREAD: &str = "
id: run
name: Spread
version: 1.0.0
steps:
  - {name: first, taskDefinitionId: work, compensation: {taskDefinitionId: work}}
  - name: each
    type: MAP
    items: '[1..3]'
    maxConcurrency: 2
    toleratedFailureCount: 1
    steps:
      - {name: flaky, taskDefinitionId: work, compensation: {taskDefinitionId: work}}
      - {name: asked, type: SIGNAL, signal: go, timeout: 900, onTimeout: CONTINUE, condition: index > 0}
      - {name: inner, type: MAP, items: '[1, 2]', steps: [{name: part, taskDefinitionId: work, compensation: {taskDefinitionId: work}}]}
      - {name: below, type: SUB_WORKFLOW, workflowDefinitionId: child, condition: index = 1}
  - name: race
    type: PARALLEL
    join: ANY
    branches:
      - {name: a, steps: [{name: slow, taskDefinitionId: work}]}
      - {name: b, steps: [{name: wait, type: WAIT, duration: 700}]}
      - {name: c, steps: [{name: asked, type: SIGNAL, signal: go}]}
errorHandlers: [{name: tell, taskDefinitionId: work}]
";

/// What somebody asks for at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Cancel,
    Undo,
    PauseAndResume,
    Signal,
}

impl Asked {
    fn ask(self) -> Ask {
        let reason = "enough".to_owned();
        match self {
            Self::Cancel => Ask::cancel(reason),
            Self::Undo => Ask::Cancel {
                reason,
                compensate: true,
            },
            Self::PauseAndResume => Ask::Pause,
            Self::Signal => Ask::Signal {
                name: "go".to_owned(),
                data: json!(1),
            },
        }
    }
}

/// The calls of an undisturbed run that write, and when the run reached them.
async fn moments(definition: &str) -> Vec<u64> {
    moments_of(definition, script(None), WorkflowStatus::Completed).await
}

/// The same of a run that ends so.
async fn moments_of(definition: &str, script: Script, ends: WorkflowStatus) -> Vec<u64> {
    let run = Run::new(definition, script).await;
    run.start().await;
    let workflow = run.until_over().await;
    assert_eq!(workflow.status, ends);
    calls_to(&run, &["dynamodb.PutItem", "dynamodb.UpdateItem"])
}

/// The calls of a run to these operations.
fn calls_to(run: &Run, operations: &[&str]) -> Vec<u64> {
    let calls = run.aws.faults().recorded();
    let meant = (1..)
        .zip(calls)
        .filter(|(_, name)| operations.contains(&name.as_str()));
    meant.map(|(call, _)| call).collect()
}

/// Some of many, from one that differs from test to test; or all of them.
fn some<T>(all: Vec<T>, from: usize) -> Vec<T> {
    one_in(EVERY, all, from)
}

/// The same of fewer, where each takes a run of its own before it.
fn few<T>(all: Vec<T>, from: usize) -> Vec<T> {
    one_in(4 * EVERY, all, from)
}

fn one_in<T>(every: usize, all: Vec<T>, from: usize) -> Vec<T> {
    let is_all = std::env::var("TASKMILL_MOMENTS").is_ok_and(|which| which == "all");
    let (step, from) = if is_all { (1, 0) } else { (every, from) };
    all.into_iter().skip(from).step_by(step).collect()
}

/// An ordinary run takes one moment of so many.
const EVERY: usize = 7;

async fn check(definition: &str, happening: Asked, call: u64) {
    let run = Run::new(definition, script(None)).await;
    let mut written = Written::to(&run.aws);
    let held = run.aws.faults().hold(call);
    let starting = run.service.app().clone();
    let started = tokio::spawn(async move { start(&starting, "run", json!({}), "run").await });
    held.reached().await;
    check_watched(&run, &mut written).await;
    let at = run.aws.clock().now();
    let asked = run.ask(happening.ask()).await;
    held.release();
    started.await.unwrap();
    let paused = asked.is_ok() && happening == Asked::PauseAndResume;
    if paused {
        pass(&run.aws, 3 * MINUTE).await;
        check_watched(&run, &mut written).await;
        check_nothing_began(&run, at, &mut written).await;
        run.ask(Ask::Resume).await.unwrap();
    }
    let workflow = run.until_over().await;
    let everything = run.everything(&mut written).await;
    check_over(&run, &everything).await;
    check_once(&run);
    let expected = match (happening, &asked) {
        (Asked::Cancel | Asked::Undo, Ok(_)) => WorkflowStatus::Cancelled,
        _ => WorkflowStatus::Completed,
    };
    assert_eq!(workflow.status, expected, "{asked:?}");
    let is_undone = happening == Asked::Undo && asked.is_ok();
    check_undone(&everything, is_undone);
}

async fn check_asked(asked: Asked) {
    for definition in [SAGA, SPREAD] {
        for call in some(moments(definition).await, asked as usize) {
            eprintln!("{asked:?} at call {call}");
            check(definition, asked, call).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_workflow_is_cancelled_at_any_moment() {
    check_asked(Asked::Cancel).await;
}

#[tokio::test(start_paused = true)]
async fn a_workflow_is_undone_at_any_moment() {
    check_asked(Asked::Undo).await;
}

#[tokio::test(start_paused = true)]
async fn a_workflow_is_held_up_at_any_moment() {
    check_asked(Asked::PauseAndResume).await;
}

#[tokio::test(start_paused = true)]
async fn a_signal_comes_at_any_moment() {
    check_asked(Asked::Signal).await;
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_workflow_passes_at_any_moment() {
    for definition in [SAGA, SPREAD] {
        let (whole, everything, _) = undisturbed(definition, script(None)).await;
        let began = whole.start_time.unwrap();
        let times = everything.tasks.iter();
        let times = times.flat_map(|task| [Some(task.created_at), task.end_time]);
        let times: BTreeSet<u64> = times.flatten().map(|at| at.millis_since(began)).collect();
        let ends = whole.end_time.unwrap().millis_since(began);
        // A millisecond after each: what comes first is then no question.
        let times = times.into_iter().map(|at| at + 1).filter(|at| *at < ends);
        for limit in some(times.collect(), 4) {
            eprintln!("after {limit} ms");
            let limited = format!("{definition}timeout: {limit}\n");
            let (workflow, everything, _) = undisturbed(&limited, script(None)).await;
            assert_eq!(workflow.status, WorkflowStatus::TimedOut);
            let took = workflow.end_time.unwrap().millis_since(began);
            assert_eq!(took, limit);
            check_undone(&everything, true);
            check_handled(&everything);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn any_attempt_may_fail_for_good() {
    for (definition, is_let_go) in [(SAGA, None), (SPREAD, Some(["each[", "race/"]))] {
        let (_, _, calls) = undisturbed(definition, script(None)).await;
        for number in some((0..calls).collect(), 5) {
            eprintln!("attempt {number} fails");
            let (workflow, everything, _) = undisturbed(definition, script(Some(number))).await;
            let failed = everything.tasks.iter();
            let failed: Vec<_> = failed
                .filter(|one| one.status == TaskStatus::Failed)
                .collect();
            assert_eq!(failed.len(), 1);
            let path = failed[0].context.task_path.as_deref().unwrap();
            let is_inside = |prefix: &&str| path.starts_with(*prefix);
            let goes_on = is_let_go.is_some_and(|prefixes| {
                prefixes.iter().any(is_inside) || path == "one" || path == "two"
            });
            if goes_on {
                assert_eq!(workflow.status, WorkflowStatus::Completed, "{path}");
                check_undone(&everything, false);
            } else {
                assert_eq!(workflow.status, WorkflowStatus::Failed, "{path}");
                check_undone(&everything, true);
                check_handled(&everything);
            }
        }
    }
}

/// When somebody cancels the run that dies: something is done by then, and something runs.
const CANCELLED_AT: u64 = 2500;

/// Has the workflow undone by the service itself, under one id.
async fn undo(app: &App) {
    let operation = Operation {
        request_id: Some("enough".to_owned()),
        by_parent: None,
        ask: Asked::Undo.ask(),
    };
    let undone = workflows::operate(app, &tenant(), workflow_of("run"), operation).await;
    undone.unwrap();
}

/// The calls that a cancellation takes, up to the end of everything.
async fn calls_of_undoing(definition: &str) -> u64 {
    let run = Run::new(definition, script(None)).await;
    run.start().await;
    pass(&run.aws, CANCELLED_AT).await;
    run.aws.faults().revive();
    undo(run.service.app()).await;
    run.until_over().await;
    run.aws.faults().calls()
}

async fn check_death(definition: &str, call: u64) {
    let run = Run::new(definition, script(None)).await;
    let mut written = Written::to(&run.aws);
    run.start().await;
    pass(&run.aws, CANCELLED_AT).await;
    run.aws.faults().revive();
    run.aws.faults().kill_after(call);
    let app = run.service.app().clone();
    let asking = tokio::spawn(async move { undo(&app).await });
    run.aws.faults().killed().await;
    asking.abort();
    let run = run.again(&mut written).await;
    // Whoever asked has no answer, and asks again.
    undo(run.service.app()).await;
    let workflow = run.until_over().await;
    assert_eq!(workflow.status, WorkflowStatus::Cancelled);
    let everything = run.everything(&mut written).await;
    check_over(&run, &everything).await;
    check_undone(&everything, true);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_while_it_cancels_leaves_nothing_half_done() {
    for definition in [SAGA, SPREAD] {
        let calls = calls_of_undoing(definition).await;
        for call in some((1..=calls).collect(), 6) {
            eprintln!("it dies after call {call}");
            check_death(definition, call).await;
        }
    }
}

/// Iterations that each wait for a signal, and say what it said.
const ASKED: &str = "
id: run
name: Asked
version: 1.0.0
steps:
  - name: each
    type: MAP
    items: '[1, 2]'
    steps:
      - {name: asked, type: SIGNAL, signal: go, variableMappings: [{type: DIRECT, source: taskOutput, target: said}]}
      - {name: work, taskDefinitionId: work}
    result: workflowVariables.said
    variableMappings: [{type: DIRECT, source: taskOutput, target: out}]
output: workflowVariables.out
";

/// A signal that says a number, which is its id.
async fn signal(app: &App, number: u32) {
    let operation = Operation {
        request_id: Some(number.to_string()),
        by_parent: None,
        ask: Ask::Signal {
            name: "go".to_owned(),
            data: json!(number),
        },
    };
    let taken = workflows::operate(app, &tenant(), workflow_of("run"), operation).await;
    taken.unwrap();
}

/// Hands in a first signal, at which the process dies at a call; gives the calls if it does not.
async fn check_signals(dies_at: Option<u64>) -> u64 {
    let run = Run::new(ASKED, script(None)).await;
    let mut written = Written::to(&run.aws);
    run.start().await;
    pass(&run.aws, MINUTE).await;
    run.aws.faults().revive();
    let run = match dies_at {
        None => {
            signal(run.service.app(), 1).await;
            run
        }
        Some(call) => {
            run.aws.faults().kill_after(call);
            let app = run.service.app().clone();
            let asking = tokio::spawn(async move { signal(&app, 1).await });
            run.aws.faults().killed().await;
            asking.abort();
            let run = run.again(&mut written).await;
            // Whoever signalled has no answer, and does so again.
            signal(run.service.app(), 1).await;
            run
        }
    };
    pass(&run.aws, MINUTE).await;
    let calls = run.aws.faults().calls();
    signal(run.service.app(), 2).await;
    let workflow = run.until_over().await;
    assert_eq!(
        workflow.output,
        Some(json!([1, 2])),
        "each has one, in turn"
    );
    let everything = run.everything(&mut written).await;
    check_over(&run, &everything).await;
    calls
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_with_a_signal_on_its_way_neither_loses_nor_repeats_it() {
    let calls = check_signals(None).await;
    assert!(calls > 4, "the signal goes from record to record: {calls}");
    for call in 1..=calls {
        eprintln!("it dies after call {call}");
        check_signals(Some(call)).await;
    }
}

/// How long a message is under way: longer than a lease, and than until somebody looks whether it
/// was lost.
const DELAY: u64 = 20 * MINUTE;

async fn check_delayed(definition: &str, call: u64) {
    let run = Run::new(definition, script(None)).await;
    let mut written = Written::to(&run.aws);
    let held = run.aws.faults().hold(call);
    let app = run.service.app().clone();
    let starting = tokio::spawn(async move { start(&app, "run", json!({}), "run").await });
    held.reached().await;
    pass(&run.aws, DELAY).await;
    check_watched(&run, &mut written).await;
    held.release();
    starting.await.unwrap();
    let workflow = run.until_over().await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    let everything = run.everything(&mut written).await;
    check_over(&run, &everything).await;
    check_once(&run);
    check_undone(&everything, false);
}

#[tokio::test(start_paused = true)]
async fn any_message_may_come_late() {
    for definition in [SAGA, SPREAD] {
        let run = Run::new(definition, script(None)).await;
        run.start().await;
        run.until_over().await;
        for call in some(
            calls_to(&run, &["sqs.SendMessage", "sqs.SendMessageBatch"]),
            3,
        ) {
            eprintln!("what call {call} sends comes late");
            check_delayed(definition, call).await;
        }
    }
}
