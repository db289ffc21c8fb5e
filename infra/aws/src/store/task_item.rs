//! The stored format of a task instance: its head's attributes, and which of them may stand
//! beside it. Golden items in the tests pin it; what is written here must load for ever.
//!
//! | attribute | field | attribute | field |
//! |---|---|---|---|
//! | `sb` | tenant, status, shard, day | `at` | created at |
//! | `wf`, `sc` | workflow, status and created at | `ds`, `da` | due shard, due at |
//! | `d`, `wd` | definition`@`version, workflow definition | `ty`, `pr` | type, priority |
//! | `st`, `et`, `ua`, `dl`, `nr` | start, end, updated, deadline, next retry | `ttl` | expires at, seconds |
//! | `tss`, `tsc`, `tcc` | time limits | `rt`, `ls`, `ck`, `run`, `v` | retries, losses, checks, run, version |
//! | `mx`, `mc`, `mm` | metrics | `cf`, `cl` | continue on failure, concurrency limit |
//! | `in`, `out`, `er`, `ats` | input, output, error, attempts | `vs`, `vh` | variables, or their hash |
//! | `sec`, `co`, `pa` | security context, correlation id, path | `rp` | retry policy |
//! | `ex`, `env`, `as`, `ref` | executor, environment, assignee, reference | `tt`, `tp` | token, traceparent |
//! | `rid`, `rh` | retried task, request hash | `bi` | batch |
//! | `hd` | who may do a MANUAL task, and by when | `au` | what a person did with it last |
//! | `ip`, `ik`, `fu` | in whose inbox it stands, see `inbox.rs` | `wg` | which workers poll for it |
//! | `wb`, `wu`, `wp` | a worker's lease: begun at, until, progress | `es` | since when another system has it |
//! | `rl`, `rm` | how many of its definition begin in so many milliseconds | | |

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use taskmill::JsonObject;
use taskmill::ids::{TaskId, WorkerGroup, WorkflowId};
use taskmill::metrics::ExecutionMetrics;
use taskmill::task::audit::Entry;
use taskmill::task::instance::{TaskContext, VariablesSnapshot};
use taskmill::task::polled::{Lease, Polled};
use taskmill::task::rate::{Period, RateLimit};
use taskmill::task::retry::RetryCounts;
use taskmill::task::timeouts::Timeouts;
use taskmill::task::{TaskInstance, TaskPriority, TaskStatus, TaskType};

use super::Error;
use super::codec::{Item, Reader, Writer, key, number};
use super::inbox::head_keys;
use super::json::{json_text, security_context, security_text, tenant_id};
use super::keys::{ended_bucket, open_bucket, shard_of, status_created_at};
use super::parts::{
    Encoded, HEAD, Movable, VARIABLES, ended_expiry, fit, object_text, open_expiry, record_name,
};
use crate::payloads::PayloadKind;
use crate::tables::Shards;

/// Attributes that may refer to a part.
pub(crate) const MOVABLE: &[&str] = &[
    "in", "out", "er", "ats", VARIABLES, "sec", "rp", "tt", "tp", "ex", "env", "co", "pa", "as",
    "ref", "rh", "hd", "au", "wp",
];

pub(crate) fn encode(task: &TaskInstance, shards: Shards) -> Result<Encoded, Error> {
    let id = task.id.uuid();
    let name = record_name(PayloadKind::Task, id);
    let (head, outside) = fit(&name, fixed(task, shards), movables(task))?;
    Ok(Encoded {
        id,
        tenant: task.tenant_id.clone(),
        kind: PayloadKind::Task,
        version: task.version,
        head,
        outside,
        expiry: if task.status.is_terminal() {
            ended_expiry(task.updated_at, task.expires_at)
        } else {
            open_expiry(task.updated_at)
        },
    })
}

