//! A queue's attributes: which exist, what they may be, what they mean here.
//!
//! Attributes that change nothing in one process (encryption, policies, the throughput limit) are
//! kept and answered as they were given.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::error::{Error, invalid};
use super::message::MAX_BYTES;

/// A queue's attributes by name, as the wire has them.
pub type Given = BTreeMap<String, String>;

/// What a queue does with its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub kind: Kind,
    /// Seconds.
    pub visibility_timeout: u64,
    /// Seconds.
    pub delay: u64,
    /// Bytes.
    pub max_message_size: usize,
    /// Seconds.
    pub retention: u64,
    /// Seconds.
    pub receive_wait: u64,
    pub redrive: Option<Redrive>,
    /// Everything that was given, for the answer to GetQueueAttributes.
    pub given: Given,
}

/// Standard, or FIFO with its rules of deduplication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Standard,
    Fifo {
        ids: DeduplicationIds,
        scope: DeduplicationScope,
    },
}

/// Where a FIFO message's deduplication id comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeduplicationIds {
    /// Every message must bring one.
    Explicit,
    /// A message that brings none has its body's hash.
    FromContent,
}

/// Within what a deduplication id is unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeduplicationScope {
    Queue,
    MessageGroup,
}

/// When a message is given up, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redrive {
    pub target: String,
    pub max_receive_count: u32,
}

const VERBATIM: [&str; 7] = [
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "Policy",
    "RedriveAllowPolicy",
    "SqsManagedSseEnabled",
    "DeduplicationScope",
];

impl Settings {
    /// The settings of a queue of this name with these attributes.
    pub fn of_queue(name: &str, given: &Given) -> Result<Self, Error> {
        check_names(given)?;
        Ok(Self {
            kind: kind(name, given)?,
            visibility_timeout: number(given, "VisibilityTimeout", 30, 0, 43_200)?,
            delay: number(given, "DelaySeconds", 0, 0, 900)?,
            max_message_size: size(given)?,
            retention: number(given, "MessageRetentionPeriod", 345_600, 60, 1_209_600)?,
            receive_wait: number(given, "ReceiveMessageWaitTimeSeconds", 0, 0, 20)?,
            redrive: redrive(given)?,
            given: given.clone(),
        })
    }

    /// The same queue with some attributes replaced. An empty value takes an attribute away.
    pub fn changed(&self, name: &str, changes: &Given) -> Result<Self, Error> {
        if let Some(fixed) = changes.get("FifoQueue") {
            return Err(Error::InvalidAttributeValue(format!("FifoQueue={fixed}")));
        }
        let mut given = self.given.clone();
        for (attribute, value) in changes {
            if value.is_empty() {
                given.remove(attribute);
            } else {
                given.insert(attribute.clone(), value.clone());
            }
        }
        Self::of_queue(name, &given)
    }

    /// The first attribute asked for that this queue has with another value.
    pub fn conflict(&self, name: &str, asked: &Given) -> Result<Option<String>, Error> {
        let wanted = self.changed_all(name, asked)?;
        let described = self.described();
        Ok(wanted
            .described()
            .into_iter()
            .find(|(attribute, value)| described.get(attribute) != Some(value))
            .map(|(attribute, _)| attribute))
    }

    fn changed_all(&self, name: &str, asked: &Given) -> Result<Self, Error> {
        let mut given = self.given.clone();
        given.extend(asked.clone());
        Self::of_queue(name, &given)
    }

    /// Every attribute with its value in force.
    pub fn described(&self) -> Given {
        let mut all = self.given.clone();
        let numbers = [
            ("VisibilityTimeout", self.visibility_timeout),
            ("DelaySeconds", self.delay),
            ("MaximumMessageSize", self.max_message_size as u64),
            ("MessageRetentionPeriod", self.retention),
            ("ReceiveMessageWaitTimeSeconds", self.receive_wait),
        ];
        for (name, value) in numbers {
            all.insert(name.to_owned(), value.to_string());
        }
        match self.kind {
            // SQS does not name the attribute on a standard queue.
            Kind::Standard => drop(all.remove("FifoQueue")),
            Kind::Fifo { ids, .. } => {
                let from_content = ids == DeduplicationIds::FromContent;
                all.insert("FifoQueue".to_owned(), "true".to_owned());
                all.insert(
                    "ContentBasedDeduplication".to_owned(),
                    from_content.to_string(),
                );
            }
        }
        all
    }
}

