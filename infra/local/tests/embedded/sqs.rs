//! The embedded queues: their cases, and what only a test of our own can show.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use taskmill_aws::clock::Clock;
use taskmill_local::LocalAws;
use taskmill_local::sqs::{Delivery, Order};

use crate::endpoint::{sdk, serve};
use crate::sqs_cases::{CASES, Needs, OWN_CASES};
use crate::sqs_script::Script;
use crate::{START, aws};

#[tokio::test(start_paused = true)]
async fn every_case_holds() {
    for (number, case) in CASES.iter().chain(OWN_CASES).enumerate() {
        let aws = aws();
        let client = Client::new(&aws.sdk_config());
        let mut script = Script::new(client, aws.clock(), format!("case{number}"));
        script.run(case.name, case.script).await;
        if case.needs == Needs::Nothing {
            assert_eq!(aws.clock().now(), START, "{} takes time", case.name);
        }
    }
}

/// The address of another SQS than the embedded one.
const URL: &str = "TASKMILL_TEST_SQS_URL";

/// The cases in which moto 5.2 is not as SQS's documentation says, and how.
const OTHERWISE: [(&str, &str); 6] = [
    (
        "a queue is created again with the same attributes alone",
        "it takes any VisibilityTimeout",
    ),
    (
        "an entry of a batch fails alone",
        "it looks at characters in single sends alone",
    ),
    (
        "a message has limits",
        "it does not count attributes towards the size",
    ),
    (
        "a redrive policy names a queue of its own kind",
        "it has the code of an unknown queue for a target that is not there",
    ),
    (
        "a batch takes as much of a group as it can, in order",
        "it mixes groups by the time of sending",
    ),
    (
        "deduplication may be by group",
        "it deduplicates by queue, whatever DeduplicationScope says",
    ),
];

