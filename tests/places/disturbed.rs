//! Tasks with places while processes die before and after each of their calls, calls fail, and
//! queues are purged.

use serde_json::json;
use taskmill::task::tenants::TenantLimits;
use taskmill_app::App;
use taskmill_app::create_task::create_task;
use taskmill_local::{Failure, LocalAws, Service};

use super::rates::{check_rate, rare};
use super::tenants::of_acme;
use super::{all_complete, check_all_given_back, definitions, key, taking};
use crate::support::{
    Fleet, MINUTE, Records, SECOND, Script, aws, caller, create, limited_service, pass, register,
    settle, task_of, task_request,
};

/// Tasks of a run, each of which takes half a second.
const TASKS: usize = 3;
const WORK: u64 = SECOND / 2;
/// The period of the rates here.
const PERIOD: u64 = SECOND;

/// Under which limits a run is disturbed.
struct Setting {
    name: &'static str,
    definitions: String,
    tenants: TenantLimits,
    tasks: usize,
    limit: Limit,
}

#[derive(Clone, Copy)]
enum Limit {
    /// So many run at once.
    AtOnce(usize),
    /// So many begin in a period.
    InPeriod(usize),
}

impl Setting {
    /// A definition lets so many run at once.
    fn of_definition(tasks: usize, limit: usize) -> Self {
        Self {
            name: "concurrency",
            definitions: definitions(limit),
            tenants: TenantLimits::default(),
            tasks,
            limit: Limit::AtOnce(limit),
        }
    }

    /// A tenant lets so many run at once, and its definition one more: one waits for its tenant
    /// while its place is kept.
    fn of_both(tasks: usize, limit: usize) -> Self {
        Self {
            name: "both",
            definitions: definitions(limit + 1),
            tenants: of_acme(&format!("{{\"concurrency\": {limit}}}")),
            ..Self::of_definition(tasks, limit)
        }
    }

    /// A definition lets so many begin in a second.
    fn of_rate(tasks: usize, limit: usize) -> Self {
        Self {
            name: "rate",
            definitions: rare(limit).replace("PT10S", "PT1S"),
            limit: Limit::InPeriod(limit),
            ..Self::of_definition(tasks, limit)
        }
    }

    /// A tenant lets so many begin in a second, and its definition one more at once.
    fn of_tenants_rate(tasks: usize, limit: usize) -> Self {
        let rate = format!("{{\"rate\": {{\"limit\": {limit}, \"per\": \"PT1S\"}}}}");
        Self {
            name: "a tenant's rate",
            definitions: definitions(limit + 1),
            tenants: of_acme(&rate),
            ..Self::of_rate(tasks, limit)
        }
    }

    /// All of them, with few tasks and one at a time.
    fn all() -> [Self; 4] {
        [
            Self::of_definition(TASKS, 1),
            Self::of_both(TASKS, 1),
            Self::of_rate(TASKS, 1),
            Self::of_tenants_rate(TASKS, 1),
        ]
    }

    /// What the tasks take, and what a start takes that came to nothing.
    fn takes(&self) -> u64 {
        let turns = |limit: usize| (self.tasks as u64).div_ceil(limit as u64);
        match self.limit {
            Limit::AtOnce(limit) => WORK * turns(limit),
            Limit::InPeriod(limit) => PERIOD * (turns(limit) + 1),
        }
    }

    async fn service(&self, aws: &LocalAws, script: &Script) -> Service {
        limited_service(aws, script, self.tenants.clone()).await
    }

    async fn fleet(&self, aws: &LocalAws, script: &Script) -> Fleet {
        Fleet::limited(aws, script, self.tenants.clone()).await
    }

    #[track_caller]
    fn check(&self, script: &Script) {
        match self.limit {
            Limit::AtOnce(limit) => {
                let most = script.most_at_once();
                assert!(most <= limit, "{most} ran at once");
            }
            Limit::InPeriod(limit) => check_rate(script, limit, PERIOD),
        }
    }
}

/// A run of fifty tasks, of which each so many calls one is disturbed.
const MANY: usize = 50;
const FEW_CALLS: usize = 149;

/// What happens to a call.
#[derive(Debug, Clone, Copy)]
enum Disturbance {
    DeathBefore,
    DeathAfter,
}

