//! Runs the scripts of `sqs_cases` against an SDK client, whoever answers it.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName,
    QueueAttributeName, SendMessageBatchRequestEntry,
};
use taskmill_aws::clock::Clock;

/// A service under test, and the clock that it runs on.
pub struct Script {
    client: Client,
    clock: Clock,
    began: taskmill::Timestamp,
    /// Keeps the queues of one case from those of another.
    prefix: String,
    urls: HashMap<String, String>,
    handles: HashMap<String, String>,
}

type Answer = Result<String, String>;

impl Script {
    pub fn new(client: Client, clock: Clock, prefix: impl Into<String>) -> Self {
        Self {
            client,
            clock,
            began: clock.now(),
            prefix: prefix.into(),
            urls: HashMap::new(),
            handles: HashMap::new(),
        }
    }

    /// Runs every line, and panics at the first that is answered otherwise than it says.
    pub async fn run(&mut self, name: &str, script: &str) {
        // `\n` alone ends a line: some scripts send other control characters.
        for line in script.split('\n') {
            let line = line.trim_matches(' ');
            let (request, expected) = match line.split_once("->") {
                Some((request, expected)) => (request, Some(expected.trim())),
                None => (line, None),
            };
            let words: Vec<&str> = request.split(' ').filter(|word| !word.is_empty()).collect();
            let answer = match self.act(&words).await {
                Ok(text) => text,
                Err(code) => format!("!{code}"),
            };
            let expected = expected.unwrap_or("");
            assert_eq!(answer, expected, "{name}: {line}");
        }
    }

    async fn act(&mut self, words: &[&str]) -> Answer {
        match words {
            ["create", queue, options @ ..] => self.create(queue, options).await,
            ["send", queue, body, options @ ..] => self.send(queue, body, options).await,
            ["send-batch", queue, entries @ ..] => self.send_batch(queue, entries).await,
            ["receive", queue, options @ ..] => self.receive(queue, options).await,
            ["delete", queue, message] => self.delete(queue, message).await,
            ["delete-batch", queue, messages @ ..] => self.delete_batch(queue, messages).await,
            ["visibility", queue, message, seconds] => {
                self.visibility(queue, message, seconds).await
            }
            ["counts", queue] => self.counts(queue).await,
            ["attribute", queue, name] => self.attribute(queue, name).await,
            ["purge", queue] => {
                let purge = self.client.purge_queue().queue_url(self.url(queue));
                coded(purge.send().await).map(|_| String::new())
            }
            ["url", queue] => {
                let named = self.client.get_queue_url().queue_name(self.name(queue));
                let url = coded(named.send().await)?.queue_url;
                assert_eq!(url.as_deref(), Some(self.url(queue).as_str()));
                Ok(String::new())
            }
            ["wait", millis] => {
                tokio::time::sleep(Duration::from_millis(number(millis))).await;
                Ok(String::new())
            }
            ["elapsed"] => Ok(self.clock.now().millis_since(self.began).to_string()),
            other => panic!("no such line: {other:?}"),
        }
    }