fn fixed(task: &TaskInstance, shards: Shards) -> Item {
    let mut head = Writer::new(key(task.id.uuid(), HEAD));
    index_keys(task, shards, &mut head);
    let version = &task.task_definition_version;
    head.text("d", format!("{}@{version}", task.task_definition_id));
    if let Some(id) = &task.workflow_definition_id {
        head.text("wd", id.as_str());
    }
    head.text("ty", type_word(task.task_type));
    if task.priority != TaskPriority::default() {
        head.text("pr", task.priority.as_str());
    }
    head.count("run", task.run);
    head.count("ls", task.losses);
    head.count("ck", task.checks);
    head.set("v", number(task.version));
    head.limit("tss", task.timeouts.schedule_to_start);
    head.limit("tsc", task.timeouts.start_to_close);
    head.limit("tcc", task.timeouts.schedule_to_close);
    head.limit("thb", task.timeouts.heartbeat);
    head.count("mx", task.metrics.execution_time);
    head.count("mc", task.metrics.cpu_time);
    head.count("mm", task.metrics.memory_usage);
    head.count("cl", task.concurrency_limit.unwrap_or_default());
    write_rate(&mut head, task.rate_limit);
    if task.continue_on_failure {
        head.set("cf", AttributeValue::Bool(true));
    }
    head.time("st", task.start_time);
    head.time("et", task.end_time);
    head.time("dl", task.deadline_at);
    head.time("es", task.elsewhere_since);
    head.time("nr", task.next_retry_at);
    head.set("ua", number(task.updated_at.millis()));
    if let Some(expires) = task.expires_at {
        head.set("ttl", number(expires.epoch_seconds()));
    }
    if task.retries != RetryCounts::default() {
        head.text("rt", json_text(&task.retries));
    }
    if let VariablesSnapshot::OfWorkflow(hash) = &task.context.workflow_variables {
        head.text("vh", hash);
    }
    head.id("rid", task.retried_task_id.map(TaskId::uuid));
    if let Some(polled) = &task.polled {
        head.text("wg", polled.group.as_str());
    }
    head.time("wb", task.lease().map(|lease| lease.begun_at));
    head.time("wu", task.lease().map(|lease| lease.until));
    head.finish()
}

fn index_keys(task: &TaskInstance, shards: Shards, head: &mut Writer) {
    let id = task.id.uuid();
    let status = task.status.as_str();
    let shard = shard_of(id, shards.status);
    head.text(
        "sb",
        if task.status.is_terminal() {
            ended_bucket(&task.tenant_id, status, shard, &task.created_at.date())
        } else {
            open_bucket(&task.tenant_id, status, shard)
        },
    );
    head.set("at", number(task.created_at.millis()));
    if let Some(workflow) = task.context.workflow_instance_id {
        head.id("wf", Some(workflow.uuid()));
        head.text("sc", status_created_at(status, task.created_at));
    }
    head.id("bi", task.context.batch_id.map(WorkflowId::uuid));
    if let Some(due) = task.due_at {
        head.set("ds", number(shard_of(id, shards.due)));
        head.set("da", number(due.millis()));
    }
    head_keys(task, head);
}

fn movables(task: &TaskInstance) -> Vec<Movable> {
    let context = &task.context;
    let json = [
        (
            "in",
            (task.input != empty_object()).then(|| task.input.to_string()),
        ),
        ("out", task.output.as_ref().map(Value::to_string)),
        ("er", task.error.as_ref().map(json_text)),
        (
            "ats",
            (!task.attempts.is_empty()).then(|| json_text(&task.attempts)),
        ),
        (VARIABLES, inline_variables(&context.workflow_variables)),
        (
            "sec",
            Some(security_text(&context.security_context, &task.tenant_id)),
        ),
        ("rp", task.retry_policy.as_ref().map(json_text)),
        ("hd", task.handling.as_ref().map(json_text)),
        ("au", task.last_act.as_ref().map(Entry::text)),
        ("wp", progress_text(task)),
    ];
    let plain = [
        ("tt", task.task_token.clone()),
        ("tp", task.traceparent.clone()),
        (
            "ex",
            Some(task.executor_id.clone()).filter(|id| !id.is_empty()),
        ),
        ("env", task.execution_environment.clone()),
        ("co", context.correlation_id.clone()),
        ("pa", context.task_path.clone()),
        ("as", task.assignee.clone()),
        ("ref", task.task_reference.clone()),
        ("rh", task.request_hash.clone()),
    ];
    let json = json
        .into_iter()
        .filter_map(|(name, text)| Some(Movable::json(name, text?)));
    let plain = plain
        .into_iter()
        .filter_map(|(name, text)| Some(Movable::plain(name, text?)));
    json.chain(plain).collect()
}

