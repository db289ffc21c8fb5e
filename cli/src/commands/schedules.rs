//! `taskmill schedule`: what starts workflows again and again.
//!
//! A schedule is written. In a stack its functions start the workflows; in a folder nothing comes
//! by itself until `dev` serves it.

use serde::{Serialize, Serializer};
use taskmill::ids::{ScheduleName, TenantId};
use taskmill::schedule::Schedule;

use crate::args::{
    DefineSchedulesArgs, Format, ListSchedulesArgs, OnesSchedule, ScheduleCommand, TriggerArgs,
};
use crate::definitions::Set;
use crate::exit::{Error, Exit};
use crate::local;
use crate::output::{self, Listed};
use crate::place::{Opened, Place};

/// Does with schedules what is asked.
///
/// # Errors
/// The place cannot be used, or what is asked is refused.
pub async fn schedules(command: ScheduleCommand, stack: Option<String>) -> Result<Exit, Error> {
    match command {
        ScheduleCommand::Define(args) => define(args, stack).await,
        ScheduleCommand::List(args) => list(args, stack).await,
        ScheduleCommand::Show(one) => {
            let (opened, tenant, name, format) = open(one, stack).await?;
            print(opened.schedule(&tenant, &name).await?, format)
        }
        ScheduleCommand::Pause(one) => {
            let (opened, tenant, name, format) = open(one, stack).await?;
            print(opened.pause_schedule(&tenant, &name).await?, format)
        }
        ScheduleCommand::Resume(one) => {
            let (opened, tenant, name, format) = open(one, stack).await?;
            print(opened.resume_schedule(&tenant, &name).await?, format)
        }
        ScheduleCommand::Trigger(args) => trigger(args, stack).await,
        ScheduleCommand::Delete(one) => {
            let (opened, tenant, name, _) = open(one, stack).await?;
            opened.delete_schedule(&tenant, &name).await?;
            output::note(&format!("the schedule {name} is deleted"));
            Ok(Exit::Done)
        }
    }
}

async fn define(args: DefineSchedulesArgs, stack: Option<String>) -> Result<Exit, Error> {
    let place = Place::of(stack, args.at.place.data)?;
    let tenant = place.tenant(args.at.tenant)?;
    // The workflows may be there already: only the place knows.
    let set = Set::of_path(&args.path, None)?.checked_apart()?;
    if set.schedules().next().is_none() {
        let path = args.path.display();
        return Err(Error::Usage(format!(
            "{path} holds no schedule: one has a cron expression"
        )));
    }
    let caller = local::caller(&tenant, &args.who);
    let opened = place.open_or_make().await?;
    let mut defined = Vec::new();
    for definition in set.schedules() {
        let schedule = opened.define_schedule(&caller, definition.clone());
        defined.push(Shown(schedule.await?));
    }
    output::print_list(&defined, args.at.place.output)?;
    Ok(Exit::Done)
}

async fn list(args: ListSchedulesArgs, stack: Option<String>) -> Result<Exit, Error> {
    let place = Place::of(stack, args.at.place.data)?;
    let tenant = place.tenant(args.at.tenant)?;
    let found = place.open().await?.schedules(&tenant).await?;
    let shown: Vec<Shown> = found.into_iter().map(Shown).collect();
    output::print_list(&shown, args.at.place.output)?;
    Ok(Exit::Done)
}

async fn trigger(args: TriggerArgs, stack: Option<String>) -> Result<Exit, Error> {
    let (opened, tenant, name, format) = open(args.one, stack).await?;
    let caller = local::caller(&tenant, &args.who);
    let key = args.idempotency_key.as_deref();
    let started = opened.trigger_schedule(&caller, &name, key).await?;
    output::print(&started.view(Vec::new(), Vec::new()), format)?;
    Ok(Exit::Done)
}

async fn open(
    one: OnesSchedule,
    stack: Option<String>,
) -> Result<(Opened, TenantId, ScheduleName, Format), Error> {
    let place = Place::of(stack, one.at.place.data)?;
    let tenant = place.tenant(one.at.tenant)?;
    Ok((place.open().await?, tenant, one.id, one.at.place.output))
}

fn print(schedule: Schedule, format: Format) -> Result<Exit, Error> {
    match format {
        Format::Json | Format::Yaml => output::print(&schedule.view(), format)?,
        Format::Table => output::print_list(&[Shown(schedule)], format)?,
    }
    Ok(Exit::Done)
}

/// A schedule as it is printed.
struct Shown(Schedule);

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.view().serialize(serializer)
    }
}

impl Listed for Shown {
    const HEADER: &[&str] = &["ID", "WORKFLOW", "CRON", "ZONE", "STATUS", "NEXT"];

    fn row(&self) -> Vec<String> {
        let definition = &self.0.definition;
        vec![
            definition.id.to_string(),
            definition.workflow_definition_id.to_string(),
            definition.cron.clone(),
            definition.time_zone.clone(),
            self.0.status.as_str().to_owned(),
            self.0.due_at().map(|at| at.to_string()).unwrap_or_default(),
        ]
    }
}