    async fn create(&mut self, queue: &str, options: &[&str]) -> Answer {
        let mut create = self.client.create_queue().queue_name(self.name(queue));
        for (name, value) in pairs(options) {
            create = match name {
                "redrive" => create.attributes(QueueAttributeName::RedrivePolicy, {
                    let (target, count) = value.split_once(':').expect("a queue and a count");
                    let arn = self.arn(target).await;
                    format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"{count}"}}"#)
                }),
                name => create.attributes(QueueAttributeName::from(name), value),
            };
        }
        let created = coded(create.send().await)?;
        let url = created.queue_url.expect("a URL");
        self.urls.insert(queue.to_owned(), url);
        Ok(String::new())
    }

    async fn arn(&self, queue: &str) -> String {
        let described = self
            .client
            .get_queue_attributes()
            .queue_url(self.url(queue))
            .attribute_names(QueueAttributeName::QueueArn)
            .send()
            .await;
        let attributes = described.ok().and_then(|described| described.attributes);
        attributes
            .and_then(|mut all| all.remove(&QueueAttributeName::QueueArn))
            .unwrap_or_else(|| "arn:aws:sqs:local:000000000000:nowhere".to_owned())
    }

    async fn send(&self, queue: &str, body: &str, options: &[&str]) -> Answer {
        let mut send = self.client.send_message().queue_url(self.url(queue));
        let mut text = body.to_owned();
        for (name, value) in pairs(options) {
            send = match name {
                "delay" => send.delay_seconds(value.parse().expect("seconds")),
                "group" => send.message_group_id(value),
                "dedup" => send.message_deduplication_id(value),
                "size" => {
                    text = "x".repeat(value.parse().expect("bytes"));
                    send
                }
                "due" => {
                    let at = self.began.millis() + value.parse::<i64>().expect("milliseconds");
                    send.message_attributes(taskmill_local::sqs::DUE_AT, attribute(&at.to_string()))
                }
                other => send.message_attributes(
                    other.strip_prefix("attr:").expect("an option of send"),
                    attribute(value),
                ),
            };
        }
        coded(send.message_body(text).send().await).map(|_| String::new())
    }

    async fn send_batch(&self, queue: &str, entries: &[&str]) -> Answer {
        let entries: Vec<_> = entries
            .iter()
            .map(|entry| {
                let (id, body) = entry.split_once('=').unwrap_or(("a", entry));
                let body = match body.split_once('*') {
                    Some((part, times)) => part.repeat(times.parse().expect("a count")),
                    None => body.to_owned(),
                };
                let entry = SendMessageBatchRequestEntry::builder();
                entry.id(id).message_body(body).build().expect("an entry")
            })
            .collect();
        let batch = self.client.send_message_batch().queue_url(self.url(queue));
        let sent = coded(batch.set_entries(Some(entries)).send().await)?;
        let done = sent.successful.iter().map(|entry| entry.id.clone());
        let failed = sent.failed.iter().map(|e| format!("{}!{}", e.id, e.code));
        Ok(sorted(done.chain(failed).collect()))
    }

    async fn receive(&mut self, queue: &str, options: &[&str]) -> Answer {
        let mut receive = self
            .client
            .receive_message()
            .queue_url(self.url(queue))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All");
        for (name, value) in pairs(options) {
            let value: i32 = value.parse().expect("a number");
            receive = match name {
                "max" => receive.max_number_of_messages(value),
                "visibility" => receive.visibility_timeout(value),
                "wait" => receive.wait_time_seconds(value),
                other => panic!("receive has no option {other}"),
            };
        }
        let received = coded(receive.send().await)?.messages.unwrap_or_default();
        let mut shown = Vec::new();
        for message in &received {
            let body = message.body.clone().expect("a body");
            let count = system(
                message,
                &MessageSystemAttributeName::ApproximateReceiveCount,
            );
            let handle = message.receipt_handle.clone().expect("a handle");
            self.handles
                .insert(format!("{body}@{count}"), handle.clone());
            self.handles.insert(body.clone(), handle);
            shown.push(format!("{body}*{count}"));
        }
        // A standard queue promises no order.
        Ok(if queue.ends_with(".fifo") {
            shown.join(" ")
        } else {
            sorted(shown)
        })
    }

    async fn delete(&self, queue: &str, message: &str) -> Answer {
        let delete = self.client.delete_message().queue_url(self.url(queue));
        let deleted = delete.receipt_handle(self.handle(message)).send().await;
        coded(deleted).map(|_| String::new())
    }

    async fn delete_batch(&self, queue: &str, messages: &[&str]) -> Answer {
        let entries = messages.iter().enumerate().map(|(number, message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
            let entry = entry.receipt_handle(self.handle(message));
            entry.build().expect("an entry")
        });
        let batch = self
            .client
            .delete_message_batch()
            .queue_url(self.url(queue));
        let deleted = coded(batch.set_entries(Some(entries.collect())).send().await)?;
        let done = deleted.successful.iter().map(|entry| entry.id.clone());
        let failed = deleted
            .failed
            .iter()
            .map(|e| format!("{}!{}", e.id, e.code));
        Ok(sorted(done.chain(failed).collect()))
    }

    async fn visibility(&self, queue: &str, message: &str, seconds: &str) -> Answer {
        let change = self.client.change_message_visibility();
        let change = change.queue_url(self.url(queue));
        let change = change.receipt_handle(self.handle(message));
        let changed = change.visibility_timeout(seconds.parse().expect("seconds"));
        coded(changed.send().await).map(|_| String::new())
    }

    async fn counts(&self, queue: &str) -> Answer {
        let names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ];
        let mut counts = Vec::new();
        for name in names {
            counts.push(self.attribute(queue, name).await?);
        }
        Ok(counts.join(" "))
    }

    async fn attribute(&self, queue: &str, name: &str) -> Answer {
        let name = QueueAttributeName::from(name);
        let asked = self.client.get_queue_attributes();
        let asked = asked
            .queue_url(self.url(queue))
            .attribute_names(name.clone());
        let attributes = coded(asked.send().await)?.attributes.unwrap_or_default();
        Ok(attributes.get(&name).cloned().unwrap_or_default())
    }

    fn name(&self, queue: &str) -> String {
        format!("{}-{queue}", self.prefix)
    }

    fn url(&self, queue: &str) -> String {
        let unknown = || format!("http://unknown/000000000000/{}", self.name(queue));
        self.urls.get(queue).cloned().unwrap_or_else(unknown)
    }

    fn handle(&self, message: &str) -> String {
        let broken = || "broken".to_owned();
        self.handles.get(message).cloned().unwrap_or_else(broken)
    }
}

fn pairs<'a>(options: &[&'a str]) -> impl Iterator<Item = (&'a str, &'a str)> {
    let pair = |option: &&'a str| option.split_once('=').expect("a name and a value");
    options.iter().map(pair).collect::<Vec<_>>().into_iter()
}

fn attribute(text: &str) -> MessageAttributeValue {
    let value = MessageAttributeValue::builder().data_type("String");
    value.string_value(text).build().expect("an attribute")
}

fn system(message: &Message, name: &MessageSystemAttributeName) -> String {
    let attributes = message.attributes.as_ref();
    attributes
        .and_then(|all| all.get(name).cloned())
        .unwrap_or_default()
}

fn sorted(mut words: Vec<String>) -> String {
    words.sort();
    words.join(" ")
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

fn coded<T, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, SdkError<E>>,
) -> Result<T, String> {
    result.map_err(|error| match error.code() {
        Some(code) => code.to_owned(),
        None => panic!("an error without a code: {error:?}"),
    })
}
