//! Why the store could not do what it was asked.

use semver::Version;
use taskmill::codes::{refusal, registration};
use taskmill::ids::DefinitionId;

use crate::cursor::BadCursor;
use crate::payloads;

/// Why the store could not do what it was asked. Unless it says otherwise, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another writer was first, or the record is gone.
    #[error("{record} is no longer at version {expected}")]
    VersionConflict {
        /// Kind and id.
        record: String,
        /// The version that the change was decided on.
        expected: u64,
    },
    /// The change does not follow the version that it was decided on.
    #[error("{record} cannot go from version {from} to version {to}")]
    VersionSkipped {
        /// Kind and id.
        record: String,
        /// The version before.
        from: u64,
        /// The version after.
        to: u64,
    },
    /// A value or a definition is over its limit.
    #[error("{what} of {record} has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// Kind and id.
        record: String,
        /// Which value.
        what: &'static str,
        /// Its size as compact JSON.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A value has too many values around a value to be read again.
    #[error("{what} of {record} is nested more than {limit} deep")]
    TooDeep {
        /// Kind and id.
        record: String,
        /// Which value.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The version is registered with other content.
    #[error("version {version} of {id} is registered already, with other content")]
    VersionExists {
        /// The definition.
        id: DefinitionId,
        /// Its version.
        version: Version,
    },
    /// What is stored cannot be read.
    #[error("{record} is not readable: {reason}")]
    Corrupt {
        /// Kind and id.
        record: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A cursor is of no use here.
    #[error(transparent)]
    BadCursor(#[from] BadCursor),
    /// A range of dates is too long to be listed by day.
    #[error("a list of ended records covers at most {limit} days, not {days}")]
    RangeTooWide {
        /// The days asked for.
        days: u64,
        /// The most that are allowed.
        limit: u64,
    },
    /// The payload bucket failed; parts may have been written, the record was not.
    #[error(transparent)]
    Payload(#[from] payloads::Error),
    /// The database failed. A write may have happened all the same: repeat it.
    #[error("{operation} failed")]
    Aws {
        /// The operation.
        operation: &'static str,
        /// What the SDK said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    pub(crate) fn aws(
        operation: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Aws {
            operation,
            source: source.into(),
        }
    }

    /// Whether the decision must be made again, on the record as it is now.
    #[must_use]
    pub const fn is_version_conflict(&self) -> bool {
        matches!(self, Self::VersionConflict { .. })
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Payload(_) | Self::Aws { .. } => true,
            Self::VersionConflict { .. }
            | Self::VersionSkipped { .. }
            | Self::TooLarge { .. }
            | Self::TooDeep { .. }
            | Self::VersionExists { .. }
            | Self::Corrupt { .. }
            | Self::BadCursor(_)
            | Self::RangeTooWide { .. } => false,
        }
    }

    /// The stable code for whoever asked; none where the fault is not theirs.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::VersionConflict { .. } => Some(refusal::VERSION_CONFLICT),
            Self::TooLarge { .. } | Self::TooDeep { .. } => Some(refusal::PAYLOAD_TOO_LARGE),
            Self::VersionExists { .. } => Some(registration::VERSION_EXISTS),
            Self::BadCursor(_) => Some(refusal::MALFORMED),
            Self::RangeTooWide { .. } => Some(registration::OUT_OF_RANGE),
            Self::VersionSkipped { .. }
            | Self::Corrupt { .. }
            | Self::Payload(_)
            | Self::Aws { .. } => None,
        }
    }
}
