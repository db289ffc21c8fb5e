//! Builders for tests: definitions, tasks, workflows and what happens to them, each with nothing
//! in it that a test does not ask for.

use std::collections::BTreeMap;
use std::sync::Arc;

use semver::Version;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error_info::ErrorInfo;
use crate::ids::{ExecutionId, TaskId, TenantId, WorkflowId};
use crate::metrics::ExecutionMetrics;
use crate::security::{Caller, SecurityContext};
use crate::task::attempt::{AttemptReport, Outcome};
use crate::task::compiled::CompiledTask;
use crate::task::creation::{self, NewTask, Overrides};
use crate::task::definition::TaskDefinition;
use crate::task::instance::{TaskContext, TaskInstance, TaskPriority, VariablesSnapshot};
use crate::task::lifecycle::{Facts, Start};
use crate::time::Timestamp;
use crate::workflow::compiled::Reference;
use crate::workflow::{CompiledWorkflow, Plan};
use crate::{JsonObject, task::timeouts::TimeoutKind};

/// How long records are kept in tests, in milliseconds.
pub(crate) const RETENTION: u64 = 86_400_000;

/// So many milliseconds after the moment at which every test begins.
pub(crate) fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_795_296_000_000).plus_millis(millis)
}

/// The facts of a decision at this time, with half of the jitter.
pub(crate) fn facts(now: Timestamp) -> Facts {
    Facts {
        now,
        jitter: 0.5,
        retention: RETENTION,
    }
}

/// A definition with these fields over the least that a definition has.
pub(crate) fn definition(fields: Value) -> TaskDefinition {
    let mut all = json!({
        "id": "work",
        "name": "Work",
        "type": "AUTOMATED",
        "version": "1.0.0",
        "executionConfig": { "executor": "builtin:echo" },
    });
    merge(&mut all, fields);
    serde_json::from_value(all).unwrap()
}

/// The definition of [`definition`], compiled.
pub(crate) fn compiled(fields: Value) -> CompiledTask {
    CompiledTask::new(definition(fields)).unwrap()
}

/// A user with these permissions.
pub(crate) fn user(permissions: &[&str]) -> SecurityContext {
    SecurityContext::from(&Caller {
        tenant_id: TenantId::new("acme").unwrap(),
        user_id: "ann".to_owned(),
        roles: vec!["clerk".to_owned()],
        permissions: permissions.iter().map(ToString::to_string).collect(),
        environment_id: Some("test".to_owned()),
    })
}

/// A request for a task that stands alone, by a user without permissions.
pub(crate) fn new_task() -> NewTask {
    NewTask {
        id: TaskId::new(Uuid::from_u128(7)),
        input: json!({}),
        priority: TaskPriority::Medium,
        task_reference: None,
        workflow_definition_id: None,
        run: 0,
        context: TaskContext {
            workflow_instance_id: None,
            batch_id: None,
            workflow_variables: VariablesSnapshot::Inline(JsonObject::new()),
            task_path: None,
            security_context: user(&[]),
            correlation_id: None,
        },
        overrides: Overrides::default(),
        task_token: None,
        traceparent: None,
        request_hash: None,
    }
}

/// A task of such a definition that stands alone, created at the beginning.
pub(crate) fn task(fields: Value) -> TaskInstance {
    creation::create(&compiled(fields), new_task(), at(0)).unwrap()
}

/// The same inside a workflow.
pub(crate) fn task_of_workflow(fields: Value) -> TaskInstance {
    let mut new = new_task();
    new.context.workflow_instance_id = Some(workflow_id());
    new.context.task_path = Some("step".to_owned());
    creation::create(&compiled(fields), new, at(0)).unwrap()
}

/// The id of every test's workflow.
pub(crate) fn workflow_id() -> WorkflowId {
    WorkflowId::new(Uuid::from_u128(9))
}

/// The worker that takes every attempt in tests.
pub(crate) const WORKER: &str = "worker-1";

/// The start of an attempt.
pub(crate) fn start(execution_id: ExecutionId, started_at: Timestamp) -> Start {
    Start {
        execution_id,
        executor_id: WORKER.to_owned(),
        execution_environment: "local".to_owned(),
        started_at,
        handover: None,
    }
}

/// The report of an attempt that ends at this time, after a second.
pub(crate) fn report(
    execution_id: ExecutionId,
    ended_at: Timestamp,
    outcome: Outcome,
) -> Box<AttemptReport> {
    Box::new(AttemptReport {
        execution_id,
        started_at: Timestamp::from_millis(ended_at.millis() - 1000),
        ended_at,
        executor_id: WORKER.to_owned(),
        execution_environment: "local".to_owned(),
        outcome,
        metrics: ExecutionMetrics {
            execution_time: 1000,
            cpu_time: 10,
            memory_usage: 1,
        },
    })
}

/// A success.
pub(crate) fn succeeded(output: Value) -> Outcome {
    Outcome::Succeeded { output }
}

/// A failure with this code, of which an executor says no more.
pub(crate) fn failed(code: &str) -> Outcome {
    Outcome::Failed {
        error: ErrorInfo::new(code, "it failed", at(0)),
        permanent: false,
        retry_after: None,
        continue_on_failure: None,
    }
}

/// A time limit that passed.
pub(crate) fn timed_out(kind: TimeoutKind) -> Outcome {
    Outcome::TimedOut { kind }
}

/// A workflow of these fields. A task step that names no definition has one of its own, with its
/// name; `tasks` are fields of definitions by their ids, those of the others have none. Every
/// version is 1.0.0 if its fields say nothing else, that of every child as well.
pub(crate) fn plan(fields: Value, tasks: &[(&str, Value)]) -> Plan {
    let mut all = json!({ "id": "flow", "version": "1.0.0", "name": "Flow", "steps": [] });
    merge(&mut all, fields);
    name_definitions(&mut all);
    let workflow = CompiledWorkflow::new(serde_json::from_value(all).unwrap()).unwrap();
    let mut plan = Plan {
        workflow: Arc::new(workflow),
        tasks: BTreeMap::new(),
        children: BTreeMap::new(),
    };
    for (pin, reference) in &plan.workflow.references {
        match reference {
            Reference::Workflow(..) => {
                plan.children.insert(pin.clone(), Version::new(1, 0, 0));
            }
            Reference::Task(id, _) => {
                let mut all = json!({ "id": id });
                let mut given = tasks.iter().filter(|(of, _)| *of == id.as_str());
                if let Some((_, fields)) = given.next() {
                    merge(&mut all, fields.clone());
                }
                plan.tasks.insert(pin.clone(), Arc::new(compiled(all)));
            }
        }
    }
    plan
}

/// Gives every task step that names no definition one with its own name.
fn name_definitions(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(name_definitions),
        Value::Object(fields) => {
            let is_task = fields.get("type").is_none_or(|word| word == "TASK");
            if is_task
                && !fields.contains_key("steps")
                && !fields.contains_key("taskDefinitionId")
                && let Some(name) = fields.get("name").cloned()
            {
                fields.insert("taskDefinitionId".to_owned(), name);
            }
            let blocks = [
                "steps",
                "branches",
                "cases",
                "otherwise",
                "onError",
                "errorHandlers",
            ];
            for name in blocks {
                fields.get_mut(name).into_iter().for_each(name_definitions);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Sets the fields of an object, objects in it field by field.
pub(crate) fn merge(into: &mut Value, fields: Value) {
    match (into, fields) {
        (Value::Object(into), Value::Object(fields)) => {
            for (name, value) in fields {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, value) => *into = value,
    }
}
