//! Several write at once: one wins, what the others decided is not applied, and they are told.
//!
//! Between two calls of one process another does its work: a call is held, and released when the
//! other is done. Every call of a run is held once.

use futures::future::join;
use serde_json::{Value, json};
use taskmill::codes::failure::{INVALID_INPUT, TIMEOUT};
use taskmill::codes::refusal::{IDEMPOTENCY_CONFLICT, VERSION_CONFLICT};
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill::workflow::decider::{Ask, Event, Facts, Fold, Operation, Plan};
use taskmill::workflow::{CompiledWorkflow, WorkflowInstance, WorkflowStatus};
use taskmill_app::create_task::create_task;
use taskmill_app::start_workflow::start_workflow;
use taskmill_app::{App, Refusal};
use taskmill_aws::store::{self, DateRange, PageRequest, TaskFilter};
use taskmill_local::LocalAws;

use crate::support::{
    Answer, HOUR, MINUTE, Records, Script, aws, caller, cancelled, create, pass, register, service,
    settle, start, task_of, task_request, tenant, workflow_of, workflow_request,
};

const DEFINITIONS: &str = "
id: act
name: Act
version: 1.0.0
type: AUTOMATED
timeouts: {scheduleToClose: 30000}
executionConfig: {executor: 'process:script'}
---
id: tell
name: Tell
version: 1.0.0
type: INTEGRATION
timeouts: {scheduleToClose: 30000}
executionConfig: {executor: 'lambda:script'}
---
id: both
name: Both
version: 1.0.0
steps:
  - {name: act, taskDefinitionId: act}
  - {name: tell, taskDefinitionId: tell}
output: \"'told'\"
---
id: anything
name: Anything
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
---
id: picky
name: Picky
version: 1.0.0
type: AUTOMATED
inputSchema: {type: object, required: [name]}
executionConfig: {executor: 'lambda:script'}
---
id: refused
name: Refused
version: 1.0.0
steps:
  - {name: first, taskDefinitionId: anything}
  - {name: second, taskDefinitionId: picky}
  - {name: never, taskDefinitionId: anything}
";

/// The use cases of a process that takes no messages.
async fn deaf(aws: &LocalAws, script: &Script) -> App {
    let service = service(aws, script).await;
    register(service.app(), DEFINITIONS).await;
    service.app().clone()
}

fn told_of_the_conflict(error: &store::Error) -> bool {
    error.is_version_conflict() && error.code() == Some(VERSION_CONFLICT)
}

/// The winner of two writes of one version, 0 or 1.
fn winner_of(first: Result<(), store::Error>, second: Result<(), store::Error>) -> usize {
    match (first, second) {
        (Ok(()), Err(error)) if told_of_the_conflict(&error) => 0,
        (Err(error), Ok(())) if told_of_the_conflict(&error) => 1,
        (first, second) => panic!("not one winner and one loser: {first:?}, {second:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_writers_of_one_task_one_wins_and_the_other_is_told() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    let id = create(&app, "act", json!({}), "k").await;
    let records = Records::of(&aws);
    let before = records.task(id).await;
    let after = ["first", "second"].map(|reason| cancelled(&before, reason));
    let store = app.store();
    let (first, second) = join(
        store.replace_task(&before, &after[0]),
        store.replace_task(&before, &after[1]),
    )
    .await;
    let winner = winner_of(first, second);
    assert_eq!(records.task(id).await, after[winner]);
    for (status, count) in [(TaskStatus::Pending, 0), (TaskStatus::Cancelled, 1)] {
        assert_eq!(listed(&records, &aws, status).await, count, "{status:?}");
    }
    assert_eq!(records.due().await, 0);
}

async fn listed(records: &Records, aws: &LocalAws, status: TaskStatus) -> usize {
    let range = DateRange::last_days(aws.clock().now(), 2);
    let filter = TaskFilter::default();
    let page = PageRequest::first(10);
    let store = records.store();
    let found = store
        .tasks_by_status(&tenant(), status, &filter, range, &page)
        .await;
    found.unwrap().items.len()
}

fn given_up(plan: &Plan, before: &WorkflowInstance, reason: &str) -> WorkflowInstance {
    let facts = Facts {
        now: before.updated_at,
        retention: HOUR,
    };
    let mut fold = Fold::of(plan, before.clone(), facts);
    let operation = Operation {
        request_id: None,
        by_parent: None,
        ask: Ask::cancel(reason),
    };
    fold.apply(&Event::Operation(Box::new(operation)));
    fold.finish().unwrap().state
}

#[tokio::test(start_paused = true)]
async fn of_two_writers_of_one_workflow_one_wins_and_the_other_is_told() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    let id = start(&app, "both", json!({}), "k").await;
    let records = Records::of(&aws);
    let before = records.workflow(id).await;
    let store = app.store();
    let definition = store
        .workflow_definition(
            &tenant(),
            &before.workflow_definition_id,
            &before.definition_version,
        )
        .await
        .unwrap()
        .unwrap();
    let plan = Plan {
        workflow: CompiledWorkflow::new(definition).unwrap().into(),
        tasks: Default::default(),
        children: Default::default(),
    };
    let after = ["first", "second"].map(|reason| given_up(&plan, &before, reason));
    let (first, second) = join(
        store.replace_workflow(&before, &after[0]),
        store.replace_workflow(&before, &after[1]),
    )
    .await;
    let winner = winner_of(first, second);
    assert_eq!(records.workflow(id).await, after[winner]);
}

/// What is asked for under one key.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Task,
    Workflow,
}

