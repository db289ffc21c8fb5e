//! `taskmill schedule`: what starts workflows again and again.
//!
//! A schedule is written. A service or a stack starts the workflows; in a folder nothing comes
//! by itself until `dev` serves it.

use serde::Serialize;
use serde_json::Value;

use crate::args::{
    DefineSchedulesArgs, Format, ListSchedulesArgs, ScheduleCommand, TriggerArgs, Who,
};
use crate::definitions::Set;
use crate::exit::{Error, Exit};
use crate::output::{self, Listed};
use crate::place::Place;

/// Does with schedules what is asked.
///
/// # Errors
/// The place cannot be used, or what is asked is refused.
pub async fn schedules(command: ScheduleCommand, place: Place) -> Result<Exit, Error> {
    match command {
        ScheduleCommand::Define(args) => define(args, place).await,
        ScheduleCommand::List(args) => list(args, place).await,
        ScheduleCommand::Show(args) => {
            let (one, who) = (args.one, Who::holding(args.permissions));
            let opened = place.open(one.at.tenant).await?;
            print(opened.schedule(&who, &one.id).await?, one.at.place.output)
        }
        ScheduleCommand::Pause(one) => {
            let opened = place.open(one.at.tenant).await?;
            print(opened.pause_schedule(&one.id).await?, one.at.place.output)
        }
        ScheduleCommand::Resume(one) => {
            let opened = place.open(one.at.tenant).await?;
            print(opened.resume_schedule(&one.id).await?, one.at.place.output)
        }
        ScheduleCommand::Trigger(args) => trigger(args, place).await,
        ScheduleCommand::Delete(one) => {
            let opened = place.open(one.at.tenant).await?;
            opened.delete_schedule(&one.id).await?;
            output::note(&format!("the schedule {} is deleted", one.id));
            Ok(Exit::Done)
        }
    }
}

async fn define(args: DefineSchedulesArgs, place: Place) -> Result<Exit, Error> {
    // The workflows may be there already: only the place knows.
    let set = Set::of_path(&args.path, None)?.checked_apart()?;
    if set.schedules().next().is_none() {
        let path = args.path.display();
        return Err(Error::Usage(format!(
            "{path} holds no schedule: one has a cron expression"
        )));
    }
    let opened = place.open_or_make(args.at.tenant).await?;
    let mut defined = Vec::new();
    for definition in set.schedules() {
        let schedule = opened.define_schedule(&args.who, definition.clone());
        defined.push(Shown(schedule.await?));
    }
    output::print_list(&defined, args.at.place.output)?;
    Ok(Exit::Done)
}

async fn list(args: ListSchedulesArgs, place: Place) -> Result<Exit, Error> {
    let found = place.open(args.at.tenant).await?.schedules().await?;
    let shown: Vec<Shown> = found.into_iter().map(Shown).collect();
    output::print_list(&shown, args.at.place.output)?;
    Ok(Exit::Done)
}

async fn trigger(args: TriggerArgs, place: Place) -> Result<Exit, Error> {
    let opened = place.open(args.one.at.tenant).await?;
    let key = args.idempotency_key.as_deref();
    let started = opened.trigger_schedule(&args.who, &args.one.id, key);
    output::print(&started.await?, args.one.at.place.output)?;
    Ok(Exit::Done)
}

fn print(schedule: Value, format: Format) -> Result<Exit, Error> {
    match format {
        Format::Json | Format::Yaml => output::print(&schedule, format)?,
        Format::Table => output::print_list(&[Shown(schedule)], format)?,
    }
    Ok(Exit::Done)
}

/// A schedule as it is printed.
#[derive(Serialize)]
#[serde(transparent)]
struct Shown(Value);

impl Listed for Shown {
    const HEADER: &[&str] = &["ID", "WORKFLOW", "CRON", "ZONE", "STATUS", "NEXT"];

    fn row(&self) -> Vec<String> {
        const FIELDS: [&str; 6] = [
            "/id",
            "/definition/workflowDefinitionId",
            "/definition/cron",
            "/definition/timeZone",
            "/status",
            "/nextAt",
        ];
        let text = |pointer| self.0.pointer(pointer).and_then(Value::as_str);
        let cells = FIELDS.map(|pointer| text(pointer).unwrap_or_default().to_owned());
        cells.to_vec()
    }
}
