//! Time limits, retries that are hours away, and the due time, in virtual time and to the
//! millisecond. What is said of one deployment is said of both: the local service, whose
//! scheduler comes at the very time, and functions with a sweep every minute.

mod limits;
mod looks;
mod retries;

use taskmill::Timestamp;
use taskmill::task::TaskInstance;
use taskmill_app::App;
use taskmill_local::{LocalAws, Service};

use crate::support::{Fleet, START, Script, aws, service};

/// Who does the work.
enum Deployment {
    Local(Box<Service>),
    Cloud(Fleet),
}

/// The kinds of deployment.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Local,
    Cloud,
}

impl Kind {
    const BOTH: [Self; 2] = [Self::Local, Self::Cloud];

    /// A deployment on an AWS of its own, whose time begins now.
    async fn deploy(self, script: &Script) -> (LocalAws, Deployment) {
        let aws = aws();
        let deployment = match self {
            Self::Local => Deployment::Local(Box::new(service(&aws, script).await)),
            Self::Cloud => Deployment::Cloud(Fleet::start(&aws, script).await),
        };
        (aws, deployment)
    }
}

impl Deployment {
    fn app(&self) -> &App {
        match self {
            Self::Local(service) => service.app(),
            Self::Cloud(fleet) => fleet.app(),
        }
    }
}

/// The definition of a task with more fields.
fn task(id: &str, executor: &str, fields: &str) -> String {
    format!(
        "id: {id}\nname: Task\nversion: 1.0.0\ntype: AUTOMATED\n\
         executionConfig: {{executor: '{executor}:script'}}\n{fields}\n"
    )
}

/// The definition of a workflow of one step, `only`, of the task `task`.
fn workflow(fields: &str, of_step: &str) -> String {
    format!(
        "---\nid: workflow\nname: Workflow\nversion: 1.0.0\n{fields}\n\
         steps:\n  - {{name: only, taskDefinitionId: task{of_step}}}\n"
    )
}

fn after(millis: u64) -> Timestamp {
    START.plus_millis(millis)
}

/// Start and end of each attempt, in milliseconds from the beginning.
fn attempts(task: &TaskInstance) -> Vec<(u64, u64)> {
    task.attempts
        .iter()
        .map(|attempt| {
            let started = attempt.started_at.unwrap().millis_since(START);
            (started, attempt.ended_at.millis_since(START))
        })
        .collect()
}
