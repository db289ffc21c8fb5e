//! `lambda:` tasks against the SDK with a connection that a test answers.

use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_lambda::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::json;

use taskmill::codes::failure::EXECUTOR_NOT_FOUND;

use super::*;
use crate::executor::codes;
use crate::executor::testing::{TOKEN, call, failure, output, secrets};

/// A request as AWS would have seen it.
#[derive(Debug, Clone)]
struct Seen {
    uri: String,
    credential: String,
    body: String,
}

/// What Lambda answers: status, header fields, body; none is a broken connection.
type Answer = Option<(u16, Vec<(&'static str, &'static str)>, String)>;
type Answers = fn(&Seen) -> Answer;

/// An AWS that remembers what it was asked.
#[derive(Debug, Clone)]
struct Aws {
    answers: Answers,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Aws {
    fn answering(answers: Answers) -> Self {
        Self {
            answers,
            seen: Arc::default(),
        }
    }

    fn executor(&self) -> LambdaExecutor {
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(own_credentials()))
            .http_client(self.clone())
            .build();
        LambdaExecutor::new(sdk, secrets(), Clock::system())
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl HttpClient for Aws {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let authorization = request.headers().get("authorization").unwrap_or_default();
        let credential = authorization
            .split("Credential=")
            .nth(1)
            .unwrap_or_default();
        let seen = Seen {
            uri: request.uri().to_owned(),
            credential: credential.split('/').next().unwrap_or_default().to_owned(),
            body: String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned(),
        };
        let answer = (self.answers)(&seen);
        self.seen.lock().unwrap().push(seen);
        HttpConnectorFuture::ready(match answer {
            None => Err(ConnectorError::io("connection reset".into())),
            Some((status, headers, body)) => {
                let status = StatusCode::try_from(status).unwrap();
                let mut response = HttpResponse::new(status, SdkBody::from(body));
                for (name, value) in headers {
                    response.headers_mut().insert(name, value);
                }
                Ok(response)
            }
        })
    }
}

fn own_credentials() -> Credentials {
    Credentials::new("OWN", "own-key", None, None, "test")
}

fn lambda(function: &str, config: Value) -> Call {
    let mut config = config;
    config["executor"] = json!(format!("lambda:{function}"));
    let function = function.to_owned();
    call(ExecutorRef::Lambda { function }, &config, json!({"n": 1}))
}

/// An answer of a function that threw.
const THREW: [(&str, &str); 1] = [("x-amz-function-error", "Unhandled")];

#[tokio::test]
async fn a_function_receives_the_call_and_gives_the_output() {
    let aws = Aws::answering(|_| {
        Some((
            200,
            Vec::new(),
            "{\"sum\": 18446744073709551615}".to_owned(),
        ))
    });
    let mut call = lambda(
        "adder:live",
        json!({
            "environmentVariables": {"MODE": "fast", "KEY": "{{secret:TOKEN}}"},
            "resourceRequirements": {"memory": "512Mi"},
        }),
    );
    call.task_path = Some("first".to_owned());
    let execution = aws.executor().execute(&call).await;
    assert_eq!(output(execution), json!({"sum": u64::MAX}));
    let seen = &aws.seen()[0];
    assert!(
        seen.uri
            .ends_with("/2015-03-31/functions/adder%3Alive/invocations"),
        "{}",
        seen.uri
    );
    assert_eq!(seen.credential, "OWN");
    assert_eq!(
        serde_json::from_str::<Value>(&seen.body).unwrap(),
        json!({
            "input": {"n": 1},
            "taskId": call.task_id,
            "executionId": call.execution_id,
            "attempt": 1,
            "deadline": "2026-11-21T12:00:00.000Z",
            "securityContext": {"userId": "ann", "tenantId": "acme"},
            "traceparent": call.traceparent,
            "environmentVariables": {"KEY": TOKEN, "MODE": "fast"},
            "taskPath": "first",
            "resourceRequirements": {"memory": "512Mi"},
        })
    );
}

#[tokio::test]
async fn functions_that_fail_say_why() {
    #[track_caller]
    fn check(execution: Execution, code: &str, message: &str, trace: Option<&str>) {
        let (error, permanent, _) = failure(execution);
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            (code, message)
        );
        assert_eq!(error.stack_trace.as_deref(), trace);
        assert_eq!(error.details["functionError"], "Unhandled");
        assert!(!permanent);
    }
    async fn run(answers: Answers) -> Execution {
        Aws::answering(answers)
            .executor()
            .execute(&lambda("f", json!({})))
            .await
    }
    let python = run(|_| {
        Some((
            200,
            THREW.to_vec(),
            json!({"errorType": "ValueError",
        "errorMessage": "bad", "requestId": "r", "stackTrace": ["  File a\n", "  File b\n"]})
            .to_string(),
        ))
    })
    .await;
    check(python, "ValueError", "bad", Some("  File a\n  File b"));
    let node = run(|_| {
        Some((
            200,
            THREW.to_vec(),
            json!({"errorType": "TypeError",
        "errorMessage": "x is undefined", "trace": ["TypeError: x", "    at y"]})
            .to_string(),
        ))
    })
    .await;
    check(
        node,
        "TypeError",
        "x is undefined",
        Some("TypeError: x\n    at y"),
    );
    let timeout = run(|_| {
        Some((
            200,
            THREW.to_vec(),
            json!({"errorMessage": "Task timed out after 3.00 seconds"}).to_string(),
        ))
    })
    .await;
    check(
        timeout,
        codes::LAMBDA_FAILED,
        "Task timed out after 3.00 seconds",
        None,
    );
    let text = run(|_| Some((200, THREW.to_vec(), "oops".to_owned()))).await;
    check(text, codes::LAMBDA_FAILED, "the function failed", None);
}

