//! The embedded objects through the SDK, in memory and in a directory.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use taskmill_aws::clock::Clock;
use taskmill_local::LocalAws;

use crate::aws;

async fn check_objects(aws: &LocalAws) {
    let client = Client::new(&aws.sdk_config());
    let keys = [
        "payload".to_owned(),
        "../../etc/passwd".to_owned(),
        "/".to_owned(),
        "a b/ü?&#".to_owned(),
        "x".repeat(1024),
    ];
    for key in &keys {
        let missing = client.get_object().bucket("b").key(key).send().await;
        assert!(
            missing.unwrap_err().into_service_error().is_no_such_key(),
            "{key}"
        );
        put(&client, key, key).await;
    }
    for key in &keys {
        assert_eq!(get(&client, key).await, *key);
        let head = client.head_object().bucket("b").key(key).send().await;
        assert_eq!(head.unwrap().content_length, Some(key.len() as i64));
        let elsewhere = client.head_object().bucket("other").key(key).send().await;
        assert!(elsewhere.unwrap_err().into_service_error().is_not_found());
    }
    put(&client, "payload", "replaced").await;
    assert_eq!(get(&client, "payload").await, "replaced");
    let taken = client
        .put_object()
        .bucket("b")
        .key("payload")
        .if_none_match("*");
    let taken = taken.body(ByteStream::from_static(b"x")).send().await;
    assert_eq!(taken.unwrap_err().code(), Some("PreconditionFailed"));
    let free = client
        .put_object()
        .bucket("b")
        .key("free")
        .if_none_match("*");
    free.body(ByteStream::from_static(b"x"))
        .send()
        .await
        .unwrap();
    for _ in 0..2 {
        client
            .delete_object()
            .bucket("b")
            .key("payload")
            .send()
            .await
            .unwrap();
    }
    let gone = client.get_object().bucket("b").key("payload").send().await;
    assert!(gone.unwrap_err().into_service_error().is_no_such_key());
    let list = client.list_objects_v2().bucket("b").send().await;
    assert_eq!(list.unwrap_err().code(), Some("NotImplemented"));
}

#[tokio::test(start_paused = true)]
async fn objects_in_memory() {
    check_objects(&aws()).await;
}

#[tokio::test]
async fn objects_in_a_directory_stay_there_and_survive() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let open = || LocalAws::open(&data, Clock::anchored_now()).unwrap();
    check_objects(&open()).await;
    let aws = open();
    assert_eq!(
        get(&Client::new(&aws.sdk_config()), "../../etc/passwd").await,
        "../../etc/passwd"
    );
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

#[tokio::test(start_paused = true)]
async fn a_large_object_comes_back_whole() {
    let aws = aws();
    let client = Client::new(&aws.sdk_config());
    let large = "0123456789abcdef".repeat(512 * 1024);
    put(&client, "large", &large).await;
    assert_eq!(get(&client, "large").await, large);
    assert_eq!(aws.meter().snapshot().requests["s3.GetObject"], 1);
}

async fn put(client: &Client, key: &str, body: &str) {
    let put = client.put_object().bucket("b").key(key);
    let body = ByteStream::from(body.as_bytes().to_vec());
    put.body(body).send().await.unwrap();
}

async fn get(client: &Client, key: &str) -> String {
    let object = client
        .get_object()
        .bucket("b")
        .key(key)
        .send()
        .await
        .unwrap();
    let bytes = object.body.collect().await.unwrap().into_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}
