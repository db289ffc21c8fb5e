//! The stored format of a workflow instance: its head's attributes, and which of them may stand
//! beside it. Golden items in the tests pin it; what is written here must load for ever.
//!
//! | attribute | field | attribute | field |
//! |---|---|---|---|
//! | `sb` | tenant, status, shard, day | `at` | created at |
//! | `df` | tenant, definition, shard | `ds`, `da` | due shard, due at |
//! | `d`, `pn` | definition`@`version, pinned versions | `fr` | course |
//! | `pr`, `bt` | parent, batch | `bb` | `sb` of a batch, which no index lists |
//! | `st`, `et`, `ua`, `dl` | start, end, updated, deadline | `ttl` | expires at, seconds |
//! | `in`, `out`, `er`, `vs` | input, output, error, variables | `sec`, `co` | security context, correlation id |
//! | `mn`, `mx`, `mc`, `mm` | metrics | `run`, `ck`, `v` | run, checks, version |
//! | `tp`, `rh` | traceparent, request hash | | |

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use taskmill::ids::{TaskId, TenantId, WorkflowId};
use taskmill::metrics::WorkflowMetrics;
use taskmill::workflow::frontier::{Active, Block, Cancelling, Course, Root, State};
use taskmill::workflow::{WorkflowInstance, WorkflowStatus};
use taskmill::{JsonObject, Timestamp};

use super::Error;
use super::codec::{Item, Reader, Writer, key, number};
use super::inputs::Inputs;
use super::json::{json_text, security_context, security_text, tenant_id};
use super::keys::{definition_bucket, ended_bucket, open_bucket, shard_of};
use super::parts::{
    Encoded, HEAD, Movable, Place, SNAPSHOT_BYTES, VARIABLES, ended_expiry, fit, object_text,
    open_expiry, record_name, reference,
};
use crate::payloads::{ContentHash, INLINE_BYTES, PayloadKind};
use crate::tables::Shards;

/// Attributes that may refer to a part.
pub(crate) const MOVABLE: &[&str] = &[
    "in", "out", "er", VARIABLES, "pn", "fr", "cn", "pr", "bt", "sec", "co", "tp", "rh",
];

/// The attribute of the input.
pub(crate) const INPUT: &str = "in";

/// The step of a frontier that an older version wrote, and how often it was begun before.
#[derive(Deserialize)]
struct OldEntry {
    path: String,
    iteration: u32,
    since: u64,
    #[serde(default, rename = "wakeAt")]
    wake_at: Option<Timestamp>,
}

/// A course, or the frontier that older versions wrote in its place.
#[derive(Deserialize)]
#[serde(untagged)]
enum AnyCourse {
    Course(Box<Course>),
    Frontier(Vec<OldEntry>),
}

pub(crate) fn encode(
    workflow: &WorkflowInstance,
    shards: Shards,
    inputs: &Inputs,
) -> Result<Encoded, Error> {
    let id = workflow.id.uuid();
    let name = record_name(PayloadKind::Workflow, id);
    let mut fixed = fixed(workflow, shards);
    let mut movables = movables(workflow);
    match input(workflow, inputs) {
        Input::None => {}
        Input::Text(text) => movables.push(Movable::json(INPUT, text)),
        Input::Stored(place) => {
            fixed.insert(INPUT.to_owned(), reference(place));
        }
    }
    let (head, outside) = fit(&name, fixed, movables)?;
    Ok(Encoded {
        id,
        tenant: workflow.tenant_id.clone(),
        kind: PayloadKind::Workflow,
        version: workflow.version,
        head,
        outside,
        expiry: if workflow.status.is_terminal() {
            ended_expiry(workflow.updated_at, workflow.expires_at)
        } else {
            open_expiry(workflow.updated_at)
        },
    })
}

/// What stands for the input.
enum Input {
    /// It is empty.
    None,
    /// It is to be stored.
    Text(String),
    /// It is stored already.
    Stored(Place),
}

