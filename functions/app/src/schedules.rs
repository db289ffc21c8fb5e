//! Schedules: defining them, what is asked of them, and what is done at their times.
//!
//! At a time the workflow is started first, under an id that derives from schedule and time, and
//! then the schedule's record is moved on. This is the other way round than everywhere else: a
//! crash in between leaves the time to the next look, which finds the workflow that is there. So
//! no time is lost, none is started twice, and each costs one write of the record.

use taskmill::codes::{failure, refusal, registration as codes};
use taskmill::error_info::ErrorInfo;
use taskmill::ids::{ScheduleId, ScheduleName, TenantId, WorkflowId};
use taskmill::problem::Problem;
use taskmill::registration;
use taskmill::schedule::record::Rejection;
use taskmill::schedule::{
    Outcome, Overlap, Run, Schedule, ScheduleDefinition, ScheduleStatus, Timetable, firing,
    timetable,
};
use taskmill::security::Caller;
use taskmill::task::output;
use taskmill::workflow::WorkflowInstance;
use taskmill::{JsonObject, Timestamp};
use taskmill_aws::queues::{Message, Record};
use taskmill_aws::store::{Created, Page, PageRequest};

use crate::app::App;
use crate::conditional;
use crate::refusal::{Fault, Refusal};
use crate::requests;
use crate::start_workflow::{StartWorkflow, start_under};
use crate::tasks::ATTEMPTS;

/// Which version of a schedule a change is wanted of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Whatever it is.
    Any,
    /// This one.
    Version(u64),
}

impl Expected {
    fn check(self, found: u64) -> Result<(), Refusal> {
        match self {
            Self::Any => Ok(()),
            Self::Version(wanted) => conditional::check(wanted, found),
        }
    }
}

/// Reads the schedule of a text.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(text: &str) -> Result<ScheduleDefinition, Refusal> {
    let reading = registration::read_text(text);
    if !reading.problems.is_empty() {
        return Err(Refusal::Problems(reading.problems));
    }
    let mut schedules = reading.schedules;
    match (schedules.pop(), schedules.len() + reading.definitions.len()) {
        (Some((only, _)), 0) => Ok(only),
        (Some(_) | None, _) => {
            let message = "a request holds one schedule, which has a cron expression";
            let problem = Problem::new(codes::WRONG_TYPE, "", message);
            Err(Refusal::Problems(vec![problem]))
        }
    }
}

/// Defines a schedule, or defines it anew, and says whether it is new. From then on it is the
/// caller's: its workflows run in their name.
///
/// # Errors
/// A [`Refusal`]: what is wrong with it, the workflow is not there or does not take the input, or
/// the schedule is not in the version that is expected.
pub async fn define(
    app: &App,
    caller: &Caller,
    definition: ScheduleDefinition,
    expected: Expected,
) -> Result<(Schedule, Created), Refusal> {
    check_workflow(app, &caller.tenant_id, &definition).await?;
    let timetable = timetable_of(&definition)?;
    let id = ScheduleId::of(&caller.tenant_id, &definition.id);
    for _ in 0..ATTEMPTS {
        let now = app.now();
        let found = app.store().schedule(id).await?;
        expected.check(found.as_ref().map_or(0, version_shown))?;
        let (definition, owner) = (definition.clone(), caller.clone());
        let (after, written) = match &found {
            None => {
                let new = Schedule::new(definition, &timetable, owner, now);
                let written = app.store().create_schedule(&new).await?;
                (new, written == Created::New)
            }
            Some(before) => {
                let after = before.redefined(definition, &timetable, owner, now);
                let written = replaced(app, &after).await?;
                (after, written)
            }
        };
        if written {
            let is_new = found.is_none_or(|before| before.status == ScheduleStatus::Deleted);
            let created = if is_new {
                Created::New
            } else {
                Created::Exists
            };
            return Ok((after, created));
        }
    }
    Err(contended(id).into())
}

/// The version of a schedule that callers know; 0 of one that is deleted, which none does.
fn version_shown(schedule: &Schedule) -> u64 {
    match schedule.status {
        ScheduleStatus::Active | ScheduleStatus::Paused | ScheduleStatus::Ended => schedule.version,
        ScheduleStatus::Deleted => 0,
    }
}

/// Refuses a schedule whose workflow cannot be started now: it would fail at each of its times.
async fn check_workflow(
    app: &App,
    tenant: &TenantId,
    definition: &ScheduleDefinition,
) -> Result<(), Refusal> {
    let (id, range) = (
        &definition.workflow_definition_id,
        definition.workflow_version.as_ref(),
    );
    let plan = app.inner.definitions.newest_plan(tenant, id, range).await;
    let plan = plan.map_err(|refused| match refused {
        Refusal::Refused { message, .. } => Refusal::Problems(vec![Problem::new(
            codes::UNKNOWN_WORKFLOW_DEFINITION,
            "/workflowDefinitionId",
            message,
        )]),
        Refusal::Problems(_) | Refusal::Fault(_) => refused,
    })?;
    if definition.input_expression.is_some() {
        return Ok(());
    }
    let nothing = || serde_json::Value::Object(JsonObject::new());
    let input = definition.input.clone().unwrap_or_else(nothing);
    let schema = &plan.workflow.input;
    Ok(output::check(
        &input,
        schema,
        failure::INVALID_INPUT,
        app.now(),
    )?)
}

