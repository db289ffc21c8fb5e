//! One case: a service of its own, in virtual time, and what is done to it.
//!
//! What happens at one instant by itself happens before what the case does at that instant.

use std::cell::RefCell;
use std::collections::HashMap;

use serde_json::Value;
use taskmill::Timestamp;
use taskmill::ids::{DefinitionId, TenantId, WorkflowId};
use taskmill::problem::Problem;
use taskmill::registration::Definition;
use taskmill::security::Caller;
use taskmill::task::tenants::TenantLimits;
use taskmill::workflow::decider::{Ask, Operation};
use taskmill_app::register::{register_task, register_workflow};
use taskmill_app::start_workflow::{StartWorkflow, start_workflow};
use taskmill_app::{App, Refusal, workflows};
use taskmill_aws::clock::Clock;
use taskmill_local::service::{Options, Prepared, prepare};
use taskmill_local::{LocalAws, Service, Written};
use tokio::sync::broadcast::Receiver;

use super::compare;
use super::definitions::Definitions;
use super::file::{Case, RefusedSpec, TestFile};
use super::people;
use super::script::Script;
use super::story::{Story, Writes};
use super::update::{Seen, What};
use crate::defining;
use crate::exit::Error;

/// When every case begins.
pub(super) const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);
/// Milliseconds after which a case that has not ended will not end: no timer is longer.
const LONGEST: u64 = 800 * 24 * 60 * 60 * 1000;
/// Yields in a row in which nothing is asked of AWS, after which nothing more happens by itself.
const QUIET: u32 = 64;

/// What became of a case.
#[derive(Default)]
pub struct Ran {
    /// What differs from what it expects.
    pub differences: Vec<String>,
    /// What happened where it expects something.
    pub seen: Vec<Seen>,
}

impl Ran {
    fn of(differences: Vec<String>, what: What) -> Self {
        let place = "/expect".to_owned();
        Self {
            differences,
            seen: vec![Seen { place, what }],
        }
    }
}

/// Runs a case.
///
/// # Errors
/// What it runs cannot be read, or the service failed.
pub fn run(file: &TestFile, case: &Case) -> Result<Ran, Error> {
    let definitions = Definitions::of(file)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(Error::Runtime)?;
    runtime.block_on(run_in_virtual_time(&definitions, case))
}

async fn run_in_virtual_time(definitions: &Definitions, case: &Case) -> Result<Ran, Error> {
    let clock = Clock::anchored(START);
    let aws = LocalAws::in_memory(clock)?;
    let answers: HashMap<_, _> = case.tasks.clone().into_iter().collect();
    let script = Script::new(answers, clock);
    let writes = aws.writes();
    let options = Options {
        executors: script.executors(),
        worker: "test/1".to_owned(),
        batch_size: 10,
        concurrency: 64,
        callbacks: None,
        tenant_limits: TenantLimits::default(),
    };
    let prepared = prepare(aws.clone(), options).await?;
    let tested = match register(&prepared, definitions).await? {
        Ok(id) => id,
        Err(problems) => {
            let differences = refused_registration(case, &problems);
            return Ok(Ran::of(differences, What::Unregistered(problems)));
        }
    };
    if case
        .expect
        .registration
        .as_ref()
        .is_some_and(|list| !list.is_empty())
    {
        return Ok(Ran {
            differences: vec!["registration: the definition is not refused".to_owned()],
            seen: Vec::new(),
        });
    }
    let service = prepared.begin().await?;
    script.look_up_in(service.observer().clone());
    let run = Run {
        service: &service,
        aws: &aws,
        case,
        caller: caller(case),
        seen: RefCell::default(),
    };
    let mut ran = run.play(tested, writes).await?;
    ran.differences.extend(script.problems());
    Ok(ran)
}

fn refused_registration(case: &Case, problems: &[Problem]) -> Vec<String> {
    match &case.expect.registration {
        Some(expected) => compare::problems(expected, problems),
        None => problems
            .iter()
            .map(|one| {
                format!(
                    "registration: {} {}: {}",
                    one.code, one.pointer, one.message
                )
            })
            .collect(),
    }
}

fn tenant() -> TenantId {
    TenantId::new("test").expect("the name of a tenant")
}

fn caller(case: &Case) -> Caller {
    Caller {
        tenant_id: tenant(),
        user_id: case.caller.user.clone(),
        roles: case.caller.roles.clone(),
        permissions: case.caller.permissions.clone(),
        environment_id: None,
    }
}