impl Disturbance {
    const ALL: [Self; 2] = [Self::DeathBefore, Self::DeathAfter];

    /// One or the other.
    const fn of(call: u64) -> Self {
        Self::ALL[(call % 2) as usize]
    }

    fn plan(self, aws: &LocalAws, call: u64) {
        aws.faults().revive();
        match self {
            Self::DeathBefore => aws.faults().kill_before(call),
            Self::DeathAfter => aws.faults().kill_after(call),
        }
    }
}

/// Creates the tasks, asking again where a call failed, and returns when all have ended or the
/// process is dead.
async fn run(aws: &LocalAws, app: &App, tasks: usize) {
    let client = {
        let app = app.clone();
        tokio::spawn(async move {
            for number in 0..tasks {
                let request = || task_request("narrow", json!({}), &key(number));
                while create_task(&app, &caller(), request()).await.is_err() {}
            }
        })
    };
    let records = Records::of(aws);
    let ended = async {
        settle(aws).await;
        for number in 0..tasks {
            records.ended_task(task_of(&key(number))).await;
        }
        settle(aws).await;
    };
    tokio::select! {
        () = aws.faults().killed() => {}
        () = ended => {}
    }
    client.abort();
}

/// A client that has no answer asks again.
async fn ask_again(app: &App, records: &Records, tasks: usize) {
    for number in 0..tasks {
        let key = key(number);
        if records.store().task(task_of(&key)).await.unwrap().is_none() {
            create(app, "narrow", json!({}), &key).await;
        }
    }
}

async fn check_ended_well(aws: &LocalAws, script: &Script, setting: &Setting) {
    let records = Records::of(aws);
    all_complete(&records, setting.tasks).await;
    setting.check(script);
    settle(aws).await;
    assert_eq!(records.due().await, 0, "nothing is left to look at");
    pass(aws, 10 * MINUTE).await;
    check_all_given_back(aws, &records).await;
}

async fn calls_of_a_local_run(setting: &Setting) -> u64 {
    let (aws, script) = (aws(), taking(WORK));
    let service = setting.service(&aws, &script).await;
    register(service.app(), &setting.definitions).await;
    aws.faults().revive();
    run(&aws, service.app(), setting.tasks).await;
    aws.faults().calls()
}

async fn check_process_death(what: Disturbance, call: u64, setting: &Setting) {
    eprintln!("{}: {what:?} call {call}", setting.name);
    let tasks = setting.tasks;
    let (before, script) = (aws(), taking(WORK));
    let service_before = setting.service(&before, &script).await;
    register(service_before.app(), &setting.definitions).await;
    what.plan(&before, call);
    run(&before, service_before.app(), tasks).await;
    assert!(before.faults().is_killed(), "the run made fewer calls");
    drop(service_before);

    let after = before.restarted();
    let records = Records::of(&after);
    let died = after.clock().now();
    let service_after = setting.service(&after, &script).await;
    ask_again(service_after.app(), &records, tasks).await;
    all_complete(&records, tasks).await;
    let took = after.clock().now().millis_since(died);
    let at_most = setting.takes() + SECOND;
    assert!(took <= at_most, "it took {took} ms after the restart");
    check_ended_well(&after, &script, setting).await;
    assert_eq!(service_after.dead_letters().await.unwrap(), []);
}

