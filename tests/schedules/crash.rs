//! A process is killed before and after each call of a schedule's time, and the time is neither
//! lost nor started twice.

use serde_json::json;
use taskmill_local::LocalAws;

use super::{at, define, functions, quick, served, started, stored, told};
use crate::support::{Fleet, MINUTE, Records, pass, service, settle};

/// Two times, of which the first is disturbed.
const TWICE: &str = "25,35 21 * * *";
/// When it comes; a minute and a half before; and when all is over, whatever was lost.
const COMES: &str = "2026-11-21T21:25:00Z";
const BEFORE: &str = "2026-11-21T21:23:30Z";
const OVER: &str = "2026-11-21T22:00:00Z";

/// On which side of a call the process dies.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Before,
    After,
}

fn plan(aws: &LocalAws, moment: Moment, call: u64) {
    aws.faults().revive();
    match moment {
        Moment::Before => aws.faults().kill_before(call),
        Moment::After => aws.faults().kill_after(call),
    }
}

/// Both workflows of the two times are there, each once, and the schedule tells so.
async fn check_neither_lost_nor_doubled(aws: &LocalAws) {
    let records = Records::of(aws);
    let found = started(&records, "slow").await;
    let names: Vec<&str> = found.iter().map(|one| one.status.as_str()).collect();
    assert_eq!(names, ["COMPLETED", "COMPLETED"]);
    let schedule = stored(&records).await;
    assert_eq!(told(&schedule), ["21:25 started", "21:35 started"]);
}

/// Lets the time come, until it is over or the process is dead.
async fn come(aws: &LocalAws) {
    aws.clock().sleep_until(at(COMES)).await;
    tokio::select! {
        () = aws.faults().killed() => {}
        () = pass(aws, MINUTE) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_at_any_call_of_a_time_is_continued() {
    let (aws, running) = served(&quick()).await;
    define(running.app(), "slow", json!({"cron": TWICE})).await;
    aws.faults().revive();
    come(&aws).await;
    let calls = aws.faults().calls();
    assert!(calls > 5, "{calls}");
    drop(running);
    for moment in [Moment::Before, Moment::After] {
        for call in 1..=calls {
            eprintln!("{moment:?} call {call}");
            let (before, running) = served(&quick()).await;
            define(running.app(), "slow", json!({"cron": TWICE})).await;
            settle(&before).await;
            plan(&before, moment, call);
            come(&before).await;
            assert!(before.faults().is_killed(), "fewer calls were made");
            drop(running);
            let after = before.restarted();
            let _again = service(&after, &quick()).await;
            after.clock().sleep_until(at(OVER)).await;
            check_neither_lost_nor_doubled(&after).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn functions_that_die_at_any_call_of_a_time_leave_it_to_the_next() {
    let (aws, fleet) = functions(&quick()).await;
    define(fleet.app(), "slow", json!({"cron": TWICE})).await;
    // The sweep that promises the time is made of calls as well.
    aws.clock().sleep_until(at(BEFORE)).await;
    aws.faults().revive();
    come(&aws).await;
    let calls = aws.faults().calls();
    assert!(calls > 10, "{calls}");
    drop(fleet);
    for moment in [Moment::Before, Moment::After] {
        for call in 1..=calls {
            eprintln!("{moment:?} call {call}");
            let (aws, fleet) = functions(&quick()).await;
            define(fleet.app(), "slow", json!({"cron": TWICE})).await;
            aws.clock().sleep_until(at(BEFORE)).await;
            plan(&aws, moment, call);
            come(&aws).await;
            assert!(aws.faults().is_killed(), "fewer calls were made");
            drop(fleet);
            settle(&aws).await;
            aws.faults().revive();
            let _again = Fleet::start(&aws, &quick()).await;
            aws.clock().sleep_until(at(OVER)).await;
            check_neither_lost_nor_doubled(&aws).await;
        }
    }
}
