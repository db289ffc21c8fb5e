//! A thousand workflows with random failures take exactly the time that their retry policies say.
//!
//! What each attempt comes to is drawn from its execution id, which derives from the workflow's
//! key: the whole history of every workflow is computed here from the policies' text alone, and
//! compared with what the records tell, to the millisecond.

use serde_json::json;
use taskmill::Timestamp;
use taskmill::ids::{ExecutionId, TaskId, WorkflowId};
use taskmill::task::tenants::TenantLimits;
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill::workflow::WorkflowStatus;
use taskmill_aws::executor::Failure;
use taskmill_local::Service;
use taskmill_local::service::Options;

use crate::support::{
    Answer, HOUR, Records, START, Script, aws, pass, register, start, workflow_of,
};

const WORKFLOWS: usize = 1000;
const STEPS: [&str; 5] = ["fetch", "check", "price", "store", "tell"];

const DEFINITIONS: &str = "
id: short
name: Short
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
retryPolicy:
  maxRetries: 4
  retryInterval: 1000
  backoffMultiplier: 2
  maxRetryInterval: 5000
  jitter: NONE
  rules: [{errorCodes: [LOCKED], maxRetries: 2, retryInterval: 250, backoffMultiplier: 3}]
---
id: recorded
name: Recorded
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'process:script'}
retryPolicy:
  maxRetries: 4
  retryInterval: 1000
  backoffMultiplier: 2
  maxRetryInterval: 5000
  jitter: NONE
  rules: [{errorCodes: [LOCKED], maxRetries: 2, retryInterval: 250, backoffMultiplier: 3}]
---
id: order
name: Order
version: 1.0.0
steps:
  - {name: fetch, taskDefinitionId: short}
  - {name: check, taskDefinitionId: short}
  - {name: price, taskDefinitionId: recorded}
  - {name: store, taskDefinitionId: short}
  - {name: tell, taskDefinitionId: short}
";

/// The delays of the policy and of its rule, in milliseconds: 1000 × 2ⁿ, at most 5000; 250 × 3ⁿ.
const BUSY_DELAYS: [u64; 4] = [1000, 2000, 4000, 5000];
const LOCKED_DELAYS: [u64; 2] = [250, 750];
/// The delay that a throttled attempt asks for itself; it counts as a retry of the policy.
const THROTTLED_DELAY: u64 = 3210;

/// What an attempt comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Draw {
    Success,
    Busy,
    Locked,
    Throttled,
    Broken,
}

impl Draw {
    fn of(execution: ExecutionId) -> Self {
        match execution.uuid().as_u128() % 100 {
            0..30 => Self::Busy,
            30..45 => Self::Locked,
            45..50 => Self::Throttled,
            50 => Self::Broken,
            _ => Self::Success,
        }
    }

    fn code(self) -> Option<&'static str> {
        match self {
            Self::Success => None,
            Self::Busy => Some("BUSY"),
            Self::Locked => Some("LOCKED"),
            Self::Throttled => Some("THROTTLED"),
            Self::Broken => Some("BROKEN"),
        }
    }

    fn answer(self) -> Answer {
        let transient = |code| Failure::transient(code, "not now");
        match self {
            Self::Success => Answer::Succeed(json!({})),
            Self::Busy => Answer::Fail(transient("BUSY")),
            Self::Locked => Answer::Fail(transient("LOCKED")),
            Self::Throttled => {
                Answer::Fail(transient("THROTTLED").with_retry_after(Some(THROTTLED_DELAY)))
            }
            Self::Broken => Answer::Fail(Failure::permanent("BROKEN", "never")),
        }
    }
}

