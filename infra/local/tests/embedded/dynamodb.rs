//! The embedded tables through the SDK: answers, errors, durability and what is metered.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, Projection, ProjectionType, ScalarAttributeType,
};
use taskmill_aws::clock::Clock;
use taskmill_local::meter::Capacity;
use taskmill_local::{Error, LocalAws};

use crate::aws;

#[tokio::test(start_paused = true)]
async fn capacity_is_metered_by_table_and_index_without_being_asked_for() {
    let aws = aws();
    let client = table(&aws).await;
    let before = aws.meter().snapshot();
    let put = put(&client, "1")
        .item("due", s("shard-0"))
        .item("at", s("2026"));
    assert_eq!(put.send().await.unwrap().consumed_capacity, None);
    get(&client, "1").await;
    let usage = aws.meter().since(&before);
    let write = |write| Capacity { read: 0.0, write };
    assert_eq!(usage.capacity["tab/due-index"], write(1.0));
    assert_eq!(
        usage.capacity["tab"],
        Capacity {
            read: 1.0,
            write: 1.0
        }
    );
    assert_eq!(usage.of_table("tab").write, 2.0);
    assert_eq!(usage.requests["dynamodb.PutItem"], 1);
    assert_eq!(usage.requests_of("dynamodb"), 2);
    assert_eq!(usage.of_table("tab"), usage.total_capacity());
}

#[tokio::test(start_paused = true)]
async fn an_index_that_an_update_does_not_touch_costs_nothing() {
    let aws = aws();
    let client = table(&aws).await;
    let put = put(&client, "1")
        .item("due", s("shard-0"))
        .item("at", s("2026"));
    put.send().await.unwrap();
    let before = aws.meter().snapshot();
    let update = client.update_item().table_name("tab").key("id", s("1"));
    let update = update
        .key("part", s("head"))
        .update_expression("SET v = :v");
    let update = update.expression_attribute_values(":v", s("2"));
    update.send().await.unwrap();
    let usage = aws.meter().since(&before);
    assert_eq!(usage.total_capacity().write, 1.0);
    assert!(!usage.capacity.contains_key("tab/due-index"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_condition_is_counted_apart_at_the_larger_items_size() {
    let aws = aws();
    let client = table(&aws).await;
    let before = aws.meter().snapshot();
    put(&client, "1")
        .item("v", s(&"x".repeat(1500)))
        .send()
        .await
        .unwrap();
    let again = put(&client, "1").condition_expression("attribute_not_exists(id)");
    let error = again.send().await.unwrap_err().into_service_error();
    assert!(error.is_conditional_check_failed_exception());
    let update = client.update_item().table_name("tab").key("id", s("1"));
    let update = update
        .key("part", s("head"))
        .update_expression("SET v = :v");
    let update = update.expression_attribute_values(":v", s("2"));
    let update = update.condition_expression("v = :v").send().await;
    assert!(
        update
            .unwrap_err()
            .into_service_error()
            .is_conditional_check_failed_exception()
    );
    let usage = aws.meter().since(&before);
    assert_eq!(usage.failed_conditions.count, 2);
    assert_eq!(usage.failed_conditions.write_units, 1.0 + 2.0);
    assert_eq!(usage.total_capacity().write, 2.0);
}

#[tokio::test(start_paused = true)]
async fn refusals_have_the_codes_of_aws() {
    let aws = aws();
    let client = table(&aws).await;
    let unknown = client.get_item().table_name("nowhere").key("id", s("1"));
    let error = unknown.send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception());
    let bad = put(&client, "").send().await.unwrap_err();
    assert_eq!(bad.code(), Some("ValidationException"));
    let backups = client.describe_continuous_backups().table_name("tab");
    let error = backups.send().await.unwrap_err();
    assert_eq!(error.code(), Some("UnknownOperationException"));
}

#[tokio::test(start_paused = true)]
async fn background_calls_are_metered_apart() {
    let aws = aws();
    table(&aws).await;
    let before = aws.meter().snapshot();
    let background = Client::new(&aws.background_sdk_config());
    let calls = aws.faults().calls();
    get(&background, "1").await;
    assert_eq!(aws.meter().since(&before).requests_of("dynamodb"), 0);
    assert_eq!(aws.background_meter().snapshot().requests_of("dynamodb"), 1);
    assert_eq!(aws.faults().calls(), calls);
}

#[tokio::test]
async fn what_was_written_survives_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).unwrap();
    put(&table(&first).await, "1")
        .item("v", s("kept"))
        .send()
        .await
        .unwrap();
    assert!(first.meter().snapshot().total_capacity().write > 0.0);
    drop(first);
    let second = open(directory.path()).unwrap();
    let item = get(&Client::new(&second.sdk_config()), "1").await.unwrap();
    assert_eq!(item["v"], s("kept"));
}

