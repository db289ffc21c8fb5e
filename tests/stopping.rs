//! An attempt that is of no use any more is stopped: at once in the process that learns of it,
//! elsewhere when its message is hidden again.

use futures::FutureExt as _;
use serde_json::json;
use taskmill::ids::TaskId;
use taskmill::task::TaskStatus;
use taskmill::workflow::decider::{Ask, Operation};
use taskmill_app::{App, workflows};
use taskmill_aws::queues::QueueName;
use taskmill_local::LocalAws;

use crate::support::{
    Answer, Fleet, Records, SECOND, Script, aws, pass, register, service, settle, start, tenant,
};

const DEFINITIONS: &str = "
id: act
name: Act
version: 1.0.0
type: AUTOMATED
timeout: 600000
executionConfig: {executor: 'lambda:script'}
---
{id: flow, name: Flow, version: 1.0.0, steps: [{name: act, taskDefinitionId: act}]}
---
id: race
name: Race
version: 1.0.0
steps:
  - name: both
    type: PARALLEL
    join: ANY
    branches:
      - {name: a, steps: [{name: fast, taskDefinitionId: act}]}
      - {name: b, steps: [{name: slow, taskDefinitionId: act}]}
  - {name: last, taskDefinitionId: act}
";

/// Whether no attempt is under way, nor about to be.
fn is_idle(app: &App, aws: &LocalAws) -> bool {
    let url = app.queues().urls().of(QueueName::Execute);
    aws.queues().until_settled(&[url]).now_or_never().is_some()
}

#[tokio::test(start_paused = true)]
async fn the_loser_of_a_race_is_stopped_at_once_where_the_race_is_decided() {
    let aws = aws();
    let script = Script::new(|call| match call.task_path.as_deref() {
        Some("both/a/fast") => Answer::Succeed(json!(1)).after(2 * SECOND),
        Some("last") => Answer::Succeed(json!(2)).after(5 * SECOND),
        _ => Answer::Hang,
    });
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    let id = start(service.app(), "race", json!({}), "k").await;
    let slow = TaskId::of_step(id, 0, "both/b/slow", 0);
    pass(&aws, SECOND).await;
    settle(&aws).await;
    assert_eq!(
        Records::of(&aws).task(slow).await.status,
        TaskStatus::Running
    );
    pass(&aws, 8 * SECOND).await;
    assert_eq!(
        Records::of(&aws).task(slow).await.status,
        TaskStatus::Cancelled
    );
    assert_eq!(script.calls().len(), 3);
    assert!(is_idle(service.app(), &aws), "the loser runs on");
}

#[tokio::test(start_paused = true)]
async fn another_process_stops_an_attempt_when_it_hides_its_message_again() {
    let aws = aws();
    let script = Script::new(|_| Answer::Hang);
    let fleet = Fleet::start(&aws, &script).await;
    register(fleet.app(), DEFINITIONS).await;
    let id = start(fleet.app(), "flow", json!({}), "k").await;
    pass(&aws, 30 * SECOND).await;
    let cancel = Operation {
        request_id: None,
        by_parent: None,
        ask: Ask::cancel("enough"),
    };
    workflows::operate(fleet.app(), &tenant(), id, cancel)
        .await
        .unwrap();
    pass(&aws, 20 * SECOND).await;
    let task = Records::of(&aws)
        .task(TaskId::of_step(id, 0, "act", 0))
        .await;
    assert_eq!(task.status, TaskStatus::Cancelled);
    assert!(!is_idle(fleet.app(), &aws), "nobody told the process yet");
    pass(&aws, 20 * SECOND).await;
    assert!(is_idle(fleet.app(), &aws), "the attempt runs on");
    assert_eq!(Records::of(&aws).task(task.id).await.version, task.version);
}

/// What takes longer than until its message is hidden again.
const LONG: u64 = 65 * SECOND;

/// A run of one attempt that takes so long, with the call held that hides its message again, when
/// that is told. Gives the number of that call.
async fn long_attempt(held: Option<u64>) -> u64 {
    let aws = aws();
    let script = Script::new(|_| Answer::Succeed(json!(1)).after(LONG));
    let fleet = Fleet::start(&aws, &script).await;
    register(fleet.app(), DEFINITIONS).await;
    aws.faults().revive();
    aws.faults().record();
    let held = held.map(|call| aws.faults().hold(call));
    let id = start(fleet.app(), "flow", json!({}), "k").await;
    if let Some(held) = &held {
        held.reached().await;
    }
    pass(&aws, LONG + SECOND).await;
    let records = Records::of(&aws);
    let task = records.task(TaskId::of_step(id, 0, "act", 0)).await;
    assert_eq!(task.status, TaskStatus::Completed);
    let calls = aws.faults().recorded();
    let mut hides = (1..)
        .zip(&calls)
        .filter(|(_, name)| name.as_str() == "sqs.ChangeMessageVisibility");
    hides.next().expect("its message is hidden again").0
}

#[tokio::test(start_paused = true)]
async fn an_attempt_goes_on_while_a_request_about_its_message_does_not() {
    let call = long_attempt(None).await;
    long_attempt(Some(call)).await;
}