impl Kind {
    /// Asks, and gives the id and the input of the record that it was answered with.
    async fn ask(self, app: &App, input: Value) -> Result<(String, Value), Refusal> {
        Ok(match self {
            Self::Task => {
                let request = task_request("act", input, "k");
                let task = create_task(app, &caller(), request).await?;
                (task.id.to_string(), task.input)
            }
            Self::Workflow => {
                let request = workflow_request("both", input, "k");
                let workflow = start_workflow(app, &caller(), request).await?;
                (workflow.id.to_string(), Value::clone(&workflow.input))
            }
        })
    }

    /// The input of the one record of the key.
    async fn stored(self, records: &Records) -> Value {
        match self {
            Self::Task => records.task(task_of("k")).await.input,
            Self::Workflow => Value::clone(&records.workflow(workflow_of("k")).await.input),
        }
    }

    /// How many calls asking takes.
    async fn calls(self) -> u64 {
        let (aws, script) = (aws(), Script::echo());
        let app = deaf(&aws, &script).await;
        aws.faults().revive();
        self.ask(&app, json!({"n": 1})).await.unwrap();
        aws.faults().calls()
    }
}

/// Asks, and asks for something before the n-th call of the first is made. Gives both answers and
/// the input that is stored then.
async fn ask_twice(
    kind: Kind,
    call: u64,
    second: Value,
) -> ([Result<(String, Value), Refusal>; 2], Value) {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    aws.faults().revive();
    let held = aws.faults().hold(call);
    let first = tokio::spawn({
        let app = app.clone();
        async move { kind.ask(&app, json!({"n": 1})).await }
    });
    held.reached().await;
    let second = kind.ask(&app, second).await;
    held.release();
    let answers = [first.await.unwrap(), second];
    (answers, kind.stored(&Records::of(&aws)).await)
}

#[tokio::test(start_paused = true)]
async fn of_two_requests_under_one_key_one_is_granted_and_the_other_is_a_conflict() {
    let mut granted = [0, 0];
    for kind in [Kind::Task, Kind::Workflow] {
        for call in 1..=kind.calls().await {
            let (answers, stored) = ask_twice(kind, call, json!({"n": 2})).await;
            let winner = match &answers {
                [Ok(_), Err(refusal)] if refusal.code() == IDEMPOTENCY_CONFLICT => 0,
                [Err(refusal), Ok(_)] if refusal.code() == IDEMPOTENCY_CONFLICT => 1,
                other => panic!("{kind:?}, held at call {call}: {other:?}"),
            };
            let input = json!({"n": winner + 1});
            assert_eq!(answers[winner].as_ref().unwrap().1, input);
            assert_eq!(stored, input, "{kind:?}, held at call {call}");
            granted[winner] += 1;
        }
    }
    assert!(granted.iter().all(|times| *times > 0), "{granted:?}");
}

