//! Tasks that workers poll for: which group's they are, and the lease of the worker that has one.
//!
//! A worker is a program of somebody else's, on a machine that nothing here knows. What it has it
//! has for a while: until its lease ends, or its time. What it may say of a task is decided in
//! [`crate::task::lifecycle`].

use serde::Serialize;
use serde_json::Value;

use crate::ids::WorkerGroup;
use crate::task::definition::TaskDefinition;
use crate::task::routing::ExecutorRef;
use crate::time::Timestamp;

/// A task that workers poll for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Polled {
    /// Which workers.
    pub group: WorkerGroup,
    /// The lease of the worker that has it; a task that is not RUNNING has none.
    #[serde(flatten)]
    pub lease: Option<Lease>,
}

/// What a worker has of a task.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lease {
    /// When its attempt began.
    pub begun_at: Timestamp,
    /// When it will have been silent for too long.
    #[serde(rename = "leaseUntil")]
    pub until: Timestamp,
    /// How far it says that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Value>,
}

impl Polled {
    /// What a task of this definition begins with. None where no worker polls for it.
    #[must_use]
    pub fn of(definition: &TaskDefinition) -> Option<Self> {
        let group = group_of(definition)?;
        Some(Self { group, lease: None })
    }
}

/// The group of workers that a definition names.
#[must_use]
pub fn group_of(definition: &TaskDefinition) -> Option<WorkerGroup> {
    match ExecutorRef::parse(&definition.execution_config.executor) {
        Ok(ExecutorRef::Worker { group }) => Some(group),
        Ok(
            ExecutorRef::Process { .. }
            | ExecutorRef::Http { .. }
            | ExecutorRef::Lambda { .. }
            | ExecutorRef::States { .. }
            | ExecutorRef::Sqs { .. }
            | ExecutorRef::Events { .. }
            | ExecutorRef::Builtin(_),
        )
        | Err(_) => None,
    }
}
