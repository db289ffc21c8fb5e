//! What each construct of the language costs, its tasks included: what a workflow of one task uses
//! with the construct behind it, less what it uses without. The time is virtual, so that what
//! happens together is the same in every run.

use serde::Serialize;
use serde_json::{Value, json};
use taskmill::ids::WorkflowId;
use taskmill::workflow::decider::{Ask, Operation};
use taskmill_app::workflows;
use taskmill_local::{Service, Usage};

use super::cost::Cost;
use super::paths::WORKFLOWS;
use super::service;
use super::work::{self, Kind};
use crate::exit::Error;

/// What one construct costs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConstructCost {
    /// The construct, for people.
    pub construct: &'static str,
    /// Write units of the table of workflows: what the construct takes besides its tasks.
    pub workflow_write_units: f64,
    /// All of it.
    pub cost: Cost,
}

/// A construct that is counted.
struct Construct {
    name: &'static str,
    step: Value,
    /// The signal that it waits for.
    signal: Option<&'static str>,
}

/// The task that every workflow begins with.
const TASK: &str = "bench-noop";
/// A workflow of that task alone.
const PLAIN: &str = "bench-plain";

fn constructs() -> [Construct; 6] {
    let task = json!({"name": "one", "taskDefinitionId": TASK});
    let branch = |name: &str| json!({"name": name, "steps": [&task]});
    let construct = |name, step: Value| Construct {
        name,
        signal: None,
        step,
    };
    [
        construct(
            "PARALLEL of three tasks",
            json!({"type": "PARALLEL", "branches": [branch("a"), branch("b"), branch("c")]}),
        ),
        construct(
            "MAP of ten tasks",
            json!({"type": "MAP", "items": "[1..10]", "steps": [&task]}),
        ),
        construct(
            "WAIT of a minute",
            json!({"type": "WAIT", "duration": "PT1M"}),
        ),
        construct(
            "WAIT of an hour",
            json!({"type": "WAIT", "duration": "PT1H"}),
        ),
        Construct {
            name: "SIGNAL",
            step: json!({"type": "SIGNAL", "signal": "go"}),
            signal: Some("go"),
        },
        construct(
            "SUB_WORKFLOW of one task",
            json!({"type": "SUB_WORKFLOW", "workflowDefinitionId": PLAIN}),
        ),
    ]
}

/// Counts every construct. To be called in virtual time.
///
/// # Errors
/// The service does not start, or what it ran did not complete.
pub async fn measure() -> Result<Vec<ConstructCost>, Error> {
    let service = service(None).await?;
    let first = json!({"name": "first", "taskDefinitionId": TASK});
    work::register(&service, &work::task_definition(TASK, "builtin:noop")).await?;
    work::register(&service, &definition(PLAIN, &[&first])).await?;
    let without = metered(&service, PLAIN, None).await?;
    let mut costs = Vec::new();
    for (number, construct) in constructs().into_iter().enumerate() {
        let id = format!("bench-construct-{number}");
        let mut step = construct.step;
        step["name"] = "construct".into();
        work::register(&service, &definition(&id, &[&first, &step])).await?;
        let added = metered(&service, &id, construct.signal)
            .await?
            .since(&without);
        let cost = Cost::of(&added, 1);
        costs.push(ConstructCost {
            construct: construct.name,
            workflow_write_units: cost.of_table(WORKFLOWS).write,
            cost,
        });
    }
    Ok(costs)
}

fn definition(id: &str, steps: &[&Value]) -> Value {
    json!({"id": id, "version": "1.0.0", "name": id, "steps": steps})
}

/// What one run of a workflow uses, after a first one that loads definitions. A signal is brought
/// when nothing else is left to do.
async fn metered(
    service: &Service,
    definition: &str,
    signal: Option<&str>,
) -> Result<Usage, Error> {
    run(service, definition, signal).await?;
    let before = service.aws().meter().snapshot();
    run(service, definition, signal).await?;
    Ok(service.aws().meter().since(&before))
}

async fn run(service: &Service, definition: &str, signal: Option<&str>) -> Result<(), Error> {
    let mut writes = service.aws().writes();
    let id = work::start(service, definition, json!({})).await?;
    service.until_settled().await;
    if let Some(signal) = signal {
        bring(service, id, signal).await?;
    }
    while !work::is_over(service, Kind::Workflow, id.uuid()).await? {
        // Whether it was a write or a lag: there is something to look at.
        let _ = writes.recv().await;
    }
    service.until_settled().await;
    Ok(())
}

async fn bring(service: &Service, id: WorkflowId, signal: &str) -> Result<(), Error> {
    let operation = Operation {
        request_id: Some(id.to_string()),
        by_parent: None,
        ask: Ask::Signal {
            name: signal.to_owned(),
            data: Value::Null,
        },
    };
    workflows::operate(service.app(), &work::tenant(), id, operation).await?;
    Ok(())
}
