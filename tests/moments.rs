//! Something happens to a workflow at every moment of its life, and it still ends as it should.
//!
//! A moment is a write to the tables: the run is held before it while somebody asks for something,
//! and goes on. An ordinary run takes every so many moments, `TASKMILL_MOMENTS=all` all of them.

use std::collections::BTreeSet;

use serde_json::json;
use taskmill::Timestamp;
use taskmill::ids::{TaskId, WorkflowId};
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill::workflow::decider::{Ask, Operation};
use taskmill::workflow::{WorkflowInstance, WorkflowStatus};
use taskmill_app::{App, Refusal, workflows};
use taskmill_local::{LocalAws, Service};

use crate::support::{
    Answer, HOUR, MINUTE, Records, Script, aws, beside, pass, register, service, settle, start,
    tenant, workflow_of,
};

const TASKS: &str = "
id: work
name: Work
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
retryPolicy: {maxRetries: 1, retryInterval: 1500, jitter: NONE, retryableErrors: [BUSY]}
---
id: child
name: Child
version: 1.0.0
steps:
  - {name: one, taskDefinitionId: work}
  - {name: rest, type: WAIT, duration: 2300}
  - {name: two, taskDefinitionId: work}
";

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

/// Much at once: batches, races, and children inside.
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
      - {name: flaky, taskDefinitionId: work}
      - {name: inner, type: MAP, items: '[1, 2]', steps: [{name: part, taskDefinitionId: work}]}
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

/// Attempts take their time, each its own, so that no two end at once.
fn script(broken: Option<usize>) -> Script {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    Script::new(move |call| {
        let number = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = call.task_path.clone().unwrap_or_default();
        let bytes = path.bytes().chain(call.task_id.to_string().into_bytes());
        let millis = bytes.fold(7_u64, |sum, byte| (sum * 31 + u64::from(byte)) % 1997);
        let answer = match path.rsplit('/').next() {
            _ if broken == Some(number) => Answer::Fail(failure("BROKEN")),
            Some("flaky") if call.attempt == 1 => Answer::busy(),
            _ => Answer::Succeed(json!(path)),
        };
        answer.after(100 + millis)
    })
}

fn failure(code: &str) -> taskmill_aws::executor::Failure {
    taskmill_aws::executor::Failure::permanent(code, "as the test says")
}

/// A run up to its end.
struct Run {
    aws: LocalAws,
    records: Records,
    service: Service,
    /// Somebody else, whose calls are not counted.
    other: App,
    script: Script,
}

impl Run {
    async fn new(definition: &str, script: Script) -> Self {
        let aws = aws();
        let service = service(&aws, &script).await;
        register(service.app(), &format!("{TASKS}---{definition}")).await;
        let records = Records::of(&aws);
        let other = beside(&aws, &script).await;
        aws.faults().revive();
        aws.faults().record();
        Self {
            aws,
            records,
            service,
            other,
            script,
        }
    }

    /// A new process in the place of one that died.
    async fn again(self) -> Self {
        drop(self.service);
        settle(&self.aws).await;
        self.aws.faults().revive();
        let service = service(&self.aws, &self.script).await;
        Self { service, ..self }
    }

    async fn start(&self) -> WorkflowId {
        start(self.service.app(), "run", json!({}), "run").await
    }

    async fn ask(&self, ask: Ask) -> Result<WorkflowInstance, Refusal> {
        let operation = Operation {
            request_id: None,
            by_parent: false,
            ask,
        };
        workflows::operate(&self.other, &tenant(), workflow_of("run"), operation).await
    }

    /// Until nothing is left to happen.
    async fn until_over(&self) -> WorkflowInstance {
        self.records.ended_workflow(workflow_of("run")).await;
        pass(&self.aws, HOUR).await;
        self.records.workflow(workflow_of("run")).await
    }

    /// All records that the run made.
    async fn everything(&self, written: &mut Written) -> Everything {
        let mut everything = Everything::default();
        for (table, id) in written.all() {
            if table == "TaskInstances" {
                everything
                    .tasks
                    .push(self.records.task(TaskId::new(id)).await);
            } else if table == "WorkflowInstances" {
                // The items of a batch stand there before the batch, and it may never begin.
                let found = self.records.store().workflow(WorkflowId::new(id)).await;
                everything.workflows.extend(found.unwrap());
            }
        }
        everything
    }
}

