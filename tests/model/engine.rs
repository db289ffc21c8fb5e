//! A case on the real engine: the service of local mode, in virtual time, under whatever delivery
//! the queues may give.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::Value;
use taskmill::Timestamp;
use taskmill::ids::{TaskId, WorkflowId};
use taskmill::registration::{self, Definition};
use taskmill::task::tenants::TenantLimits;
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill::workflow::WorkflowInstance;
use taskmill::workflow::decider::{Ask, Operation};
use taskmill_app::register::{register_task, register_workflow};
use taskmill_app::{Refusal, workflows};
use taskmill_aws::clock::Clock;
use taskmill_aws::executor::{Call, Execution, Executor, ExecutorKind, Executors, Failure};
use taskmill_aws::store::Store;
use taskmill_local::service::{self, Options};
use taskmill_local::sqs::{Delivery, Order};
use taskmill_local::{LocalAws, Service};
use tokio::time::Instant;

use super::answers::{TASKS, answer};
use super::generator::Case;
use super::interpreter::{Line, Signal, Story};
use crate::support::{settle, start, tenant};

/// How messages are delivered.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    pub delivery: Delivery,
    pub order: Order,
    pub batch_size: u8,
    /// Whether what is told is what comes of it when all of it begins again after its end.
    pub again: bool,
}

/// Answers as the case says.
struct Answering {
    seed: u64,
    clock: Clock,
    store: Store,
    /// The tasks of each path, in the order in which they were first called.
    called: Mutex<HashMap<String, Vec<TaskId>>>,
}

#[async_trait]
impl Executor for Answering {
    async fn execute(&self, call: &Call) -> Execution {
        let started = Instant::now();
        let own = call.task_path.clone().expect("every task is of a workflow");
        let id = call.workflow_instance_id.expect("and has it");
        let path = prefix_of(&self.store, id).await + &own;
        let nth = self.place_of(&path, call.task_id);
        let definition = call.definition.id.as_str();
        let answer = answer(self.seed, definition, &path, nth, call.attempt);
        let at = self.clock.now().plus_millis(answer.after);
        self.clock.sleep_until(at).await;
        let result = answer.result;
        let result = result.map_err(|code| Failure::transient(code, "as the case says"));
        Execution::ending(started, result, self.clock.now())
    }
}

impl Answering {
    fn place_of(&self, path: &str, task: TaskId) -> u32 {
        let mut called = self.called.lock().unwrap();
        let tasks = called.entry(path.to_owned()).or_default();
        let known = tasks.iter().position(|one| *one == task);
        let at = known.unwrap_or_else(|| {
            tasks.push(task);
            tasks.len() - 1
        });
        u32::try_from(at).unwrap()
    }
}

/// The paths of the steps that a workflow is the child of, each with a slash behind it.
async fn prefix_of(store: &Store, id: WorkflowId) -> String {
    let mut prefix = String::new();
    let mut next = store.workflow(id).await.unwrap().and_then(|one| one.parent);
    while let Some(parent) = next {
        prefix = format!("{}/{prefix}", parent.path);
        let around = store.workflow(parent.workflow_id).await.unwrap();
        next = around.and_then(|one| one.parent);
    }
    prefix
}

/// Runs a case, and tells what came of it.
pub async fn run(case: &Case, manner: Manner) -> Story {
    let aws = crate::support::aws();
    let mut written = aws.writes();
    let store = service::open_store(&aws).await.unwrap();
    let answering = Arc::new(Answering {
        seed: case.seed,
        clock: aws.clock(),
        store: store.clone(),
        called: Mutex::default(),
    });
    let service = serve(manner, &aws, &answering).await;
    register_all(&service, &case.definitions).await;
    aws.queues().set_delivery(manner.delivery);
    aws.queues().set_order(manner.order);
    let mut began = aws.clock().now();
    let id = start(service.app(), "tested", case.input.clone(), "run").await;
    until_over(&service, id, case, began).await;
    if manner.again {
        answering.called.lock().unwrap().clear();
        began = aws.clock().now();
        ask(&service, id, Ask::Rerun { path: None }).await.unwrap();
        until_over(&service, id, case, began).await;
    }
    let mut tasks = Vec::new();
    while let Ok(one) = written.try_recv() {
        if one.table == "TaskInstances" && !tasks.contains(&one.id) {
            tasks.push(one.id);
        }
    }
    let workflow = store.workflow(id).await.unwrap().unwrap();
    let mut trace = Vec::new();
    for task in tasks {
        let task = store.task(TaskId::new(task)).await.unwrap().unwrap();
        if task.created_at >= began {
            trace.push(line(&store, began, task).await);
        }
    }
    trace.sort_by(|a, b| (a.at, &a.path).cmp(&(b.at, &b.path)));
    story(workflow, began, trace)
}