#[tokio::test]
async fn failures_of_lambda_are_told_apart() {
    #[track_caller]
    fn check(execution: Execution, code: &str, permanent: bool, retry_after: Option<u64>) {
        let (error, is_permanent, after) = failure(execution);
        assert_eq!(
            (error.code.as_str(), is_permanent, after),
            (code, permanent, retry_after)
        );
    }
    async fn run(answers: Answers) -> Execution {
        let aws = Aws::answering(answers);
        let execution = aws.executor().execute(&lambda("f", json!({}))).await;
        assert_eq!(aws.seen().len(), 1, "an attempt is one invocation");
        execution
    }
    fn says(status: u16, kind: &'static str) -> Answer {
        let headers = vec![("x-amzn-errortype", kind), ("retry-after", "3")];
        Some((status, headers, json!({"Message": "said so"}).to_string()))
    }
    let execution = run(|_| says(404, "ResourceNotFoundException")).await;
    check(execution, EXECUTOR_NOT_FOUND, true, None);
    let execution = run(|_| says(429, "TooManyRequestsException")).await;
    check(execution, codes::LAMBDA_THROTTLED, false, Some(3000));
    let execution = run(|_| says(502, "EC2ThrottledException")).await;
    check(execution, codes::LAMBDA_THROTTLED, false, None);
    let execution = run(|_| says(413, "RequestTooLargeException")).await;
    check(execution, PAYLOAD_TOO_LARGE, true, None);
    let execution = run(|_| says(403, "AccessDeniedException")).await;
    check(execution, codes::LAMBDA_REFUSED, true, None);
    let execution = run(|_| says(409, "ResourceConflictException")).await;
    check(execution, codes::LAMBDA_UNAVAILABLE, false, None);
    let execution = run(|_| says(500, "ServiceException")).await;
    check(execution, codes::LAMBDA_UNAVAILABLE, false, None);
    let execution = run(|_| None).await;
    check(execution, codes::LAMBDA_UNAVAILABLE, false, None);
}

