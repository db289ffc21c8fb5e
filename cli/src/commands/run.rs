//! `taskmill run`: a workflow of a folder, from its start (or where an earlier run left it) to
//! its end.

use std::path::Path;
use std::time::Duration;

use semver::{Comparator, Op, Version, VersionReq};
use taskmill::ids::DefinitionId;
use taskmill::security::Caller;
use taskmill::workflow::{WorkflowDefinition, WorkflowInstance};
use taskmill_app::start_workflow::{StartWorkflow, start_workflow};
use taskmill_app::views;
use taskmill_local::service::open_store;
use taskmill_local::{LocalAws, Service};

use crate::args::{Common, RunArgs};
use crate::definitions::{self, Choice, Set};
use crate::exit::{Error, Exit};
use crate::input::Source;
use crate::interrupt::Interrupts;
use crate::progress::{Counts, Display, Tracker, duration};
use crate::resume::{self, OpenWorkflow, Wanted};
use crate::{local, output, watch};

/// How long attempts that outlived their run may take to end.
const SETTLING: Duration = Duration::from_secs(5);

/// Runs a workflow and prints it.
///
/// # Errors
/// Nothing was run, or the end of it could not be seen.
pub async fn run(args: RunArgs, verbose: u8) -> Result<Exit, Error> {
    let source = Source::of(&args.common.input);
    let set = Set::of_path(&args.path, source.file())?;
    tell_skipped(&set, verbose);
    let set = set.checked()?;
    let choice = Choice {
        kind: "workflow",
        how: "with --workflow",
        named: args.workflow.as_ref().map(DefinitionId::as_str),
    };
    let definition = choice.of(set.workflows(), |workflow| {
        (&workflow.id, &workflow.version)
    })?;
    let run = Run {
        caller: local::caller(&args.common),
        request: request(&args.common, definition, &source)?,
        source,
        definition,
        args: &args.common,
        display: display(&args.common, verbose),
    };
    let mut interrupts = Interrupts::listen().map_err(Error::Runtime)?;
    let aws = local::aws(args.common.data.as_deref())?;
    let open = run.open(&aws).await?;
    let service = serve(&args.common, &run.caller, aws, &set, &args.path).await?;
    let ended = tokio::select! {
        ended = run.to_its_end(&service, open) => Some(ended),
        () = interrupts.next() => None,
    };
    run.display.clear();
    match ended {
        Some(ended) => {
            settle(service, &mut interrupts).await;
            ended
        }
        None => stop(&args.common, service, &mut interrupts).await,
    }
}

/// What one call runs.
struct Run<'a> {
    caller: Caller,
    source: Source,
    request: StartWorkflow,
    definition: &'a WorkflowDefinition,
    args: &'a Common,
    display: Display,
}

impl Run<'_> {
    /// What an earlier run left open. A key finds its own.
    async fn open(&self, aws: &LocalAws) -> Result<Option<OpenWorkflow>, Error> {
        if self.args.data.is_none() || self.request.idempotency_key.is_some() {
            return Ok(None);
        }
        let store = open_store(aws).await?;
        let wanted = Wanted {
            caller: &self.caller,
            definition: &self.definition.id,
            input: &self.request.input,
            correlation_id: self.request.correlation_id.as_deref(),
        };
        Ok(resume::open_workflow(&store, &wanted).await?)
    }

    async fn to_its_end(
        &self,
        service: &Service,
        open: Option<OpenWorkflow>,
    ) -> Result<Exit, Error> {
        let writes = service.aws().writes();
        let mut tracker = Tracker::of_workflow(self.definition);
        let id = match open {
            Some(open) => {
                self.take_past(&open, &mut tracker);
                open.id
            }
            None => {
                let request = self.request.clone();
                let started = start_workflow(service.app(), &self.caller, request).await;
                started.map_err(|refusal| self.source.explain(refusal))?.id
            }
        };
        let ended = watch::workflow(service, writes, id, &mut tracker, &self.display).await?;
        self.display.clear();
        let view = views::workflow(service.app(), &self.caller.tenant_id, id).await?;
        output::print(&view, self.args.output)?;
        if !self.args.quiet {
            tell_end(service, &summary(&ended, tracker.counts())).await;
        }
        Ok(Exit::from(ended.status))
    }

    /// What was done before is not told again.
    fn take_past(&self, open: &OpenWorkflow, tracker: &mut Tracker) {
        for task in &open.tasks {
            tracker.take_past(task);
        }
        let (id, of) = (open.id, &self.definition.id);
        let done = counted(tracker.counts());
        self.display
            .say(&format!("resuming workflow {id} ({of}): {done} so far"));
    }
}

