//! Many workers of a definition, or a tenant, whose concurrency is limited: never more than its limit
//! do its work at once, and no place is lost, whichever workers die, fall silent or give back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use taskmill::ids::{DefinitionId, LineId, TaskId};
use taskmill::task::TaskStatus;
use taskmill::task::lifecycle::Word;
use taskmill::task::tenants::TenantLimits;
use taskmill_app::App;
use taskmill_app::cancel_task::cancel_task;
use taskmill_app::workers::poll;
use taskmill_local::LocalAws;

use super::{Held, begin, done, failed, gpu, machine, offer, offers, refused};
use crate::support::{
    Fleet, MINUTE, Records, SECOND, Script, aws, caller, create, limited_service, pass, register,
    service, settle, task_of, tenant,
};

const NARROW: &str = "
id: narrow
name: Narrow
version: 1.0.0
type: AUTOMATED
timeout: 120000
retryPolicy: {maxRetries: 30, retryInterval: 100, backoffMultiplier: 1}
timeouts: {heartbeat: 10000}
executionConfig: {executor: 'worker:gpu'}
concurrency: {limit: 5}
";

const LIMIT: usize = 5;
const WORKERS: usize = 50;
const TASKS: usize = 24;

/// How many workers are at work, and how many ever were at once.
#[derive(Debug, Default)]
struct AtWork {
    now: AtomicUsize,
    most: AtomicUsize,
    deaths: AtomicUsize,
}

impl AtWork {
    fn begin(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
    }

