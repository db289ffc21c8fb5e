//! A message: what was sent, what SQS adds to it, how large it is and which digests it has.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use taskmill::Timestamp;
use uuid::Uuid;

use super::error::{Error, invalid};

/// Most bytes of a message, attributes included, and of all entries of a batch together.
pub const MAX_BYTES: usize = 1_048_576;

/// Most attributes of a message.
const MAX_ATTRIBUTES: usize = 10;

/// The attribute that names the millisecond at which a message falls due (a String, milliseconds
/// since 1970).
///
/// AWS knows only DelaySeconds: it waits whole seconds, and a sender rounds up. On a standard queue
/// of this service the attribute is honoured in place of DelaySeconds, so that a delay is exact. It
/// reaches no further than DelaySeconds may: 900 seconds from now.
pub const DUE_AT: &str = "taskmill.dueAt";

/// A typed attribute of a message, as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, with an own label after a dot.
    pub data_type: String,
    /// The value of a String or Number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// The value of a Binary, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

/// Attributes by name, in the order that their digest takes them.
pub type Attributes = BTreeMap<String, Attribute>;

/// A message as it lies in a queue.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub id: Uuid,
    pub body: String,
    pub attributes: Attributes,
    pub trace_header: Option<String>,
    pub group: Option<String>,
    pub deduplication: Option<String>,
    pub sequence: Option<u64>,
    pub sent_at: Timestamp,
    pub first_received: Option<Timestamp>,
    pub receive_count: u32,
    /// The ARN of the queue that gave the message up.
    pub dead_from: Option<String>,
}

impl Message {
    /// The time that [`DUE_AT`] names, if it names one.
    pub fn due_at(&self) -> Option<Timestamp> {
        let text = self.attributes.get(DUE_AT)?.string_value.as_deref()?;
        text.parse().ok().map(Timestamp::from_millis)
    }

    /// What SQS says of the message under its system attributes' names.
    pub fn system_attributes(&self) -> BTreeMap<&'static str, String> {
        let millis = |at: Timestamp| at.millis().to_string();
        let known = [
            ("SenderId", Some("AIDATASKMILL".to_owned())),
            ("SentTimestamp", Some(millis(self.sent_at))),
            (
                "ApproximateReceiveCount",
                Some(self.receive_count.to_string()),
            ),
            (
                "ApproximateFirstReceiveTimestamp",
                self.first_received.map(millis),
            ),
            ("MessageGroupId", self.group.clone()),
            ("MessageDeduplicationId", self.deduplication.clone()),
            ("SequenceNumber", self.sequence.map(sequence_text)),
            ("DeadLetterQueueSourceArn", self.dead_from.clone()),
            ("AWSTraceHeader", self.trace_header.clone()),
        ];
        known
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

/// A sequence number as SQS writes it: twenty digits.
pub(super) fn sequence_text(sequence: u64) -> String {
    format!("{sequence:020}")
}

/// Bytes that count towards the size limits.
pub(super) fn size(body: &str, attributes: &Attributes) -> usize {
    let of_attributes: usize = attributes
        .iter()
        .map(|(name, attribute)| {
            let text = attribute.string_value.as_ref().map_or(0, String::len);
            let binary = attribute
                .binary_value
                .as_ref()
                .map_or(0, |b| decoded(b).map_or(0, |bytes| bytes.len()));
            name.len() + attribute.data_type.len() + text + binary
        })
        .sum();
    body.len() + of_attributes
}

/// Refuses a body that is empty or holds what XML cannot.
pub(super) fn check_body(body: &str) -> Result<(), Error> {
    if body.is_empty() {
        return Err(Error::MissingParameter("MessageBody"));
    }
    let allowed = |c: char| match c {
        '\t' | '\n' | '\r' => true,
        c => c >= ' ' && c != '\u{fffe}' && c != '\u{ffff}',
    };
    if body.chars().all(allowed) {
        Ok(())
    } else {
        Err(Error::InvalidMessageContents)
    }
}

/// Refuses attributes that SQS would not take.
pub(super) fn check_attributes(attributes: &Attributes) -> Result<(), Error> {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(Error::InvalidParameterValue(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MAX_ATTRIBUTES}].",
            attributes.len()
        )));
    }
    attributes
        .iter()
        .try_for_each(|(name, attribute)| check_attribute(name, attribute))
}

fn check_attribute(name: &str, attribute: &Attribute) -> Result<(), Error> {
    let named_well = (1..=256).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if !named_well {
        return Err(invalid(
            "MessageAttributes",
            name,
            "an attribute's name has 1 to 256 letters, digits, '_', '-' and '.'.",
        ));
    }
    let kind = attribute.data_type.split('.').next().unwrap_or_default();
    let has_value = match kind {
        "String" | "Number" => attribute
            .string_value
            .as_ref()
            .is_some_and(|v| !v.is_empty()),
        "Binary" => attribute
            .binary_value
            .as_ref()
            .and_then(|b| decoded(b))
            .is_some_and(|b| !b.is_empty()),
        _ => {
            return Err(Error::InvalidParameterValue(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of \
                 supported type prefixes is Binary, Number, and String."
            )));
        }
    };
    if has_value {
        Ok(())
    } else {
        Err(Error::InvalidParameterValue(format!(
            "The message attribute '{name}' must contain non-empty message attribute value for \
             message attribute type '{kind}'."
        )))
    }
}

/// The MD5 of a body, in hexadecimal.
pub(crate) fn md5_of_body(body: &[u8]) -> String {
    hex(&Md5::digest(body))
}

/// The MD5 of a message's attributes as SQS's developer guide defines it: name, type and value in
/// order of the names, each with its length in four bytes, the value's kind in one. None when there
/// are no attributes.
pub(super) fn md5_of_attributes<'a>(
    attributes: impl IntoIterator<Item = (&'a String, &'a Attribute)>,
) -> Option<String> {
    let mut digest = Md5::new();
    let mut any = false;
    for (name, attribute) in attributes {
        any = true;
        absorb(&mut digest, name.as_bytes());
        absorb(&mut digest, attribute.data_type.as_bytes());
        match (&attribute.string_value, &attribute.binary_value) {
            (Some(text), _) => {
                digest.update([1]);
                absorb(&mut digest, text.as_bytes());
            }
            (None, binary) => {
                digest.update([2]);
                let bytes = binary.as_deref().and_then(decoded).unwrap_or_default();
                absorb(&mut digest, &bytes);
            }
        }
    }
    any.then(|| hex(&digest.finalize()))
}

fn absorb(digest: &mut Md5, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    digest.update(length.to_be_bytes());
    digest.update(bytes);
}

fn decoded(base64: &str) -> Option<Vec<u8>> {
    aws_smithy_types::base64::decode(base64).ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
