//! Tasks with places while processes die before and after each of their calls, calls fail, and
//! queues are purged.

use serde_json::json;
use taskmill_app::App;
use taskmill_app::create_task::create_task;
use taskmill_local::{Failure, LocalAws};

use super::{all_complete, check_all_given_back, definitions, key, taking};
use crate::support::{
    Fleet, MINUTE, Records, SECOND, Script, aws, caller, create, pass, register, service, settle,
    task_of, task_request,
};

/// Tasks of a run, and how many of them run at once. Each takes half a second.
const TASKS: usize = 3;
const LIMIT: usize = 1;
const WORK: u64 = SECOND / 2;
/// What the tasks take that have one place after the other.
const ALL: u64 = WORK * (TASKS as u64).div_ceil(LIMIT as u64);

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

async fn check_ended_well(aws: &LocalAws, script: &Script, tasks: usize, limit: usize) {
    let records = Records::of(aws);
    all_complete(&records, tasks).await;
    let most = script.most_at_once();
    assert!(most <= limit, "{most} ran at once");
    settle(aws).await;
    assert_eq!(records.due().await, 0, "nothing is left to look at");
    pass(aws, 10 * MINUTE).await;
    check_all_given_back(aws, &records).await;
}

async fn calls_of_a_local_run(tasks: usize, limit: usize) -> u64 {
    let (aws, script) = (aws(), taking(WORK));
    let service = service(&aws, &script).await;
    register(service.app(), &definitions(limit)).await;
    aws.faults().revive();
    run(&aws, service.app(), tasks).await;
    aws.faults().calls()
}

async fn check_process_death(what: Disturbance, call: u64, tasks: usize, limit: usize) {
    eprintln!("{what:?} call {call}");
    let (before, script) = (aws(), taking(WORK));
    let service_before = service(&before, &script).await;
    register(service_before.app(), &definitions(limit)).await;
    what.plan(&before, call);
    run(&before, service_before.app(), tasks).await;
    assert!(before.faults().is_killed(), "the run made fewer calls");
    drop(service_before);

    let after = before.restarted();
    let records = Records::of(&after);
    let died = after.clock().now();
    let service_after = service(&after, &script).await;
    ask_again(service_after.app(), &records, tasks).await;
    all_complete(&records, tasks).await;
    let took = after.clock().now().millis_since(died);
    let at_most = WORK * (tasks as u64).div_ceil(limit as u64) + SECOND;
    assert!(took <= at_most, "it took {took} ms after the restart");
    check_ended_well(&after, &script, tasks, limit).await;
    assert_eq!(service_after.dead_letters().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_at_any_call_leaves_no_place_taken() {
    for call in 1..=calls_of_a_local_run(TASKS, LIMIT).await {
        for what in Disturbance::ALL {
            check_process_death(what, call, TASKS, LIMIT).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_in_the_midst_of_fifty_tasks_leaves_no_place_taken() {
    let calls = calls_of_a_local_run(MANY, 5).await;
    for call in (1..=calls).step_by(FEW_CALLS) {
        check_process_death(Disturbance::DeathAfter, call, MANY, 5).await;
    }
}

async fn calls_of_a_fleets_run(tasks: usize, limit: usize) -> u64 {
    let (aws, script) = (aws(), taking(WORK));
    let fleet = Fleet::start(&aws, &script).await;
    register(fleet.app(), &definitions(limit)).await;
    aws.faults().revive();
    run(&aws, fleet.app(), tasks).await;
    aws.faults().calls()
}

/// How long the functions may take: a check for a message that was lost, the lease of an attempt
/// whose worker died, a minute until the sweep, and the work.
const DUE_RULE: u64 = 15 * MINUTE + 150 * SECOND + MINUTE + ALL;

async fn check_functions_crash(what: Disturbance, call: u64) {
    eprintln!("{what:?} call {call}");
    let (aws, script) = (aws(), taking(WORK));
    let before = Fleet::start(&aws, &script).await;
    register(before.app(), &definitions(LIMIT)).await;
    what.plan(&aws, call);
    run(&aws, before.app(), TASKS).await;
    assert!(aws.faults().is_killed(), "the run made fewer calls");
    drop(before);
    settle(&aws).await;

    aws.faults().revive();
    let records = Records::of(&aws);
    let died = aws.clock().now();
    let after = Fleet::start(&aws, &script).await;
    ask_again(after.app(), &records, TASKS).await;
    all_complete(&records, TASKS).await;
    let took = aws.clock().now().millis_since(died);
    assert!(took <= DUE_RULE, "it took {took} ms after the crash");
    check_ended_well(&aws, &script, TASKS, LIMIT).await;
}

#[tokio::test(start_paused = true)]
async fn functions_that_die_at_any_call_leave_no_place_taken() {
    for call in 1..=calls_of_a_fleets_run(TASKS, LIMIT).await {
        check_functions_crash(Disturbance::of(call), call).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_for_now_or_whose_answer_is_lost_leaves_no_place_taken() {
    for call in 1..=calls_of_a_fleets_run(TASKS, LIMIT).await {
        let failure = [Failure::TimeoutAfterSuccess, Failure::Throttled][(call % 2) as usize];
        eprintln!("{failure:?} at call {call}");
        let (aws, script) = (aws(), taking(WORK));
        let fleet = Fleet::start(&aws, &script).await;
        register(fleet.app(), &definitions(LIMIT)).await;
        aws.faults().revive();
        aws.faults().fail(call, failure);
        run(&aws, fleet.app(), TASKS).await;
        check_ended_well(&aws, &script, TASKS, LIMIT).await;
    }
}

/// Purges all queues just before a call, and gives how long the run took.
async fn took_when_purged_before(call: u64, aws: &LocalAws, app: &App) -> u64 {
    register(app, &definitions(LIMIT)).await;
    let began = aws.clock().now();
    let held = aws.faults().hold(aws.faults().calls() + call);
    let run = run(aws, app, TASKS);
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
    let mut delayed = 0;
    for call in 1..=calls_of_a_local_run(TASKS, LIMIT).await {
        eprintln!("purged before call {call}");
        let (aws, script) = (aws(), taking(WORK));
        let service = service(&aws, &script).await;
        let took = took_when_purged_before(call, &aws, service.app()).await;
        assert!(took <= DUE_RULE, "it took {took} ms");
        delayed += u32::from(took > MINUTE);
        check_ended_well(&aws, &script, TASKS, LIMIT).await;
    }
    assert!(delayed > 5, "only {delayed} purges hit a message");
}
