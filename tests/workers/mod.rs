//! Workers that poll: what they take, keep alive, end and give back, what their silence means, and
//! that limits hold whoever dies. How many do the work of a limited definition at once is counted
//! by the workers themselves, in `crowd.rs`; what dies while they speak is in `disturbed.rs`, and
//! the library for workers in `library.rs`.

mod crowd;
mod disturbed;
mod library;

use serde_json::{Value, json};
use taskmill::codes::refusal;
use taskmill::error_info::ErrorInfo;
use taskmill::ids::{ExecutionId, TaskId, TenantId, WorkerGroup};
use taskmill::security::Caller;
use taskmill::task::lifecycle::Word;
use taskmill::task::{Outcome, TaskInstance, TaskStatus};
use taskmill_app::cancel_task::cancel_task;
use taskmill_app::create_task::{CreateTask, create_task};
use taskmill_app::workers::{self, Beginning, Begun, Offered, Saying};
use taskmill_app::{App, Refusal};
use taskmill_aws::queues::group::OFFERED_SECONDS;

use crate::support::{
    Fleet, HOUR, MINUTE, Records, SECOND, Script, aws, caller, create, pass, register, service,
    settle, start, task_of, task_request, workflow_of,
};

const DEFINITIONS: &str = "
id: render
name: Render
version: 1.0.0
type: AUTOMATED
timeout: 600000
outputSchema: {type: object, required: [frames]}
retryPolicy: {maxRetries: 2, retryInterval: 5000, jitter: NONE}
timeouts: {heartbeat: 30000}
executionConfig: {executor: 'worker:gpu', resourceRequirements: {memory: 2Gi}}
---
id: file
name: File
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
---
id: film
name: Film
version: 1.0.0
steps:
  - name: render
    taskDefinitionId: render
    variableMappings: [{type: EXPRESSION, expression: taskOutput.frames, target: frames}]
  - {name: file, taskDefinitionId: file}
output: workflowVariables.frames
";

/// How long the definition lets a worker be silent.
const SILENCE: u64 = 30 * SECOND;

fn gpu() -> WorkerGroup {
    WorkerGroup::new("gpu").unwrap()
}

/// A program of Acme that may work for the group.
fn machine() -> Caller {
    Caller {
        user_id: "machine".to_owned(),
        permissions: vec!["taskmill:work:gpu".to_owned()],
        ..caller()
    }
}

async fn offers(app: &App, most: u8) -> Vec<Offered> {
    workers::poll(app, &machine(), &gpu(), most, 0)
        .await
        .unwrap()
}

/// What is offered when everything has happened that needs no time.
async fn offer(aws: &taskmill_local::LocalAws, app: &App) -> Offered {
    settle(aws).await;
    let mut offers = offers(app, 10).await;
    assert_eq!(offers.len(), 1, "{offers:?}");
    offers.pop().unwrap()
}

async fn begin(app: &App, worker: &str, offered: &Offered) -> Result<Begun, Refusal> {
    let beginning = Beginning {
        attempt: offered.task.attempt(),
        worker_id: worker.to_owned(),
        receipt: Some(offered.receipt.clone()),
    };
    workers::start(app, &machine(), &gpu(), offered.task.id, &beginning).await
}

/// A worker that has an attempt.
#[derive(Debug, Clone)]
struct Held {
    worker: String,
    task: TaskId,
    execution: ExecutionId,
}

impl Held {
    async fn by(app: &App, worker: &str, offered: &Offered) -> Self {
        let begun = begin(app, worker, offered).await.unwrap();
        Self {
            worker: worker.to_owned(),
            task: begun.task.id,
            execution: begun.task.execution_id(),
        }
    }

    async fn says(&self, app: &App, word: Word) -> Result<TaskInstance, Refusal> {
        let saying = Saying {
            execution_id: self.execution,
            worker_id: self.worker.clone(),
            word,
        };
        workers::say(app, &machine(), &gpu(), self.task, saying).await
    }
}

fn alive(progress: Value) -> Word {
    Word::Alive {
        progress: Some(progress),
    }
}

fn done(output: Value) -> Word {
    Word::Ended(Outcome::Succeeded { output })
}

fn failed(permanent: bool, retry_after: Option<u64>) -> Word {
    Word::Ended(Outcome::Failed {
        error: ErrorInfo::new("NO_MEMORY", "the card is full", crate::support::START),
        permanent,
        retry_after,
        continue_on_failure: None,
    })
}

