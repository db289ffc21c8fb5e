//! The embedded AWS on a port: what an SDK and what a plain request find there.

use std::net::TcpListener;

use aws_config::BehaviorVersion;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sqs::config::Credentials;
use taskmill_aws::clock::Clock;
use taskmill_aws::sdk::https;
use taskmill_local::{Endpoint, LocalAws};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A port that is open until `stop` is dropped.
pub struct Served {
    pub url: String,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

pub async fn serve() -> Served {
    let aws = LocalAws::in_memory(Clock::anchored_now()).unwrap();
    let endpoint = Endpoint::bind(aws, 0).await.unwrap();
    let url = endpoint.url();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(endpoint.serve(async {
        stopped.await.unwrap_err();
    }));
    Served { url, stop, serving }
}

pub async fn sdk(url: &str) -> aws_config::SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(https())
        // Others know AWS's own regions alone.
        .region("us-east-1")
        .endpoint_url(url)
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .load()
        .await
}

/// Sends a request as it stands, and gives the status and everything after it.
async fn ask(url: &str, head: &str, body: &str) -> (u16, String) {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let host = if head.contains("Host:") {
        String::new()
    } else {
        format!("Host: {address}\r\n")
    };
    let length = if head.contains("Content-Length:") {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    let head = head.replace('\n', "\r\n");
    let request = format!("{head}\r\n{host}{length}Connection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (status, rest) = answer.split_once("\r\n").unwrap();
    let status = status.split(' ').nth(1).unwrap().parse().unwrap();
    (status, rest.to_owned())
}

#[tokio::test]
async fn requests_that_aws_would_refuse_are_refused_in_its_words() {
    let served = serve().await;
    let cases = [
        ("POST / HTTP/1.1", "{}", 400, "UnknownOperationException"),
        (
            "POST / HTTP/1.1\nX-Amz-Target: DynamoDB_20120810.Forget",
            "{}",
            400,
            "UnknownOperationException",
        ),
        (
            "POST / HTTP/1.1\nX-Amz-Target: DynamoDB_20120810.GetItem",
            "{\"TableName\": ",
            400,
            "SerializationException",
        ),
        (
            "POST / HTTP/1.1\nX-Amz-Target: DynamoDB_20120810.GetItem",
            r#"{"TableName": "Nowhere", "Key": {"id": {"S": "1"}}}"#,
            400,
            "ResourceNotFoundException",
        ),
        (
            "POST / HTTP/1.1\nX-Amz-Target: DynamoDB_20120810.GetItem",
            r#"{"TableName": "!", "Key": {"id": {"S": "1"}}}"#,
            400,
            "ValidationException",
        ),
        (
            "POST / HTTP/1.1\nX-Amz-Target: AmazonSQS.Forget",
            "{}",
            400,
            "UnknownOperationException",
        ),
        (
            "POST / HTTP/1.1\nX-Amz-Target: AmazonSQS.TagQueue",
            "{}",
            400,
            "com.amazonaws.sqs#UnsupportedOperation",
        ),
        (
            "POST / HTTP/1.1\nX-Amz-Target: AmazonSQS.SendMessage",
            "[",
            400,
            "SerializationException",
        ),
        (
            "POST / HTTP/1.1\nContent-Type: application/x-www-form-urlencoded",
            "Action=ListQueues",
            400,
            "<Code>InvalidAction</Code>",
        ),
        (
            "POST / HTTP/1.1\nX-Amz-Target: Kinesis_20131202.PutRecord",
            "{}",
            501,
            "NotImplemented",
        ),
        (
            "POST / HTTP/1.1\nX-Amz-Target: AmazonSQS.SendMessage\nContent-Length: 16777217",
            "",
            413,
            "RequestEntityTooLargeException",
        ),
        (
            "POST / HTTP/1.1\nX-Amz-Target: AmazonSQS.ListQueues\nHost: example.com",
            "{}",
            403,
            "AccessDeniedException",
        ),
        (
            "PUT /bucket/key HTTP/1.1\nAuthorization: AWS4-HMAC-SHA256 Credential=id/20261122/local/s3/aws4_request\nContent-Encoding: aws-chunked",
            "0\r\n\r\n",
            501,
            "<Code>NotImplemented</Code>",
        ),
    ];
    for (head, body, status, holds) in cases {
        let (found, answer) = ask(&served.url, head, body).await;
        assert_eq!(found, status, "{head}: {answer}");
        assert!(answer.contains(holds), "{head}: {answer}");
    }
}

#[tokio::test]
async fn answers_have_an_id_and_their_checksum() {
    let served = serve().await;
    let head = "POST / HTTP/1.1\nX-Amz-Target: DynamoDB_20120810.ListTables";
    let (status, answer) = ask(&served.url, head, "{}").await;
    let (headers, body) = answer.split_once("\r\n\r\n").unwrap();
    let value = |name: &str| {
        let line = headers.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim_start_matches(": ").to_owned())
    };
    assert_eq!(status, 200, "{answer}");
    let checksum = crc32fast::hash(body.as_bytes()).to_string();
    assert_eq!(value("x-amz-crc32"), Some(checksum));
    assert!(value("x-amzn-requestid").is_some_and(|id| id.len() == 36));
}

#[tokio::test]
async fn an_sdk_finds_queues_where_it_was_told_and_objects_by_path() {
    let served = serve().await;
    let config = sdk(&served.url).await;
    let queues = aws_sdk_sqs::Client::new(&config);
    let created = queues.create_queue().queue_name("q").send().await.unwrap();
    let url = created.queue_url.unwrap();
    assert_eq!(url, format!("{}/000000000000/q", served.url));
    let listed = queues.list_queues().send().await.unwrap();
    assert_eq!(listed.queue_urls(), std::slice::from_ref(&url));
    let send = queues.send_message().queue_url(&url).message_body("one");
    send.send().await.unwrap();
    let received = queues.receive_message().queue_url(&url).send().await;
    assert_eq!(received.unwrap().messages().len(), 1);

    let objects = aws_sdk_s3::Client::new(&config);
    let body = ByteStream::from_static(b"whole");
    let put = objects
        .put_object()
        .bucket("payloads")
        .key("a/b")
        .body(body);
    put.send().await.unwrap();
    let got = objects.get_object().bucket("payloads").key("a/b").send();
    let got = got.await.unwrap().body.collect().await.unwrap();
    assert_eq!(got.into_bytes(), "whole");
    let gone = objects.get_object().bucket("payloads").key("c").send();
    assert!(
        gone.await
            .unwrap_err()
            .into_service_error()
            .is_no_such_key()
    );
}

#[tokio::test]
async fn a_receive_that_waits_ends_with_the_port() {
    let served = serve().await;
    let queues = aws_sdk_sqs::Client::new(&sdk(&served.url).await);
    let created = queues.create_queue().queue_name("q").send().await.unwrap();
    let receive = queues.receive_message().wait_time_seconds(20);
    let receive = receive.set_queue_url(created.queue_url).send();
    let receiving = tokio::spawn(receive);
    // Its answer comes after the receive arrived, or the receive is refused: either ends it.
    queues.list_queues().send().await.unwrap();
    drop(served.stop);
    served.serving.await.unwrap().unwrap();
    let received = receiving.await.unwrap();
    assert!(received.map_or(true, |received| received.messages().is_empty()));
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let aws = LocalAws::in_memory(Clock::anchored_now()).unwrap();
    let error = Endpoint::bind(aws, port).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}
