//! What is true of every request: keys, limits, types, pages, and faults of what is behind.

use serde_json::{Value, json};
use taskmill::limits;
use taskmill_local::Failure;

use super::DEFINITIONS;
use super::client::World;
use crate::support::caller;

#[tokio::test(start_paused = true)]
async fn one_key_gives_one_result_and_another_request_under_it_is_refused() {
    let world = World::of(DEFINITIONS).await;
    let cases = [
        ("/v1/tasks", "taskDefinitionId", "echo"),
        ("/v1/workflows", "workflowDefinitionId", "pair"),
    ];
    for (path, field, definition) in cases {
        let ask = async |key: &str, n: u64| {
            let ask = world.by(&caller(), "POST", path);
            let ask = ask.header("idempotency-key", key);
            let body = json!({field: definition, "input": {"n": n}});
            ask.json(body).answer().await
        };
        let first = ask("k", 1).await.is(201);
        let again = ask("k", 1).await.is(201);
        assert_eq!(again.id(), first.id());
        assert_eq!(again.header("location"), first.header("location"));
        let other = ask("k", 2).await;
        other.refused(422, "IDEMPOTENCY_CONFLICT");
        assert_ne!(ask("l", 1).await.is(201).id(), first.id());
        for bad in ["", &"k".repeat(limits::REFERENCE_CHARS + 1)] {
            ask(bad, 1).await.refused(400, "MALFORMED");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_is_json_of_a_size_and_depth_that_are_told() {
    let world = World::of(DEFINITIONS).await;
    let send = async |kind: &str, text: String| {
        let ask = world.by(&caller(), "POST", "/v1/tasks");
        ask.text(kind, text).answer().await
    };
    let good = json!({"taskDefinitionId": "echo"}).to_string();
    send("application/json; charset=utf-8", good.clone())
        .await
        .is(201);
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let refused = send(kind, good.clone()).await;
        refused.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    for text in ["", "{", "{\"a\": 1} x", "\u{0}"] {
        send("application/json", text.to_owned())
            .await
            .refused(400, "MALFORMED");
    }
    let wrong = send(
        "application/json",
        json!({"taskDefinitionId": 1}).to_string(),
    )
    .await;
    let wrong = wrong.refused(422, "INVALID_INPUT");
    assert_eq!(wrong.body["problems"][0]["pointer"], "/taskDefinitionId");
    let deep = "[".repeat(limits::REQUEST_DEPTH + 1);
    let refused = send("application/json", deep).await;
    let refused = refused.refused(413, "PAYLOAD_TOO_LARGE");
    let limit = limits::REQUEST_DEPTH.to_string();
    assert!(refused.text("detail").contains(&limit), "{}", refused.body);
    let large = " ".repeat(limits::REQUEST_BYTES + 1);
    let refused = send("application/json", large).await;
    let refused = refused.refused(413, "PAYLOAD_TOO_LARGE");
    let limit = limits::REQUEST_BYTES.to_string();
    assert!(refused.text("detail").contains(&limit), "{}", refused.body);
    let large = " ".repeat(limits::DOCUMENT_TEXT_BYTES + 1);
    let ask = world.by(&caller(), "POST", "/v1/task-definitions");
    let refused = ask.text("application/yaml", large).answer().await;
    refused.refused(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test(start_paused = true)]
async fn a_query_that_cannot_be_is_refused() {
    let world = World::of(DEFINITIONS).await;
    let most = limits::PAGE_ENTRIES;
    let cases = [
        (format!("limit={most}"), None),
        ("limit=0".to_owned(), Some("OUT_OF_RANGE")),
        (format!("limit={}", most + 1), Some("OUT_OF_RANGE")),
        ("limit=x".to_owned(), Some("MALFORMED")),
        ("status=DONE".to_owned(), Some("MALFORMED")),
        ("from=yesterday".to_owned(), Some("MALFORMED")),
        ("nothing=1".to_owned(), Some("MALFORMED")),
        ("cursor=x".to_owned(), Some("MALFORMED")),
        ("cursor=99.0.".to_owned(), Some("MALFORMED")),
        ("cursor=0.0.x".to_owned(), Some("MALFORMED")),
        (
            "status=FAILED&from=1990-01-01T00:00:00Z".to_owned(),
            Some("OUT_OF_RANGE"),
        ),
    ];
    for path in ["/v1/tasks", "/v1/workflows"] {
        for (query, expected) in &cases {
            let answer = world.get(&format!("{path}?{query}")).await;
            match expected {
                None => drop(answer.is(200)),
                Some(code) => drop(answer.refused(400, code)),
            }
        }
    }
    let definitions = world.get("/v1/task-definitions?cursor=x").await;
    definitions.refused(400, "MALFORMED");
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_a_problem_says_so() {
    let world = World::of("").await;
    for path in ["/v1", "/v1/nothing", "/v1/tasks/", "/v1/tasks/x/y"] {
        world.get(path).await.refused(404, "NOT_FOUND");
    }
    for id in ["x", "00000000-0000-0000-0000-000000000000", "%FF", "a%2Fb"] {
        let answer = world.get(&format!("/v1/tasks/{id}")).await;
        assert!([400, 404].contains(&answer.status), "{id}");
    }
    let refused = world.by(&caller(), "PUT", "/v1/tasks").answer().await;
    let refused = refused.refused(405, "METHOD_NOT_ALLOWED");
    let allowed = refused.header("allow");
    assert!(
        allowed.contains("GET") && allowed.contains("POST"),
        "{allowed}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_fails_behind_is_a_fault_that_passes_and_tells_nothing() {
    let world = World::of(DEFINITIONS).await;
    world.nobody("GET", "/healthz").answer().await.is(200);
    world.nobody("GET", "/readyz").answer().await.is(200);
    let faults = world.aws.faults();
    for path in ["/readyz", "/v1/tasks?status=RUNNING"] {
        let first = faults.calls() + 1;
        // The SDK repeats what is refused for now.
        (first..first + 10).for_each(|call| faults.fail(call, Failure::ServerError));
        let refused = world.get(path).await.refused(503, "UNAVAILABLE");
        assert_eq!(refused.header("retry-after"), "1");
        assert!(
            !refused.body.to_string().contains("Query"),
            "{}",
            refused.body
        );
        faults.revive();
        world.get(path).await.is(200);
    }
}

#[tokio::test(start_paused = true)]
async fn the_document_and_a_page_to_try_it_are_served_to_anybody() {
    let world = World::of("").await;
    let document = world.raw("/openapi.json").await;
    let served: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(&served, world.document());
    assert_eq!(served["openapi"], "3.1.0");
    let page = world.raw("/").await;
    assert!(page.starts_with("<!doctype html>"));
    for elsewhere in ["http://", "https://", "//cdn"] {
        assert!(!page.contains(elsewhere), "it loads from {elsewhere}");
    }
}
