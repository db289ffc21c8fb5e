//! `sqs:` tasks against the SDK with an SQS that a test scripts.

use serde_json::Value;

use super::*;
use crate::executor::testing::aws::{Answers, Aws};
use crate::executor::testing::{call, callback, failure, output};

const URL: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/orders";

fn executor(aws: &Aws) -> SqsExecutor {
    SqsExecutor::new(aws.sdk(), None, Clock::system())
}

fn to(queue: &str) -> Call {
    let config = json!({"executor": format!("sqs:{queue}")});
    let queue = queue.to_owned();
    call(ExecutorRef::Sqs { queue }, &config, json!({"n": 1}))
}

const TAKEN: Answers = |operation, _| match operation {
    "GetQueueUrl" => (200, json!({"QueueUrl": URL})),
    _ => (200, json!({"MessageId": "m-1"})),
};

fn attribute<'m>(message: &'m Value, name: &str) -> &'m Value {
    &message["MessageAttributes"][name]["StringValue"]
}

#[tokio::test]
async fn a_message_has_the_input_and_names_the_attempt() {
    let aws = Aws::answering(TAKEN);
    let call = to(URL);
    let sent = output(executor(&aws).execute(&call).await);
    assert_eq!(sent, json!({"messageId": "m-1"}));
    let message = aws.asked("SendMessage").remove(0);
    assert_eq!(message["QueueUrl"], URL);
    assert_eq!(message["MessageBody"], "{\"n\":1}");
    assert!(message.get("MessageGroupId").is_none());
    for (name, expected) in [
        ("taskmill.tenantId", "acme".to_owned()),
        ("taskmill.taskId", call.task_id.to_string()),
        ("taskmill.executionId", call.execution_id.to_string()),
        ("taskmill.attempt", "1".to_owned()),
        ("taskmill.deadline", "2026-11-21T12:00:00.000Z".to_owned()),
        ("traceparent", call.traceparent.clone().unwrap()),
    ] {
        assert_eq!(attribute(&message, name), &json!(expected), "{name}");
    }
    assert!(aws.asked("GetQueueUrl").is_empty());
}

#[tokio::test]
async fn a_queue_that_is_named_is_looked_up_once_for_each_identity() {
    let aws = Aws::answering(TAKEN);
    let executor = executor(&aws);
    for _ in 0..3 {
        output(executor.execute(&to("orders")).await);
    }
    let found = aws.asked("GetQueueUrl");
    assert_eq!(found, [json!({"QueueName": "orders"})]);
    assert_eq!(aws.asked("SendMessage").len(), 3);
}

#[tokio::test]
async fn what_the_body_gives_is_sent_in_order_of_the_workflow() {
    let aws = Aws::answering(TAKEN);
    let fifo = format!("{URL}.fifo");
    let call = Call {
        body: Some(json!(["other"])),
        ..to(&fifo)
    };
    output(executor(&aws).execute(&call).await);
    let message = aws.asked("SendMessage").remove(0);
    assert_eq!(message["MessageBody"], "[\"other\"]");
    assert_eq!(message["MessageGroupId"], call.task_id.to_string());
    assert_eq!(
        message["MessageDeduplicationId"],
        call.execution_id.to_string()
    );
}

#[tokio::test]
async fn whoever_takes_it_tells_the_end_where_the_definition_says_so() {
    let aws = Aws::answering(TAKEN);
    let called_back = callback(to(URL));
    let execution = executor(&aws).execute(&called_back).await;
    assert_eq!(execution.outcome, Outcome::HandedOver);
    let message = aws.asked("SendMessage").remove(0);
    let url = &called_back.callback.as_ref().unwrap().url;
    assert_eq!(attribute(&message, "taskmill.callbackUrl"), url);
    let nowhere = Call {
        callback: None,
        ..called_back
    };
    let (error, ..) = failure(executor(&aws).execute(&nowhere).await);
    assert_eq!(error.code, codes::CALLBACK_UNAVAILABLE);
    assert_eq!(aws.asked("SendMessage").len(), 1);
}

#[tokio::test]
async fn a_refusal_says_whether_another_attempt_is_of_use() {
    let cases: [(Answers, &str, bool); 4] = [
        (
            |_, _| {
                (
                    400,
                    json!({"__type": "com.amazonaws.sqs#QueueDoesNotExist"}),
                )
            },
            EXECUTOR_NOT_FOUND,
            true,
        ),
        (
            |_, _| {
                (
                    403,
                    json!({"__type": "AccessDeniedException", "message": "no"}),
                )
            },
            codes::SQS_REFUSED,
            true,
        ),
        (
            |_, _| (400, json!({"__type": "com.amazonaws.sqs#RequestThrottled"})),
            codes::SQS_UNAVAILABLE,
            false,
        ),
        (|_, _| (500, json!({})), codes::SQS_UNAVAILABLE, false),
    ];
    for (answers, code, permanent) in cases {
        let aws = Aws::answering(answers);
        let (error, for_good, _) = failure(executor(&aws).execute(&to(URL)).await);
        assert_eq!(
            (&*error.code, for_good),
            (code, permanent),
            "{}",
            error.message
        );
        assert_eq!(aws.asked("SendMessage").len(), 1, "nothing is repeated");
    }
}
