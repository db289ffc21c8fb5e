//! The two calls on the wire: what is asked, and what becomes of each answer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_async::time::StaticTimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::*;

/// 2026-11-21T21:20:00Z.
const NOW: Duration = Duration::from_secs(1_795_296_000);

/// S3 refuses for now.
const SLOW_DOWN: Answer = Answer::Status(503, "<Error><Code>SlowDown</Code></Error>");

/// What comes of a request.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Status(u16, &'static str),
    /// An answer that breaks off.
    Torn,
    /// A refusal by a server whose clock is an hour ahead.
    Ahead,
    NoConnection,
    Silence,
}

impl Answer {
    fn given(self) -> Result<HttpResponse, ConnectorError> {
        let (status, body, header) = match self {
            Self::Status(status, body) => (status, body, None),
            Self::Torn => (200, "who", Some(("content-length", "5"))),
            Self::Ahead => (
                403,
                "<Error><Code>RequestTimeTooSkewed</Code></Error>",
                Some(("date", "Sat, 21 Nov 2026 22:20:00 GMT")),
            ),
            Self::NoConnection => return Err(ConnectorError::io("refused".into())),
            Self::Silence => return Err(ConnectorError::timeout("silent".into())),
        };
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
        response.headers_mut().insert("x-amz-request-id", "R1");
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        Ok(response)
    }
}

/// A network that gives these answers, and keeps what was asked.
#[derive(Debug, Clone)]
struct Wire {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<HttpRequest>>>,
}

impl Wire {
    fn of(answers: &[Answer]) -> Self {
        Self {
            answers: Arc::new(Mutex::new(answers.iter().copied().collect())),
            asked: Arc::default(),
        }
    }

    fn header(&self, request: usize, name: &str) -> Option<String> {
        let asked = self.asked.lock().unwrap();
        asked[request].headers().get(name).map(str::to_owned)
    }

    fn uris(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .map(|request| request.uri().to_owned())
            .collect()
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.asked.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front();
        HttpConnectorFuture::ready(answer.expect("no more than the planned requests").given())
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn anonymous(wire: &Wire) -> aws_types::sdk_config::Builder {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .time_source(StaticTimeSource::new(SystemTime::UNIX_EPOCH + NOW))
        .http_client(wire.clone())
}

fn objects_for(wire: &Wire, token: Option<&str>) -> Objects {
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    let token = token.map(str::to_owned);
    let credentials = Credentials::new("AKIDEXAMPLE", secret, token, None, "test");
    let sdk = anonymous(wire)
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials));
    Objects::new(&sdk.build(), "bucket")
}

