//! `taskmill task run`: one task that stands alone, through the same path as any other.

use std::path::{Path, PathBuf};

use taskmill::ids::TaskId;
use taskmill::security::Caller;
use taskmill::task::{TaskDefinition, TaskPriority};
use taskmill_app::create_task::{CreateTask, create_task};
use taskmill_app::views;
use taskmill_local::{LocalAws, Service};

use super::session::{self, display, exactly, serve, tell_skipped};
use crate::args::{Common, TaskRunArgs};
use crate::definitions::{Choice, Set};
use crate::exit::{Error, Exit};
use crate::idle::stuck;
use crate::input::Source;
use crate::interrupt::Interrupts;
use crate::progress::{Display, TaskRecord, Tracker};
use crate::resume::{self, Wanted};
use crate::{local, output, watch};

/// Runs a task and prints it.
///
/// # Errors
/// Nothing was run, or the end of it could not be seen.
pub async fn run(args: TaskRunArgs, verbose: u8) -> Result<Exit, Error> {
    let source = Source::of(&args.common.input);
    let (path, id) = place(&args.definition, args.definitions.as_deref());
    let set = Set::of_path(&path, source.file())?;
    tell_skipped(&set, verbose);
    let set = only_tasks(set)?;
    let choice = Choice {
        kind: "task",
        how: "as FILE#ID, or as ID with --definitions",
        named: id.as_deref(),
    };
    let definition = choice.of(set.tasks(), |task| (&task.id, &task.version))?;
    let run = Run {
        caller: args.common.who.caller(&args.common.tenant),
        request: request(&args.common, definition, &source)?,
        source,
        args: &args.common,
        display: display(args.common.quiet, verbose),
    };
    let mut interrupts = Interrupts::listen().map_err(Error::Runtime)?;
    let aws = local::aws(args.common.data.as_deref())?;
    let open = run.open(&aws).await?;
    let (secrets, tenant) = (args.common.secrets.as_deref(), &args.common.tenant);
    let service = serve(secrets, tenant, aws, &set, &path).await?;
    let work = async |service: &Service| run.to_its_end(service, open).await;
    let data = args.common.data.as_deref();
    session::conduct(service, data, &run.display, &mut interrupts, work).await
}

/// What one call runs.
struct Run<'a> {
    caller: Caller,
    source: Source,
    request: CreateTask,
    args: &'a Common,
    display: Display,
}

impl Run<'_> {
    /// What an earlier run left open. A key finds its own.
    async fn open(&self, aws: &LocalAws) -> Result<Option<TaskId>, Error> {
        let Some(store) = session::store_of_earlier(self.args, aws).await? else {
            return Ok(None);
        };
        let wanted = Wanted {
            caller: &self.caller,
            definition: &self.request.task_definition_id,
            input: &self.request.input,
            correlation_id: self.request.correlation_id.as_deref(),
        };
        Ok(resume::open_task(&store, &wanted).await?)
    }

    async fn to_its_end(&self, service: &Service, open: Option<TaskId>) -> Result<Exit, Error> {
        let (writes, changes) = (service.aws().writes(), service.aws().writes());
        let mut tracker = Tracker::default();
        let id = match open {
            Some(id) => {
                self.display.say(&format!("resuming task {id}"));
                id
            }
            None => {
                let request = self.request.clone();
                let created = create_task(service.app(), &self.caller, request).await;
                created.map_err(|refusal| self.source.explain(refusal))?.id
            }
        };
        let tenant = &self.caller.tenant_id;
        let (ended, awaited) = tokio::select! {
            biased;
            ended = watch::task(service, writes, id, &mut tracker, &self.display) => {
                (Some(ended?), Vec::new())
            }
            awaited = stuck(service, tenant, changes) => (None, awaited?),
        };
        let view = views::task(service.app(), &self.caller, id).await?;
        self.display.clear();
        output::print(&view, self.args.output)?;
        if let Some(ended) = &ended {
            session::tell_end(service, &self.display, &TaskRecord::from(ended).summary()).await;
        }
        session::tell_awaited(&self.display, &awaited, self.args.data.as_deref());
        Ok(ended.map_or(Exit::Waiting, |ended| Exit::from(ended.status)))
    }
}

/// The path to read, and the task in it: `FILE#ID`, `FILE`, or an id in the path that is given
/// beside it.
fn place(definition: &str, definitions: Option<&Path>) -> (PathBuf, Option<String>) {
    match (definitions, definition.rsplit_once('#')) {
        (Some(path), _) => (path.to_owned(), Some(definition.to_owned())),
        (None, Some((file, id))) if !Path::new(definition).exists() => {
            (PathBuf::from(file), Some(id.to_owned()))
        }
        (None, Some(_) | None) => (PathBuf::from(definition), None),
    }
}

/// A set of which only the tasks count: a workflow whose tasks are elsewhere is no problem here.
fn only_tasks(set: Set) -> Result<Set, Error> {
    let mut set = set;
    set.forget_workflows();
    set.checked()
}

fn request(
    args: &Common,
    definition: &TaskDefinition,
    source: &Source,
) -> Result<CreateTask, Error> {
    Ok(CreateTask {
        task_definition_id: definition.id.clone(),
        task_version: exactly(&definition.version),
        input: source.read()?,
        priority: TaskPriority::default(),
        task_reference: None,
        idempotency_key: args.idempotency_key.clone(),
        correlation_id: args.correlation_id.clone(),
        task_token: None,
        traceparent: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_named_by_file_and_id() {
        let check = |definition, definitions: Option<&str>, path, id: Option<&str>| {
            let placed = place(definition, definitions.map(Path::new));
            assert_eq!(placed, (PathBuf::from(path), id.map(str::to_owned)));
        };
        check("a/tasks.yaml", None, "a/tasks.yaml", None);
        check("a/tasks.yaml#copy", None, "a/tasks.yaml", Some("copy"));
        check("copy", Some("a"), "a", Some("copy"));
        check("a#b/tasks.yaml#copy", None, "a#b/tasks.yaml", Some("copy"));
    }
}
