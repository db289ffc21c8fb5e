//! Faults at the wire: what a caller sees, and what took effect.

use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemOutput};
use taskmill_local::{Failure, LocalAws};

use crate::aws;
use crate::dynamodb::{get, put, table};
use crate::sqs::{queue, receive, send};

type Put = Result<PutItemOutput, SdkError<PutItemError>>;

/// Puts an item while the next call has a fault, and says whether the item is there afterwards.
async fn put_with(plan: impl FnOnce(&LocalAws, u64)) -> (Option<Put>, bool) {
    let aws = aws();
    let client = table(&aws).await;
    plan(&aws, aws.faults().calls() + 1);
    let put = tokio::time::timeout(Duration::from_secs(3600), put(&client, "1").send());
    let put = put.await.ok();
    aws.faults().revive();
    (put, get(&client, "1").await.is_some())
}

#[tokio::test(start_paused = true)]
async fn a_kill_before_a_call_leaves_nothing() {
    let (put, there) = put_with(|aws, call| aws.faults().kill_before(call)).await;
    assert!(put.is_none());
    assert!(!there);
}

#[tokio::test(start_paused = true)]
async fn a_kill_after_a_call_leaves_its_effect_and_no_answer() {
    let (put, there) = put_with(|aws, call| aws.faults().kill_after(call)).await;
    assert!(put.is_none());
    assert!(there);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_has_no_effect() {
    let (put, there) = put_with(|aws, call| aws.faults().fail(call, Failure::Throttled)).await;
    assert_eq!(
        put.unwrap().unwrap_err().code(),
        Some("ThrottlingException")
    );
    assert!(!there);
}

#[tokio::test(start_paused = true)]
async fn a_server_error_has_no_effect() {
    let (put, there) = put_with(|aws, call| aws.faults().fail(call, Failure::ServerError)).await;
    assert_eq!(
        put.unwrap().unwrap_err().code(),
        Some("InternalServerError")
    );
    assert!(!there);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_a_timeout_of_what_took_effect() {
    let lost = Failure::TimeoutAfterSuccess;
    let (put, there) = put_with(|aws, call| aws.faults().fail(call, lost)).await;
    assert!(matches!(put, Some(Err(SdkError::DispatchFailure(failure))) if failure.is_timeout()));
    assert!(there);
}

#[tokio::test(start_paused = true)]
async fn a_killed_process_gets_no_answer_to_anything() {
    let aws = aws();
    let (client, url) = queue(&aws, "q").await;
    aws.faults().kill_before(aws.faults().calls() + 1);
    let doomed = tokio::spawn({
        let (client, url) = (client.clone(), url.clone());
        async move { send(&client, &url, "one").await }
    });
    aws.faults().killed().await;
    assert!(aws.faults().is_killed());
    let later = receive(client, url, 0);
    assert!(
        tokio::time::timeout(Duration::from_secs(60), later)
            .await
            .is_err()
    );
    assert!(!doomed.is_finished());
    doomed.abort();
}

#[tokio::test(start_paused = true)]
async fn a_restart_finds_the_tables_and_no_queues() {
    let first = aws();
    put(&table(&first).await, "1").send().await.unwrap();
    queue(&first, "q").await;
    first.faults().kill_before(1);
    let second = first.restarted();
    let client = aws_sdk_dynamodb::Client::new(&second.sdk_config());
    assert!(get(&client, "1").await.is_some());
    assert!(second.queues().names().is_empty());
    assert_eq!(second.meter().snapshot().requests_of("dynamodb"), 1);
}

#[tokio::test(start_paused = true)]
async fn calls_are_named_in_their_order() {
    let aws = aws();
    aws.faults().record();
    let client = table(&aws).await;
    put(&client, "1").send().await.unwrap();
    queue(&aws, "q").await;
    let names = [
        "dynamodb.CreateTable",
        "dynamodb.PutItem",
        "sqs.CreateQueue",
    ];
    assert_eq!(aws.faults().recorded(), names);
    assert_eq!(aws.faults().calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_sdks_own_retries_can_be_turned_on() {
    let aws = aws();
    let (_, url) = queue(&aws, "q").await;
    let retries = aws_config::retry::RetryConfig::standard();
    let config = aws
        .sdk_config()
        .into_builder()
        .retry_config(retries)
        .build();
    let client = aws_sdk_sqs::Client::new(&config);
    aws.faults()
        .fail(aws.faults().calls() + 1, Failure::Throttled);
    send(&client, &url, "one").await;
    assert_eq!(aws.meter().snapshot().requests["sqs.SendMessage"], 1);
    assert_eq!(receive(client, url, 0).await.len(), 1);
}
