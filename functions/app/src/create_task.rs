//! Creating a task that stands alone, and the `create-task` function.
//!
//! *Accepted* means that the record is written. The dispatch is sent after that; should it be
//! lost, the record's due time brings the task up again.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use semver::VersionReq;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taskmill::JsonObject;
use taskmill::codes::refusal;
use taskmill::ids::{DefinitionId, TaskId, TenantId};
use taskmill::security::{Caller, SecurityContext};
use taskmill::task::TaskInstance;
use taskmill::task::creation::{self, NewTask, Overrides};
use taskmill::task::instance::{TaskContext, TaskPriority, VariablesSnapshot};
use taskmill::task::token::TOKEN_CHARS;
use taskmill_aws::payloads::ContentHash;
use taskmill_aws::queues::{Message, QueueName};
use taskmill_aws::store::Created;

use crate::app::App;
use crate::batch::{self, RecordFacts, Unhandled};
use crate::emit;
use crate::refusal::Refusal;
use crate::requests;
use crate::start_workflow::{self, StartWorkflow};
use crate::tokens;

/// A request for a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateTask {
    /// What it is.
    pub task_definition_id: DefinitionId,
    /// Which versions of it will do; the highest is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_version: Option<VersionReq>,
    /// What it is given; `{}` by default.
    #[serde(default = "requests::empty_input")]
    pub input: Value,
    /// How urgent it is.
    #[serde(default)]
    pub priority: TaskPriority,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_reference: Option<String>,
    /// Makes the request safe to repeat: one key, one task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The caller's own id for the whole matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The token by which a state machine waits for the task: its end is the answer. The token
    /// is the idempotency key as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_token: Option<String>,
    /// W3C trace context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// Creates a task.
///
/// # Errors
/// A [`Refusal`]; nothing was stored, unless it is a fault of the queues after the write.
pub async fn create_task(
    app: &App,
    caller: &Caller,
    request: CreateTask,
) -> Result<TaskInstance, Refusal> {
    requests::check_text("taskReference", request.task_reference.as_deref())?;
    requests::Marks {
        idempotency_key: request.idempotency_key.as_deref(),
        correlation_id: request.correlation_id.as_deref(),
        traceparent: request.traceparent.as_deref(),
    }
    .check()?;
    check_token(&request)?;
    let definition = app
        .inner
        .definitions
        .newest_task(
            &caller.tenant_id,
            &request.task_definition_id,
            request.task_version.as_ref(),
        )
        .await?;
    let now = app.now();
    let task = creation::create(&definition, new_task(app, caller, request), now)?;
    accept(app, task).await
}

/// Writes a new task, or finds the one that the same request made before, and dispatches it.
pub(crate) async fn accept(app: &App, task: TaskInstance) -> Result<TaskInstance, Refusal> {
    let created = app.store().create_task(&task).await?;
    let task = match created {
        Created::New => task,
        Created::Exists => existing(app, &task).await?,
    };
    if task.attempt() == 1
        && let Some(dispatch) = emit::first(&task, created)
    {
        app.queues().send(&[dispatch]).await?;
    }
    Ok(task)
}

/// A token is a key that Step Functions chose: a second key could only contradict it.
fn check_token(request: &CreateTask) -> Result<(), Refusal> {
    let Some(token) = &request.task_token else {
        return Ok(());
    };
    if token.is_empty() || token.chars().count() > TOKEN_CHARS {
        let message = format!("taskToken must have 1 to {TOKEN_CHARS} characters");
        return Err(Refusal::new(refusal::INVALID_INPUT, message));
    }
    if request.idempotency_key.is_some() {
        let message = "a request has either taskToken or idempotencyKey: the token is the key";
        return Err(Refusal::new(refusal::INVALID_INPUT, message));
    }
    Ok(())
}

/// What makes a request safe to repeat.
fn key_of(request: &CreateTask) -> Option<String> {
    let token = request.task_token.as_deref();
    let of_token = || token.map(|token| format!("task-token:{}", ContentHash::of(token)));
    request.idempotency_key.clone().or_else(of_token)
}

fn new_task(app: &App, caller: &Caller, request: CreateTask) -> NewTask {
    let key = key_of(&request);
    NewTask {
        id: key.as_deref().map_or_else(
            || app.fresh_task_id(),
            |key| TaskId::from_idempotency_key(&caller.tenant_id, key),
        ),
        request_hash: key.map(|_| requests::fingerprint(&request)),
        input: request.input,
        priority: request.priority,
        task_reference: request.task_reference,
        workflow_definition_id: None,
        run: 0,
        context: TaskContext {
            workflow_instance_id: None,
            batch_id: None,
            workflow_variables: VariablesSnapshot::Inline(JsonObject::new()),
            task_path: None,
            security_context: SecurityContext::from(caller),
            correlation_id: request.correlation_id,
        },
        overrides: Overrides::default(),
        task_token: request.task_token,
        traceparent: request.traceparent,
    }
}

