//! What SQS refuses, in the words and codes of its JSON protocol.
//!
//! A code exists twice on the wire: as the shape's name in the body, and as the older query
//! protocol's code in a header. The SDK reads the header first.

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No queue has this name.
    #[error("The specified queue does not exist.")]
    QueueDoesNotExist,
    /// The queue exists with another value of this attribute.
    #[error(
        "A queue already exists with the same name and a different value for attribute {attribute}"
    )]
    QueueNameExists {
        /// The attribute that differs.
        attribute: String,
    },
    /// A parameter is outside of what it may be.
    #[error("{0}")]
    InvalidParameterValue(String),
    /// A parameter that must be there is not.
    #[error("The request must contain the parameter {0}.")]
    MissingParameter(&'static str),
    /// No queue attribute has this name.
    #[error("Unknown Attribute {0}.")]
    InvalidAttributeName(String),
    /// A queue attribute is outside of what it may be.
    #[error("Invalid value for the parameter {0}.")]
    InvalidAttributeValue(String),
    /// The body holds a character that XML does not allow.
    #[error(
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
    )]
    InvalidMessageContents,
    /// The text is no receipt handle of this queue.
    #[error("The input receipt handle is invalid.")]
    ReceiptHandleIsInvalid,
    /// The message is visible: nobody holds it.
    #[error("The message referred to isn't in flight.")]
    MessageNotInflight,
    /// Two entries have one id.
    #[error("Id {0} repeated.")]
    BatchEntryIdsNotDistinct(String),
    /// The entries are too large together.
    #[error("Batch requests cannot be longer than {limit} bytes. You have sent {sent} bytes.")]
    BatchRequestTooLong {
        /// Bytes allowed.
        limit: usize,
        /// Bytes sent.
        sent: usize,
    },
    /// There are no entries.
    #[error("There should be at least one entry in the request.")]
    EmptyBatchRequest,
    /// There are more than ten entries.
    #[error("Maximum number of entries per request are 10. You have sent {0}.")]
    TooManyEntriesInBatchRequest(usize),
    /// An entry's id is empty, too long or holds a character that it may not.
    #[error(
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
    )]
    InvalidBatchEntryId,
    /// Too many messages are in flight.
    #[error("Too many messages in flight.")]
    OverLimit,
    /// The queue was purged less than a minute ago.
    #[error("Only one PurgeQueue operation on {0} is allowed every 60 seconds.")]
    PurgeQueueInProgress(String),
    /// This service does not do that.
    #[error("{0}")]
    UnsupportedOperation(String),
    /// SQS has no such action.
    #[error("There is no action {0}.")]
    UnknownOperation(String),
    /// The request is not what its operation takes.
    #[error("{0}")]
    Serialization(String),
}

impl Error {
    /// The error's shape, as the body's `__type` names it.
    #[must_use]
    pub fn shape(&self) -> String {
        match self {
            Self::InvalidParameterValue(_) => {
                "com.amazon.coral.service#InvalidParameterValueException".to_owned()
            }
            Self::MissingParameter(_) => {
                "com.amazon.coral.service#MissingRequiredParameterException".to_owned()
            }
            Self::UnknownOperation(_) | Self::Serialization(_) => {
                format!("com.amazon.coral.service#{}", self.name())
            }
            modelled => format!("com.amazonaws.sqs#{}", modelled.name()),
        }
    }

    /// The error's code in the query protocol, which the SDK reports as `code()`.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue".to_owned(),
            Self::QueueNameExists { .. } => "QueueAlreadyExists".to_owned(),
            Self::MessageNotInflight
            | Self::BatchEntryIdsNotDistinct(_)
            | Self::BatchRequestTooLong { .. }
            | Self::EmptyBatchRequest
            | Self::TooManyEntriesInBatchRequest(_)
            | Self::InvalidBatchEntryId
            | Self::PurgeQueueInProgress(_)
            | Self::UnsupportedOperation(_) => {
                format!("AWS.SimpleQueueService.{}", self.name())
            }
            Self::InvalidParameterValue(_)
            | Self::MissingParameter(_)
            | Self::InvalidAttributeName(_)
            | Self::InvalidAttributeValue(_)
            | Self::InvalidMessageContents
            | Self::ReceiptHandleIsInvalid
            | Self::OverLimit
            | Self::UnknownOperation(_)
            | Self::Serialization(_) => self.name().to_owned(),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::QueueDoesNotExist => "QueueDoesNotExist",
            Self::QueueNameExists { .. } => "QueueNameExists",
            Self::InvalidParameterValue(_) => "InvalidParameterValue",
            Self::MissingParameter(_) => "MissingParameter",
            Self::InvalidAttributeName(_) => "InvalidAttributeName",
            Self::InvalidAttributeValue(_) => "InvalidAttributeValue",
            Self::InvalidMessageContents => "InvalidMessageContents",
            Self::ReceiptHandleIsInvalid => "ReceiptHandleIsInvalid",
            Self::MessageNotInflight => "MessageNotInflight",
            Self::BatchEntryIdsNotDistinct(_) => "BatchEntryIdsNotDistinct",
            Self::BatchRequestTooLong { .. } => "BatchRequestTooLong",
            Self::EmptyBatchRequest => "EmptyBatchRequest",
            Self::TooManyEntriesInBatchRequest(_) => "TooManyEntriesInBatchRequest",
            Self::InvalidBatchEntryId => "InvalidBatchEntryId",
            Self::OverLimit => "OverLimit",
            Self::PurgeQueueInProgress(_) => "PurgeQueueInProgress",
            Self::UnsupportedOperation(_) => "UnsupportedOperation",
            Self::UnknownOperation(_) => "UnknownOperationException",
            Self::Serialization(_) => "SerializationException",
        }
    }
}

/// The refusal of one parameter's value, in SQS's usual words.
pub(super) fn invalid(parameter: &str, value: impl std::fmt::Display, reason: &str) -> Error {
    Error::InvalidParameterValue(format!(
        "Value {value} for parameter {parameter} is invalid. Reason: {reason}"
    ))
}
