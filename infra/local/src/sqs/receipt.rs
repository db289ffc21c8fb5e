//! Receipt handles: opaque to their holder, to us the place of a message in its queue and the
//! receive that the handle came from.

use super::error::Error;

/// What a handle says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receipt {
    /// The message's place in its queue.
    pub slot: u64,
    /// The message's receive count at that receive.
    pub receive: u32,
}

impl Receipt {
    /// The handle, as a consumer of this queue gets it.
    pub fn handle(self, queue: &str) -> String {
        let text = format!("{queue} {} {}", self.slot, self.receive);
        aws_smithy_types::base64::encode(text)
    }

    /// Reads a handle of this queue.
    pub fn parse(queue: &str, handle: &str) -> Result<Self, Error> {
        parts(queue, handle).ok_or(Error::ReceiptHandleIsInvalid)
    }
}

fn parts(queue: &str, handle: &str) -> Option<Receipt> {
    let text = String::from_utf8(aws_smithy_types::base64::decode(handle).ok()?).ok()?;
    let mut parts = text.split(' ');
    let named = parts.next()?;
    let slot = parts.next()?.parse().ok()?;
    let receive = parts.next()?.parse().ok()?;
    (named == queue && parts.next().is_none()).then_some(Receipt { slot, receive })
}
