//! Workflows: the language, the instances, and the decisions about them.

pub mod compiled;
pub mod creation;
pub mod decider;
pub mod definition;
pub mod expression;
pub mod instance;
pub mod mapping;
pub mod paths;
pub mod step;

pub use compiled::CompiledWorkflow;
pub use decider::Plan;
pub use definition::WorkflowDefinition;
pub use instance::{WorkflowInstance, WorkflowStatus};