/// Registers everything, and gives the id of the workflow under test; or the problems.
async fn register(
    prepared: &Prepared,
    definitions: &Definitions,
) -> Result<Result<DefinitionId, Vec<Problem>>, Error> {
    let all = match definitions.read() {
        Ok(all) => all,
        Err(problems) => return Ok(Err(problems)),
    };
    let (app, tenant) = (prepared.app(), tenant());
    let mut waiting = Vec::new();
    for definition in &all {
        match definition {
            Definition::Task(task) => {
                register_task(app, &tenant, task).await?;
            }
            Definition::Workflow(workflow) => waiting.push(workflow),
        }
    }
    let registered = defining::in_turn(waiting, async |workflow| {
        Ok(register_workflow(app, &tenant, workflow).await?)
    });
    match registered.await {
        Ok(_) => {}
        Err((_, Error::Refused(Refusal::Problems(problems)))) => return Ok(Err(problems)),
        Err((_, error)) => return Err(error),
    }
    let id = definitions.tested["id"].as_str().unwrap_or_default();
    Ok(DefinitionId::new(id).map_err(|_| Vec::new()))
}

/// A case that runs.
struct Run<'c> {
    service: &'c Service,
    aws: &'c LocalAws,
    case: &'c Case,
    caller: Caller,
    seen: RefCell<Vec<Seen>>,
}

