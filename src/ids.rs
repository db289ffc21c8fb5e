//! Identifiers: which exist, and how those that are derived are derived.
//!
//! A fresh id is a UUID v7, drawn by whoever asks for a record. A derived id is a UUID v5 of its
//! parts, so that deriving it again, in another process or after a crash, names the same record.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

/// The namespace of every id that Taskmill derives.
const NAMESPACE: Uuid = Uuid::from_u128(0x7461_736b_6d69_6c6c_8000_0000_0000_0001);

/// Derives an id from its parts. Each part goes in with its length, so that no two lists of
/// parts are confused.
fn derive(kind: &str, parts: &[&[u8]]) -> Uuid {
    let mut bytes = Vec::new();
    for part in std::iter::once(kind.as_bytes()).chain(parts.iter().copied()) {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    Uuid::new_v5(&NAMESPACE, &bytes)
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// An id that was drawn elsewhere.
            #[must_use]
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// The UUID itself.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_id!(
    /// A task instance.
    TaskId
);
uuid_id!(
    /// A workflow instance.
    WorkflowId
);
uuid_id!(
    /// One attempt of a task: the fencing token that its result must carry.
    ExecutionId
);

uuid_id!(
    /// An entry of what people did with a task.
    EntryId
);

uuid_id!(
    /// A finding: something about a task that is not usual.
    FindingId
);

uuid_id!(
    /// The line of those tasks of a definition, or of a tenant, that wait for a place.
    LineId
);

uuid_id!(
    /// A schedule.
    ScheduleId
);

uuid_id!(
    /// A bulk operation.
    BulkId
);

impl BulkId {
    /// The id of the operation that a caller asks for under an idempotency key.
    #[must_use]
    pub fn from_idempotency_key(tenant: &TenantId, key: &str) -> Self {
        Self(derive(
            "bulk",
            &[tenant.as_str().as_bytes(), key.as_bytes()],
        ))
    }
}

impl ScheduleId {
    /// The id of a tenant's schedule of this name.
    #[must_use]
    pub fn of(tenant: &TenantId, name: &ScheduleName) -> Self {
        let parts = [tenant.as_str().as_bytes(), name.as_str().as_bytes()];
        Self(derive("schedule", &parts))
    }
}

impl LineId {
    /// The line of a definition of a tenant, all its versions together.
    #[must_use]
    pub fn of(tenant: &TenantId, definition: &DefinitionId) -> Self {
        let parts = [tenant.as_str().as_bytes(), definition.as_str().as_bytes()];
        Self(derive("line", &parts))
    }

    /// The line of a tenant, all its definitions together.
    #[must_use]
    pub fn of_tenant(tenant: &TenantId) -> Self {
        Self(derive("tenant-line", &[tenant.as_str().as_bytes()]))
    }
}

impl FindingId {
    /// The id of what a rule finds of a quantity of a task.
    #[must_use]
    pub fn of(task: TaskId, rule: &str, quantity: &str) -> Self {
        let parts = [task.0.as_bytes(), rule.as_bytes(), quantity.as_bytes()];
        Self(derive("finding", &parts))
    }
}

impl EntryId {
    /// The id of an entry of this text.
    #[must_use]
    pub fn of_text(task: TaskId, text: &str) -> Self {
        Self(derive("entry", &[task.0.as_bytes(), text.as_bytes()]))
    }
}

impl TaskId {
    /// The id of a task that a caller creates under an idempotency key.
    #[must_use]
    pub fn from_idempotency_key(tenant: &TenantId, key: &str) -> Self {
        Self(derive(
            "task",
            &[tenant.as_str().as_bytes(), key.as_bytes()],
        ))
    }

    /// The id of the task that a workflow creates at a step. `iteration` counts how often the
    /// step was begun within this run, from 0.
    #[must_use]
    pub fn of_step(workflow: WorkflowId, run: u32, task_path: &str, iteration: u32) -> Self {
        Self(derive(
            "step",
            &[
                workflow.0.as_bytes(),
                &run.to_be_bytes(),
                task_path.as_bytes(),
                &iteration.to_be_bytes(),
            ],
        ))
    }
}

impl WorkflowId {
    /// The id of a workflow that a caller starts under an idempotency key.
    #[must_use]
    pub fn from_idempotency_key(tenant: &TenantId, key: &str) -> Self {
        Self(derive(
            "workflow",
            &[tenant.as_str().as_bytes(), key.as_bytes()],
        ))
    }
}

impl WorkflowId {
    /// The id of the workflow that a schedule starts at a time.
    #[must_use]
    pub fn of_schedule(schedule: ScheduleId, at: Timestamp) -> Self {
        Self(derive(
            "scheduled",
            &[schedule.0.as_bytes(), &at.millis().to_be_bytes()],
        ))
    }

    /// The id of the child that a workflow starts at a step. A reopened workflow resumes the
    /// child that it had: `run` is no part of it.
    #[must_use]
    pub fn of_step(parent: WorkflowId, task_path: &str, generation: u32) -> Self {
        Self(derive(
            "child",
            &[
                parent.0.as_bytes(),
                task_path.as_bytes(),
                &generation.to_be_bytes(),
            ],
        ))
    }

    /// The id of a batch of iterations of a MAP. `items` names the array, so that the batches of
    /// two decisions about one step, of which one is void, are not confused.
    #[must_use]
    pub fn of_batch(
        parent: WorkflowId,
        task_path: &str,
        generation: u32,
        items: &str,
        number: u32,
    ) -> Self {
        Self(derive(
            "batch",
            &[
                parent.0.as_bytes(),
                task_path.as_bytes(),
                &generation.to_be_bytes(),
                items.as_bytes(),
                &number.to_be_bytes(),
            ],
        ))
    }
}

impl ExecutionId {
    /// The id of a task's attempt, counted from 1.
    #[must_use]
    pub fn of_attempt(task: TaskId, attempt: u32) -> Self {
        Self(derive(
            "attempt",
            &[task.0.as_bytes(), &attempt.to_be_bytes()],
        ))
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $max:literal, $pattern:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Length limit in characters.
            pub const MAX_LENGTH: usize = $max;

            /// Reads an id.
            ///
            /// # Errors
            /// The text is empty, too long, or holds a character that an id may not have.
            pub fn new(text: impl Into<String>) -> Result<Self, BadId> {
                let text = text.into();
                let allowed: fn(char) -> bool = $allowed;
                let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
                if !starts_well || text.len() > $max || !text.chars().all(allowed) {
                    return Err(BadId { text, pattern: $pattern });
                }
                Ok(Self(text))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}

/// Text that cannot be an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an id: it must match {pattern}")]
pub struct BadId {
    text: String,
    pattern: &'static str,
}

text_id!(
    /// A task or workflow definition, within its tenant.
    DefinitionId,
    128,
    "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$",
    |c| c.is_ascii_alphanumeric() || "._-".contains(c)
);
text_id!(
    /// A schedule, within its tenant.
    ScheduleName,
    128,
    "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$",
    |c| c.is_ascii_alphanumeric() || "._-".contains(c)
);
text_id!(
    /// A tenant. Everything belongs to one.
    TenantId,
    64,
    "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
    |c| c.is_ascii_alphanumeric() || "._-".contains(c)
);
text_id!(
    /// A group of workers that poll for tasks, within its tenant. It is part of a queue's name.
    WorkerGroup,
    32,
    "^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$",
    |c| c.is_ascii_alphanumeric() || "_-".contains(c)
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_run_together_give_different_ids() {
        let a = TenantId::new("a").unwrap();
        let ab = TenantId::new("ab").unwrap();
        assert_ne!(
            TaskId::from_idempotency_key(&a, "bc"),
            TaskId::from_idempotency_key(&ab, "c")
        );
    }

    #[test]
    fn kinds_of_record_under_one_key_differ() {
        let tenant = TenantId::new("t").unwrap();
        assert_ne!(
            TaskId::from_idempotency_key(&tenant, "k").uuid(),
            WorkflowId::from_idempotency_key(&tenant, "k").uuid()
        );
    }

    #[test]
    fn separators_of_keys_are_no_part_of_an_id() {
        for text in ["", "a#b", "a/b", "-a", "a b", "é", &"a".repeat(129)] {
            assert!(DefinitionId::new(text).is_err(), "{text}");
        }
        assert!(DefinitionId::new("order-fulfilment.v2_X").is_ok());
    }
}
