//! A chain of messages in which nothing changes ends; one in which something does goes on.

use serde_json::{Value, json};
use taskmill::ids::WorkflowId;
use taskmill::limits::MESSAGES_WITHOUT_CHANGE as LONGEST;
use taskmill::workflow::WorkflowStatus;
use taskmill_aws::queues::{Execute, Message, QueueName, Record};
use taskmill_local::Service;
use uuid::Uuid;

use crate::support::{
    Answer, MINUTE, Records, START, Script, aws, register, service, settle, start,
};

const DEFINITIONS: &str = "
id: task
name: Task
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
---
id: flow
name: Flow
version: 1.0.0
steps: [{name: only, taskDefinitionId: task}]
---
id: turns
name: Turns
version: 1.0.0
steps:
  - name: loop
    type: LOOP
    while: index < 200
    maxIterations: 200
    steps: [{name: only, taskDefinitionId: task}]
";

fn script() -> Script {
    Script::new(|_| Answer::Succeed(json!({})))
}

async fn send(service: &Service, queue: QueueName, body: String) {
    let client = aws_sdk_sqs::Client::new(&service.aws().background_sdk_config());
    let url = service.app().queues().urls().of(queue);
    let send = client.send_message().queue_url(url).message_body(body);
    send.send().await.unwrap();
}

/// A message that is sent on so often, each time after so many milliseconds, and then says that a
/// workflow that never was is due.
fn nested(times: u64, wait: u64) -> Message {
    let nobody = WorkflowId::new(Uuid::from_u128(7));
    let last = Message::Due(Record::Workflow(nobody));
    (1..=times).rev().fold(last, |then, time| Message::Later {
        due_at: START.plus_millis(time * wait),
        then: Box::new(then),
    })
}

async fn reasons(service: &Service) -> Vec<String> {
    let letters = service.dead_letters().await.unwrap();
    letters.into_iter().filter_map(|l| l.reason).collect()
}

#[tokio::test(start_paused = true)]
async fn messages_that_only_cause_messages_end_among_the_dead_letters() {
    let aws = aws();
    let service = service(&aws, &script()).await;
    let longest = u64::from(LONGEST);
    // The first stands at 0: so many more may follow it.
    send(&service, QueueName::Retry, nested(longest, 0).to_body(0)).await;
    settle(&aws).await;
    assert_eq!(reasons(&service).await, [""; 0]);

    send(
        &service,
        QueueName::Retry,
        nested(longest + 1, 0).to_body(0),
    )
    .await;
    settle(&aws).await;
    let reasons = reasons(&service).await;
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert!(reasons[0].starts_with("runaway: "), "{reasons:?}");
}

#[tokio::test(start_paused = true)]
async fn messages_that_wait_are_none() {
    let aws = aws();
    let service = service(&aws, &script()).await;
    let times = 3 * u64::from(LONGEST);
    send(&service, QueueName::Retry, nested(times, MINUTE).to_body(0)).await;
    crate::support::pass(&aws, (times + 1) * MINUTE).await;
    assert_eq!(reasons(&service).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_changes_begins_a_chain_anew() {
    let aws = aws();
    let service = service(&aws, &script()).await;
    register(service.app(), DEFINITIONS).await;
    let records = Records::of(&aws);
    let id = start(service.app(), "turns", json!({}), "turns").await;
    let ended = records.ended_workflow(id).await;
    assert_eq!(ended.status, WorkflowStatus::Completed);
    assert_eq!(reasons(&service).await, [""; 0]);
}

/// What a task owes that ended long ago is told again, but not by the last of a chain.
#[tokio::test(start_paused = true)]
async fn the_last_of_a_chain_sends_nothing_on() {
    for (hops, expected) in [(LONGEST - 1, 0), (LONGEST, 1)] {
        let aws = aws();
        let service = service(&aws, &script()).await;
        register(service.app(), DEFINITIONS).await;
        let records = Records::of(&aws);
        let id = start(service.app(), "flow", json!({}), "flow").await;
        records.ended_workflow(id).await;
        let tasks = records.tasks_of(id).await;
        let again = Message::Execute(Execute::from(&tasks[0]));
        send(&service, QueueName::Execute, again.to_body(hops)).await;
        settle(&aws).await;
        let letters = service.dead_letters().await.unwrap();
        let queues: Vec<&str> = letters.iter().map(|letter| letter.queue).collect();
        assert_eq!(queues, vec!["result"; expected], "{letters:?}");
        for letter in letters {
            let body: Value = serde_json::from_str(&letter.body).unwrap();
            assert_eq!(body["kind"], "taskEnded");
            assert_eq!(body["hops"], LONGEST + 1);
        }
    }
}