fn progress_text(task: &TaskInstance) -> Option<String> {
    task.lease()?.progress.as_ref().map(Value::to_string)
}

fn inline_variables(snapshot: &VariablesSnapshot) -> Option<String> {
    match snapshot {
        VariablesSnapshot::Inline(variables) => {
            (!variables.is_empty()).then(|| object_text(variables))
        }
        VariablesSnapshot::OfWorkflow(_) => None,
    }
}

fn empty_object() -> Value {
    Value::Object(JsonObject::new())
}

/// Reads a head whose references were replaced by what they refer to. (Long, because the instance
/// is: a field a line.)
pub(crate) fn decode(head: &Item, id: TaskId) -> Result<TaskInstance, Error> {
    let name = record_name(PayloadKind::Task, id.uuid());
    let read = Reader::new(head, &name);
    let (tenant, status) = read.bucket("sb")?;
    let tenant_id = tenant_id(&read, tenant)?;
    let (task_definition_id, task_definition_version) = read.pinned("d")?;
    let workflow_definition_id = match read.opt_text("wd")? {
        Some(text) => Some(read.definition_id("wd", text)?),
        None => None,
    };
    Ok(TaskInstance {
        id,
        task_definition_id,
        task_definition_version,
        workflow_definition_id,
        run: read.count("run")?,
        status: status_of(&read, status)?,
        task_type: type_of(&read)?,
        priority: priority_of(&read)?,
        input: read.opt_json("in")?.unwrap_or_else(empty_object),
        output: read.opt_json("out")?,
        error: read.opt_json("er")?,
        executor_id: read.owned_text("ex")?.unwrap_or_default(),
        assignee: read.owned_text("as")?,
        handling: read.opt_json("hd")?,
        last_act: read.opt_json("au")?,
        polled: polled(&read)?,
        task_reference: read.owned_text("ref")?,
        context: TaskContext {
            workflow_instance_id: read.opt_id("wf")?.map(WorkflowId::new),
            batch_id: read.opt_id("bi")?.map(WorkflowId::new),
            workflow_variables: variables(&read)?,
            task_path: read.owned_text("pa")?,
            security_context: security_context(&read, &tenant_id)?,
            correlation_id: read.owned_text("co")?,
        },
        tenant_id,
        retry_policy: read.opt_json("rp")?,
        retries: read.opt_json("rt")?.unwrap_or_default(),
        losses: read.count("ls")?,
        timeouts: Timeouts {
            schedule_to_start: read.opt_number("tss")?,
            start_to_close: read.opt_number("tsc")?,
            schedule_to_close: read.opt_number("tcc")?,
            heartbeat: read.opt_number("thb")?,
        },
        concurrency_limit: read.opt_number("cl")?,
        rate_limit: rate(&read)?,
        continue_on_failure: head.contains_key("cf"),
        attempts: read.opt_json("ats")?.unwrap_or_default(),
        metrics: ExecutionMetrics {
            execution_time: read.count("mx")?,
            cpu_time: read.count("mc")?,
            memory_usage: read.count("mm")?,
        },
        start_time: read.opt_time("st")?,
        end_time: read.opt_time("et")?,
        execution_environment: read.owned_text("env")?,
        deadline_at: read.opt_time("dl")?,
        elsewhere_since: read.opt_time("es")?,
        next_retry_at: read.opt_time("nr")?,
        due_at: read.opt_time("da")?,
        checks: read.count("ck")?,
        expires_at: read.opt_seconds("ttl")?,
        task_token: read.owned_text("tt")?,
        traceparent: read.owned_text("tp")?,
        retried_task_id: read.opt_id("rid")?.map(TaskId::new),
        request_hash: read.owned_text("rh")?,
        version: read.number("v")?,
        created_at: read.time("at")?,
        updated_at: read.time("ua")?,
    })
}