/// A schedule.
///
/// # Errors
/// `NOT_FOUND`, also for another tenant's.
pub async fn get(app: &App, tenant: &TenantId, name: &ScheduleName) -> Result<Schedule, Refusal> {
    let found = app.store().schedule(ScheduleId::of(tenant, name)).await?;
    found
        .filter(|found| found.status != ScheduleStatus::Deleted)
        .ok_or_else(|| Refusal::not_found("schedule", name))
}

/// A page of a tenant's schedules, the newest first.
///
/// # Errors
/// `MALFORMED` for a cursor of another list, or the store failed.
pub async fn list(
    app: &App,
    tenant: &TenantId,
    request: &PageRequest,
) -> Result<Page<Schedule>, Refusal> {
    Ok(app.store().schedules(tenant, request).await?)
}

/// Stops a schedule. What it started goes on, and times that go by are not made up for.
///
/// # Errors
/// A [`Refusal`], `ILLEGAL_STATE` when it has ended.
pub async fn pause(
    app: &App,
    tenant: &TenantId,
    name: &ScheduleName,
    expected: Expected,
) -> Result<Schedule, Refusal> {
    let pause = |before: &Schedule| before.paused(app.now()).map_err(refused);
    change(app, tenant, name, expected, pause).await
}

/// Lets a schedule go on with the first time that is yet to come.
///
/// # Errors
/// A [`Refusal`], `ILLEGAL_STATE` when it has ended.
pub async fn resume(
    app: &App,
    tenant: &TenantId,
    name: &ScheduleName,
    expected: Expected,
) -> Result<Schedule, Refusal> {
    let resume = |before: &Schedule| {
        let timetable = timetable_of(&before.definition)?;
        before.resumed(&timetable, app.now()).map_err(refused)
    };
    change(app, tenant, name, expected, resume).await
}

/// Deletes a schedule. What it started goes on.
///
/// # Errors
/// A [`Refusal`].
pub async fn delete(
    app: &App,
    tenant: &TenantId,
    name: &ScheduleName,
    expected: Expected,
) -> Result<(), Refusal> {
    let delete = |before: &Schedule| Ok(Some(before.deleted(app.now())));
    change(app, tenant, name, expected, delete).await.map(drop)
}

/// Starts the workflow of a schedule now, in the caller's name, whatever its times are and whether
/// it is paused. Under one key it is started once.
///
/// # Errors
/// A [`Refusal`]: nothing was started, unless it is a fault after the write.
pub async fn trigger(
    app: &App,
    caller: &Caller,
    name: &ScheduleName,
    key: Option<&str>,
) -> Result<WorkflowInstance, Refusal> {
    requests::check_text("idempotencyKey", key)?;
    let tenant = &caller.tenant_id;
    let schedule = get(app, tenant, name).await?;
    let id = key.map_or_else(
        || app.fresh_workflow_id(),
        |key| WorkflowId::from_idempotency_key(tenant, key),
    );
    let hash = key.map(|_| requests::fingerprint(&("trigger", name)));
    let timetable = timetable_of(&schedule.definition)?;
    let request = request_at(&schedule, &timetable, app.now())?;
    start_under(app, caller, (id, hash), request).await
}

/// Changes a schedule until the write wins; of one version alone, once.
async fn change(
    app: &App,
    tenant: &TenantId,
    name: &ScheduleName,
    expected: Expected,
    change: impl Fn(&Schedule) -> Result<Option<Schedule>, Refusal>,
) -> Result<Schedule, Refusal> {
    for _ in 0..ATTEMPTS {
        let before = get(app, tenant, name).await?;
        expected.check(before.version)?;
        let Some(after) = change(&before)? else {
            return Ok(before);
        };
        if replaced(app, &after).await? {
            return Ok(after);
        }
    }
    Err(contended(ScheduleId::of(tenant, name)).into())
}

