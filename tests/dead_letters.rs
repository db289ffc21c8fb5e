//! Dead letters of a service that runs: what is said of them, and what becomes of those that are
//! sent back.

use aws_sdk_sqs::types::MessageAttributeValue;
use serde_json::json;
use taskmill::workflow::WorkflowStatus;
use taskmill_app::dead_letters::{list, redrive, show};
use taskmill_app::lists::{self, Wanted, WorkflowQuery};
use taskmill_aws::queues::send::FIRST_ID;
use taskmill_aws::queues::{Message, QueueName, Which};
use taskmill_local::{LocalAws, Service};

use crate::support::{
    Answer, Records, Script, aws, caller, register, service, settle, tenant, workflow_of,
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
    send_known_by(service, body, None).await;
}

/// Sends a request as a redrive does, which says what it was first known by.
async fn send_known_by(service: &Service, body: &str, first_id: Option<&str>) {
    let client = aws_sdk_sqs::Client::new(&service.aws().background_sdk_config());
    let url = service.app().queues().urls().of(QueueName::Create);
    let known = first_id.map(|id| {
        let text = MessageAttributeValue::builder().data_type("String");
        let text = text.string_value(id).build().unwrap();
        [(FIRST_ID.to_owned(), text)].into()
    });
    let send = client.send_message().queue_url(url).message_body(body);
    let send = send.set_message_attributes(known);
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
    assert_eq!(about.tenant_id, Some(tenant()));
    assert_eq!(about.definition_id.as_deref(), Some("late"));
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

/// A request for `late` without a key.
fn keyless() -> String {
    let request = Message::StartWorkflow {
        caller: caller(),
        request: json!({"workflowDefinitionId": "late"}),
    };
    request.to_body(0)
}

async fn only_letter(service: &Service) -> String {
    let listed = list(service.app(), &[QueueName::Create]).await.unwrap();
    assert_eq!(listed.letters.len(), 1);
    listed.letters[0].id.clone()
}

async fn redrive_one(service: &Service, aws: &LocalAws, id: String) {
    let which = Which::Ids([id].into());
    let redriven = redrive(service.app(), &[QueueName::Create], &which).await;
    assert_eq!(redriven.sent.len(), 1);
    settle(aws).await;
}

async fn workflows(service: &Service) -> usize {
    let wanted = Wanted {
        limit: 100,
        cursor: None,
    };
    let (tenant, all) = (caller().tenant_id, WorkflowQuery::default());
    let page = lists::workflows(service.app(), &tenant, &all, &wanted).await;
    page.unwrap().items.len()
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_key_is_accepted_once_however_often_it_is_sent_back() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), TASK).await;
    send(&service, &keyless()).await;
    settle(&aws).await;
    let first = only_letter(&service).await;
    let letter = show(service.app(), &QueueName::ALL, &first).await.unwrap();
    let known_by = letter["attributes"][FIRST_ID].as_str().unwrap();
    redrive_one(&service, &aws, first.clone()).await;
    let second = only_letter(&service).await;
    assert_ne!(first, second, "it failed again, and is another message");

    register(service.app(), LATE).await;
    redrive_one(&service, &aws, second).await;
    assert_eq!(workflows(&service).await, 1);
    // A sender that dies before it deletes the letter sends it once more.
    send_known_by(&service, &keyless(), Some(known_by)).await;
    settle(&aws).await;
    assert_eq!(workflows(&service).await, 1);
    // Another request that says the same is another workflow.
    send(&service, &keyless()).await;
    settle(&aws).await;
    assert_eq!(workflows(&service).await, 2);
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