#[derive(Default)]
struct Everything {
    tasks: Vec<TaskInstance>,
    workflows: Vec<WorkflowInstance>,
}

/// What was written, each record once, in the order of its first write.
struct Written {
    receiver: tokio::sync::broadcast::Receiver<taskmill_local::Written>,
    seen: Vec<(String, uuid::Uuid)>,
}

impl Written {
    fn to(aws: &LocalAws) -> Self {
        Self {
            receiver: aws.writes(),
            seen: Vec::new(),
        }
    }

    fn all(&mut self) -> Vec<(String, uuid::Uuid)> {
        while let Ok(one) = self.receiver.try_recv() {
            if !self.seen.contains(&(one.table.clone(), one.id)) {
                self.seen.push((one.table, one.id));
            }
        }
        self.seen.clone()
    }
}

/// The calls of an undisturbed run that write, and when the run reached them.
async fn moments(definition: &str) -> Vec<u64> {
    let run = Run::new(definition, script(None)).await;
    run.start().await;
    let workflow = run.until_over().await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    let calls = run.aws.faults().recorded();
    let writes = (1..)
        .zip(calls)
        .filter(|(_, name)| ["dynamodb.PutItem", "dynamodb.UpdateItem"].contains(&name.as_str()));
    writes.map(|(call, _)| call).collect()
}

