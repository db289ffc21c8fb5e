//! What may be sent: the checks on a message before a queue takes it.

use sha2::{Digest as _, Sha256};
use taskmill::Timestamp;
use uuid::Uuid;

use super::api::{Content, Entry, SentMessage};
use super::error::{Error, invalid};
use super::message::{
    MAX_BYTES, Message, check_attributes, check_body, md5_of_attributes, md5_of_body,
    sequence_text, size,
};
use super::queue::Queue;
use super::receive::in_range;
use super::settings::{DeduplicationIds, Kind};

/// Checks one message and queues it.
pub(super) fn send(
    queue: &mut Queue,
    content: Content,
    id: Uuid,
    now: Timestamp,
) -> Result<SentMessage, Error> {
    check_body(&content.message_body)?;
    check_attributes(&content.message_attributes)?;
    check_size(queue, &content)?;
    let delay = delay(queue, &content)?;
    let deduplication = deduplication(queue, &content)?;
    let md5_of_body = md5_of_body(content.message_body.as_bytes());
    let md5_of_attributes = md5_of_attributes(&content.message_attributes);
    let message = Message {
        id,
        trace_header: trace_header(&content)?,
        body: content.message_body,
        attributes: content.message_attributes,
        group: content.message_group_id,
        deduplication,
        sequence: None,
        sent_at: now,
        first_received: None,
        receive_count: 0,
        dead_from: None,
    };
    let sent = queue.send(message, delay, now);
    Ok(SentMessage {
        message_id: sent.id.to_string(),
        md5_of_body,
        md5_of_attributes,
        sequence_number: sent.sequence.map(sequence_text),
    })
}

/// Refuses a batch whose messages are too large together.
pub(super) fn check_total(entries: &[Entry<Content>]) -> Result<(), Error> {
    let sent = entries
        .iter()
        .map(|entry| {
            size(
                &entry.content.message_body,
                &entry.content.message_attributes,
            )
        })
        .sum();
    if sent > MAX_BYTES {
        return Err(Error::BatchRequestTooLong {
            limit: MAX_BYTES,
            sent,
        });
    }
    Ok(())
}

fn check_size(queue: &Queue, content: &Content) -> Result<(), Error> {
    let limit = queue.settings.max_message_size;
    if size(&content.message_body, &content.message_attributes) > limit {
        return Err(Error::InvalidParameterValue(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes."
        )));
    }
    Ok(())
}

/// The message's delay in seconds, its own or the queue's.
fn delay(queue: &Queue, content: &Content) -> Result<u64, Error> {
    let Some(asked) = content.delay_seconds else {
        return Ok(queue.settings.delay);
    };
    match queue.settings.kind {
        Kind::Standard => in_range("DelaySeconds", asked, 0, 900),
        // A FIFO queue delays all or none: an explicit nothing is let through.
        Kind::Fifo { .. } if asked == 0 => Ok(queue.settings.delay),
        Kind::Fifo { .. } => Err(invalid(
            "DelaySeconds",
            asked,
            "The request include parameter that is not valid for this queue type.",
        )),
    }
}

fn deduplication(queue: &Queue, content: &Content) -> Result<Option<String>, Error> {
    for (parameter, id) in [
        ("MessageGroupId", &content.message_group_id),
        ("MessageDeduplicationId", &content.message_deduplication_id),
    ] {
        id.as_deref().map_or(Ok(()), |id| check_id(parameter, id))?;
    }
    let given = content.message_deduplication_id.clone();
    match (queue.settings.kind, given) {
        (Kind::Standard, None) => Ok(None),
        (Kind::Standard, Some(id)) => Err(invalid(
            "MessageDeduplicationId",
            id,
            "The request includes a parameter that is not valid for this queue type.",
        )),
        (Kind::Fifo { .. }, _) if content.message_group_id.is_none() => {
            Err(Error::MissingParameter("MessageGroupId"))
        }
        (Kind::Fifo { .. }, Some(id)) => Ok(Some(id)),
        (Kind::Fifo { ids, .. }, None) => match ids {
            DeduplicationIds::FromContent => Ok(Some(content_hash(&content.message_body))),
            DeduplicationIds::Explicit => Err(Error::InvalidParameterValue(
                "The queue should either have ContentBasedDeduplication enabled or \
                 MessageDeduplicationId provided explicitly"
                    .to_owned(),
            )),
        },
    }
}

fn check_id(parameter: &str, id: &str) -> Result<(), Error> {
    // Letters, digits and ASCII punctuation: every visible ASCII character.
    let fits = (1..=128).contains(&id.len()) && id.chars().all(|c| c.is_ascii_graphic());
    if fits {
        return Ok(());
    }
    Err(invalid(
        parameter,
        id,
        &format!(
            "{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."
        ),
    ))
}

fn content_hash(body: &str) -> String {
    let digest = Sha256::digest(body.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn trace_header(content: &Content) -> Result<Option<String>, Error> {
    let given = &content.message_system_attributes;
    if let Some(name) = given.keys().find(|name| *name != "AWSTraceHeader") {
        return Err(invalid(
            "MessageSystemAttributes",
            name,
            "The message system attribute name is not supported.",
        ));
    }
    let header = given.get("AWSTraceHeader");
    Ok(header.and_then(|attribute| attribute.string_value.clone()))
}
