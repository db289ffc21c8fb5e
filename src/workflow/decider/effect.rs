//! What a decision is: the next version, what is owed after it is written, and what deciding it
//! may need from beside the record.

use std::collections::BTreeMap;

use semver::Version;
use serde_json::Value;

use super::{ChildEnd, Event, PastTask, Refused, TooMuch};
use crate::error_info::ErrorInfo;
use crate::ids::{DefinitionId, TaskId, WorkflowId};
use crate::security::SecurityContext;
use crate::task::instance::TaskInstance;
use crate::time::Timestamp;
use crate::workflow::frontier::Undoing;
use crate::workflow::instance::WorkflowInstance;
use crate::workflow::parent::{Parent, Slice, Undoable};

/// What is owed to others after a decision is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Store this task unless it is there, and dispatch it when it is open. One that ended is
    /// the record of a step that was refused: see [`Decision::refused`].
    CreateTask(Box<TaskInstance>),
    /// Cancel this task.
    CancelTask(TaskId),
    /// Start this workflow unless it is there. What is refused is told to the parent as its end.
    StartChild(Box<NewChild>),
    /// Tell this workflow that a child cannot be started, unless the child is there.
    RefuseChild {
        /// The child.
        id: WorkflowId,
        /// Why.
        error: Box<ErrorInfo>,
    },
    /// Start this batch unless it is there.
    StartBatch(Box<WorkflowInstance>),
    /// Ask something of a child or a batch.
    Ask(WorkflowId, Box<Event>),
    /// Tell the parent that this record is news to it.
    TellParent(Parent),
    /// Look at this workflow at this time.
    Wake(Timestamp),
    /// Create the task of a compensation that began, whose content is beside the record.
    Undo(Undoing),
}

/// A workflow that is to be started by another.
#[derive(Debug, Clone, PartialEq)]
pub struct NewChild {
    /// Its id, derived from the parent's step.
    pub id: WorkflowId,
    /// What it is.
    pub workflow_definition_id: DefinitionId,
    /// The version that was pinned when the parent started.
    pub version: Version,
    /// What it is given.
    pub input: Value,
    /// In whose name it runs.
    pub security_context: SecurityContext,
    /// The caller's own id for the whole matter.
    pub correlation_id: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// Who waits for it.
    pub parent: Parent,
}

/// Something that a decision cannot go on without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// A link of the chain of what is to be undone, from beside a record.
    Undoable {
        /// The record.
        of: WorkflowId,
        /// The name of the link.
        name: String,
    },
    /// Where the chains of batches begin that are over.
    Chains {
        /// The record whose link names them.
        of: WorkflowId,
        /// The name of the link.
        link: String,
        /// The batches.
        batches: Vec<WorkflowId>,
    },
    /// The outputs of these batches, in this order.
    Results(Vec<WorkflowId>),
    /// The tasks of the workflow that [`super::is_looked_through`] says, up to
    /// [`crate::limits::TASKS_RECALLED`] and [`crate::limits::RECALLED_BYTES`] of them.
    History,
    /// How these children and batches ended, as far as they are there.
    Records(Vec<WorkflowId>),
    /// Whether a child would begin the step of a path again.
    Rerun {
        /// The child.
        child: WorkflowId,
        /// The path.
        path: String,
    },
}

/// What was needed.
#[derive(Debug, Clone, PartialEq)]
pub enum Supply {
    /// See [`Need::Undoable`].
    Undoable(Box<Undoable>),
    /// See [`Need::Chains`]: the names of their first links, of those that have any; none when a
    /// batch is not over.
    Chains(Option<BTreeMap<WorkflowId, String>>),
    /// See [`Need::Results`].
    Results(Vec<Value>),
    /// See [`Need::History`].
    History(Vec<PastTask>),
    /// See [`Need::History`]: there is more than that.
    TooMuch(TooMuch),
    /// See [`Need::Records`].
    Records(Vec<ChildEnd>),
    /// See [`Need::Rerun`]: why not, if it would not.
    Rerun(Option<Refused>),
}

/// A decision that is to be written, before its effects are performed.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The next version.
    pub state: WorkflowInstance,
    /// What is owed after it is written.
    pub effects: Vec<Effect>,
    /// What must be stored beside the record before it is written: what undoes the steps that
    /// completed, by the names that the record knows them by.
    pub compensables: BTreeMap<String, Undoable>,
    /// What must be stored before the record is written: the items of new batches.
    pub slices: Vec<Slice>,
}

impl Decision {
    /// The records of steps that failed before their tasks could be created. They are stored
    /// before the state is: no later version can derive them again, should the process end
    /// between the two, and nobody acts on a record that its workflow does not wait for.
    pub fn refused(&self) -> impl Iterator<Item = &TaskInstance> {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::CreateTask(task) if task.status.is_terminal() => Some(&**task),
            Effect::CreateTask(_)
            | Effect::CancelTask(_)
            | Effect::StartChild(_)
            | Effect::RefuseChild { .. }
            | Effect::StartBatch(_)
            | Effect::Ask(..)
            | Effect::TellParent(_)
            | Effect::Wake(_)
            | Effect::Undo(_) => None,
        })
    }
}
