//! `taskmill continue`: everything that is open in a data folder, until it is over or waits for
//! somebody.

use taskmill::workflow::WorkflowInstance;
use taskmill_local::Service;
use taskmill_local::service::open_store;

use super::session::{self, display, serve, tell_skipped};
use crate::args::ContinueArgs;
use crate::definitions::Set;
use crate::exit::{Error, Exit};
use crate::idle::idle;
use crate::interrupt::Interrupts;
use crate::progress::{Counts, Display, Tracker};
use crate::resume::{OpenWorkflow, left};
use crate::watch::Watch;
use crate::{lists, local, output};

/// Goes on, and prints the workflows that were open.
///
/// # Errors
/// Nothing was moved on, or the end of it could not be seen.
pub async fn go_on(args: &ContinueArgs, verbose: u8) -> Result<Exit, Error> {
    let set = Set::of_path(&args.path, None)?;
    tell_skipped(&set, verbose);
    let set = set.checked()?;
    let display = display(args.quiet, verbose);
    let mut interrupts = Interrupts::listen().map_err(Error::Runtime)?;
    let aws = local::kept(&args.data)?;
    let store = open_store(&aws).await?;
    let mut open = Vec::new();
    for found in lists::open_workflows(&store, &args.tenant).await? {
        if let Some(workflow) = store.workflow(found.id).await? {
            open.push(left(&store, workflow).await?);
        }
    }
    let service = serve(args.secrets.as_deref(), &args.tenant, aws, &set, &args.path).await?;
    let work = async |service: &Service| to_rest(service, args, &open, &display).await;
    let data = Some(args.data.as_path());
    session::conduct(service, data, &display, &mut interrupts, work).await
}

/// Lets everything go on until nothing does by itself.
async fn to_rest(
    service: &Service,
    args: &ContinueArgs,
    open: &[OpenWorkflow],
    display: &Display,
) -> Result<Exit, Error> {
    let (writes, changes) = (service.aws().writes(), service.aws().writes());
    let mut tracker = Tracker::default();
    for one in open {
        tracker.take_past(one);
    }
    display.say(&told(open.len(), tracker.counts()));
    let roots = open.iter().filter(|one| one.workflow.parent.is_none());
    let roots: Vec<_> = roots.map(|one| one.workflow.id).collect();
    let mut watch = Watch::over(service, writes, &roots, &mut tracker, display);
    let awaited = tokio::select! {
        awaited = idle(service, &args.tenant, changes) => awaited?,
        failed = watch.go_on() => match failed? {},
    };
    watch.catch_up().await?;
    display.clear();
    let mut ended = Vec::new();
    for id in roots {
        ended.extend(service.observer().workflow(id).await?);
    }
    let list: Vec<_> = ended.iter().map(lists::summary_of).collect();
    output::print_list(&list, args.output)?;
    session::tell_end(service, display, &tracker.counts().to_string()).await;
    session::tell_awaited(display, &awaited, Some(&args.data));
    Ok(match awaited.is_empty() {
        true => exit_of(&ended),
        false => Exit::Waiting,
    })
}

fn told(open: usize, done: Counts) -> String {
    let workflows = if open == 1 { "workflow" } else { "workflows" };
    format!("resuming {open} {workflows}: {done} so far")
}

/// The worst that became of any of them.
fn exit_of(ended: &[WorkflowInstance]) -> Exit {
    let mut exits = ended.iter().map(|one| Exit::from(one.status));
    exits.find(|exit| *exit != Exit::Done).unwrap_or(Exit::Done)
}