#[tokio::test(start_paused = true)]
async fn the_same_request_at_the_same_time_is_answered_with_the_same_record() {
    for kind in [Kind::Task, Kind::Workflow] {
        for call in 1..=kind.calls().await {
            let (answers, stored) = ask_twice(kind, call, json!({"n": 1})).await;
            let [first, second] = answers.map(Result::unwrap);
            assert_eq!(first, second, "{kind:?}, held at call {call}");
            assert_eq!(stored, json!({"n": 1}));
        }
    }
}

/// Asks four times at once, while everything runs. Gives how often the executor was called.
async fn executions_of_four_alike(kind: Kind) -> usize {
    let script = Script::new(|_| Answer::Succeed(json!({})).after(100));
    let aws = aws();
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    let ask = || kind.ask(service.app(), json!({}));
    let answers = futures::future::join_all([ask(), ask(), ask(), ask()]).await;
    let first = answers[0].as_ref().unwrap();
    assert!(answers.iter().all(|other| other.as_ref().unwrap() == first));
    pass(&aws, HOUR).await;
    let records = Records::of(&aws);
    let done = match kind {
        Kind::Task => records.task(task_of("k")).await.status == TaskStatus::Completed,
        Kind::Workflow => {
            let workflow = records.workflow(workflow_of("k")).await;
            assert_eq!(workflow.metrics.task_count, 2);
            workflow.status == WorkflowStatus::Completed
        }
    };
    assert!(done);
    assert_eq!(records.due().await, 0);
    script.calls().len()
}

#[tokio::test(start_paused = true)]
async fn the_same_request_many_times_at_once_is_executed_once() {
    assert_eq!(executions_of_four_alike(Kind::Task).await, 1);
    assert_eq!(executions_of_four_alike(Kind::Workflow).await, 2);
}

