//! Workers whose service dies before and after each of its calls while they begin or complete, and
//! queues that lose what is on them.

use std::collections::BTreeSet;

use serde_json::json;
use taskmill::codes::refusal;
use taskmill::task::TaskStatus;
use taskmill::workflow::WorkflowStatus;
use taskmill_app::App;
use taskmill_app::workers::poll;
use taskmill_local::LocalAws;

use super::{DEFINITIONS, Held, begin, done, gpu, machine, offer, offers};
use crate::support::{
    Fleet, HOUR, MINUTE, Records, Script, aws, create, deaf, pass, register, service, settle,
    start, task_of, workflow_of,
};

/// A definition whose tasks take places as well.
fn narrow() -> String {
    DEFINITIONS.replacen("retryPolicy", "concurrency: {limit: 1}\nretryPolicy", 1)
}

/// What a worker does while its service may die.
#[derive(Debug, Clone, Copy)]
enum Doing {
    Begins,
    Completes,
}

/// A worker that is about to do it.
async fn about_to(aws: &LocalAws, app: &App, script: &Script, doing: Doing) -> Step {
    register(app, &narrow()).await;
    start(app, "film", json!({}), "film").await;
    // The offer is made by a service that dies of nothing.
    let service = service(aws, script).await;
    settle(aws).await;
    // Its start looks at what is open: the attempt is offered once more.
    let offered = offers(app, 10).await.remove(0);
    drop(service);
    match doing {
        Doing::Begins => Step::Begin(Box::new(offered)),
        Doing::Completes => Step::Complete(Held::by(app, "w1", &offered).await),
    }
}

enum Step {
    Begin(Box<taskmill_app::workers::Offered>),
    Complete(Held),
}

impl Step {
    async fn take(&self, app: &App) -> bool {
        match self {
            Self::Begin(offered) => begin(app, "w1", offered).await.is_ok(),
            Self::Complete(held) => held.says(app, done(json!({"frames": 1}))).await.is_ok(),
        }
    }
}

async fn calls_of(doing: Doing) -> u64 {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    let step = about_to(&aws, &app, &script, doing).await;
    aws.faults().revive();
    assert!(step.take(&app).await);
    aws.faults().calls()
}

/// The service dies at a call; the worker asks the next one again, and the film is done once.
async fn check_death(doing: Doing, plan: impl Fn(&LocalAws), call: u64) {
    let (before, script) = (aws(), Script::echo());
    let app = deaf(&before, &script).await;
    let step = about_to(&before, &app, &script, doing).await;
    before.faults().revive();
    plan(&before);
    tokio::select! {
        _ = step.take(&app) => {}
        () = before.faults().killed() => {}
    }
    let after = before.restarted();
    let service = service(&after, &script).await;
    let app = service.app();
    assert!(
        step.take(app).await,
        "{doing:?} call {call}: it is not heard"
    );
    if let Step::Begin(offered) = &step {
        let held = Held {
            worker: "w1".to_owned(),
            task: offered.task.id,
            execution: offered.task.execution_id(),
        };
        held.says(app, done(json!({"frames": 1}))).await.unwrap();
    }
    let records = Records::of(&after);
    let film = records.ended_workflow(workflow_of("film")).await;
    assert_eq!(
        (film.status, film.output),
        (WorkflowStatus::Completed, Some(json!(1)))
    );
    // The step after it may be called twice where its process died, and is one attempt.
    let calls = script.calls();
    let attempts: BTreeSet<_> = calls.iter().map(|called| called.execution).collect();
    assert_eq!(attempts.len(), 1, "{doing:?} call {call}: {calls:?}");
    settle(&after).await;
    // The group's queue lives as long as the process: without an offer since there is none.
    let offered = poll(app, &machine(), &gpu(), 10, 0).await;
    let offered = offered.unwrap_or_default();
    assert!(offered.is_empty(), "{doing:?} call {call}: {offered:?}");
    // The place is nobody's any more, at the latest when the attempt would have been over.
    pass(&after, HOUR).await;
    create(app, "render", json!({}), "next").await;
    Held::by(app, "w2", &offer(&after, app).await).await;
}

async fn check_deaths(doing: Doing) {
    for call in 1..=calls_of(doing).await {
        check_death(doing, |aws| aws.faults().kill_before(call), call).await;
        check_death(doing, |aws| aws.faults().kill_after(call), call).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_dies_while_a_worker_begins_loses_and_doubles_nothing() {
    check_deaths(Doing::Begins).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_dies_while_a_worker_completes_loses_and_doubles_nothing() {
    check_deaths(Doing::Completes).await;
}

#[tokio::test(start_paused = true)]
async fn an_offer_that_is_lost_is_made_again() {
    let (aws, script) = (aws(), Script::echo());
    let fleet = Fleet::start(&aws, &script).await;
    let app = fleet.app();
    register(app, DEFINITIONS).await;
    create(app, "render", json!({}), "lone").await;
    start(app, "film", json!({}), "film").await;
    pass(&aws, MINUTE).await;
    aws.queues().purge_all();
    assert_eq!(offers(app, 10).await, []);
    pass(&aws, 17 * MINUTE).await;
    let offered = offers(app, 10).await;
    assert_eq!(offered.len(), 2, "each of them once: {offered:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_nobody_hears_the_end_of_is_found_over_although_every_message_is_lost() {
    let (aws, script) = (aws(), Script::echo());
    let fleet = Fleet::start(&aws, &script).await;
    let app = fleet.app();
    register(app, DEFINITIONS).await;
    create(app, "render", json!({}), "lone").await;
    pass(&aws, MINUTE).await;
    Held::by(app, "w1", &offers(app, 10).await[0]).await;
    let records = Records::of(&aws);
    for _ in 0..20 {
        pass(&aws, MINUTE / 4).await;
        aws.queues().purge_all();
    }
    let task = records.task(task_of("lone")).await;
    assert_eq!((task.status, task.attempt()), (TaskStatus::RetryPending, 2));
    assert_eq!(task.error.unwrap().code, "TIMEOUT");
}

#[tokio::test(start_paused = true)]
async fn a_worker_works_on_while_its_service_is_restarted_and_queues_are_made_anew() {
    let (before, script) = (aws(), Script::echo());
    let first = service(&before, &script).await;
    register(first.app(), DEFINITIONS).await;
    create(first.app(), "render", json!({}), "one").await;
    create(first.app(), "render", json!({}), "two").await;
    settle(&before).await;
    let held = Held::by(first.app(), "w1", &offers(first.app(), 1).await[0]).await;
    drop(first);
    let after = before.restarted();
    let service = service(&after, &script).await;
    let app = service.app();
    let ended = held.says(app, done(json!({"frames": 1}))).await.unwrap();
    assert_eq!((ended.status, ended.losses), (TaskStatus::Completed, 0));
    // The queues of one machine are gone with its process, and what they held is offered again.
    let other = Held::by(app, "w2", &offer(&after, app).await).await;
    let late = other.says(app, done(json!({"frames": 2}))).await;
    assert_eq!(late.unwrap().status, TaskStatus::Completed);
    let gone = held.says(app, done(json!({"frames": 3}))).await;
    assert_eq!(gone.unwrap_err().code(), refusal::ILLEGAL_STATE);
}
