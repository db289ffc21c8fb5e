//! Large loops and maps: whether what one turn or item takes stays the same however many there are.
//!
//! Each runs alone, in virtual time, on a database in a file of its own, so that the peak of the
//! memory is that of the process and not of what it keeps.

use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use serde_json::{Value, json};
use taskmill_local::{Service, Written};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::cost::Cost;
use super::work::{self, Kind};
use super::{Time, load, service};
use crate::args::BenchArgs;
use crate::exit::Error;
use crate::output;

/// What one large workflow came to.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Large {
    /// The workflow, for people.
    pub workflow: &'static str,
    /// Turns or items.
    pub count: u32,
    /// How long it took, in seconds of the machine.
    pub seconds: f64,
    /// What one turn or item used.
    pub each: Cost,
    /// Bytes of the largest head that was written, of tasks and of workflows.
    pub largest_head_bytes: usize,
    /// The most memory that the process had meanwhile; none where the system does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
}

/// A workflow that can have any number of turns or items.
struct Shape {
    name: &'static str,
    input: fn(u32) -> Value,
    steps: fn(u32) -> Value,
}

/// The task that all of them run; it gives back its input.
const TASK: &str = "bench-echo";

const SHAPES: [Shape; 4] = [
    Shape {
        name: "LOOP of SET",
        input: |_| json!({}),
        steps: |count| {
            let set = json!({"type": "EXPRESSION", "expression": "index", "target": "turn"});
            let steps = json!([{"name": "set", "type": "SET", "variableMappings": [set]}]);
            turns(count, &steps)
        },
    },
    Shape {
        name: "LOOP of a task",
        input: |_| json!({}),
        steps: |count| turns(count, &json!([{"name": "one", "taskDefinitionId": TASK}])),
    },
    Shape {
        name: "MAP of a range",
        input: |_| json!({}),
        steps: |count| {
            json!([{
                "name": "each",
                "type": "MAP",
                "items": format!("[1..{count}]"),
                "steps": [{"name": "one", "taskDefinitionId": TASK}],
            }])
        },
    },
    Shape {
        name: "MAP of the input, results kept",
        input: |count| {
            let item = |number| json!({"number": number, "name": format!("item {number}")});
            json!({"items": (0..count).map(item).collect::<Vec<Value>>()})
        },
        steps: |_| {
            let input = json!({"type": "DIRECT", "source": "item.number", "target": "number"});
            let kept = json!({"type": "EXPRESSION", "expression": "taskOutput", "target": "all"});
            json!([{
                "name": "each",
                "type": "MAP",
                "items": "workflowInput.items",
                "steps": [{"name": "one", "taskDefinitionId": TASK, "inputMappings": [input]}],
                "result": "taskOutput.number",
                "variableMappings": [kept],
            }])
        },
    },
];

fn turns(count: u32, steps: &Value) -> Value {
    json!([{
        "name": "turns",
        "type": "LOOP",
        "while": format!("index < {count}"),
        "maxIterations": count,
        "steps": steps,
    }])
}

/// Runs each of them with each of the counts, in folders of the one that is named, or of one of
/// their own.
///
/// # Errors
/// The service does not start, or what it ran did not complete.
pub fn measure(counts: &[u32], args: &BenchArgs) -> Result<Vec<Large>, Error> {
    let own = tempfile::tempdir().map_err(Error::Runtime)?;
    let folder = args.data.as_deref().unwrap_or(own.path());
    let filter = args.filter.as_deref().unwrap_or_default();
    let wanted = SHAPES.iter().filter(|shape| shape.name.contains(filter));
    let mut runs = Vec::new();
    for (number, shape) in wanted.enumerate() {
        for count in counts {
            let data = folder.join(format!("{number}-{count}"));
            let run = Time::Virtual.block_on(run(shape, *count, &data))?;
            output::note(&format!("{} of {count}: {:.1} s", shape.name, run.seconds));
            runs.push(run);
        }
    }
    Ok(runs)
}

async fn run(shape: &Shape, count: u32, data: &Path) -> Result<Large, Error> {
    let service = service(Some(data)).await?;
    let id = format!("bench-large-{count}");
    let workflow = json!({
        "id": id,
        "version": "1.0.0",
        "name": shape.name,
        "steps": (shape.steps)(count),
    });
    work::register(&service, &work::task_definition(TASK, "builtin:echo")).await?;
    work::register(&service, &workflow).await?;
    load::forget_peak_memory();
    let heads = Heads::watch(service.aws().writes());
    let before = service.aws().meter().snapshot();
    let began = Instant::now();
    to_its_end(&service, &id, (shape.input)(count)).await?;
    Ok(Large {
        workflow: shape.name,
        count,
        seconds: began.elapsed().as_secs_f64(),
        each: Cost::of(&service.aws().meter().since(&before), count.into()),
        largest_head_bytes: heads.largest()?,
        peak_memory_bytes: load::peak_memory(),
    })
}

/// Starts a workflow, and returns when nothing of it is left to do.
async fn to_its_end(service: &Service, definition: &str, input: Value) -> Result<(), Error> {
    let mut writes = service.aws().writes();
    let id = work::start(service, definition, input).await?;
    loop {
        service.until_settled().await;
        if work::is_over(service, Kind::Workflow, id.uuid()).await? {
            return Ok(());
        }
        // Whether it was a write or a lag: there is something to look at.
        let _ = writes.recv().await;
        writes = writes.resubscribe();
    }
}

/// The sizes of the heads that are written.
struct Heads(watch::Receiver<Seen>);

/// The largest head so far; none after some were missed.
type Seen = Option<usize>;

impl Heads {
    fn watch(mut writes: Receiver<Written>) -> Self {
        let (seen, largest) = watch::channel(Some(0));
        tokio::spawn(async move {
            loop {
                match writes.recv().await {
                    Ok(written) if written.part == "head" => seen.send_modify(|largest| {
                        *largest = largest.map(|largest| largest.max(written.bytes));
                    }),
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => {
                        seen.send_replace(None);
                    }
                    Err(RecvError::Closed) => return,
                }
            }
        });
        Self(largest)
    }

    fn largest(&self) -> Result<usize, Error> {
        let missed = || Error::Unexpected("some writes were not seen".to_owned());
        self.0.borrow().ok_or_else(missed)
    }
}