/// Writes a rate: how many, in how many milliseconds.
pub(crate) fn write_rate(item: &mut Writer, rate: Option<RateLimit>) {
    item.count("rl", rate.map_or(0, |rate| rate.limit));
    item.limit("rm", rate.map(|rate| rate.per.millis()));
}

pub(crate) fn rate(read: &Reader<'_>) -> Result<Option<RateLimit>, Error> {
    let (Some(limit), Some(millis)) = (read.opt_number("rl")?, read.opt_number("rm")?) else {
        return Ok(None);
    };
    let per = Period::of_millis(millis).ok_or_else(|| read.corrupt("rm is no period"))?;
    Ok(Some(RateLimit { limit, per }))
}

fn polled(read: &Reader<'_>) -> Result<Option<Polled>, Error> {
    let Some(group) = read.opt_text("wg")? else {
        return Ok(None);
    };
    let group = WorkerGroup::new(group).map_err(|error| read.corrupt(error.to_string()))?;
    let lease = match (read.opt_time("wb")?, read.opt_time("wu")?) {
        (Some(begun_at), Some(until)) => Some(Lease {
            begun_at,
            until,
            progress: read.opt_json("wp")?,
        }),
        (None, _) | (_, None) => None,
    };
    Ok(Some(Polled { group, lease }))
}

fn variables(read: &Reader<'_>) -> Result<VariablesSnapshot, Error> {
    Ok(match read.owned_text("vh")? {
        Some(hash) => VariablesSnapshot::OfWorkflow(hash),
        None => VariablesSnapshot::Inline(read.opt_json(VARIABLES)?.unwrap_or_default()),
    })
}

pub(crate) fn status_of(read: &Reader<'_>, word: &str) -> Result<TaskStatus, Error> {
    let found = TaskStatus::ALL
        .into_iter()
        .find(|status| status.as_str() == word);
    found.ok_or_else(|| read.corrupt(format!("no status is {word:?}")))
}

const TYPES: [TaskType; 3] = [TaskType::Automated, TaskType::Manual, TaskType::Integration];
pub(crate) const PRIORITIES: [TaskPriority; 4] = [
    TaskPriority::Low,
    TaskPriority::Medium,
    TaskPriority::High,
    TaskPriority::Critical,
];

pub(crate) const fn type_word(task_type: TaskType) -> &'static str {
    match task_type {
        TaskType::Automated => "AUTOMATED",
        TaskType::Manual => "MANUAL",
        TaskType::Integration => "INTEGRATION",
    }
}

pub(crate) fn type_of(read: &Reader<'_>) -> Result<TaskType, Error> {
    let word = read.text("ty")?;
    let found = TYPES
        .into_iter()
        .find(|task_type| type_word(*task_type) == word);
    found.ok_or_else(|| read.corrupt(format!("no type is {word:?}")))
}

pub(crate) fn priority_of(read: &Reader<'_>) -> Result<TaskPriority, Error> {
    let Some(word) = read.opt_text("pr")? else {
        return Ok(TaskPriority::default());
    };
    let found = PRIORITIES
        .into_iter()
        .find(|priority| priority.as_str() == word);
    found.ok_or_else(|| read.corrupt(format!("no priority is {word:?}")))
}
