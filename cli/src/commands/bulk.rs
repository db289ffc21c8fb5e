//! `taskmill bulk`: asking the same of many workflows or tasks, and seeing how far that is.
//!
//! An operation is written. A service or a stack asks one batch after the other; in a folder nothing
//! is asked until `continue`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use taskmill::bulk::{BulkStatus, TaskAsk, TaskSelection, Work, WorkflowAsk, WorkflowSelection};
use taskmill::ids::BulkId;

use super::session::display;
use crate::args::{
    BeginArgs, BulkCommand, BulkTasks, BulkTasksArgs, BulkWorkflows, BulkWorkflowsArgs, Format,
    OnesBulk,
};
use crate::exit::{Error, Exit};
use crate::follow::Patience;
use crate::interrupt::Interrupts;
use crate::output::{self, Listed};
use crate::place::{Opened, Place};
use crate::progress::Display;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// Does what is asked.
///
/// # Errors
/// The place cannot be used, or what is asked is refused.
pub async fn bulk(command: BulkCommand, place: Place, verbose: u8) -> Result<Exit, Error> {
    match command {
        BulkCommand::Workflows { command } => {
            let (work, args) = of_workflows(command);
            begin(work, args, place, verbose).await
        }
        BulkCommand::Tasks { command } => {
            let (work, args) = of_tasks(command);
            begin(work, args, place, verbose).await
        }
        BulkCommand::List(args) => {
            let found = place.open(args.at.tenant).await?.bulks().await?;
            let shown: Vec<Shown> = found.into_iter().map(Shown).collect();
            output::print_list(&shown, args.at.place.output)?;
            Ok(Exit::Done)
        }
        BulkCommand::Show(one) => {
            let view = place.open(one.at.tenant).await?.bulk(one.id).await?;
            print(view, one.at.place.output)?;
            Ok(Exit::Done)
        }
        BulkCommand::Failures(one) => failures(one, place).await,
        BulkCommand::Watch(args) => {
            let (display, at) = (display(args.quiet, verbose), args.one.at);
            let opened = place.open(at.tenant).await?;
            watch(&opened, args.one.id, &display, at.place.output).await
        }
        BulkCommand::Stop(one) => {
            let view = place.open(one.at.tenant).await?.stop_bulk(one.id).await?;
            print(view, one.at.place.output)?;
            Ok(Exit::Done)
        }
    }
}

fn of_workflows(command: BulkWorkflows) -> (Work, BeginArgs) {
    let (args, ask) = match command {
        BulkWorkflows::Retry(args) => (args, WorkflowAsk::Retry),
        BulkWorkflows::Cancel(args) => {
            let (reason, compensate) = (args.reason, args.compensate);
            (args.selected, WorkflowAsk::Cancel { reason, compensate })
        }
    };
    let BulkWorkflowsArgs {
        status,
        workflow,
        created,
        begin,
    } = args;
    let selection = WorkflowSelection {
        status,
        workflow_definition_id: workflow,
        from: created.from,
        to: created.to,
    };
    (Work::Workflows { selection, ask }, begin)
}

fn of_tasks(command: BulkTasks) -> (Work, BeginArgs) {
    let (args, ask) = match command {
        BulkTasks::Retry(args) => (args, TaskAsk::Retry),
        BulkTasks::Cancel(args) => {
            let reason = args.reason;
            (args.selected, TaskAsk::Cancel { reason })
        }
        BulkTasks::Reassign(args) => {
            let assignee = args.to_whom;
            (args.selected, TaskAsk::Reassign { assignee })
        }
    };
    let BulkTasksArgs {
        status,
        task,
        workflow,
        workflow_id,
        task_type,
        assignee,
        created,
        begin,
    } = args;
    let selection = TaskSelection {
        status,
        task_definition_id: task,
        workflow_definition_id: workflow,
        workflow_id,
        task_type,
        assignee,
        from: created.from,
        to: created.to,
    };
    (Work::Tasks { selection, ask }, begin)
}

async fn begin(work: Work, args: BeginArgs, place: Place, verbose: u8) -> Result<Exit, Error> {
    let format = args.at.place.output;
    let opened = place.open(args.at.tenant).await?;
    if args.dry_run {
        output::print(&opened.count(&args.who, work).await?, format)?;
        return Ok(Exit::Done);
    }
    let key = args.idempotency_key.as_deref();
    let view = opened.begin(&args.who, work, key).await?;
    let display = display(args.quiet, verbose);
    if args.wait {
        return watch(&opened, Progress::of(&view)?.id, &display, format).await;
    }
    let told = Progress::of(&view)?.told();
    print(view, format)?;
    match opened.goes_on_by() {
        None => display.say(&told),
        Some(how) => display.say(&format!("{told}; {how} goes on with it")),
    }
    Ok(Exit::Done)
}

