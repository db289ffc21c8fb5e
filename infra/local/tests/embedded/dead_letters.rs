//! Dead letters over the embedded queues: what a look shows and leaves, and that a letter which is
//! sent back is never lost, whenever whoever sends it dies.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use serde_json::json;
use taskmill::ids::{TaskId, WorkflowId};
use taskmill_aws::queues::create::create_all;
use taskmill_aws::queues::send::{DUE_AT, FIRST_ID, REASON};
use taskmill_aws::queues::{self, Buried, QueueName, Queues, Redriven, Which};
use taskmill_local::{Failure, LocalAws};
use uuid::Uuid;

use crate::sqs::{send, send_in_group};
use crate::{START, aws};

async fn queues(aws: &LocalAws) -> Queues {
    let client = Client::new(&aws.sdk_config());
    let urls = create_all(&client).await.unwrap();
    Queues::new(client, urls, aws.clock())
}

/// The messages of a queue that can be seen, which stay there.
async fn messages(queues: &Queues, url: &str) -> Vec<Message> {
    let receive = queues.client().receive_message().queue_url(url);
    let received = receive
        .max_number_of_messages(10)
        .message_attribute_names("All")
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .visibility_timeout(0);
    received.send().await.unwrap().messages.unwrap_or_default()
}

async fn bodies(queues: &Queues, url: &str) -> Vec<String> {
    let messages = messages(queues, url).await.into_iter();
    messages.filter_map(|message| message.body).collect()
}

async fn on_queue(queues: &Queues, queue: QueueName) -> Vec<String> {
    bodies(queues, queues.urls().of(queue)).await
}

async fn dead(queues: &Queues, queue: QueueName) -> Vec<String> {
    bodies(queues, queues.urls().dead_letters_of(queue)).await
}

async fn bury(queues: &Queues, queue: QueueName, body: &str) {
    let first_id = Uuid::now_v7().to_string();
    bury_known(queues, queue, &first_id, body).await;
}

/// Buries what was first known by this id, and comes in a message of its own.
async fn bury_known(queues: &Queues, queue: QueueName, first_id: &str, body: &str) {
    let buried = Buried {
        queue,
        id: &Uuid::now_v7().to_string(),
        first_id,
        body,
        reason: "it is of no use",
    };
    queues.bury(buried).await.unwrap();
}

/// Lets everything come back that somebody held and did not put back.
async fn a_minute(aws: &LocalAws) {
    let clock = aws.clock();
    clock.sleep_until(clock.now().plus_millis(60_000)).await;
}

