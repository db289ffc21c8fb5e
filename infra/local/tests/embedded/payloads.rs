//! The payload bucket over the embedded S3.

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use taskmill::ids::TenantId;
use taskmill_aws::clock::Clock;
use taskmill_aws::payloads::{ContentHash, Error, PayloadKey, PayloadKind, Payloads};
use taskmill_local::{Failure, LocalAws};
use uuid::Uuid;

use crate::aws;
use crate::endpoint::{sdk, serve};

fn key(content: &str) -> PayloadKey {
    let tenant = TenantId::new("acme").unwrap();
    let hash = ContentHash::of(content);
    PayloadKey::new(&tenant, PayloadKind::Task, Uuid::nil(), "in", hash)
}

fn bucket(sdk: &SdkConfig) -> Payloads {
    Payloads::new(sdk, "payloads")
}

fn repeating(aws: &LocalAws) -> Payloads {
    let sdk = aws.sdk_config().into_builder();
    bucket(&sdk.retry_config(RetryConfig::standard()).build())
}

async fn check(payloads: &Payloads, content: &str) {
    let key = key(content);
    assert_eq!(payloads.get(&key).await.unwrap(), None);
    for _ in 0..2 {
        payloads.put(&key, content.to_owned()).await.unwrap();
        assert_eq!(payloads.get(&key).await.unwrap().as_deref(), Some(content));
    }
}

#[tokio::test(start_paused = true)]
async fn payloads_come_back_and_are_metered() {
    let aws = aws();
    check(&bucket(&aws.sdk_config()), "{\"ü\":1}").await;
    let metered = aws.meter().snapshot().requests;
    assert_eq!(metered["s3.PutObject"], 2);
    assert_eq!(metered["s3.GetObject"], 3);
}

#[tokio::test(start_paused = true)]
async fn a_large_payload_comes_back_whole() {
    let large = "0123456789abcdef".repeat(512 * 1024);
    check(&bucket(&aws().sdk_config()), &large).await;
}

#[tokio::test]
async fn payloads_survive_in_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let open = || LocalAws::open(directory.path(), Clock::anchored_now()).unwrap();
    check(&bucket(&open().sdk_config()), "kept").await;
    let got = bucket(&open().sdk_config()).get(&key("kept")).await;
    assert_eq!(got.unwrap().as_deref(), Some("kept"));
}

#[tokio::test]
async fn payloads_go_over_the_network_and_fail_without_it() {
    let served = serve().await;
    let payloads = bucket(&sdk(&served.url).await);
    check(&payloads, "over a port").await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let sdk = sdk(&url).await.into_builder();
    let closed = bucket(&sdk.retry_config(RetryConfig::disabled()).build());
    let put = closed.put(&key("x"), "x".to_owned()).await;
    assert!(matches!(put, Err(Error::Put { .. })), "{put:?}");
    let got = closed.get(&key("x")).await;
    assert!(matches!(got, Err(Error::Get { .. })), "{got:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_reaches_the_caller_when_retries_are_off() {
    let aws = aws();
    let payloads = bucket(&aws.sdk_config());
    aws.faults().fail(1, Failure::ServerError);
    let put = payloads.put(&key("x"), "x".to_owned()).await;
    assert!(matches!(put, Err(Error::Put { .. })), "{put:?}");
    assert_eq!(payloads.get(&key("x")).await.unwrap(), None);
    aws.faults().fail(3, Failure::Throttled);
    let got = payloads.get(&key("x")).await;
    assert!(matches!(got, Err(Error::Get { .. })), "{got:?}");
}

#[tokio::test(start_paused = true)]
async fn failures_are_asked_again_when_retries_are_on() {
    for failure in [
        Failure::Throttled,
        Failure::ServerError,
        Failure::TimeoutAfterSuccess,
    ] {
        let aws = aws();
        let payloads = repeating(&aws);
        for call in [1, 3] {
            aws.faults().fail(call, failure);
        }
        payloads.put(&key("x"), "x".to_owned()).await.unwrap();
        let got = payloads.get(&key("x")).await.unwrap();
        assert_eq!(got.as_deref(), Some("x"), "{failure:?}");
        assert_eq!(aws.faults().calls(), 4, "{failure:?}");
    }
}