async fn serve(manner: Manner, aws: &LocalAws, answering: &Arc<Answering>) -> Service {
    let executors = Executors::builtin(aws.clock());
    let executor: Arc<dyn Executor> = Arc::clone(answering) as _;
    let options = Options {
        executors: executors.with(ExecutorKind::Lambda, executor),
        worker: "here/1".to_owned(),
        batch_size: manner.batch_size,
        concurrency: 64,
        callbacks: None,
        tenant_limits: TenantLimits::default(),
    };
    Service::start(aws.clone(), options).await.unwrap()
}

async fn register_all(service: &Service, workflows: &[Value]) {
    let tasks = TASKS.map(|id| {
        let text = format!(
            "{{\"id\": \"{id}\", \"name\": \"T\", \"version\": \"1.0.0\", \"type\": \"AUTOMATED\", \
             \"executionConfig\": {{\"executor\": \"lambda:script\"}}}}"
        );
        serde_json::from_str(&text).unwrap()
    });
    for value in tasks.iter().chain(workflows.iter().rev()) {
        match registration::read(value) {
            Ok(Definition::Task(task)) => {
                register_task(service.app(), &tenant(), &task)
                    .await
                    .unwrap();
            }
            Ok(Definition::Workflow(workflow)) => {
                let registered = register_workflow(service.app(), &tenant(), &workflow).await;
                registered.unwrap();
            }
            Err(problems) => panic!("{problems:?} of {value}"),
        }
    }
}

async fn ask(service: &Service, id: WorkflowId, ask: Ask) -> Result<WorkflowInstance, Refusal> {
    let operation = Operation {
        request_id: None,
        by_parent: None,
        ask,
    };
    workflows::operate(service.app(), &tenant(), id, operation).await
}

async fn hand_in(service: &Service, id: WorkflowId, signal: &Signal, began: Timestamp) {
    let clock = service.aws().clock();
    clock.sleep_until(began.plus_millis(signal.at)).await;
    let signal = Ask::Signal {
        name: signal.name.clone(),
        data: signal.data.clone(),
    };
    // A workflow that is over takes no signal.
    let _ = ask(service, id, signal).await;
}

/// Hands in the signals of a case, and waits until nothing is left to happen.
async fn until_over(service: &Service, id: WorkflowId, case: &Case, began: Timestamp) {
    for signal in &case.signals {
        hand_in(service, id, signal, began).await;
    }
    until_settled(service, id).await;
    assert_eq!(service.dead_letters().await.unwrap(), []);
}

async fn until_settled(service: &Service, id: WorkflowId) {
    let clock = service.aws().clock();
    let mut pause = 1000;
    for _ in 0..40 {
        let end = clock.now().plus_millis(pause);
        clock.sleep_until(end).await;
        settle(service.aws()).await;
        let workflow = service.observer().workflow(id).await.unwrap().unwrap();
        let next = service.observer().next_due().await.unwrap();
        if workflow.is_settled() && next.is_none() {
            return;
        }
        pause = (pause * 2).min(24 * 3_600_000);
    }
    panic!("it never ends");
}

async fn line(store: &Store, began: Timestamp, task: TaskInstance) -> Line {
    let prefix = prefix_of(store, task.context.workflow_instance_id.unwrap()).await;
    let path = prefix + task.context.task_path.as_deref().unwrap();
    let ended = task.end_time.unwrap_or(Timestamp::from_millis(0));
    let was_refused = task.status == TaskStatus::Failed && task.start_time.is_none();
    Line {
        at: ended.millis_since(began),
        path,
        status: task.status.as_str(),
        input: if was_refused { Value::Null } else { task.input },
    }
}

fn story(workflow: WorkflowInstance, began: Timestamp, trace: Vec<Line>) -> Story {
    let ended = workflow.end_time.unwrap();
    Story {
        status: workflow.status.as_str(),
        output: workflow.output.unwrap_or(Value::Null),
        code: workflow.error.map(|error| error.code.to_string()),
        variables: workflow.variables.into_iter().collect(),
        took: ended.millis_since(began),
        trace,
    }
}
