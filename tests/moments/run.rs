//! A run that things happen to, all that comes of it, and what must hold of that.

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
    Answer, HOUR, Records, Script, aws, beside, pass, register, service, settle, start, tenant,
    workflow_of,
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

/// Attempts take their time, each its own, so that no two end at once.
pub(super) fn script(broken: Option<usize>) -> Script {
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

pub(super) fn failure(code: &str) -> taskmill_aws::executor::Failure {
    taskmill_aws::executor::Failure::permanent(code, "as the test says")
}

/// A run up to its end.
pub(super) struct Run {
    pub(super) aws: LocalAws,
    pub(super) records: Records,
    pub(super) service: Service,
    /// Somebody else, whose calls are not counted.
    pub(super) other: App,
    pub(super) script: Script,
}

impl Run {
    pub(super) async fn new(definition: &str, script: Script) -> Self {
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
    pub(super) async fn again(self) -> Self {
        drop(self.service);
        settle(&self.aws).await;
        self.aws.faults().revive();
        let service = service(&self.aws, &self.script).await;
        Self { service, ..self }
    }

    pub(super) async fn start(&self) -> WorkflowId {
        start(self.service.app(), "run", json!({}), "run").await
    }

    pub(super) async fn ask(&self, ask: Ask) -> Result<WorkflowInstance, Refusal> {
        let operation = Operation {
            request_id: None,
            by_parent: None,
            ask,
        };
        workflows::operate(&self.other, &tenant(), workflow_of("run"), operation).await
    }

    /// Until nothing is left to happen.
    pub(super) async fn until_over(&self) -> WorkflowInstance {
        self.records.ended_workflow(workflow_of("run")).await;
        pass(&self.aws, HOUR).await;
        self.records.workflow(workflow_of("run")).await
    }

    /// All records that the run made.
    pub(super) async fn everything(&self, written: &mut Written) -> Everything {
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
pub(super) struct Everything {
    pub(super) tasks: Vec<TaskInstance>,
    pub(super) workflows: Vec<WorkflowInstance>,
}

/// What was written, each record once, in the order of its first write.
pub(super) struct Written {
    receiver: tokio::sync::broadcast::Receiver<taskmill_local::Written>,
    seen: Vec<(String, uuid::Uuid)>,
}

impl Written {
    pub(super) fn to(aws: &LocalAws) -> Self {
        Self {
            receiver: aws.writes(),
            seen: Vec::new(),
        }
    }

    pub(super) fn all(&mut self) -> Vec<(String, uuid::Uuid)> {
        while let Ok(one) = self.receiver.try_recv() {
            if !self.seen.contains(&(one.table.clone(), one.id)) {
                self.seen.push((one.table, one.id));
            }
        }
        self.seen.clone()
    }
}

/// A run that nobody disturbs: what it came to, and all its records.
pub(super) async fn undisturbed(
    definition: &str,
    script: Script,
) -> (WorkflowInstance, Everything, usize) {
    let run = Run::new(definition, script).await;
    let mut written = Written::to(&run.aws);
    run.start().await;
    let workflow = run.until_over().await;
    let everything = run.everything(&mut written).await;
    check_over(&run, &everything).await;
    check_once(&run);
    (workflow, everything, run.script.calls().len())
}

/// No record is open without somebody to look at it.
pub(super) async fn check_watched(run: &Run, written: &mut Written) {
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
pub(super) async fn check_nothing_began(run: &Run, since: Timestamp, written: &mut Written) {
    let everything = run.everything(written).await;
    let late = everything.tasks.iter();
    let late: Vec<_> = late.filter(|task| task.created_at > since).collect();
    assert!(late.is_empty(), "they began during the pause: {late:?}");
}

/// Nothing is open, nothing is to be looked at, and no message is dead.
pub(super) async fn check_over(run: &Run, everything: &Everything) {
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
pub(super) fn check_once(run: &Run) {
    let calls = run.script.calls();
    let distinct: BTreeSet<_> = calls.iter().map(|call| call.execution).collect();
    assert_eq!(distinct.len(), calls.len(), "an attempt ran twice");
}

/// Each completed step that can be undone is undone once, the last one first, also one that
/// completed in the very moment of the workflow's end; or none is.
pub(super) fn check_undone(everything: &Everything, is_undone: bool) {
    let path = |task: &TaskInstance| task.context.task_path.clone().unwrap();
    let is_undoing = |task: &&TaskInstance| path(task).ends_with("/compensation");
    let mut undoing: Vec<_> = everything.tasks.iter().filter(is_undoing).collect();
    undoing.sort_by_key(|task| task.start_time);
    let undoing: Vec<_> = undoing.into_iter().map(path).collect();
    let mut done = completed(everything);
    done.sort_by_key(|(at, _)| *at);
    let done = done.iter().rev().filter(|_| is_undone);
    let expected: Vec<_> = done
        .map(|(_, path)| format!("{path}/compensation"))
        .collect();
    assert_eq!(undoing, expected);
}

/// The steps that completed and can be undone, with when they did.
pub(super) fn completed(everything: &Everything) -> Vec<(Option<Timestamp>, String)> {
    let names = ["book", "pay", "poll", "first", "flaky", "part"];
    let tasks = everything.tasks.iter();
    let tasks = tasks.filter(|task| task.status == TaskStatus::Completed);
    let tasks = tasks.filter_map(|task| Some((task.end_time, task.context.task_path.clone()?)));
    let tasks = tasks.filter(|(_, path)| {
        let is_named = |name: &&str| path == *name || path.ends_with(&format!("/{name}"));
        names.iter().any(is_named) && !path.ends_with("compensation")
    });
    let children = everything.workflows.iter();
    let children =
        children.filter(|one| one.status == WorkflowStatus::Completed && one.batch.is_none());
    let children = children.filter_map(|one| Some((one.end_time, one.parent.clone()?.path)));
    tasks
        .chain(children.filter(|(_, path)| path == "below"))
        .collect()
}

/// The error handler ran once, after everything was undone.
pub(super) fn check_handled(everything: &Everything) {
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
