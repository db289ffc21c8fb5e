//! A person does something with a task at every moment of a workflow, and it still ends as it
//! should.

use serde_json::json;
use taskmill::Timestamp;
use taskmill::codes::refusal::{ALREADY_CLAIMED, ILLEGAL_STATE, NOT_THE_ASSIGNEE};
use taskmill::security::{ADMINISTER_TASKS, Caller};
use taskmill::task::lifecycle::Act;
use taskmill::task::{TaskInstance, TaskStatus, TaskType};
use taskmill::workflow::WorkflowStatus;
use taskmill_app::people::act;

use super::run::{Run, Written, check_once, check_over, check_watched, script};
use super::{calls_to, few, some};
use crate::support::{caller, pass, start, workflow_of};

/// Tasks of people beside other work, in an iteration, in a child's place and at the end.
const SIGNED: &str = "
id: sign
name: Sign
version: 1.0.0
type: MANUAL
retryPolicy: {maxRetries: 1, retryInterval: 0}
assignment: {candidateUsers: [ann, bob], followUpIn: 700, dueIn: 1500, escalateTo: eve}
---
id: run
name: Signed
version: 1.0.0
steps:
  - name: both
    type: PARALLEL
    branches:
      - {name: a, steps: [{name: sign, taskDefinitionId: sign}]}
      - {name: b, steps: [{name: flaky, taskDefinitionId: work}, {name: check, taskDefinitionId: sign}]}
  - {name: each, type: MAP, items: '[1, 2]', steps: [{name: sign, taskDefinitionId: sign}]}
  - {name: below, type: SUB_WORKFLOW, workflowDefinitionId: child}
  - {name: last, taskDefinitionId: sign}
";

/// What a person does at a moment.
#[derive(Debug, Clone, Copy)]
enum Doing {
    Claim,
    Complete,
    Fail,
    Assign,
    Release,
    Start,
    Delegate,
    FollowUp,
    Comment,
}

impl Doing {
    fn act(self, now: Timestamp) -> Act {
        match self {
            Self::Claim => Act::Claim,
            Self::Complete => Act::Complete {
                output: json!("early"),
            },
            Self::Fail => Act::Fail {
                code: "ILL".to_owned(),
                message: String::new(),
                details: serde_json::Map::new(),
                permanent: false,
            },
            Self::Assign => Act::Assign {
                assignee: "cem".to_owned(),
            },
            Self::Release => Act::Release,
            Self::Start => Act::Start,
            Self::Delegate => Act::Delegate {
                assignee: "dia".to_owned(),
            },
            Self::FollowUp => Act::FollowUp {
                until: Some(now.plus_millis(900)),
            },
            Self::Comment => Act::Comment {
                text: "who does this?".to_owned(),
            },
        }
    }
}

fn person(name: &str) -> Caller {
    Caller {
        user_id: name.to_owned(),
        permissions: vec![ADMINISTER_TASKS.to_owned()],
        ..caller()
    }
}

/// The first task of a person that is open.
async fn open_task(run: &Run, written: &mut Written) -> Option<TaskInstance> {
    let everything = run.everything(written).await;
    let mut tasks = everything.tasks.into_iter();
    tasks.find(|task| task.task_type == TaskType::Manual && !task.status.is_terminal())
}

/// Somebody does their work: claims a task, or completes the one that is claimed.
async fn work(run: &Run, written: &mut Written) {
    pass(&run.aws, 400).await;
    let Some(task) = open_task(run, written).await else {
        return;
    };
    let handling = task.handling.clone().unwrap();
    let (name, what) = match (&task.assignee, handling.owner) {
        (None, _) => ("ann", Act::Claim),
        (Some(name), Some(_)) => (name.as_str(), Act::Resolve),
        (Some(name), None) => (
            name.as_str(),
            Act::Complete {
                output: json!("done"),
            },
        ),
    };
    let done = act(&run.other, &person(name), task.id, what).await;
    if let Err(refusal) = done {
        let codes = [ALREADY_CLAIMED, NOT_THE_ASSIGNEE, ILLEGAL_STATE];
        assert!(codes.contains(&refusal.code()), "{refusal}");
    }
}

async fn until_signed(run: &Run, written: &mut Written) {
    let id = workflow_of("run");
    for _ in 0..200 {
        let found = run.records.store().workflow(id).await.unwrap();
        if found.is_some_and(|found| found.is_settled()) {
            return;
        }
        work(run, written).await;
    }
    panic!("it never ends");
}

/// The calls of an undisturbed run that write.
async fn moments() -> Vec<u64> {
    let run = Run::new(SIGNED, script(None)).await;
    let mut written = Written::to(&run.aws);
    run.start().await;
    until_signed(&run, &mut written).await;
    calls_to(&run, &["dynamodb.PutItem", "dynamodb.UpdateItem"])
}

async fn check(doing: Doing, call: u64) {
    let run = Run::new(SIGNED, script(None)).await;
    let mut written = Written::to(&run.aws);
    let held = run.aws.faults().hold(call);
    let app = run.service.app().clone();
    let starting = tokio::spawn(async move { start(&app, "run", json!({}), "run").await });
    loop {
        tokio::select! {
            biased;
            () = held.reached() => break,
            () = work(&run, &mut written) => {}
        }
    }
    if let Some(task) = open_task(&run, &mut written).await {
        let name = task.assignee.as_deref().unwrap_or("bob");
        let done = act(
            &run.other,
            &person(name),
            task.id,
            doing.act(run.aws.clock().now()),
        )
        .await;
        if let Err(refusal) = done {
            let codes = [NOT_THE_ASSIGNEE, ILLEGAL_STATE];
            assert!(codes.contains(&refusal.code()), "{refusal}");
        }
    }
    check_watched(&run, &mut written).await;
    held.release();
    starting.await.unwrap();
    until_signed(&run, &mut written).await;
    let workflow = run.until_over().await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    let everything = run.everything(&mut written).await;
    check_over(&run, &everything).await;
    check_once(&run);
    let signed = everything.tasks.iter();
    let signed = signed.filter(|task| task.task_type == TaskType::Manual);
    let signed: Vec<_> = signed.map(|task| task.status).collect();
    assert_eq!(signed, [TaskStatus::Completed; 5]);
}

async fn check_all(doing: Doing, moments: Vec<u64>) {
    for call in moments {
        eprintln!("{doing:?} at call {call}");
        check(doing, call).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_acts_at_any_moment() {
    let moments = moments().await;
    let all = [
        Doing::Claim,
        Doing::Complete,
        Doing::Fail,
        Doing::Assign,
        Doing::Release,
    ];
    for doing in all {
        check_all(doing, some(moments.clone(), doing as usize)).await;
    }
}

/// Acts that move a task little.
#[tokio::test(start_paused = true)]
async fn a_person_works_on_a_task_at_any_moment() {
    let moments = moments().await;
    let all = [
        Doing::Start,
        Doing::Delegate,
        Doing::FollowUp,
        Doing::Comment,
    ];
    for doing in all {
        check_all(doing, few(moments.clone(), doing as usize)).await;
    }
}
