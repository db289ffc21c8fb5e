//! Dead letters of a service that runs: what is said of them, and what becomes of those that are
//! sent back.

use serde_json::json;
use taskmill::workflow::WorkflowStatus;
use taskmill_app::dead_letters::{list, redrive, show};
use taskmill_aws::queues::{Message, QueueName, Which};
use taskmill_local::Service;

use crate::support::{
    Answer, Records, Script, aws, caller, register, service, settle, workflow_of,
};

const TASK: &str = "
id: task
name: Task
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
";
const LATE: &str =
    "{id: late, name: Late, version: 1.0.0, steps: [{name: only, taskDefinitionId: task}]}";

fn script() -> Script {
    Script::new(|_| Answer::Succeed(json!({})))
}

async fn send(service: &Service, body: &str) {
    let client = aws_sdk_sqs::Client::new(&service.aws().background_sdk_config());
    let url = service.app().queues().urls().of(QueueName::Create);
    let send = client.send_message().queue_url(url).message_body(body);
    send.send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_that_came_too_early_is_done_once_it_can_be() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), TASK).await;
    let request = Message::StartWorkflow {
        caller: caller(),
        request: json!({"workflowDefinitionId": "late", "input": {"n": 7}, "idempotencyKey": "k"}),
    };
    send(&service, &request.to_body(0)).await;
    settle(&aws).await;

    let listed = list(service.app(), &QueueName::ALL).await.unwrap();
    assert_eq!((listed.letters.len(), listed.more.len()), (1, 0));
    let letter = &listed.letters[0];
    assert_eq!(letter.queue, QueueName::Create);
    let reason = letter.reason.as_deref().unwrap();
    assert!(reason.starts_with("NOT_FOUND"), "{reason}");
    let about = letter.message.as_ref().unwrap();
    assert_eq!(about.kind, "startWorkflow");
    assert_eq!(about.to_string(), "tenant acme, definition late");
    let whole = show(service.app(), &[QueueName::Create], &letter.id)
        .await
        .unwrap();
    assert_eq!(whole["body"]["request"]["input"]["n"], 7);
    assert_eq!(whole["reason"], reason);
    let elsewhere = show(service.app(), &[QueueName::Retry], &letter.id).await;
    assert_eq!(elsewhere.unwrap_err().code(), "NOT_FOUND");

    register(service.app(), LATE).await;
    let which = Which::Ids([letter.id.clone()].into());
    let redriven = redrive(service.app(), &QueueName::ALL, &which).await;
    assert_eq!((redriven.sent.len(), redriven.stopped), (1, None));
    let ended = Records::of(&aws).ended_workflow(workflow_of("k")).await;
    assert_eq!(ended.status, WorkflowStatus::Completed);
    let left = list(service.app(), &QueueName::ALL).await.unwrap();
    assert_eq!(left.letters, []);
}

#[tokio::test(start_paused = true)]
async fn what_fails_again_is_sent_back_once_by_a_call() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    send(&service, "{not json").await;
    settle(&aws).await;
    let before = list(service.app(), &QueueName::ALL).await.unwrap().letters;
    assert_eq!(before[0].message, None);
    let redriven = redrive(service.app(), &QueueName::ALL, &Which::All).await;
    assert_eq!((redriven.sent.len(), redriven.stopped), (1, None));
    let after = list(service.app(), &QueueName::ALL).await.unwrap().letters;
    assert_eq!(after.len(), 1);
    assert_ne!(after[0].id, before[0].id, "it came back");
    assert_eq!(after[0].reason, before[0].reason);
    let whole = show(service.app(), &QueueName::ALL, &after[0].id)
        .await
        .unwrap();
    assert_eq!(whole["body"], "{not json");
}
