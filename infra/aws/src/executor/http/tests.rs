//! `http:` tasks against a real server on loopback.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use serde_json::{Value, json};
use taskmill::codes::failure::INVALID_OUTPUT;
use tokio::net::TcpListener;

use super::*;
use crate::executor::testing::{TOKEN, call, callback, failure, output, secrets};

/// What every request of a test meets.
struct Server {
    address: SocketAddr,
}

impl Server {
    async fn start() -> Self {
        let routes = Router::new()
            .route("/echo", any(echo))
            .route("/empty", any(|| async { StatusCode::NO_CONTENT }))
            .route("/later", any(|| async { (StatusCode::ACCEPTED, "soon") }))
            .route("/text", any(|| async { "hello" }))
            .route("/down", any(down))
            .route("/missing", any(missing))
            .route("/endless", any(endless))
            .route("/announced", any(announced))
            .route("/broken", any(broken))
            .route("/here", any(|| async { Redirect::temporary("/echo") }))
            .route("/see", post(|| async { Redirect::to("/seen") }))
            .route("/seen", get(|| async { "\"seen\"" }))
            .route(
                "/away",
                any(|| async { Redirect::temporary("http://localhost:1/echo") }),
            )
            .route("/round", any(|| async { Redirect::temporary("/round") }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { address }
    }

    async fn run(&self, path: &str, request: Value) -> Execution {
        self.execute(&self.call(path, request)).await
    }

    async fn execute(&self, call: &Call) -> Execution {
        executor(Reach::PublicAndLoopback).execute(call).await
    }

    fn call(&self, path: &str, request: Value) -> Call {
        let url = format!("http://{}{path}", self.address);
        let config = json!({"executor": format!("http:{url}"), "request": request});
        call(ExecutorRef::Http { url }, &config, json!({"n": 1}))
    }
}

fn executor(reach: Reach) -> HttpExecutor {
    HttpExecutor::new(reach, secrets(), Clock::system())
}

/// The request as the server saw it, so that a test reads it in the output.
async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let headers: serde_json::Map<String, Value> = parts
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                json!(String::from_utf8_lossy(value.as_bytes())),
            )
        })
        .collect();
    let body = String::from_utf8_lossy(&body);
    json!({"method": parts.method.as_str(), "headers": headers, "body": body})
        .to_string()
        .into_response()
}

async fn down() -> Response {
    let body = format!("out of order: {TOKEN} {}", "x".repeat(10_000));
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [("retry-after", "7")],
        body,
    )
        .into_response()
}

async fn missing() -> Response {
    (StatusCode::NOT_FOUND, "no such thing").into_response()
}

/// A body without an end, which nobody can read whole.
async fn endless() -> Response {
    let chunk = || Ok::<_, std::io::Error>(vec![b' '; 1 << 20]);
    let chunks = futures::stream::repeat_with(chunk);
    Body::from_stream(chunks).into_response()
}

async fn announced() -> Response {
    let length = (limits::PAYLOAD_BYTES + 1).to_string();
    let body = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    ([("content-length", length)], body).into_response()
}

async fn broken() -> Response {
    let chunks = [Ok(b"{\"a\":".to_vec()), Err(std::io::Error::other("cut"))];
    Body::from_stream(futures::stream::iter(chunks)).into_response()
}

#[tokio::test]
async fn the_input_goes_as_json_and_the_attempt_is_named() {
    let server = Server::start().await;
    let call = server.call("/echo", json!({}));
    let execution = server.execute(&call).await;
    let seen = output(execution);
    assert_eq!(seen["method"], "POST");
    assert_eq!(seen["body"], "{\"n\":1}");
    for (name, value) in [
        ("content-type", "application/json".to_owned()),
        ("accept", "application/json".to_owned()),
        ("x-taskmill-task-id", call.task_id.to_string()),
        ("x-taskmill-execution-id", call.execution_id.to_string()),
        ("idempotency-key", call.execution_id.to_string()),
        ("x-taskmill-attempt", "1".to_owned()),
        ("x-taskmill-deadline", "2026-11-21T12:00:00.000Z".to_owned()),
        ("traceparent", call.traceparent.clone().unwrap()),
    ] {
        assert_eq!(seen["headers"][name], json!(value), "{name}");
    }
}

#[tokio::test]
async fn a_202_hands_over_where_the_definition_says_so() {
    let server = Server::start().await;
    let execution = server
        .execute(&callback(server.call("/later", json!({}))))
        .await;
    assert_eq!(execution.outcome, Outcome::HandedOver);
    let done = output(
        server
            .execute(&callback(server.call("/empty", json!({}))))
            .await,
    );
    assert_eq!(done, Value::Null);
    let (error, ..) = failure(
        server
            .execute(&callback(server.call("/missing", json!({}))))
            .await,
    );
    assert_eq!(error.code, "HTTP_404");
    // Without the wish a 202 ends the attempt with its body, which is no JSON here.
    let (error, ..) = failure(server.run("/later", json!({})).await);
    assert_eq!(error.code, INVALID_OUTPUT);
}

