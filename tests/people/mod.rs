//! What people do with their tasks, when several do it at once, when the process dies while one
//! does, and when what they said is never told on. What they find in their inboxes is in
//! `inbox.rs`, what is kept of what they did in `acts.rs`.

mod acts;
mod inbox;

use futures::future::join_all;
use serde_json::{Value, json};
use taskmill::codes::refusal::{ALREADY_CLAIMED, NOT_FOUND};
use taskmill::codes::registration::{NOT_SUPPORTED, OUT_OF_RANGE};
use taskmill::ids::{TaskId, TenantId};
use taskmill::security::Caller;
use taskmill::task::lifecycle::Act;
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill::workflow::WorkflowStatus;
use taskmill_app::people::act;
use taskmill_app::{App, Refusal};
use taskmill_local::LocalAws;

use crate::support::{
    Fleet, HOUR, Records, Script, aws, caller, create, deaf, pass, register, service, settle,
    start, try_register, workflow_of,
};

const DEFINITIONS: &str = "
id: sign
name: Sign
version: 1.0.0
type: MANUAL
---
id: file
name: File
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
---
id: contract
name: Contract
version: 1.0.0
steps:
  - name: sign
    taskDefinitionId: sign
    variableMappings: [{type: EXPRESSION, expression: taskOutput, target: by}]
  - {name: file, taskDefinitionId: file}
output: workflowVariables.by
";

fn person(name: &str) -> Caller {
    Caller {
        user_id: name.to_owned(),
        ..caller()
    }
}

async fn does(app: &App, name: &str, task: TaskId, what: Act) -> Result<TaskInstance, Refusal> {
    act(app, &person(name), task, what).await
}

fn complete(output: Value) -> Act {
    Act::Complete { output }
}

#[tokio::test(start_paused = true)]
async fn a_person_may_have_days_where_a_function_has_minutes() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, DEFINITIONS).await;
    let refused = async |text: &str| match try_register(&app, text).await {
        Err(Refusal::Problems(problems)) => problems
            .into_iter()
            .map(|one| (one.code, one.pointer))
            .collect(),
        Ok(()) => Vec::new(),
        Err(other) => panic!("{other}"),
    };
    let days = "timeout: 432000000";
    let manual = format!("{{id: a, name: A, version: 1.0.0, type: MANUAL, {days}}}");
    assert_eq!(refused(&manual).await, []);
    let config = "executionConfig: {executor: 'lambda:f'}";
    let automated =
        format!("{{id: b, name: B, version: 1.0.0, type: AUTOMATED, {config}, {days}}}");
    let too_long = |pointer: &str| (OUT_OF_RANGE, pointer.to_owned());
    assert_eq!(refused(&automated).await, [too_long("/timeout")]);
    let step = |task| format!("{{name: {task}, taskDefinitionId: {task}, {days}}}");
    let undo = format!(
        "{{name: u, taskDefinitionId: file, compensation: {{taskDefinitionId: file, {days}}}}}"
    );
    let assigned = "{name: x, taskDefinitionId: file, assignment: {assignee: ann}}";
    let steps = format!("[{}, {}, {undo}, {assigned}]", step("sign"), step("file"));
    let workflow = format!("{{id: w, name: W, version: 1.0.0, steps: {steps}}}");
    assert_eq!(
        refused(&workflow).await,
        [
            too_long("/steps/1/timeout"),
            too_long("/steps/2/compensation/timeout"),
            (NOT_SUPPORTED, "/steps/3/assignment".to_owned()),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn of_many_who_claim_at_once_one_wins_and_the_others_are_told() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, DEFINITIONS).await;
    let task = create(&app, "sign", json!({}), "one").await;
    let names: Vec<String> = (0..100).map(|number| format!("person-{number}")).collect();
    let claims = names.iter().map(|name| does(&app, name, task, Act::Claim));
    let claimed = join_all(claims).await;
    let winners: Vec<_> = claimed.iter().filter_map(|one| one.as_ref().ok()).collect();
    let [winner] = winners[..] else {
        panic!("{} have the task", winners.len());
    };
    let refused = claimed.iter().filter_map(|one| one.as_ref().err());
    assert!(refused.clone().all(|one| one.code() == ALREADY_CLAIMED));
    assert_eq!(refused.count(), names.len() - 1);
    let stored = Records::of(&aws).task(task).await;
    assert_eq!((stored.status, stored.version), (TaskStatus::Assigned, 2));
    assert_eq!(stored.assignee, winner.assignee);
    assert_eq!(script.calls().len(), 0, "nobody runs the task of a person");
}

