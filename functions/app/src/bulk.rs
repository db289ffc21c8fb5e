//! Bulk operations: accepting and stopping them, and asking one batch of records after the other.
//!
//! Each record is asked by the use case that asks one alone, under a request id that derives from
//! operation and record: asked again after a crash, it does nothing more. A look does one batch,
//! and sends for the next; should that be lost, the operation's due time brings it up.

use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;
use taskmill::bulk::{
    Bulk, BulkStatus, Failure, Place, TaskAsk, TaskSelection, Work, WorkflowAsk, WorkflowSelection,
};
use taskmill::codes::refusal;
use taskmill::ids::{BulkId, TaskId, TenantId, WorkflowId};
use taskmill::limits;
use taskmill::security::Caller;
use taskmill::task::lifecycle::Act;
use taskmill::workflow::decider::{Ask, Operation};
use taskmill_aws::queues::{Message, Record};
use taskmill_aws::store::{self, Page, PageRequest, TaskFilter, TaskSummary};
use uuid::Uuid;

use crate::app::App;
use crate::cancel_task;
use crate::create_task;
use crate::lists::{self, Created, TaskQuery, Wanted, WorkflowQuery};
use crate::people;
use crate::refusal::{Fault, Refusal};
use crate::requests;
use crate::retry_task;
use crate::tasks::ATTEMPTS;
use crate::workflows;

/// Records that are counted at a time.
const COUNTED_AT_ONCE: usize = 1_000;
/// Records of a batch: what one look asks.
const BATCH: usize = 25;
/// Records that are asked side by side.
const SIDE_BY_SIDE: usize = 5;
/// Pages that a dry run counts.
const DRY_PAGES: usize = 10;

/// What a bulk operation would concern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DryRun {
    /// How many records were counted.
    pub total: u64,
    /// Whether there are more than were counted.
    pub more: bool,
    /// The first of them.
    pub ids: Vec<Uuid>,
}

/// Counts what a bulk operation would concern, and does nothing.
///
/// # Errors
/// A [`Refusal`]: `INVALID_INPUT` when it cannot be asked of what is selected.
pub async fn dry_run(app: &App, caller: &Caller, work: Work) -> Result<DryRun, Refusal> {
    check(&work)?;
    let bulk = Bulk::new(fresh(app), work, caller.clone(), None, app.now());
    let mut dry = DryRun {
        total: 0,
        more: false,
        ids: Vec::new(),
    };
    let mut place = Some(Place::default());
    for _ in 0..DRY_PAGES {
        let Some(at) = place else {
            break;
        };
        let (found, next) = find(app, &bulk, &at, COUNTED_AT_ONCE).await?;
        dry.total += found.len() as u64;
        let room = limits::BULK_NAMED.saturating_sub(dry.ids.len());
        dry.ids.extend(found.into_iter().take(room));
        place = next;
    }
    dry.more = place.is_some();
    Ok(dry)
}

/// Accepts a bulk operation: what is selected is asked in the caller's name. Under one key it is
/// accepted once.
///
/// # Errors
/// A [`Refusal`]: `INVALID_INPUT` when it cannot be asked of what is selected.
pub async fn begin(
    app: &App,
    caller: &Caller,
    work: Work,
    key: Option<&str>,
) -> Result<Bulk, Refusal> {
    requests::check_text("idempotencyKey", key)?;
    check(&work)?;
    let id = key.map_or_else(
        || fresh(app),
        |key| BulkId::from_idempotency_key(&caller.tenant_id, key),
    );
    let hash = key.map(|_| requests::fingerprint(&work));
    let bulk = Bulk::new(id, work, caller.clone(), hash, app.now());
    let bulk = match app.store().create_bulk(&bulk).await? {
        store::Created::New => bulk,
        store::Created::Exists => {
            let first = get(app, &caller.tenant_id, id).await?;
            requests::check_repeat(first.request_hash.as_deref(), bulk.request_hash.as_deref())?;
            first
        }
    };
    if !bulk.status.is_terminal() {
        go_on(app, &bulk).await?;
    }
    Ok(bulk)
}