#[tokio::test]
async fn who_is_asked_is_told_where_to_call_back_and_nobody_else() {
    let server = Server::start().await;
    let seen = output(
        server
            .execute(&callback(server.call("/echo", json!({}))))
            .await,
    );
    let url = &seen["headers"]["x-taskmill-callback-url"];
    assert_eq!(url, "https://api/v1/callbacks/***");
    let seen = output(server.run("/echo", json!({})).await);
    assert!(seen["headers"].get("x-taskmill-callback-url").is_none());
    let call = Call {
        callback: None,
        ..callback(server.call("/echo", json!({})))
    };
    let (error, permanent, _) = failure(server.execute(&call).await);
    assert_eq!(
        (&*error.code, permanent),
        (codes::CALLBACK_UNAVAILABLE, true)
    );
}

#[tokio::test]
async fn method_header_and_body_are_the_definitions() {
    let server = Server::start().await;
    let request = json!({"method": "PUT", "headers": {
        "Content-Type": "application/merge-patch+json", "X-Taskmill-Attempt": "99"}});
    let call = Call {
        body: Some(json!([1, "two"])),
        ..server.call("/echo", request)
    };
    let seen = output(server.execute(&call).await);
    assert_eq!(seen["method"], "PUT");
    assert_eq!(seen["body"], "[1,\"two\"]");
    assert_eq!(
        seen["headers"]["content-type"],
        "application/merge-patch+json"
    );
    assert_eq!(seen["headers"]["x-taskmill-attempt"], "1");
    for method in ["GET", "DELETE"] {
        let seen = output(server.run("/echo", json!({"method": method})).await);
        assert_eq!(
            (&seen["method"], &seen["body"]),
            (&json!(method), &json!(""))
        );
    }
}

#[tokio::test]
async fn secrets_reach_the_server_and_nothing_else() {
    let server = Server::start().await;
    let token = "{{secret:TOKEN}}";
    let url = format!("http://{}/echo", server.address);
    let config = json!({
        "executor": url,
        "request": {"headers": {"X-Key": format!("key {token}")}},
        "securityContext": {"runAs": token, "permissions": [], "securityLevel": "LOW"},
    });
    let call = call(ExecutorRef::Http { url }, &config, json!({}));
    let seen = output(server.execute(&call).await);
    // That it was sent: without it the server would have answered with the reference.
    assert_eq!(seen["headers"]["authorization"], "Bearer ***");
    assert_eq!(seen["headers"]["x-key"], "key ***");

    let request = json!({"headers": {"x-key": token}});
    for path in ["/down", "/text", "/broken"] {
        let execution = server.run(path, request.clone()).await;
        let shown = serde_json::to_string(&execution.outcome).unwrap();
        assert!(!shown.contains(TOKEN), "{path}: {shown}");
    }
    let missing = json!({"headers": {"x-key": "{{secret:OTHER}}"}});
    let (error, permanent, _) = failure(server.run("/echo", missing).await);
    assert_eq!(
        (error.code.as_str(), permanent),
        (codes::SECRET_NOT_FOUND, true)
    );
    assert_eq!(error.message, "tenant acme has no secret OTHER");
}

#[tokio::test]
async fn responses_are_outputs_or_failures() {
    let server = Server::start().await;
    assert_eq!(output(server.run("/empty", json!({})).await), Value::Null);
    assert_eq!(output(server.run("/see", json!({})).await), json!("seen"));

    let (error, permanent, _) = failure(server.run("/text", json!({})).await);
    assert_eq!((error.code.as_str(), permanent), (INVALID_OUTPUT, true));
    assert_eq!(
        (&error.details["status"], &error.details["excerpt"]),
        (&json!(200), &json!("hello"))
    );

    let (error, permanent, retry_after) = failure(server.run("/down", json!({})).await);
    assert_eq!(
        (error.code.as_str(), permanent, retry_after),
        ("HTTP_503", false, Some(7000))
    );
    assert_eq!(error.details["status"], 503);
    assert_eq!(error.details["body"].as_str().map(str::len), Some(2_048));

    let (error, permanent, _) = failure(server.run("/missing", json!({})).await);
    assert_eq!((error.code.as_str(), permanent), ("HTTP_404", true));
    assert_eq!(error.details["body"], "no such thing");

    let (error, permanent, _) = failure(server.run("/broken", json!({})).await);
    assert_eq!(
        (error.code.as_str(), permanent),
        (codes::HTTP_INTERRUPTED, false)
    );
}