async fn check_every_process_death(setting: &Setting) {
    for call in 1..=calls_of_a_local_run(setting).await {
        for what in Disturbance::ALL {
            check_process_death(what, call, setting).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_at_any_call_leaves_no_place_taken() {
    check_every_process_death(&Setting::of_definition(TASKS, 1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_at_any_call_leaves_neither_of_two_places_taken() {
    check_every_process_death(&Setting::of_both(TASKS, 1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_at_any_call_breaks_no_rate_and_loses_nobody() {
    check_every_process_death(&Setting::of_rate(TASKS, 1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_in_the_midst_of_fifty_tasks_leaves_no_place_taken() {
    for setting in [
        Setting::of_definition(MANY, 5),
        Setting::of_both(MANY, 5),
        Setting::of_rate(MANY, 5),
    ] {
        let calls = calls_of_a_local_run(&setting).await;
        for call in (1..=calls).step_by(FEW_CALLS) {
            check_process_death(Disturbance::DeathAfter, call, &setting).await;
        }
    }
}

async fn calls_of_a_fleets_run(setting: &Setting) -> u64 {
    let (aws, script) = (aws(), taking(WORK));
    let fleet = setting.fleet(&aws, &script).await;
    register(fleet.app(), &setting.definitions).await;
    aws.faults().revive();
    run(&aws, fleet.app(), setting.tasks).await;
    aws.faults().calls()
}

/// How long the functions may take besides the work: a check for a message that was lost, the lease
/// of an attempt whose worker died, and a minute until the sweep.
const DUE_RULE: u64 = 15 * MINUTE + 150 * SECOND + MINUTE;

async fn check_functions_crash(what: Disturbance, call: u64, setting: &Setting) {
    eprintln!("{}: {what:?} call {call}", setting.name);
    let (aws, script) = (aws(), taking(WORK));
    let before = setting.fleet(&aws, &script).await;
    register(before.app(), &setting.definitions).await;
    what.plan(&aws, call);
    run(&aws, before.app(), setting.tasks).await;
    assert!(aws.faults().is_killed(), "the run made fewer calls");
    drop(before);
    settle(&aws).await;

    aws.faults().revive();
    let records = Records::of(&aws);
    let died = aws.clock().now();
    let after = setting.fleet(&aws, &script).await;
    ask_again(after.app(), &records, setting.tasks).await;
    all_complete(&records, setting.tasks).await;
    let took = aws.clock().now().millis_since(died);
    let at_most = DUE_RULE + setting.takes();
    assert!(took <= at_most, "it took {took} ms after the crash");
    check_ended_well(&aws, &script, setting).await;
}

#[tokio::test(start_paused = true)]
async fn functions_that_die_at_any_call_leave_no_place_taken() {
    for setting in Setting::all() {
        for call in 1..=calls_of_a_fleets_run(&setting).await {
            check_functions_crash(Disturbance::of(call), call, &setting).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_for_now_or_whose_answer_is_lost_leaves_no_place_taken() {
    for setting in Setting::all() {
        for call in 1..=calls_of_a_fleets_run(&setting).await {
            let failure = [Failure::TimeoutAfterSuccess, Failure::Throttled][(call % 2) as usize];
            eprintln!("{}: {failure:?} at call {call}", setting.name);
            let (aws, script) = (aws(), taking(WORK));
            let fleet = setting.fleet(&aws, &script).await;
            register(fleet.app(), &setting.definitions).await;
            aws.faults().revive();
            aws.faults().fail(call, failure);
            run(&aws, fleet.app(), setting.tasks).await;
            check_ended_well(&aws, &script, &setting).await;
        }
    }
}

/// Purges all queues just before a call, and gives how long the run took.
async fn took_when_purged_before(call: u64, aws: &LocalAws, app: &App, setting: &Setting) -> u64 {
    register(app, &setting.definitions).await;
    let began = aws.clock().now();
    let held = aws.faults().hold(aws.faults().calls() + call);
    let run = run(aws, app, setting.tasks);
    let mut run = std::pin::pin!(run);
    tokio::select! {
        () = held.reached() => {}
        () = &mut run => unreachable!("the run makes this call"),
    }
    aws.queues().purge_all();
    held.release();
    run.await;
    aws.clock().now().millis_since(began)
}

#[tokio::test(start_paused = true)]
async fn a_purge_before_any_call_delays_and_loses_nothing() {
    for setting in Setting::all() {
        let mut delayed = 0;
        for call in 1..=calls_of_a_local_run(&setting).await {
            eprintln!("{}: purged before call {call}", setting.name);
            let (aws, script) = (aws(), taking(WORK));
            let service = setting.service(&aws, &script).await;
            let took = took_when_purged_before(call, &aws, service.app(), &setting).await;
            assert!(took <= DUE_RULE + setting.takes(), "it took {took} ms");
            delayed += u32::from(took > MINUTE);
            check_ended_well(&aws, &script, &setting).await;
        }
        assert!(delayed > 5, "only {delayed} purges hit a message");
    }
}
