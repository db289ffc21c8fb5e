//! What the tests stand on: an embedded AWS in virtual time, whoever works on it, a scripted
//! executor, and the records that come of it.

mod deaf;
mod fleet;
mod records;
mod script;

use serde_json::{Value, json};
use taskmill::Timestamp;
use taskmill::ids::{TaskId, TenantId, WorkflowId};
use taskmill::registration::{self, Definition};
use taskmill::security::Caller;
use taskmill::task::TaskInstance;
use taskmill::task::lifecycle::{self, Transition};
use taskmill::task::tenants::TenantLimits;
use taskmill_app::create_task::{CreateTask, create_task};
use taskmill_app::register::{register_task, register_workflow};
use taskmill_app::start_workflow::{StartWorkflow, start_workflow};
use taskmill_app::{App, Refusal};
use taskmill_aws::callbacks::Callbacks;
use taskmill_aws::clock::Clock;
use taskmill_local::service::Options;
use taskmill_local::{LocalAws, Service};

pub use deaf::{beside, deaf};
pub use fleet::Fleet;
pub use records::Records;
pub use script::{Answer, Called, Script};

/// When the virtual time begins.
pub const START: Timestamp = Timestamp::from_millis(1_795_296_000_000);
pub const SECOND: u64 = 1000;
pub const MINUTE: u64 = 60 * SECOND;
pub const HOUR: u64 = 60 * MINUTE;

/// An embedded AWS whose clock is the test's own.
pub fn aws() -> LocalAws {
    LocalAws::in_memory(Clock::anchored(START)).unwrap()
}

/// The service of local mode, with the script behind `process:`, `lambda:` and `http:`.
pub async fn service(aws: &LocalAws, script: &Script) -> Service {
    limited_service(aws, script, TenantLimits::default()).await
}

/// The same, where tenants have limits.
pub async fn limited_service(
    aws: &LocalAws,
    script: &Script,
    tenant_limits: TenantLimits,
) -> Service {
    let options = Options {
        executors: script.executors(aws),
        worker: "here/1".to_owned(),
        batch_size: 10,
        concurrency: 2,
        callbacks: Some(callbacks()),
        tenant_limits,
    };
    Service::start(aws.clone(), options).await.unwrap()
}

/// Callbacks to an API that is nowhere.
pub fn callbacks() -> Callbacks {
    let key = "0123456789abcdef0123456789abcdef";
    Callbacks::new("https://api.example.com", key).unwrap()
}

/// Lets everything happen that needs no time.
pub async fn settle(aws: &LocalAws) {
    pass(aws, 1).await;
}

/// Lets so many milliseconds pass, and everything happen that falls into them.
pub async fn pass(aws: &LocalAws, millis: u64) {
    let clock = aws.clock();
    clock.sleep_until(clock.now().plus_millis(millis)).await;
}

pub fn tenant() -> TenantId {
    TenantId::new("acme").unwrap()
}

/// Ann of Acme, who may read and write.
pub fn caller() -> Caller {
    Caller {
        tenant_id: tenant(),
        user_id: "ann".to_owned(),
        roles: vec!["clerk".to_owned()],
        permissions: vec!["read".to_owned(), "write".to_owned()],
        environment_id: Some("test".to_owned()),
    }
}

/// Registers a text of definitions, tasks before the workflows that use them.
pub async fn register(app: &App, text: &str) {
    try_register(app, text).await.unwrap();
}

/// The same, or the first refusal.
pub async fn try_register(app: &App, text: &str) -> Result<(), Refusal> {
    let reading = registration::read_text(text);
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    for (definition, _) in &reading.definitions {
        match definition {
            Definition::Task(task) => register_task(app, &tenant(), task).await?,
            Definition::Workflow(workflow) => register_workflow(app, &tenant(), workflow).await?,
        };
    }
    Ok(())
}

/// A request for a workflow, under a key.
pub fn workflow_request(definition: &str, input: Value, key: &str) -> StartWorkflow {
    StartWorkflow {
        workflow_definition_id: definition.parse_id(),
        workflow_version: None,
        input,
        idempotency_key: Some(key.to_owned()),
        correlation_id: None,
        traceparent: None,
    }
}

/// A request for a task, under a key.
pub fn task_request(definition: &str, input: Value, key: &str) -> CreateTask {
    CreateTask {
        task_definition_id: definition.parse_id(),
        task_version: None,
        input,
        priority: taskmill::task::TaskPriority::Medium,
        task_reference: None,
        idempotency_key: Some(key.to_owned()),
        correlation_id: None,
        task_token: None,
        traceparent: None,
    }
}

/// The event by which messages come to a function, each with how often it was delivered.
pub fn batch(messages: &[(&str, u32)]) -> Value {
    let record = |(number, (body, delivered)): (usize, &(&str, u32))| {
        json!({
            "messageId": format!("message-{number}"),
            "receiptHandle": format!("receipt-{number}"),
            "body": body,
            "attributes": {"ApproximateReceiveCount": delivered.to_string()},
            "messageAttributes": {},
        })
    };
    let records: Vec<Value> = messages.iter().enumerate().map(record).collect();
    json!({ "Records": records })
}

/// Starts a workflow as Ann, and gives its id, which derives from the key.
pub async fn start(app: &App, definition: &str, input: Value, key: &str) -> WorkflowId {
    let request = workflow_request(definition, input, key);
    start_workflow(app, &caller(), request).await.unwrap().id
}

/// Creates a task as Ann, and gives its id, which derives from the key.
pub async fn create(app: &App, definition: &str, input: Value, key: &str) -> TaskId {
    let request = task_request(definition, input, key);
    create_task(app, &caller(), request).await.unwrap().id
}

/// What a task becomes when it is cancelled.
pub fn cancelled(task: &TaskInstance, reason: &str) -> TaskInstance {
    let facts = lifecycle::Facts {
        now: task.updated_at,
        jitter: 0.0,
        retention: HOUR,
    };
    let reason = reason.to_owned();
    match lifecycle::transition(task, &lifecycle::Event::Cancel { reason }, facts) {
        Ok(Transition::Changed { task, .. }) => *task,
        other => panic!("{other:?}"),
    }
}

/// The id of the workflow of a key.
pub fn workflow_of(key: &str) -> WorkflowId {
    WorkflowId::from_idempotency_key(&tenant(), key)
}

/// The id of the task of a key.
pub fn task_of(key: &str) -> TaskId {
    TaskId::from_idempotency_key(&tenant(), key)
}

trait ParseId {
    fn parse_id(&self) -> taskmill::ids::DefinitionId;
}

impl ParseId for str {
    fn parse_id(&self) -> taskmill::ids::DefinitionId {
        taskmill::ids::DefinitionId::new(self).unwrap()
    }
}