#[track_caller]
fn refused(answer: Result<TaskInstance, Refusal>, code: &str) {
    let refusal = answer.expect_err("it was taken");
    assert_eq!(refusal.code(), code, "{refusal}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_takes_a_task_keeps_it_and_completes_it_and_the_workflow_goes_on() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    let (app, records) = (service.app(), Records::of(&aws));
    register(app, DEFINITIONS).await;
    let film = start(app, "film", json!({}), "film").await;
    let offered = offer(&aws, app).await;
    let begun = begin(app, "w1", &offered).await.unwrap();
    let memory = begun.resource_requirements.unwrap().memory.unwrap();
    assert_eq!(memory.value(), 2 << 30);
    let held = Held {
        worker: "w1".to_owned(),
        task: begun.task.id,
        execution: begun.task.execution_id(),
    };
    // Four times as long as it may be silent.
    for round in 0..8 {
        pass(&aws, SILENCE / 2).await;
        let heard = held
            .says(app, alive(json!({"round": round})))
            .await
            .unwrap();
        let lease = heard.lease().unwrap();
        assert_eq!(lease.until, aws.clock().now().plus_millis(SILENCE));
        let view = records.task_view(held.task).await;
        assert_eq!(view["worker"]["progress"], json!({"round": round}));
    }
    let ended = held.says(app, done(json!({"frames": 24}))).await.unwrap();
    assert_eq!(ended.status, TaskStatus::Completed);
    assert_eq!(ended.executor_id, "worker:gpu@machine/w1");
    assert_eq!(ended.metrics.execution_time, 4 * SILENCE);
    // An answer that was lost is asked for again.
    let again = held.says(app, done(json!({"frames": 24}))).await.unwrap();
    assert_eq!(again.version, ended.version);
    let film = records.ended_workflow(film).await;
    assert_eq!(film.output, Some(json!(24)));
    assert_eq!(offers(app, 10).await, []);
    assert_eq!(service.dead_letters().await.unwrap(), []);
    settle(&aws).await;
    assert_eq!(records.due().await, 0, "nothing is left to look at");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_falls_silent_loses_its_task_and_its_late_word_changes_nothing() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    let (app, records) = (service.app(), Records::of(&aws));
    register(app, DEFINITIONS).await;
    start(app, "film", json!({}), "film").await;
    let offered = offer(&aws, app).await;
    let silent = Held::by(app, "w1", &offered).await;
    pass(&aws, SILENCE - 1).await;
    assert_eq!(records.task(silent.task).await.status, TaskStatus::Running);
    pass(&aws, 2).await;
    let lost = records.task(silent.task).await;
    assert_eq!((lost.status, lost.attempt()), (TaskStatus::RetryPending, 2));
    let error = lost.error.as_ref().unwrap();
    assert_eq!(error.code, "TIMEOUT");
    assert_eq!(error.details["kind"], "HEARTBEAT");
    for word in [
        done(json!({"frames": 1})),
        alive(json!(1)),
        failed(false, None),
        Word::GivenBack,
    ] {
        refused(silent.says(app, word).await, refusal::VERSION_CONFLICT);
    }
    assert_eq!(records.task(silent.task).await, lost);
    // The retry is due after five seconds, and another worker's.
    assert_eq!(offers(app, 10).await, []);
    pass(&aws, 5 * SECOND).await;
    let second = Held::by(app, "w2", &offer(&aws, app).await).await;
    refused(
        silent.says(app, done(json!({"frames": 1}))).await,
        refusal::VERSION_CONFLICT,
    );
    second.says(app, done(json!({"frames": 2}))).await.unwrap();
    let ended = records.ended_workflow(workflow_of("film")).await;
    assert_eq!(ended.output, Some(json!(2)));
}

#[tokio::test(start_paused = true)]
async fn in_a_fleet_a_lease_is_found_over_by_the_sweep() {
    let (aws, script) = (aws(), Script::echo());
    let fleet = Fleet::start(&aws, &script).await;
    let (app, records) = (fleet.app(), Records::of(&aws));
    register(app, DEFINITIONS).await;
    let lone = create(app, "render", json!({}), "lone").await;
    start(app, "film", json!({}), "film").await;
    pass(&aws, 5 * SECOND).await;
    let offered = offers(app, 10).await;
    assert_eq!(offered.len(), 2);
    for (number, offered) in offered.iter().enumerate() {
        Held::by(app, &format!("w{number}"), offered).await;
    }
    // Each lease ends between two sweeps.
    pass(&aws, MINUTE).await;
    for task in [lone, TaskId::of_step(workflow_of("film"), 0, "render", 0)] {
        let task = records.task(task).await;
        assert_eq!((task.status, task.attempt()), (TaskStatus::RetryPending, 2));
    }
    pass(&aws, 10 * SECOND).await;
    assert_eq!(offers(app, 10).await.len(), 2, "each is offered again");
}

#[tokio::test(start_paused = true)]
async fn of_many_that_begin_one_attempt_one_has_it() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    let app = service.app();
    register(app, DEFINITIONS).await;
    let task = create(app, "render", json!({}), "one").await;
    let offered = offer(&aws, app).await;
    let names: Vec<String> = (0..50).map(|number| format!("w{number}")).collect();
    let all = names.iter().map(|name| begin(app, name, &offered));
    let begun = futures::future::join_all(all).await;
    let winners: Vec<&Begun> = begun.iter().filter_map(|one| one.as_ref().ok()).collect();
    let [winner] = winners[..] else {
        panic!("{} have the task", winners.len());
    };
    let refused = begun.iter().filter_map(|one| one.as_ref().err());
    assert!(
        refused
            .clone()
            .all(|one| one.code() == refusal::ILLEGAL_STATE)
    );
    let stored = Records::of(&aws).task(task).await;
    assert_eq!(
        (&stored.executor_id, stored.version),
        (&winner.task.executor_id, 2)
    );
    // Whoever has it and did not hear so asks again.
    let name = winner.task.executor_id.rsplit('/').next().unwrap();
    let again = begin(app, name, &offered).await.unwrap();
    assert_eq!(again.task.version, 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_begun_within_a_minute_is_others_to_begin() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    let app = service.app();
    register(app, DEFINITIONS).await;
    create(app, "render", json!({}), "one").await;
    let first = offer(&aws, app).await;
    assert_eq!(offers(app, 10).await, []);
    pass(&aws, u64::from(OFFERED_SECONDS) * SECOND).await;
    let second = offer(&aws, app).await;
    assert_eq!(second.task, first.task);
}

#[tokio::test(start_paused = true)]
async fn a_poll_waits_for_the_first() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    let app = service.app().clone();
    register(&app, DEFINITIONS).await;
    let waiting = tokio::spawn({
        let app = app.clone();
        async move { workers::poll(&app, &machine(), &gpu(), 1, 20).await }
    });
    pass(&aws, 7 * SECOND).await;
    let task = create(&app, "render", json!({}), "one").await;
    let offered = waiting.await.unwrap().unwrap();
    assert_eq!(offered[0].task.id, task);
    assert_eq!(
        aws.clock().now(),
        crate::support::START.plus_millis(7 * SECOND)
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_worker_gives_back_is_offered_at_once_and_counts_as_nothing() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    let (app, records) = (service.app(), Records::of(&aws));
    register(app, DEFINITIONS).await;
    let task = create(app, "render", json!({}), "one").await;
    let first = Held::by(app, "w1", &offer(&aws, app).await).await;
    let given = first.says(app, Word::GivenBack).await.unwrap();
    assert_eq!((given.status, given.attempt()), (TaskStatus::Pending, 1));
    assert_eq!(
        (given.attempts.len(), &*given.executor_id),
        (0, "worker:gpu")
    );
    let second = Held::by(app, "w2", &offer(&aws, app).await).await;
    assert_eq!(second.execution, first.execution);
    // It is the same attempt, and not the first one's any more.
    let late = first.says(app, done(json!({"frames": 1}))).await;
    refused(late, refusal::ILLEGAL_STATE);
    second.says(app, done(json!({"frames": 2}))).await.unwrap();
    let ended = records.ended_task(task).await;
    assert_eq!(ended.output, Some(json!({"frames": 2})));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_retried_when_the_worker_says_and_never_when_it_is_for_good() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    let (app, records) = (service.app(), Records::of(&aws));
    register(app, DEFINITIONS).await;
    start(app, "film", json!({}), "film").await;
    let first = Held::by(app, "w1", &offer(&aws, app).await).await;
    let after = first.says(app, failed(false, Some(HOUR))).await.unwrap();
    assert_eq!(after.status, TaskStatus::RetryPending);
    let again = first.says(app, failed(false, Some(HOUR))).await.unwrap();
    assert_eq!(again.version, after.version, "told twice it counts once");
    pass(&aws, HOUR - MINUTE).await;
    assert_eq!(offers(app, 10).await, []);
    pass(&aws, MINUTE).await;
    let second = Held::by(app, "w1", &offer(&aws, app).await).await;
    let after = second.says(app, failed(true, None)).await.unwrap();
    assert_eq!(after.status, TaskStatus::Failed);
    let film = records.ended_workflow(workflow_of("film")).await;
    assert_eq!(film.error.unwrap().code, "NO_MEMORY");
}

#[tokio::test(start_paused = true)]
async fn an_output_that_breaks_its_schema_is_a_failure() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    let app = service.app();
    register(app, DEFINITIONS).await;
    create(app, "render", json!({}), "one").await;
    let held = Held::by(app, "w1", &offer(&aws, app).await).await;
    let after = held.says(app, done(json!({}))).await.unwrap();
    assert_eq!(after.status, TaskStatus::Failed);
    assert_eq!(after.error.unwrap().code, "INVALID_OUTPUT");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_has_its_time_however_often_its_worker_is_heard() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    let (app, records) = (service.app(), Records::of(&aws));
    register(app, DEFINITIONS).await;
    let task = create(app, "render", json!({}), "one").await;
    let held = Held::by(app, "w1", &offer(&aws, app).await).await;
    for _ in 0..29 {
        pass(&aws, 20 * SECOND).await;
        held.says(app, Word::Alive { progress: None })
            .await
            .unwrap();
    }
    pass(&aws, 25 * SECOND).await;
    let after = records.task(task).await;
    assert_eq!(after.status, TaskStatus::RetryPending);
    assert_eq!(after.error.unwrap().details["kind"], "START_TO_CLOSE");
}

