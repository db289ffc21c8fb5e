//! What each path costs, one task or workflow at a time, so that no batch is shared.

use serde::Serialize;
use serde_json::json;
use taskmill_local::Service;

use super::cost::Cost;
use super::service;
use super::work::{Kind, STEPS, Work, is_over};
use crate::exit::Error;

/// The tables, as the service names them.
pub const TASKS: &str = "TaskInstances";
/// The table of workflows.
pub const WORKFLOWS: &str = "WorkflowInstances";

/// A lazy executor: an attempt is recorded by its end alone.
const LAZY: &str = "builtin:echo";
/// A tracked one: that an attempt began is written first.
const TRACKED: &str = "process:cat";

/// What one path costs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PathCost {
    /// The path, for people.
    pub path: String,
    /// Bytes of each input and output.
    pub payload_bytes: u32,
    /// Write units of the table of tasks, for each task.
    pub write_units_per_task: f64,
    /// Write units of the table of workflows; 0 for a task that stands alone.
    pub workflow_write_units: f64,
    /// All of it.
    pub cost: Cost,
}

/// Counts every path.
///
/// # Errors
/// The service does not start, or what it ran did not complete.
pub async fn measure() -> Result<Vec<PathCost>, Error> {
    const KIB: u32 = 1024;
    let paths = [
        ("standalone task, lazy", LAZY, Kind::Task, 0),
        ("standalone task, tracked", TRACKED, Kind::Task, 0),
        ("workflow of three steps, lazy", LAZY, Kind::Workflow, 0),
        (
            "workflow of three steps, tracked",
            TRACKED,
            Kind::Workflow,
            0,
        ),
        ("standalone task, lazy, 2 KiB", LAZY, Kind::Task, 2 * KIB),
        ("standalone task, lazy, 10 KiB", LAZY, Kind::Task, 10 * KIB),
        (
            "workflow of three steps, lazy, 2 KiB",
            LAZY,
            Kind::Workflow,
            2 * KIB,
        ),
        (
            "workflow of three steps, lazy, 10 KiB",
            LAZY,
            Kind::Workflow,
            10 * KIB,
        ),
    ];
    let service = service(None).await?;
    let mut costs = Vec::new();
    for (path, executor, kind, payload) in paths {
        let work = Work::of_executor(&service, executor, payload).await?;
        costs.push(of_path(&service, path, &work, kind, payload).await?);
    }
    let limits = [
        ("concurrency", json!({"limit": 5})),
        ("rateLimit", json!({"limit": 5, "per": "PT1S"})),
    ];
    for (field, limit) in limits {
        let limited = Work::limited(&service, LAZY, (field, limit)).await?;
        let path = format!("standalone task, lazy, with {field}");
        costs.push(of_path(&service, &path, &limited, Kind::Task, 0).await?);
    }
    Ok(costs)
}

async fn of_path(
    service: &Service,
    path: &str,
    work: &Work,
    kind: Kind,
    payload_bytes: u32,
) -> Result<PathCost, Error> {
    // The first one loads definitions, which stay loaded.
    run(service, work, kind).await?;
    let before = service.aws().meter().snapshot();
    run(service, work, kind).await?;
    let cost = Cost::of(&service.aws().meter().since(&before), 1);
    let tasks = match kind {
        Kind::Task => 1,
        Kind::Workflow => STEPS,
    };
    Ok(PathCost {
        path: path.to_owned(),
        payload_bytes,
        write_units_per_task: cost.of_table(TASKS).write / super::cost::as_float(tasks),
        workflow_write_units: cost.of_table(WORKFLOWS).write,
        cost,
    })
}

/// Runs one to its end, and waits until nothing of it is left in any queue.
async fn run(service: &Service, work: &Work, kind: Kind) -> Result<(), Error> {
    let id = work.submit(service, kind).await?;
    service.until_settled().await;
    if is_over(service, kind, id).await? {
        Ok(())
    } else {
        let message = format!("{id} is not over, though nothing is left to do");
        Err(Error::Unexpected(message))
    }
}
