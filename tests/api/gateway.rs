//! The API as the function serves it: events of API Gateway in, its answers out. Who asks is what
//! the authorizer found.

use lambda_http::request::from_str;
use lambda_http::{IntoResponse, Request};
use serde_json::{Value, json};
use taskmill_api::{Api, Authority, ClaimNames, router};
use tower::ServiceExt;

use super::DEFINITIONS;
use super::client::World;
use crate::support::caller;

/// An event of an HTTP API, with the claims that its authorizer found.
fn event(method: &str, path: &str, claims: Option<Value>, body: Option<Value>) -> Request {
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "api.example.com"},
        "requestContext": {
            "accountId": "1",
            "apiId": "a",
            "domainName": "api.example.com",
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": "test",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "21/Nov/2026:21:20:00 +0000",
            "timeEpoch": 1_795_296_000_000_i64,
        },
        "isBase64Encoded": false,
    });
    if let Some(claims) = claims {
        event["requestContext"]["authorizer"] = json!({"jwt": {"claims": claims, "scopes": null}});
    }
    if let Some(body) = body {
        event["body"] = body.to_string().into();
    }
    from_str(&event.to_string()).unwrap()
}

async fn answer(world: &World, request: Request) -> (u16, String, Value) {
    let api = Api::new(
        world.service.app().clone(),
        Authority::Gateway(ClaimNames::default()),
    );
    let response = router(api).oneshot(request).await.unwrap();
    let response = response.into_response().await;
    let id = response.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    (response.status().as_u16(), id, body)
}

fn ann() -> Value {
    // What API Gateway makes of lists.
    json!({"tenant": "acme", "sub": "ann", "permissions": "[read approve]", "exp": "1795300000"})
}

#[tokio::test(start_paused = true)]
async fn an_event_is_a_request_of_whom_the_authorizer_names() {
    let world = World::of(DEFINITIONS).await;
    let task = json!({"taskDefinitionId": "guarded"});
    let request = event("POST", "/v1/tasks", Some(ann()), Some(task));
    let (status, id, body) = answer(&world, request).await;
    assert_eq!((status, id.as_str()), (201, "JKJaXmPLvHcESHA="), "{body}");
    let security = &body["executionContext"]["securityContext"];
    assert_eq!(security["userId"], "ann");
    assert_eq!(security["permissions"], json!(["read", "approve"]));
    let path = format!("/v1/tasks/{}", body["id"].as_str().unwrap());
    let (status, _, _) = answer(&world, event("GET", &path, Some(ann()), None)).await;
    assert_eq!(status, 200);
    let eve = json!({"tenant": "umbrella", "sub": "eve"});
    let (status, _, body) = answer(&world, event("GET", &path, Some(eve), None)).await;
    assert_eq!((status, &body["code"]), (404, &json!("NOT_FOUND")));
    assert_eq!(body["requestId"], "JKJaXmPLvHcESHA=");
}

#[tokio::test(start_paused = true)]
async fn behind_a_gateway_a_header_says_nothing() {
    let world = World::of(DEFINITIONS).await;
    let mut request = event("GET", "/v1/tasks", None, None);
    let token = format!("Bearer {}", world.token(&caller()));
    let headers = request.headers_mut();
    headers.insert("authorization", token.parse().unwrap());
    let (status, _, body) = answer(&world, request).await;
    assert_eq!((status, &body["code"]), (401, &json!("UNAUTHENTICATED")));
    let nowhere = event("GET", "/v1/nothing", Some(ann()), None);
    assert_eq!(answer(&world, nowhere).await.0, 404);
    let health = event("GET", "/healthz", None, None);
    assert_eq!(answer(&world, health).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_no_gateway_takes_is_a_problem() {
    let world = World::of(DEFINITIONS).await;
    let quotes = "\"".repeat(taskmill::limits::ANSWER_BYTES / 3);
    let text = "x".repeat(taskmill::limits::ANSWER_BYTES / 3);
    for (input, expected) in [(text, 200), (quotes, 413)] {
        let request = json!({"taskDefinitionId": "sign", "input": {"a": input}});
        let path = world.send("/v1/tasks", request).await.is(201);
        let path = path.header("location").to_owned();
        let (status, _, body) = answer(&world, event("GET", &path, Some(ann()), None)).await;
        assert_eq!(status, expected);
        if expected == 413 {
            assert_eq!(body["code"], "PAYLOAD_TOO_LARGE");
        }
        world.get(&path).await.is(200);
    }
}