    fn end(&self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What becomes of the `turn`-th attempt of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Done,
    Dies,
    Fails,
    GivesBack,
}

fn fate(worker: usize, turn: usize) -> Fate {
    match (worker * 7 + turn * 3) % 11 {
        0 | 4 => Fate::Dies,
        2 => Fate::Fails,
        7 => Fate::GivesBack,
        _ => Fate::Done,
    }
}

/// A worker that never rests. One that dies is another from then on.
async fn work(aws: LocalAws, app: App, number: usize, at_work: Arc<AtWork>) {
    for turn in 0.. {
        // The service may have died, or be about to: whoever has no answer asks again.
        let Ok(offered) = poll(&app, &machine(), &gpu(), 1, 20).await else {
            pass(&aws, SECOND).await;
            continue;
        };
        for offered in offered {
            let name = format!("w{number}-{turn}");
            let Ok(begun) = begin(&app, &name, &offered).await else {
                continue;
            };
            at_work.begin();
            let held = Held {
                worker: name,
                task: begun.task.id,
                execution: begun.task.execution_id(),
            };
            let what = fate(number, turn);
            attempt(&aws, &app, &held, what, number as u64).await;
            at_work.end();
            let word = match what {
                Fate::Dies => {
                    at_work.deaths.fetch_add(1, Ordering::SeqCst);
                    continue;
                }
                Fate::Done => done(json!({})),
                Fate::Fails => failed(false, None),
                Fate::GivesBack => Word::GivenBack,
            };
            held.says(&app, word).await.unwrap();
        }
    }
}

/// Some seconds of work, with a sign of life in between.
async fn attempt(aws: &LocalAws, app: &App, held: &Held, what: Fate, number: u64) {
    pass(aws, SECOND + number * 37).await;
    if what != Fate::Dies {
        held.says(app, Word::Alive { progress: None })
            .await
            .unwrap();
        pass(aws, 2 * SECOND + number * 53).await;
    }
}

async fn check_all_given_back(aws: &LocalAws, records: &Records) {
    let of_definition = LineId::of(&tenant(), &DefinitionId::new("narrow").unwrap());
    let now = aws.clock().now();
    for line in [of_definition, LineId::of_tenant(&tenant())] {
        let seen = records.store().line(line).await.unwrap();
        let leased = seen.line.places.iter().filter(|place| place.until > now);
        assert_eq!(leased.count(), 0, "{:?}", seen.line.places);
        assert_eq!(seen.waiting, []);
    }
}

fn key(number: usize) -> String {
    format!("task {number}")
}

async fn fifty_work(aws: &LocalAws, app: &App, definition: &str) {
    register(app, definition).await;
    let at_work = Arc::new(AtWork::default());
    let mut crowd = tokio::task::JoinSet::new();
    for number in 0..WORKERS {
        crowd.spawn(work(aws.clone(), app.clone(), number, Arc::clone(&at_work)));
    }
    for number in 0..TASKS {
        create(app, "narrow", json!({}), &key(number)).await;
    }
    let records = Records::of(aws);
    for number in 0..TASKS {
        let task = records.ended_task(task_of(&key(number))).await;
        assert_eq!(task.status, TaskStatus::Completed, "{:?}", task.error);
    }
    assert_eq!(at_work.most.load(Ordering::SeqCst), LIMIT);
    assert!(at_work.deaths.load(Ordering::SeqCst) > 3);
    settle(aws).await;
    crowd.abort_all();
    check_all_given_back(aws, &records).await;
    assert_eq!(records.due().await, 0, "nothing is left to look at");
}

#[tokio::test(start_paused = true)]
async fn of_fifty_workers_five_work_at_once_whoever_dies() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    fifty_work(&aws, service.app(), NARROW).await;
    assert_eq!(service.dead_letters().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn of_fifty_workers_of_a_fleet_five_work_at_once_whoever_dies() {
    let (aws, script) = (aws(), Script::echo());
    let fleet = Fleet::start(&aws, &script).await;
    fifty_work(&aws, fleet.app(), NARROW).await;
}

#[tokio::test(start_paused = true)]
async fn of_fifty_workers_of_a_tenant_five_work_at_once_whoever_dies() {
    let limits = TenantLimits::read(r#"{"*": {"concurrency": 5}}"#).unwrap();
    for definition_limit in [6, 100] {
        let (aws, script) = (aws(), Script::echo());
        let service = limited_service(&aws, &script, limits.clone()).await;
        let definition = NARROW.replace("limit: 5", &format!("limit: {definition_limit}"));
        fifty_work(&aws, service.app(), &definition).await;
        assert_eq!(service.dead_letters().await.unwrap(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_for_a_rate_is_offered_again_when_it_may_begin() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    let app = service.app();
    let rare = NARROW.replace(
        "concurrency: {limit: 5}",
        "rateLimit: {limit: 1, per: PT10S}",
    );
    register(app, &rare).await;
    for number in 0..2 {
        create(app, "narrow", json!({}), &key(number)).await;
        pass(&aws, 10).await;
    }
    let offered = offers(app, 10).await;
    assert_eq!(offered.len(), 2);
    let first = Held::by(app, "w0", &offered[0]).await;
    let began = aws.clock().now();
    let second = begin(app, "w1", &offered[1]).await;
    assert_eq!(second.unwrap_err().code(), "ILLEGAL_STATE");
    first.says(app, done(json!({}))).await.unwrap();
    pass(&aws, 10 * SECOND - 1).await;
    assert_eq!(offers(app, 10).await, [], "it may not begin yet");
    pass(&aws, 1).await;
    let held = Held::by(app, "w2", &offer(&aws, app).await).await;
    assert_eq!(aws.clock().now().millis_since(began), 10 * SECOND + 1);
    held.says(app, done(json!({}))).await.unwrap();
    check_all_given_back(&aws, &Records::of(&aws)).await;
}

/// Six tasks, of which five are begun.
async fn six(aws: &LocalAws, app: &App) -> Vec<Held> {
    register(app, NARROW).await;
    for number in 0..6 {
        create(app, "narrow", json!({}), &key(number)).await;
    }
    settle(aws).await;
    let mut held = Vec::new();
    let mut waiting = 0;
    for (number, offered) in offers(app, 10).await.into_iter().enumerate() {
        match begin(app, &format!("w{number}"), &offered).await {
            Ok(begun) => held.push(Held {
                worker: format!("w{number}"),
                task: begun.task.id,
                execution: begun.task.execution_id(),
            }),
            Err(refusal) => {
                assert_eq!(refusal.code(), "ILLEGAL_STATE");
                waiting += 1;
            }
        }
    }
    assert_eq!((held.len(), waiting), (LIMIT, 1));
    held
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_for_a_place_is_offered_again_when_one_is_free() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    let app = service.app();
    let held = six(&aws, app).await;
    pass(&aws, SECOND).await;
    assert_eq!(
        offers(app, 10).await,
        [],
        "who waits in line is not offered"
    );
    held[0].says(app, done(json!({}))).await.unwrap();
    Held::by(app, "w9", &offer(&aws, app).await).await;
}

#[tokio::test(start_paused = true)]
async fn the_place_of_a_cancelled_task_is_kept_until_its_worker_is_told_or_its_lease_is_over() {
    for told in [true, false] {
        let (aws, script) = (aws(), Script::echo());
        let service = service(&aws, &script).await;
        let app = service.app();
        let held = six(&aws, app).await;
        let cancelled: TaskId = held[0].task;
        cancel_task(app, &caller(), cancelled, "enough".to_owned())
            .await
            .unwrap();
        pass(&aws, 5 * SECOND).await;
        for other in &held[1..] {
            let word = Word::Alive { progress: None };
            other.says(app, word).await.unwrap();
        }
        assert_eq!(offers(app, 10).await, [], "its worker may be at it still");
        if told {
            let word = held[0].says(app, Word::Alive { progress: None }).await;
            refused(word, "ILLEGAL_STATE");
        } else {
            pass(&aws, 5 * SECOND + 1).await;
            // Whoever asks next finds the place free; so does the next to end.
            held[1].says(app, done(json!({}))).await.unwrap();
        }
        Held::by(app, "w9", &offer(&aws, app).await).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_gives_no_place_away_that_a_worker_has() {
    let (before, script) = (aws(), Script::echo());
    let first = service(&before, &script).await;
    let held = six(&before, first.app()).await;
    drop(first);
    let after = before.restarted();
    let service = service(&after, &script).await;
    let app = service.app();
    settle(&after).await;
    let offered = offers(app, 10).await;
    for offered in &offered {
        let begun = begin(app, "w9", offered).await;
        assert_eq!(begun.unwrap_err().code(), "ILLEGAL_STATE");
    }
    // The workers know nothing of it.
    for one in &held {
        one.says(app, done(json!({}))).await.unwrap();
    }
    pass(&after, MINUTE).await;
    let sixth = Held::by(app, "w9", &offer(&after, app).await).await;
    sixth.says(app, done(json!({}))).await.unwrap();
    settle(&after).await;
    check_all_given_back(&after, &Records::of(&after)).await;
}
