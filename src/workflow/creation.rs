//! The start of a workflow: from a definition and what is asked, to the first version of an
//! instance, its first steps taken.

use std::collections::BTreeMap;
use std::sync::Arc;

use semver::Version;
use serde_json::Value;

use crate::codes::failure;
use crate::error_info::ErrorInfo;
use crate::ids::WorkflowId;
use crate::metrics::WorkflowMetrics;
use crate::security::SecurityContext;
use crate::task::output;
use crate::workflow::decider::{Decision, Facts, Fold, Plan};
use crate::workflow::frontier::Course;
use crate::workflow::instance::{WorkflowInstance, WorkflowStatus};
use crate::workflow::parent::Parent;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct NewWorkflow {
    /// The id, drawn or derived.
    pub id: WorkflowId,
    /// What it is given.
    pub input: Value,
    /// In whose name it runs.
    pub security_context: SecurityContext,
    /// The caller's own id for the whole matter.
    pub correlation_id: Option<String>,
    /// W3C trace context of whoever asked.
    pub traceparent: Option<String>,
    /// The request's fingerprint.
    pub request_hash: Option<String>,
    /// Who waits for it.
    pub parent: Option<Parent>,
}

/// Starts a workflow: one decision that creates it and takes its first steps.
///
/// # Errors
/// `INVALID_INPUT` or `PAYLOAD_TOO_LARGE`: nothing is started.
pub fn start(plan: &Plan, new: NewWorkflow, facts: Facts) -> Result<Decision, Box<ErrorInfo>> {
    output::check(
        &new.input,
        &plan.workflow.input,
        failure::INVALID_INPUT,
        facts.now,
    )?;
    let created = instance(plan, new, facts);
    let decision = Fold::start(plan, created, facts).finish();
    Ok(decision.expect("a fold that starts a workflow changes it"))
}

fn instance(plan: &Plan, new: NewWorkflow, facts: Facts) -> WorkflowInstance {
    let definition = &plan.workflow.definition;
    let tasks = plan.tasks.iter();
    let tasks = tasks.map(|(pin, task)| (pin.clone(), task.definition.version.clone()));
    let children = plan.children.iter();
    let children = children.map(|(pin, version)| (pin.clone(), version.clone()));
    let pins: BTreeMap<String, Version> = tasks.chain(children).collect();
    WorkflowInstance {
        id: new.id,
        tenant_id: new.security_context.tenant_id.clone(),
        workflow_definition_id: definition.id.clone(),
        definition_version: definition.version.clone(),
        pins,
        status: WorkflowStatus::Pending,
        input: Arc::new(new.input),
        output: None,
        error: None,
        variables: definition.variables.clone(),
        course: Course::default(),
        parent: new.parent,
        batch: None,
        run: 0,
        metrics: WorkflowMetrics::default(),
        security_context: new.security_context,
        correlation_id: new.correlation_id,
        start_time: None,
        end_time: None,
        deadline_at: definition.timeout.map(|limit| facts.now.plus_millis(limit)),
        due_at: None,
        checks: 0,
        expires_at: None,
        traceparent: new.traceparent,
        request_hash: new.request_hash,
        version: 0,
        created_at: facts.now,
        updated_at: facts.now,
    }
}

#[cfg(test)]
mod tests;
