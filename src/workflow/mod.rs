//! Workflows: the language, the instances, and the decisions about them.

pub mod compiled;
pub mod creation;
pub mod decider;
pub mod definition;
pub mod export;
pub mod expression;
pub mod frontier;
pub mod instance;
pub mod mapping;
pub mod parent;
pub mod paths;
pub mod signal;
pub mod timeline;
pub mod waiting;

pub use compiled::CompiledWorkflow;
pub use decider::Plan;
pub use definition::WorkflowDefinition;
pub use instance::{WorkflowInstance, WorkflowStatus};