#[tokio::test]
async fn responses_over_the_limit_are_not_read_to_their_end() {
    let server = Server::start().await;
    for path in ["/endless", "/announced"] {
        let (error, permanent, _) = failure(server.run(path, json!({})).await);
        assert_eq!(
            (error.code.as_str(), permanent),
            (PAYLOAD_TOO_LARGE, true),
            "{path}"
        );
    }
}

#[tokio::test]
async fn redirects_stay_where_they_began() {
    let server = Server::start().await;
    let seen = output(server.run("/here", json!({})).await);
    assert_eq!(seen["body"], "{\"n\":1}");
    for path in ["/away", "/round"] {
        let (error, permanent, _) = failure(server.run(path, json!({})).await);
        assert_eq!(
            (error.code.as_str(), permanent),
            ("HTTP_307", true),
            "{path}"
        );
    }
}

#[test]
fn redirects_leave_an_origin_only_for_its_https() {
    #[track_caller]
    fn check(from: &str, to: &str, same: bool) {
        assert_eq!(
            same_place(&from.parse().unwrap(), &to.parse().unwrap()),
            same,
            "{from} {to}"
        );
    }
    check("http://a/x", "http://a/y?z", true);
    check("http://a/x", "https://a/x", true);
    check("https://a/x", "http://a/x", false);
    check("http://a/x", "http://b/x", false);
    check("http://a/x", "http://a:81/x", false);
    check("http://a:8080/x", "https://a/x", false);
    check("https://a/x", "https://a.b/x", false);
}

#[tokio::test]
async fn nothing_that_answers_is_a_failure_to_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (error, permanent, _) = failure(Server { address }.run("/", json!({})).await);
    assert_eq!(
        (error.code.as_str(), permanent),
        (codes::HTTP_CONNECT, false)
    );
    assert!(
        error.message.contains("onnection refused"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn targets_out_of_reach_are_refused() {
    async fn refused(reach: Reach, url: &str) {
        let config = json!({"executor": url});
        let call = call(
            ExecutorRef::Http {
                url: url.to_owned(),
            },
            &config,
            json!({}),
        );
        let (error, permanent, _) = failure(executor(reach).execute(&call).await);
        assert_eq!(
            (error.code.as_str(), permanent),
            (codes::HTTP_ADDRESS_REFUSED, true),
            "{url}"
        );
    }
    let port = Server::start().await.address.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "169.254.169.254",
        "10.0.0.1",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "0.0.0.0",
    ] {
        refused(Reach::Public, &format!("http://{host}:{port}/echo")).await;
    }
    for host in ["169.254.169.254", "10.0.0.1", "[::ffff:a9fe:a9fe]"] {
        refused(Reach::PublicAndLoopback, &format!("http://{host}/")).await;
    }
}

#[tokio::test]
async fn names_of_the_machine_are_in_reach_in_local_mode() {
    let server = Server::start().await;
    let url = format!("http://localhost:{}/empty", server.address.port());
    let call = call(
        ExecutorRef::Http { url: url.clone() },
        &json!({"executor": url}),
        json!({}),
    );
    assert_eq!(output(server.execute(&call).await), Value::Null);
}

#[tokio::test]
async fn requests_that_cannot_be_made_are_named() {
    async fn bad(url: &str, headers: Value) -> String {
        let config = json!({"executor": url, "request": {"headers": headers}});
        let call = call(
            ExecutorRef::Http {
                url: url.to_owned(),
            },
            &config,
            json!({}),
        );
        let (error, permanent, _) = failure(executor(Reach::Public).execute(&call).await);
        assert_eq!(
            (error.code.as_str(), permanent),
            (codes::HTTP_BAD_REQUEST, true)
        );
        error.message
    }
    let url = "http://example.com/";
    assert_eq!(
        bad("http://", json!({})).await,
        "the URL cannot be read: empty host"
    );
    assert_eq!(
        bad("ftp://a/", json!({})).await,
        "the URL's scheme \"ftp\" is not http or https"
    );
    assert_eq!(
        bad("http://u:p@a/", json!({})).await,
        "the URL holds credentials; use runAs or a header"
    );
    assert_eq!(
        bad(url, json!({"a b": "x"})).await,
        "the header field \"a b\" has no valid name"
    );
    assert_eq!(
        bad(url, json!({"a": "x\n{{secret:TOKEN}}"})).await,
        "the header field \"a\" has a value with characters that a header cannot carry"
    );
    assert_eq!(
        bad(url, json!({"Host": "b"})).await,
        "the header field \"Host\" belongs to the connection and cannot be set"
    );
}