/// Writes the next version of a schedule, unless somebody was first.
async fn replaced(app: &App, after: &Schedule) -> Result<bool, Fault> {
    match app.store().replace_schedule(after).await {
        Ok(()) => Ok(true),
        Err(error) if error.is_version_conflict() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn refused(rejection: Rejection) -> Refusal {
    Refusal::new(refusal::ILLEGAL_STATE, rejection.to_string())
}

fn contended(id: ScheduleId) -> Fault {
    Fault::Contended {
        record: format!("schedule {id}"),
        attempts: ATTEMPTS,
    }
}

/// Its times. A definition that was stored has been read before: what cannot be read any more was
/// understood by another version.
fn timetable_of(definition: &ScheduleDefinition) -> Result<Timetable, Fault> {
    let unusable = |error: timetable::Error| Fault::Definition {
        id: format!("schedule {}", definition.id),
        reason: error.to_string(),
    };
    Timetable::new(&definition.cron, &definition.time_zone).map_err(unusable)
}

/// Looks at a schedule: starts the workflows of the times that have come, and moves it on.
pub(crate) async fn look(app: &App, id: ScheduleId) -> Result<(), Fault> {
    let Some(schedule) = app.store().schedule(id).await? else {
        return Ok(());
    };
    let timetable = timetable_of(&schedule.definition)?;
    let now = app.now();
    let Some(firing) = firing::due(&schedule, &timetable, now) else {
        return Ok(());
    };
    let mut runs = Vec::from_iter(firing.passed_over(now));
    let mut last = schedule.last_started;
    for at in firing.starts {
        let run = Run {
            scheduled_at: at,
            decided_at: now,
            outcome: outcome_of(app, &schedule, &timetable, last, at).await?,
        };
        last = run.started().or(last);
        tell(&schedule, &run);
        runs.push(run);
    }
    let after = schedule.fired(runs, firing.next_at, now);
    // Whoever was first decided of the same times, or changed the schedule: it is looked at again.
    let is_behind = after.due_at().is_some_and(|due| due <= now);
    if replaced(app, &after).await? && is_behind {
        let rest = Message::Due(Record::Schedule(id));
        app.queues().send(&[rest]).await?;
    }
    Ok(())
}

/// What becomes of a time, after the workflow of it was started if it is to be.
async fn outcome_of(
    app: &App,
    schedule: &Schedule,
    timetable: &Timetable,
    last: Option<WorkflowId>,
    at: Timestamp,
) -> Result<Outcome, Fault> {
    if schedule.definition.overlap == Overlap::Skip
        && let Some(workflow_instance_id) = last
        && runs_still(app, workflow_instance_id).await?
    {
        return Ok(Outcome::Overlapped {
            workflow_instance_id,
        });
    }
    let id = WorkflowId::of_schedule(schedule.id, at);
    let started = start(app, schedule, timetable, id, at).await;
    let error = match started {
        Ok(_) => return Ok(started_as(id)),
        Err(Refusal::Fault(fault)) if fault.is_transient() => return Err(fault),
        Err(refused) => refused,
    };
    // Somebody may have started it before, whose crash kept it from being written down.
    if app.store().workflow(id).await?.is_some() {
        return Ok(started_as(id));
    }
    let error = ErrorInfo::new(error.code(), error.to_string(), app.now());
    Ok(Outcome::Refused {
        error: Box::new(error),
    })
}

fn started_as(workflow_instance_id: WorkflowId) -> Outcome {
    Outcome::Started {
        workflow_instance_id,
    }
}

async fn runs_still(app: &App, id: WorkflowId) -> Result<bool, Fault> {
    let found = app.store().workflow(id).await?;
    Ok(found.is_some_and(|workflow| !workflow.status.is_terminal()))
}

async fn start(
    app: &App,
    schedule: &Schedule,
    timetable: &Timetable,
    id: WorkflowId,
    at: Timestamp,
) -> Result<WorkflowInstance, Refusal> {
    let request = request_at(schedule, timetable, at)?;
    start_under(app, &schedule.owner, (id, None), request).await
}

/// The request for the workflow of a time.
fn request_at(
    schedule: &Schedule,
    timetable: &Timetable,
    at: Timestamp,
) -> Result<StartWorkflow, Refusal> {
    let definition = &schedule.definition;
    Ok(StartWorkflow {
        workflow_definition_id: definition.workflow_definition_id.clone(),
        workflow_version: definition.workflow_version.clone(),
        input: firing::input(schedule, timetable, at)?,
        idempotency_key: None,
        correlation_id: Some(definition.id.to_string()),
        traceparent: None,
    })
}

fn tell(schedule: &Schedule, run: &Run) {
    let (tenant, name, at) = (
        schedule.tenant_id(),
        &schedule.definition.id,
        run.scheduled_at,
    );
    match &run.outcome {
        Outcome::Started {
            workflow_instance_id,
        } => {
            tracing::info!(tenant.id = %tenant, schedule = %name, %at, workflow.id = %workflow_instance_id, "a scheduled workflow is started");
        }
        Outcome::Overlapped { .. } | Outcome::Skipped => {
            tracing::info!(tenant.id = %tenant, schedule = %name, %at, "a time is passed over");
        }
        Outcome::Refused { error } => {
            tracing::warn!(tenant.id = %tenant, schedule = %name, %at, code = error.code, "a scheduled workflow is refused");
        }
    }
}