#[tokio::test(start_paused = true)]
async fn the_task_of_another_tenant_is_not_there() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, DEFINITIONS).await;
    let task = create(&app, "sign", json!({}), "one").await;
    let stranger = Caller {
        tenant_id: TenantId::new("umbrella").unwrap(),
        ..caller()
    };
    let nobody = TaskId::new(uuid::Uuid::nil());
    for (who, what) in [(&stranger, task), (&caller(), nobody)] {
        let refusal = act(&app, who, what, Act::Claim).await.unwrap_err();
        assert_eq!(refusal.code(), NOT_FOUND);
    }
    assert_eq!(Records::of(&aws).task(task).await.version, 1);
}

/// A workflow that waits for ann, who has its task.
async fn waiting(aws: &LocalAws, app: &App) -> TaskId {
    register(app, DEFINITIONS).await;
    let workflow = start(app, "contract", json!({}), "run").await;
    settle(aws).await;
    let task = Records::of(aws).step(workflow, "sign").await.id;
    does(app, "ann", task, Act::Claim).await.unwrap();
    task
}

/// The calls of somebody who completes the task while nobody else makes any.
async fn calls_of_a_completion() -> u64 {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    let task = waiting(&aws, &app).await;
    aws.faults().revive();
    does(&app, "ann", task, complete(json!(1))).await.unwrap();
    aws.faults().calls()
}

/// A process dies at one of the calls of a completion. What was written stays written and is acted
/// upon; what was not, the person says again; either way it counts once.
async fn check_death(plan: impl Fn(&LocalAws), call: u64) {
    let (before, script) = (aws(), Script::echo());
    let app = deaf(&before, &script).await;
    let task = waiting(&before, &app).await;
    before.faults().revive();
    plan(&before);
    let killed = before.faults();
    tokio::select! {
        answer = does(&app, "ann", task, complete(json!("ann"))) => {
            assert!(answer.is_err() || killed.is_killed(), "call {call} was not made");
        }
        () = before.faults().killed() => {}
    }

    let after = before.restarted();
    let records = Records::of(&after);
    let was_written = records.task(task).await.status == TaskStatus::Completed;
    let service = service(&after, &script).await;
    if !was_written {
        settle(&after).await;
        let workflow = records.workflow(workflow_of("run")).await;
        assert_eq!(workflow.status, WorkflowStatus::Running);
    }
    // Nobody told ann: she says it again, which is no conflict.
    let again = does(service.app(), "ann", task, complete(json!("ann"))).await;
    assert_eq!(again.unwrap().status, TaskStatus::Completed);
    let ended = records.ended_workflow(workflow_of("run")).await;
    assert_eq!(ended.output, Some(json!("ann")));
    let calls = script.calls();
    assert_eq!(calls.len(), 1, "the next step runs once: {calls:?}");
    assert_eq!(service.dead_letters().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_while_a_person_completes_loses_and_doubles_nothing() {
    for call in 1..=calls_of_a_completion().await {
        check_death(|aws| aws.faults().kill_before(call), call).await;
        check_death(|aws| aws.faults().kill_after(call), call).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_person_said_is_found_although_every_message_is_lost() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    let task = waiting(&aws, &app).await;
    does(&app, "ann", task, complete(json!(1))).await.unwrap();
    // A new process has none of the messages: the due time of the workflow is all that is left.
    let after = aws.restarted();
    let _fleet = Fleet::start(&after, &script).await;
    pass(&after, HOUR).await;
    let ended = Records::of(&after).ended_workflow(workflow_of("run")).await;
    assert_eq!(ended.status, WorkflowStatus::Completed);
}