/// A large input is stored by its workflow; the batches of the workflow refer to it there.
fn input(workflow: &WorkflowInstance, inputs: &Inputs) -> Input {
    let is_batch = workflow.batch.is_some();
    let stored = |hash| {
        Input::Stored(match is_batch {
            true => Place::OfOther(hash, workflow.workflow_id().uuid()),
            false => Place::Bucket(hash),
        })
    };
    if let Some(hash) = inputs.hash_of(&workflow.input) {
        return stored(hash);
    }
    if *workflow.input == empty_object() {
        return Input::None;
    }
    let text = workflow.input.to_string();
    match is_batch && text.len() > INLINE_BYTES {
        true => stored(ContentHash::of(&text)),
        false => Input::Text(text),
    }
}

fn fixed(workflow: &WorkflowInstance, shards: Shards) -> Item {
    let mut head = Writer::new(key(workflow.id.uuid(), HEAD));
    index_keys(workflow, shards, &mut head);
    let version = &workflow.definition_version;
    head.text(
        "d",
        format!("{}@{version}", workflow.workflow_definition_id),
    );
    head.count("run", workflow.run);
    head.count("ck", workflow.checks);
    head.set("v", number(workflow.version));
    head.count("mn", workflow.metrics.task_count);
    head.count("mx", workflow.metrics.total_execution_time);
    head.count("mc", workflow.metrics.total_cpu_time);
    head.count("mm", workflow.metrics.total_memory_usage);
    head.time("st", workflow.start_time);
    head.time("et", workflow.end_time);
    head.time("dl", workflow.deadline_at);
    head.set("ua", number(workflow.updated_at.millis()));
    if let Some(expires) = workflow.expires_at {
        head.set("ttl", number(expires.epoch_seconds()));
    }
    head.finish()
}

fn index_keys(workflow: &WorkflowInstance, shards: Shards, head: &mut Writer) {
    let id = workflow.id.uuid();
    let status = workflow.status.as_str();
    let shard = shard_of(id, shards.status);
    let is_batch = workflow.batch.is_some();
    head.text(
        if is_batch { "bb" } else { "sb" },
        if workflow.status.is_terminal() {
            ended_bucket(
                &workflow.tenant_id,
                status,
                shard,
                &workflow.created_at.date(),
            )
        } else {
            open_bucket(&workflow.tenant_id, status, shard)
        },
    );
    head.set("at", number(workflow.created_at.millis()));
    let definition = &workflow.workflow_definition_id;
    if !is_batch {
        let bucket = definition_bucket(&workflow.tenant_id, definition, shard);
        head.text("df", bucket);
    }
    if let Some(due) = workflow.due_at {
        head.set("ds", number(shard_of(id, shards.due)));
        head.set("da", number(due.millis()));
    }
}

fn movables(workflow: &WorkflowInstance) -> Vec<Movable> {
    let json = [
        ("out", workflow.output.as_ref().map(Value::to_string)),
        ("er", workflow.error.as_ref().map(json_text)),
        (
            "pn",
            (!workflow.pins.is_empty()).then(|| json_text(&workflow.pins)),
        ),
        (
            "fr",
            (workflow.course != Course::default()).then(|| json_text(&workflow.course)),
        ),
        ("pr", workflow.parent.as_ref().map(json_text)),
        ("bt", workflow.batch.as_ref().map(json_text)),
        (
            "sec",
            Some(security_text(
                &workflow.security_context,
                &workflow.tenant_id,
            )),
        ),
    ];
    let plain = [
        ("co", workflow.correlation_id.clone()),
        ("tp", workflow.traceparent.clone()),
        ("rh", workflow.request_hash.clone()),
    ];
    let variables = (!workflow.variables.is_empty()).then(|| Movable {
        most_inline: SNAPSHOT_BYTES,
        ..Movable::json(VARIABLES, object_text(&workflow.variables))
    });
    let json = json
        .into_iter()
        .filter_map(|(name, text)| Some(Movable::json(name, text?)));
    let plain = plain
        .into_iter()
        .filter_map(|(name, text)| Some(Movable::plain(name, text?)));
    json.chain(plain).chain(variables).collect()
}