#[tokio::test(start_paused = true)]
async fn a_task_is_its_tenants_and_its_groups_alone() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    let app = service.app();
    register(app, DEFINITIONS).await;
    register(
        app,
        &DEFINITIONS.replace("gpu", "cpu").replace("1.0.0", "2.0.0"),
    )
    .await;
    let request = CreateTask {
        task_version: Some("^1".parse().unwrap()),
        ..task_request("render", json!({}), "one")
    };
    let task = create_task(app, &caller(), request).await.unwrap();
    settle(&aws).await;
    let cpu = WorkerGroup::new("cpu").unwrap();
    let stranger = Caller {
        tenant_id: TenantId::new("umbrella").unwrap(),
        ..machine()
    };
    let everything = Caller {
        permissions: vec!["taskmill:work".to_owned()],
        ..machine()
    };
    let beginning = Beginning {
        attempt: 1,
        worker_id: "w1".to_owned(),
        receipt: None,
    };
    let cases = [
        (caller(), gpu(), refusal::PERMISSION_DENIED),
        (machine(), cpu.clone(), refusal::PERMISSION_DENIED),
        (stranger, gpu(), refusal::NOT_FOUND),
        (everything.clone(), cpu.clone(), refusal::NOT_FOUND),
    ];
    for (who, group, code) in cases {
        let begun = workers::start(app, &who, &group, task.id, &beginning).await;
        assert_eq!(begun.unwrap_err().code(), code, "{who:?} {group}");
    }
    let polled = workers::poll(app, &everything, &cpu, 10, 0).await.unwrap();
    assert_eq!(polled, []);
    let nobodys = WorkerGroup::new("tpu").unwrap();
    let polled = workers::poll(app, &everything, &nobodys, 1, 0).await;
    assert_eq!(polled.unwrap_err().code(), refusal::NOT_FOUND);
    let polled = workers::poll(app, &everything, &gpu(), 10, 0)
        .await
        .unwrap();
    assert_eq!(polled[0].task.id, task.id);
}

#[tokio::test(start_paused = true)]
async fn the_worker_of_a_cancelled_task_is_told_at_its_next_word() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    let app = service.app();
    register(app, DEFINITIONS).await;
    let task = create(app, "render", json!({}), "one").await;
    let held = Held::by(app, "w1", &offer(&aws, app).await).await;
    cancel_task(app, &caller(), task, "enough".to_owned())
        .await
        .unwrap();
    for word in [alive(json!(1)), done(json!({"frames": 1}))] {
        refused(held.says(app, word).await, refusal::ILLEGAL_STATE);
    }
    let ended = Records::of(&aws).task(task_of("one")).await;
    assert_eq!(ended.status, TaskStatus::Cancelled);
}
