//! Making the queues of a deployment in an emulator. On AWS the template makes them; both go by
//! [`QueueName::settings`].

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;

use crate::queues::{Error, QueueName, QueueUrls, Settings};

/// How long a dead letter is kept: the longest that SQS allows, 14 days.
pub const DEAD_LETTER_RETENTION_SECONDS: u32 = 14 * 24 * 60 * 60;

/// The name of a queue, or of its dead-letter queue, in a deployment without a prefix.
#[must_use]
pub fn name_of(queue: QueueName, suffix: &str) -> String {
    let end = if queue.settings().fifo { ".fifo" } else { "" };
    format!("{}{suffix}{end}", queue.as_str())
}

/// Makes every queue and its dead-letter queue, and says where they are. Queues that exist stay.
///
/// # Errors
/// A request failed.
pub async fn create_all(client: &Client) -> Result<QueueUrls, Error> {
    let mut queues = BTreeMap::new();
    let mut dead_letters = BTreeMap::new();
    for queue in QueueName::ALL {
        let settings = queue.settings();
        let kept = (
            QueueAttributeName::MessageRetentionPeriod,
            DEAD_LETTER_RETENTION_SECONDS.to_string(),
        );
        let mut attributes = kind_of(settings);
        attributes.extend([kept]);
        let dead = create(client, queue, "-dead-letters", attributes).await?;
        let arn = arn_of(client, queue, &dead).await?;
        let url = create(client, queue, "", attributes_of(settings, &arn)).await?;
        queues.insert(queue, url);
        dead_letters.insert(queue, dead);
    }
    Ok(QueueUrls {
        queues,
        dead_letters,
    })
}

type Attributes = HashMap<QueueAttributeName, String>;

fn kind_of(settings: Settings) -> Attributes {
    if !settings.fifo {
        return Attributes::new();
    }
    [
        (QueueAttributeName::FifoQueue, "true"),
        (QueueAttributeName::DeduplicationScope, "messageGroup"),
        (QueueAttributeName::FifoThroughputLimit, "perMessageGroupId"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

fn attributes_of(settings: Settings, dead_letters_arn: &str) -> Attributes {
    let redrive = json!({
        "deadLetterTargetArn": dead_letters_arn,
        "maxReceiveCount": settings.max_receive_count,
    });
    let mut attributes = kind_of(settings);
    attributes.insert(
        QueueAttributeName::VisibilityTimeout,
        settings.visibility_seconds.to_string(),
    );
    attributes.insert(QueueAttributeName::RedrivePolicy, redrive.to_string());
    attributes
}

async fn create(
    client: &Client,
    queue: QueueName,
    suffix: &str,
    attributes: Attributes,
) -> Result<String, Error> {
    let created = client
        .create_queue()
        .queue_name(name_of(queue, suffix))
        .set_attributes(Some(attributes).filter(|attributes| !attributes.is_empty()))
        .send()
        .await
        .map_err(|error| failed(queue, DisplayErrorContext(&error).to_string()))?;
    created
        .queue_url
        .ok_or_else(|| failed(queue, "the answer has no URL".to_owned()))
}

async fn arn_of(client: &Client, queue: QueueName, url: &str) -> Result<String, Error> {
    let answer = client
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(QueueAttributeName::QueueArn)
        .send()
        .await
        .map_err(|error| failed(queue, DisplayErrorContext(&error).to_string()))?;
    answer
        .attributes
        .and_then(|mut attributes| attributes.remove(&QueueAttributeName::QueueArn))
        .ok_or_else(|| failed(queue, "the answer has no ARN".to_owned()))
}

fn failed(queue: QueueName, reason: String) -> Error {
    Error::Request {
        queue: queue.as_str(),
        reason,
    }
}
