//! What a person can do with a task. Who may, and what comes of it, is decided in
//! `lifecycle/people.rs`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::JsonObject;
use crate::security::Caller;
use crate::time::Timestamp;

/// What a person does with a task.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonsAct {
    /// The person.
    pub by: Caller,
    /// What they do.
    pub act: Act,
}

/// What people do with their tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "act",
    rename_all = "SCREAMING_SNAKE_CASE",
    rename_all_fields = "camelCase"
)]
pub enum Act {
    /// An administrator, or whom it was escalated to, gives it to a person, taking it from another
    /// if need be.
    Assign {
        /// The person.
        assignee: String,
    },
    /// A candidate takes it; never from another.
    Claim,
    /// Whoever has it begins to work.
    Start,
    /// Whoever has it gives it back to the candidates.
    Release,
    /// Whoever has it has another do the work, and stays its owner.
    Delegate {
        /// The other.
        assignee: String,
    },
    /// Whoever does the work gives it back to the owner, or the owner takes it back.
    Resolve,
    /// Whoever has it does not want to see it before this time; none: they do.
    FollowUp {
        /// The time.
        #[serde(default)]
        until: Option<Timestamp>,
    },
    /// Somebody whom it concerns says something about it.
    Comment {
        /// What.
        text: String,
    },
    /// Whoever has it is done. The output was checked before.
    Complete {
        /// Any JSON.
        output: Value,
    },
    /// Whoever has it cannot do it.
    Fail {
        /// Why, for programs.
        code: String,
        /// Why, for people.
        #[serde(default)]
        message: String,
        /// More about it.
        #[serde(default)]
        details: JsonObject,
        /// Whether it is of no use that somebody tries again.
        #[serde(default)]
        permanent: bool,
    },
}