/// Some of many, from one that differs from test to test; or all of them.
fn some<T>(all: Vec<T>, from: usize) -> Vec<T> {
    let is_all = std::env::var("TASKMILL_MOMENTS").is_ok_and(|which| which == "all");
    let (step, from) = if is_all { (1, 0) } else { (EVERY, from) };
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

/// No record is open without somebody to look at it.
async fn check_watched(run: &Run, written: &mut Written) {
    let ids = written.all().into_iter();
    for (_, id) in ids.filter(|(table, _)| table == "WorkflowInstances") {
        let found = run.records.store().workflow(WorkflowId::new(id)).await;
        if let Some(workflow) = found.unwrap() {
            let is_watched = workflow.is_settled() || workflow.due_at.is_some();
            assert!(is_watched, "nobody looks at {workflow:?}");
        }
    }
}

/// Whatever began while the workflow was paused was on its way before.
async fn check_nothing_began(run: &Run, since: Timestamp, written: &mut Written) {
    let everything = run.everything(written).await;
    let late = everything.tasks.iter();
    let late: Vec<_> = late.filter(|task| task.created_at > since).collect();
    assert!(late.is_empty(), "they began during the pause: {late:?}");
}

/// Nothing is open, nothing is to be looked at, and no message is dead.
async fn check_over(run: &Run, everything: &Everything) {
    for task in &everything.tasks {
        assert!(task.status.is_terminal(), "it is open: {task:?}");
    }
    for workflow in &everything.workflows {
        assert!(workflow.is_settled(), "it is not over: {workflow:?}");
        assert!(workflow.course.signals.is_empty(), "{workflow:?}");
    }
    assert_eq!(
        run.records.due().await,
        0,
        "something is still to be looked at"
    );
    assert_eq!(run.service.dead_letters().await.unwrap(), []);
}

/// No attempt ran twice.
fn check_once(run: &Run) {
    let calls = run.script.calls();
    let distinct: BTreeSet<_> = calls.iter().map(|call| call.execution).collect();
    assert_eq!(distinct.len(), calls.len(), "an attempt ran twice");
}

/// Each completed step that can be undone is undone once, the last one first; or none is.
///
/// One whose task ended at the very end of the workflow may have come too late for that.
fn check_undone(everything: &Everything, is_undone: bool) {
    let path = |task: &TaskInstance| task.context.task_path.clone().unwrap();
    let is_undoing = |task: &&TaskInstance| path(task).ends_with("/compensation");
    let mut undoing: Vec<_> = everything.tasks.iter().filter(is_undoing).collect();
    undoing.sort_by_key(|task| task.start_time);
    let mut done = completed(everything);
    done.sort_by_key(|(at, _)| *at);
    let ended = everything.workflows[0].end_time;
    let undoes = |path: &String| format!("{path}/compensation");
    let late = done.iter().filter(|(at, _)| *at >= ended);
    let late: Vec<_> = late.map(|(_, path)| undoes(path)).collect();
    let undoing = undoing.into_iter().map(path);
    let mut undoing: Vec<_> = undoing.collect();
    let distinct: BTreeSet<_> = undoing.iter().cloned().collect();
    assert_eq!(distinct.len(), undoing.len(), "undone twice: {undoing:?}");
    undoing.retain(|path| !is_undone || !late.contains(path));
    let done = done.iter().rev().filter(|(at, _)| *at < ended);
    let expected: Vec<_> = done.map(|(_, path)| undoes(path)).collect();
    let expected = if is_undone { expected } else { Vec::new() };
    assert_eq!(undoing, expected);
}

/// The steps that completed and can be undone, with when they did.
fn completed(everything: &Everything) -> Vec<(Option<Timestamp>, String)> {
    let names = ["book", "pay", "poll", "first", "both/b/flaky"];
    let tasks = everything.tasks.iter();
    let tasks = tasks.filter(|task| task.status == TaskStatus::Completed);
    let tasks = tasks.filter_map(|task| Some((task.end_time, task.context.task_path.clone()?)));
    let tasks = tasks.filter(|(_, path)| {
        let is_named = |name: &&str| path == *name || path.ends_with(&format!("/{name}"));
        names.iter().any(|name| is_named(&name)) && !path.ends_with("compensation")
    });
    let children = everything.workflows.iter();
    let children =
        children.filter(|one| one.status == WorkflowStatus::Completed && one.batch.is_none());
    let children = children.filter_map(|one| Some((one.end_time, one.parent.clone()?.path)));
    tasks
        .chain(children.filter(|(_, path)| path == "below"))
        .collect()
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

/// A run that nobody disturbs: what it came to, and all its records.
async fn undisturbed(definition: &str, script: Script) -> (WorkflowInstance, Everything, usize) {
    let run = Run::new(definition, script).await;
    let mut written = Written::to(&run.aws);
    run.start().await;
    let workflow = run.until_over().await;
    let everything = run.everything(&mut written).await;
    check_over(&run, &everything).await;
    check_once(&run);
    (workflow, everything, run.script.calls().len())
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
                prefixes.iter().any(|prefix| is_inside(prefix)) || path == "one" || path == "two"
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

/// The error handler ran once, after everything was undone.
fn check_handled(everything: &Everything) {
    let path = |task: &&TaskInstance| task.context.task_path.clone().unwrap();
    let told: Vec<_> = everything
        .tasks
        .iter()
        .filter(|one| path(one) == "tell")
        .collect();
    assert_eq!(told.len(), 1);
    let undone = everything.tasks.iter();
    let mut undone = undone.filter(|one| path(one).ends_with("/compensation"));
    assert!(undone.all(|one| one.end_time <= Some(told[0].created_at)));
}

/// When somebody cancels the run that dies: something is done by then, and something runs.
const CANCELLED_AT: u64 = 2500;

/// Has the workflow undone by the service itself, under one id.
async fn undo(app: &App) {
    let operation = Operation {
        request_id: Some("enough".to_owned()),
        by_parent: false,
        ask: Asked::Undo.ask(),
    };
    let undone = workflows::operate(app, &tenant(), workflow_of("run"), operation).await;
    undone.unwrap();
}

/// The calls that a cancellation takes, up to the end of everything.
async fn calls_of_undoing() -> u64 {
    let run = Run::new(SAGA, script(None)).await;
    run.start().await;
    pass(&run.aws, CANCELLED_AT).await;
    run.aws.faults().revive();
    undo(run.service.app()).await;
    run.until_over().await;
    run.aws.faults().calls()
}

async fn check_death(call: u64) {
    let run = Run::new(SAGA, script(None)).await;
    let mut written = Written::to(&run.aws);
    run.start().await;
    pass(&run.aws, CANCELLED_AT).await;
    run.aws.faults().revive();
    run.aws.faults().kill_after(call);
    let app = run.service.app().clone();
    let asking = tokio::spawn(async move { undo(&app).await });
    run.aws.faults().killed().await;
    asking.abort();
    let run = run.again().await;
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
    let calls = calls_of_undoing().await;
    for call in some((1..=calls).collect(), 6) {
        eprintln!("it dies after call {call}");
        check_death(call).await;
    }
}