#[tokio::test]
async fn payloads_over_the_quota_are_refused() {
    let aws = Aws::answering(|_| Some((200, Vec::new(), "null".to_owned())));
    let mut call = lambda("f", json!({}));
    call.input = json!("x".repeat(INVOCATION_BYTES));
    let (error, permanent, _) = failure(aws.executor().execute(&call).await);
    assert_eq!((error.code.as_str(), permanent), (PAYLOAD_TOO_LARGE, true));
    assert!(aws.seen().is_empty());

    let aws = Aws::answering(|_| Some((200, Vec::new(), "1".repeat(INVOCATION_BYTES + 1))));
    let (error, permanent, _) = failure(aws.executor().execute(&lambda("f", json!({}))).await);
    assert_eq!((error.code.as_str(), permanent), (PAYLOAD_TOO_LARGE, true));
}

#[tokio::test]
async fn values_of_secrets_stay_out_of_what_comes_back() {
    let echoes: [Answers; 3] = [
        |seen| Some((200, Vec::new(), seen.body.clone())),
        |seen| Some((200, THREW.to_vec(), seen.body.clone())),
        |_| {
            Some((
                200,
                THREW.to_vec(),
                json!({"errorType": TOKEN, "errorMessage": TOKEN,
            "stackTrace": [TOKEN]})
                .to_string(),
            ))
        },
    ];
    for answers in echoes {
        let aws = Aws::answering(answers);
        let call = lambda(
            "f",
            json!({"environmentVariables": {"KEY": "{{secret:TOKEN}}"}}),
        );
        let execution = aws.executor().execute(&call).await;
        assert!(aws.seen()[0].body.contains(TOKEN));
        let shown = serde_json::to_string(&execution.outcome).unwrap();
        assert!(shown.contains("***") && !shown.contains(TOKEN), "{shown}");
    }
}

/// STS gives keys named after the session; Lambda answers null.
fn assumed(seen: &Seen) -> Answer {
    let Some(session) = seen.body.split("RoleSessionName=").nth(1) else {
        return Some((200, Vec::new(), "null".to_owned()));
    };
    let session = session.split('&').next().unwrap_or_default();
    let keys = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <AssumeRoleResult><Credentials><AccessKeyId>KEY-{session}</AccessKeyId>\
         <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
         <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>\
         </AssumeRoleResponse>"
    );
    Some((200, Vec::new(), keys))
}

#[tokio::test]
async fn a_role_is_assumed_once_for_each_tenant() {
    let aws = Aws::answering(assumed);
    let executor = aws.executor();
    let role = "arn:aws:iam::123456789012:role/adder";
    let security = json!({"runAs": role, "permissions": [], "securityLevel": "LOW"});
    let mut call = lambda("f", json!({"securityContext": security}));
    for tenant in ["acme", "acme", "other"] {
        call.context.tenant_id = taskmill::ids::TenantId::new(tenant).unwrap();
        assert_eq!(output(executor.execute(&call).await), Value::Null);
    }
    let credentials: Vec<String> = aws.seen().into_iter().map(|seen| seen.credential).collect();
    let expected = [
        "OWN",
        "KEY-taskmill-acme",
        "KEY-taskmill-acme",
        "OWN",
        "KEY-taskmill-other",
    ];
    assert_eq!(credentials, expected);
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_is_a_failure() {
    let aws = Aws::answering(|_| {
        let denied = "<ErrorResponse><Error><Code>AccessDenied</Code>\
                      <Message>not for you</Message></Error></ErrorResponse>";
        Some((403, Vec::new(), denied.to_owned()))
    });
    let security =
        json!({"runAs": "arn:aws:iam::1:role/x", "permissions": [], "securityLevel": "LOW"});
    let call = lambda("f", json!({"securityContext": security}));
    let (error, ..) = failure(aws.executor().execute(&call).await);
    assert_eq!(error.code, codes::LAMBDA_UNAVAILABLE);
    assert!(error.message.contains("not for you"), "{}", error.message);
}
