//! Records to store: small ones as most are, and ones with every field set.

use std::collections::BTreeMap;

use semver::Version;
use serde_json::{Value, json};
use taskmill::ids::{DefinitionId, TaskId, TenantId, WorkerGroup, WorkflowId};
use taskmill::metrics::{ExecutionMetrics, WorkflowMetrics};
use taskmill::security::SecurityContext;
use taskmill::task::definition::SecurityLevel;
use taskmill::task::instance::{TaskContext, VariablesSnapshot};
use taskmill::task::polled::{Lease, Polled};
use taskmill::task::rate::{Period, RateLimit};
use taskmill::task::retry::{Jitter, RetryCounts, RetryPolicy, RetryRule};
use taskmill::task::timeouts::Timeouts;
use taskmill::task::{Attempt, TaskInstance, TaskPriority, TaskStatus, TaskType};
use taskmill::workflow::frontier::{Active, Block, Cancelling, Course, Done, Root, State};
use taskmill::workflow::{WorkflowInstance, WorkflowStatus};
use taskmill::{ErrorInfo, JsonObject, Timestamp};
use uuid::Uuid;

pub fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

pub fn definition(name: &str) -> DefinitionId {
    DefinitionId::new(name).unwrap()
}

/// So many in so many milliseconds.
pub fn rate(limit: u32, millis: u64) -> RateLimit {
    let per = Period::of_millis(millis).unwrap();
    RateLimit { limit, per }
}

/// So many milliseconds after a certain moment.
pub fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_795_296_000_000).plus_millis(millis)
}

pub fn task_id(number: u128) -> TaskId {
    TaskId::new(Uuid::from_u128(
        0x0190_0000_0000_7000_8000_0000_0000_0000 + number,
    ))
}

pub fn workflow_id(number: u128) -> WorkflowId {
    WorkflowId::new(Uuid::from_u128(
        0x0191_0000_0000_7000_8000_0000_0000_0000 + number,
    ))
}

pub fn object(value: Value) -> JsonObject {
    value.as_object().unwrap().clone()
}

fn user(tenant_id: TenantId) -> SecurityContext {
    SecurityContext {
        user_id: "ann".to_owned(),
        tenant_id,
        roles: Vec::new(),
        permissions: Vec::new(),
        environment_id: None,
        required_permissions: Vec::new(),
        security_level: None,
        data_classification: None,
    }
}

