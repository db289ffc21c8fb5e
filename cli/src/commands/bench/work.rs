//! What a bench submits: tasks that do nothing, or give back what they are given, and workflows
//! of three such steps.

use serde_json::{Value, json};
use taskmill::ids::{DefinitionId, TaskId, TenantId, WorkflowId};
use taskmill::registration::{self, Definition};
use taskmill::security::Caller;
use taskmill::task::TaskPriority;
use taskmill_app::create_task::{CreateTask, create_task};
use taskmill_app::register;
use taskmill_app::start_workflow::{StartWorkflow, start_workflow};
use taskmill_local::Service;
use uuid::Uuid;

use crate::exit::Error;

/// What is submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A task that stands alone.
    Task,
    /// A workflow of three steps.
    Workflow,
}

/// Definitions that are registered, and the input that they are given.
#[derive(Debug, Clone)]
pub struct Work {
    caller: Caller,
    task: DefinitionId,
    workflow: DefinitionId,
    input: Value,
}

/// Steps of a workflow.
pub const STEPS: u64 = 3;

impl Work {
    /// Work of a payload of so many bytes; with none, tasks do nothing with nothing.
    ///
    /// # Errors
    /// The store fails.
    pub async fn register(service: &Service, payload: u32) -> Result<Self, Error> {
        if payload == 0 {
            return Self::of_executor(service, "builtin:noop", payload).await;
        }
        Self::of_executor(service, "builtin:echo", payload).await
    }

    /// The same by an executor that gives back its input.
    ///
    /// # Errors
    /// The store fails.
    pub async fn of_executor(
        service: &Service,
        executor: &str,
        payload: u32,
    ) -> Result<Self, Error> {
        // A payload of its own name, so that a folder may be used again with another.
        let name = format!("bench-{}-{payload}", executor.replace(':', "-"));
        Self::of_definition(service, &name, task_definition(&name, executor), payload).await
    }

    /// Work of tasks that are limited by this field of their definition, and give back their input.
    ///
    /// # Errors
    /// The store fails.
    pub async fn limited(
        service: &Service,
        executor: &str,
        (field, limit): (&str, Value),
    ) -> Result<Self, Error> {
        let name = format!("bench-{}-{field}", executor.replace(':', "-"));
        let mut task = task_definition(&name, executor);
        task[field] = limit;
        Self::of_definition(service, &name, task, 0).await
    }

    async fn of_definition(
        service: &Service,
        name: &str,
        task: Value,
        payload: u32,
    ) -> Result<Self, Error> {
        let workflow = workflow_definition(name, payload);
        for definition in [&task, &workflow] {
            register(service, definition).await?;
        }
        let id = |suffix: &str| DefinitionId::new(format!("{name}{suffix}"));
        Ok(Self {
            caller: caller(),
            task: id("").expect("the name is an id"),
            workflow: id("-workflow").expect("the name is an id"),
            input: input(payload),
        })
    }

    /// Submits one, and gives its id.
    ///
    /// # Errors
    /// It is refused.
    pub async fn submit(&self, service: &Service, kind: Kind) -> Result<Uuid, Error> {
        match kind {
            Kind::Task => self.submit_task(service).await.map(TaskId::uuid),
            Kind::Workflow => self.submit_workflow(service).await.map(WorkflowId::uuid),
        }
    }

    async fn submit_task(&self, service: &Service) -> Result<TaskId, Error> {
        let request = CreateTask {
            task_definition_id: self.task.clone(),
            task_version: None,
            input: self.input.clone(),
            priority: TaskPriority::default(),
            task_reference: None,
            idempotency_key: None,
            correlation_id: None,
            task_token: None,
            traceparent: None,
        };
        Ok(create_task(service.app(), &self.caller, request).await?.id)
    }

    async fn submit_workflow(&self, service: &Service) -> Result<WorkflowId, Error> {
        let request = request(self.workflow.clone(), self.input.clone());
        let started = start_workflow(service.app(), &self.caller, request).await?;
        Ok(started.id)
    }
}

/// In whose name everything is done.
pub fn tenant() -> TenantId {
    TenantId::new("bench").expect("the text is an id")
}

fn caller() -> Caller {
    Caller {
        tenant_id: tenant(),
        user_id: "bench".to_owned(),
        roles: Vec::new(),
        permissions: Vec::new(),
        environment_id: None,
    }
}

/// Starts a workflow that was registered, and gives its id.
///
/// # Errors
/// It is refused.
pub async fn start(service: &Service, definition: &str, input: Value) -> Result<WorkflowId, Error> {
    let definition = DefinitionId::new(definition).expect("the name is an id");
    let request = request(definition, input);
    let started = start_workflow(service.app(), &caller(), request).await?;
    Ok(started.id)
}

fn request(definition: DefinitionId, input: Value) -> StartWorkflow {
    StartWorkflow {
        workflow_definition_id: definition,
        workflow_version: None,
        input,
        idempotency_key: None,
        correlation_id: None,
        traceparent: None,
    }
}

/// Whether a piece of work is over.
///
/// # Errors
/// It is over and not COMPLETED, or the store fails.
pub async fn is_over(service: &Service, kind: Kind, id: Uuid) -> Result<bool, Error> {
    let store = service.observer();
    let (status, terminal, completed) = match kind {
        Kind::Task => match store.task(TaskId::new(id)).await? {
            None => return Ok(false),
            Some(task) => {
                let status = task.status;
                let completed = status == taskmill::task::TaskStatus::Completed;
                (status.as_str(), status.is_terminal(), completed)
            }
        },
        Kind::Workflow => match store.workflow(WorkflowId::new(id)).await? {
            None => return Ok(false),
            Some(workflow) => {
                let status = workflow.status;
                let completed = status == taskmill::workflow::WorkflowStatus::Completed;
                (status.as_str(), status.is_terminal(), completed)
            }
        },
    };
    if terminal && !completed {
        return Err(Error::Unexpected(format!("{id} ended {status}")));
    }
    Ok(terminal)
}

fn input(payload: u32) -> Value {
    match payload {
        0 => json!({}),
        bytes => json!({"data": "x".repeat(bytes as usize)}),
    }
}

/// A task of this id, which this executor runs.
pub fn task_definition(name: &str, executor: &str) -> Value {
    json!({
        "id": name,
        "version": "1.0.0",
        "name": name,
        "type": "AUTOMATED",
        "executionConfig": {"executor": executor},
    })
}

/// Each step is given the workflow's input.
fn workflow_definition(name: &str, payload: u32) -> Value {
    let mappings = match payload {
        0 => json!([]),
        _ => json!([{"type": "DIRECT", "source": "workflowInput.data", "target": "data"}]),
    };
    let step = |number| {
        json!({
            "name": format!("step-{number}"),
            "taskDefinitionId": name,
            "inputMappings": mappings,
        })
    };
    json!({
        "id": format!("{name}-workflow"),
        "version": "1.0.0",
        "name": name,
        "steps": (1..=STEPS).map(step).collect::<Vec<Value>>(),
    })
}

/// Registers a definition.
///
/// # Errors
/// It is refused.
pub async fn register(service: &Service, definition: &Value) -> Result<(), Error> {
    let read = registration::read(definition);
    let read = read.map_err(|problems| {
        let first = problems.first().map(|problem| problem.message.clone());
        Error::Unexpected(first.unwrap_or_default())
    })?;
    match read {
        Definition::Task(task) => register::register_task(service.app(), &tenant(), &task).await?,
        Definition::Workflow(workflow) => {
            register::register_workflow(service.app(), &tenant(), &workflow).await?
        }
    };
    Ok(())
}