/// Names the files of a folder that hold no definition, when more is to be said.
pub fn tell_skipped(set: &Set, verbose: u8) {
    if verbose > 0 {
        for skipped in set.skipped() {
            let file = skipped.file.display();
            output::note(&format!("skipped {file}: {}", skipped.reason));
        }
    }
}

/// The service for a path's definitions.
pub(super) async fn serve(
    args: &Common,
    caller: &Caller,
    aws: LocalAws,
    set: &Set,
    path: &Path,
) -> Result<Service, Error> {
    let root = definitions::root_of(path);
    let clock = aws.clock();
    let secrets = local::secrets(args.secrets.as_deref(), &root)?;
    let executors = local::executors(clock, secrets.clone(), root)?;
    let executors = local::with_lambda(executors, set, clock, secrets).await;
    let prepared = local::prepare(aws, executors).await?;
    // What is refused here disturbs nothing that an earlier run left open.
    local::register(prepared.app(), &caller.tenant_id, set).await?;
    Ok(prepared.begin().await?)
}

/// Lets what still runs after the end of the run end as well, a few seconds at most: the rest is
/// dropped where it is, as at a second wish to stop.
pub(super) async fn settle(service: Service, interrupts: &mut Interrupts) {
    tokio::select! {
        () = service.shutdown() => {}
        () = interrupts.next() => {}
        () = tokio::time::sleep(SETTLING) => {}
    }
}

/// Where progress goes.
pub(super) fn display(args: &Common, verbose: u8) -> Display {
    if args.quiet {
        Display::Quiet
    } else {
        Display::for_people(verbose)
    }
}

/// Stops as somebody wishes: what runs may end. At a second wish it is dropped where it is.
pub(super) async fn stop(
    args: &Common,
    service: Service,
    interrupts: &mut Interrupts,
) -> Result<Exit, Error> {
    output::note("stopping when the attempts under way have ended; Ctrl-C again stops them");
    tokio::select! {
        () = service.shutdown() => {}
        () = interrupts.next() => {}
    }
    output::note(match args.data {
        Some(_) => "stopped; the same command goes on from here",
        None => "stopped; without --data nothing is kept",
    });
    Ok(Exit::Stopped)
}

/// Tells what became of a run, and what could not be handled, and why.
pub(super) async fn tell_end(service: &Service, summary: &str) {
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

fn request(
    args: &Common,
    definition: &WorkflowDefinition,
    source: &Source,
) -> Result<StartWorkflow, Error> {
    Ok(StartWorkflow {
        workflow_definition_id: definition.id.clone(),
        // A folder that is kept may know a newer one.
        workflow_version: exactly(&definition.version),
        input: source.read()?,
        idempotency_key: args.idempotency_key.clone(),
        correlation_id: args.correlation_id.clone(),
        traceparent: None,
    })
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

/// What became of the workflow, in one line.
fn summary(ended: &WorkflowInstance, counts: Counts) -> String {
    let status = ended.status.as_str();
    let took = ended.end_time.zip(ended.start_time);
    let took = took.map_or(0, |(end, start)| end.millis_since(start));
    let mut line = format!("workflow {} {status} in {}", ended.id, duration(took));
    line.push_str(&format!(": {}", counted(counts)));
    if let Some(error) = &ended.error {
        line.push_str(&format!("; {}: {}", error.code, error.message));
    }
    line
}

/// `5 tasks, 1 skipped, 2 retries`.
pub(super) fn counted(counts: Counts) -> String {
    let plural = |count: u64, one: &str, more: &str| {
        let word = if count == 1 { one } else { more };
        format!("{count} {word}")
    };
    let mut parts = vec![plural(counts.tasks, "task", "tasks")];
    if counts.skipped > 0 {
        parts.push(format!("{} skipped", counts.skipped));
    }
    if counts.retries > 0 {
        parts.push(plural(counts.retries, "retry", "retries"));
    }
    parts.join(", ")
}