fn check_names(given: &Given) -> Result<(), Error> {
    const READ: [&str; 8] = [
        "ContentBasedDeduplication",
        "DelaySeconds",
        "FifoQueue",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "ReceiveMessageWaitTimeSeconds",
        "RedrivePolicy",
        "VisibilityTimeout",
    ];
    let known = |name: &str| READ.contains(&name) || VERBATIM.contains(&name);
    match given.keys().find(|name| !known(name)) {
        Some(name) => Err(Error::InvalidAttributeName(name.clone())),
        None => Ok(()),
    }
}

fn kind(name: &str, given: &Given) -> Result<Kind, Error> {
    let stem = name.strip_suffix(".fifo");
    let named_well = (1..=80).contains(&name.len())
        && stem
            .unwrap_or(name)
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    if !named_well || stem == Some("") {
        return Err(Error::InvalidParameterValue(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
                .to_owned(),
        ));
    }
    let fifo = flag(given, "FifoQueue")?;
    if fifo != stem.is_some() {
        return Err(Error::InvalidParameterValue(
            "The name of a FIFO queue, and of no other, ends in .fifo, and its FifoQueue is true."
                .to_owned(),
        ));
    }
    if !fifo {
        return only_fifo(given).map_or(Ok(Kind::Standard), |name| {
            Err(Error::InvalidAttributeName(name.to_owned()))
        });
    }
    let ids = if flag(given, "ContentBasedDeduplication")? {
        DeduplicationIds::FromContent
    } else {
        DeduplicationIds::Explicit
    };
    let scope = scope(given)?;
    Ok(Kind::Fifo { ids, scope })
}

fn only_fifo(given: &Given) -> Option<&'static str> {
    [
        "ContentBasedDeduplication",
        "DeduplicationScope",
        "FifoThroughputLimit",
    ]
    .into_iter()
    .find(|name| given.contains_key(*name))
}

fn scope(given: &Given) -> Result<DeduplicationScope, Error> {
    match given.get("DeduplicationScope").map(String::as_str) {
        None | Some("queue") => Ok(DeduplicationScope::Queue),
        Some("messageGroup") => Ok(DeduplicationScope::MessageGroup),
        Some(_) => Err(Error::InvalidAttributeValue(
            "DeduplicationScope".to_owned(),
        )),
    }
}

fn flag(given: &Given, name: &str) -> Result<bool, Error> {
    match given.get(name).map(String::as_str) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Error::InvalidAttributeValue(name.to_owned())),
    }
}

fn number(given: &Given, name: &str, default: u64, least: u64, most: u64) -> Result<u64, Error> {
    let Some(text) = given.get(name) else {
        return Ok(default);
    };
    text.parse()
        .ok()
        .filter(|value| (least..=most).contains(value))
        .ok_or_else(|| Error::InvalidAttributeValue(name.to_owned()))
}

fn size(given: &Given) -> Result<usize, Error> {
    let most = MAX_BYTES as u64;
    let bytes = number(given, "MaximumMessageSize", most, 1024, most)?;
    Ok(usize::try_from(bytes).unwrap_or(MAX_BYTES))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    max_receive_count: Value,
}

fn redrive(given: &Given) -> Result<Option<Redrive>, Error> {
    let Some(text) = given.get("RedrivePolicy") else {
        return Ok(None);
    };
    let refuse = |reason| invalid("RedrivePolicy", text, reason);
    let policy: RedrivePolicy = serde_json::from_str(text)
        .map_err(|_| refuse("it is JSON with deadLetterTargetArn and maxReceiveCount."))?;
    // CloudFormation writes the count as a number, the console as text.
    let count = match &policy.max_receive_count {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    };
    let count = count
        .filter(|count| (1..=1000).contains(count))
        .and_then(|count| u32::try_from(count).ok())
        .ok_or_else(|| refuse("maxReceiveCount is 1 to 1000."))?;
    let target = policy.dead_letter_target_arn;
    Ok(Some(Redrive {
        target: target.rsplit(':').next().unwrap_or_default().to_owned(),
        max_receive_count: count,
    }))
}
