//! The dead letters of one tenant, for who administers them there.
//!
//! A look takes the letters of everybody, for they belong to the deployment (`dead_letters.rs`).
//! Shown is what names the caller's tenant, by itself or by the record that it is about. A letter
//! that cannot be read, or whose record is gone, is nobody's: it is left to those who work on the
//! deployment. What a letter carries is shown as `letters_shown.rs` says.

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;
use taskmill::ids::TenantId;
use taskmill::security::{ADMINISTER_DEAD_LETTERS, Caller};
use taskmill::task::lifecycle::Rejection;
use taskmill_aws::queues::{DeadLetter, QueueName, Which};

use crate::app::App;
use crate::dead_letters::{self, About, LetterSummary, Listed};
use crate::letters_shown;
use crate::refusal::{Fault, Refusal};

/// Records that are read side by side.
const SIDE_BY_SIDE: usize = 8;

/// The tenant's dead letters of these queues. They stay where they are.
///
/// # Errors
/// `PERMISSION_DENIED`, or a fault of the queues or the store.
pub async fn list(app: &App, caller: &Caller, queues: &[QueueName]) -> Result<Listed, Refusal> {
    check(caller)?;
    let Listed { letters, more } = dead_letters::list(app, queues).await?;
    let theirs = stream::iter(letters)
        .map(|letter| async {
            let is_theirs = is_of(app, &caller.tenant_id, &letter).await?;
            Ok::<_, Fault>(is_theirs.then_some(letter))
        })
        .buffered(SIDE_BY_SIDE);
    let theirs: Vec<Option<LetterSummary>> = theirs.try_collect().await?;
    Ok(Listed {
        letters: theirs.into_iter().flatten().collect(),
        more,
    })
}

/// A dead letter of the tenant with what it says, as far as the caller may see it.
///
/// # Errors
/// `PERMISSION_DENIED`; `NOT_FOUND`, also for another tenant's; a fault.
pub async fn show(
    app: &App,
    caller: &Caller,
    queues: &[QueueName],
    id: &str,
) -> Result<Value, Refusal> {
    let letter = find(app, caller, queues, id).await?;
    Ok(letters_shown::view(app, caller, &letter).await?)
}

/// Sends a dead letter of the tenant back to its queue, and gives what a list showed of it.
///
/// # Errors
/// `PERMISSION_DENIED`; `NOT_FOUND`, also for another tenant's and for one that is gone; a fault,
/// after which it may be on its queue and here as well.
pub async fn redrive(
    app: &App,
    caller: &Caller,
    queues: &[QueueName],
    id: &str,
) -> Result<LetterSummary, Refusal> {
    let queue = find(app, caller, queues, id).await?.queue;
    let which = Which::Ids([id.to_owned()].into());
    let redriven = dead_letters::redrive(app, &[queue], &which).await;
    if let Some(error) = redriven.stopped {
        return Err(error.into());
    }
    let sent = dead_letters::summaries(&redriven.sent);
    sent.into_iter().next().ok_or_else(|| missing(id))
}

async fn find(
    app: &App,
    caller: &Caller,
    queues: &[QueueName],
    id: &str,
) -> Result<DeadLetter, Refusal> {
    check(caller)?;
    let looks = dead_letters::looks(app, queues).await?;
    let found = dead_letters::find(&looks, id).ok_or_else(|| missing(id))?;
    match is_of(app, &caller.tenant_id, &dead_letters::summary(found)).await? {
        true => Ok(found.clone()),
        false => Err(missing(id)),
    }
}

fn missing(id: &str) -> Refusal {
    Refusal::not_found("dead letter", id)
}

fn check(caller: &Caller) -> Result<(), Refusal> {
    if caller.holds(ADMINISTER_DEAD_LETTERS) {
        return Ok(());
    }
    let missing = vec![ADMINISTER_DEAD_LETTERS.to_owned()];
    Err(Rejection::PermissionDenied { missing }.into())
}

async fn is_of(app: &App, tenant: &TenantId, letter: &LetterSummary) -> Result<bool, Fault> {
    match &letter.message {
        Some(about) => Ok(owner(app, about).await?.as_ref() == Some(tenant)),
        None => Ok(false),
    }
}

/// Whose a message is: what it says, or else the record that it is about.
async fn owner(app: &App, about: &About) -> Result<Option<TenantId>, Fault> {
    if let Some(tenant) = &about.tenant_id {
        return Ok(Some(tenant.clone()));
    }
    if let Some(id) = about.task_id {
        let task = app.store().task(id).await?;
        return Ok(task.map(|task| task.tenant_id));
    }
    if let Some(id) = about.workflow_id {
        let workflow = app.store().workflow(id).await?;
        return Ok(workflow.map(|workflow| workflow.tenant_id));
    }
    if let Some(id) = about.schedule_id {
        let schedule = app.store().schedule(id).await?;
        return Ok(schedule.map(|schedule| schedule.owner.tenant_id));
    }
    if let Some(id) = about.bulk_id {
        let bulk = app.store().bulk(id).await?;
        return Ok(bulk.map(|bulk| bulk.owner.tenant_id));
    }
    Ok(None)
}
