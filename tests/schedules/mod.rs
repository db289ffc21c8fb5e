//! Schedules in virtual time: the times of a year, what interruptions leave, and what is asked of a
//! schedule. What is said of one deployment is said of both: the local service, whose scheduler
//! comes at the very time, and functions with a sweep every minute.

mod asked;
mod crash;
mod times;

use serde_json::{Value, json};
use taskmill::Timestamp;
use taskmill::ids::{ScheduleId, ScheduleName};
use taskmill::schedule::{Outcome, Schedule};
use taskmill::workflow::WorkflowInstance;
use taskmill_app::schedules::{self, Expected};
use taskmill_app::{App, Refusal};
use taskmill_aws::store::{DateRange, PageRequest};
use taskmill_local::{LocalAws, Service};

use crate::support::{Answer, Fleet, Records, Script, aws, caller, register, service, tenant};

/// `noted` ends in its first decision, `slow` with its task, `long` after two hours and a half.
const DEFINITIONS: &str = "
id: work
name: Work
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
---
id: noted
name: Noted
version: 1.0.0
steps: [{name: note, type: SET, variableMappings: [{type: DIRECT, source: workflowInput, target: given}]}]
output: workflowVariables.given
---
id: slow
name: Slow
version: 1.0.0
steps: [{name: work, taskDefinitionId: work}]
---
id: long
name: Long
version: 1.0.0
steps: [{name: wait, type: WAIT, duration: PT2H30M}]
";

fn name() -> ScheduleName {
    ScheduleName::new("s").unwrap()
}

fn schedule_id() -> ScheduleId {
    ScheduleId::of(&tenant(), &name())
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Defines the schedule `s` of these fields and those that it must have, as Ann.
async fn define(app: &App, workflow: &str, fields: Value) -> Schedule {
    try_define(app, workflow, fields).await.unwrap()
}

async fn try_define(app: &App, workflow: &str, fields: Value) -> Result<Schedule, Refusal> {
    let mut document = json!({"id": "s", "workflowDefinitionId": workflow, "cron": "0 * * * *"});
    let fields = fields.as_object().unwrap().clone();
    document.as_object_mut().unwrap().extend(fields);
    let definition = schedules::read(&document.to_string())?;
    let defined = schedules::define(app, &caller(), definition, Expected::Any).await;
    defined.map(|(schedule, _)| schedule)
}

/// A service with the definitions.
async fn served(script: &Script) -> (LocalAws, Service) {
    let aws = aws();
    let service = service(&aws, script).await;
    register(service.app(), DEFINITIONS).await;
    (aws, service)
}

/// Functions with the definitions.
async fn functions(script: &Script) -> (LocalAws, Fleet) {
    let aws = aws();
    let fleet = Fleet::start(&aws, script).await;
    register(fleet.app(), DEFINITIONS).await;
    (aws, fleet)
}

/// The schedule as it is stored.
async fn stored(records: &Records) -> Schedule {
    let found = records.store().schedule(schedule_id()).await.unwrap();
    found.unwrap()
}

/// Every workflow of a definition, the oldest first.
async fn started(records: &Records, definition: &str) -> Vec<WorkflowInstance> {
    let id = definition.parse_definition();
    let ever = DateRange {
        from: Timestamp::from_millis(i64::MIN),
        to: Timestamp::from_millis(i64::MAX),
    };
    let mut found = Vec::new();
    let mut request = PageRequest::first(1_000);
    loop {
        let page = records
            .store()
            .workflows_by_definition(&tenant(), &id, ever, &request)
            .await
            .unwrap();
        for summary in page.items {
            found.push(records.workflow(summary.id).await);
        }
        match page.next {
            Some(next) => request = PageRequest::after(1_000, next),
            None => break,
        }
    }
    found.reverse();
    found
}

/// What became of the times that the schedule lists: the time without its day, and a word.
fn told(schedule: &Schedule) -> Vec<String> {
    let one = |run: &taskmill::schedule::Run| {
        let time = run.scheduled_at.to_string();
        let word = match &run.outcome {
            Outcome::Started { .. } => "started",
            Outcome::Overlapped { .. } => "overlapped",
            Outcome::Skipped => "skipped",
            Outcome::Refused { error } => error.code.as_str(),
        };
        format!("{} {word}", &time[11..16])
    };
    schedule.runs.iter().map(one).collect()
}

fn quick() -> Script {
    Script::new(|_| Answer::Succeed(json!({})))
}

trait ParseDefinition {
    fn parse_definition(&self) -> taskmill::ids::DefinitionId;
}

impl ParseDefinition for str {
    fn parse_definition(&self) -> taskmill::ids::DefinitionId {
        taskmill::ids::DefinitionId::new(self).unwrap()
    }
}
