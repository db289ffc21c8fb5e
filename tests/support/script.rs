//! An executor that answers as its test says, and remembers what it was asked.
//!
//! It stands for the world outside: what it remembers survives the death of a process.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use taskmill::Timestamp;
use taskmill::ids::{ExecutionId, TaskId};
use taskmill::task::Outcome;
use taskmill_aws::clock::Clock;
use taskmill_aws::executor::{Call, Execution, Executor, ExecutorKind, Executors, Failure};
use taskmill_local::{Faults, LocalAws};
use tokio::time::Instant;

/// What a call of the script comes to.
#[derive(Debug, Clone)]
pub enum Answer {
    /// It gives an output.
    Succeed(serde_json::Value),
    /// It fails.
    Fail(Failure),
    /// It comes to that after so many milliseconds.
    After(u64, Box<Answer>),
    /// Another system has it, and calls back.
    HandOver,
    /// It never ends by itself.
    Hang,
    /// It takes its worker down.
    Die,
}

impl Answer {
    /// A failure that another attempt may mend.
    pub fn busy() -> Self {
        Self::Fail(Failure::transient("BUSY", "come back later"))
    }

    pub fn after(self, millis: u64) -> Self {
        Self::After(millis, Box::new(self))
    }
}

/// A call that the script was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    pub task: TaskId,
    /// The path of the step; of a task that stands alone, its definition.
    pub name: String,
    pub attempt: u32,
    pub execution: ExecutionId,
    pub at: Timestamp,
    /// The token by which another system may tell its end; empty without one.
    pub token: String,
}

type Answering = Box<dyn Fn(&Call) -> Answer + Send + Sync>;

/// The script. Clones are the same script.
#[derive(Clone)]
pub struct Script(Arc<Inner>);

struct Inner {
    answer: Answering,
    calls: Mutex<Vec<Called>>,
    at_once: Mutex<AtOnce>,
}

/// How many calls are under way, and the most that ever were.
#[derive(Default)]
struct AtOnce {
    now: usize,
    most: usize,
}

/// A call that is under way, until this is dropped.
struct UnderWay<'s>(&'s Mutex<AtOnce>);

impl<'s> UnderWay<'s> {
    fn begin(at_once: &'s Mutex<AtOnce>) -> Self {
        let mut counts = at_once.lock().unwrap();
        counts.now += 1;
        counts.most = counts.most.max(counts.now);
        Self(at_once)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap().now -= 1;
    }
}

impl Script {
    pub fn new(answer: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            answer: Box::new(answer),
            calls: Mutex::default(),
            at_once: Mutex::default(),
        }))
    }

    /// Answers every call with its input.
    pub fn echo() -> Self {
        Self::new(|call| Answer::Succeed(call.input.clone()))
    }

    /// All calls so far, in order.
    pub fn calls(&self) -> Vec<Called> {
        self.0.calls.lock().unwrap().clone()
    }

    /// How often a task was called.
    pub fn calls_of(&self, task: TaskId) -> usize {
        let calls = self.0.calls.lock().unwrap();
        calls.iter().filter(|call| call.task == task).count()
    }

    /// The most calls that were ever under way at once.
    pub fn most_at_once(&self) -> usize {
        self.0.at_once.lock().unwrap().most
    }

    /// The executors of a process on this AWS: the script behind `process:`, `lambda:` and
    /// `http:`.
    pub fn executors(&self, aws: &LocalAws) -> Executors {
        let executor = Arc::new(Worker {
            script: self.clone(),
            clock: aws.clock(),
            faults: aws.faults().clone(),
        });
        Executors::builtin(aws.clock())
            .with(ExecutorKind::Process, executor.clone())
            .with(ExecutorKind::Http, executor.clone())
            .with(ExecutorKind::Lambda, executor)
    }
}

/// The script in one process, which it can take down.
struct Worker {
    script: Script,
    clock: Clock,
    faults: Faults,
}

#[async_trait]
impl Executor for Worker {
    async fn execute(&self, call: &Call) -> Execution {
        let of_definition = || call.definition.id.to_string();
        let called = Called {
            task: call.task_id,
            name: call.task_path.clone().unwrap_or_else(of_definition),
            attempt: call.attempt,
            execution: call.execution_id,
            at: self.clock.now(),
            token: call
                .callback
                .as_ref()
                .map_or_else(String::new, |it| it.token.clone()),
        };
        self.script.0.calls.lock().unwrap().push(called);
        let _under_way = UnderWay::begin(&self.script.0.at_once);
        let answer = (self.script.0.answer)(call);
        self.come_to(answer).await
    }
}

impl Worker {
    async fn come_to(&self, mut answer: Answer) -> Execution {
        let started = Instant::now();
        loop {
            let result = match answer {
                Answer::Succeed(output) => Ok(output),
                Answer::Fail(failure) => Err(failure),
                Answer::After(millis, then) => {
                    let at = self.clock.now().plus_millis(millis);
                    self.clock.sleep_until(at).await;
                    answer = *then;
                    continue;
                }
                Answer::HandOver => return Execution::so_far(started, Outcome::HandedOver),
                Answer::Hang => std::future::pending().await,
                Answer::Die => {
                    self.faults.kill();
                    std::future::pending().await
                }
            };
            return Execution::ending(started, result, self.clock.now());
        }
    }
}
