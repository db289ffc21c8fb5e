//! `taskmill run`: a workflow of a folder, from its start (or where an earlier run left it) to
//! its end.

use taskmill::ids::DefinitionId;
use taskmill::security::Caller;
use taskmill::workflow::{WorkflowDefinition, WorkflowInstance};
use taskmill_app::start_workflow::{StartWorkflow, start_workflow};
use taskmill_app::{App, views};
use taskmill_local::{LocalAws, Service};

use super::session::{self, display, exactly, serve, tell_skipped};
use crate::args::{Common, GraphFormat, RunArgs};
use crate::definitions::{Choice, Set};
use crate::exit::{Error, Exit};
use crate::graph::{picture, states_of};
use crate::idle::stuck;
use crate::input::Source;
use crate::interrupt::Interrupts;
use crate::progress::{Display, Tracker, WorkflowRecord};
use crate::resume::{self, OpenWorkflow, Wanted};
use crate::watch::Watch;
use crate::{local, output};

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
    let definition = choice.of_roots(&set)?;
    let run = Run {
        caller: args.common.who.caller(&args.common.tenant),
        request: request(&args.common, definition, &source)?,
        source,
        definition,
        args: &args.common,
        graph: args.graph,
        display: display(args.common.quiet, verbose),
    };
    let mut interrupts = Interrupts::listen().map_err(Error::Runtime)?;
    let aws = local::aws(args.common.data.as_deref())?;
    let open = run.open(&aws).await?;
    let (secrets, tenant) = (args.common.secrets.as_deref(), &args.common.tenant);
    let service = serve(secrets, tenant, aws, &set, &args.path).await?;
    let work = async |service: &Service| run.to_its_end(service, open).await;
    let data = args.common.data.as_deref();
    session::conduct(service, data, &run.display, &mut interrupts, work).await
}

/// What one call runs.
struct Run<'a> {
    caller: Caller,
    source: Source,
    request: StartWorkflow,
    definition: &'a WorkflowDefinition,
    args: &'a Common,
    graph: Option<GraphFormat>,
    display: Display,
}

impl Run<'_> {
    /// What an earlier run left open. A key finds its own.
    async fn open(&self, aws: &LocalAws) -> Result<Option<OpenWorkflow>, Error> {
        let Some(store) = session::store_of_earlier(self.args, aws).await? else {
            return Ok(None);
        };
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
        let (writes, changes) = (service.aws().writes(), service.aws().writes());
        let mut tracker = Tracker::default();
        let id = match open {
            Some(open) => {
                self.take_past(&open, &mut tracker);
                open.workflow.id
            }
            None => {
                let request = self.request.clone();
                let started = start_workflow(service.app(), &self.caller, request).await;
                started.map_err(|refusal| self.source.explain(refusal))?.id
            }
        };
        let mut watch = Watch::over(service, writes, &[id], &mut tracker, &self.display);
        let tenant = &self.caller.tenant_id;
        let awaited = tokio::select! {
            // At the end nothing is open: that it ended is what is told.
            biased;
            ended = watch.until_settled(id) => { ended?; Vec::new() }
            awaited = stuck(service, tenant, changes) => awaited?,
        };
        self.display.clear();
        let ended = service.observer().workflow(id).await?;
        let gone = || Error::Unexpected(format!("the workflow {id} is gone"));
        let ended = ended.ok_or_else(gone)?;
        self.print(service.app(), &ended).await?;
        let summary = WorkflowRecord::from(&ended).summary(tracker.counts());
        session::tell_end(service, &self.display, &summary).await;
        session::tell_awaited(&self.display, &awaited, self.args.data.as_deref());
        Ok(match awaited.is_empty() {
            true => Exit::from(ended.status),
            false => Exit::Waiting,
        })
    }

    /// Prints the workflow, or its picture.
    async fn print(&self, app: &App, workflow: &WorkflowInstance) -> Result<(), Error> {
        let tenant = &self.caller.tenant_id;
        match self.graph {
            Some(format) => {
                let tasks = views::tasks_of(app, tenant, workflow.id).await?;
                let states = states_of(self.definition, workflow, &tasks);
                output::print_text(&picture(self.definition, &states, format))
            }
            None => {
                let view = views::workflow(app, &self.caller, workflow.id).await?;
                output::print(&view, self.args.output)
            }
        }
    }

    /// What was done before is not told again.
    fn take_past(&self, open: &OpenWorkflow, tracker: &mut Tracker) {
        tracker.take_past(open);
        let (id, of) = (open.workflow.id, &self.definition.id);
        let done = tracker.counts();
        self.display
            .say(&format!("resuming workflow {id} ({of}): {done} so far"));
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
