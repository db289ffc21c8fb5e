//! The embedded objects as any client finds them, in memory and in a directory.

use taskmill_aws::clock::Clock;
use taskmill_local::LocalAws;

use crate::aws;
use crate::endpoint::{Served, ask, open};

/// Whom a request is for stands in its signature, which nobody checks.
const SIGNED: &str = "Authorization: AWS4-HMAC-SHA256 Credential=id/20261122/local/s3/aws4_request";

/// Asks for `METHOD /bucket/key`, and gives the status, the headers and the body.
async fn call(served: &Served, line: &str, body: &str) -> (u16, String, String) {
    let head = format!("{line} HTTP/1.1\n{SIGNED}");
    answered(served, &head, body).await
}

async fn call_where_none_is(served: &Served, line: &str) -> (u16, String) {
    let head = format!("{line} HTTP/1.1\n{SIGNED}\nIf-None-Match: *");
    let (status, _, body) = answered(served, &head, "x").await;
    (status, body)
}

async fn answered(served: &Served, head: &str, body: &str) -> (u16, String, String) {
    let (status, answer) = ask(&served.url, head, body).await;
    let (headers, body) = answer.split_once("\r\n\r\n").unwrap();
    (status, headers.to_lowercase(), body.to_owned())
}

async fn put(served: &Served, place: &str, body: &str) -> u16 {
    call(served, &format!("PUT {place}"), body).await.0
}

async fn get(served: &Served, place: &str) -> (u16, String) {
    let (status, _, body) = call(served, &format!("GET {place}"), "").await;
    (status, body)
}

async fn check_absent(served: &Served, place: &str) {
    let (status, body) = get(served, place).await;
    assert_eq!(status, 404, "{place}");
    assert!(body.contains("<Code>NoSuchKey</Code>"), "{place}: {body}");
    let (status, _, body) = call(served, &format!("HEAD {place}"), "").await;
    assert_eq!((status, body.as_str()), (404, ""), "{place}");
}

async fn check_objects(aws: LocalAws) {
    let served = open(aws).await;
    let places = [
        "/b/payload".to_owned(),
        "/b/../../etc/passwd".to_owned(),
        "/b//".to_owned(),
        "/b/a%20b/%C3%BC%3F%26%23".to_owned(),
        format!("/b/{}", "x".repeat(1024)),
    ];
    for place in &places {
        check_absent(&served, place).await;
        assert_eq!(put(&served, place, place).await, 200);
    }
    for place in &places {
        assert_eq!(get(&served, place).await, (200, place.clone()));
        let (status, headers, body) = call(&served, &format!("HEAD {place}"), "").await;
        assert_eq!((status, body.as_str()), (200, ""));
        let length = format!("content-length: {}", place.len());
        assert!(headers.lines().any(|line| line == length), "{headers}");
        check_absent(&served, &place.replacen("/b/", "/other/", 1)).await;
    }
    assert_eq!(put(&served, "/b/payload", "replaced").await, 200);
    assert_eq!(get(&served, "/b/payload").await.1, "replaced");
    let (status, body) = call_where_none_is(&served, "PUT /b/payload").await;
    assert_eq!(status, 412);
    assert!(body.contains("<Code>PreconditionFailed</Code>"), "{body}");
    assert_eq!(call_where_none_is(&served, "PUT /b/free").await.0, 200);
    for _ in 0..2 {
        let (status, _, body) = call(&served, "DELETE /b/payload", "").await;
        assert_eq!((status, body.as_str()), (204, ""));
    }
    check_absent(&served, "/b/payload").await;
    let (status, body) = get(&served, "/b?list-type=2").await;
    assert_eq!(status, 501);
    assert!(body.contains("<Code>NotImplemented</Code>"), "{body}");
    served.close().await;
}

#[tokio::test]
async fn objects_in_memory() {
    check_objects(aws()).await;
}

#[tokio::test]
async fn objects_in_a_directory_stay_there_and_survive() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let found = || LocalAws::open(&data, Clock::anchored_now()).unwrap();
    check_objects(found()).await;
    let served = open(found()).await;
    let place = "/b/../../etc/passwd";
    assert_eq!(get(&served, place).await, (200, place.to_owned()));
    let mut beside = std::fs::read_dir(directory.path()).unwrap();
    assert_eq!(beside.next().unwrap().unwrap().path(), data);
    assert!(beside.next().is_none());
    let parts = std::fs::read_dir(data.join("objects"))
        .unwrap()
        .flat_map(|bucket| std::fs::read_dir(bucket.unwrap().path()).unwrap());
    let left = parts.filter(|file| {
        file.as_ref()
            .unwrap()
            .path()
            .extension()
            .is_some_and(|e| e == "part")
    });
    assert_eq!(left.count(), 0);
}