/// Something that the case does at a time.
enum Act<'c> {
    Signal(&'c super::file::SignalAct),
    Person(&'c super::file::PersonAct),
    Operation(&'c super::file::OperationAct),
    Moment(usize, &'c super::file::Moment),
}

impl Run<'_> {
    async fn play(
        &self,
        tested: DefinitionId,
        mut receiver: Receiver<Written>,
    ) -> Result<Ran, Error> {
        let mut writes = Writes::new();
        let request = StartWorkflow {
            workflow_definition_id: tested,
            workflow_version: None,
            input: self.case.input.clone(),
            idempotency_key: Some("the case".to_owned()),
            correlation_id: None,
            traceparent: None,
        };
        let started = start_workflow(self.app(), &self.caller, request).await;
        let id = match (started, &self.case.expect.refused) {
            (Ok(workflow), None) => workflow.id,
            (Ok(_), Some(code)) => {
                return Ok(Ran {
                    differences: vec![format!("refused: {code} was expected")],
                    seen: Vec::new(),
                });
            }
            (Err(refusal), Some(code)) if refusal.code() == code => return Ok(Ran::default()),
            (Err(refusal), _) => {
                let differences = vec![format!("refused: {refusal}")];
                return Ok(Ran::of(differences, What::Refused(refusal.code())));
            }
        };
        let mut differences = Vec::new();
        for (at, act) in self.acts() {
            let at = START.plus_millis(at);
            self.aws.clock().sleep_until(at).await;
            self.quiet().await;
            drain(&mut receiver, &mut writes);
            differences.extend(self.act(&act, id, &writes).await?);
            self.quiet().await;
        }
        self.until_settled(id, &mut receiver, &mut writes).await?;
        let story = Story::of(self.service.observer(), id, &writes).await?;
        differences.extend(compare::differences(&self.case.expect, &story));
        self.see("/expect".to_owned(), story);
        match self.service.dead_letters().await {
            Ok(letters) => differences.extend(letters.into_iter().map(|letter| {
                let reason = letter.reason.unwrap_or_default();
                format!("a message of {} is dead: {reason}", letter.queue)
            })),
            Err(error) => differences.push(format!("the dead letters cannot be read: {error}")),
        }
        let seen = self.seen.take();
        Ok(Ran { differences, seen })
    }

    fn see(&self, place: String, story: Story) {
        let what = What::Ran(Box::new(story));
        self.seen.borrow_mut().push(Seen { place, what });
    }

    fn app(&self) -> &App {
        self.service.app()
    }

    /// What the case does, by time; of one time, first what it asks and then what it expects.
    fn acts(&self) -> Vec<(u64, Act<'_>)> {
        let signals = self
            .case
            .signals
            .iter()
            .map(|one| (one.at, Act::Signal(one)));
        let people = self.case.people.iter();
        let people = people.map(|one| (one.at, Act::Person(one)));
        let operations = self.case.operations.iter();
        let operations = operations.map(|one| (one.at, Act::Operation(one)));
        let moments = self
            .case
            .moments
            .iter()
            .enumerate()
            .map(|(number, one)| (one.at, Act::Moment(number, one)));
        let mut acts: Vec<_> = signals
            .chain(people)
            .chain(operations)
            .chain(moments)
            .collect();
        acts.sort_by_key(|(at, _)| *at);
        acts
    }

    async fn act(
        &self,
        act: &Act<'_>,
        id: WorkflowId,
        writes: &Writes,
    ) -> Result<Vec<String>, Error> {
        let (at, ask, refused) = match act {
            Act::Moment(number, moment) => {
                let story = Story::of(self.service.observer(), id, writes).await?;
                let found = compare::differences(&moment.expected, &story);
                self.see(format!("/moments/{number}"), story);
                let at = moment.at;
                return Ok(found
                    .into_iter()
                    .map(|one| format!("at {at}: {one}"))
                    .collect());
            }
            Act::Person(persons) => {
                let story = Story::of(self.service.observer(), id, writes).await?;
                let place = format!("at {}: {}", persons.at, persons.task);
                let meant = match people::meant(persons, &self.caller, &story) {
                    Ok(meant) => meant,
                    Err(reason) => return Ok(vec![format!("{place}: {reason}")]),
                };
                let (person, task) = (&meant.person, meant.task);
                let done = taskmill_app::people::act(self.app(), person, task, meant.act).await;
                return Ok(unexpected(&place, done.err(), persons.refused.as_ref()));
            }
            Act::Signal(signal) => {
                let ask = Ask::Signal {
                    name: signal.name.clone(),
                    data: signal.data.clone(),
                };
                (signal.at, ask, &signal.refused)
            }
            Act::Operation(operation) => match ask_of(&operation.ask) {
                Ok(ask) => (operation.at, ask, &operation.refused),
                Err(reason) => return Ok(vec![format!("at {}: {reason}", operation.at)]),
            },
        };
        let what = ask.as_str();
        let operation = Operation {
            request_id: None,
            by_parent: None,
            ask,
        };
        let done = workflows::operate(self.app(), &self.caller.tenant_id, id, operation).await;
        let place = format!("at {at}: {what}");
        Ok(unexpected(&place, done.err(), refused.as_ref()))
    }

    /// Lets everything happen that needs no time.
    async fn quiet(&self) {
        let mut calls = self.aws.faults().calls();
        let mut quiet = 0;
        while quiet < QUIET {
            tokio::task::yield_now().await;
            let now = self.aws.faults().calls();
            quiet = if now == calls { quiet + 1 } else { 0 };
            calls = now;
        }
    }

    /// Returns when nothing is left to happen, or when nothing ever will.
    async fn until_settled(
        &self,
        id: WorkflowId,
        receiver: &mut Receiver<Written>,
        writes: &mut Writes,
    ) -> Result<(), Error> {
        let clock = self.aws.clock();
        let mut step = 1;
        let end = clock.now().plus_millis(LONGEST);
        while clock.now() < end {
            self.quiet().await;
            drain(receiver, writes);
            let workflow = self.service.observer().workflow(id).await?;
            let is_settled = workflow.is_none_or(|workflow| workflow.is_settled());
            if is_settled && self.service.observer().next_due().await?.is_none() {
                return Ok(());
            }
            clock.sleep_until(clock.now().plus_millis(step)).await;
            step = (step * 2).min(24 * 60 * 60 * 1000);
        }
        Ok(())
    }
}

/// What differs of an answer from what is expected of it.
fn unexpected(
    place: &str,
    refusal: Option<Refusal>,
    expected: Option<&RefusedSpec>,
) -> Vec<String> {
    match (refusal, expected) {
        (None, None | Some(RefusedSpec::Any(false))) => Vec::new(),
        (None, Some(_)) => vec![format!("{place} was to be refused")],
        (Some(_), Some(RefusedSpec::Any(true))) => Vec::new(),
        (Some(refusal), Some(RefusedSpec::Code(code))) if refusal.code() == code => Vec::new(),
        (Some(refusal), _) => vec![format!("{place} is refused: {refusal}")],
    }
}

fn drain(receiver: &mut Receiver<Written>, writes: &mut Writes) {
    while let Ok(written) = receiver.try_recv() {
        writes.push(written);
    }
}

/// What an operation of a case asks.
fn ask_of(fields: &serde_json::Map<String, Value>) -> Result<Ask, String> {
    let mut fields = fields.clone();
    if fields.get("do") == Some(&"cancel".into()) && !fields.contains_key("reason") {
        fields.insert("reason".to_owned(), "the test cancels it".into());
    }
    if let Some(step) = fields.remove("step") {
        fields.insert("path".to_owned(), step);
    }
    serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())
}
