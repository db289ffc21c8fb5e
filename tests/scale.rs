//! Large loops and maps: what one turn or item takes does not depend on how many there are, heads
//! stay small, and other workflows go on meanwhile.

use serde_json::{Value, json};
use taskmill::workflow::WorkflowStatus;
use taskmill_aws::store::HEAD_BYTES;
use taskmill_local::{Usage, Written};
use tokio::sync::broadcast::Receiver;
use tokio::sync::watch;

use crate::support::{
    Answer, Records, SECOND, Script, aws, pass, register, service, settle, start,
};

/// Definitions with a workflow `large` of so many turns or items.
fn definitions(step: &str) -> String {
    format!(
        "
id: task
name: Task
version: 1.0.0
type: AUTOMATED
executionConfig: {{executor: 'lambda:script'}}
---
id: large
name: Large
version: 1.0.0
steps: [{step}]
---
id: small
name: Small
version: 1.0.0
steps:
  - {{name: one, taskDefinitionId: task}}
  - {{name: two, taskDefinitionId: task}}
  - {{name: three, taskDefinitionId: task}}
"
    )
}

/// What a large workflow took.
struct Took {
    count: f64,
    usage: Usage,
    largest_head: usize,
}

impl Took {
    fn writes(&self) -> f64 {
        self.usage.total_capacity().write / self.count
    }

    fn reads(&self) -> f64 {
        self.usage.total_capacity().read / self.count
    }

    fn requests(&self, service: &str) -> f64 {
        let requests = u32::try_from(self.usage.requests_of(service)).unwrap();
        f64::from(requests) / self.count
    }

    /// Checks that one turn or item takes what it took where there were fewer, and at most so many
    /// write units.
    #[track_caller]
    fn is_like(&self, fewer: &Self, most_writes: f64) {
        let pairs = [
            ("write units", self.writes(), fewer.writes()),
            ("read units", self.reads(), fewer.reads()),
            (
                "DynamoDB requests",
                self.requests("dynamodb"),
                fewer.requests("dynamodb"),
            ),
            ("SQS requests", self.requests("sqs"), fewer.requests("sqs")),
            ("S3 requests", self.requests("s3"), fewer.requests("s3")),
        ];
        for (what, now, then) in pairs {
            assert!(
                now <= then * 1.03 + 0.01,
                "{what}: {now} each, {then} of fewer"
            );
        }
        assert!(self.writes() <= most_writes, "{}", self.writes());
        for took in [self, fewer] {
            assert!(took.largest_head <= HEAD_BYTES, "{}", took.largest_head);
        }
    }
}

/// Runs a workflow of so many turns or items to its end.
async fn run(count: u32, step: &str, input: Value) -> Took {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    register(service.app(), &definitions(step)).await;
    let heads = heads(aws.writes());
    let before = aws.meter().snapshot();
    let id = start(service.app(), "large", input, "large").await;
    settle(&aws).await;
    let usage = aws.meter().since(&before);
    let workflow = Records::of(&aws).workflow(id).await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    let largest_head = heads.borrow().expect("every write was seen");
    Took {
        count: f64::from(count),
        usage,
        largest_head,
    }
}

/// The largest head that is written; none after some were missed.
fn heads(mut writes: Receiver<Written>) -> watch::Receiver<Option<usize>> {
    let (seen, largest) = watch::channel(Some(0));
    tokio::spawn(async move {
        while let Ok(written) = writes.recv().await {
            if written.part == "head" {
                seen.send_modify(|largest| *largest = largest.map(|one| one.max(written.bytes)));
            }
        }
        seen.send_replace(None);
    });
    largest
}

fn turns(count: u32, step: &str) -> String {
    format!(
        "{{name: turns, type: LOOP, while: 'index < {count}', maxIterations: {count}, steps: [{step}]}}"
    )
}

const TASK: &str = "{name: one, taskDefinitionId: task}";

#[tokio::test(start_paused = true)]
async fn a_turn_of_a_long_loop_costs_what_one_of_a_short_loop_does() {
    let run = |count| async move { run(count, &turns(count, TASK), json!({})).await };
    let (short, long) = (run(100).await, run(200).await);
    // 8 of the task, and one of the workflow for each turn.
    long.is_like(&short, 9.1);
}

#[tokio::test(start_paused = true)]
async fn turns_that_wait_for_nothing_share_a_write() {
    let set = "{name: set, type: SET, \
               variableMappings: [{type: EXPRESSION, expression: index, target: turn}]}";
    let run = |count| async move { run(count, &turns(count, set), json!({})).await };
    let (short, long) = (run(1000).await, run(2000).await);
    long.is_like(&short, 0.02);
}

#[tokio::test(start_paused = true)]
async fn an_item_of_a_large_map_costs_what_one_of_a_small_map_does() {
    let run = |count| async move {
        let step = format!("{{name: each, type: MAP, items: '[1..{count}]', steps: [{TASK}]}}");
        run(count, &step, json!({})).await
    };
    let (small, large) = (run(300).await, run(600).await);
    large.is_like(&small, 9.0);
}

#[tokio::test(start_paused = true)]
async fn the_input_of_a_large_map_is_stored_once_whatever_the_number_of_batches() {
    let step = format!("{{name: each, type: MAP, items: workflowInput.items, steps: [{TASK}]}}");
    let run = async |count: u32| {
        let item = |number| json!({"number": number, "text": "x".repeat(100)});
        let input = json!({"items": (0..count).map(item).collect::<Vec<Value>>()});
        run(count, &step, input).await
    };
    for count in [150, 300] {
        let took = run(count).await;
        let requests = |name: &str| took.usage.requests.get(name).copied().unwrap_or(0);
        let batches = u64::from(count.div_ceil(100));
        // The input, and the items of each batch, which its record holds as well.
        assert!(
            requests("s3.PutObject") <= 1 + 2 * batches,
            "{:?}",
            took.usage.requests
        );
    }
}

#[tokio::test(start_paused = true)]
async fn others_go_on_beside_a_large_map() {
    let (aws, script) = (
        aws(),
        Script::new(|call| Answer::Succeed(call.input.clone()).after(SECOND)),
    );
    let service = service(&aws, &script).await;
    let step = format!(
        "{{name: each, type: MAP, items: '[1..400]', maxConcurrency: 40, steps: [{TASK}]}}"
    );
    register(service.app(), &definitions(&step)).await;
    let records = Records::of(&aws);
    let large = start(service.app(), "large", json!({}), "large").await;
    pass(&aws, SECOND).await;
    let small = start(service.app(), "small", json!({}), "small").await;
    let small = records.ended_workflow(small).await;
    assert_eq!(small.status, WorkflowStatus::Completed);
    let meanwhile = records.workflow(large).await;
    assert_eq!(meanwhile.status, WorkflowStatus::Running);
    let large = records.ended_workflow(large).await;
    assert_eq!(large.status, WorkflowStatus::Completed);
}