fn ids(redriven: &Redriven) -> BTreeSet<String> {
    redriven
        .sent
        .iter()
        .map(|letter| letter.id.clone())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_look_shows_all_with_their_reasons_and_leaves_them_where_they_are() {
    let aws = aws();
    let queues = queues(&aws).await;
    for number in 0..25 {
        bury(&queues, QueueName::Execute, &format!("letter {number:02}")).await;
    }
    let look = queues.dead_letters(QueueName::Execute).await.unwrap();
    assert_eq!(look.letters.len(), 25);
    assert!(!look.more);
    let first = &look.letters[0];
    assert_eq!(first.reason.as_deref(), Some("it is of no use"));
    assert_eq!(first.sent_at, Some(START));
    assert_eq!(first.queue, QueueName::Execute);
    let attributes: Vec<_> = first.attributes.keys().collect();
    assert_eq!(attributes, [FIRST_ID], "the reason is told once");

    // Nobody has to wait for it.
    assert_eq!(dead(&queues, QueueName::Execute).await.len(), 10);
    let again = queues.dead_letters(QueueName::Execute).await.unwrap();
    assert_eq!(again, look);
    let other = queues.dead_letters(QueueName::Create).await.unwrap();
    assert!(other.letters.is_empty() && !other.more);
}

#[tokio::test(start_paused = true)]
async fn of_one_group_only_the_first_ten_can_be_seen_and_it_is_said() {
    let aws = aws();
    let queues = queues(&aws).await;
    let url = queues.urls().dead_letters_of(QueueName::Result).to_owned();
    for number in 0..9 {
        send_in_group(queues.client(), &url, "a", &format!("a{number:02}")).await;
    }
    let look = queues.dead_letters(QueueName::Result).await.unwrap();
    assert_eq!((look.letters.len(), look.more), (9, false));
    for number in 10..15 {
        send_in_group(queues.client(), &url, "a", &format!("a{number:02}")).await;
    }
    let look = queues.dead_letters(QueueName::Result).await.unwrap();
    assert_eq!((look.letters.len(), look.more), (10, true));
    // All are sent back, in their order.
    let redriven = queues.redrive(QueueName::Result, &Which::All).await;
    let sent: Vec<_> = redriven.sent.iter().map(|letter| &*letter.body).collect();
    assert_eq!((sent.len(), sent.is_sorted()), (14, true), "{sent:?}");
    assert!(dead(&queues, QueueName::Result).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_letter_goes_back_as_it_was_without_its_reason() {
    let aws = aws();
    let queues = queues(&aws).await;
    let workflow = WorkflowId::new(Uuid::from_u128(7));
    let ended = queues::Message::TaskEnded {
        task_id: TaskId::new(Uuid::from_u128(8)),
        workflow_id: workflow,
    };
    let body = ended.to_body(3);
    bury_known(&queues, QueueName::Result, "first", &body).await;
    let redriven = queues.redrive(QueueName::Result, &Which::All).await;
    assert_eq!((redriven.sent.len(), redriven.stopped), (1, None));
    let back = messages(&queues, queues.urls().of(QueueName::Result)).await;
    assert_eq!(back[0].body.as_ref(), Some(&body));
    let attributes = back[0].message_attributes.as_ref().unwrap();
    let first_id = attributes[FIRST_ID].string_value.as_deref();
    assert_eq!((attributes.len(), first_id), (1, Some("first")));
    let system = back[0].attributes.as_ref().unwrap();
    let group = &system[&MessageSystemAttributeName::MessageGroupId];
    assert_eq!(
        *group,
        workflow.to_string(),
        "its own, not that of its burial"
    );
    assert!(dead(&queues, QueueName::Result).await.is_empty());

    // A second burial within the five minutes of deduplication is another letter.
    bury(&queues, QueueName::Result, &body).await;
    let again = queues.redrive(QueueName::Result, &Which::All).await;
    assert_eq!(again.sent.len(), 1);
    assert_eq!(on_queue(&queues, QueueName::Result).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_sqs_moved_keeps_its_attributes() {
    let aws = aws();
    let queues = queues(&aws).await;
    let later = queues::Message::Later {
        due_at: START.plus_millis(1),
        then: Box::new(queues::Message::TokenHeld {
            task_id: TaskId::new(Uuid::from_u128(8)),
        }),
    };
    queues.send(&[later]).await.unwrap();
    let clock = aws.clock();
    clock.sleep_until(START.plus_millis(1)).await;
    let url = queues.urls().of(QueueName::Retry).to_owned();
    for _ in 0..=QueueName::Retry.settings().max_receive_count {
        messages(&queues, &url).await;
    }
    let look = queues.dead_letters(QueueName::Retry).await.unwrap();
    let due = START.plus_millis(1).millis().to_string();
    assert_eq!(look.letters[0].attributes[DUE_AT], due);
    assert_eq!(look.letters[0].reason, None);
    let redriven = queues.redrive(QueueName::Retry, &Which::All).await;
    assert_eq!(redriven.sent, look.letters);
    let back = messages(&queues, &url).await;
    let attributes = back[0].message_attributes.as_ref().unwrap();
    assert_eq!(attributes[DUE_AT].string_value.as_ref(), Some(&due));
    let first_id = attributes[FIRST_ID].string_value.as_ref();
    assert_eq!(first_id, Some(&look.letters[0].id), "SQS leaves it its id");
    assert!(!attributes.contains_key(REASON));
}

#[tokio::test(start_paused = true)]
async fn only_what_is_named_is_sent_back_and_what_is_not_there_is_not_waited_for() {
    let aws = aws();
    let queues = queues(&aws).await;
    for number in 0..12 {
        bury(&queues, QueueName::Create, &format!("{{{number:02}")).await;
    }
    let look = queues.dead_letters(QueueName::Create).await.unwrap();
    let named: BTreeSet<_> = [3, 11].map(|n: usize| look.letters[n].id.clone()).into();
    let mut asked = named.clone();
    asked.insert("nobody".to_owned());
    let redriven = queues.redrive(QueueName::Create, &Which::Ids(asked)).await;
    assert_eq!(ids(&redriven), named);
    assert_eq!(on_queue(&queues, QueueName::Create).await.len(), 2);
    let left = queues.dead_letters(QueueName::Create).await.unwrap();
    assert_eq!(left.letters.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_back_and_is_there_again_stays_and_is_counted() {
    let aws = aws();
    let queues = queues(&aws).await;
    for (first_id, body) in [("1", "same"), ("2", "same"), ("2", "again"), ("3", "other")] {
        bury_known(&queues, QueueName::Execute, first_id, body).await;
    }
    let redriven = queues.redrive(QueueName::Execute, &Which::All).await;
    assert_eq!((redriven.sent.len(), redriven.came_back), (3, 1));
    assert_eq!(dead(&queues, QueueName::Execute).await, ["again"]);
}

/// A queue of each kind with two letters, whose redrive meets a fault at a call. Gives what is on
/// the queue and among its dead letters a minute later, and what was said.
async fn redriven_with(
    queue: QueueName,
    plan: impl FnOnce(&LocalAws, u64),
) -> (Vec<String>, Vec<String>, Option<Redriven>) {
    let aws = aws();
    let queues = queues(&aws).await;
    for body in ["one", "two"] {
        bury(&queues, queue, body).await;
    }
    plan(&aws, aws.faults().calls());
    let redrive = queues.redrive(queue, &Which::All);
    let said = tokio::time::timeout(Duration::from_secs(3600), redrive);
    let said = said.await.ok();
    aws.faults().revive();
    a_minute(&aws).await;
    (
        on_queue(&queues, queue).await,
        dead(&queues, queue).await,
        said,
    )
}

/// Calls of a redrive of two letters: receive, send, delete, send, delete, receive.
const CALLS: u64 = 6;

#[tokio::test(start_paused = true)]
async fn no_letter_is_lost_whenever_the_process_dies() {
    for queue in [QueueName::Execute, QueueName::Result] {
        for call in 1..=CALLS {
            let before = |aws: &LocalAws, made| aws.faults().kill_before(made + call);
            let after = |aws: &LocalAws, made| aws.faults().kill_after(made + call);
            for (on_queue, dead, said) in [
                redriven_with(queue, before).await,
                redriven_with(queue, after).await,
            ] {
                assert_eq!(said, None, "it died");
                let all: BTreeSet<_> = on_queue.iter().chain(&dead).map(String::as_str).collect();
                assert_eq!(all, BTreeSet::from(["one", "two"]), "call {call}");
                // One letter at most is in both places.
                assert!(on_queue.len() + dead.len() <= 3, "{on_queue:?}, {dead:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_stops_a_redrive_is_told_with_what_was_done_before() {
    for queue in [QueueName::Execute, QueueName::Result] {
        for call in 1..=CALLS {
            for failure in [Failure::Throttled, Failure::TimeoutAfterSuccess] {
                let fail = |aws: &LocalAws, made| aws.faults().fail(made + call, failure);
                let (on_queue, dead, said) = redriven_with(queue, fail).await;
                let said = said.unwrap();
                assert!(said.stopped.is_some(), "call {call}");
                // Sent and deleted: by the third call one, by the fifth two.
                let done = (call.saturating_sub(2) / 2).min(2);
                assert_eq!(said.sent.len() as u64, done, "call {call}");
                for letter in &said.sent {
                    assert!(on_queue.contains(&letter.body), "call {call}");
                    assert!(!dead.contains(&letter.body), "call {call}");
                }
                let all: BTreeSet<_> = on_queue.iter().chain(&dead).map(String::as_str).collect();
                assert_eq!(all, BTreeSet::from(["one", "two"]), "call {call}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_redrive_that_was_interrupted_is_done_again() {
    let aws = aws();
    let queues = queues(&aws).await;
    let body = json!({"no": "message"}).to_string();
    bury(&queues, QueueName::Result, &body).await;
    // Sent, and not deleted.
    aws.faults().kill_after(aws.faults().calls() + 2);
    let died = queues.redrive(QueueName::Result, &Which::All);
    assert!(
        tokio::time::timeout(Duration::from_secs(1), died)
            .await
            .is_err()
    );
    aws.faults().revive();
    a_minute(&aws).await;
    let again = queues.redrive(QueueName::Result, &Which::All).await;
    assert_eq!((again.sent.len(), again.stopped), (1, None));
    assert_eq!(
        on_queue(&queues, QueueName::Result).await,
        [body.clone(), body]
    );
    assert!(dead(&queues, QueueName::Result).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_leaves_nothing_hidden() {
    let aws = aws();
    let queues = queues(&aws).await;
    for number in 0..15 {
        bury(&queues, QueueName::Execute, &format!("letter {number}")).await;
    }
    aws.faults()
        .fail(aws.faults().calls() + 2, Failure::Throttled);
    let failed = queues.dead_letters(QueueName::Execute).await.unwrap_err();
    assert!(
        failed.to_string().contains("dead letters of execute"),
        "{failed}"
    );
    let look = queues.dead_letters(QueueName::Execute).await.unwrap();
    assert_eq!(look.letters.len(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_body_of_any_form_is_shown() {
    let aws = aws();
    let queues = queues(&aws).await;
    let url = queues.urls().dead_letters_of(QueueName::Create).to_owned();
    send(queues.client(), &url, "ünreadable \u{1f4a9}").await;
    let look = queues.dead_letters(QueueName::Create).await.unwrap();
    assert_eq!(look.letters[0].body, "ünreadable \u{1f4a9}");
    assert_eq!(look.letters[0].reason, None);
}