fn fresh(app: &App) -> BulkId {
    BulkId::new(app.fresh_task_id().uuid())
}

/// Refuses what no record can be asked, and texts over their limits.
fn check(work: &Work) -> Result<(), Refusal> {
    match work {
        Work::Workflows { ask, .. } => match ask {
            WorkflowAsk::Retry => {}
            WorkflowAsk::Cancel { reason, .. } => requests::check_text("reason", Some(reason))?,
        },
        Work::Tasks { ask, .. } => match ask {
            TaskAsk::Retry => {}
            TaskAsk::Cancel { reason } => requests::check_text("reason", Some(reason))?,
            TaskAsk::Reassign { assignee } => requests::check_text("assignee", Some(assignee))?,
        },
    }
    match work.parts() {
        Some(_) => Ok(()),
        None => Err(Refusal::new(
            refusal::INVALID_INPUT,
            "this cannot be asked in the status that is selected",
        )),
    }
}

/// A bulk operation.
///
/// # Errors
/// `NOT_FOUND`, also for another tenant's.
pub async fn get(app: &App, tenant: &TenantId, id: BulkId) -> Result<Bulk, Refusal> {
    let found = app.store().bulk(id).await?;
    found
        .filter(|found| found.tenant_id() == tenant)
        .ok_or_else(|| Refusal::not_found("bulk operation", id))
}

/// A page of a tenant's bulk operations, the newest first.
///
/// # Errors
/// `MALFORMED` for a cursor of another list, or the store failed.
pub async fn list(
    app: &App,
    tenant: &TenantId,
    request: &PageRequest,
) -> Result<Page<Bulk>, Refusal> {
    Ok(app.store().bulks(tenant, request).await?)
}

/// Stops a bulk operation. What was asked stays asked; what is being asked in this moment is
/// counted still. Doing it again changes nothing.
///
/// # Errors
/// A [`Refusal`].
pub async fn cancel(app: &App, tenant: &TenantId, id: BulkId) -> Result<Bulk, Refusal> {
    for _ in 0..ATTEMPTS {
        let before = get(app, tenant, id).await?;
        let Some(after) = before.cancelled(app.now(), app.config().retention) else {
            return Ok(before);
        };
        if replaced(app, &after).await? {
            return Ok(after);
        }
    }
    Err(contended(id).into())
}

/// Looks at a bulk operation: counts a page, or asks a batch, and sends for the next.
pub(crate) async fn look(app: &App, id: BulkId) -> Result<(), Fault> {
    let Some(bulk) = app.store().bulk(id).await? else {
        return Ok(());
    };
    let after = match bulk.status {
        BulkStatus::Completed | BulkStatus::Cancelled => return Ok(()),
        BulkStatus::Counting => count(app, &bulk).await?,
        BulkStatus::Running => run(app, bulk).await?,
    };
    match after {
        Some(after) if !after.status.is_terminal() => go_on(app, &after).await,
        Some(_) | None => Ok(()),
    }
}

async fn go_on(app: &App, bulk: &Bulk) -> Result<(), Fault> {
    let next = Message::Due(Record::Bulk(bulk.id));
    Ok(app.queues().send(&[next]).await?)
}

/// Counts a page. None when somebody else did.
async fn count(app: &App, bulk: &Bulk) -> Result<Option<Bulk>, Fault> {
    let place = bulk.place.clone().unwrap_or_default();
    let (found, next) = find(app, bulk, &place, COUNTED_AT_ONCE).await?;
    let after = bulk.counted(found.len() as u64, next, app.now());
    Ok(replaced(app, &after).await?.then_some(after))
}

/// Takes a batch, unless one was taken, and asks it. None when somebody else did.
async fn run(app: &App, bulk: Bulk) -> Result<Option<Bulk>, Fault> {
    let bulk = match (&bulk.place, bulk.batch.is_empty()) {
        (Some(place), true) => {
            let (found, next) = find(app, &bulk, place, BATCH).await?;
            let after = bulk.taken(found, next, app.now());
            if !replaced(app, &after).await? {
                return Ok(None);
            }
            after
        }
        (Some(_) | None, _) => bulk,
    };
    let failures = ask_all(app, &bulk).await?;
    note(app, bulk, failures).await
}

