//! A process is killed before and after calls of a bulk operation, which goes on and asks every
//! record once.

use taskmill::bulk::BulkStatus;
use taskmill_local::LocalAws;

use super::{DEFINITIONS, begin, figures, retry_of, script, start_many, stored};
use crate::support::{MINUTE, Records, aws, pass, register, service, settle, workflow_of};

/// On which side of a call the process dies.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Before,
    After,
}

/// Three workflows that failed, and an operation that retries them, up to its end or the death of
/// its process.
async fn run(aws: &LocalAws, moment: Option<(Moment, u64)>) {
    let service = service(aws, &script()).await;
    register(service.app(), DEFINITIONS).await;
    start_many(service.app(), "flow", 3).await;
    pass(aws, MINUTE).await;
    begin(service.app(), retry_of("flow")).await;
    aws.faults().revive();
    match moment {
        Some((Moment::Before, call)) => aws.faults().kill_before(call),
        Some((Moment::After, call)) => aws.faults().kill_after(call),
        None => {}
    }
    tokio::select! {
        () = aws.faults().killed() => {}
        () = pass(aws, MINUTE) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_whose_process_dies_at_any_call_goes_on() {
    let undisturbed = aws();
    run(&undisturbed, None).await;
    let calls = undisturbed.faults().calls();
    assert!(calls > 20, "{calls}");
    for moment in [Moment::Before, Moment::After] {
        // Every third is enough to come by each kind of call on each side.
        for call in (1..=calls).step_by(3) {
            eprintln!("{moment:?} call {call}");
            let before = aws();
            run(&before, Some((moment, call))).await;
            let after = before.restarted();
            let _again = service(&after, &script()).await;
            pass(&after, 20 * MINUTE).await;
            settle(&after).await;
            let records = Records::of(&after);
            let bulk = stored(&records).await;
            assert_eq!(figures(&bulk), (BulkStatus::Completed, 3, 3, 0));
            for number in 0..3 {
                let id = workflow_of(&format!("flow-{number}"));
                let workflow = records.workflow(id).await;
                assert_eq!((workflow.status.as_str(), workflow.run), ("COMPLETED", 1));
            }
        }
    }
}