/// Runs itself as another process, which writes until it is killed.
#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    const NAME: &str = "dynamodb::what_was_acknowledged_survives_a_kill";
    const VICTIM: &str = "TASKMILL_TEST_VICTIM";
    if let Some(directory) = std::env::var_os(VICTIM) {
        let client = table(&open(Path::new(&directory)).unwrap()).await;
        for number in 0.. {
            put(&client, &number.to_string()).send().await.unwrap();
            println!("\nwritten {number}");
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(VICTIM, directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The pipe stays open until the kill: closed, it would end the victim by a panic.
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let acknowledged = lines.by_ref().map_while(Result::ok).filter_map(|line| {
        let number = line.strip_prefix("written ")?;
        Some(number.to_owned())
    });
    let acknowledged: Vec<String> = acknowledged.take(25).collect();
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert_eq!(acknowledged.len(), 25);
    let client = Client::new(&open(directory.path()).unwrap().sdk_config());
    for number in acknowledged {
        assert!(get(&client, &number).await.is_some(), "{number} is lost");
    }
}

#[tokio::test]
async fn a_second_process_is_told_whose_directory_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).unwrap();
    let error = open(directory.path()).unwrap_err();
    assert!(matches!(error, Error::InUse { .. }));
    let text = error.to_string();
    assert!(
        text.contains(&directory.path().display().to_string()),
        "{text}"
    );
    // Clients hold the AWS as well: the lock goes with the last of them.
    let client = Client::new(&first.sdk_config());
    drop(first);
    assert!(open(directory.path()).is_err());
    drop(client);
    assert!(open(directory.path()).is_ok());
}

#[tokio::test]
async fn a_directory_that_cannot_be_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = open(&file.path().join("data")).unwrap_err();
    assert!(matches!(error, Error::DataDir { .. }));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let garbage = "no database at all".repeat(1000);
    std::fs::write(directory.path().join("tables.sqlite"), garbage).unwrap();
    let error = open(directory.path()).unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_write_to_a_watched_index_is_told() {
    let aws = aws();
    let client = table(&aws).await;
    let written = aws.index_writes("due-index");
    put(&client, "1").send().await.unwrap();
    let early = tokio::time::timeout(std::time::Duration::from_secs(1), written.notified());
    assert!(early.await.is_err());
    let put = put(&client, "2")
        .item("due", s("shard-0"))
        .item("at", s("2026"));
    put.send().await.unwrap();
    written.notified().await;
}

fn open(directory: &Path) -> Result<LocalAws, Error> {
    LocalAws::open(directory, Clock::anchored_now())
}

pub async fn table(aws: &LocalAws) -> Client {
    let client = Client::new(&aws.sdk_config());
    let mut create = client
        .create_table()
        .table_name("tab")
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("id", KeyType::Hash))
        .key_schema(key("part", KeyType::Range))
        .global_secondary_indexes(index());
    for name in ["id", "part", "due", "at"] {
        let definition = AttributeDefinition::builder().attribute_name(name);
        let definition = definition.attribute_type(ScalarAttributeType::S).build();
        create = create.attribute_definitions(definition.unwrap());
    }
    create.send().await.unwrap();
    client
}

fn index() -> GlobalSecondaryIndex {
    let projection = Projection::builder().projection_type(ProjectionType::KeysOnly);
    GlobalSecondaryIndex::builder()
        .index_name("due-index")
        .key_schema(key("due", KeyType::Hash))
        .key_schema(key("at", KeyType::Range))
        .projection(projection.build())
        .build()
        .unwrap()
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    let element = KeySchemaElement::builder().attribute_name(name);
    element.key_type(kind).build().unwrap()
}

pub fn put(
    client: &Client,
    id: &str,
) -> aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder {
    let put = client.put_item().table_name("tab").item("id", s(id));
    put.item("part", s("head"))
}

pub async fn get(
    client: &Client,
    id: &str,
) -> Option<std::collections::HashMap<String, AttributeValue>> {
    let get = client.get_item().table_name("tab").key("id", s(id));
    let get = get.key("part", s("head")).consistent_read(true);
    get.send().await.unwrap().item
}

pub fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}