/// Writes what came of a batch, also when the operation was stopped meanwhile. None when somebody
/// else asked the same batch and wrote it.
async fn note(app: &App, bulk: Bulk, failures: Vec<Failure>) -> Result<Option<Bulk>, Fault> {
    let id = bulk.id;
    let mut newest = Some(bulk.clone());
    for _ in 0..ATTEMPTS {
        let Some(before) = newest.filter(|newest| newest.batch == bulk.batch) else {
            return Ok(None);
        };
        let after = before.asked(failures.clone(), app.now(), app.config().retention);
        if replaced(app, &after).await? {
            return Ok(Some(after));
        }
        newest = app.store().bulk(id).await?;
    }
    Err(contended(id))
}

async fn replaced(app: &App, after: &Bulk) -> Result<bool, Fault> {
    match app.store().replace_bulk(after).await {
        Ok(()) => Ok(true),
        Err(error) if error.is_version_conflict() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn contended(id: BulkId) -> Fault {
    Fault::Contended {
        record: format!("bulk operation {id}"),
        attempts: ATTEMPTS,
    }
}

/// Records that are selected, from a place on, and the place after them; none at the end.
async fn find(
    app: &App,
    bulk: &Bulk,
    place: &Place,
    limit: usize,
) -> Result<(Vec<Uuid>, Option<Place>), Fault> {
    let wanted = Wanted {
        limit,
        cursor: place.cursor.clone(),
    };
    let found = match &bulk.work {
        Work::Workflows { selection, ask } => {
            workflows_of(app, bulk, (selection, ask), place.part, &wanted).await
        }
        Work::Tasks { selection, ask } => {
            tasks_of(app, bulk, (selection, ask), place.part, &wanted).await
        }
    };
    let page = found.map_err(|refused| match refused {
        Refusal::Fault(fault) => fault,
        Refusal::Refused { .. } | Refusal::Problems(_) => Fault::Definition {
            id: format!("bulk operation {}", bulk.id),
            reason: refused.to_string(),
        },
    })?;
    let parts = bulk.work.parts().unwrap_or_default();
    let next = match page.next {
        Some(cursor) => Some(Place {
            part: place.part,
            cursor: Some(cursor),
        }),
        None => Some(Place {
            part: place.part + 1,
            cursor: None,
        })
        .filter(|next| next.part < parts),
    };
    Ok((page.items, next))
}

/// What was created later is not concerned: it may be what the operation itself created.
fn created(
    bulk: &Bulk,
    from: Option<taskmill::Timestamp>,
    to: Option<taskmill::Timestamp>,
) -> Created {
    let until = bulk.created_at.plus_millis(1);
    Created {
        from,
        to: Some(to.map_or(until, |to| to.min(until))),
    }
}

async fn workflows_of(
    app: &App,
    bulk: &Bulk,
    (selection, ask): (&WorkflowSelection, &WorkflowAsk),
    part: usize,
    wanted: &Wanted,
) -> Result<Page<Uuid>, Refusal> {
    let statuses = selection.statuses(ask).unwrap_or_default();
    let Some(status) = statuses.get(part).copied() else {
        return Ok(nothing());
    };
    let query = WorkflowQuery {
        status: Some(status),
        definition: selection.workflow_definition_id.clone(),
        created: created(bulk, selection.from, selection.to),
    };
    let page = lists::workflows(app, bulk.tenant_id(), &query, wanted).await?;
    Ok(Page {
        items: page.items.iter().map(|one| one.id.uuid()).collect(),
        next: page.next,
    })
}

async fn tasks_of(
    app: &App,
    bulk: &Bulk,
    (selection, ask): (&TaskSelection, &TaskAsk),
    part: usize,
    wanted: &Wanted,
) -> Result<Page<Uuid>, Refusal> {
    let statuses = selection.statuses(ask).unwrap_or_default();
    let Some(status) = statuses.get(part).copied() else {
        return Ok(nothing());
    };
    let query = TaskQuery {
        status: Some(status),
        workflow: selection.workflow_id,
        filter: TaskFilter {
            definition: selection.task_definition_id.clone(),
            task_type: selection.task_type,
            workflow_definition: selection.workflow_definition_id.clone(),
        },
        created: created(bulk, selection.from, selection.to),
    };
    let page = lists::tasks(app, bulk.tenant_id(), &query, wanted).await?;
    let is_meant = |task: &&TaskSummary| {
        let (person, has_it) = (selection.assignee.as_deref(), task.assignee.as_deref());
        person.is_none_or(|person| has_it == Some(person))
            && ask.is_for(task.task_type, task.workflow_instance_id, has_it)
    };
    let meant = page.items.iter().filter(is_meant);
    Ok(Page {
        items: meant.map(|task| task.id.uuid()).collect(),
        next: page.next,
    })
}

fn nothing() -> Page<Uuid> {
    Page {
        items: Vec::new(),
        next: None,
    }
}

/// Asks every record of the batch, and gives those that refused.
async fn ask_all(app: &App, bulk: &Bulk) -> Result<Vec<Failure>, Fault> {
    let asked = stream::iter(bulk.batch.clone())
        .map(|id| async move {
            match ask_one(app, bulk, id).await {
                Ok(()) => Ok(None),
                Err(Refusal::Fault(fault)) if passes(&fault) => Err(fault),
                Err(refused) => Ok(Some(Failure {
                    id,
                    code: refused.code().to_owned(),
                    message: refused.to_string(),
                })),
            }
        })
        .buffered(SIDE_BY_SIDE);
    asked
        .try_filter_map(|one| async { Ok(one) })
        .try_collect()
        .await
}

/// Whether a fault is of the moment. One record that others keep changing must not keep all those
/// behind it from being asked.
fn passes(fault: &Fault) -> bool {
    match fault {
        Fault::Contended { .. } => false,
        Fault::Store(_)
        | Fault::Queues(_)
        | Fault::Payloads(_)
        | Fault::Tokens(_)
        | Fault::Definition { .. } => fault.is_transient(),
    }
}

async fn ask_one(app: &App, bulk: &Bulk, id: Uuid) -> Result<(), Refusal> {
    let request_id = bulk.request_id(id);
    match &bulk.work {
        Work::Workflows { ask, .. } => {
            let operation = Operation {
                request_id: Some(request_id),
                by_parent: None,
                ask: workflow_ask(ask),
            };
            let workflow = WorkflowId::new(id);
            let asked = workflows::operate(app, bulk.tenant_id(), workflow, operation);
            asked.await.map(drop)
        }
        Work::Tasks { ask, .. } => {
            ask_task(app, &bulk.owner, TaskId::new(id), ask, &request_id).await
        }
    }
}

fn workflow_ask(ask: &WorkflowAsk) -> Ask {
    match ask {
        WorkflowAsk::Retry => Ask::Retry,
        WorkflowAsk::Cancel { reason, compensate } => Ask::Cancel {
            reason: reason.clone(),
            compensate: *compensate,
        },
    }
}

async fn ask_task(
    app: &App,
    owner: &Caller,
    id: TaskId,
    ask: &TaskAsk,
    request_id: &str,
) -> Result<(), Refusal> {
    match ask {
        TaskAsk::Retry => {
            let repeated = retry_task::retry_task(app, owner, id, Some(request_id));
            repeated.await.map(drop)
        }
        TaskAsk::Cancel { reason } => {
            let cancelled = cancel_task::cancel_task(app, owner, id, reason.clone());
            cancelled.await.map(drop)
        }
        TaskAsk::Reassign { assignee } => {
            let task = create_task::of_tenant(app, &owner.tenant_id, id).await?;
            if task.assignee.as_ref() == Some(assignee) && !task.status.is_terminal() {
                return Ok(());
            }
            let assignee = assignee.clone();
            people::act(app, owner, id, Act::Assign { assignee })
                .await
                .map(drop)
        }
    }
}