/// The outcome of a get that is answered so, and the number of requests that it took.
async fn get(answers: &[Answer]) -> (Result<Option<String>, String>, usize) {
    let wire = Wire::of(answers);
    let got = objects_for(&wire, None).get("key").await;
    (got.map_err(|error| chain(&*error)), wire.uris().len())
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let errors = std::iter::successors(Some(error), |error| error.source());
    errors
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

// The signatures of this test and the next are botocore's, for the same requests.
#[tokio::test]
async fn a_put_is_signed_with_its_body() {
    let wire = Wire::of(&[Answer::Status(200, "")]);
    let objects = objects_for(&wire, Some("token"));
    let body = "{\"a\":1}".to_owned();
    objects.put("acme/tasks/x/in-0", body).await.unwrap();
    let host = "https://bucket.s3.eu-central-1.amazonaws.com";
    assert_eq!(wire.uris(), [format!("{host}/acme/tasks/x/in-0")]);
    for (name, value) in [
        ("content-type", "application/json"),
        ("content-length", "7"),
        ("user-agent", USER_AGENT),
        ("x-amz-security-token", "token"),
        (
            "x-amz-content-sha256",
            "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862",
        ),
        (
            "authorization",
            "AWS4-HMAC-SHA256 \
             Credential=AKIDEXAMPLE/20261121/eu-central-1/s3/aws4_request, \
             SignedHeaders=content-length;content-type;host;x-amz-content-sha256;x-amz-date;\
             x-amz-security-token, \
             Signature=0013a05a9c44fc8862d5ceaa79ca131bfe520c0cf0d0226984951e18cd4d078d",
        ),
    ] {
        assert_eq!(wire.header(0, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(wire.asked.lock().unwrap()[0].method(), "PUT");
}

#[tokio::test]
async fn a_get_is_signed_for_the_path_as_it_is_sent() {
    let wire = Wire::of(&[Answer::Status(200, "whole")]);
    let got = objects_for(&wire, None)
        .get("acme/tasks/a b+ü?&/in-0")
        .await;
    assert_eq!(got.unwrap().as_deref(), Some("whole"));
    let path = "/acme/tasks/a%20b%2B%C3%BC%3F%26/in-0";
    assert!(wire.uris()[0].ends_with(path), "{:?}", wire.uris());
    assert_eq!(
        wire.header(0, "authorization").unwrap(),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/eu-central-1/s3/aws4_request, \
         SignedHeaders=host;x-amz-content-sha256;x-amz-date, \
         Signature=d5c5fb58e65f1ea366a64354c58cd450928d68cd98c540f670282f62821044b8"
    );
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_asked_again() {
    for passing in [
        SLOW_DOWN,
        Answer::Status(500, "<Error><Code>InternalError</Code></Error>"),
        Answer::Status(400, "<Error><Code>RequestTimeout</Code></Error>"),
        Answer::Status(429, ""),
        Answer::Status(502, "<html>Bad gateway"),
        Answer::Torn,
        Answer::NoConnection,
        Answer::Silence,
    ] {
        let outcome = get(&[passing, Answer::Status(200, "whole")]).await;
        assert_eq!(outcome, (Ok(Some("whole".to_owned())), 2), "{passing:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_stays_is_asked_three_times() {
    let (got, requests) = get(&[SLOW_DOWN; 3]).await;
    let error = got.unwrap_err();
    assert!(
        error.contains("SlowDown") && error.contains("503"),
        "{error}"
    );
    assert_eq!(requests, 3);
}

#[tokio::test]
async fn no_such_key_is_no_object_and_no_such_bucket_an_error() {
    let key = Answer::Status(404, "<Error><Code>NoSuchKey</Code></Error>");
    assert_eq!(get(&[key]).await, (Ok(None), 1));
    let bucket = Answer::Status(404, "<Error><Code>NoSuchBucket</Code></Error>");
    let (got, requests) = get(&[bucket]).await;
    assert!(got.unwrap_err().contains("NoSuchBucket"));
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_refusal_says_what_s3_said() {
    let body = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>\
                <Message>Not &lt;you&gt;</Message><HostId>h</HostId></Error>";
    let (got, requests) = get(&[Answer::Status(403, body)]).await;
    let error = got.unwrap_err();
    for part in ["AccessDenied", "Not <you>", "403", "R1"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn content_that_is_no_text_is_an_error() {
    let response = HttpResponse::new(200.try_into().unwrap(), SdkBody::from(vec![0xff]));
    assert!(content(&response).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_put_right() {
    let wire = Wire::of(&[Answer::Ahead, Answer::Status(200, "")]);
    let got = objects_for(&wire, None).get("key").await;
    assert_eq!(got.unwrap().as_deref(), Some(""));
    let dates = [0, 1].map(|request| wire.header(request, "x-amz-date").unwrap());
    assert_eq!(dates, ["20261121T212000Z", "20261121T222000Z"]);
}

#[tokio::test]
async fn nothing_is_asked_without_a_region_or_credentials() {
    let wire = Wire::of(&[]);
    let credentials = Credentials::new("id", "secret", None, None, "test");
    let credentials = SharedCredentialsProvider::new(credentials);
    let nowhere = anonymous(&wire).credentials_provider(credentials);
    let nobody = anonymous(&wire).region(Region::new("eu-central-1"));
    for (sdk, expected) in [
        (nowhere, "missing signing region"),
        (nobody, "identity_resolvers"),
    ] {
        let got = Objects::new(&sdk.build(), "bucket").get("key").await;
        let error = chain(&*got.unwrap_err());
        assert!(error.contains(expected), "{error}");
    }
}
