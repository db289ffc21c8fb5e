//! `events:` tasks against an EventBridge that a test scripts.

use taskmill::codes::failure::EXECUTOR_NOT_FOUND;

use super::*;
use crate::executor::codes;
use crate::executor::testing::aws::{Answers, Aws};
use crate::executor::testing::{call, callback, failure, output};

fn executor(aws: &Aws) -> EventsExecutor {
    EventsExecutor::new(aws.sdk(), None, Clock::system())
}

fn to(bus: &str) -> Call {
    let config = json!({"executor": format!("events:{bus}")});
    let bus = bus.to_owned();
    call(ExecutorRef::Events { bus }, &config, json!({"n": 1}))
}

const TAKEN: Answers = |_, _| {
    (
        200,
        json!({"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]}),
    )
};

/// The one entry that a bus was given, and what it says.
fn entry(aws: &Aws) -> (Value, Value) {
    let asked = aws.asked("PutEvents").remove(0);
    let entry = asked["Entries"][0].clone();
    let detail = entry["Detail"].as_str().unwrap();
    let detail = serde_json::from_str(detail).unwrap();
    (entry, detail)
}

#[tokio::test]
async fn an_event_has_the_input_and_names_the_attempt() {
    let aws = Aws::answering(TAKEN);
    let call = to("orders");
    let sent = output(executor(&aws).execute(&call).await);
    assert_eq!(sent, json!({"eventId": "e-1"}));
    let (entry, detail) = entry(&aws);
    assert_eq!(entry["EventBusName"], "orders");
    assert_eq!(
        (&entry["Source"], &entry["DetailType"]),
        (&json!("taskmill"), &json!("a-task"))
    );
    let expected = json!({
        "input": {"n": 1}, "tenantId": "acme", "taskId": call.task_id,
        "executionId": call.execution_id, "attempt": 1,
        "deadline": "2026-11-21T12:00:00.000Z", "traceparent": call.traceparent,
    });
    assert_eq!(detail, expected);
    let request = aws.requests().remove(0);
    assert_eq!(request.uri(), "https://events.eu-central-1.amazonaws.com/");
    let header = |name: &str| request.headers().get(name).unwrap_or_default();
    assert_eq!(header("content-type"), "application/x-amz-json-1.1");
    let signature = header("authorization");
    assert!(
        signature.contains("/eu-central-1/events/aws4_request"),
        "{signature}"
    );
}

#[tokio::test]
async fn the_body_stands_in_place_of_the_input_and_a_callback_in_the_detail() {
    let aws = Aws::answering(TAKEN);
    let call = Call {
        body: Some(Value::Null),
        ..callback(to("orders"))
    };
    let execution = executor(&aws).execute(&call).await;
    assert_eq!(execution.outcome, Outcome::HandedOver);
    let (_, detail) = entry(&aws);
    assert_eq!(detail["input"], Value::Null);
    assert_eq!(detail["callbackUrl"], call.callback.as_ref().unwrap().url);
}

#[tokio::test]
async fn a_role_sends_where_the_definition_names_none() {
    let aws = Aws::answering(TAKEN);
    let sender = Some("arn:aws:iam::123456789012:role/sender".to_owned());
    let executor = EventsExecutor::new(aws.sdk(), sender, Clock::system());
    output(executor.execute(&to("orders")).await);
    let assumed = aws.assumed();
    let role = "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fsender";
    assert!(
        assumed.contains(role) && assumed.contains("taskmill-acme"),
        "{assumed}"
    );
}

#[tokio::test]
async fn a_refusal_says_whether_another_attempt_is_of_use() {
    let cases: [(Answers, &str, bool); 5] = [
        (
            |_, _| {
                (
                    400,
                    json!({"__type": "ResourceNotFoundException", "message": "no bus"}),
                )
            },
            EXECUTOR_NOT_FOUND,
            true,
        ),
        (
            |_, _| {
                (
                    400,
                    json!({"__type": "x#AccessDeniedException", "Message": "no"}),
                )
            },
            codes::EVENTS_REFUSED,
            true,
        ),
        (
            |_, _| (400, json!({"__type": "ThrottlingException"})),
            codes::EVENTS_UNAVAILABLE,
            false,
        ),
        (|_, _| (503, json!({})), codes::EVENTS_UNAVAILABLE, false),
        (
            |_, _| {
                let entry = json!({"ErrorCode": "InternalFailure", "ErrorMessage": "later"});
                (200, json!({"FailedEntryCount": 1, "Entries": [entry]}))
            },
            codes::EVENTS_UNAVAILABLE,
            false,
        ),
    ];
    for (answers, code, permanent) in cases {
        let aws = Aws::answering(answers);
        let (error, for_good, _) = failure(executor(&aws).execute(&to("orders")).await);
        assert_eq!(
            (&*error.code, for_good),
            (code, permanent),
            "{}",
            error.message
        );
        assert_eq!(aws.asked("PutEvents").len(), 1, "nothing is repeated");
    }
}