/// A task that stands alone, just accepted.
pub fn lone_task(number: u128) -> TaskInstance {
    TaskInstance {
        id: task_id(number),
        tenant_id: tenant("acme"),
        task_definition_id: definition("checksum"),
        task_definition_version: Version::new(1, 2, 0),
        workflow_definition_id: None,
        run: 0,
        status: TaskStatus::Pending,
        task_type: TaskType::Automated,
        priority: TaskPriority::Medium,
        input: json!({ "path": "inbox/a.pdf" }),
        output: None,
        error: None,
        executor_id: "process:sha256sum".to_owned(),
        assignee: None,
        handling: None,
        last_act: None,
        polled: None,
        task_reference: None,
        context: TaskContext {
            workflow_instance_id: None,
            batch_id: None,
            workflow_variables: VariablesSnapshot::Inline(JsonObject::new()),
            task_path: None,
            security_context: user(tenant("acme")),
            correlation_id: None,
        },
        retry_policy: None,
        retries: RetryCounts::default(),
        losses: 0,
        timeouts: Timeouts {
            start_to_close: Some(60_000),
            ..Timeouts::default()
        },
        concurrency_limit: None,
        rate_limit: None,
        continue_on_failure: false,
        attempts: Vec::new(),
        metrics: ExecutionMetrics::default(),
        start_time: None,
        end_time: None,
        execution_environment: None,
        deadline_at: None,
        elsewhere_since: None,
        next_retry_at: None,
        due_at: Some(at(900_000)),
        checks: 0,
        expires_at: None,
        task_token: None,
        traceparent: None,
        retried_task_id: None,
        request_hash: None,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

/// A task of a workflow, just accepted.
pub fn step_task(number: u128, workflow: WorkflowId) -> TaskInstance {
    let task = lone_task(number);
    TaskInstance {
        workflow_definition_id: Some(definition("intake")),
        due_at: None,
        context: TaskContext {
            workflow_instance_id: Some(workflow),
            task_path: Some("checksum".to_owned()),
            ..task.context
        },
        ..task
    }
}

/// The task while its attempt runs.
pub fn running(task: &TaskInstance) -> TaskInstance {
    TaskInstance {
        status: TaskStatus::Running,
        start_time: Some(at(20)),
        deadline_at: Some(at(60_020)),
        execution_environment: Some("local".to_owned()),
        version: task.version + 1,
        updated_at: at(20),
        ..task.clone()
    }
}

/// The task while another system has its attempt.
pub fn elsewhere(task: &TaskInstance) -> TaskInstance {
    TaskInstance {
        elsewhere_since: Some(at(20)),
        due_at: Some(at(60_020)),
        ..running(task)
    }
}

/// A task that workers poll for, which one of them has.
pub fn polled_task(number: u128) -> TaskInstance {
    let lease = Lease {
        begun_at: at(20),
        until: at(60_020),
        progress: Some(json!({ "frame": 7 })),
    };
    TaskInstance {
        executor_id: "worker:gpu@machine/w1".to_owned(),
        execution_environment: Some("worker".to_owned()),
        polled: Some(Polled {
            group: WorkerGroup::new("gpu").unwrap(),
            lease: Some(lease),
        }),
        due_at: Some(at(60_020)),
        ..running(&lone_task(number))
    }
}

/// The task when it is done.
pub fn completed(task: &TaskInstance, output: Value) -> TaskInstance {
    TaskInstance {
        status: TaskStatus::Completed,
        output: Some(output),
        start_time: Some(at(20)),
        end_time: Some(at(45)),
        deadline_at: None,
        due_at: None,
        expires_at: Some(at(30 * 24 * 60 * 60 * 1000)),
        execution_environment: Some("local".to_owned()),
        metrics: ExecutionMetrics {
            execution_time: 25,
            cpu_time: 9,
            memory_usage: 3_000_000,
        },
        attempts: vec![attempt(1, None)],
        version: task.version + 1,
        updated_at: at(45),
        ..task.clone()
    }
}

fn attempt(attempt: u32, error: Option<ErrorInfo>) -> Attempt {
    Attempt {
        attempt,
        started_at: Some(at(20)),
        ended_at: at(45),
        executor_id: "process:sha256sum".to_owned(),
        error,
        next_retry_at: None,
    }
}

/// A task with every field set, none to its default.
pub fn full_task() -> TaskInstance {
    let error = ErrorInfo::new("BUSY", "the file is locked \u{1f512}", at(45))
        .with_details(object(
            json!({ "pid": 18_446_744_073_709_551_615_u64, "x": 0.1 }),
        ))
        .with_stack_trace("at main");
    TaskInstance {
        status: TaskStatus::RetryPending,
        priority: TaskPriority::Critical,
        run: 2,
        output: Some(Value::Null),
        error: Some(error.clone()),
        assignee: Some("bob".to_owned()),
        task_reference: Some("Müller GmbH".to_owned()),
        retry_policy: Some(RetryPolicy {
            max_retries: 3,
            retry_interval: 1000,
            backoff_multiplier: 1.5,
            max_retry_interval: Some(60_000),
            retryable_errors: vec!["BUSY".to_owned()],
            jitter: Jitter::None,
            rules: vec![RetryRule {
                error_codes: vec!["TIMEOUT".to_owned()],
                max_retries: 1,
                retry_interval: 5,
                backoff_multiplier: 1.0,
                max_retry_interval: None,
            }],
        }),
        retries: RetryCounts {
            policy: 1,
            rules: vec![1],
        },
        losses: 1,
        timeouts: Timeouts {
            schedule_to_start: Some(1),
            start_to_close: Some(2),
            schedule_to_close: Some(3),
            heartbeat: None,
        },
        concurrency_limit: Some(5),
        rate_limit: Some(rate(50, 60_000)),
        continue_on_failure: true,
        attempts: vec![attempt(1, Some(error))],
        metrics: ExecutionMetrics {
            execution_time: 1,
            cpu_time: 2,
            memory_usage: u64::MAX,
        },
        start_time: Some(at(20)),
        end_time: Some(at(45)),
        execution_environment: Some("local".to_owned()),
        deadline_at: Some(at(60)),
        next_retry_at: Some(at(70)),
        due_at: Some(at(80)),
        checks: 4,
        expires_at: Some(at(90_000)),
        task_token: Some("token".to_owned()),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        retried_task_id: Some(task_id(99)),
        request_hash: Some("abc".to_owned()),
        version: 7,
        updated_at: at(46),
        context: TaskContext {
            workflow_instance_id: Some(workflow_id(1)),
            batch_id: None,
            workflow_variables: VariablesSnapshot::Inline(object(json!({ "z": 1, "a": 2 }))),
            task_path: Some("scan/checksum".to_owned()),
            security_context: SecurityContext {
                roles: vec!["clerk".to_owned()],
                permissions: vec!["read".to_owned()],
                environment_id: Some("test".to_owned()),
                required_permissions: vec!["read".to_owned()],
                security_level: Some(SecurityLevel::High),
                data_classification: Some("secret".to_owned()),
                ..user(tenant("acme"))
            },
            correlation_id: Some("c-1".to_owned()),
        },
        ..step_task(1, workflow_id(1))
    }
}

/// A workflow of three steps, just started.
pub fn workflow(number: u128) -> WorkflowInstance {
    let pin = |name: &str| (format!("task:{name}"), Version::new(1, 2, 0));
    WorkflowInstance {
        id: workflow_id(number),
        tenant_id: tenant("acme"),
        workflow_definition_id: definition("intake"),
        definition_version: Version::new(2, 0, 1),
        pins: BTreeMap::from([pin("checksum"), pin("count"), pin("index")]),
        status: WorkflowStatus::Running,
        input: json!({ "folder": "inbox" }).into(),
        output: None,
        error: None,
        variables: object(json!({ "found": 0 })),
        course: at_step("checksum", 0, 1),
        parent: None,
        batch: None,
        run: 0,
        metrics: WorkflowMetrics::default(),
        security_context: user(tenant("acme")),
        correlation_id: Some("c-1".to_owned()),
        start_time: Some(at(0)),
        end_time: None,
        deadline_at: None,
        due_at: Some(at(900_000)),
        checks: 0,
        expires_at: None,
        traceparent: None,
        request_hash: None,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

/// A list of steps of which so many are over, and the next one runs.
pub fn block_at(name: &str, done: usize, since: u64) -> Block {
    Block {
        done: Done::all_below(done),
        active: vec![begun(name, since, State::Task { wake_at: None })],
        output: None,
    }
}

fn at_step(name: &str, done: usize, since: u64) -> Course {
    Course {
        root: Root::Steps(block_at(name, done, since)),
        ..Course::default()
    }
}

pub fn begun(name: &str, since: u64, state: State) -> Active {
    Active {
        name: name.to_owned(),
        generation: 0,
        since,
        retries: None,
        held: false,
        handled: Vec::new(),
        state,
    }
}

/// The workflow at its next step.
pub fn hopped(workflow: &WorkflowInstance, path: &str) -> WorkflowInstance {
    let version = workflow.version + 1;
    WorkflowInstance {
        course: at_step(path, 1, version),
        variables: object(json!({ "found": version, "last": "inbox/a.pdf" })),
        metrics: WorkflowMetrics {
            task_count: version,
            total_execution_time: 25 * version,
            total_cpu_time: 9,
            total_memory_usage: 3_000_000,
        },
        version,
        updated_at: at(50 * version),
        ..workflow.clone()
    }
}

/// The workflow when it is done.
pub fn ended(workflow: &WorkflowInstance) -> WorkflowInstance {
    WorkflowInstance {
        status: WorkflowStatus::Completed,
        output: Some(json!({ "files": 3 })),
        course: Course::default(),
        end_time: Some(at(500)),
        due_at: None,
        expires_at: Some(at(30 * 24 * 60 * 60 * 1000)),
        version: workflow.version + 1,
        updated_at: at(500),
        ..workflow.clone()
    }
}

/// A workflow with every field set, none to its default.
pub fn full_workflow() -> WorkflowInstance {
    WorkflowInstance {
        status: WorkflowStatus::Failed,
        output: Some(Value::Null),
        error: Some(ErrorInfo::new("BUSY", "the file is locked", at(45))),
        course: Course {
            root: Root::Steps(Block {
                active: vec![Active {
                    generation: 1,
                    ..begun(
                        "a/b",
                        3,
                        State::Task {
                            wake_at: Some(at(7)),
                        },
                    )
                }],
                ..Block::default()
            }),
            cancelling: vec![Cancelling::Task(task_id(1)), Cancelling::Task(task_id(2))],
            ..Course::default()
        },
        run: 1,
        metrics: WorkflowMetrics {
            task_count: 1,
            total_execution_time: 2,
            total_cpu_time: 3,
            total_memory_usage: 4,
        },
        end_time: Some(at(45)),
        deadline_at: Some(at(60)),
        due_at: Some(at(80)),
        checks: 4,
        expires_at: Some(at(90_000)),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        request_hash: Some("abc".to_owned()),
        version: 7,
        updated_at: at(46),
        ..workflow(1)
    }
}