/// Two requests are answered while nobody takes messages: their dispatches come in one batch,
/// together with that of the look at the start.
async fn executions_of_one_batch(definition: &str) -> usize {
    let script = Script::new(|_| Answer::Succeed(json!({})).after(100));
    let aws = aws();
    let app = deaf(&aws, &script).await;
    let id = create(&app, definition, json!({}), "k").await;
    assert_eq!(create(&app, definition, json!({}), "k").await, id);
    let service = service(&aws, &script).await;
    let records = Records::of(&aws);
    assert_eq!(records.ended_task(id).await.status, TaskStatus::Completed);
    pass(&aws, HOUR).await;
    assert_eq!(records.due().await, 0);
    assert_eq!(service.dead_letters().await.unwrap(), []);
    script.calls_of(id)
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_dispatched_twice_at_once_runs_once() {
    assert_eq!(executions_of_one_batch("act").await, 1);
    assert_eq!(executions_of_one_batch("tell").await, 1);
}

/// How many calls a workflow takes, its start included.
async fn calls_of_a_run(definition: &str) -> u64 {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    aws.faults().revive();
    let id = start(service.app(), definition, json!({}), "k").await;
    Records::of(&aws).ended_workflow(id).await;
    settle(&aws).await;
    aws.faults().calls()
}

/// Runs the workflow with one of its calls held until all its limits have passed and everybody
/// else has acted upon that. Gives how the workflow ended.
async fn end_with_a_latecomer(call: u64) -> WorkflowStatus {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    aws.faults().revive();
    let held = aws.faults().hold(call);
    let client = tokio::spawn({
        let app = service.app().clone();
        async move { start(&app, "both", json!({}), "k").await }
    });
    held.reached().await;
    pass(&aws, 20 * MINUTE).await;

    let records = Records::of(&aws);
    let id = workflow_of("k");
    let ended: Vec<TaskInstance> = records
        .tasks_of(id)
        .await
        .into_iter()
        .filter(|task| task.status.is_terminal())
        .collect();
    held.release();
    client.await.unwrap();
    let workflow = records.ended_workflow(id).await;
    pass(&aws, 25 * HOUR).await;
    for task in ended {
        assert_eq!(records.task(task.id).await, task, "held at call {call}");
    }
    check_is_consistent(&workflow, &records.tasks_of(id).await);
    assert_eq!(records.workflow(id).await, workflow);
    assert_eq!(records.due().await, 0, "held at call {call}");
    assert_eq!(service.dead_letters().await.unwrap(), []);
    workflow.status
}

/// The workflow's word agrees with those of its tasks.
fn check_is_consistent(workflow: &WorkflowInstance, tasks: &[TaskInstance]) {
    let (last, before) = tasks.split_last().unwrap();
    assert!(before.iter().all(|t| t.status == TaskStatus::Completed));
    assert_eq!(workflow.metrics.task_count, tasks.len() as u64);
    match workflow.status {
        WorkflowStatus::Completed => {
            assert_eq!((last.status, tasks.len()), (TaskStatus::Completed, 2));
            assert_eq!(workflow.output, Some(json!("told")));
        }
        WorkflowStatus::Failed => {
            let error = workflow.error.as_ref().unwrap();
            assert_eq!(last.status, TaskStatus::TimedOut);
            assert_eq!(last.output, None);
            assert_eq!(error.code, TIMEOUT);
            let path = last.context.task_path.as_deref();
            assert_eq!(error.details["taskPath"].as_str(), path);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_late_changes_nothing_that_has_ended() {
    let mut ends = Vec::new();
    for call in 1..=calls_of_a_run("both").await {
        eprintln!("held at call {call}");
        ends.push(end_with_a_latecomer(call).await);
    }
    // Both must have happened, or nothing was raced for.
    assert!(ends.contains(&WorkflowStatus::Completed));
    assert!(ends.contains(&WorkflowStatus::Failed));
}

/// Runs a workflow whose second step's input is refused, with one of its calls held until every
/// message that was not acknowledged has come again and was handled. Gives how many writes lost.
async fn refusal_with_a_latecomer(call: u64) -> u64 {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    aws.faults().revive();
    let held = aws.faults().hold(call);
    let before = aws.meter().snapshot();
    let client = tokio::spawn({
        let app = service.app().clone();
        async move { start(&app, "refused", json!({}), "k").await }
    });
    held.reached().await;
    pass(&aws, 20 * MINUTE).await;
    held.release();
    let id = client.await.unwrap();
    let records = Records::of(&aws);
    let workflow = records.ended_workflow(id).await;
    let tasks = records.tasks_of(id).await;
    check_refused(&workflow, &tasks);
    assert_eq!(script.calls_of(tasks[1].id), 0);
    pass(&aws, 25 * HOUR).await;
    assert_eq!(records.workflow(id).await, workflow, "held at call {call}");
    assert_eq!(records.tasks_of(id).await, tasks, "held at call {call}");
    assert_eq!(records.due().await, 0, "held at call {call}");
    assert_eq!(service.dead_letters().await.unwrap(), []);
    aws.meter().since(&before).failed_conditions.count
}

/// The step that was refused has its one record, and ended the workflow.
fn check_refused(workflow: &WorkflowInstance, tasks: &[TaskInstance]) {
    let [first, refused] = tasks else {
        panic!("{tasks:?}");
    };
    assert_eq!(first.status, TaskStatus::Completed);
    assert_eq!(refused.context.task_path.as_deref(), Some("second"));
    assert_eq!(refused.status, TaskStatus::Failed);
    assert_eq!(refused.error.as_ref().unwrap().code, INVALID_INPUT);
    assert_eq!((refused.version, refused.attempts.len()), (1, 0));
    assert_eq!(workflow.status, WorkflowStatus::Failed);
    assert_eq!(workflow.error.as_ref().unwrap().code, INVALID_INPUT);
    assert_eq!(workflow.metrics.task_count, 2);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_two_deliveries_refuse_has_one_record_and_ends_its_workflow_once() {
    let mut lost = 0;
    for call in 1..=calls_of_a_run("refused").await {
        eprintln!("held at call {call}");
        lost += refusal_with_a_latecomer(call).await;
    }
    assert!(lost > 0, "nothing was raced for");
}
