//! Attempts that another system has: they wait for its callback and cost nothing meanwhile, whatever
//! process dies or message is lost; and they end at their limit when it never comes.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use taskmill::task::TaskStatus;
use taskmill::workflow::WorkflowStatus;
use taskmill_app::callback::{End, end};
use taskmill_app::cancel_task;
use taskmill_app::{App, Refusal};

use crate::support::{
    Answer, Called, Fleet, HOUR, MINUTE, Records, SECOND, Script, aws, caller, create, pass,
    register, service, settle, start,
};

/// One task that is called back, alone, in a line, and in a workflow with a retry after it.
const DEFINITIONS: &str = "
id: order
name: Order
version: 1.0.0
type: INTEGRATION
timeout: 7200000
retryPolicy: {maxRetries: 1, retryInterval: 1000, jitter: NONE}
executionConfig: {executor: 'https://example.com/orders', callback: true}
---
id: single
name: Single
version: 1.0.0
type: INTEGRATION
timeout: 7200000
concurrency: {limit: 1}
executionConfig: {executor: 'https://example.com/orders', callback: true}
---
id: flow
name: Flow
version: 1.0.0
steps:
  - name: order
    taskDefinitionId: order
    variableMappings: [{type: DIRECT, source: taskOutput, target: ordered}]
output: workflowVariables.ordered
";

fn handing_over() -> Script {
    Script::new(|_| Answer::HandOver)
}

fn last(script: &Script) -> Called {
    script.calls().pop().expect("it was called")
}

async fn tell(app: &App, token: &str, output: Value) -> Result<TaskStatus, Refusal> {
    end(app, token, End::Output(output))
        .await
        .map(|task| task.status)
}

async fn fail(app: &App, token: &str) -> Result<TaskStatus, Refusal> {
    let error = serde_json::from_value(json!({"code": "BUSY"})).unwrap();
    end(app, token, End::Error(Box::new(error)))
        .await
        .map(|task| task.status)
}

