//! What a receive asks for, and how a message is shown to it.

use super::api::{ReceiveMessage, ReceivedMessage};
use super::error::{Error, invalid};
use super::message::{Attributes, md5_of_attributes, md5_of_body};
use super::queue::Delivered;

/// A receive's parameters, checked.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub most: usize,
    /// Seconds; the queue's own when absent.
    pub visibility_timeout: Option<u64>,
    system: Vec<&'a str>,
    attributes: &'a [String],
}

impl<'a> Asked<'a> {
    pub fn of(request: &'a ReceiveMessage) -> Result<Self, Error> {
        if request.receive_request_attempt_id.is_some() {
            return Err(Error::UnsupportedOperation(
                "ReceiveRequestAttemptId is not supported.".to_owned(),
            ));
        }
        let most = request.max_number_of_messages.unwrap_or(1);
        let most = in_range("MaxNumberOfMessages", most, 1, 10)?;
        let visibility_timeout = request
            .visibility_timeout
            .map(|asked| in_range("VisibilityTimeout", asked, 0, 43_200))
            .transpose()?;
        let names = [
            &request.attribute_names,
            &request.message_system_attribute_names,
        ];
        Ok(Self {
            most: usize::try_from(most).unwrap_or(1),
            visibility_timeout,
            system: names.into_iter().flatten().map(String::as_str).collect(),
            attributes: &request.message_attribute_names,
        })
    }

    /// A delivered message with the attributes that were asked for.
    pub fn show(&self, queue: &str, delivered: Delivered) -> ReceivedMessage {
        let Delivered { message, receipt } = delivered;
        let mut attributes = message.system_attributes();
        attributes.retain(|name, _| {
            self.system
                .iter()
                .any(|asked| asked == name || *asked == "All")
        });
        let shown: Attributes = message
            .attributes
            .into_iter()
            .filter(|(name, _)| self.attributes.iter().any(|asked| covers(asked, name)))
            .collect();
        ReceivedMessage {
            message_id: message.id.to_string(),
            receipt_handle: receipt.handle(queue),
            md5_of_body: md5_of_body(message.body.as_bytes()),
            body: message.body,
            attributes,
            md5_of_attributes: md5_of_attributes(&shown),
            message_attributes: shown,
        }
    }
}

/// Seconds that a receive waits when there is nothing: its own, or the queue's.
pub(super) fn wait_seconds(request: &ReceiveMessage, of_queue: u64) -> Result<u64, Error> {
    let asked = request.wait_time_seconds;
    asked.map_or(Ok(of_queue), |seconds| {
        in_range("WaitTimeSeconds", seconds, 0, 20)
    })
}

/// A number within its bounds.
pub(super) fn in_range(parameter: &str, value: i64, least: u64, most: u64) -> Result<u64, Error> {
    u64::try_from(value)
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| {
            let reason = format!("Must be >= {least} and <= {most}, if provided.");
            invalid(parameter, value, &reason)
        })
}

fn covers(asked: &str, name: &str) -> bool {
    let prefix = asked.strip_suffix(".*");
    asked == "All" || asked == name || prefix.is_some_and(|prefix| name.starts_with(prefix))
}
