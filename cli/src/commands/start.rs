//! `taskmill start`: a workflow that is defined at a place, from its beginning, and with `--wait`
//! to its end.
//!
//! It is accepted by a record. A service or a stack takes it on from there; in a folder it stays as
//! it is until somebody goes on with it.

use taskmill_app::start_workflow::StartWorkflow;

use super::operations::told;
use super::session::display;
use super::watch;
use crate::args::StartArgs;
use crate::exit::{Error, Exit};
use crate::input::Source;
use crate::output;
use crate::place::Place;
use crate::progress::WorkflowRecord;

/// Starts it, and prints it as it begins, or as it ended.
///
/// # Errors
/// It is refused, or the place cannot be used.
pub async fn start(args: StartArgs, place: Place, verbose: u8) -> Result<Exit, Error> {
    if args.wait && place.is_at_rest() {
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
    let opened = place.open(args.at.tenant).await?;
    let started = opened.start(&args.who, request).await;
    let view = started.map_err(|error| source.explain(error))?;
    let started = WorkflowRecord::of_view(&view)?;
    let (display, format) = (display(args.quiet, verbose), args.at.place.output);
    if args.wait {
        return watch::to_its_end(&opened, &args.who, started.id.uuid(), &display, format).await;
    }
    output::print(&view, format)?;
    display.say(&told(&opened, &started));
    Ok(Exit::Done)
}