/// Who may still tell the end of a call, by the code of the refusal.
async fn refused(app: &App, token: &str) -> &'static str {
    match tell(app, token, json!({})).await {
        Ok(status) => panic!("it was taken: {status:?}"),
        Err(refusal) => refusal.code(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_waits_for_its_callback_and_takes_it_once() {
    let (aws, script) = (aws(), handing_over());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    let id = create(service.app(), "order", json!({}), "k").await;
    settle(&aws).await;
    let records = Records::of(&aws);
    let waiting = records.task(id).await;
    let call = last(&script);
    assert_eq!(
        (waiting.status, waiting.elsewhere_since),
        (TaskStatus::Running, Some(call.at))
    );
    assert_eq!(waiting.deadline_at, Some(call.at.plus_millis(2 * HOUR)));
    assert_eq!(waiting.due_at, waiting.deadline_at);
    pass(&aws, HOUR).await;
    assert_eq!(
        records.task(id).await,
        waiting,
        "nothing is written meanwhile"
    );
    assert_eq!(
        tell(service.app(), &call.token, json!(7)).await.unwrap(),
        TaskStatus::Completed
    );
    let done = records.task(id).await;
    assert_eq!(
        (&done.output, done.elsewhere_since),
        (&Some(json!(7)), None)
    );
    assert_eq!(done.metrics.execution_time, HOUR + 1);
    assert_eq!(
        tell(service.app(), &call.token, json!(7)).await.unwrap(),
        TaskStatus::Completed
    );
    assert_eq!(records.task(id).await, done);
    assert_eq!(script.calls_of(id), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_followed_by_an_attempt_with_an_address_of_its_own() {
    let (aws, script) = (aws(), handing_over());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    let id = create(service.app(), "order", json!({}), "k").await;
    settle(&aws).await;
    let first = last(&script).token;
    assert_eq!(
        fail(service.app(), &first).await.unwrap(),
        TaskStatus::RetryPending
    );
    assert_eq!(
        fail(service.app(), &first).await.unwrap(),
        TaskStatus::RetryPending
    );
    pass(&aws, 2 * SECOND).await;
    let second = last(&script).token;
    assert_ne!(first, second);
    assert_eq!(refused(service.app(), &first).await, "VERSION_CONFLICT");
    assert_eq!(
        fail(service.app(), &second).await.unwrap(),
        TaskStatus::Failed
    );
    assert_eq!(refused(service.app(), &second).await, "ILLEGAL_STATE");
    assert_eq!(script.calls_of(id), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_never_called_back_ends_at_its_limit_alone_and_in_a_workflow() {
    let (aws, script) = (aws(), handing_over());
    let fleet = Fleet::start(&aws, &script).await;
    register(fleet.app(), DEFINITIONS).await;
    let alone = create(fleet.app(), "order", json!({}), "k").await;
    let flow = start(fleet.app(), "flow", json!({}), "f").await;
    pass(&aws, 2 * HOUR - MINUTE).await;
    assert_eq!(script.calls().len(), 2);
    let records = Records::of(&aws);
    // The retry is given the same time, and then none is left.
    pass(&aws, 2 * MINUTE).await;
    assert_eq!(script.calls().len(), 4);
    let again = records.task(alone).await;
    assert_eq!(
        (again.status, again.attempt(), again.losses),
        (TaskStatus::Running, 2, 0)
    );
    assert_eq!(again.attempts[0].error.as_ref().unwrap().code, "TIMEOUT");
    let tokens: BTreeMap<_, _> = script
        .calls()
        .into_iter()
        .map(|call| (call.task, call.token))
        .collect();
    pass(&aws, 2 * HOUR).await;
    assert_eq!(records.task(alone).await.status, TaskStatus::TimedOut);
    assert_eq!(records.workflow(flow).await.status, WorkflowStatus::Failed);
    for token in tokens.values() {
        assert_eq!(refused(fleet.app(), token).await, "ILLEGAL_STATE");
    }
}

#[tokio::test(start_paused = true)]
async fn who_calls_back_too_late_is_told_so_before_anybody_looks() {
    let (aws, script) = (aws(), handing_over());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    create(service.app(), "order", json!({}), "k").await;
    settle(&aws).await;
    let app = service.app().clone();
    // Nobody looks any more.
    drop(service);
    pass(&aws, 2 * HOUR).await;
    assert_eq!(refused(&app, &last(&script).token).await, "ILLEGAL_STATE");
}

#[tokio::test(start_paused = true)]
async fn a_workflow_goes_on_with_what_is_called_back_whoever_died_meanwhile() {
    let (aws, script) = (aws(), handing_over());
    let first = service(&aws, &script).await;
    register(first.app(), DEFINITIONS).await;
    let flow = start(first.app(), "flow", json!({}), "f").await;
    settle(&aws).await;
    drop(first);
    let second = service(&aws, &script).await;
    settle(&aws).await;
    let call = last(&script);
    let records = Records::of(&aws);
    let waiting = records.task(call.task).await;
    assert_eq!((waiting.status, waiting.losses), (TaskStatus::Running, 0));
    tell(second.app(), &call.token, json!({"number": 7}))
        .await
        .unwrap();
    settle(&aws).await;
    let done = records.workflow(flow).await;
    assert_eq!(
        (done.status, done.output),
        (WorkflowStatus::Completed, Some(json!({"number": 7})))
    );
    assert_eq!(script.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_callback_may_come_before_the_answer_that_announces_it() {
    let script = Script::new(|_| Answer::HandOver.after(5 * SECOND));
    let aws = aws();
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    let id = create(service.app(), "order", json!({}), "k").await;
    settle(&aws).await;
    tell(service.app(), &last(&script).token, json!(1))
        .await
        .unwrap();
    pass(&aws, MINUTE).await;
    let done = Records::of(&aws).task(id).await;
    assert_eq!(
        (done.status, done.elsewhere_since),
        (TaskStatus::Completed, None)
    );
    assert_eq!(script.calls_of(id), 1);
}

#[tokio::test(start_paused = true)]
async fn the_answer_that_hands_over_must_come_soon_though_the_end_may_take_long() {
    let script = Script::new(|_| Answer::Hang);
    let aws = aws();
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    let id = create(service.app(), "order", json!({}), "k").await;
    pass(&aws, MINUTE + 100).await;
    let task = Records::of(&aws).task(id).await;
    assert_eq!((task.status, task.attempt()), (TaskStatus::RetryPending, 2));
    assert_eq!(task.attempts[0].error.as_ref().unwrap().code, "TIMEOUT");
}

#[tokio::test(start_paused = true)]
async fn a_place_is_kept_until_the_callback_and_then_given_on() {
    let (aws, script) = (aws(), handing_over());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    let mut ids = Vec::new();
    for key in ["a", "b", "c"] {
        ids.push(create(service.app(), "single", json!({}), key).await);
        settle(&aws).await;
    }
    pass(&aws, HOUR).await;
    assert_eq!(script.calls().len(), 1);
    tell(service.app(), &last(&script).token, json!(1))
        .await
        .unwrap();
    settle(&aws).await;
    assert_eq!(last(&script).task, ids[1]);
    // Nobody hears of the work any more: its place is free as well.
    cancel_task::cancel_task(service.app(), &caller(), ids[1], "no".to_owned())
        .await
        .unwrap();
    settle(&aws).await;
    assert_eq!(last(&script).task, ids[2]);
    assert_eq!(
        refused(service.app(), &script.calls()[1].token).await,
        "ILLEGAL_STATE"
    );
}

#[tokio::test(start_paused = true)]
async fn another_tenants_token_or_anothers_key_is_nobodys() {
    let (aws, script) = (aws(), handing_over());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    create(service.app(), "order", json!({}), "k").await;
    settle(&aws).await;
    let token = last(&script).token;
    let callbacks = crate::support::callbacks();
    let mut ticket = callbacks.ticket(&token).unwrap();
    ticket.tenant_id = taskmill::ids::TenantId::new("umbrella").unwrap();
    let foreign = callbacks.callback(&ticket).token;
    assert_eq!(refused(service.app(), &foreign).await, "NOT_FOUND");
    let other = taskmill_aws::callbacks::Callbacks::new("https://x", &"k".repeat(32)).unwrap();
    let forged = other.callback(&callbacks.ticket(&token).unwrap()).token;
    assert_eq!(refused(service.app(), &forged).await, "NOT_FOUND");
    ticket = callbacks.ticket(&token).unwrap();
    ticket.attempt = 2;
    let early = callbacks.callback(&ticket).token;
    assert_eq!(refused(service.app(), &early).await, "VERSION_CONFLICT");
}