/// An attempt: when it began and ended, why it failed, and when the next was to begin.
type Attempted = (Timestamp, Option<&'static str>, Option<Timestamp>);

/// The attempts of a task that is created at `at`, and when the last of them ends.
fn attempts_of(task: TaskId, mut at: Timestamp) -> Vec<Attempted> {
    let (mut of_policy, mut of_rule) = (0, 0);
    let mut attempts = Vec::new();
    for attempt in 1.. {
        let draw = Draw::of(ExecutionId::of_attempt(task, attempt));
        let delay = match draw {
            Draw::Success | Draw::Broken => None,
            Draw::Busy => next(&BUSY_DELAYS, &mut of_policy),
            Draw::Throttled => next(&BUSY_DELAYS, &mut of_policy).map(|_| THROTTLED_DELAY),
            Draw::Locked => next(&LOCKED_DELAYS, &mut of_rule),
        };
        let again = delay.map(|delay| at.plus_millis(delay));
        attempts.push((at, draw.code(), again));
        match again {
            Some(again) => at = again,
            None => break,
        }
    }
    attempts
}

fn next(delays: &[u64], used: &mut usize) -> Option<u64> {
    let delay = delays.get(*used).copied();
    *used += 1;
    delay
}

fn told(task: &TaskInstance) -> Vec<(Timestamp, Option<&str>, Option<Timestamp>)> {
    task.attempts
        .iter()
        .map(|attempt| {
            let started = attempt.started_at.unwrap();
            assert_eq!(attempt.ended_at, started, "an attempt takes no time here");
            let code = attempt.error.as_ref().map(|error| error.code.as_str());
            (started, code, attempt.next_retry_at)
        })
        .collect()
}

/// What was found in all workflows together.
#[derive(Debug, Default)]
struct Totals {
    completed: usize,
    failed: usize,
    retries: usize,
    attempts: usize,
}

/// Compares one workflow with its computed history.
async fn check(records: &Records, id: WorkflowId, totals: &mut Totals) {
    let mut at = START;
    let mut error = None;
    for (number, path) in STEPS.into_iter().enumerate() {
        let expected = attempts_of(TaskId::of_step(id, 0, path, 0), at);
        let task = records.step(id, path).await;
        assert_eq!(task.created_at, at, "step {number} of {id}");
        assert_eq!(told(&task), expected, "step {number} of {id}");
        let last = expected.last().unwrap();
        (at, error) = (last.0, last.1);
        let status = error.map_or(TaskStatus::Completed, |_| TaskStatus::Failed);
        assert_eq!((task.status, task.end_time), (status, Some(at)));
        totals.attempts += expected.len();
        totals.retries += expected.len() - 1;
        if error.is_some() {
            break;
        }
    }
    let workflow = records.workflow(id).await;
    let (status, count) = match error {
        None => (WorkflowStatus::Completed, &mut totals.completed),
        Some(_) => (WorkflowStatus::Failed, &mut totals.failed),
    };
    *count += 1;
    assert_eq!(workflow.status, status, "{id}");
    assert_eq!(workflow.end_time, Some(at), "{id}");
    assert_eq!(workflow.error.map(|error| error.code).as_deref(), error);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_workflows_retry_when_their_policies_say() {
    let began = std::time::Instant::now();
    let aws = aws();
    let script = Script::new(|call| Draw::of(call.execution_id).answer());
    let options = Options {
        executors: script.executors(&aws),
        worker: "here/1".to_owned(),
        batch_size: 10,
        concurrency: 4,
        callbacks: None,
        tenant_limits: TenantLimits::default(),
    };
    let service = Service::start(aws.clone(), options).await.unwrap();
    register(service.app(), DEFINITIONS).await;
    for number in 0..WORKFLOWS {
        start(service.app(), "order", json!({}), &number.to_string()).await;
    }
    pass(&aws, HOUR).await;
    let ran = began.elapsed();

    let records = Records::of(&aws);
    let mut totals = Totals::default();
    for number in 0..WORKFLOWS {
        check(&records, workflow_of(&number.to_string()), &mut totals).await;
    }
    let calls: u64 = aws.meter().snapshot().requests.values().sum();
    eprintln!(
        "{totals:?}, {calls} calls in {ran:?}, compared after {:?}",
        began.elapsed()
    );
    assert_eq!(
        script.calls().len(),
        totals.attempts,
        "no attempt ran twice"
    );
    assert!(totals.completed > WORKFLOWS / 2, "{totals:?}");
    assert!(totals.failed > WORKFLOWS / 50, "{totals:?}");
    assert!(totals.retries > WORKFLOWS, "{totals:?}");
    assert_eq!(records.due().await, 0);
    assert_eq!(service.dead_letters().await.unwrap(), []);
}
