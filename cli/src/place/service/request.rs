//! What is asked of a service, as paths, queries and bodies of its API.

use serde_json::{Value, json};
use taskmill::task::lifecycle::Act;
use taskmill::task::{TaskStatus, TaskType};
use taskmill::workflow::decider::Ask;
use taskmill_app::people::{InboxRequest, Whose};
use taskmill_app::start_workflow::StartWorkflow;
use taskmill_aws::clock::Clock;
use taskmill_aws::store::{DateRange, PageRequest};

use crate::place::Listing;

/// Fields of a query.
pub(super) type Query = Vec<(&'static str, String)>;

/// The body that starts a workflow.
pub(super) fn start(request: StartWorkflow) -> Value {
    let range = request.workflow_version.map(|range| range.to_string());
    let optional = [
        ("workflowVersion", range),
        ("correlationId", request.correlation_id),
    ];
    let mut body = json!({
        "workflowDefinitionId": request.workflow_definition_id,
        "input": request.input,
    });
    for (name, value) in optional {
        if let Some(value) = value {
            body[name] = value.into();
        }
    }
    body
}

/// Where something is asked of a workflow, and the body.
pub(super) fn ask(ask: Ask) -> (&'static str, Value) {
    match ask {
        Ask::Cancel { reason, compensate } => (
            "cancel",
            json!({"reason": reason, "compensate": compensate}),
        ),
        Ask::Pause => ("pause", json!({})),
        Ask::Resume => ("resume", json!({})),
        Ask::Signal { name, data } => ("signals", json!({"name": name, "data": data})),
        Ask::UpdateVariables { variables } => ("variables", json!({"variables": variables})),
        Ask::Retry => ("retry", json!({})),
        Ask::Rerun { path: None } => ("rerun", json!({})),
        Ask::Rerun { path: Some(path) } => ("rerun", json!({"path": path})),
        Ask::Skip { path, output } => ("skip", json!({"path": path, "output": output})),
    }
}

/// Where an act is done with a task, and the body.
pub(super) fn act(act: Act) -> (&'static str, Value) {
    match act {
        Act::Claim => ("claim", json!({})),
        Act::Start => ("start", json!({})),
        Act::Release => ("release", json!({})),
        Act::Resolve => ("resolve", json!({})),
        Act::Assign { assignee } => ("assign", json!({"assignee": assignee})),
        Act::Delegate { assignee } => ("delegate", json!({"assignee": assignee})),
        Act::FollowUp { until: None } => ("follow-up", json!({})),
        Act::FollowUp { until: Some(until) } => ("follow-up", json!({"until": until})),
        Act::Comment { text } => ("comment", json!({"text": text})),
        Act::Complete { output } => ("complete", json!({"output": output})),
        Act::Fail {
            code,
            message,
            details,
            permanent,
        } => {
            let body = json!({
                "code": code, "message": message, "details": details, "permanent": permanent,
            });
            ("fail", body)
        }
    }
}

/// Records of one status. What ended is listed from a day on.
pub(super) fn listing<S>(listing: &Listing<S>, status: &str, is_terminal: bool) -> Query {
    let mut query = vec![("status", status.to_owned()), page(listing.limit)];
    if let Some(workflow) = &listing.workflow {
        query.push(("workflowDefinitionId", workflow.to_string()));
    }
    if is_terminal {
        let range = DateRange::last_days(Clock::system().now(), listing.days);
        query.push(("from", range.from.to_string()));
    }
    query
}

/// Tasks of one status, and of one type when one is named.
pub(super) fn tasks(
    wanted: &Listing<TaskStatus>,
    status: TaskStatus,
    of_type: Option<TaskType>,
) -> Query {
    let mut query = listing(wanted, status.as_str(), status.is_terminal());
    query.extend(of_type.map(|one| ("type", word(json!(one)))));
    query
}

/// An inbox.
pub(super) fn inbox(request: &InboxRequest, limit: usize) -> Query {
    let InboxRequest {
        whose,
        status,
        priority,
        due_before,
        with_put_off,
    } = request;
    let mut query = vec![page(limit), ("withPutOff", with_put_off.to_string())];
    query.extend(match whose {
        Whose::All => None,
        Whose::Mine => Some(("whose", "MINE".to_owned())),
        Whose::Claimable => Some(("whose", "CLAIMABLE".to_owned())),
        Whose::Group(group) => Some(("group", group.clone())),
    });
    query.extend(status.map(|status| ("status", status.as_str().to_owned())));
    query.extend(priority.map(|priority| ("priority", priority.as_str().to_owned())));
    query.extend(due_before.map(|time| ("dueBefore", time.to_string())));
    query
}

/// How much of a list is asked for at one time.
pub(super) fn page(limit: usize) -> (&'static str, String) {
    ("limit", limit.min(PageRequest::MOST).to_string())
}

/// A word as it is written in JSON.
fn word(value: Value) -> String {
    value.as_str().map(str::to_owned).unwrap_or_default()
}