fn empty_object() -> Value {
    Value::Object(JsonObject::new())
}

/// Reads a head whose references were replaced by what they refer to; `input` is what was read of
/// the bucket, where the head refers to that. (Long, because the instance
/// is: a field a line.)
pub(crate) fn decode(
    head: &Item,
    id: WorkflowId,
    input: Option<Arc<Value>>,
) -> Result<WorkflowInstance, Error> {
    let name = record_name(PayloadKind::Workflow, id.uuid());
    let read = Reader::new(head, &name);
    let (tenant, status) = read.bucket(bucket_of(head))?;
    let tenant_id = tenant_id(&read, tenant)?;
    let (workflow_definition_id, definition_version) = read.pinned("d")?;
    Ok(WorkflowInstance {
        id,
        security_context: security_context(&read, &tenant_id)?,
        tenant_id,
        workflow_definition_id,
        definition_version,
        pins: read.opt_json("pn")?.unwrap_or_default(),
        status: status_of(&read, status)?,
        input: match input {
            Some(input) => input,
            None => Arc::new(read.opt_json(INPUT)?.unwrap_or_else(empty_object)),
        },
        output: read.opt_json("out")?,
        error: read.opt_json("er")?,
        variables: read.opt_json(VARIABLES)?.unwrap_or_default(),
        course: course(&read)?,
        parent: read.opt_json("pr")?,
        batch: read.opt_json("bt")?,
        run: read.count("run")?,
        metrics: WorkflowMetrics {
            task_count: read.count("mn")?,
            total_execution_time: read.count("mx")?,
            total_cpu_time: read.count("mc")?,
            total_memory_usage: read.count("mm")?,
        },
        correlation_id: read.owned_text("co")?,
        start_time: read.opt_time("st")?,
        end_time: read.opt_time("et")?,
        deadline_at: read.opt_time("dl")?,
        due_at: read.opt_time("da")?,
        checks: read.count("ck")?,
        expires_at: read.opt_seconds("ttl")?,
        traceparent: read.owned_text("tp")?,
        request_hash: read.owned_text("rh")?,
        version: read.number("v")?,
        created_at: read.time("at")?,
        updated_at: read.time("ua")?,
    })
}

/// The attribute that holds tenant and status.
pub(crate) fn bucket_of(head: &Item) -> &'static str {
    if head.contains_key("sb") { "sb" } else { "bb" }
}

/// Whose a head is.
pub(crate) fn tenant_of(head: &Item, id: WorkflowId) -> Result<TenantId, Error> {
    let name = record_name(PayloadKind::Workflow, id.uuid());
    let read = Reader::new(head, &name);
    tenant_id(&read, read.bucket(bucket_of(head))?.0)
}

fn course(read: &Reader<'_>) -> Result<Course, Error> {
    let mut course = match read.opt_json("fr")? {
        None => Course::default(),
        Some(AnyCourse::Course(course)) => *course,
        Some(AnyCourse::Frontier(entries)) => Course {
            root: Root::Steps(Block {
                active: entries.into_iter().map(active).collect(),
                ..Block::default()
            }),
            ..Course::default()
        },
    };
    let cancelling: Vec<TaskId> = read.opt_json("cn")?.unwrap_or_default();
    let cancelling = cancelling.into_iter().map(Cancelling::Task);
    course.cancelling.extend(cancelling);
    Ok(course)
}

fn active(entry: OldEntry) -> Active {
    Active {
        name: entry.path,
        generation: entry.iteration,
        since: entry.since,
        retries: None,
        held: false,
        handled: Vec::new(),
        state: State::Task {
            wake_at: entry.wake_at,
        },
    }
}

pub(crate) fn status_of(read: &Reader<'_>, word: &str) -> Result<WorkflowStatus, Error> {
    let found = WorkflowStatus::ALL
        .into_iter()
        .find(|status| status.as_str() == word);
    found.ok_or_else(|| read.corrupt(format!("no status is {word:?}")))
}
