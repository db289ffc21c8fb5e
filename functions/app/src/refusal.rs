//! Refusals: why a request changed nothing, with a stable code. And faults: what was not the
//! request's doing, and may pass.

use serde_json::Value;
use taskmill::codes::refusal;
use taskmill::error_info::ErrorInfo;
use taskmill::problem::Problem;
use taskmill::task::lifecycle::Rejection;
use taskmill::{JsonObject, codes};
use taskmill_aws::{payloads, queues, store, task_tokens};

/// Why a request changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The request cannot be granted; asking again is of no use.
    #[error("{code}: {message}")]
    Refused {
        /// One of [`codes::refusal`].
        code: &'static str,
        /// Why, for people.
        message: String,
        /// More, for programs.
        details: JsonObject,
    },
    /// A definition has problems.
    #[error("the definition has {} problems", .0.len())]
    Problems(Vec<Problem>),
    /// Something that the request depends on failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Something failed that may work when it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The queues.
    #[error(transparent)]
    Queues(#[from] queues::Error),
    /// The payload store.
    #[error(transparent)]
    Payloads(#[from] payloads::Error),
    /// Step Functions, for which a task is done.
    #[error(transparent)]
    Tokens(#[from] task_tokens::Error),
    /// A stored definition cannot be used.
    #[error("definition {id} cannot be used: {reason}")]
    Definition {
        /// Id and version.
        id: String,
        /// Why.
        reason: String,
    },
    /// Others kept changing the record first.
    #[error("{record} was changed by others each of {attempts} times")]
    Contended {
        /// Kind and id.
        record: String,
        /// How often it was tried.
        attempts: u32,
    },
}

impl Refusal {
    /// A refusal with a code.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused {
            code,
            message: message.into(),
            details: JsonObject::new(),
        }
    }

    /// A record that is not there, or not this tenant's: the answer is the same.
    pub(crate) fn not_found(what: &str, id: impl std::fmt::Display) -> Self {
        Self::new(refusal::NOT_FOUND, format!("there is no {what} {id}"))
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { code, .. } => code,
            Self::Problems(problems) => problems
                .first()
                .map_or(codes::registration::MALFORMED, |first| first.code),
            Self::Fault(fault) => fault.code(),
        }
    }

    /// The refusal as JSON: `code`, `message`, and `details` or `problems`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut json = JsonObject::new();
        json.insert("code".to_owned(), self.code().into());
        json.insert("message".to_owned(), self.to_string().into());
        match self {
            Self::Refused { details, .. } if !details.is_empty() => {
                json.insert("details".to_owned(), Value::Object(details.clone()));
            }
            Self::Problems(problems) => {
                json.insert("problems".to_owned(), serde_json::json!(problems));
            }
            Self::Refused { .. } | Self::Fault(_) => {}
        }
        Value::Object(json)
    }
}

impl Fault {
    /// Whether it is of use to try the same again soon.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient() || error.is_version_conflict(),
            Self::Queues(_) | Self::Payloads(_) | Self::Tokens(_) | Self::Contended { .. } => true,
            Self::Definition { .. } => false,
        }
    }

    /// The code that users see.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code().unwrap_or(refusal::UNAVAILABLE),
            Self::Contended { .. } => refusal::VERSION_CONFLICT,
            Self::Queues(_) | Self::Payloads(_) | Self::Tokens(_) | Self::Definition { .. } => {
                refusal::UNAVAILABLE
            }
        }
    }
}

impl From<Box<ErrorInfo>> for Refusal {
    /// An error that the core found before anything was stored.
    fn from(error: Box<ErrorInfo>) -> Self {
        let code = match error.code.as_str() {
            refusal::PERMISSION_DENIED => refusal::PERMISSION_DENIED,
            refusal::PAYLOAD_TOO_LARGE => refusal::PAYLOAD_TOO_LARGE,
            _ => refusal::INVALID_INPUT,
        };
        Self::Refused {
            code,
            message: error.message,
            details: error.details,
        }
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        let details = match &rejection {
            Rejection::PermissionDenied { missing } => {
                JsonObject::from_iter([("missing".to_owned(), missing.clone().into())])
            }
            Rejection::Stale { .. }
            | Rejection::IllegalState { .. }
            | Rejection::Late { .. }
            | Rejection::NotLeased
            | Rejection::AlreadyClaimed
            | Rejection::NotTheAssignee
            | Rejection::Delegated
            | Rejection::NotDelegated
            | Rejection::NotACandidate => JsonObject::new(),
        };
        Self::Refused {
            code: rejection.code(),
            message: rejection.to_string(),
            details,
        }
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<queues::Error> for Refusal {
    fn from(error: queues::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<payloads::Error> for Refusal {
    fn from(error: payloads::Error) -> Self {
        Self::Fault(error.into())
    }
}
