//! A received message as the record of a Lambda event.

use std::collections::HashMap;

use aws_lambda_events::encodings::Base64Data;
use aws_lambda_events::sqs::{SqsMessage, SqsMessageAttribute};
use aws_sdk_sqs::types::{Message, MessageAttributeValue};

use crate::account::{REGION, queue_arn, queue_name};

/// The record that Lambda would put into an event for this message of this queue.
pub(crate) fn record(queue_url: &str, message: Message) -> SqsMessage {
    let system = message.attributes.unwrap_or_default();
    let attributes = message.message_attributes.unwrap_or_default();
    let mut record = SqsMessage::default();
    record.message_id = message.message_id;
    record.receipt_handle = message.receipt_handle;
    record.body = message.body;
    record.md5_of_body = message.md5_of_body;
    record.md5_of_message_attributes = message.md5_of_message_attributes;
    record.attributes = system
        .into_iter()
        .map(|(name, value)| (name.as_str().to_owned(), value))
        .collect();
    record.message_attributes = attributes
        .into_iter()
        .map(|(name, value)| (name, attribute(value)))
        .collect::<HashMap<_, _>>();
    record.event_source_arn = Some(queue_arn(queue_name(queue_url)));
    record.event_source = Some("aws:sqs".to_owned());
    record.aws_region = Some(REGION.to_owned());
    record
}

fn attribute(value: MessageAttributeValue) -> SqsMessageAttribute {
    let mut attribute = SqsMessageAttribute::default();
    attribute.data_type = Some(value.data_type);
    attribute.string_value = value.string_value;
    attribute.binary_value = value.binary_value.map(|blob| {
        let mut data = Base64Data::default();
        data.0 = blob.into_inner();
        data
    });
    attribute
}
