//! A workflow that ended goes on, by a retry or a rerun, and something happens at every moment of
//! that: the process dies, or somebody asks for something.

use serde_json::json;
use taskmill::Timestamp;
use taskmill::codes::refusal::{ILLEGAL_STATE, NOT_FOUND};
use taskmill::ids::TaskId;
use taskmill::task::TaskStatus;
use taskmill::workflow::WorkflowStatus;
use taskmill::workflow::decider::{Ask, Operation};
use taskmill_app::{App, Refusal, workflows};

use super::run::{
    Everything, Run, Written, check_nothing_began, check_over, check_undone, check_watched, script,
};
use super::{Asked, SAGA, calls_to, few, moments_of, some};
use crate::support::{MINUTE, Script, pass, start, tenant, workflow_of};

/// How a workflow that ended goes on.
#[derive(Debug, Clone, Copy)]
enum Again {
    /// It failed at its last step, everything was undone, and it is retried.
    Retry,
    /// The same, and a step in its middle is rerun.
    RerunOfFailed,
    /// It completed, and that step is rerun.
    Rerun,
}

const AGAIN: [Again; 3] = [Again::Retry, Again::RerunOfFailed, Again::Rerun];

impl Again {
    fn ask(self) -> Ask {
        match self {
            Self::Retry => Ask::Retry,
            Self::RerunOfFailed | Self::Rerun => Ask::Rerun {
                path: Some("both".to_owned()),
            },
        }
    }

    /// The script of its tasks: the attempt of the last step, which has this number, may be one
    /// that fails.
    fn script(self, last: usize) -> Script {
        match self {
            Self::Retry | Self::RerunOfFailed => script(Some(last)),
            Self::Rerun => script(None),
        }
    }
}

/// The number of the attempt of the last step.
async fn last_attempt() -> usize {
    let run = Run::new(SAGA, script(None)).await;
    run.start().await;
    run.until_over().await;
    let last = TaskId::of_step(workflow_of("run"), 0, "last", 0);
    let calls = run.script.calls();
    let last = calls.iter().position(|call| call.task == last);
    last.expect("it has a last step")
}

/// A run that ended, and when.
async fn ended(again: Again, last: usize) -> (Run, Written, Timestamp) {
    let run = Run::new(SAGA, again.script(last)).await;
    let written = Written::to(&run.aws);
    run.start().await;
    run.until_over().await;
    let now = run.aws.clock().now();
    (run, written, now)
}

/// Has the workflow go on, under one id.
async fn go_on(app: &App, again: Again) {
    let operation = Operation {
        request_id: Some("again".to_owned()),
        by_parent: None,
        ask: again.ask(),
    };
    let done = workflows::operate(app, &tenant(), workflow_of("run"), operation).await;
    done.unwrap();
}

/// What comes of it: each task and child with what it came to.
fn outcome(everything: &Everything) -> Vec<String> {
    let tasks = everything.tasks.iter().map(|task| {
        let (path, status) = (task.context.task_path.as_deref(), task.status.as_str());
        format!("{} {} {status}", path.unwrap_or_default(), task.run)
    });
    let workflows = everything.workflows.iter().map(|one| {
        let path = one.parent.as_ref().map(|parent| parent.path.as_str());
        let status = one.status.as_str();
        format!("{} {status} {:?}", path.unwrap_or_default(), one.output)
    });
    let mut all: Vec<String> = tasks.chain(workflows).collect();
    all.sort();
    all
}

/// An undisturbed run: what comes of it, how many calls going on takes, and which of them write.
async fn whole(again: Again, last: usize) -> (Vec<String>, u64, Vec<u64>) {
    let (run, mut written, _) = ended(again, last).await;
    run.aws.faults().revive();
    run.aws.faults().record();
    go_on(run.service.app(), again).await;
    let workflow = run.until_over().await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    let calls = run.aws.faults().calls();
    let writes = calls_to(&run, &["dynamodb.PutItem", "dynamodb.UpdateItem"]);
    let everything = run.everything(&mut written).await;
    (outcome(&everything), calls, writes)
}

/// On which side of a call a process dies.
#[derive(Debug, Clone, Copy)]
enum Side {
    Before,
    After,
}