async fn failures(one: OnesBulk, place: Place) -> Result<Exit, Error> {
    let mut view = place.open(one.at.tenant).await?.bulk(one.id).await?;
    let failures = match view["failures"].take() {
        Value::Array(failures) => failures,
        _ => Vec::new(),
    };
    let shown: Vec<Refused> = failures.into_iter().map(Refused).collect();
    output::print_list(&shown, one.at.place.output)?;
    let failed = Progress::of(&view)?.failed;
    if failed > shown.len() as u64 {
        output::note(&format!("the first {} of {failed}", shown.len()));
    }
    Ok(Exit::Done)
}

/// Tells how far it is until it is over, unless somebody wishes to stop looking: that stops nothing
/// else. In a folder, where nothing moves, it is printed as it is.
async fn watch(
    opened: &Opened,
    id: BulkId,
    display: &Display,
    format: Format,
) -> Result<Exit, Error> {
    let mut interrupts = Interrupts::listen().map_err(Error::Runtime)?;
    let seen = tokio::select! {
        seen = until_over(opened, id, display) => seen?,
        () = interrupts.next() => {
            display.say(&format!("{id} goes on: taskmill bulk watch {id}"));
            return Ok(Exit::Stopped);
        }
    };
    let progress = Progress::of(&seen)?;
    print(seen, format)?;
    match opened.goes_on_by().filter(|_| !progress.is_over()) {
        None => display.say(&progress.told()),
        Some(how) => {
            let told = progress.told();
            display.say(&format!(
                "{told}; nothing moves in a folder: {how} goes on with it"
            ));
        }
    }
    Ok(progress.exit())
}

async fn until_over(opened: &Opened, id: BulkId, display: &Display) -> Result<Value, Error> {
    let mut patience = Patience::default();
    let mut told = String::new();
    let mut is_there = false;
    loop {
        match opened.bulk(id).await {
            Ok(view) => {
                (patience, is_there) = (Patience::default(), true);
                let progress = Progress::of(&view)?;
                if progress.is_over() || opened.goes_on_by().is_some() {
                    return Ok(view);
                }
                let now = progress.told();
                if now != told {
                    display.say(&now);
                    told = now;
                }
            }
            Err(error) if is_there => patience.bear(error, display)?,
            Err(error) => return Err(error),
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn print(view: Value, format: Format) -> Result<(), Error> {
    match format {
        Format::Json | Format::Yaml => output::print(&view, format),
        Format::Table => output::print_list(&[Shown(view)], format),
    }
}

/// How far an operation is.
#[derive(Debug, Deserialize)]
struct Progress {
    id: BulkId,
    status: BulkStatus,
    total: u64,
    done: u64,
    failed: u64,
}

impl Progress {
    /// Of the view that a place gives.
    fn of(view: &Value) -> Result<Self, Error> {
        Self::deserialize(view).map_err(|error| {
            Error::Unexpected(format!("the operation is of another version: {error}"))
        })
    }

    fn is_over(&self) -> bool {
        self.status.is_terminal()
    }

    fn told(&self) -> String {
        let asked = self.done + self.failed;
        let (id, total, failed) = (self.id, self.total, self.failed);
        let refused = match failed {
            0 => String::new(),
            failed => format!(", {failed} refused"),
        };
        match self.status {
            BulkStatus::Counting => format!("bulk operation {id} is counting: {total} so far"),
            BulkStatus::Running => {
                format!("bulk operation {id}: {asked} of {total} asked{refused}")
            }
            BulkStatus::Completed => {
                format!("bulk operation {id} is COMPLETED: {asked} asked{refused}")
            }
            BulkStatus::Cancelled => {
                format!("bulk operation {id} is CANCELLED: {asked} of {total} asked{refused}")
            }
        }
    }

    fn exit(&self) -> Exit {
        match self.status {
            BulkStatus::Counting | BulkStatus::Running => Exit::Waiting,
            BulkStatus::Completed if self.failed == 0 => Exit::Done,
            BulkStatus::Completed | BulkStatus::Cancelled => Exit::NotCompleted,
        }
    }
}

/// An operation as it is printed.
#[derive(Serialize)]
#[serde(transparent)]
struct Shown(Value);

impl Listed for Shown {
    const HEADER: &[&str] = &["ID", "OF", "WHAT", "STATUS", "TOTAL", "DONE", "FAILED"];

    fn row(&self) -> Vec<String> {
        let at = |pointer: &str| self.0.pointer(pointer).map(word).unwrap_or_default();
        let fields = [
            "/id",
            "/work/of",
            "/work/ask/do",
            "/status",
            "/total",
            "/done",
            "/failed",
        ];
        fields.map(at).to_vec()
    }
}

/// A record that refused, as it is printed.
#[derive(Serialize)]
#[serde(transparent)]
struct Refused(Value);

impl Listed for Refused {
    const HEADER: &[&str] = &["ID", "CODE", "MESSAGE"];

    fn row(&self) -> Vec<String> {
        ["id", "code", "message"]
            .map(|field| word(&self.0[field]))
            .to_vec()
    }
}

fn word(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