/// A task of this tenant.
pub(crate) async fn of_tenant(
    app: &App,
    tenant: &TenantId,
    id: TaskId,
) -> Result<TaskInstance, Refusal> {
    let found = app.store().task(id).await?;
    found
        .filter(|task| task.tenant_id == *tenant)
        .ok_or_else(|| Refusal::not_found("task", id))
}

/// The task that was first under this id, if the request was the same.
async fn existing(app: &App, asked: &TaskInstance) -> Result<TaskInstance, Refusal> {
    let first = of_tenant(app, &asked.tenant_id, asked.id).await?;
    requests::check_repeat(first.request_hash.as_deref(), asked.request_hash.as_deref())?;
    Ok(first)
}

/// Handles a batch of the `create` queue.
pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    let app = &app.invocation();
    batch::each(
        app,
        QueueName::Create,
        &event.records,
        |app, message, facts| async move {
            match message {
                Message::CreateTask { caller, request } => {
                    let request: CreateTask = read(request)?;
                    create_from_queue(&app, &caller, request, &facts).await
                }
                Message::StartWorkflow { caller, request } => {
                    let mut request: StartWorkflow = read(request)?;
                    once(&mut request.idempotency_key, &facts);
                    done(
                        start_workflow::start_workflow(&app, &caller, request)
                            .await
                            .map(drop),
                    )
                }
                Message::Execute(_)
                | Message::Outcome { .. }
                | Message::TaskEnded { .. }
                | Message::TokenHeld { .. }
                | Message::ChildTold { .. }
                | Message::ChildRefused { .. }
                | Message::Granted { .. }
                | Message::Due(_)
                | Message::Later { .. }
                | Message::Unread { .. } => Err(batch::misplaced(facts.queue)),
            }
        },
    )
    .await
}

/// Creates a task that was asked for by the queue. Whoever waits by a token is told a refusal.
async fn create_from_queue(
    app: &App,
    caller: &Caller,
    mut request: CreateTask,
    facts: &RecordFacts,
) -> Result<(), Unhandled> {
    let Some(token) = request.task_token.clone() else {
        once(&mut request.idempotency_key, facts);
        return done(create_task(app, caller, request).await.map(drop));
    };
    match create_task(app, caller, request).await {
        Ok(_) => Ok(()),
        Err(Refusal::Fault(fault)) => Err(Unhandled::Fault(fault)),
        Err(refused) => Ok(tokens::refuse(app, &token, &refused).await?),
    }
}

/// A message that is delivered twice, or set aside and sent again, asks once: without a key of the
/// caller's own, the id that it first had is the key.
fn once(key: &mut Option<String>, facts: &RecordFacts) {
    key.get_or_insert_with(|| format!("sqs-message:{}", facts.first_id));
}

fn read<T: for<'de> Deserialize<'de>>(request: Value) -> Result<T, Unhandled> {
    serde_json::from_value(request)
        .map_err(|error| Unhandled::Never(format!("{}: {error}", refusal::INVALID_INPUT)))
}

/// A request that came by a queue has nobody to answer: what is refused is kept, with the
/// reason, among the dead letters.
fn done(result: Result<(), Refusal>) -> Result<(), Unhandled> {
    match result {
        Ok(()) => Ok(()),
        Err(Refusal::Fault(fault)) => Err(Unhandled::Fault(fault)),
        Err(refused) => Err(Unhandled::Never(refused.to_string())),
    }
}

/// A direct invocation of the function: who asks, and for what.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Invocation {
    tenant_id: TenantId,
    user_id: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    permissions: Vec<String>,
    #[serde(default)]
    environment_id: Option<String>,
    #[serde(default)]
    create_task: Option<CreateTask>,
    #[serde(default)]
    start_workflow: Option<StartWorkflow>,
}

/// Handles what the function is invoked with: a batch of the queue, or one request.
///
/// Whoever may invoke the function is trusted with the identity that it states: that right is
/// given by IAM.
///
/// # Errors
/// A refused direct invocation, as `CODE: message`.
pub async fn handle_any(app: &App, event: Value) -> Result<Value, Refusal> {
    if event.get("Records").is_some() {
        let event: SqsEvent = serde_json::from_value(event)
            .map_err(|error| Refusal::new(refusal::INVALID_INPUT, error.to_string()))?;
        return Ok(json!(handle(app, event).await));
    }
    let invocation: Invocation = serde_json::from_value(event)
        .map_err(|error| Refusal::new(refusal::INVALID_INPUT, error.to_string()))?;
    let caller = Caller {
        tenant_id: invocation.tenant_id,
        user_id: invocation.user_id,
        roles: invocation.roles,
        permissions: invocation.permissions,
        environment_id: invocation.environment_id,
    };
    match (invocation.create_task, invocation.start_workflow) {
        (Some(request), None) => {
            let task = create_task(app, &caller, request).await?;
            Ok(task.view(&JsonObject::new(), false))
        }
        (None, Some(request)) => {
            let workflow = start_workflow::start_workflow(app, &caller, request).await?;
            Ok(workflow.view(Vec::new(), Vec::new()))
        }
        (None, None) | (Some(_), Some(_)) => Err(Refusal::new(
            refusal::INVALID_INPUT,
            "an invocation has either createTask or startWorkflow",
        )),
    }
}