async fn check_death(again: Again, last: usize, death: (Side, u64), expected: &[String]) {
    let (run, mut written, _) = ended(again, last).await;
    let (side, call) = death;
    let faults = run.aws.faults();
    faults.revive();
    match side {
        Side::Before => faults.kill_before(call),
        Side::After => faults.kill_after(call),
    }
    let app = run.service.app().clone();
    let asking = tokio::spawn(async move { go_on(&app, again).await });
    faults.killed().await;
    asking.abort();
    check_watched(&run, &mut written).await;
    let run = run.again().await;
    // Whoever asked has no answer, and asks again.
    go_on(run.service.app(), again).await;
    let workflow = run.until_over().await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    let everything = run.everything(&mut written).await;
    check_over(&run, &everything).await;
    assert_eq!(outcome(&everything), expected);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_while_a_workflow_goes_on_again_leaves_nothing_half_done() {
    let last = last_attempt().await;
    for again in AGAIN {
        let (expected, calls, _) = whole(again, last).await;
        for (side, from) in [(Side::Before, 2), (Side::After, 16)] {
            for call in few((1..=calls).collect(), from) {
                eprintln!("{again:?}: it dies {side:?} call {call}");
                check_death(again, last, (side, call), &expected).await;
            }
        }
    }
}

/// What of everything was made since a time.
fn since(everything: Everything, at: Timestamp) -> Everything {
    let Everything {
        mut tasks,
        mut workflows,
    } = everything;
    tasks.retain(|task| task.created_at >= at);
    workflows.retain(|one| one.created_at >= at);
    Everything { tasks, workflows }
}

async fn check_asked(again: Again, last: usize, happening: Asked, call: u64) {
    let (run, mut written, began) = ended(again, last).await;
    run.aws.faults().revive();
    let held = run.aws.faults().hold(call);
    let app = run.service.app().clone();
    let going_on = tokio::spawn(async move { go_on(&app, again).await });
    held.reached().await;
    let at = run.aws.clock().now();
    let asked = run.ask(happening.ask()).await;
    held.release();
    going_on.await.unwrap();
    if asked.is_ok() && happening == Asked::PauseAndResume {
        pass(&run.aws, 3 * MINUTE).await;
        check_watched(&run, &mut written).await;
        check_nothing_began(&run, at, &mut written).await;
        run.ask(Ask::Resume).await.unwrap();
    }
    let workflow = run.until_over().await;
    let everything = run.everything(&mut written).await;
    check_over(&run, &everything).await;
    let is_ended = asked.is_ok() && matches!(happening, Asked::Cancel | Asked::Undo);
    let expected = match is_ended {
        true => WorkflowStatus::Cancelled,
        false => WorkflowStatus::Completed,
    };
    assert_eq!(workflow.status, expected, "{asked:?}");
    // What is kept of the first run is undone as well: of the other, all is done again.
    if is_ended && !matches!(again, Again::Rerun) {
        let is_undone = happening == Asked::Undo;
        check_undone(&since(everything, began), is_undone);
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_on_again_is_cancelled_undone_and_held_up_at_any_moment() {
    let last = last_attempt().await;
    for again in AGAIN {
        let (_, _, writes) = whole(again, last).await;
        for happening in [Asked::Cancel, Asked::Undo, Asked::PauseAndResume] {
            for call in few(writes.clone(), 1 + 5 * happening as usize) {
                eprintln!("{again:?}: {happening:?} at call {call}");
                check_asked(again, last, happening, call).await;
            }
        }
    }
}

/// Whether something cannot be asked yet, or any more: before the first write, of nobody.
fn is_untimely(refusal: &Refusal) -> bool {
    [ILLEGAL_STATE, NOT_FOUND].contains(&refusal.code())
}

/// Something is asked of a run that fails for good, at a moment of it; when it is too early, again
/// after its end.
async fn check_of_failing(ask: &Ask, broken: usize, call: u64) {
    let run = Run::new(SAGA, script(Some(broken))).await;
    let mut written = Written::to(&run.aws);
    let held = run.aws.faults().hold(call);
    let app = run.service.app().clone();
    let starting = tokio::spawn(async move { start(&app, "run", json!({}), "run").await });
    held.reached().await;
    let asked = run.ask(ask.clone()).await;
    held.release();
    starting.await.unwrap();
    let ended = run.until_over().await;
    if let Err(refusal) = asked {
        assert!(is_untimely(&refusal), "{refusal}");
        assert_eq!(ended.status, WorkflowStatus::Failed);
        run.ask(ask.clone()).await.unwrap();
    }
    let ended = run.until_over().await;
    assert_eq!(ended.status, WorkflowStatus::Completed);
    let everything = run.everything(&mut written).await;
    check_over(&run, &everything).await;
    let failed = everything.tasks.iter();
    let failed = failed.filter(|task| task.status == TaskStatus::Failed);
    assert_eq!(failed.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failing_workflow_goes_on_again_when_it_may_and_not_before() {
    let broken = last_attempt().await;
    let moments = moments_of(SAGA, script(Some(broken)), WorkflowStatus::Failed).await;
    let asks = [Ask::Retry, Again::Rerun.ask()];
    for (from, ask) in (0..).zip(&asks) {
        for call in some(moments.clone(), from) {
            eprintln!("{} at call {call}", ask.as_str());
            check_of_failing(ask, broken, call).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_is_skipped_at_any_moment() {
    for (from, path) in (0..).zip(["book", "both", "asked", "below", "turns", "last"]) {
        let moments = moments_of(SAGA, script(None), WorkflowStatus::Completed).await;
        for call in some(moments, from) {
            eprintln!("{path} is skipped at call {call}");
            check_skipped(path, call).await;
        }
    }
}

async fn check_skipped(path: &str, call: u64) {
    let run = Run::new(SAGA, script(None)).await;
    let mut written = Written::to(&run.aws);
    let held = run.aws.faults().hold(call);
    let app = run.service.app().clone();
    let starting = tokio::spawn(async move { start(&app, "run", json!({}), "run").await });
    held.reached().await;
    let asked = run
        .ask(Ask::Skip {
            path: path.to_owned(),
            output: json!("by hand"),
        })
        .await;
    held.release();
    starting.await.unwrap();
    let workflow = run.until_over().await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    let is_listed = workflow.course.skipped.iter().any(|one| one.path == path);
    assert_eq!(is_listed, asked.is_ok(), "{asked:?}");
    if let Err(refusal) = asked {
        assert!(is_untimely(&refusal), "{refusal}");
    }
    let everything = run.everything(&mut written).await;
    check_over(&run, &everything).await;
    check_undone(&everything, false);
}
