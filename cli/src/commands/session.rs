//! What the commands that run something have in common: a service over a path's definitions, its
//! end, and what is told then.

use std::path::Path;
use std::time::Duration;

use semver::{Comparator, Op, Version, VersionReq};
use taskmill::ids::TenantId;
use taskmill_aws::store::Store;
use taskmill_local::service::open_store;
use taskmill_local::{LocalAws, Service};

use crate::args::Common;
use crate::definitions::{self, Set};
use crate::exit::{Error, Exit};
use crate::interrupt::Interrupts;
use crate::progress::Display;
use crate::{defining, local, output};

/// How long attempts that outlived their run may take to end.
const SETTLING: Duration = Duration::from_secs(5);

/// Names the files of a folder that hold no definition, when more is to be said.
pub(super) fn tell_skipped(set: &Set, verbose: u8) {
    if verbose > 0 {
        for skipped in set.skipped() {
            let file = skipped.file.display();
            output::note(&format!("skipped {file}: {}", skipped.reason));
        }
    }
}

/// Where progress goes.
pub(super) fn display(quiet: bool, verbose: u8) -> Display {
    match quiet {
        true => Display::Quiet,
        false => Display::for_people(verbose),
    }
}

/// The range that holds this version alone. Build metadata is no part of ranges.
pub(super) fn exactly(version: &Version) -> Option<VersionReq> {
    let exact = Comparator {
        op: Op::Exact,
        major: version.major,
        minor: Some(version.minor),
        patch: Some(version.patch),
        pre: version.pre.clone(),
    };
    Some(VersionReq {
        comparators: vec![exact],
    })
}

/// The store, where an earlier run may have left this one open. A key finds its own.
pub(super) async fn store_of_earlier(
    args: &Common,
    aws: &LocalAws,
) -> Result<Option<Store>, Error> {
    if args.data.is_none() || args.idempotency_key.is_some() {
        return Ok(None);
    }
    Ok(Some(open_store(aws).await?))
}

/// The service for a path's definitions.
pub(super) async fn serve(
    secrets: Option<&Path>,
    tenant: &TenantId,
    aws: LocalAws,
    set: &Set,
    path: &Path,
) -> Result<Service, Error> {
    let root = definitions::root_of(path);
    let clock = aws.clock();
    let secrets = local::secrets(secrets, &root)?;
    let executors = local::executors(clock, secrets.clone(), root);
    let executors = local::with_aws(executors, set, secrets).await;
    let prepared = local::prepare(aws, executors).await?;
    // What is refused here disturbs nothing that an earlier run left open.
    defining::with_app(prepared.app(), tenant, set).await?;
    Ok(prepared.begin().await?)
}

/// Sees work to its end, or stops it as somebody wishes.
pub(super) async fn conduct(
    service: Service,
    data: Option<&Path>,
    display: &Display,
    interrupts: &mut Interrupts,
    work: impl AsyncFnOnce(&Service) -> Result<Exit, Error>,
) -> Result<Exit, Error> {
    let ended = tokio::select! {
        ended = work(&service) => Some(ended),
        () = interrupts.next() => None,
    };
    display.clear();
    match ended {
        Some(ended) => {
            settle(service, interrupts).await;
            ended
        }
        None => stop(data, service, interrupts).await,
    }
}

/// Lets what still runs after the end of the run end as well, a few seconds at most: the rest is
/// dropped where it is, as at a second wish to stop.
async fn settle(service: Service, interrupts: &mut Interrupts) {
    tokio::select! {
        () = service.shutdown() => {}
        () = interrupts.next() => {}
        () = tokio::time::sleep(SETTLING) => {}
    }
}

/// Stops as somebody wishes: what runs may end. At a second wish it is dropped where it is.
async fn stop(
    data: Option<&Path>,
    service: Service,
    interrupts: &mut Interrupts,
) -> Result<Exit, Error> {
    output::note("stopping when the attempts under way have ended; Ctrl-C again stops them");
    tokio::select! {
        () = service.shutdown() => {}
        () = interrupts.next() => {}
    }
    output::note(match data {
        Some(_) => "stopped; the same command goes on from here",
        None => "stopped; without --data nothing is kept",
    });
    Ok(Exit::Stopped)
}

/// Tells what became of a run, and what could not be handled, and why, unless nothing is to be
/// said.
pub(super) async fn tell_end(service: &Service, display: &Display, summary: &str) {
    if matches!(display, Display::Quiet) {
        return;
    }
    let letters = match service.dead_letters().await {
        Ok(letters) => letters,
        Err(error) => {
            output::note(summary);
            output::note(&format!(
                "warning: the dead letters cannot be read: {error}"
            ));
            return;
        }
    };
    output::note(&match letters.len() {
        0 => summary.to_owned(),
        1 => format!("{summary}; 1 dead letter"),
        more => format!("{summary}; {more} dead letters"),
    });
    for letter in letters {
        let reason = letter.reason.as_deref();
        let reason = reason.unwrap_or("the handler died of it, or never answered");
        output::note(&format!("  dead letter of {}: {reason}", letter.queue));
    }
}

/// Tells what somebody has to do before anything goes on, and how.
pub(super) fn tell_awaited(display: &Display, awaited: &[String], data: Option<&Path>) {
    for line in awaited {
        display.say(line);
    }
    match data {
        _ if awaited.is_empty() => {}
        None => display.say("nothing more happens by itself; without --data nothing is kept"),
        Some(data) => display.say(&format!(
            "nothing more happens by itself: see taskmill --help for what can be done, with --data {}",
            data.display()
        )),
    }
}
