//! `taskmill start`: a workflow that is defined at a place, from its beginning, and with `--wait`
//! to its end.
//!
//! It is accepted by a record. In a stack its functions take it on from there; in a folder it
//! stays as it is until somebody goes on with it.

use std::time::Duration;

use taskmill::ids::WorkflowId;
use taskmill::workflow::WorkflowInstance;
use taskmill_app::start_workflow::StartWorkflow;

use super::run::summary;
use super::session::display;
use crate::args::StartArgs;
use crate::exit::{Error, Exit};
use crate::input::Source;
use crate::interrupt::Interrupts;
use crate::place::{Opened, Place};
use crate::progress::{Display, Tracker};
use crate::{local, output};

/// Between two looks at a workflow that is waited for.
const LOOK: Duration = Duration::from_secs(1);

/// Starts it, and prints it as it begins, or as it ended.
///
/// # Errors
/// It is refused, or the place cannot be used.
pub async fn start(args: StartArgs, stack: Option<String>, verbose: u8) -> Result<Exit, Error> {
    let place = Place::of(stack, args.at.place.data)?;
    let tenant = place.tenant(args.at.tenant)?;
    if args.wait && matches!(place, Place::Folder(_)) {
        return Err(Error::Usage(
            "nothing runs in a folder by itself: continue goes on with it, and waits".to_owned(),
        ));
    }
    let source = Source::of(&args.input);
    let request = StartWorkflow {
        workflow_definition_id: args.workflow,
        workflow_version: args.range,
        input: source.read()?,
        idempotency_key: args.idempotency_key,
        correlation_id: args.correlation_id,
        traceparent: None,
    };
    let caller = local::caller(&tenant, &args.who);
    let opened = place.open().await?;
    let started = opened.start(&caller, request).await;
    let started = started.map_err(|refusal| source.explain(refusal))?;
    let display = display(args.quiet, verbose);
    if args.wait {
        let ended = wait(&opened, started.id, &display).await?;
        let Some(ended) = ended else {
            return Ok(Exit::Stopped);
        };
        output::print(
            &opened.show(&caller, ended.id.uuid()).await?,
            args.at.place.output,
        )?;
        return Ok(Exit::from(ended.status));
    }
    output::print(&started.view(Vec::new(), Vec::new()), args.at.place.output)?;
    display.say(&told(&opened, &started));
    Ok(Exit::Done)
}

fn told(opened: &Opened, started: &WorkflowInstance) -> String {
    let told = format!("workflow {} is {}", started.id, started.status.as_str());
    match opened.goes_on_by().filter(|_| !started.is_settled()) {
        None => told,
        Some(how) => format!("{told}; {how} goes on with it"),
    }
}

/// Looks until it is over, and tells meanwhile what its tasks did whenever it changed; none when
/// somebody wishes to stop looking, which stops nothing else.
async fn wait(
    opened: &Opened,
    id: WorkflowId,
    display: &Display,
) -> Result<Option<WorkflowInstance>, Error> {
    let mut interrupts = Interrupts::listen().map_err(Error::Runtime)?;
    let mut tracker = Tracker::default();
    let mut seen = None;
    loop {
        let workflow = opened.workflow(id).await?;
        if seen.replace(workflow.version) != Some(workflow.version) {
            tell(opened, &workflow, &mut tracker, display).await?;
        }
        if workflow.is_settled() {
            display.clear();
            display.say(&summary(&workflow, tracker.counts()));
            return Ok(Some(workflow));
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = interrupts.next() => {
                display.clear();
                display.say(&format!("workflow {id} goes on: taskmill show {id}"));
                return Ok(None);
            }
        }
    }
}

async fn tell(
    opened: &Opened,
    workflow: &WorkflowInstance,
    tracker: &mut Tracker,
    display: &Display,
) -> Result<(), Error> {
    display.tell(&tracker.observe_workflow("", workflow));
    for task in opened.tasks_of(workflow).await? {
        display.tell(&tracker.observe("", &task));
    }
    Ok(())
}