/// Over the network the cases run against the embedded SQS, or against the one at the address that
/// the environment names. One that is said to be otherwise there must be.
#[tokio::test]
async fn every_case_that_takes_no_time_holds_over_the_network() {
    let served = serve().await;
    let (url, otherwise) = match std::env::var(URL) {
        Ok(url) => (url, &OTHERWISE[..]),
        Err(_) => (served.url, &[][..]),
    };
    let client = Client::new(&sdk(&url).await);
    let clock = Clock::anchored_now();
    let instant = CASES.iter().filter(|case| case.needs == Needs::Nothing);
    let mut failed = Vec::new();
    for (number, case) in instant.enumerate() {
        let mut script = Script::new(client.clone(), clock, format!("case{number}"));
        let run = tokio::spawn(async move { script.run(case.name, case.script).await });
        if run.await.is_err() {
            failed.push(case.name);
        }
    }
    let known: Vec<&str> = otherwise.iter().map(|(name, _)| *name).collect();
    assert_eq!(failed, known);
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_wakes_for_a_message_that_comes_while_it_waits() {
    let aws = aws();
    let (client, url) = queue(&aws, "q").await;
    let poll = tokio::spawn(receive(client.clone(), url.clone(), 20));
    tokio::time::sleep(std::time::Duration::from_millis(1234)).await;
    send(&client, &url, "one").await;
    assert_eq!(bodies(&poll.await.unwrap()), ["one"]);
    assert_eq!(aws.clock().now(), START.plus_millis(1234));
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_wakes_when_its_group_is_unlocked() {
    let aws = aws();
    let (client, url) = queue(&aws, "q.fifo").await;
    send_in_group(&client, &url, "a", "1").await;
    send_in_group(&client, &url, "a", "2").await;
    let first = receive_most(&client, &url, 1).await;
    let poll = tokio::spawn(receive(client.clone(), url.clone(), 20));
    tokio::time::sleep(std::time::Duration::from_millis(7)).await;
    delete(&client, &url, &first[0]).await;
    assert_eq!(bodies(&poll.await.unwrap()), ["2"]);
    assert_eq!(aws.clock().now(), START.plus_millis(7));
}

#[tokio::test(start_paused = true)]
async fn digests_and_attributes_are_those_of_aws() {
    let aws = aws();
    let (client, url) = queue(&aws, "q").await;
    let sent = client
        .send_message()
        .queue_url(&url)
        .message_body("hello")
        .message_attributes("kind", text_attribute("outcome"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        sent.md5_of_message_body.as_deref(),
        Some("5d41402abc4b2a76b9719d911017c592")
    );
    // Computed apart, after the developer guide: 4-byte lengths, one byte for the kind of value.
    assert_eq!(
        sent.md5_of_message_attributes.as_deref(),
        Some("164791ad6b03a24e2b6de330736b170a")
    );
    let received = receive(client, url, 0).await;
    let attributes = received[0].attributes.as_ref().unwrap();
    let sent_at = &attributes[&MessageSystemAttributeName::SentTimestamp];
    assert_eq!(*sent_at, START.millis().to_string());
    assert_eq!(received[0].message_id, sent.message_id);
}

#[tokio::test(start_paused = true)]
async fn a_second_delivery_of_every_message_can_be_asked_for() {
    let aws = aws();
    aws.queues().set_delivery(Delivery::Twice);
    let (client, url) = queue(&aws, "q").await;
    let (fifo_client, fifo) = queue(&aws, "q.fifo").await;
    send(&client, &url, "one").await;
    let received = receive(client.clone(), url.clone(), 0).await;
    assert_eq!(bodies(&received), ["one", "one"]);
    assert_eq!(received[0].message_id, received[1].message_id);
    for message in ["1", "2"] {
        send_in_group(&fifo_client, &fifo, "a", message).await;
    }
    let mut seen = Vec::new();
    for _ in 0..4 {
        let received = receive_most(&fifo_client, &fifo, 1).await;
        seen.extend(bodies(&received));
        delete(&fifo_client, &fifo, &received[0]).await;
    }
    assert_eq!(seen, ["1", "1", "2", "2"]);
}

#[tokio::test(start_paused = true)]
async fn an_order_is_random_by_its_seed_and_keeps_groups_in_order() {
    async fn deliveries(seed: u64) -> (Vec<String>, Vec<String>) {
        let aws = aws();
        aws.queues().set_order(Order::Shuffled { seed });
        let (client, url) = queue(&aws, "q").await;
        let (_, fifo) = queue(&aws, "q.fifo").await;
        for number in 0..20 {
            send(&client, &url, &number.to_string()).await;
            let group = ["a", "b", "c"][number % 3];
            send_in_group(&client, &fifo, group, &format!("{group}{number:02}")).await;
        }
        let (mut standard, mut grouped) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            standard.extend(bodies(&receive_most(&client, &url, 1).await));
            let received = receive_most(&client, &fifo, 1).await;
            grouped.extend(bodies(&received));
            delete(&client, &fifo, &received[0]).await;
        }
        (standard, grouped)
    }
    let (standard, grouped) = deliveries(7).await;
    assert_eq!((standard.clone(), grouped.clone()), deliveries(7).await);
    assert_ne!(standard, deliveries(8).await.0);
    let sent: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    assert_ne!(standard, sent);
    for group in ["a", "b", "c"] {
        let of_group = grouped.iter().filter(|body| body.starts_with(group));
        assert!(of_group.is_sorted(), "{grouped:?}");
    }
    assert!(!grouped.is_sorted_by_key(|body| body[1..].to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_purge_of_all_queues_loses_what_was_in_flight_too() {
    let aws = aws();
    let (client, url) = queue(&aws, "q").await;
    send(&client, &url, "one").await;
    send(&client, &url, "two").await;
    let held = receive_most(&client, &url, 1).await;
    aws.queues().purge_all();
    delete(&client, &url, &held[0]).await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert!(receive(client, url, 0).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn queues_are_listed_by_prefix_and_page() {
    let aws = aws();
    for name in ["a1", "a2", "a3", "b1"] {
        queue(&aws, name).await;
    }
    let client = Client::new(&aws.sdk_config());
    let list = client.list_queues().queue_name_prefix("a").max_results(2);
    let first = list.clone().send().await.unwrap();
    assert_eq!(first.queue_urls().len(), 2);
    let rest = list.set_next_token(first.next_token).send().await.unwrap();
    let names: Vec<_> = rest
        .queue_urls()
        .iter()
        .map(|url| &url[url.len() - 2..])
        .collect();
    assert_eq!(names, ["a3"]);
    assert_eq!(rest.next_token, None);
    client
        .delete_queue()
        .queue_url(&rest.queue_urls()[0])
        .send()
        .await
        .unwrap();
    assert_eq!(aws.queues().names(), ["a1", "a2", "b1"]);
}

pub async fn queue(aws: &LocalAws, name: &str) -> (Client, String) {
    let client = Client::new(&aws.sdk_config());
    let mut create = client.create_queue().queue_name(name);
    if name.ends_with(".fifo") {
        create = create.attributes(QueueAttributeName::FifoQueue, "true");
    }
    let url = create.send().await.unwrap().queue_url.unwrap();
    (client, url)
}

pub async fn send(client: &Client, url: &str, body: &str) {
    let send = client.send_message().queue_url(url).message_body(body);
    send.send().await.unwrap();
}

pub async fn send_in_group(client: &Client, url: &str, group: &str, body: &str) {
    let send = client.send_message().queue_url(url).message_body(body);
    let send = send.message_group_id(group).message_deduplication_id(body);
    send.send().await.unwrap();
}

pub async fn receive(client: Client, url: String, wait: i32) -> Vec<Message> {
    let receive = client
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10)
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .wait_time_seconds(wait);
    receive.send().await.unwrap().messages.unwrap_or_default()
}

async fn receive_most(client: &Client, url: &str, most: i32) -> Vec<Message> {
    let receive = client.receive_message().queue_url(url);
    let receive = receive.max_number_of_messages(most).send().await;
    receive.unwrap().messages.unwrap_or_default()
}

async fn delete(client: &Client, url: &str, message: &Message) {
    let delete = client.delete_message().queue_url(url);
    let delete = delete.set_receipt_handle(message.receipt_handle.clone());
    delete.send().await.unwrap();
}

fn bodies(messages: &[Message]) -> Vec<String> {
    messages.iter().filter_map(|m| m.body.clone()).collect()
}

fn text_attribute(text: &str) -> aws_sdk_sqs::types::MessageAttributeValue {
    let value = aws_sdk_sqs::types::MessageAttributeValue::builder();
    value
        .data_type("String")
        .string_value(text)
        .build()
        .unwrap()
}
