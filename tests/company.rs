//! Attempts that wait for others of their process: what was decided before the wait is decided
//! again after it.

use serde_json::json;
use taskmill::ids::TaskId;
use taskmill::task::TaskStatus;
use taskmill_app::{App, execute_task};
use taskmill_aws::queues::{Execute, Message};
use tokio::task::JoinHandle;

use crate::support::{
    Answer, Records, SECOND, Script, aws, batch, cancelled, create, deaf, pass, register, settle,
};

const DEFINITION: &str = "
id: act
name: Act
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
";

/// Ten seconds of work.
fn script() -> Script {
    Script::new(|_| Answer::Succeed(json!({})).after(10 * SECOND))
}

/// The dispatch of a task as the function gets it, delivered so often already.
async fn dispatched(app: &App, records: &Records, id: TaskId, delivered: u32) -> JoinHandle<()> {
    let message = Message::Execute(Execute::from(&records.task(id).await)).to_body(0);
    let event = batch(&[(&message, delivered)]);
    let event = serde_json::from_value(event).unwrap();
    let app = app.clone();
    tokio::spawn(async move {
        let answer = execute_task::handle(&app, event).await;
        assert!(answer.batch_item_failures.is_empty());
    })
}

/// Two attempts in one process of which one must run alone: the other waits. It is cancelled
/// meanwhile, or not. Gives how often it was called.
async fn calls_of_the_second(delivered: [u32; 2], cancel: bool) -> usize {
    let (aws, script) = (aws(), script());
    let app = deaf(&aws, &script).await;
    register(&app, DEFINITION).await;
    let records = Records::of(&aws);
    let first = create(&app, "act", json!({}), "first").await;
    let second = create(&app, "act", json!({}), "second").await;
    let running = dispatched(&app, &records, first, delivered[0]).await;
    settle(&aws).await;
    let waiting = dispatched(&app, &records, second, delivered[1]).await;
    settle(&aws).await;
    assert_eq!((script.calls_of(first), script.calls_of(second)), (1, 0));
    if cancel {
        let before = records.task(second).await;
        let after = cancelled(&before, "no longer needed");
        app.store().replace_task(&before, &after).await.unwrap();
    }
    pass(&aws, 30 * SECOND).await;
    running.await.unwrap();
    waiting.await.unwrap();
    let status = records.task(second).await.status;
    assert_eq!(status == TaskStatus::Cancelled, cancel, "{status:?}");
    script.calls_of(second)
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_cancelled_while_it_waits_for_others_never_runs() {
    // A message that was delivered before is of an attempt that runs alone.
    for delivered in [[2, 1], [1, 2], [2, 2]] {
        assert_eq!(
            calls_of_the_second(delivered, true).await,
            0,
            "{delivered:?}"
        );
        assert_eq!(
            calls_of_the_second(delivered, false).await,
            1,
            "{delivered:?}"
        );
    }
}
